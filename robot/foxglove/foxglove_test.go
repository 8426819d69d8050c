package foxglove

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// serve starts a server, and returns where it is and what ends it.
func serve(t *testing.T, c Config) (*Server, string) {
	t.Helper()
	s := New(c)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, "ws://" + l.Addr().String()
}

// looker is a client.
type looker struct {
	t    *testing.T
	conn *websocket.Conn
}

func dial(t *testing.T, url string, o *websocket.DialOptions) *looker {
	t.Helper()
	if o == nil {
		o = &websocket.DialOptions{Subprotocols: []string{"foxglove.websocket.v1"}}
	}
	conn, _, err := websocket.Dial(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	conn.SetReadLimit(1 << 24)
	return &looker{t, conn}
}

// hear returns what comes next, as text or binary.
func (k *looker) hear() (text map[string]any, binary []byte) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), 20*time.Second)
	defer cancel()
	kind, data, err := k.conn.Read(ctx)
	if err != nil {
		k.t.Fatal(err)
	}
	if kind == websocket.MessageBinary {
		return nil, data
	}
	if err := json.Unmarshal(data, &text); err != nil {
		k.t.Fatal(err)
	}
	return text, nil
}

// expect waits for a text of a kind, and passes over everything else.
func (k *looker) expect(op string) map[string]any {
	k.t.Helper()
	for {
		if text, _ := k.hear(); text != nil && text["op"] == op {
			return text
		}
	}
}

// message waits for a message of a subscription.
func (k *looker) message() (subscription uint32, at uint64, data []byte) {
	k.t.Helper()
	for {
		if _, b := k.hear(); len(b) >= 13 && b[0] == opMessage {
			return binary.LittleEndian.Uint32(b[1:]), binary.LittleEndian.Uint64(b[5:]), b[13:]
		}
	}
}

func (k *looker) ask(text string) {
	k.t.Helper()
	if err := k.conn.Write(k.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		k.t.Fatal(err)
	}
}

// settle waits until something is so.
func settle(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range 2000 {
		if so() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it never came to be that " + what)
}

// listeners is how many listen to a channel.
func (s *Server) listeners(id uint32) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.channels[id-1].to)
}

var imu = Channel{Topic: "/imu", Encoding: "cdr", SchemaName: "sensor_msgs/msg/Imu", SchemaEncoding: "ros2msg", Schema: "float64 x\n"}

func TestLookOn(t *testing.T) {
	s, url := serve(t, Config{Name: "robot", Session: "7", Metadata: map[string]string{"song": "a"}})
	a, err := s.Add(imu)
	if err != nil {
		t.Fatal(err)
	}
	s.Send(a, 1, []byte("nobody listens"))
	k := dial(t, url, nil)
	info := k.expect("serverInfo")
	if info["name"] != "robot" || info["sessionId"] != "7" || fmt.Sprint(info["capabilities"], info["metadata"]) != "[time] map[song:a]" {
		t.Errorf("%v", info)
	}
	want := `[map[encoding:cdr id:1 schema:float64 x
 schemaEncoding:ros2msg schemaName:sensor_msgs/msg/Imu topic:/imu]]`
	if got := fmt.Sprint(k.expect("advertise")["channels"]); got != want {
		t.Errorf("%s\nexpected %s", got, want)
	}
	k.ask(`{"op":"subscribe","subscriptions":[{"id":4000000000,"channelId":1}]}`)
	settle(t, "it listens", func() bool { return s.listeners(a) == 1 })
	s.Send(a, 1<<60+1, []byte{0, 1, 0, 0, 9})
	if id, at, data := k.message(); id != 4000000000 || at != 1<<60+1 || !bytes.Equal(data, []byte{0, 1, 0, 0, 9}) {
		t.Errorf("subscription %d, time %d, %x", id, at, data)
	}
	s.Time(123)
	if _, b := k.hear(); !bytes.Equal(b, []byte{2, 123, 0, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("the time is %x", b)
	}
	late, err := s.Add(Channel{Topic: "/late", Latched: true})
	if err != nil {
		t.Fatal(err)
	}
	k.expect("advertise")
	s.Send(late, 5, []byte("was said"))
	k.ask(`{"op":"subscribe","subscriptions":[{"id":1,"channelId":2}]}`)
	if id, at, data := k.message(); id != 1 || at != 5 || string(data) != "was said" {
		t.Errorf("a latched message: subscription %d, time %d, %s", id, at, data)
	}
	k.ask(`{"op":"unsubscribe","subscriptionIds":[4000000000,77]}`)
	settle(t, "nobody listens", func() bool { return s.listeners(a) == 0 })
	k.conn.Close(websocket.StatusNormalClosure, "")
	settle(t, "it is gone", func() bool { n, _ := s.Report(); return n == 0 && s.listeners(late) == 0 })
}

// TestAsked asks for what is not done: an answer, and the connection goes on.
func TestAsked(t *testing.T) {
	s, url := serve(t, Config{})
	if _, err := s.Add(imu); err != nil {
		t.Fatal(err)
	}
	k := dial(t, url, nil)
	k.expect("advertise")
	for _, tt := range []struct{ ask, want string }{
		{`{"op":"advertise","channels":[]}`, `does not do "advertise"`},
		{`{"op":"setParameters"}`, `does not do "setParameters"`},
		{`{"op":"subscribe","subscriptions":[{"id":1,"channelId":9}]}`, "there is no channel 9"},
		{`{"op":"subscribe","subscriptions":[{"id":1,"channelId":0}]}`, "there is no channel 0"},
		{`{"op":"subscribe","subscriptions":[{"id":1,"channelId":1},{"id":1,"channelId":1}]}`, "there is a subscription 1 already"},
		{`{"op":"subscribe","subscriptions":[{"id":2,"channelId":1}]}`, "channel 1 has been subscribed to already"},
		{`{"op":"subscribe","subscriptions":[{"id":-1}]}`, "cannot be read"},
		{`[`, "cannot be read"},
	} {
		k.ask(tt.ask)
		if got := k.expect("status"); got["level"] != 2.0 || !strings.Contains(got["message"].(string), tt.want) {
			t.Errorf("%s: %v, expected %q", tt.ask, got, tt.want)
		}
	}
	if err := k.conn.Write(t.Context(), websocket.MessageBinary, []byte{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if got := k.expect("status"); !strings.Contains(got["message"].(string), "takes no messages") {
		t.Errorf("%v", got)
	}
}

// TestRefused dials what is not let in.
func TestRefused(t *testing.T) {
	_, url := serve(t, Config{Hosts: []string{"robot.example"}, Origins: []string{"https://example.org"}, Clients: 2})
	ours := []string{"foxglove.sdk.v1"}
	for _, tt := range []struct {
		name, host, origin string
		protocols          []string
		status             int
	}{
		{"no protocol", "", "", nil, 400},
		{"another protocol", "", "", []string{"chat"}, 400},
		{"a page from elsewhere", "", "https://evil.example", ours, 403},
		{"a page of a similar name", "", "https://app.foxglove.dev.evil.example", ours, 403},
		{"a page without an origin", "", "null", ours, 403},
		{"a page that is called as it calls this", "evil.example", "http://evil.example", ours, 403},
		{"another name", "evil.example", "", ours, 403},
		{"another address", "192.0.2.1", "", ours, 403},
		{"Foxglove", "", "https://app.foxglove.dev", []string{"chat", "foxglove.websocket.v1"}, 101},
		{"its program", "", "file://", ours, 101},
		{"a page of this machine", "", "http://localhost:8080", ours, 101},
		{"a page that was named", "robot.example", "https://example.org", ours, 101},
		{"this address", "127.0.0.1", "", ours, 101},
	} {
		h := http.Header{}
		if tt.origin != "" {
			h.Set("Origin", tt.origin)
		}
		conn, r, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: tt.protocols, Host: tt.host, HTTPHeader: h})
		if r == nil || r.StatusCode != tt.status || (err == nil) != (tt.status == 101) {
			t.Errorf("%s: %v, %v; expected %d", tt.name, r, err, tt.status)
		}
		if err == nil {
			if p := conn.Subprotocol(); p != tt.protocols[len(tt.protocols)-1] {
				t.Errorf("%s: protocol %q", tt.name, p)
			}
			k := &looker{t, conn}
			k.expect("serverInfo")
			conn.Close(websocket.StatusNormalClosure, "")
			conn.CloseNow()
		}
	}
	var r *http.Response
	settle(t, "clients that left make room", func() bool {
		conn, answer, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: ours})
		if err == nil {
			t.Cleanup(func() { conn.CloseNow() })
		} else if r = answer; r != nil && r.StatusCode != 503 {
			t.Fatalf("%v, %v", r, err)
		}
		return r != nil // the third of two
	})
}

// TestSlow does not read: the newest messages are kept, the sender does not wait, and
// it is said how much is missing.
func TestSlow(t *testing.T) {
	s, url := serve(t, Config{Queue: 16})
	id, err := s.Add(imu)
	if err != nil {
		t.Fatal(err)
	}
	k := dial(t, url, nil)
	k.ask(`{"op":"subscribe","subscriptions":[{"id":1,"channelId":1}]}`)
	settle(t, "it listens", func() bool { return s.listeners(id) == 1 })
	const sent = 2000
	for i := range sent { // 128 MB, more than sockets hold
		s.Send(id, uint64(i), make([]byte, 64<<10))
	}
	_, dropped := s.Report()
	if dropped == 0 {
		t.Error("nothing is dropped for a client that does not read")
	}
	got, last, said := 0, uint64(0), false
	for last != sent-1 {
		text, b := k.hear()
		if text != nil {
			said = said || text["op"] == "status" && strings.Contains(text["message"].(string), "too slow")
			continue
		}
		if at := binary.LittleEndian.Uint64(b[5:]); got > 0 && at <= last {
			t.Errorf("message %d after %d", at, last)
		} else {
			got, last = got+1, at
		}
	}
	if _, dropped := s.Report(); got+int(dropped) != sent || !said {
		t.Errorf("%d messages came, %d were dropped of %d; said: %v", got, dropped, sent, said)
	}
}

// TestGreedy asks without end and hears nothing: it is sent away, and nothing grows.
func TestGreedy(t *testing.T) {
	s, url := serve(t, Config{})
	k := dial(t, url, nil)
	settle(t, "it is there", func() bool { n, _ := s.Report(); return n == 1 })
	ask := []byte(`{"op":"` + strings.Repeat("x", 40) + `"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var err error
	for range 1_000_000 {
		if err = k.conn.Write(ctx, websocket.MessageText, ask); err != nil {
			break
		}
	}
	if err == nil || ctx.Err() != nil {
		t.Errorf("a million questions are put up with: %v", err)
	}
	large := dial(t, url, nil)
	large.ask(`{"op":"` + strings.Repeat("x", longest) + `"}`)
	settle(t, "a question that is too long ends it", func() bool { n, _ := s.Report(); return n == 0 })
}

// TestClose ends the server while clients are there.
func TestClose(t *testing.T) {
	s, url := serve(t, Config{})
	k := dial(t, url, nil)
	k.expect("serverInfo")
	s.Close()
	if n, _ := s.Report(); n != 0 {
		t.Errorf("%d clients are left", n)
	}
	if _, _, err := k.conn.Read(t.Context()); err == nil {
		t.Error("a client is not told")
	}
	if _, r, _ := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: protocols}); r == nil || r.StatusCode != 503 {
		t.Errorf("a closed server answers %v", r)
	}
}

// TestSend allocates nothing where nobody listens.
func TestSend(t *testing.T) {
	s := New(Config{})
	id, err := s.Add(imu)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 1000)
	if n := testing.AllocsPerRun(100, func() { s.Send(id, 1, data); s.Send(99, 1, data); s.Time(1) }); n > 0 {
		t.Errorf("a message that nobody wants allocates %v times", n)
	}
}
