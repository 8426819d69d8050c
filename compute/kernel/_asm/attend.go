package main

import "fmt"

func attend(a *asm) {
	dots(a)
	addRows(a)
}

// dots writes (dst, x, rows *float32, n, blocks, stride int): the dot products of
// x with n rows, 8 at a time, of blocks of 32 elements, stride bytes apart. Two
// rows share the elements of x; each leaves the sum of its four vectors on the
// stack. Then the lanes of all eight are added at once, in the order of sum8.
func dots(a *asm) {
	a.function("dotsAVX2", 256, 48)
	a.load("dst", "DI", "x", "SI", "rows", "R8", "n", "CX", "blocks", "DX", "stride", "R9")
	a.p("loop:")
	for pair := range 4 {
		a.i("MOVQ R8, R10")
		a.i("LEAQ (R8)(R9*1), R11")
		a.i("LEAQ (R8)(R9*2), R8")
		a.i("MOVQ SI, R12")
		a.i("MOVQ DX, R13")
		for acc := range 8 {
			ymm.zero(a, acc)
		}
		a.p("block%d:", pair)
		for v := range 4 {
			a.i("VMOVUPS %d(R12), Y%d", 32*v, 8+v)
			a.i("VFMADD231PS %d(R10), Y%d, Y%d", 32*v, 8+v, v)
			a.i("VFMADD231PS %d(R11), Y%d, Y%d", 32*v, 8+v, 4+v)
		}
		for _, r := range []string{"R10", "R11", "R12"} {
			a.i("ADDQ $128, %s", r)
		}
		a.i("DECQ R13")
		a.i("JNZ block%d", pair)
		for row := range 2 {
			t := 4 * row
			a.i("VADDPS Y%d, Y%d, Y%d", t+1, t, t)
			a.i("VADDPS Y%d, Y%d, Y%d", t+3, t+2, t+2)
			a.i("VADDPS Y%d, Y%d, Y%d", t+2, t, t)
			a.i("VMOVUPS Y%d, %d(SP)", t, 64*pair+32*row)
		}
	}
	for p := range 4 { // rows 2p and 2p+1: their lower halves and their upper ones
		for half := range 2 {
			a.i("VMOVUPS %d(SP), X%d", 64*p+16*half, p+4*half)
			a.i("VINSERTF128 $1, %d(SP), Y%d, Y%d", 64*p+32+16*half, p+4*half, p+4*half)
		}
		a.i("VADDPS Y%d, Y%d, Y%d", p+4, p, p)
	}
	for p := range 2 { // rows 4p, 4p+2 | 4p+1, 4p+3
		a.i("VUNPCKLPD Y%d, Y%d, Y%d", 2*p+1, 2*p, 4+p)
		a.i("VUNPCKHPD Y%d, Y%d, Y%d", 2*p+1, 2*p, 6+p)
		a.i("VADDPS Y%d, Y%d, Y%d", 6+p, 4+p, 4+p)
	}
	a.i("VSHUFPS $0x88, Y5, Y4, Y0") // rows 0 2 4 6 | 1 3 5 7
	a.i("VSHUFPS $0xdd, Y5, Y4, Y1")
	a.i("VADDPS Y1, Y0, Y0")
	a.i("VXORPS Y1, Y1, Y1")
	a.i("VADDPS Y1, Y0, Y0")
	a.i("VEXTRACTF128 $1, Y0, X1")
	a.i("VUNPCKLPS X1, X0, X2")
	a.i("VUNPCKHPS X1, X0, X3")
	a.i("VMOVUPS X2, (DI)")
	a.i("VMOVUPS X3, 16(DI)")
	a.i("ADDQ $32, DI")
	a.i("SUBQ $8, CX")
	a.i("JNZ loop")
	a.ret()
}

// addRows writes (y, a, rows *float32, n, bytes, stride int): n rows of so many
// bytes (a multiple of 32), stride bytes apart, times the numbers a, are added to
// y, whose columns stay in registers meanwhile.
func addRows(a *asm) {
	a.function("addRowsAVX2", 0, 48)
	a.load("y", "DI", "a", "SI", "rows", "R8", "n", "CX", "bytes", "DX", "stride", "R9")
	for _, vectors := range []int{8, 4, 1} {
		name := fmt.Sprintf("columns%d", vectors)
		a.p("%s:", name)
		a.i("CMPQ DX, $%d", 32*vectors)
		a.i("JL rest%d", vectors)
		for v := range vectors {
			a.i("VMOVUPS %d(DI), Y%d", 32*v, v)
		}
		a.i("MOVQ R8, R10")
		a.i("MOVQ SI, R11")
		a.i("MOVQ CX, R12")
		a.p("row%d:", vectors)
		a.i("VBROADCASTSS (R11), Y15")
		for v := range vectors {
			a.i("VFMADD231PS %d(R10), Y15, Y%d", 32*v, v)
		}
		a.i("ADDQ R9, R10")
		a.i("ADDQ $4, R11")
		a.i("DECQ R12")
		a.i("JNZ row%d", vectors)
		for v := range vectors {
			a.i("VMOVUPS Y%d, %d(DI)", v, 32*v)
		}
		a.i("ADDQ $%d, DI", 32*vectors)
		a.i("ADDQ $%d, R8", 32*vectors)
		a.i("SUBQ $%d, DX", 32*vectors)
		a.i("JMP %s", name)
		a.p("rest%d:", vectors)
	}
	a.ret()
}
