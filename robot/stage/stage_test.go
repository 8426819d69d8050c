package stage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"samovar/robot/body"
	"samovar/robot/live"
	"samovar/robot/mechanism"
	composer "samovar/robot/music/song"
	"samovar/robot/speech"
)

// hum is a voice that hums for as long as a text has letters.
type hum struct{}

func (hum) Speak(_ context.Context, text, language string) (speech.Clip, error) {
	c := speech.Clip{Text: text, Language: language, Rate: 8000, Samples: make([]int16, 80*len(text))}
	for i := range c.Samples {
		c.Samples[i] = int16(8000 * math.Sin(float64(i)))
	}
	return c, nil
}

// echo answers with what it was asked.
type echo struct{}

func (echo) Speak(_ context.Context, prompt string, say func(string) error) error {
	return say("You said " + prompt[max(0, len(prompt)-5):] + ". ")
}

// theatre is a server of our robot.
type theatre struct {
	*testing.T
	*httptest.Server
}

func open(t *testing.T, c Config) *theatre {
	t.Helper()
	path, err := body.Find("../..")
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if c.Robot, err = live.Open(ctx, live.Config{Program: path, Model: "own", Log: t.Output(), Fast: true}); err != nil {
		t.Fatal(err)
	}
	c.Body = "own"
	s, err := New(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		cancel()
		h.Close()
		s.Wait()
		c.Robot.Close()
	})
	return &theatre{t, h}
}

// post sends a request, expects a status and returns what was answered.
func (h *theatre) post(path string, body []byte, status int) map[string]any {
	h.Helper()
	answer, err := http.Post(h.URL+"/api/robot/"+path, "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil || answer.StatusCode != status {
		h.Fatalf("POST %s: %d %s", path, answer.StatusCode, text)
	}
	return v
}

// get reads what the API says under a path.
func (h *theatre) get(path string, v any) {
	h.Helper()
	answer, err := http.Get(h.URL + "/api/robot" + path)
	if err != nil {
		h.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(v); err != nil || answer.StatusCode != 200 {
		h.Fatalf("GET %s: %d: %v", path, answer.StatusCode, err)
	}
}

// events returns what a page is told from now on.
func (h *theatre) events() <-chan [2]string {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), "GET", h.URL+"/api/robot/events", nil)
	if err != nil {
		h.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { answer.Body.Close() })
	c := make(chan [2]string, 1000)
	go func() {
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<20)
		name := ""
		for lines.Scan() {
			if n, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = n
			} else if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				c <- [2]string{name, data}
			}
		}
		close(c)
	}()
	return c
}

// until waits for an event of a name that contains a text.
func (h *theatre) until(events <-chan [2]string, name, text string) string {
	h.Helper()
	late := time.After(20 * time.Second)
	last := ""
	for {
		select {
		case e, ok := <-events:
			if !ok {
				h.Fatalf("no event %s with %s came, the last was %s", name, text, last)
			}
			if last = e[0] + " " + e[1]; e[0] == name && strings.Contains(e[1], text) {
				return e[1]
			}
		case <-late:
			h.Fatalf("no event %s with %s came, the last was %s", name, text, last)
		}
	}
}

// TestStage has people see a robot, have it dance, talk with it, push and stop it.
func TestStage(t *testing.T) {
	h := open(t, Config{Voice: hum{}, Speaker: echo{}})
	var d description
	if h.get("", &d); len(d.Shapes) == 0 || len(d.Bodies) < 20 || !d.Speaks || !d.Answers || d.Mass < 20 || d.Hears != nil {
		t.Errorf("the robot is %+v", d)
	}
	events := h.events()
	h.until(events, "state", `"act":"standing"`)

	h.post("ask", []byte(`{"text": "hello"}`), 200)
	h.until(events, "said", `"who":"person"`)
	clip := h.until(events, "said", "You said")
	h.until(events, "state", `"act":"speaking"`)
	var s said
	if err := json.Unmarshal([]byte(clip), &s); err != nil || s.Clip == nil {
		t.Fatal(clip, err)
	}
	wave, err := http.Get(h.URL + *s.Clip)
	if err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 4)
	io.ReadFull(wave.Body, head)
	wave.Body.Close()
	if string(head) != "RIFF" {
		t.Errorf("a clip begins with %q", head)
	}
	h.until(events, "state", `"act":"standing"`)

	h.post("push", []byte(`{"impulse": [3, 0]}`), 200)
	h.until(events, "state", `"push":[3`)
	h.post("push", []byte(`{"impulse": [300, 0]}`), 409)
	h.post("stop", nil, 200)
	h.until(events, "state", `"reason":"somebody pressed the button","reason_code":"pressed"`)
	h.post("end", nil, 409)
	h.post("resume", nil, 200)
	h.until(events, "state", `"mode":"running"`)
}

// TestDance brings a song and has the robot dance to it.
func TestDance(t *testing.T) {
	h := open(t, Config{})
	events := h.events()
	s := composer.Compose(1, 20)
	samples := s.Render(8000)
	sound := make([]int16, len(samples))
	for i, x := range samples {
		sound[i] = int16(30000 * max(-1, min(1, x)))
	}
	x := h.post("songs", speech.WAV(sound, 8000), 200)
	h.until(events, "songs", x["id"].(string))
	if x["sure"] != true || x["tempo"].(float64) < 50 {
		t.Errorf("the song is %v", x)
	}
	h.post("dance", []byte(`{"song": "`+x["id"].(string)+`", "seed": 3}`), 200)
	h.until(events, "state", `"act":"dancing"`)
	h.until(events, "state", `"beat":3`)
	h.post("end", nil, 200)
	h.until(events, "state", `"act":"standing"`)
}

// TestRefuses holds what is said of bad requests, to people and to programs.
func TestRefuses(t *testing.T) {
	h := open(t, Config{})
	for _, c := range []struct {
		path, body string
		status     int
		says, code string
	}{
		{"say", `{"text": "hello"}`, 409, "no voice", "no_voice"},
		{"dance", `{"song": "none"}`, 404, "no song", "no_song"},
		{"dance", `{"tune": "none"}`, 400, "tune", "bad_request"},
		{"songs", "this is no song", 400, "listen to a song", "song_unread"},
		{"push", `{"impulse": "hard"}`, 400, "read the request", "bad_request"},
		{"push", `{"impulse": [3]}`, 400, "1 numbers", "bad_request"},
		{"push", `{"impulse": [3, 0, 9]}`, 400, "3 numbers", "bad_request"},
		{"push", `{"impulse": [30, 0]}`, 409, "20 N·s", "hard"},
		{"hear?language=en", "RIFF", 409, "no speech", "no_ears"},
		{"sing", "", 404, "no such thing", "no_such_thing"},
	} {
		v := h.post(c.path, []byte(c.body), c.status)
		if m, _ := v["error"].(map[string]any); m == nil || !strings.Contains(m["message"].(string), c.says) || m["code"] != c.code {
			t.Errorf("POST %s %s: %v", c.path, c.body, v)
		}
	}
}

// TestReach holds how far a robot may get against the sum of its parts.
func TestReach(t *testing.T) {
	m := &mechanism.Model{
		Bodies: []mechanism.Body{{Parent: -1}, {Parent: 0, Position: mechanism.Vector{0, 0, 0.8}}, {Parent: 1, Position: mechanism.Vector{0, 0.3, 0.4}}},
		Geoms:  []mechanism.Geom{{Body: 0, Size: mechanism.Vector{9, 9, 9}}, {Body: 2, Position: mechanism.Vector{0, 0, -0.1}, Size: mechanism.Vector{0.05, 0.1}}},
	}
	if r := reachOf(m); math.Abs(r-(strays+0.8+0.5+0.2)) > 1e-9 {
		t.Errorf("%g m", r)
	}
}

// TestRadii holds the ellipsoid of a body against that of known radii.
func TestRadii(t *testing.T) {
	const a, b, c, m = 0.1, 0.2, 0.3, 7.0
	body := mechanism.Body{Mass: m, Inertia: mechanism.Matrix{m / 5 * (b*b + c*c), 0, 0, 0, m / 5 * (a*a + c*c), 0, 0, 0, m / 5 * (a*a + b*b)}}
	for k, want := range [3]float64{a, b, c} {
		if got := radii(&body)[k]; math.Abs(got-want) > 1e-12 {
			t.Errorf("radius %d is %g, not %g", k, got, want)
		}
	}
}
