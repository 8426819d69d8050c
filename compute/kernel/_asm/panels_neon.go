package main

// rowsNEON and rowsDot are the numbers of rows that kernels take which multiply bytes by
// SMULL, and all others.
var (
	rowsNEON = []int{1, 2}
	rowsDot  = []int{1, 2, 4}
)

func panelsNEON(a *asm) {
	for _, r := range rowsDot {
		mulF32NEON(a, kernelName("F32", "NEON", r), r, 1)
	}
	mulF32NEON(a, "gemvF32NEON", 1, 4)
	for _, f := range formats {
		for _, r := range rowsNEON {
			mulNEON(a, f, "NEON", r, &longProducts{n: r})
		}
		for _, r := range rowsDot {
			mulNEON(a, f, "Dot", r, &dotProducts{n: r, by: "SDOT"})
		}
		mulNEON(a, f, "I8MM", 1, &dotProducts{n: 1, by: "USDOT"})
		for _, r := range rowsDot[1:] {
			mulNEON(a, f, "I8MM", r, &matrixProducts{n: r})
		}
	}
	a.bytes("nonLinear", nonLinear, 0)
	a.bytes("nonLinearAbove", nonLinear, 127)
	a.bytes("e2m1Above", e2m1, 12)
	quantizersNEON(a)
}

// bytes defines 16 levels, so far above what they are.
func (a *asm) bytes(name string, levels []int8, above int) {
	var words [4]uint32
	for i, v := range levels {
		words[i/4] |= uint32(byte(int(v)+above)) << (i % 4 * 8)
	}
	a.constants(name, words[:]...)
}

// The kernels of panels keep the call in R0, W in R1, y in R2 and the panels left in R3.
// Rows of x are at R4 to R7, their scales at R8 to R11.
var xRows, scaleRows = []string{"R4", "R5", "R6", "R7"}, []string{"R8", "R9", "R10", "R11"}

func beginNEON(a *asm, name string) {
	a.function(name, 0, 8)
	a.load("call", "R0")
	a.i("MOVD %d(R0), R1", callW)
	a.i("MOVD %d(R0), R2", callY)
	a.i("MOVD %d(R0), R3", callPanels)
	a.i("MOVD %d(R0), R19", callLdx)
	a.i("MOVD %d(R0), R20", callLds)
	a.i("MOVD %d(R0), R21", callLdy)
}

// spreadRows sets bases, apart from each other, from what the call has at offset.
func spreadRows(a *asm, offset int, bases []string, apart string) {
	a.i("MOVD %d(R0), %s", offset, bases[0])
	for i := range bases[1:] {
		a.i("ADD %s, %s, %s", apart, bases[i], bases[i+1])
	}
}

func advance(a *asm, bases []string, bytes int) {
	for _, b := range bases {
		a.i("ADD $%d, %s", bytes, b)
	}
}

// mulF32NEON multiplies n rows by as many panels as the call has, one at a time, or one
// row by p at a time. Sums in 0 to 15, the panel in 16 to 19, x in 24 to 27.
func mulF32NEON(a *asm, name string, n, p int) {
	beginNEON(a, name)
	a.i("MOVD %d(R0), R14", callSize)
	a.p("panel:")
	spreadRows(a, callX, xRows[:n], "R19")
	a.i("MOVD %d(R0), R12", callK)
	w := []string{"R1", "R15", "R16", "R17"}[:p]
	for i := range w[1:] {
		a.i("ADD R14, %s, %s", w[i], w[i+1])
	}
	for r := range 4 * n * p {
		a.clear(r)
	}
	for _, u := range []int{4, 1} {
		a.i("SUBS $%d, R12", u)
		a.i("BLT rest%d", u)
		a.p("loop%d:", u)
		for r, at := range xRows[:n] {
			a.i("%s (%s), F%d", map[int]string{4: "FMOVQ", 1: "FMOVS"}[u], at, 24+r)
		}
		for k := range u {
			for i, at := range w {
				a.loadQ(at, 64*k, from(16, 4)...)
				for r := range n {
					for o := range 4 {
						a.element("FMLA", 4*(r+i)+o, 16+o, 24+r, k)
					}
				}
			}
		}
		advance(a, w, 64*u)
		advance(a, xRows[:n], 4*u)
		a.i("SUBS $%d, R12", u)
		a.i("BGE loop%d", u)
		a.p("rest%d:", u)
		a.i("ADD $%d, R12", u)
	}
	a.i("MOVD R2, R13")
	for r := range n {
		a.storeQ("R13", 0, from(4*r, 4*p)...)
		if r < n-1 {
			a.i("ADD R21, R13")
		}
	}
	if p > 1 { // R1 is at the second panel
		a.i("MOVD %s, R1", w[p-1])
	}
	a.i("ADD $%d, R2", 64*p)
	a.i("SUBS $%d, R3", p)
	a.i("BNE panel")
	a.i("RET")
}

// products are how codes are multiplied: for one of up to 4 rows and 4 of the 16 outputs
// in accumulators, in registers from 0 on.
type products interface {
	// accumulators returns how many there are.
	accumulators() int
	// unsigned reports whether codes of W above 127 are what they look like.
	unsigned() bool
	// start sets the accumulators of a row to zero, or to a sum of what is in element 1
	// of x.
	start(a *asm, r, x int, sum bool)
	// columns multiplies 16 columns, codes from group g on.
	columns(a *asm, q *quantizedNEON, g int)
	// finish leaves the sums of all rows and outputs 4o to 4o+3, in registers that it
	// returns.
	finish(a *asm, o int) []int
}

// quantizedNEON is a kernel for n rows. The strip in hand is at R1, d and dmin of its
// block at R14; blocks left are in R12, strips in R13.
//
//	0…     accumulators, up to 16
//	8…15   sums of the rows, where these are free; else they are in the call, at R15
//	16…21  temporary
//	22     mask of the first part of a code; of 8 bits, their signs
//	23     mask of the second part, or the levels
//	24…27  codes of x, or scales
//	28…31  codes of W; scales and minima
type quantizedNEON struct {
	format
	n int
	products
}

// signed reports whether levels are multiplied as they are, because bytes above 127 would
// be taken for negative ones.
func (q *quantizedNEON) signed() bool { return q.largest() > 127 && !q.unsigned() }

func mulNEON(a *asm, f format, level string, n int, p products) {
	q := &quantizedNEON{f, n, p}
	beginNEON(a, kernelName(f.name, level, n))
	a.i("ADD $%d, R0, R15", callSums)
	q.masks(a)
	x, scales := xRows[:n], scaleRows[:n]
	a.p("panel:")
	spreadRows(a, callX, x, "R19")
	spreadRows(a, callScales, scales, "R20")
	a.i("MOVD %d(R0), R12", callK)
	a.clear(16)
	for r := range n {
		for o := range 4 {
			if q.inMemory() {
				a.storeQ("R15", 64*r+16*o, 16)
			} else {
				a.clear(8 + 4*r + o)
			}
		}
	}
	a.p("block:")
	if q.block == 256 {
		a.i("MOVD R1, R14")
		a.i("ADD $%d, R1", q.head())
		a.i("MOVD $8, R13")
		a.p("strip:")
	}
	for s := range 32 / q.sub {
		for r, at := range scales {
			a.i("FMOVD %d(%s), F%d", 8*s, at, 24+r)
			p.start(a, r, 24+r, !q.minima && !q.signed())
		}
		for g := s * q.sub / 4; g < (s+1)*q.sub/4; g += 4 {
			p.columns(a, q, g)
		}
		q.add(a, s)
	}
	_, size := q.codesAt()
	a.i("ADD $%d, R1", size)
	advance(a, x, 32)
	advance(a, scales, 32/q.sub*8)
	if q.block == 256 {
		a.i("SUBS $1, R13")
		a.i("BNE strip")
	}
	a.i("SUBS $1, R12")
	a.i("BNE block")
	q.store(a)
	a.i("ADD $64, R2")
	a.i("SUBS $1, R3")
	a.i("BNE panel")
	a.i("RET")
}

// inMemory reports whether the accumulators leave no registers for the sums.
func (q *quantizedNEON) inMemory() bool { return q.accumulators() > 8 }

func (q *quantizedNEON) masks(a *asm) {
	set := func(r int, mask uint32) {
		a.i("MOVD $%#x, R16", mask&0xff)
		a.i("VDUP R16, V%d.B16", r)
	}
	if q.bits == 8 {
		set(22, 0x80)
		return
	}
	for i, p := range q.parts() {
		set(22+i, p.mask())
	}
	if q.levels != nil {
		name := q.table()
		if !q.signed() {
			name += "Above"
		}
		a.i("MOVD $%s<>(SB), R16", name)
		a.loadQ("R16", 0, 23)
	}
}

// codes takes the codes of columns 4g to 4g+3 and outputs 4o to 4o+3 out of their parts.
func (q *quantizedNEON) codes(a *asm, g, o, to, temporary int) {
	at, _ := q.codesAt()
	if q.bits == 8 {
		a.loadQ("R1", at+64*g+16*o, to)
		if q.signed() {
			a.v("EOR", to, to, 22)
		}
		return
	}
	for i, p := range q.parts() {
		vector, shift := p.of(g)
		some := []int{to, temporary}[i]
		a.loadQ("R1", at+64*vector+16*o, some)
		switch {
		case shift > 0:
			a.shift("USHR.16B", some, some, shift)
		case shift < 0:
			a.shift("SHL.16B", some, some, -shift)
		}
		if shift != 8-p.bits { // else nothing else is left
			a.v("AND", some, some, 22+i)
		}
		if i > 0 {
			a.v("ORR", to, to, some)
		}
	}
	if q.levels != nil {
		a.v("TBL", to, 23, to)
	}
}

// add adds what is under scale s of a strip to the sums.
func (q *quantizedNEON) add(a *asm, s int) {
	for r, at := range scaleRows[:q.n] {
		a.i("FMOVD %d(%s), F%d", 8*s, at, 24+r)
	}
	for o := range 4 {
		dots := q.finish(a, o)
		q.line(a, s, o, false, 28)
		if q.minima {
			q.line(a, s, o, true, 29)
		}
		for r, dot := range dots {
			sum := 8 + 4*r + o
			if q.inMemory() {
				sum = 21
				a.loadQ("R15", 64*r+16*o, sum)
			}
			a.element("FMUL", 30, 28, 24+r, 0)
			a.v("SCVTF", dot, dot)
			a.v("FMLA", sum, dot, 30)
			if q.minima {
				a.element("FMLA", sum, 29, 24+r, 1)
			}
			if q.inMemory() {
				a.storeQ("R15", 64*r+16*o, sum)
			}
		}
	}
}

// line loads the scales, or minima, of outputs 4o to 4o+3.
func (q *quantizedNEON) line(a *asm, s, o int, minima bool, to int) {
	at := q.scaleAt(s, minima)
	if q.block == 32 {
		a.i("FMOVD %d(R1), F%d", at+8*o, to)
		if q.bf16 {
			a.v("SHLL", to, to)
		} else {
			a.v("FCVTL", to, to)
		}
		return
	}
	d := 8 * o
	if minima {
		d += 32
	}
	a.i("FMOVS %d(R1), F%d", at+4*o, to)
	a.i("FMOVD %d(R14), F31", d)
	a.widen(to, to, 8, false)
	a.widen(to, to, 16, false)
	a.v("SCVTF", to, to)
	a.v("FCVTL", 31, 31)
	a.v("FMUL", to, to, 31)
}

// store writes the sums to y.
func (q *quantizedNEON) store(a *asm) {
	a.i("MOVD R2, R16")
	for r := range q.n {
		sums := from(8+4*r, 4)
		if q.inMemory() {
			sums = from(16, 4)
			a.loadQ("R15", 64*r, sums...)
		}
		a.storeQ("R16", 0, sums...)
		if r < q.n-1 {
			a.i("ADD R21, R16")
		}
	}
}

// loadCodes loads 16 codes of each row of x, from group g on.
func loadCodes(a *asm, n, g, to int) {
	for r, at := range xRows[:n] {
		a.loadQ(at, 4*g, to+r)
	}
}

// longProducts are of 16 bits, SMULL, and added in pairs, SADALP: of 4 outputs, two sums
// each in two registers.
type longProducts struct{ n int }

func (p *longProducts) accumulators() int { return 8 * p.n }
func (p *longProducts) unsigned() bool    { return false }

func (p *longProducts) start(a *asm, r, x int, sum bool) {
	a.clear(16)
	if sum {
		a.spreadElement(17, x, 1)
		a.v("ZIP1", 16, 17, 16) // of two sums, one
	}
	for i := range 8 {
		a.v("ORR", 8*r+i, 16, 16)
	}
}

func (p *longProducts) columns(a *asm, q *quantizedNEON, g int) {
	loadCodes(a, p.n, g, 24)
	for i := range 4 {
		for r := range p.n {
			a.spreadElement(16+r, 24+r, i)
		}
		for o := range 4 {
			q.codes(a, g+i, o, 28, 29)
			for r := range p.n {
				a.v("SMULL", 30, 28, 16+r)
				a.v("SMULL2", 31, 28, 16+r)
				a.v("SADALP", 8*r+2*o, 30)
				a.v("SADALP", 8*r+2*o+1, 31)
			}
		}
	}
}

func (p *longProducts) finish(a *asm, o int) (dots []int) {
	for r := range p.n {
		at := 8*r + 2*o
		a.v("ADDP", at, at, at+1)
		dots = append(dots, at)
	}
	return dots
}

// dotProducts are SDOT or USDOT: 4 codes of 4 outputs times 4 of a row. One row has two
// chains, of the columns of even and of odd groups.
type dotProducts struct {
	n  int
	by string
}

func (p *dotProducts) accumulators() int { return max(8, 4*p.n) }
func (p *dotProducts) unsigned() bool    { return p.by == "USDOT" }

func (p *dotProducts) start(a *asm, r, x int, sum bool) {
	for o := range 4 {
		if sum {
			a.spreadElement(4*r+o, x, 1)
		} else {
			a.clear(4*r + o)
		}
		if p.n == 1 {
			a.clear(4 + o)
		}
	}
}

func (p *dotProducts) columns(a *asm, q *quantizedNEON, g int) {
	loadCodes(a, p.n, g, 24)
	for i := range 4 {
		for o := range 4 {
			c := 28 + 2*(o%2)
			q.codes(a, g+i, o, c, c+1)
			for r := range p.n {
				to := 4*r + o
				if p.n == 1 {
					to += i % 2 * 4
				}
				a.element(p.by, to, c, 24+r, i)
			}
		}
	}
}

func (p *dotProducts) finish(a *asm, o int) (dots []int) {
	if p.n == 1 {
		a.v("ADD", o, o, 4+o)
	}
	for r := range p.n {
		dots = append(dots, 4*r+o)
	}
	return dots
}

// matrixProducts are USMMLA: 8 codes of 2 outputs times 8 of 2 rows. Of 4 outputs and two
// rows there are two accumulators.
type matrixProducts struct{ n int }

func (p *matrixProducts) accumulators() int { return 4 * p.n }
func (p *matrixProducts) unsigned() bool    { return true }

// start sets the accumulators of a row with those of the one before it.
func (p *matrixProducts) start(a *asm, r, x int, sum bool) {
	if r%2 == 0 {
		return
	}
	a.clear(16)
	if sum {
		a.spreadElement(16, x-1, 1)
		a.spreadElement(17, x, 1)
		a.v("ZIP1", 16, 16, 17)
	}
	for i := range 8 {
		a.v("ORR", r/2*8+i, 16, 16)
	}
}

func (p *matrixProducts) columns(a *asm, q *quantizedNEON, g int) {
	loadCodes(a, p.n, g, 16)
	for r := 0; r < p.n; r += 2 {
		a.v("ZIP1.2D", 24+r, 16+r, 17+r)
		a.v("ZIP2.2D", 25+r, 16+r, 17+r)
	}
	for i := range 2 {
		for o := range 4 {
			q.codes(a, g+2*i, o, 28, 30)
			q.codes(a, g+2*i+1, o, 29, 31)
			a.v("ZIP1", 30, 28, 29)
			a.v("ZIP2", 31, 28, 29)
			for r := 0; r < p.n; r += 2 {
				a.v("USMMLA", 4*r+2*o, 30, 24+r+i)
				a.v("USMMLA", 4*r+2*o+1, 31, 24+r+i)
			}
		}
	}
}

func (p *matrixProducts) finish(a *asm, o int) (dots []int) {
	for r := 0; r < p.n; r += 2 {
		at := 4*r + 2*o
		a.v("UZP1", 16+r, at, at+1)
		a.v("UZP2", 17+r, at, at+1)
		dots = append(dots, 16+r, 17+r)
	}
	return dots
}
