package kernel

import (
	"fmt"
	"testing"
)

// TestDots holds Dots to Dot row by row, to the bit, and to writing nothing else.
func TestDots(t *testing.T) {
	testAll(t, func(t *testing.T) {
		for _, width := range []int{1, 7, 8, 24, 31, 32, 48, 64, 80, 96, 128, 200, 256} {
			for _, n := range []int{0, 1, 2, 7, 8, 9, 16, 31, 32} {
				for _, numbers := range []func(uint64, int) []float32{random, extremes} {
					stride := width + n%3*8
					x, rows := numbers(1, width), numbers(3, max(0, (n-1)*stride+width))
					want := make([]float32, n)
					got, intact := guarded(want)
					for i := range n {
						want[i] = Dot(x, rows[i*stride:][:width])
					}
					Dots(got, x, rows, stride)
					same(t, fmt.Sprintf("%d rows of %d, %d apart", n, width, stride), got, want)
					intact(t)
				}
			}
		}
	})
}

// TestScores holds Scores to its order of sums, to the bit.
func TestScores(t *testing.T) {
	testAll(t, func(t *testing.T) {
		for _, width := range []int{1, 2, 5, 8, 32, 64, 96, 128} {
			for n := range 10 {
				for _, numbers := range []func(uint64, int) []float32{random, extremes} {
					stride := PageKeys + n%3*PageKeys
					queries, keys := numbers(1, n*width), make([]float32, width*PageKeys)
					rows := numbers(2, width*PageKeys)
					for i := range PageKeys {
						Store(F32, keys, Columns, i, rows[i*width:][:width])
					}
					want := random(3, max(0, (n-1)*stride+PageKeys))
					got, intact := guarded(want)
					for q := range n {
						for i := range PageKeys {
							var even, odd float32
							for c, x := range queries[q*width:][:width] {
								if c%2 == 0 {
									even = fma(x, rows[i*width+c], even)
								} else {
									odd = fma(x, rows[i*width+c], odd)
								}
							}
							want[q*stride+i] = even + odd
						}
					}
					Scores(F32, got, stride, queries, n, width, keys)
					same(t, fmt.Sprintf("%d queries of %d, results %d apart", n, width, stride), got, want)
					intact(t)
					if !Direct(F16, 1, width) {
						continue
					}
					page := make([]float32, F16.PageLen(width))
					for i := range PageKeys {
						Store(F16, page, Columns, i, rows[i*width:][:width])
					}
					Scores(F32, want, stride, queries, n, width, Widen(F16, keys, page, Columns, width))
					Scores(F16, got, stride, queries, n, width, page)
					same(t, fmt.Sprintf("%d queries of %d, results %d apart, keys in F16", n, width, stride), got, want)
					intact(t)
				}
			}
		}
	})
}

// TestMix holds Mix to Axpy row by row, to the bit.
func TestMix(t *testing.T) {
	testAll(t, func(t *testing.T) {
		for _, width := range []int{1, 7, 8, 24, 32, 48, 64, 80, 128, 200} {
			for n := range 10 {
				for _, count := range []int{0, 1, 5, 32} {
					for _, numbers := range []func(uint64, int) []float32{random, extremes} {
						apart, stride := width+n%3*8, count+n%2*7
						a, rows := numbers(2, max(0, (n-1)*stride+count)), numbers(3, max(0, (count-1)*apart+width))
						want := numbers(4, n*width)
						got, intact := guarded(want)
						for q := range n {
							for i := range count {
								Axpy(want[q*width:][:width], a[q*stride+i], rows[i*apart:][:width])
							}
						}
						Mix(F32, got, n, width, a, stride, rows, apart, count)
						same(t, fmt.Sprintf("%d results of %d, %d rows %d apart", n, width, count, apart), got, want)
						intact(t)
						if !Direct(F16, 1, width) {
							continue
						}
						halves := make([]float32, (len(rows)+1)/2)
						Quantize(F16, bytesOf(halves), rows)
						Dequantize(F16, rows, bytesOf(halves))
						Mix(F32, want, n, width, a, stride, rows, apart, count)
						Mix(F16, got, n, width, a, stride, halves, apart, count)
						same(t, fmt.Sprintf("%d results of %d, %d rows in F16 %d apart", n, width, count, apart), got, want)
						intact(t)
					}
				}
			}
		}
	})
}

// BenchmarkAttend is attention's reading of a block of keys and of values, by one
// query and by eight.
func BenchmarkAttend(b *testing.B) {
	const width = 64
	for _, n := range []int{1, 8} {
		queries, rows, dst := random(1, n*width), random(3, PageKeys*width), make([]float32, n*PageKeys)
		benchAll(b, fmt.Sprintf("scores/%d", n), func(b *testing.B) {
			for b.Loop() {
				Scores(F32, dst, PageKeys, queries, n, width, rows)
			}
			perSecond(b, 2*float64(n)*PageKeys*width, "GFLOP/s")
		})
		benchAll(b, fmt.Sprintf("mix/%d", n), func(b *testing.B) {
			for b.Loop() {
				Mix(F32, queries, n, width, dst, PageKeys, rows, width, PageKeys)
			}
			perSecond(b, 2*float64(n)*PageKeys*width, "GFLOP/s")
		})
	}
}
