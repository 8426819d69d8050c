package main

import (
	"math"
	"testing"
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/dance"
	"samovar/robot/estimate"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/safety"
	"samovar/robot/score"
)

// program returns the path of the body that `make robot` has built.
func program(t *testing.T) string {
	t.Helper()
	path, err := body.Find("../..")
	if err != nil {
		t.Skip(err)
	}
	return path
}

// rig is our humanoid with whoever makes it act.
type rig struct {
	*testing.T
	*score.Rig
	m *score.Moment // the last
}

// launch starts our humanoid in lockstep.
func launch(t *testing.T, args ...string) *rig {
	t.Helper()
	r, err := score.Launch(t.Context(), score.Config{Program: program(t), Model: "own", Log: t.Output()}, append([]string{"--lockstep"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return &rig{t, r, &score.Moment{Truth: &referee.Truth{}}}
}

// perform starts one that moves.
func perform(t *testing.T, m balance.Motion, args ...string) *rig {
	t.Helper()
	r := launch(t, args...)
	if err := r.Perform(m); err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs for some time; it fails where the robot falls.
func (r *rig) run(d time.Duration) {
	r.Helper()
	for end := r.m.Truth.Time + d; r.m.Truth.Time < end; {
		var err error
		if r.m, err = r.Tick(); err != nil {
			r.Fatal(err)
		}
		if r.m.Fall != "" {
			r.Fatalf("at %v it has fallen: %s; %+v", r.m.Truth.Time, r.m.Fall, r.m.Report)
		}
		if err := r.Referee.Go(r.m.Truth.Sequence); err != nil {
			r.Fatal(err)
		}
	}
	if n := r.m.Truth.Counts; n.Position+n.Velocity+n.Torque+n.Saturated+n.Beyond+n.Fast+n.Self > 0 {
		r.Errorf("beyond limits: %+v", n)
	}
}

// sway is a motion of hips and an arm.
var sway = motion(func(at float64, to *balance.Target) {
	k := min(1, at*at)
	to.Sway[1] = 0.03 * k * math.Sin(3*at)
	to.Joints[15] -= 0.8 * k
})

// TestPushed lets our humanoid sway while it is pushed, with late and noisy sensors.
func TestPushed(t *testing.T) {
	r := perform(t, sway, "--delay", "20", "--noise", "1", "--mass", "1.1", "--slope", "2")
	if err := r.Referee.Send(referee.NewPush(1200*time.Millisecond, mechanism.Vector{4, 3, 0})); err != nil {
		t.Fatal(err)
	}
	r.run(100 * time.Millisecond)
	arm := r.m.Sensors.Joints[15].Position // of the stance
	r.run(1900 * time.Millisecond)
	if got, want := r.m.Sensors.Joints[15].Position, arm-0.8; math.Abs(got-want) > 0.15 {
		t.Errorf("the arm is at %g instead of %g", got, want)
	}
	if mode := r.Supervisor.Report(); mode.Mode != safety.Running {
		t.Errorf("%+v", mode)
	}
}

// TestStance presses the button while the robot moves: another controller, which
// has seen nothing before, takes it over.
func TestStance(t *testing.T) {
	r := perform(t, sway)
	r.run(800 * time.Millisecond)
	r.Supervisor.Stop("the button")
	r.run(1200 * time.Millisecond)
	if mode := r.Supervisor.Report(); mode.Mode != safety.Standing {
		t.Errorf("%+v", mode)
	}
}

// TestKneel presses the button twice while the robot moves: it goes down on its knees
// and stays there.
func TestKneel(t *testing.T) {
	r := perform(t, sway)
	r.run(800 * time.Millisecond)
	b := newButton(&trial{stop: "kneel"}, r.Rig)
	for range 28 {
		r.run(100 * time.Millisecond)
		b.see(r.m.Truth)
	}
	if mode := r.Supervisor.Report(); mode.Mode != safety.Kneeling {
		t.Errorf("%+v", mode)
	}
	if low := b.lowest("left_knee_link")[2]; low > 0.12 {
		t.Errorf("in the end the left knee is %.2f m above the floor", low)
	}
}

// TestMarch lifts one foot and sets it down.
func TestMarch(t *testing.T) {
	r := perform(t, motion(func(_ float64, to *balance.Target) { to.March = true }))
	phases := map[balance.Phase]bool{}
	for range 21 {
		r.run(100 * time.Millisecond)
		phases[r.m.Controller.View.Phase] = true
	}
	if !phases[balance.Double] || !phases[balance.Shifting] || !phases[balance.Swinging] {
		t.Errorf("phases %v", phases)
	}
	if r.m.Truth.Drift > 0.15 {
		t.Errorf("on the spot it moves by %g m", r.m.Truth.Drift)
	}
}

// TestDance dances for 17 s: on the beat, without a fall, and not later than it is asked.
func TestDance(t *testing.T) {
	d := &dancing{}
	r := perform(t, motion(func(at float64, to *balance.Target) {
		if d.motion != nil {
			d.motion.Target(at, to)
		}
	}))
	info := r.Info()
	m, err := dance.New(dance.Calibrating(), info)
	if err != nil {
		t.Fatal(err)
	}
	d.motion, d.phase = m, m.Calibrate(len(info.Joints), float64(info.Rate))
	for k := 0; float64(k) < m.Seconds()*float64(info.Rate); k++ {
		r.run(info.Period())
		d.tick(float64(k)/float64(info.Rate), r.m.Sensors, false)
	}
	lead, err := d.phase.Lead()
	if err != nil || math.Abs(lead.Joints) > 0.02 || math.Abs(lead.Base) > 0.03 {
		t.Errorf("%+v, %v", lead, err)
	}
	score := dance.Judge(d.speed, float64(info.Rate), m.Beats())
	t.Logf("%+v", score)
	if score.Music < 0.7 || score.Motion < 0.7 || score.Speed < dance.Published/2 {
		t.Errorf("%+v", score)
	}
}

// TestTruth holds the joints of a simulated body that is pushed, and compares what is
// estimated with what is true.
func TestTruth(t *testing.T) {
	for name, c := range map[string]struct {
		args             []string
		speed, way, load float64 // root of the mean square: m/s, m, share of the weight
	}{
		"plain":             {nil, 0.005, 0.002, 0.05},
		"delayed and noisy": {[]string{"--delay", "20", "--noise", "1"}, 0.015, 0.004, 0.08},
	} {
		t.Run(name, func(t *testing.T) {
			speed, way, load := compare(t, c.args)
			t.Logf("velocity %.4f m/s, position %.4f m, load %.3f of the weight", speed, way, load)
			if speed > c.speed || way > c.way || load > c.load {
				t.Errorf("velocity %g m/s, position %g m, load %g", speed, way, load)
			}
		})
	}
}

func compare(t *testing.T, args []string) (speed, way, load float64) {
	g := launch(t, args...)
	link, judge := g.Link, g.Referee
	for k := range 2 {
		push := referee.NewPush(time.Duration(200+300*k)*time.Millisecond, mechanism.Vector{float64(1 - k), 2 - float64(k), 0})
		if err := judge.Send(push); err != nil {
			t.Fatal(err)
		}
	}
	r, err := estimate.NewRobot(g.Model, link.Info(), g.Feet)
	if err != nil {
		t.Fatal(err)
	}
	e := estimate.New(r)
	s, c, truth := link.Info().NewSensors(), link.Info().NewCommand(), judge.Info().NewTruth()
	var start mechanism.Vector
	n, weight := 0.0, r.Model.Mass()*9.81
	for k := range 225 {
		if err := link.Receive(s); err != nil {
			t.Fatal(err)
		}
		if err := judge.Receive(truth); err != nil {
			t.Fatal(err)
		}
		if s.Status&body.Held != 0 {
			e.Reset()
			for i := range c.Joints {
				most := link.Info().Joints[i].Torque[1]
				c.Joints[i] = body.Drive{Position: s.Joints[i].Position, Kp: 6 * most, Kd: 0.1 * most}
			}
		}
		e.Update(s)
		at := truth.Position.Sub(mechanism.Vector(e.Now.Q))
		if k < 25 {
			start = at // where the estimate's world is
		} else {
			v := truth.Linear.Sub(mechanism.Vector(e.Now.V))
			d := at.Sub(start)
			carried := (e.Contacts[0].Load+e.Contacts[1].Load)/weight - 1
			speed, way, load, n = speed+v.Dot(v), way+d.Dot(d), load+carried*carried, n+1
		}
		if err := link.Send(c); err != nil {
			t.Fatal(err)
		}
		if err := judge.Go(truth.Sequence); err != nil {
			t.Fatal(err)
		}
	}
	return math.Sqrt(speed / n), math.Sqrt(way / n), math.Sqrt(load / n)
}
