// Command house prepares the texts of recipes/house.yaml, and of its sisters in
// French and Russian, from the data that its argument names: stories without
// their line breaks and typographic quotes, TinyStories with its capitals back, the part of it that is told as answers to
// somebody who asks for a story, and what the model says of itself. A story is
// text or answer, never both. With -judge it asks a finished model who it is, has
// it go on with a story and book a table. It belongs to the recipes alone. Start
// with main.
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
)

func main() {
	data := flag.String("data", "", "folder with corpora")
	out := flag.String("out", "", "folder for the texts")
	language := flag.String("language", "en", "en, or fr or ru for a sister")
	url := flag.String("judge", "", "address of a running server, whose model is judged instead")
	model := flag.String("model", "house", "the model to judge")
	flag.Parse()
	of, ok := map[string]struct {
		tongue
		prepare func(in, out string) error
	}{"en": {english, inEnglish}, "fr": {french, inFrench}, "ru": {russian, inRussian}}[*language]
	err := fmt.Errorf("language %q: en, fr or ru is expected", *language)
	switch {
	case !ok:
	case *url != "":
		err = of.judge(os.Stdout, *url, *model)
	default:
		if err = os.MkdirAll(*out, 0o755); err == nil {
			err = of.prepare(filepath.Join(*data, "corpora", *language), *out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(1)
	}
}

func inEnglish(in, out string) error {
	gutenberg, err := stories(filepath.Join(in, "lcats_gutenberg_stories.jsonl.gz"))
	if err != nil {
		return err
	}
	told, asked, err := tiny(filepath.Join(in, "tinystories_lowercase_sample.txt.gz"))
	if err != nil {
		return err
	}
	if err := write(filepath.Join(out, "gutenberg.jsonl"), gutenberg); err != nil {
		return err
	}
	return english.write(out, "tiny.jsonl", told, asked)
}

func inRussian(in, out string) error {
	told, asked, err := divide(filepath.Join(in, "ts_ru.jsonl.gz"), askRussian)
	if err != nil {
		return err
	}
	return russian.write(out, "tiny.ru.jsonl", told, asked)
}

func inFrench(in, out string) error {
	told, asked, err := divide(filepath.Join(in, "african_storybook.jsonl.gz"), askFrench)
	if err != nil {
		return err
	}
	return french.write(out, "fables.fr.jsonl", told, asked)
}

// write writes what is told, what is told as an answer, and what the model says
// of itself.
func (t tongue) write(out, name string, told []text, asked []dialogue) error {
	suffix := ".jsonl"
	if t.suffix != "" {
		suffix = "." + t.suffix + suffix
	}
	return errors.Join(
		write(filepath.Join(out, name), told),
		write(filepath.Join(out, "asked"+suffix), asked),
		write(filepath.Join(out, "self"+suffix), t.self()))
}

// text and dialogue are lines of a source.
type (
	text struct {
		Text string `json:"text"`
	}
	dialogue struct {
		Turns [][2]string `json:"turns"`
	}
)

// exchange is a question and its answer.
func exchange(question, answer string) dialogue {
	return dialogue{[][2]string{{"user", question}, {"assistant", answer}}}
}

// lines calls f with each line of a packed file.
func lines(path string, f func(line []byte) error) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	r := bufio.NewReader(z)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			if err := f(line); err != nil {
				return fmt.Errorf("read %s: %w", path, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
}

// write writes one JSON value a line.
func write[T any](path string, items []T) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, v := range items {
		if err := enc.Encode(v); err != nil {
			f.Close()
			return err
		}
	}
	return errors.Join(w.Flush(), f.Close())
}
