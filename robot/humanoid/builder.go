package humanoid

import (
	"math"
	"strings"

	"samovar/robot/mechanism"
)

// The axes of joints.
var (
	roll  = mechanism.Vector{1, 0, 0}
	pitch = mechanism.Vector{0, 1, 0}
	yaw   = mechanism.Vector{0, 0, 1}
)

// Colours: shells, and what turns.
var (
	shell = [4]float64{0.88, 0.86, 0.82, 1}
	metal = [4]float64{0.25, 0.27, 0.30, 1}
)

// builder adds parts to a model.
type builder struct {
	m      *mechanism.Model
	masses []float64 // of the geoms
}

// mirror returns a bound of the left side, or on the right the other's opposite.
func mirror(side, left, other float64) float64 {
	if side > 0 {
		return left
	}
	return -other
}

func (b *builder) body(name string, parent int, position mechanism.Vector) int {
	b.m.Bodies = append(b.m.Bodies, mechanism.Body{Name: name, Parent: parent, Position: position, Orientation: mechanism.Quaternion{1}})
	return len(b.m.Bodies) - 1
}

// hinge adds a joint, its motor and its three sensors.
func (b *builder) hinge(name string, body int, axis mechanism.Vector, least, greatest float64, d drive) {
	torque := [2]float64{-d.torque, d.torque}
	b.m.Joints = append(b.m.Joints, mechanism.Joint{
		Name: name, Body: body, Axis: axis, Limited: true, Range: [2]float64{least, greatest}, TorqueLimited: true, Torque: torque,
		Speed: d.speed, Armature: d.armature, Friction: d.friction, Damping: d.damping,
	})
	b.m.Actuators = append(b.m.Actuators, mechanism.Actuator{Name: name, Joint: len(b.m.Joints) - 1, Gear: 1, Gain: 1, CtrlLimited: true, Control: torque})
	part := strings.TrimSuffix(name, "_joint")
	for _, s := range [3][2]string{{"jointpos", "_position"}, {"jointvel", "_velocity"}, {"jointactuatorfrc", "_torque"}} {
		b.m.Sensors = append(b.m.Sensors, mechanism.Sensor{Type: s[0], Name: part + s[1], Attributes: []mechanism.Attribute{{Name: "joint", Value: name}}})
	}
}

// placed is a geom that may still be turned.
type placed struct{ *mechanism.Geom }

// along turns the geom's z axis to an axis.
func (p placed) along(axis mechanism.Vector) {
	switch axis {
	case pitch:
		p.Orientation = mechanism.Turn(roll, -math.Pi/2)
	case roll:
		p.Orientation = mechanism.Turn(pitch, math.Pi/2)
	}
}

// shape adds a geom of some mass in kg. What does not collide lies within a
// joint, where its neighbours overlap it.
func (b *builder) shape(name string, body int, mass float64, shape mechanism.Shape, position, size mechanism.Vector, collides bool) placed {
	g := mechanism.Geom{
		Name: name, Body: body, Shape: shape, Size: size, Position: position, Orientation: mechanism.Quaternion{1},
		Friction: mechanism.Vector{1, 0.005, 0.0001}, Colour: metal,
	}
	if collides {
		g.Type, g.Affinity, g.Colour = 1, 1, shell
	} else {
		g.Group = 1
	}
	b.m.Geoms, b.masses = append(b.m.Geoms, g), append(b.masses, mass)
	return placed{&b.m.Geoms[len(b.m.Geoms)-1]}
}

// rod adds a capsule from one point to another along z or x.
func (b *builder) rod(name string, body int, mass float64, from, to mechanism.Vector, radius float64, collides bool) {
	line := to.Sub(from)
	p := b.shape(name, body, mass, mechanism.Capsule, from.Add(to).Scale(0.5), mechanism.Vector{radius, line.Norm() / 2}, collides)
	if line[0] != 0 {
		p.along(roll)
	}
}

func (b *builder) site(name string, body int, position mechanism.Vector) {
	b.m.Sites = append(b.m.Sites, mechanism.Site{Name: name, Body: body, Position: position, Orientation: mechanism.Quaternion{1}})
}

func (b *builder) exclude(one, other int) {
	b.m.Excludes = append(b.m.Excludes, [2]int{one, other})
}

// finish weighs the bodies, adds the inertial units and the stance, and
// completes the model.
func (b *builder) finish() {
	for i := range b.m.Bodies {
		var geoms []mechanism.Geom
		var masses []float64
		for k, g := range b.m.Geoms {
			if g.Body == i {
				geoms, masses = append(geoms, g), append(masses, b.masses[k])
			}
		}
		b.m.Bodies[i].Gather(geoms, masses)
	}
	var units []mechanism.Sensor
	for _, part := range []string{"pelvis", "torso"} {
		site := "imu_in_" + part
		units = append(units,
			mechanism.Sensor{Type: "framequat", Name: "imu-" + part + "-orientation", Attributes: []mechanism.Attribute{{Name: "objtype", Value: "site"}, {Name: "objname", Value: site}}},
			mechanism.Sensor{Type: "gyro", Name: "imu-" + part + "-angular-velocity", Attributes: []mechanism.Attribute{{Name: "site", Value: site}}},
			mechanism.Sensor{Type: "accelerometer", Name: "imu-" + part + "-linear-acceleration", Attributes: []mechanism.Attribute{{Name: "site", Value: site}}})
	}
	b.m.Sensors = append(units, b.m.Sensors...)
	b.m.Keys = []mechanism.Key{{Name: "stand", Q: stance()}}
	if err := b.m.Complete(); err != nil {
		panic(err) // of a constant: TestOwn builds it
	}
}
