package live

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
)

type motion func(at float64, to *balance.Target)

func (m motion) Target(at float64, to *balance.Target) { m(at, to) }

// TestMix holds that a motion passes into another without a leap, also while it still
// passes into an earlier one.
func TestMix(t *testing.T) {
	constant := func(x float64) balance.Motion {
		return motion(func(_ float64, to *balance.Target) { to.Sway[1], to.Joints[0], to.Heading = x, 10*x, x })
	}
	m := still(1)
	at := func(s float64) (sway, joint float64) {
		to := balance.Target{Joints: []float64{0.5}}
		m.Target(s, &to)
		return to.Sway[1], to.Joints[0]
	}
	if sway, joint := at(3); sway != 0 || joint != 0.5 {
		t.Errorf("standing is %g, %g", sway, joint)
	}
	m = m.into(constant(1), 5)
	before, _ := at(5.5)
	m = m.into(constant(-1), 5.5)
	after, _ := at(5.5)
	if before != after || math.Abs(before-0.5) > 1e-12 {
		t.Errorf("half way it is %g, and %g when something else was asked", before, after)
	}
	last := after
	for s := 5.5; s < 8; s += 0.01 {
		sway, _ := at(s)
		if math.Abs(sway-last) > 0.06 {
			t.Fatalf("a leap of %g at %g s", sway-last, s)
		}
		last = sway
	}
	if sway, joint := at(8); sway != -1 || joint != -10 {
		t.Errorf("at the end it is %g, %g", sway, joint)
	}
}

func open(t *testing.T) *Robot {
	t.Helper()
	path, err := body.Find("../..")
	if err != nil {
		t.Skip(err)
	}
	r, err := Open(t.Context(), Config{Program: path, Model: "own", Log: t.Output(), Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// until waits for a state.
func until(t *testing.T, states <-chan *State, what string, is func(*State) bool) *State {
	t.Helper()
	late := time.After(20 * time.Second)
	var last *State
	for {
		select {
		case s, ok := <-states:
			if !ok {
				t.Fatalf("%s: nothing more is seen", what)
			}
			if last = s; is(s) {
				return s
			}
		case <-late:
			t.Fatalf("%s has not come about: %+v", what, last)
		}
	}
}

// TestLive has a robot act, stop, go on, fall and get up.
func TestLive(t *testing.T) {
	r := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	states := r.Watch(ctx)
	s := until(t, states, "standing", func(s *State) bool { return s.Act == Standing && s.Time > 0.5 })
	if len(s.Poses) != 7*len(r.Model().Bodies) || len(s.Support) < 3 || len(s.Forces) != 2 {
		t.Errorf("it stands as %+v", s)
	}
	sway := motion(func(at float64, to *balance.Target) { to.Sway[1] = 0.02 * math.Sin(3*at) })
	if err := r.Perform(Act{Name: "swaying", Motion: sway, Seconds: 1}); err != nil {
		t.Fatal(err)
	}
	until(t, states, "swaying", func(s *State) bool { return s.Act == "swaying" })
	until(t, states, "the end of swaying", func(s *State) bool { return s.Act == Standing })
	r.Stop("a test")
	until(t, states, "the stop", func(s *State) bool { return s.Mode == "standing" && s.Act == "stopped" && s.Reason == "a test" })
	if err := r.Perform(Act{Name: "swaying", Motion: sway}); err == nil || !strings.Contains(err.Error(), "a test") {
		t.Errorf("a stopped robot sways: %v", err)
	}
	if err := r.Resume(); err != nil {
		t.Fatal(err)
	}
	until(t, states, "going on", func(s *State) bool { return s.Mode == "running" })
	if err := r.Push(3, 0); err != nil {
		t.Fatal(err)
	}
	until(t, states, "the push", func(s *State) bool { return s.Push[0] > 1 })
	if err := r.Push(300, 0); err == nil {
		t.Error("a push of 300 N·s is taken")
	}
	for range 3 {
		r.Stop("a test")
	}
	until(t, states, "the fall", func(s *State) bool { return s.Counts.Falls == 1 })
	if err := r.Resume(); err == nil {
		t.Error("a robot that lies on the floor goes on")
	}
	if err := r.Reset(); err != nil {
		t.Fatal(err)
	}
	until(t, states, "standing again", func(s *State) bool { return s.Act == Standing && s.Mode == "running" })
	cancel()
	for range states {
	}
}

// TestStopAtOnce holds that the supervisor does not wait for a controller that has
// nothing to say any more, which it does for seconds: all stops together come about while
// one may be awaited.
func TestStopAtOnce(t *testing.T) {
	r := open(t)
	states := r.Watch(t.Context())
	all := time.AfterFunc(20*time.Second, func() { r.Close() })
	defer all.Stop()
	for range 8 {
		until(t, states, "running", func(s *State) bool { return s.Mode == "running" })
		r.Stop("a test")
		until(t, states, "the stop", func(s *State) bool { return s.Mode == "standing" })
		if err := r.Resume(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGone kills the body.
func TestGone(t *testing.T) {
	r := open(t)
	states := r.Watch(t.Context())
	until(t, states, "standing", func(s *State) bool { return s.Act == Standing })
	r.rig.Process.Close()
	until(t, states, "the body's end", func(s *State) bool { return s.Gone != "" && s.Mode == "damping" })
	if err := r.Reset(); err != nil {
		t.Fatal(err)
	}
	until(t, states, "standing again", func(s *State) bool { return s.Act == Standing && s.Gone == "" })
}
