package recipe

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFilter(t *testing.T) {
	text := `
name: tales
corpus:
  - {path: texts, language: en, licence: CC0-1.0, origin: me}
  - {path: web, language: en, licence: CC0-1.0, origin: me, filter: {as: web, personal: drop}}
  - {path: poems, language: en, licence: CC0-1.0, origin: me, filter: {default: off, near: count}}
filter: {personal: count, near: off, min_words: 9, decontaminate: [sets/blimp, /sets/gsm8k.jsonl]}
train: {tokens: 5k}
`
	r, err := Parse([]byte(text), "/recipes")
	if err != nil {
		t.Fatal(err)
	}
	sets := []string{filepath.FromSlash("/recipes/sets/blimp"), "/sets/gsm8k.jsonl"}
	if !reflect.DeepEqual(r.Filter.Decontaminate, sets) {
		t.Errorf("evaluation sets %v", r.Filter.Decontaminate)
	}
	for i, want := range []Filter{
		{Personal: "count", Near: "off", MinWords: 9, Decontaminate: sets},
		{As: "web", Personal: "drop", Near: "off", MinWords: 9, Decontaminate: sets},
		{Default: "off", Near: "count", MinWords: 9},
	} {
		if got := r.Corpus[i].Filter.Over(r.Filter); !reflect.DeepEqual(got, want) {
			t.Errorf("source %d: %+v, want %+v", i, got, want)
		}
	}
	for _, bad := range []struct{ filter, err string }{
		{"filter: {persnal: drop}", "filter.persnal is not known; did you mean personal?"},
		{"filter: {near: 0.8}", "filter.near: text is expected, not 0.8"},
		{"filter: off", "filter: a section with fields is expected"},
		{"filter: {decontaminate: sets}", "filter.decontaminate: a list is expected"},
		{"filter: {decontaminate: [$NOWHERE/sets]}", "filter.decontaminate[0]: the variable $NOWHERE is not set"},
	} {
		_, err := Parse([]byte("name: a\n"+source+"train: {tokens: 5k}\n"+bad.filter), "/recipes")
		if err == nil || !strings.Contains(err.Error(), bad.err) {
			t.Errorf("%s: error %v, want %s", bad.filter, err, bad.err)
		}
	}
	_, err = Parse([]byte(strings.Replace(text, "as: web", "decontaminate: [x]", 1)), "/recipes")
	if err == nil || !strings.Contains(err.Error(), "corpus[1].filter.decontaminate: evaluation sets are named once for all sources") {
		t.Errorf("error %v", err)
	}
}
