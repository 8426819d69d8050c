package referee

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"samovar/robot/wire"
)

// role is what a referee says it is.
const role = "referee"

type hello struct {
	Version int    `json:"version"`
	Role    string `json:"role"`
}

const (
	greeting = 5 * time.Second
	beat     = 100 * time.Millisecond
	hang     = 5 * time.Second
	waiting  = 4096 // events that may wait to befall
)

// Referee is a link to a simulated body. It belongs to one goroutine.
type Referee struct {
	conn *wire.Conn
	info *Info
	out  []byte
}

// Dial connects to the referee's address of a body.
func Dial(address string) (*Referee, error) {
	c, err := wire.Dial(address, greeting)
	if err != nil {
		return nil, fmt.Errorf("connect to the body's referee at %s: %w", address, err)
	}
	info, err := greet(c)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("connect to the body's referee at %s: %w", address, err)
	}
	c.Beat(beat)
	return &Referee{conn: c, info: info}, nil
}

func greet(c *wire.Conn) (*Info, error) {
	if err := c.Deadline(time.Now().Add(greeting)); err != nil {
		return nil, err
	}
	if err := c.WriteJSON(wire.Hello, hello{wire.Version, role}); err != nil {
		return nil, err
	}
	c.ExpectText(wire.Welcome, wire.Refusal)
	h, payload, err := c.Next()
	if err != nil {
		return nil, fmt.Errorf("wait for the body's welcome: %w", err)
	}
	if h.Kind == wire.Refusal {
		return nil, fmt.Errorf("the body refuses: %q", payload)
	}
	var i Info
	if err := json.Unmarshal(payload, &i); err != nil {
		return nil, fmt.Errorf("read the body's welcome: %w", err)
	}
	if i.Version != wire.Version {
		return nil, fmt.Errorf("the body speaks version %d, this referee %d: build both from the same source", i.Version, wire.Version)
	}
	if err := i.Check(); err != nil {
		return nil, fmt.Errorf("read the body's welcome: %w", err)
	}
	c.Refuse(wire.Welcome)
	c.Expect(wire.Heartbeat, 0)
	c.Expect(wire.Truth, i.truthSize())
	return &i, nil
}

// Info says what the body is.
func (r *Referee) Info() *Info { return r.info }

// Receive waits for the next tick's truth. By the clock, ticks that were not
// fetched in time are left out.
func (r *Referee) Receive(t *Truth) error {
	for {
		h, payload, err := r.conn.Within(hang)
		switch {
		case err != nil:
			return fmt.Errorf("wait for a tick's truth: %w: %w", wire.ErrLost, err)
		case h.Kind == wire.Refusal:
			return fmt.Errorf("the body refuses: %q", payload)
		case h.Kind == wire.Truth:
			t.read(h, payload)
			return nil
		}
	}
}

// Send lets an event befall the body. In lockstep, one that is sent before Go
// befalls the same tick of the body whenever this program runs.
func (r *Referee) Send(e Event) error {
	if err := e.check(r.info); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	r.out = e.append(r.out[:0])
	return r.write(e.header(), r.out)
}

func (r *Referee) write(h wire.Header, payload []byte) error {
	if err := r.conn.Write(h, payload); err != nil {
		return fmt.Errorf("the referee's link: %w: %w", wire.ErrLost, err)
	}
	return nil
}

// Go lets a body in lockstep leave the tick of that truth.
func (r *Referee) Go(tick uint64) error {
	return r.write(wire.Header{Kind: wire.Go, Sequence: tick}, nil)
}

// Close ends the link. The body goes on without a referee.
func (r *Referee) Close() error { return r.conn.Close() }

// Host lets referees connect to a body, one at a time.
type Host struct {
	listener net.Listener
	info     Info
	busy     atomic.Bool
	sessions chan *Session
}

// NewHost accepts referees at l. info is what they are told.
func NewHost(l net.Listener, info Info) *Host {
	info.Version = wire.Version
	h := &Host{listener: l, info: info, sessions: make(chan *Session)}
	go wire.Serve(l, h.greet)
	return h
}

// Sessions gives each referee that has connected.
func (h *Host) Sessions() <-chan *Session { return h.sessions }

// Close lets nobody connect any more.
func (h *Host) Close() error { return h.listener.Close() }

func (h *Host) greet(c *wire.Conn) error {
	c.ExpectText(wire.Hello)
	_, payload, err := c.Next()
	if err != nil {
		return fmt.Errorf("wait for the referee's hello: %w", err)
	}
	var say hello
	if err := json.Unmarshal(payload, &say); err != nil {
		return fmt.Errorf("read the referee's hello: %w", err)
	}
	if say.Version != wire.Version || say.Role != role {
		return fmt.Errorf("version %d of a %.20q dialled the address of the %s, version %d", say.Version, say.Role, role, wire.Version)
	}
	if !h.busy.CompareAndSwap(false, true) {
		return errors.New("another referee is connected")
	}
	if err := c.WriteJSON(wire.Welcome, &h.info); err != nil {
		h.busy.Store(false)
		return err
	}
	c.Refuse(wire.Hello)
	c.Expect(wire.Heartbeat, 0)
	c.Expect(wire.Event, eventSize)
	c.Expect(wire.Go, 0)
	c.Beat(beat)
	s := &Session{info: &h.info, conn: c, out: wire.NewMailbox(c), release: func() { h.busy.Store(false) }, news: make(chan struct{}, 1)}
	go s.listen()
	h.sessions <- s
	return nil
}

// Session is a referee that is connected to a body.
type Session struct {
	info    *Info
	conn    *wire.Conn
	out     *wire.Mailbox // by the clock
	bytes   []byte        // in lockstep
	release func()
	once    sync.Once

	mu     sync.Mutex
	events []Event
	passed uint64 // the tick that may be left
	lost   error
	news   chan struct{}
}

func (s *Session) listen() {
	for {
		h, payload, err := s.conn.Within(hang)
		s.mu.Lock()
		switch {
		case err != nil:
		case h.Kind == wire.Go:
			s.passed = h.Sequence
		case h.Kind == wire.Event && len(s.events) >= waiting:
			err = fmt.Errorf("more than %d events at once", waiting)
		case h.Kind == wire.Event:
			var e Event
			e.read(h, payload)
			if err = e.check(s.info); err == nil {
				s.events = append(s.events, e)
			}
		}
		s.lost = err
		s.mu.Unlock()
		wire.Ring(s.news)
		if err != nil {
			s.conn.Write(wire.Header{Kind: wire.Refusal}, []byte(err.Error())) // if anybody is there
			s.Close()
			return
		}
	}
}

// Send gives a truth to the referee. By the clock it does not wait: what has not
// been read in time is replaced by what is newer.
func (s *Session) Send(t *Truth) {
	if !s.info.Lockstep {
		s.out.Put(t.header(), t.append)
		return
	}
	s.bytes = t.append(s.bytes[:0])
	s.conn.Write(t.header(), s.bytes) // whoever awaits the answer learns what is wrong
}

// Events returns what has come since the last call, or why nothing will any more.
func (s *Session) Events() ([]Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.events
	s.events = nil
	return all, s.lost
}

// Await waits until the referee lets the body leave a tick.
func (s *Session) Await(tick uint64) error {
	for {
		s.mu.Lock()
		passed, lost := s.passed, s.lost
		s.mu.Unlock()
		if passed >= tick || lost != nil {
			return lost
		}
		<-s.news
	}
}

// Close ends the session.
func (s *Session) Close() error {
	err := s.conn.Close()
	s.once.Do(s.release)
	return err
}
