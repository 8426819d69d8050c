// Package quadprog minimises a strictly convex quadratic function under linear
// constraints: small dense problems, such as the forces of feet within their
// friction cones. It refuses a function that is not strictly convex and constraints
// that contradict each other. Start with [Problem] and [Solver.Solve].
package quadprog

import (
	"errors"
	"fmt"
	"math"
)

// Problem is: minimise ½·xᵀ·H·x + gᵀ·x so that Lower ≤ C·x ≤ Upper.
type Problem struct {
	H     []float64 // n × n, symmetric, positive definite; row by row
	G     []float64 // n
	C     []float64 // m × n, row by row
	Lower []float64 // m; −Inf: no bound
	Upper []float64 // m; +Inf: no bound; equal to Lower: an equation
}

// What may be wrong with a problem.
var (
	ErrConvex     = errors.New("minimise a quadratic function: H is not positive definite: add a small weight to its diagonal")
	ErrInfeasible = errors.New("minimise a quadratic function: the constraints contradict each other")
	ErrIterations = errors.New("minimise a quadratic function: too many iterations")
	ErrFinite     = errors.New("minimise a quadratic function: a number of the problem is not finite, or a lower bound above the upper")
)

// Solver solves problems of one size, one after the other, by the dual method of
// Goldfarb and Idnani (Mathematical Programming 27, 1983): from the optimum under
// the active constraints, always over the one that is violated most, until
// none is. It begins with those that were active in the last solution, which
// changes how long it takes but, up to rounding, not what it finds. Nothing allocates
// after New. A solver belongs to one goroutine.
type Solver struct {
	n, m int

	X           []float64 // n: the solution
	Multipliers []float64 // m: of the constraints; above 0: at the lower bound, below: at the upper
	Iterations  int       // constraints that the last solution added or dropped

	j      []float64 // n × n: J = L⁻ᵀ·Q, H = L·Lᵀ; its first len(active) columns span the active normals
	r      []float64 // n × n: the upper triangle R, Nᵀ·J = (Rᵀ 0)
	active []active
	last   []active // of the last solution
	normal []float64
	d, z   []float64 // n: Jᵀ·normal, and the step of x
	step   []float64 // n: R⁻¹·d, the step of the active multipliers
}

// active is a constraint that holds as an equation: a row with a sign, +1 at its
// lower bound and −1 at its upper one.
type active struct {
	row        int
	sign       float64
	equation   bool
	multiplier float64
}

// most bounds sizes: beyond it a dense method is the wrong one.
const most = 1024

// New returns a solver of problems with n variables and m constraints.
func New(n, m int) (*Solver, error) {
	if n < 1 || n > most || m < 0 || m > 8*most {
		return nil, fmt.Errorf("make a solver of %d variables and %d constraints: at most %d and %d", n, m, most, 8*most)
	}
	v := make([]float64, 5*n+m)
	cut := func(k int) []float64 {
		s := v[:k:k]
		v = v[k:]
		return s
	}
	return &Solver{
		n: n, m: m, X: cut(n), Multipliers: cut(m), normal: cut(n), d: cut(n), z: cut(n), step: cut(n),
		j: make([]float64, n*n), r: make([]float64, n*n),
		active: make([]active, 0, n), last: make([]active, 0, n),
	}, nil
}

// Reset forgets the last solution.
func (s *Solver) Reset() { s.last = s.last[:0] }

// Solve writes the solution into X and Multipliers. After an error, X is no
// solution and the next problem begins without active constraints.
func (s *Solver) Solve(p *Problem) error {
	s.Iterations = 0
	err := s.solve(p)
	s.last = s.last[:0]
	if err == nil {
		s.last = append(s.last, s.active...)
	}
	return err
}

func (s *Solver) solve(p *Problem) error {
	if err := s.check(p); err != nil {
		return err
	}
	if err := s.factor(p.H); err != nil {
		return err
	}
	if err := s.begin(p); err != nil {
		return err
	}
	// Each step raises the value of the dual function, so that no set of active
	// constraints returns; in practice about as many are needed as are active in the end.
	limit := 10 * (s.n + s.m)
	for row, sign := s.violated(p); row >= 0; row, sign = s.violated(p) {
		if err := s.include(p, row, sign, limit); err != nil {
			return err
		}
	}
	s.settle(p)
	clear(s.Multipliers)
	for i := range s.active {
		a := &s.active[i]
		s.Multipliers[a.row] += a.sign * a.multiplier
	}
	for _, x := range s.X {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return ErrFinite
		}
	}
	return nil
}

func (s *Solver) check(p *Problem) error {
	n, m := s.n, s.m
	if len(p.H) != n*n || len(p.G) != n || len(p.C) != m*n || len(p.Lower) != m || len(p.Upper) != m {
		return fmt.Errorf("minimise a quadratic function: the problem is not of %d variables and %d constraints", n, m)
	}
	sum := 0.0 // 0 unless some number is NaN or infinite
	for _, x := range p.H {
		sum += x - x
	}
	for _, x := range p.G {
		sum += x - x
	}
	for _, x := range p.C {
		sum += x - x
	}
	if sum != 0 {
		return ErrFinite
	}
	for i, l := range p.Lower {
		if u := p.Upper[i]; !(l <= u) || math.IsInf(l, 1) || math.IsInf(u, -1) {
			return ErrFinite
		}
	}
	return nil
}

// factor computes J = L⁻ᵀ for H = L·Lᵀ, with no constraint active.
func (s *Solver) factor(h []float64) error {
	n, l := s.n, s.r
	for i := range n {
		for k := range i + 1 {
			sum := h[i*n+k]
			for c := range k {
				sum -= l[i*n+c] * l[k*n+c]
			}
			if k < i {
				l[i*n+k] = sum / l[k*n+k]
				continue
			}
			// A pivot that cancels to rounding is of a matrix without an inverse.
			if !(sum > 1e-14*math.Abs(h[i*n+i])) {
				return ErrConvex
			}
			l[i*n+i] = math.Sqrt(sum)
		}
	}
	clear(s.j)
	for c := range n { // column c of L⁻¹ is row c of J
		for i := c; i < n; i++ {
			sum := 0.0
			if i == c {
				sum = 1
			}
			for k := c; k < i; k++ {
				sum -= l[i*n+k] * s.j[c*n+k]
			}
			s.j[c*n+i] = sum / l[i*n+i]
		}
	}
	clear(s.r)
	s.active = s.active[:0]
	return nil
}

// begin makes the equations active, and what was active last, and goes to the
// optimum under these; what would be left has a multiplier below 0 and is dropped.
func (s *Solver) begin(p *Problem) error {
	for i := range s.m {
		if p.Lower[i] == p.Upper[i] {
			s.project(p, i, 1)
			s.add(active{row: i, sign: 1, equation: true}) // one that follows from others is added by none
		}
	}
	for _, a := range s.last {
		b := p.Lower[a.row]
		if a.sign < 0 {
			b = p.Upper[a.row]
		}
		if a.equation || p.Lower[a.row] == p.Upper[a.row] || math.IsInf(b, 0) {
			continue
		}
		s.project(p, a.row, a.sign)
		s.add(active{row: a.row, sign: a.sign})
	}
	for {
		s.settle(p)
		worst := -1
		for i := range s.active {
			if a := &s.active[i]; !a.equation && a.multiplier < 0 && (worst < 0 || a.multiplier < s.active[worst].multiplier) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		s.drop(worst)
	}
	for i := range s.m {
		if p.Lower[i] == p.Upper[i] && math.Abs(s.value(p, i)-p.Lower[i]) > s.slack(p, i, p.Lower[i]) {
			return ErrInfeasible
		}
	}
	return nil
}
