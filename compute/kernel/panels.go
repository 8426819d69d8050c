package kernel

import (
	"encoding/binary"
	"fmt"
)

// panelWidth is the number of outputs (rows of W) that a panel holds.
const panelWidth = 16

// PanelWidth returns the number of rows of W in a panel: callers split the
// outputs of [MulPanels] at its multiples.
func PanelWidth() int { return panelWidth }

// Panels returns the format of the panels that a matrix of t is packed into:
// its own where there is a kernel for its codes; Q8_0 or Q6_K where their panels
// hold the same numbers; F32 for the rest.
func (t Format) Panels() Format {
	switch t {
	case F32, Q8_0, Q4_0, Q4_K, Q5_K, Q6_K:
		return t
	case Q5_0, IQ4_NL:
		return Q8_0
	case Q3_K, IQ4_XS:
		return Q6_K
	}
	return F32
}

// panelBytes returns the size of one panel of k columns: [k][16] float32, or
// for each block of 32 columns 16 scales in F16 and the codes; of K-quants see
// blockK4.
func panelBytes(t Format, k int) int {
	switch t.Panels() {
	case Q4_K:
		return k / 256 * blockK4
	case Q5_K:
		return k / 256 * blockK5
	case Q6_K:
		return k / 256 * blockK6
	}
	return panelWidth * t.Panels().Bytes(k)
}

// PanelsSize returns the bytes of the panels of W (n×k).
func PanelsSize(t Format, n, k int) int {
	return (n + panelWidth - 1) / panelWidth * panelBytes(t, k)
}

// Pack writes the panels of W (n×k, rows of t.Bytes(k) bytes as in GGUF) to
// dst, in the format t.Panels(). The rows that the last panel lacks are zero.
// The layout belongs to the implementation in use; it is not a file format.
func Pack(t Format, dst, src []byte, n, k int) {
	if len(dst) < PanelsSize(t, n, k) || len(src) < n*t.Bytes(k) {
		panic(fmt.Sprintf("kernel: Pack %v: %d×%d from %d bytes to %d, want %d and %d", t, n, k,
			len(src), len(dst), n*t.Bytes(k), PanelsSize(t, n, k)))
	}
	size, row := panelBytes(t, k), t.Bytes(k)
	var c converter
	for i := 0; i*panelWidth < n; i++ {
		panel := dst[i*size:][:size]
		rows := min(panelWidth, n-i*panelWidth)
		if rows < panelWidth {
			clear(panel)
		}
		w := src[i*panelWidth*row:][:rows*row]
		switch t.Panels() {
		case F32:
			packF32(panel, c.rows(t, w, rows*k), rows, k)
		case Q8_0:
			packQ8(panel, c.rows(t, w, rows*k), rows, k)
		case Q4_0:
			packQ4(panel, w, rows, k)
		case Q4_K:
			packQ4K(t.layout(), panel, w, rows, k)
		case Q5_K:
			packQ5K(t.layout(), panel, w, rows, k)
		case Q6_K:
			packQ6K(t.layout(), panel, w, rows, k)
		}
	}
}

// converter turns rows into the format of their panels, which changes no number.
type converter struct {
	numbers []float32
	bytes   []byte
}

// rows returns n numbers of format t, valid until the next call.
func (c *converter) rows(t Format, w []byte, n int) []byte {
	p := t.Panels()
	if p == t {
		return w
	}
	c.bytes = grow(c.bytes, p.Bytes(n))
	if p == Q8_0 {
		wholeCodes(t.layout(), c.bytes, w)
		return c.bytes
	}
	c.numbers = grow(c.numbers, n)
	Dequantize(t, c.numbers, w)
	Quantize(F32, c.bytes, c.numbers)
	return c.bytes
}

// wholeCodes writes the blocks of a layout of one scale and whole levels as
// Q8_0.
func wholeCodes(l *layout, dst, src []byte) {
	var b block
	for ; len(src) > 0; src, dst = src[l.bytes:], dst[34:] {
		l.get(&b, src[:l.bytes])
		putF16(dst, 0, b.d)
		for i, c := range b.codes[:32] {
			dst[2+i] = byte(int8(l.levels[c]))
		}
	}
}

// packF32 writes panel[k][row].
func packF32(panel, w []byte, rows, k int) {
	for r := range rows {
		for c := range k {
			binary.LittleEndian.PutUint32(panel[(c*panelWidth+r)*4:], binary.LittleEndian.Uint32(w[(r*k+c)*4:]))
		}
	}
}

// packQ8 writes the codes of a block as [32/g][row][g], offset by bias, where
// g and bias are what the implementation multiplies best: 4 and 128, or 2 and
// 0.
func packQ8(panel, w []byte, rows, k int) {
	g, _ := q8Layout()
	const block = panelWidth * 34
	for b := range k / 32 {
		p := panel[b*block:][:block]
		for r := range rows {
			s := w[(r*(k/32)+b)*34:][:34]
			copy(p[2*r:][:2], s)
			out, codes := p[2*panelWidth+r*g:], s[2:]
			for c := 0; c < 32; c += g {
				if g == 2 {
					binary.LittleEndian.PutUint16(out[c*panelWidth:], binary.LittleEndian.Uint16(codes[c:]))
				} else {
					binary.LittleEndian.PutUint32(out[c*panelWidth:], binary.LittleEndian.Uint32(codes[c:])^0x80808080)
				}
			}
		}
	}
}

// packQ4 writes the codes of a block as [4][row][4] bytes: byte c of a row
// holds the nibbles of columns c and c+16, as in GGUF.
func packQ4(panel, w []byte, rows, k int) {
	const block = panelWidth * 18
	for b := range k / 32 {
		p := panel[b*block:][:block]
		for r := range rows {
			s := w[(r*(k/32)+b)*18:][:18]
			copy(p[2*r:][:2], s)
			for c := 0; c < 16; c += 4 {
				binary.LittleEndian.PutUint32(p[2*panelWidth+c*panelWidth+4*r:], binary.LittleEndian.Uint32(s[2+c:]))
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
	stride  int       // elements from row to row of f, q and wide
	f       []float32 // F32
	q       []int8    // codes
	wide    []int16   // codes, for implementations that multiply int16
	scales  []blockScale
}

// blockScale belongs to a block of 32 quantised inputs.
type blockScale struct {
	d   float32
	sum int32 // of the codes, times codeOffset: takes the offset of W's codes back
}

// codeOffset is what to add to a code in a panel to get the code it stands
// for.
func codeOffset(t Format) int {
	switch t {
	case Q4_0:
		return -8
	case Q4_K, Q5_K:
		return -1 // a minimum is taken off
	case Q6_K:
		return 0
	}
	_, bias := q8Layout()
	return -int(bias)
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
	if wideCodes(t) {
		a.wide = grow(a.wide, n)
	} else {
		a.q = grow(a.q, n)
	}
	a.scales = grow(a.scales, rows*(k/32))
}

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
// in ascending k. For quantised panels it is acc = fma(float32(dot), dw·dx,
// acc) over the blocks in ascending order, where dot is the exact integer
// product of the codes; dw is d·scale for K-quants, whose blocks are the columns
// under one scale, and with a minimum acc = fma(-float32(Σ codes of x),
// (dmin·minimum)·dx, acc) follows. So the bits of a row do not depend on the other
// rows.
func MulPanels(t Format, y []float32, ldy int, panels []byte, x *Activations, n0, n1, k int) {
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
	mulPanels(t, y, ldy, panels[n0/panelWidth*size:], x, n0, n1, k)
}

func f16At(b []byte, i int) float32 { return fromF16(binary.LittleEndian.Uint16(b[2*i:])) }
