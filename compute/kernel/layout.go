package kernel

import "encoding/binary"

// layout says how a block of a quantised format holds its numbers. Number i
// of a block, which lies under scale j = i/sub, is
//
//	d·scales[j]·levels[codes[i]] - dmin·mins[j]
//
// where every product and the difference is rounded to float32, so that the
// bits are those of ggml's dequantize_row_*.
type layout struct {
	numbers, bytes int // of a block
	sub            int // numbers that share a scale

	levels    []float32 // what a code stands for
	middles   []float64 // between levels that are no step of 1 apart; the nearest one changes there
	low, high int       // least and greatest scale; both 1: d is the only one
	minimum   int       // greatest minimum; 0: there are none

	codes  []field // where the bits of the codes lie
	scales scales  // where everything else lies
}

// scales packs and unpacks d, dmin, scales and mins, in bytes that are zero.
type scales interface {
	get(b *block, src []byte)
	put(dst []byte, b *block)
}

// block is one block of any layout, unpacked.
type block struct {
	d, dmin      float32
	scales, mins [16]int8
	codes        [256]uint8
}

// field is a part of every code, so many bits of it from bit at on, that lies
// in bytes [from, to). Of each chunk of bytes the lowest bits are the first
// numbers, one in each byte, the next bits the following ones.
type field struct{ from, to, chunk, bits, at int }

func (f field) get(codes []uint8, src []byte) {
	mask, i := byte(1<<f.bits-1), 0
	for c := f.from; c < f.to; c += f.chunk {
		for shift := 0; shift < 8; shift += f.bits {
			chunk := src[c:][:f.chunk]
			for ; len(chunk) >= 8; chunk = chunk[8:] { // 8 bytes at once
				q := binary.LittleEndian.Uint64(chunk) >> shift & (uint64(mask) * 0x0101010101010101) << f.at
				binary.LittleEndian.PutUint64(codes[i:], binary.LittleEndian.Uint64(codes[i:])|q)
				i += 8
			}
			for _, q := range chunk {
				codes[i] |= q >> shift & mask << f.at
				i++
			}
		}
	}
}

func (f field) put(dst []byte, codes []uint8) {
	mask, i := byte(1)<<f.bits-1, 0
	for c := f.from; c < f.to; c += f.chunk {
		for shift := 0; shift < 8; shift += f.bits {
			for k := range f.chunk {
				dst[c+k] |= codes[i] >> f.at & mask << shift
				i++
			}
		}
	}
}

// get unpacks a block.
func (l *layout) get(b *block, src []byte) {
	clear(b.codes[:l.numbers])
	for _, f := range l.codes {
		f.get(b.codes[:l.numbers], src)
	}
	b.dmin = 0
	l.scales.get(b, src)
}

// put packs a block.
func (l *layout) put(dst []byte, b *block) {
	clear(dst)
	for _, f := range l.codes {
		f.put(dst, b.codes[:l.numbers])
	}
	l.scales.put(dst, b)
}

// values computes the numbers of a block.
func (l *layout) values(dst []float32, b *block) {
	for j := range l.numbers / l.sub {
		s, m := b.line(j)
		for i, c := range b.codes[j*l.sub:][:l.sub] {
			dst[j*l.sub+i] = float32(s*l.levels[c]) - m
		}
	}
}

// line returns what the levels under scale j are multiplied by, and what is
// taken off.
func (b *block) line(j int) (s, m float32) {
	return b.d * float32(b.scales[j]), b.dmin * float32(b.mins[j])
}

// steps returns n levels that are 1 apart.
func steps(from, n int) []float32 {
	levels := make([]float32, n)
	for i := range levels {
		levels[i] = float32(from + i)
	}
	return levels
}
