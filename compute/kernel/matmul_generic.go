package kernel

import "math"

// packPanelGeneric writes dst[kk*width+w] = row i+w of o at k+kk for n rows,
// and zeros for the rest.
func packPanelGeneric(dst []float32, o *operand, i, n, k, kb, width int) {
	if o.alongK {
		for w := range n {
			for kk, v := range o.data[(i+w)*o.ld+k:][:kb] {
				dst[kk*width+w] = v
			}
		}
		for w := n; w < width; w++ {
			for kk := range kb {
				dst[kk*width+w] = 0
			}
		}
		return
	}
	for kk := range kb {
		row := dst[kk*width:][:width]
		copy(row, o.data[(k+kk)*o.ld+i:][:n])
		clear(row[n:])
	}
}

// packBF16Generic is packPanelGeneric, rounded to BF16 and with the rows of each
// pair along k exchanged.
func packBF16Generic(dst []float32, o *operand, i, n, k, kb, width int) {
	packPanelGeneric(dst, o, i, n, k, kb, width)
	clear(dst[kb*width:])
	for k := 0; k < len(dst); k += 2 * width {
		even, odd := dst[k:][:width], dst[k+width:][:width]
		for w := range even {
			even[w], odd[w] = roundBF16(odd[w]), roundBF16(even[w])
		}
	}
}

func roundBF16(v float32) float32 { return fromBF16(toBF16(flush(v))) }

// genericTile is small: the reference has no registers to fill.
var genericTile = tile{4, 16}

// eachTile has do make the rows of C tile by tile. Panels of A follow each other in a.
func eachTile(rows int, a, b, c []float32, ldc, kb int, add, bf16 bool,
	do func(t tile, rows int, a, b, c []float32, ldc, kb int, add, bf16 bool),
) {
	t := gemmTile()
	for r := 0; r < rows; r += t.m {
		do(t, min(t.m, rows-r), a[r*kb:], b, c[r*ldc:], ldc, kb, add, bf16)
	}
}

// microGeneric makes rows of a tile of at most 16 columns of C from panels packed for
// such tiles.
func microGeneric(t tile, rows int, a, b, c []float32, ldc, kb int, add, bf16 bool) {
	for r := range rows {
		var room [16]float32
		acc := room[:t.n]
		for k := range kb {
			x, row := a[k*t.m+r], b[k*t.n:][:t.n]
			if bf16 {
				for j, y := range row {
					acc[j] = fmaFlush(x, y, acc[j])
				}
				continue
			}
			for j, y := range row {
				acc[j] = fma(x, y, acc[j])
			}
		}
		out := c[r*ldc:][:t.n]
		if !add {
			copy(out, acc)
			continue
		}
		for j := range out {
			out[j] += acc[j]
		}
	}
}

// dotBF16 is one lane of VDPBF16PS as Intel defines it, on the BF16 halves of
// two words: the high halves first, then the low ones.
func dotBF16(acc float32, x, y uint32) float32 {
	high := func(v uint32) float32 { return math.Float32frombits(v & 0xffff0000) }
	acc = fmaFlush(high(x), high(y), acc)
	return fmaFlush(high(x<<16), high(y<<16), acc)
}
