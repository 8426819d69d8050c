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
	"slices"
	"strings"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/policy"
	"samovar/robot/referee"
	"samovar/robot/safety"
	"samovar/robot/score"
)

// trial is what a run is made of.
type trial struct {
	score.Trial
	manifest string
	networks string // folder, "" beside the manifest
	command  policy.Velocity
	after    float64 // s, when the command is given
	lead     float64 // s, for which the model-based balance leads before the policy
	stop     float64 // s, when the button is pressed; 0: never
	arms     float64 // rad, by which held shoulders swing, once a second
	stance   string  // the supervisor's: balance, or policy, which is one more like it
}

// result is what came of it.
type result struct {
	score.Result
	last  float64   // tick's time on the body's clock, s
	stop  string    // when the supervisor first stopped it, and why
	ticks []float64 // processor time of the policy, s
	steps int       // times that a foot was set down
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
	flag.Float64Var(&t.command.Ahead, "ahead", 0, "m/s")
	flag.Float64Var(&t.command.Left, "left", 0, "m/s")
	flag.Float64Var(&t.command.Turn, "turn", 0, "rad/s")
	flag.Float64Var(&t.after, "after", 2, "time before the command is given, s")
	flag.Float64Var(&t.lead, "lead", 0, "time for which the model-based balance leads before the policy, s")
	flag.Float64Var(&t.stop, "stop", 0, "when the supervisor's button is pressed, s; 0 is never")
	flag.Float64Var(&t.arms, "arms", 0, "by how much held shoulders swing, once a second, rad")
	flag.StringVar(&t.stance, "stance", "balance", "the supervisor's: balance, or policy, which is one more like it")
	extra := flag.String("body", "", "further arguments of the body, separated by spaces")
	runs := flag.Int("runs", 8, "how many")
	first := flag.Uint64("seed", 1, "of the first run")
	flag.Parse()
	t.Extra = strings.Fields(*extra)
	if flag.NArg() == 0 || t.Model == "" {
		log.Fatal("it needs -model FILE.xml and manifests")
	}
	for _, t.manifest = range flag.Args() {
		var all []result
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

// open reads the manifest and its network.
func (t *trial) open() (*policy.Policy, error) {
	if t.networks == "" {
		return policy.Open(t.manifest)
	}
	text, err := os.ReadFile(t.manifest)
	if err != nil {
		return nil, err
	}
	m, err := policy.Parse(text)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(t.networks, m.Network))
	if err != nil {
		return nil, err
	}
	return policy.New(m, data)
}

// pose is the policy's default stance, as the body is told where to start.
func pose(m *policy.Manifest) string {
	var start []string
	for _, j := range slices.Concat(m.Joints, m.Held) {
		start = append(start, fmt.Sprintf("%s=%g", j.Name, j.Default))
	}
	return strings.Join(start, ",")
}

// run runs one trial to its end or to a fall.
func run(t trial) (out result, err error) {
	p, err := t.open()
	if err != nil {
		return out, err
	}
	t.Start = pose(&p.Manifest)
	var soles []int
	t.Act = func(r *score.Rig) error {
		soles = r.Referee.Info().Feet
		return t.supervise(r, p)
	}
	down := map[int]bool{}
	t.Watch = func(m *score.Moment) error {
		for _, foot := range soles {
			now := m.Truth.Touching.Has(foot)
			if now && !down[foot] && m.Truth.Time > 0 {
				out.steps++
			}
			down[foot] = now
		}
		out.last = m.Truth.Time.Seconds()
		if m.Report.Mode > safety.Running && out.stop == "" {
			out.stop = fmt.Sprintf("%v at %.2f s: %s", m.Report.Mode, out.last, m.Report.Reason)
		}
		if out.last >= t.lead {
			out.ticks = append(out.ticks, m.Thought)
		}
		return nil
	}
	out.Result, err = t.Run(context.Background())
	return out, err
}

// pilot has the policy lead, once balance has, gives it its command, and presses the
// supervisor's button.
type pilot struct {
	*trial
	rig     *score.Rig
	policy  *policy.Controller
	balance *balance.Controller
	ticks   int
}

// supervise puts a pilot at a body, under a supervisor whose first stop is a controller of
// its own, and which does not kneel.
func (t *trial) supervise(r *score.Rig, p *policy.Policy) error {
	c := &pilot{trial: t, rig: r}
	var err error
	if c.policy, err = controller(r, p); err != nil {
		return err
	}
	if c.balance, err = r.Balance(balance.Still{}); err != nil {
		return err
	}
	g, err := r.Guard()
	if err != nil {
		return err
	}
	g.Kneel = nil
	if g.Stance, err = t.stands(r); err != nil {
		return err
	}
	return r.Supervise(g, c)
}

func controller(r *score.Rig, p *policy.Policy) (*policy.Controller, error) {
	robot, err := estimate.NewRobot(r.Model, r.Info(), r.Feet)
	if err != nil {
		return nil, err
	}
	return policy.NewController(p, r.Info(), estimate.New(robot))
}

// stands makes the supervisor's stance.
func (t *trial) stands(r *score.Rig) (safety.Controller, error) {
	if t.stance != "policy" {
		return r.Balance(balance.Still{})
	}
	p, err := t.open() // a network belongs to one controller
	if err != nil {
		return nil, err
	}
	return controller(r, p)
}

// Control makes a command of sensors.
func (p *pilot) Control(s *body.Sensors, c *body.Command) error {
	at := float64(p.ticks) / float64(p.rig.Info().Rate)
	p.ticks++
	if at >= p.after {
		p.policy.Command = p.command
	}
	p.swing(at)
	leads := safety.Controller(p.policy)
	if at < p.lead {
		leads = p.balance
	}
	if err := leads.Control(s, c); err != nil {
		return err
	}
	if p.stop > 0 && at >= p.stop && p.rig.Supervisor.Report().Mode == safety.Running {
		p.rig.Supervisor.Stop("the button")
	}
	return nil
}

// swing moves the shoulders that the policy does not move, more and more in the first
// second.
func (p *pilot) swing(at float64) {
	for k, joint := range p.policy.HeldJoints() {
		if p.arms > 0 && strings.Contains(p.rig.Info().Joints[joint].Name, "shoulder_pitch") {
			p.policy.Held[k] = p.arms * min(1, at) * math.Sin(2*math.Pi*at)
		}
	}
}

// print prints what came of all runs of a policy.
func print(w io.Writer, t *trial, first uint64, all []result) {
	falls, stops, steps, drift, tilt := 0, 0, 0, 0.0, 0.0
	var ticks []float64
	var counts referee.Counts
	var worst referee.Worst
	clamped := uint64(0)
	for k := range all {
		r := &all[k]
		if r.Fell {
			falls++
			fmt.Fprintf(w, "seed %d fell at %.2f s: %s (%s)\n", first+uint64(k), r.last, r.Why, r.stop)
		} else if r.stop != "" {
			stops++
			fmt.Fprintf(w, "seed %d: %s\n", first+uint64(k), r.stop)
		}
		c := &r.Counts
		counts.Position, counts.Velocity, counts.Torque = counts.Position+c.Position, counts.Velocity+c.Velocity, counts.Torque+c.Torque
		counts.Saturated, counts.Beyond, counts.Fast, counts.Self = counts.Saturated+c.Saturated, counts.Beyond+c.Beyond, counts.Fast+c.Fast, counts.Self+c.Self
		worst.Torque, worst.Beyond = max(worst.Torque, r.Worst.Torque), max(worst.Beyond, r.Worst.Beyond)
		ticks = append(ticks, r.ticks...)
		drift, tilt, steps, clamped = max(drift, r.Drift), max(tilt, r.Tilt), steps+r.steps, clamped+r.Report.Counts.Clamped
	}
	low, high := score.Interval(falls, len(all))
	fmt.Fprintf(w, "%s, ahead %g left %g turn %g, push %g, vary %v: %d falls and %d stops in %d runs of %g s (falls 95 %%: %.0f to %.0f %%), %d steps, drift %.2f m, tilt %.2f rad\n",
		filepath.Base(t.manifest), t.command.Ahead, t.command.Left, t.command.Turn, t.Push, t.Vary, falls, stops, len(all), t.Seconds, 100*low, 100*high, steps, drift, tilt)
	fmt.Fprintf(w, "  commands beyond position %d velocity %d torque %d, cut by the supervisor %d; steps of physics saturated %d beyond %d fast %d self %d; worst torque %.2f, beyond %.3f rad; tick %.1f µs, p99 %.1f µs\n",
		counts.Position, counts.Velocity, counts.Torque, clamped, counts.Saturated, counts.Beyond, counts.Fast, counts.Self, worst.Torque, worst.Beyond, 1e6*score.Quantile(ticks, 0.5), 1e6*score.Quantile(ticks, 0.99))
}
