package mechanism

import "math"

// State is a model in motion: a configuration, a velocity, and what follows from
// them. Fill Q and V, call Update, then ask; nothing allocates after NewState.
// A state belongs to one goroutine; vectors are in the world's axes unless said
// otherwise. Matrices are row by row with NV columns, angular rows before linear.
type State struct {
	Model *Model
	Q     []float64 // configuration, NQ; quaternions need not be of unit length
	V     []float64 // velocity, NV

	// Everything spatial is about origin, a point that stands still in the world
	// where the first body is now: far from the world's own origin nothing
	// loses digits.
	origin Vector

	pose   []pose    // of each body
	motion []spatial // velocity of each body
	drift  []spatial // its acceleration if no velocity changed
	body   []inertia // of each body
	whole  []inertia // of each body with its subtree
	axes   []spatial // of each velocity: the motion it makes, S of RBDA section 3.5
	push   []spatial // of each velocity: momentum of what it moves, at 1 rad/s or 1 m/s
	centre Vector    // of mass of all bodies
	weight float64   // their mass

	mass, factor []float64 // NV × NV
	accel, force []spatial // of each body, in InverseDynamics
}

// pose is where a body is.
type pose struct {
	position    Vector
	orientation Quaternion
	rotation    Matrix
	centre      Vector // of mass
}

// NewState returns a state of the model in its reference configuration, at rest.
// Call Update before asking it anything.
func NewState(m *Model) *State {
	n, v := len(m.Bodies), m.NV
	spatials := make([]spatial, 4*n+2*v)
	cut := func(k int) []spatial {
		s := spatials[:k:k]
		spatials = spatials[k:]
		return s
	}
	s := &State{
		Model: m, Q: m.Reference(), V: make([]float64, v), weight: m.Mass(),
		pose: make([]pose, n), body: make([]inertia, n), whole: make([]inertia, n),
		motion: cut(n), drift: cut(n), accel: cut(n), force: cut(n), axes: cut(v), push: cut(v),
		mass: make([]float64, v*v), factor: make([]float64, v*v),
	}
	s.pose[0] = pose{orientation: Quaternion{1}, rotation: Quaternion{1}.Matrix()}
	return s
}

// Update computes poses, velocities, inertias and the centre of mass from Q and V.
func (s *State) Update() {
	m := s.Model
	for i := 1; i < len(m.Bodies); i++ {
		s.place(i)
	}
	s.origin = Vector{}
	if len(m.Bodies) > 1 {
		s.origin = s.pose[1].position
	}
	s.weigh()
	for i := 1; i < len(m.Bodies); i++ {
		s.move(i)
	}
	for i := range s.axes {
		s.push[i] = s.whole[m.dofs[i].body].apply(s.axes[i])
	}
}

// place puts body i where its parent and its joints have it. Axes are kept
// about the world's origin until move knows the state's.
func (s *State) place(i int) {
	m := s.Model
	b, p := &m.Bodies[i], &s.pose[i]
	up := &s.pose[b.Parent]
	p.position = up.position.Add(up.rotation.Apply(b.Position))
	p.orientation = up.orientation.Mul(b.Orientation)
	for k := b.first; k < b.first+b.joints; k++ {
		j := &m.Joints[k]
		q := s.Q[j.Q:]
		axis := p.orientation.Rotate(j.Axis)
		anchor := p.position.Add(p.orientation.Rotate(j.Position))
		switch j.Kind {
		case Hinge:
			s.axes[j.V] = spatial{axis, anchor}
			p.orientation = p.orientation.Mul(Turn(j.Axis, q[0]-j.Ref))
			p.position = anchor.Sub(p.orientation.Rotate(j.Position))
		case Slide:
			s.axes[j.V] = spatial{lin: axis}
			p.position = p.position.Add(axis.Scale(q[0] - j.Ref))
		case Free:
			p.position = Vector{q[0], q[1], q[2]}
			p.orientation = Quaternion{q[3], q[4], q[5], q[6]}
		}
	}
	p.orientation, _ = p.orientation.unit()
	p.rotation = p.orientation.Matrix()
	p.centre = p.position.Add(p.rotation.Apply(b.Centre))
}

// weigh computes inertias, of bodies and of subtrees, and the centre of mass.
func (s *State) weigh() {
	m := s.Model
	for i := 1; i < len(m.Bodies); i++ {
		b, p := &m.Bodies[i], &s.pose[i]
		s.body[i] = newInertia(b.Mass, b.Inertia.turned(p.rotation), p.centre.Sub(s.origin))
		s.whole[i] = s.body[i]
	}
	s.whole[0] = inertia{}
	for i := len(m.Bodies) - 1; i > 0; i-- {
		s.whole[m.Bodies[i].Parent].add(&s.whole[i])
	}
	s.centre = s.origin
	if s.weight > 0 {
		s.centre = s.origin.Add(s.whole[0].moment.Scale(1 / s.weight))
	}
}

// move computes the velocity of body i and its drift: v = v_parent + Σ S·q̇ and
// a = a_parent + Σ Ṡ·q̇ with Ṡ = v × S for an axis that moves with the body
// (RBDA section 5.3). The columns of a free joint's
// linear velocity stand still in the world: their Ṡ is 0.
func (s *State) move(i int) {
	m := s.Model
	b := &m.Bodies[i]
	v, a := s.motion[b.Parent], s.drift[b.Parent]
	for k := b.first; k < b.first+b.joints; k++ {
		j := &m.Joints[k]
		x := s.axes[j.V:]
		switch j.Kind {
		case Hinge:
			x[0].lin = x[0].lin.Sub(s.origin).Cross(x[0].ang) // anchor × axis
		case Free:
			s.freeAxes(x, &s.pose[i])
			for c := range 3 {
				v = v.add(x[c].scale(s.V[j.V+c]))
			}
			x = x[3:]
			turn := spatial{}
			for c := range 3 {
				turn = turn.add(x[c].scale(s.V[j.V+3+c]))
			}
			a = a.add(v.cross(turn))
			v = v.add(turn)
			continue
		}
		step := x[0].scale(s.V[j.V])
		a = a.add(v.cross(step))
		v = v.add(step)
	}
	s.motion[i], s.drift[i] = v, a
}

// freeAxes fills the six axes of a free joint: along the world's axes, and about
// the body's own.
func (s *State) freeAxes(x []spatial, p *pose) {
	r := p.position.Sub(s.origin)
	for c := range 3 {
		x[c] = spatial{}
		x[c].lin[c] = 1
		axis := Vector{p.rotation[c], p.rotation[3+c], p.rotation[6+c]}
		x[3+c] = spatial{axis, r.Cross(axis)}
	}
}

// Position returns where a body's frame is, m.
func (s *State) Position(body int) Vector { return s.pose[body].position }

// Orientation returns how a body's frame is turned.
func (s *State) Orientation(body int) Quaternion { return s.pose[body].orientation }

// Rotation returns the same as a matrix, whose columns are the body's axes.
func (s *State) Rotation(body int) Matrix { return s.pose[body].rotation }

// Centre returns the centre of mass of a body, m.
func (s *State) Centre(body int) Vector { return s.pose[body].centre }

// Point returns where a point of a body, given in its frame, is, m.
func (s *State) Point(body int, local Vector) Vector {
	p := &s.pose[body]
	return p.position.Add(p.rotation.Apply(local))
}

// Site returns where a site is and how it is turned.
func (s *State) Site(site int) (Vector, Quaternion) {
	t := &s.Model.Sites[site]
	return s.Point(t.Body, t.Position), s.pose[t.Body].orientation.Mul(t.Orientation)
}

// Velocity returns how fast a body turns, rad/s, and how fast its point that is
// now at the given place moves, m/s.
func (s *State) Velocity(body int, at Vector) (angular, linear Vector) {
	v := &s.motion[body]
	return v.ang, v.lin.Add(v.ang.Cross(at.Sub(s.origin)))
}

// Drift returns J̇·q̇ of a body at a place: the accelerations it has while no
// velocity changes, rad/s² and m/s². Gravity is no part of it. The acceleration
// of a point is that of a particle (RBDA section 2.11), which a spatial one is not.
func (s *State) Drift(body int, at Vector) (angular, linear Vector) {
	a, v, r := &s.drift[body], &s.motion[body], at.Sub(s.origin)
	return a.ang, a.lin.Add(a.ang.Cross(r)).Add(v.ang.Cross(v.lin.Add(v.ang.Cross(r))))
}

// Jacobian writes into dst (6 × NV) the matrix that makes of V what Velocity
// returns: three rows of turning, three of the point at the given place.
func (s *State) Jacobian(dst []float64, body int, at Vector) {
	n := s.Model.NV
	clear(dst[:6*n])
	r := at.Sub(s.origin)
	for i := s.Model.Bodies[body].dof; i >= 0; i = s.Model.dofs[i].parent {
		x := &s.axes[i]
		lin := x.lin.Add(x.ang.Cross(r))
		for k := range 3 {
			dst[k*n+i], dst[(3+k)*n+i] = x.ang[k], lin[k]
		}
	}
}

// PointJacobian writes into dst (3 × NV) the last three rows of Jacobian.
func (s *State) PointJacobian(dst []float64, body int, at Vector) {
	n := s.Model.NV
	clear(dst[:3*n])
	r := at.Sub(s.origin)
	for i := s.Model.Bodies[body].dof; i >= 0; i = s.Model.dofs[i].parent {
		x := &s.axes[i]
		lin := x.lin.Add(x.ang.Cross(r))
		dst[i], dst[n+i], dst[2*n+i] = lin[0], lin[1], lin[2]
	}
}

// Integrate moves the configuration q on by velocity v for dt seconds. The
// quaternion of a free joint turns by its angular velocity, which is in the
// body's axes, and stays of unit length.
func (m *Model) Integrate(q, v []float64, dt float64) {
	for i := range m.Joints {
		j := &m.Joints[i]
		if j.Kind != Free {
			q[j.Q] += dt * v[j.V]
			continue
		}
		for k := range 3 {
			q[j.Q+k] += dt * v[j.V+k]
		}
		now, _ := (*Quaternion)(q[j.Q+3:]).unit()
		turn := Vector{v[j.V+3], v[j.V+4], v[j.V+5]}.Scale(dt)
		next, _ := now.Mul(Exp(turn)).unit()
		copy(q[j.Q+3:], next[:])
	}
}

// Difference writes into v the velocity that in dt seconds leads from the
// configuration a to b; a free body turns the shorter way.
func (m *Model) Difference(v, a, b []float64, dt float64) {
	for i := range m.Joints {
		j := &m.Joints[i]
		if j.Kind != Free {
			v[j.V] = (b[j.Q] - a[j.Q]) / dt
			continue
		}
		for k := range 3 {
			v[j.V+k] = (b[j.Q+k] - a[j.Q+k]) / dt
		}
		from, _ := (*Quaternion)(a[j.Q+3:]).unit()
		to, _ := (*Quaternion)(b[j.Q+3:]).unit()
		turn := from.Conjugate().Mul(to).Vector().Scale(1 / dt)
		copy(v[j.V+3:], turn[:])
	}
}

// Finite reports whether Q and V are free of NaN and infinities.
func (s *State) Finite() bool {
	sum := 0.0
	for _, x := range s.Q {
		sum += x - x
	}
	for _, x := range s.V {
		sum += x - x
	}
	return !math.IsNaN(sum)
}
