package main

// mulVNNI multiplies codes of W, as unsigned bytes, by signed codes of x with
// VPDPBUSD. A dot product starts at the sum of x that takes the bias of the codes
// back, or at zero where minima do that.
//
//	0…7    sums of the rows
//	8…15   dot products; of up to 4 rows a second chain in 12…
//	16…21  what was loaded of a strip
//	22, 23 codes of 4 columns
//	24, 31 temporary
//	25, 26 scales and minima
//	27, 28 d and dmin
//	29, 30 masks of the parts of a code, or its levels
func mulVNNI(a *asm, f format, n int) {
	q := newQuantized(f, "AVX512", n)
	start := func() {
		for r := range n {
			zmm.zero(a, r)
		}
	}
	head := func() {
		a.i("VCVTPH2PS (CX), Z27")
		if f.minima {
			a.i("VCVTPH2PS 32(CX), Z28")
		}
	}
	q.write(a, func() { q.masksVNNI(a) }, start, head, func() { q.stripVNNI(a) }, func() {
		q.eachRow(a, func(r int) { a.i("VMOVUPS Z%d, (R8)", r) })
	})
}

func (q quantized) masksVNNI(a *asm) {
	if q.bits == 8 {
		return
	}
	for i, p := range q.parts() {
		a.i("MOVL $%#08x, CX", p.mask())
		a.i("VPBROADCASTD CX, Z%d", 29+i)
	}
	if q.levels != nil {
		a.i("VBROADCASTI32X4 %s<>(SB), Z30", q.table())
	}
}

func (q quantized) stripVNNI(a *asm) {
	codes, _ := q.codesAt()
	if q.bits < 8 {
		for v := range q.bits {
			a.i("VMOVDQU32 %d(SI), Z%d", codes+64*v, 16+v)
		}
	}
	for s := range 32 / q.sub {
		q.startVNNI(a, s)
		for i := range q.sub / 4 {
			g := s*q.sub/4 + i
			c := q.codesVNNI(a, g, codes)
			for r := range q.n {
				dot := 8 + r
				if q.n <= 4 {
					dot += i % 2 * 4
				}
				a.i("VPDPBUSD.BCST %s, Z%d, Z%d", q.x.at(r, 4*g), c, dot)
			}
		}
		q.addVNNI(a, s)
	}
}

// startVNNI sets the dot products to what they start at.
func (q quantized) startVNNI(a *asm, s int) {
	for r := range q.n {
		if q.minima {
			zmm.zero(a, 8+r)
		} else {
			a.i("VPBROADCASTD %s, Z%d", q.scales.at(r, 8*s+4), 8+r)
		}
		if q.n <= 4 {
			zmm.zero(a, 12+r)
		}
	}
}

// codesVNNI takes the codes of columns 4g to 4g+3 out of their parts, and
// returns the register.
func (q quantized) codesVNNI(a *asm, g, codes int) int {
	c := 22 + g%2
	if q.bits == 8 {
		a.i("VMOVDQU32 %d(SI), Z%d", codes+64*g, c)
		return c
	}
	for i, p := range q.parts() {
		vector, shift := p.of(g)
		from := 16 + vector
		if shift != 0 {
			to := c
			if i > 0 {
				to = 24
			}
			shiftWords(a, zmm, shift, from, to)
			from = to
		}
		if i == 0 {
			a.i("VPANDD Z29, Z%d, Z%d", from, c)
		} else {
			a.i("VPTERNLOGD $0xf8, Z30, Z%d, Z%d", from, c) // c | from & mask
		}
	}
	if q.levels != nil {
		a.i("VPSHUFB Z%d, Z30, Z%d", c, c)
	}
	return c
}

// shiftWords moves bits down, or up where by is negative. What comes from a
// neighbouring byte is masked away later.
func shiftWords(a *asm, v vec, by, from, to int) {
	if by > 0 {
		a.i("VPSRLW $%d, %s, %s", by, v.r(from), v.r(to))
	} else {
		a.i("VPSLLW $%d, %s, %s", -by, v.r(from), v.r(to))
	}
}

// addVNNI adds the dot products under scale s of a strip to the sums.
func (q quantized) addVNNI(a *asm, s int) {
	line := func(minima bool, d, t int) {
		at := q.scaleAt(s, minima)
		switch {
		case q.block == 256:
			a.i("VPMOVSXBD %d(SI), Z%d", at, t)
			a.i("VCVTDQ2PS Z%d, Z%d", t, t)
			a.i("VMULPS Z%d, Z%d, Z%d", d, t, t)
		case q.bf16:
			a.i("VPMOVZXWD %d(SI), Z%d", at, t)
			a.i("VPSLLD $16, Z%d, Z%d", t, t)
		default:
			a.i("VCVTPH2PS %d(SI), Z%d", at, t)
		}
	}
	line(false, 27, 25)
	if q.minima {
		line(true, 28, 26)
	}
	for r := range q.n {
		if q.n <= 4 {
			a.i("VPADDD Z%d, Z%d, Z%d", 12+r, 8+r, 8+r)
		}
		a.i("VMULPS.BCST %s, Z25, Z31", q.scales.at(r, 8*s))
		a.i("VCVTDQ2PS Z%d, Z%d", 8+r, 8+r)
		a.i("VFMADD231PS Z31, Z%d, Z%d", 8+r, r)
		if q.minima {
			a.i("VFMADD231PS.BCST %s, Z26, Z%d", q.scales.at(r, 8*s+4), r)
		}
	}
}
