package body

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"samovar/robot/wire"
)

// Host lets controllers connect to a body, one at a time. It is the body's side
// of the protocol: cmd/body has one, and so has whatever drives a real machine.
type Host struct {
	listener net.Listener
	info     Info
	step     time.Duration
	busy     atomic.Bool
	sessions chan *Session
}

// NewHost accepts controllers at l. info is what they are told; its rate and its
// bound of stale commands are theirs to choose. Ticks are multiples of step.
func NewHost(l net.Listener, info Info, step time.Duration) *Host {
	info.Version = wire.Version
	h := &Host{listener: l, info: info, step: step, sessions: make(chan *Session)}
	go wire.Serve(l, h.greet)
	return h
}

// Sessions gives each controller that has connected.
func (h *Host) Sessions() <-chan *Session { return h.sessions }

// Close lets nobody connect any more. Sessions stay.
func (h *Host) Close() error { return h.listener.Close() }

// greet is the accepting side of the handshake.
func (h *Host) greet(c *wire.Conn) error {
	c.ExpectText(wire.Hello)
	_, payload, err := c.Next()
	if err != nil {
		return fmt.Errorf("wait for the controller's hello: %w", err)
	}
	hello, err := parseHello(payload)
	if err != nil {
		return err
	}
	info := h.info
	info.Rate, info.Stale = hello.Rate, StaleAfter(hello.Rate)
	if period := time.Second / time.Duration(hello.Rate); period%h.step != 0 {
		return fmt.Errorf("a rate of %d Hz: its period of %v is no multiple of the body's step of %v", hello.Rate, period, h.step)
	}
	if !h.busy.CompareAndSwap(false, true) {
		return errors.New("another controller is connected")
	}
	s := &Session{
		Info: &info, conn: c, out: wire.NewMailbox(c), release: func() { h.busy.Store(false) },
		command: info.NewCommand(), news: make(chan struct{}, 1),
	}
	if err := c.WriteJSON(wire.Welcome, &info); err != nil {
		h.busy.Store(false)
		return err
	}
	c.Refuse(wire.Hello)
	c.Expect(wire.Heartbeat, 0)
	c.Expect(wire.Command, info.commandSize())
	every, _ := info.beats()
	c.Beat(every)
	go s.listen()
	h.sessions <- s
	return nil
}

// Session is a controller that is connected to a body.
type Session struct {
	Info    *Info // as the controller was told
	conn    *wire.Conn
	out     *wire.Mailbox // by the clock
	bytes   []byte        // in lockstep
	once    sync.Once
	release func()

	mu      sync.Mutex
	command *Command // the newest
	answers uint64   // the tick that it answers
	fresh   bool     // not taken yet
	refused uint64   // commands that could not be followed
	lost    error
	news    chan struct{} // something of the above changed; holds one
}

// listen takes commands until the link ends.
func (s *Session) listen() {
	_, limit := s.Info.beats()
	next := s.Info.NewCommand()
	for {
		h, payload, err := s.conn.Within(limit)
		s.mu.Lock()
		if err != nil {
			s.lost = fmt.Errorf("the controller's link: %w: %w", ErrLost, err)
		} else if h.Kind == wire.Command {
			next.read(payload)
			if next.Check(len(next.Joints)) != nil || h.Sequence < s.answers {
				s.refused++
			} else {
				s.command, next = next, s.command
				s.answers, s.fresh = h.Sequence, true
			}
		}
		s.mu.Unlock()
		wire.Ring(s.news)
		if err != nil {
			s.Close()
			return
		}
	}
}

// Take copies the newest command into c and reports whether it has come since
// the last call, or why none will come any more.
func (s *Session) Take(c *Command) (fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh {
		copy(c.Joints, s.command.Joints)
		fresh, s.fresh = true, false
	}
	return fresh, s.lost
}

// News rings when Take has something new to say.
func (s *Session) News() <-chan struct{} { return s.news }

// Await waits for the command that answers a tick, and for nothing else: in
// lockstep the body has no clock but its controller's.
func (s *Session) Await(tick uint64, c *Command) error {
	for {
		s.mu.Lock()
		ready, lost := s.fresh && s.answers == tick, s.lost
		s.mu.Unlock()
		if ready || lost != nil {
			_, err := s.Take(c)
			if ready {
				return nil
			}
			return err
		}
		<-s.news
	}
}

// Refused is how many commands were not finite, or older than one before.
func (s *Session) Refused() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// Send gives sensors to the controller. By the clock it does not wait: what has
// not been read in time is replaced by what is newer.
func (s *Session) Send(sensors *Sensors) {
	if !s.Info.Lockstep {
		s.out.Put(sensors.header(), sensors.append)
		return
	}
	s.bytes = sensors.append(s.bytes[:0])
	s.conn.Write(sensors.header(), s.bytes) // whoever awaits the answer learns what is wrong
}

// Miss tells a controller in lockstep that a tick's sensors were lost.
func (s *Session) Miss(tick uint64, at time.Duration) error {
	return s.conn.Write(wire.Header{Kind: wire.Missed, Sequence: tick, Time: int64(at)}, nil)
}

// Close ends the session, and lets another controller connect.
func (s *Session) Close() error {
	err := s.conn.Close()
	s.once.Do(s.release)
	return err
}
