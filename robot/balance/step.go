package balance

import (
	"math"

	"samovar/robot/mechanism"
)

// Lengths of steps, m; the robots are 1.3 m high, their legs 0.6 m long.
const (
	pushing     = 0.9   // of the way from the foot that stays to the one that will lift: the pressure before; the former keeps its hold
	steady      = 0.02  // of the capture point from where it is to be: nothing disturbs it
	press       = 0.02  // below the floor, where a swing ends
	stepLength  = 0.2   // ahead, of a step that was planned
	widest      = 0.12  // more than the stance is wide: ankles roll by some 0.25 rad
	narrowest   = 0.11  // between the middles of the soles
	tolerance   = 0.03  // feet nearer than that to where they shall be stay; 1 rad is 0.25 m
	brink       = 0.015 // beyond the soles' edge, where a capture point is not waited for: as far as hips bring it back
	leaning     = 0.35  // rad, of the trunk: hips that have bent more than that let a step follow, where
	leaningRoom = 0.02  // is left to the capture point
	runaway     = 0.03  // beyond the soles: the foot must lift
	braced      = 0.045 // of the capture point inwards of the foot that stays: it may lift
	clearance   = 0.05  // of a swinging sole above the floor
	longest     = 0.32  // of a step that catches
	midway      = 0.65  // share of such a step at whose end the capture point is
	ending      = 0.8   // where between the feet the capture point is when one lands: a push outwards must leave it within the other
	roomy       = 0.005 // within the soles: a robot that stops may keep its capture point there, and
	creeps      = 0.06  // m/s, bring it back
	disturbed   = 0.05  // of the capture point's end: the step catches
	straight    = 0.3   // of a step, ahead: from this length on it is as wide as the capture point asks for alone
	turnLimit   = 0.35  // rad, of a foot against the other
	reaching    = 0.4   // m/s, of a leg that reaches for the floor
	steepest    = 0.1   // of a floor that is stepped on, rad
)

// How quick a foot is: on average over a step, m/s; of a step on the spot, s; and by how
// much the leg is behind what it is led by, s.
const (
	fastestSwing  = 1.2
	quickestSwing = 0.22
	lag           = 0.04
)

// aim is where the capture point is to be when the foot lifts: from there the pendulum
// about the middle of the foot that stands carries it to its end.
func (g *gait) aim(omega float64) mechanism.Vector {
	p := g.feet[1-g.foot].at
	return p.Add(g.end().Sub(p).Scale(math.Exp(-omega * swingTime)))
}

// goal is where a foot shall stand.
func (g *gait) goal(s *state, foot int) place {
	t := s.target
	at := s.origin.at.Add(level(mechanism.Vector{t.Mark[0], t.Mark[1]}, s.origin.heading))
	turn := s.origin.heading + t.Heading
	return place{at.Add(level(mechanism.Vector{0, side(foot) * g.width / 2}, turn)), turn}
}

// away is how far a foot is from where it shall stand, m; 1 rad is 0.25 m.
func (g *gait) away(s *state, foot int) float64 {
	goal := g.goal(s, foot)
	d := goal.at.Sub(g.feet[foot].at)
	return math.Hypot(d[0], d[1]) + math.Abs(wrap(goal.heading-g.feet[foot].heading))/4
}

// reach brings a place for the foot that swings to where the leg reaches.
func (g *gait) reach(p place, length float64) place {
	stance := g.feet[1-g.foot]
	d := level(p.at.Sub(stance.at), -stance.heading)
	d[0] = min(length, max(-length, d[0]))
	d[1] = side(g.foot) * min(g.width+widest, max(narrowest, side(g.foot)*d[1]))
	turn := min(turnLimit, max(-turnLimit, wrap(p.heading-stance.heading)))
	at := stance.at.Add(level(d, stance.heading))
	at[2] = stance.at[2] - (g.floor[0]*(at[0]-stance.at[0])+g.floor[1]*(at[1]-stance.at[1]))/g.floor[2]
	return place{at, stance.heading + turn}
}

// end is where the capture point shall be when the foot lands: between the feet.
func (g *gait) end() mechanism.Vector {
	p := g.feet[1-g.foot].at
	return p.Add(g.nominal.at.Sub(p).Scale(ending))
}

// pressure is the centre of pressure under the standing foot which brings the
// capture point nearest to its end: ξ(T) = p + (ξ − p)·exp(ω·T), solved for p
// (Englsberger and others, IEEE Transactions on Robotics 31(2), 2015, section III).
func (g *gait) pressure(s *state) mechanism.Vector {
	e := math.Exp(s.omega * max(0.1, g.left))
	p := g.end().Sub(s.capture.Scale(e)).Scale(1 / (1 - e))
	p, _ = mechanism.Nearest(g.support(true, 0.01), p)
	return p
}

// arrives is where the capture point will be when the foot lands.
func (g *gait) arrives(s *state) mechanism.Vector {
	p := g.pressure(s)
	return p.Add(s.capture.Sub(p).Scale(math.Exp(s.omega * max(0.05, g.left))))
}

// land is where the foot lands so that the capture point ends between the feet. A step
// that was planned is moved by as much as the capture point is; one that catches ends
// with it midway, or where that is too far nearer to the foot that lands, ahead and across
// alike: between feet one behind the other there is no more room than a sole is long.
func (g *gait) land(s *state) place {
	to, end := g.nominal, g.arrives(s)
	if !g.catching {
		off := end.Sub(g.end())
		off[2] = 0
		to.at = to.at.Add(off)
		g.catching = off.Norm() > disturbed
		return g.reach(to, longest)
	}
	stance := g.feet[1-g.foot]
	d := level(end.Sub(stance.at), -stance.heading)
	share := min(0.95, max(midway, math.Abs(d[0])/longest))
	d[0] /= share
	d[1] = side(g.foot) * max(side(g.foot)*d[1]/share, g.width*(1-math.Abs(d[0])/straight))
	to.at = stance.at.Add(level(d, stance.heading))
	return g.reach(to, longest)
}

// adapt moves the landing while there is time to, and not by leaps: what is
// estimated of the capture point trembles.
func (g *gait) adapt(s *state) {
	if g.left < 0.06 {
		return
	}
	g.hasten(s)
	to, k := g.land(s), s.dt/(s.dt+adaptTime)
	g.to.at = g.to.at.Add(to.at.Sub(g.to.at).Scale(k))
	g.to.heading += k * wrap(to.heading-g.to.heading)
}

// hasten lets the foot land sooner where the capture point would run farther than
// the leg reaches (Khadiv and others, IEEE-RAS Humanoids 2016, section III: timing of
// steps is what keeps the capture point within reach), as far as the leg is quick enough.
func (g *gait) hasten(s *state) {
	left := g.left
	for g.left > g.soonest() && g.beyond(s) > 0 {
		g.left -= 0.01
	}
	g.left = max(g.left, min(left, g.soonest()))
}

// soonest is the time in which the foot can be where it is to land, s.
func (g *gait) soonest() float64 {
	way := g.to.at.Sub(g.feet[g.foot].at)
	return max((1-g.part)*quickestSwing, math.Hypot(way[0], way[1])/fastestSwing)
}

// beyond is by how much the capture point will have run out of the leg's reach when the foot lands, m.
func (g *gait) beyond(s *state) float64 {
	stance := g.feet[1-g.foot]
	d := level(g.arrives(s).Sub(stance.at), -stance.heading)
	ahead := max(0, math.Abs(d[0])-longest)
	across := max(0, side(g.foot)*d[1]-g.width-widest)
	return math.Hypot(ahead, across)
}

// swing is where the swinging sole is to be and how it moves, and its orientation with
// its angular velocity.
func (g *gait) swing() (at, velocity mechanism.Vector, turn mechanism.Quaternion, angular mechanism.Vector) {
	rate := 1 / max(g.left/max(1-g.part, 1e-3), 0.05) // 1/s
	k, k1, _ := ease((g.part + lag*rate) / 0.9)       // it is over its place a little before it lands
	t := min(1, g.part+lag*rate)
	k1 *= rate / 0.9
	way := g.to.at.Sub(g.from.at)
	at, velocity = g.from.at.Add(way.Scale(k)), way.Scale(k1)
	// Up and down as 16·t²·(1−t)², which begins and ends at rest, and a little below
	// the floor, so that it lands in time.
	down, down1, _ := ease(2*t - 1)
	at[2] -= press * down
	velocity[2] -= press * 2 * rate * down1
	if t < 1 {
		const h = 16 * clearance
		at[2] += h * t * t * (1 - t) * (1 - t)
		velocity[2] += h * rate * 2 * t * (1 - t) * (1 - 2*t)
	} else {
		at[2] -= reaching * (g.over + max(0, lag-g.left)) // the floor is lower than it was thought to be
		velocity[2] = -reaching
	}
	up := g.floor
	flat := mechanism.Exp(mechanism.Vector{0, 0, 1}.Cross(up)).Mul(mechanism.Turn(mechanism.Vector{0, 0, 1}, g.to.heading))
	arc := flat.Mul(g.fromTurn.Conjugate()).Vector()
	return at, velocity, mechanism.Exp(arc.Scale(k)).Mul(g.fromTurn), arc.Scale(k1)
}
