package kernel

import "encoding/binary"

// Formats of 256 numbers a block: the K-quants and IQ4_XS. The layouts are
// those of block_* in ggml's ggml-common.h, little-endian. d and dmin are F16;
// s are scales and m minima of 16 or 32 numbers, q codes. Fields of several
// bits are cut as [field] says, in chunks of 32 bytes where nothing is said.
//
//	Q2_K    16 bytes, s low and m high; 64 bytes q; d, dmin        d·s·q - dmin·m
//	Q3_K    32 bytes, bit 2 of q; 64 bytes, its low bits; s; d     d·(s-32)·(q-4)
//	Q4_K    d, dmin; s and m; 128 bytes q                          d·s·q - dmin·m
//	Q5_K    d, dmin; s and m; 32 bytes, bit 4 of q; 128 bytes      d·s·q - dmin·m
//	Q6_K    128 bytes, low 4 bits of q in chunks of 64; 64 bytes,  d·s·(q-32)
//	        its high 2; 16 signed bytes s; d
//	IQ4_XS  d; s; 128 bytes q in chunks of 16                      d·(s-32)·nonLinear[q]
var (
	q2K = layout{numbers: 256, bytes: 84, sub: 16, levels: steps(0, 4), low: 0, high: 15, minimum: 15,
		codes: []field{{16, 80, 32, 2, 0}}, scales: scales2{}}
	q3K = layout{numbers: 256, bytes: 110, sub: 16, levels: steps(-4, 8), low: -32, high: 31,
		codes: []field{{32, 96, 32, 2, 0}, {0, 32, 32, 1, 2}}, scales: scales3{}}
	q4K = layout{numbers: 256, bytes: 144, sub: 32, levels: steps(0, 16), low: 0, high: 63, minimum: 63,
		codes: []field{{16, 144, 32, 4, 0}}, scales: scales45{}}
	q5K = layout{numbers: 256, bytes: 176, sub: 32, levels: steps(0, 32), low: 0, high: 63, minimum: 63,
		codes: []field{{48, 176, 32, 4, 0}, {16, 48, 32, 1, 4}}, scales: scales45{}}
	q6K = layout{numbers: 256, bytes: 210, sub: 16, levels: steps(-32, 64), low: -128, high: 127,
		codes: []field{{0, 128, 64, 4, 0}, {128, 192, 32, 2, 4}}, scales: scales6{}}
	iq4XS = layout{numbers: 256, bytes: 136, sub: 32, levels: nonLinear, middles: middles(nonLinear), low: -32, high: 31,
		codes: []field{{8, 136, 16, 4, 0}}, scales: scalesXS{}}
)

type scales2 struct{}

func (scales2) get(b *block, src []byte) {
	for j, v := range src[:16] {
		b.scales[j], b.mins[j] = int8(v&15), int8(v>>4)
	}
	b.d, b.dmin = f16At(src[80:], 0), f16At(src[80:], 1)
}

func (scales2) put(dst []byte, b *block) {
	for j := range 16 {
		dst[j] = byte(b.scales[j]) | byte(b.mins[j])<<4
	}
	putF16(dst[80:], 0, b.d)
	putF16(dst[80:], 1, b.dmin)
}

// scales3 are 16 scales of 6 bits in 12 bytes: the low 4 bits of scale j in
// byte j%8, the high 2 in byte 8 + j%4.
type scales3 struct{}

func (scales3) get(b *block, src []byte) {
	s := src[96:108]
	for j := range 16 {
		low, high := s[j%8]>>(j/8*4)&15, s[8+j%4]>>(j/4*2)&3
		b.scales[j], b.mins[j] = int8(low|high<<4)-32, 0
	}
	b.d = f16At(src[108:], 0)
}

func (scales3) put(dst []byte, b *block) {
	s := dst[96:108]
	for j := range 16 {
		v := byte(b.scales[j] + 32)
		s[j%8] |= v & 15 << (j / 8 * 4)
		s[8+j%4] |= v >> 4 << (j / 4 * 2)
	}
	putF16(dst[108:], 0, b.d)
}

// scales45 are 8 scales and 8 minima of 6 bits in 12 bytes: the first 4 of each
// in the low bits of bytes j and j+4, whose high bits are those of the last 4,
// which have their low bits in byte j+8, the scale's first.
type scales45 struct{}

func (scales45) get(b *block, src []byte) {
	s := src[4:16]
	for j := range 4 {
		b.scales[j], b.mins[j] = int8(s[j]&63), int8(s[j+4]&63)
		b.scales[j+4] = int8(s[j+8]&15 | s[j]>>6<<4)
		b.mins[j+4] = int8(s[j+8]>>4 | s[j+4]>>6<<4)
	}
	b.d, b.dmin = f16At(src, 0), f16At(src, 1)
}

func (scales45) put(dst []byte, b *block) {
	s := dst[4:16]
	for j := range 4 {
		scale, least := byte(b.scales[j+4]), byte(b.mins[j+4])
		s[j] = byte(b.scales[j]) | scale>>4<<6
		s[j+4] = byte(b.mins[j]) | least>>4<<6
		s[j+8] = scale&15 | least<<4
	}
	putF16(dst, 0, b.d)
	putF16(dst, 1, b.dmin)
}

type scales6 struct{}

func (scales6) get(b *block, src []byte) {
	for j, v := range src[192:208] {
		b.scales[j], b.mins[j] = int8(v), 0
	}
	b.d = f16At(src[208:], 0)
}

func (scales6) put(dst []byte, b *block) {
	for j, v := range b.scales {
		dst[192+j] = byte(v)
	}
	putF16(dst[208:], 0, b.d)
}

// scalesXS are 8 scales of 6 bits: the low 4 in bytes 4 to 7, two in each, the
// high 2 in the 16 bits before them.
type scalesXS struct{}

func (scalesXS) get(b *block, src []byte) {
	high := binary.LittleEndian.Uint16(src[2:])
	for j := range 8 {
		low := src[4+j/2] >> (j % 2 * 4) & 15
		b.scales[j], b.mins[j] = int8(low|byte(high>>(2*j)&3)<<4)-32, 0
	}
	b.d = f16At(src, 0)
}

func (scalesXS) put(dst []byte, b *block) {
	var high uint16
	for j := range 8 {
		v := byte(b.scales[j] + 32)
		dst[4+j/2] |= v & 15 << (j % 2 * 4)
		high |= uint16(v>>4) << (2 * j)
	}
	putF16(dst, 0, b.d)
	binary.LittleEndian.PutUint16(dst[2:], high)
}
