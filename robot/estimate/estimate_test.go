package estimate

import (
	"math"
	"testing"

	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

var feet = [2]string{"left_ankle_roll_link", "right_ankle_roll_link"}

// describe is our humanoid as a body would describe it.
func describe() *body.Info {
	i := &body.Info{Rate: 250, Units: []body.Unit{{Name: "pelvis", Body: "pelvis", Orientation: mechanism.Turn(mechanism.Vector{0, 0, 1}, 1)}}}
	for _, name := range humanoid.Joints {
		i.Joints = append(i.Joints, body.Joint{Name: name, Torque: [2]float64{-50, 50}})
	}
	return i
}

// TestRobot finds our humanoid's legs, and refuses what is none.
func TestRobot(t *testing.T) {
	r, err := NewRobot(humanoid.Own(), describe(), feet)
	if err != nil {
		t.Fatal(err)
	}
	for k, l := range r.Legs {
		for row, j := range l.Joints {
			if j != 6*k+row {
				t.Errorf("leg %d has joints %v", k, l.Joints)
			}
		}
		if len(l.Sole) != 4 || math.Abs(l.Half[0]-0.095) > 1e-9 || math.Abs(l.Half[1]-0.04) > 1e-9 {
			t.Errorf("leg %d has a sole of %v, %v", k, l.Half, l.Sole)
		}
	}
	short := describe()
	short.Joints = short.Joints[1:]
	blind := describe()
	blind.Units = nil
	for fault, c := range map[string]struct {
		i    *body.Info
		feet [2]string
	}{
		"a joint is missing":  {short, feet},
		"no inertial unit":    {blind, feet},
		"no such foot":        {describe(), [2]string{"tail", feet[1]}},
		"an arm is no leg":    {describe(), [2]string{feet[0], "left_wrist_yaw_link"}},
		"a shank has no sole": {describe(), [2]string{feet[0], "right_knee_link"}},
	} {
		if _, err := NewRobot(humanoid.Own(), c.i, c.feet); err == nil {
			t.Error(fault)
		}
	}
}

// TestInverse multiplies a leg's Jacobian by its inverse.
func TestInverse(t *testing.T) {
	m := humanoid.Own()
	r, err := NewRobot(m, describe(), feet)
	if err != nil {
		t.Fatal(err)
	}
	x := mechanism.NewState(m)
	stand, err := m.Key("stand")
	if err != nil {
		t.Fatal(err)
	}
	copy(x.Q, stand)
	x.Update()
	work := make([]float64, 6*m.NV)
	for k := range r.Legs {
		l := &r.Legs[k]
		at, _ := l.Pose(x)
		var inverse [36]float64
		l.Inverse(&inverse, x, at, work)
		for i := range 6 {
			for j := range 6 {
				sum, want := 0.0, 0.0
				for c, v := range l.V {
					sum += work[i*m.NV+v] * inverse[6*c+j]
				}
				if i == j {
					want = 1
				}
				if math.Abs(sum-want) > 0.01 { // the damping
					t.Errorf("leg %d: row %d column %d is %g instead of %g", k, i, j, sum, want)
				}
			}
		}
	}
}
