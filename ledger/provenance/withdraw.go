package provenance

import (
	"cmp"
	"slices"
	"strings"

	"samovar"
)

// Withdrawn is a source that may not be learnt from any more, as the ledger
// says.
type Withdrawn struct {
	Digest samovar.Digest `json:"digest"`
	Origin string         `json:"origin,omitempty"` // withdrawn as a whole; empty: these files alone
	Entry  int64          `json:"entry"`            // of the ledger
}

// Covers reports whether d was withdrawn by w.
func (w Withdrawn) Covers(d Declaration) bool {
	return d.Digest == w.Digest || w.Origin != "" && strings.EqualFold(d.Origin, w.Origin)
}

// Withdrawals returns which sources of the corpora were withdrawn.
func (g *Graph) Withdrawals(corpora []Corpus) (all []Withdrawn) {
	for _, c := range corpora {
		for _, s := range c.Sources {
			i := slices.IndexFunc(g.Withdrawn, func(w Withdrawn) bool { return w.Covers(s.Declaration) })
			if i >= 0 {
				all = append(all, Withdrawn{s.Digest, s.Origin, g.Withdrawn[i].Entry})
			}
		}
	}
	return all
}

// Affected is what came of sources: the corpora that hold them, and every model
// that learnt from one of these, from such a model, or is one in another format.
type Affected struct {
	Corpora []AffectedCorpus `json:"corpora"`
	Models  []AffectedModel  `json:"models"`
}

// AffectedCorpus is a corpus that holds texts of a source.
type AffectedCorpus struct {
	Corpus  samovar.Digest `json:"corpus"`
	Run     string         `json:"run"`
	Here    bool           `json:"here"`
	Origins []string       `json:"origins"` // of all its sources
	Sources []Part         `json:"sources"` // those that are meant
	Share   float64        `json:"share"`   // of the bytes of the corpus
}

// Part is a source, or some of its documents, in a corpus.
type Part struct {
	Index     int            `json:"index"` // of the source in the corpus
	Origin    string         `json:"origin"`
	Digest    samovar.Digest `json:"digest"`
	Documents int64          `json:"documents,omitempty"` // 0: not recorded
	HeldOut   int64          `json:"held_out,omitempty"`  // of these
	Bytes     int64          `json:"bytes"`
}

// AffectedModel is a model that learnt from a source.
type AffectedModel struct {
	Model  samovar.Digest   `json:"model"`
	Names  []string         `json:"names"`
	Run    string           `json:"run"`
	Stage  string           `json:"stage"`
	From   []samovar.Digest `json:"from"`   // the affected artifacts that it was made from
	Models []samovar.Digest `json:"models"` // of these, models: it goes on from them
	Here   bool             `json:"here"`
}

// Match says which sources are meant. Fields that are empty match nothing.
type Match struct {
	Origins []string                        // whole, whatever their case
	Digests []samovar.Digest                // of sources
	Found   map[samovar.Digest]map[int]Part // documents that were found: by corpus, by source
}

// Declares reports whether d is one of the sources that are meant.
func (m Match) Declares(d Declaration) bool {
	return slices.Contains(m.Digests, d.Digest) || slices.ContainsFunc(m.Origins, func(o string) bool { return strings.EqualFold(o, d.Origin) })
}

// Sources returns every source that any corpus declares, each once, by origin.
func (g *Graph) Sources() (all []Declaration, err error) {
	seen := map[samovar.Digest]bool{}
	for i := range g.Runs {
		r := &g.Runs[i]
		if g.Kinds[r.Stage] != samovar.KindCorpus {
			continue
		}
		declared, err := g.Declared(r)
		if err != nil {
			return nil, err
		}
		for _, d := range declared {
			if !seen[d.Digest] {
				seen[d.Digest] = true
				all = append(all, d)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Declaration) int { return cmp.Compare(a.Origin, b.Origin) })
	return all, nil
}

// Collected returns every corpus that a run made, in order.
func (g *Graph) Collected() (all []samovar.Digest) {
	for i := range g.Runs {
		if r := &g.Runs[i]; g.Kinds[r.Stage] == samovar.KindCorpus && !slices.Contains(all, r.Outputs[0]) {
			all = append(all, r.Outputs[0])
		}
	}
	return all
}

// Affected follows the sources that are meant forward through all runs.
func (g *Graph) Affected(m Match) (a Affected, err error) {
	a = Affected{Corpora: []AffectedCorpus{}, Models: []AffectedModel{}}
	tainted := map[samovar.Digest]bool{}
	for _, d := range g.Collected() {
		c, err := g.corpus(g.makers[d])
		if err != nil {
			return a, err
		}
		if hit := c.hit(m); len(hit.Sources) > 0 {
			tainted[c.Digest] = true
			a.Corpora = append(a.Corpora, hit)
		}
	}
	// Records may have been entered after those of what was made from them.
	for before := -1; before != len(tainted); {
		before = len(tainted)
		for i := range g.Runs {
			if err := g.spread(&g.Runs[i], tainted, &a); err != nil {
				return a, err
			}
		}
	}
	return a, nil
}

// hit says what of the sources that are meant is in the corpus.
func (c Corpus) hit(m Match) AffectedCorpus {
	hit := AffectedCorpus{Corpus: c.Digest, Run: c.Run, Here: c.Here}
	var part, all int64
	for i, s := range c.Sources {
		all += s.Size()
		hit.Origins = append(hit.Origins, s.Origin)
		p, found := m.Found[c.Digest][i]
		if !found {
			if !m.Declares(s.Declaration) {
				continue
			}
			p = Part{Documents: s.Documents, HeldOut: s.HeldOut, Bytes: s.Size()}
		}
		p.Index, p.Origin, p.Digest = i, s.Origin, s.Digest
		part += p.Bytes
		hit.Sources = append(hit.Sources, p)
	}
	if all > 0 {
		hit.Share = float64(part) / float64(all)
	}
	return hit
}

// spread marks what a run made of something that is marked.
func (g *Graph) spread(r *samovar.Run, tainted map[samovar.Digest]bool, a *Affected) error {
	var from, models []samovar.Digest
	for _, d := range r.Inputs {
		if tainted[d] && !slices.Contains(from, d) {
			from = append(from, d)
		}
	}
	if from == nil {
		return nil
	}
	slices.Sort(from)
	for _, d := range from {
		kind, _, err := g.Kind(d)
		if err != nil {
			return err
		}
		if kind == samovar.KindModel {
			models = append(models, d)
		}
	}
	for _, d := range r.Outputs {
		if tainted[d] {
			continue
		}
		tainted[d] = true
		kind, here, err := g.Kind(d)
		if err != nil {
			return err
		}
		if kind == samovar.KindModel {
			a.Models = append(a.Models, AffectedModel{
				Model: d, Names: append([]string{}, g.Names[d]...), Run: r.ID, Stage: r.Stage, From: from, Models: append([]samovar.Digest{}, models...), Here: here,
			})
		}
	}
	return nil
}
