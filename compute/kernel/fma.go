package kernel

import "math"

// fma returns x·y + z rounded once to float32, as the hardware does.
// The product of two float32 is exact in float64; the sum is not, and rounding
// it twice is wrong only where float64 lands half-way between two float32 or
// on one. There the sum is rounded to odd instead (Boldo and Melquiond,
// "Emulation of FMA and correctly rounded sums", 2008).
func fma(x, y, z float32) float32 {
	p, c := float64(x)*float64(y), float64(z)
	s := p + c
	if math.Float64bits(s)&0x0fffffff != 0 {
		return float32(s)
	}
	return float32(toOdd(s, p, c))
}

// toOdd returns p + c rounded to odd, where s is their sum rounded to even:
// what is inexact gets an odd last bit and so decides every later rounding.
func toOdd(s, p, c float64) float64 {
	b := s - p
	e := (p - (s - b)) + (c - b)
	bits := math.Float64bits(s)
	if e == 0 || e != e || math.IsInf(s, 0) || bits&1 == 1 {
		return s
	}
	if (e > 0) == (s > 0) {
		bits++
	} else {
		bits--
	}
	return math.Float64frombits(bits)
}

// fmaFlush is fma as VDPBF16PS does it: denormal operands count as zero, and
// a result that is below the smallest normal number after rounding becomes a
// zero of its sign.
func fmaFlush(x, y, z float32) float32 {
	p, c := float64(flush(x))*float64(flush(y)), float64(flush(z))
	s := toOdd(p+c, p, c)
	if math.Abs(s) < 0x1p-126-0x1p-151 { // what is not below rounds to 0x1p-126
		return float32(math.Copysign(0, s))
	}
	return float32(s)
}

func flush(x float32) float32 {
	if b := math.Float32bits(x); b&0x7f800000 == 0 {
		return math.Float32frombits(b & 0x80000000)
	}
	return x
}

// lanes are the partial sums of a reduction: lane j sums the elements whose
// index is j modulo 32.
type lanes [32]float32

// sum adds the lanes as a tree: j, j+8, j+16 and j+24 in two steps, then
// halves of 4, 2 and 1. Adding zero turns a sum of -0 into +0.
func (l *lanes) sum() float32 {
	var s [8]float32
	for j := range s {
		s[j] = (l[j] + l[j+8]) + (l[j+16] + l[j+24])
	}
	return sum8(&s)
}

func sum8(s *[8]float32) float32 {
	a, b, c, d := s[0]+s[4], s[1]+s[5], s[2]+s[6], s[3]+s[7]
	return ((a + c) + (b + d)) + 0
}
