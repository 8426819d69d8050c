package balance

import (
	"math"

	"samovar/robot/estimate"
	"samovar/robot/mechanism"
)

// limb leads the joints of a leg that swings: where they are to be so that the sole is
// where the gait wants it, seen from where the base is.
type limb struct {
	robot *estimate.Robot
	x     *mechanism.State // the robot, with the leg as it is to be
	reach float64          // from hip to ankle, m
	work  []float64
	moved bool       // there is a solution to go on from
	base  [6]float64 // its velocity, filtered
	// solved are the joints of the solution, offset is how far the command is off it.
	solved, offset [6]float64

	positions, velocities, accelerations [6]float64
	ahead                                [6]float64 // of the accelerations, what the motion itself asks for
}

// Gains of joints that swing, 1/s² and 1/s, and what is asked of them at most: all that
// a leg gains turns the trunk the other way.
const (
	limbP     = 90.0
	limbD     = 9.0
	hardest   = 80.0  // rad/s²: a step of 0.3 m in 0.36 s takes 30 of a hip
	quickest  = 14.0  // rad/s
	leastBent = 0.2   // rad, of a knee: nearer to straight, a foot's way is a long one for its joints
	smooth    = 0.008 // s, of the acceleration ahead
	steadies  = 0.1   // s, of the base's velocity, which the leg would shake by following it
	joining   = 0.02  // s, in which the joints go from where they are to where the swing begins
	slows     = 0.97  // of the reach, from where on the foot does not go farther
)

func newLimb(r *estimate.Robot, reach float64) *limb {
	return &limb{robot: r, x: mechanism.NewState(r.Model), reach: reach, work: make([]float64, 6*r.Model.NV)}
}

// rests forgets the leg: it stands.
func (m *limb) rests() { m.moved = false }

// lead finds where joints are to be, how fast, and with which acceleration, which the
// whole body has to know of.
func (m *limb) lead(now *mechanism.State, g *gait, dt float64) {
	l, x := &m.robot.Legs[g.foot], m.x
	copy(x.Q, now.Q)
	clear(x.V)
	k := dt / (dt + steadies)
	if !m.moved {
		k = 1
	}
	for c := range m.base {
		m.base[c] += k * (now.V[m.robot.V+c] - m.base[c])
	}
	copy(x.V[m.robot.V:], m.base[:])
	if m.moved {
		for row, i := range l.Joints {
			x.Q[m.robot.Joints[i].Q] = m.solved[row]
		}
	}
	x.Update()
	at, velocity, turn, rate := g.swing()
	var inverse [36]float64
	for range 2 {
		sole, level := l.Pose(x)
		l.Inverse(&inverse, x, sole, m.work)
		m.step(x, l, &inverse, m.within(x, l, at.Sub(sole)), turn.Mul(level.Conjugate()).Vector())
	}
	sole, _ := l.Pose(x)
	angular, linear := x.Velocity(l.Body, sole) // with the base, its joints at rest
	rate, velocity = rate.Sub(angular), m.inwards(x, l, velocity.Sub(linear))
	for row, i := range l.Joints {
		j := &m.robot.Joints[i]
		v := mechanism.Vector(inverse[6*row:]).Dot(rate) + mechanism.Vector(inverse[6*row+3:]).Dot(velocity)
		v = min(quickest, max(-quickest, v))
		if !m.moved {
			m.velocities[row], m.ahead[row] = v, 0
			m.offset[row] = now.Q[j.Q] - x.Q[j.Q]
		}
		m.offset[row] *= math.Exp(-dt / joining)
		change := (v - m.velocities[row]) / dt
		a := m.ahead[row] + (change-m.ahead[row])*dt/(dt+smooth)
		m.ahead[row] = min(hardest, max(-hardest, a))
		m.solved[row] = x.Q[j.Q]
		m.positions[row], m.velocities[row] = x.Q[j.Q]+m.offset[row], v
		a = m.ahead[row] + limbP*(m.positions[row]-now.Q[j.Q]) + limbD*(v-now.V[j.V])
		m.accelerations[row] = min(hardest, max(-hardest, a))
	}
	m.moved = true
}

// step brings the leg nearer to where it is to be (Newton's method, damped near a
// straight knee).
func (m *limb) step(x *mechanism.State, l *estimate.Leg, inverse *[36]float64, way, turn mechanism.Vector) {
	const farthest, margin = 0.3, 0.03 // rad: of one step; from the end of a range
	for row, i := range l.Joints {
		j, r := &m.robot.Joints[i], m.robot.Info.Joints[i].Range
		low, high := r[0]+margin, r[1]-margin
		if row == knee {
			low = max(low, leastBent)
		}
		d := mechanism.Vector(inverse[6*row:]).Dot(turn) + mechanism.Vector(inverse[6*row+3:]).Dot(way)
		x.Q[j.Q] = min(high, max(low, x.Q[j.Q]+min(farthest, max(-farthest, d))))
	}
	x.Update()
}

// jointOf is where a joint of a leg is.
func jointOf(r *estimate.Robot, x *mechanism.State, l *estimate.Leg, row int) mechanism.Vector {
	j := &r.Model.Joints[r.Joints[l.Joints[row]].Index]
	return x.Point(j.Body, j.Position)
}

// span is the way from the hip to the ankle.
func (m *limb) span(x *mechanism.State, l *estimate.Leg) mechanism.Vector {
	return jointOf(m.robot, x, l, ankle).Sub(jointOf(m.robot, x, l, hip))
}

// within cuts the way to a place that the leg reaches.
func (m *limb) within(x *mechanism.State, l *estimate.Leg, way mechanism.Vector) mechanism.Vector {
	to := m.span(x, l).Add(way)
	return way.Sub(to.Scale(max(0, 1-m.reach/math.Max(1e-6, to.Norm()))))
}

// inwards takes from a velocity what leads beyond the leg's reach.
func (m *limb) inwards(x *mechanism.State, l *estimate.Leg, velocity mechanism.Vector) mechanism.Vector {
	to := m.span(x, l)
	n := math.Max(1e-6, to.Norm())
	share := min(1, max(0, (n/m.reach-slows)/(1-slows)))
	return velocity.Sub(to.Scale(share * max(0, velocity.Dot(to)) / n / n))
}
