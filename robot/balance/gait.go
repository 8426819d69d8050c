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

// footing is where a sole was, and how it was turned.
type footing struct {
	at   mechanism.Vector
	turn mechanism.Quaternion
}

// gait decides where the feet are and where the capture point is to be.
type gait struct {
	robot *estimate.Robot
	width float64 // between the middles of the soles, m

	phase    Phase
	foot     int     // that swings, or will
	since    float64 // s, in the phase
	left     float64 // s, until the swing ends
	part     float64 // of the swing that is done
	over     float64 // s, since it should have ended
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
	settle   float64          // in which it does, s
	last     int              // the foot that stepped last
	floor    mechanism.Vector // its normal, as the soles say while they stand
	stepped  bool             // a foot has landed since both carried evenly
	empty    float64          // for how long the foot that stepped has not carried what it was to, s
	held     [2]footing       // where the feet were when they last carried

	hull, points []mechanism.Vector
	sole         [2][]mechanism.Vector // corners in the world
}

// Times of steps, s. A capture point runs away with a time constant of 0.25 s: a step
// that catches must be about as quick as drives allow.
const (
	shiftTime  = 0.3  // the weight goes to one foot
	shiftSpeed = 0.2  // or longer: m/s of the capture point meanwhile, on average
	swingTime  = 0.36 // of a step that was planned: the longer, the nearer to the foot that stays, and to its outer edge, the capture point begins
	catchTime  = 0.36 // of one that catches: were it quicker, the trunk could not take what the leg gains
	braceTime  = 0.14 // before it, at most
	adaptTime  = 0.03 // in which the landing follows the capture point
	calmTime   = 0.4  // after which a robot that is not disturbed steps on
	settleTime = 0.25 // in which the reference returns to the middle after a step
	carries    = 0.12 // share of the weight from which the floor holds a foot
	floorTime  = 1.0  // in which the soles' tilt is taken to be the floor's
	righting   = 0.3  // after landing, in which a trunk that leans may come back
	toppling   = 0.3  // rad/s: one that leans on by more does not
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

// abreast reports whether the feet are beside each other.
func (g *gait) abreast() bool {
	to := g.beside(g.feet[1], 0).at.Sub(g.feet[0].at)
	return math.Hypot(to[0], to[1]) < besides
}

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
	asked   [2]float64       // likewise, that was asked of them
	lean    float64          // by which the base will soon be off, rad
	leans   float64          // by which it is more until then, rad/s
	target  *Target
	origin  place // from which the target's mark counts
}

// advance moves the phases on.
func (g *gait) advance(s *state) {
	g.since += s.dt
	g.settle = g.settles(s)
	g.offset = g.offset.Scale(math.Exp(-s.dt / g.settle))
	for i := range g.held {
		if s.load[i] > carries || g.since == s.dt || g.phase == Swinging && g.foot == i {
			g.held[i] = footing{g.feet[i].at, g.turn[i]}
		}
	}
	switch g.phase {
	case Double:
		if g.hovers(s) {
			return
		}
		g.level(s)
		if g.calm += s.dt; math.Hypot(s.capture[0]-s.wanted[0], s.capture[1]-s.wanted[1]) > steady {
			g.calm = 0
		}
		if g.falls(s) {
			g.catch(s)
		} else if g.calm > calmTime && !s.target.Stay {
			g.walk(s)
		}
	case Shifting:
		if g.catching {
			if g.brace(s) {
				g.lift(catchTime, true)
				g.to = g.land(s)
			}
			return
		}
		ready := math.Hypot(s.capture[0]-g.aim(s.omega)[0], s.capture[1]-g.aim(s.omega)[1]) < 0.02
		switch {
		case g.falls(s):
			g.catch(s)
		case g.since > g.shift && ready:
			g.lift(swingTime, false)
		case g.since > 2*g.shift:
			g.stand(s)
		}
	case Swinging:
		g.adapt(s)
		g.part += (1 - g.part) * min(1, s.dt/max(g.left, s.dt))
		g.left = max(0, g.left-s.dt)
		if g.left == 0 {
			g.over += s.dt
		}
		if g.landed(s) {
			g.last, g.stepped = g.foot, true
			g.stand(s)
		}
	}
}

// settles is the time in which the reference returns to the middle, s: a robot that has been
// stopped takes longer, so that it is at rest at once, where it has room to.
func (g *gait) settles(s *state) float64 {
	if s.target.Stay && mechanism.Room(g.support(false, 0), s.capture) > roomy {
		return max(settleTime, g.offset.Norm()/creeps)
	}
	return settleTime
}

// falls reports whether only a step helps: the capture point has left the soles, or is
// about to while the hips have bent as far as they are to.
func (g *gait) falls(s *state) bool {
	room := mechanism.Room(g.support(false, 0), s.capture)
	bends := g.phase == Shifting || !g.stepped || g.since > righting || s.leans > toppling
	return room < -brink || bends && s.lean > leaning && room < leaningRoom
}

// hovers reports whether the foot that was taken to have landed has no floor beneath
// it, and lets it go on down.
func (g *gait) hovers(s *state) bool {
	g.empty += s.dt
	if s.load[g.foot] > 0.03 || s.asked[g.foot] < 0.15 {
		g.empty = 0
	}
	if !g.stepped || g.since > 0.4 || g.empty < 0.03 {
		return false
	}
	g.empty = 0
	g.from, g.fromTurn = g.feet[g.foot], g.turn[g.foot]
	g.to = g.reach(g.from, 2*longest)
	g.phase, g.since, g.left, g.part, g.over = Swinging, 0, 0, 1, 0
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

// landed reports whether the swinging foot carries: late in its swing, or plainly before,
// and near the floor, where what is felt of it is not its own acceleration.
func (g *gait) landed(s *state) bool {
	near := g.feet[g.foot].at[2] < g.to.at[2]+0.02
	carries := g.part > 0.75 && s.load[g.foot] > 0.2 || g.part > 0.4 && s.load[g.foot] > 0.3
	return near && carries || g.over > 0.2
}

// stand is both feet on the floor; the reference begins where the capture point is.
func (g *gait) stand(s *state) {
	g.phase, g.since, g.calm, g.catching = Double, 0, 0, false
	g.offset = s.capture.Sub(g.middle().at)
	g.offset[2] = 0
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
	g.nominal = g.reach(g.goal(s, foot), stepLength)
	g.to = g.nominal
	way := g.aim(s.omega).Sub(s.capture)
	g.shift = max(shiftTime, math.Hypot(way[0], way[1])/shiftSpeed)
}

// catch begins a step to where the robot falls to: with the foot after whose step the
// capture point will be within reach. Where both would do, it is the rear one of feet
// that stand one behind the other; else the one nearer to the capture point stays.
func (g *gait) catch(s *state) {
	m := g.middle()
	inside, _ := mechanism.Nearest(g.support(false, -brink), s.capture)
	way := s.capture.Sub(inside)
	way[2] = 0
	stagger := g.feet[0].at.Sub(g.feet[1].at).Dot(way) / max(1e-6, way.Norm())
	across := level(s.capture.Sub(m.at), -m.heading)[1]
	g.foot = 0
	if stagger > 0.1 || stagger > -0.1 && (across > 0.005 || across > -0.005 && s.load[0] > s.load[1]) {
		g.foot = 1
	}
	if left, right := g.forecast(s, 0), g.forecast(s, 1); left < right-0.01 {
		g.foot = 0
	} else if right < left-0.01 {
		g.foot = 1
	}
	g.phase, g.since, g.catching = Shifting, 0, true
	g.nominal = g.reach(g.beside(g.feet[1-g.foot], g.foot), longest)
	g.to = g.nominal
}

// forecast is by how much the capture point will be out of a foot's reach when it has
// stepped, m. Meanwhile pressure is where it brakes most: under that foot while it
// braces, then at the edge of the other's sole.
func (g *gait) forecast(s *state, foot int) float64 {
	stance, in := g.feet[1-foot], side(foot)
	x := level(s.capture.Sub(stance.at), -stance.heading)
	across := in * x[1]
	out := pushing * in * level(g.feet[foot].at.Sub(stance.at), -stance.heading)[1]
	brace := 0.0
	if across > braced {
		brace = braceTime
		if out > across {
			brace = min(brace, math.Log((out-braced)/(out-across))/s.omega)
		}
		across = out - (out-across)*math.Exp(s.omega*brace)
	}
	half := g.robot.Legs[1-foot].Half
	run := func(at, edge, time float64) float64 {
		p := min(edge, max(-edge, at))
		return p + (at-p)*math.Exp(s.omega*time)
	}
	ahead := run(x[0], half[0], brace+catchTime)
	across = run(across, half[1], catchTime)
	return math.Hypot(max(0, math.Abs(ahead)-longest), max(0, across-g.width-widest, -across-half[1]))
}

// brace reports whether it is time to lift the foot of a step that catches: first it
// pushes the robot over the other one, as people do before a step, as long as
// the capture point does not run away meanwhile.
func (g *gait) brace(s *state) bool {
	stance := g.feet[1-g.foot]
	across := side(g.foot) * level(s.capture.Sub(stance.at), -stance.heading)[1]
	return across < braced || g.since > braceTime || mechanism.Outside(g.support(false, 0), s.capture) > runaway
}

// push is the centre of pressure that does so: almost all under the foot that will
// lift. The other one keeps its hold.
func (g *gait) push(pressure mechanism.Vector) mechanism.Vector {
	p, stance := g.feet[g.foot], g.feet[1-g.foot]
	d := level(pressure.Sub(stance.at), -stance.heading)
	d[1] = pushing * level(p.at.Sub(stance.at), -stance.heading)[1]
	return stance.at.Add(level(d, stance.heading))
}

func (g *gait) lift(duration float64, catching bool) {
	g.phase, g.since, g.catching = Swinging, 0, catching
	g.left, g.part, g.over = duration, 0, 0
	g.from, g.fromTurn = g.feet[g.foot], g.turn[g.foot]
	g.to = g.nominal
}

// aloft goes on with a foot that is in the air: it lands about where it is, and is as far on its
// way down as it is high.
func (g *gait) aloft(foot int) {
	g.foot = foot
	g.nominal = g.reach(g.beside(g.feet[1-foot], foot), longest)
	g.lift(catchTime, true)
	g.to = g.reach(g.from, longest)
	high := min(1, max(0, (g.from.at[2]-g.to.at[2])/clearance))
	g.part = (1 + math.Sqrt(1-math.Sqrt(high))) / 2 // of swing: 16·t²·(1−t)² = high
	g.left *= 1 - g.part
}
