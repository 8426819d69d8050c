package kernel

// Panels of K-quants hold for each block of 256 columns, of 16 rows each:
//
//	Q4_K  d and dmin in F16; for 32 columns at a time the scales and the minima,
//	      a byte each, and the codes as [4][row][4] bytes, whose nibbles are
//	      columns c and c+16
//	Q5_K  the same, the codes as [16][row][2] bytes
//	Q6_K  d in F16; for 16 columns at a time the scales, a signed byte each, and
//	      the levels as [8][row][2] signed bytes
//
// Q3_K and IQ4_XS have scales and levels that fit into bytes as well, and become
// panels of Q6_K.
const (
	columnsK4 = panelWidth * (1 + 1 + 16) // bytes of 32 columns
	columnsK5 = panelWidth * (1 + 1 + 32)
	blockK4   = panelWidth*(2+2) + 8*columnsK4
	blockK5   = panelWidth*(2+2) + 8*columnsK5
	blockK6   = panelWidth * (2 + 16*(1+16))
)

// packK packs a format with minima, of which 32 columns take size bytes.
func packK(l *layout, panel, w []byte, rows, k, size int, put func(dst, codes []byte, r int)) {
	var b block
	bytes := 4*panelWidth + 8*size
	for i := range k / 256 {
		p := panel[i*bytes:][:bytes]
		for r := range rows {
			l.get(&b, w[(r*(k/256)+i)*l.bytes:][:l.bytes])
			putF16(p, r, b.d)
			putF16(p, panelWidth+r, b.dmin)
			for j := range 8 {
				s := p[4*panelWidth+size*j:][:size]
				s[r], s[panelWidth+r] = byte(b.scales[j]), byte(b.mins[j])
				put(s[2*panelWidth:], b.codes[32*j:][:32], r)
			}
		}
	}
}

func packQ4K(l *layout, panel, w []byte, rows, k int) {
	packK(l, panel, w, rows, k, columnsK4, func(dst, codes []byte, r int) {
		for c := range 16 {
			dst[(c/4*panelWidth+r)*4+c%4] = codes[c] | codes[c+16]<<4
		}
	})
}

func packQ5K(l *layout, panel, w []byte, rows, k int) {
	packK(l, panel, w, rows, k, columnsK5, func(dst, codes []byte, r int) {
		for c, q := range codes {
			dst[(c/2*panelWidth+r)*2+c%2] = q
		}
	})
}

func packQ6K(l *layout, panel, w []byte, rows, k int) {
	var b block
	for i := range k / 256 {
		p := panel[i*blockK6:][:blockK6]
		for r := range rows {
			l.get(&b, w[(r*(k/256)+i)*l.bytes:][:l.bytes])
			putF16(p, r, b.d)
			for j := range 16 {
				s := p[panelWidth*(2+17*j):][:17*panelWidth]
				s[r] = byte(b.scales[16*j/l.sub])
				for c, q := range b.codes[16*j:][:16] {
					s[panelWidth+(c/2*panelWidth+r)*2+c%2] = byte(int8(l.levels[q]))
				}
			}
		}
	}
}

func mulQ4KGeneric(acc *[panelWidth]float32, panel []byte, x *Activations, r int) {
	mulKGeneric(acc, panel, x, r, columnsK4, func(w []byte, codes []int8, o int) (dot int32) {
		for c := range 16 {
			q := w[(c/4*panelWidth+o)*4+c%4]
			dot += int32(codes[c])*int32(q&15) + int32(codes[c+16])*int32(q>>4)
		}
		return dot
	})
}

func mulQ5KGeneric(acc *[panelWidth]float32, panel []byte, x *Activations, r int) {
	mulKGeneric(acc, panel, x, r, columnsK5, func(w []byte, codes []int8, o int) (dot int32) {
		for c, q := range codes {
			dot += int32(q) * int32(w[(c/2*panelWidth+o)*2+c%2])
		}
		return dot
	})
}

// mulKGeneric multiplies panels with minima, of which 32 columns take size bytes.
func mulKGeneric(acc *[panelWidth]float32, panel []byte, x *Activations, r, size int, dot func(w []byte, codes []int8, o int) int32) {
	bytes := 4*panelWidth + 8*size
	for i := range x.k / 256 {
		p := panel[i*bytes:][:bytes]
		for j := range 8 {
			b := 8*i + j
			s := p[4*panelWidth+size*j:][:size]
			codes, scale := x.q[r*x.stride+32*b:][:32], x.scales[r*(x.k/32)+b]
			for o := range acc {
				d, m := float32(f16At(p, o)*float32(s[o])), float32(f16At(p, panelWidth+o)*float32(s[panelWidth+o]))
				acc[o] = fma(float32(dot(s[2*panelWidth:], codes, o)), float32(d*scale.d), acc[o])
				acc[o] = fma(float32(scale.sum), float32(m*scale.d), acc[o])
			}
		}
	}
}

func mulQ6KGeneric(acc *[panelWidth]float32, panel []byte, x *Activations, r int) {
	for i := range x.k / 256 {
		p := panel[i*blockK6:][:blockK6]
		for j := range 16 {
			at := 256*i + 16*j
			s := p[panelWidth*(2+17*j):][:17*panelWidth]
			codes, scale := x.q[r*x.stride+at:][:16], x.scales[r*(x.k/32)+at/32]
			for o := range acc {
				var dot int32
				for c, q := range codes {
					dot += int32(q) * int32(int8(s[panelWidth+(c/2*panelWidth+o)*2+c%2]))
				}
				d := float32(f16At(p, o) * float32(int8(s[o])))
				acc[o] = fma(float32(dot), float32(d*scale.d), acc[o])
			}
		}
	}
}
