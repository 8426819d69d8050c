package safetensors

import (
	"fmt"
	"math"
	"math/bits"
)

// The types of elements, as a header names them.
const (
	BOOL        = "BOOL"
	F4          = "F4"
	F6_E2M3     = "F6_E2M3"
	F6_E3M2     = "F6_E3M2"
	U8          = "U8"
	I8          = "I8"
	F8_E5M2     = "F8_E5M2"
	F8_E4M3     = "F8_E4M3"
	F8_E8M0     = "F8_E8M0"
	F8_E4M3FNUZ = "F8_E4M3FNUZ"
	F8_E5M2FNUZ = "F8_E5M2FNUZ"
	I16         = "I16"
	U16         = "U16"
	F16         = "F16"
	BF16        = "BF16"
	I32         = "I32"
	U32         = "U32"
	F32         = "F32"
	C64         = "C64"
	F64         = "F64"
	I64         = "I64"
	U64         = "U64"
)

type dtype struct{ bits, rank int }

// dtypes gives the size of an element in bits, and the rank by which the
// reference implementation orders tensors in a file, the highest first.
var dtypes = map[string]dtype{
	BOOL: {8, 0}, F4: {4, 1}, F6_E2M3: {6, 2}, F6_E3M2: {6, 3}, U8: {8, 4}, I8: {8, 5},
	F8_E5M2: {8, 6}, F8_E4M3: {8, 7}, F8_E8M0: {8, 8}, F8_E4M3FNUZ: {8, 9}, F8_E5M2FNUZ: {8, 10},
	I16: {16, 11}, U16: {16, 12}, F16: {16, 13}, BF16: {16, 14},
	I32: {32, 15}, U32: {32, 16}, F32: {32, 17},
	C64: {64, 18}, F64: {64, 19}, I64: {64, 20}, U64: {64, 21},
}

// Size returns the number of bytes of a tensor. It fails if the type is
// unknown, a dimension is negative, there are more than 8 of them, or the
// number is no whole one or does not fit in an int64.
func Size(dtype string, shape []int) (int64, error) {
	d, ok := dtypes[dtype]
	if !ok {
		return 0, fmt.Errorf("dtype %.32q is unknown", dtype)
	}
	if len(shape) > maxDims {
		return 0, fmt.Errorf("%d dimensions, at most %d are allowed", len(shape), maxDims)
	}
	size := uint64(d.bits)
	for i, n := range shape {
		if n < 0 {
			return 0, fmt.Errorf("dimension %d is %d", i, n)
		}
		hi, lo := bits.Mul64(size, uint64(n))
		if hi != 0 || lo > math.MaxInt64 {
			return 0, fmt.Errorf("the size of %v elements overflows", shape)
		}
		size = lo
	}
	if size%8 != 0 {
		return 0, fmt.Errorf("%s %v is no whole number of bytes", dtype, shape)
	}
	return int64(size / 8), nil
}
