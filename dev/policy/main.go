// Command policy lets learned policies move a simulated robot under the supervisor,
// and prints how often it falls, with intervals:
//
//	go run ./dev/policy -model g1.xml -runs 20 -ahead 0.5 robot/policy/testdata/unitree_rl_gym_g1.yaml
//
// The network is looked for beside the manifest, or in the folder of -networks. It
// refuses to guess where a body is: `make robot` builds one. Start with run.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"path/filepath"
	"strings"

	"samovar/robot/policy"
	"samovar/robot/referee"
	"samovar/robot/score"
)

// trial is what a run is made of.
type trial struct {
	score.Trial
	score.Pilot
	manifest string
	networks string  // folder, "" beside the manifest
	arms     float64 // rad, by which held shoulders swing, once a second
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("policy: ")
	var t trial
	flag.StringVar(&t.Model, "model", "", "path of the robot's MJCF file")
	flag.StringVar(&t.networks, "networks", "", "folder of the networks")
	flag.Float64Var(&t.Seconds, "seconds", 20, "of a run")
	flag.Float64Var(&t.Push, "push", 0, "impulse of pushes, N·s")
	flag.Float64Var(&t.Every, "every", 3, "time between them, s")
	flag.BoolVar(&t.Vary, "vary", false, "friction 0.5 to 1.2, mass ± 10 %, 20 ms delay, noise 1, slope of 2°")
	flag.IntVar(&t.Rate, "rate", 500, "of the body, Hz")
	flag.Float64Var(&t.Command.Ahead, "ahead", 0, "m/s")
	flag.Float64Var(&t.Command.Left, "left", 0, "m/s")
	flag.Float64Var(&t.Command.Turn, "turn", 0, "rad/s")
	flag.Float64Var(&t.After, "after", 2, "time before the command is given, s")
	flag.Float64Var(&t.Lead, "lead", 0, "time for which the model-based balance leads before the policy, s")
	flag.Float64Var(&t.Stop, "stop", 0, "when the supervisor's button is pressed, s; 0 is never")
	flag.Float64Var(&t.arms, "arms", 0, "by how much held shoulders swing, once a second, rad")
	flag.BoolVar(&t.Stance, "stance", false, "the supervisor's stance is one more controller of the policy, not the model-based balance")
	extra := flag.String("body", "", "further arguments of the body, separated by spaces")
	runs := flag.Int("runs", 8, "how many")
	first := flag.Uint64("seed", 1, "of the first run")
	flag.Parse()
	t.Extra = strings.Fields(*extra)
	if flag.NArg() == 0 || t.Model == "" {
		log.Fatal("it needs -model FILE.xml and manifests")
	}
	for _, t.manifest = range flag.Args() {
		var all []score.Result
		for k := range *runs {
			t.Seed = *first + uint64(k)
			r, err := run(t)
			if err != nil {
				log.Fatalf("%s, seed %d: %v", t.manifest, t.Seed, err)
			}
			all = append(all, r)
		}
		print(os.Stdout, &t, *first, all)
	}
}

// run runs one trial to its end or to a fall.
func run(t trial) (score.Result, error) {
	t.Open = func() (*policy.Policy, error) { return policy.OpenIn(t.manifest, t.networks) }
	t.Each = t.swing
	return t.Steer(context.Background(), t.Pilot)
}

// swing moves the shoulders that the policy does not move, more and more in the first
// second.
func (t *trial) swing(at float64, r *score.Rig, c *policy.Controller) {
	for k, joint := range c.HeldJoints() {
		if t.arms > 0 && strings.Contains(r.Info().Joints[joint].Name, "shoulder_pitch") {
			c.Held[k] = t.arms * min(1, at) * math.Sin(2*math.Pi*at)
		}
	}
}

// print prints what came of all runs of a policy.
func print(w io.Writer, t *trial, first uint64, all []score.Result) {
	falls, stops, steps, drift, tilt := 0, 0, 0, 0.0, 0.0
	var ticks []float64
	var counts referee.Counts
	var worst referee.Worst
	clamped := uint64(0)
	for k := range all {
		r := &all[k]
		if r.Fell {
			falls++
			fmt.Fprintf(w, "seed %d fell at %.2f s: %s (%s)\n", first+uint64(k), *r.FellAt, r.Why, r.Stopped)
		} else if r.Stopped != "" {
			stops++
			fmt.Fprintf(w, "seed %d: %s\n", first+uint64(k), r.Stopped)
		}
		counts.Add(&r.Counts)
		worst.Torque, worst.Beyond = max(worst.Torque, r.Worst.Torque), max(worst.Beyond, r.Worst.Beyond)
		ticks = append(ticks, r.Thought...)
		drift, tilt, steps, clamped = max(drift, r.Drift), max(tilt, r.Tilt), steps+r.Steps, clamped+r.Report.Counts.Clamped
	}
	low, high := score.Interval(falls, len(all))
	fmt.Fprintf(w, "%s, ahead %g left %g turn %g, push %g, vary %v: %d falls and %d stops in %d runs of %g s (falls 95 %%: %.0f to %.0f %%), %d steps, drift %.2f m, tilt %.2f rad\n",
		filepath.Base(t.manifest), t.Command.Ahead, t.Command.Left, t.Command.Turn, t.Push, t.Vary, falls, stops, len(all), t.Seconds, 100*low, 100*high, steps, drift, tilt)
	fmt.Fprintf(w, "  commands beyond position %d velocity %d torque %d, cut by the supervisor %d; steps of physics saturated %d beyond %d fast %d self %d; worst torque %.2f, beyond %.3f rad; tick %.1f µs, p99 %.1f µs\n",
		counts.Position, counts.Velocity, counts.Torque, clamped, counts.Saturated, counts.Beyond, counts.Fast, counts.Self, worst.Torque, worst.Beyond, 1e6*score.Quantile(ticks, 0.5), 1e6*score.Quantile(ticks, 0.99))
}
