package gguf

import (
	"fmt"
	"math"
	"math/bits"
)

// The types of tensor elements, numbered as llama.cpp numbers them. The
// missing numbers belonged to types that it has withdrawn.
const (
	F32     uint32 = 0
	F16     uint32 = 1
	Q4_0    uint32 = 2
	Q4_1    uint32 = 3
	Q5_0    uint32 = 6
	Q5_1    uint32 = 7
	Q8_0    uint32 = 8
	Q8_1    uint32 = 9
	Q2_K    uint32 = 10
	Q3_K    uint32 = 11
	Q4_K    uint32 = 12
	Q5_K    uint32 = 13
	Q6_K    uint32 = 14
	Q8_K    uint32 = 15
	IQ2_XXS uint32 = 16
	IQ2_XS  uint32 = 17
	IQ3_XXS uint32 = 18
	IQ1_S   uint32 = 19
	IQ4_NL  uint32 = 20
	IQ3_S   uint32 = 21
	IQ2_S   uint32 = 22
	IQ4_XS  uint32 = 23
	I8      uint32 = 24
	I16     uint32 = 25
	I32     uint32 = 26
	I64     uint32 = 27
	F64     uint32 = 28
	IQ1_M   uint32 = 29
	BF16    uint32 = 30
	TQ1_0   uint32 = 34
	TQ2_0   uint32 = 35
	MXFP4   uint32 = 39
	NVFP4   uint32 = 40
	Q1_0    uint32 = 41
	Q2_0    uint32 = 42
)

type block struct {
	name     string
	elements int // in a block, all of one row
	bytes    int // of a block
}

// blocks is indexed by type. The sums of bytes name the parts of a block in
// their order: scales, minima, high bits, low bits.
var blocks = [...]block{
	F32:     {"F32", 1, 4},
	F16:     {"F16", 1, 2},
	Q4_0:    {"Q4_0", 32, 2 + 16},
	Q4_1:    {"Q4_1", 32, 2 + 2 + 16},
	Q5_0:    {"Q5_0", 32, 2 + 4 + 16},
	Q5_1:    {"Q5_1", 32, 2 + 2 + 4 + 16},
	Q8_0:    {"Q8_0", 32, 2 + 32},
	Q8_1:    {"Q8_1", 32, 2 + 2 + 32},
	Q2_K:    {"Q2_K", 256, 16 + 64 + 2 + 2},
	Q3_K:    {"Q3_K", 256, 32 + 64 + 12 + 2},
	Q4_K:    {"Q4_K", 256, 2 + 2 + 12 + 128},
	Q5_K:    {"Q5_K", 256, 2 + 2 + 12 + 32 + 128},
	Q6_K:    {"Q6_K", 256, 128 + 64 + 16 + 2},
	Q8_K:    {"Q8_K", 256, 4 + 256 + 32},
	IQ2_XXS: {"IQ2_XXS", 256, 2 + 64},
	IQ2_XS:  {"IQ2_XS", 256, 2 + 64 + 8},
	IQ3_XXS: {"IQ3_XXS", 256, 2 + 96},
	IQ1_S:   {"IQ1_S", 256, 2 + 32 + 16},
	IQ4_NL:  {"IQ4_NL", 32, 2 + 16},
	IQ3_S:   {"IQ3_S", 256, 2 + 64 + 8 + 32 + 4},
	IQ2_S:   {"IQ2_S", 256, 2 + 64 + 8 + 8},
	IQ4_XS:  {"IQ4_XS", 256, 2 + 2 + 4 + 128},
	I8:      {"I8", 1, 1},
	I16:     {"I16", 1, 2},
	I32:     {"I32", 1, 4},
	I64:     {"I64", 1, 8},
	F64:     {"F64", 1, 8},
	IQ1_M:   {"IQ1_M", 256, 32 + 16 + 8},
	BF16:    {"BF16", 1, 2},
	TQ1_0:   {"TQ1_0", 256, 48 + 4 + 2},
	TQ2_0:   {"TQ2_0", 256, 64 + 2},
	MXFP4:   {"MXFP4", 32, 1 + 16},
	NVFP4:   {"NVFP4", 64, 4 + 32},
	Q1_0:    {"Q1_0", 128, 2 + 16},
	Q2_0:    {"Q2_0", 64, 2 + 16},
}

// Block returns how many elements of a row a block of that type holds and how
// many bytes it takes. Both are 0 for a number that is no type.
func Block(typ uint32) (elements, bytes int) {
	if typ >= uint32(len(blocks)) {
		return 0, 0
	}
	return blocks[typ].elements, blocks[typ].bytes
}

// TypeName returns the name of the type, such as "Q8_0", or its number where
// it has none.
func TypeName(typ uint32) string {
	if elements, _ := Block(typ); elements == 0 {
		return fmt.Sprintf("type %d", typ)
	}
	return blocks[typ].name
}

// Size returns the number of bytes of a tensor. It fails if typ is unknown, a
// row is no whole number of blocks, a dimension is negative, there are more
// than 4 of them, or the number does not fit in an int64.
func Size(typ uint32, dims []int) (int64, error) {
	elements, bytes := Block(typ)
	if elements == 0 {
		return 0, fmt.Errorf("type %d is unknown or withdrawn", typ)
	}
	if len(dims) > maxDims {
		return 0, fmt.Errorf("%d dimensions, at most %d are allowed", len(dims), maxDims)
	}
	row := 1
	if len(dims) > 0 {
		row = dims[0]
	}
	if row%elements != 0 {
		return 0, fmt.Errorf("a row of %d elements is no whole number of %s blocks of %d", row, TypeName(typ), elements)
	}
	size := uint64(bytes)
	for i, n := range dims {
		if n < 0 {
			return 0, fmt.Errorf("dimension %d is %d", i, n)
		}
		if i == 0 {
			n /= elements
		}
		hi, lo := bits.Mul64(size, uint64(n))
		if hi != 0 || lo > math.MaxInt64 {
			return 0, fmt.Errorf("the size of %v elements overflows", dims)
		}
		size = lo
	}
	return int64(size), nil
}
