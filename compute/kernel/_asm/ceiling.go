package main

func ceiling(a *asm) {
	measure(a, "measureAVX2", ymm, 12, false)
	measure(a, "measureAVX512", zmm, 24, false)
	measure(a, "measureBF16AVX512", zmm, 24, true)
	measureInt8(a, "measureInt8AVX2", ymm, 12)
	measureInt8(a, "measureInt8AVX512", zmm, 24)
	readBytes(a)
}

// measure writes (iterations int): n independent chains of FMAs of zeros.
func measure(a *asm, name string, v vec, n int, bf16 bool) {
	a.function(name, 0, 8)
	a.load("iterations", "CX")
	for r := range n + 2 {
		v.zero(a, r)
	}
	a.p("loop:")
	for r := range n {
		if bf16 {
			vdpbf16ps(a, n, n+1, r)
		} else {
			a.i("VFMADD231PS %s, %s, %s", v.r(n), v.r(n+1), v.r(r))
		}
	}
	a.i("DECQ CX")
	a.i("JNZ loop")
	a.ret()
}

// measureInt8 writes (iterations int): n independent chains of dot products of
// four bytes each, of zeros, with the instructions that matrices are multiplied
// with (see panels).
func measureInt8(a *asm, name string, v vec, n int) {
	a.function(name, 0, 8)
	a.load("iterations", "CX")
	for r := range n + 4 {
		if v == ymm && r > 15 {
			break
		}
		v.zero(a, r)
	}
	a.p("loop:")
	for r := range n {
		if v == zmm {
			a.i("VPDPBUSD %s, %s, %s", v.r(n), v.r(n+1), v.r(r))
			continue
		}
		a.i("VPMADDUBSW %s, %s, %s", v.r(n), v.r(n+1), v.r(n+2))
		a.i("VPMADDWD %s, %s, %s", v.r(n+2), v.r(n+3), v.r(n+2))
		a.i("VPADDD %s, %s, %s", v.r(n+2), v.r(r), v.r(r))
	}
	a.i("DECQ CX")
	a.i("JNZ loop")
	a.ret()
}

// readBytes writes (b *byte, n int) uint64: n is a multiple of 1024, read in one
// stream (see quantized).
func readBytes(a *asm) {
	a.function("readBytesSIMD", 0, 24)
	a.load("b", "SI", "n", "CX")
	for i := range 4 {
		a.i("VPXOR Y%d, Y%d, Y%d", i, i, i)
	}
	a.p("loop:")
	for i := range 32 {
		a.i("VPXOR %d(SI), Y%d, Y%d", 32*i, i%4, i%4)
	}
	a.i("ADDQ $1024, SI")
	a.i("SUBQ $1024, CX")
	a.i("JNZ loop")
	for _, r := range [][2]int{{1, 0}, {3, 2}, {2, 0}} {
		a.i("VPXOR Y%d, Y%d, Y%d", r[0], r[1], r[1])
	}
	a.i("VEXTRACTI128 $1, Y0, X1")
	a.i("VPXOR X1, X0, X0")
	a.i("VPSRLDQ $8, X0, X1")
	a.i("VPXOR X1, X0, X0")
	a.i("MOVQ X0, AX")
	a.i("MOVQ AX, ret+16(FP)")
	a.ret()
}
