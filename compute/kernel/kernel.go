// Package kernel is the arithmetic of Samovar: single-threaded pure functions
// on slices, in generic Go and in assembly: AVX2 and AVX-512, NEON.
//
// It refuses to start goroutines, to keep tensors or to choose numerics: the
// caller splits the work and owns all memory.
//
// Every implementation of a function returns the same bits: sums have one
// fixed order, written at each function, that depends neither on alignment nor
// on the width of the registers. Start with [Gemm] for training, [MulPanels]
// for serving, and the vector operations from [Dot] on.
package kernel

import (
	"fmt"
	"slices"
	"strings"
)

// level is the implementation in use, best the best that the machine runs: indices of
// levels, the names of the architecture's. Each needs all that the ones before it need.
var (
	best  = detect()
	level = best
)

// Implementations returns the names of those that this machine can run, the
// best last.
func Implementations() []string { return slices.Clone(levels[:best+1]) }

// Active returns the name of the implementation in use.
func Active() string { return levels[level] }

// Use selects an implementation by name and returns a function that selects
// the previous one again. No other function of the package may run meanwhile,
// and panels and activations prepared before are not valid after.
func Use(name string) (restore func(), err error) {
	i := slices.Index(levels[:best+1], name)
	if i < 0 {
		return nil, fmt.Errorf("use kernel %q: this machine runs only %s", name, strings.Join(Implementations(), ", "))
	}
	previous := level
	level = i
	return func() { level = previous }, nil
}

// HasBF16 reports whether [GemmBF16] runs on BF16 instructions, faster than
// [Gemm]. Without them its results are the same and its speed is Gemm's.
func HasBF16() bool { return hasBF16() }
