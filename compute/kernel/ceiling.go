package kernel

import "encoding/binary"

// MeasureFMA does as many float32 FMAs as the implementation can keep in
// flight, iterations times over, and returns how many operations that was
// (two for each FMA). The caller takes the time.
func MeasureFMA(iterations int) (flops float64) { return measureFMA(iterations) }

// MeasureBF16 does the same with BF16 dot products; 0 where [HasBF16] is false.
func MeasureBF16(iterations int) (flops float64) { return measureBF16(iterations) }

// MeasureInt8 does the same with products of bytes added up in int32; 0 in the
// generic implementation.
func MeasureInt8(iterations int) (operations float64) { return measureInt8(iterations) }

// ReadBytes reads b as fast as the machine can and returns the exclusive or
// of its little-endian 64-bit words, the last one filled with zeros.
func ReadBytes(b []byte) uint64 { return readBytes(b) }

func readBytesGeneric(b []byte) (x uint64) {
	var y uint64
	for ; len(b) >= 16; b = b[16:] {
		x ^= binary.LittleEndian.Uint64(b)
		y ^= binary.LittleEndian.Uint64(b[8:])
	}
	var rest [16]byte
	copy(rest[:], b)
	return x ^ y ^ binary.LittleEndian.Uint64(rest[:]) ^ binary.LittleEndian.Uint64(rest[8:])
}

func measureFMAGeneric(iterations int) float64 {
	var acc [8]float32
	for range iterations {
		for j := range acc {
			acc[j] = fma(acc[j], 0.5, 1)
		}
	}
	return float64(iterations) * float64(len(acc)) * 2
}
