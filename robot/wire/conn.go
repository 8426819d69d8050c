package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a write may take before the link counts as lost: the
// other side has not read for as long, and has several hundred frames unread.
const patience = time.Second

// Conn is a link: frames in both directions. One goroutine may read while any
// number write.
type Conn struct {
	*Reader
	net   net.Conn
	write sync.Mutex
	out   []byte
	stop  chan struct{}
	once  sync.Once
}

// ErrLost is within the errors of those who hold a link that is gone.
var ErrLost = errors.New("the link is lost")

// NewConn frames a connection.
func NewConn(c net.Conn) *Conn {
	return &Conn{Reader: NewReader(c), net: c, out: make([]byte, 0, 4096), stop: make(chan struct{})}
}

// Write sends a frame; it is on its way when Write returns. After an error the
// link is of no more use.
func (c *Conn) Write(h Header, payload []byte) error {
	if len(payload) > Largest {
		return fmt.Errorf("send %v: %d bytes are more than %d", h.Kind, len(payload), Largest)
	}
	c.write.Lock()
	defer c.write.Unlock()
	c.out = Append(c.out[:0], h, payload)
	if err := c.net.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("send %v: %w", h.Kind, err)
	}
	if _, err := c.net.Write(c.out); err != nil {
		return fmt.Errorf("send %v: %w", h.Kind, err)
	}
	return nil
}

// WriteJSON sends a value as JSON.
func (c *Conn) WriteJSON(k Kind, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("send %v: %w", k, err)
	}
	return c.Write(Header{Kind: k}, text)
}

// Deadline makes Next fail at a time; the zero time lets it wait for ever.
func (c *Conn) Deadline(t time.Time) error { return c.net.SetReadDeadline(t) }

// Within returns the next frame, if it comes within d. Its error says whether the
// other side is gone or hangs.
func (c *Conn) Within(d time.Duration) (Header, []byte, error) {
	if err := c.Deadline(time.Now().Add(d)); err != nil {
		return Header{}, nil, err
	}
	h, payload, err := c.Next()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("the other side has not shown a sign of life for %v", d)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		err = fmt.Errorf("the other side has ended: %w", io.EOF)
	}
	return h, payload, err
}

// Beat sends heartbeats until the link is closed.
func (c *Conn) Beat(every time.Duration) {
	go func() {
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-c.stop:
				return
			case <-t.C:
				if c.Write(Header{Kind: Heartbeat}, nil) != nil {
					return
				}
			}
		}
	}()
}

// Close ends the link.
func (c *Conn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() { close(c.stop); err = c.net.Close() })
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// split cuts an address: unix:PATH or tcp:HOST:PORT of this machine.
func split(address string) (network, rest string, err error) {
	network, rest, ok := strings.Cut(address, ":")
	if ok && network == "unix" && rest != "" {
		return network, rest, nil
	}
	host, _, bad := net.SplitHostPort(rest)
	if !ok || network != "tcp" || bad != nil {
		return "", "", fmt.Errorf("address %q is neither unix:PATH nor tcp:HOST:PORT", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", "", fmt.Errorf("address %q is not of this machine: the protocol has no credentials, use 127.0.0.1 or unix:PATH", address)
	}
	return network, rest, nil
}

// Dial connects to an address of this machine: unix:PATH or tcp:127.0.0.1:PORT.
func Dial(address string, timeout time.Duration) (*Conn, error) {
	network, rest, err := split(address)
	if err != nil {
		return nil, err
	}
	c, err := net.DialTimeout(network, rest, timeout)
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// Address is where a listener listens, as Dial takes it.
func Address(l net.Listener) string { return l.Addr().Network() + ":" + l.Addr().String() }

// Listen listens at an address as Dial takes it. A socket's file is for its
// owner alone, and replaces one that nobody listens to any more.
func Listen(address string) (net.Listener, error) {
	network, rest, err := split(address)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		if info, err := os.Lstat(rest); err == nil && info.Mode()&os.ModeSocket != 0 {
			if c, err := net.DialTimeout(network, rest, time.Second); err == nil {
				c.Close()
				return nil, fmt.Errorf("listen at %s: somebody does already", address)
			}
			os.Remove(rest)
		}
	}
	l, err := net.Listen(network, rest)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		if err := os.Chmod(rest, 0o600); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}
