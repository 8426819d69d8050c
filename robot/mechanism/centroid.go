package mechanism

// The whole robot seen from its centre of mass: Orin, Goswami and Lee,
// Centroidal dynamics of a humanoid robot, Autonomous Robots 35, 2013. Momentum is
// in the world's axes about the centre of mass. Rotors have no part in it: their
// inertia is seen by their joints alone.

// CentreOfMass returns that of all bodies, m.
func (s *State) CentreOfMass() Vector { return s.centre }

// CentreVelocity returns the velocity of the centre of mass, m/s.
func (s *State) CentreVelocity() Vector {
	_, linear := s.Momentum()
	if s.weight == 0 {
		return Vector{}
	}
	return linear.Scale(1 / s.weight)
}

// CentreDrift returns the acceleration of the centre of mass while no velocity
// changes, without gravity: J̇·q̇ of CentreJacobian, m/s².
func (s *State) CentreDrift() Vector {
	_, linear := s.MomentumDrift()
	if s.weight == 0 {
		return Vector{}
	}
	return linear.Scale(1 / s.weight)
}

// CentreJacobian writes into dst (3 × NV) the matrix that makes of V the
// velocity of the centre of mass.
func (s *State) CentreJacobian(dst []float64) {
	n := s.Model.NV
	k := 0.0
	if s.weight > 0 {
		k = 1 / s.weight
	}
	for i := range n {
		p := s.push[i].lin
		dst[i], dst[n+i], dst[2*n+i] = k*p[0], k*p[1], k*p[2]
	}
}

// Momentum returns angular momentum about the centre of mass, kg·m²/s, and
// linear, kg·m/s.
func (s *State) Momentum() (angular, linear Vector) {
	h := spatial{}
	for i := range s.motion {
		h = h.add(s.body[i].apply(s.motion[i]))
	}
	return s.aboutCentre(h), h.lin
}

// MomentumMatrix writes into dst (6 × NV) the matrix that makes of V what
// Momentum returns, the angular rows first: A_G there.
func (s *State) MomentumMatrix(dst []float64) {
	n := s.Model.NV
	for i := range n {
		p := s.push[i]
		ang := s.aboutCentre(p)
		for k := range 3 {
			dst[k*n+i], dst[(3+k)*n+i] = ang[k], p.lin[k]
		}
	}
}

// MomentumDrift returns Ȧ_G·q̇: how fast Momentum changes while no velocity
// does, without gravity, Nm and N. The centre moves along the linear momentum, so
// that its motion adds nothing.
func (s *State) MomentumDrift() (angular, linear Vector) {
	f := spatial{}
	for i := range s.motion {
		v := s.motion[i]
		f = f.add(s.body[i].apply(s.drift[i])).add(v.crossForce(s.body[i].apply(v)))
	}
	return s.aboutCentre(f), f.lin
}

// aboutCentre is the moment of f about the centre of mass.
func (s *State) aboutCentre(f spatial) Vector {
	return f.ang.Sub(s.centre.Sub(s.origin).Cross(f.lin))
}
