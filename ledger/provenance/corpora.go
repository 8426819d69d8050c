package provenance

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"samovar"
)

// Corpus is one corpus that a model learnt from.
type Corpus struct {
	Digest   samovar.Digest `json:"digest"`
	Run      string         `json:"run"`
	Here     bool           `json:"here"`               // the documents are in this store
	Settings map[string]any `json:"settings,omitempty"` // what beside the sources decided it: the share held out, filters
	Sources  []Source       `json:"sources"`
}

// Source is what one source gave.
type Source struct {
	Declaration
	Weight    float64          `json:"weight"`             // times that a document is seen in an epoch
	Documents int64            `json:"documents"`          // kept
	HeldOut   int64            `json:"held_out"`           // of these, not learnt from
	BytesIn   int64            `json:"bytes_in"`           // read, unpacked
	BytesOut  int64            `json:"bytes_out"`          // kept, UTF-8
	LeftOut   map[string]int64 `json:"left_out,omitempty"` // documents that were not kept, or changed, by the reason
	Known     bool             `json:"known"`              // whether what it gave is recorded; false: it is only declared
	Shares    []Share          `json:"shares,omitempty"`   // none: it taught the vocabulary at most
}

// Share is how much of what a part of the corpus teaches comes from a source.
type Share struct {
	Part   string  `json:"part"`   // "train", "dialogue-train"
	Tokens int64   `json:"tokens"` // of the source in it
	Share  float64 `json:"share"`  // of the tokens of an epoch, weights applied
}

// Corpora describes the corpora among the runs of a lineage.
func (g *Graph) Corpora(runs []*samovar.Run) (all []Corpus, err error) {
	for _, r := range runs {
		if g.Kinds[r.Stage] != samovar.KindCorpus {
			continue
		}
		c, err := g.corpus(r)
		if err != nil {
			return nil, err
		}
		for _, other := range runs {
			if g.Kinds[other.Stage] == samovar.KindShards && other.Inputs["corpus"] == c.Digest {
				if err := c.share(g.Newest(other), tuned(runs, other)); err != nil {
					return nil, err
				}
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// corpus describes the corpus that r made: by its report where it is in the
// store, else by what the run record keeps of it.
func (g *Graph) corpus(r *samovar.Run) (c Corpus, err error) {
	c = Corpus{Digest: r.Outputs[0], Run: r.ID}
	declared, err := g.Declared(r)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(r.Config, &c.Settings); err != nil {
		return c, fmt.Errorf("read the configuration of run %s: %w", r.ID, err)
	}
	delete(c.Settings, "sources")
	a, here, err := g.Get(c.Digest)
	if err != nil {
		return c, err
	}
	c.Here = here
	counts := g.Newest(r).Metrics
	if here {
		var report struct {
			Sources []map[string]any `json:"sources"`
		}
		if err := json.Unmarshal(a.Config, &report); err != nil {
			return c, fmt.Errorf("read the report of corpus %s: %w", c.Digest.Short(), err)
		}
		counts = map[string]float64{}
		for i, s := range report.Sources {
			flatten(counts, "sources/"+strconv.Itoa(i), s)
		}
	}
	for i, d := range declared {
		c.Sources = append(c.Sources, source(d, counts, "sources/"+strconv.Itoa(i)+"/"))
	}
	return c, nil
}

// flatten adds the numbers below a branch of a tree of JSON objects.
func flatten(counts map[string]float64, name string, branch any) {
	switch v := branch.(type) {
	case map[string]any:
		for key, x := range v {
			flatten(counts, name+"/"+key, x)
		}
	case float64:
		counts[name] = v
	}
}

// kept are the counts of a source that do not say that something was left out.
var kept = []string{"files", "bytes", "documents", "validation", "bytes_in", "bytes_out", "repaired_bytes"}

// source reads what a source gave out of counts whose names begin with prefix.
func source(d Declaration, counts map[string]float64, prefix string) Source {
	s := Source{Declaration: d, Weight: 1, LeftOut: map[string]int64{}}
	for name, n := range counts {
		name, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		s.Known = true
		switch name {
		case "documents":
			s.Documents = int64(n)
		case "validation":
			s.HeldOut = int64(n)
		case "bytes_in":
			s.BytesIn = int64(n)
		case "bytes_out":
			s.BytesOut = int64(n)
		default:
			if n > 0 && !slices.Contains(kept, name) {
				s.LeftOut[name] = int64(n)
			}
		}
	}
	return s
}

// tuned reports whether a run learnt from the dialogues of the shards that were made by
// one of runs: training reads their text.
func tuned(runs []*samovar.Run, shards *samovar.Run) bool {
	return slices.ContainsFunc(runs, func(r *samovar.Run) bool {
		return r.Stage == "tune" && slices.Contains(shards.Outputs, r.Inputs["shards"])
	})
}

// share fills in the weights and shares of the sources from the run that made the
// shards. Dialogues that lie beside text have a share where a model was tuned on them;
// else they taught the vocabulary alone.
func (c *Corpus) share(shards *samovar.Run, tuned bool) error {
	var config struct {
		Weights []float64 `json:"weights"`
	}
	if err := json.Unmarshal(shards.Config, &config); err != nil {
		return fmt.Errorf("read the configuration of run %s: %w", shards.ID, err)
	}
	for i := range c.Sources {
		if i < len(config.Weights) {
			c.Sources[i].Weight = config.Weights[i]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shards.Metrics)) {
		part, ok := strings.CutSuffix(name, "train tokens")
		if !ok || part != "" && !tuned && shards.Metrics["train tokens"] > 0 {
			continue
		}
		var all float64
		for i, s := range c.Sources {
			all += s.Weight * shards.Metrics[name+"/"+strconv.Itoa(i)]
		}
		for i := range c.Sources {
			s := &c.Sources[i]
			if n := shards.Metrics[name+"/"+strconv.Itoa(i)]; n > 0 {
				s.Shares = append(s.Shares, Share{Part: part + "train", Tokens: int64(n), Share: s.Weight * n / all})
			}
		}
	}
	return nil
}

// Size is the bytes that were kept, or where that is not recorded, those on
// disk.
func (s Source) Size() int64 {
	if s.Known {
		return s.BytesOut
	}
	return s.Bytes
}
