package network

import "math"

// Functions of one number, computed in float64 and rounded once.

// Relu is the greater of x and 0.
func Relu(x float32) float32 { return max(x, 0) }

// Sigmoid is 1/(1 + e⁻ˣ).
func Sigmoid(x float32) float32 { return float32(sigmoid(float64(x))) }

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Tanh is the hyperbolic tangent.
func Tanh(x float32) float32 { return float32(math.Tanh(float64(x))) }

// Silu is x·sigmoid(x), also called swish (Elfwing and others, arXiv:1702.03118).
func Silu(x float32) float32 { return float32(float64(x) * sigmoid(float64(x))) }

// Softsign is x/(1 + |x|).
func Softsign(x float32) float32 { return x / (1 + max(x, -x)) }

// Mish is x·tanh(ln(1 + eˣ)) (Misra, arXiv:1908.08681).
func Mish(x float32) float32 { return float32(float64(x) * math.Tanh(softplus(float64(x)))) }

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// Gelu is x·Φ(x), Φ the normal distribution (Hendrycks and Gimpel, arXiv:1606.08415).
func Gelu(x float32) float32 {
	return float32(0.5 * float64(x) * (1 + math.Erf(float64(x)/math.Sqrt2)))
}

// GeluTanh is Gelu's approximation by a tangent.
func GeluTanh(x float32) float32 {
	z := float64(x)
	return float32(0.5 * z * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(z+0.044715*z*z*z))))
}

// Elu is x, below 0 scale·α·(e^(rate·x) − 1), above it scale·x; Elu proper
// (Clevert and others, arXiv:1511.07289) has scale and rate 1.
func Elu(alpha, scale, rate float64) func(float32) float32 {
	return func(x float32) float32 {
		if x > 0 {
			return float32(scale * float64(x))
		}
		return float32(scale * alpha * math.Expm1(rate*float64(x)))
	}
}

// SeluAlpha and SeluScale make Selu of Elu (Klambauer and others, arXiv:1706.02515,
// equation 14).
const (
	SeluAlpha = 1.67326324235437728
	SeluScale = 1.05070098735548049
)

// LeakyRelu is x, below 0 slope·x.
func LeakyRelu(slope float64) func(float32) float32 {
	s := float32(slope)
	return func(x float32) float32 {
		if x < 0 {
			return s * x
		}
		return x
	}
}

// Softplus is ln(1 + e^(beta·x))/beta, and x itself where beta·x is above threshold.
func Softplus(beta, threshold float64) func(float32) float32 {
	return func(x float32) float32 {
		if z := beta * float64(x); z <= threshold {
			return float32(softplus(z) / beta)
		}
		return x
	}
}

// Clip is x between low and high.
func Clip(low, high float64) func(float32) float32 {
	a, b := float32(low), float32(high)
	return func(x float32) float32 { return min(max(x, a), b) }
}

// Wide makes a function of float32 of one of float64.
func Wide(f func(float64) float64) func(float32) float32 {
	return func(x float32) float32 { return float32(f(float64(x))) }
}

// Functions of two numbers.

// Add is x + y.
func Add(x, y float32) float32 { return x + y }

// Sub is x − y.
func Sub(x, y float32) float32 { return x - y }

// Mul is x·y.
func Mul(x, y float32) float32 { return x * y }

// Div is x/y.
func Div(x, y float32) float32 { return x / y }

// Max is the greater one.
func Max(x, y float32) float32 { return max(x, y) }

// Min is the lesser one.
func Min(x, y float32) float32 { return min(x, y) }

// Pow is x to the power of y.
func Pow(x, y float32) float32 { return float32(math.Pow(float64(x), float64(y))) }

// Truth makes 1 or 0 of a comparison.
func Truth(f func(x, y float32) bool) func(x, y float32) float32 {
	return func(x, y float32) float32 {
		if f(x, y) {
			return 1
		}
		return 0
	}
}
