package balance

import (
	"math"

	"samovar/robot/estimate"
	"samovar/robot/mechanism"
)

// Phase is what the feet do.
type Phase int

// The phases: both feet carry; the weight goes to one of them; the other swings.
const (
	Double Phase = iota
	Shifting
	Swinging
)

// String returns the phase's name.
func (p Phase) String() string { return [...]string{"double", "shifting", "swinging"}[p] }

// place is where a sole stands: its middle and its heading.
type place struct {
	at      mechanism.Vector
	heading float64
}

// gait decides where the feet are and where the capture point is to be.
type gait struct {
	robot *estimate.Robot
	width float64 // between the middles of the soles, m

	phase    Phase
	foot     int     // that swings, or will
	since    float64 // s
	duration float64 // of the swing, s
	shift    float64 // of the shift of weight before it, s
	catching bool    // the step is because the robot would fall
	feet     [2]place
	turn     [2]mechanism.Quaternion // of the soles
	from     place
	fromTurn mechanism.Quaternion
	nominal  place            // where the step would end undisturbed
	to       place            // where it will
	shifted  mechanism.Vector // capture point when the phase began
	calm     float64          // for how long nothing had to be done, s
	offset   mechanism.Vector // of the reference from the middle of the feet, decays
	last     int              // the foot that stepped last
	floor    mechanism.Vector // its normal, as the soles say while they stand
	stepped  bool             // a foot has landed since both carried evenly

	hull, points []mechanism.Vector
	sole         [2][]mechanism.Vector // corners in the world
}

// Times of steps, s. A capture point runs away with a time constant of 0.25 s: a step
// that catches must be about as quick as drives allow.
const (
	shiftTime  = 0.5  // the weight goes to one foot
	shiftSpeed = 0.16 // or longer: m/s of the capture point meanwhile, on average
	swingTime  = 0.45 // of a step that was planned
	catchTime  = 0.28 // of one that catches
	braceTime  = 0.14 // before it, at most
	adaptTime  = 0.03 // in which the landing follows the capture point
	calmTime   = 0.4  // after which a robot that is not disturbed steps on
	settleTime = 0.25 // in which the reference returns to the middle after a step
	floorTime  = 1.0  // in which the soles' tilt is taken to be the floor's
)

// Lengths of steps, m; the robots are 1.3 m high, their legs 0.6 m long.
const (
	braced     = 0.03  // of the capture point inwards of the foot that stays: it may lift
	runaway    = 0.03  // beyond the soles: it must
	brink      = 0.008 // within the soles' edge, beyond which a capture point is not waited for
	steady     = 0.02  // of the capture point from where it is to be: nothing disturbs it
	press      = 0.006 // below the floor, where a swing ends
	clearance  = 0.05  // of a swinging sole above the floor
	stepLength = 0.2   // ahead, of a step that was planned
	longest    = 0.32  // of one that catches
	widest     = 0.12  // more than the stance is wide: ankles roll by some 0.25 rad
	narrowest  = 0.11  // between the middles of the soles
	tolerance  = 0.03  // feet nearer than that to where they shall be stay; 1 rad is 0.25 m
	turnLimit  = 0.35  // rad, of a foot against the other
	steepest   = 0.1   // of a floor that is stepped on, rad
)

func newGait(r *estimate.Robot) *gait {
	x := mechanism.NewState(r.Model)
	x.Update()
	left, _ := r.Legs[0].Pose(x)
	right, _ := r.Legs[1].Pose(x)
	n := len(r.Legs[0].Sole) + len(r.Legs[1].Sole)
	g := &gait{robot: r, width: left[1] - right[1], points: make([]mechanism.Vector, 0, n), hull: make([]mechanism.Vector, 0, 2*n)}
	for i := range g.sole {
		g.sole[i] = make([]mechanism.Vector, len(r.Legs[i].Sole))
	}
	return g
}

// side is 1 for the left foot, −1 for the right.
func side(foot int) float64 { return float64(1 - 2*foot) }

// see takes over where the feet are.
func (g *gait) see(x *mechanism.State) {
	for i := range g.feet {
		l := &g.robot.Legs[i]
		at, turn := l.Pose(x)
		g.feet[i], g.turn[i] = place{at, heading(turn)}, turn
		for k, p := range l.Sole {
			g.sole[i][k] = at.Add(turn.Rotate(p))
		}
	}
}

// middle is that of both feet.
func (g *gait) middle() place { return between(g.feet[0], g.feet[1]) }

func between(a, b place) place {
	return place{a.at.Add(b.at).Scale(0.5), a.heading + wrap(b.heading-a.heading)/2}
}

// beside returns where a foot stands when the other is at p.
func (g *gait) beside(p place, foot int) place {
	return place{p.at.Add(level(mechanism.Vector{0, side(foot) * g.width}, p.heading)), p.heading}
}

// support is the polygon of the feet that stand, shrunk by a margin about its
// corners' mean.
func (g *gait) support(swinging bool, margin float64) []mechanism.Vector {
	g.points = g.points[:0]
	for i := range g.sole {
		if !swinging || i != g.foot {
			g.points = append(g.points, g.sole[i]...)
		}
	}
	g.hull = mechanism.Hull(g.hull[:0], g.points)
	var mean mechanism.Vector
	for _, p := range g.hull {
		mean = mean.Add(p.Scale(1 / float64(len(g.hull))))
	}
	for k, p := range g.hull {
		d := p.Sub(mean)
		d[2] = 0
		g.hull[k] = p.Sub(d.Scale(min(1, margin/max(1e-9, d.Norm()))))
	}
	return g.hull
}

// state is what a gait goes by.
type state struct {
	dt      float64
	capture mechanism.Vector // the capture point
	wanted  mechanism.Vector // where it was to be
	omega   float64          // 1/s, of the pendulum
	load    [2]float64       // of the feet, as shares of the weight
	target  *Target
	origin  place // from which the target's mark counts
}

// advance moves the phases on.
func (g *gait) advance(s *state) {
	g.since += s.dt
	decay := math.Exp(-s.dt / settleTime)
	g.offset = g.offset.Scale(decay)
	switch g.phase {
	case Double:
		if g.hovers(s) {
			return
		}
		g.level(s)
		if g.calm += s.dt; math.Hypot(s.capture[0]-s.wanted[0], s.capture[1]-s.wanted[1]) > steady {
			g.calm = 0
		}
		if mechanism.Outside(g.support(false, brink), s.capture) > 0 {
			g.catch(s)
		} else if g.calm > calmTime {
			g.walk(s)
		}
	case Shifting:
		if g.catching {
			if g.brace(s) {
				g.lift(catchTime, true)
				g.adapt(s)
			}
			return
		}
		ready := math.Hypot(s.capture[0]-g.aim()[0], s.capture[1]-g.aim()[1]) < 0.02
		switch {
		case mechanism.Outside(g.support(false, brink), s.capture) > 0:
			g.catch(s)
		case g.since > g.shift && ready:
			g.lift(swingTime, false)
		case g.since > 2*g.shift:
			g.stand(s)
		}
	case Swinging:
		g.adapt(s)
		if g.landed(s) {
			g.last, g.stepped = g.foot, true
			g.stand(s)
		}
	}
}

// hovers reports whether the foot that was taken to have landed has no floor beneath
// it, and lets it go on down.
func (g *gait) hovers(s *state) bool {
	if !g.stepped || g.since < 0.06 || g.since > 0.4 || s.load[g.foot] > 0.03 {
		return false
	}
	g.from, g.fromTurn = g.feet[g.foot], g.turn[g.foot]
	g.to = g.reach(g.from, 2*longest)
	g.phase, g.since = Swinging, g.duration
	return true
}

// level follows the floor's normal: the mean of the soles' while both carry.
func (g *gait) level(s *state) {
	if min(s.load[0], s.load[1]) < 0.2 {
		return
	}
	up := g.turn[0].Rotate(mechanism.Vector{0, 0, 0.5}).Add(g.turn[1].Rotate(mechanism.Vector{0, 0, 0.5}))
	g.floor = g.floor.Add(up.Sub(g.floor).Scale(s.dt / floorTime))
	if tilt := math.Hypot(g.floor[0], g.floor[1]); tilt > steepest {
		g.floor[0], g.floor[1] = g.floor[0]*steepest/tilt, g.floor[1]*steepest/tilt
	}
}

// landed reports whether the swinging foot carries: late in its swing, near the floor,
// where what is felt of it is not its own acceleration.
func (g *gait) landed(s *state) bool {
	near := g.feet[g.foot].at[2] < g.to.at[2]+0.02
	return g.since > 0.75*g.duration && near && s.load[g.foot] > 0.2 || g.since > g.duration+0.2
}

// stand is both feet on the floor; the reference begins where the capture point is.
func (g *gait) stand(s *state) {
	g.phase, g.since, g.calm, g.catching = Double, 0, 0, false
	g.offset = s.capture.Sub(g.middle().at)
	g.offset[2] = 0
}

// aim is where the capture point goes before the foot lifts: over the other one, a
// little inwards.
func (g *gait) aim() mechanism.Vector {
	p := g.feet[1-g.foot]
	return p.at.Add(level(mechanism.Vector{0, side(g.foot) * 0.015}, p.heading))
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

// walk begins a step if a foot is not where it shall be.
func (g *gait) walk(s *state) {
	foot := 1 - g.last
	if !s.target.March {
		if g.away(s, g.last) > g.away(s, foot)+tolerance {
			foot = g.last
		}
		if g.away(s, foot) < tolerance {
			return
		}
	}
	g.foot, g.phase, g.since, g.shifted, g.catching = foot, Shifting, 0, s.capture, false
	way := g.aim().Sub(s.capture)
	g.shift = max(shiftTime, math.Hypot(way[0], way[1])/shiftSpeed)
	g.nominal = g.reach(g.goal(s, foot), stepLength)
	g.to = g.nominal
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

// catch begins a step to where the robot falls to. Of feet that stand one behind the
// other the rear one steps; else the one nearer to the capture point stays.
func (g *gait) catch(s *state) {
	m := g.middle()
	inside, _ := mechanism.Nearest(g.support(false, brink), s.capture)
	way := s.capture.Sub(inside)
	way[2] = 0
	stagger := g.feet[0].at.Sub(g.feet[1].at).Dot(way) / max(1e-6, way.Norm())
	across := level(s.capture.Sub(m.at), -m.heading)[1]
	g.foot = 0
	if stagger > 0.1 || stagger > -0.1 && (across > 0.005 || across > -0.005 && s.load[0] > s.load[1]) {
		g.foot = 1
	}
	g.phase, g.since, g.catching = Shifting, 0, true
	g.nominal = g.reach(g.beside(g.feet[1-g.foot], g.foot), longest)
	g.to = g.nominal
}

// brace reports whether it is time to lift the foot of a step that catches: first it
// pushes the robot over the other one, as people do before a step, as long as
// the capture point does not run away meanwhile.
func (g *gait) brace(s *state) bool {
	stance := g.feet[1-g.foot]
	across := side(g.foot) * level(s.capture.Sub(stance.at), -stance.heading)[1]
	return across < braced || g.since > braceTime || mechanism.Outside(g.support(false, 0), s.capture) > runaway
}

// push is the centre of pressure that does so: under the foot that will lift.
func (g *gait) push(pressure mechanism.Vector) mechanism.Vector {
	p := g.feet[g.foot]
	d := level(pressure.Sub(p.at), -p.heading)
	d[1] = side(g.foot) * 0.02
	return p.at.Add(level(d, p.heading))
}

func (g *gait) lift(duration float64, catching bool) {
	g.phase, g.since, g.duration, g.catching = Swinging, 0, duration, catching
	g.from, g.fromTurn = g.feet[g.foot], g.turn[g.foot]
	g.to = g.nominal
}

// left is the time until the foot lands, s.
func (g *gait) left() float64 { return max(0.05, g.duration-g.since) }

// end is where the capture point shall be when the foot lands: midway.
func (g *gait) end() mechanism.Vector { return between(g.nominal, g.feet[1-g.foot]).at }

// pressure is the centre of pressure under the standing foot which brings the
// capture point nearest to its end: ξ(T) = p + (ξ − p)·exp(ω·T), solved for p
// (Englsberger and others, IEEE Transactions on Robotics 31(2), 2015, section III).
func (g *gait) pressure(s *state) mechanism.Vector {
	e := math.Exp(s.omega * max(0.1, g.left()))
	p := g.end().Sub(s.capture.Scale(e)).Scale(1 / (1 - e))
	p, _ = mechanism.Nearest(g.support(true, 0.01), p)
	return p
}

// arrives is where the capture point will be when the foot lands.
func (g *gait) arrives(s *state) mechanism.Vector {
	p := g.pressure(s)
	return p.Add(s.capture.Sub(p).Scale(math.Exp(s.omega * g.left())))
}

// land is where the foot lands so that the capture point ends between the feet: of a
// step that catches midway, or where that is too far, nearer to the foot that lands.
func (g *gait) land(s *state) place {
	to, end := g.nominal, g.arrives(s)
	if !g.catching {
		off := end.Sub(g.end())
		off[2] = 0
		to.at = to.at.Add(off)
		return g.reach(to, longest)
	}
	stance := g.feet[1-g.foot]
	d := level(end.Sub(stance.at), -stance.heading)
	share := min(0.95, max(0.5, math.Abs(d[0])/longest))
	to.at = stance.at.Add(level(d.Scale(1/share), stance.heading))
	return g.reach(to, longest)
}

// adapt moves the landing while there is time to, and not by leaps: what is
// estimated of the capture point trembles.
func (g *gait) adapt(s *state) {
	if g.duration-g.since < 0.06 {
		return
	}
	to, k := g.land(s), s.dt/(s.dt+adaptTime)
	if g.since == 0 {
		k = 1
	}
	g.to.at = g.to.at.Add(to.at.Sub(g.to.at).Scale(k))
	g.to.heading += k * wrap(to.heading-g.to.heading)
}

// swing is where the swinging sole is to be, how it moves and accelerates, and its
// orientation with its angular velocity.
func (g *gait) swing() (at, velocity, acceleration mechanism.Vector, turn mechanism.Quaternion, angular mechanism.Vector) {
	t := g.since / g.duration
	k, k1, k2 := ease(t / 0.9) // it is over its place a little before it lands
	k1, k2 = k1/0.9/g.duration, k2/0.81/g.duration/g.duration
	way := g.to.at.Sub(g.from.at)
	at = g.from.at.Add(way.Scale(k))
	velocity, acceleration = way.Scale(k1), way.Scale(k2)
	// Up and down as 16·t²·(1−t)², which begins and ends at rest, and a little below
	// the floor, so that it lands in time.
	at[2] -= press * k
	velocity[2] -= press * k1
	acceleration[2] -= press * k2
	if t < 1 {
		h := clearance * 16 / g.duration
		at[2] += clearance * 16 * t * t * (1 - t) * (1 - t)
		velocity[2] += h * 2 * t * (1 - t) * (1 - 2*t)
		acceleration[2] += h / g.duration * 2 * (1 - 6*t + 6*t*t)
	} else {
		at[2] -= 0.15 * (g.since - g.duration) // the floor is lower than it was thought to be
		velocity[2] = -0.15                    // the leg reaches for it
	}
	up := g.floor
	flat := mechanism.Exp(mechanism.Vector{0, 0, 1}.Cross(up)).Mul(mechanism.Turn(mechanism.Vector{0, 0, 1}, g.to.heading))
	arc := flat.Mul(g.fromTurn.Conjugate()).Vector()
	return at, velocity, acceleration, mechanism.Exp(arc.Scale(k)).Mul(g.fromTurn), arc.Scale(k1)
}
