// Package task reads the files of evaluations that others have published:
// minimal pairs, questions with choices, problems with one answer, and plain
// text. It asks no model and fetches nothing: a file that is not in the format
// of its kind is an error that names the line. Start with [Read].
package task

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"samovar"
)

// Kind is what is asked of a model.
type Kind string

// The kinds of task.
const (
	Blimp  Kind = "blimp"  // which of two sentences is likelier
	Choice Kind = "choice" // which of some endings is likeliest
	Exact  Kind = "exact"  // a number that is written out
	BPB    Kind = "bpb"    // bits per byte of text
)

// Kinds lists them.
var Kinds = []Kind{Blimp, Choice, Exact, BPB}

// Item is one question.
type Item struct {
	Index   int      // its place in the file, from 0
	Head    string   // what stands once before it and what is solved before it; empty: nothing
	Context string   // what the model reads first; empty: nothing
	Choices []string // what may follow it, after a space: of Blimp and Choice
	Answer  int      // the right one of Choices
	Text    string   // Exact: the right answer as it is written out; BPB: the text
}

// Set is the items of one file; of a folder of plain text, of all its files.
type Set struct {
	Name  string
	Items []Item
}

// Data is what a model is evaluated on.
type Data struct {
	Kind   Kind
	Sets   []Set          // by name
	Digest samovar.Digest // of the names of the sets and the unpacked bytes of their files
}

// parsers give the items of a file by what its name ends with, under each kind.
var parsers = map[Kind]map[string]func(name string, text []byte) ([]Item, error){
	Blimp:  {".jsonl": pairs},
	Choice: {".jsonl": choices, ".txt": hellaswag, ".csv": mmlu},
	Exact:  {".jsonl": problems},
	BPB:    {".jsonl": texts, ".txt": plain, ".md": plain},
}

// Read reads the file at path, or the files of the folder that are of the
// kind's formats: packed with gzip, bzip2 or zstd, or as they are.
func Read(kind Kind, path string) (*Data, error) {
	formats, ok := parsers[kind]
	if !ok {
		return nil, fmt.Errorf("task %q is not known: blimp, choice, exact or bpb is expected", kind)
	}
	var known []string
	for ext := range formats {
		known = append(known, ext)
	}
	slices.Sort(known)
	files, err := list(path, known)
	if err != nil {
		return nil, fmt.Errorf("read %s for %s: %w", path, kind, err)
	}
	d := &Data{Kind: kind}
	sum := sha256.New()
	for _, f := range files {
		text, err := unpack(f)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f, err)
		}
		name, ext := split(f)
		items, err := formats[ext](name, text)
		if err == nil && len(items) == 0 {
			err = errors.New("it is empty: at least one item is expected")
		}
		if err != nil {
			return nil, fmt.Errorf("read %s for %s: %w", f, kind, err)
		}
		hash := sha256.Sum256(text)
		sum.Write(append(append([]byte(name+ext), 0), hash[:]...))
		if kind == BPB && ext != ".jsonl" && len(files) > 1 {
			name = filepath.Base(filepath.Dir(f)) // one document of many
		}
		if err := d.add(name, items); err != nil {
			return nil, fmt.Errorf("read %s for %s: %w", f, kind, err)
		}
	}
	d.Digest = samovar.Digest(fmt.Sprintf("sha256:%x", sum.Sum(nil)))
	return d, nil
}

// add adds a set, or a document to the set of plain text.
func (d *Data) add(name string, items []Item) error {
	i := slices.IndexFunc(d.Sets, func(s Set) bool { return s.Name == name })
	switch {
	case i < 0:
		d.Sets = append(d.Sets, Set{name, items})
	case d.Kind == BPB && len(items) == 1:
		items[0].Index = len(d.Sets[i].Items)
		d.Sets[i].Items = append(d.Sets[i].Items, items...)
	default:
		return fmt.Errorf("another file is called %s too: sets are told apart by their names", name)
	}
	return nil
}

// suffixes are what the names of MMLU's files end with after the subject.
var suffixes = []string{"_test", "_val", "_dev"}

func subject(set string) string {
	for _, suffix := range suffixes {
		set = strings.TrimSuffix(set, suffix)
	}
	return set
}

// Solved returns the items that may come before one of a set: those of the set
// on its subject, as of X_dev for X_test, in which case own is true, or else of the
// only set. It returns none if there are several sets and none is on the subject.
func (d *Data) Solved(set string) (items []Item, own bool) {
	if i := slices.IndexFunc(d.Sets, func(s Set) bool { return subject(s.Name) == subject(set) }); i >= 0 {
		return d.Sets[i].Items, subject(set) != set
	}
	if len(d.Sets) == 1 {
		return d.Sets[0].Items, false
	}
	return nil, false
}

// Items counts the items of all sets.
func (d *Data) Items() (n int) {
	for _, s := range d.Sets {
		n += len(s.Items)
	}
	return n
}

// Sample returns d with at most limit items of each set, in their order. Which
// they are depends on the seed, the set's name and the item's place alone.
func (d *Data) Sample(limit int, seed uint64) *Data {
	sampled := &Data{d.Kind, nil, d.Digest}
	for _, s := range d.Sets {
		sampled.Sets = append(sampled.Sets, Set{s.Name, Draw(s.Items, limit, seed, s.Name)})
	}
	return sampled
}

// Draw returns limit of the items, in their order: those whose hash with the
// seed and the salt is least.
func Draw(items []Item, limit int, seed uint64, salt string) []Item {
	if limit >= len(items) {
		return items
	}
	type ticket struct {
		hash [sha256.Size]byte
		at   int
	}
	tickets := make([]ticket, len(items))
	for i, it := range items {
		b := binary.LittleEndian.AppendUint64(nil, seed)
		b = binary.LittleEndian.AppendUint64(b, uint64(it.Index))
		tickets[i] = ticket{sha256.Sum256(append(b, salt...)), i}
	}
	slices.SortFunc(tickets, func(a, b ticket) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	var places []int
	for _, t := range tickets[:limit] {
		places = append(places, t.at)
	}
	slices.Sort(places)
	drawn := make([]Item, limit)
	for i, p := range places {
		drawn[i] = items[p]
	}
	return drawn
}

// Characters is the length of a choice that lm-evaluation-harness normalises
// by: Unicode code points, as Python's len counts.
func Characters(choice string) int { return utf8.RuneCountInString(choice) }

// split cuts a file's path into the name of its set and the extension of its
// format, without that of a compression.
func split(file string) (name, ext string) {
	name = filepath.Base(file)
	if slices.Contains(packed, strings.ToLower(filepath.Ext(name))) {
		name = name[:len(name)-len(filepath.Ext(name))]
	}
	ext = filepath.Ext(name)
	name = name[:len(name)-len(ext)]
	if ext = strings.ToLower(ext); ext == ".ndjson" {
		ext = ".jsonl"
	}
	return name, ext
}
