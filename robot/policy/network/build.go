package network

import (
	"fmt"
	"slices"
)

// Builder lays out a network, operation by operation. What depends on constants
// alone is computed at once.
type Builder struct {
	steps   []step
	states  []state
	carried []move            // at the end of a run
	copied  map[*float32]bool // buffers of which loose copies were taken
	numbers int
	work    int
}

// Input is the tensor of the observation.
func (b *Builder) Input(shape ...int) (*Tensor, error) { return b.room(shape) }

// Constant is a tensor of numbers that never change; the builder keeps data.
func (b *Builder) Constant(shape []int, data []float32) (*Tensor, error) {
	n, err := Size(shape)
	if err != nil {
		return nil, err
	}
	if n != len(data) {
		return nil, fmt.Errorf("%d numbers for a tensor of shape %v", len(data), shape)
	}
	return &Tensor{shape: slices.Clone(shape), data: data, root: &data[0], constant: true}, nil
}

// Scalar is a constant without axes.
func (b *Builder) Scalar(x float64) *Tensor {
	data := []float32{float32(x)}
	return &Tensor{data: data, root: &data[0], constant: true}
}

// State is a tensor that is remembered from run to run; first are the numbers that
// it begins with, nil for zeroes.
func (b *Builder) State(shape []int, first []float32) (*Tensor, error) {
	t, err := b.room(shape)
	if err != nil {
		return nil, err
	}
	if first == nil {
		first = make([]float32, len(t.data))
	}
	if len(first) != len(t.data) {
		return nil, fmt.Errorf("%d numbers for a state of shape %v", len(first), shape)
	}
	copy(t.data, first)
	b.states = append(b.states, state{t.data, slices.Clone(first)})
	return t, nil
}

// Carry makes next, at the end of a run, what state is at the start of the next one.
func (b *Builder) Carry(state, next *Tensor) error {
	if !slices.Equal(state.shape, next.shape) {
		return fmt.Errorf("a state of shape %v becomes one of shape %v", state.shape, next.shape)
	}
	next, err := b.Clone(next) // it may be a part of another state
	if err != nil {
		return err
	}
	b.carried = append(b.carried, move{state.data, next.data})
	return nil
}

// Network is what has been built, from its input to its output.
func (b *Builder) Network(in, out *Tensor) (*Network, error) {
	out, err := b.Clone(out) // it may be a part of a state
	if err != nil {
		return nil, err
	}
	for i := range b.carried {
		b.steps = append(b.steps, &b.carried[i])
	}
	return &Network{steps: b.steps, in: in.data, out: out.data, states: b.states}, nil
}

// room is a new tensor.
func (b *Builder) room(shape []int) (*Tensor, error) {
	n, err := Size(shape)
	if err != nil {
		return nil, err
	}
	if b.numbers += n; b.numbers > mostNumbers {
		return nil, fmt.Errorf("a network with buffers of more than %d numbers", mostNumbers)
	}
	data := make([]float32, n)
	return &Tensor{shape: slices.Clone(shape), data: data, root: &data[0]}, nil
}

// charge counts the work of a step before it is added.
func (b *Builder) charge(work int) error {
	if work > mostWork || b.work+work > mostWork {
		return fmt.Errorf("a network of more than %d operations, too slow for a robot", mostWork)
	}
	b.work += work
	return nil
}

// add appends a step that makes out of from, or takes it now if from never changes.
func (b *Builder) add(s step, out *Tensor, from ...*Tensor) *Tensor {
	for _, f := range from {
		if !f.constant {
			b.steps = append(b.steps, s)
			return out
		}
	}
	s.run()
	out.constant = true
	return out
}

// Reshape shows the same numbers with other extents.
func (b *Builder) Reshape(x *Tensor, shape ...int) (*Tensor, error) {
	n, err := Size(shape)
	if err != nil {
		return nil, err
	}
	if n != len(x.data) {
		return nil, fmt.Errorf("a tensor of shape %v cannot have shape %v", x.shape, shape)
	}
	y := *x
	y.shape = slices.Clone(shape)
	return &y, nil
}

// Assign overwrites a tensor, and with it all that share its buffer. It refuses where
// parts were copied out of it that in other frameworks would change with it.
func (b *Builder) Assign(to, x *Tensor) error {
	if to.constant || to.loose || b.copied[to.root] {
		return fmt.Errorf("a network that overwrites its weights, or parts of a tensor")
	}
	y, err := b.Expand(x, to.shape)
	if err != nil {
		return err
	}
	if !slices.Equal(y.shape, to.shape) {
		return fmt.Errorf("a tensor of shape %v does not go into one of shape %v", x.shape, to.shape)
	}
	b.steps = append(b.steps, &move{to.data, y.data})
	return b.charge(len(to.data))
}

// Clone is a copy of what x is at this moment.
func (b *Builder) Clone(x *Tensor) (*Tensor, error) {
	return b.Map(x, func(x float32) float32 { return x })
}

// Map applies a function to every number.
func (b *Builder) Map(x *Tensor, f func(float32) float32) (*Tensor, error) {
	y, err := b.room(x.shape)
	if err != nil {
		return nil, err
	}
	if err := b.charge(10 * len(y.data)); err != nil { // an exponential or so
		return nil, err
	}
	return b.add(&mapped{y.data, x.data, f}, y, x), nil
}

// Combine applies a function to pairs of numbers; axes of extent 1, and missing
// ones before the first, are repeated as often as the other tensor needs.
func (b *Builder) Combine(x, y *Tensor, f func(x, y float32) float32) (*Tensor, error) {
	shape, err := broadcast(x.shape, y.shape)
	if err != nil {
		return nil, err
	}
	if x, err = b.Expand(x, shape); err != nil {
		return nil, err
	}
	if y, err = b.Expand(y, shape); err != nil {
		return nil, err
	}
	z, err := b.room(shape)
	if err != nil {
		return nil, err
	}
	if err := b.charge(len(z.data)); err != nil {
		return nil, err
	}
	return b.add(&combined{z.data, x.data, y.data, f}, z, x, y), nil
}

// Choose takes y where x is not 0 and z where it is; extents are repeated as in Combine.
func (b *Builder) Choose(x, y, z *Tensor) (*Tensor, error) {
	shape, err := broadcast(y.shape, z.shape)
	if err != nil {
		return nil, err
	}
	if shape, err = broadcast(shape, x.shape); err != nil {
		return nil, err
	}
	for _, t := range []**Tensor{&x, &y, &z} {
		if *t, err = b.Expand(*t, shape); err != nil {
			return nil, err
		}
	}
	to, err := b.room(shape)
	if err != nil {
		return nil, err
	}
	if err := b.charge(len(to.data)); err != nil {
		return nil, err
	}
	return b.add(&chosen{to.data, x.data, y.data, z.data}, to, x, y, z), nil
}

// broadcast is the shape of what two tensors of these shapes are combined to.
func broadcast(a, b []int) ([]int, error) {
	shape := make([]int, max(len(a), len(b)))
	for i := range shape {
		x, y := 1, 1
		if k := i - len(shape) + len(a); k >= 0 {
			x = a[k]
		}
		if k := i - len(shape) + len(b); k >= 0 {
			y = b[k]
		}
		if x != y && x != 1 && y != 1 {
			return nil, fmt.Errorf("tensors of shapes %v and %v do not fit", a, b)
		}
		shape[i] = max(x, y)
	}
	_, err := Size(shape)
	return shape, err
}

// Linear is x·wᵀ + bias, along the last axis of x; w is a constant of shape (out,
// in), bias of (out) or nil.
func (b *Builder) Linear(x, w, bias *Tensor) (*Tensor, error) {
	if !w.constant || bias != nil && !bias.constant {
		return nil, fmt.Errorf("a product with a matrix that is computed")
	}
	if len(w.shape) != 2 || len(x.shape) == 0 {
		return nil, fmt.Errorf("a product of tensors of shapes %v and %v", x.shape, w.shape)
	}
	out, in := w.shape[0], w.shape[1]
	if k := x.shape[len(x.shape)-1]; k != in {
		return nil, fmt.Errorf("a layer takes %d numbers and is given %d", in, k)
	}
	var add []float32
	if bias != nil {
		if len(bias.data) != out {
			return nil, fmt.Errorf("a layer has %d outputs and a bias of shape %v", out, bias.shape)
		}
		add = bias.data
	}
	shape := append(slices.Clone(x.shape[:len(x.shape)-1]), out)
	y, err := b.room(shape)
	if err != nil {
		return nil, err
	}
	if err := b.charge(len(y.data) * in); err != nil {
		return nil, err
	}
	return b.add(&linear{y.data, x.data, w.data, add, in}, y, x, w), nil
}

// Mean is the mean along the last axis, whose extent becomes 1.
func (b *Builder) Mean(x *Tensor) (*Tensor, error) {
	if len(x.shape) == 0 {
		return nil, fmt.Errorf("a mean of a single number")
	}
	shape := slices.Clone(x.shape)
	shape[len(shape)-1] = 1
	y, err := b.room(shape)
	if err != nil {
		return nil, err
	}
	return b.add(&mean{y.data, x.data}, y, x), b.charge(len(x.data))
}

// Normalize shifts and scales x along its last axes, as many as hold n numbers, to
// mean 0 and variance 1 (Ba, Kiros and Hinton, arXiv:1607.06450), then by weight and
// bias, which have n numbers or are nil.
func (b *Builder) Normalize(x *Tensor, n int, weight, bias *Tensor, epsilon float64) (*Tensor, error) {
	if n < 1 || len(x.data)%n != 0 {
		return nil, fmt.Errorf("%d numbers of a tensor of shape %v cannot be normalized together", n, x.shape)
	}
	from := []*Tensor{x}
	s := &normal{x: x.data, n: n, epsilon: epsilon}
	for _, t := range []struct {
		tensor *Tensor
		to     *[]float32
	}{{weight, &s.weight}, {bias, &s.bias}} {
		if t.tensor == nil {
			continue
		}
		if len(t.tensor.data) != n {
			return nil, fmt.Errorf("%d numbers are normalized and then scaled or shifted by %d", n, len(t.tensor.data))
		}
		*t.to = t.tensor.data
		from = append(from, t.tensor)
	}
	y, err := b.room(x.shape)
	if err != nil {
		return nil, err
	}
	s.y = y.data
	return b.add(s, y, from...), b.charge(4 * len(x.data))
}
