package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// A page of a cache holds [PageKeys] vectors of one width. So many of them at a time,
// its arrangement, lie column by column: [Rows] puts one vector after another, and
// [Columns] sixteen, as many as an AVX-512 register holds. A number is a float32, an
// F16, or as in Q8_0 a signed byte times a scale in F16. Then 32 columns of what lies
// together, or those that are left, are a brick: the vectors' scales before the codes.
// So a row of whole blocks is as GGUF has it.
//
// What a page gives back is exact: an F16 and the product of a scale with a code are
// numbers of float32. Numbers that are too large for the format become the largest of
// their sign, infinite ones too; a NaN stays one, in Q8_0 with the rest of its block.
const (
	Rows    = 1
	Columns = 16
)

const (
	brick    = 32           // columns
	maxF16   = 65504        // the largest number of F16
	maxBlock = 127 * maxF16 // and of Q8_0
)

// Kept reports whether pages can hold numbers of that format.
func (t Format) Kept() bool { return t == F32 || t == F16 || t == Q8_0 }

// vector is how many bytes of a page a vector takes.
func (t Format) vector(width int) int {
	switch t {
	case F32:
		return 4 * width
	case F16:
		return 2 * width
	case Q8_0:
		return width + 2*((width+brick-1)/brick)
	}
	panic(fmt.Sprintf("kernel: a page of %v: F32, F16 and Q8_0 are kept", t))
}

// PageLen is the size of a page of vectors of that width, in float32.
func (t Format) PageLen(width int) int { return PageKeys * t.vector(width) / 4 }

// Store writes vector i of a page.
func Store(t Format, page []float32, arrangement, i int, x []float32) {
	checkPage("Store", t, page, arrangement, len(x))
	group := bytesOf(page)[i/arrangement*arrangement*t.vector(len(x)):]
	lane := i % arrangement
	for len(x) > 0 {
		n := min(brick, len(x))
		switch t {
		case F32:
			for c, v := range x[:n] {
				binary.LittleEndian.PutUint32(group[4*(c*arrangement+lane):], math.Float32bits(v))
			}
			group = group[4*n*arrangement:]
		case F16:
			var halves [brick]uint16
			narrow(&halves, x[:n])
			for c, h := range halves[:n] {
				binary.LittleEndian.PutUint16(group[2*(c*arrangement+lane):], h)
			}
			group = group[2*n*arrangement:]
		case Q8_0:
			var codes [brick]int8
			d := quantizeBlock(&codes, x[:n])
			binary.LittleEndian.PutUint16(group[2*lane:], toF16(d))
			for c, q := range codes[:n] {
				group[2*arrangement+c*arrangement+lane] = byte(q)
			}
			group = group[(2+n)*arrangement:]
		}
		x = x[n:]
	}
}

// Widen returns the float32 that a page holds, in the page's arrangement: of F32 the
// page itself, else room, which they are written to.
func Widen(t Format, room, page []float32, arrangement, width int) []float32 {
	checkPage("Widen", t, page, arrangement, width)
	switch t {
	case F16:
		widenHalves(room[:PageKeys*width], bytesOf(page))
	case Q8_0:
		widenBricks(room[:PageKeys*width], bytesOf(page), arrangement, width)
	default:
		return page
	}
	return room
}

func checkPage(op string, t Format, page []float32, arrangement, width int) {
	if arrangement != Rows && arrangement != Columns || len(page) < t.PageLen(width) {
		panic(fmt.Sprintf("kernel: %s: vectors of %d %v, %d together, in a page of %d", op, width, t, arrangement, len(page)))
	}
}

func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

// quantizeBlock sets codes to those of at most 32 numbers and returns their scale.
func quantizeBlock(codes *[brick]int8, x []float32) float32 {
	d := quantize32(codes, x)
	if d <= maxF16 || d != d {
		return d
	}
	var bounded [brick]float32
	for i, v := range x {
		bounded[i] = max(-maxBlock, min(maxBlock, v))
	}
	return quantize32(codes, bounded[:len(x)])
}

func quantize32Generic(codes *[brick]int8, x []float32) float32 {
	d, id := scaleQ8(x)
	for i, v := range x {
		codes[i] = codeQ8(v, id)
	}
	return d
}

func narrowGeneric(halves *[brick]uint16, x []float32) {
	for i, v := range x {
		halves[i] = toF16(max(-maxF16, min(maxF16, v)))
	}
}

func widenHalvesGeneric(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = f16At(src, i)
	}
}

func widenBricksGeneric(dst []float32, src []byte, arrangement, width int) {
	for range PageKeys / arrangement {
		for c := 0; c < width; c += brick {
			n := min(brick, width-c) * arrangement
			for i, q := range src[2*arrangement:][:n] {
				dst[i] = f16At(src, i%arrangement) * float32(int8(q))
			}
			dst, src = dst[n:], src[2*arrangement+n:]
		}
	}
}
