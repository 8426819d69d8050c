package main

import "fmt"

func matmulNEON(a *asm) {
	for _, r := range []int{1, 2, 4, 8} {
		microNEON(a, r)
	}
	for _, n := range []int{8, 12} {
		copyRowsNEON(a, n)
	}
	transposeNEON(a)
	exchangeBF16NEON(a)
}

// microNEON writes (a, b, c *float32, kb, ldc, add, flush int) (tiny int): n rows by 12
// columns of C, from panels of A (8 elements for each k) and B. Accumulators 0 to 23, B in
// 24 to 26, A in 27 and 28.
//
// With flush, FPCR.FZ makes zeros of denormal results. It looks at them before they are
// rounded, not after; but FPSR.UFC then tells that there were any, and nothing is stored.
func microNEON(a *asm, n int) {
	a.function(fmt.Sprintf("microNEONx%d", n), 0, 64)
	a.load("a", "R0", "b", "R1", "c", "R2", "kb", "R3", "ldc", "R4", "add", "R5", "flush", "R6")
	a.i("LSL $2, R4")
	a.i("CBZ R6, start")
	a.i("MOVD FPCR, R7")
	a.i("ORR $%d, R7, R8", 1<<24) // FZ
	a.i("MOVD R8, FPCR")
	a.i("MOVD ZR, FPSR")
	a.p("start:")
	for r := range 3 * n {
		a.clear(r)
	}
	step := func(u int) {
		a.loadQ("R1", 48*u, 24, 25, 26)
		switch n {
		case 8:
			a.loadQ("R0", 32*u, 27, 28)
		default:
			a.i("%s %d(R0), F27", map[int]string{1: "FMOVS", 2: "FMOVD", 4: "FMOVQ"}[n], 32*u)
		}
		for r := range n {
			for h := range 3 {
				a.element("FMLA", 3*r+h, 24+h, 27+r/4, r%4)
			}
		}
	}
	for _, u := range []int{4, 1} {
		a.i("SUBS $%d, R3", u)
		a.i("BLT rest%d", u)
		a.p("loop%d:", u)
		for i := range u {
			step(i)
		}
		a.i("ADD $%d, R0", 32*u)
		a.i("ADD $%d, R1", 48*u)
		a.i("SUBS $%d, R3", u)
		a.i("BGE loop%d", u)
		a.p("rest%d:", u)
		a.i("ADD $%d, R3", u)
	}
	a.i("CBZ R6, sum")
	a.i("MOVD R7, FPCR")
	a.i("MOVD FPSR, R6")
	a.i("AND $8, R6") // UFC
	a.p("sum:")
	a.i("MOVD R6, tiny+56(FP)")
	a.i("CBNZ R6, done")
	a.i("CBZ R5, store")
	a.i("MOVD R2, R8")
	for r := range n {
		a.loadQ("R8", 0, 24, 25, 26)
		for h := range 3 {
			a.v("FADD", 3*r+h, 24+h, 3*r+h)
		}
		a.i("ADD R4, R8")
	}
	a.p("store:")
	for r := range n {
		a.storeQ("R2", 0, from(3*r, 3)...)
		a.i("ADD R4, R2")
	}
	a.p("done:")
	a.i("RET")
}

// copyRowsNEON writes what copyRows does.
func copyRowsNEON(a *asm, n int) {
	a.function(fmt.Sprintf("copyRows%d", n), 0, 32)
	a.load("dst", "R0", "src", "R1", "ld", "R2", "kb", "R3")
	a.p("loop:")
	a.loadQ("R1", 0, from(0, n/4)...)
	a.storeQ("R0", 0, from(0, n/4)...)
	a.i("ADD R2, R1")
	a.i("ADD $%d, R0", 4*n)
	a.i("SUBS $1, R3")
	a.i("BNE loop")
	a.i("RET")
}

// transposeNEON writes transpose4 (dst, src *float32, ld, blocks, stride int): 4·blocks
// elements along k of 4 rows of src, ld bytes apart, go to dst[k][row], stride bytes apart.
func transposeNEON(a *asm) {
	a.function("transpose4", 0, 40)
	a.load("dst", "R0", "src", "R4", "ld", "R2", "blocks", "R3", "stride", "R8")
	for r := range 3 {
		a.i("ADD R2, R%d, R%d", 4+r, 5+r)
	}
	a.p("loop:")
	for r := range 4 {
		a.i("FMOVQ (R%d), F%d", 4+r, r)
		a.i("ADD $16, R%d", 4+r)
	}
	for i := range 2 {
		a.v("ZIP1", 4+i, i, 2+i)
		a.v("ZIP2", 6+i, i, 2+i)
	}
	for i := range 2 {
		a.v("ZIP1", 2*i, 4+2*i, 5+2*i)
		a.v("ZIP2", 2*i+1, 4+2*i, 5+2*i)
	}
	for k := range 4 {
		a.i("FMOVQ F%d, (R0)", k)
		a.i("ADD R8, R0")
	}
	a.i("SUBS $1, R3")
	a.i("BNE loop")
	a.i("RET")
}

// exchangeBF16NEON writes exchangeBF16 (even, odd *float32, n int): rounds both rows of n
// elements, a multiple of 4, to BF16 as bf16Round does, and exchanges them.
func exchangeBF16NEON(a *asm) {
	a.function("exchangeBF16", 0, 24)
	a.load("even", "R0", "odd", "R1", "n", "R2")
	const least, one, quiet, exponent, high = 20, 21, 22, 23, 24
	for i, word := range []uint32{0x7fff, 1, 0x400000, 0x7f800000, 0xffff0000} {
		a.i("MOVW $%#x, R3", word)
		a.i("VDUP R3, V%d.S4", 20+i)
	}
	a.p("loop:")
	for i := range 2 {
		x, t, ordered := i, 2, 3
		a.i("FMOVQ (R%d), F%d", i, x)
		a.v("AND", t, x, exponent)
		a.v("CMEQ0", t, t)
		a.shift("USHR", t, t, 1)
		a.v("BIC", x, x, t) // of a denormal the sign
		a.v("FCMEQ", ordered, x, x)
		a.shift("USHR", t, x, 16)
		a.v("AND", t, t, one)
		a.v("ADD", t, t, least)
		a.v("ADD", t, t, x)
		a.v("ORR", x, x, quiet)
		a.v("BIT", x, t, ordered)
		a.v("AND", x, x, high)
	}
	a.i("FMOVQ F1, (R0)")
	a.i("FMOVQ F0, (R1)")
	a.i("ADD $16, R0")
	a.i("ADD $16, R1")
	a.i("SUBS $4, R2")
	a.i("BNE loop")
	a.i("RET")
}
