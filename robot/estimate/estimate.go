package estimate

import (
	"math"
	"time"

	"samovar/robot/body"
	"samovar/robot/mechanism"
)

// Contact is what is felt of a foot.
type Contact struct {
	Force, Moment mechanism.Vector // on the sole, about its middle, world's axes, N and Nm
	Load          float64          // along the sole's normal, N
	Trust         float64          // from 0 to 1, how far the foot is taken to stand still
}

// Estimator estimates a robot's motion tick by tick. The world it puts the robot in
// has its origin under the middle of the soles where it began, and the heading of
// the inertial unit. It belongs to one goroutine; nothing allocates after New.
type Estimator struct {
	Robot *Robot
	// State is the robot at Time, the moment of the last sensors; Now is as far
	// ahead of it as sensors are late.
	State, Now *mechanism.State
	Time       time.Duration
	Delay      time.Duration // by which sensors are late
	Contacts   [2]Contact    // at Time
	// Lifted is for whoever moves the robot to say: feet that are held in the air and
	// do not stand, whatever is felt.
	Lifted       [2]bool
	Acceleration mechanism.Vector // of the inertial unit, without gravity, m/s²

	begun    bool
	weight   float64          // m·g, N
	speed    mechanism.Vector // of the inertial unit
	variance float64          // of each of its components
	anchors  [2]mechanism.Vector
	anchored [2]bool
	bias     []float64
	torques  []float64 // of the joints, filtered
	slow     []float64 // velocities, filtered, and how they change
	change   []float64
	stood    [2]float64 // for how long a foot has been loaded, s
	work     []float64
}

// Time constants and noise by which sensors are filtered.
const (
	turning   = 0.1   // s, after which the orientation follows the unit's instead of its gyroscope
	quick     = 0.004 // s, of joint velocities: their noise is as large as the motion of standing
	feeling   = 0.01  // s, of contact forces
	settling  = 0.05  // s, of the base's position against feet that stand
	slipping  = 2.0   // s, after which a foot that has moved is taken to stand where it is
	roughness = 0.03  // m/s, of the velocity that a leg measures: 0.02 rad/s of several joints at 0.6 m
	// shaking is how much the velocity from accelerations alone becomes wrong,
	// (m/s)²/s: with roughness it lets the legs win after some 70 ms: after a blow accelerations alone are wrong.
	shaking = 1.5e-3
	slips   = 0.5  // m/s, at which a foot counts half
	landing = 0.08 // s, after which a foot that has landed is trusted
	begins  = 0.05 // share of the weight from which a foot is trusted, and
	whole   = 0.2  // wholly
	raised  = 0.02 // m, by which a foot is higher than one on the same floor: a slope of 0.1 rad, feet 0.2 m apart
)

// New returns an estimator that has seen nothing.
func New(r *Robot) *Estimator {
	n := r.Model.NV
	return &Estimator{
		Robot: r, State: mechanism.NewState(r.Model), Now: mechanism.NewState(r.Model),
		weight: r.Model.Mass() * r.Model.Gravity.Norm(), stood: [2]float64{landing, landing},
		bias: make([]float64, n), torques: make([]float64, len(r.Joints)), slow: make([]float64, n), change: make([]float64, n), work: make([]float64, 6*n),
	}
}

// Reset forgets everything: the next sensors are the first.
func (e *Estimator) Reset() {
	e.begun, e.anchored, e.Lifted, e.stood = false, [2]bool{}, [2]bool{}, [2]float64{landing, landing}
}

// Update takes a tick's sensors, which are finite.
func (e *Estimator) Update(s *body.Sensors) {
	dt := (s.Time - e.Time).Seconds()
	if dt > 0.1 || dt < 0 {
		e.begun = false // what was known is too old
	}
	e.late(s)
	e.Time = s.Time
	first := !e.begun
	if !first && dt == 0 { // the same measurement again: nothing has come yet
		return
	}
	e.joints(s, first, dt)
	e.turn(&s.Units[e.Robot.Unit], first, dt)
	e.State.Update()
	e.feel(s, first, dt)
	e.travel(first, dt)
	e.begun = true
	e.ahead()
}

// late finds by how much sensors are late: ticks come every period from the
// beginning of the body's clock.
func (e *Estimator) late(s *body.Sensors) {
	e.Delay = time.Duration(s.Sequence-1)*e.Robot.Info.Period() - s.Time
	if e.Delay < 0 || e.Delay > 100*time.Millisecond {
		e.Delay = 0 // the body has had another rate before: it is not known
	}
}

func (e *Estimator) joints(s *body.Sensors, first bool, dt float64) {
	k := dt / (dt + quick)
	if first {
		k = 1
	}
	x := e.State
	for i := range e.Robot.Joints {
		j, m := &e.Robot.Joints[i], &s.Joints[i]
		x.Q[j.Q] = m.Position
		x.V[j.V] += k * (m.Velocity - x.V[j.V])
	}
}

// turn follows the gyroscope, and in the long run the orientation.
func (e *Estimator) turn(u *body.Inertial, first bool, dt float64) {
	r, x := e.Robot, e.State
	mount := r.Info.Units[r.Unit].Orientation
	sensed := u.Orientation.Mul(mount.Conjugate())
	angular := mount.Rotate(u.Angular)
	now := sensed
	if !first {
		now = mechanism.Quaternion(x.Q[r.Q+3:]).Mul(mechanism.Exp(angular.Scale(dt)))
		now = now.Mul(mechanism.Exp(now.Conjugate().Mul(sensed).Vector().Scale(dt / turning)))
	}
	n := math.Sqrt(now[0]*now[0] + now[1]*now[1] + now[2]*now[2] + now[3]*now[3])
	for k := range now {
		x.Q[r.Q+3+k] = now[k] / n
	}
	copy(x.V[r.V+3:r.V+6], angular[:])
	acceleration := now.Rotate(mount.Rotate(u.Acceleration)).Add(r.Model.Gravity)
	k := dt / (dt + feeling)
	if first {
		k = 1
	}
	e.Acceleration = e.Acceleration.Add(acceleration.Sub(e.Acceleration).Scale(k))
	e.speed = e.speed.Add(acceleration.Scale(dt))
}

// feel estimates the forces on the feet: what the leg's drives exert beyond what
// carries and accelerates the leg itself, τ = M·q̈ + c − Jᵀ·w. Torques and
// accelerations are late by the same time constant.
func (e *Estimator) feel(s *body.Sensors, first bool, dt float64) {
	r, x := e.Robot, e.State
	k := dt / (dt + feeling)
	if first {
		k = 1
	}
	for i := range e.torques {
		e.torques[i] += k * (s.Joints[i].Torque - e.torques[i])
	}
	for i := range x.V {
		e.slow[i] += k * (x.V[i] - e.slow[i])
		e.change[i] = (x.V[i] - e.slow[i]) / feeling
	}
	copy(e.change[r.V:r.V+3], e.Acceleration[:])
	x.InverseDynamics(e.bias, e.change)
	for i := range e.Contacts {
		l, c := &r.Legs[i], &e.Contacts[i]
		middle, level := l.Pose(x)
		var inverse [36]float64
		l.Inverse(&inverse, x, middle, e.work)
		var w [6]float64
		for row, v := range l.V {
			t := e.bias[v] - e.torques[l.Joints[row]]
			for c := range w {
				w[c] += inverse[6*row+c] * t
			}
		}
		c.Moment, c.Force = mechanism.Vector(w[:3]), mechanism.Vector(w[3:])
		c.Load = c.Force.Dot(level.Rotate(mechanism.Vector{0, 0, 1}))
		c.Trust = e.trust(i, dt)
	}
}

// trust is how far a foot is taken to stand: as it is loaded, and only some time
// after it has landed.
func (e *Estimator) trust(foot int, dt float64) float64 {
	e.stood[foot] += dt
	t := min(1, max(0, (e.Contacts[foot].Load/e.weight-begins)/(whole-begins)))
	if e.Lifted[foot] || t == 0 {
		e.stood[foot] = 0
		return 0
	}
	return t * min(1, e.stood[foot]/landing)
}

// Raised reports whether a foot is plainly higher than the other one.
func (e *Estimator) Raised(foot int) bool {
	at, _ := e.Robot.Legs[foot].Pose(e.State)
	other, _ := e.Robot.Legs[1-foot].Pose(e.State)
	return at[2] > other[2]+raised
}

// Pressure returns the centre of pressure under a foot, in the sole's axes about
// its middle, within the sole.
func (e *Estimator) Pressure(foot int) mechanism.Vector {
	c, l := &e.Contacts[foot], &e.Robot.Legs[foot]
	_, level := l.Pose(e.State)
	moment := level.Conjugate().Rotate(c.Moment)
	if c.Load < begins*e.weight {
		return mechanism.Vector{}
	}
	at, _ := mechanism.Nearest(l.Sole, mechanism.Vector{-moment[1] / c.Load, moment[0] / c.Load})
	return at
}

// travel estimates velocity and position of the base: accelerations, corrected by
// the feet that stand, of which the point that carries does not move (a Kalman
// filter of one state for each direction).
func (e *Estimator) travel(first bool, dt float64) {
	r, x := e.Robot, e.State
	unit := x.Point(r.Base, r.Info.Units[r.Unit].Position)
	base := x.Position(r.Base)
	e.variance += shaking * dt
	if first {
		e.speed, e.variance = mechanism.Vector{}, 1
	}
	e.base(unit, base)
	for i := range e.Contacts {
		if first && e.Raised(i) { // what is felt of it at first are its own accelerations
			e.Contacts[i].Trust, e.stood[i] = 0, 0
		}
		trust := e.Contacts[i].Trust
		if trust == 0 {
			continue
		}
		l := &r.Legs[i]
		_, moves := x.Velocity(l.Body, x.Point(l.Body, l.Middle.Add(l.Level.Rotate(e.Pressure(i)))))
		gain := e.variance / (e.variance + roughness*roughness/trust*(1+moves.Dot(moves)/slips/slips))
		e.speed = e.speed.Sub(moves.Scale(gain))
		e.variance *= 1 - gain
		e.base(unit, base)
	}
	e.anchor(first, dt)
	e.State.Update()
}

// base puts the base's velocity where the inertial unit's wants it.
func (e *Estimator) base(unit, base mechanism.Vector) {
	r, x := e.Robot, e.State
	angular := mechanism.Quaternion(x.Q[r.Q+3:]).Rotate(mechanism.Vector(x.V[r.V+3:]))
	linear := e.speed.Sub(angular.Cross(unit.Sub(base)))
	copy(x.V[r.V:r.V+3], linear[:])
	x.Update()
}

// anchor moves the base on, so that feet which stand stay where they are.
func (e *Estimator) anchor(first bool, dt float64) {
	r, x := e.Robot, e.State
	var feet [2]mechanism.Vector
	for i := range feet {
		feet[i], _ = r.Legs[i].Pose(x)
	}
	if first {
		middle := feet[0].Add(feet[1]).Scale(0.5)
		for c := range 3 {
			x.Q[r.Q+c] -= middle[c]
		}
		e.anchored = [2]bool{}
		return
	}
	move := mechanism.Vector(x.V[r.V:]).Scale(dt)
	for i := range feet {
		feet[i] = feet[i].Add(move) // with the base; what its joints do is small
		trust := e.Contacts[i].Trust
		if trust < 0.5 {
			e.anchored[i] = false
			continue
		}
		if !e.anchored[i] {
			e.anchors[i], e.anchored[i] = feet[i], true
		}
		off := e.anchors[i].Sub(feet[i])
		e.anchors[i] = e.anchors[i].Sub(off.Scale(dt / slipping))
		move = move.Add(off.Scale(trust * dt / settling / 2))
	}
	for c := range 3 {
		x.Q[r.Q+c] += move[c]
	}
}

// ahead extrapolates to the present.
func (e *Estimator) ahead() {
	now, then, r := e.Now, e.State, e.Robot
	copy(now.Q, then.Q)
	copy(now.V, then.V)
	if d := e.Delay.Seconds(); d > 0 {
		for c := range 3 {
			now.V[r.V+c] += d / 2 * e.Acceleration[c]
		}
		r.Model.Integrate(now.Q, now.V, d)
		for c := range 3 {
			now.V[r.V+c] += d / 2 * e.Acceleration[c]
		}
	}
	now.Update()
}
