package kernel

import (
	"encoding/binary"
	"math"
)

// Formats of 32 numbers a block. The layouts are those of block_* in ggml's
// ggml-common.h, little-endian. q are codes; of a byte of two, the low one is
// one of the first 16 numbers, the high one one of the last 16.
//
//	Q8_0    d F16, 32 signed bytes q             d·q
//	Q4_0    d F16, 16 bytes q                    d·(q-8)
//	Q4_1    d F16, m F16, 16 bytes q             d·q + m
//	Q5_0    d F16, 32 bits, 16 bytes             d·(q-16); the bits are the fifth of q
//	Q5_1    d F16, m F16, 32 bits, 16 bytes      d·q + m
//	IQ4_NL  d F16, 16 bytes q                    d·nonLinear[q]
//	MXFP4   e, 16 bytes q                        2^(e-128)·e2m1[q]
var (
	q8x0  = layout{numbers: 32, bytes: 34, sub: 32, levels: steps(-128, 256), low: 1, high: 1, codes: []field{{2, 34, 32, 8, 0}}, scales: signed{}}
	q4x0  = layout{numbers: 32, bytes: 18, sub: 32, levels: steps(-8, 16), low: 1, high: 1, codes: []field{{2, 18, 16, 4, 0}}, scales: single{}}
	q4x1  = layout{numbers: 32, bytes: 20, sub: 32, levels: steps(0, 16), low: 1, high: 1, minimum: 1, codes: []field{{4, 20, 16, 4, 0}}, scales: added{}}
	q5x0  = layout{numbers: 32, bytes: 22, sub: 32, levels: steps(-16, 32), low: 1, high: 1, codes: []field{{6, 22, 16, 4, 0}, {2, 6, 1, 1, 4}}, scales: single{}}
	q5x1  = layout{numbers: 32, bytes: 24, sub: 32, levels: steps(0, 32), low: 1, high: 1, minimum: 1, codes: []field{{8, 24, 16, 4, 0}, {4, 8, 1, 1, 4}}, scales: added{}}
	iq4NL = layout{numbers: 32, bytes: 18, sub: 32, levels: nonLinear, middles: middles(nonLinear), low: 1, high: 1, codes: []field{{2, 18, 16, 4, 0}}, scales: single{}}
	mxfp4 = layout{numbers: 32, bytes: 17, sub: 32, levels: e2m1, middles: middles(e2m1[:8]), low: 1, high: 1, codes: []field{{1, 17, 16, 4, 0}}, scales: power{}}
)

// nonLinear are the levels of IQ4_NL and IQ4_XS, ggml's kvalues_iq4nl: closer
// together near zero, where a trained matrix has most of its numbers.
var nonLinear = []float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// e2m1 are the numbers of E2M1 (OCP Microscaling Formats 1.0, section 5.3.3),
// a sign, two bits of exponent and one of mantissa, doubled so that all are
// whole; the scale is halved. Like ggml's, the negative zero is a zero.
var e2m1 = []float32{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

// single is a scale in F16 at the beginning.
type single struct{}

func (single) get(b *block, src []byte) {
	b.d = f16At(src, 0)
	b.scales[0], b.mins[0] = 1, 1
}

func (single) put(dst []byte, b *block) { putF16(dst, 0, b.d) }

// signed is single before codes that are signed bytes: a block has them as
// unsigned ones, 128 above.
type signed struct{}

func (signed) get(b *block, src []byte) {
	single{}.get(b, src)
	for i := range b.codes[:32] {
		b.codes[i] ^= 0x80
	}
}

func (signed) put(dst []byte, b *block) {
	single{}.put(dst, b)
	for i := range dst[2:34] {
		dst[2+i] ^= 0x80
	}
}

// added is a scale with a minimum that is added.
type added struct{}

func (added) get(b *block, src []byte) {
	single{}.get(b, src)
	b.dmin = -f16At(src, 1)
}

func (added) put(dst []byte, b *block) {
	putF16(dst, 0, b.d)
	putF16(dst, 1, -b.dmin)
}

// power is a scale in E8M0, a power of two, at the beginning. 255, which is
// E8M0's NaN, is 2^127 to ggml.
type power struct{}

func (power) get(b *block, src []byte) {
	b.d = powerOf(int(src[0]))
	b.scales[0], b.mins[0] = 1, 1
}

// put writes d, which is one of powerOf. There is no NaN: numbers become
// infinite instead.
func (power) put(dst []byte, b *block) {
	if b.d != b.d {
		copy(dst, "\xff\x77\x77\x77\x77\x77\x77\x77\x77\x77\x77\x77\x77\x77\x77\x77\x77")
		return
	}
	_, e := math.Frexp(float64(b.d))
	dst[0] = byte(e + 127)
}

// powerOf returns half of what e is in E8M0.
func powerOf(e int) float32 { return float32(math.Ldexp(1, e-128)) }

func putF16(b []byte, i int, v float32) { binary.LittleEndian.PutUint16(b[2*i:], toF16(v)) }

func dequantizeQ8(dst []float32, b []byte) {
	d := f16At(b, 0)
	for j, q := range b[2:] {
		dst[j] = d * float32(int8(q))
	}
}

func dequantizeQ4(dst []float32, b []byte) {
	d := f16At(b, 0)
	for j, q := range b[2:] {
		dst[j] = d * float32(int(q&15)-8)
		dst[j+16] = d * float32(int(q>>4)-8)
	}
}

// quantizeQ8 encodes one block: d = max|x|/127, q = x/d with halves away from
// zero.
func quantizeQ8(dst []byte, x []float32) {
	d, id := scaleQ8(x)
	binary.LittleEndian.PutUint16(dst, toF16(d))
	for j, v := range x {
		dst[2+j] = byte(codeQ8(v, id))
	}
}

// scaleQ8 returns the scale of a block and its inverse. A NaN in x makes both
// NaN; a scale below the smallest normal number, whose inverse could overflow,
// is zero.
func scaleQ8(x []float32) (d, id float32) {
	var top uint32
	for _, v := range x {
		top = max(top, math.Float32bits(v)&0x7fffffff)
	}
	d = math.Float32frombits(top) / 127
	if d < 0x1p-126 {
		return 0, 0
	}
	return d, 1 / d
}

// codeQ8 rounds v·id, halves away from zero; NaN gives -128.
func codeQ8(v, id float32) int8 {
	v *= id
	if v != v {
		return -128
	}
	// The largest number below one half: adding it and truncating rounds
	// halves away from zero and nothing below them up.
	const half = 0x1.fffffep-2
	if v < 0 {
		return int8(max(int32(v-half), -127))
	}
	return int8(min(int32(v+half), 127))
}

// quantizeQ4 encodes one block: d = m/-8 for the number m of largest
// magnitude, q = min(15, x/d + 8.5) truncated.
func quantizeQ4(dst []byte, x []float32) {
	var top, m float32
	for _, v := range x {
		if a := float32(math.Abs(float64(v))); a > top {
			top, m = a, v
		}
	}
	d := m / -8
	var id float32
	if d != 0 {
		id = 1 / d
	}
	binary.LittleEndian.PutUint16(dst, toF16(d))
	for j := range 16 {
		dst[2+j] = codeQ4(x[j], id) | codeQ4(x[j+16], id)<<4
	}
}

func codeQ4(v, id float32) byte {
	v = float32(v*id) + 8.5
	if !(v > 0) {
		return 0
	}
	return byte(min(v, 15))
}
