package main

import (
	"fmt"
	"math"
	"strings"
)

func vector(a *asm) {
	dot(a, "dotSIMD", 2)
	dot(a, "dot3SIMD", 3)
	maxOf(a)
	expSum(a)
	rotatePairs(a)

	// x SI, y DI …: the pointers in the order of the arguments.
	op{name: "axpySIMD", args: "y x", in: 2, out: 1, scalars: []string{"a"}, unroll: 4}.write(a, func(v int) {
		a.i("VFMADD231PS Y%d, Y15, Y%d", v+1, v)
	})
	op{name: "addScaledSIMD", args: "y x", in: 2, out: 1, scalars: []string{"a", "b"}, unroll: 2}.write(a, func(v int) {
		a.i("VMULPS Y15, Y%d, Y%d", v, v)
		a.i("VFMADD231PS Y%d, Y14, Y%d", v+1, v)
	})
	op{name: "addSIMD", args: "y x", in: 2, out: 1, unroll: 4}.write(a, func(v int) {
		a.i("VADDPS Y%d, Y%d, Y%d", v+1, v, v)
	})
	op{name: "scaleSIMD", args: "x", in: 1, out: 1, scalars: []string{"a"}, unroll: 4}.write(a, func(v int) {
		a.i("VMULPS Y15, Y%d, Y%d", v, v)
	})
	op{name: "softmaxBackSIMD", args: "d p", in: 2, out: 1, scalars: []string{"sum", "scale"}, unroll: 4}.write(a, func(v int) {
		a.i("VSUBPS Y15, Y%d, Y%d", v, v)
		a.i("VMULPS Y14, Y%d, Y%d", v+1, v+1)
		a.i("VMULPS Y%d, Y%d, Y%d", v+1, v, v)
	})
	op{name: "rmsNormSIMD", args: "y x w", first: 1, in: 2, out: 1, scalars: []string{"r"}, unroll: 4}.write(a, func(v int) {
		a.i("VMULPS Y15, Y%d, Y%d", v, v)
		a.i("VMULPS Y%d, Y%d, Y%d", v+1, v, v)
	})
	rmsNormBack(a)
	op{name: "rotateHalfSIMD", args: "x y cos sin", in: 4, out: 2, unroll: 1}.write(a, func(int) {
		a.i("VMULPS Y2, Y0, Y4")
		a.i("VMULPS Y3, Y1, Y5")
		a.i("VMULPS Y2, Y1, Y6")
		a.i("VMULPS Y3, Y0, Y7")
		a.i("VSUBPS Y5, Y4, Y0")
		a.i("VADDPS Y7, Y6, Y1")
	})
	swiGLU(a)
	adamW(a)
	expConstants(a)
}

// op is a loop over vectors of elements. Its arguments are pointers, n int and
// float32 scalars. Pointer first+j is loaded to register j of the body's base,
// for j < in; registers 0…out-1 of it are stored through the first pointers.
// Scalars are in Y15, Y14, …
type op struct {
	name    string
	args    string // names of the pointers
	first   int    // the first pointer that is read
	in, out int
	scalars []string
	unroll  int
	setup   func()
	store   func(move func(reg, ptr int)) // in place of the plain stores
}

var pointers = []string{"SI", "DI", "R8", "R9", "R10", "R11"}

// loadPointers loads pointers and, after them, n.
func loadPointers(a *asm, args []string) {
	for i, name := range args {
		a.i("MOVQ %s+%d(FP), %s", name, 8*i, pointers[i])
	}
	a.i("MOVQ n+%d(FP), CX", 8*len(args))
}

func (o op) write(a *asm, body func(v int)) {
	args := strings.Fields(o.args)
	a.function(o.name, 0, 8*len(args)+8+4*len(o.scalars))
	loadPointers(a, args)
	for i, s := range o.scalars {
		a.i("VBROADCASTSS %s+%d(FP), Y%d", s, 8*len(args)+8+4*i, 15-i)
	}
	a.i("XORQ AX, AX")
	if o.setup != nil {
		o.setup()
	}
	run := func(unroll int, mask bool) {
		width := max(o.in, o.out)
		for j := range o.in {
			for u := range unroll {
				move(a, mask, true, u*width+j, pointers[o.first+j], 32*u)
			}
		}
		for u := range unroll {
			body(u * width)
		}
		if o.store != nil {
			o.store(func(reg, ptr int) { move(a, mask, false, reg, pointers[ptr], 0) })
			return
		}
		for j := range o.out {
			for u := range unroll {
				move(a, mask, false, u*width+j, pointers[j], 32*u)
			}
		}
	}
	steps := []int{o.unroll, 1}
	if o.unroll == 1 {
		steps = steps[1:]
	}
	for _, u := range steps {
		a.i("SUBQ $%d, CX", 8*u)
		a.i("JL rest%d", u)
		a.p("loop%d:", u)
		run(u, false)
		a.i("ADDQ $%d, AX", 8*u)
		a.i("SUBQ $%d, CX", 8*u)
		a.i("JGE loop%d", u)
		a.p("rest%d:", u)
		a.i("ADDQ $%d, CX", 8*u)
	}
	a.i("JZ done")
	loadMask(a)
	run(1, true)
	a.p("done:")
	a.ret()
}

// maskRegister holds the mask of the last elements, CX < 8 of them.
const maskRegister = 13

func loadMask(a *asm) {
	a.i("LEAQ masks<>+32(SB), DX")
	a.i("SHLQ $2, CX")
	a.i("SUBQ CX, DX")
	a.i("VMOVUPS (DX), Y%d", maskRegister)
}

// move loads or stores a register at element AX of a pointer, under the mask
// if wanted: what is masked out is neither read nor written, and loads as 0.
func move(a *asm, mask, load bool, reg int, pointer string, offset int) {
	at := fmt.Sprintf("%d(%s)(AX*4)", offset, pointer)
	switch {
	case mask && load:
		a.i("VMASKMOVPS %s, Y%d, Y%d", at, maskRegister, reg)
	case mask:
		a.i("VMASKMOVPS Y%d, Y%d, %s", reg, maskRegister, at)
	case load:
		a.i("VMOVUPS %s, Y%d", at, reg)
	default:
		a.i("VMOVUPS Y%d, %s", reg, at)
	}
}

// dot writes the dot product of two vectors, or of the product of the first
// two with the third. Lanes in Y0…Y3.
func dot(a *asm, name string, n int) {
	a.function(name, 0, 8*n+12)
	loadPointers(a, []string{"x", "y", "z"}[:n])
	a.i("XORQ AX, AX")
	for i := range 4 {
		a.i("VXORPS Y%d, Y%d, Y%d", i, i, i)
	}
	step := func(acc, offset int, mask bool) {
		t := 4 + 2*acc
		move(a, mask, true, t, "SI", offset)
		move(a, mask, true, t+1, "DI", offset)
		if n == 3 {
			a.i("VMULPS Y%d, Y%d, Y%d", t+1, t, t)
			move(a, mask, true, t+1, "R8", offset)
		}
		a.i("VFMADD231PS Y%d, Y%d, Y%d", t+1, t, acc)
	}
	a.i("SUBQ $32, CX")
	a.i("JL rest")
	a.p("loop:")
	for i := range 4 {
		step(i, 32*i, false)
	}
	a.i("ADDQ $32, AX")
	a.i("SUBQ $32, CX")
	a.i("JGE loop")
	a.p("rest:")
	a.i("ADDQ $32, CX")
	a.i("JZ done")
	for i := range 3 {
		a.i("CMPQ CX, $8")
		a.i("JL mask%d", i)
		step(i, 0, false)
		a.i("ADDQ $8, AX")
		a.i("SUBQ $8, CX")
		a.i("JZ done")
	}
	for i := 3; i >= 0; i-- {
		a.p("mask%d:", i)
		loadMask(a)
		step(i, 0, true)
		if i > 0 {
			a.i("JMP done")
		}
	}
	a.p("done:")
	a.i("VADDPS Y1, Y0, Y0")
	a.i("VADDPS Y3, Y2, Y2")
	a.i("VADDPS Y2, Y0, Y0")
	sum8(a)
	a.i("VMOVSS X0, ret+%d(FP)", 8*n+8)
	a.ret()
}

// sum8 adds the lanes of Y0 as the reference's sum8 does.
func sum8(a *asm) {
	a.i("VEXTRACTF128 $1, Y0, X1")
	a.i("VADDPS X1, X0, X0")
	a.i("VMOVHLPS X0, X0, X1")
	a.i("VADDPS X1, X0, X0")
	a.i("VMOVSHDUP X0, X1")
	a.i("VADDSS X1, X0, X0")
	a.i("VXORPS X1, X1, X1")
	a.i("VADDSS X1, X0, X0")
}

// maxOf writes the maximum. VMAXPS returns its second operand, the maximum so
// far, where the element is NaN.
func maxOf(a *asm) {
	a.function("maxOfSIMD", 0, 20)
	a.load("x", "SI", "n", "CX")
	a.i("XORQ AX, AX")
	for i := range 4 {
		a.i("VMOVUPS lowest<>(SB), Y%d", i)
	}
	for _, u := range []int{4, 1} {
		a.i("SUBQ $%d, CX", 8*u)
		a.i("JL rest%d", u)
		a.p("loop%d:", u)
		for i := range u {
			a.i("VMOVUPS %d(SI)(AX*4), Y%d", 32*i, 4+i)
			a.i("VMAXPS Y%d, Y%d, Y%d", i, 4+i, i)
		}
		a.i("ADDQ $%d, AX", 8*u)
		a.i("SUBQ $%d, CX", 8*u)
		a.i("JGE loop%d", u)
		a.p("rest%d:", u)
		a.i("ADDQ $%d, CX", 8*u)
	}
	a.i("JZ done")
	loadMask(a)
	move(a, true, true, 4, "SI", 0)
	a.i("VMOVUPS lowest<>(SB), Y5")
	a.i("VBLENDVPS Y%d, Y4, Y5, Y4", maskRegister)
	a.i("VMAXPS Y0, Y4, Y0")
	a.p("done:")
	a.i("VMAXPS Y1, Y0, Y0")
	a.i("VMAXPS Y3, Y2, Y2")
	a.i("VMAXPS Y2, Y0, Y0")
	a.i("VEXTRACTF128 $1, Y0, X1")
	a.i("VMAXPS X1, X0, X0")
	a.i("VMOVHLPS X0, X0, X1")
	a.i("VMAXPS X1, X0, X0")
	a.i("VMOVSHDUP X0, X1")
	a.i("VMAXSS X1, X0, X0")
	a.i("VXORPS X1, X1, X1")
	a.i("VADDSS X1, X0, X0") // -0 becomes +0
	a.i("VMOVSS X0, ret+16(FP)")
	a.ret()
	a.constant("lowest", 0xff800000, 8)
	a.constants("masks", 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
		0, 0, 0, 0, 0, 0, 0, 0)
}

// exp sets Y0 to its exponential as the reference's exp does. Uses Y1…Y3 and
// expects the bounds in Y10 and Y11.
func exp(a *asm) {
	a.i("VMAXPS Y0, Y10, Y0") // NaN, the second operand, passes
	a.i("VMINPS Y0, Y11, Y0")
	a.i("VMULPS log2e<>(SB), Y0, Y1")
	a.i("VROUNDPS $8, Y1, Y1")
	a.i("VFNMADD231PS ln2High<>(SB), Y1, Y0")
	a.i("VFNMADD231PS ln2Low<>(SB), Y1, Y0")
	a.i("VMOVUPS taylor<>(SB), Y2")
	for i := 1; i < 8; i++ {
		a.i("VFMADD213PS taylor<>+%d(SB), Y0, Y2", 32*i)
	}
	a.i("VCVTPS2DQ Y1, Y1")
	a.i("VPSRAD $1, Y1, Y3")
	a.i("VPSUBD Y3, Y1, Y1")
	for _, r := range []int{1, 3} {
		a.i("VPADDD bias<>(SB), Y%d, Y%d", r, r)
		a.i("VPSLLD $23, Y%d, Y%d", r, r)
	}
	a.i("VMULPS Y3, Y2, Y0")
	a.i("VMULPS Y1, Y0, Y0")
}

func expBounds(a *asm) {
	a.i("VMOVUPS expLow<>(SB), Y10")
	a.i("VMOVUPS expHigh<>(SB), Y11")
}

func expConstants(a *asm) {
	f := func(v float64) uint32 { return math.Float32bits(float32(v)) }
	a.constant("log2e", f(math.Log2E), 8)
	a.constant("ln2High", f(0.693359375), 8)
	a.constant("ln2Low", f(math.Ln2-0.693359375), 8)
	a.constant("expLow", f(-104), 8)
	a.constant("expHigh", f(89), 8)
	a.constant("bias", 127, 8)
	a.constant("unit", f(1), 8)
	a.constant("minus", 0x80000000, 8)
	var taylor []uint32
	for _, c := range []float64{1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1, 1} {
		for range 8 {
			taylor = append(taylor, f(c))
		}
	}
	a.constants("taylor", taylor...)
}

// expSum writes (dst, x *float32, n int, max float32) float32; dst may be nil.
// Lanes in Y4.
func expSum(a *asm) {
	a.function("expSumSIMD", 0, 36)
	a.load("dst", "DI", "x", "SI", "n", "CX")
	a.i("VBROADCASTSS max+24(FP), Y15")
	expBounds(a)
	a.i("VXORPS Y4, Y4, Y4")
	a.i("XORQ AX, AX")
	step := func(mask bool) {
		move(a, mask, true, 0, "SI", 0)
		a.i("VSUBPS Y15, Y0, Y0")
		exp(a)
		if mask {
			a.i("VANDPS Y%d, Y0, Y0", maskRegister)
		}
		a.i("VADDPS Y0, Y4, Y4")
		l := a.label()
		a.i("TESTQ DI, DI")
		a.i("JZ %s", l)
		move(a, mask, false, 0, "DI", 0)
		a.p("%s:", l)
	}
	a.i("SUBQ $8, CX")
	a.i("JL rest")
	a.p("loop:")
	step(false)
	a.i("ADDQ $8, AX")
	a.i("SUBQ $8, CX")
	a.i("JGE loop")
	a.p("rest:")
	a.i("ADDQ $8, CX")
	a.i("JZ done")
	loadMask(a)
	step(true)
	a.p("done:")
	a.i("VMOVAPS Y4, Y0")
	sum8(a)
	a.i("VMOVSS X0, ret+32(FP)")
	a.ret()
}

// rotatePairs writes (x, cos, sin *float32, n int): n pairs, a multiple of 4.
func rotatePairs(a *asm) {
	a.function("rotatePairsSIMD", 0, 32)
	a.load("x", "SI", "cos", "DI", "sin", "R8", "n", "CX")
	a.p("loop:")
	a.i("VMOVUPS (SI), Y0")
	a.i("VPMOVZXDQ (DI), Y1")
	a.i("VMOVSLDUP Y1, Y1") // c0 c0 c1 c1 …
	a.i("VPMOVZXDQ (R8), Y2")
	a.i("VMOVSLDUP Y2, Y2")
	a.i("VPERMILPS $0xb1, Y0, Y3") // b a …
	a.i("VMULPS Y1, Y0, Y0")
	a.i("VMULPS Y2, Y3, Y3")
	a.i("VADDSUBPS Y3, Y0, Y0") // a·c - b·s, b·c + a·s
	a.i("VMOVUPS Y0, (SI)")
	a.i("ADDQ $32, SI")
	a.i("ADDQ $16, DI")
	a.i("ADDQ $16, R8")
	a.i("SUBQ $4, CX")
	a.i("JNZ loop")
	a.ret()
}

// rmsNormBack: dx = r·(dy·w - x·c), plus dx with accumulate; dw += (x·r)·dy
// unless nil. Pointers dx, dw, x, w, dy.
func rmsNormBack(a *asm) {
	o := op{name: "rmsNormBackSIMD", args: "dx dw x w dy", first: 2, in: 3, out: 3, scalars: []string{"r", "c", "add"}, unroll: 1}
	o.setup = func() { a.i("VMOVD X13, BX") } // add, before Y13 is the mask
	masked := false
	o.store = func(m func(reg, ptr int)) {
		l, k := a.label(), a.label()
		a.i("TESTL BX, BX")
		a.i("JZ %s", l)
		move(a, masked, true, 5, "SI", 0)
		a.i("VADDPS Y5, Y3, Y3")
		a.p("%s:", l)
		m(3, 0)
		a.i("TESTQ DI, DI")
		a.i("JZ %s", k)
		move(a, masked, true, 5, "DI", 0)
		a.i("VADDPS Y5, Y4, Y4")
		m(4, 1)
		a.p("%s:", k)
		masked = true // the next call writes the tail
	}
	o.write(a, func(int) {
		a.i("VMULPS Y1, Y2, Y3")
		a.i("VMULPS Y14, Y0, Y4")
		a.i("VSUBPS Y4, Y3, Y3")
		a.i("VMULPS Y15, Y3, Y3")
		a.i("VMULPS Y15, Y0, Y4")
		a.i("VMULPS Y2, Y4, Y4")
	})
}

// swiGLU writes the gated unit and its gradient.
func swiGLU(a *asm) {
	op{name: "swiGLUSIMD", args: "y gate up", first: 1, in: 2, out: 1, unroll: 1, setup: func() { expBounds(a) }}.write(a, func(int) {
		a.i("VMOVAPS Y0, Y4")
		a.i("VMOVAPS Y1, Y5")
		a.i("VXORPS minus<>(SB), Y0, Y0")
		exp(a)
		a.i("VADDPS unit<>(SB), Y0, Y0")
		a.i("VDIVPS Y0, Y4, Y4")
		a.i("VMULPS Y5, Y4, Y0")
	})
	for _, add := range []bool{false, true} {
		name := "swiGLUBackSIMD"
		if add {
			name = "swiGLUBackAddSIMD"
		}
		// g Y4, up Y5, dy Y6; s Y7.
		o := op{name: name, args: "dgate dup gate up dy", first: 2, in: 3, out: 2, unroll: 1, setup: func() { expBounds(a) }}
		masked := false
		o.store = func(m func(reg, ptr int)) {
			for j := range 2 {
				if add {
					move(a, masked, true, 8, pointers[j], 0)
					a.i("VADDPS Y8, Y%d, Y%d", j, j)
				}
				m(j, j)
			}
			masked = true
		}
		o.write(a, func(int) {
			for j := range 3 {
				a.i("VMOVAPS Y%d, Y%d", j, 4+j)
			}
			a.i("VXORPS minus<>(SB), Y0, Y0")
			exp(a)
			a.i("VMOVUPS unit<>(SB), Y8")
			a.i("VADDPS Y8, Y0, Y0")
			a.i("VDIVPS Y0, Y8, Y7")
			a.i("VMULPS Y5, Y6, Y0")
			a.i("VMULPS Y7, Y0, Y0")
			a.i("VSUBPS Y7, Y8, Y1")
			a.i("VMULPS Y1, Y4, Y1")
			a.i("VADDPS Y8, Y1, Y1")
			a.i("VMULPS Y1, Y0, Y0")
			a.i("VMULPS Y7, Y4, Y1")
			a.i("VMULPS Y1, Y6, Y1")
		})
	}
}

// adamW reads its scalars from a struct whose address is the last pointer.
func adamW(a *asm) {
	at := func(i int) string { return fmt.Sprintf("%d(R10)", 4*i) }
	const (
		lr = iota
		beta1
		rest1
		beta2
		rest2
		eps
		decay
		c1
		c2
		gscale
	)
	var w, g, m, v, t, u = 0, 1, 2, 3, 4, 5
	o := op{name: "adamWSIMD", args: "w grad m v p", in: 4, out: 4, unroll: 1}
	o.store = func(move func(reg, ptr int)) {
		move(w, 0)
		move(m, 2)
		move(v, 3)
	}
	by := func(instruction string, scalar, x, dst int) {
		a.i("VBROADCASTSS %s, Y%d", at(scalar), t)
		a.i("%s Y%d, Y%d, Y%d", instruction, t, x, dst)
	}
	o.write(a, func(int) {
		by("VMULPS", gscale, g, g)
		by("VMULPS", beta1, m, m)
		by("VMULPS", rest1, g, u)
		a.i("VADDPS Y%d, Y%d, Y%d", u, m, m)
		a.i("VMULPS Y%d, Y%d, Y%d", g, g, g)
		by("VMULPS", beta2, v, v)
		by("VMULPS", rest2, g, g)
		a.i("VADDPS Y%d, Y%d, Y%d", g, v, v)
		by("VDIVPS", c2, v, g)
		a.i("VSQRTPS Y%d, Y%d", g, g)
		by("VADDPS", eps, g, g)
		by("VDIVPS", c1, m, u)
		a.i("VDIVPS Y%d, Y%d, Y%d", g, u, u)
		by("VMULPS", decay, w, g)
		a.i("VADDPS Y%d, Y%d, Y%d", g, u, u)
		by("VMULPS", lr, u, u)
		a.i("VSUBPS Y%d, Y%d, Y%d", u, w, w)
	})
}
