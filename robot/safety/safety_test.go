package safety

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"samovar/robot/body"
)

// machine is a body whose sensors a test writes, one tick after the other, and
// which keeps what it is sent.
type machine struct {
	info  body.Info
	ticks int
	sense func(k int, s *body.Sensors) error
	k     int
	sent  []body.Command
}

func newMachine(ticks int, sense func(int, *body.Sensors) error) *machine {
	joint := func(name string) body.Joint {
		return body.Joint{Name: name, Range: [2]float64{-1, 1}, Speed: 10, Torque: [2]float64{-50, 50}}
	}
	return &machine{ticks: ticks, sense: sense, info: body.Info{
		Rate: 100, Stale: body.StaleAfter(100), Lockstep: true,
		Joints: []body.Joint{joint("hip"), joint("knee")},
		Units:  []body.Unit{{Name: "imu", Orientation: [4]float64{1}}},
	}}
}

func (m *machine) Info() *body.Info { return &m.info }

func (m *machine) Receive(s *body.Sensors) error {
	if m.k == m.ticks {
		return body.ErrLost
	}
	m.k++
	w := 1e-6 * float64(m.k) // no sensor repeats itself
	s.Sequence, s.Time = uint64(m.k), time.Duration(m.k)*m.info.Period()
	for i := range s.Joints {
		s.Joints[i] = body.Measured{Position: w, Velocity: -w, Torque: 1 + w, Temperature: 30 + w}
	}
	s.Units[0] = body.Inertial{Orientation: [4]float64{1}, Angular: [3]float64{w}, Acceleration: [3]float64{0, 0, 9.81}}
	if m.sense == nil {
		return nil
	}
	return m.sense(m.k, s)
}

func (m *machine) Send(c *body.Command) error {
	m.sent = append(m.sent, body.Command{Joints: append([]body.Drive(nil), c.Joints...)})
	return c.Check(len(m.info.Joints))
}

func (m *machine) Close() error { m.ticks = m.k; return nil }

// pose is a stop that holds a position.
type pose float64

func (p pose) Control(_ *body.Sensors, c *body.Command) error {
	for i := range c.Joints {
		c.Joints[i] = body.Drive{Position: float64(p), Kp: 100, Kd: 1}
	}
	return nil
}

// mode is what a sent command comes from, by its gains.
func (m *machine) mode(k int) Mode {
	switch d := m.sent[k-1].Joints[0]; {
	case d.Kp == 0:
		return Damping
	case d.Position == 0.3:
		return Standing
	case d.Position == 0.6:
		return Kneeling
	}
	return Running
}

// run lets a controller command 0.1 rad for as long as there are ticks.
func run(t *testing.T, m *machine, c Config, change func(k int, c *body.Command, s *Supervisor) bool) *Supervisor {
	t.Helper()
	s, err := New(func() (body.Body, error) { return m, nil }, c)
	if err != nil {
		t.Fatal(err)
	}
	b := s.Body()
	in, out := b.Info().NewSensors(), b.Info().NewCommand()
	for k := 1; ; k++ {
		err := b.Receive(in)
		if errors.Is(err, body.ErrLost) {
			break
		}
		for i := range in.Joints {
			if math.IsNaN(in.Joints[i].Position) {
				t.Error("the controller sees NaN")
			}
		}
		pose(0.1).Control(in, out)
		if change == nil || change(k, out, s) {
			if err := b.Send(out); err != nil && !errors.Is(err, ErrStopped) && !errors.Is(err, body.ErrLost) {
				t.Error(err)
			}
		}
	}
	<-s.done
	return s
}

var stops = Config{Stance: pose(0.3), Kneel: pose(0.6)}

// TestPasses lets a good controller alone.
func TestPasses(t *testing.T) {
	m := newMachine(20, nil)
	r := run(t, m, stops, nil).Report()
	if r.Counts != (Counts{Ticks: 20}) || !errors.Is(r.Err, body.ErrLost) || r.Mode != Damping {
		t.Errorf("%+v", r)
	}
	for k := range 20 {
		if m.sent[k].Joints[0] != (body.Drive{Position: 0.1, Kp: 100, Kd: 1}) {
			t.Errorf("tick %d: %+v", k+1, m.sent[k])
		}
	}
}

// TestCut cuts commands to every limit; the law as a whole asks for no more than
// the torque there is.
func TestCut(t *testing.T) {
	m := newMachine(4, nil)
	all := []body.Drive{
		{Position: 5, Velocity: -50, Torque: 900},
		{Position: 1, Kp: 1000, Kd: 1},
		{Position: math.NaN()},
		{Position: -1, Kp: 1e9, Kd: 1e9},
	}
	r := run(t, m, stops, func(k int, c *body.Command, _ *Supervisor) bool {
		c.Joints[0] = all[k-1]
		return true
	}).Report()
	if r.Counts.Refused != 1 || r.Counts.Clamped < 6 {
		t.Errorf("%+v", r.Counts)
	}
	if d := m.sent[0].Joints[0]; d.Position != 1 || d.Velocity != -10 || d.Torque != 50 {
		t.Errorf("%+v", d)
	}
	for k, c := range m.sent {
		w := 1e-6 * float64(k+1)
		d := c.Joints[0]
		if asked := d.Kp*(d.Position-w) + d.Kd*(d.Velocity+w) + d.Torque; math.Abs(asked) > 50+1e-9 || !(math.Abs(asked) > 0) {
			t.Errorf("command %d asks for %g Nm: %+v", k, asked, d)
		}
	}
	if m.sent[2].Joints[0] != m.sent[1].Joints[0] {
		t.Errorf("NaN is followed by %+v", m.sent[2].Joints[0])
	}
}

// codes are reasons as programs are told of them.
var codes = map[string]string{
	"sensor of knee": "no_sensor knee", "sensor of hip": "no_sensor hip", "unit imu": "no_unit imu", "no sensors": "blind",
	"95 °C": "hot hip", "105 °C": "hot hip", "hip is at 1.20": "beyond hip", "hip is": "beyond hip", "the stop failed": "beyond hip",
	"": "no_body", "hip turns": "too_fast hip", "tilted by 46°": "falls", "115°/s": "falls", "hands touch": "touches",
}

// TestStops lets things go wrong from tick 10 on, at 100 Hz.
func TestStops(t *testing.T) {
	nan := math.NaN()
	tilted := func(angle float64) [4]float64 { return [4]float64{math.Cos(angle / 2), math.Sin(angle / 2)} }
	for _, c := range []struct {
		name   string
		sense  func(s *body.Sensors) error
		config Config
		modes  map[int]Mode // by tick
		reason string
	}{
		{"nothing", nil, stops, map[int]Mode{9: Running, 30: Running}, ""},
		{"NaN for a joint", func(s *body.Sensors) error { s.Joints[1].Velocity = nan; return nil }, stops, map[int]Mode{10: Running, 11: Kneeling}, "sensor of knee"},
		{"NaN for a unit", func(s *body.Sensors) error { s.Units[0].Acceleration[1] = nan; return nil }, stops, map[int]Mode{10: Running, 11: Kneeling}, "unit imu"},
		{"no rotation", func(s *body.Sensors) error { s.Units[0].Orientation = [4]float64{}; return nil }, stops, map[int]Mode{10: Running, 11: Kneeling}, "unit imu"},
		{"stuck", func(s *body.Sensors) error {
			s.Joints[0] = body.Measured{Position: 0.01, Temperature: 30}
			return nil
		}, stops, map[int]Mode{14: Running, 15: Kneeling}, "sensor of hip"},
		{"no sensors", func(*body.Sensors) error { return body.ErrStale }, stops, map[int]Mode{10: Running, 11: Kneeling}, "no sensors"},
		{"warm", func(s *body.Sensors) error { s.Joints[0].Temperature = 95 + s.Joints[0].Position; return nil }, stops, map[int]Mode{9: Running, 10: Standing, 30: Standing}, "95 °C"},
		{"hot", func(s *body.Sensors) error { s.Joints[0].Temperature = 105 + s.Joints[0].Position; return nil }, stops, map[int]Mode{9: Running, 10: Kneeling}, "105 °C"},
		{"beyond its range", func(s *body.Sensors) error { s.Joints[0].Position += 1.2; return nil }, stops, map[int]Mode{9: Running, 10: Standing}, "hip is at 1.20"},
		{"too fast", func(s *body.Sensors) error { s.Joints[0].Velocity -= 13; return nil }, stops, map[int]Mode{9: Running, 10: Standing}, "hip turns"},
		{"tilted far", func(s *body.Sensors) error { s.Units[0].Orientation = tilted(0.8); return nil }, stops, map[int]Mode{9: Running, 10: Kneeling}, "tilted by 46°"},
		{"tilting fast", func(s *body.Sensors) error {
			s.Units[0].Orientation, s.Units[0].Angular[0] = tilted(0.3), 2
			return nil
		}, stops, map[int]Mode{9: Running, 10: Kneeling}, "115°/s"},
		{"tilting back", func(s *body.Sensors) error {
			s.Units[0].Orientation, s.Units[0].Angular[0] = tilted(0.6), -2+s.Units[0].Angular[0]
			return nil
		}, stops, map[int]Mode{9: Running, 30: Running}, ""},
		{"hands touch", func(s *body.Sensors) error { s.Joints[0].Position = 0.5; return nil }, Config{Stance: pose(0.3), Touching: func(s *body.Sensors) string {
			if s.Joints[0].Position == 0.5 {
				return "hands touch"
			}
			return ""
		}}, map[int]Mode{9: Running, 10: Standing, 30: Standing}, "hands touch"},
		{"a kneel takes its time", func(*body.Sensors) error { return body.ErrStale }, Config{Kneel: pose(0.6), KneelFor: 100 * time.Millisecond}, map[int]Mode{11: Kneeling, 20: Kneeling, 30: Damping}, "no sensors"},
		{"a kneel is held", func(s *body.Sensors) error {
			if s.Sequence < 15 {
				return body.ErrStale
			}
			return nil
		}, Config{Kneel: pose(0.6), KneelFor: 100 * time.Millisecond}, map[int]Mode{12: Kneeling, 22: Kneeling, 30: Kneeling}, "no sensors"},
		{"no stance", func(s *body.Sensors) error { s.Joints[0].Position += 1.2; return nil }, Config{Kneel: pose(0.6)}, map[int]Mode{10: Kneeling}, "hip is"},
		{"no stop", func(s *body.Sensors) error { s.Joints[0].Position += 1.2; return nil }, Config{}, map[int]Mode{9: Running, 10: Damping}, "hip is"},
		{"a stance that fails", func(s *body.Sensors) error { s.Joints[0].Position += 1.2; return nil }, Config{Stance: broken{}, Kneel: pose(0.6)}, map[int]Mode{9: Running, 10: Kneeling}, "the stop failed"},
		{"stops that fail", func(s *body.Sensors) error { s.Joints[0].Position += 1.2; return nil }, Config{Stance: broken{}, Kneel: pose(nan)}, map[int]Mode{9: Running, 10: Damping}, "the stop failed"},
	} {
		m := newMachine(30, func(k int, s *body.Sensors) error {
			if k < 10 || c.sense == nil {
				return nil
			}
			return c.sense(s)
		})
		r := run(t, m, c.config, nil).Report()
		for k, want := range c.modes {
			if got := m.mode(k); got != want {
				t.Errorf("%s: at tick %d %v instead of %v (%s)", c.name, k, got, want, r.Reason)
			}
		}
		if !strings.Contains(r.Reason, c.reason) {
			t.Errorf("%s: %q", c.name, r.Reason)
		}
		if got := strings.TrimSpace(string(r.Code) + " " + r.Of); got != codes[c.reason] {
			t.Errorf("%s: %q is %q to programs, not %q", c.name, r.Reason, got, codes[c.reason])
		}
	}
}

// broken is a stop with a fault.
type broken struct{}

func (broken) Control(*body.Sensors, *body.Command) error { panic("of no use") }

// TestBridged bridges faults that pass.
func TestBridged(t *testing.T) {
	m := newMachine(40, func(k int, s *body.Sensors) error {
		if k%10 == 0 {
			s.Joints[0].Position = math.NaN()
		}
		if k%10 == 5 {
			return body.ErrStale
		}
		return nil
	})
	r := run(t, m, stops, nil).Report()
	if r.Counts.Faulty != 4 || r.Counts.Stale != 4 || m.mode(40) != Running {
		t.Errorf("%+v, %v", r, m.mode(40))
	}
}

// TestSilent stops a robot whose controller says only what cannot be followed.
func TestSilent(t *testing.T) {
	m := newMachine(30, nil)
	r := run(t, m, stops, func(k int, c *body.Command, _ *Supervisor) bool {
		if k >= 10 {
			c.Joints[1].Kp = math.Inf(1)
		}
		return true
	}).Report()
	if m.mode(9) != Running || m.mode(10) != Running || m.mode(11) != Standing || m.mode(30) != Standing || !strings.Contains(r.Reason, "silent") && !strings.Contains(r.Reason, "gone") {
		t.Errorf("%v, %+v", m.mode(11), r)
	}
}

// TestButton presses the button three times, and goes on after the first.
func TestButton(t *testing.T) {
	m := newMachine(60, nil)
	resumed := error(nil)
	run(t, m, stops, func(k int, _ *body.Command, s *Supervisor) bool {
		switch k {
		case 10, 30, 40, 50:
			s.Stop("the button")
		case 20:
			if err := s.Resume(); err != nil {
				t.Error(err)
			}
		case 45:
			resumed = s.Resume()
		}
		return true
	})
	for k, want := range map[int]Mode{9: Running, 12: Standing, 18: Standing, 25: Running, 33: Standing, 43: Kneeling, 49: Kneeling, 54: Damping, 60: Damping} {
		if got := m.mode(k); got != want {
			t.Errorf("at tick %d %v instead of %v", k, got, want)
		}
	}
	if resumed == nil {
		t.Error("it resumes from a kneel")
	}
}
