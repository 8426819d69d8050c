// Package gesture moves the robot while it speaks: hands beat on what is stressed, it
// waves when it says hello, points to itself, opens its palms, nods, turns to who is
// there, bows. It only adds to a motion, within the ranges and half the speeds of the
// joints, and knows neither balance nor what the robot may touch beside itself. Joints
// are found by their names, as our own robot and Unitree's have them; a robot without
// arms is refused. Start with [New].
package gesture

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/speech"
)

// Gestures is a motion with gestures laid over it. Its methods may be called while
// Target is called from the loop of control.
type Gestures struct {
	under  balance.Motion
	joints []joint        // in the order of the body's
	roles  map[string]int // indices of joints by their part, such as "left_elbow"

	mutex  sync.Mutex
	pulses []pulse
	now    float64            // s, the latest that Target was asked for
	base   []float64          // where joints were then without gestures; nil before the first time
	hand   int                // that beats next
	spoke  map[string]float64 // when a kind of gesture was made last, s
}

// joint is what binds the motion of a joint.
type joint struct {
	low, high float64 // rad
	speed     float64 // rad/s that pulses may reach together
}

// pulse is a joint that goes from where it is by an amount, and back. Amount times a
// function with two continuous derivatives: the motion never jerks.
type pulse struct {
	joint                   int     // pelvis is the base
	amount                  float64 // rad
	begin, rise, hold, fall float64 // s
	cut                     float64 // s, from when on it fades; +Inf: never
}

// pelvis in place of a joint bends the base ahead.
const pelvis = -1

// Times and bounds.
const (
	fade    = 0.8   // s, in which gestures end that are stopped
	soonest = 0.03  // s from now, for a pulse to begin: Target looks 0.01 s ahead
	most    = 256   // pulses at a time
	share   = 0.25  // of a drive's speed that pulses use
	reach   = 0.8   // of the way to the end of a joint's range
	unknown = 5.0   // rad/s, where the drive's speed is not known
	steep   = 1.875 // greatest slope of ease
)

// New returns gestures of a body over a motion, nil for a robot that stands.
func New(i *body.Info, under balance.Motion) (*Gestures, error) {
	if under == nil {
		under = balance.Still{}
	}
	g := &Gestures{under: under, joints: make([]joint, len(i.Joints)), roles: map[string]int{}, spoke: map[string]float64{}}
	for k, j := range i.Joints {
		speed := j.Speed
		if speed <= 0 {
			speed = unknown / share
		}
		g.joints[k] = joint{low: j.Range[0], high: j.Range[1], speed: share * speed}
		g.roles[strings.TrimSuffix(j.Name, "_joint")] = k
	}
	for _, side := range []string{"left", "right"} {
		for _, part := range []string{"_shoulder_pitch", "_elbow"} {
			if _, ok := g.roles[side+part]; !ok {
				return nil, fmt.Errorf("find the arms of %s: there is no joint %s_joint: it speaks without gestures", i.Model, side+part)
			}
		}
	}
	return g, nil
}

// Now is the latest time for which the motion was asked, s.
func (g *Gestures) Now() float64 {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.now
}

// Target implements balance.Motion.
func (g *Gestures) Target(at float64, to *balance.Target) {
	g.under.Target(at, to)
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.now = max(g.now, at)
	g.base = append(g.base[:0], to.Joints...)
	for k := range to.Joints {
		if off := g.offset(k, at); off != 0 {
			to.Joints[k] += within(off, g.joints[k].low-to.Joints[k], g.joints[k].high-to.Joints[k])
		}
	}
	to.Pelvis[1] += g.offset(pelvis, at)
}

// offset is what all pulses together add to a joint.
func (g *Gestures) offset(joint int, at float64) float64 {
	sum := 0.0
	for i := range g.pulses {
		if p := &g.pulses[i]; p.joint == joint {
			sum += p.at(at)
		}
	}
	return sum
}

// within bends x smoothly, so that it stays between low and high and moves no faster.
func within(x, low, high float64) float64 {
	room := high
	if x < 0 {
		room = -low
	}
	if room <= 0 {
		return 0
	}
	return room * math.Tanh(x/room)
}

func (p *pulse) end() float64 { return p.begin + p.rise + p.hold + p.fall }

func (p *pulse) at(t float64) float64 {
	if t <= p.begin || t >= p.end() || t >= p.cut+fade {
		return 0
	}
	return p.amount * (ease((t-p.begin)/p.rise) - ease((t-p.begin-p.rise-p.hold)/p.fall)) * (1 - ease((t-p.cut)/fade))
}

// ease goes from 0 to 1 between times 0 and 1 with the least jerk (Flash and Hogan,
// Journal of Neuroscience 5(7), 1985).
func ease(t float64) float64 {
	t = min(1, max(0, t))
	return t * t * t * (10 - 15*t + 6*t*t)
}

// Stop ends all gestures in fade seconds, wherever they are.
func (g *Gestures) Stop() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	at := g.now + soonest
	g.pulses = slices.DeleteFunc(g.pulses, func(p pulse) bool { return p.begin >= at })
	for i := range g.pulses {
		g.pulses[i].cut = min(g.pulses[i].cut, at)
	}
	clear(g.spoke)
}

// Speak makes the gestures of an utterance, which is heard by the clock of the wall
// while the motion follows it.
func (g *Gestures) Speak(u speech.Utterance) {
	g.Say(&u.Clip, g.Now()+time.Until(u.Start).Seconds())
}

// add adds a move that begins at a time; one that should have begun is left out, so
// that nothing jumps, and where joints would become too fast it is smaller.
func (g *Gestures) add(at float64, moves []pulse) bool {
	g.pulses = slices.DeleteFunc(g.pulses, func(p pulse) bool { return min(p.end(), p.cut+fade) < g.now-1 })
	for i := range moves {
		if at+moves[i].begin < g.now+soonest {
			return false
		}
	}
	if len(g.pulses)+len(moves) > most || len(g.base) != len(g.joints) {
		return false
	}
	for _, m := range moves {
		m.begin += at
		m.cut = math.Inf(1)
		if room := g.room(&m); room < 1 {
			m.amount *= room
		}
		g.pulses = append(g.pulses, m)
	}
	return true
}

// room is the share of a pulse with which its joint stays within its range and slow
// enough, with all pulses of the same time.
func (g *Gestures) room(m *pulse) float64 {
	if m.joint == pelvis || m.amount == 0 {
		return 1
	}
	j := &g.joints[m.joint]
	slow, way := j.speed, reach*(j.high-g.base[m.joint])
	if m.amount < 0 {
		way = reach * (g.base[m.joint] - j.low)
	}
	for i := range g.pulses {
		if p := &g.pulses[i]; p.joint == m.joint && p.begin < m.end() && m.begin < p.end() {
			slow -= p.fastest()
			way -= max(0, math.Copysign(math.Abs(p.amount), p.amount*m.amount))
		}
	}
	return min(1, max(0, slow/m.fastest()), max(0, way/math.Abs(m.amount)))
}

// fastest is the greatest speed of a pulse, rad/s, stopped or not.
func (p *pulse) fastest() float64 {
	return math.Abs(p.amount) * steep * (1/min(p.rise, p.fall) + 1/fade)
}
