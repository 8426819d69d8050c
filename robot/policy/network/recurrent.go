package network

import (
	"fmt"
	"math"
	"slices"
)

// Gates are the constants of a recurrent layer: the gates' rows one after the other,
// (gates·hidden, in) for what comes in, (gates·hidden, hidden) for what was
// remembered, and (gates·hidden) for either bias, which may be nil.
type Gates struct{ Input, Hidden, InputBias, HiddenBias *Tensor }

// check returns the sizes of a layer with so many gates.
func (g *Gates) check(gates int, x *Tensor, states ...*Tensor) (hidden int, err error) {
	for _, t := range []*Tensor{g.Input, g.Hidden, g.InputBias, g.HiddenBias} {
		if t != nil && !t.constant {
			return 0, fmt.Errorf("a recurrent layer with weights that are computed")
		}
	}
	w, r := g.Input.shape, g.Hidden.shape
	if len(w) != 2 || len(r) != 2 || r[0] != gates*r[1] || w[0] != r[0] {
		return 0, fmt.Errorf("a recurrent layer of %d gates with weights of shapes %v and %v", gates, w, r)
	}
	if len(x.data) != w[1] {
		return 0, fmt.Errorf("a recurrent layer takes %d numbers and is given %d", w[1], len(x.data))
	}
	for _, s := range states {
		if len(s.data) != r[1] {
			return 0, fmt.Errorf("a recurrent layer remembers %d numbers and is given %d", r[1], len(s.data))
		}
	}
	for _, t := range []*Tensor{g.InputBias, g.HiddenBias} {
		if t != nil && len(t.data) != w[0] {
			return 0, fmt.Errorf("a recurrent layer of %d rows with a bias of %d numbers", w[0], len(t.data))
		}
	}
	return r[1], nil
}

// bias returns both biases, zeroes where there is none.
func (g *Gates) bias() (input, hidden []float32) {
	n := g.Input.shape[0]
	input, hidden = make([]float32, n), make([]float32, n)
	if g.InputBias != nil {
		copy(input, g.InputBias.data)
	}
	if g.HiddenBias != nil {
		copy(hidden, g.HiddenBias.data)
	}
	return input, hidden
}

// LSTM is one step of a layer with gates i, f, g, o (Hochreiter and Schmidhuber,
// Neural Computation 9(8), 1997, with the forget gate of Gers and others, 2000). It
// returns what is remembered after it.
func (b *Builder) LSTM(x, h, c *Tensor, g *Gates) (newH, newC *Tensor, err error) {
	n, err := g.check(4, x, h, c)
	if err != nil {
		return nil, nil, err
	}
	if newH, err = b.room(h.shape); err != nil {
		return nil, nil, err
	}
	if newC, err = b.room(c.shape); err != nil {
		return nil, nil, err
	}
	work := len(g.Input.data) + len(g.Hidden.data)
	input, hidden := g.bias()
	for i := range input {
		input[i] += hidden[i]
	}
	s := &lstm{
		h: newH.data, c: newC.data, x: x.data, lastH: h.data, lastC: c.data,
		w: g.Input.data, r: g.Hidden.data, bias: input, a: make([]float32, 4*n), b: make([]float32, 4*n),
	}
	return b.add(s, newH, x, h, c), b.add(same{}, newC, x, h, c), b.charge(work)
}

// same is the step of a second result: the first one makes both.
type same struct{}

func (same) run() {}

type lstm struct {
	h, c, x, lastH, lastC, w, r, bias []float32
	a, b                              []float32 // room for the gates
}

func (s *lstm) run() {
	n := len(s.h)
	multiply(s.a, s.x, s.w, s.bias, len(s.x))
	multiply(s.b, s.lastH, s.r, nil, n)
	for k := range n {
		gate := func(i int) float64 { return float64(s.a[i*n+k]) + float64(s.b[i*n+k]) }
		c := sigmoid(gate(1))*float64(s.lastC[k]) + sigmoid(gate(0))*math.Tanh(gate(2))
		s.c[k] = float32(c)
		s.h[k] = float32(sigmoid(gate(3)) * math.Tanh(c))
	}
}

// GRU is one step of a layer with gates r, z, n (Cho and others, arXiv:1406.1078).
// The reset gate is applied to what the hidden weights make if late, to what was
// remembered if not.
func (b *Builder) GRU(x, h *Tensor, g *Gates, late bool) (*Tensor, error) {
	n, err := g.check(3, x, h)
	if err != nil {
		return nil, err
	}
	y, err := b.room(h.shape)
	if err != nil {
		return nil, err
	}
	s := &gru{
		h: y.data, x: x.data, last: h.data, w: g.Input.data, r: g.Hidden.data, late: late,
		a: make([]float32, 3*n), b: make([]float32, 3*n), kept: make([]float32, n),
	}
	s.input, s.hidden = g.bias()
	return b.add(s, y, x, h), b.charge(len(s.w) + len(s.r))
}

type gru struct {
	h, x, last, w, r, input, hidden []float32
	a, b, kept                      []float32 // room for the gates, and for what was not reset
	late                            bool
}

func (s *gru) run() {
	n := len(s.h)
	multiply(s.a, s.x, s.w, s.input, len(s.x))
	multiply(s.b, s.last, s.r, s.hidden, n)
	gate := func(i, k int) float64 { return sigmoid(float64(s.a[i*n+k]) + float64(s.b[i*n+k])) }
	if !s.late {
		for k := range n {
			s.kept[k] = float32(gate(0, k) * float64(s.last[k]))
		}
		multiply(s.b[2*n:], s.kept, s.r[2*n*n:], s.hidden[2*n:], n)
	}
	for k := range n {
		reset := 1.0
		if s.late {
			reset = gate(0, k)
		}
		z, m := gate(1, k), math.Tanh(float64(s.a[2*n+k])+reset*float64(s.b[2*n+k]))
		s.h[k] = float32((1-z)*m + z*float64(s.last[k]))
	}
}

// Rows is a constant whose first axis, in blocks of equal length, has another order:
// gates of one format for another.
func (b *Builder) Rows(t *Tensor, order ...int) (*Tensor, error) {
	if !t.constant || len(t.shape) == 0 || t.shape[0]%len(order) != 0 {
		return nil, fmt.Errorf("a tensor of shape %v has no %d gates", t.shape, len(order))
	}
	data, n := make([]float32, 0, len(t.data)), len(t.data)/len(order)
	for _, k := range order {
		data = append(data, t.data[k*n:(k+1)*n]...)
	}
	return b.Constant(slices.Clone(t.shape), data)
}
