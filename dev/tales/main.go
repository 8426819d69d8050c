// Command tales prepares the texts of recipes/tales.yaml: it cuts the lower-case
// sample of TinyStories into stories, gives sentences and names their capitals,
// and writes them twice, as texts and as answers to somebody who asks for a
// story. It belongs to the recipe alone. Start with main.
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	in := flag.String("in", "", "tinystories_lowercase_sample.txt.gz")
	out := flag.String("out", "", "folder for stories.jsonl and turns.jsonl")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "tales:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	stories, err := read(in)
	if err != nil {
		return fmt.Errorf("read %s: %w", in, err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return errors.Join(
		write(filepath.Join(out, "stories.jsonl"), stories, func(_ int, s string) any {
			return map[string]string{"text": s}
		}),
		write(filepath.Join(out, "turns.jsonl"), stories, func(i int, s string) any {
			return map[string]any{"turns": [][2]string{{"user", ask(i, s)}, {"assistant", s}}}
		}))
}

// read returns the stories: one begins at every line that follows no empty one.
func read(path string) (stories []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var story []string
	empty := true
	end := func() {
		if len(story) > 0 {
			stories = append(stories, capitals(strings.Join(story, "\n\n")))
		}
		story = nil
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line != "" {
			if !empty {
				end()
			}
			story = append(story, line)
		}
		empty = line == ""
	}
	end()
	return stories, lines.Err()
}

var (
	named    = regexp.MustCompile(`\bnamed ([a-z]+)`)
	name     = regexp.MustCompile(`\b(lily|tim|tom|sam|ben|max|sue|mia|anna|sara|sarah|jack|timmy|tommy|lucy|bob|john|amy|jane|mr|mrs|god|christmas)\b`)
	me       = regexp.MustCompile(`\bi\b`)
	sentence = regexp.MustCompile(`(^|\n\n|[.!?]["”]? +["“]?|[,:] ["“]|(?:^|\n\n)["“])([a-z])`)
)

// capitals writes the first letters of sentences and names large again.
func capitals(s string) string {
	for _, m := range named.FindAllStringSubmatch(s, -1) {
		s = regexp.MustCompile(`\b`+m[1]+`\b`).ReplaceAllStringFunc(s, large)
	}
	s = me.ReplaceAllStringFunc(name.ReplaceAllStringFunc(s, large), large)
	return sentence.ReplaceAllStringFunc(s, func(m string) string {
		return m[:len(m)-1] + strings.ToUpper(m[len(m)-1:])
	})
}

func large(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

var subject = regexp.MustCompile(`\ba (?:(?:very|little|big|small|young|old|happy|sad|kind|clever|brave|funny|nice|pretty|red|blue|brown) )*([a-z]{3,})\b`)

// ask asks for a story like s: by its subject, by its hero's name, or for any.
func ask(i int, s string) string {
	first, _, _ := strings.Cut(s, "\n\n")
	var things []string
	for _, m := range subject.FindAllStringSubmatch(first, -1) {
		if m[1] != "time" && m[1] != "named" && m[1] != "lot" && m[1] != "day" {
			things = append(things, m[1])
		}
	}
	hero := regexp.MustCompile(`\bnamed ([A-Z][a-z]+)`).FindStringSubmatch(first)
	switch {
	case i%4 == 0 || things == nil:
		return []string{"Tell me a story.", "Please tell me a story.", "Can you tell me a story?", "I would like to hear a story."}[i/4%4]
	case i%4 == 1 && hero != nil:
		return fmt.Sprintf([]string{"Tell me a story about %s.", "Please write a story about %s.", "Do you know a story about %s?"}[i/4%3], hero[1])
	}
	return fmt.Sprintf([]string{"Tell me a story about a %s.", "Write a short story about a %s.", "Can you tell me a story about a %s?"}[i%3], things[i%len(things)])
}

// write writes one line of JSON a story.
func write(path string, stories []string, line func(i int, s string) any) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	for i, s := range stories {
		if err := json.NewEncoder(io.Writer(w)).Encode(line(i, s)); err != nil {
			return err
		}
	}
	return w.Flush()
}
