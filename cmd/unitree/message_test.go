package main

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

// TestLayout holds messages to the sizes that Unitree's SDK says, without holes that are
// not named.
func TestLayout(t *testing.T) {
	for _, c := range []struct {
		message any
		size    uintptr
		want    int
	}{{lowCommand{}, unsafe.Sizeof(lowCommand{}), 1004}, {lowState{}, unsafe.Sizeof(lowState{}), 2092}} {
		if n := binary.Size(c.message); n != c.want || int(c.size) != c.want {
			t.Errorf("%T has %d bytes packed and %d in memory instead of %d", c.message, n, c.size, c.want)
		}
	}
}

// count returns the numbers of the first motors.
func count(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// TestChecksum has values of testdata/golden.py.
func TestChecksum(t *testing.T) {
	from := &body.Command{Joints: make([]body.Drive, 29)}
	sensors := &body.Sensors{
		Time:   1234 * time.Millisecond,
		Units:  []body.Inertial{{Orientation: mechanism.Quaternion{1, 0.5, 0.25, 0.125}, Angular: mechanism.Vector{1, 2, 3}, Acceleration: mechanism.Vector{4, 5, 9.75}}},
		Joints: make([]body.Measured, 29),
	}
	for i := range 29 {
		x := float64(i)
		from.Joints[i] = body.Drive{Position: 0.25 * x, Velocity: -0.5 * x, Torque: 1.5 * x, Kp: 100 + x, Kd: 2 + x}
		sensors.Joints[i] = body.Measured{Position: 0.25 * x, Velocity: -0.5 * x, Torque: 1.5 * x, Temperature: 30 + x}
	}
	var c lowCommand
	c.command(from, count(29), 5)
	var s lowState
	s.sense(sensors, count(29), 5)
	if c.CRC != 0x13165fb6 || s.CRC != 0x6f9427c4 {
		t.Errorf("%08x and %08x", c.CRC, s.CRC)
	}
	back, seen := &body.Command{Joints: make([]body.Drive, 29)}, &body.Sensors{Units: make([]body.Inertial, 1), Joints: make([]body.Measured, 29)}
	if err := c.drives(back, count(29)); err != nil || !reflect.DeepEqual(back, from) {
		t.Errorf("%v: %+v", err, back)
	}
	seen.Time = sensors.Time
	if err := s.sensors(seen, count(29)); err != nil || !reflect.DeepEqual(seen, sensors) {
		t.Errorf("%v: %+v", err, seen)
	}
	c.Motors[3].Q++
	if err := c.drives(back, count(29)); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a damaged command: %v", err)
	}
	s.IMU.Quaternion[0]++
	if err := s.sensors(seen, count(29)); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a damaged state: %v", err)
	}
}

// TestDrives refuses what would drive a motor away, and leaves one that is off alone.
func TestDrives(t *testing.T) {
	to := &body.Command{Joints: make([]body.Drive, 2)}
	var c lowCommand
	c.Motors[0] = motorCommand{Mode: 1, Kp: 3}
	c.Motors[1] = motorCommand{Kp: 3, Tau: 4}
	c.CRC = checksum(&c)
	if err := c.drives(to, count(2)); err != nil || to.Joints[0] != (body.Drive{Kp: 3}) || to.Joints[1] != (body.Drive{}) {
		t.Errorf("%v: %+v", err, to)
	}
	c.Motors[0].Q = float32(math.NaN())
	c.CRC = checksum(&c)
	if err := c.drives(to, count(2)); err == nil {
		t.Error("NaN is followed")
	}
}

func TestMotors(t *testing.T) {
	i, err := describe(humanoid.Own())
	if err != nil {
		t.Fatal(err)
	}
	if len(i.Units) != 1 || i.Units[0].Body != "pelvis" {
		t.Errorf("units %+v", i.Units)
	}
	all, err := numbers(i.Joints, g1)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{ // of the SDK
		"left_hip_pitch_joint": 0, "left_knee_joint": 3, "left_ankle_roll_joint": 5, "right_hip_pitch_joint": 6, "waist_yaw_joint": 12, "waist_pitch_joint": 14,
		"left_shoulder_pitch_joint": 15, "left_elbow_joint": 18, "left_wrist_yaw_joint": 21, "right_shoulder_pitch_joint": 22, "right_wrist_yaw_joint": 28,
	} {
		if k, err := i.Joint(name); err != nil || all[k] != want {
			t.Errorf("%s has motor %d instead of %d (%v)", name, all[k], want, err)
		}
	}
	for want, motors := range map[string][]string{
		"no motor": g1[1:], "two motors": append([]string{g1[4]}, g1...), "room for": make([]string, slots+1),
	} {
		if _, err := numbers(i.Joints, motors); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error about %q: %v", want, err)
		}
	}
}
