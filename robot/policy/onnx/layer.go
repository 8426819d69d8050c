package onnx

import (
	"slices"

	"samovar/robot/policy/network"
)

// gemm is alpha·A·B + beta·C.
func gemm(c *call) []*value {
	c.only("transA", 0)
	alpha, beta, transposed := c.float("alpha", 1), c.float("beta", 1), c.int("transB", 0) != 0
	x, w := c.in(0), c.in(1)
	if len(w.Shape()) != 2 || len(x.Shape()) != 2 {
		c.fail("a product of tensors of shapes %v and %v", x.Shape(), w.Shape())
		return nil
	}
	if !transposed {
		w = c.must(c.Transpose(w, []int{1, 0}))
	}
	y := c.scale(c.must(c.Linear(x, w, nil)), alpha)
	if c.has(2) {
		y = c.must(c.Combine(y, c.scale(c.in(2), beta), network.Add))
	}
	return c.keep(y, nil)
}

// must notes an error; the tensor is then of no use, but can be handed on.
func (c *call) must(t *network.Tensor, err error) *network.Tensor {
	if err != nil {
		c.fail("%w", err)
	}
	if c.err != nil {
		return none
	}
	return t
}

func (c *call) scale(t *network.Tensor, by float64) *network.Tensor {
	if by == 1 || c.err != nil {
		return t
	}
	return c.must(c.Combine(t, c.Scalar(by), network.Mul))
}

// matmul multiplies by a constant matrix.
func matmul(c *call) []*value {
	x, w := c.in(0), c.in(1)
	if len(w.Shape()) != 2 {
		c.fail("a product with a tensor of shape %v: only matrices are known here", w.Shape())
		return nil
	}
	return c.keep(c.Linear(x, c.must(c.Transpose(w, []int{1, 0})), nil))
}

func reduceMean(c *call) []*value {
	x := c.in(0)
	axes, ok := c.list("axes", 1)
	keep := c.int("keepdims", 1) != 0
	if !ok || len(axes) != 1 {
		c.fail("a mean along axes %v: one is known here, the last", axes)
		return nil
	}
	if a, err := x.Axis(axes[0]); err != nil || a != len(x.Shape())-1 {
		c.fail("a mean along axis %d of shape %v: only the last is known here", axes[0], x.Shape())
		return nil
	}
	y := c.must(c.Mean(x))
	if !keep && c.err == nil {
		y = c.must(c.Reshape(y, y.Shape()[:len(y.Shape())-1]...))
	}
	return c.keep(y, nil)
}

func layerNormalization(c *call) []*value {
	x := c.in(0)
	c.only("stash_type", 1)
	epsilon := c.float("epsilon", 1e-5)
	a, err := x.Axis(c.int("axis", -1))
	if err != nil {
		c.fail("%w", err)
		return nil
	}
	n, err := network.Size(x.Shape()[a:])
	if err != nil {
		c.fail("%w", err)
		return nil
	}
	return c.keep(c.Normalize(x, n, c.in(1), c.optional(2), epsilon))
}

// gates reads the weights of a recurrent layer with so many gates, and brings them
// into another order.
func (c *call) gates(order ...int) *network.Gates {
	n, hidden := len(order), c.int("hidden_size", 0)
	if a := c.attribute("direction", aText); a != nil && a.text != "forward" {
		c.fail("direction %q: only forward is known here", a.text)
	}
	c.only("layout", 0)
	for _, name := range []string{"activation_alpha", "activation_beta"} {
		if a := c.attribute(name, aFloats); a != nil && len(a.floats) > 0 {
			c.fail("attribute %q is not known here", name)
		}
	}
	if a := c.attribute("clip", aFloat); a != nil {
		c.fail("attribute %q is not known here", "clip")
	}
	if c.has(4) {
		c.fail("sequences of different lengths are not known here")
	}
	x, w, r := c.in(0), c.in(1), c.in(2)
	if s := x.Shape(); len(s) != 3 || s[0] != 1 || s[1] != 1 {
		c.fail("a sequence of shape %v: one observation is known here, (1, 1, n)", s)
		return nil
	}
	if s, t := w.Shape(), r.Shape(); len(s) != 3 || len(t) != 3 || s[0] != 1 || t[0] != 1 || s[1] != n*hidden || t[1] != n*hidden || t[2] != hidden {
		c.fail("weights of shapes %v and %v for %d gates of %d", s, t, n, hidden)
		return nil
	}
	g := &network.Gates{}
	reorder := func(t *network.Tensor) *network.Tensor {
		if c.err != nil {
			return none
		}
		return c.must(c.Rows(t, order...))
	}
	g.Input = reorder(c.must(c.Reshape(w, w.Shape()[1:]...)))
	g.Hidden = reorder(c.must(c.Reshape(r, r.Shape()[1:]...)))
	if b := c.optional(3); b != nil && c.err == nil {
		if !slices.Equal(b.Shape(), []int{1, 2 * n * hidden}) {
			c.fail("a bias of shape %v for %d gates of %d", b.Shape(), n, hidden)
			return nil
		}
		g.InputBias = reorder(c.must(c.Reshape(c.must(c.Slice(b, 1, 0, n*hidden, 1)), n*hidden)))
		g.HiddenBias = reorder(c.must(c.Reshape(c.must(c.Slice(b, 1, n*hidden, 2*n*hidden, 1)), n*hidden)))
	}
	return g
}

// activations refuses others than the usual ones.
func (c *call) activations(usual ...string) {
	if a := c.attribute("activations", aTexts); a != nil && !slices.Equal(a.texts, usual) {
		c.fail("activations %q: only %q are known here", a.texts, usual)
	}
}

// state is what a recurrent layer remembers; without it, zeroes.
func (c *call) state(i, hidden int) *network.Tensor {
	if c.has(i) {
		return c.in(i)
	}
	return c.must(c.Constant([]int{1, 1, hidden}, make([]float32, hidden)))
}

// recurrent are the results of a layer: all of its outputs, and what it remembers.
func (c *call) recurrent(h *network.Tensor, states ...*network.Tensor) []*value {
	hidden := h.Size()
	made := c.keep(c.must(c.Reshape(h, 1, 1, 1, hidden)), nil)
	for _, s := range states {
		made = append(made, c.keep(c.must(c.Reshape(s, 1, 1, hidden)), nil)...)
	}
	return made
}

func lstm(c *call) []*value {
	g := c.gates(0, 2, 3, 1) // ONNX has gates i, o, f, c
	c.activations("Sigmoid", "Tanh", "Tanh")
	c.only("input_forget", 0)
	if c.has(7) {
		c.fail("peepholes are not known here")
	}
	if c.err != nil {
		return nil
	}
	hidden := g.Hidden.Shape()[1]
	h, m, err := c.LSTM(c.in(0), c.state(5, hidden), c.state(6, hidden), g)
	if err != nil || c.err != nil {
		return c.keep(nil, err)
	}
	return c.recurrent(h, h, m)
}

func gru(c *call) []*value {
	g := c.gates(1, 0, 2) // ONNX has gates z, r, h
	c.activations("Sigmoid", "Tanh")
	late := c.int("linear_before_reset", 0) != 0
	if c.err != nil {
		return nil
	}
	h, err := c.GRU(c.in(0), c.state(5, g.Hidden.Shape()[1]), g, late)
	if err != nil || c.err != nil {
		return c.keep(nil, err)
	}
	return c.recurrent(h, h)
}
