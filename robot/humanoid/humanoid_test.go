package humanoid

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"testing"

	"samovar/robot/mechanism"
)

// TestOwn compares the robot with the file that the golden values and MuJoCo are
// given. SAMOVAR_WRITE=1 writes the file again.
func TestOwn(t *testing.T) {
	var text bytes.Buffer
	if err := Own().Write(&text); err != nil {
		t.Fatal(err)
	}
	const path = "testdata/own.xml"
	if os.Getenv("SAMOVAR_WRITE") != "" {
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text.Bytes(), want) {
		t.Errorf("%s is not what Own writes: SAMOVAR_WRITE=1 go test ./robot/humanoid, then golden.py again", path)
	}
}

func TestBody(t *testing.T) {
	m := Own()
	if got := m.Mass(); math.Abs(got-35) > 1e-9 {
		t.Errorf("%g kg", got)
	}
	if m.NQ != 36 || m.NV != 35 || len(m.Actuators) != 29 {
		t.Errorf("%d coordinates, %d velocities, %d motors", m.NQ, m.NV, len(m.Actuators))
	}
	for i, name := range Joints {
		j := &m.Joints[i+1]
		if j.Name != name || j.Q != 7+i || m.Actuators[i].Joint != i+1 || m.Actuators[i].Name != name {
			t.Errorf("joint or motor %d is not %s", i, name)
		}
		if least, greatest := m.TorqueRange(i + 1); least != -greatest || greatest != j.Torque[1] || j.Speed <= 0 {
			t.Errorf("%s: torque of %g to %g, speed %g", name, least, greatest, j.Speed)
		}
		if !(j.Range[0] < 0 && 0 < j.Range[1]) {
			t.Errorf("%s cannot be at 0", name)
		}
	}
	s := mechanism.NewState(m)
	s.Update()
	head, err := m.Body("torso_link")
	if err != nil {
		t.Fatal(err)
	}
	if top := s.Point(head, mechanism.Vector{0, 0, 0.485}); math.Abs(top[2]-1.3) > 0.01 {
		t.Errorf("the head's top is at %g m", top[2])
	}
}

// TestMirror holds left and right to be each other's image: with mirrored joints
// the centre of mass lies in the middle.
func TestMirror(t *testing.T) {
	m := Own()
	s := mechanism.NewState(m)
	set := func(name string, left, right float64) {
		for side, x := range map[string]float64{"left_": left, "right_": right} {
			j, err := m.Joint(side + name + "_joint")
			if err != nil {
				t.Fatal(err)
			}
			s.Q[m.Joints[j].Q] = x
		}
	}
	for i, name := range []string{"hip_pitch", "knee", "ankle_pitch", "shoulder_pitch", "elbow", "wrist_pitch"} {
		set(name, 0.1*float64(i+1), 0.1*float64(i+1))
	}
	for i, name := range []string{"hip_roll", "hip_yaw", "ankle_roll", "shoulder_roll", "shoulder_yaw", "wrist_roll", "wrist_yaw"} {
		set(name, 0.1*float64(i+1), -0.1*float64(i+1))
	}
	s.Update()
	if c := s.CentreOfMass(); math.Abs(c[1]) > 1e-12 {
		t.Errorf("the centre of mass is %g m beside the middle", c[1])
	}
	for i := range 6 {
		l, r := m.Joints[1+i], m.Joints[7+i]
		if i%6 == 1 || i%6 == 2 || i%6 == 5 {
			r.Range = [2]float64{-r.Range[1], -r.Range[0]}
		}
		if l.Range != r.Range {
			t.Errorf("%s and %s do not mirror: %v, %v", l.Name, r.Name, l.Range, r.Range)
		}
	}
}

// TestStance stands with both soles on the floor and the centre of mass between.
func TestStance(t *testing.T) {
	m := Own()
	q, err := m.Key("stand")
	if err != nil {
		t.Fatal(err)
	}
	s := mechanism.NewState(m)
	copy(s.Q, q)
	s.Update()
	back, front := math.Inf(1), math.Inf(-1)
	for _, name := range []string{"left_ankle_roll_link", "right_ankle_roll_link"} {
		foot, err := m.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		soles := m.Soles(q, foot, 0.005)
		if len(soles) != 4 {
			t.Fatalf("%s rests on %d points", name, len(soles))
		}
		for _, p := range soles {
			w := s.Point(foot, p)
			if math.Abs(w[2]) > 1e-9 {
				t.Errorf("%s: a point at height %g", name, w[2])
			}
			back, front = min(back, w[0]), max(front, w[0])
		}
	}
	c := s.CentreOfMass()
	if middle := (back + front) / 2; math.Abs(c[0]-middle) > 0.04 {
		t.Errorf("the centre of mass is at x = %g, the soles reach from %g to %g", c[0], back, front)
	}
	if c[2] < 0.55 || c[2] > 0.8 {
		t.Errorf("the centre of mass is at height %g", c[2])
	}
}

// TestStands lets MuJoCo load the robot, hold its joints for a second, and say
// whether it stands.
func TestStands(t *testing.T) {
	python := os.Getenv("SAMOVAR_MUJOCO")
	if python == "" {
		t.Skip("SAMOVAR_MUJOCO names no python that imports mujoco and numpy")
	}
	out, err := exec.Command(python, "testdata/stand.py", "testdata/own.xml").CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	t.Logf("%s", out)
}
