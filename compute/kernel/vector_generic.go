package kernel

import "math"

// The reference. A conversion to float32 around a product keeps the compiler
// from fusing it with the sum.

func dotGeneric(x, y []float32) float32 {
	var l lanes
	for i, v := range x {
		l[i&31] = fma(v, y[i], l[i&31])
	}
	return l.sum()
}

// dot3Generic returns Σ (x[i]·y[i])·z[i]: the first product rounded, summed as
// a dot product.
func dot3Generic(x, y, z []float32) float32 {
	var l lanes
	for i, v := range x {
		l[i&31] = fma(float32(v*y[i]), z[i], l[i&31])
	}
	return l.sum()
}

func axpyGeneric(y []float32, a float32, x []float32) {
	for i, v := range x {
		y[i] = fma(a, v, y[i])
	}
}

func addScaledGeneric(y []float32, a float32, x []float32, b float32) {
	for i, v := range x {
		y[i] = fma(b, v, float32(a*y[i]))
	}
}

func softmaxBackGeneric(d, p []float32, sum, scale float32) {
	for i, v := range p {
		d[i] = float32(scale*v) * float32(d[i]-sum)
	}
}

func addGeneric(y, x []float32) {
	for i, v := range x {
		y[i] += v
	}
}

func scaleGeneric(x []float32, a float32) {
	for i := range x {
		x[i] *= a
	}
}

func maxOfGeneric(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m + 0 // -0 becomes +0
}

// exp is the exponential that every implementation computes: n = x/ln 2
// rounded, r = x - n·ln 2 in two steps, Taylor's polynomial of degree 7 in r
// (|r| <= ln 2 / 2, so the first term left out is below 2^-27), and 2^n as two
// factors so that denormal results come out of one rounding.
func exp(x float32) float32 {
	// Beyond these bounds the result is 0 or +Inf. NaN passes both.
	if x < expLow {
		x = expLow
	}
	if x > expHigh {
		x = expHigh
	}
	n := float32(math.RoundToEven(float64(float32(x * log2e))))
	r := fma(n, -ln2High, x)
	r = fma(n, -ln2Low, r)
	p := float32(taylor[0])
	for _, c := range taylor[1:] {
		p = fma(p, r, c)
	}
	if n != n {
		return n
	}
	k := int32(n)
	k1 := k >> 1
	return float32(p*power2(k1)) * power2(k-k1)
}

func power2(k int32) float32 { return math.Float32frombits(uint32(k+127) << 23) }

const (
	expLow, expHigh = -104, 89
	log2e           = 1.44269504088896340736
	ln2High         = 0.693359375 // 10 bits: n·ln2High is exact
	ln2Low          = math.Ln2 - ln2High
)

var taylor = [...]float32{1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1, 1}

func expSumGeneric(dst, x []float32, max float32) float32 {
	var l [8]float32
	for i, v := range x {
		e := exp(v - max)
		if dst != nil {
			dst[i] = e
		}
		l[i&7] += e
	}
	return sum8(&l)
}

func swiGLUGeneric(y, gate, up []float32) {
	for i, g := range gate {
		y[i] = float32(g/(1+exp(-g))) * up[i]
	}
}

func swiGLUBackGeneric(dgate, dup, gate, up, dy []float32, accumulate bool) {
	for i, g := range gate {
		s := 1 / (1 + exp(-g))
		dg := float32(float32(dy[i]*up[i])*s) * (1 + float32(g*(1-s)))
		du := dy[i] * float32(g*s)
		if accumulate {
			dg, du = float32(dg)+dgate[i], float32(du)+dup[i]
		}
		dgate[i], dup[i] = dg, du
	}
}

func rmsNormGeneric(y, x, w []float32, r float32) {
	for i, v := range x {
		y[i] = float32(v*r) * w[i]
	}
}

// rmsNormBackGeneric: dx = r·(dy·w - x·c), dw += (x·r)·dy.
func rmsNormBackGeneric(dx, dw, x, w, dy []float32, r, c float32, accumulate bool) {
	for i, v := range x {
		d := r * (float32(dy[i]*w[i]) - float32(v*c))
		if dw != nil {
			dw[i] += float32(float32(v*r) * dy[i])
		}
		if accumulate {
			d = float32(d) + dx[i]
		}
		dx[i] = d
	}
}

func rotatePairsGeneric(x, cos, sin []float32) {
	for i, c := range cos {
		a, b, s := x[2*i], x[2*i+1], sin[i]
		x[2*i], x[2*i+1] = float32(a*c)-float32(b*s), float32(b*c)+float32(a*s)
	}
}

func rotateHalfGeneric(x, y, cos, sin []float32) {
	for i, c := range cos {
		a, b, s := x[i], y[i], sin[i]
		x[i], y[i] = float32(a*c)-float32(b*s), float32(b*c)+float32(a*s)
	}
}

func adamWGeneric(w, g, m, v []float32, p *adam) {
	for i := range w {
		d := float32(g[i] * p.gscale)
		m[i] = float32(p.beta1*m[i]) + float32(p.rest1*d)
		v[i] = float32(p.beta2*v[i]) + float32(p.rest2*float32(d*d))
		u := (m[i] / p.c1) / (float32(math.Sqrt(float64(v[i]/p.c2))) + p.eps)
		w[i] -= float32(p.lr * (u + float32(p.decay*w[i])))
	}
}
