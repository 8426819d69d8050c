package main

import (
	"fmt"
	"math"
	"strings"
)

func vectorNEON(a *asm) {
	dotNEON(a, "dotSIMD", 2)
	dotNEON(a, "dot3SIMD", 3)
	maxOfNEON(a)
	expSumNEON(a)
	rotatePairsNEON(a)
	loop{name: "axpySIMD", args: "y x", in: 2, out: 1, scalars: []string{"a"}, unroll: 4}.write(a, func(v int) {
		a.v("FMLA", v, v+1, 31)
	})
	loop{name: "addScaledSIMD", args: "y x", in: 2, out: 1, scalars: []string{"a", "b"}, unroll: 4}.write(a, func(v int) {
		a.v("FMUL", v, v, 31)
		a.v("FMLA", v, v+1, 30)
	})
	loop{name: "addSIMD", args: "y x", in: 2, out: 1, unroll: 4}.write(a, func(v int) {
		a.v("FADD", v, v, v+1)
	})
	loop{name: "scaleSIMD", args: "x", in: 1, out: 1, scalars: []string{"a"}, unroll: 4}.write(a, func(v int) {
		a.v("FMUL", v, v, 31)
	})
	loop{name: "softmaxBackSIMD", args: "d p", in: 2, out: 1, scalars: []string{"sum", "scale"}, unroll: 4}.write(a, func(v int) {
		a.v("FSUB", v, v, 31)
		a.v("FMUL", v+1, v+1, 30)
		a.v("FMUL", v, v, v+1)
	})
	loop{name: "rmsNormSIMD", args: "y x w", first: 1, in: 2, out: 1, scalars: []string{"r"}, unroll: 4}.write(a, func(v int) {
		a.v("FMUL", v, v, 31)
		a.v("FMUL", v, v, v+1)
	})
	rmsNormBackNEON(a)
	loop{name: "rotateHalfSIMD", args: "x y cos sin", in: 4, out: 2, unroll: 1}.write(a, func(int) {
		rotateNEON(a)
	})
	swiGLUNEON(a)
	adamWNEON(a)
	expConstantsNEON(a)
}

// loop is one over elements, whose fields are those of op: 4·unroll of them at a time,
// then 4, then one in the first element of a register. Scalars are in 31, 30, …
type loop struct {
	name    string
	args    string
	first   int
	in, out int
	scalars []string
	more    int // bytes of further arguments
	unroll  int
	setup   func()
	store   func(load, store func(reg, ptr int)) // in place of the plain stores
}

func (o loop) write(a *asm, body func(v int)) {
	args := strings.Fields(o.args)
	a.function(o.name, 0, 8*len(args)+8+4*len(o.scalars)+o.more)
	for i, name := range args {
		a.load8(name, 8*i, i)
	}
	a.load8("n", 8*len(args), 6)
	for i, s := range o.scalars {
		a.i("FMOVS %s+%d(FP), F%d", s, 8*len(args)+8+4*i, 31-i)
		a.spreadElement(31-i, 31-i, 0)
	}
	if o.setup != nil {
		o.setup()
	}
	width := max(o.in, o.out)
	run := func(unroll int, move string) {
		load := func(reg, ptr, at int) { a.i("%s %d(R%d), F%d", move, at, ptr, reg) }
		store := func(reg, ptr, at int) { a.i("%s F%d, %d(R%d)", move, reg, at, ptr) }
		for j := range o.in {
			for u := range unroll {
				load(u*width+j, o.first+j, 16*u)
			}
		}
		for u := range unroll {
			body(u * width)
		}
		if o.store != nil {
			o.store(func(reg, ptr int) { load(reg, ptr, 0) }, func(reg, ptr int) { store(reg, ptr, 0) })
			return
		}
		for j := range o.out {
			for u := range unroll {
				store(u*width+j, j, 16*u)
			}
		}
	}
	steps := []int{4 * o.unroll, 4, 1}
	if o.unroll == 1 {
		steps = steps[1:]
	}
	for _, n := range steps {
		a.i("SUBS $%d, R6", n)
		a.i("BLT rest%d", n)
		a.p("loop%d:", n)
		if n == 1 {
			run(1, "FMOVS")
		} else {
			run(n/4, "FMOVQ")
		}
		for i := range args {
			a.i("ADD $%d, R%d", 4*n, i)
		}
		a.i("SUBS $%d, R6", n)
		a.i("BGE loop%d", n)
		a.p("rest%d:", n)
		a.i("ADD $%d, R6", n)
	}
	a.i("RET")
}

// load8 loads an argument of 8 bytes.
func (a *asm) load8(name string, at, register int) {
	a.i("MOVD %s+%d(FP), R%d", name, at, register)
}

// dotNEON writes the dot product of two vectors, or of the product of the first two with
// the third. Lanes in 0 to 7; those of the last elements, fewer than 32, wait in memory
// while these are added one after another.
func dotNEON(a *asm, name string, n int) {
	a.function(name, 128, 8*n+12)
	for i, name := range []string{"x", "y", "z"}[:n] {
		a.load8(name, 8*i, i)
	}
	a.load8("n", 8*n, 6)
	for r := range 8 {
		a.clear(r)
	}
	a.i("SUBS $32, R6")
	a.i("BLT rest")
	a.p("loop:")
	for half := range 2 {
		for p := range n {
			a.loadQ(fmt.Sprintf("R%d", p), 64*half, from(16+4*p, 4)...)
		}
		for i := range 4 {
			if n == 3 {
				a.v("FMUL", 16+i, 16+i, 20+i)
			}
			a.v("FMLA", 4*half+i, 16+i, 12+4*n+i)
		}
	}
	for p := range n {
		a.i("ADD $128, R%d", p)
	}
	a.i("SUBS $32, R6")
	a.i("BGE loop")
	a.p("rest:")
	a.i("ADDS $32, R6")
	a.i("BEQ done")
	a.i("MOVD $lanes-128(SP), R8")
	a.i("MOVD R8, R9")
	a.storeQ("R8", 0, from(0, 8)...)
	a.p("one:")
	for p := range n {
		a.i("FMOVS.P 4(R%d), F%d", p, 16+p)
	}
	if n == 3 {
		a.i("FMULS F17, F16, F16")
	}
	a.i("FMOVS (R9), F19")
	a.i("FMADDS F%d, F19, F16, F19", 15+n)
	a.i("FMOVS.P F19, 4(R9)")
	a.i("SUBS $1, R6")
	a.i("BNE one")
	a.loadQ("R8", 0, from(0, 8)...)
	a.p("done:")
	for i := range 2 {
		a.v("FADD", i, i, 2+i)
		a.v("FADD", 4+i, 4+i, 6+i)
		a.v("FADD", i, i, 4+i)
	}
	sum8NEON(a)
	a.i("FMOVS F0, ret+%d(FP)", 8*n+8)
	a.i("RET")
}

// sum8NEON adds the lanes of 0 and 1 as the reference's sum8 does.
func sum8NEON(a *asm) {
	a.v("FADD", 0, 0, 1)
	a.v("ZIP2.2D", 1, 0, 0)
	a.v("FADD", 0, 0, 1)
	a.v("FADDP", 0, 0, 0)
	a.clear(1)
	a.v("FADD", 0, 0, 1)
}

// maxOfNEON writes the maximum so far, in 0 to 3, where elements that are NaN are not
// greater.
func maxOfNEON(a *asm) {
	a.function("maxOfSIMD", 0, 20)
	a.load("x", "R0", "n", "R1")
	a.i("MOVW $0xff800000, R2")
	for r := range 4 {
		a.i("VDUP R2, V%d.S4", r)
	}
	greater := func(m, x int) {
		a.v("FCMGT", 8, x, m)
		a.v("BIT", m, x, 8)
	}
	a.i("SUBS $16, R1")
	a.i("BLT rest")
	a.p("loop:")
	a.loadQ("R0", 0, from(4, 4)...)
	for r := range 4 {
		greater(r, 4+r)
	}
	a.i("ADD $64, R0")
	a.i("SUBS $16, R1")
	a.i("BGE loop")
	a.p("rest:")
	a.i("ADDS $16, R1")
	a.i("BEQ done")
	a.p("one:")
	a.i("VLD1R (R0), [V4.S4]")
	greater(0, 4)
	a.i("ADD $4, R0")
	a.i("SUBS $1, R1")
	a.i("BNE one")
	a.p("done:")
	for r := range 3 {
		greater(0, 1+r)
	}
	a.word(0x6e30f800, "FMAXV S0, V0.4S")
	a.clear(1)
	a.v("FADD", 0, 0, 1) // -0 becomes +0
	a.i("FMOVS F0, ret+16(FP)")
	a.i("RET")
}

// What exp expects: the bias of exponents, bounds and factors in 19 to 24, the
// coefficients in 25 to 31. The last is 1, and stands for two.
const (
	expBias = 19 + iota
	expLn2Low
	expLn2High
	expLog2e
	expHigh
	expLow
	expTaylor
	expUnit = 31
)

// expNEON sets register x to its exponential as the reference's exp does. Uses 16 to 18.
func expNEON(a *asm, x int) {
	a.v("FMAX", x, x, expLow)
	a.v("FMIN", x, x, expHigh)
	a.v("FMUL", 16, x, expLog2e)
	a.v("FRINTN", 16, 16)
	a.v("FMLS", x, 16, expLn2High)
	a.v("FMLS", x, 16, expLn2Low)
	p, free := expTaylor, []int{17, 18}
	for i := 1; i < 8; i++ {
		to := free[i%2]
		a.v("ORR", to, min(expTaylor+i, expUnit), min(expTaylor+i, expUnit))
		a.v("FMLA", to, p, x)
		p = to
	}
	t := free[0]
	a.v("FCVTZS", 16, 16)
	a.shift("SSHR", t, 16, 1)
	a.v("SUB", 16, 16, t)
	for _, k := range []int{16, t} {
		a.v("ADD", k, k, expBias)
		a.shift("SHL", k, k, 23)
	}
	a.v("FMUL", p, p, t)
	a.v("FMUL", x, p, 16)
}

func expConstantsNEON(a *asm) {
	words := []uint32{127}
	for _, v := range []float64{math.Ln2 - 0.693359375, 0.693359375, math.Log2E, 89, -104, 1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1} {
		words = append(words, math.Float32bits(float32(v)))
	}
	a.constants("exp", words...)
}

func loadExp(a *asm) {
	a.i("MOVD $exp<>(SB), R7")
	for r := expBias; r <= expUnit; r++ {
		a.i("VLD1R.P 4(R7), [V%d.S4]", r)
	}
}

// expSumNEON writes (dst, x *float32, n int, max float32) float32; dst may be nil. Lanes
// in 4 and 5, and as in dotNEON.
func expSumNEON(a *asm) {
	a.function("expSumSIMD", 32, 36)
	a.load("dst", "R0", "x", "R1", "n", "R2")
	a.i("FMOVS max+24(FP), F15")
	a.spreadElement(15, 15, 0)
	loadExp(a)
	a.clear(4)
	a.clear(5)
	a.i("SUBS $8, R2")
	a.i("BLT rest")
	a.p("loop:")
	a.loadQ("R1", 0, 0, 1)
	for r := range 2 {
		a.v("FSUB", r, r, 15)
		expNEON(a, r)
		a.v("FADD", 4+r, 4+r, r)
	}
	a.i("ADD $32, R1")
	a.i("CBZ R0, next")
	a.storeQ("R0", 0, 0, 1)
	a.i("ADD $32, R0")
	a.p("next:")
	a.i("SUBS $8, R2")
	a.i("BGE loop")
	a.p("rest:")
	a.i("ADDS $8, R2")
	a.i("BEQ done")
	a.i("MOVD $lanes-32(SP), R8")
	a.i("MOVD R8, R9")
	a.storeQ("R8", 0, 4, 5)
	a.p("one:")
	a.i("FMOVS.P 4(R1), F0")
	a.v("FSUB", 0, 0, 15)
	expNEON(a, 0)
	a.i("FMOVS (R9), F1")
	a.i("FADDS F0, F1, F1")
	a.i("FMOVS.P F1, 4(R9)")
	a.i("CBZ R0, nextOne")
	a.i("FMOVS.P F0, 4(R0)")
	a.p("nextOne:")
	a.i("SUBS $1, R2")
	a.i("BNE one")
	a.loadQ("R8", 0, 4, 5)
	a.p("done:")
	a.v("ORR", 0, 4, 4)
	a.v("ORR", 1, 5, 5)
	sum8NEON(a)
	a.i("FMOVS F0, ret+32(FP)")
	a.i("RET")
}

// rotateNEON turns the pairs of 0 and 1 by the cosines in 2 and the sines in 3.
func rotateNEON(a *asm) {
	a.v("FMUL", 4, 0, 2)
	a.v("FMUL", 5, 1, 3)
	a.v("FMUL", 6, 1, 2)
	a.v("FMUL", 7, 0, 3)
	a.v("FSUB", 0, 4, 5)
	a.v("FADD", 1, 6, 7)
}

// rotatePairsNEON writes (x, cos, sin *float32, n int): n pairs, a multiple of 4.
func rotatePairsNEON(a *asm) {
	a.function("rotatePairsSIMD", 0, 32)
	a.load("x", "R0", "cos", "R1", "sin", "R2", "n", "R3")
	a.p("loop:")
	a.i("VLD2 (R0), [V0.S4, V1.S4]")
	a.i("FMOVQ.P 16(R1), F2")
	a.i("FMOVQ.P 16(R2), F3")
	rotateNEON(a)
	a.i("VST2.P [V0.S4, V1.S4], 32(R0)")
	a.i("SUBS $4, R3")
	a.i("BNE loop")
	a.i("RET")
}

// rmsNormBackNEON: dx = r·(dy·w - x·c), plus dx with add; dw += (x·r)·dy unless nil.
func rmsNormBackNEON(a *asm) {
	o := loop{name: "rmsNormBackSIMD", args: "dx dw x w dy", first: 2, in: 3, out: 3, scalars: []string{"r", "c"}, more: 4, unroll: 1}
	o.setup = func() {
		a.i("MOVWU add+56(FP), R7")
		a.i("MOVD R1, R8") // 0 if dw is nil
	}
	o.store = func(load, store func(reg, ptr int)) {
		l, k := a.label(), a.label()
		a.i("CBZ R7, %s", l)
		load(5, 0)
		a.v("FADD", 3, 3, 5)
		a.p("%s:", l)
		store(3, 0)
		a.i("CBZ R8, %s", k)
		load(5, 1)
		a.v("FADD", 4, 4, 5)
		store(4, 1)
		a.p("%s:", k)
	}
	o.write(a, func(int) {
		a.v("FMUL", 3, 2, 1)
		a.v("FMUL", 4, 0, 30)
		a.v("FSUB", 3, 3, 4)
		a.v("FMUL", 3, 3, 31)
		a.v("FMUL", 4, 0, 31)
		a.v("FMUL", 4, 4, 2)
	})
}

// swiGLUNEON writes the gated unit and its gradient.
func swiGLUNEON(a *asm) {
	setup := func() { loadExp(a) }
	loop{name: "swiGLUSIMD", args: "y gate up", first: 1, in: 2, out: 1, unroll: 1, setup: setup}.write(a, func(int) {
		a.v("FNEG", 4, 0)
		expNEON(a, 4)
		a.v("FADD", 4, 4, expUnit)
		a.v("FDIV", 0, 0, 4)
		a.v("FMUL", 0, 0, 1)
	})
	for _, add := range []bool{false, true} {
		name := "swiGLUBackSIMD"
		if add {
			name = "swiGLUBackAddSIMD"
		}
		// g 0, up 1, dy 2; s 3; results 4 and 5.
		o := loop{name: name, args: "dgate dup gate up dy", first: 2, in: 3, out: 2, unroll: 1, setup: setup}
		o.store = func(load, store func(reg, ptr int)) {
			for j := range 2 {
				if add {
					load(6, j)
					a.v("FADD", 4+j, 4+j, 6)
				}
				store(4+j, j)
			}
		}
		o.write(a, func(int) {
			a.v("FNEG", 3, 0)
			expNEON(a, 3)
			a.v("FADD", 3, 3, expUnit)
			a.v("FDIV", 3, expUnit, 3)
			a.v("FMUL", 4, 2, 1)
			a.v("FMUL", 4, 4, 3)
			a.v("FSUB", 5, expUnit, 3)
			a.v("FMUL", 5, 0, 5)
			a.v("FADD", 5, 5, expUnit)
			a.v("FMUL", 4, 4, 5)
			a.v("FMUL", 5, 0, 3)
			a.v("FMUL", 5, 2, 5)
		})
	}
}

// adamWNEON has the scalars, which lie in a struct whose address is the last pointer, in
// 16 and on.
func adamWNEON(a *asm) {
	const (
		lr = 16 + iota
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
	const w, g, m, v, u = 0, 1, 2, 3, 4
	o := loop{name: "adamWSIMD", args: "w grad m v p", in: 4, out: 4, unroll: 1}
	o.setup = func() {
		a.i("MOVD R4, R7")
		for r := lr; r <= gscale; r++ {
			a.i("VLD1R.P 4(R7), [V%d.S4]", r)
		}
	}
	o.store = func(_, store func(reg, ptr int)) {
		store(w, 0)
		store(m, 2)
		store(v, 3)
	}
	o.write(a, func(int) {
		a.v("FMUL", g, g, gscale)
		a.v("FMUL", m, m, beta1)
		a.v("FMUL", u, g, rest1)
		a.v("FADD", m, m, u)
		a.v("FMUL", g, g, g)
		a.v("FMUL", v, v, beta2)
		a.v("FMUL", g, g, rest2)
		a.v("FADD", v, v, g)
		a.v("FDIV", g, v, c2)
		a.v("FSQRT", g, g)
		a.v("FADD", g, g, eps)
		a.v("FDIV", u, m, c1)
		a.v("FDIV", u, u, g)
		a.v("FMUL", g, w, decay)
		a.v("FADD", u, u, g)
		a.v("FMUL", u, u, lr)
		a.v("FSUB", w, w, u)
	})
}
