package main

import "fmt"

// rowsAVX2 and rowsAVX512 are the numbers of rows for which there are kernels.
var (
	rowsAVX2   = []int{1, 2, 4, 6}
	rowsAVX512 = []int{1, 2, 4, 8, 12}
)

func matmul(a *asm) {
	for _, r := range rowsAVX2 {
		micro(a, fmt.Sprintf("microAVX2x%d", r), ymm, r, 6, false)
	}
	for _, r := range rowsAVX512 {
		micro(a, fmt.Sprintf("microAVX512x%d", r), zmm, r, 12, false)
	}
	for _, r := range rowsAVX512 {
		micro(a, fmt.Sprintf("microBF16x%d", r), zmm, r, 12, true)
	}
	for _, n := range []int{4, 6, 8} {
		transpose(a, fmt.Sprintf("transpose%d", n), n, false)
	}
	for _, n := range []int{4, 8} {
		transpose(a, fmt.Sprintf("transposePairs%d", n), n, true)
	}
	for _, n := range []int{6, 12, 16, 32} {
		copyRows(a, n)
	}
	exchangeBF16(a)
	for _, n := range []int{12, 32} {
		pairRows(a, n)
	}
	pairOrder(a)
}

// micro writes (a, b, c *float32, kb, ldc, add, flush, tiles int): tiles, one below the
// other, of n rows by two vectors of C, from panels of A (tile words for each k), which
// follow each other, and one of B. Accumulators 0…2n-1, B in 2n and 2n+1, elements of A
// in 2n+2 and 2n+3. With flush denormals count as zero in the chain of FMAs, not in the
// sum with C. With bf16 the elements are pairs.
func micro(a *asm, name string, v vec, n, tile int, bf16 bool) {
	a.function(name, 8, 64)
	a.load("a", "SI", "b", "R12", "c", "R8", "kb", "R13", "ldc", "DX", "add", "R9", "flush", "R10", "tiles", "BX")
	a.i("SHLQ $2, DX")
	a.p("tile:")
	a.i("MOVQ R12, DI")
	a.i("MOVQ R13, CX")
	a.i("MOVQ R8, R11")
	for r := range n {
		a.i("PREFETCHT0 (R11)")
		if r < n-1 {
			a.i("ADDQ DX, R11")
		}
	}
	mxcsr(a, "STMXCSR 0(SP)", "MOVL 0(SP), AX", "ORL $0x8040, AX", "MOVL AX, 4(SP)", "LDMXCSR 4(SP)")
	for r := range 2 * n {
		v.zero(a, r)
	}
	step := func(u int) {
		a.i("VMOVUPS %d(DI), %s", 2*u*v.bytes, v.r(2*n))
		a.i("VMOVUPS %d(DI), %s", (2*u+1)*v.bytes, v.r(2*n+1))
		for r := range n {
			x := 2*n + 2 + r%2
			a.i("VBROADCASTSS %d(SI), %s", 4*(u*tile+r), v.r(x))
			for h := range 2 {
				if bf16 {
					vdpbf16ps(a, x, 2*n+h, 2*r+h)
				} else {
					a.i("VFMADD231PS %s, %s, %s", v.r(2*n+h), v.r(x), v.r(2*r+h))
				}
			}
		}
	}
	const unroll = 4
	for _, u := range []int{unroll, 1} {
		a.i("SUBQ $%d, CX", u)
		a.i("JL rest%d", u)
		a.p("loop%d:", u)
		if u == unroll {
			a.i("PREFETCHT0 %d(DI)", 16*v.bytes)
			a.i("PREFETCHT0 %d(DI)", 18*v.bytes)
		}
		for i := range u {
			step(i)
		}
		a.i("ADDQ $%d, SI", 4*tile*u)
		a.i("ADDQ $%d, DI", 2*v.bytes*u)
		a.i("SUBQ $%d, CX", u)
		a.i("JGE loop%d", u)
		a.p("rest%d:", u)
		a.i("ADDQ $%d, CX", u)
	}
	mxcsr(a, "LDMXCSR 0(SP)")
	a.i("TESTQ R9, R9")
	a.i("JZ store")
	a.i("MOVQ R8, R11")
	for r := range n {
		for h := range 2 {
			a.i("VADDPS %d(R11), %s, %s", h*v.bytes, v.r(2*r+h), v.r(2*r+h))
		}
		if r < n-1 {
			a.i("ADDQ DX, R11")
		}
	}
	a.p("store:")
	for r := range n {
		for h := range 2 {
			a.i("VMOVUPS %s, %d(R8)", v.r(2*r+h), h*v.bytes)
		}
		a.i("ADDQ DX, R8")
	}
	a.i("DECQ BX")
	a.i("JNZ tile")
	a.ret()
}

// mxcsr runs the instructions if R10, the argument flush, is set.
func mxcsr(a *asm, instructions ...string) {
	l := a.label()
	a.i("TESTQ R10, R10")
	a.i("JZ %s", l)
	for _, s := range instructions {
		a.i("%s", s)
	}
	a.p("%s:", l)
}

// vdpbf16ps writes VDPBF16PS x, y, acc (acc += x·y), which Go's assembler
// lacks: EVEX.512.F3.0F38.W0 52 /r (Intel SDM, volume 2).
func vdpbf16ps(a *asm, x, y, acc int) {
	not := func(n, bit int) int { return ^n >> bit & 1 }
	p0 := not(acc, 3)<<7 | not(x, 4)<<6 | not(x, 3)<<5 | not(acc, 4)<<4 | 2
	p1 := (^y&15)<<3 | 4 | 2
	p2 := 2<<5 | not(y, 4)<<3
	a.i("BYTE $0x62; BYTE $%#02x; BYTE $%#02x; BYTE $%#02x; BYTE $0x52; BYTE $%#02x // VDPBF16PS Z%d, Z%d, Z%d",
		p0, p1, p2, 0xc0|acc&7<<3|x&7, x, y, acc)
}

// vcvtneps2bf16 writes VCVTNEPS2BF16 y, x: eight float32 to BF16
// (EVEX.256.F3.0F38.W0 72 /r).
func vcvtneps2bf16(a *asm, y, x int) {
	a.i("BYTE $0x62; BYTE $%#02x; BYTE $0x7e; BYTE $0x28; BYTE $0x72; BYTE $%#02x // VCVTNEPS2BF16 Y%d, X%d",
		0x52|(^x>>3&1)<<7|(^y>>3&1)<<5, 0xc0|x&7<<3|y&7, y, x)
}

// vcvtne2ps2bf16 writes VCVTNE2PS2BF16 low, high, z: two times sixteen float32
// to BF16 (EVEX.512.F2.0F38.W0 72 /r). Registers are below 8.
func vcvtne2ps2bf16(a *asm, low, high, z int) {
	a.i("BYTE $0x62; BYTE $0xf2; BYTE $%#02x; BYTE $0x48; BYTE $0x72; BYTE $%#02x // VCVTNE2PS2BF16 Z%d, Z%d, Z%d",
		(^high&15)<<3|4|3, 0xc0|z<<3|low, low, high, z)
}

// transpose writes (dst, src *float32, ld, blocks, stride int): 8·blocks
// words along k of n rows of src, ld bytes apart, go to dst[k][row], stride
// bytes apart. Rows i and i+4 share a register, so that two 4×4 transposes
// run at once. A word is an element, or with pairs two of them in BF16.
func transpose(a *asm, name string, n int, pairs bool) {
	a.function(name, 0, 40)
	m := rows{[]string{"SI", "R9", "R10"}, "DX"}
	words := func(r, half, x int) {
		if pairs {
			a.i("VMOVUPS %s, Y%d", m.at(r, 32*half), x)
			vcvtneps2bf16(a, x, x)
		} else {
			a.i("VMOVUPS %s, X%d", m.at(r, 16*half), x)
		}
	}
	a.load("dst", "DI", "src", "SI", "ld", "DX", "blocks", "CX", "stride", "R8")
	m.spread(a, n)
	a.p("loop:")
	for h := range 2 {
		t := 8 * h
		for r := range 4 {
			words(r, h, t+r)
			switch {
			case r+4 >= n:
			case pairs:
				words(r+4, h, t+4)
				a.i("VINSERTF128 $1, X%d, Y%d, Y%d", t+4, t+r, t+r)
			default:
				a.i("VINSERTF128 $1, %s, Y%d, Y%d", m.at(r+4, 16*h), t+r, t+r)
			}
		}
		for r := 0; r < 4; r += 2 {
			a.i("VUNPCKLPS Y%d, Y%d, Y%d", t+r+1, t+r, t+4+r)
			a.i("VUNPCKHPS Y%d, Y%d, Y%d", t+r+1, t+r, t+5+r)
		}
		for k := range 2 {
			a.i("VUNPCKLPD Y%d, Y%d, Y%d", t+6+k, t+4+k, t+2*k)
			a.i("VUNPCKHPD Y%d, Y%d, Y%d", t+6+k, t+4+k, t+2*k+1)
		}
		for k := range 4 {
			switch n {
			case 8:
				a.i("VMOVUPS Y%d, (DI)", t+k)
			case 6:
				a.i("VMOVUPS X%d, (DI)", t+k)
				a.i("VEXTRACTF128 $1, Y%d, X%d", t+k, t+k)
				a.i("VMOVLPS X%d, 16(DI)", t+k)
			case 4:
				a.i("VMOVUPS X%d, (DI)", t+k)
			}
			a.i("ADDQ R8, DI")
		}
	}
	if pairs {
		m.advance(a, n, 64)
	} else {
		m.advance(a, n, 32)
	}
	a.i("DECQ CX")
	a.i("JNZ loop")
	a.ret()
}

// copyRows writes (dst, src *float32, ld, kb int): kb rows of n elements, ld
// bytes apart in src and next to each other in dst.
func copyRows(a *asm, n int) {
	a.function(fmt.Sprintf("copyRows%d", n), 0, 32)
	a.load("dst", "DI", "src", "SI", "ld", "DX", "kb", "CX")
	a.p("loop:")
	at := 0
	for _, p := range []struct {
		elements int
		load     string
		store    string
		register string
	}{{8, "VMOVUPS", "VMOVUPS", "Y"}, {4, "VMOVUPS", "VMOVUPS", "X"}, {2, "VMOVSD", "VMOVSD", "X"}} {
		for ; n-at >= p.elements; at += p.elements {
			a.i("%s %d(SI), %s%d", p.load, 4*at, p.register, at/8+at%8/4)
			a.i("%s %s%d, %d(DI)", p.store, p.register, at/8+at%8/4, 4*at)
		}
	}
	a.i("ADDQ DX, SI")
	a.i("ADDQ $%d, DI", 4*n)
	a.i("DECQ CX")
	a.i("JNZ loop")
	a.ret()
}

// bf16Round rounds the float32 in Y n to BF16, in their low halves: adding
// 0x7fff and the last bit kept rounds halves to even, a NaN keeps its high half
// with the quiet bit set, and of a denormal the sign is left. Uses Y n+1 and
// n+2; expects 0x7fff, 1, 0x400000 and 0x7f800000 in Y12 to Y15.
func bf16Round(a *asm, n int) {
	a.i("VPXOR Y%d, Y%d, Y%d", n+2, n+2, n+2)
	a.i("VPAND Y15, Y%d, Y%d", n, n+1)
	a.i("VPCMPEQD Y%d, Y%d, Y%d", n+2, n+1, n+1)
	a.i("VPSRLD $1, Y%d, Y%d", n+1, n+1)
	a.i("VPANDN Y%d, Y%d, Y%d", n, n+1, n)
	a.i("VPSRLD $16, Y%d, Y%d", n, n+1)
	a.i("VPAND Y13, Y%d, Y%d", n+1, n+1)
	a.i("VPADDD Y12, Y%d, Y%d", n+1, n+1)
	a.i("VPADDD Y%d, Y%d, Y%d", n, n+1, n+1)
	a.i("VCMPPS $3, Y%d, Y%d, Y%d", n, n, n+2)
	a.i("VPOR Y14, Y%d, Y%d", n, n)
	a.i("VBLENDVPS Y%d, Y%d, Y%d, Y%d", n+2, n, n+1, n)
	a.i("VPSRLD $16, Y%d, Y%d", n, n)
}

// exchangeBF16 writes (even, odd *float32, n int): rounds both rows of n
// elements (a multiple of 2) to BF16 and exchanges them.
func exchangeBF16(a *asm) {
	a.function("exchangeBF16", 0, 24)
	a.load("even", "SI", "odd", "DI", "n", "CX")
	for n, c := range []int{0x7fff, 1, 0x400000, 0x7f800000} {
		a.i("MOVL $%#x, AX", c)
		a.i("VMOVD AX, X%d", 12+n)
		a.i("VPBROADCASTD X%d, Y%d", 12+n, 12+n)
	}
	body := func(move, reg string) {
		a.i("%s (SI), %s0", move, reg)
		a.i("%s (DI), %s3", move, reg)
		bf16Round(a, 0)
		bf16Round(a, 3)
		a.i("VPSLLD $16, Y0, Y0")
		a.i("VPSLLD $16, Y3, Y3")
		a.i("%s %s3, (SI)", move, reg)
		a.i("%s %s0, (DI)", move, reg)
	}
	for _, w := range []int{8, 2} {
		a.i("SUBQ $%d, CX", w)
		a.i("JL rest%d", w)
		a.p("loop%d:", w)
		if w == 8 {
			body("VMOVUPS", "Y")
		} else {
			body("VMOVSD", "X")
		}
		a.i("ADDQ $%d, SI", 4*w)
		a.i("ADDQ $%d, DI", 4*w)
		a.i("SUBQ $%d, CX", w)
		a.i("JGE loop%d", w)
		a.p("rest%d:", w)
		a.i("ADDQ $%d, CX", w)
	}
	a.ret()
}

// pairRows writes (dst, src *float32, ld, pairs int): dst gets rows of n words,
// each the BF16 of an element of row 2i of src in its low half and of row 2i+1
// in its high half; rows of src are ld bytes apart.
func pairRows(a *asm, n int) {
	a.function(fmt.Sprintf("pairRows%d", n), 0, 32)
	a.load("dst", "DI", "src", "SI", "ld", "DX", "pairs", "CX")
	a.i("VMOVDQU32 pairOrder<>(SB), Z7")
	if n%16 != 0 {
		a.i("MOVL $%#x, AX", 1<<(n%16)-1)
		a.i("KMOVW AX, K1")
	}
	a.p("loop:")
	for at := 0; at < n; at += 16 {
		zero, mask := "", ""
		if n-at < 16 {
			zero, mask = ".Z", " K1,"
		}
		z := at / 16 * 2
		a.i("VMOVUPS%s %d(SI),%s Z%d", zero, 4*at, mask, z)
		a.i("VMOVUPS%s %d(SI)(DX*1),%s Z%d", zero, 4*at, mask, z+1)
		vcvtne2ps2bf16(a, z, z+1, z)
	}
	for at := 0; at < n; at += 16 {
		z, mask := at/16*2, ""
		if n-at < 16 {
			mask = " K1,"
		}
		a.i("VPERMW Z%d, Z7, Z%d", z, z)
		a.i("VMOVUPS Z%d,%s %d(DI)", z, mask, 4*at)
	}
	a.i("LEAQ (SI)(DX*2), SI")
	a.i("ADDQ $%d, DI", 4*n)
	a.i("DECQ CX")
	a.i("JNZ loop")
	a.ret()
}

// pairOrder makes pairs of two times sixteen halves.
func pairOrder(a *asm) {
	words := make([]uint32, 16)
	for i := range words {
		words[i] = uint32(i) | uint32(16+i)<<16
	}
	a.constants("pairOrder", words...)
}
