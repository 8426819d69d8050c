package balance

import (
	"samovar/robot/estimate"
	"samovar/robot/mechanism"
)

// task is what the whole body is to do at a moment: accelerations in the world's
// axes.
type task struct {
	centre mechanism.Vector // of the centre of mass, m/s²
	turn   mechanism.Vector // of the base, rad/s²
	feet   [2]acceleration  // of the soles that stand
	joints []float64        // of the body's joints, rad/s²; those of legs that stand are not used
	most   [2]float64       // load that each foot may carry, N; 0: it swings
	// back is the share of turn that brings the base back, rad/s². swapped is the share of
	// the moment that follows it and the momentum of the whole instead of turn.
	back    mechanism.Vector
	swapped float64
	slack   float64 // from 0 to 1, of the reserves of the feet that are given up
}

// acceleration is an acceleration, angular and linear.
type acceleration struct{ angular, linear mechanism.Vector }

// whole makes accelerations of all joints of a task, forces of these, and torques of
// both. The base's linear acceleration follows from that of the centre of mass, those
// of legs that stand from that of their feet: as many equations as unknowns.
type whole struct {
	robot   *estimate.Robot
	x       *mechanism.State
	forces  *forces
	acc     []float64 // NV: accelerations
	tau     []float64 // NV
	centre  []float64 // 3 × NV, Jacobian of the centre of mass
	work    []float64
	inverse [2][36]float64
	middle  [2]mechanism.Vector
	inertia mechanism.Matrix // about the centre of mass, in the base's axes, in the reference configuration
	mass    float64
}

func newWhole(r *estimate.Robot, x *mechanism.State) (*whole, error) {
	f, err := newForces(r)
	if err != nil {
		return nil, err
	}
	n := r.Model.NV
	w := &whole{robot: r, x: x, forces: f, acc: make([]float64, n), tau: make([]float64, n), centre: make([]float64, 3*n), work: make([]float64, 6*n), mass: r.Model.Mass()}
	s := mechanism.NewState(r.Model)
	s.Update()
	m := make([]float64, 6*n)
	s.MomentumMatrix(m)
	for i := range 3 {
		for k := range 3 {
			w.inertia[3*i+k] = m[i*n+r.V+3+k]
		}
	}
	return w, nil
}

// solve finds accelerations, forces and torques. Where the feet cannot bring about
// what is wanted, the centre of mass comes first: the moment that is missing turns
// the body, which is the hip strategy.
func (w *whole) solve(t *task) error {
	x := w.x
	x.CentreJacobian(w.centre)
	for i := range w.inverse {
		l := &w.robot.Legs[i]
		w.middle[i], _ = l.Pose(x)
		l.Inverse(&w.inverse[i], x, w.middle[i], w.work)
	}
	w.accelerate(t, t.centre, t.turn)
	needed := w.wanted()
	want, turn := needed, x.Rotation(w.robot.Base)
	if t.swapped > 0 {
		momentum, _ := x.Momentum()
		moment := turn.Apply(w.inertia.Apply(turn.Transpose().Apply(t.back))).Sub(momentum.Scale(momentumD))
		want.moment = want.moment.Scale(1 - t.swapped).Add(moment.Scale(t.swapped))
	}
	if err := w.forces.distribute(x, want, t.most, t.slack); err != nil {
		return err
	}
	missing := needed.sub(w.forces.sum)
	about := solve3(w.inertia, turn.Transpose().Apply(missing.moment))
	w.accelerate(t, t.centre.Sub(missing.force.Scale(1/w.mass)), t.turn.Sub(turn.Apply(about)))
	w.torques()
	return nil
}

// accelerate fills acc.
func (w *whole) accelerate(t *task, centre, turn mechanism.Vector) {
	r, x, n := w.robot, w.x, w.robot.Model.NV
	for i := range r.Joints {
		w.acc[r.Joints[i].V] = t.joints[i]
	}
	set(w.acc[r.V:], mechanism.Vector{})
	set(w.acc[r.V+3:], x.Rotation(r.Base).Transpose().Apply(turn))
	base := x.Position(r.Base)
	// a is what the centre of mass gains by 1 m/s² of the base, legs included.
	a := mechanism.Matrix{1, 0, 0, 0, 1, 0, 0, 0, 1}
	for i := range r.Legs {
		if t.most[i] == 0 {
			continue
		}
		l := &r.Legs[i]
		angular, linear := x.Drift(l.Body, w.middle[i])
		angular = t.feet[i].angular.Sub(angular).Sub(turn)
		linear = t.feet[i].linear.Sub(linear).Sub(turn.Cross(w.middle[i].Sub(base)))
		for j, v := range l.V {
			row := w.inverse[i][6*j : 6*j+6]
			w.acc[v] = mechanism.Vector(row[:3]).Dot(angular) + mechanism.Vector(row[3:]).Dot(linear)
			for c := range 3 {
				for k := range 3 {
					a[3*c+k] -= w.centre[c*n+v] * row[3+k]
				}
			}
		}
	}
	rest := centre.Sub(x.CentreDrift())
	for c := range 3 {
		for v := range n {
			rest[c] -= w.centre[c*n+v] * w.acc[v]
		}
	}
	linear := solve3(a, rest)
	set(w.acc[r.V:], linear)
	for i := range r.Legs {
		if t.most[i] == 0 {
			continue
		}
		for j, v := range r.Legs[i].V {
			w.acc[v] -= mechanism.Vector(w.inverse[i][6*j+3:]).Dot(linear)
		}
	}
}

// wanted returns the wrench about the centre of mass that the feet must exert for
// the accelerations.
func (w *whole) wanted() wrench {
	r, x := w.robot, w.x
	x.InverseDynamics(w.tau, w.acc)
	force := mechanism.Vector(w.tau[r.V:])
	moment := x.Rotation(r.Base).Apply(mechanism.Vector(w.tau[r.V+3:]))
	return wrench{force, moment.Sub(x.CentreOfMass().Sub(x.Position(r.Base)).Cross(force))}
}

// torques fills tau: τ = M·q̈ + c − Jᵀ·w.
func (w *whole) torques() {
	r, x, n := w.robot, w.x, w.robot.Model.NV
	x.InverseDynamics(w.tau, w.acc)
	for i := range r.Legs {
		l, on := &r.Legs[i], &w.forces.on[i]
		x.Jacobian(w.work, l.Body, w.middle[i])
		for _, v := range l.V {
			for c := range 3 {
				w.tau[v] -= w.work[c*n+v]*on.moment[c] + w.work[(3+c)*n+v]*on.force[c]
			}
		}
	}
}

func set(to []float64, v mechanism.Vector) { copy(to[:3], v[:]) }

// solve3 returns a⁻¹·b, by Cramer's rule; a is regular.
func solve3(a mechanism.Matrix, b mechanism.Vector) mechanism.Vector {
	x, y, z := mechanism.Vector{a[0], a[3], a[6]}, mechanism.Vector{a[1], a[4], a[7]}, mechanism.Vector{a[2], a[5], a[8]}
	d := x.Dot(y.Cross(z))
	return mechanism.Vector{b.Dot(y.Cross(z)) / d, x.Dot(b.Cross(z)) / d, x.Dot(y.Cross(b)) / d}
}
