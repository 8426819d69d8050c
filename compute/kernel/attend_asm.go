//go:build !purego && (amd64 || arm64)

package kernel

// attendKernels are those for several queries or results, and for one.
type attendKernels struct {
	several     int
	scores      func(dst, queries, keys *float32, pairs, stride, width int)
	scores1     func(dst, queries, keys *float32, pairs, stride, width int)
	mix4, wide4 func(y, a, rows *float32, n, bytes, stride, apart int) // wide: 16 columns at a time
	mix1        func(y, a, rows *float32, n, bytes, stride, apart int)
}

// readsHalves reports whether there are kernels that read F16.
func readsHalves(width int) bool { return level > generic && width > 0 && width%8 == 0 }

func scores(t Format, dst []float32, stride int, queries []float32, n, width int, keys []float32) {
	if level == generic || width == 0 || width%2 != 0 {
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
	if level == generic || width == 0 || width%8 != 0 {
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
