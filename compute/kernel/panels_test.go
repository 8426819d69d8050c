package kernel

import (
	"bytes"
	"fmt"
	"math"
	"testing"
)

// panelWant is the definition in MulPanels' comment for one output.
func panelWant(t Format, w []byte, x []float32) (acc float32) {
	l := t.layout()
	if l == nil {
		row := make([]float32, len(x))
		Dequantize(t, row, w)
		for i, v := range x {
			acc = fma(row[i], v, acc)
		}
		return acc
	}
	var b block
	for at := 0; at < len(x); at += l.sub {
		if at%l.numbers == 0 {
			l.get(&b, w[at/l.numbers*l.bytes:][:l.bytes])
		}
		s, m := b.line(at % l.numbers / l.sub)
		d, id := scaleQ8(x[at/32*32:][:32])
		var dot, sum int32
		for k, v := range x[at:][:l.sub] {
			q := int32(codeQ8(v, id))
			dot, sum = dot+q*int32(l.levels[b.codes[at%l.numbers+k]]), sum+q
		}
		acc = fma(float32(dot), float32(s*d), acc)
		if l.minimum > 0 {
			acc = fma(m, float32(float32(-sum)*d), acc)
		}
	}
	return acc
}

// used is the memory of all products here, which keeps what the last one left.
var used Scratch

// TestMulPanels compares every format, with any number of rows and outputs,
// with the definition, which knows one row and one output: so the bits do not
// depend on how many there are.
func TestMulPanels(t *testing.T) {
	testAll(t, func(t *testing.T) {
		for _, f := range Formats() {
			if e, _ := f.Block(); e == 256 {
				mulTrial(t, f, random, 3, 33, 512)
				mulTrial(t, f, random, 13, 90, 768)
				mulTrial(t, f, random, 1, 100, 256)
				mulTrial(t, f, random, 10, 16, 256)
				mulTrial(t, f, extremes, 1, 5, 256)
				mulTrial(t, f, extremes, 6, 33, 512)
				continue
			}
			for _, d := range [][3]int{{1, 1, 32}, {1, 100, 64}, {1, 160, 32}, {1, 120, 160}, {2, 16, 96}, {3, 33, 32}, {5, 47, 64}, {7, 64, 160}, {13, 17, 32}, {26, 80, 64}, {1, 16, 0}, {2, 0, 32}} {
				mulTrial(t, f, random, d[0], d[1], d[2])
				mulTrial(t, f, extremes, d[0], d[1], d[2])
				if f == F32 {
					mulTrial(t, f, random, d[0], d[1], d[2]+d[0]%7)
				}
			}
		}
	})
}

func mulTrial(t *testing.T, f Format, fill func(uint64, int) []float32, rows, n, k int) {
	t.Helper()
	w := make([]byte, n*f.Bytes(k))
	Quantize(f, w, fill(1, n*k))
	panels := make([]byte, PanelsSize(f, n, k))
	for i := range panels {
		panels[i] = 0xa5
	}
	Pack(f, panels, w, n, k)
	ldx, ldy := k+3, n+5
	x, _ := guarded(fill(2, rows*ldx))
	y, check := guarded(random(3, rows*ldy))
	want := append([]float32(nil), y...)
	for r := range rows {
		for j := range n {
			want[r*ldy+j] = panelWant(f, w[j*f.Bytes(k):][:f.Bytes(k)], x[r*ldx:][:k])
		}
	}
	var a Activations
	a.Prepare(f, x, ldx, rows, k)
	for _, step := range []int{48, 160} { // several calls, as threads would make them, and one
		for i := range want {
			if i%ldy < n {
				y[i] = -1
			}
		}
		for n0 := 0; n0 < n; n0 += step {
			MulPanels(f, y, ldy, panels, &a, n0, min(n0+step, n), k, &used)
		}
		same(t, fmt.Sprint(f, rows, n, k), y, want)
		check(t)
	}
}

// TestMulPanelsExtremeCodes has the largest codes in every place, and blocks of any
// bits with scales at the edges of F16: nothing may saturate.
func TestMulPanelsExtremeCodes(t *testing.T) {
	const n, k, rows = 32, 512, 7
	testAll(t, func(t *testing.T) {
		for _, f := range Formats() {
			if f.layout() == nil {
				continue
			}
			for _, w := range extremeCodes(f, n, k) {
				for _, v := range []float32{127, -127, float32(math.Inf(1))} {
					x := make([]float32, rows*k)
					for i := range x {
						x[i] = v
					}
					panels, y, want := make([]byte, PanelsSize(f, n, k)), make([]float32, rows*n), make([]float32, rows*n)
					Pack(f, panels, w, n, k)
					var a Activations
					a.Prepare(f, x, k, rows, k)
					MulPanels(f, y, n, panels, &a, 0, n, k, &used)
					for o := range n {
						want[o] = panelWant(f, w[o*f.Bytes(k):][:f.Bytes(k)], x[:k])
						for r := range rows {
							want[r*n+o] = want[o]
						}
					}
					same(t, fmt.Sprintf("%v, codes %x times %g", f, w[2:4], v), y, want)
				}
			}
		}
	})
}

// extremeCodes returns matrices of equal bytes but for d (and dmin), which are 1, and
// one of the blocks that decoding is compared with.
func extremeCodes(f Format, n, k int) (all [][]byte) {
	_, size := f.Block()
	for _, code := range []byte{0x80, 0x7f, 0xff, 0x00} {
		w := bytes.Repeat([]byte{code}, n*f.Bytes(k))
		for i := range w {
			for _, at := range halves[f] {
				if i%size == at || i%size == at+1 {
					w[i] = []byte{0, 0x3c}[i%size-at]
				}
			}
		}
		all = append(all, w)
	}
	blocks := goldenBlocks(f)
	return append(all, bytes.Repeat(blocks, n*f.Bytes(k)/len(blocks)+1)[:n*f.Bytes(k)])
}

// TestPrepareRows prepares rows in parts, and again with fewer rows.
func TestPrepareRows(t *testing.T) {
	const rows, n, k = 9, 16, 64
	testAll(t, func(t *testing.T) {
		for _, f := range []Format{F32, Q8_0, Q4_0, Q5_1} {
			w, x := make([]byte, n*f.Bytes(k)), random(2, rows*k)
			Quantize(f, w, random(1, n*k))
			panels := make([]byte, PanelsSize(f, n, k))
			Pack(f, panels, w, n, k)
			var whole, parts Activations
			got, want := make([]float32, rows*n), make([]float32, rows*n)
			whole.Prepare(f, x, k, rows, k)
			MulPanels(f, want, n, panels, &whole, 0, n, k, &used)
			parts.Prepare(f, x, k, 1, k)
			parts.Reset(f, rows, k)
			parts.PrepareRows(x, k, 4, 9)
			parts.PrepareRows(x, k, 0, 4)
			MulPanels(f, got, n, panels, &parts, 0, n, k, &used)
			same(t, f.String(), got, want)
		}
	})
}

func TestNaNPropagates(t *testing.T) {
	testAll(t, func(t *testing.T) {
		for _, f := range Formats() {
			const k = 256
			w, x, y := make([]byte, 16*f.Bytes(k)), random(1, k), make([]float32, 16)
			Quantize(f, w, random(2, 16*k))
			panels := make([]byte, PanelsSize(f, 16, k))
			Pack(f, panels, w, 16, k)
			x[5] = float32(math.NaN())
			var a Activations
			a.Prepare(f, x, k, 1, k)
			MulPanels(f, y, 16, panels, &a, 0, 16, k, &used)
			for i, v := range y {
				if v == v {
					t.Fatalf("%v: y[%d] = %g", f, i, v)
				}
			}
		}
	})
}
