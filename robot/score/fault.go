package score

import (
	"math"
	"slices"
	"time"

	"samovar/robot/referee"
	"samovar/robot/safety"
)

// Fault is something that goes wrong with a body.
type Fault struct {
	Name  string
	Event referee.Event
}

// knee is a joint of a leg, whose sensor fails.
const knee = 3

// lapse is how long a link is silent or sensors are lost that come back: no controller
// keeps a robot up that it neither senses nor moves.
const lapse = 100 * time.Millisecond

// Faults are those that a referee can bring about, one of each kind. All but the first
// two last for ever.
var Faults = []Fault{
	{"link silent", referee.Event{Kind: referee.Silent, Duration: lapse}},
	{"sensors lost", referee.Event{Kind: referee.Drop, Amount: 1, Duration: lapse}},
	{"joint senses NaN", referee.Event{Kind: referee.Broken, Target: knee}},
	{"inertial units sense NaN", referee.Event{Kind: referee.BrokenUnit, Target: -1}},
	{"joint's sensor stuck", referee.Event{Kind: referee.Stuck, Target: knee}},
	{"inertial units stuck", referee.Event{Kind: referee.StuckUnit, Target: -1}},
	{"drive hot", referee.Event{Kind: referee.Hot, Target: knee, Amount: 80}},
}

// step is that of the physics, at which events begin.
const step = 2 * time.Millisecond

// At is the fault from a moment on, s, which is rounded to a step of the physics.
func (f Fault) At(seconds float64) *Fault {
	f.Event.Start = time.Duration(seconds*float64(time.Second)) / step * step
	return &f
}

// slow is how fast the base of a robot moves at most that is taken to stand still, m/s.
const slow = 0.1

// rests reports whether a robot stands on both feet and hardly moves.
func rests(i *referee.Info, t *referee.Truth) bool {
	return math.Hypot(t.Linear[0], t.Linear[1]) < slow && !slices.ContainsFunc(i.Feet, func(k int) bool { return !t.Touching.Has(k) })
}

// alarm presses the button of a trial, and measures how long the supervisor takes over what
// goes wrong.
type alarm struct {
	*Trial
	rig     *Rig
	acted   bool // the supervisor
	pressed bool
	moving  float64 // how long after the button the robot moved last, s
}

// see looks at a tick.
func (a *alarm) see(m *Moment, out *Result) {
	if acts := m.Report.Mode > safety.Running; a.Fault != nil && acts && !a.acted {
		a.acted = true
		if took := (m.Truth.Time - a.Fault.Event.Start).Seconds(); took >= 0 { // and not before
			out.Noticed = &took
		}
	}
	if a.Stop == 0 || m.Seconds < a.Stop {
		return
	}
	if !a.pressed {
		a.pressed = true
		a.rig.Supervisor.Stop("the button")
	}
	if !rests(a.rig.Referee.Info(), m.Truth) {
		a.moving = m.Seconds - a.Stop
	}
}

// end says when the robot has come to a stable stance, if it has.
func (a *alarm) end(out *Result) {
	if a.pressed && !out.Fell && a.moving+settled < out.Seconds-a.Stop {
		out.Stable = &a.moving
	}
}

// settled is how long a robot has stood still that has come to a stable stance, s.
const settled = 0.5
