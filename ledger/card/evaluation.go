package card

import (
	"encoding/json"
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
	Source        string   `json:"source,omitempty"` // the origin of the text held out; empty: all of it
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
// and by source, and every task's.
func scores(g *provenance.Graph, r *samovar.Run) (all []Score, err error) {
	const bits, score = "bits_per_byte", "score"
	if v, ok := r.Metrics[bits]; ok {
		all = append(all, Score{Name: "bits per byte", Value: v, StandardError: r.Metrics["standard_error"], N: int64(r.Metrics["documents"])})
		origins, err := origins(g, r)
		if err != nil {
			return nil, err
		}
		for i, origin := range origins {
			at := "/" + strconv.Itoa(i)
			if v, ok := r.Metrics[bits+at]; ok {
				all = append(all, Score{Name: "bits per byte", Source: origin, Value: v, StandardError: r.Metrics["standard_error"+at]})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		task, ok := strings.CutSuffix(name, score)
		if !ok || task != "" && !strings.HasSuffix(task, "/") {
			continue
		}
		s := Score{Name: strings.TrimSuffix(task, "/"), Value: r.Metrics[name], StandardError: r.Metrics[task+"stderr"], N: int64(r.Metrics[task+"n"])}
		if s.Name == "" {
			s.Name = taskOf(r)
		}
		if v, ok := r.Metrics[task+"chance"]; ok {
			s.Chance = &v
		}
		all = append(all, s)
	}
	return all, nil
}

// taskOf is the task that a run's configuration names, or its stage.
func taskOf(r *samovar.Run) string {
	var config struct {
		Task string `json:"task"`
	}
	if json.Unmarshal(r.Config, &config) != nil || config.Task == "" {
		return r.Stage
	}
	return config.Task
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
