package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// texts are the sources of each text, as a recipe's corpus.
var texts = map[string]string{
	"tinystories-ru": `[{path: $SAMOVAR_DATA/corpora/ru/ts_ru.jsonl.gz, language: ru, licence: Apache-2.0, origin: TinyStories-ru}]`,
	"gutenberg-en":   `[{path: $SAMOVAR_DATA/corpora/en/lcats_gutenberg_stories.jsonl.gz, language: en, licence: LicenseRef-public-domain-US, origin: Project Gutenberg}]`,
	"go-source":      `[{path: $GOROOT/src/**/*.go, language: zxx, licence: BSD-3-Clause, origin: The Go Authors}]`,
}

// window is the longest row of all runs.
const window = 256

// The columns of the table: what is asked for, then what was reached.
const (
	text = iota
	depth
	width
	vocabulary
	tokens
	seed
	weights // parameters of the layers
	seen    // bytes of text
	unique  // bytes of text that there are
	bits    // a byte of held-out text
	columns
)

// brewer brews runs in a store of their own.
type brewer struct{ samovar, store string }

// fill brews the runs of the table that have no result, one after another, and
// writes the table after each.
func (b brewer) fill(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	table, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return err
	}
	for i, row := range table {
		if i == 0 || len(row) != columns || row[bits] != "" {
			continue
		}
		if err := b.run(row); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		fmt.Println(row)
		var out bytes.Buffer
		w := csv.NewWriter(&out)
		if err := w.WriteAll(table); err != nil {
			return err
		}
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// run brews one run and fills in what it reached.
func (b brewer) run(row []string) error {
	corpus, ok := texts[row[text]]
	if !ok {
		return fmt.Errorf("%q is none of the texts in brew.go", row[text])
	}
	b.store = filepath.Join(b.store, row[text]+"-"+row[vocabulary]) // whose texts are sharded once
	recipe := fmt.Sprintf("name: law\nseed: %s\ncorpus: %s\ntokenizer: {vocab: %s}\nmodel: {depth: %s, width: %s, window: %d}\ntrain: {tokens: %s}\n",
		row[seed], corpus, row[vocabulary], row[depth], row[width], window, row[tokens])
	path := b.store + ".yaml"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(recipe), 0o644); err != nil {
		return err
	}
	var made struct {
		Bits float64 `json:"bits_per_byte"`
	}
	var shown struct{ Parameters, Vocabulary float64 }
	if err := b.last(&made, "brew", path); err != nil {
		return err
	}
	if err := b.last(&shown, "models", "show", "law"); err != nil {
		return err
	}
	shards, err := b.shards()
	if err != nil {
		return err
	}
	wide, err := strconv.ParseFloat(row[width], 64)
	if err != nil {
		return err
	}
	trained, err := strconv.ParseFloat(row[tokens], 64)
	if err != nil {
		return err
	}
	there := shards["train bytes"]
	for column, v := range map[int]float64{
		weights: shown.Parameters - shown.Vocabulary*wide, // the table of the vocabulary is tied
		seen:    trained * there / shards["train tokens"],
		unique:  there,
	} {
		row[column] = strconv.FormatFloat(v, 'f', 0, 64)
	}
	row[bits] = strconv.FormatFloat(made.Bits, 'f', 4, 64)
	return nil
}

// shards returns the figures of the run that sharded the store's text.
func (b brewer) shards() (map[string]float64, error) {
	lines, err := b.lines("runs", "list")
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		var r struct {
			Stage   string
			Metrics map[string]float64
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, err
		}
		if r.Stage == "shard" {
			return r.Metrics, nil
		}
	}
	return nil, errors.New("no run has sharded the text")
}

// last decodes the last line that a command prints.
func (b brewer) last(to any, args ...string) error {
	lines, err := b.lines(args...)
	if err != nil {
		return err
	}
	return json.Unmarshal(lines[len(lines)-1], to)
}

// lines runs samovar and returns what it prints as JSON.
func (b brewer) lines(args ...string) ([][]byte, error) {
	cmd := exec.Command(b.samovar, append(args, "--json", "--store", b.store)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("samovar %v: %w", args, err)
	}
	return bytes.Split(bytes.TrimSpace(out), []byte("\n")), nil
}
