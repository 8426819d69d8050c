package score

import (
	"errors"
	"strings"
	"testing"

	"samovar/robot/dance"
	"samovar/robot/mechanism"
)

// row is that of a name.
func row(t *testing.T, rows []Row, name string) *Row {
	t.Helper()
	for i := range rows {
		if rows[i].Name == name {
			return &rows[i]
		}
	}
	t.Fatalf("no row %q", name)
	return nil
}

// TestTable makes a table of results that are known.
func TestTable(t *testing.T) {
	at, soon, late := 3.0, 0.018, 0.022
	var tried []Tried
	for _, c := range Conditions() {
		results := []Result{{Music: 0.9, Motion: 0.4, Drift: 0.1, Realtime: 3, Noticed: &soon, Stable: &soon, Thought: []float64{0.002, 0.0005}}, {Music: 0.7, Motion: 0.4, Drift: 0.4, Realtime: 4, Noticed: &late, Violations: 1}}
		results[1].Fell, results[1].FellAt = c.Vary, &at
		tried = append(tried, Tried{c, results})
	}
	rows := Table(tried, Ears{Offline: []float64{1, 0.8}})
	for _, c := range []struct {
		name, measured, interval, aim string
		met                           bool
	}{
		{"falls, plain", "0 of 2", "0.0 to 65.8 %", "none", true},
		{"falls, pushes of 10 N·s", "0 of 2", "0.0 to 65.8 %", "≤ 5 %", true},
		{"falls, varied, pushes of 5 N·s", "1 of 2", "9.5 to 90.5 %", "none", false},
		{"falls, varied, pushes of 10 N·s", "1 of 2", "9.5 to 90.5 %", "≤ 10 %", false},
		{"dances in which a limit is passed", "7 of 14", "26.8 to 73.2 %", "none", false},
		{"F-measure of beats, offline", "0.90, worst 0.80", "0.70 to 1.00", "≥ 0.90", true},
		{"alignment over music beats", "0.80, worst 0.70", "0.60 to 1.00", "≥ 0.50", true},
		{"alignment over motion beats", "0.40, worst 0.40", "0.40 to 0.40", "≥ 0.50", false},
		{"drift from the mark", "0.25 m, worst 0.40 m", "0.00 to 0.54 m", "≤ 0.30 m each", false},
		{"control, 99 % of ticks", "1.00 ms, worst 2.00 ms", "0.00 to 2.96 ms", "≤ 1.00 ms", true},
		{"until a fault is noticed", "20.0 ms, worst 22.0 ms", "16.1 to 23.9 ms", "≤ 20.0 ms each", false},
		{"from the button to a stable stance", "2.01 s, worst 4.00 s", "0.00 to 5.91 s", "≤ 0.50 s each", false},
	} {
		r := row(t, rows, c.name)
		if r.String() != c.measured || r.Interval() != c.interval || r.Aim() != c.aim || r.Met != c.met {
			t.Errorf("%s: %v, %s, %s, %v", c.name, r, r.Interval(), r.Aim(), r.Met)
		}
	}
	for _, r := range rows {
		if strings.HasSuffix(r.Name, "live") {
			t.Errorf("nothing was heard live: %+v", r)
		}
	}
	if rows := Table([]Tried{{Condition: Conditions()[0]}}, Ears{}); len(rows) != 0 {
		t.Errorf("of nothing: %+v", rows)
	}
}

// TestCondition holds trials to their conditions.
func TestCondition(t *testing.T) {
	d := dance.Calibrating()
	seen := map[string]bool{}
	for k := range 2 * len(Faults) {
		for _, c := range Conditions() {
			one := c.Trial(Trial{Seed: uint64(k), Seconds: 20}, k, d)
			switch {
			case one.Push != c.Push || one.Vary != c.Vary || one.Seconds > 20 || (one.Fault != nil) != c.Fault || (one.Stop > 0) != c.Stop:
				t.Errorf("%s: %+v", c.Name, one)
			case c.Fault:
				seen[one.Fault.Name] = true
				if at := one.Fault.Event.Start.Seconds(); at < soonest-0.01 || at > latest || one.Seconds < at+watched-0.01 {
					t.Errorf("%s at %g s of %g", one.Fault.Name, at, one.Seconds)
				}
			}
		}
	}
	if len(seen) != len(Faults) {
		t.Errorf("faults %v", seen)
	}
}

// TestAlarm lets a joint's sensor fail and presses the button, while a robot stands.
func TestAlarm(t *testing.T) {
	path := program(t)
	fault, err := Trial{Program: path, Model: "own", Seconds: 0.6, Fault: Faults[2].At(0.4), Act: still}.Run(t.Context())
	if err != nil || fault.Noticed == nil || *fault.Noticed > 0.02 || fault.Fault != Faults[2].Name || fault.Stable != nil {
		t.Errorf("a sensor failed: %+v, %v", fault, err)
	}
	stop, err := Trial{Program: path, Model: "own", Seconds: 1.2, Stop: 0.5, Act: still}.Run(t.Context())
	if err != nil || stop.Stable == nil || *stop.Stable > 0.5 || stop.Noticed != nil || !strings.Contains(stop.Stopped, "the button") {
		t.Errorf("the button was pressed: %+v, %v", stop, err)
	}
}

// TestFallen has a robot dance that does not find a hold.
func TestFallen(t *testing.T) {
	_, err := Trial{Program: program(t), Model: "own", Extra: []string{"--friction", "0.02"}}.Calibrate(t.Context())
	if fallen := (*Fallen)(nil); !errors.As(err, &fallen) || !fallen.Fell || !strings.Contains(err.Error(), "it fell at") {
		t.Errorf("it was to fall: %v", err)
	}
}

// TestLimbs has models refused that are no robots.
func TestLimbs(t *testing.T) {
	const foot = `<body name="%_foot" pos="0 0 -1"><joint name="%_hip_pitch" axis="0 1 0"/><geom type="box" size=".1 .1 .1"/></body>`
	left, right := strings.ReplaceAll(foot, "%", "left"), strings.ReplaceAll(foot, "%", "right")
	for _, c := range []struct{ bodies, actuators, says string }{
		{left + right, "", "no joint has an actuator"},
		{left, `<motor joint="left_hip_pitch" ctrlrange="-1 1"/>`, `says "right"`},
		{strings.ReplaceAll(left, `<joint name="left_hip_pitch" axis="0 1 0"/>`, "") + right, `<motor joint="right_hip_pitch" ctrlrange="-1 1"/>`, `says "left"`},
		{left + right, `<motor joint="left_hip_pitch" ctrlrange="-1 1"/>`, `"knee" in its name`},
	} {
		m, err := mechanism.Read(strings.NewReader(`<mujoco><worldbody><body name="pelvis"><freejoint/><geom type="box" size=".1 .1 .1"/>` + c.bodies + `</body></worldbody><actuator>` + c.actuators + `</actuator></mujoco>`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := limbs(m, true); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("expected %q: %v", c.says, err)
		}
	}
}
