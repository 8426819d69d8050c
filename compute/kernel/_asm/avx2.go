package main

import "fmt"

// mulAVX2 multiplies codes of W by codes of x with VPMADDUBSW, whose sums of two
// products fit int16: codes are at most 128 in magnitude, those of x 127. Levels
// of either sign are multiplied as magnitudes, by codes of x that have taken the
// sign. Where the products under a scale fit int16 as well they are added as such.
//
// Dot products are in 0…2n-1, two for each row, and temporary ones from there
// on. The stack holds d and dmin of a block of 256 as float32, and the counter.
func mulAVX2(a *asm, f format, n int) {
	q := newQuantized(kernelName(f.name, "AVX2", n), n, f)
	q.write(a, func() {}, func() {
		if f.block == 256 {
			for i := range 2 * f.lines() {
				a.i("VCVTPH2PS %d(DI), Y0", 16*i)
				a.i("VMOVUPS Y0, %d(SP)", 32*i)
			}
		}
		q.strips(a, func() {
			for s := range 32 / f.sub {
				q.dotsAVX2(a, s)
				for h := range 2 {
					q.addAVX2(a, s, h)
				}
			}
		})
	})
}

// dotsAVX2 sets the dot products to those of the columns under scale s of a
// strip.
func (q quantized) dotsAVX2(a *asm, s int) {
	n := q.n
	for r := range 2 * n {
		ymm.zero(a, r)
	}
	for g := s * q.sub / 4; g < (s+1)*q.sub/4; g++ {
		if q.signed() {
			q.groupSigned(a, g)
		} else {
			q.groupUnsigned(a, g)
		}
	}
	if q.narrow() {
		for r := range 2 * n {
			a.i("VPMADDWD ones<>(SB), Y%d, Y%d", r, r)
		}
	}
	if q.minima || q.signed() {
		return
	}
	for r := range n {
		a.i("VPBROADCASTD %s, Y%d", q.scales.at(r, 8*s+4), 2*n)
		for h := range 2 {
			a.i("VPADDD Y%d, Y%d, Y%d", 2*n, 2*r+h, 2*r+h)
		}
	}
}

// groupUnsigned multiplies columns 4g to 4g+3.
func (q quantized) groupUnsigned(a *asm, g int) {
	c := 2 * q.n
	for h := range 2 {
		q.codesAVX2(a, g, h, c+h, c+2)
	}
	for r := range q.n {
		a.i("VPBROADCASTD %s, Y%d", q.x.at(r, 4*g), c+2)
		for h := range 2 {
			q.product(a, c+2, c+h, c+3-h, 2*r+h) // the second product may take the place of x
		}
	}
}

// groupSigned is groupUnsigned for levels of either sign.
func (q quantized) groupSigned(a *asm, g int) {
	w, magnitude, x := 2*q.n, 2*q.n+1, 2*q.n+2
	for h := range 2 {
		q.codesAVX2(a, g, h, w, x)
		a.i("VPABSB Y%d, Y%d", w, magnitude)
		for r := range q.n {
			a.i("VPBROADCASTD %s, Y%d", q.x.at(r, 4*g), x)
			a.i("VPSIGNB Y%d, Y%d, Y%d", w, x, x)
			q.product(a, x, magnitude, x, 2*r+h)
		}
	}
}

// product adds x·w to a dot product by way of register t.
func (q quantized) product(a *asm, x, w, t, dot int) {
	a.i("VPMADDUBSW Y%d, Y%d, Y%d", x, w, t)
	if q.narrow() {
		a.i("VPADDW Y%d, Y%d, Y%d", t, dot, dot)
		return
	}
	a.i("VPMADDWD ones<>(SB), Y%d, Y%d", t, t)
	a.i("VPADDD Y%d, Y%d, Y%d", t, dot, dot)
}

// codesAVX2 takes half h of the codes of columns 4g to 4g+3 out of their parts,
// into register c. Uses t.
func (q quantized) codesAVX2(a *asm, g, h, c, t int) {
	codes, _ := q.codesAt()
	for i, p := range q.parts() {
		vector, shift := p.of(g)
		to := c
		if i > 0 {
			to = t
		}
		a.i("VMOVDQU %d(DI), Y%d", codes+64*vector+32*h, to)
		if q.bits == 8 {
			a.i("VPXOR bias<>(SB), Y%d, Y%d", c, c)
			return
		}
		if shift != 0 {
			shiftWords(a, ymm, shift, to, to)
		}
		a.i("VPAND %s, Y%d, Y%d", maskName(p), to, to)
		if i > 0 {
			a.i("VPOR Y%d, Y%d, Y%d", t, c, c)
		}
	}
	if q.levels != nil {
		a.i("VMOVDQU %s, Y%d", q.table(0), t)
		a.i("VPSHUFB Y%d, Y%d, Y%d", c, t, c)
	}
}

// addAVX2 adds half h of the dot products under scale s of a strip to the sums.
func (q quantized) addAVX2(a *asm, s, h int) {
	line := func(minima bool, t int) {
		at, stack := q.scaleAt(s, minima), 32*h
		if minima {
			stack += 64
		}
		switch {
		case q.block == 256:
			a.i("VPMOVSXBD %d(DI), Y%d", at+8*h, t)
			a.i("VCVTDQ2PS Y%d, Y%d", t, t)
			a.i("VMULPS %d(SP), Y%d, Y%d", stack, t, t)
		case q.bf16:
			a.i("VPMOVZXWD %d(DI), Y%d", at+16*h, t)
			a.i("VPSLLD $16, Y%d, Y%d", t, t)
		default:
			a.i("VCVTPH2PS %d(DI), Y%d", at+16*h, t)
		}
	}
	scale, least, t := 12, 13, 14
	line(false, scale)
	if q.minima {
		line(true, least)
	}
	for r := range q.n {
		dot := 2*r + h
		a.i("VBROADCASTSS %s, Y%d", q.scales.at(r, 8*s), t)
		a.i("VCVTDQ2PS Y%d, Y%d", dot, dot)
		a.i("VMULPS Y%d, Y%d, Y%d", t, scale, t)
		a.i("VFMADD213PS %d(AX), Y%d, Y%d", 32*dot, t, dot)
		if q.minima {
			a.i("VBROADCASTSS %s, Y%d", q.scales.at(r, 8*s+4), t)
			a.i("VFMADD231PS Y%d, Y%d, Y%d", least, t, dot)
		}
		a.i("VMOVUPS Y%d, %d(AX)", dot, 32*dot)
	}
}

func maskName(p part) string { return fmt.Sprintf("mask%02x<>(SB)", byte(p.mask())) }

// table names the levels of a format, with a bias added.
func (q quantized) table(bias int) string { return tableName(q.format, bias) + "<>(SB)" }

func tableName(f format, bias int) string {
	if f.bf16 {
		return fmt.Sprintf("e2m1plus%d", bias)
	}
	return fmt.Sprintf("nonLinearPlus%d", bias)
}

// panelConstants defines what the kernels read: masks, and levels twice over.
func panelConstants(a *asm) {
	a.constant("ones", 0x00010001, 8)
	a.constant("bias", 0x80808080, 8)
	seen := map[string]bool{}
	for _, f := range formats {
		for _, p := range f.parts() {
			if name := fmt.Sprintf("mask%02x", byte(p.mask())); f.bits < 8 && !seen[name] {
				seen[name] = true
				a.constant(name, p.mask(), 8)
			}
		}
		for _, bias := range []int{0, 128} {
			if name := tableName(f, bias); f.levels != nil && !seen[name] {
				seen[name] = true
				a.constants(name, words(f.levels, bias)...)
			}
		}
	}
}

// words packs levels twice over as bytes into 4-byte words.
func words(levels []int8, bias int) (all []uint32) {
	for i := range 2 * len(levels) / 4 {
		var word uint32
		for j := range 4 {
			word |= uint32(byte(int(levels[(4*i+j)%len(levels)])+bias)) << (8 * j)
		}
		all = append(all, word)
	}
	return all
}
