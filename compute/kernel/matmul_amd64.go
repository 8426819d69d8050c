//go:build !purego

package kernel

// The micro-kernels: tiles, one below the other, of rows × 16 or 32 elements of C from
// packed panels of 6 or 12 rows of A; ldc in elements. With flush, denormals count as
// zero. A kernel of fewer rows than a panel has makes one tile.

//go:noescape
func microAVX2x1(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microAVX2x2(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microAVX2x4(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microAVX2x6(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microAVX512x1(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microAVX512x2(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microAVX512x4(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microAVX512x8(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microAVX512x12(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microBF16x1(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microBF16x2(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microBF16x4(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microBF16x8(a, b, c *float32, kb, ldc, add, flush, tiles int)

//go:noescape
func microBF16x12(a, b, c *float32, kb, ldc, add, flush, tiles int)

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

// pairRowsN makes rows of N pairs in BF16 of two times as many rows, ld bytes apart.

//go:noescape
func pairRows12(dst, src *float32, ld, pairs int)

//go:noescape
func pairRows32(dst, src *float32, ld, pairs int)

func gemmTile() tile {
	switch {
	case level >= avx512f:
		return tile{12, 32}
	case level >= avx2:
		return tile{6, 16}
	}
	return genericTile
}

// microKernel makes some rows of C; kernels are listed by falling rows.
type microKernel struct {
	rows int
	run  func(a, b, c *float32, kb, ldc, add, flush, tiles int)
}

var (
	microAVX2   = []microKernel{{6, microAVX2x6}, {4, microAVX2x4}, {2, microAVX2x2}, {1, microAVX2x1}}
	microAVX512 = []microKernel{{12, microAVX512x12}, {8, microAVX512x8}, {4, microAVX512x4}, {2, microAVX512x2}, {1, microAVX512x1}}
	microBF16   = []microKernel{{12, microBF16x12}, {8, microBF16x8}, {4, microBF16x4}, {2, microBF16x2}, {1, microBF16x1}}
)

func pairsBF16() bool { return level >= avx512bf16 }

func micro(rows int, a, b, c []float32, ldc, kb int, add, bf16 bool) {
	t := gemmTile()
	kernels, flush := microAVX2, 0
	switch {
	case level < avx2:
		eachTile(rows, a, b, c, ldc, kb, add, bf16, microGeneric)
		return
	case bf16 && pairsBF16():
		kernels = microBF16 // VDPBF16PS flushes by itself
	case level >= avx512f:
		kernels = microAVX512
	}
	if bf16 && !pairsBF16() {
		flush = 1
	}
	adding := 0
	if add {
		adding = 1
	}
	_ = c[(rows-1)*ldc+t.n-1]
	tiles, panel := rows/t.m, 0 // panel: where the one with the next row begins
	if tiles > 0 {
		kernels[0].run(&a[0], &b[0], &c[0], kb, ldc, adding, flush, tiles)
		panel = tiles * t.m * kb
	}
	for done := tiles * t.m; done < rows; {
		for _, k := range kernels {
			if k.rows <= rows-done {
				k.run(&a[panel+done%t.m], &b[0], &c[done*ldc], kb, ldc, adding, flush, 1)
				done += k.rows
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

// someK is how many k are packed at once where there is no kernel for them.
const someK = 16

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
	for ; done < kb; done += someK {
		var rest [someK * 32]float32 // so many k, in pairs
		some := min(someK, kb-done)
		packPanelGeneric(rest[:], o, i, n, k+done, some, width)
		pairRows(dst[done/2*width:], rest[:], width, (some+1)/2, width)
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
