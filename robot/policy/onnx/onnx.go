// Package onnx reads networks in the format ONNX (onnx.ai) for package network. It
// knows the operators of feed-forward and recurrent policies in float32, and
// refuses every other operator, attribute and kind of number with a line that names
// it. Start with [Read].
package onnx

import (
	"fmt"
	"slices"
	"strings"

	"samovar/robot/policy/network"
)

// Versions of the set of operators whose meaning is known.
const oldest, newest = 7, 28

// Read reads a network from a file's bytes. The first input is the observation and
// the first output the action. Further inputs are states that begin with zeroes:
// input h_in is followed by output h_out. Axes without an extent have extent 1.
func Read(data []byte) (*network.Network, error) {
	m, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("read ONNX: %w", err)
	}
	if m.opset < oldest || m.opset > newest {
		return nil, fmt.Errorf("read ONNX: version %d of its operators: %d to %d are known here", m.opset, oldest, newest)
	}
	n, err := m.build()
	if err != nil {
		return nil, fmt.Errorf("read ONNX: %w", err)
	}
	return n, nil
}

// value is what has a name in a graph: a tensor, integers that are known, or the
// truth of comparisons, 1 or 0.
type value struct {
	tensor *network.Tensor
	ints   []int64
	shape  []int // of ints
	truth  *network.Tensor
}

// builder makes a network of a graph.
type builder struct {
	*network.Builder
	opset  int64
	values map[string]*value
}

func (m *model) build() (*network.Network, error) {
	b := &builder{&network.Builder{}, m.opset, map[string]*value{}}
	g := &m.graph
	for i := range g.constants {
		v, err := b.constant(&g.constants[i])
		if err != nil {
			return nil, err
		}
		if err := b.name(g.constants[i].name, v); err != nil {
			return nil, err
		}
	}
	ins := slices.DeleteFunc(slices.Clone(g.ins), func(p port) bool { return b.values[p.name] != nil }) // constants with a default
	if len(ins) == 0 || len(g.outs) == 0 {
		return nil, fmt.Errorf("a network without input or output")
	}
	for i := range ins {
		if err := b.input(&ins[i], i > 0); err != nil {
			return nil, err
		}
	}
	for i := range g.nodes {
		if err := b.node(&g.nodes[i]); err != nil {
			return nil, err
		}
	}
	out, err := b.tensor(g.outs[0].name)
	if err != nil {
		return nil, err
	}
	for i := range ins[1:] {
		if err := b.carry(ins[1+i].name, g.outs); err != nil {
			return nil, err
		}
	}
	return b.Network(b.values[ins[0].name].tensor, out)
}

// constant makes a value of a constant.
func (b *builder) constant(t *tensor) (*value, error) {
	if t.kind != float32s {
		return &value{ints: t.ints, shape: t.shape}, nil
	}
	c, err := b.Constant(t.shape, t.floats)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.name, err)
	}
	return &value{tensor: c}, nil
}

// name gives a value its name, which nothing else has.
func (b *builder) name(name string, v *value) error {
	if b.values[name] != nil {
		return fmt.Errorf("two values have the name %q", name)
	}
	b.values[name] = v
	return nil
}

// input makes a tensor of an input.
func (b *builder) input(p *port, state bool) error {
	if p.kind != float32s {
		return fmt.Errorf("input %q is of %s: only float32 is known here", p.name, kindName(p.kind))
	}
	shape := slices.Clone(p.shape)
	for a, n := range shape {
		if n < 0 && a == len(shape)-1 {
			return fmt.Errorf("input %q does not say how many numbers it has: export the network with a fixed size", p.name)
		}
		shape[a] = max(n, 1)
	}
	if n, err := network.Size(shape); err == nil && !state && n != shape[len(shape)-1] {
		return fmt.Errorf("input %q has shape %v: one observation at a time is known here", p.name, shape)
	}
	t, err := b.Input(shape...)
	if state {
		t, err = b.State(shape, nil)
	}
	if err != nil {
		return fmt.Errorf("input %q: %w", p.name, err)
	}
	return b.name(p.name, &value{tensor: t})
}

// carry finds the output that follows a state.
func (b *builder) carry(state string, outs []port) error {
	stem, ok := strings.CutSuffix(state, "_in")
	follows := stem + "_out"
	if !ok || !slices.ContainsFunc(outs, func(p port) bool { return p.name == follows }) {
		return fmt.Errorf("input %q is neither the observation, which is the first, nor a state: state h_in is followed by output h_out", state)
	}
	next, err := b.tensor(follows)
	if err != nil {
		return err
	}
	if err := b.Carry(b.values[state].tensor, next); err != nil {
		return fmt.Errorf("state %q: %w", state, err)
	}
	return nil
}

// tensor returns a tensor of floats.
func (b *builder) tensor(name string) (*network.Tensor, error) {
	v := b.values[name]
	switch {
	case v == nil:
		return nil, fmt.Errorf("there is no value %q, or it is used before it is made", name)
	case v.tensor == nil:
		return nil, fmt.Errorf("%q holds integers or truth values instead of float32", name)
	}
	return v.tensor, nil
}

// node adds an operation.
func (b *builder) node(n *node) error {
	f := operators[n.kind]
	if f == nil {
		return fmt.Errorf("operator %q is not known here", n.kind)
	}
	c := &call{builder: b, node: n}
	made := f(c)
	if c.err == nil {
		for _, a := range n.attributes {
			if !a.used {
				c.fail("attribute %q is not known here", a.name)
			}
		}
	}
	if c.err == nil && len(n.out) > len(made) {
		c.fail("%d outputs instead of %d", len(n.out), len(made))
	}
	if c.err != nil {
		return fmt.Errorf("operator %s %q: %w", n.kind, n.name, c.err)
	}
	for i, name := range n.out {
		if name == "" {
			continue
		}
		if made[i] == nil {
			return fmt.Errorf("operator %s %q: output %q is not known here", n.kind, n.name, name)
		}
		if err := b.name(name, made[i]); err != nil {
			return err
		}
	}
	return nil
}
