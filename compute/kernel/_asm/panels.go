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
	callSums   // for the kernel: sums of a panel
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

// begin loads a call: W in SI, y in DI, the stride of rows of x in DX. The call stays
// in R15.
func begin(a *asm, name string, frame int) {
	a.function(name, frame, 8)
	a.i("MOVQ call+0(FP), R15")
	a.i("MOVQ %d(R15), SI", callW)
	a.i("MOVQ %d(R15), DI", callY)
	a.i("MOVQ %d(R15), DX", callLdx)
}

// mulF32 multiplies n rows by as many panels as the call has, one at a time, or
// one row p at a time. Accumulators from 0 on; then, with more than one row, the
// vectors of the panel; then elements of x.
func mulF32(a *asm, name string, v vec, n, p int) {
	h := 64 / v.bytes // vectors across a panel
	begin(a, name, 0)
	a.p("panel:")
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
	a.i("SUBQ $%d, %d(R15)", p, callPanels)
	a.i("JNZ panel")
	a.ret()
}

// A quantised kernel multiplies n rows by panels, one after the other: a single
// stream through memory, which the hardware's prefetching follows best.
//
// The strip in hand is at SI, d and dmin of its block at CX, y at DI, the strips of
// the block left in AX, the blocks left in R14 and the call in R15. Rows of x start at
// R8, R9 and R10, their scales at R11, R12 and R13, DX and BX apart.
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

// write writes the kernel around what it does before all panels, before the blocks of
// a panel, with d and dmin of a block of 256, with a strip, and with the sums in the
// end.
func (q quantized) write(a *asm, setup, start, head, strip, store func()) {
	begin(a, q.name, 0)
	a.i("MOVQ %d(R15), BX", callLds)
	setup()
	a.p("panel:")
	a.i("MOVQ %d(R15), R8", callX)
	a.i("MOVQ %d(R15), R11", callScales)
	a.i("MOVQ %d(R15), R14", callK)
	q.x.spread(a, q.n)
	q.scales.spread(a, q.n)
	start()
	a.p("block:")
	if q.block == 256 {
		a.i("MOVQ SI, CX")
		head()
		a.i("ADDQ $%d, SI", q.head())
		a.i("MOVQ $8, AX")
		a.p("strip:")
	}
	_, size := q.codesAt()
	if q.n >= 4 {
		for at := 0; at < size; at += 64 {
			a.i("PREFETCHT0 %d(SI)", prefetch+at)
		}
	}
	strip()
	a.i("ADDQ $%d, SI", size)
	q.x.advance(a, q.n, q.xBytes)
	q.scales.advance(a, q.n, 32/q.sub*8)
	if q.block == 256 {
		a.i("DECQ AX")
		a.i("JNZ strip")
	}
	a.i("DECQ R14")
	a.i("JNZ block")
	store()
	a.i("ADDQ $64, DI")
	a.i("DECQ %d(R15)", callPanels)
	a.i("JNZ panel")
	a.ret()
}

// prefetch is how far ahead of a strip memory is asked for where there are so many
// rows that arithmetic keeps the loads from running ahead: far enough for memory to
// answer. With fewer rows it only takes their place.
const prefetch = 4096

// eachRow goes through the rows of y, at R8.
func (q quantized) eachRow(a *asm, do func(r int)) {
	a.i("MOVQ DI, R8")
	a.i("MOVQ %d(R15), CX", callLdy)
	for r := range q.n {
		do(r)
		if r < q.n-1 {
			a.i("ADDQ CX, R8")
		}
	}
}
