package kernel

import (
	"encoding/binary"
	"math"
)

// quantizeGeneric prepares row r of quantised activations.
func (a *Activations) quantizeGeneric(r int, x []float32) {
	nb := a.k / 32
	for b := range nb {
		d, id := scaleQ8(x[b*32:][:32])
		var sum int32
		for i, v := range x[b*32:][:32] {
			q := codeQ8(v, id)
			sum += int32(q)
			if wideCodes(a.format) {
				a.wide[r*a.stride+b*32+i] = int16(q)
			} else {
				a.q[r*a.stride+b*32+i] = q
			}
		}
		a.scales[r*nb+b] = blockScale{d, int32(codeOffset(a.format)) * sum}
	}
}

func mulPanelsGeneric(t Format, y []float32, ldy int, panels []byte, x *Activations, n0, n1, k int) {
	size := panelBytes(t, k)
	for n := n0; n < n1; n += panelWidth {
		panel := panels[(n-n0)/panelWidth*size:][:size]
		for r := range x.rows {
			var acc [panelWidth]float32
			switch t {
			case F32:
				mulF32Generic(&acc, panel, x.f[r*x.stride:][:k])
			case Q8_0:
				mulQ8Generic(&acc, panel, x, r)
			case Q4_0:
				mulQ4Generic(&acc, panel, x, r)
			case Q4_K:
				mulQ4KGeneric(&acc, panel, x, r)
			case Q5_K:
				mulQ5KGeneric(&acc, panel, x, r)
			case Q6_K:
				mulQ6KGeneric(&acc, panel, x, r)
			}
			copy(y[r*ldy+n:r*ldy+min(n+panelWidth, n1)], acc[:])
		}
	}
}

func mulF32Generic(acc *[panelWidth]float32, panel []byte, x []float32) {
	for k, v := range x {
		row := panel[k*4*panelWidth:][:4*panelWidth]
		for j := range acc {
			acc[j] = fma(math.Float32frombits(binary.LittleEndian.Uint32(row[4*j:])), v, acc[j])
		}
	}
}

// mulQ8Generic reads codes of W offset by 128 in groups of 4 columns.
func mulQ8Generic(acc *[panelWidth]float32, panel []byte, x *Activations, r int) {
	nb := x.k / 32
	for b := range nb {
		p := panel[b*panelWidth*34:][:panelWidth*34]
		codes, scale := x.q[r*x.stride+b*32:][:32], x.scales[r*nb+b]
		for j := range acc {
			dot := scale.sum
			for c, q := range codes {
				dot += int32(q) * int32(p[2*panelWidth+(c/4*panelWidth+j)*4+c%4])
			}
			acc[j] = fma(float32(dot), float32(f16At(p, j)*scale.d), acc[j])
		}
	}
}

func mulQ4Generic(acc *[panelWidth]float32, panel []byte, x *Activations, r int) {
	nb := x.k / 32
	for b := range nb {
		p := panel[b*panelWidth*18:][:panelWidth*18]
		codes, scale := x.q[r*x.stride+b*32:][:32], x.scales[r*nb+b]
		for j := range acc {
			dot := scale.sum
			for c := range 16 {
				q := p[2*panelWidth+(c/4*panelWidth+j)*4+c%4]
				dot += int32(codes[c])*int32(q&15) + int32(codes[c+16])*int32(q>>4)
			}
			acc[j] = fma(float32(dot), float32(f16At(p, j)*scale.d), acc[j])
		}
	}
}
