package corpus

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"samovar"
	"samovar/corpus/filter"
)

// Declaration is what a source says of itself and the digest of what it holds.
type Declaration struct {
	Kind     string         `json:"kind"`
	Field    string         `json:"field,omitempty"`
	Language string         `json:"language"`
	Licence  string         `json:"licence"`
	Origin   string         `json:"origin"`
	Rights   string         `json:"rights,omitempty"` // in the run record alone: to correct it makes no other corpus
	Files    int            `json:"files"`
	Bytes    int64          `json:"bytes"` // on disk
	Digest   samovar.Digest `json:"digest"`
}

func (s source) declaration() Declaration {
	return Declaration{
		Kind: s.Kind, Field: s.Field, Language: s.Language, Licence: s.Licence, Origin: s.Origin,
		Files: len(s.files), Bytes: s.bytes, Digest: s.digest,
	}
}

// Report is the content of report.json: what was read and what became of it.
type Report struct {
	Validation  Split          `json:"validation"`
	Sources     []SourceReport `json:"sources"`
	Languages   []Share        `json:"languages"` // what remains
	Licences    []Share        `json:"licences"`
	Evaluations []filter.Set   `json:"evaluations,omitempty"` // whose text was looked for
}

// Share is what remains in one language or under one licence.
type Share struct {
	Name      string `json:"name"`
	Documents int64  `json:"documents"`
	Bytes     int64  `json:"bytes"` // UTF-8
}

// Split holds the first byte of the hash below which a text, a dialogue, and a
// preference where there is one, is held out.
type Split struct {
	Text       int `json:"text"`
	Dialogue   int `json:"dialogue"`
	Preference int `json:"preference,omitempty"`
}

// SourceReport counts what one source gave.
type SourceReport struct {
	Declaration
	Documents     int64 `json:"documents"`      // kept, for training and validation together
	Validation    int64 `json:"validation"`     // of these held out
	BytesIn       int64 `json:"bytes_in"`       // decompressed, of all that was parsed
	BytesOut      int64 `json:"bytes_out"`      // UTF-8 of the texts kept
	Duplicates    int64 `json:"duplicates"`     // equal to an earlier document, of this source or another
	Empty         int64 `json:"empty"`          // nothing but space
	Binary        int64 `json:"binary"`         // files that are no text
	Dropped       int64 `json:"dropped"`        // too damaged, or without a turn to learn from
	Repaired      int64 `json:"repaired"`       // documents kept with U+FFFD in place of bytes that are no UTF-8
	RepairedBytes int64 `json:"repaired_bytes"` // how many such bytes

	Filters map[string]*Tally `json:"filters,omitempty"` // by name: what each found

	// Refused counts the files of HTML, EPUB, PDF and DOCX that gave no text, by
	// the reason, such as "encrypted PDF".
	Refused map[string]int64 `json:"refused,omitempty"`
}

// Tally counts what one filter found in a source.
type Tally struct {
	Dropped int64            `json:"dropped,omitempty"` // documents
	Bytes   int64            `json:"bytes,omitempty"`   // UTF-8 of the dropped
	Masked  int64            `json:"masked,omitempty"`  // documents kept with marks in place of what was found
	Counted int64            `json:"counted,omitempty"` // documents kept as they were
	Rules   map[string]int64 `json:"rules,omitempty"`   // how often each rule, or kind of data, was met
	Samples []DropSample     `json:"samples,omitempty"` // the first, personal data and secrets masked
}

// DropSample is the beginning of a document, and why a filter found it.
type DropSample struct {
	Rule string `json:"rule,omitempty"`
	Text string `json:"text"`
}

// maxSamples is how many samples of a filter a source's report has.
const maxSamples = 3

func (r *SourceReport) tally(name string) *Tally {
	if r.Filters == nil {
		r.Filters = map[string]*Tally{}
	}
	t := r.Filters[name]
	if t == nil {
		t = &Tally{}
		r.Filters[name] = t
	}
	return t
}

// take counts what the filters found in a document.
func (r *SourceReport) take(d parsed) {
	for _, h := range d.judged.Hits {
		t := r.tally(h.Filter)
		switch h.Action {
		case filter.Drop:
			t.Dropped++
			t.Bytes += int64(d.out)
		case filter.Mask:
			t.Masked++
		default:
			t.Counted++
		}
		if t.Rules == nil {
			t.Rules = map[string]int64{}
		}
		for rule, n := range h.Rules {
			t.Rules[rule] += int64(n)
		}
		if len(t.Samples) < maxSamples {
			t.Samples = append(t.Samples, DropSample{strings.Join(slices.Sorted(maps.Keys(h.Rules)), ", "), h.Sample})
		}
	}
}

// drop counts a document, as it stands in a line, that is left out because of an
// earlier one; size is that of its text.
func (r *SourceReport) drop(name string, size int, line []byte) {
	t := r.tally(name)
	t.Dropped++
	t.Bytes += int64(size)
	if len(t.Samples) < maxSamples {
		if doc, err := decode(line); err == nil {
			t.Samples = append(t.Samples, DropSample{Text: filter.Sample(doc.said())})
		}
	}
}

// sum adds up what remains.
func (r *Report) sum() {
	r.Languages = shares(r.Sources, func(s SourceReport) string { return s.Language })
	r.Licences = shares(r.Sources, func(s SourceReport) string { return s.Licence })
}

// shares groups what remains of sources, the largest first.
func shares(sources []SourceReport, name func(SourceReport) string) []Share {
	by := map[string]Share{}
	for _, s := range sources {
		sh := by[name(s)]
		by[name(s)] = Share{name(s), sh.Documents + s.Documents, sh.Bytes + s.BytesOut}
	}
	return slices.SortedFunc(maps.Values(by), func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name))
	})
}

// withoutSamples is the report as an artifact's configuration, whose size is
// bounded.
func (r Report) withoutSamples() Report {
	r.Sources = slices.Clone(r.Sources)
	for i := range r.Sources {
		s := &r.Sources[i]
		s.Filters = maps.Clone(s.Filters)
		for name, t := range s.Filters {
			bare := *t
			bare.Samples = nil
			s.Filters[name] = &bare
		}
	}
	return r
}

// found says in words what a filter found, for people.
var found = []struct{ filter, what string }{
	{filter.Language, "in another language"},
	{filter.Length, "too short or too long"},
	{filter.Symbols, "mostly symbols"},
	{filter.Boilerplate, "boilerplate"},
	{filter.Repetition, "repetitive"},
	{filter.Secrets, "with secrets"},
	{filter.Personal, "with personal data"},
	{filter.Contamination, "with text of an evaluation set"},
	{filter.Duplicate, "duplicates"},
	{filter.NearDuplicate, "near-duplicates"},
}

// passedOver lists what was not kept, or repaired, for people.
func (r SourceReport) passedOver() string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{
		{r.Duplicates, "duplicates"}, {r.Empty, "empty"}, {r.Binary, "binary"}, {r.Dropped, "unusable"}, {r.Repaired, "kept with repaired UTF-8"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	for _, f := range found {
		t := r.Filters[f.filter]
		if t != nil && t.Dropped > 0 && f.filter != filter.Duplicate {
			parts = append(parts, fmt.Sprintf("%d %s", t.Dropped, f.what))
		}
		if t != nil && t.Masked > 0 {
			parts = append(parts, fmt.Sprintf("%d kept %s masked", t.Masked, f.what))
		}
	}
	for _, why := range slices.Sorted(maps.Keys(r.Refused)) {
		parts = append(parts, fmt.Sprintf("%d %s", r.Refused[why], why))
	}
	return strings.Join(parts, ", ")
}

// counts returns every number that is told of a source, but for zeros, as the
// run record keeps it: "sources/0/duplicates". So the record says what became of
// each source where the corpus itself is gone.
func (r Report) counts() map[string]float64 {
	counts := map[string]float64{}
	for i, source := range r.Sources {
		text, err := json.Marshal(source)
		if err != nil {
			continue // numbers and strings: cannot be
		}
		var tree map[string]any
		if json.Unmarshal(text, &tree) == nil {
			count(counts, "sources/"+strconv.Itoa(i), tree)
		}
	}
	return counts
}

// count adds the numbers below a branch of a tree of JSON objects.
func count(counts map[string]float64, name string, branch any) {
	switch v := branch.(type) {
	case map[string]any:
		for key, x := range v {
			count(counts, name+"/"+key, x)
		}
	case float64:
		if v != 0 {
			counts[name] = v
		}
	}
}
