package model

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// Tensor is one weight of a model under its name in GGUF: Rows×Cols, row by
// row. The matrices of experts or heads are stacked.
type Tensor struct {
	Name       string
	Rows, Cols int
	Experts    int     // >0: Rows is that many matrices stacked
	Heads      int     // likewise for heads of latent attention
	Deviation  float32 // of the normal distribution that it starts from; 0: it starts at Start
	Start      float32
	Router     bool // chooses experts: kept in full precision
}

// Dims returns the shape as GGUF lists it, innermost first.
func (t Tensor) Dims() []int {
	switch n := max(t.Experts, t.Heads); {
	case n > 0:
		return []int{t.Cols, t.Rows / n, n}
	case t.Rows == 1:
		return []int{t.Cols}
	}
	return []int{t.Cols, t.Rows}
}

// Vector reports whether t is a norm or a bias: kept in full precision and not
// decayed.
func (t Tensor) Vector() bool { return t.Rows == 1 }

// deviation of matrices at the start, GPT-2's (section 2.3 of its report); what
// is added to the residual stream starts smaller by √(2·layers).
const deviation = 0.02

// Tensors lists the weights in the order of the program.
func (c Config) Tensors() []Tensor {
	l := tensors{out: deviation / float32(math.Sqrt(2*float64(c.Layers)))}
	l.matrix("token_embd.weight", c.Vocabulary, c.Width)
	for i := range c.Layers {
		l.prefix = fmt.Sprintf("blk.%d.", i)
		l.norm("attn_norm.weight", c.Width)
		if c.Architecture == DeepSeek2 {
			l.latent(c)
		} else {
			l.heads(c)
		}
		l.norm("ffn_norm.weight", c.Width)
		if c.dense(i) {
			l.gated("", c.Width, c.Hidden)
		} else {
			l.experts(c)
		}
	}
	l.prefix = ""
	l.norm("output_norm.weight", c.Width)
	if !c.Tied {
		l.matrix("output.weight", c.Vocabulary, c.Width)
	}
	return l.list
}

type tensors struct {
	list   []Tensor
	prefix string
	out    float32 // deviation of matrices that write to the residual stream
}

func (l *tensors) add(t Tensor) {
	t.Name = l.prefix + t.Name
	l.list = append(l.list, t)
}

func (l *tensors) norm(name string, cols int) {
	l.add(Tensor{Name: name, Rows: 1, Cols: cols, Start: 1})
}

func (l *tensors) matrix(name string, rows, cols int) {
	l.add(Tensor{Name: name, Rows: rows, Cols: cols, Deviation: deviation})
}

func (l *tensors) heads(c Config) {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	l.matrix("attn_q.weight", q, c.Width)
	l.matrix("attn_k.weight", kv, c.Width)
	l.matrix("attn_v.weight", kv, c.Width)
	if c.normed() {
		l.norm("attn_q_norm.weight", c.HeadDim)
		l.norm("attn_k_norm.weight", c.HeadDim)
	}
	l.add(Tensor{Name: "attn_output.weight", Rows: c.Width, Cols: q, Deviation: l.out})
}

func (l *tensors) latent(c Config) {
	a := c.Latent
	q := c.Heads * (a.Nope + a.Rope)
	if a.Q == 0 {
		l.matrix("attn_q.weight", q, c.Width)
	} else {
		l.matrix("attn_q_a.weight", a.Q, c.Width)
		l.norm("attn_q_a_norm.weight", a.Q)
		l.matrix("attn_q_b.weight", q, a.Q)
	}
	l.matrix("attn_kv_a_mqa.weight", a.KV+a.Rope, c.Width)
	l.norm("attn_kv_a_norm.weight", a.KV)
	l.add(Tensor{Name: "attn_k_b.weight", Rows: c.Heads * a.KV, Cols: a.Nope, Heads: c.Heads, Deviation: deviation})
	l.add(Tensor{Name: "attn_v_b.weight", Rows: c.Heads * a.Value, Cols: a.KV, Heads: c.Heads, Deviation: deviation})
	l.add(Tensor{Name: "attn_output.weight", Rows: c.Width, Cols: c.Heads * a.Value, Deviation: l.out})
}

func (l *tensors) gated(suffix string, width, hidden int) {
	l.matrix("ffn_gate"+suffix+".weight", hidden, width)
	l.matrix("ffn_up"+suffix+".weight", hidden, width)
	l.add(Tensor{Name: "ffn_down" + suffix + ".weight", Rows: width, Cols: hidden, Deviation: l.out})
}

func (l *tensors) experts(c Config) {
	e := c.Experts
	l.add(Tensor{Name: "ffn_gate_inp.weight", Rows: e.Count, Cols: c.Width, Deviation: deviation, Router: true})
	if e.Sigmoid {
		l.add(Tensor{Name: "exp_probs_b.bias", Rows: 1, Cols: e.Count})
	}
	stacked := func(name string, rows, cols int, d float32) {
		l.add(Tensor{Name: name, Rows: e.Count * rows, Cols: cols, Experts: e.Count, Deviation: d})
	}
	stacked("ffn_gate_exps.weight", e.Hidden, c.Width, deviation)
	stacked("ffn_up_exps.weight", e.Hidden, c.Width, deviation)
	stacked("ffn_down_exps.weight", c.Width, e.Hidden, l.out)
	if e.Shared > 0 {
		l.gated("_shexp", c.Width, e.Shared*e.Hidden)
	}
}

// Initialise fills w, of Rows·Cols, with the values that training starts from:
// a function of the tensor's name and the seed alone.
func (t Tensor) Initialise(w []float32, seed uint64) {
	if t.Deviation == 0 {
		for i := range w {
			w[i] = t.Start
		}
		return
	}
	h := fnv.New64a()
	h.Write([]byte(t.Name))
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	for i := range w {
		w[i] = t.Deviation * float32(r.NormFloat64())
	}
}
