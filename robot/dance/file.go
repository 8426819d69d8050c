package dance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// mostBytes of a file: a dance of three minutes has 30 kB.
const mostBytes = 4 << 20

// Read reads a dance. An error names the line of what is no JSON and no field of a
// dance, and the field of what cannot be danced.
func Read(r io.Reader) (*Dance, error) {
	all, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read a dance: %w", err)
	}
	if len(all) > mostBytes {
		return nil, fmt.Errorf("read a dance: more than %d MB is none", mostBytes>>20)
	}
	var d Dance
	j := json.NewDecoder(bytes.NewReader(all))
	j.DisallowUnknownFields()
	if err := j.Decode(&d); err != nil {
		return nil, fmt.Errorf("read a dance: line %d: %w", lineOf(all, place(err, j)), err)
	}
	if _, err := j.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read a dance: line %d: something follows the document", lineOf(all, j.InputOffset()))
	}
	if err := d.Check(); err != nil {
		return nil, fmt.Errorf("read a dance: %w", err)
	}
	return &d, nil
}

// place is the offset in the text at which decoding failed.
func place(err error, j *json.Decoder) int64 {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return syntax.Offset
	case errors.As(err, &kind):
		return kind.Offset
	}
	return j.InputOffset()
}

// lineOf is the line of an offset, from 1.
func lineOf(text []byte, at int64) int {
	at = min(max(at, 0), int64(len(text)))
	return 1 + bytes.Count(text[:at], []byte("\n"))
}

// Write writes a dance as a file to edit: a line for each key and each cue.
func (d *Dance) Write(w io.Writer) error {
	if err := d.Check(); err != nil {
		return fmt.Errorf("write a dance: %w", err)
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "{\n \"version\": %d,\n \"title\": %s,\n \"seed\": %d,\n \"beats\": [", d.Version, text(d.Title), d.Seed)
	for i, t := range d.Beats {
		switch {
		case i > 0 && i%12 == 0:
			b.WriteString(",\n  ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(text(t))
	}
	b.WriteString("],\n \"moves\": [")
	for i, m := range d.Moves {
		fmt.Fprintf(b, "%s\n  {\"name\": %s, \"keys\": [", comma(i), text(m.Name))
		for k, key := range m.Keys {
			fmt.Fprintf(b, "%s\n   %s", comma(k), text(key))
		}
		b.WriteString("\n  ]}")
	}
	b.WriteString("\n ],\n \"phrases\": [")
	for i, f := range d.Phrases {
		fmt.Fprintf(b, "%s\n  {\"beat\": %d, \"beats\": %d, \"cues\": [", comma(i), f.Beat, f.Beats)
		for k, c := range f.Cues {
			fmt.Fprintf(b, "%s\n   %s", comma(k), text(c))
		}
		b.WriteString("\n  ]}")
	}
	b.WriteString("\n ]\n}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write a dance: %w", err)
	}
	return nil
}

// text is a value that Check has passed, as JSON.
func text(v any) string {
	j, err := json.Marshal(v)
	if err != nil {
		panic(err) // no value of a checked dance is outside JSON
	}
	return string(j)
}

// comma goes before all but the first.
func comma(i int) string {
	if i > 0 {
		return ","
	}
	return ""
}
