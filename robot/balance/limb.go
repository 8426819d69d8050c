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
	moved bool // there is a solution to go on from

	positions, velocities, accelerations [6]float64
	ahead                                [6]float64 // of the accelerations, what the motion itself asks for
}

// Gains of joints that swing, 1/s² and 1/s, and what is asked of them at most: all that
// a leg gains turns the trunk the other way.
const (
	limbP     = 300.0
	limbD     = 30.0
	hardest   = 80.0  // rad/s²: a step of 0.3 m in 0.36 s takes 30 of a hip
	quickest  = 14.0  // rad/s
	leastBent = 0.2   // rad, of a knee: nearer to straight, a foot's way is a long one for its joints
	smooth    = 0.008 // s, of the acceleration ahead
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
	copy(x.V[m.robot.V:], now.V[m.robot.V:m.robot.V+6])
	if m.moved {
		for row, i := range l.Joints {
			x.Q[m.robot.Joints[i].Q] = m.positions[row]
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
	rate, velocity = rate.Sub(angular), velocity.Sub(linear)
	for row, i := range l.Joints {
		j := &m.robot.Joints[i]
		v := mechanism.Vector(inverse[6*row:]).Dot(rate) + mechanism.Vector(inverse[6*row+3:]).Dot(velocity)
		v = min(quickest, max(-quickest, v))
		if !m.moved {
			m.velocities[row], m.ahead[row] = v, 0
		}
		change := (v - m.velocities[row]) / dt
		a := m.ahead[row] + (change-m.ahead[row])*dt/(dt+smooth)
		m.ahead[row] = min(hardest, max(-hardest, a))
		m.positions[row], m.velocities[row] = x.Q[j.Q], v
		a = m.ahead[row] + limbP*(x.Q[j.Q]-now.Q[j.Q]) + limbD*(v-now.V[j.V])
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
		if row == 3 {
			low = max(low, leastBent)
		}
		d := mechanism.Vector(inverse[6*row:]).Dot(turn) + mechanism.Vector(inverse[6*row+3:]).Dot(way)
		x.Q[j.Q] = min(high, max(low, x.Q[j.Q]+min(farthest, max(-farthest, d))))
	}
	x.Update()
}

// within cuts the way to a place that the leg reaches.
func (m *limb) within(x *mechanism.State, l *estimate.Leg, way mechanism.Vector) mechanism.Vector {
	part := func(row int) mechanism.Vector {
		j := &m.robot.Model.Joints[m.robot.Joints[l.Joints[row]].Index]
		return x.Point(j.Body, j.Position)
	}
	hip, ankle := part(2), part(5)
	to := ankle.Add(way).Sub(hip)
	return way.Sub(to.Scale(max(0, 1-m.reach/math.Max(1e-6, to.Norm()))))
}
