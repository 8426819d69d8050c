package record

import (
	"fmt"
	"math"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/mechanism"
	"samovar/robot/ros"
)

// world is the frame in which the robot stands.
const world = "world"

// figure is the robot as a 3D view shows it: a tree of frames, shapes that hang on
// them, and what happens at its feet.
type figure struct {
	model *mechanism.Model
	state *mechanism.State
	robot *estimate.Robot // nil: its feet are not known
	names []string        // of the bodies' frames

	frames  said[ros.TFMessage]
	fixed   said[ros.TFMessage]
	shapes  said[ros.MarkerArray]
	shown   bool // shapes and fixed frames have been said
	points  [3]said[ros.PointStamped]
	support said[ros.PolygonStamped]
	arrows  said[ros.MarkerArray]
	wrench  [2]said[ros.WrenchStamped]
	soles   []mechanism.Vector
	hull    []mechanism.Vector
	reach   float64 // of an arrow, m for each N
}

func newFigure(s *scribe) (*figure, error) {
	c := s.config
	m := c.Model
	f := &figure{model: m, state: mechanism.NewState(m), names: make([]string, len(m.Bodies))}
	for i := range m.Bodies {
		if f.names[i] = m.Bodies[i].Name; i == 0 {
			f.names[i] = world
		} else if f.names[i] == "" {
			f.names[i] = fmt.Sprintf("body_%d", i)
		}
	}
	declare(s, &f.frames, "/tf", false)
	declare(s, &f.fixed, "/tf_static", true)
	declare(s, &f.shapes, "/robot", true)
	f.frames.message.Transforms = make([]ros.TransformStamped, len(m.Bodies)-1)
	for i := range f.frames.message.Transforms {
		t := &f.frames.message.Transforms[i]
		t.Header.FrameID, t.ChildFrameID = f.names[m.Bodies[i+1].Parent], f.names[i+1]
	}
	f.mount(c.Info)
	f.shapes.message.Markers = shapes(m, f.names)
	if c.Feet == [2]string{} {
		return f, nil
	}
	var err error
	if f.robot, err = estimate.NewRobot(m, c.Info, c.Feet); err != nil {
		return nil, err
	}
	f.stand(s)
	return f, nil
}

// unitFrame is the frame of an inertial unit.
func unitFrame(u *body.Unit) string {
	if u.Name == "" || u.Name == u.Body {
		return u.Body + "_imu"
	}
	return u.Name
}

// mount puts the inertial units on their bodies.
func (f *figure) mount(i *body.Info) {
	for k := range i.Units {
		u := &i.Units[k]
		f.fixed.message.Transforms = append(f.fixed.message.Transforms, ros.TransformStamped{
			Header: ros.Header{FrameID: u.Body}, ChildFrameID: unitFrame(u),
			Transform: ros.Transform{Translation: vector(u.Position), Rotation: quaternion(u.Orientation)},
		})
	}
}

// stand declares what there is at the feet.
func (f *figure) stand(s *scribe) {
	for i, topic := range [...]string{"/centre_of_mass", "/capture_point", "/centre_of_pressure"} {
		declare(s, &f.points[i], topic, false)
		f.points[i].message.Header.FrameID = world
	}
	declare(s, &f.support, "/support_polygon", false)
	f.support.message.Header.FrameID = world
	declare(s, &f.arrows, "/forces", false)
	for i := range f.wrench {
		foot := f.names[f.robot.Legs[i].Body]
		declare(s, &f.wrench[i], "/wrench/"+clean(foot), false)
		f.wrench[i].message.Header.FrameID = foot
	}
	// The whole weight is an arrow as long as half a leg.
	f.reach = 0.35 / max(1, f.model.Mass()*f.model.Gravity.Norm())
}

// write writes frames, and what happens at the feet.
func (f *figure) write(s *scribe, e *entry, stamp ros.Time) {
	copy(f.state.Q, e.place)
	f.state.Update()
	if !f.shown {
		f.shown = true
		f.show(s, stamp)
	}
	for i := range f.frames.message.Transforms {
		t := &f.frames.message.Transforms[i]
		t.Header.Stamp = stamp
		t.Transform = f.between(f.model.Bodies[i+1].Parent, i+1)
	}
	s.say(f.frames.channel, s.now, &f.frames.message)
	if f.robot == nil {
		return
	}
	if e.thought {
		f.think(s, &e.view, stamp)
	}
	if e.felt {
		f.feel(s, &e.contacts, stamp)
	}
	if e.thought || e.felt {
		f.push(s, e, stamp)
	}
}

// show writes what does not change.
func (f *figure) show(s *scribe, stamp ros.Time) {
	for i := range f.fixed.message.Transforms {
		f.fixed.message.Transforms[i].Header.Stamp = stamp
	}
	s.say(f.fixed.channel, s.now, &f.fixed.message)
	for i := range f.shapes.message.Markers {
		f.shapes.message.Markers[i].Header.Stamp = stamp
	}
	s.say(f.shapes.channel, s.now, &f.shapes.message)
}

// between is where a body is in the frame of another.
func (f *figure) between(from, to int) ros.Transform {
	back := f.state.Orientation(from).Conjugate()
	return ros.Transform{
		Translation: vector(back.Rotate(f.state.Position(to).Sub(f.state.Position(from)))),
		Rotation:    quaternion(back.Mul(f.state.Orientation(to))),
	}
}

// think writes the points that balance is about, and the support polygon.
func (f *figure) think(s *scribe, v *balance.View, stamp ros.Time) {
	for i, p := range [...]mechanism.Vector{v.Centre, v.Capture, v.Pressure} {
		f.points[i].message.Header.Stamp = stamp
		f.points[i].message.Point = point(p)
		s.say(f.points[i].channel, s.now, &f.points[i].message)
	}
	f.soles = f.soles[:0]
	for i := range f.robot.Legs {
		if v.Phase == balance.Swinging && v.Foot == i {
			continue
		}
		l := &f.robot.Legs[i]
		middle, turn := l.Pose(f.state)
		for _, p := range l.Sole {
			f.soles = append(f.soles, middle.Add(turn.Rotate(p)))
		}
	}
	f.hull = mechanism.Hull(f.hull[:0], f.soles)
	m := &f.support.message
	m.Header.Stamp = stamp
	m.Polygon.Points = m.Polygon.Points[:0]
	for _, p := range f.hull {
		m.Polygon.Points = append(m.Polygon.Points, ros.Point32{X: float32(p[0]), Y: float32(p[1]), Z: float32(p[2])})
	}
	s.say(f.support.channel, s.now, m)
}

// feel writes the forces on the feet, in the axes of the foot about its frame's origin.
func (f *figure) feel(s *scribe, contacts *[2]estimate.Contact, stamp ros.Time) {
	for i := range f.wrench {
		l, c, m := &f.robot.Legs[i], &contacts[i], &f.wrench[i].message
		middle, _ := l.Pose(f.state)
		back := f.state.Orientation(l.Body).Conjugate()
		arm := middle.Sub(f.state.Position(l.Body))
		m.Header.Stamp = stamp
		m.Wrench = ros.Wrench{Force: vector(back.Rotate(c.Force)), Torque: vector(back.Rotate(c.Moment.Add(arm.Cross(c.Force))))}
		s.say(f.wrench[i].channel, s.now, m)
	}
}

// Colours of the forces.
var (
	felt  = ros.ColorRGBA{R: 0.1, G: 0.7, B: 0.3, A: 1}
	asked = ros.ColorRGBA{R: 0.2, G: 0.4, B: 0.9, A: 0.6}
)

// push writes the forces as arrows: those that are felt and those that are asked for.
func (f *figure) push(s *scribe, e *entry, stamp ros.Time) {
	all := f.arrows.message.Markers[:0]
	for i := range f.robot.Legs {
		from, _ := f.robot.Legs[i].Pose(f.state)
		if e.felt {
			all = append(all, f.arrow("felt", i, from, e.contacts[i].Force, felt, stamp))
		}
		if e.thought {
			all = append(all, f.arrow("asked", i, from, e.view.Forces[i], asked, stamp))
		}
	}
	f.arrows.message.Markers = all
	s.say(f.arrows.channel, s.now, &f.arrows.message)
}

func (f *figure) arrow(kind string, foot int, from, force mechanism.Vector, c ros.ColorRGBA, stamp ros.Time) ros.Marker {
	m := ros.Marker{
		Header: ros.Header{Stamp: stamp, FrameID: world}, NS: kind, ID: int32(foot), Type: ros.Arrow, Color: c,
		Pose: upright, Scale: ros.Vector3{X: 0.015, Y: 0.035, Z: 0.04},
		Points: []ros.Point{point(from), point(from.Add(force.Scale(f.reach)))},
	}
	if force.Norm()*f.reach < 0.005 {
		m.Action = ros.Delete // too short to be seen
	}
	return m
}

// upright is the pose of what is not moved.
var upright = ros.Pose{Orientation: ros.Quaternion{W: 1}}

// skin is the colour of a shape whose model gives it none.
var skin = ros.ColorRGBA{R: 0.75, G: 0.75, B: 0.8, A: 1}

// shapes makes markers of a model's shapes. A body that has only a mesh, which no tool
// could find, is drawn as bones to the bodies that hang on it.
func shapes(m *mechanism.Model, names []string) []ros.Marker {
	var all []ros.Marker
	add := func(body int, kind int32, at mechanism.Vector, turn mechanism.Quaternion, size mechanism.Vector, c ros.ColorRGBA) {
		all = append(all, ros.Marker{
			Header: ros.Header{FrameID: names[body]}, NS: names[body], ID: int32(len(all)), Type: kind, FrameLocked: true,
			Pose: ros.Pose{Position: point(at), Orientation: quaternion(turn)}, Scale: vector(size), Color: c,
		})
	}
	seen := make([]bool, len(m.Bodies))
	for i := range m.Geoms {
		g := &m.Geoms[i]
		if g.Shape == mechanism.Plane || g.Shape == mechanism.Mesh {
			continue
		}
		seen[g.Body] = true
		draw(g, add)
	}
	for i := 2; i < len(m.Bodies); i++ {
		if b := &m.Bodies[i]; b.Parent > 0 && !seen[b.Parent] {
			if l := b.Position.Norm(); l > 1e-3 {
				add(b.Parent, ros.Cylinder, b.Position.Scale(0.5), along(b.Position), mechanism.Vector{0.03, 0.03, l}, skin)
			}
		}
	}
	return all
}

// draw draws a shape.
func draw(g *mechanism.Geom, add func(body int, kind int32, at mechanism.Vector, turn mechanism.Quaternion, size mechanism.Vector, c ros.ColorRGBA)) {
	c := ros.ColorRGBA{R: float32(g.Colour[0]), G: float32(g.Colour[1]), B: float32(g.Colour[2]), A: float32(g.Colour[3])}
	if c.A == 0 {
		c = skin
	}
	wide, long := 2*g.Size[0], 2*g.Size[1]
	ball := mechanism.Vector{wide, wide, wide}
	switch g.Shape {
	case mechanism.Sphere:
		add(g.Body, ros.Sphere, g.Position, g.Orientation, ball, c)
	case mechanism.Box:
		add(g.Body, ros.Cube, g.Position, g.Orientation, g.Size.Scale(2), c)
	case mechanism.Ellipsoid:
		add(g.Body, ros.Sphere, g.Position, g.Orientation, g.Size.Scale(2), c)
	case mechanism.Cylinder, mechanism.Capsule:
		add(g.Body, ros.Cylinder, g.Position, g.Orientation, mechanism.Vector{wide, wide, long}, c)
		if g.Shape == mechanism.Capsule {
			half := g.Orientation.Rotate(mechanism.Vector{0, 0, g.Size[1]})
			add(g.Body, ros.Sphere, g.Position.Add(half), g.Orientation, ball, c)
			add(g.Body, ros.Sphere, g.Position.Sub(half), g.Orientation, ball, c)
		}
	}
}

// along is a rotation that turns z into a direction.
func along(v mechanism.Vector) mechanism.Quaternion {
	d := v.Scale(1 / v.Norm())
	axis := mechanism.Vector{0, 0, 1}.Cross(d)
	sine := axis.Norm()
	if sine < 1e-9 { // up or down: a cylinder looks the same
		return mechanism.Quaternion{1}
	}
	return mechanism.Turn(axis.Scale(1/sine), math.Atan2(sine, d[2]))
}

func vector(v mechanism.Vector) ros.Vector3 { return ros.Vector3{X: v[0], Y: v[1], Z: v[2]} }

func point(v mechanism.Vector) ros.Point { return ros.Point{X: v[0], Y: v[1], Z: v[2]} }

func quaternion(q mechanism.Quaternion) ros.Quaternion {
	return ros.Quaternion{X: q[1], Y: q[2], Z: q[3], W: q[0]}
}
