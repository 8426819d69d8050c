package main

import (
	"fmt"
	"log"
	"slices"
)

// avx2 multiplies codes of W, as unsigned bytes, by signed codes of x in one of three
// ways. Sums of two products, of VPMADDUBSW, are added in int16
//
//	narrow   over all columns under a scale, where that fits: codes of up to 4 bits
//	         and those of Q3_K
//	runs     over as many columns as fit, then in int32: 5 and 6 bits, MXFP4
//	words    not at all where not even two products fit: 8 bits and other levels that
//	         are looked up. Then codes of W and of x are multiplied as int16, which
//	         the latter are prepared as: columns 0 and 2 of 4, 1 and 3.
//
// Outputs of a strip are multiplied in two halves of 8, those of runs one after the
// other.
//
//	0…2n-1   sums, two for each row: halves, or of a half in int16 and in int32
//	…11      constants, as many as there is room for
//	12, 13   codes, or scales and minima
//	14, 15   x, products
type avx2 struct {
	quantized
	way       int
	registers map[string]string // of constants
}

const (
	narrow = iota
	runs
	words
)

func mulAVX2(a *asm, f format, n int) {
	q := avx2{newQuantized(f, "AVX2", n), narrow, map[string]string{}}
	switch run := q.run(); {
	case run == 0:
		q.way, q.xBytes = words, 64
	case run < f.sub/4:
		q.way = runs
	}
	q.write(a, func() { q.setup(a) }, func() { q.start(a) }, func() {}, func() {
		for s := range 32 / f.sub {
			if q.way == runs {
				q.dots(a, s, 0)
				q.add(a, s, 0)
				q.dots(a, s, 1)
				q.add(a, s, 1)
			} else {
				q.dots(a, s, 0, 1)
				q.add(a, s, 0)
				q.add(a, s, 1)
			}
		}
	}, func() {
		q.eachRow(a, func(r int) {
			for h := range 2 {
				a.i("VMOVUPS %d(R15), Y14", callSums+64*r+32*h)
				a.i("VMOVUPS Y14, %d(R8)", 32*h)
			}
		})
	})
}

// start clears the sums, which lie in the call.
func (q avx2) start(a *asm) {
	a.i("VXORPS X14, X14, X14")
	for at := 0; at < 64*q.n; at += 32 {
		a.i("VMOVUPS Y14, %d(R15)", callSums+at)
	}
}

// run returns how many groups of 4 columns add up in int16: codes of x are at
// most 128 in magnitude.
func (f format) run() int { return (1<<15 - 1) / (2 * 128 * f.largest()) }

// setup loads constants into the registers that are free.
func (q avx2) setup(a *asm) {
	names := []string{"ones"}
	for _, p := range q.parts() {
		names = append(names, q.maskName(p))
	}
	if q.way == words {
		names = names[1:]
	}
	for i, name := range names {
		if r := 2*q.n + i; r < 12 {
			q.registers[name] = ymm.r(r)
			a.i("VMOVDQU %s<>(SB), Y%d", name, r)
		}
	}
}

// maskName names the mask of a part; words have it in every second byte.
func (q avx2) maskName(p part) string {
	if q.way == words {
		return fmt.Sprintf("mask00%02x", 1<<p.bits-1)
	}
	return p.maskName()
}

// constant returns the register of a constant, or its place in memory.
func (q avx2) constant(name string) string {
	if r, ok := q.registers[name]; ok {
		return r
	}
	return name + "<>(SB)"
}

// sum returns the register of the sum of row r and half h: of products, or of
// runs of them.
func (q avx2) sum(r, h int) int {
	if q.way == runs {
		return r
	}
	return 2*r + h
}

// dot returns the register of the dot product.
func (q avx2) dot(r, h int) int {
	if q.way == runs {
		return q.n + r
	}
	return 2*r + h
}

// dots sets registers to the dot products of halves of the outputs with the
// columns under scale s of a strip.
func (q avx2) dots(a *asm, s int, halves ...int) {
	groups := q.sub / 4
	for i := range groups {
		g := s*groups + i
		switch q.way {
		case narrow:
			q.products(a, "VPMADDUBSW", "VPADDW", g, 0, 4*g, i == 0, halves)
		case runs:
			q.products(a, "VPMADDUBSW", "VPADDW", g, 0, 4*g, i%q.run() == 0, halves)
			if (i+1)%q.run() == 0 || i == groups-1 {
				q.widen(a, i < q.run(), halves)
			}
		case words:
			q.products(a, "VPMADDWD", "VPADDD", g, 0, 8*g, i == 0, halves)
			q.products(a, "VPMADDWD", "VPADDD", g, 8, 8*g+4, false, halves)
		}
	}
	if q.way == narrow {
		q.widen(a, true, halves)
	}
	if q.minima {
		return
	}
	for r := range q.n {
		a.i("VPBROADCASTD %s, Y14", q.scales.at(r, 8*s+4))
		for _, h := range halves {
			a.i("VPADDD Y14, Y%d, Y%d", q.dot(r, h), q.dot(r, h))
		}
	}
}

// products adds the products of a group of columns, of x at some bytes, to the
// sums, or begins with them.
func (q avx2) products(a *asm, multiply, add string, g, from, x int, begin bool, halves []int) {
	for i, h := range halves {
		if q.way == words {
			q.codeWords(a, g, from, h, 12+i)
		} else {
			q.codes(a, g, h, 12+i)
		}
	}
	for r := range q.n {
		a.i("VPBROADCASTD %s, Y14", q.x.at(r, x))
		for i, h := range halves {
			sum := q.sum(r, h)
			if begin {
				a.i("%s Y14, Y%d, Y%d", multiply, 12+i, sum)
			} else {
				a.i("%s Y14, Y%d, Y15", multiply, 12+i)
				a.i("%s Y15, Y%d, Y%d", add, sum, sum)
			}
		}
	}
}

// widen turns sums in int16 into dot products, or adds them to those.
func (q avx2) widen(a *asm, begin bool, halves []int) {
	for r := range q.n {
		for _, h := range halves {
			if begin {
				a.i("VPMADDWD %s, Y%d, Y%d", q.constant("ones"), q.sum(r, h), q.dot(r, h))
			} else {
				a.i("VPMADDWD %s, Y%d, Y15", q.constant("ones"), q.sum(r, h))
				a.i("VPADDD Y15, Y%d, Y%d", q.dot(r, h), q.dot(r, h))
			}
		}
	}
}

// codes takes half h of the codes of columns 4g to 4g+3 out of their parts, into
// register c. Uses 14.
func (q avx2) codes(a *asm, g, h, c int) {
	from, _ := q.codesAt()
	for i, p := range q.parts() {
		vector, shift := p.of(g)
		at, to, mask := from+64*vector+32*h, c, q.constant(q.maskName(p))
		if i > 0 {
			to = 14
		}
		a.i("VMOVDQU %d(SI), Y%d", at, to)
		if shift != 0 {
			shiftWords(a, ymm, shift, to, to)
		}
		a.i("VPAND %s, Y%d, Y%d", mask, to, to)
		if i > 0 {
			a.i("VPOR Y14, Y%d, Y%d", c, c)
		}
	}
	if q.levels != nil {
		a.i("VMOVDQU %s<>(SB), Y14", q.table())
		a.i("VPSHUFB Y%d, Y14, Y%d", c, c)
	}
}

// codeWords takes the codes of every second column, from bit 0 or 8 on of its two,
// into register c. Uses 14. The byte that has none looks up level 0, the least.
func (q avx2) codeWords(a *asm, g, from, h, c int) {
	p := q.parts()[0]
	if q.levels != nil && q.levels[0] != slices.Min(q.levels) {
		log.Fatalf("level 0 of %s is not the least", q.format.name)
	}
	codes, _ := q.codesAt()
	vector, shift := p.of(g)
	a.i("VMOVDQU %d(SI), Y%d", codes+64*vector+32*h, c)
	shift += from
	if shift != 0 {
		shiftWords(a, ymm, shift, c, c)
	}
	if shift+p.bits < 16 {
		a.i("VPAND %s, Y%d, Y%d", q.constant(q.maskName(p)), c, c)
	}
	if q.levels != nil {
		a.i("VMOVDQU %s<>(SB), Y14", q.table())
		a.i("VPSHUFB Y%d, Y14, Y%d", c, c)
	}
}

// add adds half h of the dot products under scale s of a strip to the sums.
func (q avx2) add(a *asm, s, h int) {
	line := func(minima bool, t int) {
		at, head := q.scaleAt(s, minima), 16*h
		if minima {
			head += 32
		}
		switch {
		case q.block == 256:
			a.i("VPMOVSXBD %d(SI), Y%d", at+8*h, t)
			a.i("VCVTPH2PS %d(CX), Y14", head)
			a.i("VCVTDQ2PS Y%d, Y%d", t, t)
			a.i("VMULPS Y14, Y%d, Y%d", t, t)
		case q.bf16:
			a.i("VPMOVZXWD %d(SI), Y%d", at+16*h, t)
			a.i("VPSLLD $16, Y%d, Y%d", t, t)
		default:
			a.i("VCVTPH2PS %d(SI), Y%d", at+16*h, t)
		}
	}
	line(false, 12)
	if q.minima {
		line(true, 13)
	}
	for r := range q.n {
		dot, at := q.dot(r, h), callSums+64*r+32*h
		a.i("VBROADCASTSS %s, Y14", q.scales.at(r, 8*s))
		a.i("VCVTDQ2PS Y%d, Y%d", dot, dot)
		a.i("VMULPS Y14, Y12, Y14")
		a.i("VFMADD213PS %d(R15), Y14, Y%d", at, dot)
		if q.minima {
			a.i("VBROADCASTSS %s, Y15", q.scales.at(r, 8*s+4))
			a.i("VFMADD231PS Y13, Y15, Y%d", dot)
		}
		a.i("VMOVUPS Y%d, %d(R15)", dot, at)
	}
}
