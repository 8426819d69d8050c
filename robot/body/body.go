// Package body is the border between a controller and a robot's body: sensors
// come in, commands for every joint go out, and the body does not say where it
// stands, because no machine senses that. It refuses commands that are not
// finite, bodies of another version, and a second controller. Start with [Body];
// [Dial] finds one in another process, [Launch] starts one, [Replay] reads one
// from a recording, and [Host] is the other side.
//
// Units are metres, seconds, radians, Nm (N for a joint that slides) and °C.
package body

import (
	"errors"
	"fmt"
	"time"

	"samovar/robot/mechanism"
	"samovar/robot/wire"
)

// Body is a robot as its controller sees it. One goroutine may call Receive while
// another calls Send; Close ends both.
type Body interface {
	// Info says what the body is. It does not change.
	Info() *Info
	// Receive fills s with the newest sensors that it has not given yet, and waits
	// for them. ErrStale means that none came in time: s is as it was, the link is
	// still there, and Send still reaches the body. In lockstep there is one answer
	// to each tick, in order.
	Receive(s *Sensors) error
	// Send hands over a command, which holds until the next one, but not for longer
	// than Info.Stale. In lockstep it lets the body go on to the next tick.
	Send(c *Command) error
	Close() error
}

// ErrStale is Receive's answer when sensors are overdue.
var ErrStale = errors.New("sensors are stale")

// ErrLost is within every error that says that the link to the body is gone.
var ErrLost = wire.ErrLost

// Rates that a controller may choose, in Hz.
const (
	SlowestRate = 10
	FastestRate = 500
)

// Bounds of what a body may consist of.
const (
	mostJoints = 128
	mostUnits  = 16
	longest    = 256 // bytes of a name
)

// Unlimited is the bound of a joint without one: ± as many radians or metres.
const Unlimited = 1e9

// Info is what a body says of itself.
type Info struct {
	Version  int           `json:"version"` // of the protocol
	Model    string        `json:"model"`
	Joints   []Joint       `json:"joints"` // in the order of sensors and commands
	Units    []Unit        `json:"units"`
	Rate     int           `json:"rate"`     // Hz: sensors that come, commands that are expected
	Lockstep bool          `json:"lockstep"` // the body waits for a command of each tick; otherwise it runs by the clock
	Stale    time.Duration `json:"stale"`    // ns: after so long without a command the body damps, without sensors Receive gives up
}

// Joint is what is driven. Commands beyond its limits do not reach the drive.
type Joint struct {
	Name   string     `json:"name"`
	Range  [2]float64 `json:"range"`  // position
	Speed  float64    `json:"speed"`  // greatest, 0: not known
	Torque [2]float64 `json:"torque"` // of the drive
}

// Unit is where an inertial measurement unit sits.
type Unit struct {
	Name        string               `json:"name"`
	Body        string               `json:"body"`        // the rigid body that carries it
	Position    mechanism.Vector     `json:"position"`    // in the body's frame
	Orientation mechanism.Quaternion `json:"orientation"` // likewise
}

// Sensors are what a body senses at one moment.
type Sensors struct {
	Sequence uint64        // of the tick; the body's first is 1, and each is 1 more
	Time     time.Duration // on the body's clock, of the measurement
	Status   Status
	Battery  float64 // charge from 0 to 1, negative: not known
	Units    []Inertial
	Joints   []Measured
}

// Status is what a body says of its drives.
type Status uint8

// The bits of a status.
const (
	Held    Status = 1 << iota // carried by something until the first command
	Damping                    // commands are missing: every joint only brakes
)

// Inertial is what an inertial unit measures, in its own axes.
type Inertial struct {
	Orientation  mechanism.Quaternion // of the unit against the vertical; its heading drifts
	Angular      mechanism.Vector     // velocity, rad/s
	Acceleration mechanism.Vector     // m/s², at rest 9.81 upwards
}

// Measured is what a drive measures.
type Measured struct{ Position, Velocity, Torque, Temperature float64 }

// Command says what all drives do until the next command.
type Command struct {
	Joints []Drive
}

// Drive is a command of one joint. The drive exerts
// Kp·(Position − q) + Kd·(Velocity − q̇) + Torque, within its limits, and computes
// it anew much more often than commands come.
type Drive struct{ Position, Velocity, Kp, Kd, Torque float64 }

// NewSensors returns sensors with room for everything that the body measures.
func (i *Info) NewSensors() *Sensors {
	return &Sensors{Battery: -1, Units: make([]Inertial, len(i.Units)), Joints: make([]Measured, len(i.Joints))}
}

// NewCommand returns a command in which no drive does anything.
func (i *Info) NewCommand() *Command { return &Command{Joints: make([]Drive, len(i.Joints))} }

// Period is the time between two ticks.
func (i *Info) Period() time.Duration { return time.Second / time.Duration(i.Rate) }

// Joint returns the index of a joint.
func (i *Info) Joint(name string) (int, error) {
	for k := range i.Joints {
		if i.Joints[k].Name == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("body %q has no joint %q", i.Model, name)
}

// Check reports what is wrong with a description.
func (i *Info) Check() error {
	switch {
	case len(i.Joints) == 0 || len(i.Joints) > mostJoints:
		return fmt.Errorf("%d joints: 1 to %d are possible", len(i.Joints), mostJoints)
	case len(i.Units) > mostUnits:
		return fmt.Errorf("%d inertial units: at most %d are possible", len(i.Units), mostUnits)
	case len(i.Model) > longest:
		return fmt.Errorf("a name of %d bytes", len(i.Model))
	case i.Rate < SlowestRate || i.Rate > FastestRate:
		return fmt.Errorf("a rate of %d Hz: %d to %d are possible", i.Rate, SlowestRate, FastestRate)
	case i.Stale <= 0 || i.Stale > time.Second:
		return fmt.Errorf("commands that hold for %v", i.Stale)
	}
	seen := map[string]bool{}
	for k := range i.Joints {
		j := &i.Joints[k]
		if j.Name == "" || len(j.Name) > longest || seen[j.Name] {
			return fmt.Errorf("joint %d has no name of its own", k)
		}
		seen[j.Name] = true
		if !(j.Range[0] < j.Range[1]) || !(j.Torque[0] <= 0 && 0 <= j.Torque[1]) || !(j.Speed >= 0) ||
			!mechanism.Finite(j.Range[0], j.Range[1], j.Torque[0], j.Torque[1], j.Speed) {
			return fmt.Errorf("joint %q has limits that cannot be: range %v, torque %v, speed %v", j.Name, j.Range, j.Torque, j.Speed)
		}
	}
	for k := range i.Units {
		u := &i.Units[k]
		if len(u.Name) > longest || len(u.Body) > longest || !mechanism.Finite(u.Position[:]...) || !mechanism.Finite(u.Orientation[:]...) {
			return fmt.Errorf("inertial unit %d sits nowhere", k)
		}
	}
	return nil
}

// Check reports whether a command can be sent to a body of so many joints.
func (c *Command) Check(joints int) error {
	if len(c.Joints) != joints {
		return fmt.Errorf("a command of %d joints to a body of %d", len(c.Joints), joints)
	}
	for i := range c.Joints {
		d := &c.Joints[i]
		if !mechanism.Finite(d.Position, d.Velocity, d.Kp, d.Kd, d.Torque) {
			return fmt.Errorf("a command that is not finite for joint %d: %+v", i, *d)
		}
		if d.Kp < 0 || d.Kd < 0 {
			return fmt.Errorf("a negative gain for joint %d, which would drive it away: %+v", i, *d)
		}
	}
	return nil
}

// Damp is the command with which a body falls back on its own: every joint
// brakes with 2 % of its greatest torque for each rad/s, which at the speed of a
// falling limb, some 10 rad/s, is a fifth of what its drive can do.
func (i *Info) Damp(c *Command) {
	for k := range c.Joints {
		t := i.Joints[k].Torque
		c.Joints[k] = Drive{Kd: 0.02 * max(-t[0], t[1])}
	}
}

// StaleAfter is how long a command holds at a rate: two and a half ticks, so that
// one may be lost, but 20 to 50 ms, in which a falling body does not get far.
func StaleAfter(rate int) time.Duration {
	return min(max(time.Second*5/2/time.Duration(rate), 20*time.Millisecond), 50*time.Millisecond)
}

// CopyTo copies the sensors into others of the same body.
func (s *Sensors) CopyTo(to *Sensors) {
	units, joints := append(to.Units[:0], s.Units...), append(to.Joints[:0], s.Joints...)
	*to = *s
	to.Units, to.Joints = units, joints
}
