package torchscript

import (
	"slices"

	"samovar/robot/policy/network"
)

func linear(c *operation) any { return c.must(c.b.Linear(c.tensor(0), c.tensor(1), c.optional(2))) }

// addmm is beta·bias + alpha·x·w.
func addmm(c *operation) any {
	if c.float(3, "beta", 1) != 1 || c.float(4, "alpha", 1) != 1 {
		c.fail("factors are not known here")
	}
	y := c.product(c.tensor(1), c.tensor(2))
	return c.must(c.b.Combine(y, c.tensor(0), network.Add))
}

func matmul(c *operation) any { return c.product(c.tensor(0), c.tensor(1)) }

// product is x·w of a constant matrix.
func (c *operation) product(x, w *network.Tensor) *network.Tensor {
	if len(w.Shape()) != 2 {
		c.fail("a product with a tensor of shape %v: only matrices are known here", w.Shape())
		return none
	}
	return c.must(c.b.Linear(x, c.must(c.b.Transpose(w, []int{1, 0})), nil))
}

func transposed(c *operation) any {
	x := c.tensor(0)
	if len(x.Shape()) != 2 {
		c.fail("a tensor of shape %v is transposed", x.Shape())
		return none
	}
	return c.must(c.b.Transpose(x, []int{1, 0}))
}

func swap(c *operation) any {
	x := c.tensor(0)
	a, b := c.axis(x, c.int(1, "", 0)), c.axis(x, c.int(2, "", 0))
	if c.err != nil {
		return none
	}
	axes := make([]int, len(x.Shape()))
	for i := range axes {
		axes[i] = i
	}
	axes[a], axes[b] = b, a
	return c.must(c.b.Transpose(x, axes))
}

// axis is an axis counted from the first.
func (c *operation) axis(x *network.Tensor, a int) int {
	k, err := x.Axis(a)
	if err != nil {
		c.fail("%w", err)
	}
	return k
}

func layerNorm(c *operation) any {
	x := c.tensor(0)
	n, err := network.Size(c.ints(1))
	if err != nil {
		c.fail("%w", err)
	}
	c.get(5, "") // which library computes it
	return c.must(c.b.Normalize(x, n, c.optional(2), c.optional(3), c.float(4, "eps", 1e-5)))
}

// layers reads what lstm and gru share: (x, states, weights, biases, layers, dropout,
// training, bidirectional, batch first), and the weights of each layer.
func (c *operation) layers(states ...*network.Tensor) (*network.Tensor, []network.Gates) {
	x, weights := c.tensor(0), c.tensors(2)
	biases, n := c.bool(3, true), c.int(4, "", 1)
	dropout, training := c.float(5, "", 0), c.bool(6, false)
	both := c.bool(7, false)
	c.bool(8, false) // which axis is the batch does not matter: it has extent 1
	each := 2
	if biases {
		each = 4
	}
	switch {
	case c.err != nil:
	case dropout != 0 && training:
		c.fail("it drops numbers out, as in training: export it with eval()")
	case both:
		c.fail("a layer that runs backwards, too, is not known here")
	case n < 1 || len(weights) != each*n:
		c.fail("%d layers with %d weights", n, len(weights))
	}
	if s := x.Shape(); c.err == nil && (len(s) < 2 || x.Size() != s[len(s)-1]) {
		c.fail("a sequence of shape %v: one observation is known here", s)
	}
	for _, s := range states {
		if c.err == nil && (s.Size()%n != 0 || len(s.Shape()) < 2 || s.Shape()[0] != n) {
			c.fail("%w: %d layers remember a tensor of shape %v", errSize, n, s.Shape())
		}
	}
	if c.err != nil {
		return x, nil
	}
	all := make([]network.Gates, n)
	for i := range all {
		w := weights[each*i : each*(i+1)]
		all[i] = network.Gates{Input: w[0], Hidden: w[1]}
		if biases {
			all[i].InputBias, all[i].HiddenBias = w[2], w[3]
		}
	}
	return x, all
}

// part is what layer i remembers.
func (c *operation) part(state *network.Tensor, i int) *network.Tensor {
	return c.must(c.b.Slice(state, 0, i, i+1, 1))
}

// output gives the last layer's numbers the axes of the input.
func (c *operation) output(x, h *network.Tensor) *network.Tensor {
	if c.err != nil {
		return none
	}
	shape := slices.Clone(x.Shape())
	shape[len(shape)-1] = h.Size()
	return c.must(c.b.Reshape(h, shape...))
}

func lstm(c *operation) any {
	states := c.tensors(1)
	if len(states) != 2 {
		c.fail("an LSTM that remembers %d tensors", len(states))
		return nil
	}
	x, all := c.layers(states...)
	in := x
	var hs, cs []*network.Tensor
	for i := range all {
		h, m := c.part(states[0], i), c.part(states[1], i)
		if c.err != nil {
			return nil
		}
		h, m, err := c.b.LSTM(in, h, m, &all[i])
		if in = c.must(h, err); c.err != nil {
			return nil
		}
		hs, cs = append(hs, h), append(cs, m)
	}
	if c.err != nil {
		return nil
	}
	return tuple{c.output(x, in), c.must(c.b.Concat(0, hs...)), c.must(c.b.Concat(0, cs...))}
}

func gru(c *operation) any {
	state := c.tensor(1)
	x, all := c.layers(state)
	in := x
	var hs []*network.Tensor
	for i := range all {
		h := c.part(state, i)
		if c.err != nil {
			return nil
		}
		h, err := c.b.GRU(in, h, &all[i], true)
		if in = c.must(h, err); c.err != nil {
			return nil
		}
		hs = append(hs, h)
	}
	if c.err != nil {
		return nil
	}
	return tuple{c.output(x, in), c.must(c.b.Concat(0, hs...))}
}

func dropout(c *operation) any {
	x := c.tensor(0)
	c.float(1, "p", 0)
	if c.bool(2, false) {
		c.fail("it drops numbers out, as in training: export it with eval()")
	}
	return x
}

func same(c *operation) any { return c.tensor(0) }

func clone(c *operation) any {
	c.get(-1, "memory_format")
	return c.must(c.b.Clone(c.tensor(0)))
}

func copyTo(c *operation) any {
	to, from := c.tensor(0), c.number(1)
	c.bool(2, false) // whether another device may be late
	if c.err == nil {
		if err := c.assign(to, from); err != nil {
			c.fail("%w", err)
		}
	}
	return to
}

func cat(c *operation) any {
	all, axis := c.tensors(0), c.int(1, "dim", 0)
	if c.err != nil {
		return nil
	}
	return c.must(c.b.Concat(axis, all...))
}

func unsqueeze(c *operation) any {
	x, a := c.tensor(0), c.int(1, "dim", 0)
	if a < 0 {
		a += len(x.Shape()) + 1
	}
	if a < 0 || a > len(x.Shape()) {
		c.fail("axis %d of a tensor of shape %v", a, x.Shape())
		return none
	}
	return c.must(c.b.Reshape(x, slices.Insert(slices.Clone(x.Shape()), a, 1)...))
}

func squeeze(c *operation) any {
	x := c.tensor(0)
	shape := slices.Clone(x.Shape())
	if _, ok := c.get(1, "dim"); !ok {
		shape = slices.DeleteFunc(shape, func(n int) bool { return n == 1 })
	} else if a := c.axis(x, c.int(1, "", 0)); c.err == nil && shape[a] == 1 {
		shape = slices.Delete(shape, a, a+1)
	}
	return c.must(c.b.Reshape(x, shape...))
}

func slice(c *operation) any {
	x := c.tensor(0)
	axis, start, end, step := c.int(1, "dim", 0), c.int(2, "start", 0), c.int(3, "end", 1<<30), c.int(4, "step", 1)
	return c.must(c.b.Slice(x, axis, start, end, step))
}

// choose is one element along an axis.
func choose(c *operation) any {
	x, a, i := c.tensor(0), c.int(1, "", 0), c.int(2, "", 0)
	a = c.axis(x, a)
	if c.err != nil {
		return none
	}
	if i < 0 {
		i += x.Shape()[a]
	}
	if i < 0 || i >= x.Shape()[a] {
		c.fail("%w: index %d of a tensor of shape %v", errSize, i, x.Shape())
		return none
	}
	y := c.must(c.b.Slice(x, a, i, i+1, 1))
	if c.err != nil {
		return none
	}
	return c.must(c.b.Reshape(y, slices.Delete(slices.Clone(y.Shape()), a, a+1)...))
}

func view(c *operation) any {
	x, shape := c.tensor(0), c.ints(1)
	rest, known := -1, 1
	for i, n := range shape {
		if n == -1 && rest < 0 {
			rest = i
			continue
		}
		if n < 1 || known > x.Size() {
			c.fail("%w: a tensor of shape %v cannot have shape %v", errSize, x.Shape(), shape)
			return none
		}
		known *= n
	}
	if rest >= 0 {
		shape[rest] = x.Size() / known
	}
	return c.must(c.b.Reshape(x, shape...))
}

func flatten(c *operation) any {
	x := c.tensor(0)
	from, to := c.axis(x, c.int(1, "start_dim", 0)), c.axis(x, c.int(2, "end_dim", -1))
	if c.err != nil || from > to {
		c.fail("axes %d to %d of a tensor of shape %v", from, to, x.Shape())
		return none
	}
	n, _ := network.Size(x.Shape()[from : to+1])
	return c.must(c.b.Reshape(x, slices.Concat(x.Shape()[:from], []int{n}, x.Shape()[to+1:])...))
}

func zeros(c *operation) any {
	shape := c.ints(0)
	for _, name := range []string{"dtype", "layout", "device", "pin_memory"} {
		if v, ok := c.get(-1, name); ok && name == "dtype" && v != nil && v != any(int64(6)) {
			c.fail("numbers of type %s are not known here", describe(v))
		}
	}
	n, err := network.Size(shape)
	if err != nil {
		c.fail("%w", err)
		return none
	}
	return c.must(c.b.Constant(shape, make([]float32, n)))
}

func size(c *operation) any {
	x := c.tensor(0)
	if _, ok := c.get(1, "dim"); ok {
		a := c.axis(x, c.int(1, "", 0))
		if c.err != nil {
			return nil
		}
		return int64(x.Shape()[a])
	}
	all := &list{}
	for _, n := range x.Shape() {
		all.items = append(all.items, int64(n))
	}
	return all
}

func dim(c *operation) any { return int64(len(c.tensor(0).Shape())) }

func length(c *operation) any {
	v, _ := c.get(0, "")
	items, ok := members(v)
	if !ok {
		c.fail("the length of %s", describe(v))
	}
	return int64(len(items))
}
