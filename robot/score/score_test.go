package score

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/safety"
)

func still(r *Rig) error { return r.Perform(balance.Still{}) }

// program is the body that `make robot` has built.
func program(t *testing.T) string {
	t.Helper()
	path, err := body.Find("../..")
	if err != nil {
		t.Skip(err)
	}
	return path
}

// TestTrial lets our robot stand, and be pushed so that it must fall, twice with the
// same result.
func TestTrial(t *testing.T) {
	stands, err := Trial{Program: program(t), Model: "own", Seed: 1, Seconds: 4, Push: 3, Every: 2, Act: still}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stands.Fell || stands.FellAt != nil || stands.Violations != 0 || stands.Pushes != 1 || math.Abs(stands.Seconds-4) > 0.01 || len(stands.Speed) != 4*Rate || stands.Drift == 0 {
		t.Errorf("it was to stand for 4 s: %+v", stands)
	}
	hard := Trial{Program: program(t), Model: "own", Seed: 1, Seconds: 6, Push: 60, Every: 2, Act: still}
	falls, err := hard.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !falls.Fell || falls.FellAt == nil || falls.Why == "" || falls.Pushes != 1 {
		t.Errorf("it was to fall: %+v", falls)
	}
	again, err := hard.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if *again.FellAt != *falls.FellAt || again.Why != falls.Why || again.Drift != falls.Drift {
		t.Errorf("the same seed has another result: %+v and %+v", falls, again)
	}
}

func TestTrialEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	trial := Trial{Program: program(t), Model: "own", Seconds: 1000, Act: still, Watch: func(m *Moment) error {
		if m.Seconds > 0.5 {
			cancel()
		}
		return nil
	}}
	if _, err := trial.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a trial that is interrupted says %v", err)
	}
}

func TestTrialRefuses(t *testing.T) {
	path := program(t)
	for _, c := range []struct {
		trial Trial
		says  string
	}{
		{Trial{Program: path, Model: "nowhere.xml", Act: still}, "nowhere.xml"},
		{Trial{Program: path, Model: "own", Act: func(*Rig) error { return errors.New("no such dance") }}, "no such dance"},
		{Trial{Program: path, Model: "own", Start: "gill=0.5", Act: still}, "gill"},
		{Trial{Program: path, Model: "own", Extra: []string{"--friction", "ice"}, Act: still}, "ice"},
	} {
		if _, err := c.trial.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("expected an error about %q: %v", c.says, err)
		}
	}
}

func TestSummarise(t *testing.T) {
	at := 3.0
	s := Summarise([]Result{
		{Seconds: 10, Drift: 0.1, Pushes: 2, Thought: []float64{0.001, 0.002}},
		{Seconds: 3, Fell: true, FellAt: &at, Stopped: "kneeling", Drift: 0.3, Violations: 5, Thought: []float64{0.004}},
	})
	if s.Dances != 2 || s.Fell.Count != 1 || s.Fell.Share != 0.5 || s.Stopped.Count != 1 || s.Violations != 5 || s.Pushes != 2 || s.Seconds != 13 || s.Tick != 4 {
		t.Errorf("%+v", s)
	}
	if d := s.Drift; math.Abs(d.Mean-0.2) > 1e-12 || math.Abs(d.High-0.2-1.96*0.1) > 1e-12 || d.Least != 0.1 || d.Greatest != 0.3 {
		t.Errorf("drift %+v", d)
	}
	if s := Summarise(nil); s.Dances != 0 || s.Fell.High != 1 {
		t.Errorf("of nothing: %+v", s)
	}
}

// TestInterval has values of Newcombe, Statistics in Medicine 17 (1998), table I,
// method 3.
func TestInterval(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		low, high := Interval(c.k, c.n)
		if math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, expected %.4f to %.4f", c.k, c.n, low, high, c.low, c.high)
		}
	}
}

// TestBodyEnds kills a body in mid-step, and expects to be told so.
func TestBodyEnds(t *testing.T) {
	r := launch(t, "--lockstep")
	if err := r.Perform(balance.Still{}); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		var m *Moment
		if m, err = r.Tick(); err != nil {
			break
		}
		if m.Seconds == 0.2 {
			r.Process.Kill()
		}
		err = r.Go()
	}
	if !errors.Is(err, body.ErrLost) || !strings.Contains(err.Error(), "the body's process has ended: signal: killed") {
		t.Errorf("a body that was killed: %v", err)
	}
	if r := r.Supervisor.Report(); r.Mode != safety.Damping || r.Err == nil {
		t.Errorf("the supervisor says %+v", r)
	}
}
