//go:build purego || !(amd64 || arm64)

package kernel

func dot(x, y []float32) float32     { return dotGeneric(x, y) }
func dot3(x, y, z []float32) float32 { return dot3Generic(x, y, z) }

func axpy(y []float32, a float32, x []float32) { axpyGeneric(y, a, x) }
func add(y, x []float32)                       { addGeneric(y, x) }
func scale(x []float32, a float32)             { scaleGeneric(x, a) }
func maxOf(x []float32) float32                { return maxOfGeneric(x) }
func swiGLU(y, gate, up []float32)             { swiGLUGeneric(y, gate, up) }

func addScaled(y []float32, a float32, x []float32, b float32) { addScaledGeneric(y, a, x, b) }

func softmaxBack(d, p []float32, sum, scale float32) { softmaxBackGeneric(d, p, sum, scale) }

func expSum(dst, x []float32, max float32) float32 { return expSumGeneric(dst, x, max) }

func swiGLUBack(dgate, dup, gate, up, dy []float32, accumulate bool) {
	swiGLUBackGeneric(dgate, dup, gate, up, dy, accumulate)
}

func rmsNorm(y, x, w []float32, r float32) { rmsNormGeneric(y, x, w, r) }

func rmsNormBack(dx, dw, x, w, dy []float32, r, c float32, accumulate bool) {
	rmsNormBackGeneric(dx, dw, x, w, dy, r, c, accumulate)
}

func rotatePairs(x, cos, sin []float32)   { rotatePairsGeneric(x, cos, sin) }
func rotateHalf(x, y, cos, sin []float32) { rotateHalfGeneric(x, y, cos, sin) }

func adamW(w, g, m, v []float32, p *adam) { adamWGeneric(w, g, m, v, p) }
