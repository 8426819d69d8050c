package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/infer"
	architecture "samovar/model"
	"samovar/tokenizer"
	"samovar/tokenizer/template"
)

const window = 200

var trained = sync.OnceValue(func() *tokenizer.Tokenizer {
	text := strings.Repeat("the quick brown fox jumps over the lazy dog and the cat sat on the mat ", 20)
	t, err := tokenizer.Train(slices.Values([]string{text}), tokenizer.Config{Vocab: 288})
	if err != nil {
		panic(err)
	}
	return t
})

// load returns a small random model with a trained tokenizer.
func load(t testing.TB, chat bool) *Loaded {
	t.Helper()
	tok := trained()
	c := architecture.Derive(1, tok.Size())
	c.Layers, c.Width, c.Heads, c.KVHeads, c.HeadDim, c.Hidden, c.Window = 1, 64, 2, 1, 32, 64, window
	dev, err := compute.CPU{Threads: 1}.Open()
	if err != nil {
		t.Fatal(err)
	}
	weights := map[string]compute.Buffer{}
	for _, tensor := range c.Tensors() {
		if tensor.Deviation > 0 {
			tensor.Deviation *= 5
		}
		w := make([]float32, tensor.Rows*tensor.Cols)
		tensor.Initialise(w, 1)
		var b compute.Buffer
		if tensor.Vector() {
			if b, err = dev.Alloc(len(w)); err == nil {
				err = b.Write(0, w)
			}
		} else {
			data := make([]byte, kernel.F32.Bytes(len(w)))
			kernel.Quantize(kernel.F32, data, w)
			b, err = dev.Load(kernel.F32, tensor.Rows, tensor.Cols, data, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		weights[tensor.Name] = b
	}
	e, err := infer.New(dev, c, weights, infer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &Loaded{Tokenizer: tok, Engine: e, Close: func() {
		e.Close()
		for _, b := range weights {
			b.Free()
		}
		dev.Close()
	}}
	if chat {
		if l.Template, err = template.Parse(template.ChatML); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

const digest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

func tiny(t testing.TB, name string, chat bool) Model {
	return Model{Name: name, Info: Info{Digest: digest, Chat: chat}, Open: func() (*Loaded, error) { return load(t, chat), nil }}
}

// start returns a server with the models tales (a chat model) and base, and
// where it listens.
func start(t testing.TB, c Config) (*Server, *httptest.Server) {
	t.Helper()
	if c.Models == nil {
		c.Models = []Model{tiny(t, "tales", true), tiny(t, "base", false)}
	}
	s := New(c)
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		h.Close()
		s.Close()
	})
	return s, h
}

// post returns the status and body of a request.
func post(t testing.TB, url, body string) (int, []byte) {
	t.Helper()
	r, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, b
}

// decode decodes strictly what must be there.
func decode[T any](t testing.TB, b []byte) (v T) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

// said is failure as a client sees it.
type said struct {
	Error struct {
		Message, Type string
		Param, Code   *string
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestModels(t *testing.T) {
	_, h := start(t, Config{})
	r, err := http.Get(h.URL + "/v1/models")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	list := decode[struct {
		Object string
		Data   []listing
	}](t, b)
	if list.Object != "list" || len(list.Data) != 2 || list.Data[0].ID != "tales" || !list.Data[0].Samovar.Chat || list.Data[1].Samovar.Chat || list.Data[0].Samovar.Digest != digest {
		t.Errorf("the list is %s", b)
	}
	for path, want := range map[string]int{"tales": 200, digest: 200, "talse": 404} {
		r, err := http.Get(h.URL + "/v1/models/" + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

func TestHealth(t *testing.T) {
	gate, failing := make(chan struct{}), errors.New("the file is cut")
	m := tiny(t, "tales", true)
	open := m.Open
	fail := false
	m.Open = func() (*Loaded, error) {
		<-gate
		if fail {
			return nil, failing
		}
		return open()
	}
	s, h := start(t, Config{Models: []Model{m}})
	health := func() (int, string) {
		r, err := http.Get(h.URL + "/health")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode, strings.TrimSpace(string(b))
	}
	if status, b := health(); status != 503 || b != `{"status":"loading"}` {
		t.Errorf("while loading: %d %s", status, b)
	}
	gate <- struct{}{}
	<-s.models[0].start()
	if status, b := health(); status != 200 || b != `{"status":"ok"}` {
		t.Errorf("ready: %d %s", status, b)
	}
	fail = true
	m.Name = "other"
	s.Put(m)
	close(gate)
	if status, b := post(t, h.URL+"/v1/completions", `{"model":"other","prompt":"a"}`); status != 503 || !strings.Contains(string(b), "load model other: the file is cut") {
		t.Errorf("a model that does not load: %d %s", status, b)
	}
	fail = false
	if status, b := post(t, h.URL+"/v1/completions", `{"model":"other","prompt":"a"}`); status != 200 {
		t.Errorf("the same model, mended: %d %s", status, b)
	}
	fail = true
	m.Name = "tales"
	s.Put(m)
	s.models[0].use(t.Context())
	if status, b := health(); status != 503 || !strings.Contains(b, `"failed"`) {
		t.Errorf("failed: %d %s", status, b)
	}
}

func TestTrace(t *testing.T) {
	_, h := start(t, Config{Trace: func(_ context.Context, ref string) (any, error) {
		if ref != digest+"@fp32-generic" {
			return nil, fmt.Errorf("%w: %q", ErrUnknown, ref)
		}
		return map[string]string{"digest": digest}, nil
	}})
	for ref, want := range map[string]int{"sha256%3A" + digest[7:] + "%40fp32-generic": 200, digest + "@fp32-generic": 200, "a/b": 404} {
		r, err := http.Get(h.URL + "/api/trace/" + ref)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: %d %s", ref, r.StatusCode, b)
		}
	}
}

// cardOf is a card in a test.
type cardOf struct{ Name string }

func (c cardOf) Markdown() string { return "# " + c.Name + "\n" }

func TestCardAndLineage(t *testing.T) {
	_, full := start(t, Config{
		Card: func(_ context.Context, ref string) (Card, error) {
			switch ref {
			case "tales":
				return cardOf{"tales"}, nil
			case "damaged":
				return nil, errors.New("its content has changed")
			}
			return nil, fmt.Errorf("%w: %q", ErrUnknown, ref)
		},
		Lineage: func(_ context.Context, ref string) (any, error) { return map[string]string{"ref": ref}, nil },
	})
	_, bare := start(t, Config{})
	for _, x := range []struct {
		server       *httptest.Server
		path         string
		status       int
		kind, answer string
	}{
		{full, "/api/card/tales", 200, "application/json", `{"Name":"tales"}`},
		{full, "/api/card/tales?format=json", 200, "application/json", `{"Name":"tales"}`},
		{full, "/api/card/tales?format=markdown", 200, "text/markdown; charset=utf-8", "# tales"},
		{full, "/api/card/tales?format=pdf", 400, "application/json", "json or markdown is expected"},
		{full, "/api/card/nobody", 404, "application/json", "unknown_ref"},
		{full, "/api/card/damaged", 500, "application/json", "its content has changed"},
		{full, "/api/lineage/tales:q8_0", 200, "application/json", `{"ref":"tales:q8_0"}`},
		{bare, "/api/card/tales", 404, "application/json", "nothing is recorded here"},
		{bare, "/api/lineage/tales", 404, "application/json", "nothing is recorded here"},
	} {
		r, err := http.Get(x.server.URL + x.path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != x.status || r.Header.Get("Content-Type") != x.kind || !strings.Contains(string(b), x.answer) {
			t.Errorf("%s: %d %s %s", x.path, r.StatusCode, r.Header.Get("Content-Type"), b)
		}
	}
}

// Every route is closed to foreign hosts, to foreign pages where something may
// change, and, if there are keys, to everyone else.
func TestGuard(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") })
	api := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })
	_, open := start(t, Config{Pages: pages, API: api, Hosts: []string{"samovar.example"}})
	_, locked := start(t, Config{Pages: pages, API: api, Keys: []Key{{"ann", sha256.Sum256([]byte("secret"))}, {"bob", sha256.Sum256([]byte("other"))}}})
	routes := []struct {
		method, path string
		change, key  bool
	}{
		{"GET", "/health", false, false}, {"GET", "/", false, false}, {"GET", "/v1/models", false, true},
		{"GET", "/v1/models/tales", false, true}, {"GET", "/api/trace/tales", false, true},
		{"GET", "/api/lineage/tales", false, true}, {"GET", "/api/card/tales", false, true},
		{"GET", "/api/brews", false, true}, {"POST", "/api/brews", true, true}, {"PUT", "/api/folders/1/a.txt", true, true}, {"DELETE", "/api/brews/1", true, true},
		{"POST", "/v1/chat/completions", true, true}, {"POST", "/v1/completions", true, true}, {"POST", "/v1/nothing", true, false},
	}
	ask := func(h *httptest.Server, method, path string, header map[string]string) int {
		r, err := http.NewRequest(method, h.URL+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range header {
			if r.Header.Set(k, v); k == "Host" {
				r.Host = v
			}
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	for _, route := range routes {
		name := route.method + " " + route.path
		for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[::2]:80", "169.254.169.254", "localhost@evil.example"} {
			if status := ask(open, route.method, route.path, map[string]string{"Host": host}); status != 403 {
				t.Errorf("%s for the host %s: %d", name, host, status)
			}
		}
		for _, host := range []string{"localhost", "LOCALHOST:7788", "127.0.0.1:1", "[::1]:7788", "app.localhost", "samovar.example:80", "127.3.2.1"} {
			if status := ask(open, route.method, route.path, map[string]string{"Host": host}); status == 403 {
				t.Errorf("%s for the host %s is refused", name, host)
			}
		}
		for _, foreign := range []map[string]string{
			{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
			{"Sec-Fetch-Site": "same-site"}, {"Origin": "http://localhost:1"},
		} {
			if status := ask(open, route.method, route.path, foreign); (status == 403) != route.change {
				t.Errorf("%s from %v: %d", name, foreign, status)
			}
		}
		if status := ask(open, route.method, route.path, map[string]string{"Origin": open.URL, "Sec-Fetch-Site": "same-origin"}); status == 403 {
			t.Errorf("%s from our own page is refused", name)
		}
		for _, key := range []string{"", "Bearer", "Bearer wrong", "Basic secret", "secret", "Bearer secretsecret"} {
			if status := ask(locked, route.method, route.path, map[string]string{"Authorization": key}); (status == 401) != route.key {
				t.Errorf("%s with the key %q: %d", name, key, status)
			}
		}
		for _, key := range []string{"Bearer secret", "bearer other"} {
			if status := ask(locked, route.method, route.path, map[string]string{"Authorization": key}); status == 401 {
				t.Errorf("%s with the key %q is refused", name, key)
			}
		}
	}
}

func TestCheckAddr(t *testing.T) {
	for _, tt := range []struct {
		addr        string
		credentials bool
		ok          bool
	}{
		{"127.0.0.1:7788", false, true}, {"localhost:7788", false, true}, {"[::1]:0", false, true}, {"127.9.9.9:1", false, true},
		{":7788", false, false}, {"0.0.0.0:7788", false, false}, {"[::]:7788", false, false}, {"192.168.1.2:80", false, false},
		{"samovar.example:80", false, false}, {"7788", false, false}, {"127.0.0.1.evil.example:80", false, false},
		{"0.0.0.0:7788", true, true}, {":7788", true, true},
	} {
		if err := CheckAddr(tt.addr, tt.credentials); (err == nil) != tt.ok {
			t.Errorf("%s with credentials %v: %v", tt.addr, tt.credentials, err)
		}
	}
}

// policy forbids one model.
type policy struct{ asked samovar.Request }

func (p *policy) Allow(_ context.Context, r samovar.Request) error {
	p.asked = r
	if r.Facts["model"] == "base" {
		return errors.New("rule 7 forbids the model base")
	}
	return nil
}

func TestPolicy(t *testing.T) {
	p := &policy{}
	_, h := start(t, Config{Policy: p})
	status, b := post(t, h.URL+"/v1/completions", `{"model":"base","prompt":"a"}`)
	if f := decode[said](t, b); status != 403 || f.Error.Message != "rule 7 forbids the model base" || text(f.Error.Code) != "forbidden_by_policy" {
		t.Errorf("%d %s", status, b)
	}
	if p.asked.Action != "complete" || p.asked.Resource != digest {
		t.Errorf("the policy was asked about %+v", p.asked)
	}
	if status, _ := post(t, h.URL+"/v1/completions", `{"model":"tales","prompt":"a"}`); status != 200 {
		t.Errorf("what is allowed: %d", status)
	}
}

// Serve lets a stream that has begun finish after its context has ended.
func TestDrain(t *testing.T) {
	s := New(Config{Models: []Model{tiny(t, "tales", true)}})
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, l) }()
	url := "http://" + l.Addr().String()
	r, err := http.Post(url+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"the","max_tokens":150,"stream":true,"logit_bias":{"280":-100}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	cancel()
	b, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasSuffix(string(b), "data: [DONE]\n\n") {
		t.Errorf("the stream ends with %q, %v", b[max(0, len(b)-40):], err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if r, err := http.Get(url + "/health"); err == nil {
		r.Body.Close()
		t.Error("there is still an answer")
	}
}

func TestServeRefusesOpenAddress(t *testing.T) {
	s := New(Config{})
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Skip(err)
	}
	if err := s.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "credentials") {
		t.Errorf("it serves everyone: %v", err)
	}
}

// What is said and the keys never reach the log.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	_, h := start(t, Config{Log: slog.New(slog.NewJSONHandler(writer(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(b)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))})
	for _, body := range []string{
		`{"model":"tales","messages":[{"role":"user","content":"xyzzy"}],"max_tokens":3}`,
		`{"model":"tales","messages":[{"role":"xyzzy","content":"xyzzy"}]}`, `{xyzzy`, `{"messages":"xyzzy"}`,
	} {
		post(t, h.URL+"/v1/chat/completions", body)
	}
	mu.Lock()
	defer mu.Unlock()
	if s := log.String(); strings.Contains(s, "xyzzy") || !strings.Contains(s, `"msg":"answered"`) {
		t.Errorf("the log is %s", s)
	}
}

type writer func([]byte) (int, error)

func (f writer) Write(b []byte) (int, error) { return f(b) }

func TestPut(t *testing.T) {
	s, h := start(t, Config{})
	url := h.URL + "/v1/completions"
	if status, b := post(t, url, `{"model":"new","prompt":"a"}`); status != 404 {
		t.Fatalf("%d %s", status, b)
	}
	s.Put(tiny(t, "new", false))
	s.Put(tiny(t, "tales", true)) // while nobody uses it
	for _, name := range []string{"new", "tales"} {
		if status, b := post(t, url, `{"model":"`+name+`","prompt":"a"}`); status != 200 {
			t.Errorf("%s: %d %s", name, status, b)
		}
	}
	if len(s.models) != 3 {
		t.Errorf("there are %d models", len(s.models))
	}
}

// idle waits until a model's worker has no sequence left.
func idle(t *testing.T, s *Server, name string) {
	t.Helper()
	m, f := s.find(name)
	if f != nil {
		t.Fatal(f)
	}
	l, err := m.use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		l.mu.Lock()
		load := l.load
		l.mu.Unlock()
		if load == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a sequence is still there")
}
