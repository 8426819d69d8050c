package kernel

import (
	"encoding/binary"
	"math"
)

// quantizeGeneric prepares row r of quantised activations.
func (a *Activations) quantizeGeneric(r int, x []float32) {
	l := a.format.layout()
	under, scales := l.sub, a.scales[r*a.lineScales():]
	for at := 0; at < a.k; at += 32 {
		d, id := scaleQ8(x[at:][:32])
		for i := at; i < at+32; i += under {
			var sum int32
			for j, v := range x[i:][:under] {
				q := codeQ8(v, id)
				sum += int32(q)
				a.q[r*a.stride+i+j] = q
			}
			sum *= int32(a.offset)
			scales[i/under] = blockScale{d, uint32(sum)}
			if l.minimum > 0 {
				scales[i/under].sum = math.Float32bits(float32(sum) * d)
			}
		}
	}
}

func mulPanelsGeneric(t Format, y []float32, ldy int, panels []byte, x *Activations, n0, n1, k int) {
	const some = 16 // rows
	size := panelBytes(t, k)
	for n := n0; n < n1; n += panelWidth {
		panel := panels[(n-n0)/panelWidth*size:][:size]
		for r := 0; r < x.rows; r += some {
			var acc [some][panelWidth]float32
			rows := acc[:min(some, x.rows-r)]
			if t == F32 {
				mulF32Generic(rows, panel, x, r)
			} else {
				mulQuantizedGeneric(rows, panel, x, r)
			}
			for i := range rows {
				copy(y[(r+i)*ldy+n:(r+i)*ldy+min(n+panelWidth, n1)], rows[i][:])
			}
		}
	}
}

// mulF32Generic multiplies rows of x from r on.
func mulF32Generic(acc [][panelWidth]float32, panel []byte, x *Activations, r int) {
	for i := range acc {
		for k, v := range x.f[(r+i)*x.stride:][:x.k] {
			row := panel[k*4*panelWidth:][:4*panelWidth]
			for j := range acc[i] {
				acc[i][j] = fma(math.Float32frombits(binary.LittleEndian.Uint32(row[4*j:])), v, acc[i][j])
			}
		}
	}
}

// mulQuantizedGeneric multiplies rows of x from r on.
func mulQuantizedGeneric(acc [][panelWidth]float32, panel []byte, x *Activations, r int) {
	var s strip
	l, n := x.format.layout(), x.lineScales()
	under := l.sub
	for at := 0; at < x.k; at += 32 {
		l.read(&s, panel[at/l.numbers*l.panelBytes():][:l.panelBytes()], at%l.numbers/32)
		for i := range acc {
			codes, scales := x.q[(r+i)*x.stride+at:][:32], x.scales[(r+i)*n+at/under:]
			for j := range 32 / under {
				s.add(&acc[i], codes, scales[j], j, under, l.minimum > 0)
			}
		}
	}
}

// add adds the products with the columns under scale j to the sums of a row.
func (s *strip) add(acc *[panelWidth]float32, codes []int8, x blockScale, j, under int, minima bool) {
	var dots [panelWidth]int32
	for g := j * under / 4; g < (j+1)*under/4; g++ {
		q0, q1, q2, q3 := int32(codes[4*g]), int32(codes[4*g+1]), int32(codes[4*g+2]), int32(codes[4*g+3])
		w := &s.codes[g]
		for o := range dots {
			dots[o] += q0*int32(w[4*o]) + q1*int32(w[4*o+1]) + q2*int32(w[4*o+2]) + q3*int32(w[4*o+3])
		}
	}
	for o, dot := range dots {
		d := float32(s.scales[j][o] * x.d)
		if minima {
			acc[o] = fma(s.minima[j][o], math.Float32frombits(x.sum), fma(float32(dot), d, acc[o]))
		} else {
			acc[o] = fma(float32(dot+int32(x.sum)), d, acc[o])
		}
	}
}
