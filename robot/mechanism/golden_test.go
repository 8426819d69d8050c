package mechanism

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// golden is what testdata/golden.py writes.
type golden struct {
	Model struct {
		Bodies, Joints, Sensors           []string
		Mass, Armature, Damping, Friction []float64
		Stiffness, Spring, Reference      []float64
		Centre, Inertia, Range, Torque    [][]float64
		Limited                           []bool
		TorqueLimited                     []bool      `json:"torque_limited"`
		GeomBody                          []int       `json:"geom_body"`
		GeomPosition                      [][]float64 `json:"geom_position"`
		GeomType                          []int       `json:"geom_type"`
		GeomContype                       []int       `json:"geom_contype"`
		GeomFriction                      [][]float64 `json:"geom_friction"`
		Gain, Gear                        []float64
		Bias, Control, Force              [][]float64
	}
	States []goldenState
}

type goldenState struct {
	Q, V, A                     []float64
	Position, Orientation, Site [][]float64
	Com                         []float64
	ComVelocity                 []float64   `json:"com_velocity"`
	AngularMomentum             []float64   `json:"angular_momentum"`
	ComJacobian                 [][]float64 `json:"com_jacobian"`
	AngularMatrix               [][]float64 `json:"angular_matrix"`
	Mass                        [][]float64
	Bias, Inverse               []float64
	Points                      []struct {
		Body     int
		At       []float64
		Jacobian [][]float64
		Drift    []float64
	}
}

// tolerance is of the largest number of what is compared.
const tolerance = 1e-8

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, MuJoCo has %d", what, len(got), len(want))
		return
	}
	largest, worst, at := 1e-3, 0.0, 0
	for i := range want {
		largest = max(largest, math.Abs(want[i]))
		if d := math.Abs(got[i] - want[i]); !(d <= worst) {
			worst, at = d, i
		}
	}
	if !(worst <= tolerance*largest) {
		t.Errorf("%s[%d]: %.12g, MuJoCo has %.12g (the largest is %.3g)", what, at, got[at], want[at], largest)
	}
}

func flat(rows [][]float64) []float64 {
	var all []float64
	for _, r := range rows {
		all = append(all, r...)
	}
	return all
}

func open(t testing.TB, path string) *Model {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := Read(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

// models yields what the golden values are of; those of others lie in $SAMOVAR_DATA.
func models(t *testing.T, f func(t *testing.T, m *Model, want *golden)) {
	data := os.Getenv("SAMOVAR_DATA")
	for _, c := range []struct{ name, path string }{
		{"forms", "testdata/forms.xml"},
		{"own", "../humanoid/testdata/own.xml"},
		{"g1", filepath.Join(data, "robot/g1/g1_29dof_rev_1_0.xml")},
		{"humanoid", filepath.Join(data, "robot/mujoco/humanoid/humanoid.xml")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := os.Stat(c.path); err != nil && (data == "" || os.IsNotExist(err)) && c.name != "forms" && c.name != "own" {
				t.Skipf("SAMOVAR_DATA names no folder with %s", filepath.Base(c.path))
			}
			text, err := os.ReadFile(filepath.Join("testdata", c.name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			want := &golden{}
			if err := json.Unmarshal(text, want); err != nil {
				t.Fatal(err)
			}
			f(t, open(t, c.path), want)
		})
	}
}

// TestGoldenModel compares what is read with what MuJoCo reads.
func TestGoldenModel(t *testing.T) {
	models(t, func(t *testing.T, m *Model, g *golden) {
		w := &g.Model
		if len(m.Bodies) != len(w.Bodies) || len(m.Joints) != len(w.Joints) || len(m.Actuators) != len(w.Gain) || len(m.Sensors) != len(w.Sensors) {
			t.Fatal("numbers of bodies, joints, actuators or sensors differ")
		}
		var mass, centre, inertia []float64
		for i, b := range m.Bodies {
			if b.Name != w.Bodies[i] {
				t.Errorf("body %d is %q, not %q", i, b.Name, w.Bodies[i])
			}
			mass, centre, inertia = append(mass, b.Mass), append(centre, b.Centre[:]...), append(inertia, b.Inertia[:]...)
		}
		if w.Mass != nil { // of our own models
			near(t, "mass", mass, w.Mass)
			near(t, "centre", centre, flat(w.Centre))
			near(t, "inertia", inertia, flat(w.Inertia))
			compareGeoms(t, m, g)
		}
		near(t, "reference", m.Reference(), w.Reference)
		compareJoints(t, m, g)
		for i, a := range m.Actuators {
			near(t, "law of "+a.Name, []float64{a.Gear, a.Gain, a.Bias[0], a.Bias[1], a.Bias[2]}, append([]float64{w.Gear[i], w.Gain[i]}, w.Bias[i]...))
			near(t, "control of "+a.Name, a.Control[:], w.Control[i])
			near(t, "force of "+a.Name, a.Force[:], w.Force[i])
		}
		for i, s := range m.Sensors {
			if s.Name != w.Sensors[i] {
				t.Errorf("sensor %d is %q, not %q", i, s.Name, w.Sensors[i])
			}
		}
	})
}

// compareGeoms compares them body by body: MuJoCo changes their order.
func compareGeoms(t *testing.T, m *Model, g *golden) {
	w := &g.Model
	kinds := map[Shape]int{Plane: 0, Sphere: 2, Capsule: 3, Ellipsoid: 4, Cylinder: 5, Box: 6, Mesh: 7}
	if len(m.Geoms) != len(w.GeomBody) {
		t.Fatalf("%d geoms, MuJoCo has %d", len(m.Geoms), len(w.GeomBody))
	}
	var got, want [][]float64
	for i, geom := range m.Geoms {
		p := geom.Position
		if geom.Shape == Mesh {
			p = Vector{} // MuJoCo moves a mesh's frame to its centre
		}
		row := []float64{float64(geom.Body), float64(kinds[geom.Shape]), float64(geom.Type)}
		got = append(got, append(append(row, p[:]...), geom.Friction[:]...))
		row = []float64{float64(w.GeomBody[i]), float64(w.GeomType[i]), float64(w.GeomContype[i])}
		want = append(want, append(append(row, w.GeomPosition[i]...), w.GeomFriction[i]...))
	}
	slices.SortFunc(got, slices.Compare)
	slices.SortFunc(want, slices.Compare)
	for i := range got {
		near(t, "geom", got[i], want[i])
	}
}

func compareJoints(t *testing.T, m *Model, g *golden) {
	w := &g.Model
	spring := m.Reference()
	var armature, damping, friction, stiffness []float64
	for i, j := range m.Joints {
		if j.Name != w.Joints[i] || j.Limited != w.Limited[i] || j.TorqueLimited != w.TorqueLimited[i] {
			t.Errorf("joint %d %q differs in name or in what bounds it", i, j.Name)
		}
		if j.Limited {
			near(t, "range of "+j.Name, j.Range[:], w.Range[i])
		}
		near(t, "torque of "+j.Name, j.Torque[:], w.Torque[i])
		n := 6
		if j.Kind != Free {
			spring[j.Q], n = j.SpringRef, 1
		}
		stiffness = append(stiffness, j.Stiffness)
		for range n {
			armature, damping, friction = append(armature, j.Armature), append(damping, j.Damping), append(friction, j.Friction)
		}
	}
	near(t, "armature", armature, w.Armature)
	near(t, "damping", damping, w.Damping)
	near(t, "friction", friction, w.Friction)
	near(t, "stiffness", stiffness, w.Stiffness)
	near(t, "spring", spring, w.Spring)
}

// TestGoldenState compares kinematics and dynamics with MuJoCo's.
func TestGoldenState(t *testing.T) {
	models(t, func(t *testing.T, m *Model, g *golden) {
		s := NewState(m)
		for i := range g.States {
			w := &g.States[i]
			copy(s.Q, w.Q)
			copy(s.V, w.V)
			s.Update()
			comparePoses(t, s, w)
			compareCentre(t, s, w)
			n := m.NV
			full := make([]float64, 0, n*n)
			for r := range n {
				for c := range n {
					full = append(full, w.Mass[max(r, c)][min(r, c)])
				}
			}
			near(t, "mass matrix", s.MassMatrix(), full)
			tau := make([]float64, n)
			s.Bias(tau)
			near(t, "bias", tau, w.Bias)
			s.InverseDynamics(tau, w.A)
			near(t, "inverse dynamics", tau, w.Inverse)
			acc := make([]float64, n)
			if err := s.ForwardDynamics(acc, w.Inverse); err != nil {
				t.Error(err)
			}
			near(t, "forward dynamics", acc, w.A)
		}
	})
}

func comparePoses(t *testing.T, s *State, w *goldenState) {
	m := s.Model
	var position, orientation, site []float64
	for i := range m.Bodies {
		p, q := s.Position(i), s.Orientation(i)
		if Quaternion(w.Orientation[i])[0]*q[0] < 0 {
			q = Quaternion{-q[0], -q[1], -q[2], -q[3]}
		}
		position, orientation = append(position, p[:]...), append(orientation, q[:]...)
	}
	near(t, "position", position, flat(w.Position))
	near(t, "orientation", orientation, flat(w.Orientation))
	for i := range m.Sites {
		p, _ := s.Site(i)
		site = append(site, p[:]...)
	}
	near(t, "site", site, flat(w.Site))
	jacobian := make([]float64, 6*m.NV)
	for _, p := range w.Points {
		at := Vector(p.At)
		s.Jacobian(jacobian, p.Body, at)
		near(t, "Jacobian", jacobian, flat(p.Jacobian))
		a, l := s.Drift(p.Body, at)
		near(t, "drift", append(a[:], l[:]...), p.Drift)
		a, l = s.Velocity(p.Body, at)
		near(t, "velocity", append(a[:], l[:]...), times(jacobian, s.V))
		last := append([]float64(nil), jacobian[3*m.NV:]...)
		s.PointJacobian(jacobian, p.Body, at)
		near(t, "point's Jacobian", jacobian[:3*m.NV], last)
	}
}

func compareCentre(t *testing.T, s *State, w *goldenState) {
	n := s.Model.NV
	c, v := s.CentreOfMass(), s.CentreVelocity()
	near(t, "centre", c[:], w.Com)
	near(t, "centre's velocity", v[:], w.ComVelocity)
	h, p := s.Momentum()
	near(t, "angular momentum", h[:], w.AngularMomentum)
	jacobian := make([]float64, 3*n)
	s.CentreJacobian(jacobian)
	near(t, "centre's Jacobian", jacobian, flat(w.ComJacobian))
	matrix := make([]float64, 6*n)
	s.MomentumMatrix(matrix)
	near(t, "angular momentum matrix", matrix[:3*n], flat(w.AngularMatrix))
	near(t, "momentum", times(matrix, s.V), append(h[:], p[:]...))
}

// times is matrix times vector.
func times(matrix, v []float64) []float64 {
	out := make([]float64, len(matrix)/len(v))
	for i := range out {
		for k := range v {
			out[i] += matrix[i*len(v)+k] * v[k]
		}
	}
	return out
}

// TestMuJoCoReads gives MuJoCo what Write writes, and compares what it computes
// of that with what it computed of the file that was read.
func TestMuJoCoReads(t *testing.T) {
	python := os.Getenv("SAMOVAR_MUJOCO")
	if python == "" {
		t.Skip("SAMOVAR_MUJOCO names no python that imports mujoco and numpy")
	}
	m := open(t, "testdata/forms.xml")
	path := filepath.Join(t.TempDir(), "written.xml")
	if err := os.WriteFile(path, []byte(written(t, m)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "testdata/golden.py", path).Output()
	if err != nil {
		t.Fatalf("MuJoCo does not read it: %v", err)
	}
	var got, want golden
	before, err := os.ReadFile("testdata/forms.json")
	if err := errors.Join(err, json.Unmarshal(out, &got), json.Unmarshal(before, &want)); err != nil {
		t.Fatal(err)
	}
	near(t, "mass", got.Model.Mass, want.Model.Mass)
	near(t, "inertia", flat(got.Model.Inertia), flat(want.Model.Inertia))
	near(t, "damping", got.Model.Damping, want.Model.Damping)
	near(t, "spring", got.Model.Spring, want.Model.Spring)
	near(t, "bias of actuators", flat(got.Model.Bias), flat(want.Model.Bias))
	near(t, "control", flat(got.Model.Control), flat(want.Model.Control))
	for i, w := range want.States {
		near(t, "q", got.States[i].Q, w.Q)
		near(t, "position", flat(got.States[i].Position), flat(w.Position))
		near(t, "mass matrix", flat(got.States[i].Mass), flat(w.Mass))
		near(t, "inverse dynamics", got.States[i].Inverse, w.Inverse)
	}
}
