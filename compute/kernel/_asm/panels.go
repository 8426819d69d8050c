package main

import "fmt"

// The kernels of panels take one argument, a *panelCall:
const (
	callW      = 8 * iota // panels
	callX                 // rows of inputs or codes
	callScales            // of the rows: per block {float32 scale, int32 sum}
	callY
	callK      // columns, or blocks of 32 of them
	callPanels // number of panels
	callLdx    // bytes from row to row of x
	callLds    // … of scales
	callLdy    // … of y
	callSize   // bytes of a panel
)

func panels(a *asm) {
	for _, r := range rowsAVX2 {
		mulF32(a, fmt.Sprintf("mulF32AVX2x%d", r), ymm, r, 1)
	}
	mulF32(a, "gemvF32AVX2", ymm, 1, 4)
	for _, r := range rowsAVX2 {
		mulQ8AVX2(a, r)
		mulQ4AVX2(a, r)
	}
	for _, r := range rowsAVX512 {
		mulF32(a, fmt.Sprintf("mulF32AVX512x%d", r), zmm, r, 1)
	}
	mulF32(a, "gemvF32AVX512", zmm, 1, 4)
	for _, r := range rowsAVX512 {
		mulAVX512(a, fmt.Sprintf("mulQ8AVX512x%d", r), r, false)
		mulAVX512(a, fmt.Sprintf("mulQ4AVX512x%d", r), r, true)
	}
	quantizeRow(a, "quantizeBytes", false)
	quantizeRow(a, "quantizeWords", true)
}

// begin loads a call: W in SI, y in DI, the number of panels in AX, rows of x
// from R8 on with their stride in DX. The call stays in R15.
func begin(a *asm, name string, frame int) {
	a.function(name, frame, 8)
	a.i("MOVQ call+0(FP), R15")
	a.i("MOVQ %d(R15), SI", callW)
	a.i("MOVQ %d(R15), DI", callY)
	a.i("MOVQ %d(R15), AX", callPanels)
	a.i("MOVQ %d(R15), DX", callLdx)
	a.p("panel:")
}

// mulF32 multiplies n rows by as many panels as the call has, one at a time, or
// one row p at a time. Accumulators from 0 on; then, with more than one row, the
// vectors of the panel; then elements of x.
func mulF32(a *asm, name string, v vec, n, p int) {
	h := 64 / v.bytes // vectors across a panel
	begin(a, name, 0)
	x := rows{[]string{"R8", "R9", "R10", "R11"}, "DX"}
	w := rows{[]string{"SI", "R12"}, "R13"}
	a.i("MOVQ %d(R15), R8", callX)
	a.i("MOVQ %d(R15), CX", callK)
	a.i("MOVQ %d(R15), R13", callSize)
	x.spread(a, n)
	w.spread(a, p)
	for r := range n * p * h {
		v.zero(a, r)
	}
	step := func(u int) {
		free := n * p * h
		if n == 1 {
			a.i("VBROADCASTSS %s, %s", x.at(0, 4*u), v.r(free))
			for i := range p * h {
				a.i("VFMADD231PS %s, %s, %s", w.at(i/h, 64*u+v.bytes*(i%h)), v.r(free), v.r(i))
			}
			return
		}
		for i := range h {
			a.i("VMOVUPS %s, %s", w.at(0, 64*u+v.bytes*i), v.r(free+i))
		}
		for r := range n {
			e := free + h + r%2
			a.i("VBROADCASTSS %s, %s", x.at(r, 4*u), v.r(e))
			for i := range h {
				a.i("VFMADD231PS %s, %s, %s", v.r(free+i), v.r(e), v.r(r*h+i))
			}
		}
	}
	for _, u := range []int{4, 1} {
		a.i("SUBQ $%d, CX", u)
		a.i("JL rest%d", u)
		a.p("loop%d:", u)
		for i := range u {
			step(i)
		}
		w.advance(a, p, 64*u)
		x.advance(a, n, 4*u)
		a.i("SUBQ $%d, CX", u)
		a.i("JGE loop%d", u)
		a.p("rest%d:", u)
		a.i("ADDQ $%d, CX", u)
	}
	a.i("MOVQ DI, R8")
	a.i("MOVQ %d(R15), BX", callLdy)
	for r := range n {
		for i := range h * p {
			a.i("VMOVUPS %s, %d(R8)", v.r(r*p*h+i), v.bytes*i)
		}
		a.i("ADDQ BX, R8")
	}
	if p > 1 { // SI is at the second panel
		a.i("LEAQ (R13)(R13*2), R13")
		a.i("ADDQ R13, SI")
	}
	a.i("ADDQ $%d, DI", 64*p)
	a.i("SUBQ $%d, AX", p)
	a.i("JNZ panel")
	a.ret()
}

// beginQuantized loads what the quantised kernels need beyond begin: blocks in
// CX, scales from R11 on with their stride in BX.
func beginQuantized(a *asm, n int, x, s rows) {
	a.i("MOVQ %d(R15), %s", callX, x.bases[0])
	a.i("MOVQ %d(R15), %s", callScales, s.bases[0])
	a.i("MOVQ %d(R15), CX", callK)
	a.i("MOVQ %d(R15), BX", callLds)
	x.spread(a, n)
	s.spread(a, n)
}

// endBlock moves on to the next block, of so many bytes in W and x, and after
// the last one runs finish and moves on to the next panel.
func endBlock(a *asm, n int, x, s rows, wBytes, xBytes int, finish func()) {
	a.i("ADDQ $%d, SI", wBytes)
	x.advance(a, n, xBytes)
	s.advance(a, n, 8)
	a.i("DECQ CX")
	a.i("JNZ block")
	finish()
	a.i("ADDQ $64, DI")
	a.i("DECQ AX")
	a.i("JNZ panel")
	a.ret()
}

// sums keeps the float32 sums of n rows by 16 for the AVX2 kernels: in the
// registers from first on, or in the frame where registers are short.
type sums struct{ n, first int }

func (s sums) inFrame() bool { return s.n > 2 }

func (s sums) frame() int {
	if s.inFrame() {
		return 64 * s.n
	}
	return 0
}

func (s sums) clear(a *asm) {
	if s.inFrame() {
		a.i("VPXOR Y0, Y0, Y0")
	}
	for i := range 2 * s.n {
		if s.inFrame() {
			a.i("VMOVUPS Y0, %d(SP)", 32*i)
		} else {
			a.i("VPXOR Y%d, Y%d, Y%d", s.first+i, s.first+i, s.first+i)
		}
	}
}

// add adds register dots·scale to sum i.
func (s sums) add(a *asm, i, dots, scale int) {
	if s.inFrame() {
		a.i("VFMADD213PS %d(SP), Y%d, Y%d", 32*i, scale, dots)
		a.i("VMOVUPS Y%d, %d(SP)", dots, 32*i)
	} else {
		a.i("VFMADD231PS Y%d, Y%d, Y%d", scale, dots, s.first+i)
	}
}

// store writes the sums to y, with the distance of its rows in BX.
func (s sums) store(a *asm) {
	a.i("MOVQ DI, R8")
	a.i("MOVQ %d(R15), BX", callLdy)
	for i := range 2 * s.n {
		reg := s.first + i
		if s.inFrame() {
			reg = i
			a.i("VMOVUPS %d(SP), Y%d", 32*i, reg)
		}
		a.i("VMOVUPS Y%d, %d(R8)", reg, 32*(i%2))
		if i%2 == 1 {
			a.i("ADDQ BX, R8")
		}
	}
}

// scaleBlock adds the dot products of a block, in registers 0…2n-1 as int32,
// to the sums, times the scales of W at SI and of the rows. Uses t…t+3.
func scaleBlock(a *asm, n, t int, scale rows, s sums) {
	a.i("VCVTPH2PS (SI), Y%d", t)
	a.i("VCVTPH2PS 16(SI), Y%d", t+1)
	for r := range n {
		a.i("VBROADCASTSS %s, Y%d", scale.at(r, 0), t+2)
		for h := range 2 {
			a.i("VMULPS Y%d, Y%d, Y%d", t+h, t+2, t+3)
			a.i("VCVTDQ2PS Y%d, Y%d", 2*r+h, 2*r+h)
			s.add(a, 2*r+h, 2*r+h, t+3)
		}
	}
}

// mulQ8AVX2: codes of W as [16][row][2] int8, of x as int16. Both are
// multiplied as int16 by VPMADDWD: exact, where VPMADDUBSW would saturate.
// Dot products in 0…2n-1, then codes of W, then pairs of x.
func mulQ8AVX2(a *asm, n int) {
	s := sums{n, 12}
	begin(a, fmt.Sprintf("mulQ8AVX2x%d", n), s.frame())
	x := rows{[]string{"R8", "R9"}, "DX"}
	scale := rows{[]string{"R11", "R12"}, "BX"}
	beginQuantized(a, n, x, scale)
	s.clear(a)
	a.p("block:")
	prefetch(a, n, 544)
	for r := range 2 * n {
		a.i("VPXOR Y%d, Y%d, Y%d", r, r, r)
	}
	for k := range 16 {
		for h := range 2 {
			a.i("VPMOVSXBW %d(SI), Y%d", 32+32*k+16*h, 2*n+h)
		}
		for r := range n {
			e := 2*n + 2
			a.i("VPBROADCASTD %s, Y%d", x.at(r, 4*k), e)
			for h := range 2 {
				t := e + 1 - h // the second product may take the place of x
				a.i("VPMADDWD Y%d, Y%d, Y%d", 2*n+h, e, t)
				a.i("VPADDD Y%d, Y%d, Y%d", t, 2*r+h, 2*r+h)
			}
		}
	}
	scaleBlock(a, n, 2*n, scale, s)
	endBlock(a, n, x, scale, 544, 64, func() { s.store(a) })
}

// mulQ4AVX2: nibbles of W times int8 codes of x by VPMADDUBSW. A sum of two
// products is at most 2·15·128 in magnitude, so that the 8 of a block still
// fit int16. Sums in 0…2n-1, nibbles in 2n and 2n+1, products in 2n+2, the
// mask of nibbles in 15.
func mulQ4AVX2(a *asm, n int) {
	s, mask := sums{n, 11}, "nibbles<>(SB)"
	begin(a, fmt.Sprintf("mulQ4AVX2x%d", n), s.frame())
	if n <= 4 { // else no register is left
		a.i("VMOVDQU %s, Y15", mask)
		mask = "Y15"
	}
	x := rows{[]string{"R8", "R9"}, "DX"}
	scale := rows{[]string{"R11", "R12"}, "BX"}
	beginQuantized(a, n, x, scale)
	s.clear(a)
	a.p("block:")
	prefetch(a, n, 288)
	for r := range 2 * n {
		a.i("VPXOR Y%d, Y%d, Y%d", r, r, r)
	}
	low, high, t := 2*n, 2*n+1, 2*n+2
	for g := range 4 {
		if n == 1 { // x for both halves, and both products
			a.i("VPBROADCASTD %s, Y%d", x.at(0, 4*g), t+1)
			a.i("VPBROADCASTD %s, Y%d", x.at(0, 4*g+16), t+2)
		}
		for h := range 2 {
			a.i("VMOVDQU %d(SI), Y%d", 32+64*g+32*h, low)
			a.i("VPSRLW $4, Y%d, Y%d", low, high)
			a.i("VPAND %s, Y%d, Y%d", mask, low, low)
			a.i("VPAND %s, Y%d, Y%d", mask, high, high)
			for r := range n {
				for half, codes := range []int{low, high} {
					from := t
					if n == 1 {
						from = t + 1 + half
					} else {
						a.i("VPBROADCASTD %s, Y%d", x.at(r, 4*g+16*half), t)
					}
					a.i("VPMADDUBSW Y%d, Y%d, Y%d", from, codes, t)
					a.i("VPADDW Y%d, Y%d, Y%d", t, 2*r+h, 2*r+h)
				}
			}
		}
	}
	for r := range n {
		a.i("VPBROADCASTD %s, Y%d", scale.at(r, 4), t)
		for h := range 2 {
			a.i("VPMADDWD ones<>(SB), Y%d, Y%d", 2*r+h, 2*r+h)
			a.i("VPADDD Y%d, Y%d, Y%d", t, 2*r+h, 2*r+h)
		}
	}
	scaleBlock(a, n, 2*n, scale, s)
	endBlock(a, n, x, scale, 288, 32, func() { s.store(a) })
	if n == 1 {
		a.constant("nibbles", 0x0f0f0f0f, 8)
		a.constant("ones", 0x00010001, 8)
	}
}

// prefetch asks for a block of W ahead of the one in hand, for a single row:
// more rows are limited by arithmetic.
func prefetch(a *asm, n, block int) {
	const ahead = 4096
	if n > 1 {
		return
	}
	for at := 0; at < block; at += 64 {
		a.i("PREFETCHT0 %d(SI)", ahead+at)
	}
}

// mulAVX512: codes of W as unsigned bytes, [8][row][4] for Q8_0 (offset by
// 128) and [4][row][4] nibbles for Q4_0, times int8 codes of x by VPDPBUSD.
// A dot product starts at the sum of x that takes the offset back. Sums in
// 0…n-1, dot products in 12…12+n-1 (for one row two halves), codes from 24 on.
func mulAVX512(a *asm, name string, n int, q4 bool) {
	begin(a, name, 0)
	x := rows{[]string{"R8", "R9", "R10", "R14"}, "DX"}
	scale := rows{[]string{"R11", "R12", "R13", "R15"}, "BX"} // R15 was the call's
	if q4 {
		a.i("MOVL $0x0f0f0f0f, CX")
		a.i("VPBROADCASTD CX, Z31")
	}
	beginQuantized(a, n, x, scale)
	for r := range n {
		zmm.zero(a, r)
	}
	block := 544
	if q4 {
		block = 288
	}
	a.p("block:")
	prefetch(a, n, block)
	for r := range n {
		a.i("VPBROADCASTD %s, Z%d", scale.at(r, 4), 12+r)
	}
	if n == 1 {
		zmm.zero(a, 13)
	}
	dots := func(codes, group int) {
		for r := range n {
			acc := 12 + r
			if n == 1 {
				acc += group % 2
			}
			a.i("VPDPBUSD.BCST %s, Z%d, Z%d", x.at(r, 4*group), codes, acc)
		}
	}
	if q4 {
		for g := range 4 {
			c := 24 + g%2*2
			a.i("VMOVDQU32 %d(SI), Z%d", 32+64*g, c)
			a.i("VPSRLW $4, Z%d, Z%d", c, c+1)
			a.i("VPANDD Z31, Z%d, Z%d", c, c)
			a.i("VPANDD Z31, Z%d, Z%d", c+1, c+1)
			dots(c, g)
			dots(c+1, g+4)
		}
	} else {
		for g := range 8 {
			a.i("VMOVDQU32 %d(SI), Z%d", 32+64*g, 24+g%4)
			dots(24+g%4, g)
		}
	}
	if n == 1 {
		a.i("VPADDD Z13, Z12, Z12")
	}
	a.i("VCVTPH2PS (SI), Z28")
	for r := range n {
		a.i("VMULPS.BCST %s, Z28, Z%d", scale.at(r, 0), 29+r%2)
		a.i("VCVTDQ2PS Z%d, Z%d", 12+r, 12+r)
		a.i("VFMADD231PS Z%d, Z%d, Z%d", 29+r%2, 12+r, r)
	}
	endBlock(a, n, x, scale, block, 32, func() {
		a.i("MOVQ call+0(FP), R15")
		a.i("MOVQ DI, R8")
		a.i("MOVQ %d(R15), BX", callLdy)
		for r := range n {
			a.i("VMOVUPS Z%d, (R8)", r)
			a.i("ADDQ BX, R8")
		}
	})
}

// quantizeRow writes (codes *int8 or *int16, scales *blockScale, x *float32,
// blocks, offset int): see scaleQ8 and codeQ8. The scale's sum is offset·Σ.
func quantizeRow(a *asm, name string, words bool) {
	a.function(name, 0, 40)
	a.load("codes", "DI", "scales", "R11", "x", "SI", "blocks", "CX", "offset", "AX")
	a.i("VMOVD AX, X15")
	a.p("block:")
	for i := range 4 {
		a.i("VMOVUPS %d(SI), Y%d", 32*i, i)
		a.i("VANDPS magnitude<>(SB), Y%d, Y%d", i, 4+i)
	}
	// The largest magnitude: as integers a NaN is above infinity.
	a.i("VPMAXUD Y4, Y5, Y4")
	a.i("VPMAXUD Y6, Y7, Y6")
	a.i("VPMAXUD Y4, Y6, Y4")
	a.i("VEXTRACTI128 $1, Y4, X5")
	a.i("VPMAXUD X4, X5, X4")
	a.i("VPSHUFD $0x4e, X4, X5")
	a.i("VPMAXUD X4, X5, X4")
	a.i("VPSHUFD $0xb1, X4, X5")
	a.i("VPMAXUD X4, X5, X4")
	a.i("VDIVSS most<>(SB), X4, X4")
	a.i("VXORPS X6, X6, X6")
	a.i("VUCOMISS least<>(SB), X4")
	a.i("JPS scaled") // NaN
	a.i("JAE scaled")
	a.i("VXORPS X4, X4, X4")
	a.i("JMP inverse")
	a.p("scaled:")
	a.i("VMOVSS one<>(SB), X6")
	a.i("VDIVSS X4, X6, X6")
	a.p("inverse:")
	a.i("VMOVSS X4, (R11)")
	a.i("VBROADCASTSS X6, Y6")
	a.i("VPXOR Y9, Y9, Y9")
	for i := range 4 {
		a.i("VMULPS Y6, Y%d, Y%d", i, i)
		a.i("VANDPS sign<>(SB), Y%d, Y7", i)
		a.i("VORPS half<>(SB), Y7, Y7")
		a.i("VADDPS Y7, Y%d, Y%d", i, i)
		a.i("VCVTTPS2DQ Y%d, Y%d", i, i)
		a.i("VPMAXSD low<>(SB), Y%d, Y%d", i, i) // what was NaN
		a.i("VPADDD Y%d, Y9, Y9", i)
	}
	a.i("VPACKSSDW Y1, Y0, Y0") // 64-bit groups 0 2 1 3 of each pair
	a.i("VPACKSSDW Y3, Y2, Y2")
	if words {
		a.i("VPERMQ $0xd8, Y0, Y0")
		a.i("VPERMQ $0xd8, Y2, Y2")
		a.i("VMOVDQU Y0, (DI)")
		a.i("VMOVDQU Y2, 32(DI)")
		a.i("ADDQ $64, DI")
	} else {
		a.i("VPACKSSWB Y2, Y0, Y0")
		a.i("VMOVDQU order<>(SB), Y7")
		a.i("VPERMD Y0, Y7, Y0")
		a.i("VMOVDQU Y0, (DI)")
		a.i("ADDQ $32, DI")
	}
	a.i("VEXTRACTI128 $1, Y9, X5")
	a.i("VPADDD X5, X9, X9")
	a.i("VPSHUFD $0x4e, X9, X5")
	a.i("VPADDD X5, X9, X9")
	a.i("VPSHUFD $0xb1, X9, X5")
	a.i("VPADDD X5, X9, X9")
	a.i("VPMULLD X15, X9, X9")
	a.i("VMOVD X9, 4(R11)")
	a.i("ADDQ $128, SI")
	a.i("ADDQ $8, R11")
	a.i("DECQ CX")
	a.i("JNZ block")
	a.ret()
	if words {
		return
	}
	a.constant("magnitude", 0x7fffffff, 8)
	a.constant("sign", 0x80000000, 8)
	a.constant("half", 0x3effffff, 8)
	a.constant("low", 0xffffff80, 8) // -128
	a.constant("most", 0x42fe0000, 1)
	a.constant("least", 0x00800000, 1)
	a.constant("one", 0x3f800000, 1)
	a.constants("order", 0, 4, 1, 5, 2, 6, 3, 7)
}
