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
	callGroup  // for the kernel: the panels of a group
	callSums   // … and its sums
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
	kpanels(a)
	for _, r := range rowsAVX512 {
		mulF32(a, fmt.Sprintf("mulF32AVX512x%d", r), zmm, r, 1)
	}
	mulF32(a, "gemvF32AVX512", zmm, 1, 4)
	for _, r := range []int{1, 2, 4, 8} {
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

// A quantised kernel multiplies n rows by groups of up to 4 panels: block by
// block, through all panels of the group. Four streams through memory keep the
// hardware's prefetching busy where one leaves half of the bandwidth unused.
//
// The group's block is at SI, the block in hand at DI, its sums (n rows of 16)
// at AX, the panels left in R14 and the call in R15. Rows of x start at R8, R9
// and R10, their scales at R11, R12 and R13, DX and BX apart. CX blocks are
// left.
type quantized struct {
	name      string
	n         int
	wBytes    int // of a block of W
	xBytes    int // of a block of x
	sBytes    int // of the scales of a block of x
	frame     int // of the stack
	x, scales rows
}

func newQuantized(name string, n, wBytes, xBytes int) quantized {
	return quantized{name, n, wBytes, xBytes, 8, 0, rows{[]string{"R8", "R9", "R10"}, "DX"}, rows{[]string{"R11", "R12", "R13"}, "BX"}}
}

// write writes the kernel around what it does with one block of one panel.
func (q quantized) write(a *asm, setup, body func()) {
	a.function(q.name, q.frame, 8)
	a.i("MOVQ call+0(FP), R15")
	a.i("MOVQ %d(R15), SI", callW)
	setup()
	a.p("group:")
	a.i("MOVQ %d(R15), R14", callPanels)
	a.i("CMPQ R14, $4")
	a.i("JLE sized")
	a.i("MOVQ $4, R14")
	a.p("sized:")
	a.i("MOVQ R14, %d(R15)", callGroup)
	a.i("LEAQ %d(R15), AX", callSums)
	a.i("VXORPS X0, X0, X0")
	a.p("clear:")
	for at := 0; at < 64*q.n; at += 32 {
		a.i("VMOVUPS Y0, %d(AX)", at)
	}
	a.i("ADDQ $%d, AX", 64*q.n)
	a.i("DECQ R14")
	a.i("JNZ clear")
	a.i("MOVQ %d(R15), DX", callLdx)
	a.i("MOVQ %d(R15), BX", callLds)
	a.i("MOVQ %d(R15), R8", callX)
	a.i("MOVQ %d(R15), R11", callScales)
	a.i("MOVQ %d(R15), CX", callK)
	q.x.spread(a, q.n)
	q.scales.spread(a, q.n)
	a.p("block:")
	a.i("MOVQ SI, DI")
	a.i("LEAQ %d(R15), AX", callSums)
	a.i("MOVQ %d(R15), R14", callGroup)
	a.p("panel:")
	body()
	a.i("ADDQ %d(R15), DI", callSize)
	a.i("ADDQ $%d, AX", 64*q.n)
	a.i("DECQ R14")
	a.i("JNZ panel")
	a.i("ADDQ $%d, SI", q.wBytes)
	q.x.advance(a, q.n, q.xBytes)
	q.scales.advance(a, q.n, q.sBytes)
	a.i("DECQ CX")
	a.i("JNZ block")
	q.store(a)
}

// store writes the sums of a group to y and goes on to the next group. SI is
// behind the group's first panel.
func (q quantized) store(a *asm) {
	a.i("MOVQ %d(R15), DI", callY)
	a.i("MOVQ %d(R15), BX", callLdy)
	a.i("LEAQ %d(R15), AX", callSums)
	a.i("MOVQ %d(R15), R14", callGroup)
	a.i("SUBQ R14, %d(R15)", callPanels)
	a.i("SUBQ %d(R15), SI", callSize)
	a.p("store:")
	a.i("MOVQ DI, R8")
	for r := range q.n {
		for h := range 2 {
			a.i("VMOVUPS %d(AX), Y0", 64*r+32*h)
			a.i("VMOVUPS Y0, %d(R8)", 32*h)
		}
		if r < q.n-1 {
			a.i("ADDQ BX, R8")
		}
	}
	a.i("ADDQ $64, DI")
	a.i("ADDQ $%d, AX", 64*q.n)
	a.i("ADDQ %d(R15), SI", callSize)
	a.i("DECQ R14")
	a.i("JNZ store")
	a.i("MOVQ DI, %d(R15)", callY)
	a.i("CMPQ %d(R15), $0", callPanels)
	a.i("JNE group")
	a.ret()
}

// scaleAVX2 adds the dot products of a block, in registers 0…2n-1 as int32, to
// the sums, times the scales of W and of the rows. Uses t…t+3.
func (q quantized) scaleAVX2(a *asm, t int) {
	a.i("VCVTPH2PS (DI), Y%d", t)
	a.i("VCVTPH2PS 16(DI), Y%d", t+1)
	for r := range q.n {
		a.i("VBROADCASTSS %s, Y%d", q.scales.at(r, 0), t+2)
		for h := range 2 {
			dot := 2*r + h
			a.i("VMULPS Y%d, Y%d, Y%d", t+h, t+2, t+3)
			a.i("VCVTDQ2PS Y%d, Y%d", dot, dot)
			a.i("VFMADD213PS %d(AX), Y%d, Y%d", 32*dot, t+3, dot)
			a.i("VMOVUPS Y%d, %d(AX)", dot, 32*dot)
		}
	}
}

// mulQ8AVX2: codes of W as [16][row][2] int8, of x as int16. Both are
// multiplied as int16 by VPMADDWD: exact, where VPMADDUBSW would saturate.
// Dot products in 0…2n-1, then codes of W, then pairs of x.
func mulQ8AVX2(a *asm, n int) {
	q := newQuantized(fmt.Sprintf("mulQ8AVX2x%d", n), n, 544, 64)
	q.write(a, func() {}, func() {
		q.dotsWords(a, 32, 0, 16)
		q.scaleAVX2(a, 2*n)
	})
}

// dotsWords sets the dot products to those of so many pairs of columns: codes of
// W from w on, of x from x on.
func (q quantized) dotsWords(a *asm, w, x, pairs int) {
	n := q.n
	for r := range 2 * n {
		a.i("VPXOR Y%d, Y%d, Y%d", r, r, r)
	}
	for k := range pairs {
		for h := range 2 {
			a.i("VPMOVSXBW %d(DI), Y%d", w+32*k+16*h, 2*n+h)
		}
		for r := range n {
			e := 2*n + 2
			a.i("VPBROADCASTD %s, Y%d", q.x.at(r, x+4*k), e)
			for h := range 2 {
				t := e + 1 - h // the second product may take the place of x
				a.i("VPMADDWD Y%d, Y%d, Y%d", 2*n+h, e, t)
				a.i("VPADDD Y%d, Y%d, Y%d", t, 2*r+h, 2*r+h)
			}
		}
	}
}

// mulQ4AVX2: nibbles of W times int8 codes of x by VPMADDUBSW. A sum of two
// products is at most 2·15·128 in magnitude, so that the 8 of a block still
// fit int16. Sums in 0…2n-1, nibbles in 2n and 2n+1, products in 2n+2, the
// mask of nibbles in 15.
func mulQ4AVX2(a *asm, n int) {
	q := newQuantized(fmt.Sprintf("mulQ4AVX2x%d", n), n, 288, 32)
	mask := "nibbles<>(SB)"
	setup := func() {
		if n <= 4 { // else no register is left
			a.i("VMOVDQU %s, Y15", mask)
			mask = "Y15"
		}
	}
	q.write(a, setup, func() {
		for r := range 2 * n {
			a.i("VPXOR Y%d, Y%d, Y%d", r, r, r)
		}
		for g := range 4 {
			q.groupQ4AVX2(a, g, mask)
		}
		t := 2*n + 2
		for r := range n {
			a.i("VPBROADCASTD %s, Y%d", q.scales.at(r, 4), t)
			for h := range 2 {
				a.i("VPMADDWD ones<>(SB), Y%d, Y%d", 2*r+h, 2*r+h)
				a.i("VPADDD Y%d, Y%d, Y%d", t, 2*r+h, 2*r+h)
			}
		}
		q.scaleAVX2(a, 2*n)
	})
	if n == 1 {
		a.constant("nibbles", 0x0f0f0f0f, 8)
		a.constant("ones", 0x00010001, 8)
	}
}

// groupQ4AVX2 multiplies columns 4g… and 4g+16… of a block.
func (q quantized) groupQ4AVX2(a *asm, g int, mask string) {
	low, high, t := 2*q.n, 2*q.n+1, 2*q.n+2
	if q.n == 1 { // the same x for both halves of the outputs
		a.i("VPBROADCASTD %s, Y%d", q.x.at(0, 4*g), t+1)
		a.i("VPBROADCASTD %s, Y%d", q.x.at(0, 4*g+16), t+2)
	}
	for h := range 2 {
		a.i("VMOVDQU %d(DI), Y%d", 32+64*g+32*h, low)
		a.i("VPSRLW $4, Y%d, Y%d", low, high)
		a.i("VPAND %s, Y%d, Y%d", mask, low, low)
		a.i("VPAND %s, Y%d, Y%d", mask, high, high)
		for r := range q.n {
			for half, codes := range []int{low, high} {
				from := t
				if q.n == 1 {
					from = t + 1 + half
				} else {
					a.i("VPBROADCASTD %s, Y%d", q.x.at(r, 4*g+16*half), t)
				}
				a.i("VPMADDUBSW Y%d, Y%d, Y%d", from, codes, t)
				a.i("VPADDW Y%d, Y%d, Y%d", t, 2*r+h, 2*r+h)
			}
		}
	}
}

// mulAVX512: codes of W as unsigned bytes, [8][row][4] for Q8_0 (offset by
// 128) and [4][row][4] nibbles for Q4_0, times int8 codes of x by VPDPBUSD.
// A dot product starts at the sum of x that takes the offset back. Dot products
// in 0…n-1 (for up to 4 rows a second half in 4+…), codes from 24 on.
func mulAVX512(a *asm, name string, n int, q4 bool) {
	q := newQuantized(name, n, 544, 32)
	if q4 {
		q.wBytes = 288
	}
	setup := func() {
		if q4 {
			a.i("MOVL $0x0f0f0f0f, AX")
			a.i("VPBROADCASTD AX, Z31")
		}
	}
	q.write(a, setup, func() {
		for r := range n {
			a.i("VPBROADCASTD %s, Z%d", q.scales.at(r, 4), r)
			if n <= 4 {
				zmm.zero(a, 4+r)
			}
		}
		q.dotsAVX512(a, q4)
		a.i("VCVTPH2PS (DI), Z28")
		for r := range n {
			if n <= 4 {
				a.i("VPADDD Z%d, Z%d, Z%d", 4+r, r, r)
			}
			a.i("VMULPS.BCST %s, Z28, Z%d", q.scales.at(r, 0), 29+r%2)
			a.i("VCVTDQ2PS Z%d, Z%d", r, r)
			a.i("VFMADD213PS %d(AX), Z%d, Z%d", 64*r, 29+r%2, r)
			a.i("VMOVUPS Z%d, %d(AX)", r, 64*r)
		}
	})
}

func (q quantized) dotsAVX512(a *asm, q4 bool) {
	dots := func(codes, group int) {
		for r := range q.n {
			acc := r
			if q.n <= 4 {
				acc += group % 2 * 4
			}
			a.i("VPDPBUSD.BCST %s, Z%d, Z%d", q.x.at(r, 4*group), codes, acc)
		}
	}
	if !q4 {
		for g := range 8 {
			a.i("VMOVDQU32 %d(DI), Z%d", 32+64*g, 24+g%4)
			dots(24+g%4, g)
		}
		return
	}
	for g := range 4 {
		c := 24 + g%2*2
		a.i("VMOVDQU32 %d(DI), Z%d", 32+64*g, c)
		a.i("VPSRLW $4, Z%d, Z%d", c, c+1)
		a.i("VPANDD Z31, Z%d, Z%d", c, c)
		a.i("VPANDD Z31, Z%d, Z%d", c+1, c+1)
		dots(c, g)
		dots(c+1, g+4)
	}
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
