package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"sync"
)

// Format is an encoding of numbers, numbered as in GGUF.
type Format uint32

// The formats. What a block of each holds is said beside its layout, in
// blocks.go for those of 32 numbers and in kquants.go for those of 256.
const (
	F32    Format = 0
	F16    Format = 1
	Q4_0   Format = 2
	Q4_1   Format = 3
	Q5_0   Format = 6
	Q5_1   Format = 7
	Q8_0   Format = 8
	Q2_K   Format = 10
	Q3_K   Format = 11
	Q4_K   Format = 12
	Q5_K   Format = 13
	Q6_K   Format = 14
	IQ4_NL Format = 20
	IQ4_XS Format = 23
	BF16   Format = 30
	MXFP4  Format = 39
)

// formats lists them from the most bits to the fewest; layout is nil where
// a number is no code.
var formats = []struct {
	format          Format
	name            string
	elements, bytes int
	layout          *layout
}{
	{F32, "F32", 1, 4, nil},
	{F16, "F16", 1, 2, nil},
	{BF16, "BF16", 1, 2, nil},
	{Q8_0, "Q8_0", 32, 34, &q8x0},
	{Q6_K, "Q6_K", 256, 210, &q6K},
	{Q5_1, "Q5_1", 32, 24, &q5x1},
	{Q5_K, "Q5_K", 256, 176, &q5K},
	{Q5_0, "Q5_0", 32, 22, &q5x0},
	{Q4_1, "Q4_1", 32, 20, &q4x1},
	{Q4_K, "Q4_K", 256, 144, &q4K},
	{Q4_0, "Q4_0", 32, 18, &q4x0},
	{IQ4_NL, "IQ4_NL", 32, 18, &iq4NL},
	{IQ4_XS, "IQ4_XS", 256, 136, &iq4XS},
	{MXFP4, "MXFP4", 32, 17, &mxfp4},
	{Q3_K, "Q3_K", 256, 110, &q3K},
	{Q2_K, "Q2_K", 256, 84, &q2K},
}

// Formats returns all formats, those of more bits first.
func Formats() []Format {
	var all []Format
	for _, f := range formats {
		all = append(all, f.format)
	}
	return all
}

// FormatNames names all formats in a sentence: "F32, F16 and BF16".
func FormatNames() string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
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

// layout returns how blocks of t hold their numbers, if a layout says it.
func (t Format) layout() *layout {
	for _, f := range formats {
		if f.format == t {
			return f.layout
		}
	}
	return nil
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
// halves to even for F16 and BF16, Q8_0 and Q4_0 as ggml's
// quantize_row_*_ref, the rest by scales of small squared error (see
// [layout.fit]). Equal numbers give equal bytes on every machine.
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
	default:
		l := t.layout()
		var b block
		for ; len(src) > 0; src, dst = src[l.numbers:], dst[l.bytes:] {
			l.fit(&b, src[:l.numbers])
			l.put(dst[:l.bytes], &b)
		}
	}
}

// blocks are for Dequantize, which is called for every token.
var blocks = sync.Pool{New: func() any { return new(block) }}

// Dequantize decodes src[:t.Bytes(len(dst))] into dst, to the same bits as
// ggml's dequantize_row_*.
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
			dequantizeQ8(dst[i:][:32], src[i/32*34:][:34])
		}
	case Q4_0:
		for i := 0; i < len(dst); i += 32 {
			dequantizeQ4(dst[i:][:32], src[i/32*18:][:18])
		}
	default:
		l, b := t.layout(), blocks.Get().(*block)
		for ; len(dst) > 0; dst, src = dst[l.numbers:], src[l.bytes:] {
			l.get(b, src[:l.bytes])
			l.values(dst[:l.numbers], b)
		}
		blocks.Put(b)
	}
}

func checkCodes(op string, t Format, codes []byte, n int) {
	if size := t.Bytes(n); len(codes) < size {
		panic(fmt.Sprintf("kernel: %s %v: %d bytes for %d numbers, want %d", op, t, len(codes), n, size))
	}
}
