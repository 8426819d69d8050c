//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run -C _asm .

func detect() int {
	x := &cpu.X86
	switch {
	case !(x.HasAVX2 && x.HasFMA && x.HasF16C):
		return generic
	case !(x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VNNI):
		return avx2
	case !x.HasAVX512BF16:
		return avx512
	}
	return avx512bf16
}
