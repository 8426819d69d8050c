package stage

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"samovar/robot/hearing"
	composer "samovar/robot/music/song"
	"samovar/robot/speech"
)

// oracle understands by the length of a sound.
type oracle map[int]hearing.Heard

func (o oracle) Recognise(_ context.Context, s hearing.Sound) (hearing.Heard, error) {
	if h, ok := o[len(s.Samples)]; ok {
		return h, nil
	}
	return hearing.Heard{}, fmt.Errorf("guess: %w", hearing.ErrNothing)
}

func spoken(samples int) []byte { return speech.WAV(make([]int16, samples), 16000) }

// TestHear has the robot do what is said to it.
func TestHear(t *testing.T) {
	learnt := 0
	h := open(t, Config{Voice: hum{}, Speaker: echo{}, Learn: func(_ context.Context, language string) (hearing.Recogniser, error) {
		learnt++
		all := oracle{}
		for n, name := range []string{"hello", "who", "dance", "bow", "kneel", ""} {
			all[1+n] = hearing.Heard{Text: name + " in " + language, Command: name, Language: language}
		}
		return all, nil
	}})
	var d struct{ Hears hears }
	if h.get("", &d); d.Hears.Sentences || len(d.Hears.Commands) < 20 {
		t.Errorf("it hears %+v", d.Hears)
	}
	events := h.events()
	h.until(events, "state", `"act":"standing"`)
	if v := h.post("hear?language=fr", spoken(1), 200); v["command"] != "hello" || v["text"] != "hello in fr" {
		t.Errorf("it heard %v", v)
	}
	h.until(events, "said", `"who":"person","text":"hello in fr"`)
	h.until(events, "said", `"who":"robot"`)
	h.post("hear?language=fr", spoken(6), 200) // a sentence
	h.until(events, "said", `You said`)
	for _, c := range []struct {
		query  string
		body   []byte
		status int
		code   string
	}{
		{"language=fr", spoken(3), 409, "no_songs"},
		{"language=fr", spoken(100), 422, "not_understood"},
		{"language=fr", []byte("no sound"), 400, "sound_unread"},
		{"language=fr", make([]byte, mostSpeech+1), 413, "sound_long"},
		{"language=xx", spoken(1), 400, "bad_request"},
	} {
		v := h.post("hear?"+c.query, c.body, c.status)
		if m, _ := v["error"].(map[string]any); m == nil || m["code"] != c.code {
			t.Errorf("%s: %v", c.code, v)
		}
	}
	h.post("hear?language=fr", spoken(4), 200)
	h.until(events, "state", `"act":"bowing"`)
	h.post("hear?language=fr", spoken(5), 200)
	h.until(events, "state", `"mode":"kneeling"`)
	h.post("learn", []byte(`{"language": "en"}`), 200)
	h.post("hear?language=en", spoken(2), 200)
	h.until(events, "said", `"who":"robot"`)
	if learnt != 2 {
		t.Errorf("two languages were learnt %d times", learnt)
	}
}

// TestMicrophone has the robot dance to sound that comes as it is played, on the robot's
// clock, until it ends.
func TestMicrophone(t *testing.T) {
	const rate = 8000
	h := open(t, Config{})
	events := h.events()
	h.until(events, "state", `"act":"standing"`)
	if _, answer, err := websocket.Dial(t.Context(), h.URL+"/api/robot/microphone?rate=2", nil); err == nil || answer.StatusCode != 400 {
		t.Errorf("2 samples a second: %v", err)
	}
	conn, _, err := websocket.Dial(t.Context(), h.URL+"/api/robot/microphone?rate=8000&ago=0.02", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	s := composer.Compose(107, 15)
	samples := append(s.Render(rate), make([]float32, 9*rate)...)
	began, ended, sent, beats := 0.0, 0.0, 0, 0
	for start := math.NaN(); sent < len(samples); {
		var e struct {
			T   float64
			Act string
			Ear *struct {
				Dancing bool
				Beat    int
			}
		}
		if err := json.Unmarshal([]byte(h.until(events, "state", `"ear":{`)), &e); err != nil {
			t.Fatal(err)
		}
		switch {
		case math.IsNaN(start):
			start = e.T
		case e.Ear.Dancing && began == 0:
			began = e.T - start
		case e.Ear.Dancing:
			ended = e.T - start
		}
		beats = e.Ear.Beat
		n := min(len(samples), int((e.T-start)*rate))
		chunk := make([]byte, 0, 2*max(0, n-sent))
		for ; sent < n; sent++ {
			chunk = binary.LittleEndian.AppendUint16(chunk, uint16(int16(30000*max(-1, min(1, samples[sent])))))
		}
		if err := conn.Write(t.Context(), websocket.MessageBinary, chunk); err != nil {
			t.Fatal(err)
		}
	}
	if began == 0 || began > 12 || ended < 14 || ended > 20 || beats < 8 {
		t.Errorf("it danced from %.1f to %.1f s to 15 s of music, %d beats", began, ended, beats)
	}
	h.post("end", nil, 200)
	h.until(events, "state", `"act":"standing"`)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if err = conn.Write(ctx, websocket.MessageBinary, []byte{0, 0}); err != nil {
			break
		}
		if _, _, err = conn.Read(ctx); err != nil {
			break
		}
	}
	if !strings.Contains(err.Error(), "ended") {
		t.Errorf("the link ends with %v", err)
	}
}
