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
	score.Fault
	clock func(*score.Rig) // what happens by the clock alone; nil: the event
}

// faults are those of a referee, then those of processes.
func faults() (all []fault) {
	for _, f := range score.Faults {
		f.Event.Duration = 0 // for ever
		all = append(all, fault{Fault: f})
	}
	return append(all,
		fault{score.Fault{Name: "body killed"}, func(r *score.Rig) { syscall.Kill(r.Process.Pid(), syscall.SIGKILL) }},
		fault{score.Fault{Name: "body stopped"}, func(r *score.Rig) { syscall.Kill(r.Process.Pid(), syscall.SIGSTOP) }},
		fault{score.Fault{Name: "controller silent"}, func(r *score.Rig) { r.Controller.(*mute).silent.Store(true) }})
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
	for _, f := range faults() {
		if err := measure(w, &f, *model, *rate, *runs); err != nil {
			log.Fatalf("%s: %v", f.Name, err)
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
	_, err := fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, cell(counted), cell(timed))
	return err
}

// noisy are arguments of a body whose sensors are.
var noisy = []string{"--noise", "1"}

// open starts a robot that stands, by the clock.
func open(model string, rate int, seed uint64) (*score.Rig, error) {
	r, err := score.Launch(context.Background(), score.Config{Model: model, Rate: rate}, append([]string{"--seed", fmt.Sprint(seed)}, noisy...)...)
	if err != nil {
		return nil, err
	}
	if err := r.Perform(balance.Still{}); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// mute is a controller that may fall silent.
type mute struct {
	safety.Controller
	silent atomic.Bool
}

func (m *mute) Control(s *body.Sensors, c *body.Command) error {
	if m.silent.Load() {
		return errors.New("silent")
	}
	return m.Controller.Control(s, c)
}

// latest is how long after a fault the supervisor must have acted for it to count as
// seen at all.
const latest = time.Second

// errBefore says that the supervisor has acted before the fault: by the clock, on a
// machine that is too busy.
var errBefore = errors.New("it is stopped before")

// lockstep returns after how many ms of the body's time the supervisor acts.
func lockstep(f *fault, model string, rate int, seed uint64, at time.Duration) (float64, error) {
	t := score.Trial{Model: model, Rate: rate, Seed: seed, Fault: f.At(at.Seconds()), Seconds: (at + latest).Seconds(), Extra: noisy,
		Act: func(r *score.Rig) error { return r.Perform(balance.Still{}) }}
	r, err := t.Run(context.Background())
	switch {
	case err != nil:
		return 0, err
	case r.Noticed == nil && r.Stopped != "":
		return 0, fmt.Errorf("%w: %s", errBefore, r.Stopped)
	case r.Noticed == nil:
		return 0, fmt.Errorf("not noticed within %v", latest)
	}
	return 1000 * *r.Noticed, nil
}

// clock returns after how many ms of the machine's time the supervisor acts.
func clock(f *fault, model string, rate int, seed uint64, at time.Duration) (float64, error) {
	r, err := open(model, rate, seed)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	defer r.Process.Kill() // it may hang
	r.Controller = &mute{Controller: r.Controller}
	go r.Run()
	go watch(r.Referee)
	time.Sleep(at)
	if m := r.Supervisor.Report(); m.Mode > safety.Running {
		return 0, fmt.Errorf("%w: %s", errBefore, m.Reason)
	}
	began := time.Now()
	if f.clock != nil {
		f.clock(r)
	} else if err := r.Referee.Send(f.Event); err != nil {
		return 0, err
	}
	for time.Since(began) < latest {
		if r.Supervisor.Report().Mode > safety.Running {
			return 1000 * time.Since(began).Seconds(), nil
		}
		time.Sleep(50 * time.Microsecond)
	}
	return 0, fmt.Errorf("not noticed within %v", latest)
}

// watch takes what the referee is told, so that its link stays.
func watch(r *referee.Referee) {
	for t := r.Info().NewTruth(); r.Receive(t) == nil; {
	}
}
