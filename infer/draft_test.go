package infer

import (
	"errors"
	"slices"
	"testing"

	"samovar/compute"
	"samovar/compute/kernel"
)

// drafts are engines to guess with: the model itself, one that is always wrong or nearly
// so, and one whose window ends early.
func drafts(t *testing.T, dev compute.Device, w map[string]compute.Buffer, sequences int) map[string]*Engine {
	c := configs()[0]
	short := c
	short.Window = 40
	other := c
	other.Layers = 1
	return map[string]*Engine{
		"itself":      newEngine(t, dev, c, w, Options{Sequences: sequences, Lookup: -1}),
		"another one": newEngine(t, dev, other, random(t, dev, other, kernel.Q4_0), Options{Sequences: sequences}),
		"short":       newEngine(t, dev, short, w, Options{Sequences: sequences, Lookup: -1}),
	}
}

// TestDraft asserts that a draft changes no token and no bit of a logit, and that one
// which is always right saves steps.
func TestDraft(t *testing.T) {
	dev, c := openCPU(t, 2), configs()[0]
	w := random(t, dev, c, kernel.Q8_0)
	for _, p := range []Sampling{{}, {Temperature: 1, Seed: 5}, {Temperature: 0.2, Seed: 1, Repetition: 1.05}} {
		r := Request{Prompt: prompt(2, 20), MaxTokens: 60, Sampling: p, Scores: true}
		plain, want, steps := generate(t, newEngine(t, dev, c, w, Options{Lookup: -1}), r)
		for name, d := range drafts(t, dev, w, 8) {
			e := newEngine(t, dev, c, w, Options{Draft: d})
			for range 2 { // the draft's pages are given back
				s, got, fewer := generate(t, e, r)
				same(t, name, want, got)
				if !slices.Equal(s.Tokens(), plain.Tokens()) {
					t.Errorf("%+v, %s: %v without a draft, %v with", p, name, plain.Tokens(), s.Tokens())
				}
				if name == "itself" && p.Temperature == 0 && 4*fewer > steps {
					t.Errorf("%d steps by a draft that is always right, %d without", fewer, steps)
				}
			}
			if len(d.pool.free) != len(d.pool.pages) || d.pool.promised != 0 {
				t.Errorf("%s: %d pages of %d are free, %d promised", name, len(d.pool.free), len(d.pool.pages), d.pool.promised)
			}
		}
	}
}

// TestDraftAmongOthers asserts that sequences with drafts answer beside each other as each
// does alone.
func TestDraftAmongOthers(t *testing.T) {
	dev, c := openCPU(t, 2), configs()[0]
	w := random(t, dev, c, kernel.F32)
	requests, at := varied(func(i int) []int32 { return prompt(uint64(i), 1+3*i) }, 20)
	for name, d := range drafts(t, dev, w, 5) {
		all := run(t, newEngine(t, dev, c, w, Options{Sequences: 5, PrefillRows: 24, Draft: d}), requests, at)
		for i, s := range all {
			alone, _, _ := generate(t, newEngine(t, dev, c, w, Options{Lookup: -1}), requests[i])
			if !slices.Equal(s.Tokens(), alone.Tokens()) {
				t.Errorf("%s, request %d: %v alone, %v among others", name, i, alone.Tokens(), s.Tokens())
			}
		}
	}
}

// TestDraftRefusals holds what no draft can be.
func TestDraftRefusals(t *testing.T) {
	dev, c := openCPU(t, 1), configs()[0]
	w := random(t, dev, c, kernel.F32)
	few := newEngine(t, dev, c, w, Options{Sequences: 1})
	if _, err := New(dev, c, w, Options{Sequences: 2, Draft: few}); err == nil {
		t.Error("a draft for one sequence is taken for two")
	}
	c.Vocabulary /= 2
	other := newEngine(t, dev, c, random(t, dev, c, kernel.F32), Options{})
	if _, err := New(dev, configs()[0], w, Options{Draft: other}); !errors.Is(err, errVocabulary) {
		t.Errorf("a draft of half the vocabulary: %v", err)
	}
}
