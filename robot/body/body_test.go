package body

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"samovar/robot/mechanism"
	"samovar/robot/wire"
)

func sample() Info {
	return Info{
		Version: wire.Version, Model: "toy", Rate: 100, Stale: StaleAfter(100),
		Joints: []Joint{
			{Name: "hip", Range: [2]float64{-1, 1}, Speed: 10, Torque: [2]float64{-50, 50}},
			{Name: "knee", Range: [2]float64{0, 2}, Torque: [2]float64{-20, 30}},
		},
		Units: []Unit{{Name: "imu", Body: "pelvis", Orientation: mechanism.Quaternion{1}}},
	}
}

func filled(i *Info) *Sensors {
	s := i.NewSensors()
	s.Sequence, s.Time, s.Status, s.Battery = 9, 80*time.Millisecond, Damping, 0.5
	s.Units[0] = Inertial{mechanism.Quaternion{1, 2, 3, 4}, mechanism.Vector{5, 6, 7}, mechanism.Vector{8, 9, 10}}
	s.Joints[0], s.Joints[1] = Measured{11, 12, 13, 14}, Measured{15, 16, 17, math.Inf(1)}
	return s
}

// TestPayloads holds payloads to the order that the protocol's tables say.
func TestPayloads(t *testing.T) {
	i := sample()
	s := filled(&i)
	b := s.append(nil)
	want := wire.Floats(nil, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, math.Inf(1))
	if !bytes.Equal(b, want) || len(b) != i.sensorsSize() {
		t.Errorf("%x", b)
	}
	back := i.NewSensors()
	back.read(s.header(), b)
	if !reflect.DeepEqual(s, back) {
		t.Errorf("%+v", back)
	}
	c := &Command{[]Drive{{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}}}
	b = c.append(nil)
	if !bytes.Equal(b, wire.Floats(nil, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)) || len(b) != i.commandSize() {
		t.Errorf("%x", b)
	}
	d := i.NewCommand()
	d.read(b)
	if !reflect.DeepEqual(c, d) {
		t.Errorf("%+v", d)
	}
}

func TestCheck(t *testing.T) {
	for name, spoil := range map[string]func(*Info){
		"no joints":       func(i *Info) { i.Joints = nil },
		"too many":        func(i *Info) { i.Joints = make([]Joint, 129) },
		"units":           func(i *Info) { i.Units = make([]Unit, 17) },
		"no name":         func(i *Info) { i.Joints[0].Name = "" },
		"a name twice":    func(i *Info) { i.Joints[1].Name = "hip" },
		"range":           func(i *Info) { i.Joints[0].Range = [2]float64{1, 1} },
		"torque":          func(i *Info) { i.Joints[0].Torque = [2]float64{1, 2} },
		"speed":           func(i *Info) { i.Joints[0].Speed = -1 },
		"not finite":      func(i *Info) { i.Joints[0].Torque[1] = math.Inf(1) },
		"rate":            func(i *Info) { i.Rate = 1000 },
		"stale":           func(i *Info) { i.Stale = 0 },
		"place of a unit": func(i *Info) { i.Units[0].Position[0] = math.NaN() },
		"a long name":     func(i *Info) { i.Model = strings.Repeat("x", 300) },
	} {
		i := sample()
		if err := i.Check(); err != nil {
			t.Fatal(err)
		}
		spoil(&i)
		if i.Check() == nil {
			t.Errorf("%s passes", name)
		}
	}
	for name, d := range map[string]Drive{
		"NaN": {Position: math.NaN()}, "infinite": {Torque: math.Inf(-1)}, "negative kp": {Kp: -1}, "negative kd": {Kd: -1},
	} {
		if (&Command{[]Drive{d}}).Check(1) == nil {
			t.Errorf("%s passes", name)
		}
	}
	if (&Command{}).Check(1) == nil {
		t.Error("a command without joints passes")
	}
}

func TestStaleAfter(t *testing.T) {
	for rate, want := range map[int]time.Duration{10: 50, 50: 50, 100: 25, 125: 20, 500: 20} {
		if got := StaleAfter(rate); got != want*time.Millisecond {
			t.Errorf("%d Hz: %v", rate, got)
		}
	}
}

// pair returns both ends of a link to a body.
func pair(t *testing.T, lockstep bool) (*Link, *Session) {
	t.Helper()
	l, err := wire.Listen("unix:" + filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	i := sample()
	i.Lockstep = lockstep
	h := NewHost(l, i, 2*time.Millisecond)
	t.Cleanup(func() { h.Close() })
	link, err := Dial("unix:"+l.Addr().String(), 100)
	if err != nil {
		t.Fatal(err)
	}
	s := <-h.Sessions()
	t.Cleanup(func() { link.Close(); s.Close() })
	return link, s
}

// TestLockstep passes sensors and commands in turn.
func TestLockstep(t *testing.T) {
	link, session := pair(t, true)
	i := link.Info()
	if want := sample(); i.Joints[1] != want.Joints[1] || i.Units[0] != want.Units[0] || !i.Lockstep || i.Period() != 10*time.Millisecond {
		t.Errorf("%+v", i)
	}
	done := make(chan error)
	go func() {
		in, c := i.NewSensors(), i.NewCommand()
		for k := range uint64(100) {
			err := link.Receive(in)
			if (k%10 == 9) != errors.Is(err, ErrStale) {
				done <- err
				return
			}
			c.Joints[0].Position = float64(k + 1)
			if err := link.Send(c); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	s, c := i.NewSensors(), i.NewCommand()
	for k := range uint64(100) {
		if s.Sequence = k + 1; k%10 == 9 {
			session.Miss(s.Sequence, 0)
		} else {
			session.Send(s)
		}
		if err := session.Await(s.Sequence, c); err != nil {
			t.Fatal(err)
		}
		if c.Joints[0].Position != float64(k+1) {
			t.Fatalf("tick %d: %+v", k, c.Joints[0])
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	session.Close()
	if err := link.Receive(s); !errors.Is(err, ErrLost) {
		t.Errorf("after the end: %v", err)
	}
	if err := link.Send(c); !errors.Is(err, ErrLost) {
		t.Errorf("after the end: %v", err)
	}
}

// TestStaleSensors notices that sensors do not come any more while the link lives,
// and again and again.
func TestStaleSensors(t *testing.T) {
	link, session := pair(t, false)
	s := link.Info().NewSensors()
	s.Sequence = 1
	session.Send(s)
	for err := ErrStale; err != nil; err = link.Receive(s) {
		if !errors.Is(err, ErrStale) {
			t.Fatal(err)
		}
	}
	session.Send(s) // the same once more: a sensor that is stuck
	for range 3 {
		if err := link.Receive(s); !errors.Is(err, ErrStale) {
			t.Fatalf("%v instead of stale", err)
		}
	}
	c := link.Info().NewCommand()
	if err := link.Send(c); err != nil {
		t.Fatalf("while sensors are stale: %v", err)
	}
}

// TestRefusedCommands sends what a faulty controller could.
func TestRefusedCommands(t *testing.T) {
	link, session := pair(t, true)
	c := link.Info().NewCommand()
	c.Joints[1].Kp = math.NaN()
	if err := link.Send(c); err == nil {
		t.Error("NaN is sent")
	}
	send := func(sequence uint64) {
		t.Helper()
		if err := link.conn.Write(wire.Header{Kind: wire.Command, Sequence: sequence}, c.append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	send(1) // not finite
	c.Joints[1].Kp = 1
	send(2)
	if err := session.Await(2, c); err != nil {
		t.Fatal(err)
	}
	send(1) // older
	send(3)
	if err := session.Await(3, c); err != nil {
		t.Fatal(err)
	}
	if n := session.Refused(); n != 2 {
		t.Errorf("%d refused", n)
	}
	if err := session.conn.Write(wire.Header{Kind: wire.Sensors}, []byte("?")); err != nil {
		t.Fatal(err)
	}
	if err := link.Receive(link.Info().NewSensors()); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("sensors of a wrong size: %v", err)
	}
}

// TestHandshake refuses whoever is no controller of this version.
func TestHandshake(t *testing.T) {
	l, err := wire.Listen("unix:" + filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	h := NewHost(l, sample(), 2*time.Millisecond)
	defer h.Close()
	address := "unix:" + l.Addr().String()
	for text, fault := range map[string]string{
		`{"version":1,"role":"referee","rate":100}`:      "dialled the address",
		`{"version":2,"role":"controller","rate":100}`:   "version 2",
		`{"version":1,"role":"controller","rate":1000}`:  "choose 10 to 500",
		`{"version":1,"role":"controller","rate":300}`:   "no multiple",
		`{"version":1,"role":"controller","speed":1}`:    "unknown field",
		`{"version":1,"role":"controller","rate":50} {}`: "follows",
		`?`: "invalid character",
	} {
		c, err := wire.Dial(address, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		c.ExpectText(wire.Refusal, wire.Welcome)
		c.Write(wire.Header{Kind: wire.Hello}, []byte(text))
		head, payload, err := c.Next()
		if err != nil || head.Kind != wire.Refusal || !strings.Contains(string(payload), fault) {
			t.Errorf("%s: %v %q %v", text, head.Kind, payload, err)
		}
		c.Close()
	}
	for range 3 { // one at a time, and again after each
		link, err := Dial(address, 50)
		if err != nil {
			t.Fatal(err)
		}
		s := <-h.Sessions()
		if _, err := Dial(address, 50); err == nil || !strings.Contains(err.Error(), "another controller") {
			t.Errorf("two controllers: %v", err)
		}
		link.Close()
		if err := s.Await(1, s.Info.NewCommand()); !errors.Is(err, ErrLost) {
			t.Error(err)
		}
		s.Close()
	}
}

// toy is a body that senses what a test gives it.
type toy struct {
	Body
	info Info
	all  []*Sensors
}

func (b *toy) Info() *Info { return &b.info }

func (b *toy) Receive(s *Sensors) error {
	if len(b.all) == 0 {
		return ErrStale
	}
	b.all[0].CopyTo(s)
	b.all = b.all[1:]
	return nil
}

func (b *toy) Send(c *Command) error { return c.Check(len(b.info.Joints)) }
func (b *toy) Close() error          { return nil }

// TestRecorded records a body and replays it.
func TestRecorded(t *testing.T) {
	b := &toy{info: sample()}
	for k := range 3 {
		s := filled(&b.info)
		s.Sequence, s.Time, s.Joints[0].Position = uint64(k+1), time.Duration(k)*time.Millisecond, float64(k)
		b.all = append(b.all, s)
	}
	all := b.all
	var file bytes.Buffer
	r, err := NewRecorder(b, &file)
	if err != nil {
		t.Fatal(err)
	}
	s, c := b.info.NewSensors(), b.info.NewCommand()
	for k := range 4 {
		if err := r.Receive(s); (k == 3) != errors.Is(err, ErrStale) {
			t.Fatal(err)
		}
		c.Joints[1].Torque = float64(k)
		if err := r.Send(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Replay(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Info(), &b.info) {
		t.Errorf("%+v", again.Info())
	}
	var body Body = again
	for k := range 4 {
		err := body.Receive(s)
		if (k == 3) != errors.Is(err, ErrStale) {
			t.Fatal(err)
		}
		if k < 3 && !reflect.DeepEqual(s, all[k]) {
			t.Errorf("%+v instead of %+v", s, all[k])
		}
		c.Joints[0].Kp = float64(10 + k)
		if err := body.Send(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := body.Receive(s); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	for k := range 4 {
		if again.Then[k].Command.Joints[1].Torque != float64(k) || again.Now[k].Command.Joints[0].Kp != float64(10+k) || again.Now[k].Time != min(time.Duration(k), 2)*time.Millisecond {
			t.Errorf("command %d: %+v, %+v", k, again.Then[k], again.Now[k])
		}
	}
	if body.Close(); !errors.Is(body.Send(c), ErrLost) {
		t.Error("a closed one takes commands")
	}
	if _, err := Replay(bytes.NewReader(file.Bytes()[:100])); err == nil {
		t.Error("half a welcome is a recording")
	}
}

func FuzzReplay(f *testing.F) {
	i := sample()
	text, err := json.Marshal(&i)
	if err != nil {
		f.Fatal(err)
	}
	s := filled(&i)
	b := wire.Append(nil, wire.Header{Kind: wire.Welcome}, text)
	f.Add(b)
	b = wire.Append(b, s.header(), s.append(nil))
	b = wire.Append(b, wire.Header{Kind: wire.Command, Sequence: 9}, i.NewCommand().append(nil))
	f.Add(wire.Append(b, wire.Header{Kind: wire.Missed, Sequence: 10}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Replay(bytes.NewReader(b))
		if err != nil {
			return
		}
		if err := r.Info().Check(); err != nil {
			t.Fatal(err)
		}
		s := r.Info().NewSensors()
		for err == nil || errors.Is(err, ErrStale) {
			err = r.Receive(s)
		}
	})
}

// FuzzHandshake has hellos and welcomes read as the other side could send them.
func FuzzHandshake(f *testing.F) {
	i := sample()
	text, err := json.Marshal(&i)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"role":"controller","rate":50}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := parseHello(b); err == nil && (h.Rate < SlowestRate || h.Rate > FastestRate) {
			t.Errorf("%+v", h)
		}
		if i, err := parseInfo(b); err == nil && i.Check() != nil {
			t.Errorf("%+v", i)
		}
	})
}
