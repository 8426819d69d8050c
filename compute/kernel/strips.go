package kernel

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Panels of quantised formats are made of strips, 32 columns of 16 outputs each. A
// strip holds scales, then minima if the format has them, then codes:
//
//	blocks of 32     a scale d of each output, in F16 (of MXFP4 in BF16); a minimum in F16
//	blocks of 256    for the columns under one scale, 32 or 16, a signed byte of each
//	                 output; the minima the same. Before eight strips stand d and dmin,
//	                 in F16
//
// Codes are cut into parts of 8, 4, 2 or 1 bits (codeParts). A part of w bits is w
// vectors of [output][4] bytes. Columns 4g to 4g+3 have theirs in vector g mod w,
// from bit w·⌊g/w⌋ of each byte on: a shift and a mask take the codes of 16 outputs
// out at once. So a weight takes as many bits as in the file, or less than one more.
var codeParts = [9][]part{
	2: {{2, 0}},
	3: {{2, 0}, {1, 2}},
	4: {{4, 0}},
	5: {{4, 0}, {1, 4}},
	6: {{4, 0}, {2, 4}},
	8: {{8, 0}},
}

// part is some bits of every code: so many, which are those from bit at on.
type part struct{ bits, at int }

// place says where the codes of columns 4g to 4g+3 have the part: in which of its
// vectors, and from which bit of each byte on. Of a vector v, bit s is of columns
// 4·(v+s) and on.
func (p part) place(g int) (vector, shift int) { return g % p.bits, p.bits * (g / p.bits) }

// mask covers the part in four codes.
func (p part) mask() uint32 { return (1<<p.bits - 1) * 0x01010101 }

// bits returns how many bits a code has.
func (l *layout) bits() int { return bits.Len(uint(len(l.levels) - 1)) }

// offset is what the sum of codes of x is multiplied by: the least level, above
// which kernels count levels; with minima, which are taken off, -1.
func (l *layout) offset() int {
	if l.minimum > 0 {
		return -1
	}
	return int(slices.Min(l.levels))
}

// lines returns 2 where scales come with minima, else 1.
func (l *layout) lines() int { return 1 + min(l.minimum, 1) }

// head returns the bytes before the strips of a block.
func (l *layout) head() int {
	if l.numbers == 32 {
		return 0
	}
	return 2 * panelWidth * l.lines()
}

// lineBytes returns the bytes of the scales of a strip, or of the minima.
func (l *layout) lineBytes() int {
	if l.numbers == 32 {
		return 2 * panelWidth
	}
	return 32 / l.sub * panelWidth
}

// stripBytes returns the size of a strip.
func (l *layout) stripBytes() int { return l.lines()*l.lineBytes() + l.bits()*4*panelWidth }

// panelBytes returns the bytes of a block of 16 outputs.
func (l *layout) panelBytes() int { return l.head() + l.numbers/32*l.stripBytes() }

// pack writes a panel from rows of k numbers.
func (l *layout) pack(panel, w []byte, rows, k int) {
	if l.numbers == 32 && l.minimum == 0 && l != &mxfp4 && len(l.codes) == 1 {
		l.packWords(panel, w, rows, k)
		return
	}
	var b block
	size, head, strip, codes := l.panelBytes(), l.head(), l.stripBytes(), l.lines()*l.lineBytes()
	parts := codeParts[l.bits()]
	for i := range k / l.numbers {
		p := panel[i*size:][:size]
		for r := range rows {
			l.get(&b, w[(r*(k/l.numbers)+i)*l.bytes:][:l.bytes])
			if l.numbers == 256 {
				putF16(p, r, b.d)
				if l.minimum > 0 {
					putF16(p, panelWidth+r, b.dmin)
				}
			}
			for j := range l.numbers / 32 {
				s := p[head+j*strip:][:strip]
				l.packScales(s, &b, r, j)
				packCodes(s[codes:], b.codes[32*j:][:32], parts, r)
			}
		}
	}
}

// packWords packs blocks of a scale and codes of 4 or 8 bits, which lie in a file as
// in a strip, four bytes of a row together; but bytes of a file have a sign, of which
// a code has the complement. It goes strip by strip, so that what it writes stays in
// the cache.
func (l *layout) packWords(panel, w []byte, rows, k int) {
	var flip uint32
	if l.bits() == 8 {
		flip = 0x80808080
	}
	blocks, size, strip := k/32, l.bytes, l.stripBytes()
	for i := range blocks {
		s := panel[i*strip:][:strip]
		for r := range rows {
			b := w[(r*blocks+i)*size:][:size]
			binary.LittleEndian.PutUint16(s[2*r:], binary.LittleEndian.Uint16(b))
			words := s[2*panelWidth+4*r:]
			for c := 0; c < size-2; c += 16 { // arrays, whose bounds are checked once for four words
				from, to := (*[16]byte)(b[2+c:]), (*[12*panelWidth + 4]byte)(words[c*panelWidth:])
				binary.LittleEndian.PutUint32(to[0:], binary.LittleEndian.Uint32(from[0:])^flip)
				binary.LittleEndian.PutUint32(to[4*panelWidth:], binary.LittleEndian.Uint32(from[4:])^flip)
				binary.LittleEndian.PutUint32(to[8*panelWidth:], binary.LittleEndian.Uint32(from[8:])^flip)
				binary.LittleEndian.PutUint32(to[12*panelWidth:], binary.LittleEndian.Uint32(from[12:])^flip)
			}
		}
	}
}

// packScales writes the scales and minima of output r to a strip, which is the
// block's j-th.
func (l *layout) packScales(s []byte, b *block, r, j int) {
	if l.numbers == 32 {
		if l == &mxfp4 {
			binary.LittleEndian.PutUint16(s[2*r:], toBF16(b.d))
			return
		}
		putF16(s, r, b.d)
		if l.minimum > 0 {
			putF16(s, panelWidth+r, b.dmin)
		}
		return
	}
	n := 32 / l.sub
	for i := range n {
		s[i*panelWidth+r] = byte(b.scales[n*j+i])
		if l.minimum > 0 {
			s[(n+i)*panelWidth+r] = byte(b.mins[n*j+i])
		}
	}
}

// packCodes writes 32 codes of output r.
func packCodes(dst []byte, codes []uint8, parts []part, r int) {
	for _, p := range parts {
		mask := p.mask()
		for v := range p.bits {
			var word uint32
			for shift := 0; shift < 8; shift += p.bits {
				word |= binary.LittleEndian.Uint32(codes[4*v+4*shift:]) >> p.at & mask << shift
			}
			binary.LittleEndian.PutUint32(dst[(v*panelWidth+r)*4:], word)
		}
		dst = dst[p.bits*4*panelWidth:]
	}
}

// strip is a strip, unpacked: of columns 4g to 4g+3 the codes of each output, or
// the levels above the least where those are looked up; and what is under each of
// up to two scales multiplied by, and has taken off.
type strip struct {
	codes          [8][4 * panelWidth]uint8
	scales, minima [2][panelWidth]float32
}

// read unpacks the j-th strip of a block of 16 outputs.
func (l *layout) read(s *strip, block []byte, j int) {
	p := block[l.head()+j*l.stripBytes():][:l.stripBytes()]
	l.readLine(&s.scales, block, p)
	if l.minimum > 0 {
		l.readLine(&s.minima, block[2*panelWidth:], p[l.lineBytes():])
	}
	l.readCodes(&s.codes, p[l.lines()*l.lineBytes():])
}

// readLine reads the scales or the minima of a strip; of blocks of 256, d are the
// 16 numbers that they are times.
func (l *layout) readLine(dst *[2][panelWidth]float32, d, line []byte) {
	for o := range panelWidth {
		switch {
		case l.numbers == 256:
			for i := range 32 / l.sub {
				dst[i][o] = f16At(d, o) * float32(int8(line[i*panelWidth+o]))
			}
		case l == &mxfp4:
			dst[0][o] = fromBF16(binary.LittleEndian.Uint16(line[2*o:]))
		default:
			dst[0][o] = f16At(line, o)
		}
	}
}

// readCodes takes codes out of their parts, 8 at a time.
func (l *layout) readCodes(codes *[8][4 * panelWidth]uint8, src []byte) {
	clear(codes[:])
	for _, p := range codeParts[l.bits()] {
		mask := uint64(p.mask()) * 0x100000001
		for g := range codes {
			v, shift := p.place(g)
			from, to := src[v*len(codes[g]):][:len(codes[g])], codes[g][:]
			for i := 0; i < len(to); i += 8 {
				word := binary.LittleEndian.Uint64(from[i:]) >> shift & mask << p.at
				binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(to[i:])|word)
			}
		}
		src = src[p.bits*4*panelWidth:]
	}
	if l.middles == nil {
		return
	}
	least := slices.Min(l.levels)
	for g := range codes {
		for i, q := range codes[g] {
			codes[g][i] = uint8(l.levels[q] - least)
		}
	}
}
