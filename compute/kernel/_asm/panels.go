package main

// The kernels of panels take one argument, a *panelCall:
const (
	callW      = 8 * iota // panels
	callX                 // rows of inputs or codes
	callScales            // of the rows: per scale of W {float32 scale, sum}
	callY
	callK      // columns, or blocks of them
	callPanels // number of panels
	callLdx    // bytes from row to row of x
	callLds    // … of scales
	callLdy    // … of y
	callSize   // bytes of a panel
	callGroup  // for the kernel: panels of a group
	callBlocks // … blocks left
	callHead   // … the first panel's block
	callStrips // … strips of it left
	callNext   // … where the results of the group go
	callSums   // … sums of the group
)

func panels(a *asm) {
	for _, r := range rowsAVX2 {
		mulF32(a, kernelName("F32", "AVX2", r), ymm, r, 1)
	}
	mulF32(a, "gemvF32AVX2", ymm, 1, 4)
	for _, r := range rowsAVX512 {
		mulF32(a, kernelName("F32", "AVX512", r), zmm, r, 1)
	}
	mulF32(a, "gemvF32AVX512", zmm, 1, 4)
	for _, f := range formats {
		for _, r := range rowsAVX2 {
			mulAVX2(a, f, r)
		}
		for _, r := range rowsVNNI {
			mulVNNI(a, f, r)
		}
	}
	constants(a)
	quantizers(a)
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

// A quantised kernel multiplies n rows by groups of up to 4 panels: strip by
// strip, through all panels of the group. Four streams through memory keep the
// hardware's prefetching busy where one leaves half of the bandwidth unused.
//
// The group's strip is at SI, the strip in hand at DI, d and dmin of its block at
// CX, its sums (n rows of 16) at AX, the panels left in R14 and the call in R15.
// Rows of x start at R8, R9 and R10, their scales at R11, R12 and R13, DX and BX
// apart.
type quantized struct {
	format
	name      string
	n         int
	xBytes    int // of 32 columns of x
	x, scales rows
}

func newQuantized(f format, level string, n int) quantized {
	return quantized{f, kernelName(f.name, level, n), n, 32,
		rows{[]string{"R8", "R9", "R10"}, "DX"}, rows{[]string{"R11", "R12", "R13"}, "BX"}}
}

// write writes the kernel around what it does with one strip of one panel.
func (q quantized) write(a *asm, setup, body func()) {
	a.function(q.name, 0, 8)
	a.i("MOVQ call+0(FP), R15")
	a.i("MOVQ %d(R15), SI", callW)
	a.i("MOVQ %d(R15), DI", callY)
	a.i("MOVQ DI, %d(R15)", callNext)
	setup()
	a.p("group:")
	q.start(a)
	a.p("block:")
	if q.block == 256 {
		a.i("MOVQ SI, %d(R15)", callHead)
		a.i("ADDQ $%d, SI", q.head())
		a.i("MOVQ $8, %d(R15)", callStrips)
		a.p("strip:")
		a.i("MOVQ %d(R15), CX", callHead)
	}
	a.i("MOVQ SI, DI")
	a.i("LEAQ %d(R15), AX", callSums)
	a.i("MOVQ %d(R15), R14", callGroup)
	a.p("panel:")
	body()
	if q.block == 256 {
		a.i("ADDQ %d(R15), CX", callSize)
	}
	a.i("ADDQ %d(R15), DI", callSize)
	a.i("ADDQ $%d, AX", 64*q.n)
	a.i("DECQ R14")
	a.i("JNZ panel")
	_, size := q.codesAt()
	a.i("ADDQ $%d, SI", size)
	q.x.advance(a, q.n, q.xBytes)
	q.scales.advance(a, q.n, 32/q.sub*8)
	if q.block == 256 {
		a.i("DECQ %d(R15)", callStrips)
		a.i("JNZ strip")
	}
	a.i("DECQ %d(R15)", callBlocks)
	a.i("JNZ block")
	q.store(a)
}

// start sets the size of a group, clears its sums and goes to the first column.
func (q quantized) start(a *asm) {
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
	a.i("MOVQ CX, %d(R15)", callBlocks)
	q.x.spread(a, q.n)
	q.scales.spread(a, q.n)
}

// store writes the sums of a group to y and goes on to the next group. SI is
// behind the group's first panel.
func (q quantized) store(a *asm) {
	a.i("MOVQ %d(R15), DI", callNext)
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
	a.i("MOVQ DI, %d(R15)", callNext)
	a.i("CMPQ %d(R15), $0", callPanels)
	a.i("JNE group")
	a.ret()
}
