package kernel

import (
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
	f.Fuzz(func(t *testing.T, rows, n, blocks, format uint8) {
		for _, fill := range []func(uint64, int) []float32{random, extremes} {
			mulTrial(t, []Format{F32, Q8_0, Q4_0}[format%3], fill, int(rows%30), int(n), 32*int(blocks%8))
		}
	})
}
