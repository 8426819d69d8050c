// Package live is a robot that people meet. It holds a simulated body that keeps to the
// clock where the machine can, its supervisor and its controller; people have it act, push it, stop it and
// watch it. It refuses to act while it is stopped. Start with [Open].
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/safety"
	"samovar/robot/score"
)

// Config says which robot it is.
type Config struct {
	Program string    // of the simulated body; empty: where body.Find finds it
	Model   string    // own, or the path of an MJCF file
	Log     io.Writer // what the body has to say; nil: nowhere
	// See is given each tick, and returns at once; nil: nobody is.
	See  func(*score.Moment)
	Fast bool // time passes as fast as the machine can, for tests
}

// Act is what the robot does for a while.
type Act struct {
	Name    string         // such as dancing
	Motion  balance.Motion // from time 0 on
	Seconds float64        // after which it stands; 0: until something else is asked of it
	Song    string         // that it dances to, for whoever watches
	Lead    float64        // s before time 0 that pass in the motion it comes from
}

// Robot is a robot that acts. Its methods may be called from any goroutine.
type Robot struct {
	config  Config
	context context.Context

	resetting sync.Mutex // held while one body takes the place of another

	mu       sync.Mutex
	rig      *rig
	watchers map[chan *State]bool
	last     *State
	falls    int
}

// Open starts a body and has its robot stand. Close ends it.
func Open(ctx context.Context, c Config) (*Robot, error) {
	r := &Robot{config: c, context: ctx, watchers: map[chan *State]bool{}}
	var err error
	if r.rig, err = r.launch(); err != nil {
		return nil, fmt.Errorf("open the robot %s: %w", c.Model, err)
	}
	return r, nil
}

// Model is the robot's mechanism.
func (r *Robot) Model() *mechanism.Model { return r.now().Model }

// Info is what the body says of itself.
func (r *Robot) Info() *body.Info { return r.now().Info() }

// Feet are the indices of the bodies that stand on the floor.
func (r *Robot) Feet() []int { return r.now().Referee.Info().Feet }

func (r *Robot) now() *rig {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rig
}

// Errors within those of a robot that does not do what it is asked.
var (
	ErrStopped = errors.New("let it go on first")
	ErrDown    = safety.ErrDown
	ErrHard    = fmt.Errorf("%d N·s is the most", hardest)
)

// Perform has the robot act; whatever it does passes into that.
func (r *Robot) Perform(a Act) error {
	g := r.now()
	if report := g.Supervisor.Report(); report.Mode > safety.Running {
		return fmt.Errorf("%s: the robot is %v (%s): %w", a.Name, report.Mode, report.Reason, ErrStopped)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next = &a
	return nil
}

// End lets the robot pass from what it does into standing.
func (r *Robot) End() error { return r.Perform(Act{Name: Standing, Motion: balance.Still{}}) }

// Doing is the name of the act of the robot, or of the one that it was asked for last.
func (r *Robot) Doing() string {
	g := r.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.next != nil:
		return g.next.Name
	case g.act != nil:
		return g.act.Name
	}
	return Standing
}

// Stop is the emergency button; see safety.Supervisor.
func (r *Robot) Stop(reason string) { r.now().Supervisor.Stop(reason) }

// Resume lets a robot that has been stopped, and stands, act again.
func (r *Robot) Resume() error { return r.now().Supervisor.Resume() }

// hardest is the greatest push, N·s.
const hardest = 20

// Push pushes the torso over 0.1 s, N·s along the world's axes.
func (r *Robot) Push(x, y float64) error {
	if !(math.Hypot(x, y) <= hardest) {
		return fmt.Errorf("push the robot by %.3g N·s: %w", math.Hypot(x, y), ErrHard)
	}
	return r.now().Referee.Send(referee.NewPush(0, mechanism.Vector{x, y}))
}

// Reset puts the robot on its feet where it began: another body takes the place of its.
func (r *Robot) Reset() error {
	r.resetting.Lock()
	defer r.resetting.Unlock()
	r.now().close()
	g, err := r.launch()
	if err != nil {
		return fmt.Errorf("put the robot on its feet: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rig = g
	return nil
}

// Close ends the robot.
func (r *Robot) Close() error {
	r.resetting.Lock()
	defer r.resetting.Unlock()
	return r.now().close()
}

// rig is one body with its supervisor and controller.
type rig struct {
	*score.Rig
	controller *balance.Controller
	done       sync.WaitGroup

	mu    sync.Mutex
	next  *Act           // that was asked for
	act   *Act           // that goes on; nil: none
	truth *referee.Truth // the last
	known bool           // truth is one
}

// launch starts a body and everything around it.
func (r *Robot) launch() (*rig, error) {
	s, err := score.Launch(r.context, score.Config{Program: r.config.Program, Model: r.config.Model, Log: r.config.Log}, "--lockstep")
	if err != nil {
		return nil, err
	}
	if err := s.Perform(balance.Still{}); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	g := &rig{Rig: s, controller: s.Controller.(*balance.Controller), truth: s.Referee.Info().NewTruth()}
	g.done.Go(func() { r.run(g) })
	g.done.Go(func() { g.watch(r.config.Fast) })
	return g, nil
}

// slip is how late a tick may be until time goes on from there, instead of being made up
// for.
const slip = 50 * time.Millisecond

// watch takes down what truly happens, and lets the body go on when it is time. On a
// machine that is too busy the robot's time passes more slowly; it does not fall.
func (g *rig) watch(fast bool) {
	truth := g.Referee.Info().NewTruth()
	began := time.Now()
	for g.Referee.Receive(truth) == nil {
		if wait := time.Until(began.Add(truth.Time)); wait < -slip {
			began = began.Add(-wait)
		} else if !fast && wait > 0 {
			time.Sleep(wait)
		}
		if g.Referee.Go(truth.Sequence) != nil {
			return
		}
		g.mu.Lock()
		positions := g.truth.Positions
		*g.truth = *truth
		g.truth.Positions = append(positions[:0], truth.Positions...)
		g.known = true
		g.mu.Unlock()
	}
}

func (g *rig) close() error {
	defer g.done.Wait()
	return g.Close()
}

// Standing is the name of the act of a robot that does nothing else.
const Standing = "standing"

// shown is how often watchers see the robot, Hz.
const shown = 30

// run is the robot's life: one tick after the other, until its body is gone.
func (r *Robot) run(g *rig) {
	b := g.Supervisor.Body()
	sensors, command := b.Info().NewSensors(), b.Info().NewCommand()
	p := newPainter(r, g)
	motion, act := still(len(sensors.Joints)), (*Act)(nil)
	began, running := 0.0, false
	every := max(1, b.Info().Rate/shown)
	for tick := 0; ; tick++ {
		err := b.Receive(sensors)
		if err != nil && !errors.Is(err, body.ErrStale) {
			r.show(p.gone(err))
			return
		}
		report := g.Supervisor.Report()
		if report.Mode > safety.Running || err != nil {
			running, act = false, nil
			g.forget()
			if err == nil {
				b.Send(command) // it is not followed: the supervisor, which may wait for one, is to go on
			}
		} else {
			if !running { // the controller begins anew, and its clock
				motion, running = still(len(sensors.Joints)), true
				g.controller.Motion = motion
			}
			clock := g.controller.Clock()
			if a := g.take(act, clock-began); a != nil {
				motion, act, began = motion.into(a.Motion, clock+a.Lead), a, clock+a.Lead
				g.controller.Motion = motion
			}
			start := time.Now()
			if g.controller.Control(sensors, command) == nil { // a controller that cannot is silent, and the supervisor acts
				b.Send(command)
			}
			p.thought = time.Since(start)
		}
		if r.config.See != nil && err == nil {
			m := score.Moment{Seconds: g.controller.Clock(), Sensors: sensors, Command: command, Controller: g.controller, Report: report}
			r.config.See(&m)
		}
		if tick%every == 0 {
			r.show(p.state(act, g.controller.Clock()-began, report))
		}
	}
}

// take returns the act that follows: what was asked for, or standing after one that is
// over.
func (g *rig) take(act *Act, at float64) *Act {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a := g.next; a != nil {
		g.next, g.act = nil, a
		return a
	}
	if act != nil && act.Seconds > 0 && at > act.Seconds {
		g.act = &Act{Name: Standing, Motion: balance.Still{}}
		return g.act
	}
	return nil
}

// forget ends all acts of a robot that is stopped.
func (g *rig) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next, g.act = nil, nil
}

// Watch returns what is seen of the robot from now on, until ctx ends. Whoever is slow
// misses some.
func (r *Robot) Watch(ctx context.Context) <-chan *State {
	c := make(chan *State, 1)
	r.mu.Lock()
	r.watchers[c] = true
	if r.last != nil {
		c <- r.last
	}
	r.mu.Unlock()
	context.AfterFunc(ctx, func() {
		r.mu.Lock()
		delete(r.watchers, c)
		r.mu.Unlock()
		close(c)
	})
	return c
}
