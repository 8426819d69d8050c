package balance

import (
	"fmt"
	"math"

	"samovar/robot/estimate"
	"samovar/robot/mechanism"
	"samovar/robot/quadprog"
)

// wrench is a force, N, and a moment, Nm.
type wrench struct{ force, moment mechanism.Vector }

func (w wrench) sub(v wrench) wrench {
	return wrench{w.force.Sub(v.force), w.moment.Sub(v.moment)}
}

// Rows of constraints of a foot before the edges of its sole: friction along two
// axes, turning on the spot, load.
const (
	friction = iota
	spinning = friction + 4
	loading  = spinning + 8
	edges    = loading + 1
)

// forces distributes what is to act on the robot to the feet that stand.
type forces struct {
	robot   *estimate.Robot
	solvers [2]*quadprog.Solver // of one foot, of two
	problem [2]quadprog.Problem
	rows    [2]int // of each foot
	g       []float64

	on [2]wrench // result: on each sole, about its middle, world's axes
	// sum is the result about the centre of mass.
	sum wrench
}

// Limits of contact. The friction is the least that is expected; the edge keeps the
// centre of pressure away from where a foot tips.
const (
	edge  = 0.008 // m
	least = 15.0  // N, on each foot that stands: one without load wanders off
	// The same where the capture point has no room: 15 N on a foot 0.25 m away from an edge cost it 12 mm.
	edgeSlack  = 0.003
	leastSlack = 2.0
	grip       = 0.5
	twist      = 0.02 // m: moment on the spot per load, of a sole of 0.19 by 0.08 m with this friction
)

// Weights: a force as 1, a moment per metre, and what keeps the problem strictly
// convex and spreads the load.
const (
	liftWeight = 6.0 // of the force upwards: falling is no way to get a moment
	turnWeight = 2.0 // of a moment about level axes: the more it is given up, the more the hips do
	spinWeight = 2.0 // of one about the vertical
	turnSwing  = 1.0 // likewise on one foot, which also has to bear what the swinging leg gains
	spinSwing  = 0.3
	forceCost  = 1e-4
	momentCost = 1e-2
)

func newForces(r *estimate.Robot) (*forces, error) {
	f := &forces{robot: r, g: make([]float64, 6*12)}
	for k := range f.solvers {
		m := 0
		for i := range k + 1 {
			f.rows[i] = edges + len(r.Legs[i].Sole)
			m += f.rows[i]
		}
		if k == 0 {
			m = max(f.rows[0], edges+len(r.Legs[1].Sole))
		}
		n := 6 * (k + 1)
		var err error
		if f.solvers[k], err = quadprog.New(n, m); err != nil {
			return nil, err
		}
		p := quadprog.Problem{H: make([]float64, n*n), G: make([]float64, n), C: make([]float64, m*n), Lower: make([]float64, m), Upper: make([]float64, m)}
		for i := range p.Upper {
			p.Upper[i] = math.Inf(1)
		}
		f.problem[k] = p
	}
	return f, nil
}

// distribute finds the wrenches of the feet whose sum about the centre of mass is
// nearest to want. most is the load that each may carry, N; 0: it does not stand. slack
// from 0 to 1 gives up reserves that keep a foot from tipping and wandering off.
func (f *forces) distribute(x *mechanism.State, want wrench, most [2]float64, slack float64) error {
	var feet [2]int
	n := 0
	for i, m := range most {
		f.on[i] = wrench{}
		if m > 0 {
			feet[n] = i
			n++
		}
	}
	f.sum = wrench{}
	if n == 0 {
		return nil
	}
	p, s := &f.problem[n-1], f.solvers[n-1]
	clear(p.C)
	for i := range p.Lower {
		p.Lower[i] = math.Inf(-1)
	}
	row := 0
	for k, i := range feet[:n] {
		f.column(x, i, k, 6*n)
		row = f.constrain(p, &f.robot.Legs[i], row, k, 6*n, most[i], slack)
	}
	f.weigh(p, want, 6*n)
	if err := s.Solve(p); err != nil {
		return fmt.Errorf("distribute forces to %d feet: %w", n, err)
	}
	for k, i := range feet[:n] {
		_, level := f.robot.Legs[i].Pose(x)
		f.on[i] = wrench{level.Rotate(mechanism.Vector(s.X[6*k:])), level.Rotate(mechanism.Vector(s.X[6*k+3:]))}
	}
	for r := range 3 {
		for c := range s.X {
			f.sum.force[r] += f.g[r*6*n+c] * s.X[c]
			f.sum.moment[r] += f.g[(3+r)*6*n+c] * s.X[c]
		}
	}
	return nil
}

// column fills the six columns of a foot: its wrench in the sole's axes to that
// about the centre of mass in the world's.
func (f *forces) column(x *mechanism.State, foot, k, n int) {
	middle, level := f.robot.Legs[foot].Pose(x)
	arm := middle.Sub(x.CentreOfMass())
	for c := range 3 {
		var axis mechanism.Vector
		axis[c] = 1
		axis = level.Rotate(axis)
		turn := arm.Cross(axis)
		for r := range 3 {
			f.g[r*n+6*k+c], f.g[r*n+6*k+3+c] = axis[r], 0
			f.g[(3+r)*n+6*k+c], f.g[(3+r)*n+6*k+3+c] = turn[r], axis[r]
		}
	}
}

// constrain writes a foot's rows.
func (f *forces) constrain(p *quadprog.Problem, l *estimate.Leg, row, k, n int, most, slack float64) int {
	at := func(r, c int) *float64 { return &p.C[(row+r)*n+6*k+c] }
	for r := range 4 {
		*at(friction+r, r/2) = float64(1 - 2*(r%2))
		*at(friction+r, 2) = grip / math.Sqrt2
		p.Lower[row+friction+r] = 0
	}
	// A foot turns on the spot where friction at its corners does not hold it, more
	// easily the nearer to an edge it is loaded (Caron and others, ICRA 2015,
	// equation 15, of a rectangle).
	across, along := l.Half[1], l.Half[0]
	for r := range 8 {
		sign := func(bit int) float64 { return float64(1 - 2*(r>>bit&1)) }
		s, a, b := sign(0), sign(1), sign(2)
		*at(spinning+r, 5) = -s
		*at(spinning+r, 2) = grip * (along + across)
		*at(spinning+r, 0), *at(spinning+r, 3) = a*across, s*a*grip
		*at(spinning+r, 1), *at(spinning+r, 4) = b*along, s*b*grip
		p.Lower[row+spinning+r] = 0
	}
	*at(loading, 2) = 1
	p.Lower[row+loading], p.Upper[row+loading] = min(least+slack*(leastSlack-least), 0.5*most), most
	for r, a := range l.Sole {
		b := l.Sole[(r+1)%len(l.Sole)]
		dx, dy := b[0]-a[0], b[1]-a[1]
		long := math.Hypot(dx, dy)
		*at(edges+r, 3), *at(edges+r, 4) = dx/long, dy/long
		*at(edges+r, 2) = (dy*a[0]-dx*a[1])/long - edge - slack*(edgeSlack-edge)
		p.Lower[row+edges+r] = 0
	}
	return row + edges + len(l.Sole)
}

// weigh writes the function: the squared distance to what is wanted.
func (f *forces) weigh(p *quadprog.Problem, want wrench, n int) {
	target := [6]float64{want.force[0], want.force[1], want.force[2], want.moment[0], want.moment[1], want.moment[2]}
	turn, spin := turnWeight, spinWeight
	if n == 6 { // a leg swings
		turn, spin = turnSwing, spinSwing
	}
	weight := [6]float64{1, 1, liftWeight, turn, turn, spin}
	for i := range n {
		p.G[i] = 0
		for r := range 6 {
			p.G[i] -= weight[r] * f.g[r*n+i] * target[r]
		}
		for j := range i + 1 {
			sum := 0.0
			for r := range 6 {
				sum += weight[r] * f.g[r*n+i] * f.g[r*n+j]
			}
			if i == j && i%6 < 3 {
				sum += forceCost
			} else if i == j {
				sum += momentCost
			}
			p.H[i*n+j], p.H[j*n+i] = sum, sum
		}
	}
}
