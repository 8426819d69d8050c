package mechanism

import (
	"math"
	"math/rand/v2"
	"testing"
)

// both are a model with every kind of joint, and a humanoid.
var both = []string{"testdata/forms.xml", "../humanoid/testdata/own.xml"}

// shake gives a state a random configuration and velocity.
func shake(s *State, r *rand.Rand) {
	for i := range s.Q {
		s.Q[i] = 3 * (r.Float64() - 0.5)
	}
	for i := range s.V {
		s.V[i] = 2 * r.NormFloat64()
	}
	s.Update()
}

func random(n int, r *rand.Rand) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// TestMassMatrix holds M to be symmetric and positive, to be what the energy of
// motion says, and to agree with the inverse dynamics.
func TestMassMatrix(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, path := range both {
		m := open(t, path)
		s := NewState(m)
		for range 20 {
			shake(s, r)
			mass := s.MassMatrix()
			if err := s.Factor(); err != nil {
				t.Fatal(err)
			}
			n := m.NV
			for i := range n {
				for j := range n {
					if mass[i*n+j] != mass[j*n+i] {
						t.Fatalf("M is not symmetric at %d, %d", i, j)
					}
				}
			}
			mv := times(mass, s.V)
			energy := 0.0
			for i, v := range s.V {
				energy += v * mv[i] / 2
			}
			same(t, "energy", []float64{s.Kinetic()}, []float64{energy})
			acc, with, without := random(n, r), make([]float64, n), make([]float64, n)
			s.InverseDynamics(with, acc)
			s.Bias(without)
			for i := range with {
				with[i] -= without[i]
			}
			same(t, "M·a", with, times(mass, acc))
			x := append([]float64(nil), acc...)
			s.Solve(x)
			same(t, "M·M⁻¹·x", times(mass, x), acc)
		}
	}
}

// same compares up to rounding.
func same(t *testing.T, what string, got, want []float64) {
	t.Helper()
	largest := 1e-9
	for _, x := range want {
		largest = max(largest, math.Abs(x))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= 1e-9*largest) {
			t.Fatalf("%s[%d]: %.15g, not %.15g", what, i, got[i], want[i])
		}
	}
}

// TestForwardDynamics goes from forces to accelerations and back.
func TestForwardDynamics(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, path := range both {
		m := open(t, path)
		s := NewState(m)
		for range 20 {
			shake(s, r)
			tau, acc, back := random(m.NV, r), make([]float64, m.NV), make([]float64, m.NV)
			if err := s.ForwardDynamics(acc, tau); err != nil {
				t.Fatal(err)
			}
			s.InverseDynamics(back, acc)
			same(t, "τ", back, tau)
		}
	}
}

// TestDerivatives compares velocities and drifts with differences of positions
// and velocities along a motion.
func TestDerivatives(t *testing.T) {
	const h = 1e-6
	r := rand.New(rand.NewPCG(5, 6))
	for _, path := range both {
		m := open(t, path)
		s, before, after := NewState(m), NewState(m), NewState(m)
		for range 5 {
			shake(s, r)
			for i := range m.Joints { // so that differences are of one rotation
				if j := &m.Joints[i]; j.Kind == Free {
					q, _ := Quaternion(s.Q[j.Q+3 : j.Q+7]).unit()
					copy(s.Q[j.Q+3:], q[:])
				}
			}
			s.Update()
			for sign, n := range map[float64]*State{-1: before, 1: after} {
				copy(n.Q, s.Q)
				copy(n.V, s.V)
				m.Integrate(n.Q, n.V, sign*h)
				n.Update()
			}
			slope := func(a, b Vector) []float64 { d := b.Sub(a).Scale(1 / (2 * h)); return d[:] }
			for i := range m.Bodies {
				local := Vector{0.1, -0.2, 0.3}
				at := func(n *State) (Vector, Vector, Vector) {
					p := n.Point(i, local)
					a, l := n.Velocity(i, p)
					return p, a, l
				}
				p0, a0, l0 := at(before)
				p1, a1, l1 := at(after)
				p, a, l := at(s)
				roughly(t, "velocity", l[:], slope(p0, p1))
				turn := before.Orientation(i).Conjugate().Mul(after.Orientation(i)).Vector().Scale(1 / (2 * h))
				turn = s.Rotation(i).Apply(turn)
				roughly(t, "angular velocity", a[:], turn[:])
				da, dl := s.Drift(i, p)
				roughly(t, "angular drift", da[:], slope(a0, a1))
				roughly(t, "drift", dl[:], slope(l0, l1))
			}
			v, d := s.CentreVelocity(), s.CentreDrift()
			roughly(t, "centre's velocity", v[:], slope(before.CentreOfMass(), after.CentreOfMass()))
			roughly(t, "centre's drift", d[:], slope(before.CentreVelocity(), after.CentreVelocity()))
			ha, hl := s.MomentumDrift()
			a0, l0 := before.Momentum()
			a1, l1 := after.Momentum()
			roughly(t, "angular momentum's drift", ha[:], slope(a0, a1))
			roughly(t, "momentum's drift", hl[:], slope(l0, l1))
		}
	}
}

// roughly allows for what differences over 2 µs leave.
func roughly(t *testing.T, what string, got, want []float64) {
	t.Helper()
	largest := 1.0
	for _, x := range want {
		largest = max(largest, math.Abs(x))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= 1e-6*largest) {
			t.Fatalf("%s[%d]: %.12g, by differences %.12g", what, i, got[i], want[i])
		}
	}
}

// TestMomentumBalance holds, for a robot that nothing touches, the rate of its
// momentum about the centre of mass to be what its base would have to be pushed with.
func TestMomentumBalance(t *testing.T) {
	m := open(t, both[1])
	s := NewState(m)
	r := rand.New(rand.NewPCG(7, 8))
	shake(s, r)
	acc, tau, matrix := random(m.NV, r), make([]float64, m.NV), make([]float64, 6*m.NV)
	s.InverseDynamics(tau, acc)
	s.MomentumMatrix(matrix)
	rate := times(matrix, acc)
	da, dl := s.MomentumDrift()
	force := Vector(tau[:3])
	weight := m.Gravity.Scale(m.Mass())
	want := force.Add(weight).Sub(dl)
	same(t, "linear", rate[3:], want[:])
	moment := s.Rotation(1).Apply(Vector(tau[3:6])).Sub(s.CentreOfMass().Sub(s.Position(1)).Cross(force)).Sub(da)
	same(t, "angular", rate[:3], moment[:])
}

// TestEnergy lets the robot fall freely, joints loose: energy stays what it was.
// Runge-Kutta of order 4 over 0.1 s in steps of 0.2 ms.
func TestEnergy(t *testing.T) {
	m := open(t, both[1])
	s := NewState(m)
	r := rand.New(rand.NewPCG(9, 10))
	for i := range s.V {
		s.V[i] = r.NormFloat64()
	}
	s.Update()
	before := s.Kinetic() + s.Potential()
	const h = 2e-4
	n := m.NV
	tau, q, v := make([]float64, n), make([]float64, m.NQ), make([]float64, n)
	var k, w [4][]float64
	for i := range k {
		k[i], w[i] = make([]float64, n), make([]float64, n)
	}
	for range 500 {
		copy(q, s.Q)
		copy(v, s.V)
		for i, c := range [4]float64{0, h / 2, h / 2, h} {
			copy(s.Q, q)
			if i > 0 {
				for j := range v {
					s.V[j] = v[j] + c*k[i-1][j]
				}
				m.Integrate(s.Q, w[i-1], c)
			}
			copy(w[i], s.V)
			s.Update()
			if err := s.ForwardDynamics(k[i], tau); err != nil {
				t.Fatal(err)
			}
		}
		for j := range v {
			s.V[j] = v[j] + h/6*(k[0][j]+2*k[1][j]+2*k[2][j]+k[3][j])
			w[0][j] = (w[0][j] + 2*w[1][j] + 2*w[2][j] + w[3][j]) / 6
		}
		copy(s.Q, q)
		m.Integrate(s.Q, w[0], h)
	}
	s.Update()
	after := s.Kinetic() + s.Potential()
	if !(math.Abs(after-before) < 1e-5*s.Kinetic()) {
		t.Errorf("energy went from %.9g to %.9g J, %.3g of them motion", before, after, s.Kinetic())
	}
}

// TestPendulum compares with what can be written down: a rod of length 1 m and
// mass 2 kg at its end.
func TestPendulum(t *testing.T) {
	m := &Model{
		Gravity: Vector{0, 0, -10}, Timestep: 0.001,
		Bodies: []Body{{Parent: -1, Orientation: Quaternion{1}}, {Name: "bob", Orientation: Quaternion{1}, Mass: 2, Centre: Vector{0, 0, -1}}},
		Joints: []Joint{{Name: "pivot", Body: 1, Axis: Vector{0, 1, 0}, Armature: 0.5}},
	}
	if err := m.Complete(); err != nil {
		t.Fatal(err)
	}
	s := NewState(m)
	s.Q[0], s.V[0] = math.Pi/6, 3
	s.Update()
	same(t, "M", s.MassMatrix(), []float64{2.5})
	tau := make([]float64, 1)
	s.Bias(tau)
	same(t, "torque of gravity", tau, []float64{2 * 10 * 0.5})
	c, v := s.CentreOfMass(), s.CentreVelocity()
	same(t, "centre", c[:], []float64{-0.5, 0, -math.Sqrt(3) / 2})
	same(t, "velocity", v[:], []float64{-3 * math.Sqrt(3) / 2, 0, 1.5})
	d := s.CentreDrift()
	same(t, "centripetal", d[:], []float64{9 * 0.5, 0, 9 * math.Sqrt(3) / 2})
}

func TestDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	m := open(t, both[0])
	a, v, got := m.Reference(), random(m.NV, r), make([]float64, m.NV)
	b := append([]float64(nil), a...)
	m.Integrate(b, v, 0.3)
	m.Difference(got, a, b, 0.3)
	same(t, "velocity", got, v)
}

func TestFinite(t *testing.T) {
	m := open(t, both[0])
	s := NewState(m)
	if !s.Finite() {
		t.Error("a fresh state is not finite")
	}
	s.V[3] = math.NaN()
	if s.Finite() {
		t.Error("NaN is finite")
	}
	s.V[3], s.Q[2] = 0, math.Inf(1)
	if s.Finite() {
		t.Error("infinity is finite")
	}
}

// TestFar holds a robot a kilometre from the world's origin to the same dynamics.
func TestFar(t *testing.T) {
	m := open(t, both[1])
	s := NewState(m)
	shake(s, rand.New(rand.NewPCG(13, 14)))
	near := append([]float64(nil), s.MassMatrix()...)
	s.Q[0] += 1000
	s.Q[1] -= 1000
	s.Update()
	same(t, "M", s.MassMatrix(), near)
}

// tick is what a controller asks of a state in each period.
func tick(s *State, jacobian, matrix, tau []float64) {
	s.Update()
	s.MassMatrix()
	s.Bias(tau)
	s.MomentumMatrix(matrix)
	s.MomentumDrift()
	for body := 1; body < 5; body++ {
		s.Jacobian(jacobian, body, s.Position(body))
		s.Drift(body, s.Position(body))
	}
}

// TestAllocations holds what runs in every period to allocate nothing.
func TestAllocations(t *testing.T) {
	m := open(t, both[1])
	s := NewState(m)
	jacobian, matrix, tau, acc := make([]float64, 6*m.NV), make([]float64, 6*m.NV), make([]float64, m.NV), make([]float64, m.NV)
	n := testing.AllocsPerRun(10, func() {
		tick(s, jacobian, matrix, tau)
		s.PointJacobian(jacobian, 3, Vector{})
		s.CentreJacobian(jacobian)
		s.InverseDynamics(tau, acc)
		if s.ForwardDynamics(acc, tau) != nil {
			t.Error("no acceleration")
		}
		m.Integrate(s.Q, s.V, 0.002)
		m.Difference(acc, s.Q, s.Q, 1)
	})
	if n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func benchmark(b *testing.B, f func(s *State, tau []float64)) {
	m := open(b, both[1])
	s := NewState(m)
	shake(s, rand.New(rand.NewPCG(1, 1)))
	s.MassMatrix()
	tau := make([]float64, m.NV)
	b.ReportAllocs()
	for b.Loop() {
		f(s, tau)
	}
}

func BenchmarkUpdate(b *testing.B)     { benchmark(b, func(s *State, _ []float64) { s.Update() }) }
func BenchmarkMassMatrix(b *testing.B) { benchmark(b, func(s *State, _ []float64) { s.MassMatrix() }) }
func BenchmarkBias(b *testing.B)       { benchmark(b, func(s *State, tau []float64) { s.Bias(tau) }) }

func BenchmarkForwardDynamics(b *testing.B) {
	acc := make([]float64, 35)
	benchmark(b, func(s *State, tau []float64) {
		if s.ForwardDynamics(acc, tau) != nil {
			b.Fatal("no acceleration")
		}
	})
}

func BenchmarkTick(b *testing.B) {
	jacobian, matrix := make([]float64, 6*35), make([]float64, 6*35)
	benchmark(b, func(s *State, tau []float64) { tick(s, jacobian, matrix, tau) })
}
