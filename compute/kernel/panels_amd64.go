//go:build !purego

package kernel

import "slices"

//go:noescape
func gemvF32AVX2(call *panelCall)

//go:noescape
func gemvF32AVX512(call *panelCall)

//go:noescape
func quantizeWords(codes *int16, scales *blockScale, x *float32, blocks, offset int)

// wideCodes says that the kernels in use multiply codes of x as int16.
func wideCodes(l *layout) bool {
	return (level == avx2 || level == avx512f) && slices.Max(l.levels)-slices.Min(l.levels) > 127
}

func (a *Activations) quantize(r int, x []float32) {
	if !a.words || len(x) == 0 {
		a.quantizeBytes(r, x)
		return
	}
	n := a.lineScales()
	quantizeWords(&a.wide[r*a.stride : (r+1)*a.stride][0], &a.scales[r*n : (r+1)*n][0], &x[0], a.k/32, a.offset)
}

// panelSet returns which of a format's panelKernels are in use. Products of bytes by
// AVX-512 take VNNI.
func panelSet(t Format) int {
	if level >= avx512 || level == avx512f && t == F32 {
		return 1
	}
	return 0
}

func gemvF32(c *panelCall) {
	if level >= avx512f {
		gemvF32AVX512(c)
	} else {
		gemvF32AVX2(c)
	}
}
