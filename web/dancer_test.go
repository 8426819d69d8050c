package web

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// dancer answers for a robot, as a test wants it.
type dancer struct {
	robot  map[string]any // what it is; nil: there is none
	frames []map[string]any

	mu      sync.Mutex
	state   map[string]any // what each moment says beside its pose
	since   time.Time      // when that began: a song goes on from there
	hang    bool           // whatever is asked but the stop is never answered
	mute    bool           // no moment is sent
	deaf    string         // with this code it ends a microphone
	asked   []asked
	told    []event       // for who listens
	changed chan struct{} // closed when told grows or listeners shall go
	cut     int           // how often listeners have been sent away
}

// asked is a request that would change something.
type asked struct {
	path  string
	body  map[string]any
	raw   []byte
	name  string // X-Name
	query url.Values
}

type event struct {
	kind string
	data any
}

// begin makes it our own humanoid, standing.
func (d *dancer) begin(t *testing.T) {
	text, err := os.ReadFile("testdata/robot.json")
	if err != nil {
		t.Fatal(err)
	}
	var from struct {
		Robot  map[string]any
		Frames []map[string]any
	}
	if err := json.Unmarshal(text, &from); err != nil {
		t.Fatal(err)
	}
	d.robot, d.frames, d.changed = from.Robot, from.Frames, make(chan struct{})
	maps.Copy(d.robot, map[string]any{
		"songs":     []any{song("4f", "waltz.ogg", 3), song("5a", "Марш.mp3", 4)},
		"languages": []string{"en", "fr", "ru", "ar"}, "speaks": true, "answers": true,
		"hears": map[string]any{"sentences": false, "commands": []any{command("hello", "en", "hello"), command("dance", "en", "dance for me"), command("hello", "ar", "مرحبا")}},
	})
	d.set(standing())
}

func command(name, language, words string) any {
	return map[string]any{"name": name, "language": language, "words": words}
}

func song(id, name string, meter int) map[string]any {
	return map[string]any{"id": id, "name": name, "seconds": 61.2, "tempo": 92.1, "meter": meter, "sure": meter == 3}
}

func standing() map[string]any {
	return map[string]any{
		"capture": []float64{0.02, 0.01, 0}, "phase": "double", "act": "standing", "mode": "running", "reason": "", "song": nil, "mouth": 0,
		"forces": []any{force(0.03, 0.1, 172), force(0.03, -0.1, 171)}, "push": []float64{0, 0, 0},
		"counts": map[string]int{"falls": 0, "violations": 0, "clamped": 0}, "drift_m": 0.04, "tilt_rad": 0.02, "torque": 0.41, "tick_ms": 0.25,
	}
}

// dancing is at a beat of the first song, of 3 to a bar.
func dancing(beat int) map[string]any {
	s := standing()
	s["act"] = "dancing"
	s["song"] = map[string]any{"id": "4f", "at": float64(beat) * 60 / 92.1, "beat": beat, "bar": beat / 3, "beats_left": 90 - beat}
	return s
}

// following dances to a microphone.
func following(beat int) map[string]any {
	s := standing()
	s["act"] = "following"
	s["ear"] = map[string]any{"tempo": 121.4, "sure": beat > 0, "dancing": beat > 0, "beat": beat}
	return s
}

// stopped is at a stage of the stop, for a reason that programs know by a code.
func stopped(mode, reason, code string) map[string]any {
	s := standing()
	s["act"], s["mode"], s["reason"], s["reason_code"], s["reason_of"] = "stopped", mode, reason, code, "left_knee"
	return s
}

func force(x, y, newtons float64) any {
	return map[string]any{"at": []float64{x, y, 0}, "force": []float64{2, 0, newtons}}
}

// set is what the next moments say.
func (d *dancer) set(state map[string]any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state, d.since = state, time.Now()
}

// tell sends an event to who listens.
func (d *dancer) tell(kind string, data any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, event{kind, data})
	d.wake()
}

// cutOff ends all streams of events.
func (d *dancer) cutOff() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut++
	d.wake()
}

func (d *dancer) wake() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// last returns the latest request of that path.
func (d *dancer) last(path string) (asked, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range slices.Backward(d.asked) {
		if a.path == path {
			return a, true
		}
	}
	return asked{}, false
}

// count is how many requests of that path came.
func (d *dancer) count(path string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.asked {
		if a.path == path {
			n++
		}
	}
	return n
}

func (d *dancer) serve(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/robot", func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.robot == nil {
			refuse(w, http.StatusNotFound, "this server has no robot")
			return
		}
		json.NewEncoder(w).Encode(d.robot)
	})
	mux.HandleFunc("GET /api/robot/events", d.events)
	mux.HandleFunc("GET /api/robot/songs/{id}", func(w http.ResponseWriter, r *http.Request) { w.Write(tone(61.2)) })
	mux.HandleFunc("GET /api/robot/clips/{name}", func(w http.ResponseWriter, r *http.Request) { w.Write(tone(20)) })
	mux.HandleFunc("GET /api/robot/microphone", d.listen)
	mux.HandleFunc("POST /api/robot/", d.post)
}

// listen keeps what a page's microphone hears, until it is told to end.
func (d *dancer) listen(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	for {
		kind, sound, err := conn.Read(r.Context())
		if err != nil {
			break
		}
		d.mu.Lock()
		d.asked = append(d.asked, asked{path: "microphone", raw: sound, query: r.URL.Query()})
		code := d.deaf
		d.mu.Unlock()
		if kind != websocket.MessageBinary || code != "" {
			conn.Close(websocket.StatusNormalClosure, code)
			return
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, asked{path: "silence"})
}

// refuseWith refuses as the robot's API does.
func refuseWith(w http.ResponseWriter, status int, code, of, message string) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "of": of, "message": message}})
}

func (d *dancer) post(w http.ResponseWriter, r *http.Request) {
	a := asked{path: strings.TrimPrefix(r.URL.Path, "/api/robot/"), name: r.Header.Get("X-Name"), query: r.URL.Query()}
	var err error
	if a.raw, err = io.ReadAll(r.Body); err != nil {
		return // the page went away
	}
	if a.path != "songs" && a.path != "hear" {
		if err := json.Unmarshal(a.raw, &a.body); err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
	}
	d.mu.Lock()
	d.asked = append(d.asked, a)
	hang := d.hang && a.path != "stop"
	d.mu.Unlock()
	switch {
	case hang:
		<-r.Context().Done()
	case a.path == "songs" && bytes.Contains(a.raw, []byte("noise")):
		refuseWith(w, http.StatusBadRequest, "no_beat", "noise.wav", "compose a dance: no sure beat is heard")
	case a.path == "songs":
		fmt.Fprint(w, `{"id": "9c"}`)
	case a.path == "resume":
		refuseWith(w, http.StatusConflict, "down", "", "resume: the robot is kneeling")
	case a.path == "hear" && a.query.Get("language") == "fr":
		refuseWith(w, http.StatusUnprocessableEntity, "not_understood", "", "spot a command: nothing was understood")
	case a.path == "hear":
		fmt.Fprint(w, `{"text": "hello", "command": "hello", "language": "en"}`)
	default:
		fmt.Fprint(w, `{}`)
	}
}

// events sends ten moments a second, and what is told.
func (d *dancer) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	d.mu.Lock()
	sent, cut := len(d.told), d.cut
	d.mu.Unlock()
	for began := time.Now(); ; {
		d.mu.Lock()
		var events []event
		if !d.mute {
			events = append(events, event{"state", d.moment(time.Since(began).Seconds())})
		}
		events = append(events, d.told[sent:]...)
		sent = len(d.told)
		changed, gone := d.changed, d.cut != cut
		d.mu.Unlock()
		if gone {
			return
		}
		for _, e := range events {
			text, err := json.Marshal(e.data)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", e.kind, text)
		}
		w.(http.Flusher).Flush()
		select {
		case <-changed:
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// moment is the robot's state: it holds up its arms by turns while it dances.
func (d *dancer) moment(t float64) map[string]any {
	m := map[string]any{"t": t}
	maps.Copy(m, d.frames[0])
	maps.Copy(m, d.state)
	if place, ok := m["song"].(map[string]any); ok {
		maps.Copy(m, d.frames[1+place["beat"].(int)%2])
		place = maps.Clone(place)
		place["at"] = place["at"].(float64) + time.Since(d.since).Seconds()
		m["song"] = place
	}
	return m
}

// tone is a WAV file of so many seconds of a quiet A.
func tone(seconds float64) []byte {
	const rate = 8000
	samples := make([]int16, int(seconds*rate))
	for i := range samples {
		samples[i] = int16(2000 * math.Sin(2*math.Pi*440*float64(i)/rate))
	}
	var b bytes.Buffer
	size := uint32(2 * len(samples))
	b.WriteString("RIFF")
	binary.Write(&b, binary.LittleEndian, 36+size)
	b.WriteString("WAVEfmt ")
	for _, v := range []any{uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(16)} {
		binary.Write(&b, binary.LittleEndian, v)
	}
	b.WriteString("data")
	binary.Write(&b, binary.LittleEndian, size)
	binary.Write(&b, binary.LittleEndian, samples)
	return b.Bytes()
}
