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

func dots(dst, x, rows []float32, stride int) {
	if n := len(dst) &^ 7; level >= avx2 && n > 0 && len(x) > 0 && len(x)%32 == 0 {
		dotsAVX2(at(dst), at(x), at(rows), n, len(x)/32, 4*stride)
		dst, rows = dst[n:], rows[min(n*stride, len(rows)):]
	}
	dotsEach(dst, x, rows, stride)
}

func scores(dst []float32, stride int, queries []float32, n, width int, keys []float32) {
	if level < avx2 || width == 0 || width%2 != 0 {
		scoresGeneric(dst, stride, queries, n, width, keys)
		return
	}
	several, kernel, single := 2, scores2AVX2, scores1AVX2
	if level >= avx512 {
		several, kernel, single = 4, scores4AVX512, scores1AVX512
	}
	for q := 0; q < n; {
		do, some := single, 1
		if q+several <= n {
			do, some = kernel, several
		}
		do(&dst[q*stride], &queries[q*width], at(keys), width/2, 4*stride, 4*width)
		q += some
	}
}

func mix(y []float32, n, width int, a []float32, stride int, rows []float32, apart, count int) {
	if level < avx2 || width == 0 || width%8 != 0 {
		mixEach(y, n, width, a, stride, rows, apart, count)
		return
	}
	several := mix4AVX2
	if level >= avx512 && width%16 == 0 {
		several = mix4AVX512
	}
	q := 0
	for ; q+4 <= n; q += 4 {
		several(&y[q*width], &a[q*stride], at(rows), count, 4*width, 4*stride, 4*apart)
	}
	for ; q < n; q++ {
		mix1AVX2(&y[q*width], &a[q*stride], at(rows), count, 4*width, 4*stride, 4*apart)
	}
}
