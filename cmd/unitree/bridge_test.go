package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/wire"
)

// memory is a bus within this process, on whose other side the test is the machine. It
// keeps all commands, so that nothing depends on how fast the test reads them.
type memory struct {
	states   chan lowState
	mu       sync.Mutex
	commands []lowCommand
	news     chan struct{}
}

func (m *memory) met() bool { return true }

func (m *memory) send(message any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commands = append(m.commands, *message.(*lowCommand))
	wire.Ring(m.news)
	return nil
}

// sent is how many commands wait.
func (m *memory) sent() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.commands)
}

// next waits for the next command.
func (m *memory) next() lowCommand {
	for m.sent() == 0 {
		<-m.news
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.commands[0]
	m.commands = m.commands[1:]
	return c
}

func (m *memory) receive(message any) (bool, error) {
	select {
	case *message.(*lowState) = <-m.states:
		return true, nil
	case <-time.After(time.Millisecond):
		return false, nil
	}
}

func (m *memory) close() {}

// start runs a bridge to a machine that the test is.
func start(t *testing.T, lockstep bool) (*memory, *machine, *body.Link) {
	t.Helper()
	info, err := describe(humanoid.Own())
	if err != nil {
		t.Fatal(err)
	}
	info.Lockstep = lockstep
	l, err := wire.Listen("unix:" + filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{info, count(29)}
	bus := &memory{states: make(chan lowState), news: make(chan struct{}, 1)}
	b := newBridge(m, bus, l, 500, io.Discard)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.run(ctx) }()
	link, err := body.Dial("unix:"+l.Addr().String(), 250)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		b.controls.Close()
		link.Close()
	})
	return bus, m, link
}

// show sends a state as the machine.
func (m *memory) show(of *machine, at time.Duration, spoil bool) {
	s := of.info.NewSensors()
	s.Time, s.Units[0].Orientation[0], s.Joints[3].Position = at, 1, 0.5
	var state lowState
	state.sense(s, of.motors, 9)
	if spoil {
		state.CRC++
	}
	m.states <- state
}

// TestBridge passes states and commands in lockstep: every second state, because the
// machine's are twice as many as the controller's ticks.
func TestBridge(t *testing.T) {
	bus, m, link := start(t, true)
	s, c := link.Info().NewSensors(), link.Info().NewCommand()
	c.Joints[4] = body.Drive{Position: 0.25, Velocity: 1, Kp: 20, Kd: 2, Torque: -3}
	for k := range 20 {
		at := time.Duration(4*k) * time.Millisecond
		bus.show(m, at, false)
		bus.show(m, at, true) // damaged: it does not count
		bus.show(m, at+2*time.Millisecond, false)
		if err := link.Receive(s); err != nil {
			t.Fatal(err)
		}
		if s.Sequence != uint64(k+1) || s.Time != at+2*time.Millisecond || s.Joints[3].Position != 0.5 || s.Units[0].Orientation[0] != 1 || (s.Status == body.Held) != (k == 0) {
			t.Fatalf("tick %d: %+v", k, s)
		}
		if err := link.Send(c); err != nil {
			t.Fatal(err)
		}
		got := bus.next()
		if want := (motorCommand{Mode: 1, Q: 0.25, DQ: 1, Kp: 20, Kd: 2, Tau: -3}); got.Motors[4] != want || got.ModeMachine != 9 || got.CRC != checksum(&got) || got.Motors[29] != (motorCommand{}) {
			t.Fatalf("tick %d: %+v", k, got)
		}
	}
}

// TestBrakes has the machine brake when commands become stale, and when the controller
// leaves; before the first command it is told nothing.
func TestBrakes(t *testing.T) {
	bus, m, link := start(t, false)
	go func() {
		for k := range time.Duration(1 << 40) {
			var state lowState
			s := m.info.NewSensors()
			s.Time = 2 * k * time.Millisecond
			state.sense(s, m.motors, 9)
			select {
			case bus.states <- state:
			case <-t.Context().Done():
				return
			}
		}
	}()
	receive := func(status body.Status) {
		t.Helper()
		s := link.Info().NewSensors()
		for err := body.ErrStale; err != nil || s.Status != status; err = link.Receive(s) {
			if err != nil && err != body.ErrStale {
				t.Fatal(err)
			}
		}
	}
	told := func(kp float32) {
		t.Helper()
		for {
			if m := bus.next().Motors[3]; m.Kp == kp && (kp > 0 || m.Kd > 0) {
				return
			}
		}
	}
	receive(body.Held)
	if n := bus.sent(); n != 0 {
		t.Fatalf("nobody has commanded, and %d commands are sent", n)
	}
	c := link.Info().NewCommand()
	c.Joints[3].Kp = 50
	for range 2 {
		if err := link.Send(c); err != nil {
			t.Fatal(err)
		}
		told(50)
		told(0)
		receive(body.Damping)
	}
	if err := link.Send(c); err != nil {
		t.Fatal(err)
	}
	told(50)
	link.Close()
	told(0)
}

func TestOptions(t *testing.T) {
	for want, args := range map[string][]string{
		"a rate of 3 Hz":         {"--rate", "3"},
		"DDS domain 300":         {"--domain", "300"},
		"nowhere.xml":            {"--model", "nowhere.xml"},
		"has no motor":           {"--motors", "a,b"},
		"built without Cyclone":  nil,
		"unexpected argument":    {"machine"},
		"no joint has an actuat": {"--model", "testdata/box.xml"},
	} {
		err := run(t.Context(), args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error about %q: %v", want, err)
		}
	}
}
