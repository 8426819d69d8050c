// Package torchscript reads networks that PyTorch has saved by torch.jit.save for
// package network. It follows the file's own code with the sizes of its tensors
// known, and so finds the operations of a run; nothing of the file is executed. It
// refuses loops, operations and classes that it does not know with a line that names
// them. Start with [Read].
package torchscript

import (
	"errors"
	"fmt"
	"slices"

	"samovar/robot/policy/network"
)

// Read reads a network from a file's bytes. Its forward takes the observation as a
// tensor of shape (1, n) and returns the action; buffers that it overwrites are what
// it remembers, and begin as they are in the file. The file does not say what n is:
// it is likely, or if that does not fit, what one of the weights takes.
func Read(data []byte, likely int) (*network.Network, error) {
	n, err := read(data, likely)
	if err != nil {
		return nil, fmt.Errorf("read TorchScript: %w", err)
	}
	return n, nil
}

func read(data []byte, likely int) (*network.Network, error) {
	a, err := open(data)
	if err != nil {
		return nil, err
	}
	root, err := a.pickle("data.pkl", "data")
	if err != nil {
		return nil, err
	}
	module, ok := root.(*object)
	if !ok {
		return nil, fmt.Errorf("data.pkl holds no module")
	}
	// Lengths that are too large do not fit; one number would be repeated wherever more
	// are needed, so it comes last.
	var sizes []int
	lengths(module, map[*object]bool{}, &sizes)
	slices.Sort(sizes)
	slices.Reverse(sizes)
	sizes = append([]int{likely}, sizes...)
	var first error
	s := newScope(a)
	for _, n := range sizes {
		net, err := s.network(module, n)
		if err == nil {
			return net, nil
		}
		if !errors.Is(err, errSize) {
			return nil, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, fmt.Errorf("no length of the observation fits its layers: %w", first)
}

// mostSizes is how many lengths are tried: a policy has some ten layers.
const mostSizes = 64

// lengths collects the last extents of all tensors in a module.
func lengths(module *object, seen map[*object]bool, all *[]int) {
	if seen[module] || len(seen) > 1000 {
		return
	}
	seen[module] = true
	for _, name := range module.names {
		switch v := module.attributes[name].(type) {
		case *object:
			lengths(v, seen, all)
		case *stored:
			if len(v.shape) == 0 || len(*all) == mostSizes {
				continue
			}
			if n := v.shape[len(v.shape)-1]; !slices.Contains(*all, n) {
				*all = append(*all, n)
			}
		}
	}
}
