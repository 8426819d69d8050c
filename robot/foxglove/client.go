package foxglove

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// What is expected of a client.
const (
	longest   = 64 << 10         // bytes of a request
	patience  = 10 * time.Second // for it to take what it is sent
	alive     = 20 * time.Second // between two signs of life
	mostSaid  = 256              // texts and latched messages that wait, before it is sent away
	complains = 5 * time.Second  // between two texts that messages were dropped
)

// client is one connection.
type client struct {
	server *Server
	conn   *websocket.Conn
	cancel context.CancelFunc
	wake   chan struct{} // holds one: there is something to send

	mu      sync.Mutex
	said    []said // what is not dropped
	ring    []waiting
	first   int // of those that wait, and
	count   int // how many
	bytes   int // in them
	time    uint64
	timed   bool // there is a time to tell
	dropped uint64
	told    uint64 // of those that were dropped
	when    time.Time

	subscriptions map[uint32]uint32 // channels; of the goroutine that reads
}

// said is a text, or a message that is latched.
type said struct {
	kind websocket.MessageType
	data []byte
}

// waiting is a message for a client.
type waiting struct {
	subscription uint32
	frame        *frame
}

func (s *Server) newClient(conn *websocket.Conn, cancel context.CancelFunc) *client {
	return &client{
		server: s, conn: conn, cancel: cancel, wake: make(chan struct{}, 1),
		ring: make([]waiting, s.config.Queue), subscriptions: map[uint32]uint32{},
	}
}

// run serves a client until it is gone.
func (k *client) run(ctx context.Context) {
	defer k.cancel()
	if k.server.join(k) != nil {
		return
	}
	defer k.server.part(k)
	var wait sync.WaitGroup
	wait.Go(func() { defer k.cancel(); k.write(ctx) })
	wait.Go(func() { defer k.cancel(); k.watch(ctx) })
	k.read(ctx)
	k.cancel()
	wait.Wait()
}

// rouse lets what writes look whether there is something.
func (k *client) rouse() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// leave ends the connection.
func (k *client) leave() { k.cancel() }

// say sends a text.
func (k *client) say(text []byte) { k.must(websocket.MessageText, text) }

// must sends what is not dropped. One who asks for more than it takes is sent away.
func (k *client) must(kind websocket.MessageType, data []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.said) >= mostSaid {
		k.cancel()
		return
	}
	k.said = append(k.said, said{kind, data})
	k.rouse()
}

// tell sends the time; one that waits is replaced.
func (k *client) tell(at uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.time, k.timed = at, true
	k.rouse()
}

// queue sends a message, and drops the oldest where there are too many.
func (k *client) queue(subscription uint32, f *frame) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.count > 0 && (k.count == len(k.ring) || k.bytes+len(f.data) > k.server.config.Bytes) {
		k.pop()
		k.dropped++
	}
	k.ring[(k.first+k.count)%len(k.ring)] = waiting{subscription, f}
	k.count++
	k.bytes += len(f.data)
	k.rouse()
}

// pop takes the oldest message. The lock is held.
func (k *client) pop() waiting {
	w := k.ring[k.first]
	k.ring[k.first] = waiting{}
	k.first = (k.first + 1) % len(k.ring)
	k.count--
	k.bytes -= len(w.frame.data)
	return w
}

// lost is how many messages were dropped.
func (k *client) lost() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.dropped
}

// next appends what is to be sent next: texts, the time, messages.
func (k *client) next(dst []byte) ([]byte, websocket.MessageType, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case len(k.said) > 0:
		t := k.said[0]
		k.said = k.said[1:]
		return append(dst, t.data...), t.kind, true
	case k.dropped > k.told && time.Since(k.when) > complains:
		n := k.dropped - k.told
		k.told, k.when = k.dropped, time.Now()
		return append(dst, status(levelWarning, fmt.Sprintf("%d messages were left out: this connection is too slow for all that is subscribed to", n))...), websocket.MessageText, true
	case k.timed:
		k.timed = false
		return binary.LittleEndian.AppendUint64(append(dst, opTime), k.time), websocket.MessageBinary, true
	case k.count > 0:
		w := k.pop()
		return w.frame.append(dst, w.subscription), websocket.MessageBinary, true
	}
	return dst, 0, false
}

// write sends what there is to be sent.
func (k *client) write(ctx context.Context) {
	var out []byte
	for ctx.Err() == nil {
		b, kind, ok := k.next(out[:0])
		if out = b; !ok {
			select {
			case <-k.wake:
			case <-ctx.Done():
			}
			continue
		}
		limit, cancel := context.WithTimeout(ctx, patience)
		err := k.conn.Write(limit, kind, out)
		cancel()
		if err != nil {
			return
		}
	}
}

// watch finds out when a client is there no more.
func (k *client) watch(ctx context.Context) {
	tick := time.NewTicker(alive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		limit, cancel := context.WithTimeout(ctx, patience)
		err := k.conn.Ping(limit)
		cancel()
		if err != nil {
			return
		}
	}
}

// read takes requests until the connection ends.
func (k *client) read(ctx context.Context) {
	k.conn.SetReadLimit(longest)
	for {
		kind, data, err := k.conn.Read(ctx)
		if err != nil {
			return
		}
		if kind != websocket.MessageText {
			k.say(status(levelError, "this server takes no messages"))
			continue
		}
		var r request
		if err := json.Unmarshal(data, &r); err != nil {
			k.say(status(levelError, "a request that cannot be read: "+err.Error()))
			continue
		}
		k.answer(&r)
	}
}

// answer does what is asked for.
func (k *client) answer(r *request) {
	switch r.Op {
	case "subscribe":
		for _, s := range r.Subscriptions {
			if _, ok := k.subscriptions[s.ID]; ok {
				k.say(status(levelError, fmt.Sprintf("there is a subscription %d already", s.ID)))
			} else if err := k.server.subscribe(k, s.Channel, s.ID); err != nil {
				k.say(status(levelError, err.Error()))
			} else {
				k.subscriptions[s.ID] = s.Channel
			}
		}
	case "unsubscribe":
		for _, id := range r.SubscriptionIDs {
			if c, ok := k.subscriptions[id]; ok {
				k.server.unsubscribe(k, c)
				delete(k.subscriptions, id)
			}
		}
	default:
		k.say(status(levelError, fmt.Sprintf("this server does not do %.40q: it lets look on", r.Op)))
	}
}
