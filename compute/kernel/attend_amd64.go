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

// attendKernels are those for several queries or results, and for one.
type attendKernels struct {
	several     int
	scores      func(dst, queries, keys *float32, pairs, stride, width int)
	scores1     func(dst, queries, keys *float32, pairs, stride, width int)
	mix4, wide4 func(y, a, rows *float32, n, bytes, stride, apart int) // wide: 16 columns at a time
	mix1        func(y, a, rows *float32, n, bytes, stride, apart int)
}

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
	if level >= avx512 {
		return &attending[t][1]
	}
	return &attending[t][0]
}

// readsHalves reports whether there are kernels that read F16.
func readsHalves(width int) bool { return level >= avx2 && width > 0 && width%8 == 0 }

func dots(dst, x, rows []float32, stride int) {
	if n := len(dst) &^ 7; level >= avx2 && n > 0 && len(x) > 0 && len(x)%32 == 0 {
		dotsAVX2(at(dst), at(x), at(rows), n, len(x)/32, 4*stride)
		dst, rows = dst[n:], rows[min(n*stride, len(rows)):]
	}
	dotsEach(dst, x, rows, stride)
}

func scores(t Format, dst []float32, stride int, queries []float32, n, width int, keys []float32) {
	if level < avx2 || width == 0 || width%2 != 0 {
		scoresGeneric(dst, stride, queries, n, width, keys)
		return
	}
	k := attendingOf(t)
	for q := 0; q < n; {
		do, some := k.scores1, 1
		if q+k.several <= n {
			do, some = k.scores, k.several
		}
		do(&dst[q*stride], &queries[q*width], at(keys), width/2, 4*stride, 4*width)
		q += some
	}
}

func mix(t Format, y []float32, n, width int, a []float32, stride int, rows []float32, apart, count int) {
	if level < avx2 || width == 0 || width%8 != 0 {
		mixEach(y, n, width, a, stride, rows, apart, count)
		return
	}
	k := attendingOf(t)
	several := k.mix4
	if width%16 == 0 {
		several = k.wide4
	}
	q, bytes := 0, t.vector(apart)
	for ; q+4 <= n; q += 4 {
		several(&y[q*width], &a[q*stride], at(rows), count, 4*width, 4*stride, bytes)
	}
	for ; q < n; q++ {
		k.mix1(&y[q*width], &a[q*stride], at(rows), count, 4*width, 4*stride, bytes)
	}
}
