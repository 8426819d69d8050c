//go:build !purego

package kernel

//go:noescape
func dotsAVX2(dst, x, rows *float32, n, blocks, stride int)

//go:noescape
func addRowsAVX2(y, a, rows *float32, n, bytes, stride int)

func dots(dst, x, rows []float32, stride int) {
	if n := len(dst) &^ 7; level >= avx2 && n > 0 && len(x) > 0 && len(x)%32 == 0 {
		dotsAVX2(at(dst), at(x), at(rows), n, len(x)/32, 4*stride)
		dst, rows = dst[n:], rows[min(n*stride, len(rows)):]
	}
	dotsEach(dst, x, rows, stride)
}

func addRows(y, a, rows []float32, stride int) {
	if level >= avx2 && len(a) > 0 && len(y)%8 == 0 {
		addRowsAVX2(at(y), at(a), at(rows), len(a), 4*len(y), 4*stride)
		return
	}
	addRowsEach(y, a, rows, stride)
}
