package onnx

import (
	"slices"

	"samovar/robot/policy/network"
)

func reshape(c *call) []*value {
	c.only("allowzero", 0)
	x := c.in(0)
	to, _ := c.list("shape", 1)
	to = slices.Clone(to)
	rest, known := -1, 1
	for i, n := range to {
		switch {
		case n == 0 && i < len(x.Shape()):
			to[i] = x.Shape()[i]
		case n == -1 && rest < 0:
			rest = i
			continue
		case n < 1 || n > x.Size():
			c.fail("a shape of %v", to)
			return nil
		}
		if known *= to[i]; known > x.Size() {
			c.fail("a tensor of shape %v cannot have shape %v", x.Shape(), to)
			return nil
		}
	}
	if rest >= 0 {
		to[rest] = x.Size() / known
	}
	return c.keep(c.Reshape(x, to...))
}

func flatten(c *call) []*value {
	x := c.in(0)
	axis, rank := c.int("axis", 1), len(x.Shape())
	if axis < -rank || axis > rank {
		c.fail("axis %d of a tensor of shape %v", axis, x.Shape())
		return nil
	}
	if axis < 0 {
		axis += rank
	}
	rows, _ := network.Size(x.Shape()[:axis])
	return c.keep(c.Reshape(x, rows, x.Size()/rows))
}

func squeeze(c *call) []*value {
	x := c.in(0)
	axes, ok := c.list("axes", 1)
	drop := map[int]bool{}
	for _, a := range axes {
		k, err := x.Axis(a)
		if err != nil || x.Shape()[k] != 1 {
			c.fail("axis %d of a tensor of shape %v cannot be left out", a, x.Shape())
			return nil
		}
		drop[k] = true
	}
	to := []int{}
	for a, n := range x.Shape() {
		if !drop[a] && (ok || n != 1) {
			to = append(to, n)
		}
	}
	return c.keep(c.Reshape(x, to...))
}

func unsqueeze(c *call) []*value {
	axes, _ := c.list("axes", 1)
	if v := c.source(); v != nil && len(axes) == 1 && axes[0] == 0 && len(v.shape) == 0 { // an integer in a list
		return []*value{{ints: v.ints, shape: []int{1}}}
	}
	x := c.in(0)
	rank := len(x.Shape()) + len(axes)
	to := make([]int, min(rank, 16))
	for _, a := range axes {
		if a < -rank || a >= rank || rank > len(to) || to[(a+rank)%rank] != 0 {
			c.fail("axes %v of a tensor of shape %v", axes, x.Shape())
			return nil
		}
		to[(a+rank)%rank] = 1
	}
	k := 0
	for i := range to {
		if to[i] == 0 {
			to[i] = x.Shape()[k]
			k++
		}
	}
	return c.keep(c.Reshape(x, to...))
}

func transpose(c *call) []*value {
	x := c.in(0)
	order, ok := c.list("perm", 9)
	if !ok {
		for a := range x.Shape() {
			order = append([]int{a}, order...)
		}
	}
	return c.keep(c.Transpose(x, order))
}

// mostInts is how many integers are put together: shapes need a few.
const mostInts = 1 << 10

func concat(c *call) []*value {
	axis := c.int("axis", 0)
	var ints []int64
	var all []*network.Tensor
	for i := range c.node.in {
		if v := c.values[c.node.in[i]]; v != nil && v.ints != nil && len(v.shape) == 1 && len(all) == 0 {
			if ints = append(ints, v.ints...); len(ints) > mostInts {
				c.fail("a list of %d integers", len(ints))
				return nil
			}
			continue
		}
		all = append(all, c.in(i))
	}
	if len(all) == 0 && len(ints) > 0 && axis == 0 {
		return []*value{{ints: ints, shape: []int{len(ints)}}}
	}
	if len(ints) > 0 || c.err != nil {
		c.fail("integers and float32 are mixed")
		return nil
	}
	return c.keep(c.Concat(axis, all...))
}

func split(c *call) []*value {
	x := c.in(0)
	axis, err := x.Axis(c.int("axis", 0))
	if err != nil {
		c.fail("%w", err)
		return nil
	}
	n, count := x.Shape()[axis], len(c.node.out)
	parts, ok := c.list("split", 1)
	if k := c.int("num_outputs", count); k != count || count == 0 {
		c.fail("%d parts into %d outputs", k, count)
		return nil
	}
	if !ok { // equal ones, the last may be smaller
		for size := (n + count - 1) / count; len(parts) < count; {
			parts = append(parts, min(size, n-size*len(parts)))
		}
	}
	if len(parts) != count {
		c.fail("%d parts into %d outputs", len(parts), count)
		return nil
	}
	var made []*value
	at := 0
	for _, p := range parts {
		if p < 1 || p > n-at {
			c.fail("parts of %v of a tensor of shape %v", parts, x.Shape())
			return nil
		}
		made = append(made, c.keep(c.Slice(x, axis, at, at+p, 1))...)
		at += p
	}
	if at != n {
		c.fail("parts of %v of a tensor of shape %v", parts, x.Shape())
	}
	return made
}

func slice(c *call) []*value {
	starts, ok := c.list("starts", 1)
	ends, _ := c.list("ends", 2)
	axes, some := c.list("axes", 3)
	steps := []int{}
	if c.has(4) {
		steps = c.ints(4)
	}
	if v := c.source(); v != nil && len(v.shape) == 1 && len(starts) == 1 && len(ends) == 1 && len(steps) == 0 {
		n := len(v.ints)
		from, to := bound(starts[0], n), bound(ends[0], n)
		part := v.ints[from:max(from, to)]
		return []*value{{ints: part, shape: []int{len(part)}}}
	}
	x := c.in(0)
	if !ok || len(starts) != len(ends) || some && len(axes) != len(starts) || len(steps) > 0 && len(steps) != len(starts) {
		c.fail("a part from %v to %v along %v in steps of %v", starts, ends, axes, steps)
		return nil
	}
	for i := range starts {
		axis, step := i, 1
		if some {
			axis = axes[i]
		}
		if len(steps) > 0 {
			step = steps[i]
		}
		if c.err == nil {
			x = c.must(c.Slice(x, axis, starts[i], ends[i], step))
		}
	}
	return c.keep(x, nil)
}

// source is the first input where it is a list of integers, else nil.
func (c *call) source() *value {
	if !c.has(0) {
		return nil
	}
	if v := c.values[c.node.in[0]]; v != nil && v.ints != nil {
		return v
	}
	return nil
}

// bound is an index into n items that may be counted from behind.
func bound(i, n int) int {
	if i < 0 {
		i += n
	}
	return min(max(i, 0), n)
}

// gather takes one element along an axis, or some of a list of integers.
func gather(c *call) []*value {
	axis := c.int("axis", 0)
	index := c.ints(1)
	if c.err != nil || len(index) != 1 {
		c.fail("%d indices: one is known here", len(index))
		return nil
	}
	flat := len(c.values[c.node.in[1]].shape) == 0
	if v := c.source(); v != nil {
		k := index[0]
		if k < 0 {
			k += len(v.ints)
		}
		if len(v.shape) != 1 || axis != 0 || k < 0 || k >= len(v.ints) {
			c.fail("index %d of integers of shape %v", index[0], v.shape)
			return nil
		}
		one := &value{ints: v.ints[k : k+1]}
		if !flat {
			one.shape = []int{1}
		}
		return []*value{one}
	}
	x := c.in(0)
	a, err := x.Axis(axis)
	if err != nil {
		c.fail("%w", err)
		return nil
	}
	k := index[0]
	if k < 0 {
		k += x.Shape()[a]
	}
	if k < 0 || k >= x.Shape()[a] {
		c.fail("index %d of a tensor of shape %v", index[0], x.Shape())
		return nil
	}
	y := c.must(c.Slice(x, a, k, k+1, 1))
	if flat && c.err == nil {
		y = c.must(c.Reshape(y, slices.Delete(slices.Clone(y.Shape()), a, a+1)...))
	}
	return c.keep(y, nil)
}

func expand(c *call) []*value {
	x, to := c.in(0), slices.Clone(c.ints(1))
	for i := range to { // an extent of 1 leaves that of x
		if k := i - len(to) + len(x.Shape()); k >= 0 && to[i] == 1 {
			to[i] = x.Shape()[k]
		}
	}
	for len(to) < len(x.Shape()) {
		to = append([]int{x.Shape()[len(x.Shape())-len(to)-1]}, to...)
	}
	return c.keep(c.Expand(x, to))
}

func shape(c *call) []*value {
	c.only("start", 0)
	x := c.in(0)
	v := &value{shape: []int{len(x.Shape())}}
	for _, n := range x.Shape() {
		v.ints = append(v.ints, int64(n))
	}
	return []*value{v}
}
