package main

func ceilingNEON(a *asm) {
	// Accumulators 0 to 23, enough for any latency and number of units.
	measure := func(name string, accumulators int, step func(acc int)) {
		a.function(name, 0, 8)
		a.load("iterations", "R0")
		for r := range 32 {
			a.clear(r)
		}
		a.p("loop:")
		for acc := range accumulators {
			step(acc)
		}
		a.i("SUBS $1, R0")
		a.i("BNE loop")
		a.i("RET")
	}
	measure("measureFMANEON", 24, func(acc int) { a.v("FMLA", acc, 24, 25) })
	measure("measureInt8NEON", 12, func(acc int) { // products in 12 and on
		a.v("SMULL", 12+acc, 24, 25)
		a.v("SMLAL2", 12+acc, 24, 25)
		a.v("SADALP", acc, 12+acc)
	})
	measure("measureInt8Dot", 24, func(acc int) { a.v("SDOT", acc, 24, 25) })
	measure("measureInt8I8MM", 24, func(acc int) { a.v("USMMLA", acc, 24, 25) })
	readBytesNEON(a)
}

// readBytesNEON writes (b *byte, n int) uint64: the exclusive or of n bytes, a multiple of
// 128, in 8 registers.
func readBytesNEON(a *asm) {
	a.function("readBytesSIMD", 0, 24)
	a.load("b", "R0", "n", "R1")
	for r := range 8 {
		a.clear(r)
	}
	a.p("loop:")
	a.loadQ("R0", 0, from(8, 8)...)
	for r := range 8 {
		a.v("EOR", r, r, 8+r)
	}
	a.i("ADD $128, R0")
	a.i("SUBS $128, R1")
	a.i("BNE loop")
	for n := 4; n > 0; n /= 2 {
		for r := range n {
			a.v("EOR", r, r, n+r)
		}
	}
	a.i("VMOV V0.D[0], R2")
	a.i("VMOV V0.D[1], R3")
	a.i("EOR R3, R2, R2")
	a.i("MOVD R2, ret+16(FP)")
	a.i("RET")
}
