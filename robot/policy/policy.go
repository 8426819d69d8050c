// Package policy moves a robot by a learned network: a manifest says what the
// network's numbers mean, a controller makes its observations of what the robot
// senses and commands of its actions. It refuses a manifest that does not fit its
// network or its robot, and a network that answers with what is no number. Start
// with [Open] and [Controller].
//
// A policy is a controller like another: whoever runs it puts the supervisor of
// package safety between it and the body.
package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/mechanism"
)

// Velocity is what the robot is asked for: m/s ahead and to the left, rad/s to the
// left.
type Velocity struct{ Ahead, Left, Turn float64 }

// Controller runs a policy. It belongs to one goroutine; nothing allocates after
// NewController.
type Controller struct {
	// Command may be changed between ticks; it is cut to the manifest's limits.
	Command Velocity
	// Held are positions of the joints that are held, in the order of HeldJoints, rad.
	// They may be changed between ticks, by whoever moves the arms.
	Held []float64

	policy   *Policy
	info     *body.Info
	estimate *estimate.Estimator
	unit     int
	every    uint64 // ticks between two runs of the network
	observer observer
	drives   []drive // in the order of the body's joints
	held     []int   // joints of the body

	begun   bool
	last    uint64 // sequence of the tick before
	due     uint64 // of the next run of the network
	clock   float64
	actions []float32
}

// drive is how a joint of the body is led.
type drive struct {
	joint  *Joint
	action int // that moves it; −1: it is held
	held   int // place in Held; −1: none
	scale  float64
	target float64 // rad
	start  float64 // where it was when the controller began
	torque float64 // that it exerted then, Nm
}

// How long a policy takes over, s: torques of before fade while gains grow, and
// positions are led from where they were. Longer, a policy cannot balance meanwhile;
// shorter, drives with little torque ask for more than they have.
const (
	ramp  = 0.1
	blend = 0.2
)

// reserve is the share of a drive's torque that is asked for at most: until the next
// command the law of a drive goes on with what it measures.
const reserve = 0.9

// NewController returns a controller of a body by a policy. The estimator is for
// policies that observe the velocity of the base, which no machine senses; nil is
// enough for others.
func NewController(p *Policy, i *body.Info, e *estimate.Estimator) (*Controller, error) {
	c := &Controller{policy: p, info: i, estimate: e, unit: -1, actions: make([]float32, len(p.Manifest.Joints))}
	if err := c.bind(); err != nil {
		return nil, fmt.Errorf("policy %q on body %q: %w", p.Manifest.Name, i.Model, err)
	}
	return c, nil
}

// bind finds a policy's joints and unit in the body.
func (c *Controller) bind() error {
	m, i := &c.policy.Manifest, c.info
	if i.Rate%m.Rate != 0 {
		return fmt.Errorf("the network runs at %d Hz and the body at %d: dial at a multiple", m.Rate, i.Rate)
	}
	c.every = uint64(i.Rate / m.Rate)
	for k := range i.Units {
		if i.Units[k].Body == m.Unit {
			c.unit = k
		}
	}
	if c.unit < 0 {
		return fmt.Errorf("there is no inertial unit on %q", m.Unit)
	}
	c.drives = make([]drive, len(i.Joints))
	order := make([]int, 0, len(m.Joints))
	for k := range m.Joints {
		n, err := c.lead(&m.Joints[k], k)
		if err != nil {
			return err
		}
		order = append(order, n)
	}
	for k := range m.Held {
		if _, err := c.lead(&m.Held[k], -1); err != nil {
			return err
		}
	}
	for k := range c.drives {
		if c.drives[k].joint == nil {
			return fmt.Errorf("joint %q is neither moved nor held", i.Joints[k].Name)
		}
	}
	observed := slices.ContainsFunc(m.Observation, func(t Term) bool { return t.Name == velocity })
	switch {
	case !observed:
		c.estimate = nil
	case c.estimate == nil:
		return errors.New("it observes the base's velocity: an estimator is needed")
	}
	c.observer = newObserver(m, order)
	return nil
}

// lead binds a joint of the manifest to one of the body.
func (c *Controller) lead(j *Joint, action int) (int, error) {
	n, err := c.info.Joint(j.Name)
	if err != nil {
		return 0, err
	}
	if r := c.info.Joints[n].Range; j.Default < r[0] || j.Default > r[1] {
		return 0, fmt.Errorf("joint %q: default %g is beyond its range from %g to %g", j.Name, j.Default, r[0], r[1])
	}
	d := drive{joint: j, action: action, held: -1, scale: c.policy.Manifest.Action.Scale, target: j.Default}
	if j.Scale != nil {
		d.scale = *j.Scale
	}
	if j.Held || action < 0 {
		d.action, d.held = -1, len(c.Held)
		c.Held, c.held = append(c.Held, j.Default), append(c.held, n)
	}
	c.drives[n] = d
	return n, nil
}

// HeldJoints are the body's joints that the policy does not move.
func (c *Controller) HeldJoints() []int { return c.held }

// Begin lets the next tick be the first: the robot was led by somebody else.
func (c *Controller) Begin() { c.begun = false }

// Control makes a command of a tick's sensors.
func (c *Controller) Control(s *body.Sensors, to *body.Command) error {
	if len(s.Joints) != len(c.drives) || len(to.Joints) != len(c.drives) || c.unit >= len(s.Units) {
		return fmt.Errorf("policy %q on a body of %d joints: sensors of %d, a command for %d", c.policy.Manifest.Name, len(c.drives), len(s.Joints), len(to.Joints))
	}
	if s.Status&body.Held != 0 || s.Sequence <= c.last || s.Sequence > c.last+25 {
		c.begun = false // it has been elsewhere
	}
	if !c.begun {
		c.begin(s)
	} else {
		c.clock += float64(s.Sequence-c.last) * c.info.Period().Seconds()
	}
	c.last = s.Sequence
	if c.estimate != nil {
		c.estimate.Update(s)
	}
	if s.Sequence >= c.due {
		if err := c.think(s); err != nil {
			return fmt.Errorf("policy %q: %w", c.policy.Manifest.Name, err)
		}
		if c.due += c.every; c.due <= s.Sequence {
			c.due = s.Sequence + c.every
		}
	}
	c.command(s, to)
	return nil
}

// begin takes the robot as it is.
func (c *Controller) begin(s *body.Sensors) {
	c.begun, c.clock, c.due = true, 0, s.Sequence
	c.policy.Network.Reset()
	c.observer.reset()
	clear(c.actions)
	if c.estimate != nil {
		c.estimate.Reset()
	}
	for i := range c.drives {
		c.drives[i].start, c.drives[i].torque = s.Joints[i].Position, s.Joints[i].Torque
	}
}

// think runs the network.
func (c *Controller) think(s *body.Sensors) error {
	m := &c.policy.Manifest
	now := sensed{sensors: s, action: c.actions, command: c.limited()}
	u, mount := &s.Units[c.unit], c.info.Units[c.unit].Orientation
	now.angular = mount.Rotate(u.Angular)
	now.gravity = mount.Rotate(u.Orientation.Conjugate().Rotate(mechanism.Vector{0, 0, -1}))
	if e := c.estimate; e != nil {
		v := e.Robot.V
		linear := mechanism.Vector{e.Now.V[v], e.Now.V[v+1], e.Now.V[v+2]}
		now.linear = e.Now.Orientation(e.Robot.Base).Conjugate().Rotate(linear)
	}
	c.policy.Network.Run(c.actions, c.observer.observe(&now))
	for i, a := range c.actions {
		if a != a || math.IsInf(float64(a), 0) {
			return fmt.Errorf("the network answers %v for joint %q", a, m.Joints[i].Name)
		}
		if k := float32(m.Action.Clip); k > 0 {
			c.actions[i] = min(max(a, -k), k)
		}
	}
	for i := range c.drives {
		if d := &c.drives[i]; d.action >= 0 {
			d.target = d.joint.Default + d.scale*float64(c.actions[d.action])
		}
	}
	return nil
}

// limited is the command within the manifest's limits.
func (c *Controller) limited() mechanism.Vector {
	l := &c.policy.Manifest.Command
	cut := func(x float64, r [2]float64) float64 {
		if math.IsNaN(x) {
			return 0
		}
		return min(max(x, r[0]), r[1])
	}
	return mechanism.Vector{cut(c.Command.Ahead, l.Ahead), cut(c.Command.Left, l.Left), cut(c.Command.Turn, l.Turn)}
}

// command makes commands of targets.
func (c *Controller) command(s *body.Sensors, to *body.Command) {
	gain, way := min(1, c.clock/ramp), ease(c.clock/blend)
	for i := range c.drives {
		d, now, t := &c.drives[i], &s.Joints[i], &to.Joints[i]
		target := d.target
		if d.held >= 0 {
			target = c.Held[d.held]
		}
		*t = body.Drive{
			Position: d.start + (target-d.start)*way, Torque: d.torque * (1 - gain),
			Kp: d.joint.Kp * gain, Kd: d.joint.Kd * gain,
		}
		limit(&c.info.Joints[i], now, t)
	}
}

// limit keeps a command within what a joint and its drive can do.
func limit(j *body.Joint, now *body.Measured, t *body.Drive) {
	t.Position = min(max(t.Position, j.Range[0]), j.Range[1])
	low, high := reserve*j.Torque[0], reserve*j.Torque[1]
	t.Torque = min(max(t.Torque, low), high)
	law := t.Kp*(t.Position-now.Position) - t.Kd*now.Velocity + t.Torque
	if cut := min(max(law, low), high); cut != law { // all of it becomes weaker
		k := cut / law
		t.Kp, t.Kd, t.Torque = k*t.Kp, k*t.Kd, k*t.Torque
	}
}

// ease rises from 0 to 1 and begins and ends at rest.
func ease(x float64) float64 {
	x = min(1, max(0, x))
	return x * x * (3 - 2*x)
}
