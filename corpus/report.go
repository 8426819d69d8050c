package corpus

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"samovar"
)

// Declaration is what a source says of itself and the digest of what it holds.
type Declaration struct {
	Kind     string         `json:"kind"`
	Field    string         `json:"field,omitempty"`
	Language string         `json:"language"`
	Licence  string         `json:"licence"`
	Origin   string         `json:"origin"`
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
	Validation Split          `json:"validation"`
	Sources    []SourceReport `json:"sources"`
}

// Split holds the first byte of the hash below which a text, and a dialogue, is
// held out.
type Split struct {
	Text     int `json:"text"`
	Dialogue int `json:"dialogue"`
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

	// Refused counts the files of HTML, EPUB, PDF and DOCX that gave no text, by
	// the reason, such as "encrypted PDF".
	Refused map[string]int64 `json:"refused,omitempty"`
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
	for _, why := range slices.Sorted(maps.Keys(r.Refused)) {
		parts = append(parts, fmt.Sprintf("%d %s", r.Refused[why], why))
	}
	return strings.Join(parts, ", ")
}
