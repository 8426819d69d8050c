package referee

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"samovar/robot/mechanism"
	"samovar/robot/wire"
)

// Event is something that befalls a body from a time on and for a duration.
type Event struct {
	Kind     EventKind
	Target   int              // a joint, or an inertial unit; −1: all of them
	Start    time.Duration    // on the body's clock; what is past begins at once
	Duration time.Duration    // 0: for ever
	Impulse  mechanism.Vector // of a push, N·s in the world's axes
	Amount   float64
}

// EventKind is what befalls a body. Values are part of the protocol.
type EventKind uint8

// The kinds of events.
const (
	Push       EventKind = 1 + iota // Impulse at the torso's centre of mass, spread over Duration
	Stuck                           // joint Target senses what it sensed at Start
	StuckUnit                       // inertial unit Target, likewise
	Broken                          // joint Target senses NaN
	BrokenUnit                      // inertial unit Target, likewise
	Hot                             // the drive of Target feels warmer by Amount °C
	Drop                            // frames of sensors are lost with probability Amount
	Silent                          // no sensors and no commands pass
	eventKinds
)

// Bounds of an event.
const (
	mostImpulse = 1000 // N·s: a car
	longestTime = 24 * time.Hour
)

// NewPush is a push over 0.1 s, the duration by which scores compare.
func NewPush(start time.Duration, impulse mechanism.Vector) Event {
	return Event{Kind: Push, Start: start, Duration: 100 * time.Millisecond, Impulse: impulse}
}

// check reports whether an event can befall a body.
func (e *Event) check(i *Info) error {
	targets := 0
	switch e.Kind {
	case Stuck, Broken, Hot:
		targets = len(i.Joints)
	case StuckUnit, BrokenUnit:
		targets = i.Units
	}
	sum := math.Abs(e.Amount)
	for _, x := range e.Impulse {
		sum += math.Abs(x)
	}
	switch {
	case e.Kind == 0 || e.Kind >= eventKinds:
		return fmt.Errorf("an event of unknown kind %d", e.Kind)
	case targets > 0 && (e.Target < -1 || e.Target >= targets):
		return fmt.Errorf("an event at %d of %d", e.Target, targets)
	case e.Start < 0 || e.Start > longestTime || e.Duration < 0 || e.Duration > longestTime:
		return fmt.Errorf("an event at %v for %v", e.Start, e.Duration)
	case !(sum <= mostImpulse):
		return fmt.Errorf("an event of %v N·s, amount %g", e.Impulse, e.Amount)
	case e.Kind == Push && e.Duration == 0:
		return fmt.Errorf("a push without duration")
	}
	return nil
}

const eventSize = 8 + 8 + 4*8

func (e *Event) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(int64(e.Target)))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Duration))
	return wire.Floats(dst, e.Impulse[0], e.Impulse[1], e.Impulse[2], e.Amount)
}

// header has the event's kind as flags and its start as time.
func (e *Event) header() wire.Header {
	return wire.Header{Kind: wire.Event, Flags: uint8(e.Kind), Time: int64(e.Start)}
}

func (e *Event) read(h wire.Header, payload []byte) {
	e.Kind, e.Start = EventKind(h.Flags), time.Duration(h.Time)
	e.Target = int(int64(binary.LittleEndian.Uint64(payload)))
	e.Duration = time.Duration(binary.LittleEndian.Uint64(payload[8:]))
	wire.Take(payload[16:], &e.Impulse[0], &e.Impulse[1], &e.Impulse[2], &e.Amount)
}
