//go:build unix

// Command fault lets faults befall a simulated robot that stands, and prints how long
// it takes until the supervisor acts:
//
//	go run ./dev/fault -runs 20
//
// In lockstep time is the body's, counted from the moment of the fault to the tick whose
// command is the supervisor's; by the clock it is that of the machine, which others may
// load. It refuses to guess where a body is: `make robot` builds one. Start with
// [faults].
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/referee"
	"samovar/robot/safety"
	"samovar/robot/score"
)

// fault is something that goes wrong.
type fault struct {
	name  string
	event referee.Event // Kind 0: none
	clock func(*rig)    // what happens by the clock alone; nil: the event
}

// knee is a joint of a leg, whose sensor fails.
const knee = 3

var faults = []fault{
	{name: "link silent", event: referee.Event{Kind: referee.Silent}},
	{name: "sensors lost", event: referee.Event{Kind: referee.Drop, Amount: 1}},
	{name: "joint senses NaN", event: referee.Event{Kind: referee.Broken, Target: knee}},
	{name: "inertial units sense NaN", event: referee.Event{Kind: referee.BrokenUnit, Target: -1}},
	{name: "joint's sensor stuck", event: referee.Event{Kind: referee.Stuck, Target: knee}},
	{name: "inertial units stuck", event: referee.Event{Kind: referee.StuckUnit, Target: -1}},
	{name: "drive hot", event: referee.Event{Kind: referee.Hot, Target: knee, Amount: 80}},
	{name: "body killed", clock: func(r *rig) { syscall.Kill(r.process.Pid(), syscall.SIGKILL) }},
	{name: "body stopped", clock: func(r *rig) { syscall.Kill(r.process.Pid(), syscall.SIGSTOP) }},
	{name: "controller silent", clock: func(r *rig) { r.mute.Store(true) }},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("fault: ")
	model := flag.String("model", "own", "the robot: own, or the path of an MJCF file")
	runs := flag.Int("runs", 20, "of each fault")
	rate := flag.Int("rate", score.Rate, "of the controller, Hz")
	flag.Parse()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ms until the supervisor acts, median and greatest\tlockstep\tby the clock")
	for _, f := range faults {
		if err := measure(w, &f, *model, *rate, *runs); err != nil {
			log.Fatalf("%s: %v", f.name, err)
		}
	}
	w.Flush()
}

// step is that of the physics, at which events begin.
const step = 2 * time.Millisecond

// measure prints a row.
func measure(w io.Writer, f *fault, model string, rate, runs int) error {
	random := rand.New(rand.NewPCG(1, 2)) // moments within a tick
	var counted, timed []float64
	for k := range runs {
		at := time.Second + time.Duration(random.Int64N(500))*step
		if f.clock == nil {
			d, err := lockstep(f, model, rate, uint64(k), at)
			if err != nil {
				return err
			}
			counted = append(counted, d)
		}
		d, err := clock(f, model, rate, uint64(k), at)
		for tries := 0; errors.Is(err, errBefore) && tries < 20; tries++ {
			d, err = clock(f, model, rate, uint64(k), at)
		}
		if err != nil {
			return err
		}
		timed = append(timed, d)
	}
	cell := func(all []float64) string {
		if len(all) == 0 {
			return "–"
		}
		return fmt.Sprintf("%.1f, %.1f", score.Quantile(all, 0.5), score.Quantile(all, 1))
	}
	_, err := fmt.Fprintf(w, "%s\t%s\t%s\n", f.name, cell(counted), cell(timed))
	return err
}

// rig is a robot that stands under a supervisor.
type rig struct {
	process    *body.Process
	judge      *referee.Referee
	supervisor *safety.Supervisor
	controller *balance.Controller
	mute       atomic.Bool // the controller says nothing
}

func open(model string, rate int, seed uint64, extra ...string) (r *rig, err error) {
	r = &rig{}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	m, err := score.ReadModel(model)
	if err != nil {
		return r, err
	}
	feet, err := score.Feet(m)
	if err != nil {
		return r, err
	}
	program, err := body.Find()
	if err != nil {
		return r, err
	}
	args := append([]string{"--noise", "1", "--seed", fmt.Sprint(seed)}, score.Standing(model)...)
	if r.process, err = body.Launch(context.Background(), program, io.Discard, append(args, extra...)...); err != nil {
		return r, err
	}
	if r.judge, err = referee.Dial(r.process.Referee); err != nil {
		return r, err
	}
	link, err := body.Dial(r.process.Control, rate)
	if err != nil {
		return r, err
	}
	if r.supervisor, err = score.Supervise(m, link); err != nil {
		return r, errors.Join(err, link.Close())
	}
	if r.controller, err = balance.New(m, link.Info(), feet); err == nil {
		r.controller.Motion = balance.Still{}
	}
	return r, err
}

func (r *rig) close() {
	if r.supervisor != nil {
		r.supervisor.Close()
	}
	if r.judge != nil {
		r.judge.Close()
	}
	if r.process != nil {
		r.process.Kill()
		r.process.Close()
	}
}

// latest is how long after a fault the supervisor must have acted for it to count as
// seen at all.
const latest = time.Second

// errBefore says that the supervisor has acted before the fault: by the clock, on a
// machine that is too busy.
var errBefore = errors.New("it is stopped before")

// lockstep returns after how many ms of the body's time the supervisor acts.
func lockstep(f *fault, model string, rate int, seed uint64, at time.Duration) (float64, error) {
	r, err := open(model, rate, seed, "--lockstep")
	if err != nil {
		return 0, err
	}
	defer r.close()
	e := f.event
	e.Start = at
	if err := r.judge.Send(e); err != nil {
		return 0, err
	}
	b := r.supervisor.Body()
	s, c, truth := b.Info().NewSensors(), b.Info().NewCommand(), r.judge.Info().NewTruth()
	for {
		if err := b.Receive(s); err == nil {
			if err := r.controller.Control(s, c); err != nil {
				return 0, err
			}
		} else if !errors.Is(err, body.ErrStale) {
			return 0, err
		}
		b.Send(c) // while the supervisor has stopped it, too: in lockstep the body waits for it
		if err := r.judge.Receive(truth); err != nil {
			return 0, err
		}
		switch acted := r.supervisor.Report().Mode > safety.Running; {
		case acted && truth.Time < at:
			return 0, fmt.Errorf("%w: %s", errBefore, r.supervisor.Report().Reason)
		case acted:
			return 1000 * (truth.Time - at).Seconds(), nil
		case truth.Time > at+latest:
			return 0, fmt.Errorf("not noticed within %v", latest)
		}
		if err := r.judge.Go(truth.Sequence); err != nil {
			return 0, err
		}
	}
}

// clock returns after how many ms of the machine's time the supervisor acts.
func clock(f *fault, model string, rate int, seed uint64, at time.Duration) (float64, error) {
	r, err := open(model, rate, seed)
	if err != nil {
		return 0, err
	}
	defer r.close()
	go r.control()
	go r.watch()
	time.Sleep(at)
	if m := r.supervisor.Report(); m.Mode > safety.Running {
		return 0, fmt.Errorf("%w: %s", errBefore, m.Reason)
	}
	began := time.Now()
	if f.clock != nil {
		f.clock(r)
	} else if err := r.judge.Send(f.event); err != nil {
		return 0, err
	}
	for time.Since(began) < latest {
		if r.supervisor.Report().Mode > safety.Running {
			return 1000 * time.Since(began).Seconds(), nil
		}
		time.Sleep(50 * time.Microsecond)
	}
	return 0, fmt.Errorf("not noticed within %v", latest)
}

// watch takes what the referee is told, so that its link stays.
func (r *rig) watch() {
	for t := r.judge.Info().NewTruth(); r.judge.Receive(t) == nil; {
	}
}

// control commands until the body is gone.
func (r *rig) control() {
	b := r.supervisor.Body()
	s, c := b.Info().NewSensors(), b.Info().NewCommand()
	for {
		err := b.Receive(s)
		if err != nil && !errors.Is(err, body.ErrStale) {
			return
		}
		if err == nil && !r.mute.Load() && r.controller.Control(s, c) == nil {
			b.Send(c)
		}
	}
}
