package kernel

import (
	"fmt"
	"math"
	"testing"
)

var kept = []Format{F32, F16, Q8_0}

// keptAs is what a page of the format gives back for a vector, computed by the
// formats of files.
func keptAs(t Format, x []float32) []float32 {
	block, _ := t.Block()
	largest := map[Format]float32{F32: float32(math.Inf(1)), F16: 65504, Q8_0: 65504 * 127}[t]
	bounded := make([]float32, (len(x)+block-1)/block*block)
	for i, v := range x {
		bounded[i] = max(-largest, min(largest, v))
	}
	codes := make([]byte, t.Bytes(len(bounded)))
	Quantize(t, codes, bounded)
	Dequantize(t, bounded, codes)
	return bounded[:len(x)]
}

// TestPages holds what pages give back to the bit to what the formats of files do.
func TestPages(t *testing.T) {
	testAll(t, func(t *testing.T) {
		for _, format := range kept {
			for _, width := range []int{1, 5, 8, 16, 32, 40, 64, 80, 128, 576} {
				for _, arrangement := range []int{Rows, Columns} {
					for _, numbers := range []func(uint64, int) []float32{random, extremes} {
						page, intact := guarded(make([]float32, format.PageLen(width)))
						x, want := numbers(uint64(width), PageKeys*width), make([]float32, PageKeys*width)
						for i := range PageKeys {
							v := x[i*width:][:width]
							Store(format, page, arrangement, i, v)
							for c, y := range keptAs(format, v) {
								want[(i/arrangement*width+c)*arrangement+i%arrangement] = y
							}
						}
						room, clean := guarded(make([]float32, PageKeys*width))
						got := Widen(format, room, page, arrangement, width)
						same(t, fmt.Sprintf("%v, width %d, %d together", format, width, arrangement), got, want)
						intact(t)
						clean(t)
					}
				}
			}
		}
	})
}

// TestStored bounds what a number changes by in a page: nothing is infinite, and what
// is too large stays the largest of its sign.
func TestStored(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		format  Format
		x, want []float32
	}{
		{F16, []float32{1, 70000, -1e30, inf, -inf, 65519, 1e-9}, []float32{1, 65504, -65504, 65504, -65504, 65504, 0}},
		{Q8_0, []float32{127, -254, 0}, []float32{128, -254, 0}},
		{Q8_0, []float32{inf, -inf, 1e9, 1, -1e-20}, []float32{127 * 65504, -127 * 65504, 127 * 65504, 0, 0}},
		{Q8_0, []float32{1e-30, 0}, []float32{0, 0}},
	} {
		testAll(t, func(t *testing.T) {
			x := make([]float32, 32)
			copy(x, c.x)
			page := make([]float32, c.format.PageLen(32))
			Store(c.format, page, Rows, 3, x)
			got := Widen(c.format, make([]float32, PageKeys*32), page, Rows, 32)[3*32:]
			same(t, fmt.Sprint(c.format, c.x), got[:len(c.want)], c.want)
		})
	}
	nan := []float32{1, float32(math.NaN())}
	page := make([]float32, F16.PageLen(2))
	Store(F16, page, Rows, 0, nan)
	if got := Widen(F16, make([]float32, PageKeys*2), page, Rows, 2); got[0] != 1 || got[1] == got[1] {
		t.Errorf("%v is kept as %v", nan, got[:2])
	}
}

// BenchmarkWiden is the reading of a page of 64 columns, as float32.
func BenchmarkWiden(b *testing.B) {
	const width = 64
	for _, format := range kept[1:] {
		for _, arrangement := range []int{Rows, Columns} {
			page, room := make([]float32, format.PageLen(width)), make([]float32, PageKeys*width)
			benchAll(b, fmt.Sprintf("%v/%d", format, arrangement), func(b *testing.B) {
				for b.Loop() {
					Widen(format, room, page, arrangement, width)
				}
				perSecond(b, PageKeys*width, "Gnumbers/s")
			})
		}
	}
}

// BenchmarkStore is the writing of a key of 64 columns.
func BenchmarkStore(b *testing.B) {
	const width = 64
	key := random(1, width)
	for _, format := range kept {
		page := make([]float32, format.PageLen(width))
		benchAll(b, format.String(), func(b *testing.B) {
			for b.Loop() {
				Store(format, page, Columns, 3, key)
			}
			perSecond(b, width, "Gnumbers/s")
		})
	}
}
