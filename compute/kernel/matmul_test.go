package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// testAll runs f under every implementation that the machine has.
func testAll(t *testing.T, f func(t *testing.T)) {
	for _, name := range Implementations() {
		t.Run(name, func(t *testing.T) {
			restore, err := Use(name)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			f(t)
		})
	}
}

// random returns n normal numbers, the same for equal seeds.
func random(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 7))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// same fails the test at the first element whose bits differ; NaNs are equal.
func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf("%s: element %d is %g (%08x), want %g (%08x)", what, i, got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

func TestGemmNaive(t *testing.T) {
	shapes := [][3]int{{0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {1, 1, 1}, {5, 7, 3}, {6, 16, 8}, {13, 33, 40}, {97, 50, 401}, {7, 1550, 9}}
	testAll(t, func(t *testing.T) {
		var s Scratch
		for _, d := range shapes {
			for v := range 8 {
				checkGemm(t, &s, d[0], d[1], d[2], v&1 > 0, v&2 > 0, v&4 > 0)
			}
		}
	})
}

func checkGemm(t *testing.T, s *Scratch, m, n, k int, transA, transB, accumulate bool) {
	t.Helper()
	lda, ldb, ldc := k+1, n+2, n+3
	if transA {
		lda = m + 1
	}
	if transB {
		ldb = k + 2
	}
	a, b, c := random(1, lda*max(m, k)), random(2, ldb*max(n, k)), random(3, ldc*m)
	old := append([]float32(nil), c...)
	Gemm(c, ldc, a, lda, transA, b, ldb, transB, m, n, k, accumulate, s)
	for i := range m {
		for j := range ldc {
			want, scale := float64(old[i*ldc+j]), 1.
			if j < n {
				if !accumulate {
					want = 0
				}
				for l := range k {
					x, y := a[pick(transA, l*lda+i, i*lda+l)], b[pick(transB, j*ldb+l, l*ldb+j)]
					want += float64(x) * float64(y)
					scale += math.Abs(float64(x) * float64(y))
				}
			} else {
				scale = 0
			}
			if got := float64(c[i*ldc+j]); math.Abs(got-want) > scale*1e-6 {
				t.Fatalf("%s: C[%d][%d] = %g, want %g", fmt.Sprint(m, n, k, transA, transB, accumulate), i, j, got, want)
			}
		}
	}
}

func pick[T any](b bool, x, y T) T {
	if b {
		return x
	}
	return y
}
