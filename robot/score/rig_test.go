package score

import (
	"errors"
	"testing"
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/referee"
	"samovar/robot/safety"
)

// launch starts our humanoid, without a supervisor yet.
func launch(t *testing.T, args ...string) *Rig {
	t.Helper()
	r, err := Launch(t.Context(), Config{Program: program(t), Model: "own", Log: t.Output()}, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// limp commands nothing, so that the robot falls; it counts its ticks.
type limp struct{ ticks int }

func (l *limp) Control(*body.Sensors, *body.Command) error {
	l.ticks++
	return nil
}

// TestSupervise puts another controller than balance at a body, which then falls, under a
// supervisor that goes by something else.
func TestSupervise(t *testing.T) {
	l := &limp{}
	var last Moment
	trial := Trial{Program: program(t), Model: "own", Seconds: 5,
		Act: func(r *Rig) error {
			return r.Supervise(safety.Config{Falling: func(*body.Sensors) string { return "" }}, l)
		},
		Watch: func(m *Moment) error {
			last = *m
			return nil
		},
	}
	r, err := trial.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !r.Fell || r.Why != last.Fall || *r.FellAt != last.Seconds || r.Steps != 0 || l.ticks != len(r.Thought) || last.Controller != nil {
		t.Errorf("%d ticks, the last %+v: %+v", l.ticks, last, r)
	}
}

// TestTick loses the sensors of one tick, in which the controller does not think, and
// expects the robot to go on standing.
func TestTick(t *testing.T) {
	r := launch(t, "--lockstep")
	if err := r.Referee.Send(referee.Event{Kind: referee.Drop, Amount: 1, Start: 100 * time.Millisecond, Duration: 4 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if err := r.Perform(balance.Still{}); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for k := range Rate {
		m, err := r.Tick()
		if err != nil || m.Fall != "" || m.Report.Mode != safety.Running {
			t.Fatalf("tick %d: %v, %q, %+v", k, err, m.Fall, m.Report)
		}
		if m.Sensors.Time != m.Truth.Time {
			lost++
			if m.Thought != 0 {
				t.Errorf("at %v the controller thought without sensors", m.Truth.Time)
			}
		}
		if err := r.Referee.Go(m.Truth.Sequence); err != nil {
			t.Fatal(err)
		}
	}
	if lost != 1 || r.Supervisor.Report().Counts.Stale != 1 {
		t.Errorf("the sensors of %d ticks were lost; %+v", lost, r.Supervisor.Report().Counts)
	}
}

// TestRun has a body run by the clock until it is killed.
func TestRun(t *testing.T) {
	r := launch(t)
	l := &limp{}
	if err := r.Supervise(safety.Config{}, l); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, r.Process.Kill)
	r.Run()
	if l.ticks == 0 || !errors.Is(r.Supervisor.Report().Err, body.ErrLost) {
		t.Errorf("after %d ticks: %+v", l.ticks, r.Supervisor.Report())
	}
}

// TestDial has a second rig at the body of a first one refused, and of a body that is not
// there.
func TestDial(t *testing.T) {
	r := launch(t)
	if _, err := Dial("own", r.Process.Control, r.Process.Referee, Rate); err == nil {
		t.Error("a body has two controllers")
	}
	if _, err := Dial("own", "unix:nowhere", "unix:nowhere", Rate); err == nil {
		t.Error("there is no body at unix:nowhere")
	}
}
