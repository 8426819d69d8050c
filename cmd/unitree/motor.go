package main

import (
	"fmt"
	"slices"

	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

// g1 are the joints of a G1 by number of motor, as Unitree's SDK numbers them: legs,
// waist, arms, left before right, each from the trunk outwards.
var g1 = humanoid.Joints[:]

// numbers returns the motor of each joint.
func numbers(joints []body.Joint, motors []string) ([]int, error) {
	if len(motors) > slots {
		return nil, fmt.Errorf("%d motors: a message has room for %d", len(motors), slots)
	}
	all := make([]int, len(joints))
	for k := range joints {
		all[k] = slices.Index(motors, joints[k].Name)
		if all[k] < 0 {
			return nil, fmt.Errorf("joint %q has no motor: the machine has %d, %s to %s", joints[k].Name, len(motors), motors[0], motors[len(motors)-1])
		}
		if slices.Index(motors[all[k]+1:], joints[k].Name) >= 0 {
			return nil, fmt.Errorf("joint %q has two motors", joints[k].Name)
		}
	}
	return all, nil
}

// describe says what a controller is told of the machine: the joints of its model, and
// the one inertial unit that the messages have, in the base.
func describe(m *mechanism.Model) (body.Info, error) {
	i, base, err := body.Describe(m)
	if err != nil {
		return i, err
	}
	k := slices.IndexFunc(i.Units, func(u body.Unit) bool { return u.Body == base })
	if k < 0 {
		return i, fmt.Errorf("the model has no inertial unit in %q, where the machine has its own", base)
	}
	i.Units = i.Units[k : k+1]
	return i, nil
}
