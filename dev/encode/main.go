//go:build unix

// Command encode measures the encoder beside tiktoken, in turn, on one thread each, with
// vocabularies that it trains on English and Russian:
//
//	go run ./dev/encode -data $SAMOVAR_DATA -python venv/bin/python
//
// Python is one that has tiktoken. Every text's ids must be equal. It prints medians of
// megabytes in a second of processor time, and of the ratios within a round with the
// lowest and the highest. Start with compare.
package main

import (
	"bufio"
	"compress/gzip"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"samovar/bench"
	"samovar/tokenizer"
)

// texts are what is encoded, and what vocabularies are learnt from.
var texts = []struct {
	language string
	files    []string
}{
	{"English", []string{"corpora/en/lcats_gutenberg_stories.jsonl.gz"}},
	{"Russian", []string{"corpora/ru/ts_ru.jsonl.gz", "corpora/ru/rusdracor_plays.jsonl.gz"}},
}

//go:embed tiktoken.py
var script string

func main() {
	log.SetFlags(0)
	data := flag.String("data", os.Getenv("SAMOVAR_DATA"), "folder with corpora")
	python := flag.String("python", "python3", "a Python that has tiktoken")
	rounds := flag.Int("rounds", 5, "how often each is measured")
	size := flag.Int("bytes", 20_000_000, "of a text")
	flag.Parse()
	if err := run(*data, *python, *rounds, *size); err != nil {
		log.Fatalf("encode: %v", err)
	}
}

func run(data, python string, rounds, size int) error {
	dir, err := os.MkdirTemp("", "encode")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var all, samples []string
	for _, t := range texts {
		text, err := read(data, t.files)
		if err != nil {
			return err
		}
		all = append(all, strings.SplitAfter(text, "\n")...)
		sample := text[:min(size, len(text))]
		for !utf8.ValidString(sample) { // cut within a rune
			sample = sample[:len(sample)-1]
		}
		samples = append(samples, sample)
		if err := os.WriteFile(filepath.Join(dir, t.language), []byte(sample), 0o600); err != nil {
			return err
		}
	}
	fmt.Println("vocabulary  pattern  text  Samovar MB/s  tiktoken MB/s  Samovar is  of rounds")
	for _, vocab := range []int{32768, 131072} {
		for _, pre := range []string{"gpt-4o", "qwen2"} {
			tok, err := tokenizer.Train(slices.Values(all), tokenizer.Config{Vocab: vocab, Pre: pre})
			if err != nil {
				return err
			}
			if err := compare(tok, python, dir, samples, rounds); err != nil {
				return fmt.Errorf("%d %s: %w", vocab, pre, err)
			}
		}
	}
	return nil
}

// read returns files of the folder, unpacked, one after another.
func read(data string, files []string) (string, error) {
	var all strings.Builder
	for _, name := range files {
		f, err := os.Open(filepath.Join(data, name))
		if err != nil {
			return "", err
		}
		z, err := gzip.NewReader(f)
		if err == nil {
			_, err = io.Copy(&all, z)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
	}
	return all.String(), nil
}

// compare encodes the samples, which lie in dir under their languages.
func compare(tok *tokenizer.Tokenizer, python, dir string, samples []string, rounds int) error {
	definition, err := tok.MarshalJSON()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "tokenizer.json")
	if err := os.WriteFile(path, definition, 0o600); err != nil {
		return err
	}
	rival := exec.Command(python, "-c", script, path)
	rival.Stderr = os.Stderr
	in, err := rival.StdinPipe()
	if err != nil {
		return err
	}
	out, err := rival.StdoutPipe()
	if err != nil {
		return err
	}
	if err := rival.Start(); err != nil {
		return err
	}
	defer func() { in.Close(); rival.Wait() }()
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		return fmt.Errorf("wait for tiktoken: %w", err)
	}
	for i, text := range samples {
		var ours, theirs, ratios bench.Series
		for range rounds {
			seconds, count, sum, err := encode(tok, text)
			if err != nil {
				return err
			}
			fmt.Fprintln(in, filepath.Join(dir, texts[i].language))
			var rivalSeconds float64
			var rivalCount, rivalSum int
			if _, err := fmt.Fscanln(lines, &rivalSeconds, &rivalCount, &rivalSum); err != nil {
				return fmt.Errorf("read what tiktoken says: %w", err)
			}
			if count != rivalCount || sum != rivalSum {
				return fmt.Errorf("%s: %d ids of sum %d, tiktoken %d of %d", texts[i].language, count, sum, rivalCount, rivalSum)
			}
			size := float64(len(text)) / 1e6
			ours, theirs, ratios = append(ours, size/seconds), append(theirs, size/rivalSeconds), append(ratios, rivalSeconds/seconds)
		}
		fmt.Printf("%d  %s  %s  %.1f  %.1f  %.2f  %.2f to %.2f\n", tok.Size(), tok.Pre(), texts[i].language,
			ours.Median(), theirs.Median(), ratios.Median(), slices.Min(ratios), slices.Max(ratios))
	}
	return nil
}

// encode encodes with a new encoder and returns the seconds of processor time that it
// took, how many ids came out and a sum over them.
func encode(tok *tokenizer.Tokenizer, text string) (seconds float64, count, sum int, err error) {
	e := tok.NewEncoder()
	start, err := processor()
	if err != nil {
		return 0, 0, 0, err
	}
	ids := e.Encode(nil, text)
	end, err := processor()
	for _, id := range ids {
		sum = (sum*31 + int(id)) % 1000003
	}
	return end - start, len(ids), sum, err
}

// processor returns the seconds of processor time that the process has taken.
func processor() (float64, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t)
	return float64(t.Nano()) / 1e9, err
}
