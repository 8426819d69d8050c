package provenance

import (
	"encoding/json"
	"fmt"
	"strconv"

	"samovar"
	"samovar/model"
)

// Model is what a model is made of.
type Model struct {
	model.Summary
	Shape *model.Config `json:"shape,omitempty"` // absent where no run tells it
	Here  bool          `json:"here"`            // the weights are in this store
}

// Model describes the model d: by its artifact, and where that is not in the
// store, by the runs that made it.
func (g *Graph) Model(d samovar.Digest) (m Model, err error) {
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
	seen := map[*samovar.Run]bool{} // a model may be quantised to itself
	for r := g.makers[d]; r != nil && !seen[r]; r = g.makers[r.Inputs["model"]] {
		seen[r] = true
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

// Short describes a model in a few words.
func (m Model) Short() string {
	if m.Architecture == "" {
		return ""
	}
	return fmt.Sprintf("%s, %s parameters, %s", m.Architecture, Amount(m.Parameters), m.Quantization)
}

// Amount writes n roughly, in words.
func Amount(n int64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1e12, "trillion"}, {1e9, "billion"}, {1e6, "million"}, {1e3, "thousand"}} {
		if v := float64(n) / u.unit; v >= 1 {
			return strconv.FormatFloat(v, 'g', 3, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
