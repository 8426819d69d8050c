package tokenizer

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// corpus is testdata/corpus.txt as documents.
func corpus(t testing.TB) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n\n")
}

// Train must learn the merges that Hugging Face's trainer learns, ties included.
func TestTrainAsHuggingFace(t *testing.T) {
	for name, want := range golden[map[string][]string](t, "trained.json") {
		tok := train(t, corpus(t), Config{Vocab: 256 + len(want) + 3, Pre: name, Special: []string{}})
		if got := tok.mergeList(); !slices.Equal(got, want) {
			t.Errorf("%s: got %q\nwant %q", name, got, want)
		}
	}
}

// testdata/tokenizer.json is what Train and MarshalJSON make of corpus.txt;
// testdata/encoded.json is what Hugging Face's library encodes with that file.
func TestHuggingFaceReads(t *testing.T) {
	tok := train(t, corpus(t), Config{Vocab: 456})
	got, err := tok.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("SAMOVAR_WRITE"); path == "tokenizer.json" {
		if err := os.WriteFile("testdata/"+path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("tokenizer.json differs from testdata/tokenizer.json (SAMOVAR_WRITE=tokenizer.json writes it; then run golden.py tokenizer.json)")
	}
	read, err := FromJSON(want, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tok := range []*Tokenizer{tok, read} {
		for _, g := range golden[[]struct {
			Text string
			IDs  []int32
		}](t, "encoded.json") {
			ids := tok.EncodeSpecial(nil, g.Text, nil)
			if !slices.Equal(ids, g.IDs) {
				t.Errorf("%q:\n got %v\nwant %v", g.Text, ids, g.IDs)
			}
		}
	}
}
