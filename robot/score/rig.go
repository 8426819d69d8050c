package score

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/safety"
)

// Config says which simulated body it is.
type Config struct {
	Program string    // of the body; empty: where body.Find finds it
	Model   string    // own, or the path of an MJCF file
	Start   string    // where joints start, such as knee=0.5,elbow=1; empty: as the robot can stand
	Rate    int       // Hz; 0: Rate
	Log     io.Writer // what the body has to say, beside errors; nil: nowhere
}

// Rate is how often a controller thinks unless it is said otherwise, Hz.
const Rate = 250

// Rig is a simulated body with its referee, and, from Perform or Supervise on, with its
// supervisor and its controller. Tick has it act in lockstep, Run by the clock.
type Rig struct {
	Model      *mechanism.Model
	Feet       [2]string     // the bodies with soles, the left one first
	Process    *body.Process // nil: somebody else has started the body
	Link       *body.Link    // to the body; once it is supervised, the supervisor's
	Referee    *referee.Referee
	Supervisor *safety.Supervisor
	Controller safety.Controller

	path   string          // of the model
	said   strings.Builder // by the process
	moment Moment
	ticks  int
}

// Launch starts a body with arguments, such as --lockstep, and connects to it.
func Launch(ctx context.Context, c Config, args ...string) (*Rig, error) {
	r, err := newRig(c.Model, c.Start == "")
	if err != nil {
		return nil, err
	}
	program := c.Program
	if program == "" {
		if program, err = body.Find(); err != nil {
			return nil, err
		}
	}
	start := Standing(c.Model)
	if c.Start != "" {
		start = []string{"--start", c.Start}
	}
	args = append(append([]string{"--model", c.Model}, start...), args...)
	log := io.Writer(&r.said)
	if c.Log != nil {
		log = io.MultiWriter(log, c.Log)
	}
	if r.Process, err = body.Launch(ctx, program, log, args...); err != nil {
		if said := strings.TrimSpace(r.said.String()); said != "" {
			return nil, errors.New(said)
		}
		return nil, err
	}
	return r.connect(r.Process.Control, r.Process.Referee, cmp.Or(c.Rate, Rate))
}

// Dial connects to a body that somebody else has started, at the addresses that it has for
// its controller and its referee, at a rate in Hz.
func Dial(model, control, judge string, rate int) (*Rig, error) {
	r, err := newRig(model, false)
	if err != nil {
		return nil, err
	}
	return r.connect(control, judge, rate)
}

// newRig reads a model, and refuses one that is no robot; stands: it must be able to begin
// as Standing says.
func newRig(model string, stands bool) (r *Rig, err error) {
	r = &Rig{path: model}
	if r.Model, err = readModel(model); err != nil {
		return r, err
	}
	if r.Feet, err = limbs(r.Model, stands && model != "own"); err != nil {
		err = fmt.Errorf("%w; %s", err, needs)
	}
	return r, err
}

// connect closes the rig where it cannot.
func (r *Rig) connect(control, judge string, rate int) (_ *Rig, err error) {
	if r.Referee, err = referee.Dial(judge); err == nil {
		r.Link, err = body.Dial(control, rate)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.moment = Moment{Sensors: r.Info().NewSensors(), Command: r.Info().NewCommand(), Truth: r.Referee.Info().NewTruth()}
	return r, nil
}

// Info is what the body says of itself.
func (r *Rig) Info() *body.Info { return r.Link.Info() }

// Balance makes a controller that keeps the robot on its feet while it moves as m says.
func (r *Rig) Balance(m balance.Motion) (*balance.Controller, error) {
	c, err := balance.New(r.Model, r.Info(), r.Feet)
	if err != nil {
		return nil, err
	}
	c.Motion = m
	return c, nil
}

// stride is how far outside the soles a capture point may be before the supervisor
// stops a robot that steps, m: a step is 0.4 m at most.
const stride = 0.45

// kneeling is how long a kneel may take: it squats, leans and comes down.
const kneeling = 5 * time.Second

// Guard is what a supervisor goes by that has a stance and a kneel to fall back to.
func (r *Rig) Guard() (safety.Config, error) {
	stance, err := r.Balance(balance.Rest{})
	if err != nil {
		return safety.Config{}, err
	}
	kneel, err := balance.NewKneel(r.Model, r.Info(), r.Feet)
	if err != nil {
		return safety.Config{}, err
	}
	falling, err := safety.Capture(r.Model, r.Info(), r.Feet[:], stride)
	if err != nil {
		return safety.Config{}, err
	}
	meshes, err := readMeshes(r.path, r.Model)
	if err != nil {
		return safety.Config{}, err
	}
	touching, err := safety.Clearance(r.Model, r.Info(), meshes)
	return safety.Config{Stance: stance, Kneel: kneel, Falling: falling, Touching: touching, KneelFor: kneeling}, err
}

// Supervise has a controller command the body, under a supervisor that goes by g.
func (r *Rig) Supervise(g safety.Config, c safety.Controller) (err error) {
	r.Controller = c
	r.Supervisor, err = safety.New(func() (body.Body, error) { return r.Link, nil }, g)
	return err
}

// Perform has the robot move as m says: the controller is balance, the supervisor goes by
// Guard.
func (r *Rig) Perform(m balance.Motion) error {
	c, err := r.Balance(m)
	if err != nil {
		return err
	}
	g, err := r.Guard()
	if err != nil {
		return err
	}
	return r.Supervise(g, c)
}

// Moment is a tick.
type Moment struct {
	Seconds    float64 // since the act began, at the tick's end
	Sensors    *body.Sensors
	Command    *body.Command
	Controller *balance.Controller // nil: the controller is another
	Truth      *referee.Truth
	Report     safety.Report
	Fall       string  // why the robot has fallen; empty: it has not
	Thought    float64 // processor time that the controller took, s
}

// Tick passes a tick of a body in lockstep up to its truth; Go then lets the body leave it.
// The controller thinks unless the tick's sensors are lost. The moment is valid until the
// next tick.
func (r *Rig) Tick() (*Moment, error) {
	m, b := &r.moment, r.Supervisor.Body()
	m.Thought = 0
	if err := b.Receive(m.Sensors); err == nil {
		if err := r.think(m); err != nil {
			return m, err
		}
	} else if !errors.Is(err, body.ErrStale) {
		return m, r.explain(err)
	}
	b.Send(m.Command) // where the supervisor has stopped the robot, the report says so
	if err := r.Referee.Receive(m.Truth); err != nil {
		return m, r.explain(err)
	}
	r.ticks++
	m.Seconds = float64(r.ticks) / float64(r.Info().Rate)
	m.Controller, _ = r.Controller.(*balance.Controller)
	m.Report = r.Supervisor.Report()
	m.Fall = r.Referee.Info().Fall(m.Truth, m.Report.Mode == safety.Kneeling)
	return m, nil
}

// Go lets the body leave the tick.
func (r *Rig) Go() error { return r.explain(r.Referee.Go(r.moment.Truth.Sequence)) }

func (r *Rig) think(m *Moment) error {
	thread := pin()
	defer thread.release()
	start := thread.seconds()
	err := r.Controller.Control(m.Sensors, m.Command)
	m.Thought = thread.seconds() - start
	return err
}

// Run has the controller command the body by the clock, until the body is gone. A
// controller that fails is silent for the tick.
func (r *Rig) Run() {
	b := r.Supervisor.Body()
	s, c := b.Info().NewSensors(), b.Info().NewCommand()
	for {
		err := b.Receive(s)
		if err != nil && !errors.Is(err, body.ErrStale) {
			return
		}
		if err == nil && r.Controller.Control(s, c) == nil {
			b.Send(c)
		}
	}
}

// explain says of a lost link what became of the body's process.
func (r *Rig) explain(err error) error {
	if r.Process == nil || !errors.Is(err, body.ErrLost) {
		return err
	}
	select {
	case <-r.Process.Done():
		said := strings.Split(strings.TrimSpace(r.said.String()), "\n")
		return fmt.Errorf("the body's process has ended: %s: %w", strings.Trim(r.Process.Ended()+"; "+said[len(said)-1], "; "), err)
	case <-time.After(time.Second): // it ends when its links do
		return err
	}
}

// Close ends the supervisor, the links, and the process that Launch has started.
func (r *Rig) Close() (err error) {
	if r.Supervisor != nil {
		err = r.Supervisor.Close()
	} else if r.Link != nil {
		err = r.Link.Close()
	}
	if r.Referee != nil {
		r.Referee.Close()
	}
	if r.Process != nil {
		r.Process.Close()
	}
	return err
}
