// Package network runs the small neural networks that move robots: a list of steps
// over buffers, all of it laid out and checked when the network is built, so that
// running it neither fails nor allocates. It refuses what is too large to be run in
// a tick, and products of two computed matrices. Start with [Network] and [Builder];
// readers of file formats are beside it.
//
// Numbers are float32, tensors lie row by row, and a batch is always one observation.
package network

import "fmt"

// Network maps an observation to an action, and may remember something between two.
// It belongs to one goroutine.
type Network struct {
	steps   []step
	in, out []float32
	states  []state
}

// state is what a network remembers, and what it begins with.
type state struct{ now, first []float32 }

// step is one operation on buffers that it holds.
type step interface{ run() }

// Inputs is how many numbers an observation has.
func (n *Network) Inputs() int { return len(n.in) }

// Outputs is how many numbers an action has.
func (n *Network) Outputs() int { return len(n.out) }

// Recurrent reports whether the network remembers anything.
func (n *Network) Recurrent() bool { return len(n.states) > 0 }

// Run makes an action of an observation, of Outputs and Inputs numbers.
func (n *Network) Run(action, observation []float32) {
	copy(n.in, observation[:len(n.in)])
	for _, s := range n.steps {
		s.run()
	}
	copy(action[:len(n.out)], n.out)
}

// Reset makes the network forget: it is as it was read.
func (n *Network) Reset() {
	for _, s := range n.states {
		copy(s.now, s.first)
	}
}

// Bounds of what is run at all. The policies of humanoids have less than 2 million
// weights and as many products.
const (
	mostNumbers = 1 << 24 // of all buffers together
	mostWork    = 1 << 26 // products and other operations in a run, some 20 ms
	mostAxes    = 8
)

// Tensor is a buffer with a shape. Tensors may share one.
type Tensor struct {
	shape    []int
	data     []float32
	constant bool
	root     *float32 // start of the buffer that data is a part of
	loose    bool     // a copy of what in other frameworks is a view of another tensor
}

// Shape returns the extents; the caller does not change them.
func (t *Tensor) Shape() []int { return t.shape }

// Size is the number of numbers.
func (t *Tensor) Size() int { return len(t.data) }

// Shares reports whether both are parts of one buffer.
func (t *Tensor) Shares(other *Tensor) bool { return t.root == other.root }

// Constant returns a constant's numbers, or nothing where they are computed. The
// caller does not change them.
func (t *Tensor) Constant() []float32 {
	if !t.constant {
		return nil
	}
	return t.data
}

// Size is the number of numbers of a shape; it refuses shapes that no tensor here has.
func Size(shape []int) (int, error) {
	if len(shape) > mostAxes {
		return 0, fmt.Errorf("a tensor of %d axes: at most %d are possible", len(shape), mostAxes)
	}
	n := 1
	for _, s := range shape {
		if s < 1 || s > mostNumbers || n*s > mostNumbers {
			return 0, fmt.Errorf("a tensor of shape %v: 1 to %d numbers are possible", shape, mostNumbers)
		}
		n *= s
	}
	return n, nil
}
