//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

const (
	generic  = iota
	neon     // Advanced SIMD, which every arm64 has
	neonDot  // FEAT_DotProd: SDOT
	neonI8MM // FEAT_I8MM: USDOT and USMMLA
)

var levels = []string{"generic", "neon", "neon-dot", "neon-i8mm"}

func detect() int {
	switch {
	case !cpu.ARM64.HasASIMDDP:
		return neon
	case !cpu.ARM64.HasI8MM:
		return neonDot
	}
	return neonI8MM
}

// hasBF16 is false: BFDOT and BFMMLA round and flush in another way than [GemmBF16]
// promises, and differ from one processor to the next (FEAT_EBF16).
func hasBF16() bool { return false }
