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
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/mechanism"
	"samovar/robot/policy"
	"samovar/robot/referee"
	"samovar/robot/safety"
	"samovar/robot/score"
)

// trial is what a run is made of.
type trial struct {
	model    string
	manifest string
	networks string // folder, "" beside the manifest
	seed     uint64
	seconds  float64
	push     float64 // N·s
	every    float64 // s
	vary     bool
	rate     int
	command  policy.Velocity
	after    float64 // s, when the command is given
	lead     float64 // s, for which the model-based balance leads before the policy
	stop     float64 // s, when the button is pressed; 0: never
	arms     float64 // rad, by which held shoulders swing, once a second
	stance   string  // the supervisor's: balance, or policy, which is one more like it
	extra    []string
	log      io.Writer
}

// result is what came of it.
type result struct {
	fell   float64 // s; 0: not at all
	why    string
	stop   string // when the supervisor first stopped it, and why
	truth  *referee.Truth
	report safety.Report
	ticks  []time.Duration // of the policy
	tilt   float64         // greatest, rad
	drift  float64         // greatest, m
	steps  int             // times that a foot was set down
}

// feet are the bodies with soles of G1 and of our own robot.
var feet = [2]string{"left_ankle_roll_link", "right_ankle_roll_link"}

// stride is how far outside the soles a capture point may be before the supervisor
// stops a robot that steps, m: a step is 0.4 m at most.
const stride = 0.45

func main() {
	log.SetFlags(0)
	log.SetPrefix("policy: ")
	t := trial{log: os.Stderr}
	flag.StringVar(&t.model, "model", "", "path of the robot's MJCF file")
	flag.StringVar(&t.networks, "networks", "", "folder of the networks")
	flag.Float64Var(&t.seconds, "seconds", 20, "of a run")
	flag.Float64Var(&t.push, "push", 0, "impulse of pushes, N·s")
	flag.Float64Var(&t.every, "every", 3, "time between them, s")
	flag.BoolVar(&t.vary, "vary", false, "friction 0.5 to 1.2, mass ± 10 %, 20 ms delay, noise 1, slope of 2°")
	flag.IntVar(&t.rate, "rate", 500, "of the body, Hz")
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
	t.extra = strings.Fields(*extra)
	if flag.NArg() == 0 || t.model == "" {
		log.Fatal("it needs -model FILE.xml and manifests")
	}
	for _, t.manifest = range flag.Args() {
		var all []result
		for k := range *runs {
			t.seed = *first + uint64(k)
			r, err := run(&t)
			if err != nil {
				log.Fatalf("%s, seed %d: %v", t.manifest, t.seed, err)
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

// arguments are those of the body, which starts in the policy's default stance.
func (t *trial) arguments(m *policy.Manifest, r *rand.Rand) []string {
	var start []string
	for _, j := range slices.Concat(m.Joints, m.Held) {
		start = append(start, fmt.Sprintf("%s=%g", j.Name, j.Default))
	}
	args := []string{"--lockstep", "--seed", fmt.Sprint(t.seed), "--model", t.model, "--start", strings.Join(start, ",")}
	if t.vary {
		args = append(args, "--friction", fmt.Sprint(0.5+0.7*r.Float64()), "--mass", fmt.Sprint(0.9+0.2*r.Float64()),
			"--delay", "20", "--noise", "1", "--slope", "2", "--uphill", fmt.Sprint(360*r.Float64()))
	}
	return append(args, t.extra...)
}

// run runs one trial to its end or to a fall.
func run(t *trial) (result, error) {
	p, err := t.open()
	if err != nil {
		return result{}, err
	}
	random := rand.New(rand.NewPCG(t.seed, 0x70757368))
	path, err := body.Find("../..")
	if err != nil {
		return result{}, err
	}
	process, err := body.Launch(context.Background(), path, t.log, t.arguments(&p.Manifest, random)...)
	if err != nil {
		return result{}, err
	}
	defer process.Close()
	judge, err := referee.Dial(process.Referee)
	if err != nil {
		return result{}, err
	}
	defer judge.Close()
	link, err := body.Dial(process.Control, t.rate)
	if err != nil {
		return result{}, err
	}
	r, err := t.supervise(link, p)
	if err != nil {
		return result{}, errors.Join(err, link.Close())
	}
	defer r.supervisor.Close()
	for at := t.every; t.push > 0 && at < t.seconds; at += t.every {
		a, moment := 2*math.Pi*random.Float64(), at+(random.Float64()-0.5)*min(1, t.every/3)
		e := referee.NewPush(time.Duration(moment*float64(time.Second)), mechanism.Vector{t.push * math.Cos(a), t.push * math.Sin(a)})
		if err := judge.Send(e); err != nil {
			return result{}, err
		}
	}
	return t.ticks(r, judge)
}

// rig is a policy's controller, the balance that leads before it, and the supervisor
// above both, whose first stop is a controller of its own.
type rig struct {
	policy     *policy.Controller
	balance    *balance.Controller
	supervisor *safety.Supervisor
}

func (t *trial) supervise(link body.Body, p *policy.Policy) (*rig, error) {
	f, err := os.Open(t.model)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := mechanism.Read(f)
	if err != nil {
		return nil, err
	}
	robot, err := estimate.NewRobot(m, link.Info(), feet)
	if err != nil {
		return nil, err
	}
	r := &rig{}
	if r.policy, err = policy.NewController(p, link.Info(), estimate.New(robot)); err != nil {
		return nil, err
	}
	if r.balance, err = balance.New(m, link.Info(), feet); err != nil {
		return nil, err
	}
	stance, err := t.stands(m, link.Info())
	if err != nil {
		return nil, err
	}
	falling, err := safety.Capture(m, link.Info(), feet[:], stride)
	if err != nil {
		return nil, err
	}
	r.supervisor, err = safety.New(func() (body.Body, error) { return link, nil }, safety.Config{Stance: stance, Falling: falling})
	return r, err
}

// stands makes the supervisor's stance.
func (t *trial) stands(m *mechanism.Model, i *body.Info) (safety.Controller, error) {
	if t.stance != "policy" {
		return balance.New(m, i, feet)
	}
	p, err := t.open() // a network belongs to one controller
	if err != nil {
		return nil, err
	}
	robot, err := estimate.NewRobot(m, i, feet)
	if err != nil {
		return nil, err
	}
	return policy.NewController(p, i, estimate.New(robot))
}

// ticks runs a trial's ticks.
func (t *trial) ticks(r *rig, judge *referee.Referee) (result, error) {
	out, c, s := result{}, r.policy, r.supervisor
	b := s.Body()
	sensors, command, truth := b.Info().NewSensors(), b.Info().NewCommand(), judge.Info().NewTruth()
	down := map[int]bool{}
	for k := range int(t.seconds * float64(t.rate)) {
		at := float64(k) / float64(t.rate)
		if at >= t.after {
			c.Command = t.command
		}
		t.swing(c, b.Info(), at)
		if err := b.Receive(sensors); err != nil {
			return out, err
		}
		leads, start := safety.Controller(c), time.Now()
		if at < t.lead {
			leads = r.balance
		}
		if err := leads.Control(sensors, command); err != nil {
			return out, err
		}
		if at >= t.lead {
			out.ticks = append(out.ticks, time.Since(start))
		}
		if t.stop > 0 && at >= t.stop && out.stop == "" {
			s.Stop("the button")
		}
		if err := b.Send(command); err != nil && !errors.Is(err, safety.ErrStopped) {
			return out, err
		}
		if err := judge.Receive(truth); err != nil {
			return out, err
		}
		for _, foot := range judge.Info().Feet {
			now := truth.Touching.Has(foot)
			if now && !down[foot] && k > 0 {
				out.steps++
			}
			down[foot] = now
		}
		if r := s.Report(); r.Mode > safety.Running && out.stop == "" {
			out.stop = fmt.Sprintf("%v at %.2f s: %s", r.Mode, truth.Time.Seconds(), r.Reason)
		}
		out.tilt, out.drift = max(out.tilt, truth.Tilt), max(out.drift, truth.Drift)
		if out.why = judge.Info().Fall(truth, false); out.why != "" {
			out.fell = truth.Time.Seconds()
			break
		}
		if err := judge.Go(truth.Sequence); err != nil {
			return out, err
		}
	}
	out.truth, out.report = truth, s.Report()
	return out, nil
}

// swing moves the shoulders that the policy does not move, more and more in the first
// second.
func (t *trial) swing(c *policy.Controller, i *body.Info, at float64) {
	for k, joint := range c.HeldJoints() {
		if t.arms > 0 && strings.Contains(i.Joints[joint].Name, "shoulder_pitch") {
			c.Held[k] = t.arms * min(1, at) * math.Sin(2*math.Pi*at)
		}
	}
}

// print prints what came of all runs of a policy.
func print(w io.Writer, t *trial, first uint64, all []result) {
	falls, stops, steps, drift, tilt := 0, 0, 0, 0.0, 0.0
	var ticks []time.Duration
	var counts referee.Counts
	var worst referee.Worst
	clamped := uint64(0)
	for k := range all {
		r := &all[k]
		if r.fell > 0 {
			falls++
			fmt.Fprintf(w, "seed %d fell at %.2f s: %s (%s)\n", first+uint64(k), r.fell, r.why, r.stop)
		} else if r.stop != "" {
			stops++
			fmt.Fprintf(w, "seed %d: %s\n", first+uint64(k), r.stop)
		}
		c := &r.truth.Counts
		counts.Position, counts.Velocity, counts.Torque = counts.Position+c.Position, counts.Velocity+c.Velocity, counts.Torque+c.Torque
		counts.Saturated, counts.Beyond, counts.Fast, counts.Self = counts.Saturated+c.Saturated, counts.Beyond+c.Beyond, counts.Fast+c.Fast, counts.Self+c.Self
		worst.Torque, worst.Beyond = max(worst.Torque, r.truth.Worst.Torque), max(worst.Beyond, r.truth.Worst.Beyond)
		ticks = append(ticks, r.ticks...)
		drift, tilt, steps, clamped = max(drift, r.drift), max(tilt, r.tilt), steps+r.steps, clamped+r.report.Counts.Clamped
	}
	slices.Sort(ticks)
	low, high := score.Interval(falls, len(all))
	fmt.Fprintf(w, "%s, ahead %g left %g turn %g, push %g, vary %v: %d falls and %d stops in %d runs of %g s (falls 95 %%: %.0f to %.0f %%), %d steps, drift %.2f m, tilt %.2f rad\n",
		filepath.Base(t.manifest), t.command.Ahead, t.command.Left, t.command.Turn, t.push, t.vary, falls, stops, len(all), t.seconds, 100*low, 100*high, steps, drift, tilt)
	fmt.Fprintf(w, "  commands beyond position %d velocity %d torque %d, cut by the supervisor %d; steps of physics saturated %d beyond %d fast %d self %d; worst torque %.2f, beyond %.3f rad; tick %v, p99 %v\n",
		counts.Position, counts.Velocity, counts.Torque, clamped, counts.Saturated, counts.Beyond, counts.Fast, counts.Self, worst.Torque, worst.Beyond, ticks[len(ticks)/2], ticks[len(ticks)*99/100])
}
