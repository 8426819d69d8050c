package quadprog

import "math"

// value is row·x.
func (s *Solver) value(p *Problem, row int) float64 {
	sum := 0.0
	for k, c := range p.C[row*s.n : (row+1)*s.n] {
		sum += c * s.X[k]
	}
	return sum
}

// tolerance is how far a constraint may be off, of the size of its terms: far
// above rounding and far below a force that anybody could measure.
const tolerance = 1e-10

func (s *Solver) slack(p *Problem, row int, bound float64) float64 {
	size := 1 + math.Abs(bound)
	for k, c := range p.C[row*s.n : (row+1)*s.n] {
		size += math.Abs(c * s.X[k])
	}
	return tolerance * size
}

// violated returns the constraint whose plane is farthest on the wrong side, and
// on which side; −1: none is. Of equals the first.
func (s *Solver) violated(p *Problem) (row int, sign float64) {
	row, worst := -1, 0.0
	for i := range s.m {
		l, u := p.Lower[i], p.Upper[i]
		if l == u {
			continue
		}
		v := s.value(p, i)
		off, side, bound := l-v, 1.0, l
		if v-u > off {
			off, side, bound = v-u, -1, u
		}
		if off <= 0 || off <= s.slack(p, i, bound) || s.holds(i, side) {
			continue
		}
		norm := 0.0
		for _, c := range p.C[i*s.n : (i+1)*s.n] {
			norm += c * c
		}
		if off = off / math.Sqrt(norm); row < 0 || off > worst { // a row of zeros is infinitely far
			row, worst, sign = i, off, side
		}
	}
	return row, sign
}

// holds reports whether a constraint is active.
func (s *Solver) holds(row int, sign float64) bool {
	for i := range s.active {
		if s.active[i].row == row && s.active[i].sign == sign {
			return true
		}
	}
	return false
}

// project computes, for the normal of a constraint, d = Jᵀ·normal and the step of
// x, z = J₂·d₂: the way towards the constraint that leaves the active ones as they are.
func (s *Solver) project(p *Problem, row int, sign float64) {
	n, q := s.n, len(s.active)
	for k, c := range p.C[row*n : (row+1)*n] {
		s.normal[k] = sign * c
	}
	for k := range n {
		sum := 0.0
		for i := range n {
			sum += s.j[i*n+k] * s.normal[i]
		}
		s.d[k] = sum
	}
	for i := range n {
		sum := 0.0
		for k := q; k < n; k++ {
			sum += s.j[i*n+k] * s.d[k]
		}
		s.z[i] = sum
	}
}

// free returns d₂ᵀ·d₂, how fast the constraint gains along z: 0 if its normal
// depends on the active ones, up to rounding.
func (s *Solver) free() float64 {
	all, rest := 0.0, 0.0
	for k, d := range s.d {
		all += d * d
		if k >= len(s.active) {
			rest += d * d
		}
	}
	if rest <= 1e-20*all { // lengths of 1e-10 to 1
		return 0
	}
	return rest
}

// include makes a violated constraint hold, dropping active ones whose
// multipliers reach 0 on the way (step 2 of the paper's section 3).
func (s *Solver) include(p *Problem, row int, sign float64, limit int) error {
	n := s.n
	fresh := active{row: row, sign: sign}
	bound := p.Lower[row]
	if sign < 0 {
		bound = p.Upper[row]
	}
	for {
		if s.Iterations++; s.Iterations > limit {
			return ErrIterations
		}
		s.project(p, row, sign)
		q := len(s.active)
		for i := q - 1; i >= 0; i-- { // R·step = d₁
			sum := s.d[i]
			for k := i + 1; k < q; k++ {
				sum -= s.r[i*n+k] * s.step[k]
			}
			s.step[i] = sum / s.r[i*n+i]
		}
		partial, blocking := math.Inf(1), -1
		for i := range s.active {
			if a := &s.active[i]; !a.equation && s.step[i] > 0 && a.multiplier/s.step[i] < partial {
				partial, blocking = a.multiplier/s.step[i], i
			}
		}
		full := math.Inf(1)
		if f := s.free(); f > 0 {
			full = max(0, sign*(bound-s.value(p, row))) / f
		}
		t := min(partial, full)
		if math.IsInf(t, 1) {
			return ErrInfeasible
		}
		if !math.IsInf(full, 1) {
			for k := range s.X {
				s.X[k] += t * s.z[k]
			}
		}
		for i := range s.active {
			s.active[i].multiplier -= t * s.step[i]
		}
		fresh.multiplier += t
		if full <= partial {
			s.add(fresh)
			return nil
		}
		s.drop(blocking)
	}
}

// add makes the constraint of d active, unless its normal depends on those that
// are: rotations of J's free columns leave of d₂ its first number.
func (s *Solver) add(a active) {
	if len(s.active) == s.n || s.free() == 0 {
		return
	}
	n, q := s.n, len(s.active)
	for k := n - 1; k > q; k-- {
		c, sn, h := rotation(s.d[k-1], s.d[k])
		if h == 0 {
			continue
		}
		s.d[k-1], s.d[k] = h, 0
		s.turn(k-1, c, sn)
	}
	for i := range q + 1 {
		s.r[i*n+q] = s.d[i]
	}
	s.active = append(s.active, a)
}

// drop makes the i-th active constraint an inactive one and R a triangle again.
func (s *Solver) drop(i int) {
	n, q := s.n, len(s.active)
	copy(s.active[i:], s.active[i+1:])
	s.active = s.active[:q-1]
	for k := i; k < q-1; k++ {
		for row := range k + 2 {
			s.r[row*n+k] = s.r[row*n+k+1]
		}
	}
	for k := i; k < q-1; k++ {
		c, sn, h := rotation(s.r[k*n+k], s.r[(k+1)*n+k])
		if h == 0 {
			continue
		}
		for col := k; col < q-1; col++ {
			a, b := s.r[k*n+col], s.r[(k+1)*n+col]
			s.r[k*n+col], s.r[(k+1)*n+col] = c*a+sn*b, c*b-sn*a
		}
		s.turn(k, c, sn)
	}
	for row := range q {
		s.r[row*n+q-1] = 0
	}
}

// rotation returns what turns (a, b) into (h, 0).
func rotation(a, b float64) (c, s, h float64) {
	h = math.Hypot(a, b)
	if h == 0 {
		return 1, 0, 0
	}
	return a / h, b / h, h
}

// turn turns columns k and k+1 of J.
func (s *Solver) turn(k int, c, sn float64) {
	m, n := s.j, s.n
	for row := range n {
		a, b := m[row*n+k], m[row*n+k+1]
		m[row*n+k], m[row*n+k+1] = c*a+sn*b, c*b-sn*a
	}
}

// settle computes X and the multipliers of the active constraints from nothing
// but these. With x = J·w: w₁ = R⁻ᵀ·b, w₂ = −J₂ᵀ·g, and R·u = w₁ + J₁ᵀ·g, because
// Jᵀ·H·J is the identity.
func (s *Solver) settle(p *Problem) {
	n, q := s.n, len(s.active)
	w, g := s.z, s.d
	for k := range n {
		sum := 0.0
		for i := range n {
			sum += s.j[i*n+k] * p.G[i]
		}
		g[k] = sum
		w[k] = -sum
	}
	for i := range q {
		a := &s.active[i]
		b := p.Lower[a.row]
		if a.sign < 0 {
			b = -p.Upper[a.row]
		}
		for k := range i {
			b -= s.r[k*n+i] * w[k]
		}
		w[i] = b / s.r[i*n+i]
	}
	for i := range n {
		sum := 0.0
		for k := range n {
			sum += s.j[i*n+k] * w[k]
		}
		s.X[i] = sum
	}
	for i := q - 1; i >= 0; i-- {
		sum := w[i] + g[i]
		for k := i + 1; k < q; k++ {
			sum -= s.r[i*n+k] * s.active[k].multiplier
		}
		s.active[i].multiplier = sum / s.r[i*n+i]
	}
}
