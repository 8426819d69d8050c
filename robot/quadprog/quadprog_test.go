package quadprog

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// golden is a problem with its solution, of testdata/golden.py.
type golden struct {
	Name            string
	H, G, C         []float64
	Lower, Upper, X []float64
	Value           float64
}

func load(t testing.TB) []golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		for i := range g.Lower {
			if g.Lower[i] <= -1e300 {
				g.Lower[i] = math.Inf(-1)
			}
			if g.Upper[i] >= 1e300 {
				g.Upper[i] = math.Inf(1)
			}
		}
	}
	return all
}

func (g *golden) problem() *Problem { return &Problem{g.H, g.G, g.C, g.Lower, g.Upper} }

func solver(t testing.TB, p *Problem) *Solver {
	t.Helper()
	s, err := New(len(p.G), len(p.Lower))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestGolden compares with another implementation.
func TestGolden(t *testing.T) {
	for _, g := range load(t) {
		p := g.problem()
		s := solver(t, p)
		if err := s.Solve(p); err != nil {
			t.Errorf("%s: %v", g.Name, err)
			continue
		}
		size := 1.0
		for _, x := range g.X {
			size = max(size, math.Abs(x))
		}
		for i, x := range s.X {
			if !(math.Abs(x-g.X[i]) <= 1e-8*size) {
				t.Errorf("%s: x[%d] = %.12g, not %.12g", g.Name, i, x, g.X[i])
			}
		}
		optimal(t, g.Name, p, s)
		again := s.Iterations
		if err := s.Solve(p); err != nil || s.Iterations != 0 {
			t.Errorf("%s: %d iterations, and %d from its own solution, %v", g.Name, again, s.Iterations, err)
		}
		optimal(t, g.Name+" again", p, s)
	}
}

// optimal checks the conditions of Karush, Kuhn and Tucker, which only the
// minimum of a convex problem fulfils.
func optimal(t *testing.T, name string, p *Problem, s *Solver) {
	t.Helper()
	n := s.n
	for i := range n { // H·x + g = Cᵀ·multipliers
		sum, size := p.G[i], 1+math.Abs(p.G[i])
		for k := range n {
			sum += p.H[i*n+k] * s.X[k]
			size += math.Abs(p.H[i*n+k] * s.X[k])
		}
		for k, u := range s.Multipliers {
			sum -= p.C[k*n+i] * u
			size += math.Abs(p.C[k*n+i] * u)
		}
		if !(math.Abs(sum) <= 1e-10*size) {
			t.Errorf("%s: the gradient is off by %g in variable %d", name, sum, i)
		}
	}
	for k, u := range s.Multipliers {
		v, size := 0.0, 1.0
		for i := range n {
			v += p.C[k*n+i] * s.X[i]
			size += math.Abs(p.C[k*n+i] * s.X[i])
		}
		if !(v >= p.Lower[k]-1e-9*size && v <= p.Upper[k]+1e-9*size) {
			t.Errorf("%s: constraint %d is at %g, not in [%g, %g]", name, k, v, p.Lower[k], p.Upper[k])
		}
		bound := p.Lower[k]
		if u < 0 {
			bound = p.Upper[k]
		}
		if u != 0 && !(math.Abs(v-bound) <= 1e-9*size) {
			t.Errorf("%s: constraint %d has the multiplier %g, and is at %g, not %g", name, k, u, v, bound)
		}
	}
}

// random returns a problem that has a solution: some point fulfils all constraints.
func random(r *rand.Rand, n, m int) *Problem {
	p := &Problem{H: make([]float64, n*n), G: make([]float64, n), C: make([]float64, m*n), Lower: make([]float64, m), Upper: make([]float64, m)}
	root, inside := make([]float64, n*n), make([]float64, n)
	for i := range root {
		root[i] = r.NormFloat64()
	}
	for i := range n {
		p.G[i], inside[i] = 5*r.NormFloat64(), r.NormFloat64()
		for k := range n {
			for c := range n {
				p.H[i*n+k] += root[i*n+c] * root[k*n+c]
			}
		}
		p.H[i*n+i] += 0.05
	}
	equations := 0
	for k := range m {
		v := 0.0
		for i := range n {
			p.C[k*n+i] = r.NormFloat64()
			if k > 0 && k%7 == 0 {
				p.C[k*n+i] = p.C[(k-1)*n+i] // depends on another
			}
			v += p.C[k*n+i] * inside[i]
		}
		p.Lower[k], p.Upper[k] = v-r.Float64(), v+r.Float64()
		switch r.IntN(6) {
		case 0:
			p.Lower[k] = math.Inf(-1)
		case 1:
			p.Upper[k] = math.Inf(1)
		case 2:
			p.Lower[k] = v // several planes meet in one point
		case 3:
			if equations < n/2 {
				equations++
				p.Lower[k], p.Upper[k] = v, v
			}
		}
	}
	return p
}

// TestOptimal checks random problems, each solved from nothing and then from the
// solution of another.
func TestOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		n, m := 1+r.IntN(24), r.IntN(50)
		p, other := random(r, n, m), random(r, n, m)
		s := solver(t, p)
		for _, problem := range []*Problem{p, other, p} {
			if err := s.Solve(problem); err != nil {
				t.Fatalf("%d variables, %d constraints: %v", n, m, err)
			}
			optimal(t, "random", problem, s)
		}
	}
}

// TestWarm follows a wrench that turns slowly: a solver that remembers takes
// fewer steps than one that does not, to the same forces.
func TestWarm(t *testing.T) {
	all := load(t)
	p := all[len(all)-4].problem()
	g := append([]float64(nil), p.G...)
	warm, cold := solver(t, p), solver(t, p)
	var with, without int
	for i := range 200 {
		for k := range p.G {
			p.G[k] = g[k] * (1 + 0.3*math.Sin(0.05*float64(i)+float64(k%3)))
		}
		cold.Reset()
		if err := errors.Join(warm.Solve(p), cold.Solve(p)); err != nil {
			t.Fatal(err)
		}
		with, without = with+warm.Iterations, without+cold.Iterations
		for k := range p.G {
			if math.Abs(warm.X[k]-cold.X[k]) > 1e-7 {
				t.Fatalf("step %d: force %d is %g or %g", i, k, warm.X[k], cold.X[k])
			}
		}
	}
	t.Logf("%d iterations instead of %d", with, without)
	if with*2 > without {
		t.Errorf("%d iterations instead of %d", with, without)
	}
}

func TestRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name string
		p    Problem
		want error
	}{
		{"a saddle", Problem{[]float64{1, 0, 0, -1}, []float64{0, 0}, []float64{1, 0, 0, 1}, []float64{0, 0}, []float64{1, 1}}, ErrConvex},
		{"a valley", Problem{[]float64{1, 1, 1, 1}, []float64{0, 0}, []float64{1, 0, 0, 1}, []float64{0, 0}, []float64{1, 1}}, ErrConvex},
		{"two equations", Problem{[]float64{1, 0, 0, 1}, []float64{0, 0}, []float64{1, 1, 1, 1}, []float64{0, 1}, []float64{0, 1}}, ErrInfeasible},
		{"two sides", Problem{[]float64{1, 0, 0, 1}, []float64{0, 0}, []float64{1, 1, 2, 2}, []float64{1, -inf}, []float64{inf, 1}}, ErrInfeasible},
		{"zeros", Problem{[]float64{1, 0, 0, 1}, []float64{0, 0}, []float64{0, 0, 1, 0}, []float64{1, 0}, []float64{2, 1}}, ErrInfeasible},
		{"crossed bounds", Problem{[]float64{1, 0, 0, 1}, []float64{0, 0}, []float64{0, 1, 1, 0}, []float64{1, 0}, []float64{0, 1}}, ErrFinite},
		{"no number", Problem{[]float64{1, 0, 0, 1}, []float64{nan, 0}, []float64{0, 1, 1, 0}, []float64{0, 0}, []float64{1, 1}}, ErrFinite},
		{"infinite", Problem{[]float64{1, 0, 0, 1}, []float64{0, 0}, []float64{inf, 1, 1, 0}, []float64{0, 0}, []float64{1, 1}}, ErrFinite},
		{"no bound", Problem{[]float64{1, 0, 0, 1}, []float64{0, 0}, []float64{0, 1, 1, 0}, []float64{0, nan}, []float64{1, 1}}, ErrFinite},
	} {
		s := solver(t, &c.p)
		if err := s.Solve(&c.p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", c.name, err, c.want)
		}
	}
	s, err := New(2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Solve(&Problem{}); err == nil {
		t.Error("a problem without numbers is solved")
	}
	if _, err := New(0, 1); err == nil {
		t.Error("a solver without variables")
	}
	if _, err := New(1<<30, 1); err == nil {
		t.Error("a solver of a billion variables")
	}
}

// TestAllocations holds solving to allocate nothing.
func TestAllocations(t *testing.T) {
	for _, g := range load(t) {
		p := g.problem()
		s := solver(t, p)
		if n := testing.AllocsPerRun(5, func() {
			s.Reset()
			if s.Solve(p) != nil {
				t.Error("no solution")
			}
		}); n != 0 {
			t.Errorf("%s: %g allocations", g.Name, n)
		}
	}
}

// FuzzSolve holds any numbers to an error or an optimum.
func FuzzSolve(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(4), 1.0)
	f.Add(uint64(2), uint8(24), uint8(40), 1e6)
	f.Add(uint64(3), uint8(2), uint8(9), 1e-6)
	f.Fuzz(func(t *testing.T, seed uint64, n, m uint8, scale float64) {
		r := rand.New(rand.NewPCG(seed, 0))
		p := random(r, 1+int(n%30), int(m%60))
		for i := range p.G {
			p.G[i] *= scale
		}
		s := solver(t, p)
		err := s.Solve(p)
		if err == nil {
			for _, x := range s.X {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Error("a solution that is no number")
				}
			}
		}
		if err != nil && math.Abs(scale) < 1e3 {
			t.Errorf("%d variables, %d constraints, scale %g: %v", s.n, s.m, scale, err)
		}
	})
}

func BenchmarkForces(b *testing.B) {
	all := load(b)
	p := all[len(all)-4].problem()
	for _, warm := range []bool{false, true} {
		name := "cold"
		if warm {
			name = "warm"
		}
		b.Run(name, func(b *testing.B) {
			s := solver(b, p)
			b.ReportAllocs()
			for b.Loop() {
				if !warm {
					s.Reset()
				}
				if err := s.Solve(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
