//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run -C _asm .

const (
	generic = iota
	avx2    // AVX2, FMA, F16C
	avx512f // AVX-512 F, BW, DQ, VL: wider registers, with AVX2's products of bytes
	avx512  // and VNNI
	avx512bf16
)

var levels = []string{"generic", "avx2", "avx512f", "avx512", "avx512bf16"}

func hasBF16() bool { return level >= avx512bf16 }

func detect() int {
	x := &cpu.X86
	switch {
	case !(x.HasAVX2 && x.HasFMA && x.HasF16C):
		return generic
	case !(x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL):
		return avx2
	case !x.HasAVX512VNNI:
		return avx512f
	case !x.HasAVX512BF16:
		return avx512
	}
	return avx512bf16
}
