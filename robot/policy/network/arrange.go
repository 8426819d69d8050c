package network

import (
	"fmt"
	"slices"
)

// take is a tensor of numbers of x: number i is number index[i] of x.
func (b *Builder) take(x *Tensor, shape []int, index []int32) (*Tensor, error) {
	y, err := b.room(shape)
	if err != nil {
		return nil, err
	}
	if err := b.charge(len(y.data)); err != nil {
		return nil, err
	}
	y.loose = true
	if b.copied == nil {
		b.copied = map[*float32]bool{}
	}
	b.copied[x.root] = true
	return b.add(&gather{y.data, x.data, index}, y, x), nil
}

// view is a tensor with extents shape whose number (i, j, …) is number offset +
// i·stride[0] + j·stride[1] + … of x.
func (b *Builder) view(x *Tensor, shape []int, offset int, stride []int) (*Tensor, error) {
	n, err := Size(shape)
	if err != nil {
		return nil, err
	}
	if b.numbers+n > mostNumbers {
		return nil, fmt.Errorf("a network with buffers of more than %d numbers", mostNumbers)
	}
	index := make([]int32, n)
	at := make([]int, len(shape))
	for i := range index {
		k := offset
		for a := range at {
			k += at[a] * stride[a]
		}
		index[i] = int32(k)
		for a := len(at) - 1; a >= 0; a-- {
			if at[a]++; at[a] < shape[a] {
				break
			}
			at[a] = 0
		}
	}
	return b.take(x, shape, index)
}

// strides are those of a tensor that lies row by row.
func strides(shape []int) []int {
	s, n := make([]int, len(shape)), 1
	for a := len(shape) - 1; a >= 0; a-- {
		s[a] = n
		n *= shape[a]
	}
	return s
}

// Axis is the index of an axis that may be counted from behind.
func (t *Tensor) Axis(axis int) (int, error) {
	if axis < -len(t.shape) || axis >= len(t.shape) {
		return 0, fmt.Errorf("a tensor of shape %v has no axis %d", t.shape, axis)
	}
	return (axis + len(t.shape)) % len(t.shape), nil
}

// Expand repeats x along axes of extent 1, and along new ones before its first.
func (b *Builder) Expand(x *Tensor, shape []int) (*Tensor, error) {
	if slices.Equal(x.shape, shape) {
		return x, nil
	}
	if both, err := broadcast(x.shape, shape); err != nil || !slices.Equal(both, shape) {
		return nil, fmt.Errorf("a tensor of shape %v cannot be repeated to shape %v", x.shape, shape)
	}
	if n, _ := Size(shape); n == len(x.data) {
		return b.Reshape(x, shape...)
	}
	own, stride := strides(x.shape), make([]int, len(shape))
	for a := range x.shape {
		if x.shape[a] > 1 {
			stride[a+len(shape)-len(x.shape)] = own[a]
		}
	}
	return b.view(x, shape, 0, stride)
}

// Slice is the part of x from start up to end along an axis; both may be counted
// from behind and lie outside.
func (b *Builder) Slice(x *Tensor, axis, start, end, step int) (*Tensor, error) {
	axis, err := x.Axis(axis)
	if err != nil {
		return nil, err
	}
	n := x.shape[axis]
	bound := func(i int) int {
		if i < 0 {
			i = max(i, -n) + n // no overflow
		}
		return min(i, n)
	}
	start, end = bound(start), bound(end)
	if step < 1 || step > mostNumbers || start >= end {
		return nil, fmt.Errorf("a part of a tensor of shape %v from %d to %d in steps of %d along axis %d", x.shape, start, end, step, axis)
	}
	shape, stride := slices.Clone(x.shape), strides(x.shape)
	shape[axis] = (end - start + step - 1) / step
	offset := start * stride[axis]
	if step == 1 && n*stride[axis] == len(x.data) { // a piece in one
		y := *x
		y.shape, y.data = shape, x.data[offset:end*stride[axis]]
		return &y, nil
	}
	stride[axis] *= step
	return b.view(x, shape, offset, stride)
}

// Transpose puts axis order[i] of x at i.
func (b *Builder) Transpose(x *Tensor, order []int) (*Tensor, error) {
	seen := make([]bool, len(x.shape))
	shape, stride, own := make([]int, len(x.shape)), make([]int, len(x.shape)), strides(x.shape)
	for i, a := range order {
		if len(order) != len(seen) || a < 0 || a >= len(seen) || seen[a] {
			return nil, fmt.Errorf("axes of a tensor of shape %v in the order %v", x.shape, order)
		}
		seen[a] = true
		shape[i], stride[i] = x.shape[a], own[a]
	}
	if len(order) != len(seen) {
		return nil, fmt.Errorf("axes of a tensor of shape %v in the order %v", x.shape, order)
	}
	return b.view(x, shape, 0, stride)
}

// Concat puts tensors one behind the other along an axis.
func (b *Builder) Concat(axis int, all ...*Tensor) (*Tensor, error) {
	if len(all) == 0 {
		return nil, fmt.Errorf("nothing to put together")
	}
	axis, err := all[0].Axis(axis)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(all[0].shape)
	for _, x := range all[1:] {
		if len(x.shape) != len(shape) {
			return nil, fmt.Errorf("tensors of shapes %v and %v cannot be put together", shape, x.shape)
		}
		for a := range shape {
			switch {
			case a == axis:
				shape[a] += x.shape[a]
			case x.shape[a] != shape[a]:
				return nil, fmt.Errorf("tensors of shapes %v and %v cannot be put together", shape, x.shape)
			}
		}
	}
	y, err := b.room(shape)
	if err != nil {
		return nil, err
	}
	if err := b.charge(len(y.data)); err != nil {
		return nil, err
	}
	s := &joined{y: y.data}
	for _, x := range all {
		run := len(x.data)
		for a := range axis {
			run /= x.shape[a]
		}
		s.parts = append(s.parts, part{x.data, run})
		s.row += run
	}
	return b.add(s, y, all...), nil
}
