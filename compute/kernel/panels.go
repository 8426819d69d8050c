package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// panelWidth is the number of outputs (rows of W) that a panel holds.
const panelWidth = 16

// PanelWidth returns the number of rows of W in a panel: callers split the
// outputs of [MulPanels] at its multiples.
func PanelWidth() int { return panelWidth }

// Panels returns the format of the panels that a matrix of t is packed into: its
// own, except that F16 and BF16 become F32, which changes no number.
func (t Format) Panels() Format {
	if t.layout() == nil {
		return F32
	}
	return t
}

// panelBytes returns the size of one panel of k columns: [k][16] float32, or
// blocks of strips.
func panelBytes(t Format, k int) int {
	l := t.layout()
	if l == nil {
		return panelWidth * F32.Bytes(k)
	}
	return k / l.numbers * l.panelBytes()
}

// PanelsSize returns the bytes of the panels of W (n×k).
func PanelsSize(t Format, n, k int) int {
	return (n + panelWidth - 1) / panelWidth * panelBytes(t, k)
}

// Pack writes the panels of W (n×k, rows of t.Bytes(k) bytes as in GGUF) to
// dst, in the format t.Panels(). The rows that the last panel lacks are zero.
// The layout is the same for all implementations; it is not a file format.
func Pack(t Format, dst, src []byte, n, k int) {
	if len(dst) < PanelsSize(t, n, k) || len(src) < n*t.Bytes(k) {
		panic(fmt.Sprintf("kernel: Pack %v: %d×%d from %d bytes to %d, want %d and %d", t, n, k,
			len(src), len(dst), n*t.Bytes(k), PanelsSize(t, n, k)))
	}
	size, row := panelBytes(t, k), t.Bytes(k)
	for i := 0; i*panelWidth < n; i++ {
		panel := dst[i*size:][:size]
		rows := min(panelWidth, n-i*panelWidth)
		if rows < panelWidth {
			clear(panel)
		}
		w := src[i*panelWidth*row:][:rows*row]
		if l := t.layout(); l != nil {
			l.pack(panel, w, rows, k)
		} else {
			packF32(panel, t, w, rows, k)
		}
	}
}

// packF32 writes panel[k][row].
func packF32(panel []byte, t Format, w []byte, rows, k int) {
	var some [64]float32
	for r := range rows {
		for c := 0; c < k; c += len(some) {
			numbers := some[:min(len(some), k-c)]
			Dequantize(t, numbers, w[t.Bytes(r*k+c):])
			for i, v := range numbers {
				binary.LittleEndian.PutUint32(panel[((c+i)*panelWidth+r)*4:], math.Float32bits(v))
			}
		}
	}
}

// Activations are rows of inputs prepared for [MulPanels]: as they are for
// F32 panels; for quantised panels in blocks of 32, quantised as ggml's
// quantize_row_q8_0_ref does, but with the scale in float32. A NaN in a block
// makes its scale NaN. The zero value is ready; buffers are kept and grow.
type Activations struct {
	format  Format
	rows, k int
	offset  int       // see layout.offset
	words   bool      // codes are in wide instead of q
	stride  int       // elements from row to row of f, q and wide
	f       []float32 // F32
	q       []int8    // codes
	wide    []int16   // codes, for an implementation that multiplies int16
	scales  []blockScale
}

// blockScale belongs to the quantised inputs that meet one scale of W: the 32 of
// a block, or half of them. Its sum is Σ codes as W needs it added:
//
//	W without minima   an int32, times the least level of W
//	W with minima      a float32, -Σ codes, rounded, times d
type blockScale struct {
	d   float32
	sum uint32
}

// Rows returns the number of rows.
func (a *Activations) Rows() int { return a.rows }

// Prepare prepares rows of k elements of x, ldx apart, for panels packed from t.
func (a *Activations) Prepare(t Format, x []float32, ldx, rows, k int) {
	a.Reset(t, rows, k)
	a.PrepareRows(x, ldx, 0, rows)
}

// Reset makes room for rows of k elements, to be filled by PrepareRows.
func (a *Activations) Reset(t Format, rows, k int) {
	t = t.Panels()
	t.Bytes(k) // panics unless rows are whole blocks
	a.format, a.rows, a.k = t, rows, k
	// Not a power of two, so that rows do not share one set of the cache.
	a.stride = (k+31)/32*32 + 32
	n := rows * a.stride
	if t == F32 {
		a.f = grow(a.f, n)
		return
	}
	a.offset, a.words = t.layout().offset(), wideCodes(t.layout())
	if a.words {
		a.wide = grow(a.wide, n)
	} else {
		a.q = grow(a.q, n)
	}
	a.scales = grow(a.scales, rows*a.lineScales())
}

// lineScales returns how many scales a row has.
func (a *Activations) lineScales() int { return a.k / a.format.layout().sub }

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// PrepareRows prepares rows [r0, r1) of x, whose row r starts at x[r*ldx].
// Threads may prepare different rows at once.
func (a *Activations) PrepareRows(x []float32, ldx, r0, r1 int) {
	if r0 < 0 || r1 > a.rows || r0 < r1 && (ldx < a.k || len(x) < (r1-1)*ldx+a.k) {
		panic(fmt.Sprintf("kernel: PrepareRows: rows %d to %d of %d×%d, %d apart in %d elements", r0, r1, a.rows, a.k, ldx, len(x)))
	}
	for r := r0; r < r1; r++ {
		row := x[r*ldx:][:a.k]
		if a.format == F32 {
			copy(a.f[r*a.stride:], row)
		} else {
			a.quantize(r, row)
		}
	}
}

// MulPanels multiplies the prepared rows by the panels of W for outputs n in
// [n0, n1), where W was packed from format t:
//
//	y[r*ldy+n] = Σ_k W[n][k]·x[r][k]
//
// n0 is a multiple of the panel width. For F32 an output is one chain of FMAs
// in ascending k. For quantised panels it is, over the columns under one scale of
// W, at most 32, in ascending order
//
//	acc = fma(float32(dot), dw·dx, acc)
//	acc = fma(m, float32(-Σ codes of x)·dx, acc)
//
// where dot is the exact integer product of the levels of W with the codes of x,
// and dw and m are the scale and, if the format has them, the minimum: of blocks of
// 256, d·scale and dmin·minimum. Every product but those of an fma is rounded. So
// the bits of a row do not depend on the other rows.
func MulPanels(t Format, y []float32, ldy int, panels []byte, x *Activations, n0, n1, k int, s *Scratch) {
	t = t.Panels()
	size := panelBytes(t, k)
	if n0 < 0 || n0 > n1 || n0%panelWidth != 0 || len(panels) < PanelsSize(t, n1, k) {
		panic(fmt.Sprintf("kernel: MulPanels %v: outputs %d to %d of %d inputs in %d bytes of panels", t, n0, n1, k, len(panels)))
	}
	if x.format != t || x.k != k {
		panic(fmt.Sprintf("kernel: MulPanels: %v panels of %d columns, activations prepared for %v and %d", t, k, x.format, x.k))
	}
	if n0 == n1 || x.rows == 0 {
		return
	}
	checkMatrix("MulPanels", "y", len(y), ldy, x.rows, n1)
	if k == 0 {
		for r := range x.rows {
			clear(y[r*ldy+n0 : r*ldy+n1])
		}
		return
	}
	mulPanels(t, y, ldy, panels[n0/panelWidth*size:], x, n0, n1, k, s)
}

func f16At(b []byte, i int) float32 { return fromF16(binary.LittleEndian.Uint16(b[2*i:])) }
