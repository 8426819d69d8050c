package kernel

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// FuzzVector gives every vector operation the same bits of float32 under the
// best implementation and the generic one.
func FuzzVector(f *testing.F) {
	f.Add([]byte{0, 0, 128, 63, 1, 0, 0, 0, 0, 0, 192, 127})
	f.Add(make([]byte, 4*37))
	f.Fuzz(func(t *testing.T, b []byte) {
		fill := func(seed uint64, n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				at := (i*4 + int(seed)*12) % (len(b) &^ 3)
				x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[at:]))
			}
			return x
		}
		for name, op := range vectorOps {
			compareOp(t, Active(), name, op, fill, len(b)/4)
		}
	})
}

// FuzzGemm compares products of any small shape with the definition.
func FuzzGemm(f *testing.F) {
	f.Add(uint8(7), uint8(19), uint16(390), uint64(1), false)
	f.Add(uint8(13), uint8(33), uint16(9), uint64(2), true)
	f.Fuzz(func(t *testing.T, m, n uint8, k uint16, seed uint64, bf16 bool) {
		var s Scratch
		gemmTrial(t, &s, pick(seed%2 == 0, extremes, random), seed, int(m%30), int(n%70), int(k%400), bf16)
	})
}

// FuzzMulPanels compares panels of any small shape with the definition.
func FuzzMulPanels(f *testing.F) {
	f.Add(uint8(7), uint8(19), uint8(2), uint8(0))
	f.Add(uint8(1), uint8(17), uint8(1), uint8(4))
	f.Fuzz(func(t *testing.T, rows, n, blocks, format uint8) {
		for _, fill := range []func(uint64, int) []float32{random, extremes} {
			f := Formats()[int(format)%len(formats)]
			e, _ := f.Block()
			mulTrial(t, f, fill, int(rows%30), int(n), max(e, 32*int(blocks%8)/e*e))
		}
	})
}

// FuzzBlocks decodes any blocks of every format, and encodes any numbers.
func FuzzBlocks(f *testing.F) {
	f.Add(make([]byte, 300))
	f.Add(goldenBlocks(Q4_K)[:600])
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, format := range Formats() {
			e, size := format.Block()
			y := make([]float32, len(b)/size*e)
			Dequantize(format, y, b)
			x := make([]float32, 256)
			for i := range min(256, len(b)/4) {
				x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
			}
			codes, again := make([]byte, format.Bytes(256)), make([]byte, format.Bytes(256))
			Quantize(format, codes, x)
			Dequantize(format, x, codes)
			if l := format.layout(); l != nil {
				var b block
				l.get(&b, codes[:l.bytes])
				if l.put(again, &b); !bytes.Equal(again[:l.bytes], codes[:l.bytes]) && b.d == b.d && b.dmin == b.dmin {
					t.Fatalf("%v: %x is packed as %x", format, codes[:l.bytes], again[:l.bytes])
				}
			}
		}
	})
}
