package main

import "fmt"

// kpanels writes the kernels of K-quants: blocks of 256 columns, eight times 32 of
// them in a loop whose counter is on the stack, behind the block's d (and dmin)
// as float32.
func kpanels(a *asm) {
	for _, r := range rowsAVX2 {
		mulQ4K(a, r)
		mulQ5K(a, r)
		mulQ6K(a, r)
	}
}

// newK describes such a kernel, whose block of W has so many bytes, each code of x
// so many, and which needs so much of the stack.
func newK(name string, n, wBytes, xBytes, frame int) quantized {
	q := newQuantized(name, n, wBytes, 256*xBytes)
	q.sBytes, q.frame = 64, frame
	return q
}

// eight runs body for each 32 columns of a block: it begins head bytes into it
// and takes size bytes of W.
func (q quantized) eight(a *asm, head, size, counter int, body func()) {
	a.i("MOVQ $8, %d(SP)", counter)
	a.i("ADDQ $%d, DI", head)
	a.p("columns:")
	body()
	q.x.advance(a, q.n, q.xBytes/8)
	q.scales.advance(a, q.n, q.sBytes/8)
	a.i("ADDQ $%d, DI", size)
	a.i("DECQ %d(SP)", counter)
	a.i("JNZ columns")
	q.x.advance(a, q.n, -q.xBytes)
	q.scales.advance(a, q.n, -q.sBytes)
	a.i("SUBQ $%d, DI", head+8*size)
}

// mulQ4K: nibbles as in mulQ4AVX2.
func mulQ4K(a *asm, n int) {
	q := newK(fmt.Sprintf("mulQ4KAVX2x%d", n), n, 2368, 1, 136)
	q.withMinima(a, 288, func() {
		for r := range 2 * n {
			a.i("VPXOR Y%d, Y%d, Y%d", r, r, r)
		}
		for g := range 4 {
			q.groupQ4AVX2(a, g, "nibbles<>(SB)")
		}
		for r := range 2 * n {
			a.i("VPMADDWD ones<>(SB), Y%d, Y%d", r, r)
		}
	})
}

// mulQ5K: codes as in mulQ8AVX2.
func mulQ5K(a *asm, n int) {
	q := newK(fmt.Sprintf("mulQ5KAVX2x%d", n), n, 4416, 2, 136)
	q.withMinima(a, 544, func() { q.dotsWords(a, 32, 0, 16) })
}

// withMinima adds d·scale·dot - dmin·minimum·Σx for each 32 columns, which take
// size bytes, every product by the scale of x. dots sets the dot products.
func (q quantized) withMinima(a *asm, size int, dots func()) {
	const d, dmin, counter = 0, 64, 128
	n := q.n
	q.write(a, func() {}, func() {
		for i := range 4 {
			a.i("VCVTPH2PS %d(DI), Y0", 16*i)
			a.i("VMOVUPS Y0, %d(SP)", 32*i)
		}
		q.eight(a, 64, size, counter, func() {
			dots()
			for h := range 2 {
				q.times(a, "VPMOVZXBD", 8*h, d+32*h, 12)
				q.times(a, "VPMOVZXBD", 16+8*h, dmin+32*h, 13)
				for r := range n {
					q.addDot(a, 2*r+h, r)
					a.i("VMULPS Y14, Y13, Y14")
					a.i("VPBROADCASTD %s, Y15", q.scales.at(r, 4))
					a.i("VCVTDQ2PS Y15, Y15")
					a.i("VFMADD231PS Y14, Y15, Y%d", 2*r+h)
					a.i("VMOVUPS Y%d, %d(AX)", 2*r+h, 32*(2*r+h))
				}
			}
		})
	})
}

// times sets register t to 8 bytes of W, widened by an instruction, times the
// float32 at an offset on the stack.
func (q quantized) times(a *asm, widen string, at, stack, t int) {
	a.i("%s %d(DI), Y%d", widen, at, t)
	a.i("VCVTDQ2PS Y%d, Y%d", t, t)
	a.i("VMULPS %d(SP), Y%d, Y%d", stack, t, t)
}

// addDot adds to the sum of a dot product, an int32 in register dot, the product
// with Y12 and the scale of row r, which it leaves in Y14. Uses Y15.
func (q quantized) addDot(a *asm, dot, r int) {
	a.i("VBROADCASTSS %s, Y14", q.scales.at(r, 0))
	a.i("VCVTDQ2PS Y%d, Y%d", dot, dot)
	a.i("VMULPS Y14, Y12, Y15")
	a.i("VFMADD213PS %d(AX), Y15, Y%d", 32*dot, dot)
}

// mulQ6K: levels as in mulQ8AVX2, 16 columns under one scale.
func mulQ6K(a *asm, n int) {
	const d, counter = 0, 64
	q := newK(fmt.Sprintf("mulQ6KAVX2x%d", n), n, 4384, 2, 72)
	q.write(a, func() {}, func() {
		for i := range 2 {
			a.i("VCVTPH2PS %d(DI), Y0", 16*i)
			a.i("VMOVUPS Y0, %d(SP)", 32*i)
		}
		q.eight(a, 32, 544, counter, func() {
			for half := range 2 {
				q.dotsWords(a, 272*half+16, 32*half, 8)
				for h := range 2 {
					q.times(a, "VPMOVSXBD", 272*half+8*h, d+32*h, 12)
					for r := range n {
						q.addDot(a, 2*r+h, r)
						a.i("VMOVUPS Y%d, %d(AX)", 2*r+h, 32*(2*r+h))
					}
				}
			}
		})
	})
}
