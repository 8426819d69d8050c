package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/safety"
	"samovar/robot/score"
)

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
	m, err := score.ReadModel(t.model)
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
	s, err := score.Supervise(m, link)
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
	return t.ticks(c, s, judge, out.dance)
}

// ticks runs a trial's ticks.
func (t *trial) ticks(c *balance.Controller, s *safety.Supervisor, judge *referee.Referee, d *dancing) (out result) {
	out.dance = d
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := s.Body()
	sensors, command, truth := b.Info().NewSensors(), b.Info().NewCommand(), judge.Info().NewTruth()
	trace := newTracer(t.trace)
	defer trace.close()
	end := plot{path: t.plot}
	defer func() {
		if err := end.write(); err != nil && out.err == nil {
			out.err = err
		}
	}()
	var tale story
	button := newButton(t, c.Estimate().Robot, judge.Info(), s)
	began := time.Now()
	squares, phase := 0.0, balance.Double
	for k := range int(t.seconds * float64(t.rate)) {
		if out.err = b.Receive(sensors); out.err != nil {
			return out
		}
		start := processor()
		if out.err = c.Control(sensors, command); out.err != nil {
			return out
		}
		out.ticks = append(out.ticks, processor()-start)
		b.Send(command) // where the supervisor has stopped it, the report says so
		if out.err = judge.Receive(truth); out.err != nil {
			return out
		}
		if d != nil {
			d.tick(float64(k)/float64(t.rate), sensors, c.View.Phase == balance.Swinging)
		}
		off := mechanism.Vector(c.Estimate().Now.V).Sub(truth.Linear)
		squares += off.Dot(off)
		trace.write(k, t.rate, c, truth)
		end.see(c, truth)
		tale.see(c, truth)
		button.see(truth)
		if r := s.Report(); r.Mode > safety.Running && out.stop == "" {
			out.stop = fmt.Sprintf("%v at %.2f s: %s", r.Mode, truth.Time.Seconds(), r.Reason)
		}
		if c.View.Phase == balance.Swinging && phase != balance.Swinging {
			out.steps++
		}
		phase = c.View.Phase
		out.tilt, out.drift = max(out.tilt, truth.Tilt), max(out.drift, truth.Drift)
		if out.why = judge.Info().Fall(truth, button.kneels()); out.why != "" {
			out.fell = truth.Time.Seconds()
			break
		}
		if out.err = judge.Go(truth.Sequence); out.err != nil {
			return out
		}
	}
	out.speed = math.Sqrt(squares / float64(len(out.ticks)))
	out.stopped = button.stopped
	out.truth, out.report, out.story = truth, s.Report(), tale.events
	out.factor = truth.Time.Seconds() / time.Since(began).Seconds()
	return out
}

// processor is the processor time of this thread, s.
func processor() float64 {
	var t syscall.Timespec
	const thread = 3 // CLOCK_THREAD_CPUTIME_ID
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, thread, uintptr(unsafe.Pointer(&t)), 0)
	return float64(t.Sec) + float64(t.Nsec)/1e9
}
