package body

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"samovar/robot/mechanism"
)

// Describe says what a body with the mechanism of a robot is: its driven joints and its
// inertial units, which are sites with imu in their names, or else one in the base. Rate,
// mode and bound of stale commands are the caller's. The base is the body with the free
// joint.
func Describe(m *mechanism.Model) (i Info, base string, err error) {
	i.Model = m.Name
	for k := range m.Joints {
		j := &m.Joints[k]
		if j.Kind == mechanism.Free {
			if base != "" {
				return i, base, errors.New("two free joints: a robot has one")
			}
			base = m.Bodies[j.Body].Name
			continue
		}
		if !slices.ContainsFunc(m.Actuators, func(a mechanism.Actuator) bool { return a.Joint == k }) {
			continue
		}
		least, greatest := m.TorqueRange(k)
		if math.IsInf(least, 0) || math.IsInf(greatest, 0) || least > 0 || greatest < 0 {
			return i, base, fmt.Errorf("joint %q has a torque of %g to %g Nm: give it an actuatorfrcrange", j.Name, least, greatest)
		}
		d := Joint{Name: j.Name, Range: [2]float64{-Unlimited, Unlimited}, Speed: j.Speed, Torque: [2]float64{least, greatest}}
		if j.Limited {
			d.Range = j.Range
		}
		i.Joints = append(i.Joints, d)
	}
	switch {
	case len(i.Joints) == 0:
		return i, base, errors.New("no joint has an actuator")
	case base == "":
		return i, base, errors.New("no named body has a free joint: a robot that walks needs one")
	}
	for k := range m.Sites {
		if s := &m.Sites[k]; strings.Contains(strings.ToLower(s.Name), "imu") {
			i.Units = append(i.Units, Unit{Name: s.Name, Body: m.Bodies[s.Body].Name, Position: s.Position, Orientation: s.Orientation})
		}
	}
	if len(i.Units) == 0 {
		i.Units = []Unit{{Name: "base", Body: base, Orientation: mechanism.Quaternion{1}}}
	}
	return i, base, nil
}
