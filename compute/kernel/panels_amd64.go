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
	return level == avx2 && slices.Max(l.levels)-slices.Min(l.levels) > 127
}

func (a *Activations) quantize(r int, x []float32) {
	if !a.words || len(x) == 0 {
		a.quantizeBytes(r, x)
		return
	}
	n := a.lineScales()
	quantizeWords(&a.wide[r*a.stride : (r+1)*a.stride][0], &a.scales[r*n : (r+1)*n][0], &x[0], a.k/32, a.offset)
}

// panelSet returns which of panelKernels are in use.
func panelSet() int { return min(level, avx512) - avx2 }

func gemvF32(c *panelCall) {
	if level >= avx512 {
		gemvF32AVX512(c)
	} else {
		gemvF32AVX2(c)
	}
}
