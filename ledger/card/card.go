// Package card writes what is known of a model: what it learnt from, how it was
// made, what that cost, how good it is and what may be done with it. It knows
// nothing but run records and artifacts, says plainly what they do not tell, and
// judges no law. Start with [New] and [Card.Markdown].
package card

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"samovar"
	"samovar/ledger/provenance"
)

// Card is what is known of a model. Everything in it comes from run records,
// artifacts and the ledger; what sources say of themselves was declared in the
// recipe.
type Card struct {
	Ref         string                 `json:"ref"`
	Digest      samovar.Digest         `json:"digest"`
	Names       []string               `json:"names"`
	Lineage     bool                   `json:"lineage"`            // a run is known that made the model
	Imported    []samovar.Digest       `json:"imported,omitempty"` // what it goes on from, and of which nothing is recorded
	Model       provenance.Model       `json:"model"`
	Formats     []Format               `json:"formats,omitempty"` // in which these weights exist, this one included
	Corpora     []provenance.Corpus    `json:"corpora,omitempty"`
	Withdrawn   []provenance.Withdrawn `json:"withdrawn,omitempty"` // of its sources
	Stages      []Stage                `json:"stages,omitempty"`    // oldest first
	Energy      []Energy               `json:"energy,omitempty"`    // of all stages and evaluations, by method: what is measured is never added to what is estimated
	Evaluations []Evaluation           `json:"evaluations,omitempty"`
	Limits      []string               `json:"limits"`
	Rights      []Licence              `json:"rights,omitempty"`
	Recipe      string                 `json:"recipe,omitempty"`          // the text that asked for the model, as it was then
	Withheld    bool                   `json:"recipe_withheld,omitempty"` // it is recorded, and not told here
	Repeat      []string               `json:"repeat,omitempty"`          // commands
	Ledger      provenance.Head        `json:"ledger"`
}

// Format is the same weights in one format.
type Format struct {
	Digest        samovar.Digest `json:"digest"`
	Names         []string       `json:"names,omitempty"`
	Quantization  string         `json:"quantization"`
	BitsPerWeight float64        `json:"bits_per_weight,omitempty"`
	BitsPerByte   *float64       `json:"bits_per_byte,omitempty"` // on the text held out; absent: not evaluated
	StandardError float64        `json:"standard_error,omitempty"`
	Here          bool           `json:"here"`
}

// Stage is one run of the lineage, or an evaluation.
type Stage struct {
	Run      string             `json:"run"`
	Stage    string             `json:"stage"`
	Made     samovar.Digest     `json:"made"`
	Finished time.Time          `json:"finished"`
	Seconds  float64            `json:"seconds"` // all attempts together
	Attempts int                `json:"attempts"`
	Machine  samovar.Machine    `json:"machine"`
	Code     string             `json:"code"`
	Numerics string             `json:"numerics,omitempty"`
	Energy   []Energy           `json:"energy"`
	Config   json.RawMessage    `json:"config,omitempty"`
	Figures  map[string]float64 `json:"figures,omitempty"`
}

// Energy is what was used, by how it is known.
type Energy struct {
	Method string  `json:"method"`
	Joules float64 `json:"joules"`
}

// ErrNoModel is wrapped when a card is wanted of something else.
var ErrNoModel = errors.New("cards are of models")

// New gathers what is known of the model d, which is called ref.
func New(g *provenance.Graph, ref string, d samovar.Digest) (*Card, error) {
	kind, _, err := g.Kind(d)
	if err != nil {
		return nil, err
	}
	if kind != samovar.KindModel {
		return nil, fmt.Errorf("%s is a %s: %w; samovar trace shows where it came from", ref, kind, ErrNoModel)
	}
	c := &Card{Ref: ref, Digest: d, Names: append([]string{}, g.Names[d]...), Lineage: g.Maker(d) != nil, Ledger: g.Head}
	if c.Model, err = g.Model(d); err != nil {
		return nil, err
	}
	for _, a := range g.Ancestors(d)[1:] {
		if g.Maker(a) == nil {
			c.Imported = append(c.Imported, a)
		}
	}
	runs := g.Behind(d)
	if c.Corpora, err = g.Corpora(runs); err != nil {
		return nil, err
	}
	c.Withdrawn = g.Withdrawals(c.Corpora)
	if c.Evaluations, c.Formats, err = evaluations(g, d); err != nil {
		return nil, err
	}
	for _, r := range append(runs, evaluating(g, d)...) {
		c.Stages = append(c.Stages, stage(r))
	}
	var spent []Energy
	for _, s := range c.Stages {
		spent = append(spent, s.Energy...)
	}
	c.Energy = total(spent)
	c.Rights = rights(c.Corpora)
	if made := g.Maker(d); made != nil {
		c.repeat(made, g.Newest(made))
	}
	c.Limits = c.limits()
	return c, nil
}

// Withhold leaves out the recipe, which may name folders of the machine.
func (c *Card) Withhold() {
	c.Withheld, c.Recipe = c.Recipe != "", ""
}

func stage(r *samovar.Run) Stage {
	s := Stage{
		Run: r.ID, Stage: r.Stage, Made: r.Outputs[0], Finished: r.Finished.UTC(), Seconds: provenance.Seconds(r), Attempts: len(r.Attempts),
		Machine: r.Machine, Code: r.Code, Numerics: r.Numerics, Config: r.Config, Figures: r.Metrics,
	}
	s.Machine.Host = "" // whose machine it was is nobody's business
	for _, a := range r.Attempts {
		s.Energy = append(s.Energy, Energy{a.Energy.Method, a.Energy.Joules})
	}
	if s.Energy == nil {
		s.Energy = []Energy{{r.Energy.Method, r.Energy.Joules}}
	}
	s.Energy = total(s.Energy)
	return s
}

// total adds up what was used, each method by itself.
func total(all []Energy) (sums []Energy) {
	by := map[string]float64{}
	for _, e := range all {
		by[e.Method] += e.Joules
	}
	for _, method := range slices.Sorted(maps.Keys(by)) {
		sums = append(sums, Energy{method, by[method]})
	}
	return sums
}

// repeat says how the model is made again.
func (c *Card) repeat(made, newest *samovar.Run) {
	if c.Recipe = made.Recipe; c.Recipe == "" {
		c.Recipe = newest.Recipe
	}
	name := c.Digest.Short()
	if len(c.Names) > 0 {
		name = c.Names[0]
	}
	c.Repeat = []string{"samovar brew RECIPE", "samovar runs repeat " + name + " RECIPE", "samovar trace " + name, "samovar verify"}
}

// learned returns the stages that changed weights by learning, oldest first.
func (c *Card) learned() (all []Stage) {
	for _, s := range c.Stages {
		if s.learns() {
			all = append(all, s)
		}
	}
	return all
}

// learns reports whether a stage made a model out of text: quantising and
// evaluating do not.
func (s Stage) learns() bool {
	switch s.Stage {
	case "collect", "tokenizer", "shard", "plan", "quantize", "evaluate":
		return false
	}
	return true
}

// title is the name that a card is headed with.
func (c *Card) title() string {
	if len(c.Names) > 0 {
		return strings.Join(c.Names, ", ")
	}
	return c.Digest.Short()
}

// each yields the sources of all corpora, one that several have once.
func (c *Card) each(yield func(provenance.Source) bool) {
	seen := map[samovar.Digest]bool{}
	for _, corpus := range c.Corpora {
		for _, s := range corpus.Sources {
			if s.Digest != "" && seen[s.Digest] {
				continue
			}
			seen[s.Digest] = true
			if !yield(s) {
				return
			}
		}
	}
}
