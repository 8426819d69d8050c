package mechanism

import (
	"fmt"
	"math"
)

// InverseDynamics writes into tau (NV) the generalised forces that make the
// velocities change by acc (NV; nil: not at all), gravity and rotors included:
// τ = M·q̈ + c(q, q̇). Contacts, limits, friction and damping have no part in it.
// For a free joint the first three are a force in the world's axes, the others a
// moment in the body's. The recursive Newton-Euler algorithm (RBDA section
// 5.3 and table 5.1, in coordinates that stand still).
func (s *State) InverseDynamics(tau, acc []float64) {
	m := s.Model
	s.accel[0] = spatial{lin: m.Gravity.Scale(-1)} // as if the world were accelerated upwards
	s.force[0] = spatial{}
	for i := 1; i < len(m.Bodies); i++ {
		b := &m.Bodies[i]
		a := s.accel[b.Parent].add(s.drift[i]).add(s.drift[b.Parent].scale(-1))
		if acc != nil {
			for k := b.dof; k >= 0 && m.dofs[k].body == i; k-- {
				a = a.add(s.axes[k].scale(acc[k]))
			}
		}
		s.accel[i] = a
		v := s.motion[i]
		s.force[i] = s.body[i].apply(a).add(v.crossForce(s.body[i].apply(v)))
	}
	for i := len(m.Bodies) - 1; i > 0; i-- {
		up := m.Bodies[i].Parent
		s.force[up] = s.force[up].add(s.force[i])
	}
	for k := range m.NV {
		d := &m.dofs[k]
		tau[k] = s.axes[k].dot(s.force[d.body])
		if acc != nil {
			tau[k] += m.Joints[d.joint].Armature * acc[k]
		}
	}
}

// Bias writes into tau (NV) the forces of gravity, centrifugal and Coriolis: c(q, q̇).
func (s *State) Bias(tau []float64) { s.InverseDynamics(tau, nil) }

// MassMatrix returns M (NV × NV, symmetric), the state's own until the next call,
// with the rotors' inertia on its diagonal. The composite-rigid-body algorithm
// (RBDA table 6.2, in coordinates that stand still).
func (s *State) MassMatrix() []float64 {
	n := s.Model.NV
	clear(s.mass)
	for i := range n {
		for j := i; j >= 0; j = s.Model.dofs[j].parent {
			x := s.axes[j].dot(s.push[i])
			s.mass[i*n+j], s.mass[j*n+i] = x, x
		}
		s.mass[i*n+i] += s.Model.Joints[s.Model.dofs[i].joint].Armature
	}
	return s.mass
}

// Factor computes the factor L of the mass matrix, M = Lᵀ·L, which Solve uses;
// call it after MassMatrix. L is zero wherever M is because bodies lie on
// different branches (RBDA section 6.5).
func (s *State) Factor() error {
	n, dofs := s.Model.NV, s.Model.dofs
	copy(s.factor, s.mass)
	l := s.factor
	for k := n - 1; k >= 0; k-- {
		d := l[k*n+k]
		if !(d > 0) || math.IsInf(d, 0) {
			return fmt.Errorf("factor the mass matrix: velocity %d of %d moves no mass: check the configuration and the bodies' masses", k, n)
		}
		d = math.Sqrt(d)
		l[k*n+k] = d
		for i := dofs[k].parent; i >= 0; i = dofs[i].parent {
			l[k*n+i] /= d
		}
		for i := dofs[k].parent; i >= 0; i = dofs[i].parent {
			for j := i; j >= 0; j = dofs[j].parent {
				l[i*n+j] -= l[k*n+i] * l[k*n+j]
			}
		}
	}
	return nil
}

// Solve replaces x (NV) by M⁻¹·x, with Factor's L.
func (s *State) Solve(x []float64) {
	n, dofs, l := s.Model.NV, s.Model.dofs, s.factor
	for i := n - 1; i >= 0; i-- {
		x[i] /= l[i*n+i]
		for j := dofs[i].parent; j >= 0; j = dofs[j].parent {
			x[j] -= l[i*n+j] * x[i]
		}
	}
	for i := range n {
		for j := dofs[i].parent; j >= 0; j = dofs[j].parent {
			x[i] -= l[i*n+j] * x[j]
		}
		x[i] /= l[i*n+i]
	}
}

// ForwardDynamics writes into acc (NV) how velocities change under the
// generalised forces tau (NV): M⁻¹·(τ − c). It leaves M and L in the state.
func (s *State) ForwardDynamics(acc, tau []float64) error {
	s.Bias(acc)
	for i := range acc {
		acc[i] = tau[i] - acc[i]
	}
	s.MassMatrix()
	if err := s.Factor(); err != nil {
		return err
	}
	s.Solve(acc)
	return nil
}

// Kinetic returns the energy of motion, rotors included, J.
func (s *State) Kinetic() float64 {
	e := 0.0
	for i := range s.motion {
		e += s.motion[i].dot(s.body[i].apply(s.motion[i])) / 2
	}
	for k, v := range s.V {
		e += s.Model.Joints[s.Model.dofs[k].joint].Armature * v * v / 2
	}
	return e
}

// Potential returns the energy of height: 0 with the centre of mass at the
// world's origin, J.
func (s *State) Potential() float64 { return -s.weight * s.Model.Gravity.Dot(s.centre) }
