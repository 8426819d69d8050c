package safety

import (
	"math"
	"strings"
	"testing"

	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

// standing is our humanoid as it stands, and what it senses at rest.
func standing(t testing.TB) (*mechanism.Model, *body.Info, *body.Sensors) {
	t.Helper()
	m, i := humanoid.Own(), &body.Info{}
	for _, name := range humanoid.Joints {
		i.Joints = append(i.Joints, body.Joint{Name: name})
	}
	q, err := m.Key("stand")
	if err != nil {
		t.Fatal(err)
	}
	s := i.NewSensors()
	for k := range s.Joints {
		s.Joints[k].Position = q[7+k]
	}
	return m, i, s
}

// leftRoll is the joint that lifts the left arm to its side. As it stands, the left hand
// touches the thigh where this joint is at touch, rad: MuJoCo's mj_geomDistance is 0 there.
const (
	leftRoll = 16
	touch    = 0.04636592
)

// TestClearance swings the left arm into the thigh, lets it rest there, presses on, leads
// it away and swings it again.
func TestClearance(t *testing.T) {
	m, i, s := standing(t)
	touching, err := Clearance(m, i, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := func(roll, speed float64) bool {
		s.Joints[leftRoll].Position, s.Joints[leftRoll].Velocity = roll, speed
		why := touching(s)
		if why != "" && (!strings.Contains(why, "left_") || strings.Contains(why, "right_")) {
			t.Errorf("at %g rad: %s", roll, why)
		}
		return why != ""
	}
	swing := func(speed float64) float64 {
		for roll := 1.0; roll > -0.6; roll -= speed / 250 {
			if at(roll, -speed) {
				return roll
			}
		}
		return math.NaN()
	}
	for _, speed := range []float64{0.1, 1, 3, 8} {
		if roll := swing(speed); !(math.Abs(roll-(touch+ahead*speed)) < 0.02+speed/250) {
			t.Errorf("at %g rad/s it is stopped at %.3f rad", speed, roll)
		}
		for range 10 {
			if at(touch+0.005, 0) {
				t.Errorf("at %g rad/s: it is locked where it has been stopped", speed)
			}
		}
		if !at(touch-0.05, 0) {
			t.Errorf("at %g rad/s: it may press on", speed)
		}
		for roll := touch - 0.04; roll < 0.2; roll += speed / 250 {
			if at(roll, speed) {
				t.Errorf("at %g rad/s: it may not be led away at %.2f rad", speed, roll)
			}
		}
	}
}

// TestClearanceOf watches what it should.
func TestClearanceOf(t *testing.T) {
	m, i, s := standing(t)
	c, err := newClearance(m, i, nil)
	if err != nil {
		t.Fatal(err)
	}
	watched := map[string]bool{}
	for _, p := range c.pairs {
		a, b := m.Bodies[c.forms[p.a].Body].Name, m.Bodies[c.forms[p.b].Body].Name
		watched[a+" "+b], watched[b+" "+a] = true, true
	}
	for pair, want := range map[string]bool{
		"left_wrist_yaw_link torso_link": true, "left_wrist_yaw_link right_elbow_link": true, "left_wrist_yaw_link left_hip_yaw_link": true,
		"left_shoulder_yaw_link torso_link": true, "left_ankle_roll_link right_knee_link": true, "right_ankle_roll_link left_ankle_roll_link": true,
		"left_elbow_link left_shoulder_yaw_link": false, "pelvis left_hip_yaw_link": false, "pelvis torso_link": false, "left_hip_pitch_link waist_roll_link": true, "left_ankle_roll_link left_knee_link": false,
	} {
		if watched[pair] != want {
			t.Errorf("%s: watched is %v", pair, !want)
		}
	}
	if why := c.touching(s); why != "" {
		t.Errorf("as it stands: %s", why)
	}
	s.Joints[1].Position, s.Joints[7].Position = -0.3, 0.3 // the legs crossed
	if why := c.touching(s); !strings.Contains(why, "right") || !strings.Contains(why, "left") {
		t.Errorf("its legs cross: %q", why)
	}
}

// TestClearanceWithout has models without something: forms, a mesh's corners, a joint.
func TestClearanceWithout(t *testing.T) {
	m, i, s := standing(t)
	hollow, bare := *m, *m
	hollow.Geoms = append([]mechanism.Geom{{Body: 1, Shape: mechanism.Mesh, Mesh: "shell", Type: 1}}, m.Geoms...)
	bare.Geoms = nil
	for _, c := range []struct {
		m      *mechanism.Model
		meshes map[string][]mechanism.Vector
	}{{&hollow, nil}, {&hollow, map[string][]mechanism.Vector{"shell": {{0, 0, 0}, {0.01, 0, 0}}}}, {&bare, nil}} {
		touching, err := Clearance(c.m, i, c.meshes)
		if err != nil {
			t.Fatal(err)
		}
		if why := touching(s); why != "" {
			t.Errorf("as it stands, %s", why)
		}
	}
	if _, err := Clearance(m, &body.Info{Joints: []body.Joint{{Name: "tail"}}}, nil); err == nil || !strings.Contains(err.Error(), `"tail"`) {
		t.Errorf("a joint that the model does not have: %v", err)
	}
}

func BenchmarkClearance(b *testing.B) {
	m, i, s := standing(b)
	touching, err := Clearance(m, i, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		touching(s)
	}
}
