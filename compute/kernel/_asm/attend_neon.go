package main

func attendNEON(a *asm) {
	for _, n := range []number{single, half} {
		scoresNEON(a, "cores1NEON", n, 1)
		scoresNEON(a, "cores2NEON", n, 2)
		mixNEON(a, "ix1NEON", n, 1, 8, 2)
		mixNEON(a, "ix4NEON", n, 4, 4, 2)
	}
}

// loadNEON loads 4 numbers each, from bytes behind a base on, to n registers as float32,
// n even.
func (of number) loadNEON(a *asm, base string, at, to, n int) {
	if of == single {
		a.loadQ(base, at, from(to, n)...)
		return
	}
	for i := 0; i < n; i += 2 {
		a.loadQ(base, at+8*i, to+i+1)
		a.v("FCVTL", to+i, to+i+1)
		a.v("FCVTL2", to+i+1, to+i+1)
	}
}

// scoresNEON writes what scores does: 16 keys at a time, in four registers, the columns of
// even numbers in one set of registers and those of odd ones in another.
func scoresNEON(a *asm, name string, of number, n int) {
	a.function(of.scores+name, 0, 48)
	a.load("dst", "R0", "queries", "R1", "keys", "R2", "pairs", "R3", "stride", "R4", "width", "R5")
	acc := func(chain, q int) int { return (chain*n + q) * 4 }
	const keys, query = 16, 24
	for block := range 2 {
		for q := range n {
			if q == 0 {
				a.i("MOVD R1, R6")
			} else {
				a.i("ADD R5, R%d, R%d", 5+q, 6+q)
			}
		}
		a.i("MOVD R3, R8")
		for r := range 8 * n {
			a.clear(r)
		}
		a.p("pair%d:", block)
		for q := range n {
			a.i("FMOVD.P 8(R%d), F%d", 6+q, query+q)
		}
		for chain := range 2 {
			k := keys + 4*chain
			of.loadNEON(a, "R2", 16*of.bytes*chain, k, 4)
			for q := range n {
				for i := range 4 {
					a.element("FMLA", acc(chain, q)+i, k+i, query+q, chain)
				}
			}
		}
		a.i("ADD $%d, R2", 32*of.bytes)
		a.i("SUBS $1, R8")
		a.i("BNE pair%d", block)
		a.i("ADD $%d, R0, R9", 64*block)
		for q := range n {
			even := acc(0, q)
			for i := range 4 {
				a.v("FADD", even+i, even+i, acc(1, q)+i)
			}
			a.storeQ("R9", 0, from(even, 4)...)
			a.i("ADD R4, R9")
		}
	}
	a.i("RET")
}

// mixNEON writes what mix does, with so many registers of each result at a time: rows in
// 16 to 23, numbers in 24 to 27.
func mixNEON(a *asm, name string, of number, several int, vectors ...int) {
	a.function(of.mix+name, 0, 56)
	a.load("y", "R0", "a", "R1", "rows", "R2", "n", "R3", "bytes", "R4", "stride", "R5", "apart", "R6")
	y, by := []string{"R8", "R9", "R10", "R11"}[:several], []string{"R12", "R13", "R14", "R15"}[:several]
	spread := func(bases []string, first, apart string) {
		a.i("MOVD %s, %s", first, bases[0])
		for i := range bases[1:] {
			a.i("ADD %s, %s, %s", apart, bases[i], bases[i+1])
		}
	}
	spread(y, "R0", "R4")
	for _, n := range vectors {
		a.p("columns%d:", n)
		a.i("CMP $%d, R4", 16*n)
		a.i("BLT rest%d", n)
		for q := range several {
			a.loadQ(y[q], 0, from(q*n, n)...)
		}
		spread(by, "R1", "R5")
		a.i("MOVD R2, R16")
		a.i("MOVD R3, R17")
		a.p("row%d:", n)
		of.loadNEON(a, "R16", 0, 16, n)
		for q := range several {
			a.i("FMOVS.P 4(%s), F%d", by[q], 24+q)
			for i := range n {
				a.element("FMLA", q*n+i, 16+i, 24+q, 0)
			}
		}
		a.i("ADD R6, R16")
		a.i("SUBS $1, R17")
		a.i("BNE row%d", n)
		for q := range several {
			a.storeQ(y[q], 0, from(q*n, n)...)
		}
		advance(a, y, 16*n)
		a.i("ADD $%d, R2", 4*of.bytes*n)
		a.i("SUB $%d, R4", 16*n)
		a.i("B columns%d", n)
		a.p("rest%d:", n)
	}
	a.i("RET")
}

// pagesNEON writes what pages does.
func pagesNEON(a *asm) {
	a.function("widenHalvesSIMD", 0, 24)
	a.load("dst", "R0", "src", "R1", "n", "R2")
	a.p("loop:")
	half.loadNEON(a, "R1", 0, 0, 8)
	a.storeQ("R0", 0, from(0, 8)...)
	a.i("ADD $64, R1")
	a.i("ADD $128, R0")
	a.i("SUBS $32, R2")
	a.i("BNE loop")
	a.i("RET")
	widenBricksNEON(a, "widenColumnsSIMD", 16)
	widenBricksNEON(a, "widenRowsSIMD", 1)
	narrowNEON(a)
}

// widenBricksNEON has the scales of the vectors, 4 each, in 16 to 19, and takes 16 codes at
// a time.
func widenBricksNEON(a *asm, name string, vectors int) {
	a.function(name, 0, 24)
	a.load("dst", "R0", "src", "R1", "bricks", "R2")
	a.p("brick:")
	if vectors == 1 {
		a.i("VLD1R (R1), [V16.H8]")
		a.v("FCVTL", 16, 16)
		for r := range 3 {
			a.v("ORR", 17+r, 16, 16)
		}
	} else {
		half.loadNEON(a, "R1", 0, 16, 4)
	}
	a.i("ADD $%d, R1", 2*vectors)
	a.i("MOVD $%d, R3", 2*vectors)
	a.p("codes:")
	a.i("FMOVQ.P 16(R1), F4")
	a.widen(0, 4, 8, false)
	a.widen(2, 4, 8, true)
	for _, r := range []int{0, 2} {
		a.widen(r+1, r, 16, true)
		a.widen(r, r, 16, false)
	}
	for r := range 4 {
		a.v("SCVTF", r, r)
		a.v("FMUL", r, r, 16+r)
	}
	a.storeQ("R0", 0, from(0, 4)...)
	a.i("ADD $64, R0")
	a.i("SUBS $1, R3")
	a.i("BNE codes")
	a.i("SUBS $1, R2")
	a.i("BNE brick")
	a.i("RET")
}

// narrowNEON writes what narrowHalves does; a NaN passes the bounds.
func narrowNEON(a *asm) {
	a.function("narrowSIMD", 0, 24)
	a.load("dst", "R0", "src", "R1", "n", "R2")
	for i, bound := range []uint32{0x477fe000, 0xc77fe000} { // 65504 and -65504
		a.i("MOVW $%#x, R3", bound)
		a.i("VDUP R3, V%d.S4", 2+i)
	}
	a.p("loop:")
	a.loadQ("R1", 0, 0, 1)
	for r := range 2 {
		a.v("FMIN", r, r, 2)
		a.v("FMAX", r, r, 3)
		a.v([]string{"FCVTN", "FCVTN2"}[r], 4, r)
	}
	a.i("FMOVQ.P F4, 16(R0)")
	a.i("ADD $32, R1")
	a.i("SUBS $8, R2")
	a.i("BNE loop")
	a.i("RET")
}
