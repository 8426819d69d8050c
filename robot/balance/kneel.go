package balance

import (
	"fmt"

	"samovar/robot/body"
	"samovar/robot/mechanism"
)

// Stage is how far a kneel has come.
type Stage int

// The stages: it brings its feet beside each other; it squats on its soles, and steps if it
// must; it tips over its toes; its knees carry it.
const (
	Gathering Stage = iota
	Squatting
	Tipping
	Kneeling
)

// String returns the stage's name.
func (s Stage) String() string {
	return [...]string{"gathering", "squatting", "tipping", "kneeling"}[s]
}

// Kneel brings a robot from whatever stance to its knees: with its feet beside each other it
// squats as low as ankles bend, balancing all the while, so that its knees have the shortest way to the floor;
// then it leans over its toes until the knees carry it. It belongs to one goroutine.
type Kneel struct {
	Stage Stage

	balance *Controller
	last    uint64
	clock   float64   // s, in the stage
	from    []float64 // joints when it began to tip
	torque  []float64 // and what drives exerted
	low     []float64 // joints of a robot that kneels
}

// Times, s: after which it squats although its feet are not beside each other; of going down;
// of leaning over the toes; after which it tips although it is not there; of tipping.
const (
	gatherMost = 3.0
	squatTime  = 0.7
	leanTime   = 0.5
	squatMost  = 1.8
	tipTime    = 0.6
)

// besides is how far feet that are beside each other are off it, m.
const besides = 0.06

// Measures of a squat.
const (
	deepest = 0.19  // below the stance, of a leg's length: shanks lean by 0.8 rad, which is what ankles allow
	stoops  = 0.3   // rad, by which the pelvis leans
	beyond  = 1.4   // of half a sole's length, where it leans to: it is to pass the toes with some speed
	tips    = 0.015 // m, within the toes, where the capture point is when it tips
)

// Angles of legs that kneel, rad: knees bent to near their end, shanks between knees and
// bent toes, thighs leaning back, so that the centre of mass is between toes and knees.
const (
	kneltHip   = -0.4
	kneltKnee  = 2.45
	kneltAnkle = -0.85
)

// While it tips and kneels, hips lead the trunk to its lean.
const (
	leanWanted = 0.2  // rad, ahead: upright it falls back on its heels
	leanGain   = 1.5  // of what it is off by
	leanAhead  = 0.15 // s: of what it will be off by then
	leanMost   = 0.7  // rad, of the hips
)

// NewKneel returns a controller that kneels, of a body with a model of it. feet are
// the bodies with soles, the left one first.
func NewKneel(m *mechanism.Model, i *body.Info, feet [2]string) (*Kneel, error) {
	c, err := New(m, i, feet)
	if err != nil {
		return nil, fmt.Errorf("kneel: %w", err)
	}
	n := len(i.Joints)
	k := &Kneel{balance: c, from: make([]float64, n), torque: make([]float64, n), low: make([]float64, n)}
	copy(k.low, c.course.neutral)
	for l := range c.robot.Legs {
		for row, angle := range [6]float64{kneltHip, 0, 0, kneltKnee, kneltAnkle, 0} {
			j := c.robot.Legs[l].Joints[row]
			k.low[j] = min(i.Joints[j].Range[1], max(i.Joints[j].Range[0], angle))
		}
	}
	return k, nil
}

// Control makes a command of a tick's sensors.
func (k *Kneel) Control(s *body.Sensors, to *body.Command) error {
	c := k.balance
	if s.Status&body.Held != 0 || s.Sequence > k.last+25 || s.Sequence <= k.last {
		k.Stage, k.clock = Gathering, 0
		c.Motion = Still{}
	}
	k.last = s.Sequence
	k.clock += c.robot.Info.Period().Seconds()
	if k.Stage > Squatting {
		k.tip(s, to)
		return nil
	}
	if err := c.Control(s, to); err != nil {
		return fmt.Errorf("kneel: %w", err)
	}
	if k.Stage == Gathering {
		if c.gait.phase == Double && c.gait.abreast() || k.clock > gatherMost {
			k.Stage, k.clock = Squatting, 0
			c.Motion = squat{c.clock, deepest * c.length, beyond * c.robot.Legs[0].Half[0]}
		}
		return nil
	}
	m := c.gait.middle()
	ahead := level(c.View.Capture.Sub(m.at), -m.heading)[0]
	if k.clock > squatTime && c.gait.phase == Double && (ahead > c.robot.Legs[0].Half[0]-tips || k.clock > squatMost) {
		k.Stage, k.clock = Tipping, 0
		for i, j := range c.robot.Joints {
			k.from[i], k.torque[i] = s.Joints[i].Position, c.whole.tau[j.V]
		}
	}
	return nil
}

// tip leads joints from where they were to those of a robot that kneels.
func (k *Kneel) tip(s *body.Sensors, to *body.Command) {
	c := k.balance
	c.estimate.Update(s)
	x, base := c.estimate.State, c.robot.Base
	back := level(x.Orientation(base).Rotate(mechanism.Vector{0, 0, 1}), -heading(x.Orientation(base)))
	angular, _ := x.Velocity(base, x.Position(base))
	lean := back[0] - leanWanted + leanAhead*level(angular, -heading(x.Orientation(base)))[1]
	lean = min(leanMost, max(-leanMost, leanGain*lean))
	part, rate, _ := ease(k.clock / tipTime)
	if part == 1 {
		k.Stage = Kneeling
	}
	for i := range to.Joints {
		d, t := &c.drives[i], &to.Joints[i]
		way := k.low[i] - k.from[i]
		t.Position, t.Velocity = k.from[i]+part*way, rate/tipTime*way
		if d.leg >= 0 && d.row == 0 {
			t.Position += part * lean
		}
		t.Kp, t.Kd, t.Torque = follows[0]*d.torque, follows[1]*d.torque, (1-part)*k.torque[i]
		c.limit(i, t, &s.Joints[i])
	}
}

// squat is the motion of a robot that from a time on goes down by a depth and leans over its
// toes, so far from the middle of its soles.
type squat struct{ begins, depth, toes float64 }

// Target fills in the target.
func (q squat) Target(at float64, to *Target) {
	at -= q.begins
	down, _, _ := ease(at / squatTime)
	ahead, _, _ := ease((at - squatTime) / leanTime)
	to.Sway = mechanism.Vector{q.toes * ahead, 0, -q.depth * down}
	to.Pelvis[1] = stoops * down
	to.Stay = true
}
