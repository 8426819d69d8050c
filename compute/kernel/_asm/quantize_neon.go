package main

func quantizersNEON(a *asm) {
	quantizeRowNEON(a, "quantizeSums", false, false)
	quantizeRowNEON(a, "quantizeMinima", false, true)
	quantizeRowNEON(a, "quantizeHalfSums", true, false)
	quantizeRowNEON(a, "quantizeHalfMinima", true, true)
}

// quantizeRowNEON writes what quantizeRow does: the numbers of a block in 0 to 7, the
// scale in 16 and its inverse in 17.
func quantizeRowNEON(a *asm, name string, halves, minima bool) {
	a.function(name, 0, 40)
	a.load("codes", "R0", "scales", "R1", "x", "R2", "blocks", "R3", "offset", "R4")
	for i, word := range []uint32{0x7fffffff, 0x80000000, 0x3effffff, 0xffffff80, 0x42fe0000, 0x00800000, 0x3f800000} {
		a.i("MOVW $%#x, R5", word)
		a.i("VDUP R5, V%d.S4", 20+i)
	}
	const magnitude, sign, half, low, most, least, one = 20, 21, 22, 23, 24, 25, 26
	a.p("block:")
	a.loadQ("R2", 0, from(0, 8)...)
	// The largest magnitude: as integers a NaN is above infinity.
	a.v("AND", 16, 0, magnitude)
	for i := range 7 {
		a.v("AND", 17, 1+i, magnitude)
		a.v("UMAX", 16, 16, 17)
	}
	a.word(0x6eb0aa10, "UMAXV S16, V16.4S")
	a.i("FDIVS F%d, F16, F16", most)
	a.i("FDIVS F16, F%d, F17", one)
	a.i("FCMPS F%d, F16", least)
	a.i("BPL scaled") // no less, or NaN
	a.clear(16)
	a.clear(17)
	a.p("scaled:")
	for i := range 8 {
		a.element("FMUL", i, i, 17, 0)
		a.v("AND", 18, i, sign)
		a.v("ORR", 18, 18, half)
		a.v("FCMEQ", 19, i, i)
		a.v("FADD", i, i, 18)
		a.v("FCVTZS", i, i)
		a.v("BIF", i, low, 19) // what was NaN
	}
	for i := range 4 {
		a.v("ADD", 8+i, 2*i, 2*i+1)
		a.v("UZP1.8H", i, 2*i, 2*i+1)
	}
	a.v("ADD", 8, 8, 9)
	a.v("ADD", 10, 10, 11)
	a.v("UZP1.16B", 0, 0, 1)
	a.v("UZP1.16B", 1, 2, 3)
	a.storeQ("R0", 0, 0, 1)
	if halves {
		writeScaleNEON(a, 8, 0, minima)
		writeScaleNEON(a, 10, 8, minima)
		a.i("ADD $16, R1")
	} else {
		a.v("ADD", 8, 8, 10)
		writeScaleNEON(a, 8, 0, minima)
		a.i("ADD $8, R1")
	}
	a.i("ADD $32, R0")
	a.i("ADD $128, R2")
	a.i("SUBS $1, R3")
	a.i("BNE block")
	a.i("RET")
}

// writeScaleNEON writes a blockScale at bytes behind R1: the scale in 16, and the sum of
// the integers in a register.
func writeScaleNEON(a *asm, r, at int, minima bool) {
	a.i("FMOVS F16, %d(R1)", at)
	a.word(0x4eb1b800|uint32(r)<<5|uint32(r), "ADDV S%d, V%d.4S", r, r)
	a.i("FMOVS F%d, R5", r)
	a.i("MULW R4, R5")
	if minima {
		a.i("SCVTFWS R5, F%d", r)
		a.i("FMULS F16, F%d, F%d", r, r)
		a.i("FMOVS F%d, %d(R1)", r, at+4)
	} else {
		a.i("MOVW R5, %d(R1)", at+4)
	}
}
