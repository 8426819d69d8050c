package main

// quantizers writes one quantizer for each of what kernels add up with the dot
// products: the sum of 32 or of 16 codes, as an integer or times the scale.
func quantizers(a *asm) {
	quantizeRow(a, "quantizeSums", false, false, false)
	quantizeRow(a, "quantizeMinima", false, true, false)
	quantizeRow(a, "quantizeHalfSums", true, false, false)
	quantizeRow(a, "quantizeHalfMinima", true, true, false)
	quantizeRow(a, "quantizeWords", false, false, true)
	a.constant("magnitude", 0x7fffffff, 8)
	a.constant("sign", 0x80000000, 8)
	a.constant("half", 0x3effffff, 8)
	a.constant("low", 0xffffff80, 8) // -128
	a.constant("most", 0x42fe0000, 1)
	a.constant("least", 0x00800000, 1)
	a.constant("one", 0x3f800000, 1)
	a.constants("order", 0, 4, 1, 5, 2, 6, 3, 7)
}

// quantizeRow writes (codes *int8 or *int16, scales *blockScale, x *float32, blocks, offset
// int): see scaleQ8, codeQ8 and blockScale. Of a block there is one scale, or
// one for each half of it with the sum of that half. Words are columns 0, 2, 1 and 3
// of each 4.
func quantizeRow(a *asm, name string, halves, minima, words bool) {
	a.function(name, 0, 40)
	a.load("codes", "DI", "scales", "R11", "x", "SI", "blocks", "CX", "offset", "AX")
	a.i("VMOVD AX, X15")
	a.p("block:")
	for i := range 4 {
		a.i("VMOVUPS %d(SI), Y%d", 32*i, i)
		a.i("VANDPS magnitude<>(SB), Y%d, Y%d", i, 4+i)
	}
	// The largest magnitude: as integers a NaN is above infinity.
	a.i("VPMAXUD Y4, Y5, Y4")
	a.i("VPMAXUD Y6, Y7, Y6")
	a.i("VPMAXUD Y4, Y6, Y4")
	a.i("VEXTRACTI128 $1, Y4, X5")
	a.i("VPMAXUD X4, X5, X4")
	a.i("VPSHUFD $0x4e, X4, X5")
	a.i("VPMAXUD X4, X5, X4")
	a.i("VPSHUFD $0xb1, X4, X5")
	a.i("VPMAXUD X4, X5, X4")
	a.i("VDIVSS most<>(SB), X4, X4")
	a.i("VXORPS X6, X6, X6")
	a.i("VUCOMISS least<>(SB), X4")
	a.i("JPS scaled") // NaN
	a.i("JAE scaled")
	a.i("VXORPS X4, X4, X4")
	a.i("JMP inverse")
	a.p("scaled:")
	a.i("VMOVSS one<>(SB), X6")
	a.i("VDIVSS X4, X6, X6")
	a.p("inverse:")
	a.i("VBROADCASTSS X6, Y6")
	for i := range 4 {
		a.i("VMULPS Y6, Y%d, Y%d", i, i)
		a.i("VANDPS sign<>(SB), Y%d, Y7", i)
		a.i("VORPS half<>(SB), Y7, Y7")
		a.i("VADDPS Y7, Y%d, Y%d", i, i)
		a.i("VCVTTPS2DQ Y%d, Y%d", i, i)
		a.i("VPMAXSD low<>(SB), Y%d, Y%d", i, i) // what was NaN
	}
	a.i("VPADDD Y0, Y1, Y9")
	a.i("VPADDD Y2, Y3, Y10")
	a.i("VPACKSSDW Y1, Y0, Y0") // 64-bit groups 0 2 1 3 of each pair
	a.i("VPACKSSDW Y3, Y2, Y2")
	if words {
		for i, y := range []int{0, 2} {
			a.i("VPERMQ $0xd8, Y%d, Y%d", y, y)
			a.i("VPSHUFLW $0xd8, Y%d, Y%d", y, y)
			a.i("VPSHUFHW $0xd8, Y%d, Y%d", y, y)
			a.i("VMOVDQU Y%d, %d(DI)", y, 32*i)
		}
		a.i("ADDQ $64, DI")
	} else {
		a.i("VPACKSSWB Y2, Y0, Y0")
		a.i("VMOVDQU order<>(SB), Y7")
		a.i("VPERMD Y0, Y7, Y0")
		a.i("VMOVDQU Y0, (DI)")
		a.i("ADDQ $32, DI")
	}
	if halves {
		writeScale(a, 9, 0, minima)
		writeScale(a, 10, 8, minima)
		a.i("ADDQ $16, R11")
	} else {
		a.i("VPADDD Y9, Y10, Y9")
		writeScale(a, 9, 0, minima)
		a.i("ADDQ $8, R11")
	}
	a.i("ADDQ $128, SI")
	a.i("DECQ CX")
	a.i("JNZ block")
	a.ret()
}

// writeScale writes a blockScale at bytes behind R11: the scale in X4, and the
// sum of the integers in register y.
func writeScale(a *asm, y, at int, minima bool) {
	a.i("VMOVSS X4, %d(R11)", at)
	a.i("VEXTRACTI128 $1, Y%d, X5", y)
	a.i("VPADDD X5, X%d, X5", y)
	a.i("VPSHUFD $0x4e, X5, X7")
	a.i("VPADDD X7, X5, X5")
	a.i("VPSHUFD $0xb1, X5, X7")
	a.i("VPADDD X7, X5, X5")
	a.i("VPMULLD X15, X5, X5")
	if minima {
		a.i("VCVTDQ2PS X5, X5")
		a.i("VMULSS X4, X5, X5")
	}
	a.i("VMOVD X5, %d(R11)", at+4)
}
