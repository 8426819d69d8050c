// Package estimate finds out how a robot stands and moves by what it senses: from
// inertial unit, joints and torques it makes the pose and velocity of the base and
// the forces on the feet. It refuses a model without two legs of six joints, and a
// body whose joints or inertial unit the model does not have. Start with [Estimator].
package estimate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"samovar/robot/body"
	"samovar/robot/mechanism"
)

// Joint is where one of a body's joints is in its mechanism.
type Joint struct {
	Index int // of the model's joints
	Q, V  int // coordinate and velocity
}

// Leg is the six joints between base and foot.
type Leg struct {
	Body   int    // the foot
	Joints [6]int // of the body's, from the hip down
	V      [6]int // their velocities
	// Level turns the foot's axes into those of its sole: x ahead, z its normal.
	Level mechanism.Quaternion
	Sole  []mechanism.Vector // hull of the points that carry, anticlockwise, in the sole's axes about Middle
	Half  [2]float64         // half its length and width, m: of the rectangle of the same mean
	// Middle of the sole, in the foot's frame.
	Middle mechanism.Vector
}

// Robot is a mechanism with a body's joints and legs found in it.
type Robot struct {
	Model  *mechanism.Model
	Info   *body.Info
	Joints []Joint // in the order of the body's
	Base   int     // the body that moves freely
	Q, V   int     // coordinates of its joint
	Unit   int     // its inertial unit
	Legs   [2]Leg  // left, right
}

// thick is how high above the lowest point of a sole a point still carries, m.
const thick = 0.01

// NewRobot finds a body's joints and legs in its model. feet are the bodies with
// soles, the left one first.
func NewRobot(m *mechanism.Model, i *body.Info, feet [2]string) (*Robot, error) {
	r := &Robot{Model: m, Info: i, Unit: -1}
	if err := r.bind(); err != nil {
		return nil, fmt.Errorf("find the robot's parts: %w", err)
	}
	for k, name := range feet {
		if err := r.leg(&r.Legs[k], name); err != nil {
			return nil, fmt.Errorf("find the robot's legs: %w", err)
		}
	}
	return r, nil
}

func (r *Robot) bind() error {
	m, i := r.Model, r.Info
	for k := range i.Joints {
		j, err := m.Joint(i.Joints[k].Name)
		if err != nil {
			return err
		}
		r.Joints = append(r.Joints, Joint{j, m.Joints[j].Q, m.Joints[j].V})
	}
	free := slices.IndexFunc(m.Joints, func(j mechanism.Joint) bool { return j.Kind == mechanism.Free })
	if free < 0 {
		return fmt.Errorf("model %q has no free joint", m.Name)
	}
	if n := m.NV - 6; n != len(r.Joints) {
		return fmt.Errorf("the body drives %d joints, model %q has %d", len(r.Joints), m.Name, n)
	}
	base := &m.Joints[free]
	r.Base, r.Q, r.V = base.Body, base.Q, base.V
	for k := range i.Units {
		if i.Units[k].Body == m.Bodies[r.Base].Name {
			r.Unit = k
		}
	}
	if r.Unit < 0 {
		return fmt.Errorf("body %q has no inertial unit", m.Bodies[r.Base].Name)
	}
	return nil
}

func (r *Robot) leg(l *Leg, foot string) error {
	m := r.Model
	var err error
	if l.Body, err = m.Body(foot); err != nil {
		return err
	}
	n := len(l.Joints)
	for b := l.Body; b != r.Base; b = m.Bodies[b].Parent {
		if b == 0 {
			return fmt.Errorf("%q does not hang on %q", foot, m.Bodies[r.Base].Name)
		}
		for k := len(r.Joints) - 1; k >= 0; k-- {
			j := &r.Joints[k]
			if m.Joints[j.Index].Body != b {
				continue
			}
			if n--; n < 0 {
				return fmt.Errorf("the leg of %q has more than six joints", foot)
			}
			l.Joints[n], l.V[n] = k, j.V
		}
	}
	if n > 0 {
		return fmt.Errorf("the leg of %q has %d joints instead of six", foot, len(l.Joints)-n)
	}
	return l.sole(m)
}

// sole finds the polygon on which a foot stands, in the model's reference
// configuration, in which soles are level and point ahead.
func (l *Leg) sole(m *mechanism.Model) error {
	points := m.Soles(m.Reference(), l.Body, thick)
	x := mechanism.NewState(m)
	x.Update()
	l.Level = x.Orientation(l.Body).Conjugate()
	least, greatest := mechanism.Vector{math.Inf(1), math.Inf(1), math.Inf(1)}, mechanism.Vector{math.Inf(-1), math.Inf(-1)}
	for i, p := range points {
		points[i] = l.Level.Conjugate().Rotate(p)
		for c, v := range points[i] {
			least[c], greatest[c] = min(least[c], v), max(greatest[c], v)
		}
	}
	middle := mechanism.Vector{(least[0] + greatest[0]) / 2, (least[1] + greatest[1]) / 2, least[2]}
	for i := range points {
		points[i] = points[i].Sub(middle)
		points[i][2] = 0
	}
	l.Middle = l.Level.Rotate(middle)
	for c := range l.Half {
		for _, p := range points {
			l.Half[c] += math.Abs(p[c]) / float64(len(points))
		}
	}
	if l.Sole = mechanism.Hull(nil, points); len(l.Sole) < 3 {
		return errors.New("a foot has no sole")
	}
	return nil
}

// Pose returns where the middle of a leg's sole is, and how the sole is turned.
func (l *Leg) Pose(x *mechanism.State) (mechanism.Vector, mechanism.Quaternion) {
	return x.Point(l.Body, l.Middle), x.Orientation(l.Body).Mul(l.Level)
}

// damping of inverses, m² or 1: a straight knee has none of its own. A knee bent by
// 0.5 rad has a least squared singular value of some 0.004, which this changes by a
// two hundredth.
const damping = 2e-5

// Inverse writes into dst (6 × 6, row by row) the inverse of the Jacobian of a
// place on the foot, by the leg's own joints: what makes of the foot's velocity
// (angular, linear) against the base that of the joints. Near a straight knee it is
// damped (Nakamura and Hanafusa, Journal of Dynamic Systems 108, 1986). work holds
// 6 × NV numbers.
func (l *Leg) Inverse(dst *[36]float64, x *mechanism.State, at mechanism.Vector, work []float64) {
	x.Jacobian(work, l.Body, at)
	var j, a [36]float64
	n := x.Model.NV
	for r := range 6 {
		for c, v := range l.V {
			j[6*r+c] = work[r*n+v]
		}
	}
	for r := range 6 {
		for c := range r + 1 {
			sum := 0.0
			for k := range 6 {
				sum += j[6*k+r] * j[6*k+c]
			}
			a[6*r+c] = sum
		}
		a[7*r] += damping
	}
	// Cholesky: a = L·Lᵀ, then (Jᵀ·J + d)⁻¹·Jᵀ column by column.
	for r := range 6 {
		for c := range r + 1 {
			sum := a[6*r+c]
			for k := range c {
				sum -= a[6*r+k] * a[6*c+k]
			}
			if c == r {
				a[7*r] = math.Sqrt(max(sum, 1e-12))
			} else {
				a[6*r+c] = sum / a[7*c]
			}
		}
	}
	for c := range 6 {
		var y [6]float64
		for r := range 6 {
			y[r] = j[6*c+r]
			for k := range r {
				y[r] -= a[6*r+k] * y[k]
			}
			y[r] /= a[7*r]
		}
		for r := 5; r >= 0; r-- {
			for k := r + 1; k < 6; k++ {
				y[r] -= a[6*k+r] * y[k]
			}
			y[r] /= a[7*r]
			dst[6*r+c] = y[r]
		}
	}
}
