package main

// pages writes what turns a page of a cache into float32 and back: see pages.go.
func pages(a *asm) {
	widenHalves(a, "widenHalvesAVX2", ymm)
	widenHalves(a, "widenHalvesAVX512", zmm)
	widenBricks(a, "widenKeysAVX2", ymm, 16)
	widenBricks(a, "widenKeysAVX512", zmm, 16)
	widenBricks(a, "widenRowsAVX2", ymm, 1)
	widenBricks(a, "widenRowsAVX512", zmm, 1)
	narrowHalves(a)
	a.constant("largest", 0x477fe000, 8) // 65504
	a.constant("least", 0xc77fe000, 8)
}

// widenHalves writes (dst *float32, src *byte, n int): n halves, a multiple of 32,
// as float32.
func widenHalves(a *asm, name string, v vec) {
	a.function(name, 0, 24)
	a.load("dst", "DI", "src", "SI", "n", "CX")
	a.p("loop:")
	for at := 0; at < 128; at += v.bytes {
		a.i("VCVTPH2PS %d(SI), %s", at/2, v.r(at/v.bytes))
	}
	for at := 0; at < 128; at += v.bytes {
		a.i("VMOVUPS %s, %d(DI)", v.r(at/v.bytes), at)
	}
	a.i("ADDQ $64, SI")
	a.i("ADDQ $128, DI")
	a.i("SUBQ $32, CX")
	a.i("JNZ loop")
	a.ret()
}

// widenBricks writes (dst *float32, src *byte, bricks int): bricks of 32 columns of so
// many vectors, each the vectors' scales in F16 and the codes column by column, as
// float32.
func widenBricks(a *asm, name string, v vec, vectors int) {
	a.function(name, 0, 24)
	a.load("dst", "DI", "src", "SI", "bricks", "CX")
	numbers, scale := v.bytes/4, 4
	a.p("brick:")
	scales := max(1, vectors/numbers) // registers of scales, taken in turn
	if vectors == 1 {
		half := map[vec]string{ymm: "X4", zmm: "Y4"}[v]
		a.i("VPBROADCASTW (SI), %s", half)
		a.i("VCVTPH2PS %s, %s", half, v.r(scale))
	} else {
		for i := range scales {
			a.i("VCVTPH2PS %d(SI), %s", v.bytes/2*i, v.r(scale+i))
		}
	}
	a.i("ADDQ $%d, SI", 2*vectors)
	loop, most := 32*vectors/numbers, 8 // vectors of codes, and of them between two jumps
	if loop > most {
		a.i("MOVQ $%d, DX", loop/most)
		a.p("codes:")
	}
	for at := range min(loop, most) {
		r := v.r(at % 4)
		a.i("VPMOVSXBD %d(SI), %s", numbers*at, r)
		a.i("VCVTDQ2PS %s, %s", r, r)
		a.i("VMULPS %s, %s, %s", v.r(scale+at%scales), r, r)
		a.i("VMOVUPS %s, %d(DI)", r, v.bytes*at)
	}
	a.i("ADDQ $%d, SI", numbers*min(loop, most))
	a.i("ADDQ $%d, DI", v.bytes*min(loop, most))
	if loop > most {
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
	a.function("narrowAVX2", 0, 24)
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
