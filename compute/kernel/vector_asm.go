//go:build !purego && (amd64 || arm64)

package kernel

import "unsafe"

//go:noescape
func dotSIMD(x, y *float32, n int) float32

//go:noescape
func dot3SIMD(x, y, z *float32, n int) float32

//go:noescape
func axpySIMD(y, x *float32, n int, a float32)

//go:noescape
func addScaledSIMD(y, x *float32, n int, a, b float32)

//go:noescape
func softmaxBackSIMD(d, p *float32, n int, sum, scale float32)

//go:noescape
func addSIMD(y, x *float32, n int)

//go:noescape
func scaleSIMD(x *float32, n int, a float32)

//go:noescape
func maxOfSIMD(x *float32, n int) float32

//go:noescape
func expSumSIMD(dst, x *float32, n int, max float32) float32

//go:noescape
func swiGLUSIMD(y, gate, up *float32, n int)

//go:noescape
func swiGLUBackSIMD(dgate, dup, gate, up, dy *float32, n int)

//go:noescape
func swiGLUBackAddSIMD(dgate, dup, gate, up, dy *float32, n int)

//go:noescape
func rmsNormSIMD(y, x, w *float32, n int, r float32)

//go:noescape
func rmsNormBackSIMD(dx, dw, x, w, dy *float32, n int, r, c float32, add uint32)

//go:noescape
func rotatePairsSIMD(x, cos, sin *float32, n int)

//go:noescape
func rotateHalfSIMD(x, y, cos, sin *float32, n int)

//go:noescape
func adamWSIMD(w, grad, m, v *float32, p *adam, n int)

func at(x []float32) *float32 { return unsafe.SliceData(x) }

func dot(x, y []float32) float32 {
	if level > generic {
		return dotSIMD(at(x), at(y), len(x))
	}
	return dotGeneric(x, y)
}

func dot3(x, y, z []float32) float32 {
	if level > generic {
		return dot3SIMD(at(x), at(y), at(z), len(x))
	}
	return dot3Generic(x, y, z)
}

func axpy(y []float32, a float32, x []float32) {
	if level > generic {
		axpySIMD(at(y), at(x), len(x), a)
	} else {
		axpyGeneric(y, a, x)
	}
}

func addScaled(y []float32, a float32, x []float32, b float32) {
	if level > generic {
		addScaledSIMD(at(y), at(x), len(x), a, b)
	} else {
		addScaledGeneric(y, a, x, b)
	}
}

func softmaxBack(d, p []float32, sum, scale float32) {
	if level > generic {
		softmaxBackSIMD(at(d), at(p), len(p), sum, scale)
	} else {
		softmaxBackGeneric(d, p, sum, scale)
	}
}

func add(y, x []float32) {
	if level > generic {
		addSIMD(at(y), at(x), len(x))
	} else {
		addGeneric(y, x)
	}
}

func scale(x []float32, a float32) {
	if level > generic {
		scaleSIMD(at(x), len(x), a)
	} else {
		scaleGeneric(x, a)
	}
}

func maxOf(x []float32) float32 {
	if level > generic {
		return maxOfSIMD(at(x), len(x))
	}
	return maxOfGeneric(x)
}

func expSum(dst, x []float32, max float32) float32 {
	if level > generic {
		return expSumSIMD(at(dst), at(x), len(x), max)
	}
	return expSumGeneric(dst, x, max)
}

func swiGLU(y, gate, up []float32) {
	if level > generic {
		swiGLUSIMD(at(y), at(gate), at(up), len(y))
	} else {
		swiGLUGeneric(y, gate, up)
	}
}

func swiGLUBack(dgate, dup, gate, up, dy []float32, accumulate bool) {
	switch {
	case level == generic:
		swiGLUBackGeneric(dgate, dup, gate, up, dy, accumulate)
	case accumulate:
		swiGLUBackAddSIMD(at(dgate), at(dup), at(gate), at(up), at(dy), len(dy))
	default:
		swiGLUBackSIMD(at(dgate), at(dup), at(gate), at(up), at(dy), len(dy))
	}
}

func rmsNorm(y, x, w []float32, r float32) {
	if level > generic {
		rmsNormSIMD(at(y), at(x), at(w), len(x), r)
	} else {
		rmsNormGeneric(y, x, w, r)
	}
}

func rmsNormBack(dx, dw, x, w, dy []float32, r, c float32, accumulate bool) {
	if level == generic {
		rmsNormBackGeneric(dx, dw, x, w, dy, r, c, accumulate)
		return
	}
	var flag uint32
	if accumulate {
		flag = 1
	}
	rmsNormBackSIMD(at(dx), at(dw), at(x), at(w), at(dy), len(x), r, c, flag)
}

func rotatePairs(x, cos, sin []float32) {
	done := 0
	if level > generic && len(cos) >= 4 {
		done = len(cos) &^ 3
		rotatePairsSIMD(at(x), at(cos), at(sin), done)
	}
	rotatePairsGeneric(x[2*done:], cos[done:], sin[done:])
}

func rotateHalf(x, y, cos, sin []float32) {
	if level > generic {
		rotateHalfSIMD(at(x), at(y), at(cos), at(sin), len(cos))
	} else {
		rotateHalfGeneric(x, y, cos, sin)
	}
}

func adamW(w, g, m, v []float32, p *adam) {
	if level > generic {
		adamWSIMD(at(w), at(g), at(m), at(v), p, len(w))
	} else {
		adamWGeneric(w, g, m, v, p)
	}
}
