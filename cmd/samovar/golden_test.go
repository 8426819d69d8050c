package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"samovar"
	"samovar/compute/kernel"
)

var update = flag.Bool("update", false, "write testdata/golden.json anew; a stage that gives other bytes must have had its version raised")

// goldenRecipe runs every stage, with text, dialogues and preferences.
const goldenRecipe = `
name: tea
seed: 7
corpus:
  - {path: texts, language: en, licence: CC0-1.0, origin: wild thyme}
  - {path: dialogues.jsonl, kind: dialogue, language: en, licence: CC0-1.0, origin: thyme and sage}
  - {path: preferences.jsonl, kind: preference, language: en, licence: CC0-1.0, origin: sage}
tokenizer: {vocab: 320}
model: {depth: 1, layers: 2, window: 128, width: 64, heads: 2, kv_heads: 1, head_dim: 32, hidden: 128}
train: {tokens: 8k, batch: 1024, numerics: fp32}
tune: {epochs: 1, batch: 1024}
prefer: {epochs: 1, batch: 8}
quantize: [Q8_0, Q4_0]
`

// golden is what a stage made of what: all of its key but the numerics, of
// which those of fp32 give the same bits on every processor.
type golden struct {
	Stage   string                    `json:"stage"`
	Version int                       `json:"version"`
	Inputs  map[string]samovar.Digest `json:"inputs"`
	Config  samovar.Digest            `json:"config"`
	Output  samovar.Digest            `json:"output"`
}

func goldens(t *testing.T, b *brewery) (all []golden) {
	t.Helper()
	b.output(t, "brew", b.recipe)
	for _, r := range b.runs(t) {
		all = append(all, golden{r.Stage, r.Version, r.Inputs, samovar.DigestOf(r.Config), r.Outputs[0]})
	}
	return all
}

// changed says whether got is of the same key as want and yet of other bytes.
func changed(got, want golden) bool {
	return got.Stage == want.Stage && got.Version == want.Version && got.Config == want.Config &&
		maps.Equal(got.Inputs, want.Inputs) && got.Output != want.Output
}

// TestGolden holds the output of every stage to the digest that it had when its
// version was given: finished stages in other people's stores are found by key,
// so equal keys must mean equal bytes.
func TestGolden(t *testing.T) {
	const path = "testdata/golden.json"
	var want []golden
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &want)
	}
	if err != nil && !*update {
		t.Fatal(err)
	}
	got := goldens(t, newBrewery(t, goldenRecipe))
	for i, g := range got {
		switch {
		case i >= len(want):
			if !*update {
				t.Errorf("stage %d, %s, is not in %s", i, g.Stage, path)
			}
		case changed(g, want[i]):
			t.Fatalf("%s gives other bytes than before: %s was %s.\nIf that is a mistake, find it: the same inputs, configuration and version must give the same bytes.\nIf it is meant, raise the number that the stage's Version method returns by one, and run: go test ./cmd/samovar -run TestGolden -update",
				g.Stage, g.Output, want[i].Output)
		case fmt.Sprint(g) != fmt.Sprint(want[i]) && !*update:
			t.Fatalf("%s has other inputs, another configuration or another version than in %s, so its key is another too.\nIf that is meant, run: go test ./cmd/samovar -run TestGolden -update\nnow:    %+v\nbefore: %+v",
				g.Stage, path, g, want[i])
		}
	}
	if len(got) < len(want) && !*update {
		t.Errorf("%d stages were run, and %s has %d", len(got), path, len(want))
	}
	if !*update {
		return
	}
	text, err = json.MarshalIndent(got, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.FromSlash(path), append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// kernelRecipe is little enough for the generic kernels.
const kernelRecipe = `
name: tea
corpus: [{path: texts, language: en, licence: CC0-1.0, origin: wild thyme}]
tokenizer: {vocab: 300}
model: {depth: 1, window: 64, width: 64, heads: 2, kv_heads: 1, head_dim: 32, hidden: 128}
train: {tokens: 1k, batch: 512, numerics: fp32}
quantize: [Q8_0, Q4_0]
`

// TestGoldenKernels holds every implementation of the kernels that this machine
// has to the same bytes: of a small recipe, or of the whole one when it may
// take minutes.
func TestGoldenKernels(t *testing.T) {
	recipe := kernelRecipe
	if os.Getenv("SAMOVAR_LONG") != "" {
		recipe = goldenRecipe
	}
	b := newBrewery(t, recipe)
	want := goldens(t, b)
	for _, name := range kernel.Implementations() {
		if name == kernel.Active() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Setenv("SAMOVAR_KERNEL", name)
			for i, g := range goldens(t, b.elsewhere(t)) {
				if g.Output != want[i].Output {
					t.Fatalf("%s gives %s under %s and %s under %s", g.Stage, g.Output, name, want[i].Output, kernel.Active())
				}
			}
		})
	}
}
