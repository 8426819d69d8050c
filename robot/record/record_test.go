package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/foxglove"
	"samovar/robot/humanoid"
	"samovar/robot/mcap"
	"samovar/robot/mechanism"
	"samovar/robot/ros"
	"samovar/robot/safety"
)

var feet = [2]string{"left_ankle_roll_link", "right_ankle_roll_link"}

// describe is our own humanoid as its body describes itself.
func describe() *body.Info {
	m := humanoid.Own()
	i := &body.Info{Version: 1, Model: "own", Rate: 250, Stale: 20 * time.Millisecond}
	for _, name := range humanoid.Joints {
		i.Joints = append(i.Joints, body.Joint{Name: name, Range: [2]float64{-3, 3}, Torque: [2]float64{-50, 50}})
	}
	for _, s := range m.Sites {
		if strings.HasPrefix(s.Name, "imu") {
			i.Units = append(i.Units, body.Unit{Name: s.Name, Body: m.Bodies[s.Body].Name, Position: s.Position, Orientation: s.Orientation})
		}
	}
	return i
}

// run is some ticks with what a controller would know, the same for the same seed.
type run struct {
	info     *body.Info
	state    *mechanism.State
	sensors  []*body.Sensors
	commands []*body.Command
}

func newRun(ticks int) *run {
	random := rand.New(rand.NewPCG(1, 2))
	r := &run{info: describe(), state: mechanism.NewState(humanoid.Own())}
	for k := range ticks {
		s, c := r.info.NewSensors(), r.info.NewCommand()
		s.Sequence, s.Time, s.Status = uint64(k+1), time.Duration(k)*4*time.Millisecond, body.Status(k%3)
		s.Battery = random.Float64()
		for i := range s.Units {
			s.Units[i] = body.Inertial{Orientation: mechanism.Quaternion{random.NormFloat64(), 1, 2, 3}, Angular: mechanism.Vector{random.NormFloat64(), math.Copysign(0, -1), 5}, Acceleration: mechanism.Vector{1, 2, random.NormFloat64()}}
		}
		for i := range s.Joints {
			s.Joints[i] = body.Measured{Position: random.NormFloat64(), Velocity: random.NormFloat64(), Torque: random.NormFloat64(), Temperature: 25 + random.Float64()}
			c.Joints[i] = body.Drive{Position: random.NormFloat64(), Velocity: random.NormFloat64(), Kp: random.Float64(), Kd: random.Float64(), Torque: random.NormFloat64()}
		}
		s.Joints[3].Position = math.Float64frombits(0x7ff8000000000042) // a sensor that is broken
		r.sensors, r.commands = append(r.sensors, s), append(r.commands, c)
	}
	return r
}

func (r *run) config(sinks ...Sink) Config {
	return Config{Info: r.info, Model: r.state.Model, Feet: feet, Wait: true, Sinks: sinks, About: map[string]string{"seed": "1"}}
}

// play records the run; every seventh tick has no command.
func (r *run) play(to *Recorder) {
	view := balance.View{Centre: mechanism.Vector{0, 0, 0.7}, Forces: [2]mechanism.Vector{{0, 0, 170}, {1, 2, 170}}}
	contacts := [2]estimate.Contact{{Force: mechanism.Vector{0, 0, 171}}, {Force: mechanism.Vector{0, 0, 0.1}}}
	for k, s := range r.sensors {
		t := Tick{Sensors: s, Command: r.commands[k], State: r.state, Contacts: &contacts, View: &view, Report: &safety.Report{}}
		if k%7 == 6 {
			t.Command = nil
		}
		if k > 50 {
			t.Report.Mode, t.Report.Reason = safety.Standing, "the button"
			view.Phase, view.Foot = balance.Swinging, 1
		}
		to.Tick(t)
		if k%50 == 0 {
			to.Beat(s.Time, Beat{Number: k / 50, Downbeat: k%200 == 0, Tempo: 120, Confidence: 0.5})
			to.Text(s.Time, "/move", fmt.Sprint("move ", k/50))
		}
	}
	to.Log(r.sensors[len(r.sensors)-1].Time, Info, "it is over")
}

// recorded is the run as a file.
func recorded(t testing.TB, r *run) []byte {
	t.Helper()
	var out bytes.Buffer
	f, err := File(&out)
	if err != nil {
		t.Fatal(err)
	}
	to, err := New(r.config(f))
	if err != nil {
		t.Fatal(err)
	}
	r.play(to)
	if err := errors.Join(to.Close(), to.Close()); err != nil {
		t.Fatal(err)
	}
	if n := to.Dropped(); n > 0 {
		t.Errorf("%d are left out", n)
	}
	to.Tick(Tick{Sensors: r.sensors[0]}) // too late, and no harm
	return out.Bytes()
}

// bits is all of sensors and command, so that a NaN equals itself.
func bits(s *body.Sensors, c *body.Command) string {
	var b strings.Builder
	fmt.Fprint(&b, s.Sequence, s.Time, s.Status, math.Float64bits(s.Battery))
	for _, u := range s.Units {
		for _, all := range [][]float64{u.Orientation[:], u.Angular[:], u.Acceleration[:]} {
			for _, v := range all {
				fmt.Fprintf(&b, " %x", math.Float64bits(v))
			}
		}
	}
	for _, m := range s.Joints {
		fmt.Fprintf(&b, " %x %x %x %x", math.Float64bits(m.Position), math.Float64bits(m.Velocity), math.Float64bits(m.Torque), math.Float64bits(m.Temperature))
	}
	if c != nil {
		for _, d := range c.Joints {
			fmt.Fprintf(&b, " %x %x %x %x %x", math.Float64bits(d.Position), math.Float64bits(d.Velocity), math.Float64bits(d.Kp), math.Float64bits(d.Kd), math.Float64bits(d.Torque))
		}
	}
	return b.String()
}

// TestReplay holds sensors and commands to every bit, and two recordings of the same to
// each other.
func TestReplay(t *testing.T) {
	r := newRun(120)
	data := recorded(t, r)
	if !bytes.Equal(data, recorded(t, r)) {
		t.Error("the same run is recorded in two ways")
	}
	p, err := Open(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if !reflect.DeepEqual(p.Info(), r.info) || p.About()["seed"] != "1" {
		t.Errorf("the body is %+v, about it: %v", p.Info(), p.About())
	}
	s, c := &body.Sensors{}, &body.Command{}
	for k := range r.sensors {
		commanded, err := p.Next(s, c)
		if err != nil {
			t.Fatal(err)
		}
		got, want := bits(s, nil), bits(r.sensors[k], nil)
		if commanded {
			got, want = bits(s, c), bits(r.sensors[k], r.commands[k])
		}
		if got != want || commanded != (k%7 != 6) {
			t.Fatalf("tick %d, commanded %v:\n%s\nwas\n%s", k, commanded, got, want)
		}
		q := make([]float64, r.state.Model.NQ)
		if ok, err := p.Place(r.state.Model, q); !ok || err != nil || !slices.Equal(q[:7], r.state.Q[:7]) || q[7] != s.Joints[0].Position {
			t.Fatalf("tick %d is at %v, %v %v", k, q[:8], ok, err)
		}
	}
	if _, err := p.Next(s, c); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

// TestKilled cuts a recording off: what is there is replayed, and that it is cut is said.
func TestKilled(t *testing.T) {
	r := newRun(1000) // 4 s
	data := recorded(t, r)
	data = data[:len(data)*3/4]
	p, err := Open(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s, c := &body.Sensors{}, &body.Command{}
	n := 0
	for err == nil {
		if _, err = p.Next(s, c); err == nil {
			n++
		}
	}
	if n < 250 || n > 800 || !errors.Is(err, mcap.ErrCut) {
		t.Errorf("%d ticks, %v", n, err)
	}
}

// message is one of a recording, decoded as far as the test wants it.
type message struct {
	topic, kind string
	at          uint64
	data        []byte
}

func messages(t *testing.T, data []byte) (all []message, from *mcap.Reader) {
	t.Helper()
	from, err := mcap.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	for {
		m, err := from.Next()
		if err == io.EOF {
			return all, from
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, message{m.Channel.Topic, m.Channel.Schema.Name, m.Logged, bytes.Clone(m.Data)})
	}
}

func decode[M any, P interface {
	*M
	ros.Message
}](t *testing.T, m message) M {
	t.Helper()
	var v M
	if err := ros.Decode(m.data, P(&v)); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTopics(t *testing.T) {
	all, from := messages(t, recorded(t, newRun(120)))
	counts := map[string]int{}
	first := map[string]message{}
	last := map[string]message{}
	for _, m := range all {
		if counts[m.topic]++; counts[m.topic] == 1 {
			first[m.topic] = m
		}
		last[m.topic] = m
	}
	// 120 ticks at 250 Hz; a scene each 5 ticks.
	want := map[string]int{
		"/joint_states": 120, "/imu": 120, "/imu/imu_in_torso": 120, "/body_state": 120, "/joint_commands": 120 - 17, "/tf": 24, "/tf_static": 1, "/robot": 1,
		"/balance": 24, "/wrench/left_ankle_roll_link": 24, "/wrench/right_ankle_roll_link": 24, "/centre_of_mass": 24, "/capture_point": 24,
		"/centre_of_pressure": 24, "/support_polygon": 24, "/forces": 24, "/diagnostics": 2, "/rosout": 2, "/beat": 3, "/move": 3,
	}
	if !reflect.DeepEqual(counts, want) {
		t.Errorf("messages %v\nexpected %v", counts, want)
	}
	if got := from.Metadata[endMetadata]; got["dropped"] != "0" {
		t.Errorf("at the end it says %v", got)
	}
	d := decode[ros.DiagnosticArray](t, last["/diagnostics"])
	if s := d.Status[0]; s.Level != ros.Warn || s.Message != "standing: the button" || last["/diagnostics"].at != 51*4_000_000 {
		t.Errorf("diagnosis %+v at %d", d, last["/diagnostics"].at)
	}
	if l := decode[ros.Log](t, first["/rosout"]); l.Level != ros.LogWarn || l.Msg != "the robot is standing: the button" {
		t.Errorf("log %+v", l)
	}
	if b := decode[ros.Beat](t, last["/beat"]); b.Number != 2 || b.Downbeat || b.Tempo != 120 || b.Header.Stamp != ros.At(100*4_000_000) {
		t.Errorf("beat %+v", b)
	}
	if s := decode[ros.String](t, last["/move"]); s.Data != "move 2" {
		t.Errorf("move %+v", s)
	}
	if p := decode[ros.PolygonStamped](t, first["/support_polygon"]); len(p.Polygon.Points) < 4 {
		t.Errorf("two soles are %+v", p)
	}
	both, one := width(decode[ros.PolygonStamped](t, first["/support_polygon"])), width(decode[ros.PolygonStamped](t, last["/support_polygon"]))
	if math.Abs(both-0.28) > 1e-6 || math.Abs(one-0.08) > 1e-6 { // hips 0.2 m apart, soles 0.08 m wide
		t.Errorf("the support is %v m wide on two feet and %v m on one", both, one)
	}
	if a := decode[ros.MarkerArray](t, first["/forces"]); len(a.Markers) != 4 || a.Markers[2].Action != ros.Delete || a.Markers[0].Action != ros.Add {
		t.Errorf("forces %+v", a)
	}
	w := decode[ros.WrenchStamped](t, first["/wrench/left_ankle_roll_link"])
	// The sole's middle is 0.035 m before the ankle, where the frame is.
	if w.Wrench.Force.Z != 171 || math.Abs(w.Wrench.Torque.Y+0.035*171) > 1e-9 {
		t.Errorf("wrench %+v", w)
	}
}

func width(p ros.PolygonStamped) float64 {
	least, most := math.Inf(1), math.Inf(-1)
	for _, q := range p.Polygon.Points {
		least, most = min(least, float64(q.Y)), max(most, float64(q.Y))
	}
	return most - least
}

// TestFrames follows the tree of frames to every body, and compares with where it is.
func TestFrames(t *testing.T) {
	r := newRun(1)
	copy(r.state.Q, []float64{0.3, -0.2, 0.8, 0.9, 0.1, -0.3, 0.2})
	for i := 7; i < len(r.state.Q); i++ {
		r.state.Q[i] = 0.3 * math.Sin(float64(i))
	}
	all, _ := messages(t, recorded(t, r))
	type place struct {
		parent string
		ros.Transform
	}
	tree := map[string]place{}
	var shapes ros.MarkerArray
	for _, m := range all {
		switch m.topic {
		case "/tf", "/tf_static":
			for _, f := range decode[ros.TFMessage](t, m).Transforms {
				if _, ok := tree[f.ChildFrameID]; ok {
					t.Errorf("frame %s is there twice", f.ChildFrameID)
				}
				tree[f.ChildFrameID] = place{f.Header.FrameID, f.Transform}
			}
		case "/robot":
			shapes = decode[ros.MarkerArray](t, m)
		}
	}
	r.state.Update()
	model := r.state.Model
	for i := 1; i < len(model.Bodies); i++ {
		at, turn := mechanism.Vector{}, mechanism.Quaternion{1}
		for name := model.Bodies[i].Name; name != world; name = tree[name].parent {
			p, ok := tree[name]
			if !ok {
				t.Fatalf("frame %s hangs on nothing", name)
			}
			q := mechanism.Quaternion{p.Rotation.W, p.Rotation.X, p.Rotation.Y, p.Rotation.Z}
			at = q.Rotate(at).Add(mechanism.Vector{p.Translation.X, p.Translation.Y, p.Translation.Z})
			turn = q.Mul(turn)
		}
		if off := at.Sub(r.state.Position(i)).Norm(); off > 1e-12 {
			t.Errorf("%s is off by %v m", model.Bodies[i].Name, off)
		}
		if off := turn.Conjugate().Mul(r.state.Orientation(i)).Vector().Norm(); off > 1e-12 {
			t.Errorf("%s is turned by %v", model.Bodies[i].Name, off)
		}
	}
	if _, ok := tree["imu_in_pelvis"]; !ok || len(tree) != len(model.Bodies)-1+2 {
		t.Errorf("%d frames for %d bodies and 2 inertial units", len(tree), len(model.Bodies)-1)
	}
	seen := map[string]bool{}
	for _, m := range shapes.Markers {
		if seen[m.Header.FrameID] = true; !m.FrameLocked || m.Color.A == 0 || m.Scale.X <= 0 || m.Scale.Y <= 0 || m.Scale.Z <= 0 {
			t.Errorf("a shape that is not seen: %+v", m)
		}
	}
	if len(seen) != len(model.Bodies)-1 || seen[world] {
		t.Errorf("%d of %d bodies have shapes", len(seen), len(model.Bodies)-1)
	}
}

// TestBones draws a model of meshes.
func TestBones(t *testing.T) {
	m := humanoid.Own()
	for i := range m.Geoms {
		m.Geoms[i].Shape = mechanism.Mesh
	}
	names := make([]string, len(m.Bodies))
	bones := shapes(m, names)
	if len(bones) < 15 {
		t.Errorf("%d bones", len(bones))
	}
	for _, b := range bones {
		p, q := b.Pose.Position, b.Pose.Orientation
		at := mechanism.Vector{p.X, p.Y, p.Z}
		up := mechanism.Quaternion{q.W, q.X, q.Y, q.Z}.Rotate(mechanism.Vector{0, 0, 1})
		if off := up.Cross(at).Norm(); off > 1e-9 || math.Abs(b.Scale.Z-2*at.Norm()) > 1e-9 {
			t.Errorf("a bone lies beside its ends: %+v", b)
		}
	}
}

// stuck is a sink that waits, and counts.
type stuck struct {
	gate      chan struct{}
	messages  int
	described map[string]map[string]string
}

func (s *stuck) Describe(name string, v map[string]string) error {
	s.described[name] = v
	return nil
}
func (s *stuck) Channel(uint16, Channel) error { return nil }
func (s *stuck) Message(uint16, uint64, []byte) error {
	<-s.gate
	s.messages++
	return nil
}
func (s *stuck) Close() error { return nil }

// TestBusy records into a sink that stands still: no tick waits, and what is left out is
// counted and told.
func TestBusy(t *testing.T) {
	r := newRun(100)
	s := &stuck{gate: make(chan struct{}), described: map[string]map[string]string{}}
	c := r.config(s)
	c.Wait, c.Room = false, 10
	to, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for k := range r.sensors {
		to.Tick(Tick{Sensors: r.sensors[k]})
	}
	if n := to.Dropped(); n < 89 || n > 90 {
		t.Errorf("%d of 100 are left out with room for 10", n)
	}
	close(s.gate)
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	// 4 messages a tick, and the line that says how many are missing.
	if kept := 100 - int(to.Dropped()); s.messages != 4*kept+1 || s.described[endMetadata]["dropped"] != fmt.Sprint(to.Dropped()) {
		t.Errorf("%d messages of %d ticks, at the end: %v", s.messages, kept, s.described[endMetadata])
	}
}

// broken is a sink that fails.
type broken struct{ Sink }

var errBroken = errors.New("no space left")

func (broken) Message(uint16, uint64, []byte) error { return errBroken }

// TestBroken has a sink that fails: the others go on, and Close tells.
func TestBroken(t *testing.T) {
	var a, b bytes.Buffer
	bad, err := File(&a)
	if err != nil {
		t.Fatal(err)
	}
	good, err := File(&b)
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(20)
	to, err := New(r.config(broken{bad}, good))
	if err != nil {
		t.Fatal(err)
	}
	r.play(to)
	if err := to.Close(); !errors.Is(err, errBroken) {
		t.Error(err)
	}
	if !bytes.Equal(b.Bytes(), recorded(t, r)) {
		t.Error("the other file suffers")
	}
}

// TestAllocations holds the control loop to no allocation; the other goroutine, whose
// own would be counted, is kept waiting.
func TestAllocations(t *testing.T) {
	r := newRun(2)
	s := &stuck{gate: make(chan struct{}), described: map[string]map[string]string{}}
	c := r.config(s)
	c.Room = 2000
	to, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	defer close(s.gate)
	view, contacts, report := balance.View{}, [2]estimate.Contact{}, safety.Report{}
	tick := func() {
		to.Tick(Tick{r.sensors[0], r.commands[0], r.state, &contacts, &view, &report})
		to.Beat(0, Beat{})
		to.Text(0, "/move", "a")
		to.Log(0, Info, "a")
	}
	if n := testing.AllocsPerRun(400, tick); n > 0 || to.Dropped() > 0 {
		t.Errorf("a tick allocates %v times, %d are left out", n, to.Dropped())
	}
}

// TestConcurrent records from several goroutines while it is closed.
func TestConcurrent(t *testing.T) {
	r := newRun(50)
	f, err := File(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	to, err := New(r.config(f))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() { r.play(to) })
	}
	wait.Go(func() { to.Close() })
	wait.Wait()
	if err := to.Close(); err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	r := newRun(1)
	for _, tt := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Info = nil }, "its body does not say what it is"},
		{func(c *Config) { c.Feet[0] = "hoof" }, `no body "hoof"`},
	} {
		c := r.config()
		tt.change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, expected %q", err, tt.want)
		}
	}
	var foreign bytes.Buffer
	w, err := mcap.NewWriter(&foreign, mcap.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(&foreign); err == nil || !strings.Contains(err.Error(), "does not say which body") {
		t.Error(err)
	}
	if _, err := Open(strings.NewReader("x")); !errors.Is(err, mcap.ErrCut) {
		t.Error(err)
	}
}

// TestShow shows a recording again: the same messages on the same topics.
func TestShow(t *testing.T) {
	data := recorded(t, newRun(30))
	var again bytes.Buffer
	f, err := File(&again)
	if err != nil {
		t.Fatal(err)
	}
	if err := Show(t.Context(), bytes.NewReader(data), 0, f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	was, _ := messages(t, data)
	is, _ := messages(t, again.Bytes())
	if !reflect.DeepEqual(was, is) {
		t.Errorf("%d messages became %d", len(was), len(is))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Show(ctx, bytes.NewReader(data), 1e-6); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestLive shows a recording twice to a client: each channel is there once, and what is
// latched reaches a client that comes late.
func TestLive(t *testing.T) {
	r := newRun(30)
	data := recorded(t, r)
	server := foxglove.New(foxglove.Config{})
	h := httptest.NewServer(server)
	defer h.Close()
	defer server.Close()
	sink := Live(server)
	for range 2 {
		if err := Show(t.Context(), bytes.NewReader(data), 0, sink); err != nil {
			t.Fatal(err)
		}
	}
	conn, _, err := websocket.Dial(t.Context(), h.URL, &websocket.DialOptions{Subprotocols: []string{"foxglove.websocket.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	var told struct {
		Channels []struct {
			ID    uint32 `json:"id"`
			Topic string `json:"topic"`
		} `json:"channels"`
	}
	robot := uint32(0)
	for robot == 0 {
		_, text, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &told); err != nil {
			t.Fatal(err)
		}
		for _, c := range told.Channels {
			if c.Topic == "/robot" {
				robot = c.ID
			}
		}
	}
	if len(told.Channels) != 20 {
		t.Errorf("%d channels: %v", len(told.Channels), told.Channels)
	}
	if err := conn.Write(t.Context(), websocket.MessageText, fmt.Appendf(nil, `{"op":"subscribe","subscriptions":[{"id":7,"channelId":%d}]}`, robot)); err != nil {
		t.Fatal(err)
	}
	for {
		kind, b, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if kind != websocket.MessageBinary || b[0] != 1 {
			continue // the time
		}
		var shapes ros.MarkerArray
		if err := ros.Decode(b[13:], &shapes); err != nil || b[1] != 7 || len(shapes.Markers) < 31 {
			t.Errorf("%d shapes, subscription %d, %v", len(shapes.Markers), b[1], err)
		}
		return
	}
}

// TestUnits names topics of inertial units that have no names of their own.
func TestUnits(t *testing.T) {
	i := &body.Info{Units: []body.Unit{{Name: "a"}, {Name: "b c"}, {Name: ""}, {Name: "b c"}}}
	if got := fmt.Sprint(unitTopics(i)); got != "[/imu /imu/b_c /imu/_2 /imu/b_c_3]" {
		t.Error(got)
	}
}

// FuzzReplay replays anything: no panic.
func FuzzReplay(f *testing.F) {
	f.Add(recorded(f, newRun(3)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Open(bytes.NewReader(data))
		if err != nil {
			return
		}
		defer p.Close()
		s, c := &body.Sensors{}, &body.Command{}
		for err == nil {
			_, err = p.Next(s, c)
		}
	})
}

func BenchmarkTick(b *testing.B) {
	r := newRun(250)
	f, err := File(io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	to, err := New(r.config(f))
	if err != nil {
		b.Fatal(err)
	}
	view, contacts, report := balance.View{}, [2]estimate.Contact{}, safety.Report{}
	s := r.info.NewSensors()
	for i := 0; b.Loop(); i++ {
		r.sensors[i%250].CopyTo(s)
		s.Sequence, s.Time = uint64(i+1), time.Duration(i)*4*time.Millisecond
		to.Tick(Tick{s, r.commands[i%250], r.state, &contacts, &view, &report})
	}
	if err := to.Close(); err != nil {
		b.Fatal(err)
	}
}
