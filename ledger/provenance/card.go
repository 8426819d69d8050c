package provenance

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"samovar"
	"samovar/model"
)

// Card is what is known of a model. Everything in it comes from run records,
// artifacts and the ledger; what sources say of themselves was declared in the
// recipe.
type Card struct {
	Ref         string         `json:"ref"`
	Digest      samovar.Digest `json:"digest"`
	Names       []string       `json:"names"`
	Lineage     bool           `json:"lineage"` // a run is known that made the model
	Model       Model          `json:"model"`
	Formats     []Format       `json:"formats,omitempty"` // in which these weights exist, this one included
	Corpora     []Corpus       `json:"corpora,omitempty"`
	Withdrawn   []Withdrawn    `json:"withdrawn,omitempty"` // of its sources
	Stages      []Stage        `json:"stages,omitempty"`    // oldest first
	Energy      []Energy       `json:"energy,omitempty"`    // of all stages and evaluations, by method: what is measured is never added to what is estimated
	Evaluations []Evaluation   `json:"evaluations,omitempty"`
	Limits      []string       `json:"limits"`
	Rights      []Licence      `json:"rights,omitempty"`
	Recipe      string         `json:"recipe,omitempty"` // the text that asked for the model, as it was then
	Repeat      []string       `json:"repeat,omitempty"` // commands
	Ledger      Head           `json:"ledger"`
}

// Model is what a model is made of.
type Model struct {
	model.Summary
	Shape *model.Config `json:"shape,omitempty"` // absent where no run tells it
	Here  bool          `json:"here"`            // the weights are in this store
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

// Card gathers what is known of the model d.
func (g *Graph) Card(ref string, d samovar.Digest) (*Card, error) {
	kind, _, err := g.kind(d)
	if err != nil {
		return nil, err
	}
	if kind != samovar.KindModel {
		return nil, fmt.Errorf("%s is a %s: cards are of models; samovar trace shows where it came from", ref, kind)
	}
	c := &Card{Ref: ref, Digest: d, Names: append([]string{}, g.Names[d]...), Lineage: g.Made(d), Ledger: g.Head}
	if c.Model, err = g.model(d); err != nil {
		return nil, err
	}
	runs := g.lineage(d)
	if c.Corpora, err = g.corpora(runs); err != nil {
		return nil, err
	}
	c.Withdrawn = g.withdrawn(c.Corpora)
	if c.Evaluations, c.Formats, err = g.evaluations(d); err != nil {
		return nil, err
	}
	for _, r := range append(runs, g.evaluating(d)...) {
		c.Stages = append(c.Stages, stage(r))
	}
	var spent []Energy
	for _, s := range c.Stages {
		spent = append(spent, s.Energy...)
	}
	c.Energy = total(spent)
	c.Rights = rights(c.Corpora)
	c.repeat(g.makers[d])
	c.Limits = c.limits()
	return c, nil
}

// model describes the model d: by its artifact, and where that is not in the
// store, by the runs that made it.
func (g *Graph) model(d samovar.Digest) (m Model, err error) {
	a, here, err := g.Get(d)
	if err != nil {
		return m, err
	}
	if m.Here = here; here {
		if err := json.Unmarshal(a.Config, &m.Summary); err != nil {
			return m, fmt.Errorf("read the description of model %s: %w", d.Short(), err)
		}
	}
	// The nearest run that tells the architecture: quantising does not.
	quantized := ""
	for r := g.makers[d]; r != nil; r = g.makers[r.Inputs["model"]] {
		var config struct {
			Model    *model.Config `json:"model"`
			Format   string        `json:"format"`
			Template string        `json:"template"`
		}
		if err := json.Unmarshal(r.Config, &config); err != nil {
			return m, fmt.Errorf("read the configuration of run %s: %w", r.ID, err)
		}
		if quantized == "" {
			quantized = config.Format
		}
		if config.Model == nil {
			continue
		}
		m.Shape = config.Model
		if !here {
			all, active := m.Shape.Parameters()
			m.Summary = model.Summary{
				Architecture: m.Shape.Architecture, Parameters: all, Active: active, Quantization: "F32", Window: m.Shape.Window,
				Vocabulary: m.Shape.Vocabulary, Chat: config.Template != "",
			}
			if quantized != "" {
				m.Quantization = quantized
			}
		}
		break
	}
	return m, nil
}

// short describes a model in a few words.
func (m Model) short() string {
	if m.Architecture == "" {
		return ""
	}
	return fmt.Sprintf("%s, %s parameters, %s", m.Architecture, amount(m.Parameters), m.Quantization)
}

func stage(r *samovar.Run) Stage {
	s := Stage{
		Run: r.ID, Stage: r.Stage, Made: r.Outputs[0], Finished: r.Finished.UTC(), Seconds: seconds(r), Attempts: len(r.Attempts),
		Machine: r.Machine, Code: r.Code, Numerics: r.Numerics, Config: r.Config, Figures: r.Metrics,
	}
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
func (c *Card) repeat(made *samovar.Run) {
	if made == nil {
		return
	}
	c.Recipe = made.Recipe
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
