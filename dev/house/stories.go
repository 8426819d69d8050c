package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quotes makes typographic signs those of a keyboard, as the other sources have
// them, and takes the marks of italics away. The first line is of signs that were
// taken for Windows-1252 and encoded a second time, and whose third byte is lost
// where that has no letter for it, as of a closing quote.
var quotes = strings.NewReplacer(
	"â€œ", `"`, "â€™", "'", "â€˜", "'", "â€“", "--", "â€”", "--", "â€¦", "...", "â€", `"`, "â«", `"`, "â»", `"`,
	"“", `"`, "”", `"`, "‘", "'", "’", "'", "—", "--", "…", "...", "_", "", " ", " ")

// noise is a paragraph that is the edition's and not the story's.
var noise = regexp.MustCompile(`(?i)project gutenberg|transcriber|\[illustration|copyright|e-?text|^\W*$`)

// blank separates paragraphs.
var blank = regexp.MustCompile(`\n[ \t]*\n\s*`)

// stories reads the stories of Project Gutenberg: paragraphs without breaks
// in them.
func stories(path string) (all []text, err error) {
	err = lines(path, func(line []byte) error {
		var s text
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		var paragraphs []string
		for _, p := range blank.Split(quotes.Replace(s.Text), -1) {
			if p = strings.Join(strings.Fields(p), " "); !noise.MatchString(p) {
				paragraphs = append(paragraphs, p)
			}
		}
		if len(paragraphs) > 0 {
			all = append(all, text{strings.Join(paragraphs, "\n\n")})
		}
		return nil
	})
	return all, err
}

// answered is of 8 stories how many are told as answers.
const answered = 3

// tiny reads TinyStories: some as texts, the others as answers.
func tiny(path string) (told []text, asked []dialogue, err error) {
	var story []string
	empty := true
	end := func() {
		if len(story) > 0 {
			s := capitals(quotes.Replace(strings.Join(story, "\n\n")))
			h := fnv.New32a()
			h.Write([]byte(s))
			if n := h.Sum32(); n%8 < answered {
				asked = append(asked, exchange(ask(int(n/8), s), s))
			} else {
				told = append(told, text{s})
			}
		}
		story = nil
	}
	err = lines(path, func(b []byte) error {
		line := strings.TrimSpace(string(b))
		if line != "" {
			if !empty { // a story begins at every line that follows no empty one
				end()
			}
			story = append(story, line)
		}
		empty = line == ""
		return nil
	})
	end()
	return told, asked, err
}

var (
	named    = regexp.MustCompile(`\bnamed ([a-z]+)`)
	name     = regexp.MustCompile(`\b(lily|tim|tom|sam|ben|max|sue|mia|anna|sara|sarah|jack|timmy|tommy|lucy|bob|john|amy|jane|mr|mrs|god|christmas)\b`)
	me       = regexp.MustCompile(`\bi\b`)
	spoken   = regexp.MustCompile(`" (?:(?:He|She|They|It|(?:The|His|Her|Their) \w+) )?(?i:said|asked|replied|answered|cried|shouted|yelled|whispered|exclaimed|called|thought|laughed)\b`)
	sentence = regexp.MustCompile(`(^|\n\n|[.!?]["]? +["]?|[,:] ["]|(?:^|\n\n)["])([a-z])`)
)

// capitals writes the first letters of sentences and names large again.
func capitals(s string) string {
	for _, m := range named.FindAllStringSubmatch(s, -1) {
		s = regexp.MustCompile(`\b`+m[1]+`\b`).ReplaceAllStringFunc(s, large)
	}
	s = me.ReplaceAllStringFunc(name.ReplaceAllStringFunc(s, large), large)
	s = sentence.ReplaceAllStringFunc(s, func(m string) string {
		return m[:len(m)-1] + strings.ToUpper(m[len(m)-1:])
	})
	// after speech the sentence goes on
	return spoken.ReplaceAllStringFunc(s, func(m string) string { return m[:2] + strings.ToLower(m[2:3]) + m[3:] })
}

// large writes the first letter large.
func large(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

var (
	subject = regexp.MustCompile(`\ba (?:(?:very|little|big|small|young|old|happy|sad|kind|clever|brave|funny|nice|pretty|red|blue|brown) )*([a-z]{3,})\b`)
	hero    = regexp.MustCompile(`\bnamed ([A-Z][a-z]+)`)
)

// ask asks for a story like s: by its subject, by its hero's name, or for any.
func ask(i int, s string) string {
	first, _, _ := strings.Cut(s, "\n\n")
	var things []string
	for _, m := range subject.FindAllStringSubmatch(first, -1) {
		if m[1] != "time" && m[1] != "named" && m[1] != "lot" && m[1] != "day" {
			things = append(things, m[1])
		}
	}
	named := hero.FindStringSubmatch(first)
	switch {
	case i%4 == 0 || things == nil:
		return []string{"Tell me a story.", "Please tell me a story.", "Can you tell me a story?", "I would like to hear a story."}[i/4%4]
	case i%4 == 1 && named != nil:
		return fmt.Sprintf([]string{"Tell me a story about %s.", "Please write a story about %s.", "Do you know a story about %s?"}[i/4%3], named[1])
	}
	return fmt.Sprintf([]string{"Tell me a story about a %s.", "Write a short story about a %s.", "Can you tell me a story about a %s?"}[i/4%3], things[i%len(things)])
}

// story is a line of a file of stories.
type story struct{ Title, Text string }

// divide reads stories: some as texts, the others as answers to who asks for them.
// Which is decided by the hash n of the text.
func divide(path string, ask func(n uint32, s story) string) (told []text, asked []dialogue, err error) {
	err = lines(path, func(line []byte) error {
		var s story
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		h := fnv.New32a()
		h.Write([]byte(s.Text))
		if n := h.Sum32(); n%8 < answered {
			asked = append(asked, exchange(ask(n, s), s.Text))
		} else {
			told = append(told, text{s.Text})
		}
		return nil
	})
	return told, asked, err
}
