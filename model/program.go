package model

import (
	"fmt"
	"math"

	"samovar/compute"
)

// Serving returns the program from tokens to the logits of the rows that the
// batch picks, and the slot of these logits.
func (c Config) Serving() (*compute.Program, compute.Slot) {
	b := newBuilder(c)
	x := b.body()
	picked := b.slot("picked", compute.Output, c.Width)
	b.p.Do(compute.Select{Y: b.p.All(picked), X: b.p.All(x)})
	n := b.slot("output_norm", compute.Output, c.Width)
	b.p.Do(compute.Norm{Y: b.p.All(n), X: b.p.All(picked), W: b.weight("output_norm.weight"), Eps: c.Epsilon})
	logits := b.slot("logits", compute.Output, c.Vocabulary)
	b.p.Do(compute.Linear{Y: b.p.All(logits), X: b.p.All(n), W: b.output()})
	b.p.Keep = []compute.Slot{logits}
	return b.p, logits
}

// Losses returns the program from tokens to the loss of each row, and the slot
// of these losses. compute.Differentiate makes a training program of it.
func (c Config) Losses() (*compute.Program, compute.Slot) {
	b := newBuilder(c)
	n := b.norm("output_norm", b.body())
	loss := b.slot("loss", compute.Token, 1)
	b.p.Do(compute.Loss{Y: b.p.All(loss), X: b.p.All(n), W: b.output()})
	b.p.Keep = []compute.Slot{loss}
	return b.p, loss
}

// builder appends a model's operations to a program.
type builder struct {
	c       Config
	p       *compute.Program
	weights map[string]compute.Slot
	prefix  string
	freqs   []float64 // shared by all layers
}

func newBuilder(c Config) *builder {
	b := &builder{c: c, p: &compute.Program{Window: c.Window}, weights: map[string]compute.Slot{}}
	for _, t := range c.Tensors() {
		b.weights[t.Name] = b.p.Add(compute.SlotInfo{Name: t.Name, Role: compute.Weight, Rows: t.Rows, Cols: t.Cols})
	}
	rotated := c.HeadDim
	if c.Architecture == DeepSeek2 {
		rotated = c.Latent.Rope
	}
	b.freqs = c.Frequencies(rotated)
	return b
}

// weight returns the slot of a tensor of the layer being built.
func (b *builder) weight(name string) compute.Slot {
	s, ok := b.weights[b.prefix+name]
	if !ok {
		panic("model: no tensor is named " + b.prefix + name)
	}
	return s
}

// output is the matrix from the stream to the logits.
func (b *builder) output() compute.Slot {
	if b.c.Tied {
		return b.weight("token_embd.weight")
	}
	return b.weight("output.weight")
}

func (b *builder) slot(name string, role compute.Role, cols int) compute.Slot {
	return b.p.Add(compute.SlotInfo{Name: b.prefix + name, Role: role, Cols: cols})
}

// norm returns x normalised by the tensor name.weight.
func (b *builder) norm(name string, x compute.Slot) compute.Slot {
	y := b.slot(name, compute.Token, b.p.Slots[x].Cols)
	b.p.Do(compute.Norm{Y: b.p.All(y), X: b.p.All(x), W: b.weight(name + ".weight"), Eps: b.c.Epsilon})
	return y
}

// linear returns x times the tensor name.weight, plus residual unless that is None.
func (b *builder) linear(name string, x, residual compute.Slot) compute.Slot {
	w := b.weight(name + ".weight")
	y := b.slot(name, compute.Token, b.p.Slots[w].Rows)
	o := compute.Linear{Y: b.p.All(y), X: b.p.All(x), W: w}
	if residual != compute.None {
		o.Residual = b.p.All(residual)
	}
	b.p.Do(o)
	return y
}

// body returns the residual stream after the last layer.
func (b *builder) body() compute.Slot {
	x := b.slot("token_embd", compute.Token, b.c.Width)
	b.p.Do(compute.Embed{Y: b.p.All(x), W: b.weight("token_embd.weight")})
	for i := range b.c.Layers {
		b.prefix = fmt.Sprintf("blk.%d.", i)
		b.p.Layers = append(b.p.Layers, len(b.p.Ops))
		n := b.norm("attn_norm", x)
		if b.c.Architecture == DeepSeek2 {
			x = b.latentAttention(n, x)
		} else {
			x = b.attention(n, x)
		}
		n = b.norm("ffn_norm", x)
		if b.c.dense(i) {
			x = b.gated("", n, x)
		} else {
			x = b.experts(n, x)
		}
	}
	b.prefix = ""
	return x
}

// attention is grouped-query attention (arXiv:2305.13245) with rotary positions.
func (b *builder) attention(n, x compute.Slot) compute.Slot {
	c, p := b.c, b.p
	q, k, v := b.linear("attn_q", n, compute.None), b.linear("attn_k", n, compute.None), b.linear("attn_v", n, compute.None)
	half := false
	if c.normed() {
		q, k, half = b.headNorm("attn_q_norm", q, c.Heads), b.headNorm("attn_k_norm", k, c.KVHeads), true
	}
	p.Do(compute.Rotary{X: p.Heads(q, c.Heads), Freqs: b.freqs, Half: half})
	p.Do(compute.Rotary{X: p.Heads(k, c.KVHeads), Freqs: b.freqs, Half: half})
	y := b.slot("attn", compute.Token, c.Heads*c.HeadDim)
	b.attend(compute.Attention{
		Y: p.Heads(y, c.Heads), Q: p.Heads(q, c.Heads), K: p.Heads(k, c.KVHeads), V: p.Heads(v, c.KVHeads),
		Scale: float32(1 / math.Sqrt(float64(c.HeadDim))),
	})
	return b.linear("attn_output", y, x)
}

// attend appends the attention with a cache of its own.
func (b *builder) attend(o compute.Attention) {
	o.Cache = len(b.p.Caches)
	b.p.Caches = append(b.p.Caches, o.Kept())
	b.p.Do(o)
}

func (b *builder) headNorm(name string, x compute.Slot, heads int) compute.Slot {
	y := b.slot(name, compute.Token, b.p.Slots[x].Cols)
	b.p.Do(compute.Norm{Y: b.p.Heads(y, heads), X: b.p.Heads(x, heads), W: b.weight(name + ".weight"), Eps: b.c.Epsilon})
	return y
}

// latentAttention keeps one latent and one rotary key of a token for all heads
// (arXiv:2405.04434 equations 9 to 19). The matrices that would expand the
// latent into keys are applied to the queries instead, and those that would
// expand it into values to the result (end of section 2.1.2).
func (b *builder) latentAttention(n, x compute.Slot) compute.Slot {
	c, p, a := b.c, b.p, b.c.Latent
	var q compute.Slot
	if a.Q == 0 {
		q = b.linear("attn_q", n, compute.None)
	} else {
		q = b.linear("attn_q_b", b.norm("attn_q_a_norm", b.linear("attn_q_a", n, compute.None)), compute.None)
	}
	kv := b.linear("attn_kv_a_mqa", n, compute.None)
	k := b.slot("latent", compute.Token, a.KV+a.Rope)
	p.Do(compute.Norm{Y: p.All(k).Part(0, a.KV), X: p.All(kv).Part(0, a.KV), W: b.weight("attn_kv_a_norm.weight"), Eps: c.Epsilon})
	p.Do(compute.Copy{Y: p.All(k).Part(a.KV, a.Rope), X: p.All(kv).Part(a.KV, a.Rope)})
	p.Do(compute.Rotary{X: p.All(k).Part(a.KV, a.Rope), Freqs: b.freqs})

	heads := p.Heads(q, c.Heads)
	absorbed := b.slot("attn_q_absorbed", compute.Token, c.Heads*(a.KV+a.Rope))
	wide := p.Heads(absorbed, c.Heads)
	p.Do(compute.HeadLinear{Y: wide.Part(0, a.KV), X: heads.Part(0, a.Nope), W: b.weight("attn_k_b.weight")})
	p.Do(compute.Copy{Y: wide.Part(a.KV, a.Rope), X: heads.Part(a.Nope, a.Rope)})
	p.Do(compute.Rotary{X: wide.Part(a.KV, a.Rope), Freqs: b.freqs})

	y := b.slot("attn_latent", compute.Token, c.Heads*a.KV)
	b.attend(compute.Attention{
		Y: p.Heads(y, c.Heads), Q: wide, K: p.All(k), V: p.All(k).Part(0, a.KV),
		Scale: float32(1 / math.Sqrt(float64(a.Nope+a.Rope))),
	})
	v := b.slot("attn", compute.Token, c.Heads*a.Value)
	p.Do(compute.HeadLinear{Y: p.Heads(v, c.Heads), X: p.Heads(y, c.Heads), W: b.weight("attn_v_b.weight")})
	return b.linear("attn_output", v, x)
}

// gated is the gated MLP.
func (b *builder) gated(suffix string, n, residual compute.Slot) compute.Slot {
	gate, up := b.linear("ffn_gate"+suffix, n, compute.None), b.linear("ffn_up"+suffix, n, compute.None)
	h := b.slot("ffn_hidden"+suffix, compute.Token, b.p.Slots[gate].Cols)
	b.p.Do(compute.SwiGLU{Y: b.p.All(h), Gate: b.p.All(gate), Up: b.p.All(up)})
	return b.linear("ffn_down"+suffix, h, residual)
}

// experts is the mixture that replaces the MLP.
func (b *builder) experts(n, residual compute.Slot) compute.Slot {
	c, p := b.c, b.p
	if c.Experts.Shared > 0 {
		residual = b.gated("_shexp", n, residual)
	}
	scores := b.linear("ffn_gate_inp", n, compute.None)
	r := b.slot("ffn_route", compute.Token, c.Experts.Count)
	route := compute.Route{
		Y: p.All(r), X: p.All(scores), Used: c.Experts.Used,
		Sigmoid: c.Experts.Sigmoid, Normalise: c.Experts.Normalise, Scale: c.expertScale(),
	}
	if c.Experts.Sigmoid {
		route.Bias = b.weight("exp_probs_b.bias")
	}
	p.Do(route)
	y := b.slot("ffn_experts", compute.Token, c.Width)
	p.Do(compute.Experts{
		Y: p.All(y), X: p.All(n), R: p.All(r), Residual: p.All(residual), Hidden: c.Experts.Hidden,
		Gate: b.weight("ffn_gate_exps.weight"), Up: b.weight("ffn_up_exps.weight"), Down: b.weight("ffn_down_exps.weight"),
	})
	return y
}
