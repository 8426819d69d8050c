//go:build !purego

package kernel

// The micro-kernels: rows × 12 elements of C from packed panels of 8 rows of A; ldc in
// elements. With flush, denormals count as zero; but if there are any results below
// the smallest normal number, nothing is stored and tiny is not 0.

//go:noescape
func microNEONx1(a, b, c *float32, kb, ldc, add, flush int) (tiny int)

//go:noescape
func microNEONx2(a, b, c *float32, kb, ldc, add, flush int) (tiny int)

//go:noescape
func microNEONx4(a, b, c *float32, kb, ldc, add, flush int) (tiny int)

//go:noescape
func microNEONx8(a, b, c *float32, kb, ldc, add, flush int) (tiny int)

// transpose4 moves 4·blocks elements of 4 rows, ld bytes apart, to columns that are
// stride bytes apart.
//
//go:noescape
func transpose4(dst, src *float32, ld, blocks, stride int)

// copyRowsN moves kb rows of N elements, ld bytes apart, next to each other.

//go:noescape
func copyRows8(dst, src *float32, ld, kb int)

//go:noescape
func copyRows12(dst, src *float32, ld, kb int)

//go:noescape
func exchangeBF16(even, odd *float32, n int)

func gemmTile() tile {
	if level >= neon {
		return tile{8, 12}
	}
	return genericTile
}

// microKernels make some rows of C; by falling rows.
var microKernels = []struct {
	rows int
	run  func(a, b, c *float32, kb, ldc, add, flush int) (tiny int)
}{{8, microNEONx8}, {4, microNEONx4}, {2, microNEONx2}, {1, microNEONx1}}

func pairsBF16() bool { return false }

func micro(rows int, a, b, c []float32, ldc, kb int, add, bf16 bool) {
	do := microNEON
	if level < neon {
		do = microGeneric
	}
	eachTile(rows, a, b, c, ldc, kb, add, bf16, do)
}

// microNEON makes rows of one tile.
func microNEON(t tile, rows int, a, b, c []float32, ldc, kb int, add, bf16 bool) {
	adding, flush := 0, 0
	if add {
		adding = 1
	}
	if bf16 {
		flush = 1
	}
	for r := 0; r < rows; {
		for _, k := range microKernels {
			if k.rows <= rows-r {
				_ = c[(r+k.rows-1)*ldc+t.n-1]
				if k.run(&a[r], &b[0], &c[r*ldc], kb, ldc, adding, flush) != 0 {
					microGeneric(t, k.rows, a[r:], b, c[r*ldc:], ldc, kb, add, bf16)
				}
				r += k.rows
				break
			}
		}
	}
}

func packPanel(dst []float32, o *operand, i, n, k, kb, width int) {
	if level < neon || n < width {
		packPanelGeneric(dst, o, i, n, k, kb, width)
		return
	}
	if !o.alongK {
		src := &o.data[k*o.ld+i]
		if width == 8 {
			copyRows8(&dst[0], src, 4*o.ld, kb)
		} else {
			copyRows12(&dst[0], src, 4*o.ld, kb)
		}
		return
	}
	blocks := kb / 4
	for w := 0; w < width && blocks > 0; w += 4 {
		transpose4(&dst[w], &o.data[(i+w)*o.ld+k], 4*o.ld, blocks, 4*width)
	}
	packPanelGeneric(dst[4*blocks*width:], o, i, n, k+4*blocks, kb-4*blocks, width)
}

func packBF16(dst []float32, o *operand, i, n, k, kb, width int) {
	if level < neon {
		packBF16Generic(dst, o, i, n, k, kb, width)
		return
	}
	packPanel(dst, o, i, n, k, kb, width)
	clear(dst[kb*width:])
	for k := 0; k < len(dst); k += 2 * width {
		exchangeBF16(&dst[k], &dst[k+width], width)
	}
}
