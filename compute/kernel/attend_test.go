package kernel

import (
	"fmt"
	"testing"
)

// TestRows holds Dots and AddRows to Dot and Axpy row by row, to the bit, and to
// writing nothing else.
func TestRows(t *testing.T) {
	testAll(t, func(t *testing.T) {
		for _, width := range []int{1, 7, 8, 24, 31, 32, 48, 64, 80, 96, 128, 200, 256} {
			for _, n := range []int{0, 1, 2, 7, 8, 9, 16, 31, 32} {
				for _, numbers := range []func(uint64, int) []float32{random, extremes} {
					stride := width + n%3*8
					what := fmt.Sprintf("%d rows of %d, %d apart", n, width, stride)
					x, a, rows := numbers(1, width), numbers(2, n), numbers(3, max(0, (n-1)*stride+width))
					want, sum := make([]float32, n), numbers(4, width)
					got, intact := guarded(want)
					y, untouched := guarded(sum)
					for i := range n {
						row := rows[i*stride:][:width]
						want[i] = Dot(x, row)
						Axpy(sum, a[i], row)
					}
					Dots(got, x, rows, stride)
					same(t, "Dots: "+what, got, want)
					intact(t)
					AddRows(y, a, rows, stride)
					same(t, "AddRows: "+what, y, sum)
					untouched(t)
				}
			}
		}
	})
}

// BenchmarkRows is attention's reading of a page of keys and of values.
func BenchmarkRows(b *testing.B) {
	const n, width = 32, 64
	x, a, rows, dst := random(1, width), random(2, n), random(3, n*width), make([]float32, n)
	benchAll(b, "dots", func(b *testing.B) {
		for b.Loop() {
			Dots(dst, x, rows, width)
		}
		perSecond(b, 4*n*width, "GB/s")
	})
	benchAll(b, "addRows", func(b *testing.B) {
		for b.Loop() {
			AddRows(x, a, rows, width)
		}
		perSecond(b, 4*n*width, "GB/s")
	})
}
