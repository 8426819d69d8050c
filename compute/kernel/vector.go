package kernel

import (
	"fmt"
	"math"
)

// Dot returns Σ x[i]·y[i]. Lane i mod 32 takes element i by FMA in ascending
// order; the 32 lanes are added as a tree of fixed shape.
func Dot(x, y []float32) float32 {
	checkLen("Dot", len(x), len(y))
	return dot(x, y)
}

// SumSquares returns Σ x[i]², summed as [Dot] sums.
func SumSquares(x []float32) float32 { return dot(x, x) }

// Axpy adds a·x to y, by FMA.
func Axpy(y []float32, a float32, x []float32) {
	checkLen("Axpy", len(y), len(x))
	axpy(y, a, x)
}

// AddScaled sets y to a·y + b·x: the product a·y rounded, then an FMA.
func AddScaled(y []float32, a float32, x []float32, b float32) {
	checkLen("AddScaled", len(y), len(x))
	addScaled(y, a, x, b)
}

// Add adds x to y.
func Add(y, x []float32) {
	checkLen("Add", len(y), len(x))
	add(y, x)
}

// Scale multiplies x by a.
func Scale(x []float32, a float32) { scale(x, a) }

// SoftmaxBack turns the gradient d by probabilities p into that by the scores
// which scale was applied to before the softmax: d = (scale·p)·(d − sum), where
// sum is Σ p·d.
func SoftmaxBack(d, p []float32, sum, scale float32) {
	checkLen("SoftmaxBack", len(d), len(p))
	softmaxBack(d, p, sum, scale)
}

// MaxOf returns the largest element, NaN left out; -Inf when there is none.
func MaxOf(x []float32) float32 { return maxOf(x) }

// ExpSum sets dst to exp(x - max) and returns its sum; with a nil dst it only
// sums. dst may be x. Lane i mod 8 takes element i in ascending order; the
// lanes are added as a tree. exp is within 1.01 units in the last place where
// the result is a normal number and 1 unit of the smallest denormal below.
func ExpSum(dst, x []float32, max float32) float32 {
	if dst != nil {
		checkLen("ExpSum", len(dst), len(x))
	}
	return expSum(dst, x, max)
}

// LogSumExp returns log Σ exp(x[i]).
func LogSumExp(x []float32) float32 {
	m := MaxOf(x)
	if math.IsInf(float64(m), 0) {
		return m
	}
	return float32(float64(m) + math.Log(float64(ExpSum(nil, x, m))))
}

// Softmax sets x to exp(x) / Σ exp(x).
func Softmax(x []float32) {
	if len(x) > 0 {
		Scale(x, 1/ExpSum(x, x, MaxOf(x)))
	}
}

// SwiGLU sets y to silu(gate)·up, with silu(g) = g / (1 + exp(-g)).
func SwiGLU(y, gate, up []float32) {
	checkLen("SwiGLU", len(y), len(gate), len(up))
	swiGLU(y, gate, up)
}

// SwiGLUBack sets, or adds with accumulate, the gradients of [SwiGLU]: with
// s = 1/(1 + exp(-g)), dgate = dy·up·s·(1 + g·(1-s)) and dup = dy·g·s.
func SwiGLUBack(dgate, dup, gate, up, dy []float32, accumulate bool) {
	checkLen("SwiGLUBack", len(dgate), len(dup), len(gate), len(up), len(dy))
	swiGLUBack(dgate, dup, gate, up, dy, accumulate)
}

// RMSNorm sets y to x·r·w, with r = 1/√(mean x² + eps) (Zhang and Sennrich,
// "Root mean square layer normalization", 2019). The squares are summed as
// [Dot] sums. y may be x.
func RMSNorm(y, x, w []float32, eps float32) {
	checkLen("RMSNorm", len(y), len(x), len(w))
	rmsNorm(y, x, w, inverseRMS(x, eps))
}

// RMSNormBack sets, or adds with accumulate, the gradient of one row of
// [RMSNorm] by x: dx = r·(dy·w - x·r²·mean(dy·w·x)). It always adds to dw,
// which may be nil, dy·x·r.
func RMSNormBack(dx, dw, x, w, dy []float32, eps float32, accumulate bool) {
	checkLen("RMSNormBack", len(dx), len(x), len(w), len(dy))
	if dw != nil {
		checkLen("RMSNormBack", len(dw), len(x))
	}
	r := inverseRMS(x, eps)
	mean := float64(dot3(dy, w, x)) / float64(len(x))
	rmsNormBack(dx, dw, x, w, dy, r, float32(float64(r)*float64(r)*mean), accumulate)
}

func inverseRMS(x []float32, eps float32) float32 {
	return float32(1 / math.Sqrt(float64(SumSquares(x))/float64(len(x))+float64(eps)))
}

// Rotate turns the pairs of x by the angles whose cosines and sines are given
// (Su et al., "RoFormer", 2021): pair i is x[2i], x[2i+1], or with half
// x[i], x[i+len(x)/2]. The opposite sines turn back.
func Rotate(x, cos, sin []float32, half bool) {
	if len(x) != 2*len(cos) || len(cos) != len(sin) {
		panic(fmt.Sprintf("kernel: Rotate: %d elements, %d cosines, %d sines", len(x), len(cos), len(sin)))
	}
	if half {
		rotateHalf(x[:len(cos)], x[len(cos):], cos, sin)
	} else {
		rotatePairs(x, cos, sin)
	}
}

// AdamW takes one step of AdamW (Loshchilov and Hutter, "Decoupled weight
// decay regularization", 2019, algorithm 2) on weights w with gradients g:
//
//	g' = g·gscale
//	m  = beta1·m + (1-beta1)·g'
//	v  = beta2·v + (1-beta2)·g'²
//	w -= lr·((m/c1) / (√(v/c2) + eps) + decay·w)
//
// At step t = 1, 2, … the bias corrections are c1 = 1-beta1^t, c2 = 1-beta2^t.
// g is left as it is. Each product and sum is rounded.
func AdamW(w, g, m, v []float32, lr, beta1, beta2, eps, decay, c1, c2, gscale float32) {
	checkLen("AdamW", len(w), len(g), len(m), len(v))
	adamW(w, g, m, v, &adam{lr, beta1, 1 - beta1, beta2, 1 - beta2, eps, decay, c1, c2, gscale})
}

// adam holds the scalars of AdamW in the order in which assembly reads them.
type adam struct {
	lr, beta1, rest1, beta2, rest2, eps, decay, c1, c2, gscale float32
}

// CrossEntropy returns -log softmax(logits)[target]; if dlogits is not nil it
// is set to (softmax - onehot(target))·scale. dlogits may be logits.
func CrossEntropy(dlogits, logits []float32, target int, scale float32) float32 {
	if target < 0 || target >= len(logits) {
		panic(fmt.Sprintf("kernel: CrossEntropy: target %d of %d logits", target, len(logits)))
	}
	m, at := MaxOf(logits), logits[target]
	sum := ExpSum(dlogits, logits, m)
	if dlogits != nil {
		Scale(dlogits, scale/sum)
		dlogits[target] -= scale
	}
	return float32(math.Log(float64(sum)) - (float64(at) - float64(m)))
}

func checkLen(op string, n int, others ...int) {
	for _, o := range others {
		if o != n {
			// o, not others: what Sprintf is given moves to the heap.
			panic(fmt.Sprintf("kernel: %s: lengths %d and %d differ", op, n, o))
		}
	}
}
