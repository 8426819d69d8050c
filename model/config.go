// Package model holds the architectures: what tensors a model has, and the
// program that computes it, each written once for training and for serving. It
// trains nothing, samples nothing and opens no connection. Start with [Config];
// a decoder's layers are put together in program.go.
package model

import (
	"errors"
	"fmt"
	"math"
)

// The architectures, by their names in GGUF.
const (
	Llama     = "llama"     // grouped-query attention and a gated MLP
	Qwen3     = "qwen3"     // the same with normalised queries and keys (arXiv:2302.05442 section 2.1)
	Qwen3MoE  = "qwen3moe"  // qwen3 with experts instead of the MLP
	DeepSeek2 = "deepseek2" // latent attention, shared and routed experts
)

// Config is everything that shapes a model. The JSON names are those of the
// recipe's model section. Zero means "derived" in Complete.
type Config struct {
	Architecture string  `json:"architecture"`
	Layers       int     `json:"layers"`
	Width        int     `json:"width"`            // of the residual stream
	Heads        int     `json:"heads"`            // of queries
	KVHeads      int     `json:"kv_heads"`         // of keys and values
	HeadDim      int     `json:"head_dim"`         // width of a query head
	Hidden       int     `json:"hidden"`           // width inside a dense MLP
	Vocabulary   int     `json:"vocabulary"`       // tokens
	Window       int     `json:"window"`           // most tokens of one sequence
	Epsilon      float32 `json:"epsilon"`          // of the norms
	RopeBase     float64 `json:"rope_base"`        // frequencies are RopeBase^(−2i/dims)
	Tied         bool    `json:"tied,omitempty"`   // the output matrix is the embedding
	Experts      Experts `json:"experts,omitzero"` // Experts.Count 0: every layer is dense
	Latent       Latent  `json:"latent,omitzero"`  // Latent.KV 0: ordinary attention
}

// Experts says how a layer's MLP is divided (arXiv:2101.03961).
type Experts struct {
	Count     int     `json:"count"`               // routed experts of a layer
	Used      int     `json:"used"`                // chosen for each token
	Hidden    int     `json:"hidden"`              // width inside one expert
	Shared    int     `json:"shared,omitempty"`    // experts that every token passes through
	Dense     int     `json:"dense,omitempty"`     // leading layers without experts
	Normalise bool    `json:"normalise,omitempty"` // the chosen weights sum to one
	Sigmoid   bool    `json:"sigmoid,omitempty"`   // scores are sigmoids, with a bias for the choice
	Scale     float32 `json:"scale,omitempty"`     // of the chosen weights; 0: 1
}

// Latent is multi-head latent attention (DeepSeek-V2, arXiv:2405.04434 section 2.1):
// keys and values of all heads come from one latent vector of a token.
type Latent struct {
	KV    int `json:"kv"`          // width of the latent of keys and values
	Q     int `json:"q,omitempty"` // width of the latent of queries; 0: none
	Nope  int `json:"nope"`        // columns of a head without positions
	Rope  int `json:"rope"`        // columns of a head with positions
	Value int `json:"value"`       // columns of a head's value
}

// headDim is the width of a head in models derived here, as in Llama's and
// nanochat's: narrower heads lose quality, wider ones cost at small widths.
const headDim = 64

// Derive returns the model of the given depth: the one dial. Width is 64 a
// layer, rounded up to a multiple of 256 so that every quantised format fits
// every matrix; a quarter as many heads hold keys as queries; the MLP is 8/3 as
// wide as the stream (arXiv:2002.05202), rounded up likewise.
func Derive(depth, vocabulary int) Config { return Shape(depth, roundUp(64*depth, 256), vocabulary) }

// Shape is Derive for another width than the depth's.
func Shape(depth, width, vocabulary int) Config {
	return Config{
		Architecture: Llama, Layers: depth, Width: width, Heads: max(1, width/headDim), KVHeads: max(1, width/headDim/4), HeadDim: headDim,
		Hidden: roundUp(8*width/3, 256), Vocabulary: vocabulary, Window: 1024, Epsilon: 1e-5, RopeBase: 10000, Tied: true,
	}
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// Limits on hostile files: far above any model that exists, low enough that no
// product of two of them overflows.
const (
	maxLayers  = 10_000
	maxWidth   = 1 << 20
	maxTokens  = 1 << 24
	maxExperts = 1 << 12
)

// Check returns what is wrong with c, or nil.
func (c Config) Check() error {
	bounds := []struct {
		name            string
		value, low, top int
	}{
		{"layers", c.Layers, 1, maxLayers}, {"width", c.Width, 1, maxWidth}, {"heads", c.Heads, 1, maxWidth},
		{"kv_heads", c.KVHeads, 1, maxWidth}, {"head_dim", c.HeadDim, 1, maxWidth}, {"hidden", c.Hidden, 0, maxWidth},
		{"vocabulary", c.Vocabulary, 1, maxTokens}, {"window", c.Window, 1, maxTokens},
		{"experts.count", c.Experts.Count, 0, maxExperts}, {"experts.hidden", c.Experts.Hidden, 0, maxWidth},
		{"experts.shared", c.Experts.Shared, 0, maxExperts}, {"latent.kv", c.Latent.KV, 0, maxWidth}, {"latent.q", c.Latent.Q, 0, maxWidth},
		{"latent.nope", c.Latent.Nope, 0, maxWidth}, {"latent.rope", c.Latent.Rope, 0, maxWidth}, {"latent.value", c.Latent.Value, 0, maxWidth},
	}
	for _, b := range bounds {
		if b.value < b.low || b.value > b.top {
			return fmt.Errorf("model: %s is %d; between %d and %d is expected", b.name, b.value, b.low, b.top)
		}
	}
	if !(c.Epsilon > 0 && c.Epsilon < 1) || !(c.RopeBase > 1) || math.IsInf(c.RopeBase, 0) {
		return fmt.Errorf("model: epsilon %g or rope_base %g is out of range", c.Epsilon, c.RopeBase)
	}
	switch c.Architecture {
	case Llama, Qwen3:
		return errors.Join(c.checkHeads(), c.checkDense(true))
	case Qwen3MoE:
		return errors.Join(c.checkHeads(), c.checkExperts())
	case DeepSeek2:
		return errors.Join(c.checkLatent(), c.checkDense(c.Experts.Count == 0 || c.Experts.Dense > 0), c.checkExperts())
	}
	return fmt.Errorf("model: architecture %q is not known; known are %s, %s, %s and %s", c.Architecture, Llama, Qwen3, Qwen3MoE, DeepSeek2)
}

func (c Config) checkHeads() error {
	if c.Heads%c.KVHeads != 0 || c.HeadDim%2 != 0 {
		return fmt.Errorf("model: %d heads cannot share %d heads of keys, or a head of %d columns is odd", c.Heads, c.KVHeads, c.HeadDim)
	}
	return nil
}

func (c Config) checkDense(needed bool) error {
	if needed && c.Hidden < 1 {
		return errors.New("model: hidden, the width of the MLP, is missing")
	}
	return nil
}

func (c Config) checkExperts() error {
	e := c.Experts
	if e.Count == 0 && c.Architecture == DeepSeek2 {
		return nil
	}
	if e.Count < 1 || e.Used < 1 || e.Used > e.Count || e.Hidden < 1 || e.Dense < 0 || e.Dense > c.Layers {
		return fmt.Errorf("model: %d of %d experts of width %d, %d dense layers of %d: out of range", e.Used, e.Count, e.Hidden, e.Dense, c.Layers)
	}
	return nil
}

func (c Config) checkLatent() error {
	l := c.Latent
	if l.KV < 1 || l.Nope < 1 || l.Rope < 2 || l.Rope%2 != 0 || l.Value < 1 {
		return fmt.Errorf("model: latent attention of %d, heads of %d and %d columns and values of %d: out of range", l.KV, l.Nope, l.Rope, l.Value)
	}
	return nil
}

// Continues returns why a model like next cannot go on from weights of c, or
// nil: only the window, the base of rotary positions and the epsilon may differ.
func (c Config) Continues(next Config) error {
	c.Window, c.RopeBase, c.Epsilon = next.Window, next.RopeBase, next.Epsilon
	if c == next {
		return nil
	}
	for _, f := range []struct {
		name      string
		have, ask any
	}{
		{"architecture", c.Architecture, next.Architecture}, {"vocabulary", c.Vocabulary, next.Vocabulary}, {"layers", c.Layers, next.Layers},
		{"width", c.Width, next.Width}, {"heads", c.Heads, next.Heads}, {"kv_heads", c.KVHeads, next.KVHeads},
		{"head_dim", c.HeadDim, next.HeadDim}, {"hidden", c.Hidden, next.Hidden}, {"tied", c.Tied, next.Tied},
		{"experts", c.Experts, next.Experts}, {"latent", c.Latent, next.Latent},
	} {
		if f.have != f.ask {
			return fmt.Errorf("the weights have %s %v, not %v: leave it out of the recipe, or train from nothing", f.name, f.have, f.ask)
		}
	}
	return nil
}

// normed reports whether the queries and keys of each head are normalised.
func (c Config) normed() bool { return c.Architecture == Qwen3 || c.Architecture == Qwen3MoE }

// dense reports whether a layer has one MLP instead of experts.
func (c Config) dense(layer int) bool { return c.Experts.Count == 0 || layer < c.Experts.Dense }

// expertScale is the factor of the chosen experts' weights.
func (c Config) expertScale() float32 {
	if c.Experts.Scale == 0 {
		return 1
	}
	return c.Experts.Scale
}

// Frequencies returns the rotary frequencies of a head of that many columns.
func (c Config) Frequencies(columns int) []float64 {
	f := make([]float64, columns/2)
	for i := range f {
		f[i] = math.Pow(c.RopeBase, -2*float64(i)/float64(columns))
	}
	return f
}

// Parameters is the number of weights; active, those that one token passes through.
func (c Config) Parameters() (all, active int64) {
	for _, t := range c.Tensors() {
		n := int64(t.Rows) * int64(t.Cols)
		all += n
		if t.Experts > 0 {
			n = n / int64(t.Experts) * int64(c.Experts.Used)
		}
		active += n
	}
	return all, active
}

// TrainingOperations is the number of floating-point operations that training
// takes for a token in a full window: 6 for each weight that multiplies it
// (arXiv:2001.08361 section 2.1; an embedding table that is only looked up does
// not), and for attention 6·layers·window·heads·(key+value columns)/2, half of
// the square being masked.
func (c Config) TrainingOperations() float64 {
	_, active := c.Parameters()
	if !c.Tied {
		active -= int64(c.Vocabulary) * int64(c.Width)
	}
	key, value := c.HeadDim, c.HeadDim
	if c.Latent.KV > 0 {
		key, value = c.Latent.KV+c.Latent.Rope, c.Latent.KV
	}
	attention := 6 * c.Layers * c.Window * c.Heads * (key + value) / 2
	return 6*float64(active) + float64(attention)
}
