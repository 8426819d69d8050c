package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestGemmNaive(t *testing.T) {
	shapes := [][3]int{{0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {1, 1, 1}, {5, 7, 3}, {6, 16, 8}, {13, 33, 40}, {97, 20, 401}, {7, 1550, 9}}
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

// gemmWant is the definition in Gemm's and GemmBF16's comments.
func gemmWant(c []float32, ldc int, a, b operand, m, n, k int, accumulate, bf16 bool) {
	at := func(o *operand, i, l int) float32 {
		if l >= k {
			return 0
		}
		return o.data[pick(o.alongK, i*o.ld+l, l*o.ld+i)]
	}
	word := func(o *operand, i, l int) uint32 {
		return uint32(toBF16(flush(at(o, i, l)))) | uint32(toBF16(flush(at(o, i, l+1))))<<16
	}
	for i := range m {
		for j := range n {
			sum := &c[i*ldc+j]
			for k0 := 0; k0 < k || k0 == 0; k0 += 384 {
				var acc float32
				for l := k0; l < min(k0+384, k); l++ {
					if !bf16 {
						acc = fma(at(&a, i, l), at(&b, j, l), acc)
					} else if l%2 == 0 {
						acc = dotBF16(acc, word(&a, i, l), word(&b, j, l))
					}
				}
				switch {
				case k0 > 0 || accumulate && k > 0:
					*sum += acc
				case !accumulate:
					*sum = acc
				}
			}
		}
	}
}

func TestGemmExact(t *testing.T) {
	testAll(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 5))
		var s Scratch
		for trial := range pick(testing.Short(), 10, 50) {
			m, n, k := r.IntN(30), r.IntN(70), r.IntN(40)
			if trial%5 == 0 {
				m, n, k = m/2, n+64, k+blockK
			}
			fill := pick(trial%3 == 0, extremes, random)
			gemmTrial(t, &s, fill, uint64(trial), m, n, k, trial%2 == 1)
		}
	})
}

// tiny returns n numbers whose products, and sums of these, lie about the smallest normal
// number and about half a unit in the last place from it, and some denormals and ones.
func tiny(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 11))
	some := []float32{0x1p-63, 0x1p-63, 0x1.02p-63, 0x1.fep-64, 0x1p-75, 0x1.8p-75, 0x1p-76, 0x1p-77, 0x1p-64, 0x1p-130, 1}
	x := make([]float32, n)
	for i := range x {
		x[i] = some[r.IntN(len(some))] * float32(1-2*r.IntN(2))
	}
	return x
}

// TestGemmTiny has results that GemmBF16 flushes to zero, and some that are just not.
func TestGemmTiny(t *testing.T) {
	testAll(t, func(t *testing.T) {
		var s Scratch
		for trial := range uint64(4) {
			gemmTrial(t, &s, tiny, trial, 17, 40, 7+int(trial), true)
		}
	})
}

// gemmTrial compares all eight forms of a product with the definition, with
// strides larger than the rows, odd alignment and guards.
func gemmTrial(t *testing.T, s *Scratch, fill func(uint64, int) []float32, seed uint64, m, n, k int, bf16 bool) {
	t.Helper()
	for v := range 8 {
		transA, transB, accumulate := v&1 > 0, v&2 > 0, v&4 > 0
		lda, ldb, ldc := pick(transA, m, k)+v%3, pick(transB, k, n)+1, n+2
		a, _ := guarded(fill(seed, lda*pick(transA, k, m)))
		b, _ := guarded(fill(seed+1, ldb*pick(transB, n, k)))
		c, check := guarded(random(seed+2, ldc*m))
		want := append([]float32(nil), c...)
		gemmWant(want, ldc, operand{a, lda, !transA}, operand{b, ldb, transB}, m, n, k, accumulate, bf16)
		pick(bf16, GemmBF16, Gemm)(c, ldc, a, lda, transA, b, ldb, transB, m, n, k, accumulate, s)
		same(t, fmt.Sprint("product ", m, n, k, transA, transB, accumulate, bf16), c, want)
		check(t)
		copy(c, random(seed+2, ldc*m))
		rightTrial(c, ldc, a, lda, transA, b, ldb, transB, m, n, k, accumulate, bf16, s)
		same(t, fmt.Sprint("product by a Right ", m, n, k, transA, transB, accumulate, bf16), c, want)
		check(t)
	}
}

// rightTrial is Gemm by a Right that is packed, and multiplied, in parts.
func rightTrial(c []float32, ldc int, a []float32, lda int, transA bool, b []float32, ldb int, transB bool, m, n, k int, accumulate, bf16 bool, s *Scratch) {
	cut := n / 2 / RightColumns() * RightColumns()
	var r Right
	r.Reset(n, k, bf16)
	for piece := r.Pieces(transB) - 1; piece >= 0; piece-- {
		r.Pack(b, ldb, transB, piece)
	}
	r.Multiply(c, ldc, a, lda, transA, m, cut, n, accumulate, s)
	r.Multiply(c, ldc, a, lda, transA, m, 0, cut, accumulate, s)
}

// TestGemmSplit splits a product along n and m, at every kind of edge.
func TestGemmSplit(t *testing.T) {
	const m, n, k = 29, 83, 400
	a, b := random(1, m*k), random(2, k*n)
	whole := make([]float32, m*n)
	testAll(t, func(t *testing.T) {
		var s Scratch
		for _, gemm := range []func([]float32, int, []float32, int, bool, []float32, int, bool, int, int, int, bool, *Scratch){Gemm, GemmBF16} {
			gemm(whole, n, a, k, false, b, n, false, m, n, k, false, &s)
			for at := 1; at < m; at += 7 {
				split := make([]float32, m*n)
				j := at * 2
				gemm(split, n, a, k, false, b, n, false, at, n, k, false, &s)
				gemm(split[at*n:], n, a[at*k:], k, false, b, n, false, m-at, j, k, false, &s)
				gemm(split[at*n+j:], n, a[at*k:], k, false, b[j:], n, false, m-at, n-j, k, false, &s)
				same(t, fmt.Sprint("split at ", at), split, whole)
			}
		}
	})
}

func TestGemmPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"short A": func() {
			Gemm(make([]float32, 4), 2, make([]float32, 3), 2, false, make([]float32, 4), 2, false, 2, 2, 2, false, nil)
		},
		"short C": func() {
			Gemm(make([]float32, 3), 2, make([]float32, 4), 2, false, make([]float32, 4), 2, false, 2, 2, 2, false, nil)
		},
		"stride B": func() {
			Gemm(make([]float32, 4), 2, make([]float32, 4), 2, false, make([]float32, 4), 1, false, 2, 2, 2, false, nil)
		},
		"negative": func() { Gemm(nil, 2, nil, 2, false, nil, 2, false, -1, 2, 2, false, nil) },
		"a piece too many": func() {
			var r Right
			r.Reset(64, 2, false)
			r.Pack(make([]float32, 128), 64, false, 1)
		},
		"beyond the last column": func() {
			var r Right
			r.Reset(2, 2, false)
			r.Multiply(make([]float32, 6), 3, make([]float32, 4), 2, false, 2, 0, 3, false, nil)
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestFlush(t *testing.T) {
	for _, c := range [][4]float32{
		{0x1p-63, 0x1p-64, 0, 0},                              // a denormal result
		{-0x1p-63, 0x1p-64, 0, float32(math.Copysign(0, -1))}, // keeps its sign
		{0x1p-130, 0x1p120, 1, 1},                             // a denormal operand
		{0x1p-127, 1, 0, 0},
		{-0x1.8p-75, 0x1p-76, 0x1p-126, 0},            // just below the smallest normal number: tiny after rounding
		{-0x1p-75, 0x1p-77, 0x1p-126, 0x1p-126},       // rounds up to it
		{0x1p-63, 0x1p-63, 0x1p-126, 0x1.0p-125},      // normal
		{0x1.8p0, 0x1.8p0, 0x1.8p-23, 0x1.200002p+01}, // rounds as always
	} {
		if got := fmaFlush(c[0], c[1], c[2]); math.Float32bits(got) != math.Float32bits(c[3]) {
			t.Errorf("fmaFlush(%x, %x, %x) = %x, want %x", c[0], c[1], c[2], got, c[3])
		}
	}
}
