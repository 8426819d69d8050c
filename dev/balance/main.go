// Command balance lets simulated robots stand, move and be pushed, and prints how
// often they fall, with intervals:
//
//	go run ./dev/balance -runs 50 -push 10 -vary
//
// It refuses to guess where a body is: `make robot` builds one. Start with run.
package main

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/safety"
)

// trial is what a run is made of.
type trial struct {
	model   string
	seed    uint64
	seconds float64
	push    float64 // N·s
	every   float64 // s
	vary    bool
	motion  string
	rate    int
	lead    [2]float64 // s: of joints and base, see dance.Lead
	tempo   [2]float64 // of songs that are danced to, beats a minute, least and greatest
	clip    string     // path of a dance that somebody danced
	hear    bool       // dance to what is heard of a song, not to its true beats
	trace   string     // path of a CSV file
	extra   []string
}

// result is what came of it.
type result struct {
	fell   float64 // s; 0: not at all
	why    string
	stop   string // when the supervisor first stopped it, and why
	truth  *referee.Truth
	report safety.Report
	ticks  []float64 // processor time of each tick, s
	steps  int
	speed  float64 // error of the estimated velocity, root of the mean square, m/s
	tilt   float64 // greatest, rad
	drift  float64 // greatest, m
	dance  *dancing
	err    error
}

// stride is how far outside the soles a capture point may be before the supervisor
// stops a robot that steps, m: a step is 0.4 m at most.
const stride = 0.45

var feet = [2]string{"left_ankle_roll_link", "right_ankle_roll_link"}

func main() {
	log.SetFlags(0)
	log.SetPrefix("balance: ")
	var t trial
	flag.StringVar(&t.model, "model", "own", "own, or the path of an MJCF file")
	flag.Float64Var(&t.seconds, "seconds", 30, "of a run")
	flag.Float64Var(&t.push, "push", 0, "impulse of pushes, N·s")
	flag.Float64Var(&t.every, "every", 3, "time between them, s")
	flag.BoolVar(&t.vary, "vary", false, "friction 0.5 to 1.2, mass ± 10 %, 20 ms delay, noise 1, slope of 2°")
	flag.StringVar(&t.motion, "motion", "still", "still, dance, clip, calibrate, march, speak, turn or walk")
	flag.Float64Var(&t.tempo[0], "slowest", 80, "tempo of songs that are danced to, beats a minute")
	flag.Float64Var(&t.tempo[1], "fastest", 150, "likewise, at most")
	flag.StringVar(&t.clip, "clip", "", "a CSV or BVH file to dance, with -motion clip")
	flag.Float64Var(&t.lead[0], "lead-joints", 0, "by how much a dance is ahead of the music, s: joints")
	flag.Float64Var(&t.lead[1], "lead-base", 0, "likewise: centre of mass and pelvis")
	flag.BoolVar(&t.hear, "hear", false, "dance to what is heard of the rendered song, not to its true beats")
	flag.IntVar(&t.rate, "rate", 250, "Hz")
	flag.StringVar(&t.trace, "trace", "", "a CSV file for the course of the first run")
	extra := flag.String("body", "", "further arguments of the body, separated by spaces")
	runs := flag.Int("runs", 8, "how many")
	first := flag.Uint64("seed", 1, "of the first run")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "runs at a time")
	flag.Parse()
	t.extra = strings.Fields(*extra)
	all := make([]result, *runs)
	var group sync.WaitGroup
	next := make(chan int)
	for range *workers {
		group.Go(func() {
			for k := range next {
				one := t
				one.seed = *first + uint64(k)
				if k > 0 {
					one.trace = ""
				}
				all[k] = run(one)
				log.Printf("seed %d: %d ticks, fell %.2f %v", one.seed, len(all[k].ticks), all[k].fell, all[k].err) // a long series may be cut off
			}
		})
	}
	for k := range all {
		next <- k
	}
	close(next)
	group.Wait()
	print(os.Stdout, &t, *first, all)
	printDances(os.Stdout, t.rate, all)
}

// arguments are those of the body.
func (t *trial) arguments(r *rand.Rand) []string {
	args := []string{"--lockstep", "--seed", fmt.Sprint(t.seed), "--model", t.model}
	if t.model != "own" {
		args = append(args, "--start", "hip_pitch=-0.3,knee=0.6,ankle_pitch=-0.3")
	}
	if t.vary {
		args = append(args, "--friction", fmt.Sprint(0.5+0.7*r.Float64()), "--mass", fmt.Sprint(0.9+0.2*r.Float64()),
			"--delay", "20", "--noise", "1", "--slope", "2", "--uphill", fmt.Sprint(360*r.Float64()))
	}
	return append(args, t.extra...)
}

func (t *trial) read() (*mechanism.Model, error) {
	if t.model == "own" {
		return humanoid.Own(), nil
	}
	f, err := os.Open(t.model)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mechanism.Read(f)
}

// run runs one trial to its end or to a fall.
func run(t trial) (out result) {
	random := rand.New(rand.NewPCG(t.seed, 0x70757368))
	path, err := body.Find()
	if err != nil {
		return result{err: err}
	}
	var said strings.Builder
	p, err := body.Launch(context.Background(), path, &said, t.arguments(random)...)
	if err != nil {
		return result{err: fmt.Errorf("%w: %s", err, said.String())}
	}
	defer p.Close()
	judge, err := referee.Dial(p.Referee)
	if err != nil {
		return result{err: err}
	}
	defer judge.Close()
	m, err := t.read()
	if err != nil {
		return result{err: err}
	}
	link, err := body.Dial(p.Control, t.rate)
	if err != nil {
		return result{err: err}
	}
	c, err := balance.New(m, link.Info(), feet)
	if err != nil {
		return result{err: err}
	}
	stance, err := balance.New(m, link.Info(), feet)
	if err != nil {
		return result{err: err}
	}
	falling, err := safety.Capture(m, link.Info(), feet[:], stride)
	if err != nil {
		return result{err: err}
	}
	s, err := safety.New(func() (body.Body, error) { return link, nil }, safety.Config{Stance: stance, Falling: falling})
	if err != nil {
		return result{err: err}
	}
	defer s.Close()
	if c.Motion, err = t.motionOf(link.Info(), &out); err != nil {
		return result{err: err}
	}
	if t.push > 0 {
		for at := t.every; at < t.seconds; at += t.every {
			a := 2 * math.Pi * random.Float64()
			moment := at + (random.Float64()-0.5)*min(1, t.every/3)
			e := referee.NewPush(time.Duration(moment*float64(time.Second)), mechanism.Vector{t.push * math.Cos(a), t.push * math.Sin(a)})
			if err := judge.Send(e); err != nil {
				return result{err: err}
			}
		}
	}
	t.ticks(c, s, judge, &out)
	return out
}

// ticks runs a trial's ticks.
func (t *trial) ticks(c *balance.Controller, s *safety.Supervisor, judge *referee.Referee, out *result) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := s.Body()
	sensors, command, truth := b.Info().NewSensors(), b.Info().NewCommand(), judge.Info().NewTruth()
	trace := newTracer(t.trace)
	defer trace.close()
	squares, phase := 0.0, balance.Double
	for k := range int(t.seconds * float64(t.rate)) {
		if out.err = b.Receive(sensors); out.err != nil {
			return
		}
		start := processor()
		if out.err = c.Control(sensors, command); out.err != nil {
			return
		}
		out.ticks = append(out.ticks, processor()-start)
		b.Send(command) // where the supervisor has stopped it, the report says so
		if out.err = judge.Receive(truth); out.err != nil {
			return
		}
		if out.dance != nil {
			out.dance.tick(float64(k)/float64(t.rate), sensors, c.View.Phase == balance.Swinging)
		}
		x := c.Estimate()
		d := mechanism.Vector(x.Now.V).Sub(truth.Linear)
		squares += d.Dot(d)
		trace.write(k, t.rate, c, truth)
		if r := s.Report(); r.Mode > safety.Running && out.stop == "" {
			out.stop = fmt.Sprintf("%v at %.2f s: %s", r.Mode, truth.Time.Seconds(), r.Reason)
		}
		if c.View.Phase == balance.Swinging && phase != balance.Swinging {
			out.steps++
		}
		phase = c.View.Phase
		out.tilt, out.drift = max(out.tilt, truth.Tilt), max(out.drift, truth.Drift)
		if out.why = judge.Info().Fall(truth, false); out.why != "" {
			out.fell = truth.Time.Seconds()
			break
		}
		if out.err = judge.Go(truth.Sequence); out.err != nil {
			return
		}
	}
	out.speed = math.Sqrt(squares / float64(len(out.ticks)))
	out.truth, out.report = truth, s.Report()
}

// processor is the processor time of this thread, s.
func processor() float64 {
	var t syscall.Timespec
	const thread = 3 // CLOCK_THREAD_CPUTIME_ID
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, thread, uintptr(unsafe.Pointer(&t)), 0)
	return float64(t.Sec) + float64(t.Nsec)/1e9
}

// tracer writes the course of a run.
type tracer struct {
	file *os.File
	csv  *csv.Writer
}

func newTracer(path string) *tracer {
	if path == "" {
		return &tracer{}
	}
	f, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	t := &tracer{f, csv.NewWriter(f)}
	t.csv.Write(strings.Split("t,phase,foot,catching,cx,cy,cz,xi_x,xi_y,want_x,want_y,cop_x,cop_y,land_x,land_y,load_l,load_r,felt_l,felt_r,px,py,pz,tpx,tpy,tpz,vx,vy,tvx,tvy,tilt,push_x,push_y,trq,sat,lx,ly,lz,rx,ry,rz", ","))
	return t
}

func (t *tracer) write(k, rate int, c *balance.Controller, truth *referee.Truth) {
	if t.csv == nil {
		return
	}
	v, e := &c.View, c.Estimate()
	row := []float64{float64(k) / float64(rate), float64(v.Phase), float64(v.Foot), 0, v.Centre[0], v.Centre[1], v.Centre[2], v.Capture[0], v.Capture[1], v.Wanted[0], v.Wanted[1],
		v.Pressure[0], v.Pressure[1], v.Landing[0], v.Landing[1], v.Forces[0][2], v.Forces[1][2], e.Contacts[0].Load, e.Contacts[1].Load,
		e.Now.Q[0], e.Now.Q[1], e.Now.Q[2], truth.Position[0], truth.Position[1], truth.Position[2], e.Now.V[0], e.Now.V[1], truth.Linear[0], truth.Linear[1],
		truth.Tilt, truth.Push[0], truth.Push[1], truth.Worst.Torque, float64(truth.Counts.Saturated)}
	if v.Catching {
		row[3] = 1
	}
	for i := range e.Robot.Legs {
		p, _ := e.Robot.Legs[i].Pose(e.Now)
		row = append(row, p[:]...)
	}
	var text []string
	for _, x := range row {
		text = append(text, fmt.Sprintf("%.5g", x))
	}
	t.csv.Write(text)
}

func (t *tracer) close() {
	if t.csv != nil {
		t.csv.Flush()
		t.file.Close()
	}
}

// print prints what came of all runs.
func print(w io.Writer, t *trial, first uint64, all []result) {
	falls, n := 0, 0
	var ticks []float64
	var counts referee.Counts
	drift, tilt, speed, torque, steps := 0.0, 0.0, 0.0, 0.0, 0
	for k := range all {
		r := &all[k]
		if r.err != nil {
			fmt.Fprintf(w, "seed %d: %v\n", first+uint64(k), r.err)
			continue
		}
		n++
		if r.fell > 0 {
			falls++
			fmt.Fprintf(w, "seed %d fell at %.2f s: %s (%s)\n", first+uint64(k), r.fell, r.why, r.stop)
		} else if r.stop != "" {
			fmt.Fprintf(w, "seed %d: %s\n", first+uint64(k), r.stop)
		}
		ticks = append(ticks, r.ticks...)
		c := &r.truth.Counts
		counts.Position, counts.Velocity, counts.Torque = counts.Position+c.Position, counts.Velocity+c.Velocity, counts.Torque+c.Torque
		counts.Saturated, counts.Beyond, counts.Fast, counts.Self = counts.Saturated+c.Saturated, counts.Beyond+c.Beyond, counts.Fast+c.Fast, counts.Self+c.Self
		drift, tilt, speed, steps = max(drift, r.drift), max(tilt, r.tilt), max(speed, r.speed), steps+r.steps
		torque = max(torque, r.truth.Worst.Torque)
	}
	if n == 0 {
		return
	}
	slices.Sort(ticks)
	low, high := wilson(falls, n)
	fmt.Fprintf(w, "%s %s push %g vary %v: %d falls of %d runs (95 %%: %.0f to %.0f %%), %d steps, drift %.2f m, tilt %.2f rad, velocity error %.3f m/s, torque %.2f\n",
		t.model[strings.LastIndex(t.model, "/")+1:], t.motion, t.push, t.vary, falls, n, 100*low, 100*high, steps, drift, tilt, speed, torque)
	fmt.Fprintf(w, "  commands beyond position %d velocity %d torque %d; steps saturated %d beyond %d fast %d self %d; tick %.0f µs, p99 %.0f µs\n",
		counts.Position, counts.Velocity, counts.Torque, counts.Saturated, counts.Beyond, counts.Fast, counts.Self, 1e6*ticks[len(ticks)/2], 1e6*ticks[len(ticks)*99/100])
}

// wilson is the 95 % interval of a share (Wilson, Journal of the American
// Statistical Association 22, 1927).
func wilson(k, n int) (low, high float64) {
	const z = 1.96
	p, m := float64(k)/float64(n), float64(n)
	middle, half := (p+z*z/2/m)/(1+z*z/m), z/(1+z*z/m)*math.Sqrt(p*(1-p)/m+z*z/4/m/m)
	return max(0, middle-half), min(1, middle+half)
}
