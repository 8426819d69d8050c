package compute

import (
	"fmt"
	"math"

	"samovar/compute/kernel"
)

// muonScalars is the number of scalars that Muon needs, AdamW's included.
const muonScalars = adamScalars + 3

// muon gives each worker one matrix at a time.
func (e *exec) muon(o Muon) ([]step, error) {
	w, g, m := e.slots[o.W], e.slots[o.G], e.slots[o.M]
	for _, x := range o.Matrices {
		if n := x.Rows * x.Cols; x.From < 0 || n <= 0 || x.From+n > min(len(w), len(g), len(m)) {
			return nil, fmt.Errorf("a matrix of %d×%d at %d of %d weights", x.Rows, x.Cols, x.From, len(w))
		}
	}
	return []step{{
		pieces: func() int { return len(o.Matrices) },
		do: func(worker, piece int) {
			x, s := o.Matrices[piece], e.batch.Scalars
			n := x.Rows * x.Cols
			short := min(x.Rows, x.Cols)
			t := e.dev.temporary(worker, 2*n+2*short*short)
			e.dev.muon(w[x.From:x.From+n], g[x.From:x.From+n], m[x.From:x.From+n], x, t, s[7], s[8:11], &e.dev.scratch[worker])
		},
	}}, nil
}

// The polynomial a·x + b·x³ + c·x⁵ drives every singular value towards one, fast
// rather than exactly (Jordan et al. 2024); five steps are enough.
const (
	newtonA, newtonB, newtonC = 3.4445, -4.7750, 2.0315
	newtonSteps               = 5
)

// muon updates one matrix. Products are rounded before they are added, so that
// no compiler fuses them and every machine gives the same bits. t has room for two such matrices and two squares of
// their shorter side.
func (d *cpu) muon(w, g, m []float32, x Matrix, t []float32, factor float32, s []float32, scratch *kernel.Scratch) {
	rate, momentum, decay := s[0], s[1], s[2]
	n, short, long := len(w), min(x.Rows, x.Cols), max(x.Rows, x.Cols)
	u, next, a, b := t[:n], t[n:2*n], t[2*n:2*n+short*short], t[2*n+short*short:]
	kernel.Scale(m, momentum)
	kernel.Axpy(m, factor, g)
	nesterov := next // momentum, as rows of the longer side
	for i := range nesterov {
		nesterov[i] = float32(factor*g[i]) + float32(momentum*m[i])
	}
	if x.Rows > x.Cols {
		transpose(u, nesterov, x.Rows, x.Cols)
	} else {
		copy(u, nesterov)
	}
	kernel.Scale(u, 1/(float32(math.Sqrt(float64(kernel.SumSquares(u))))+1e-7))
	for range newtonSteps {
		d.square(a, u, short, long, scratch)
		d.square(b, a, short, short, scratch) // a is symmetric
		for i := range b {
			b[i] = float32(newtonB*a[i]) + float32(newtonC*b[i])
		}
		d.gemm(next, long, b, short, false, u, long, false, short, long, short, false, scratch)
		kernel.AddScaled(u, newtonA, next, 1)
	}
	if x.Rows > x.Cols {
		transpose(next, u, x.Cols, x.Rows)
		u = next
	}
	// A step has the same size by entry whatever the shape (the same source).
	step := rate * float32(math.Sqrt(max(1, float64(x.Rows)/float64(x.Cols))))
	for i, v := range u {
		w[i] -= float32(step*v) + float32(rate*decay*w[i])
	}
}

// squareRows is how many rows of a square are computed at a time: with fewer less
// is computed twice, and x is packed more often.
const squareRows = 96

// square sets c (n×n) to x·xᵀ of n rows of k numbers. What is right of the diagonal
// is copied: a sum of the same products in the same order.
func (d *cpu) square(c, x []float32, n, k int, scratch *kernel.Scratch) {
	for r := 0; r < n; r += squareRows {
		rows := min(squareRows, n-r)
		d.gemm(c[r*n:], n, x[r*k:], k, false, x, k, true, rows, r+rows, k, false, scratch)
		for i := r; i < r+rows; i++ {
			for j, v := range c[i*n:][:r] {
				c[j*n+i] = v
			}
		}
	}
}

// transpose sets dst (cols×rows) to src (rows×cols), a few rows at a time, so that
// what is read and written stays in the cache.
func transpose(dst, src []float32, rows, cols int) {
	const block = 16
	for r := 0; r < rows; r += block {
		for c := range cols {
			for i := r; i < min(r+block, rows); i++ {
				dst[c*rows+i] = src[i*cols+c]
			}
		}
	}
}
