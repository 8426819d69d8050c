//go:build !purego

package kernel

//go:noescape
func dotsAVX2(dst, x, rows *float32, n, blocks, stride int)

//go:noescape
func scores1AVX2(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func scores2AVX2(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func scores1AVX512(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func scores4AVX512(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func mix1AVX2(y, a, rows *float32, n, bytes, stride, apart int)

//go:noescape
func mix4AVX2(y, a, rows *float32, n, bytes, stride, apart int)

//go:noescape
func mix4AVX512(y, a, rows *float32, n, bytes, stride, apart int)

//go:noescape
func halfScores1AVX2(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func halfScores2AVX2(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func halfScores1AVX512(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func halfScores4AVX512(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func halfMix1AVX2(y, a, rows *float32, n, bytes, stride, apart int)

//go:noescape
func halfMix4AVX2(y, a, rows *float32, n, bytes, stride, apart int)

//go:noescape
func halfMix4AVX512(y, a, rows *float32, n, bytes, stride, apart int)

// attending are the kernels of F32 and of F16, for AVX2 and for AVX-512.
var attending = [2][2]attendKernels{
	{
		{2, scores2AVX2, scores1AVX2, mix4AVX2, mix4AVX2, mix1AVX2},
		{4, scores4AVX512, scores1AVX512, mix4AVX2, mix4AVX512, mix1AVX2},
	}, {
		{2, halfScores2AVX2, halfScores1AVX2, halfMix4AVX2, halfMix4AVX2, halfMix1AVX2},
		{4, halfScores4AVX512, halfScores1AVX512, halfMix4AVX2, halfMix4AVX512, halfMix1AVX2},
	},
}

func attendingOf(t Format) *attendKernels {
	if level >= avx512f {
		return &attending[t][1]
	}
	return &attending[t][0]
}

func dots(dst, x, rows []float32, stride int) {
	if n := len(dst) &^ 7; level >= avx2 && n > 0 && len(x) > 0 && len(x)%32 == 0 {
		dotsAVX2(at(dst), at(x), at(rows), n, len(x)/32, 4*stride)
		dst, rows = dst[n:], rows[min(n*stride, len(rows)):]
	}
	dotsEach(dst, x, rows, stride)
}
