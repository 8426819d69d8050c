// Package referee is what the score sees of a simulated body and its controller
// does not: where it truly is, what touches the floor, which limits were passed.
// It also pushes, and breaks sensors and links. No controller may import it, and
// the body refuses a controller at the referee's address and a referee at the
// controller's. Start with [Truth] and [Dial]; [Info.Fall] is the rule of falls.
package referee

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"samovar/robot/mechanism"
	"samovar/robot/wire"
)

// Info is what a simulated body says of itself to a referee.
type Info struct {
	Version  int      `json:"version"` // of the protocol
	Model    string   `json:"model"`
	Joints   []string `json:"joints"` // in the order of Truth.Positions
	Units    int      `json:"units"`  // inertial ones
	Bodies   []string `json:"bodies"` // rigid ones; the world is the first
	Base     int      `json:"base"`   // the body whose pose Truth has
	Torso    int      `json:"torso"`  // the one that is pushed, and whose tilt counts
	Feet     []int    `json:"feet"`   // bodies that may touch the floor
	Kneel    []int    `json:"kneel"`  // bodies that may, too, while it kneels: shanks and hands
	Step     float64  `json:"step"`   // s, of the physics
	Lockstep bool     `json:"lockstep"`
}

// Bodies is a set of rigid bodies, by index.
type Bodies [2]uint64

// MostBodies is how many a model may have.
const MostBodies = 128

// Add puts a body into the set.
func (b *Bodies) Add(i int) { b[i/64] |= 1 << (i % 64) }

// Has reports whether a body is in the set.
func (b *Bodies) Has(i int) bool { return b[i/64]>>(i%64)&1 == 1 }

// Truth is a simulated body at a tick, and what has happened to it since the
// tick before. Counts grow from the start of the body.
type Truth struct {
	Sequence    uint64               // of the tick, as of its sensors
	Time        time.Duration        // on the body's clock
	Position    mechanism.Vector     // of the base, in the world
	Orientation mechanism.Quaternion // of the base
	Linear      mechanism.Vector     // velocity of the base, world's axes
	Angular     mechanism.Vector     // likewise, base's axes
	Centre      mechanism.Vector     // of mass
	Push        mechanism.Vector     // force at the torso, N
	Tilt        float64              // of the torso against the vertical, greatest since the tick before, rad
	Drift       float64              // horizontal distance of the base from where it started, m
	Touching    Bodies               // what has touched the floor since the tick before
	Counts      Counts
	Worst       Worst
	Positions   []float64 // of the joints
}

// Counts are of joints: one for each joint and command, or joint and step of the
// physics.
type Counts struct {
	Position  uint64 // commands that aim beyond a joint's range
	Velocity  uint64 // commands that aim beyond its speed
	Torque    uint64 // commands whose feed-forward torque is beyond its drive
	Saturated uint64 // steps in which the drive's law asked for more than it has
	Beyond    uint64 // steps in which a joint was beyond its range by more than Soft
	Fast      uint64 // steps in which it was faster than its drive turns
	Self      uint64 // steps in which the robot touched itself
	Refused   uint64 // commands that the body could not follow
	Damped    uint64 // steps in which it braked because commands were missing
}

// Add counts what another run counted, too.
func (c *Counts) Add(o *Counts) {
	c.Position, c.Velocity, c.Torque = c.Position+o.Position, c.Velocity+o.Velocity, c.Torque+o.Torque
	c.Saturated, c.Beyond, c.Fast, c.Self = c.Saturated+o.Saturated, c.Beyond+o.Beyond, c.Fast+o.Fast, c.Self+o.Self
	c.Refused, c.Damped = c.Refused+o.Refused, c.Damped+o.Damped
}

// Soft is how far a joint may pass its range, whose stop is soft, rad.
const Soft = 0.02

// Worst is what came nearest to a limit, or passed it farthest, since the start.
type Worst struct {
	Torque float64 // that a drive's law asked for, as a share of its limit
	Beyond float64 // of a joint beyond its range, rad
	Speed  float64 // of a joint as a share of its drive's; 0 where none is known
}

// NewTruth returns a truth with room for the joints.
func (i *Info) NewTruth() *Truth { return &Truth{Positions: make([]float64, len(i.Joints))} }

// Most that the torso may tilt, rad.
const mostTilt = 60 * math.Pi / 180

// Fall says why a robot has fallen, or nothing if it has not: any part but its
// feet touches the floor, or its torso tilts by more than 60°. In a kneel its
// hands and shanks may touch.
func (i *Info) Fall(t *Truth, kneeling bool) string {
	if t.Tilt > mostTilt || math.IsNaN(t.Tilt) {
		return fmt.Sprintf("the torso tilts by %.0f°", t.Tilt*180/math.Pi)
	}
	var allowed Bodies
	for _, k := range i.Feet {
		allowed.Add(k)
	}
	for _, k := range i.Kneel {
		if kneeling {
			allowed.Add(k)
		}
	}
	for k, name := range i.Bodies {
		if t.Touching.Has(k) && !allowed.Has(k) {
			return name + " touches the floor"
		}
	}
	return ""
}

// Check reports what is wrong with a description.
func (i *Info) Check() error {
	if len(i.Bodies) == 0 || len(i.Bodies) > MostBodies || len(i.Joints) > MostBodies {
		return fmt.Errorf("%d bodies and %d joints: at most %d are possible", len(i.Bodies), len(i.Joints), MostBodies)
	}
	for _, all := range [][]int{{i.Base, i.Torso}, i.Feet, i.Kneel} {
		for _, k := range all {
			if k < 0 || k >= len(i.Bodies) {
				return fmt.Errorf("body %d of %d", k, len(i.Bodies))
			}
		}
	}
	return nil
}

// Payload of a truth: 16 vectors' numbers and scalars, the set of bodies, counts,
// and a float64 of each joint.
const (
	truthNumbers = 3 + 4 + 3 + 3 + 3 + 3 + 2 + 3
	truthCounts  = 2 + 9
)

func (i *Info) truthSize() int { return 8 * (truthNumbers + truthCounts + len(i.Joints)) }

func (t *Truth) header() wire.Header {
	return wire.Header{Kind: wire.Truth, Sequence: t.Sequence, Time: int64(t.Time)}
}

// numbers are the fixed numbers of a payload, in its order.
func (t *Truth) numbers() [truthNumbers]*float64 {
	p, o, l, a, c, f := &t.Position, &t.Orientation, &t.Linear, &t.Angular, &t.Centre, &t.Push
	return [truthNumbers]*float64{
		&p[0], &p[1], &p[2], &o[0], &o[1], &o[2], &o[3], &l[0], &l[1], &l[2], &a[0], &a[1], &a[2],
		&c[0], &c[1], &c[2], &f[0], &f[1], &f[2], &t.Tilt, &t.Drift, &t.Worst.Torque, &t.Worst.Beyond, &t.Worst.Speed,
	}
}

// counts are the whole numbers of a payload, in its order.
func (t *Truth) counts() [truthCounts]*uint64 {
	c := &t.Counts
	return [truthCounts]*uint64{
		&t.Touching[0], &t.Touching[1], &c.Position, &c.Velocity, &c.Torque, &c.Saturated, &c.Beyond, &c.Fast, &c.Self, &c.Refused, &c.Damped,
	}
}

func (t *Truth) append(dst []byte) []byte {
	for _, x := range t.numbers() {
		dst = wire.Floats(dst, *x)
	}
	for _, n := range t.counts() {
		dst = binary.LittleEndian.AppendUint64(dst, *n)
	}
	return wire.Floats(dst, t.Positions...)
}

// read takes a payload of truthSize bytes.
func (t *Truth) read(h wire.Header, payload []byte) {
	t.Sequence, t.Time = h.Sequence, time.Duration(h.Time)
	for _, x := range t.numbers() {
		payload = wire.Take(payload, x)
	}
	for _, n := range t.counts() {
		*n, payload = binary.LittleEndian.Uint64(payload), payload[8:]
	}
	for i := range t.Positions {
		payload = wire.Take(payload, &t.Positions[i])
	}
}
