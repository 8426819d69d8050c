package kernel

import (
	"math"
	"slices"
)

// fit chooses scales, minima and codes for x so that the sum of squared errors
// is small. The line of each scale, x ≈ s·level - m, is searched for as if s
// and m were exact; then they are rounded to what the format holds; then all
// are moved as long as that helps. A number that is not finite makes the
// block's scale NaN.
//
// Sums are in float64 and every product is rounded by itself, so that no
// machine fuses what another does not.
func (l *layout) fit(b *block, x []float32) {
	*b = block{}
	f := fitter{layout: l}
	for i, v := range x {
		if v-v != 0 {
			b.d = float32(math.NaN())
			return
		}
		f.x[i] = float64(v)
	}
	if l == &mxfp4 {
		f.power(b)
		return
	}
	for j := range f.numbers / f.sub {
		f.s[j], f.m[j] = f.line(f.x[j*f.sub:][:f.sub])
	}
	f.round(b)
	f.refine(b)
}

// fitter holds the numbers of a block, and the exact line of each scale.
type fitter struct {
	*layout
	x    [256]float64
	s, m [16]float64
}

// grid finds the level nearest to a number.
type grid struct {
	middles     []float64
	first, last float64 // where levels are 1 apart: half a step below them, and the last code
}

func (l *layout) grid() grid {
	return grid{l.middles, float64(l.levels[0]) - 0.5, float64(len(l.levels) - 1)}
}

// nearest returns the code of the level nearest to v.
func (g *grid) nearest(v float64) int {
	if g.middles != nil {
		return g.search(v)
	}
	v -= g.first
	if !(v > 0) {
		v = 0
	}
	if v > g.last {
		v = g.last
	}
	return int(v)
}

func (g *grid) search(v float64) int {
	low, high := 0, len(g.middles)
	for low < high {
		if at := int(uint(low+high) / 2); v > g.middles[at] {
			low = at + 1
		} else {
			high = at
		}
	}
	return low
}

// middles returns where the nearer of two neighbouring levels changes.
func middles(levels []float32) []float64 {
	var all []float64
	for i, v := range levels[1:] {
		all = append(all, float64(levels[i]+v)/2)
	}
	return all
}

// line searches for the s and m that leave the least squared error in x.
// Candidates map the extremes of x to about the last levels, at most a step
// beyond or short of them; each is improved once by least squares, the best
// some times more.
func (f *fitter) line(x []float64) (s, m float64) {
	least, alone := math.Inf(1), sumOf(x)
	try := func(newS, newM float64) {
		if newS, newM, e := f.solve(f.sum(alone, x, newS, newM)); e < least {
			s, m, least = newS, newM, e
		}
	}
	low, high := slices.Min(x), slices.Max(x)
	first, last := float64(f.levels[0]), float64(f.levels[len(f.levels)-1])
	step := (last - first) / float64(len(f.levels)-1)
	for tenth := -9.0; tenth <= 9; tenth += 2 {
		more := step * tenth / 10
		switch {
		case f.minimum > 1: // whole minima are not negative
			try((high-min(low, 0))/(last+more), -min(low, 0))
		case f.minimum == 1:
			try((high-low)/(last+more), -low)
		case -low > high:
			try(low/(first-more), 0)
			try(low/(last+more), 0)
		default:
			try(high/(first-more), 0)
			try(high/(last+more), 0)
		}
	}
	for range 3 {
		try(s, m)
	}
	return s, m
}

// sums are those of least squares: of the levels q and of the numbers x.
type sums struct{ n, x, xx, q, qq, xq float64 }

// sumOf returns the sums of x alone.
func sumOf(x []float64) (t sums) {
	t.n = float64(len(x))
	for _, v := range x {
		t.x += v
		t.xx += float64(v * v)
	}
	return t
}

// sum adds to t, which has those of x alone, the sums of the levels nearest to
// the line.
func (l *layout) sum(t sums, x []float64, s, m float64) sums {
	inverse := 0.0
	if s != 0 {
		inverse = 1 / s
	}
	g := l.grid()
	for _, v := range x {
		q := float64(l.levels[g.nearest(float64((v+m)*inverse))])
		t.q += q
		t.qq += float64(q * q)
		t.xq += float64(v * q)
	}
	return t
}

// solve returns the line of the least squared error for given codes, and that
// error. m is 0 in formats without minima, and not negative where minima are
// whole numbers.
func (l *layout) solve(t sums) (s, m, errors float64) {
	if l.minimum > 0 {
		if det := float64(t.n*t.qq) - float64(t.q*t.q); det > 0 {
			s = (float64(t.n*t.xq) - float64(t.x*t.q)) / det
		}
		m = (float64(s*t.q) - t.x) / t.n
	}
	if l.minimum == 0 || l.minimum > 1 && m < 0 {
		s, m = 0, 0
		if t.qq > 0 {
			s = t.xq / t.qq
		}
	}
	return s, m, t.xx - float64(s*t.xq) + float64(m*t.x)
}

// round rounds the lines to what the format holds.
func (f *fitter) round(b *block) {
	var top, most float64 // of the scales the one of the largest magnitude, the largest minimum
	for j := range f.numbers / f.sub {
		if math.Abs(f.s[j]) > math.Abs(top) {
			top = f.s[j]
		}
		most = max(most, f.m[j])
	}
	if f.minimum == 1 {
		most = f.m[0]
	}
	b.d = half(top / float64(f.high))
	if f.low < 0 { // it reaches one step further
		b.d = half(top / float64(f.low))
	}
	b.dmin = half(most / float64(max(f.minimum, 1)))
	for j := range f.numbers / f.sub {
		b.scales[j] = whole(f.s[j], b.d, f.low, f.high)
		b.mins[j] = whole(f.m[j], b.dmin, f.lowest(), f.minimum)
	}
}

// lowest returns the least minimum.
func (l *layout) lowest() int {
	if l.minimum == 1 {
		return 1
	}
	return 0
}

// half rounds to what F16 holds.
func half(v float64) float32 { return fromF16(toF16(float32(v))) }

// whole returns v/unit as a whole number between low and high.
func whole(v float64, unit float32, low, high int) int8 {
	q := 0.0
	if unit != 0 {
		q = math.Floor(v/float64(unit) + 0.5)
	}
	return int8(min(max(q, float64(low)), float64(high)))
}

// rounds is how often refine goes over a block: more rounds lessen the error of
// Q4_K by 0.2 %.
const rounds = 2

// refine moves scales and minima, then d and dmin, as long as that lessens the
// error.
func (f *fitter) refine(b *block) {
	best, least := *b, math.Inf(1)
	for range rounds {
		errors := 0.0
		for j := range f.numbers / f.sub {
			errors += f.move(b, j)
		}
		if !(errors < least) {
			break
		}
		best, least = *b, errors
		f.units(b)
	}
	*b = best
}

// move chooses scale j and its minimum among those a step away, sets the codes
// and returns the squared error.
func (f *fitter) move(b *block, j int) float64 {
	x, least := f.x[j*f.sub:][:f.sub], math.Inf(1)
	var codes, best [32]uint8
	scale, minimum := int(b.scales[j]), int(b.mins[j])
	for s := max(scale-1, f.low); s <= min(scale+1, f.high); s++ {
		for m := max(minimum-1, f.lowest()); m <= min(minimum+1, f.minimum); m++ {
			e := f.assign(&codes, x, b.d*float32(s), b.dmin*float32(m), least)
			if e < least {
				least, best = e, codes
				b.scales[j], b.mins[j] = int8(s), int8(m)
			}
		}
	}
	copy(b.codes[j*f.sub:][:f.sub], best[:])
	return least
}

// assign gives x the codes nearest to a line that the format holds and returns
// the squared error of what [layout.values] will make of them. It gives up when
// that exceeds enough.
func (l *layout) assign(codes *[32]uint8, x []float64, s, m float32, enough float64) (errors float64) {
	inverse := 0.0
	if s != 0 {
		inverse = 1 / float64(s)
	}
	g := l.grid()
	for i, v := range x {
		c := g.nearest(float64((v + float64(m)) * inverse))
		codes[i&31] = uint8(c)
		e := v - float64(float32(s*l.levels[c])-m)
		if errors += float64(e * e); errors > enough {
			break
		}
	}
	return errors
}

// units sets d and dmin to those of the least squared error for the block's
// whole numbers: x ≈ d·scale·level - dmin·min.
func (f *fitter) units(b *block) {
	var aa, ab, bb, xa, xb float64 // sums of products; a and b are what d and dmin stand before
	for j := range f.numbers / f.sub {
		x := f.x[j*f.sub:][:f.sub]
		t := sumOf(x)
		for i, v := range x {
			q := float64(f.levels[b.codes[j*f.sub+i]])
			t.q += q
			t.qq += float64(q * q)
			t.xq += float64(v * q)
		}
		s, m := float64(b.scales[j]), float64(b.mins[j])
		aa += float64(s * s * t.qq)
		ab += float64(s * m * t.q)
		bb += float64(m * m * t.n)
		xa += float64(s * t.xq)
		xb += float64(m * t.x)
	}
	det := float64(aa*bb) - float64(ab*ab)
	switch {
	case f.minimum > 0 && det > 0:
		b.d = half((float64(xa*bb) - float64(xb*ab)) / det)
		b.dmin = half((float64(xa*ab) - float64(xb*aa)) / det)
	case aa > 0:
		b.d = half((xa + float64(float64(b.dmin)*ab)) / aa)
	}
}

// power tries the powers of two that bring the largest number near the largest
// level of E2M1, whose levels are in order up to it.
func (f *fitter) power(b *block) {
	var top float64
	for _, v := range f.x[:f.numbers] {
		top = max(top, math.Abs(v))
	}
	_, exponent := math.Frexp(top) // top < 2^exponent; the largest level is 12
	least, g := math.Inf(1), f.grid()
	for e := exponent - 5; e <= exponent-3; e++ {
		trial, errors := block{d: powerOf(min(max(e+128, 0), 254)), scales: b.scales}, 0.0
		for i, v := range f.x[:f.numbers] {
			c := g.nearest(math.Abs(v) / float64(trial.d))
			delta := math.Abs(v) - float64(trial.d*f.levels[c])
			errors += float64(delta * delta)
			if v < 0 && c > 0 {
				c += 8
			}
			trial.codes[i] = uint8(c)
		}
		if errors < least {
			*b, least = trial, errors
		}
	}
}
