package wire

import (
	"errors"
	"net"
	"sync"
	"time"
)

// greeting is how long a handshake may take.
const greeting = 5 * time.Second

// Serve accepts connections until l is closed, and lets each be greeted in a
// goroutine of its own. Whoever is not wanted is told why and sent away.
func Serve(l net.Listener, greet func(*Conn) error) {
	for {
		n, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // such as: too many open files
			continue
		}
		go func() {
			c := NewConn(n)
			err := c.Deadline(time.Now().Add(greeting))
			if err == nil {
				err = greet(c)
			}
			if err != nil {
				c.Write(Header{Kind: Refusal}, []byte(err.Error())) // to whom it may concern
				c.Close()
			}
		}()
	}
}

// Ring tells whoever waits at a channel that holds one; a second ring before the
// first is heard is the same.
func Ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Mailbox holds the newest frame that is to be sent, and sends it in a goroutine
// of its own: whoever puts one in never waits, and a reader that is too slow
// misses what was replaced.
type Mailbox struct {
	conn  *Conn
	mu    sync.Mutex
	head  Header
	frame []byte
	fresh bool          // frame has not been sent
	leave chan struct{} // rings when the frame is; holds one
	spare []byte
}

// NewMailbox returns the mailbox of a connection, which it closes when a write fails.
func NewMailbox(c *Conn) *Mailbox {
	m := &Mailbox{conn: c, leave: make(chan struct{}, 1)}
	go m.run()
	return m
}

// Put replaces the frame by h and what fill appends.
func (m *Mailbox) Put(h Header, fill func([]byte) []byte) {
	m.mu.Lock()
	m.head, m.frame, m.fresh = h, fill(m.frame[:0]), true
	m.mu.Unlock()
	Ring(m.leave)
}

func (m *Mailbox) run() {
	for {
		select {
		case <-m.leave:
		case <-m.conn.stop:
			return
		}
		m.mu.Lock()
		h, fresh := m.head, m.fresh
		m.spare, m.fresh = append(m.spare[:0], m.frame...), false
		m.mu.Unlock()
		if fresh && m.conn.Write(h, m.spare) != nil {
			m.conn.Close()
			return
		}
	}
}
