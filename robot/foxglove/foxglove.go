// Package foxglove serves messages to Foxglove, and to whatever else speaks its
// websocket protocol, as they are said. Who looks on can say nothing: the robot hears
// no client. It refuses pages from elsewhere, names that are not this server's, more
// clients than were agreed, and what is not of the protocol; a client that is too slow
// loses messages and holds up nobody. Start with [Server].
//
// The protocol is version 1 of https://github.com/foxglove/ws-protocol, which is called
// foxglove.websocket.v1, and by newer programs foxglove.sdk.v1.
package foxglove

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Config is how a server behaves. Zeroes are replaced by what stands beside them.
type Config struct {
	Name     string            // of the robot, as clients show it
	Session  string            // of this run: a client that comes back knows whether it is the same
	Metadata map[string]string // for clients to show
	Hosts    []string          // names of this server beside localhost and its addresses
	// Origins of pages that may connect, "https://example.org" for instance, beside
	// Foxglove's own and those of this machine.
	Origins []string
	Clients int // at once: 8
	Queue   int // messages that wait for a client; then the oldest are dropped: 4,096
	Bytes   int // of these messages: 16 MiB
}

func (c *Config) fill() {
	if c.Name == "" {
		c.Name = "samovar"
	}
	if c.Clients == 0 {
		c.Clients = 8
	}
	if c.Queue == 0 {
		c.Queue = 4096
	}
	if c.Bytes == 0 {
		c.Bytes = 16 << 20
	}
}

// Channel is a stream of messages of one kind.
type Channel struct {
	Topic          string
	Encoding       string // of the messages, "cdr" for instance
	SchemaName     string
	SchemaEncoding string // "ros2msg" for instance
	Schema         string
	Latched        bool // whoever subscribes gets the last message at once
}

// Server is who clients connect to: an http.Handler, or Serve. Any goroutine may call
// its methods; none of them waits for a client.
type Server struct {
	config Config

	mu       sync.Mutex
	channels []channel // of channel 1, 2, …
	clients  map[*client]bool
	count    int // of clients that are here or are being let in
	closed   bool
	dropped  uint64 // by clients that are gone
	wait     sync.WaitGroup
}

// channel is a channel with those who listen.
type channel struct {
	Channel
	to   map[*client]uint32 // by the number of their subscription
	last *frame             // of one that is latched
}

// New returns a server without channels.
func New(c Config) *Server {
	c.fill()
	return &Server{config: c, clients: map[*client]bool{}}
}

// mostChannels is how many channels a server may have.
const mostChannels = 1 << 16

// Add adds a channel, tells all clients of it, and returns its number.
func (s *Server) Add(c Channel) (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.channels) == mostChannels {
		return 0, fmt.Errorf("add channel %q: there are %d already", c.Topic, mostChannels)
	}
	s.channels = append(s.channels, channel{Channel: c, to: map[*client]uint32{}})
	id := uint32(len(s.channels))
	text := advertise(s.channels[id-1:], id)
	for k := range s.clients {
		k.say(text)
	}
	return id, nil
}

// Send sends a message of a channel, at a time in ns, to whoever listens. It keeps no
// data.
func (s *Server) Send(id uint32, at uint64, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == 0 || int(id) > len(s.channels) {
		return
	}
	c := &s.channels[id-1]
	if len(c.to) == 0 && !c.Latched {
		return
	}
	f := &frame{at, append([]byte(nil), data...)}
	if c.Latched {
		c.last = f
	}
	for k, subscription := range c.to {
		c.deliver(k, subscription, f)
	}
}

// Time tells all clients what time it is, in ns: the robot's may be another than theirs.
func (s *Server) Time(at uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.clients {
		k.tell(at)
	}
}

// Report says how many clients there are, and how many messages were dropped because a
// client was too slow.
func (s *Server) Report() (clients int, dropped uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped = s.dropped
	for k := range s.clients {
		dropped += k.lost()
	}
	return len(s.clients), dropped
}

// subscribe adds a client to a channel, and gives it what is latched.
func (s *Server) subscribe(k *client, id, subscription uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == 0 || int(id) > len(s.channels) {
		return fmt.Errorf("there is no channel %d", id)
	}
	c := &s.channels[id-1]
	if _, ok := c.to[k]; ok {
		return fmt.Errorf("channel %d has been subscribed to already", id)
	}
	c.to[k] = subscription
	if c.last != nil {
		c.deliver(k, subscription, c.last)
	}
	return nil
}

// deliver gives a message to a client: one that is latched is not said again, and so
// not dropped.
func (c *channel) deliver(k *client, subscription uint32, f *frame) {
	if c.Latched {
		k.must(websocket.MessageBinary, f.append(nil, subscription))
	} else {
		k.queue(subscription, f)
	}
}

// unsubscribe ends a client's subscription.
func (s *Server) unsubscribe(k *client, id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.channels[id-1].to, k)
}

// errFull is why a client is not let in.
var errFull = errors.New("there are as many clients as are let in")

// enter counts a client that is being let in; leave takes it back.
func (s *Server) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return http.ErrServerClosed
	case s.count >= s.config.Clients:
		return errFull
	}
	s.count++
	s.wait.Add(1)
	return nil
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count--
	s.wait.Done()
}

// join makes a client one of those who are told; part ends it.
func (s *Server) join(k *client) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return http.ErrServerClosed
	}
	s.clients[k] = true
	k.say(s.info())
	if len(s.channels) > 0 {
		k.say(advertise(s.channels, 1))
	}
	return nil
}

func (s *Server) part(k *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, k)
	for i := range s.channels {
		delete(s.channels[i].to, k)
	}
	s.dropped += k.lost()
}

// Serve lets clients in at an address until the context ends. Whoever calls it decides
// who can reach that address: the protocol has no credentials.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(ctx, func() { h.Close() })
	defer stop()
	err := h.Serve(l)
	s.Close()
	if ctx.Err() != nil && errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve Foxglove at %v: %w", l.Addr(), err)
}

// Close sends all clients away, and waits until they are gone.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for k := range s.clients {
		k.leave()
	}
	s.mu.Unlock()
	s.wait.Wait()
}
