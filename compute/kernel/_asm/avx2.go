package main

import "fmt"

// avx2 multiplies codes of W, as unsigned bytes, by signed codes of x with
// VPMADDUBSW. Its sums of two products are added in int16 for as many columns as
// fit, then in int32. Bytes above 127 do not fit at all: they are multiplied as
// two nibbles. A strip is multiplied in two halves of 8 outputs.
//
//	0…n-1    sums of products in int16
//	n…2n-1   where needed, the same in int32, or those of the high nibbles
//	…11      constants, as many as there is room for
//	12, 13   codes, or scales and minima
//	14, 15   x, products
type avx2 struct {
	quantized
	registers map[string]string // of constants
}

func mulAVX2(a *asm, f format, n int) {
	q := avx2{newQuantized(f, "AVX2", n), map[string]string{}}
	q.write(a, func() { q.setup(a) }, func() {
		for s := range 32 / f.sub {
			for h := range 2 {
				q.dots(a, s, h)
				q.add(a, s, h)
			}
		}
	})
}

// setup loads constants into the registers that are free.
func (q avx2) setup(a *asm) {
	free := q.n
	if q.nibbles() || q.run() < q.sub/4 {
		free *= 2
	}
	names := []string{"ones"}
	for _, p := range q.parts() {
		names = append(names, p.maskName())
	}
	for _, name := range names {
		if free < 12 {
			q.registers[name] = fmt.Sprintf("Y%d", free)
			a.i("VMOVDQU %s<>(SB), Y%d", name, free)
			free++
		}
	}
}

// constant returns the register of a constant, or its place in memory.
func (q avx2) constant(name string) string {
	if r, ok := q.registers[name]; ok {
		return r
	}
	return name + "<>(SB)"
}

// run returns how many groups of 4 columns add up in int16: codes of x are at
// most 128 in magnitude.
func (q avx2) run() int { return (1<<15 - 1) / (2 * 128 * q.largest()) }

// nibbles says that bytes of W do not fit.
func (q avx2) nibbles() bool { return q.run() == 0 }

// dots sets registers to the dot products of half h of the outputs with the
// columns under scale s of a strip.
func (q avx2) dots(a *asm, s, h int) {
	groups, run := q.sub/4, q.run()
	if q.nibbles() {
		run = groups
	}
	for i := range groups {
		q.codes(a, s*groups+i, h)
		for r := range q.n {
			a.i("VPBROADCASTD %s, Y14", q.x.at(r, 4*(s*groups+i)))
			q.multiply(a, 12, r, i%run == 0)
			if q.nibbles() {
				q.multiply(a, 13, q.n+r, i%run == 0)
			}
		}
		if run < groups && (i+1)%run == 0 || i == groups-1 {
			q.widen(a, i < run)
		}
	}
	if q.minima {
		return
	}
	for r := range q.n {
		a.i("VPBROADCASTD %s, Y14", q.scales.at(r, 8*s+4))
		a.i("VPADDD Y14, Y%d, Y%d", q.dot(r), q.dot(r))
	}
}

// dot returns the register of the dot product with row r.
func (q avx2) dot(r int) int {
	if !q.nibbles() && q.run() < q.sub/4 {
		return q.n + r
	}
	return r
}

// multiply adds the products of the codes in a register with those in Y14 to
// sums in int16, or begins with them.
func (q avx2) multiply(a *asm, codes, sum int, begin bool) {
	if begin {
		a.i("VPMADDUBSW Y14, Y%d, Y%d", codes, sum)
		return
	}
	a.i("VPMADDUBSW Y14, Y%d, Y15", codes)
	a.i("VPADDW Y15, Y%d, Y%d", sum, sum)
}

// widen turns sums in int16 into dot products, or adds them to those.
func (q avx2) widen(a *asm, begin bool) {
	for r := range q.n {
		if q.nibbles() {
			a.i("VPMADDWD sixteens<>(SB), Y%d, Y15", q.n+r)
			begin = false
		}
		switch {
		case q.nibbles():
			a.i("VPMADDWD %s, Y%d, Y%d", q.constant("ones"), r, r)
			a.i("VPADDD Y15, Y%d, Y%d", r, r)
		case begin:
			a.i("VPMADDWD %s, Y%d, Y%d", q.constant("ones"), r, q.dot(r))
		default:
			a.i("VPMADDWD %s, Y%d, Y15", q.constant("ones"), r)
			a.i("VPADDD Y15, Y%d, Y%d", q.dot(r), q.dot(r))
		}
	}
}

// codes takes half h of the codes of columns 4g to 4g+3 out of their parts. Low
// nibbles of bytes come to be in 12, high ones in 13.
func (q avx2) codes(a *asm, g, h int) {
	from, _ := q.codesAt()
	for i, p := range q.parts() {
		vector, shift := p.of(g)
		at, c, mask := from+64*vector+32*h, 12+i, q.constant(p.maskName())
		a.i("VMOVDQU %d(DI), Y%d", at, c)
		if q.bits == 8 {
			a.i("VPSRLW $4, Y12, Y13")
			a.i("VPAND %s, Y13, Y13", mask)
		}
		if shift != 0 {
			shiftWords(a, ymm, shift, c, c)
		}
		a.i("VPAND %s, Y%d, Y%d", mask, c, c)
		if i > 0 {
			a.i("VPOR Y13, Y12, Y12")
		}
	}
	if q.levels == nil {
		return
	}
	if !q.nibbles() {
		a.i("VMOVDQU %s<>(SB), Y14", q.table())
		a.i("VPSHUFB Y12, Y14, Y12")
		return
	}
	a.i("VMOVDQU %sLow<>(SB), Y14", q.table())
	a.i("VMOVDQU %sHigh<>(SB), Y13", q.table())
	a.i("VPSHUFB Y12, Y13, Y13")
	a.i("VPSHUFB Y12, Y14, Y12")
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
			a.i("VPMOVSXBD %d(DI), Y%d", at+8*h, t)
			a.i("VCVTPH2PS %d(CX), Y14", head)
			a.i("VCVTDQ2PS Y%d, Y%d", t, t)
			a.i("VMULPS Y14, Y%d, Y%d", t, t)
		case q.bf16:
			a.i("VPMOVZXWD %d(DI), Y%d", at+16*h, t)
			a.i("VPSLLD $16, Y%d, Y%d", t, t)
		default:
			a.i("VCVTPH2PS %d(DI), Y%d", at+16*h, t)
		}
	}
	line(false, 12)
	if q.minima {
		line(true, 13)
	}
	for r := range q.n {
		dot, at := q.dot(r), 64*r+32*h
		a.i("VBROADCASTSS %s, Y14", q.scales.at(r, 8*s))
		a.i("VCVTDQ2PS Y%d, Y%d", dot, dot)
		a.i("VMULPS Y14, Y12, Y14")
		a.i("VFMADD213PS %d(AX), Y14, Y%d", at, dot)
		if q.minima {
			a.i("VBROADCASTSS %s, Y15", q.scales.at(r, 8*s+4))
			a.i("VFMADD231PS Y13, Y15, Y%d", dot)
		}
		a.i("VMOVUPS Y%d, %d(AX)", dot, at)
	}
}
