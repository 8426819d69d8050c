//go:build mujoco

package main

/*
#cgo LDFLAGS: -lmujoco -lm
#include <stdlib.h>
#include "sim.h"
#include <mujoco/mujoco.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"
	"unsafe"

	"samovar/robot/body"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
)

// mujoco is a body that MuJoCo moves. What lies in C's memory is read as slices.
type mujoco struct {
	sim                  *C.Sim
	q, v, sensors        []float64
	square               []float64
	torque               []float64 // of joints
	acceleration         []float64 // of inertial units
	coordinate, velocity []int32   // of each joint
	actuator, unit       []int32
	centre               []float64 // of mass, of each subtree
	drives               []float64
	base                 int // first coordinate and velocity of the free joint
	baseV                int
}

func floats(p *C.mjtNum, n int) []float64 {
	return unsafe.Slice((*float64)(unsafe.Pointer(p)), n)
}

func doubles(p *C.double, n int) []float64 { return unsafe.Slice((*float64)(p), n) }

func ints(p *C.int, n int) []int32 { return unsafe.Slice((*int32)(unsafe.Pointer(p)), n) }

// newPhysics builds a body in MuJoCo.
func newPhysics(p *plan) (physics, error) {
	var held []unsafe.Pointer
	defer func() {
		for _, x := range held {
			C.free(x)
		}
	}()
	text := func(s string) *C.char {
		if s == "" {
			return nil
		}
		c := C.CString(s)
		held = append(held, unsafe.Pointer(c))
		return c
	}
	array := func(n int, size uintptr) unsafe.Pointer {
		x := C.calloc(C.size_t(n+1), C.size_t(size))
		held = append(held, x)
		return x
	}
	joints := unsafe.Slice((*C.Joint)(array(len(p.joints), unsafe.Sizeof(C.Joint{}))), len(p.joints))
	for i, j := range p.joints {
		joints[i] = C.Joint{
			name: text(j.Name), speed: C.double(j.Speed),
			_range: [2]C.double{C.double(j.Range[0]), C.double(j.Range[1])}, torque: [2]C.double{C.double(j.Torque[0]), C.double(j.Torque[1])},
		}
	}
	units := unsafe.Slice((**C.char)(array(len(p.units), unsafe.Sizeof(uintptr(0)))), len(p.units))
	for i, u := range p.units {
		units[i] = text(u)
	}
	start := unsafe.Slice((*C.double)(array(len(p.start), 8)), len(p.start))
	for i, x := range p.start {
		start[i] = C.double(x)
	}
	in := C.Plan{
		path: text(p.path), text: text(p.text), base: text(p.base), torso: text(p.torso),
		units: unsafe.SliceData(units), unitcount: C.int(len(units)), joints: unsafe.SliceData(joints), jointcount: C.int(len(joints)),
		start: unsafe.SliceData(start), startcount: C.int(len(start)),
		step: C.double(p.step.Seconds()), friction: C.double(p.friction), mass: C.double(p.mass),
	}
	for i, x := range p.slope {
		in.slope[i] = C.double(x)
	}
	var message [1000]C.char
	sim := C.sim_new(&in, &message[0], C.int(len(message)))
	if sim == nil {
		return nil, errors.New(C.GoString(&message[0]))
	}
	return wrap(sim), nil
}

func wrap(sim *C.Sim) *mujoco {
	m, d, n := sim.m, sim.d, int(sim.joints)
	x := &mujoco{
		sim: sim, q: floats(d.qpos, int(m.nq)), v: floats(d.qvel, int(m.nv)), sensors: floats(d.sensordata, int(m.nsensordata)),
		square: doubles(sim.square, n), torque: doubles(sim.torque, n), acceleration: doubles(sim.acceleration, 3*int(sim.units)),
		coordinate: ints(sim.q, n), velocity: ints(sim.v, n), actuator: ints(sim.actuator, n), unit: ints(sim.unit, int(sim.units)),
		centre: floats(d.subtree_com, 3*int(m.nbody)), drives: make([]float64, C.DRIVE*n),
	}
	first := ints(m.body_jntadr, int(m.nbody))[sim.base]
	x.base, x.baseV = int(ints(m.jnt_qposadr, int(m.njnt))[first]), int(ints(m.jnt_dofadr, int(m.njnt))[first])
	runtime.SetFinalizer(x, func(x *mujoco) { C.sim_free(x.sim) })
	return x
}

func (x *mujoco) advance(steps int, drives []body.Drive, push mechanism.Vector) error {
	for i, d := range drives {
		copy(x.drives[C.DRIVE*i:], []float64{d.Position, d.Velocity, d.Kp, d.Kd, d.Torque})
	}
	if C.sim_advance(x.sim, C.int(steps), (*C.double)(&x.drives[0]), (*C.double)(&push[0])) == 0 {
		return fmt.Errorf("the physics has diverged: gains may be too large for a step of %v", time.Duration(float64(x.sim.m.opt.timestep)*1e9))
	}
	return nil
}

func (x *mujoco) sense(s *body.Sensors) {
	C.sim_sense(x.sim)
	for i := range s.Units {
		n := x.sensors[x.unit[i]:]
		u := &s.Units[i]
		copy(u.Orientation[:], n)
		copy(u.Angular[:], n[4:])
		copy(u.Acceleration[:], x.acceleration[3*i:])
	}
	for i := range s.Joints {
		j := &s.Joints[i]
		j.Position, j.Velocity, j.Torque = x.q[x.coordinate[i]], x.v[x.velocity[i]], x.torque[i]
	}
}

func (x *mujoco) report(t *referee.Truth) {
	s := x.sim
	copy(t.Position[:], x.q[x.base:])
	copy(t.Orientation[:], x.q[x.base+3:])
	copy(t.Linear[:], x.v[x.baseV:])
	copy(t.Angular[:], x.v[x.baseV+3:])
	copy(t.Centre[:], x.centre[3*s.base:])
	for i := range t.Positions {
		t.Positions[i] = x.q[x.coordinate[i]]
	}
	t.Drift = math.Hypot(t.Position[0]-float64(s.origin[0]), t.Position[1]-float64(s.origin[1]))
	t.Tilt, t.Touching = float64(s.tilt), referee.Bodies{uint64(s.touching[0]), uint64(s.touching[1])}
	s.tilt, s.touching = 0, [2]C.uint64_t{}
	c := &t.Counts
	c.Saturated, c.Beyond, c.Fast, c.Self = uint64(s.saturated), uint64(s.beyond), uint64(s.fast), uint64(s.self)
	t.Worst = referee.Worst{Torque: float64(s.worsttorque), Beyond: float64(s.worstbeyond), Speed: float64(s.worstspeed)}
}

func (x *mujoco) load(mean []float64) {
	n := float64(max(1, x.sim.steps))
	for i := range mean {
		mean[i] = x.square[i] / n
		x.square[i] = 0
	}
	x.sim.steps = 0
}

func (x *mujoco) bodies() []string {
	m := x.sim.m
	all := make([]string, int(m.nbody))
	for i := range all {
		all[i] = C.GoString(C.mj_id2name(m, C.mjOBJ_BODY, C.int(i)))
	}
	return all
}
