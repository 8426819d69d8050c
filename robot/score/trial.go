// Package score lets simulated robots act, pushes them and judges them: whether they
// fall, pass a limit, or leave their mark. What a controller knows is what the robot
// senses; what is judged is what a referee sees. It refuses bodies that are not in
// lockstep with it, so that a trial of the same seed has the same result. Start with
// [Trial].
package score

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/safety"
)

// Trial is one act of one robot.
type Trial struct {
	Program string  // of the simulated body; empty: where body.Find finds it
	Model   string  // own, or the path of an MJCF file
	Seed    uint64  // of pushes, variations and noise
	Seconds float64 // most that it lasts; 0: as long as its act
	Rate    int     // Hz; 0: Rate
	Push    float64 // impulse of pushes, N·s; 0: none
	Every   float64 // time between them, s; 0: 3
	Vary    bool    // friction 0.5 to 1.2, mass ± 10 %, sensors 20 ms late and noisy, a slope of 2°
	Extra   []string

	// Act makes what the robot does, from time 0 on.
	Act func(m *mechanism.Model, i *body.Info) (balance.Motion, error)
	// Watch sees every tick; an error ends the trial. What it is given is valid until it
	// returns. May be nil.
	Watch func(*Moment) error
}

// Rate is how often a controller thinks unless it is said otherwise, Hz.
const Rate = 250

// Moment is a tick of a trial.
type Moment struct {
	Seconds    float64 // since the act began
	Sensors    *body.Sensors
	Command    *body.Command
	Controller *balance.Controller
	Truth      *referee.Truth
	Report     safety.Report
	Thought    float64 // processor time that the controller took, s
}

// stride is how far outside the soles a capture point may be before the supervisor
// stops a robot that steps, m: a step is 0.4 m at most.
const stride = 0.45

// after is how long a trial goes on after its act, s: falls come late.
const after = 1.0

// pushSpread is by how much the moment of a push differs from its turn, s, at most.
const pushSpread = 1.0

// arguments are those of the body.
func (t *Trial) arguments(r *rand.Rand) []string {
	args := append([]string{"--lockstep", "--seed", fmt.Sprint(t.Seed)}, Standing(t.Model)...)
	if t.Vary {
		args = append(args, "--friction", fmt.Sprint(0.5+0.7*r.Float64()), "--mass", fmt.Sprint(0.9+0.2*r.Float64()),
			"--delay", "20", "--noise", "1", "--slope", "2", "--uphill", fmt.Sprint(360*r.Float64()))
	}
	return append(args, t.Extra...)
}

// Standing are the body's arguments for a robot that begins as it can stand.
func Standing(model string) []string {
	if model == "own" {
		return []string{"--model", model}
	}
	return []string{"--model", model, "--start", "hip_pitch=-0.3,knee=0.6,ankle_pitch=-0.3"}
}

// ReadModel returns a robot: own, or that of an MJCF file.
func ReadModel(name string) (*mechanism.Model, error) {
	if name == "own" {
		return humanoid.Own(), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mechanism.Read(f)
}

// Feet returns the names of a robot's bodies with soles, the left one first: those with
// a side and "foot" or "ankle_roll" in their names.
func Feet(m *mechanism.Model) (feet [2]string, err error) {
	for k, side := range [2]string{"left", "right"} {
		for i := range m.Bodies {
			name := strings.ToLower(m.Bodies[i].Name)
			if strings.Contains(name, side) && (strings.Contains(name, "ankle_roll") || strings.Contains(name, "foot")) {
				feet[k] = m.Bodies[i].Name
			}
		}
		if feet[k] == "" {
			return feet, fmt.Errorf(`the robot has no body whose name says %q and "foot" or "ankle_roll"`, side)
		}
	}
	return feet, nil
}

// Run lets the robot act until it has, or falls, or ctx ends. Where err is nil the
// result counts.
func (t Trial) Run(ctx context.Context) (Result, error) {
	s, err := t.open(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("try the robot %s: %w", t.Model, err)
	}
	result, err := s.run(ctx)
	if errors.Is(err, body.ErrLost) {
		err = s.explain(err)
	}
	if err := errors.Join(err, s.close()); err != nil {
		return result, fmt.Errorf("try the robot %s, seed %d: %w", t.Model, t.Seed, err)
	}
	return result, nil
}

// stage is a body with everything that a trial needs.
type stage struct {
	*Trial
	said       strings.Builder // by the body's process
	random     *rand.Rand
	model      *mechanism.Model
	process    *body.Process
	judge      *referee.Referee
	supervisor *safety.Supervisor
	controller *balance.Controller
	pushes     []float64 // when, s
}

func (t *Trial) open(ctx context.Context) (_ *stage, err error) {
	s := &stage{Trial: t, random: rand.New(rand.NewPCG(t.Seed, 0x70757368))}
	if t.Rate == 0 {
		t.Rate = Rate
	}
	if t.Every == 0 {
		t.Every = 3
	}
	if s.model, err = ReadModel(t.Model); err != nil {
		return nil, err
	}
	if err := s.launch(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// launch starts the body, and its referee.
func (s *stage) launch(ctx context.Context) (err error) {
	program := s.Program
	if program == "" {
		if program, err = body.Find(); err != nil {
			return err
		}
	}
	if s.process, err = body.Launch(ctx, program, &s.said, s.arguments(s.random)...); err != nil {
		if said := strings.TrimSpace(s.said.String()); said != "" {
			return errors.New(said)
		}
		return err
	}
	s.judge, err = referee.Dial(s.process.Referee)
	return err
}

// explain says of a lost link what became of the body's process.
func (s *stage) explain(err error) error {
	select {
	case <-s.process.Done():
		said := strings.Split(strings.TrimSpace(s.said.String()), "\n")
		return fmt.Errorf("the body's process has ended: %s: %w", strings.Trim(s.process.Ended()+"; "+said[len(said)-1], "; "), err)
	case <-time.After(time.Second): // it ends when its links do
		return err
	}
}

// begin puts a supervised controller at the body, and says when it is pushed.
func (s *stage) begin() error {
	link, err := body.Dial(s.process.Control, s.Rate)
	if err != nil {
		return err
	}
	if s.supervisor, err = Supervise(s.model, link); err != nil {
		return errors.Join(err, link.Close())
	}
	feet, err := Feet(s.model)
	if err != nil {
		return err
	}
	if s.controller, err = balance.New(s.model, link.Info(), feet); err != nil {
		return err
	}
	if s.controller.Motion, err = s.Act(s.model, link.Info()); err != nil {
		return err
	}
	if m, ok := s.controller.Motion.(interface{ Seconds() float64 }); ok {
		if last := m.Seconds() + after; s.Seconds == 0 || last < s.Seconds {
			s.Seconds = last
		}
	}
	return s.plan()
}

// kneeling is how long a kneel may take: it squats, leans and comes down.
const kneeling = 5 * time.Second

// Supervise has a body supervised, with a stance and a kneel to fall back to. Closing the supervisor
// closes the link.
func Supervise(m *mechanism.Model, link *body.Link) (*safety.Supervisor, error) {
	feet, err := Feet(m)
	if err != nil {
		return nil, err
	}
	stance, err := balance.New(m, link.Info(), feet)
	if err != nil {
		return nil, err
	}
	stance.Motion = balance.Rest{}
	kneel, err := balance.NewKneel(m, link.Info(), feet)
	if err != nil {
		return nil, err
	}
	falling, err := safety.Capture(m, link.Info(), feet[:], stride)
	if err != nil {
		return nil, err
	}
	return safety.New(func() (body.Body, error) { return link, nil }, safety.Config{Stance: stance, Kneel: kneel, Falling: falling, KneelFor: kneeling})
}

// plan sends the pushes: of random direction, about every so often.
func (s *stage) plan() error {
	if s.Push == 0 {
		return nil
	}
	for at := s.Every; at < s.Seconds; at += s.Every {
		a := 2 * math.Pi * s.random.Float64()
		moment := at + (s.random.Float64()-0.5)*min(pushSpread, s.Every/3)
		e := referee.NewPush(time.Duration(moment*float64(time.Second)), mechanism.Vector{s.Push * math.Cos(a), s.Push * math.Sin(a)})
		if err := s.judge.Send(e); err != nil {
			return err
		}
		s.pushes = append(s.pushes, moment)
	}
	return nil
}

func (s *stage) close() error {
	var errs []error
	if s.supervisor != nil {
		errs = append(errs, s.supervisor.Close())
	}
	if s.judge != nil {
		s.judge.Close()
	}
	if s.process != nil {
		s.process.Close()
	}
	return errors.Join(errs...)
}
