package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"samovar/robot/body"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
)

// world is a body with everything that comes between it and its controller:
// delays, noise, faults, and the drives' own fallback. Time is counted in steps of
// the physics, and nothing here reads a clock: the same seed, commands and events
// give the same bits.
type world struct {
	info  body.Info
	rules referee.Info
	physics
	step time.Duration

	now      int64 // steps
	released int64 // the step at which it stopped being held, −1: it is held
	tick     uint64
	period   int64

	inForce []body.Drive
	damp    []body.Drive
	pending []arrival
	expires int64 // the step at which inForce is stale
	damping bool

	late    [2]int64 // steps by which sensors and commands are delayed
	samples []*body.Sensors
	events  []*event
	counts  referee.Counts // of commands and damping; the others are the physics'
	truth   *referee.Truth

	sensors *body.Sensors
	noise   noise
	heat    []float64 // above the room's temperature, K
	mean    []float64
	random  *rand.Rand
}

// arrival is a command that will be in force.
type arrival struct {
	step    int64
	expires int64
	drives  []body.Drive
}

func newWorld(o *options) (*world, error) {
	p, m, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	w := &world{step: p.step, released: -1}
	if w.info, err = p.describe(o.Lockstep); err != nil {
		return nil, err
	}
	if len(o.Delay) > len(w.late) {
		return nil, fmt.Errorf("%d delays: one of sensors, one of commands", len(o.Delay))
	}
	for i, ms := range o.Delay {
		if !(ms >= 0 && ms <= 1000) {
			return nil, fmt.Errorf("a delay of %g ms", ms)
		}
		w.late[i] = int64(math.Round(ms * float64(time.Millisecond) / float64(p.step)))
	}
	if !(o.Noise >= 0 && o.Noise <= 100) {
		return nil, fmt.Errorf("noise of %g", o.Noise)
	}
	if w.physics, err = newPhysics(p); err != nil {
		return nil, err
	}
	if w.rules, err = p.rules(m, w.bodies(), o.Feet, o.Lockstep); err != nil {
		return nil, err
	}
	n := len(w.info.Joints)
	w.inForce, w.damp = make([]body.Drive, n), make([]body.Drive, n)
	w.info.Damp(&body.Command{Joints: w.damp})
	w.heat, w.mean = make([]float64, n), make([]float64, n)
	w.sensors, w.truth = w.info.NewSensors(), w.rules.NewTruth()
	w.random = rand.New(rand.NewPCG(o.Seed, 0x5a4d4f564152)) // the second number is arbitrary
	w.noise = newNoise(o.Noise, len(w.info.Units), w.random)
	w.setRate(body.SlowestRate)
	return w, nil
}

// setRate chooses how long a tick is.
func (w *world) setRate(hz int) { w.period = int64(time.Second / time.Duration(hz) / w.step) }

// at is the time on the body's clock.
func (w *world) at(step int64) time.Duration { return time.Duration(step) * w.step }

// command is what has come at this moment.
func (w *world) command(c *body.Command, stale time.Duration) {
	drives := append([]body.Drive(nil), c.Joints...)
	for i := range drives {
		d, j := &drives[i], &w.info.Joints[i]
		if d.Kp > 0 && (d.Position < j.Range[0] || d.Position > j.Range[1]) {
			w.counts.Position++
		}
		if j.Speed > 0 && math.Abs(d.Velocity) > j.Speed {
			w.counts.Velocity++
		}
		if d.Torque < j.Torque[0] || d.Torque > j.Torque[1] {
			w.counts.Torque++
		}
	}
	at := w.now + w.late[1]
	w.pending = append(w.pending, arrival{at, at + int64(stale/w.step), drives})
}

// lose makes the command in force stale: its link is gone.
func (w *world) lose() { w.expires, w.pending = w.now, nil }

// sense returns the sensors of a new tick, or nil if they are lost, and whether
// the link is silent altogether.
func (w *world) sense() (s *body.Sensors, silent bool) {
	w.tick++
	if len(w.samples) == 0 { // of the first tick, or the first after the rate changed
		w.sample()
	}
	s = w.samples[0]
	if int64(len(w.samples)) > w.late[0]/w.period { // the others are under way
		w.samples = w.samples[1:]
	}
	s.CopyTo(w.sensors)
	w.sensors.Sequence = w.tick
	lost := false
	for _, e := range w.events {
		if e.active(w.now) {
			silent = silent || e.Kind == referee.Silent
			lost = w.befall(e) || lost
		}
	}
	if lost || silent {
		return nil, silent
	}
	return w.sensors, false
}

// sample measures now.
func (w *world) sample() {
	s := w.info.NewSensors()
	w.physics.sense(s)
	s.Time = w.at(w.now)
	if w.released < 0 {
		s.Status |= body.Held
	}
	if w.damping {
		s.Status |= body.Damping
	}
	for i := range s.Joints {
		s.Joints[i].Temperature = room + w.heat[i]
	}
	w.noise.add(s, &w.info, w.random)
	w.samples = append(w.samples, s)
}

// report returns what is true at this tick.
func (w *world) report(refused uint64) *referee.Truth {
	t := w.truth
	w.physics.report(t)
	t.Sequence, t.Time, t.Push = w.tick, w.at(w.now), w.push()
	c, own := &t.Counts, &w.counts
	c.Position, c.Velocity, c.Torque, c.Damped, c.Refused = own.Position, own.Velocity, own.Torque, own.Damped, refused
	return t
}

// leave runs the physics until the next tick, piece by piece wherever something
// changes.
func (w *world) leave() error {
	end := w.now + w.period
	measure := end - w.late[0]%w.period // of sensors that are then under way for whole ticks
	for w.now < end {
		if w.now == measure {
			w.sample()
		}
		w.switchDrives()
		until := end
		if w.now < measure {
			until = min(until, measure)
		}
		for _, a := range w.pending {
			until = min(until, a.step)
		}
		if !w.damping && w.released >= 0 {
			until = min(until, w.expires)
		}
		for _, e := range w.events {
			until = min(until, e.next(w.now, until))
		}
		if err := w.run(until); err != nil {
			return err
		}
	}
	if measure == end {
		w.sample()
	}
	w.warm()
	w.forget()
	return nil
}

// switchDrives puts in force what is due, and falls back to damping.
func (w *world) switchDrives() {
	for len(w.pending) > 0 && w.pending[0].step <= w.now {
		w.inForce, w.expires = w.pending[0].drives, w.pending[0].expires
		w.pending = w.pending[1:]
		if w.released < 0 {
			w.released = w.now
		}
	}
	w.damping = w.released >= 0 && w.now >= w.expires
}

func (w *world) run(until int64) error {
	steps := until - w.now
	if w.released < 0 { // held: time passes, and nothing else
		w.now = until
		return nil
	}
	drives := w.inForce
	if w.damping {
		drives = w.damp
		w.counts.Damped += uint64(steps)
	}
	w.now = until
	return w.advance(int(steps), drives, w.pushAt(until-steps))
}

// pushAt is the force of all pushes at a step, N.
func (w *world) pushAt(step int64) mechanism.Vector {
	var sum mechanism.Vector
	for _, e := range w.events {
		if e.Kind == referee.Push && e.active(step) {
			sum = sum.Add(e.Impulse.Scale(1 / e.Duration.Seconds()))
		}
	}
	return sum
}

func (w *world) push() mechanism.Vector { return w.pushAt(w.now) }
