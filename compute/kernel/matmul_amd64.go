//go:build !purego

package kernel

// The micro-kernels: rows × 16 or 32 elements of C from packed panels of 6 or
// 12 rows of A; ldc in elements. With flush, denormals count as zero.

//go:noescape
func microAVX2x1(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microAVX2x2(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microAVX2x4(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microAVX2x6(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microAVX512x1(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microAVX512x2(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microAVX512x4(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microAVX512x8(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microAVX512x12(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microBF16x1(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microBF16x2(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microBF16x4(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microBF16x8(a, b, c *float32, kb, ldc, add, flush int)

//go:noescape
func microBF16x12(a, b, c *float32, kb, ldc, add, flush int)

// transposeN moves 8·blocks elements of N rows, ld bytes apart, to columns
// that are stride bytes apart.

//go:noescape
func transpose4(dst, src *float32, ld, blocks, stride int)

//go:noescape
func transpose6(dst, src *float32, ld, blocks, stride int)

//go:noescape
func transpose8(dst, src *float32, ld, blocks, stride int)

// copyRowsN moves kb rows of N elements, ld bytes apart, next to each other.

//go:noescape
func copyRows6(dst, src *float32, ld, kb int)

//go:noescape
func copyRows12(dst, src *float32, ld, kb int)

//go:noescape
func copyRows16(dst, src *float32, ld, kb int)

//go:noescape
func copyRows32(dst, src *float32, ld, kb int)

//go:noescape
func exchangeBF16(even, odd *float32, n int)

// transposePairsN moves 16·blocks elements of N rows as 8·blocks pairs in BF16.

//go:noescape
func transposePairs4(dst, src *float32, ld, blocks, stride int)

//go:noescape
func transposePairs8(dst, src *float32, ld, blocks, stride int)

// pairRowsN makes rows of N pairs in BF16 of two times as many rows, ld bytes
// apart. dst may be src.

//go:noescape
func pairRows12(dst, src *float32, ld, pairs int)

//go:noescape
func pairRows32(dst, src *float32, ld, pairs int)

func gemmTile() tile {
	switch {
	case level >= avx512:
		return tile{12, 32}
	case level >= avx2:
		return tile{6, 16}
	}
	return genericTile
}

// microKernel makes some rows of C; kernels are listed by falling rows.
type microKernel struct {
	rows int
	run  func(a, b, c *float32, kb, ldc, add, flush int)
}

var (
	microAVX2   = []microKernel{{6, microAVX2x6}, {4, microAVX2x4}, {2, microAVX2x2}, {1, microAVX2x1}}
	microAVX512 = []microKernel{{12, microAVX512x12}, {8, microAVX512x8}, {4, microAVX512x4}, {2, microAVX512x2}, {1, microAVX512x1}}
	microBF16   = []microKernel{{12, microBF16x12}, {8, microBF16x8}, {4, microBF16x4}, {2, microBF16x2}, {1, microBF16x1}}
)

func micro(rows int, a, b, c []float32, ldc, kb int, add, bf16 bool) {
	kernels, flush := microAVX2, 0
	switch {
	case level < avx2:
		microGeneric(genericTile, rows, a, b, c, ldc, kb, add, bf16)
		return
	case bf16 && level >= avx512bf16:
		kernels, kb = microBF16, kb/2 // VDPBF16PS flushes by itself
	case level >= avx512:
		kernels = microAVX512
	}
	if bf16 && level < avx512bf16 {
		flush = 1
	}
	adding := 0
	if add {
		adding = 1
	}
	width := gemmTile().n
	for r := 0; r < rows; {
		for _, k := range kernels {
			if k.rows <= rows-r {
				_ = c[(r+k.rows-1)*ldc+width-1]
				k.run(&a[r], &b[0], &c[r*ldc], kb, ldc, adding, flush)
				r += k.rows
				break
			}
		}
	}
}

func packPanel(dst []float32, o *operand, i, n, k, kb, width int) {
	if level < avx2 || n < width {
		packPanelGeneric(dst, o, i, n, k, kb, width)
		return
	}
	if !o.alongK {
		src := &o.data[k*o.ld+i]
		switch width {
		case 6:
			copyRows6(&dst[0], src, 4*o.ld, kb)
		case 12:
			copyRows12(&dst[0], src, 4*o.ld, kb)
		case 16:
			copyRows16(&dst[0], src, 4*o.ld, kb)
		case 32:
			copyRows32(&dst[0], src, 4*o.ld, kb)
		}
		return
	}
	blocks := kb / 8
	for w := 0; w < width && blocks > 0; {
		src := &o.data[(i+w)*o.ld+k]
		switch {
		case width == 6:
			transpose6(&dst[w], src, 4*o.ld, blocks, 4*width)
			w += 6
		case width-w >= 8:
			transpose8(&dst[w], src, 4*o.ld, blocks, 4*width)
			w += 8
		default:
			transpose4(&dst[w], src, 4*o.ld, blocks, 4*width)
			w += 4
		}
	}
	packPanelGeneric(dst[8*blocks*width:], o, i, n, k+8*blocks, kb-8*blocks, width)
}

// packBF16 is packPanel for BF16. Where there are instructions for them, the
// panel is of pairs, the even element of k in the low half of a word; else as
// packBF16Generic makes it.
func packBF16(dst []float32, o *operand, i, n, k, kb, width int) {
	switch {
	case level < avx2:
		packBF16Generic(dst, o, i, n, k, kb, width)
		return
	case level < avx512bf16:
		packPanel(dst, o, i, n, k, kb, width)
		clear(dst[kb*width:])
		for k := 0; k < len(dst); k += 2 * width {
			exchangeBF16(&dst[k], &dst[k+width], width)
		}
		return
	}
	done := 0 // along k
	if n == width {
		if o.alongK {
			done = kb / 16 * 16
			transposePairs(dst, o, i, k, done/16, width)
		} else {
			done = kb / 2 * 2
			pairRows(dst, o.data[k*o.ld+i:], o.ld, done/2, width)
		}
	}
	if rest := dst[done*width:]; len(rest) > 0 {
		packPanelGeneric(rest, o, i, n, k+done, kb-done, width)
		clear(rest[(kb-done)*width:])
		pairRows(dst[done/2*width:], rest, width, len(rest)/(2*width), width)
	}
}

// pairRows is pairRowsN.
func pairRows(dst, src []float32, ld, pairs, width int) {
	switch {
	case pairs == 0:
	case width == 12:
		pairRows12(&dst[0], &src[0], 4*ld, pairs)
	default:
		pairRows32(&dst[0], &src[0], 4*ld, pairs)
	}
}

// transposePairs packs 16·blocks elements of a whole panel of o.
func transposePairs(dst []float32, o *operand, i, k, blocks, width int) {
	for w := 0; w < width && blocks > 0; {
		src := &o.data[(i+w)*o.ld+k]
		if width-w >= 8 {
			transposePairs8(&dst[w], src, 4*o.ld, blocks, 4*width)
			w += 8
		} else {
			transposePairs4(&dst[w], src, 4*o.ld, blocks, 4*width)
			w += 4
		}
	}
}
