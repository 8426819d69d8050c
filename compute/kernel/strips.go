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
// vectors, and from which bit of each byte on.
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
	var b block
	for i := range k / l.numbers {
		p := panel[i*l.panelBytes():][:l.panelBytes()]
		for r := range rows {
			l.get(&b, w[(r*(k/l.numbers)+i)*l.bytes:][:l.bytes])
			if l.numbers == 256 {
				putF16(p, r, b.d)
				if l.minimum > 0 {
					putF16(p, panelWidth+r, b.dmin)
				}
			}
			for j := range l.numbers / 32 {
				s := p[l.head()+j*l.stripBytes():][:l.stripBytes()]
				l.packScales(s, &b, r, j)
				l.packCodes(s[l.lines()*l.lineBytes():], b.codes[32*j:][:32], r)
			}
		}
	}
}

// packScales writes the scales and minima of output r to a strip, which is the
// block's j-th.
func (l *layout) packScales(s []byte, b *block, r, j int) {
	if l.numbers == 32 {
		if l.scales == (power{}) {
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
func (l *layout) packCodes(dst []byte, codes []uint8, r int) {
	for _, p := range codeParts[l.bits()] {
		var words [8]uint32
		for g := range 8 {
			v, shift := p.place(g)
			words[v] |= binary.LittleEndian.Uint32(codes[4*g:]) >> p.at & p.mask() << shift
		}
		for v, word := range words[:p.bits] {
			binary.LittleEndian.PutUint32(dst[(v*panelWidth+r)*4:], word)
		}
		dst = dst[p.bits*4*panelWidth:]
	}
}

// strip is a strip, unpacked: the levels, and what those under each of up to two
// scales are multiplied by and have taken off.
type strip struct {
	levels         [panelWidth][32]int16
	scales, minima [2][panelWidth]float32
}

// read unpacks the j-th strip of a block of 16 outputs.
func (l *layout) read(s *strip, block []byte, j int) {
	p := block[l.head()+j*l.stripBytes():][:l.stripBytes()]
	l.readLine(&s.scales, block, p)
	if l.minimum > 0 {
		l.readLine(&s.minima, block[2*panelWidth:], p[l.lineBytes():])
	}
	p = p[l.lines()*l.lineBytes():]
	for o := range s.levels {
		l.readCodes(&s.levels[o], p, o)
	}
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
		case l.scales == (power{}):
			dst[0][o] = fromBF16(binary.LittleEndian.Uint16(line[2*o:]))
		default:
			dst[0][o] = f16At(line, o)
		}
	}
}

// readCodes reads the levels of output o.
func (l *layout) readCodes(levels *[32]int16, src []byte, o int) {
	var codes [32]byte
	for _, p := range codeParts[l.bits()] {
		for g := range 8 {
			v, shift := p.place(g)
			word := binary.LittleEndian.Uint32(src[(v*panelWidth+o)*4:]) >> shift & p.mask() << p.at
			binary.LittleEndian.PutUint32(codes[4*g:], binary.LittleEndian.Uint32(codes[4*g:])|word)
		}
		src = src[p.bits*4*panelWidth:]
	}
	for c, q := range codes {
		levels[c] = int16(l.levels[q])
	}
}
