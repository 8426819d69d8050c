package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Format is an encoding of numbers, numbered as in GGUF.
type Format uint32

// The formats. Q8_0 and Q4_0 hold blocks of 32 numbers with one F16 scale d:
// 32 signed bytes q for d·q, or 16 bytes of nibbles q for d·(q-8), the low
// nibbles being the first 16 numbers.
const (
	F32  Format = 0
	F16  Format = 1
	Q4_0 Format = 2
	Q8_0 Format = 8
	BF16 Format = 30
)

var formats = []struct {
	format          Format
	name            string
	elements, bytes int
}{
	{F32, "F32", 1, 4},
	{F16, "F16", 1, 2},
	{BF16, "BF16", 1, 2},
	{Q8_0, "Q8_0", 32, 34},
	{Q4_0, "Q4_0", 32, 18},
}

// String returns the name as llama.cpp writes it.
func (t Format) String() string {
	for _, f := range formats {
		if f.format == t {
			return f.name
		}
	}
	return fmt.Sprintf("Format(%d)", uint32(t))
}

// ParseFormat returns the format of that name.
func ParseFormat(name string) (Format, error) {
	for _, f := range formats {
		if f.name == name {
			return f.format, nil
		}
	}
	return 0, fmt.Errorf("%q is not a format of weights: F32, F16, BF16, Q8_0 or Q4_0 is expected", name)
}

// Block returns how many numbers a block holds and in how many bytes; zeros
// for a format that this package does not know.
func (t Format) Block() (elements, bytes int) {
	for _, f := range formats {
		if f.format == t {
			return f.elements, f.bytes
		}
	}
	return 0, 0
}

// Bytes returns the size of n numbers, n being a multiple of the block.
func (t Format) Bytes(n int) int {
	e, b := t.Block()
	if e == 0 || n < 0 || n%e != 0 {
		panic(fmt.Sprintf("kernel: %d numbers of %v are not whole blocks", n, t))
	}
	return n / e * b
}

// Quantize encodes src into dst[:t.Bytes(len(src))], rounding to nearest:
// halves to even for F16 and BF16, as ggml's quantize_row_*_ref otherwise.
func Quantize(t Format, dst []byte, src []float32) {
	checkCodes("Quantize", t, dst, len(src))
	switch t {
	case F32:
		for i, v := range src {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		}
	case F16:
		for i, v := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], toF16(v))
		}
	case BF16:
		for i, v := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], toBF16(v))
		}
	case Q8_0:
		for i := 0; i < len(src); i += 32 {
			quantizeQ8(dst[i/32*34:][:34], src[i:][:32])
		}
	case Q4_0:
		for i := 0; i < len(src); i += 32 {
			quantizeQ4(dst[i/32*18:][:18], src[i:][:32])
		}
	}
}

// Dequantize decodes src[:t.Bytes(len(dst))] into dst.
func Dequantize(t Format, dst []float32, src []byte) {
	checkCodes("Dequantize", t, src, len(dst))
	switch t {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = fromF16(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = fromBF16(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case Q8_0:
		for i := 0; i < len(dst); i += 32 {
			b := src[i/32*34:][:34]
			d := fromF16(binary.LittleEndian.Uint16(b))
			for j, q := range b[2:] {
				dst[i+j] = d * float32(int8(q))
			}
		}
	case Q4_0:
		for i := 0; i < len(dst); i += 32 {
			b := src[i/32*18:][:18]
			d := fromF16(binary.LittleEndian.Uint16(b))
			for j, q := range b[2:] {
				dst[i+j] = d * float32(int(q&15)-8)
				dst[i+j+16] = d * float32(int(q>>4)-8)
			}
		}
	}
}

func checkCodes(op string, t Format, codes []byte, n int) {
	if size := t.Bytes(n); len(codes) < size {
		panic(fmt.Sprintf("kernel: %s %v: %d bytes for %d numbers, want %d", op, t, len(codes), n, size))
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

// toBF16 rounds to nearest, halves to even; a NaN stays one.
func toBF16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func fromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// toF16 rounds to nearest, halves to even; a NaN stays one.
func toF16(v float32) uint16 {
	b := math.Float32bits(v)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00 | uint16(b>>13&0x1ff)
	case b >= 0x477ff000: // 65520, half-way from the largest number to the next
		return sign | 0x7c00
	case b < 0x38800000: // 2^-14, the smallest normal number
		// Adding 1/2 leaves a unit in the last place of 2^-24.
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
	}
	return sign | uint16((b-0x38000000+0xfff+b>>13&1)>>13)
}

func fromF16(h uint16) float32 {
	sign, b := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	switch {
	case b >= 0x7c00:
		b = b<<13 | 0x7f800000
		if b&0x7fffff != 0 {
			b |= 0x400000
		}
		return math.Float32frombits(sign | b)
	case b < 0x400:
		return math.Float32frombits(sign | math.Float32bits(float32(b)*0x1p-24))
	}
	return math.Float32frombits(sign | (b<<13 + 0x38000000))
}
