package card

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"samovar"
	"samovar/ledger/provenance"
)

// Evaluation is one run that measured the model, in this format or another.
type Evaluation struct {
	Run          string         `json:"run"`
	Model        samovar.Digest `json:"model"`
	Quantization string         `json:"quantization"`
	Own          bool           `json:"own"` // of this model, not of the same weights in another format
	Numerics     string         `json:"numerics,omitempty"`
	Scores       []Score        `json:"scores"`
}

// Score is a figure with its error.
type Score struct {
	Name          string   `json:"name"`             // "bits per byte", or the task's
	Task          string   `json:"task,omitempty"`   // what kind of task; empty: text held out
	Source        string   `json:"source,omitempty"` // the origin of the text held out; empty: all of it
	Set           string   `json:"set,omitempty"`    // part of a task; empty: all of it
	Unit          string   `json:"unit"`             // "bits per byte", or "%" that were right
	Value         float64  `json:"value"`
	StandardError float64  `json:"stderr,omitempty"`
	N             int64    `json:"n,omitempty"` // documents, or questions
	Chance        *float64 `json:"chance,omitempty"`
}

// root is the model that d was quantised from, or d.
func root(g *provenance.Graph, d samovar.Digest) samovar.Digest {
	if r := g.Maker(d); r != nil && r.Stage == "quantize" && r.Inputs["model"] != "" {
		return r.Inputs["model"]
	}
	return d
}

// sisters returns all formats in which the weights of d are known, those that d
// was quantised from first.
func sisters(g *provenance.Graph, d samovar.Digest) []samovar.Digest {
	root := root(g, d)
	all := []samovar.Digest{root}
	for _, r := range g.Users(root) {
		if r.Stage == "quantize" && r.Inputs["model"] == root && !slices.Contains(all, r.Outputs[0]) {
			all = append(all, r.Outputs[0])
		}
	}
	return all
}

// evaluating returns the runs that measured the model d or its sisters: the
// newest where one was repeated.
func evaluating(g *provenance.Graph, d samovar.Digest) (all []*samovar.Run) {
	for _, m := range sisters(g, d) {
		for _, r := range g.Users(m) {
			if g.Kinds[r.Stage] != samovar.KindEvaluation || r.Inputs["model"] != m {
				continue
			}
			again := slices.IndexFunc(all, func(o *samovar.Run) bool { return o.Key == r.Key })
			if again >= 0 {
				all[again] = r
			} else {
				all = append(all, r)
			}
		}
	}
	return all
}

// evaluations describes what was measured of the model d, and its formats.
func evaluations(g *provenance.Graph, d samovar.Digest) (all []Evaluation, formats []Format, err error) {
	for _, m := range sisters(g, d) {
		described, err := g.Model(m)
		if err != nil {
			return nil, nil, err
		}
		f := Format{Digest: m, Names: g.Names[m], Quantization: described.Quantization, Here: described.Here}
		if r := g.Maker(m); r != nil {
			f.BitsPerWeight = r.Metrics["bits_per_weight"]
		}
		formats = append(formats, f)
	}
	for _, r := range evaluating(g, d) {
		m := r.Inputs["model"]
		f := &formats[slices.IndexFunc(formats, func(f Format) bool { return f.Digest == m })]
		if v, ok := r.Metrics["bits_per_byte"]; ok {
			f.BitsPerByte, f.StandardError = &v, r.Metrics["standard_error"]
		}
		scores, err := scores(g, r)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, Evaluation{Run: r.ID, Model: m, Quantization: f.Quantization, Own: m == d, Numerics: r.Numerics, Scores: scores})
	}
	return all, formats, nil
}

// scores reads the figures of a run that measured: bits per byte, of all text
// and by source, or a task's.
func scores(g *provenance.Graph, r *samovar.Run) (all []Score, err error) {
	const bits = "bits_per_byte"
	if v, ok := r.Metrics[bits]; ok {
		all = append(all, Score{Name: bitsPerByte, Unit: bitsPerByte, Value: v, StandardError: r.Metrics["standard_error"], N: int64(r.Metrics["documents"])})
		origins, err := origins(g, r)
		if err != nil {
			return nil, err
		}
		for i, origin := range origins {
			at := "/" + strconv.Itoa(i)
			if v, ok := r.Metrics[bits+at]; ok {
				all = append(all, Score{Name: bitsPerByte, Unit: bitsPerByte, Source: origin, Value: v, StandardError: r.Metrics["standard_error"+at]})
			}
		}
	}
	task, err := examined(r)
	return append(all, task...), err
}

// examined reads the figures of a task: NAME, NAME_stderr, NAME_n and
// NAME_chance, and NAME/SET of each of its sets.
func examined(r *samovar.Run) (all []Score, err error) {
	var config struct {
		Task string `json:"task"`
		Name string `json:"name"`
	}
	if err := json.Unmarshal(r.Config, &config); err != nil {
		return nil, fmt.Errorf("read the configuration of run %s: %w", r.ID, err)
	}
	v, ok := r.Metrics[config.Name]
	if config.Name == "" || !ok {
		return nil, nil
	}
	s := Score{Name: config.Name, Task: config.Task, Unit: "%", Value: v, StandardError: r.Metrics[config.Name+"_stderr"], N: int64(r.Metrics[config.Name+"_n"])}
	if config.Task == "bpb" {
		s.Unit = bitsPerByte
	}
	if v, ok := r.Metrics[config.Name+"_chance"]; ok {
		s.Chance = &v
	}
	all = append(all, s)
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		if set, ok := strings.CutPrefix(name, config.Name+"/"); ok {
			all = append(all, Score{Name: config.Name, Task: config.Task, Set: set, Unit: s.Unit, Value: r.Metrics[name]})
		}
	}
	return all, nil
}

// origins returns the origins of the sources whose text a run measured on.
func origins(g *provenance.Graph, r *samovar.Run) (all []string, err error) {
	shards := g.Maker(r.Inputs["shards"])
	if shards == nil {
		return nil, nil
	}
	collected := g.Maker(shards.Inputs["corpus"])
	if collected == nil {
		return nil, nil
	}
	declared, err := g.Declared(collected)
	for _, s := range declared {
		all = append(all, s.Origin)
	}
	return all, err
}
