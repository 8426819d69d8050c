// Command bridge lets our controller stand through the bridge to Unitree's machines, whose
// part a simulated one plays on this computer, and prints what the bridge costs:
//
//	go run ./dev/bridge -seconds 20
//
// It refuses to guess where the programs are: `make robot unitree` builds them. Start with
// [through].
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"samovar/robot/balance"
	"samovar/robot/safety"
	"samovar/robot/score"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bridge: ")
	model := flag.String("model", "own", "the robot: own, or the path of an MJCF file")
	seconds := flag.Float64("seconds", 20, "of each run")
	flag.Parse()
	ctx := context.Background()
	for _, way := range []struct {
		name string
		open func(context.Context, string, string, bool) (*rig, error)
	}{{"directly", direct}, {"through the bridge", through}} {
		r, err := way.open(ctx, program(), *model, true)
		if err != nil {
			log.Fatal(err)
		}
		ticks, err := r.answer(*seconds)
		r.close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, from a command to the next sensors: %.0f µs, 99 %% %.0f µs\n", way.name, 1e6*score.Quantile(ticks, 0.5), 1e6*score.Quantile(ticks, 0.99))
	}
	r, err := through(ctx, program(), *model, false)
	if err != nil {
		log.Fatal(err)
	}
	defer r.close()
	fell, report, err := r.stand(*seconds)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("by the clock, %.0f s: fallen: %q, %v %s, %+v\n", *seconds, fell, report.Mode, report.Reason, report.Counts)
}

// program finds the bridge.
func program() string {
	path, err := find("bin", filepath.Join("..", "..", "bin"))
	if err != nil {
		log.Fatal(err)
	}
	return path
}

func find(folders ...string) (string, error) {
	for _, f := range folders {
		if path, err := filepath.Abs(filepath.Join(f, "unitree")); err == nil {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path, nil
			}
		}
	}
	return "", errors.New("find the bridge: there is no bin/unitree: `make unitree` builds it")
}

// rig is a simulated machine and whoever controls it.
type rig struct {
	*score.Rig
	ends []func() // of what runs beside it
}

func (r *rig) close() {
	if r.Rig != nil {
		r.Rig.Close()
	}
	for _, end := range slices.Backward(r.ends) {
		end()
	}
}

// addresses are what programs say when they can be dialled.
type addresses struct{ Control, Referee string }

// start starts a program, and waits for what it says.
func (r *rig) start(ctx context.Context, path string, args ...string) (a addresses, err error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return a, err
	}
	if err := cmd.Start(); err != nil {
		return a, err
	}
	r.ends = append(r.ends, func() {
		cmd.Process.Signal(os.Interrupt)
		late := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		late.Stop()
	})
	line, err := bufio.NewReader(io.LimitReader(out, 4096)).ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("%s has said nothing: %w", path, err)
	}
	return a, json.Unmarshal(line, &a)
}

// direct is a body without a bridge.
func direct(ctx context.Context, _, model string, lockstep bool) (*rig, error) {
	var args []string
	if lockstep {
		args = append(args, "--lockstep")
	}
	r, err := score.Launch(ctx, score.Config{Model: model, Log: os.Stderr}, args...)
	return &rig{Rig: r}, err
}

// through is a machine behind a bridge, in a DDS domain of its own.
func through(ctx context.Context, path, model string, lockstep bool) (*rig, error) {
	folder, err := os.MkdirTemp("", "samovar-bridge-")
	if err != nil {
		return nil, err
	}
	r := &rig{ends: []func(){func() { os.RemoveAll(folder) }}}
	args := []string{"--domain", fmt.Sprint(1 + os.Getpid()%200), "--model", model}
	if lockstep {
		args = append(args, "--lockstep", "--rate", fmt.Sprint(score.Rate))
	}
	simulated := append([]string{"--simulate"}, args...)
	for _, flag := range score.Standing(model) {
		simulated = append(simulated, "--body="+flag)
	}
	machine, err := r.start(ctx, path, simulated...)
	if err != nil {
		r.close()
		return nil, err
	}
	bridge, err := r.start(ctx, path, append([]string{"--control", "unix:" + filepath.Join(folder, "s")}, args...)...)
	if err != nil {
		r.close()
		return nil, err
	}
	if r.Rig, err = score.Dial(model, bridge.Control, machine.Referee, score.Rate); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// answer stands in lockstep, and returns the time from each command to the next sensors,
// in which the body computes a tick.
func (r *rig) answer(seconds float64) ([]float64, error) {
	controller, err := r.Balance(balance.Still{})
	if err != nil {
		return nil, err
	}
	s, c, truth := r.Info().NewSensors(), r.Info().NewCommand(), r.Referee.Info().NewTruth()
	if err := r.Link.Receive(s); err != nil {
		return nil, err
	}
	var ticks []float64
	for range int(seconds * score.Rate) {
		if err := controller.Control(s, c); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := r.Link.Send(c); err != nil {
			return nil, err
		}
		if err := r.Referee.Receive(truth); err != nil {
			return nil, err
		}
		if why := r.Referee.Info().Fall(truth, false); why != "" {
			return nil, fmt.Errorf("at %v it fell: %s", truth.Time, why)
		}
		if err := r.Referee.Go(truth.Sequence); err != nil {
			return nil, err
		}
		if err := r.Link.Receive(s); err != nil {
			return nil, err
		}
		ticks = append(ticks, time.Since(began).Seconds())
	}
	return ticks, nil
}

// stand stands by the clock under a supervisor, and returns why it fell, if it did, and
// how the supervisor saw it.
func (r *rig) stand(seconds float64) (fell string, report safety.Report, err error) {
	if err := r.Perform(balance.Still{}); err != nil {
		return "", report, err
	}
	go r.Run()
	truth := r.Referee.Info().NewTruth()
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); fell == "" && time.Now().Before(end); {
		if err := r.Referee.Receive(truth); err != nil {
			return "", report, err
		}
		report = r.Supervisor.Report()
		fell = r.Referee.Info().Fall(truth, report.Mode == safety.Kneeling)
	}
	return fell, report, nil
}
