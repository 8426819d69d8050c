package compute_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"samovar/compute"
)

// TestMuon holds the update of wide, tall and square matrices to the same
// formulas in float64, and what it adds to the weights to be nearly orthogonal.
func TestMuon(t *testing.T) {
	for _, x := range []compute.Matrix{{From: 0, Rows: 5, Cols: 9}, {From: 3, Rows: 9, Cols: 5}, {From: 1, Rows: 6, Cols: 6}, {From: 0, Rows: 1, Cols: 4}} {
		devices(t, func(t *testing.T, dev compute.Device) {
			n, size := x.Rows*x.Cols, x.From+x.Rows*x.Cols+2
			r := rand.New(rand.NewPCG(3, 4))
			w, g, m := make([]float32, size), make([]float32, size), make([]float32, size)
			for i := range size {
				w[i], g[i], m[i] = float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64())
			}
			const rate, momentum, decay, factor = 0.1, 0.9, 0.01, 0.5
			want := make([]float64, n)
			u := make([]float64, n)
			for i := range u {
				next := momentum*float64(m[x.From+i]) + factor*float64(g[x.From+i])
				u[i] = factor*float64(g[x.From+i]) + momentum*next
			}
			u = newtonSchulz(u, x.Rows, x.Cols)
			for i := range want {
				v := float64(w[x.From+i])
				want[i] = v - rate*math.Sqrt(max(1, float64(x.Rows)/float64(x.Cols)))*u[i] - rate*decay*v
			}
			p := &compute.Program{}
			bind := map[compute.Slot]compute.Buffer{}
			slot := func(values []float32) compute.Slot {
				s := p.Add(compute.SlotInfo{Role: compute.Fixed, Rows: 1, Cols: size})
				bind[s] = alloc(t, dev, size)
				write(t, bind[s], values)
				return s
			}
			ws, gs, ms := slot(w), slot(g), slot(m)
			p.Do(compute.Muon{W: ws, G: gs, M: ms, Matrices: []compute.Matrix{x}})
			e := prepare(t, dev, p, compute.Memory{Bind: bind})
			run(t, e, &compute.Batch{Scalars: []float32{0, 0, 0, 0, 0, 0, 0, factor, rate, momentum, decay}})
			got := make([]float32, size)
			read(t, bind[ws], got)
			for i, v := range got {
				inside := i >= x.From && i < x.From+n
				if !inside && v != w[i] || inside && math.Abs(float64(v)-want[i-x.From]) > 1e-4 {
					t.Fatalf("%+v: weight %d is %g", x, i, v)
				}
			}
		})
	}
}

// newtonSchulz is five steps of X ← aX + (bA + cA²)X with A = XXᵀ, on the
// smaller side.
func newtonSchulz(u []float64, rows, cols int) []float64 {
	at := func(u []float64, i, j int) float64 { return u[i*cols+j] }
	if rows > cols {
		flipped := make([]float64, len(u))
		for i := range rows {
			for j := range cols {
				flipped[j*rows+i] = at(u, i, j)
			}
		}
		flipped = newtonSchulz(flipped, cols, rows)
		for i := range rows {
			for j := range cols {
				u[i*cols+j] = flipped[j*rows+i]
			}
		}
		return u
	}
	var norm float64
	for _, v := range u {
		norm += v * v
	}
	for i := range u {
		u[i] /= math.Sqrt(norm) + 1e-7
	}
	for range 5 {
		a := make([]float64, rows*rows)
		for i := range rows {
			for j := range rows {
				for k := range cols {
					a[i*rows+j] += at(u, i, k) * at(u, j, k)
				}
			}
		}
		next := make([]float64, len(u))
		for i := range rows {
			for k := range rows {
				b := -4.7750 * a[i*rows+k]
				for j := range rows {
					b += 2.0315 * a[i*rows+j] * a[j*rows+k]
				}
				for j := range cols {
					next[i*cols+j] += b * at(u, k, j)
				}
			}
		}
		for i := range u {
			u[i] = 3.4445*u[i] + next[i]
		}
	}
	return u
}
