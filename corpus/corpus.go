// Package corpus turns sources on disk into a corpus (normalised documents,
// filtered, duplicates out, split into training and validation), a corpus into shards of
// token ids, and shards into rows to train on. It refuses sources without a
// language, a licence and an origin, and never changes or fetches one. Start
// with [Source] and [Collect], then [Shard] and [Loader].
package corpus

import (
	"fmt"
	"math"
	"strings"

	"golang.org/x/text/language"

	"samovar/corpus/filter"
)

// The kinds of source.
const (
	Text       = "text"       // documents of running text
	Dialogue   = "dialogue"   // documents of turns between a user and an assistant
	Preference = "preference" // pairs of answers to one prompt, of which one was chosen
)

// Source is one entry of a recipe's corpus: where texts lie and what is known
// about them.
type Source struct {
	Path     string   `json:"path"`              // file, folder, or pattern with *, ?, [a-z] and **
	Field    string   `json:"field,omitempty"`   // field of JSON lines; default "text", "turns" for a dialogue, "prompt" for a preference
	Language string   `json:"language"`          // BCP 47, such as "en" or "zxx" (none); required
	Licence  string   `json:"licence"`           // SPDX identifier where there is one; required
	Origin   string   `json:"origin"`            // who made it, for the model's card; required
	Rights   string   `json:"rights,omitempty"`  // what the licence does not say, for the model's card: where the texts are free, whom to name
	Weight   float64  `json:"weight,omitempty"`  // times that each document is seen in an epoch; 0 means 1
	Kind     string   `json:"kind,omitempty"`    // Text, Dialogue or Preference; default Text or Dialogue by Field
	Include  []string `json:"include,omitempty"` // only files with these extensions, such as ".go"; default all

	Filter filter.Config `json:"filter,omitzero"` // what is dropped, masked or counted; default by class
}

// Weights returns the weight of each source, as a Loader wants them.
func Weights(sources []Source) []float64 {
	weights := make([]float64, len(sources))
	for i, s := range sources {
		weights[i] = s.Weight
		if s.Weight == 0 {
			weights[i] = 1
		}
	}
	return weights
}

// maxWeight bounds Weight: a document seen a thousand times an epoch is a typing error.
const maxWeight = 1000

// check returns s with its defaults filled in and its language in canonical
// form, or an error that names the field at fault.
func (s Source) check() (Source, error) {
	required := []struct{ name, value, hint string }{
		{"path", s.Path, "name a file, a folder or a pattern"},
		{"language", s.Language, "give a BCP 47 tag such as en, fr or zxx (no language)"},
		{"licence", s.Licence, "name the terms under which the texts may be used, such as CC-BY-4.0"},
		{"origin", s.Origin, "say whose texts they are"},
	}
	for _, r := range required {
		if strings.TrimSpace(r.value) == "" {
			return s, fmt.Errorf("%s is missing: %s", r.name, r.hint)
		}
	}
	tag, err := language.Parse(s.Language)
	if err != nil {
		return s, fmt.Errorf("language %q is not a BCP 47 tag (%w): write en, fr, pt-BR or zxx (no language)", s.Language, err)
	}
	s.Language = tag.String()
	if s.Weight == 0 {
		s.Weight = 1
	}
	if !(s.Weight > 0 && s.Weight <= maxWeight) || math.IsNaN(s.Weight) {
		return s, fmt.Errorf("weight %v is not between 0 and %d", s.Weight, maxWeight)
	}
	switch {
	case s.Talks():
		s.Kind = Dialogue
	case s.Kind == "":
		s.Kind = Text
	}
	if s.Kind != Text && s.Kind != Dialogue && s.Kind != Preference {
		return s, fmt.Errorf("kind %q is unknown: write %s, %s or %s", s.Kind, Text, Dialogue, Preference)
	}
	if err := s.Filter.Check(); err != nil {
		return s, fmt.Errorf("filter.%w", err)
	}
	return s, nil
}

// Talks reports whether the source's documents are dialogues: by its kind, or by
// its field where no kind is given.
func (s Source) Talks() bool {
	return s.Kind == Dialogue || s.Kind == "" && (s.Field == "turns" || s.Field == "messages" || s.Field == "conversations")
}

// field returns the name of the field that JSON lines are read from.
func (s Source) field() string {
	switch {
	case s.Field != "":
		return s.Field
	case s.Kind == Dialogue:
		return "turns"
	}
	return "text"
}

// Document is one text, one dialogue or one preference: exactly one of Text and
// Turns is set.
type Document struct {
	Source   int    `json:"source"` // index in the recipe's corpus
	Text     string `json:"text,omitempty"`
	Turns    []Turn `json:"turns,omitempty"`
	Rejected []Turn `json:"rejected,omitempty"` // of a preference: Turns ends with the answer chosen, this with the other
}

// Turn is what one side says: a pair ["user", "Hello."] in JSON.
type Turn struct {
	Role string // "system", "user", "assistant" or "tool"
	Text string
}
