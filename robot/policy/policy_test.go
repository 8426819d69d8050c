package policy

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

// small is a manifest of testdata's mlp of package onnx: 9 inputs, 4 outputs.
const small = `
name: small
network: ../onnx/testdata/mlp.onnx
format: onnx
rate: 50
action: {scale: 0.5, clip: 2}
command: {ahead: [-1, 2]}
observation:
  - {term: command, scale: [1, 2, 3]}
  - {term: gravity}
  - {term: angular_velocity, scale: 0.5, clip: 1}
joints:
  - {joint: d, default: 0.1, kp: 10, kd: 1}
  - {joint: b, default: 0.2, kp: 20, kd: 2, scale: 0.25}
  - {joint: c, default: 0.3, kp: 30, kd: 3, held: true}
  - {joint: a, default: 0.4, kp: 40, kd: 4}
held:
  - {joint: e, default: 0.5, kp: 50, kd: 5}
`

// golden is what PyTorch or ONNX Runtime answered; testdata/golden.py made it.
type golden struct {
	Inputs  int         `json:"inputs"`
	Outputs [][]float64 `json:"outputs"`
}

// policies are those of $SAMOVAR_DATA, which are not in this repository.
func policies(t testing.TB) string {
	t.Helper()
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("SAMOVAR_DATA names no folder with robot/policies")
	}
	folder := filepath.Join(data, "robot", "policies")
	if _, err := os.Stat(folder); err != nil {
		t.Skip(err)
	}
	return folder
}

// open reads a manifest of testdata with the network of $SAMOVAR_DATA.
func open(t testing.TB, name string) *Policy {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(policies(t), name, m.Network))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(m, data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestReal runs real policies on made-up observations.
func TestReal(t *testing.T) {
	policies(t)
	text, err := os.ReadFile("testdata/real.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]golden{}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for file, want := range all {
		name := filepath.Dir(file)
		t.Run(name, func(t *testing.T) {
			n := open(t, name).Network
			x, y := make([]float32, n.Inputs()), make([]float32, n.Outputs())
			for step, w := range want.Outputs {
				for i := range x {
					x[i] = float32(1.5 * math.Sin(0.7*float64(i)+1.3*float64(step)+0.1))
				}
				n.Run(y, x)
				e, most := 0.0, 0.0
				for i := range w {
					e, most = max(e, math.Abs(float64(y[i])-w[i])), max(most, math.Abs(w[i]))
				}
				if e > 1e-5*most {
					t.Errorf("observation %d: an error of %.1e", step, e/most)
				}
			}
			if a := testing.AllocsPerRun(10, func() { n.Run(y, x) }); a > 0 {
				t.Errorf("a run allocates %g times", a)
			}
		})
	}
}

// TestManifest changes a manifest so that it does not fit.
func TestManifest(t *testing.T) {
	data, err := os.ReadFile("onnx/testdata/mlp.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"  - {term: gravity}\n", "", "the observation's terms add up to 6 numbers (command 3, angular_velocity 3), and the network takes 9"},
		{"action: {", "history: {frames: 2}\naction: {", "add up to 9 numbers in each of 2 frames"},
		{"  - {joint: a, default: 0.4, kp: 40, kd: 4}\n", "", "the manifest has 3 joints, and the network moves 4"},
		{"joint: b", "joint: d", `joints, "d": it is there twice`},
		{"joint: e", "joint: d", `held, "d": it is there twice`},
		{"term: gravity", "term: gravitas", "observation, term 2, gravitas: it is not known here"},
		{"scale: [1, 2, 3]", "scale: [1, 2]", "observation, term 1, command: 2 factors for 3 numbers"},
		{"term: gravity", "term: gravity, mask: [b]", "only terms of joints have a mask"},
		{"term: gravity", "term: joint_position, mask: ['f*']", `mask "f*" fits no joint`},
		{"term: gravity", "term: sine, offsets: [0, 0, 0]", "there is no gait"},
		{"name: small", "name: ''", "name: it has none"},
		{"rate: 50", "rate: 0", "rate: 0 Hz"},
		{"rate: 50", "rate: fifty", "Rate"},
		{"rate: 50", "pace: 50", `unknown field "pace"`},
		{"kp: 20", "kp: -20", `joints, "b": default 0.2, kp -20`},
		{"kp: 20", "kp: .nan", `joints, "b": default 0.2, kp NaN`},
		{"ahead: [-1, 2]", "ahead: [1, 2]", "command: from 1 to 2: zero must be possible"},
		{"format: onnx", "format: torchscript", "read TorchScript: it is no archive"},
		{"format: onnx", "format: pickle", `format: "pickle" is neither`},
		{"{scale: 0.5, clip: 2}", "{clip: 2}", `joints, "d": neither it nor the action has a scale`},
		{small, "# nothing", "it is empty"},
		{small, "- 1", "sequence was used where mapping is expected"},
	} {
		text := strings.Replace(small, c.from, c.to, 1)
		if text == small {
			t.Fatalf("there is no %q in the manifest", c.from)
		}
		m, err := Parse([]byte(text))
		if err == nil {
			_, err = New(m, data)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q for %q: %v, without %q", c.to, c.from, err, c.want)
		}
	}
}

// TestOpen reads the manifest of a file.
func TestOpen(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "small.yaml")
	network, err := filepath.Abs("onnx/testdata/mlp.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(small, "../onnx/testdata/mlp.onnx", network, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(name, []byte(small), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{name, folder, filepath.Join(folder, "none")} {
		if _, err := Open(name); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// info is a body for the small manifest, with an inertial unit that is turned by 90°
// about z.
func info() *body.Info {
	i := &body.Info{Model: "test", Rate: 200, Stale: 20 * time.Millisecond}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		i.Joints = append(i.Joints, body.Joint{Name: name, Range: [2]float64{-1, 1}, Torque: [2]float64{-100, 100}})
	}
	i.Units = []body.Unit{{Body: "pelvis", Orientation: mechanism.Turn(mechanism.Vector{0, 0, 1}, math.Pi/2)}}
	return i
}

// controller is one of a manifest of the small network.
func controller(t testing.TB, text string, i *body.Info, e *estimate.Estimator) (*Controller, error) {
	t.Helper()
	data, err := os.ReadFile("onnx/testdata/mlp.onnx")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(m, data)
	if err != nil {
		t.Fatal(err)
	}
	return NewController(p, i, e)
}

// TestBody lets the manifest name what the body does not have.
func TestBody(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"joint: e", "joint: f", `body "test" has no joint "f"`},
		{"  - {joint: e, default: 0.5, kp: 50, kd: 5}\n", "", `joint "e" is neither moved nor held`},
		{"default: 0.2", "default: 2", `joint "b": default 2 is beyond its range`},
		{"rate: 50", "rate: 60", "the network runs at 60 Hz and the body at 200"},
		{"rate: 50", "unit: head\nrate: 50", `no inertial unit on "head"`},
		{"term: gravity", "term: velocity", "an estimator is needed"},
	} {
		_, err := controller(t, strings.Replace(small, c.from, c.to, 1), info(), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v, without %q", c.to, c.from, err, c.want)
		}
	}
}

// TestControl follows a controller from its first tick until it has taken over.
func TestControl(t *testing.T) {
	i := info()
	c, err := controller(t, small, i, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Command = Velocity{Ahead: 9, Left: 1, Turn: -1} // only 2 ahead is allowed
	s, to := i.NewSensors(), i.NewCommand()
	s.Units[0] = body.Inertial{Orientation: mechanism.Turn(mechanism.Vector{1, 0, 0}, math.Pi/2), Angular: mechanism.Vector{1, 0, 4}}
	for k := range s.Joints {
		s.Joints[k] = body.Measured{Position: 0.01 * float64(k), Torque: float64(k)}
	}
	want := make([]float32, 4)
	// The unit's x is the body's y. It is rolled so that its y is up: down is its −y,
	// the body's x.
	c.policy.Network.Run(want, []float32{2, 0, 0, 1, 0, 0, 0, 0.5, 0.5})
	tick := func() {
		s.Sequence++
		if err := c.Control(s, to); err != nil {
			t.Fatal(err)
		}
	}
	tick()
	for k, d := range to.Joints {
		if d.Kp != 0 || d.Kd != 0 || d.Torque != s.Joints[k].Torque || d.Position != s.Joints[k].Position {
			t.Errorf("joint %d begins with %+v", k, d)
		}
	}
	for range 100 {
		tick()
	}
	for k, w := range []float64{0.4 + 0.5*float64(want[3]), 0.2 + 0.25*float64(want[1]), 0.3, 0.1 + 0.5*float64(want[0]), 0.5} {
		kp := []float64{40, 20, 30, 10, 50}[k]
		if d := to.Joints[k]; math.Abs(d.Position-w) > 1e-5 || d.Kp != kp || d.Kd != kp/10 || d.Torque != 0 {
			t.Errorf("joint %d ends with %+v instead of position %g, kp %g", k, d, w, kp)
		}
	}
	c.Held[c.drives[2].held] = -0.7
	tick()
	if d := to.Joints[2]; d.Position != -0.7 {
		t.Errorf("the held joint goes to %g", d.Position)
	}
	s.Joints[0].Position = 4 // the drive's law would ask for 40·4 Nm
	tick()
	if d := to.Joints[0]; math.Abs(d.Kp*(d.Position-4)+90) > 1e-9 {
		t.Errorf("a law that asks for %g Nm", d.Kp*(d.Position-4))
	}
	if a := testing.AllocsPerRun(20, func() { tick() }); a > 0 {
		t.Errorf("a tick allocates %g times", a)
	}
	s.Sequence += 1000 // it was elsewhere
	tick()
	if d := to.Joints[1]; d.Kp != 0 {
		t.Errorf("it goes on with %+v", d)
	}
	for range 100 {
		tick()
	}
	if d := to.Joints[1]; d.Kp != 20 {
		t.Errorf("it has not taken over again: %+v", d)
	}
	c.Begin()
	tick()
	if d := to.Joints[1]; d.Kp != 0 {
		t.Errorf("it does not begin: %+v", d)
	}
	s.Units[0].Angular[0] = math.NaN()
	for range c.every {
		s.Sequence++
		err = c.Control(s, to)
	}
	if err == nil || !strings.Contains(err.Error(), "the network answers NaN for joint") {
		t.Errorf("NaN: %v", err)
	}
}

// TestRate counts the runs of the network by its last action.
func TestRate(t *testing.T) {
	i := info()
	c, err := controller(t, small, i, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, to := i.NewSensors(), i.NewCommand()
	s.Units[0].Orientation = mechanism.Quaternion{1}
	runs, last := 0, float32(math.Inf(1))
	for k := range 41 {
		s.Sequence++
		s.Units[0].Angular[0] = 0.01 * float64(k)
		if err := c.Control(s, to); err != nil {
			t.Fatal(err)
		}
		if c.actions[0] != last {
			runs, last = runs+1, c.actions[0]
		}
	}
	if runs != 11 {
		t.Errorf("%d runs in 41 ticks of 5 ms instead of 11", runs)
	}
}

// TestObserve checks what each term is, in both orders of a history.
func TestObserve(t *testing.T) {
	standing := 0.25
	m := &Manifest{
		Rate: 50, Gait: &Gait{Period: 0.08, Standing: &standing}, History: History{2, "term"},
		Joints: []Joint{{Name: "left", Default: 1}, {Name: "right", Default: 2}},
		Observation: []Term{
			{Name: velocity}, {Name: jointPosition, Scale: Scale{2}}, {Name: jointVelocity, Mask: []string{"l*"}}, {Name: lastAction, Clip: 0.5},
			{Name: sine, Offsets: []float64{0, 0.5}}, {Name: cosine, Offsets: []float64{0}},
		},
	}
	now := &sensed{
		sensors: &body.Sensors{Joints: []body.Measured{{Position: 5, Velocity: 7}, {Position: 4, Velocity: 6}}},
		linear:  mechanism.Vector{1, 2, 3}, action: []float32{-9, 0.25}, command: mechanism.Vector{1},
	}
	first := [][]float32{{1, 2, 3}, {6, 6}, {0, 7}, {-0.5, 0.25}, {0, 0}, {1}}
	second := [][]float32{{4, 2, 3}, {6, 6}, {0, 7}, {-0.5, 0.25}, {1, -1}, {0}}
	third := [][]float32{{4, 2, 3}, {6, 6}, {0, 7}, {-0.5, 0.25}, {1, 1}, {0}}
	join := func(by string, frames ...[][]float32) (all []float32) {
		if by == "frame" {
			for _, f := range frames {
				for _, term := range f {
					all = append(all, term...)
				}
			}
			return all
		}
		for k := range frames[0] {
			for _, f := range frames {
				all = append(all, f[k]...)
			}
		}
		return all
	}
	for _, by := range []string{"term", "frame"} {
		m.History.By = by
		o := newObserver(m, []int{1, 0})
		for range 2 {
			now.linear[0], now.command[0] = 1, 1
			near(t, by+", first", o.observe(now), join(by, first, first))
			now.linear[0] = 4
			near(t, by+", second", o.observe(now), join(by, first, second))
			now.command[0] = 0
			near(t, by+", third", o.observe(now), join(by, second, third))
			o.reset()
		}
	}
}

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers instead of %d", what, len(got), len(want))
	}
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > 1e-6 {
			t.Fatalf("%s: %v instead of %v", what, got, want)
		}
	}
}

// TestShipped reads the manifests of testdata, and binds them to our own robot, whose
// joints have the names of G1's.
func TestShipped(t *testing.T) {
	names, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(names) != 3 {
		t.Fatal(err, names)
	}
	joints := map[string]bool{}
	for _, j := range humanoid.Joints {
		joints[j] = true
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := len(m.Joints) + len(m.Held); n != len(joints) {
			t.Errorf("%s has %d joints", name, n)
		}
		for _, j := range append(m.Joints, m.Held...) {
			if !joints[j.Name] {
				t.Errorf("%s: %s is no joint of G1", name, j.Name)
			}
		}
	}
}

// FuzzParse reads whatever comes.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := Parse(text); err == nil {
			for i := range m.Observation {
				m.factors(&m.Observation[i])
			}
		}
	})
}

// BenchmarkRun times a run of each real network.
func BenchmarkRun(b *testing.B) {
	for _, name := range []string{"mujoco_playground_g1", "unitree_rl_gym_g1", "unitree_rl_lab_velocity"} {
		b.Run(name, func(b *testing.B) {
			n := open(b, name).Network
			x, y := make([]float32, n.Inputs()), make([]float32, n.Outputs())
			for i := range x {
				x[i] = float32(math.Sin(float64(i)))
			}
			for b.Loop() {
				n.Run(y, x)
			}
		})
	}
}
