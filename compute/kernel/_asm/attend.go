package main

import "fmt"

func attend(a *asm) {
	dots(a)
	for _, n := range []number{single, half} {
		scores(a, "cores1AVX2", n, ymm, 1)
		scores(a, "cores2AVX2", n, ymm, 2)
		scores(a, "cores1AVX512", n, zmm, 1)
		scores(a, "cores4AVX512", n, zmm, 4)
		mix(a, "ix1AVX2", n, ymm, 1, 8, 4, 1)
		mix(a, "ix4AVX2", n, ymm, 4, 2, 1)
		mix(a, "ix4AVX512", n, zmm, 4, 4, 1)
	}
}

// number is what keys and values are made of: so many bytes, which load loads as float32.
type number struct {
	scores, mix string // names of functions begin so
	load        string
	bytes       int
}

var (
	single = number{"s", "m", "VMOVUPS", 4}
	half   = number{"halfS", "halfM", "VCVTPH2PS", 2}
)

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

// scores writes (dst, queries, keys *float32, pairs, stride, width int): the dot
// products of n queries with the keys of two blocks of 16. dst's rows are stride
// bytes apart, queries width bytes. 16 or 32 keys are done at a time, in two
// vectors, the columns of even numbers in one set of registers and those of odd
// ones in another.
func scores(a *asm, name string, of number, v vec, n int) {
	a.function(of.scores+name, 0, 48)
	a.load("dst", "DI", "queries", "SI", "keys", "R8", "pairs", "CX", "stride", "R9", "width", "R10")
	query := rows{[]string{"R11", "R12"}, "R10"}
	acc := func(chain, q, half int) int { return (chain*n+q)*2 + half }
	keys, broadcast := 4*n, 4*n+2
	for part := range 128 / (2 * v.bytes) {
		a.i("MOVQ SI, R11")
		query.spread(a, n)
		a.i("MOVQ R10, R13") // the second block lies 16 rows of keys behind the first
		a.i("SHLQ $%d, R13", map[number]int{single: 4, half: 3}[of])
		a.i("ADDQ R8, R13")
		second := func(chain int) string { return fmt.Sprintf("%d(R13)", 16*of.bytes*chain) }
		if v == ymm {
			second = func(chain int) string { return fmt.Sprintf("%d(R8)", (16*chain+8)*of.bytes) }
		}
		a.i("MOVQ CX, DX")
		for r := range 4 * n {
			v.zero(a, r)
		}
		a.p("part%d:", part)
		for chain := range 2 {
			a.i("%s %d(R8), %s", of.load, 16*of.bytes*chain, v.r(keys))
			a.i("%s %s, %s", of.load, second(chain), v.r(keys+1))
			for q := range n {
				a.i("VBROADCASTSS %s, %s", query.at(q, 4*chain), v.r(broadcast))
				for half := range 2 {
					a.i("VFMADD231PS %s, %s, %s", v.r(keys+half), v.r(broadcast), v.r(acc(chain, q, half)))
				}
			}
		}
		a.i("ADDQ $%d, R8", 32*of.bytes) // after the last pair, the second block
		a.i("ADDQ $%d, R13", 32*of.bytes)
		query.advance(a, n, 8)
		a.i("DECQ DX")
		a.i("JNZ part%d", part)
		a.i("LEAQ %d(DI), R13", 2*v.bytes*part)
		for q := range n {
			for half := range 2 {
				r := acc(0, q, half)
				a.i("VADDPS %s, %s, %s", v.r(acc(1, q, half)), v.r(r), v.r(r))
				a.i("VMOVUPS %s, %d(R13)", v.r(r), v.bytes*half)
			}
			a.i("ADDQ R9, R13")
		}
	}
	a.ret()
}

// mix writes (y, a, rows *float32, n, bytes, stride, apart int): n rows of so many
// bytes, a multiple of a register's, apart bytes from each other, times the numbers
// a are added to each of several results, which follow each other in y and whose
// numbers are stride bytes apart. Results stay in registers meanwhile, so many
// vectors of each at a time.
func mix(a *asm, name string, of number, v vec, several int, vectors ...int) {
	a.function(of.mix+name, 0, 56)
	a.load("y", "DI", "a", "SI", "rows", "R8", "n", "CX", "bytes", "DX", "stride", "R9", "apart", "R11")
	y, by := rows{[]string{"DI", "BX"}, "R10"}, rows{[]string{"R13", "R15"}, "R9"}
	a.i("MOVQ DX, R10")
	y.spread(a, several)
	for _, n := range vectors {
		acc := func(q, i int) string { return v.r(q*n + i) }
		a.p("columns%d:", n)
		a.i("CMPQ DX, $%d", v.bytes*n)
		a.i("JL rest%d", n)
		for q := range several {
			for i := range n {
				a.i("VMOVUPS %s, %s", y.at(q, v.bytes*i), acc(q, i))
			}
		}
		a.i("MOVQ R8, R12")
		a.i("MOVQ SI, R13")
		by.spread(a, several)
		a.i("MOVQ CX, AX")
		a.p("row%d:", n)
		number := several * n
		row := func(i int) string { return fmt.Sprintf("%d(R12)", v.bytes/4*of.bytes*i) }
		if several > 1 {
			for i := range n {
				a.i("%s %s, %s", of.load, row(i), v.r(number+1+i))
			}
			row = func(i int) string { return v.r(number + 1 + i) }
		}
		for q := range several {
			a.i("VBROADCASTSS %s, %s", by.at(q, 0), v.r(number))
			for i := range n {
				x := row(i)
				if several == 1 && of == half {
					x = v.r(number + 1 + i%4)
					a.i("%s %s, %s", of.load, row(i), x)
				}
				a.i("VFMADD231PS %s, %s, %s", x, v.r(number), acc(q, i))
			}
		}
		a.i("ADDQ R11, R12")
		by.advance(a, several, 4)
		a.i("DECQ AX")
		a.i("JNZ row%d", n)
		for q := range several {
			for i := range n {
				a.i("VMOVUPS %s, %s", acc(q, i), y.at(q, v.bytes*i))
			}
		}
		y.advance(a, several, v.bytes*n)
		a.i("ADDQ $%d, R8", v.bytes/4*of.bytes*n)
		a.i("SUBQ $%d, DX", v.bytes*n)
		a.i("JMP columns%d", n)
		a.p("rest%d:", n)
	}
	a.ret()
}
