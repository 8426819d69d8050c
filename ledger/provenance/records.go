// Package provenance tells from run records where an artifact came from and
// what came of it: the graph of a lineage, the sources of a corpus, and every
// model that learnt from one. It reads no disk and writes nothing; the records,
// and what the store has, are handed to it. Start with [Records] and [New].
package provenance

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"samovar"
)

// Records is what the ledger and the store know.
type Records struct {
	Runs  []samovar.Run               // in the order of the ledger, with their entries
	Names map[samovar.Digest][]string // of artifacts, sorted
	Kinds map[string]samovar.Kind     // what each stage makes, for artifacts that are not in the store
	// Get returns an artifact; it is not ok where the store does not have it.
	Get       func(samovar.Digest) (a samovar.Artifact, ok bool, err error)
	Withdrawn []Withdrawn // sources, as the ledger says
	Head      Head
}

// Head is the tree head under which the entries stand.
type Head struct {
	Origin string `json:"origin"` // name of the ledger
	Size   int64  `json:"size"`   // entries
	Root   string `json:"root"`   // hash of the tree (RFC 6962), base64
}

// Graph is the runs as edges between artifacts.
type Graph struct {
	Records
	makers map[samovar.Digest]*samovar.Run   // the first run that made an artifact
	users  map[samovar.Digest][]*samovar.Run // the runs that an artifact was given to
}

// New links the records.
func New(r Records) *Graph {
	g := &Graph{Records: r, makers: map[samovar.Digest]*samovar.Run{}, users: map[samovar.Digest][]*samovar.Run{}}
	for i := range r.Runs {
		run := &r.Runs[i]
		for _, d := range run.Outputs {
			if _, ok := g.makers[d]; !ok {
				g.makers[d] = run
			}
		}
		given := map[samovar.Digest]bool{}
		for _, d := range run.Inputs {
			if !given[d] {
				given[d] = true
				g.users[d] = append(g.users[d], run)
			}
		}
	}
	return g
}

// Maker returns the first run that made d; nil where none is known.
func (g *Graph) Maker(d samovar.Digest) *samovar.Run { return g.makers[d] }

// Users returns the runs that d was given to, in the order of the ledger.
func (g *Graph) Users(d samovar.Digest) []*samovar.Run { return g.users[d] }

// Ancestors returns d and everything that it was made from, each artifact
// before those that it was made from first.
func (g *Graph) Ancestors(d samovar.Digest) []samovar.Digest {
	all := []samovar.Digest{d}
	seen := map[samovar.Digest]bool{d: true}
	for i := 0; i < len(all); i++ {
		run := g.makers[all[i]]
		if run == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(run.Inputs)) {
			if in := run.Inputs[name]; !seen[in] {
				seen[in] = true
				all = append(all, in)
			}
		}
	}
	return all
}

// Behind returns the runs that made d and its ancestors, oldest first.
func (g *Graph) Behind(d samovar.Digest) (runs []*samovar.Run) {
	for _, a := range g.Ancestors(d) {
		if run := g.makers[a]; run != nil && !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	slices.SortStableFunc(runs, func(a, b *samovar.Run) int { return int(entry(a) - entry(b)) })
	return runs
}

// entry is a run's place in the ledger.
func entry(r *samovar.Run) int64 {
	if r.Entry == nil {
		return -1
	}
	return *r.Entry
}

// Kind says what d is, and whether it is in the store.
func (g *Graph) Kind(d samovar.Digest) (kind samovar.Kind, here bool, err error) {
	a, here, err := g.Get(d)
	if err != nil {
		return "", false, err
	}
	if here {
		return a.Kind, true, nil
	}
	if run := g.makers[d]; run != nil {
		return g.Kinds[run.Stage], false, nil
	}
	return "", false, nil
}

// Declaration is what a source says of itself, as the run record of its corpus
// keeps it.
type Declaration struct {
	Kind     string         `json:"kind,omitempty"` // text or dialogue
	Language string         `json:"language"`
	Licence  string         `json:"licence"`
	Origin   string         `json:"origin"`
	Rights   string         `json:"rights,omitempty"`
	Files    int            `json:"files"`
	Bytes    int64          `json:"bytes"` // on disk
	Digest   samovar.Digest `json:"digest"`
}

// Newest returns the last run of run's stage that made the same: a stage may be
// run again to compare, by a program that records more, or with rights that
// were corrected.
func (g *Graph) Newest(run *samovar.Run) *samovar.Run {
	for i := range g.Runs {
		if r := &g.Runs[i]; r.Stage == run.Stage && slices.Equal(r.Outputs, run.Outputs) {
			run = r
		}
	}
	return run
}

// Declared returns the sources of the corpus that run made, as the newest run
// that made the same declares them.
func (g *Graph) Declared(run *samovar.Run) (all []Declaration, err error) {
	run = g.Newest(run)
	var config struct {
		Sources []Declaration `json:"sources"`
	}
	if err := json.Unmarshal(run.Config, &config); err != nil {
		return nil, fmt.Errorf("read the sources of run %s: %w", run.ID, err)
	}
	return config.Sources, nil
}
