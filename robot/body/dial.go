package body

import (
	"fmt"
	"sync"
	"time"

	"samovar/robot/wire"
)

// Link is a body in another process.
type Link struct {
	conn *wire.Conn
	info *Info
	out  []byte
	send sync.Mutex

	mu     sync.Mutex
	newest *Sensors  // what came last
	came   bool      // newest has not been given yet
	missed bool      // in lockstep: this tick's sensors were lost
	tick   uint64    // of the sensors that Receive gave last, or that were missed
	due    time.Time // when sensors are stale
	lost   error     // why there is no link any more

	news    chan struct{} // something of the above changed; holds one
	overdue *time.Timer
}

// Dial connects to a body at unix:PATH or tcp:127.0.0.1:PORT, choosing its rate in
// Hz. The body is the caller's until Close.
func Dial(address string, rate int) (*Link, error) {
	c, err := wire.Dial(address, greeting)
	if err != nil {
		return nil, fmt.Errorf("connect to the body at %s: %w", address, err)
	}
	l, err := newLink(c, rate)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("connect to the body at %s: %w", address, err)
	}
	return l, nil
}

func newLink(c *wire.Conn, rate int) (*Link, error) {
	info, err := greet(c, rate)
	if err != nil {
		return nil, err
	}
	l := &Link{
		conn: c, info: info, newest: info.NewSensors(), news: make(chan struct{}, 1), overdue: time.NewTimer(time.Hour),
		due: time.Now().Add(info.Stale),
	}
	every, _ := info.beats()
	c.Beat(every)
	go l.listen()
	return l, nil
}

// Info says what the body is.
func (l *Link) Info() *Info { return l.info }

// listen takes what comes until the link ends.
func (l *Link) listen() {
	_, limit := l.info.beats()
	for {
		h, payload, err := l.conn.Within(limit)
		l.mu.Lock()
		switch {
		case err != nil:
			l.lost = fmt.Errorf("the body's link: %w: %w", ErrLost, err)
		case h.Kind == wire.Sensors && h.Sequence > l.newest.Sequence:
			l.newest.read(h, payload)
			l.came, l.due = true, time.Now().Add(l.info.Stale)
		case h.Kind == wire.Missed:
			l.missed, l.tick = true, h.Sequence
		}
		l.mu.Unlock()
		wire.Ring(l.news)
		if err != nil {
			l.conn.Close()
			return
		}
	}
}

// Receive waits for sensors; see Body.
func (l *Link) Receive(s *Sensors) error {
	for {
		l.mu.Lock()
		came, missed, lost, due := l.came, l.missed, l.lost, l.due
		switch {
		case came:
			l.newest.CopyTo(s)
			l.came, l.tick = false, s.Sequence
		case missed:
			l.missed = false
		}
		l.mu.Unlock()
		switch {
		case came:
			return nil
		case lost != nil:
			return lost
		case missed:
			return ErrStale
		}
		if l.info.Lockstep {
			<-l.news
			continue
		}
		l.overdue.Reset(time.Until(due))
		select {
		case <-l.news:
		case <-l.overdue.C:
			l.mu.Lock()
			l.due = time.Now().Add(l.info.Stale)
			l.mu.Unlock()
			return ErrStale
		}
	}
}

// Send hands over a command; see Body.
func (l *Link) Send(c *Command) error {
	if err := c.Check(len(l.info.Joints)); err != nil {
		return fmt.Errorf("send a command: %w", err)
	}
	l.mu.Lock()
	tick, lost := l.tick, l.lost
	l.mu.Unlock()
	if lost != nil {
		return lost
	}
	l.send.Lock()
	defer l.send.Unlock()
	l.out = c.append(l.out[:0])
	if err := l.conn.Write(wire.Header{Kind: wire.Command, Sequence: tick}, l.out); err != nil {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return nil
}

// Close ends the link; the body then damps.
func (l *Link) Close() error { return l.conn.Close() }
