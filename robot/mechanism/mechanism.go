// Package mechanism holds a robot's rigid bodies and joints, and computes their
// kinematics and dynamics: where every body is, how it moves, and which torques
// make it move so. It refuses closed loops, ball joints, tendons that pull and
// whatever else of an MJCF file it cannot compute. Start with [Model], which
// [Read] reads, and [State], which computes.
//
// Coordinates are MuJoCo's: metres, kilograms, seconds, radians; z is up. A free
// joint has seven coordinates, position and quaternion (w, x, y, z) in the world,
// and six velocities, linear in the world's axes and angular in the body's own.
// RBDA in comments is Featherstone, Rigid Body Dynamics Algorithms, Springer 2008.
package mechanism

import (
	"fmt"
	"math"
)

// Kind is what a joint lets its body do.
type Kind uint8

// The kinds of joints.
const (
	Hinge Kind = iota // turn about an axis
	Slide             // move along an axis
	Free              // anything; only for a child of the world, which then has no other joint
)

// String returns the kind's name in MJCF.
func (k Kind) String() string { return [...]string{"hinge", "slide", "free"}[k] }

// Shape is the form of a geom.
type Shape uint8

// The shapes, with what Geom.Size holds.
const (
	Sphere    Shape = iota // radius
	Capsule                // radius, half the length of the cylinder along z
	Cylinder               // radius, half the length along z
	Box                    // half the lengths
	Ellipsoid              // radii
	Plane                  // half the lengths, 0: infinite; z is the normal
	Mesh                   // nothing
)

var shapes = [...]string{"sphere", "capsule", "cylinder", "box", "ellipsoid", "plane", "mesh"}

// sizes is how many numbers of Geom.Size a shape uses.
var sizes = [...]int{1, 2, 2, 3, 3, 3, 0}

// String returns the shape's name in MJCF.
func (s Shape) String() string { return shapes[s] }

// Model is a tree of rigid bodies. Whoever fills one by hand calls Complete
// before using it; then it does not change, and any number of states share it.
type Model struct {
	Name      string
	Gravity   Vector  // m/s²
	Timestep  float64 // s, of the simulator
	MeshDir   string  // where Meshes' files lie, relative to the model's file
	Bodies    []Body  // Bodies[0] is the world; a body comes after its parent, a subtree without gaps
	Joints    []Joint // in the order of their bodies
	Geoms     []Geom
	Sites     []Site
	Actuators []Actuator
	Sensors   []Sensor
	Meshes    []MeshFile
	Keys      []Key
	Excludes  [][2]int // pairs of bodies that do not collide

	NQ, NV int // coordinates and velocities of a configuration; set by Complete

	dofs []dof
}

// Body is a rigid body: its frame, and how its mass is spread.
type Body struct {
	Name        string
	Parent      int        // index; of the world −1
	Position    Vector     // of its frame in the parent's, all joints at Ref
	Orientation Quaternion // likewise
	Mass        float64    // kg
	Centre      Vector     // of mass, in the body's frame
	Inertia     Matrix     // kg·m² about the centre of mass, in the body's axes; symmetric

	first, joints int // Joints[first : first+joints] move it
	dof           int // the last velocity that moves it, −1: none
}

// Joint is how a body moves against its parent.
type Joint struct {
	Name     string
	Body     int
	Kind     Kind
	Position Vector // a point of the axis, in the body's frame
	Axis     Vector // of unit length, in the body's frame
	Ref      float64
	Limited  bool
	Range    [2]float64 // of the coordinate, if Limited: rad or m
	// TorqueLimited and Torque bound what all actuators together exert, Nm or N.
	TorqueLimited bool
	Torque        [2]float64
	Speed         float64 // the fastest that its drive turns, rad/s or m/s; 0: not known
	Armature      float64 // inertia of the drive's rotor seen at the joint, kg·m² or kg
	// Damping (Nm·s/rad), Friction (Nm) and Stiffness (Nm/rad, about SpringRef; of a
	// free joint about its reference) are passive: the simulator's, and in no equation of this package.
	Damping, Friction, Stiffness, SpringRef float64

	Q, V int // its first coordinate and velocity in a configuration; set by Complete
}

// Geom is a shape fixed to a body: what collides and what is seen.
type Geom struct {
	Name        string
	Body        int
	Shape       Shape
	Size        Vector // by shape
	Position    Vector // in the body's frame
	Orientation Quaternion
	Mesh        string // name of a MeshFile
	// Two geoms collide if the Type of one has a bit of the Affinity of the other
	// (contype and conaffinity), unless their bodies are one, parent and child, or excluded.
	Type, Affinity int
	Friction       Vector // sliding, torsional, rolling
	Group          int
	Colour         [4]float64 // red, green, blue, opacity
}

// Collides reports whether the geom takes part in collisions at all.
func (g *Geom) Collides() bool { return g.Type != 0 || g.Affinity != 0 }

// Site is a named frame of a body.
type Site struct {
	Name        string
	Body        int
	Position    Vector // in the body's frame
	Orientation Quaternion
}

// Actuator drives a joint with Gear·(Gain·control + Bias·(1, length, velocity)),
// where length and velocity are Gear times those of the joint.
type Actuator struct {
	Name         string
	Joint        int
	Gear         float64
	Gain         float64    // a motor has 1, a position servo kp, a velocity servo kv
	Bias         [3]float64 // a motor 0 0 0, a position servo 0 −kp −kv
	CtrlLimited  bool
	Control      [2]float64 // range, if CtrlLimited
	ForceLimited bool
	Force        [2]float64 // range before the gear, if ForceLimited
}

// Sensor is what the simulator measures, as its file names it.
type Sensor struct {
	Type, Name string
	Attributes []Attribute // the others, in their order
}

// Attribute is a name and a value of an element.
type Attribute struct{ Name, Value string }

// MeshFile names a file of triangles. This package opens none.
type MeshFile struct {
	Name, File string
	Scale      Vector
}

// Key is a named configuration.
type Key struct {
	Name string
	Q    []float64
}

// dof is one velocity: the joint it belongs to and the one that moves its
// body's parent, −1: none. λ of RBDA section 6.5.
type dof struct{ joint, body, parent int }

// Reference returns the configuration in which every joint is at its Ref and
// every free body where the file puts it.
func (m *Model) Reference() []float64 {
	q := make([]float64, m.NQ)
	for i := range m.Joints {
		j := &m.Joints[i]
		if j.Kind != Free {
			q[j.Q] = j.Ref
			continue
		}
		b := &m.Bodies[j.Body]
		copy(q[j.Q:], b.Position[:])
		copy(q[j.Q+3:], b.Orientation[:])
	}
	return q
}

// Key returns a copy of the configuration of that name.
func (m *Model) Key(name string) ([]float64, error) {
	for _, k := range m.Keys {
		if k.Name == name {
			return append([]float64(nil), k.Q...), nil
		}
	}
	return nil, fmt.Errorf("model %q has no key %q", m.Name, name)
}

// Body returns the index of the body of that name.
func (m *Model) Body(name string) (int, error) {
	for i := range m.Bodies {
		if name != "" && m.Bodies[i].Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("model %q has no body %q", m.Name, name)
}

// Joint returns the index of the joint of that name.
func (m *Model) Joint(name string) (int, error) {
	for i := range m.Joints {
		if name != "" && m.Joints[i].Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("model %q has no joint %q", m.Name, name)
}

// Site returns the index of the site of that name.
func (m *Model) Site(name string) (int, error) {
	for i := range m.Sites {
		if name != "" && m.Sites[i].Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("model %q has no site %q", m.Name, name)
}

// Mass returns the mass of all bodies, kg.
func (m *Model) Mass() float64 {
	total := 0.0
	for i := range m.Bodies {
		total += m.Bodies[i].Mass
	}
	return total
}

// TorqueRange returns what the joint can be driven with, Nm or N: what its own
// range and those of its actuators allow. A joint without actuator has 0, 0; one
// without any bound ∓∞.
func (m *Model) TorqueRange(joint int) (least, greatest float64) {
	for i := range m.Actuators {
		a := &m.Actuators[i]
		if a.Joint != joint {
			continue
		}
		lo, hi := a.torque()
		least, greatest = least+lo, greatest+hi
	}
	if j := &m.Joints[joint]; j.TorqueLimited {
		least, greatest = max(least, j.Torque[0]), min(greatest, j.Torque[1])
	}
	return least, greatest
}

// torque returns the range of what an actuator exerts on its joint.
func (a *Actuator) torque() (float64, float64) {
	r := [2]float64{math.Inf(-1), math.Inf(1)}
	if a.CtrlLimited && a.Bias == [3]float64{} {
		r = [2]float64{a.Gain * a.Control[0], a.Gain * a.Control[1]}
		if r[0] > r[1] {
			r[0], r[1] = r[1], r[0]
		}
	}
	if a.ForceLimited {
		r[0], r[1] = max(r[0], a.Force[0]), min(r[1], a.Force[1])
	}
	switch {
	case a.Gear == 0:
		return 0, 0
	case a.Gear < 0:
		return a.Gear * r[1], a.Gear * r[0]
	}
	return a.Gear * r[0], a.Gear * r[1]
}
