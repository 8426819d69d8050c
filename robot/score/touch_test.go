package score

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/safety"
)

// swing is a controller that, from some tick on, has joints turn to where they must not, at a
// speed, whatever its other one commands.
type swing struct {
	safety.Controller
	info  *body.Info
	to    map[string]float64 // by words in the joints' names, rad
	speed float64            // rad/s
	from  int
	start map[int]float64
	tick  int
}

func (w *swing) Control(s *body.Sensors, c *body.Command) error {
	if err := w.Controller.Control(s, c); err != nil {
		return err
	}
	if w.tick++; w.tick < w.from {
		return nil
	}
	for i := range c.Joints {
		for word, to := range w.to {
			if !strings.Contains(w.info.Joints[i].Name, word) {
				continue
			}
			if w.tick == w.from {
				w.start[i] = s.Joints[i].Position
			}
			by := w.speed * float64(w.tick-w.from) * w.info.Period().Seconds()
			at := w.start[i] + min(max(to-w.start[i], -by), by)
			c.Joints[i] = body.Drive{Position: at, Kp: 150, Kd: 4}
		}
	}
	return nil
}

// swung is a trial of a robot that stands and, after 0.2 s, swings as w says; with may change
// what its supervisor goes by.
func swung(t *testing.T, model string, w *swing, with func(*safety.Config)) Trial {
	return Trial{Program: program(t), Model: model, Seconds: 1.6, Act: func(r *Rig) (err error) {
		w.info, w.from, w.start = r.Info(), 50, map[int]float64{}
		if w.Controller, err = r.Balance(balance.Still{}); err != nil {
			return err
		}
		g, err := r.Guard()
		if err != nil {
			return err
		}
		with(&g)
		return r.Supervise(g, w)
	}}
}

// TestTouch commands arms and legs into each other and into the trunk: without the rule the
// robot touches itself, with it the robot stops before, and stands.
func TestTouch(t *testing.T) {
	g1 := filepath.Join(os.Getenv("SAMOVAR_DATA"), "robot/g1/g1_29dof_rev_1_0.xml")
	hands := map[string]float64{"shoulder_pitch": -0.6, "left_shoulder_yaw": -1.5, "right_shoulder_yaw": 1.5, "elbow": 0.2}
	for _, c := range []struct {
		name, model string
		to          map[string]float64
		speed       float64
	}{
		{"arm and trunk", "own", map[string]float64{"left_shoulder_roll": -1.3, "left_shoulder_pitch": 0}, 3},
		{"hands", "own", hands, 6},
		{"legs", "own", map[string]float64{"left_hip_roll": -0.4, "right_hip_roll": 0.4}, 1},
		{"G1's hands", g1, hands, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := os.Stat(c.model); err != nil && c.model == g1 {
				t.Skip("SAMOVAR_DATA names no folder with robot/g1")
			}
			var last Moment
			touches := swung(t, c.model, &swing{to: c.to, speed: c.speed}, func(g *safety.Config) { g.Touching = nil })
			touches.Watch = func(m *Moment) error { last = *m; return nil }
			if _, err := touches.Run(t.Context()); err != nil || last.Truth.Counts.Self == 0 {
				t.Fatalf("without the rule it was to touch itself: %+v, %v", last.Truth.Counts, err)
			}
			stops := swung(t, c.model, &swing{to: c.to, speed: c.speed}, func(*safety.Config) {})
			stops.Watch = touches.Watch
			r, err := stops.Run(t.Context())
			if err != nil || r.Fell || last.Truth.Counts.Self != 0 || last.Report.Mode != safety.Standing || last.Report.Code != safety.Touches {
				t.Errorf("it was to stop before it touches itself: %+v, %+v, %s, %v", last.Report, last.Truth.Counts, r.Why, err)
			}
		})
	}
}

// TestTouchResume lets a person go on twice after a stop: once while the controller still
// wants the hand in the trunk, which stops the robot again, once when it does not any more.
func TestTouchResume(t *testing.T) {
	w := &swing{to: map[string]float64{"left_shoulder_roll": -1.3, "left_shoulder_pitch": 0}, speed: 3}
	trial, rig := swung(t, "own", w, func(*safety.Config) {}), (*Rig)(nil)
	act, stopped, last := trial.Act, 0, safety.Report{}
	trial.Act = func(r *Rig) error { rig = r; return act(r) }
	trial.Watch = func(m *Moment) error {
		if last = m.Report; m.Truth.Counts.Self > 0 {
			t.Fatalf("it touches itself after %g s", m.Seconds)
		}
		if last.Mode == safety.Running {
			stopped = 0
			return nil
		}
		if stopped++; stopped < 100 {
			return nil
		}
		if m.Seconds > 1 {
			w.to = nil
		}
		return rig.Supervisor.Resume()
	}
	r, err := trial.Run(t.Context())
	if err != nil || r.Fell || last.Mode != safety.Running || w.to != nil {
		t.Errorf("%+v after %g s: %s, %v", last, r.Seconds, r.Why, err)
	}
}

// TestTouchLeaves holds that a robot that is not stopped moves, to the last bit, as if nobody
// watched what it may touch.
func TestTouchLeaves(t *testing.T) {
	var sums [2]float64
	for k := range sums {
		trial := swung(t, "own", &swing{}, func(g *safety.Config) {
			if k == 0 {
				g.Touching = nil
			}
		})
		trial.Push, trial.Every = 8, 0.7
		trial.Watch = func(m *Moment) error {
			for i := range m.Sensors.Joints {
				sums[k] = 0.999*sums[k] + m.Sensors.Joints[i].Position + m.Command.Joints[i].Torque
			}
			return nil
		}
		if _, err := trial.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if sums[0] != sums[1] || sums[0] == 0 {
		t.Errorf("%v", sums)
	}
}
