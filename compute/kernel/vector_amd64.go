//go:build !purego

package kernel

import "unsafe"

//go:noescape
func dotAVX2(x, y *float32, n int) float32

//go:noescape
func dot3AVX2(x, y, z *float32, n int) float32

//go:noescape
func axpyAVX2(y, x *float32, n int, a float32)

//go:noescape
func addScaledAVX2(y, x *float32, n int, a, b float32)

//go:noescape
func softmaxBackAVX2(d, p *float32, n int, sum, scale float32)

//go:noescape
func addAVX2(y, x *float32, n int)

//go:noescape
func scaleAVX2(x *float32, n int, a float32)

//go:noescape
func maxOfAVX2(x *float32, n int) float32

//go:noescape
func expSumAVX2(dst, x *float32, n int, max float32) float32

//go:noescape
func swiGLUAVX2(y, gate, up *float32, n int)

//go:noescape
func swiGLUBackAVX2(dgate, dup, gate, up, dy *float32, n int)

//go:noescape
func swiGLUBackAddAVX2(dgate, dup, gate, up, dy *float32, n int)

//go:noescape
func rmsNormAVX2(y, x, w *float32, n int, r float32)

//go:noescape
func rmsNormBackAVX2(dx, dw, x, w, dy *float32, n int, r, c float32, add uint32)

//go:noescape
func rotatePairsAVX2(x, cos, sin *float32, n int)

//go:noescape
func rotateHalfAVX2(x, y, cos, sin *float32, n int)

//go:noescape
func adamWAVX2(w, grad, m, v *float32, p *adam, n int)

func at(x []float32) *float32 { return unsafe.SliceData(x) }

func dot(x, y []float32) float32 {
	if level >= avx2 {
		return dotAVX2(at(x), at(y), len(x))
	}
	return dotGeneric(x, y)
}

func dot3(x, y, z []float32) float32 {
	if level >= avx2 {
		return dot3AVX2(at(x), at(y), at(z), len(x))
	}
	return dot3Generic(x, y, z)
}

func axpy(y []float32, a float32, x []float32) {
	if level >= avx2 {
		axpyAVX2(at(y), at(x), len(x), a)
	} else {
		axpyGeneric(y, a, x)
	}
}

func addScaled(y []float32, a float32, x []float32, b float32) {
	if level >= avx2 {
		addScaledAVX2(at(y), at(x), len(x), a, b)
	} else {
		addScaledGeneric(y, a, x, b)
	}
}

func softmaxBack(d, p []float32, sum, scale float32) {
	if level >= avx2 {
		softmaxBackAVX2(at(d), at(p), len(p), sum, scale)
	} else {
		softmaxBackGeneric(d, p, sum, scale)
	}
}

func add(y, x []float32) {
	if level >= avx2 {
		addAVX2(at(y), at(x), len(x))
	} else {
		addGeneric(y, x)
	}
}

func scale(x []float32, a float32) {
	if level >= avx2 {
		scaleAVX2(at(x), len(x), a)
	} else {
		scaleGeneric(x, a)
	}
}

func maxOf(x []float32) float32 {
	if level >= avx2 {
		return maxOfAVX2(at(x), len(x))
	}
	return maxOfGeneric(x)
}

func expSum(dst, x []float32, max float32) float32 {
	if level >= avx2 {
		return expSumAVX2(at(dst), at(x), len(x), max)
	}
	return expSumGeneric(dst, x, max)
}

func swiGLU(y, gate, up []float32) {
	if level >= avx2 {
		swiGLUAVX2(at(y), at(gate), at(up), len(y))
	} else {
		swiGLUGeneric(y, gate, up)
	}
}

func swiGLUBack(dgate, dup, gate, up, dy []float32, accumulate bool) {
	switch {
	case level < avx2:
		swiGLUBackGeneric(dgate, dup, gate, up, dy, accumulate)
	case accumulate:
		swiGLUBackAddAVX2(at(dgate), at(dup), at(gate), at(up), at(dy), len(dy))
	default:
		swiGLUBackAVX2(at(dgate), at(dup), at(gate), at(up), at(dy), len(dy))
	}
}

func rmsNorm(y, x, w []float32, r float32) {
	if level >= avx2 {
		rmsNormAVX2(at(y), at(x), at(w), len(x), r)
	} else {
		rmsNormGeneric(y, x, w, r)
	}
}

func rmsNormBack(dx, dw, x, w, dy []float32, r, c float32, accumulate bool) {
	if level < avx2 {
		rmsNormBackGeneric(dx, dw, x, w, dy, r, c, accumulate)
		return
	}
	var flag uint32
	if accumulate {
		flag = 1
	}
	rmsNormBackAVX2(at(dx), at(dw), at(x), at(w), at(dy), len(x), r, c, flag)
}

func rotatePairs(x, cos, sin []float32) {
	done := 0
	if level >= avx2 && len(cos) >= 4 {
		done = len(cos) &^ 3
		rotatePairsAVX2(at(x), at(cos), at(sin), done)
	}
	rotatePairsGeneric(x[2*done:], cos[done:], sin[done:])
}

func rotateHalf(x, y, cos, sin []float32) {
	if level >= avx2 {
		rotateHalfAVX2(at(x), at(y), at(cos), at(sin), len(cos))
	} else {
		rotateHalfGeneric(x, y, cos, sin)
	}
}

func adamW(w, g, m, v []float32, p *adam) {
	if level >= avx2 {
		adamWAVX2(at(w), at(g), at(m), at(v), p, len(w))
	} else {
		adamWGeneric(w, g, m, v, p)
	}
}
