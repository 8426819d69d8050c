package kernel

import (
	"fmt"
	"math"
	"testing"
)

// vectorOps are the vector operations in a form that tests can compare: each
// changes its slices or writes its result to the first element of the last.
var vectorOps = map[string]func(x, y, z, u, v []float32){
	"Dot":             func(x, y, z, u, v []float32) { first(v, Dot(x, y)) },
	"SumSquares":      func(x, y, z, u, v []float32) { first(v, SumSquares(x)) },
	"MaxOf":           func(x, y, z, u, v []float32) { first(v, MaxOf(x)) },
	"Axpy":            func(x, y, z, u, v []float32) { Axpy(x, 0.3, y) },
	"AddScaled":       func(x, y, z, u, v []float32) { AddScaled(x, 0.3, y, 1.7) },
	"Add":             func(x, y, z, u, v []float32) { Add(x, y) },
	"SoftmaxBack":     func(x, y, z, u, v []float32) { SoftmaxBack(x, y, 0.7, 0.3) },
	"Scale":           func(x, y, z, u, v []float32) { Scale(x, 0.3) },
	"ExpSum":          func(x, y, z, u, v []float32) { first(v, ExpSum(x, y, 0.5)) },
	"ExpSum in place": func(x, y, z, u, v []float32) { first(v, ExpSum(x, x, 0.5)) },
	"ExpSum alone":    func(x, y, z, u, v []float32) { first(v, ExpSum(nil, x, -0.5)) },
	"LogSumExp":       func(x, y, z, u, v []float32) { first(v, LogSumExp(x)) },
	"Softmax":         func(x, y, z, u, v []float32) { Softmax(x) },
	"SwiGLU":          func(x, y, z, u, v []float32) { SwiGLU(x, y, z) },
	"SwiGLUBack":      func(x, y, z, u, v []float32) { SwiGLUBack(x, y, z, u, v, false) },
	"SwiGLUBackAdd":   func(x, y, z, u, v []float32) { SwiGLUBack(x, y, z, u, v, true) },
	"RMSNorm":         func(x, y, z, u, v []float32) { RMSNorm(x, y, z, 1e-5) },
	"RMSNormBack":     func(x, y, z, u, v []float32) { RMSNormBack(x, y, z, u, v, 1e-5, false) },
	"RMSNormBackAdd":  func(x, y, z, u, v []float32) { RMSNormBack(x, nil, z, u, v, 1e-5, true) },
	"Rotate":          func(x, y, z, u, v []float32) { n := len(x) / 2; Rotate(x[:2*n], y[:n], z[:n], false) },
	"Rotate half":     func(x, y, z, u, v []float32) { n := len(x) / 2; Rotate(x[:2*n], y[:n], z[:n], true) },
	"AdamW": func(x, y, z, u, v []float32) {
		for i := range u {
			u[i] = float32(math.Abs(float64(u[i])))
		}
		AdamW(x, y, z, u, 0.01, 0.9, 0.95, 1e-8, 0.1, 0.19, 0.0975, 0.5)
	},
	"CrossEntropy": func(x, y, z, u, v []float32) {
		if len(x) > 0 {
			v[0] = CrossEntropy(x, y, len(x)/2, 0.25)
		}
	},
}

func first(v []float32, r float32) {
	if len(v) > 0 {
		v[0] = r
	}
}

// TestVector compares every operation under every implementation with the
// generic one, bit by bit, for all lengths up to 130, at odd alignment, with
// guards, on ordinary and on extreme numbers.
func TestVector(t *testing.T) {
	lengths := []int{255, 256, 257, 1000}
	for n := range 131 {
		lengths = append(lengths, n)
	}
	testAll(t, func(t *testing.T) {
		fast := Active()
		for name, op := range vectorOps {
			for _, n := range lengths {
				for _, fill := range []func(uint64, int) []float32{random, extremes} {
					compareOp(t, fast, fmt.Sprint(name, " ", n), op, fill, n)
				}
			}
		}
	})
}

func compareOp(t *testing.T, fast, what string, op func(x, y, z, u, v []float32), fill func(uint64, int) []float32, n int) {
	t.Helper()
	var got, want [5][]float32
	var checks [5]func(*testing.T)
	for i := range got {
		want[i] = fill(uint64(i+n), n)
		got[i], checks[i] = guarded(want[i])
	}
	op(got[0], got[1], got[2], got[3], got[4])
	restore, err := Use("generic")
	if err != nil {
		t.Fatal(err)
	}
	op(want[0], want[1], want[2], want[3], want[4])
	restore()
	for i := range got {
		same(t, fmt.Sprint(fast, " ", what, ", slice ", i), got[i], want[i])
		checks[i](t)
	}
}

// TestExp states the accuracy that ExpSum's comment promises, over the whole
// range.
func TestExp(t *testing.T) {
	testAll(t, func(t *testing.T) {
		x, y := make([]float32, 1<<12), make([]float32, 1<<12)
		worst := 0.
		for block := range 50 {
			for i := range x {
				x[i] = -104 + 193*(float32(block)+float32(i)/float32(len(x)))/50
			}
			ExpSum(y, x, 0)
			for i, v := range x {
				want := math.Exp(float64(v))
				unit := math.Ldexp(1, max(math.Ilogb(want)-23, -149))
				switch {
				case want > math.MaxFloat32:
					if !math.IsInf(float64(y[i]), 1) {
						t.Fatalf("exp(%g) = %g", v, y[i])
					}
				case math.Abs(float64(y[i])-want) > 1.01*unit:
					t.Fatalf("exp(%g) = %g, want %g: %g units off", v, y[i], want, math.Abs(float64(y[i])-want)/unit)
				case want > 0x1p-126:
					worst = max(worst, math.Abs(float64(y[i])-want)/unit)
				}
			}
		}
		t.Logf("at most %.3f units in the last place", worst)
		inf := float32(math.Inf(1))
		ExpSum(y[:4], []float32{0, -inf, inf, float32(math.NaN())}, 0)
		if y[0] != 1 || y[1] != 0 || y[2] != inf || y[3] == y[3] {
			t.Errorf("exp of 0, -Inf, Inf, NaN = %v", y[:4])
		}
	})
}

func TestSoftmaxCrossEntropy(t *testing.T) {
	testAll(t, func(t *testing.T) {
		x := random(1, 77)
		var sum float64
		for _, v := range x {
			sum += math.Exp(float64(v))
		}
		near(t, "LogSumExp", LogSumExp(x), math.Log(sum), 1e-6)
		d := make([]float32, 77)
		near(t, "CrossEntropy", CrossEntropy(d, x, 5, 2), math.Log(sum)-float64(x[5]), 1e-6)
		near(t, "CrossEntropy alone", CrossEntropy(nil, x, 5, 2), math.Log(sum)-float64(x[5]), 1e-6)
		p := append([]float32(nil), x...)
		Softmax(p)
		for i, v := range x {
			want := math.Exp(float64(v)) / sum
			near(t, "Softmax", p[i], want, 1e-6)
			if i == 5 {
				want--
			}
			near(t, "dlogits", d[i], 2*want, 1e-6)
		}
		if v := LogSumExp(nil); !math.IsInf(float64(v), -1) {
			t.Errorf("LogSumExp of nothing = %g", v)
		}
		masked := []float32{float32(math.Inf(-1)), 3, float32(math.Inf(-1))}
		if Softmax(masked); masked[0] != 0 || masked[1] != 1 {
			t.Errorf("Softmax with -Inf = %v", masked)
		}
	})
}

func near(t *testing.T, what string, got float32, want, bound float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= bound*max(1, math.Abs(want))) {
		t.Fatalf("%s = %g, want %g", what, got, want)
	}
}

// TestGradients compares SwiGLUBack and RMSNormBack with differences in
// float64.
func TestGradients(t *testing.T) {
	const n, h = 40, 1e-5
	g, u, dy := random(1, n), random(2, n), random(3, n)
	swiglu := func(g, u []float64) (s float64) {
		for i := range g {
			s += g[i] / (1 + math.Exp(-g[i])) * u[i] * float64(dy[i])
		}
		return s
	}
	norm := func(x, w []float64) (s float64) {
		var sum float64
		for _, v := range x {
			sum += v * v
		}
		r := 1 / math.Sqrt(sum/n+0.01)
		for i := range x {
			s += x[i] * r * w[i] * float64(dy[i])
		}
		return s
	}
	testAll(t, func(t *testing.T) {
		dg, du := make([]float32, n), make([]float32, n)
		SwiGLUBack(dg, du, g, u, dy, false)
		checkGradient(t, swiglu, g, u, dg, du, h)
		SwiGLUBack(dg, du, g, u, dy, true)
		Scale(dg, 0.5)
		Scale(du, 0.5)
		checkGradient(t, swiglu, g, u, dg, du, h)
		clear(du)
		RMSNormBack(dg, du, g, u, dy, 0.01, false)
		checkGradient(t, norm, g, u, dg, du, h)
	})
}

func checkGradient(t *testing.T, f func(x, y []float64) float64, x, y, dx, dy []float32, h float64) {
	t.Helper()
	wide := func(v []float32) []float64 {
		r := make([]float64, len(v))
		for i := range v {
			r[i] = float64(v[i])
		}
		return r
	}
	a, b := wide(x), wide(y)
	slope := func(p *float64) float64 {
		old := *p
		*p = old + h
		up := f(a, b)
		*p = old - h
		down := f(a, b)
		*p = old
		return (up - down) / (2 * h)
	}
	for i := range a {
		near(t, fmt.Sprint("gradient by first ", i), dx[i], slope(&a[i]), 1e-5)
		near(t, fmt.Sprint("gradient by second ", i), dy[i], slope(&b[i]), 1e-5)
	}
}

func TestRotate(t *testing.T) {
	testAll(t, func(t *testing.T) {
		for _, half := range []bool{false, true} {
			const d = 14
			x, cos, sin, back := random(1, d), make([]float32, d/2), make([]float32, d/2), make([]float32, d/2)
			for i := range cos {
				s, c := math.Sincos(float64(i) + 0.5)
				cos[i], sin[i], back[i] = float32(c), float32(s), float32(-s)
			}
			y := append([]float32(nil), x...)
			Rotate(y, cos, sin, half)
			for i := range cos {
				p, q := pick(half, i, 2*i), pick(half, i+d/2, 2*i+1)
				s, c := math.Sincos(float64(i) + 0.5)
				near(t, "Rotate", y[p], float64(x[p])*c-float64(x[q])*s, 1e-6)
				near(t, "Rotate", y[q], float64(x[q])*c+float64(x[p])*s, 1e-6)
			}
			Rotate(y, cos, back, half)
			for i := range y {
				near(t, "Rotate back", y[i], float64(x[i]), 1e-6)
			}
		}
	})
}

// TestAdamW follows algorithm 2 of Loshchilov and Hutter in float64.
func TestAdamW(t *testing.T) {
	const lr, b1, b2, eps, decay, scale = 0.01, 0.9, 0.95, 1e-8, 0.1, 0.5
	testAll(t, func(t *testing.T) {
		w, m, v := random(1, 11), make([]float32, 11), make([]float32, 11)
		want := float64(w[3])
		var wm, wv float64
		for step := 1; step <= 5; step++ {
			g := random(uint64(step), 11)
			c1, c2 := 1-math.Pow(b1, float64(step)), 1-math.Pow(b2, float64(step))
			AdamW(w, g, m, v, lr, b1, b2, eps, decay, float32(c1), float32(c2), scale)
			d := float64(g[3]) * scale
			wm, wv = b1*wm+(1-b1)*d, b2*wv+(1-b2)*d*d
			want -= lr * (wm/c1/(math.Sqrt(wv/c2)+eps) + decay*want)
		}
		near(t, "w", w[3], want, 1e-6)
	})
}

func TestReadBytes(t *testing.T) {
	testAll(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 7, 8, 255, 256, 1000, 1<<20 + 300} {
			b := make([]byte, n)
			var want uint64
			for i := range b {
				b[i] = byte(i*7 + i>>8)
				want ^= uint64(b[i]) << (i % 8 * 8)
			}
			if got := ReadBytes(b); got != want {
				t.Errorf("%d bytes: %x, want %x", n, got, want)
			}
		}
		if MeasureFMA(3) <= 0 || (MeasureBF16(3) > 0) != HasBF16() || (MeasureInt8(3) > 0) != (Active() != "generic") {
			t.Error("no operations counted")
		}
	})
}
