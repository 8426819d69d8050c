package main

// pages writes what turns a page of a cache into float32 and back: see pages.go. Wider
// registers gain nothing, as what counts is the stores.
func pages(a *asm) {
	widenHalves(a)
	widenBricks(a, "widenColumnsSIMD", 16)
	widenBricks(a, "widenRowsSIMD", 1)
	narrowHalves(a)
	a.constant("largest", 0x477fe000, 8) // 65504
	a.constant("least", 0xc77fe000, 8)
}

// widenHalves writes (dst *float32, src *byte, n int): n halves, a multiple of 32,
// as float32.
func widenHalves(a *asm) {
	a.function("widenHalvesSIMD", 0, 24)
	a.load("dst", "DI", "src", "SI", "n", "CX")
	a.p("loop:")
	for i := range 4 {
		a.i("VCVTPH2PS %d(SI), Y%d", 16*i, i)
	}
	for i := range 4 {
		a.i("VMOVUPS Y%d, %d(DI)", i, 32*i)
	}
	a.i("ADDQ $64, SI")
	a.i("ADDQ $128, DI")
	a.i("SUBQ $32, CX")
	a.i("JNZ loop")
	a.ret()
}

// widenBricks writes (dst *float32, src *byte, bricks int): bricks of 32 columns of
// so many vectors, 1 or 16, each the vectors' scales in F16 and the codes column by
// column, as float32. Of 16 vectors, Y4 and Y5 have the scales in turn.
func widenBricks(a *asm, name string, vectors int) {
	a.function(name, 0, 24)
	a.load("dst", "DI", "src", "SI", "bricks", "CX")
	a.p("brick:")
	scales := 1
	if vectors == 1 {
		a.i("VPBROADCASTW (SI), X4")
		a.i("VCVTPH2PS X4, Y4")
	} else {
		scales = 2
		a.i("VCVTPH2PS (SI), Y4")
		a.i("VCVTPH2PS 16(SI), Y5")
		a.i("MOVQ $%d, DX", vectors)
	}
	a.i("ADDQ $%d, SI", 2*vectors)
	if vectors > 1 {
		a.p("codes:")
	}
	for at := range 4 {
		a.i("VPMOVSXBD %d(SI), Y%d", 8*at, at)
		a.i("VCVTDQ2PS Y%d, Y%d", at, at)
		a.i("VMULPS Y%d, Y%d, Y%d", 4+at%scales, at, at)
		a.i("VMOVUPS Y%d, %d(DI)", at, 32*at)
	}
	a.i("ADDQ $32, SI")
	a.i("ADDQ $128, DI")
	if vectors > 1 {
		a.i("DECQ DX")
		a.i("JNZ codes")
	}
	a.i("DECQ CX")
	a.i("JNZ brick")
	a.ret()
}

// narrowHalves writes (dst *uint16, src *float32, n int): n numbers, a multiple of 8, as
// halves, those beyond the largest as that. A NaN is the second operand of the
// comparisons, and so what they return.
func narrowHalves(a *asm) {
	a.function("narrowSIMD", 0, 24)
	a.load("dst", "DI", "src", "SI", "n", "CX")
	a.i("VMOVUPS largest<>(SB), Y1")
	a.i("VMOVUPS least<>(SB), Y2")
	a.p("loop:")
	a.i("VMOVUPS (SI), Y0")
	a.i("VMINPS Y0, Y1, Y0")
	a.i("VMAXPS Y0, Y2, Y0")
	a.i("VCVTPS2PH $0, Y0, (DI)")
	a.i("ADDQ $32, SI")
	a.i("ADDQ $16, DI")
	a.i("SUBQ $8, CX")
	a.i("JNZ loop")
	a.ret()
}
