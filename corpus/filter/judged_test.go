package filter

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// judged is a document of testdata/judged.jsonl, which judged.py there writes.
type judged struct {
	Labels         []string
	Language, Text string
	Class          Class
}

func readJudged(t *testing.T) (all []judged) {
	t.Helper()
	data, err := os.ReadFile("testdata/judged.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var d judged
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func readEvaluation(t *testing.T) *Grams {
	t.Helper()
	f, err := os.Open("testdata/judged_eval.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var g Grams
	if err := g.Add("judged_eval.jsonl", ".jsonl", f); err != nil {
		t.Fatal(err)
	}
	return &g
}

// alone is the configuration in which only one filter judges, with its default.
func alone(name string) Config {
	c := Config{Language: Off, Length: Off, Symbols: Off, Boilerplate: Off, Repetition: Off, Secrets: Off, Personal: Off, Near: Off}
	field := map[string]*string{
		Language: &c.Language, Length: &c.Length, Symbols: &c.Symbols, Boilerplate: &c.Boilerplate, Repetition: &c.Repetition,
		Secrets: &c.Secrets, Personal: &c.Personal, NearDuplicate: &c.Near,
	}[name]
	if field != nil {
		*field = ""
	}
	return c
}

// TestJudged holds each filter, alone and with its defaults, against what a
// reader said of 200 documents; -v prints what it missed and what it caught
// wrongly. The bounds are what was reached.
func TestJudged(t *testing.T) {
	docs := readJudged(t)
	if len(docs) != 200 {
		t.Errorf("%d documents", len(docs))
	}
	bounds := map[string][2]int{ // wrongly caught, missed: at most
		Language: {4, 1}, Length: {1, 0}, Symbols: {4, 1}, Boilerplate: {1, 1}, Repetition: {1, 0},
		Secrets: {0, 2}, Personal: {0, 3}, Contamination: {0, 1}, NearDuplicate: {0, 3},
	}
	t.Logf("%-14s %9s %9s %7s %7s %7s %10s", "filter", "precision", "recall", "caught", "missed", "wrong", "good lost")
	for _, name := range []string{Language, Length, Symbols, Boilerplate, Repetition, Secrets, Personal, Contamination, NearDuplicate} {
		var caught, missed, wrong, lost int
		seen := map[uint64]bool{}
		var grams *Grams
		if name == Contamination {
			grams = readEvaluation(t)
		}
		for i, d := range docs {
			f, err := New(alone(name), d.Class, d.Language, grams)
			if err != nil {
				t.Fatal(err)
			}
			v := f.Judge([]string{d.Text})
			hit := len(v.Hits) > 0 || slices.ContainsFunc(v.Signature, func(h uint64) bool { return seen[h] })
			for _, h := range v.Signature {
				seen[h] = true
			}
			switch labelled := slices.Contains(d.Labels, name); {
			case hit && labelled:
				caught++
			case hit:
				wrong++
				if len(d.Labels) == 0 {
					lost++
				}
				t.Logf("%s: wrongly caught %d %v %v: %.70q", name, i+1, d.Labels, v.Hits, d.Text)
			case labelled:
				missed++
				t.Logf("%s: missed %d: %.70q", name, i+1, d.Text)
			}
		}
		t.Logf("%-14s %9.2f %9.2f %7d %7d %7d %10d", name, float64(caught)/float64(max(1, caught+wrong)),
			float64(caught)/float64(max(1, caught+missed)), caught, missed, wrong, lost)
		if lost > 0 {
			t.Errorf("%s: %d documents caught that ought to be kept", name, lost)
		}
		if b := bounds[name]; wrong > b[0] || missed > b[1] {
			t.Errorf("%s: %d wrongly caught and %d missed, at most %d and %d are expected", name, wrong, missed, b[0], b[1])
		}
	}
}
