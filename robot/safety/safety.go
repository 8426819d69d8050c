// Package safety stands between a controller and a body and trusts neither: what
// the body senses is judged before the controller sees it, what the controller
// commands is cut to the limits before the body gets it, and when either fails the
// robot is brought to a stop. It refuses commands that are not finite, and to go
// on when it cannot know. Start with [Supervisor].
//
// Cutting power makes a humanoid fall, so there are three stops, and one that
// fails is followed by the next: a stable stance, a kneel, and damping.
package safety

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"samovar/robot/body"
)

// Mode is what the robot does. It only grows, until Resume.
type Mode int

// The modes: the controller's, and the three stops.
const (
	Running Mode = iota
	Standing
	Kneeling
	Damping
)

// String returns the mode's name.
func (m Mode) String() string { return [...]string{"running", "standing", "kneeling", "damping"}[m] }

// Controller makes a command of sensors, once a tick, within a fraction of it.
type Controller interface {
	Control(s *body.Sensors, c *body.Command) error
}

// Config is what a supervisor goes by. Zeroes are replaced by the values below.
type Config struct {
	Stance Controller // the first stop; nil: there is none, and the next is used
	Kneel  Controller // the second
	// Falling says why the robot cannot be kept upright, or nothing; nil: Tilting.
	Falling func(*body.Sensors) string
	// Touching says which parts of the robot are about to touch, or nothing; nil: nobody
	// looks. See Clearance.
	Touching func(*body.Sensors) string

	Grace       time.Duration // for which a fault is bridged: 20 ms
	KneelFor    time.Duration // how long a kneel takes: 3 s; if a fault that called for one still lasts then, it damps
	Temperature float64       // of drives, °C: 90 is a stop, 10 more a kneel
	Kp, Kd      float64       // greatest gains, as factors of a drive's torque: 20 and 2
}

func (c *Config) fill(i *body.Info) {
	if c.Falling == nil {
		c.Falling = Tilting(i)
	}
	if c.Grace == 0 {
		c.Grace = 20 * time.Millisecond
	}
	if c.KneelFor == 0 {
		c.KneelFor = 3 * time.Second
	}
	if c.Temperature == 0 {
		c.Temperature = 90
	}
	if c.Kp == 0 {
		c.Kp = 20
	}
	if c.Kd == 0 {
		c.Kd = 2
	}
}

// Counts are what has happened since the start.
type Counts struct {
	Ticks   uint64
	Clamped uint64 // numbers of commands that were cut to a limit
	Refused uint64 // commands that were not followed at all
	Missing uint64 // ticks without a command in time
	Stale   uint64 // ticks without sensors
	Faulty  uint64 // measurements that were not used
}

// Code names a reason of a stop for programs.
type Code string

// The reasons.
const (
	Pressed  Code = "pressed"   // somebody wanted it
	Silent   Code = "silent"    // the controller
	Falls    Code = "falls"     // it is about to
	Blind    Code = "blind"     // no sensors arrive
	NoSensor Code = "no_sensor" // a joint's has failed
	NoUnit   Code = "no_unit"   // an inertial unit has failed
	Hot      Code = "hot"       // a joint's drive
	Beyond   Code = "beyond"    // a joint's range
	TooFast  Code = "too_fast"  // a joint
	Touches  Code = "touches"   // a part of the robot another one, soon
	NoBody   Code = "no_body"   // it is gone
)

// cause is why a mode is entered.
type cause struct {
	code Code
	of   string // name of the joint or unit; empty: it is about none
	text string
}

// Report is a supervisor's state.
type Report struct {
	Mode   Mode
	Reason string // of the mode
	Code   Code   // of the reason
	Of     string // name of the joint or unit that the reason is about
	Counts Counts
	Err    error // why there is no body any more
}

// Supervisor holds a body, and lets a controller have it through Body.
type Supervisor struct {
	body   body.Body
	info   *body.Info
	config Config
	gate   *gate
	judge  judge
	last   *body.Command // that was sent
	next   *body.Command

	started bool // the controller has commanded once

	mu     sync.Mutex
	quiet  time.Duration // for which the controller has not commanded
	since  time.Duration // for which the mode has lasted
	report Report
	done   chan struct{}
}

// New supervises the body that open returns, which nobody else then holds.
func New(open func() (body.Body, error), c Config) (*Supervisor, error) {
	b, err := open()
	if err != nil {
		return nil, fmt.Errorf("supervise a body: %w", err)
	}
	i := b.Info()
	c.fill(i)
	s := &Supervisor{body: b, info: i, config: c, gate: newGate(i), judge: newJudge(i, &c), last: i.NewCommand(), next: i.NewCommand(), done: make(chan struct{})}
	i.Damp(s.last)
	go s.run()
	return s, nil
}

// Body is the body as a controller may have it: sensors that have been judged,
// commands that are cut. Its Close leaves the body to the supervisor, which stops.
func (s *Supervisor) Body() body.Body { return s.gate }

// Report says how things are.
func (s *Supervisor) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report
}

// Stop is the emergency button: the robot comes to a stable stance. Pressed again
// it kneels, and then damps.
func (s *Supervisor) Stop(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raise(min(s.report.Mode+1, Damping), cause{Pressed, "", reason})
}

// ErrDown is within the error of a robot that cannot go on, because it does not stand.
var ErrDown = errors.New("put it on its feet and start again")

// Resume gives the body back to its controller. A person decides it, who sees the
// robot stand.
func (s *Supervisor) Resume() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.report.Mode > Standing {
		return fmt.Errorf("resume: the robot is %v (%s): %w", s.report.Mode, s.report.Reason, ErrDown)
	}
	s.set(Running, cause{})
	s.quiet = 0
	return nil
}

// Close ends supervision and the link: the body damps.
func (s *Supervisor) Close() error {
	err := s.body.Close()
	<-s.done
	return err
}

// raise goes to a mode, or to the first after it that can be had. The lock is
// held.
func (s *Supervisor) raise(m Mode, why cause) {
	if m == Standing && s.config.Stance == nil {
		m = Kneeling
	}
	if m == Kneeling && s.config.Kneel == nil {
		m = Damping
	}
	if m > s.report.Mode {
		s.set(m, why)
		s.since = 0
	}
}

func (s *Supervisor) set(m Mode, why cause) {
	s.report.Mode, s.report.Reason, s.report.Code, s.report.Of = m, why.text, why.code, why.of
}

// why is the cause of the mode. The lock is held.
func (s *Supervisor) why() cause { return cause{s.report.Code, s.report.Of, s.report.Reason} }

// run is the supervisor's goroutine: one tick after the other.
func (s *Supervisor) run() {
	defer close(s.done)
	sensors := s.info.NewSensors()
	for {
		err := s.body.Receive(sensors)
		if err != nil && !errors.Is(err, body.ErrStale) {
			s.mu.Lock()
			s.report.Err = err
			s.raise(Damping, cmp.Or(s.why(), cause{NoBody, "", "the body is gone"}))
			s.mu.Unlock()
			s.gate.end(err)
			return
		}
		mode := s.look(sensors, err != nil)
		commanded := s.gate.pass(s.judge.good, err, mode == Running, s.next)
		if mode == Running {
			mode = s.follow(commanded)
		}
		s.act(mode)
		if s.started || s.info.Lockstep { // the first command ends that something holds the robot
			s.body.Send(s.last) // if the link is lost, Receive says so, too
		}
	}
}

// look judges a tick's sensors.
func (s *Supervisor) look(sensors *body.Sensors, stale bool) Mode {
	m, why := Running, cause{}
	if stale {
		m, why = s.judge.blind()
	} else {
		m, why = s.judge.see(sensors)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Counts.Ticks++
	s.report.Counts.Faulty = s.judge.faulty
	if stale {
		s.report.Counts.Stale++
	}
	s.raise(m, why)
	if s.since += s.info.Period(); s.report.Mode == Kneeling && m >= Kneeling && s.since > s.config.KneelFor {
		s.raise(Damping, s.why())
	}
	return s.report.Mode
}

// follow takes the controller's command, if it has sent one in time.
func (s *Supervisor) follow(commanded bool) Mode {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet += s.info.Period()
	switch {
	case !commanded && !s.started:
		s.quiet = 0
	case !commanded:
		s.report.Counts.Missing++
	case s.next.Check(len(s.info.Joints)) != nil:
		s.report.Counts.Refused++
	default:
		s.quiet, s.started = 0, true
		s.cut()
	}
	if s.quiet >= max(s.config.Grace, 2*s.info.Period()) {
		s.raise(Standing, cause{Silent, "", "the controller is silent"})
	}
	return s.report.Mode
}

// act fills in the command of a stop.
func (s *Supervisor) act(m Mode) {
	for ; m == Standing || m == Kneeling; m++ {
		c := s.config.Stance
		if m == Kneeling {
			c = s.config.Kneel
		}
		err := control(c, s.judge.good, s.next)
		if err == nil {
			err = s.next.Check(len(s.info.Joints))
		}
		s.mu.Lock()
		if err == nil {
			s.cut()
			s.mu.Unlock()
			return
		}
		why := s.why()
		why.text = fmt.Sprintf("%s; the stop failed: %v", why.text, err)
		s.raise(m+1, why)
		m = s.report.Mode - 1
		s.mu.Unlock()
	}
	if m == Damping {
		s.info.Damp(s.last)
	}
}

// control calls a controller, whose panic is an error like another.
func control(c Controller, s *body.Sensors, to *body.Command) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return c.Control(s, to)
}

// cut makes the last command of the next one, cut to the limits. The lock is held.
func (s *Supervisor) cut() {
	n := uint64(0)
	clamp := func(x, low, high float64) float64 {
		y := min(max(x, low), high)
		if y != x {
			n++
		}
		return y
	}
	for i := range s.next.Joints {
		d, j, m := s.next.Joints[i], &s.info.Joints[i], &s.judge.good.Joints[i]
		most := max(-j.Torque[0], j.Torque[1])
		d.Position = clamp(d.Position, j.Range[0], j.Range[1])
		if j.Speed > 0 {
			d.Velocity = clamp(d.Velocity, -j.Speed, j.Speed)
		}
		d.Torque = clamp(d.Torque, j.Torque[0], j.Torque[1])
		d.Kp, d.Kd = clamp(d.Kp, 0, s.config.Kp*most), clamp(d.Kd, 0, s.config.Kd*most)
		asked := d.Kp*(d.Position-m.Position) + d.Kd*(d.Velocity-m.Velocity) + d.Torque
		if limit := clamp(asked, j.Torque[0], j.Torque[1]); limit != asked {
			share := limit / asked // the law as a whole becomes weaker, and asks for the limit
			d.Kp, d.Kd, d.Torque = share*d.Kp, share*d.Kd, share*d.Torque
		}
		s.last.Joints[i] = d
	}
	s.report.Counts.Clamped += n
}

// Tilting predicts falls by inertial units alone: a body as an inverted pendulum
// tips over where its tilt now and in 0.25 s, the time constant √(h/g) of a mass at
// 0.6 m, passes 40°, which is farther than a step catches.
func Tilting(i *body.Info) func(*body.Sensors) string {
	const ahead, tooFar, upright = 0.25, 40 * math.Pi / 180, 10 * math.Pi / 180
	return func(s *body.Sensors) string {
		for k := range s.Units {
			u, mount := &s.Units[k], i.Units[k].Orientation
			up := mount.Rotate(u.Orientation.Conjugate().Rotate([3]float64{0, 0, 1})) // the vertical in the axes of the unit's body
			tilt, rate := math.Acos(min(1, max(-1, up[2]))), 0.0
			if sine := math.Sin(tilt); sine > 1e-6 {
				// Seen from the body the vertical turns with −ω: d up/dt = up × ω.
				rate = -up.Cross(mount.Rotate(u.Angular))[2] / sine
			}
			if tilt > upright && tilt+ahead*rate > tooFar {
				return fmt.Sprintf("it falls: tilted by %.0f°, %.0f°/s", tilt*180/math.Pi, rate*180/math.Pi)
			}
		}
		return ""
	}
}
