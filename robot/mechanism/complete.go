package mechanism

import (
	"errors"
	"fmt"
	"math"
)

// most bounds every list of a model: far above any robot, far below what would
// hurt.
const most = 4096

// mostVelocities bounds the mass matrix, which is stored whole.
const mostVelocities = 512

// Complete computes what follows from the model's lists, and returns what is
// wrong with them.
func (m *Model) Complete() error {
	if len(m.Bodies) == 0 || m.Bodies[0].Parent != -1 {
		return errors.New("complete a model: the first body is not the world")
	}
	for _, n := range []int{len(m.Bodies), len(m.Joints), len(m.Geoms), len(m.Sites), len(m.Actuators), len(m.Sensors), len(m.Meshes), len(m.Keys), len(m.Excludes)} {
		if n > most {
			return fmt.Errorf("complete model %q: %d elements of a kind, at most %d", m.Name, n, most)
		}
	}
	for _, check := range []func() error{m.checkNames, m.placeBodies, m.placeJoints, m.checkParts, m.checkKeys, m.checkMass} {
		if err := check(); err != nil {
			return fmt.Errorf("complete model %q: %w", m.Name, err)
		}
	}
	return nil
}

// checkNames refuses two things of a kind with one name.
func (m *Model) checkNames() error {
	seen := map[[2]string]bool{}
	var err error
	see := func(kind, name string) {
		key := [2]string{kind, name}
		if name != "" && seen[key] && err == nil {
			err = fmt.Errorf("two of kind %s are called %q", kind, name)
		}
		seen[key] = true
	}
	for i := range m.Bodies {
		see("body", m.Bodies[i].Name)
	}
	for i := range m.Joints {
		see("joint", m.Joints[i].Name)
	}
	for i := range m.Geoms {
		see("geom", m.Geoms[i].Name)
	}
	for i := range m.Sites {
		see("site", m.Sites[i].Name)
	}
	for i := range m.Actuators {
		see("actuator", m.Actuators[i].Name)
	}
	return err
}

// placeBodies checks the tree and that no mass is impossible.
func (m *Model) placeBodies() error {
	for i := range m.Bodies {
		b := &m.Bodies[i]
		b.first, b.joints, b.dof = 0, 0, -1
		if i == 0 {
			continue
		}
		// The last body and its ancestors are the only ones that may get a child.
		up := i - 1
		for up > 0 && up != b.Parent {
			up = m.Bodies[up].Parent
		}
		if up != b.Parent {
			return fmt.Errorf("body %q does not follow its parent's subtree", b.Name)
		}
		if err := b.check(); err != nil {
			return fmt.Errorf("body %q: %w", b.Name, err)
		}
	}
	return nil
}

func (b *Body) check() error {
	t := b.Inertia
	switch {
	case !(b.Mass >= 0) || math.IsInf(b.Mass, 0):
		return fmt.Errorf("a mass of %g kg", b.Mass)
	case !symmetric(t) || !positive(t):
		return errors.New("the inertia is not symmetric and positive")
	case !triangle(t):
		// Of any mass, ∫x² is no less than 0, which is tr(I)/2·1 − I (RBDA section 2.13).
		return errors.New("the inertia is of no possible body: one principal moment exceeds the sum of the others")
	}
	return unitary(b.Orientation)
}

func unitary(q Quaternion) error {
	if n := q[0]*q[0] + q[1]*q[1] + q[2]*q[2] + q[3]*q[3]; !(math.Abs(n-1) < 1e-9) {
		return fmt.Errorf("the quaternion %v is not of unit length", q)
	}
	return nil
}

func symmetric(t Matrix) bool { return t[1] == t[3] && t[2] == t[6] && t[5] == t[7] }

// positive reports whether a symmetric matrix has no negative eigenvalue, up to
// rounding: its principal minors are not negative.
func positive(t Matrix) bool {
	s := (math.Abs(t[0]) + math.Abs(t[4]) + math.Abs(t[8])) * 1e-6
	a, b, c := t[0]+s, t[4]+s, t[8]+s
	det := a*(b*c-t[5]*t[5]) - t[1]*(t[1]*c-t[5]*t[2]) + t[2]*(t[1]*t[5]-b*t[2])
	return a >= 0 && b >= 0 && c >= 0 && a*b >= t[1]*t[1] && a*c >= t[2]*t[2] && b*c >= t[5]*t[5] && det >= 0
}

func triangle(t Matrix) bool {
	h := (t[0] + t[4] + t[8]) / 2
	return positive(Matrix{h - t[0], -t[1], -t[2], -t[3], h - t[4], -t[5], -t[6], -t[7], h - t[8]})
}

// placeJoints numbers coordinates and velocities.
func (m *Model) placeJoints() error {
	m.NQ, m.NV, m.dofs = 0, 0, nil
	last := 0
	for i := range m.Joints {
		j := &m.Joints[i]
		if j.Body < 1 || j.Body >= len(m.Bodies) || j.Body < last {
			return fmt.Errorf("joint %q is out of the order of its bodies", j.Name)
		}
		last = j.Body
		b := &m.Bodies[j.Body]
		if b.joints == 0 {
			b.first = i
		}
		b.joints++
		if err := m.checkJoint(j); err != nil {
			return fmt.Errorf("joint %q: %w", j.Name, err)
		}
		j.Q, j.V = m.NQ, m.NV
		q, v := 1, 1
		if j.Kind == Free {
			q, v = 7, 6
		}
		m.NQ += q
		m.NV += v
	}
	if m.NV > mostVelocities {
		return fmt.Errorf("%d velocities, at most %d", m.NV, mostVelocities)
	}
	m.dofs = make([]dof, 0, m.NV)
	for i := range m.Bodies {
		b := &m.Bodies[i]
		if i > 0 {
			b.dof = m.Bodies[b.Parent].dof
		}
		for k := b.first; k < b.first+b.joints; k++ {
			n := 1
			if m.Joints[k].Kind == Free {
				n = 6
			}
			for range n {
				m.dofs = append(m.dofs, dof{k, i, b.dof})
				b.dof = len(m.dofs) - 1
			}
		}
	}
	return nil
}

func (m *Model) checkJoint(j *Joint) error {
	b := &m.Bodies[j.Body]
	switch {
	case j.Kind > Free:
		return fmt.Errorf("unknown kind %d", j.Kind)
	case j.Kind == Free && b.Parent != 0:
		return fmt.Errorf("free, but body %q is no child of the world", b.Name)
	case j.Kind == Free && b.joints > 1, j.Kind != Free && b.joints > 1 && m.Joints[b.first].Kind == Free:
		return fmt.Errorf("body %q has a free joint and another", b.Name)
	case !(j.Armature >= 0):
		return fmt.Errorf("an armature of %g", j.Armature)
	case j.Kind != Free && !(math.Abs(j.Axis.Norm()-1) < 1e-9):
		return fmt.Errorf("the axis %v is not of unit length", j.Axis)
	case j.Limited && !(j.Range[0] < j.Range[1]):
		return fmt.Errorf("the range %v is empty", j.Range)
	case j.TorqueLimited && !(j.Torque[0] < j.Torque[1]):
		return fmt.Errorf("the range of torques %v is empty", j.Torque)
	case !(j.Speed >= 0):
		return fmt.Errorf("a greatest speed of %g", j.Speed)
	}
	return nil
}

// checkParts checks what refers to bodies and joints.
func (m *Model) checkParts() error {
	within := func(body int) bool { return body >= 0 && body < len(m.Bodies) }
	for i := range m.Geoms {
		g := &m.Geoms[i]
		if !within(g.Body) || g.Shape > Mesh {
			return fmt.Errorf("geom %d %q: no such body or shape", i, g.Name)
		}
		if err := unitary(g.Orientation); err != nil {
			return fmt.Errorf("geom %d %q: %w", i, g.Name, err)
		}
		for k := range sizes[g.Shape] {
			if s := g.Size[k]; !(s > 0) && !(g.Shape == Plane && s == 0) {
				return fmt.Errorf("geom %d %q: a size of %g", i, g.Name, s)
			}
		}
	}
	for i := range m.Sites {
		s := &m.Sites[i]
		if !within(s.Body) {
			return fmt.Errorf("site %q: no such body", s.Name)
		}
		if err := unitary(s.Orientation); err != nil {
			return fmt.Errorf("site %q: %w", s.Name, err)
		}
	}
	for i := range m.Actuators {
		a := &m.Actuators[i]
		if a.Joint < 0 || a.Joint >= len(m.Joints) || m.Joints[a.Joint].Kind == Free {
			return fmt.Errorf("actuator %q drives no hinge or slide", a.Name)
		}
		if a.CtrlLimited && !(a.Control[0] < a.Control[1]) || a.ForceLimited && !(a.Force[0] < a.Force[1]) {
			return fmt.Errorf("actuator %q has an empty range", a.Name)
		}
	}
	for _, e := range m.Excludes {
		if !within(e[0]) || !within(e[1]) {
			return errors.New("an excluded pair names no body")
		}
	}
	return nil
}

func (m *Model) checkKeys() error {
	for _, k := range m.Keys {
		if len(k.Q) != m.NQ {
			return fmt.Errorf("key %q has %d coordinates, the model %d", k.Name, len(k.Q), m.NQ)
		}
	}
	return nil
}

// checkMass refuses a model in which some velocity moves no mass: its equations
// of motion have no solution.
func (m *Model) checkMass() error {
	s := NewState(m)
	s.Update()
	s.MassMatrix()
	for i := range m.NV {
		d := s.mass[i*m.NV+i]
		if !(d > 1e-12) {
			return fmt.Errorf("joint %q of body %q moves no mass: give the body a mass, or the joint an armature", m.Joints[m.dofs[i].joint].Name, m.Bodies[m.dofs[i].body].Name)
		}
	}
	return s.Factor()
}
