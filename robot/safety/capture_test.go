package safety

import (
	"math"
	"testing"

	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

// TestCapture tips our humanoid over. About the rear edge of its soles it turns as
// a pendulum: its capture point is where geometry puts it.
func TestCapture(t *testing.T) {
	m := humanoid.Own()
	i := &body.Info{Units: []body.Unit{
		{Name: "torso", Body: "torso_link", Orientation: mechanism.Quaternion{1}},
		{Name: "pelvis", Body: "pelvis", Orientation: mechanism.Turn(mechanism.Vector{0, 0, 1}, 1)}, // mounted askew
	}}
	for _, name := range humanoid.Joints {
		i.Joints = append(i.Joints, body.Joint{Name: name})
	}
	feet := []string{"left_ankle_roll_link", "right_ankle_roll_link"}
	falling, err := Capture(m, i, feet, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	stand, err := m.Key("stand")
	if err != nil {
		t.Fatal(err)
	}
	x := mechanism.NewState(m)
	copy(x.Q, stand)
	x.Update()
	centre := x.CentreOfMass() // over a floor at height 0
	sense := func(tilt, rate float64) *body.Sensors {
		s := i.NewSensors()
		for k := range s.Joints {
			s.Joints[k].Position = stand[7+k]
		}
		mount := i.Units[1].Orientation
		s.Units[1].Orientation = mechanism.Turn(mechanism.Vector{0, 1, 0}, tilt).Mul(mount)
		s.Units[1].Angular = mount.Conjugate().Rotate(mechanism.Vector{0, rate, 0})
		return s
	}
	if why := falling(sense(0, 0)); why != "" {
		t.Errorf("standing: %s", why)
	}
	c, err := newCapture(m, i, feet, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	for _, rate := range []float64{0.2, 1, 2, 4} {
		// All points turn about the lowest with ω along y: at height z they move by ω·z
		// ahead. The soles reach 0.13 m before the ankles, which stand below the hips.
		want := max(0, centre[0]+rate*centre[2]*math.Sqrt(centre[2]/9.81)-0.13)
		if got := c.outside(sense(0, rate)); math.Abs(got-want) > 1e-9 {
			t.Errorf("%g rad/s: %g m outside instead of %g", rate, got, want)
		}
		if why := falling(sense(0, rate)); (why != "") != (want > 0.25) {
			t.Errorf("%g rad/s: %q", rate, why)
		}
	}
	if falling(sense(0.6, 0)) == "" || falling(sense(math.NaN(), 0)) == "" {
		t.Error("leaning by 34° over its toes it stands")
	}
	for _, bad := range [][]string{nil, {"tail"}, {"waist_yaw_link"}} {
		if _, err := Capture(m, i, bad, 0.25); err == nil {
			t.Errorf("feet %v", bad)
		}
	}
	if _, err := Capture(m, &body.Info{Joints: i.Joints}, feet, 0.25); err == nil {
		t.Error("no inertial unit")
	}
	if _, err := Capture(m, &body.Info{Joints: []body.Joint{{Name: "tail"}}, Units: i.Units}, feet, 0.25); err == nil {
		t.Error("an unknown joint")
	}
}
