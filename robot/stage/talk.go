package stage

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"samovar/robot/gesture"
	"samovar/robot/live"
	"samovar/robot/speech"
)

// Bounds of talk.
const (
	mostText  = 2000                   // letters of what it is told
	mostClips = 32                     // that pages can still fetch
	ahead     = 200 * time.Millisecond // in which a page fetches a clip before it is heard
)

// talk is the robot's voice: pages play what it says.
type talk struct {
	server *Server
	host   *speech.Host

	mu       sync.Mutex
	end      context.CancelFunc // of what is said now
	turn     int                // grows with each thing that is to be said
	clips    map[int][]byte
	free     time.Time // when all clips have been heard
	heard    *speech.Clip
	start    time.Time // of heard
	envelope []float32
	gestures *gesture.Gestures
}

func newTalk(s *Server) (*talk, error) {
	t := &talk{server: s, clips: map[int][]byte{}}
	g, err := gesture.New(s.config.Robot.Info(), nil)
	if err != nil {
		return nil, err
	}
	t.gestures = g
	talker := speech.NewTalker(s.config.Voice, t)
	talker.Heard = t.see
	t.host = &speech.Host{Character: speech.Own(), Talker: talker, Speaker: s.config.Speaker, Knows: s.config.Knows}
	return t, nil
}

// said is an utterance for whoever watches.
type said struct {
	ID       int     `json:"id"`
	Who      string  `json:"who"` // robot or person
	Text     string  `json:"text"`
	Language string  `json:"language"`
	Clip     *string `json:"clip"`  // where its sound is
	Start    float64 `json:"start"` // when it is heard, s on the robot's clock
}

// Play implements speech.Player: the pages play the clip.
func (t *talk) Play(_ context.Context, c *speech.Clip) (time.Time, error) {
	file := c.WAV()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	start := now.Add(ahead)
	if t.free.After(start) {
		start = t.free
	}
	t.free = start.Add(c.Length())
	id := t.server.number()
	t.clips[id] = file
	delete(t.clips, id-mostClips)
	where := fmt.Sprintf("/api/robot/clips/%d.wav", id)
	t.server.events.send("said", said{ID: id, Who: "robot", Text: c.Text, Language: c.Language, Clip: &where, Start: t.server.clock.at(start)})
	return start, nil
}

// Stop implements speech.Player.
func (t *talk) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free, t.heard = time.Time{}, nil
	t.server.events.send("silence", struct{}{})
}

// see has lips and hands follow an utterance.
func (t *talk) see(u speech.Utterance) {
	t.mu.Lock()
	t.heard, t.start, t.envelope = &u.Clip, u.Start, u.Envelope()
	t.mu.Unlock()
	t.gestures.Speak(u)
}

// mouth is how far the mouth is open, 0 to 1.
func (t *talk) mouth(now time.Time) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.heard == nil {
		return 0
	}
	i := int(now.Sub(t.start).Seconds() * speech.EnvelopeRate)
	if i < 0 || i >= len(t.envelope) {
		return 0
	}
	return float64(t.envelope[i])
}

// silence ends what is said, at once.
func (t *talk) silence() {
	t.mu.Lock()
	end := t.end
	t.end = nil
	t.mu.Unlock()
	if end != nil {
		end()
	}
	t.host.Talker.Stop()
	t.gestures.Stop()
}

// begin has the robot say something in place of what it says, with gestures unless it
// dances.
func (t *talk) begin(what string, say func(context.Context) (speech.Said, error)) {
	t.silence()
	s := t.server
	ctx, end := context.WithCancel(s.ctx)
	t.mu.Lock()
	t.end = end
	t.turn++
	turn := t.turn
	t.mu.Unlock()
	s.work.Go(func() {
		defer end()
		t.stand()
		if _, err := say(ctx); err != nil && ctx.Err() == nil {
			s.config.Log.Error("the robot could not speak", "what", what, "error", err)
			s.events.send("note", note{Text: fmt.Sprintf("%s: %v", what, err), Kind: "error", Code: "unsaid"})
		}
		t.mu.Lock()
		last := t.turn == turn
		t.mu.Unlock()
		if last && s.config.Robot.Doing() == speaking {
			s.config.Robot.End()
		}
	})
}

// speaking is the name of the act of a robot that moves as it speaks.
const speaking = "speaking"

// stand has the robot make gestures, where it does nothing else.
func (t *talk) stand() {
	if r := t.server.config.Robot; r.Doing() == live.Standing {
		r.Perform(live.Act{Name: speaking, Motion: t.gestures}) // a stopped robot speaks without
	}
}

// words is what a request asks to be said.
type words struct {
	Text     string `json:"text"`
	Language string `json:"language"`
}

// voice is why the robot cannot speak.
func (s *Server) voice() error {
	if s.talk == nil {
		return lacking("no_voice", "the robot has no voice: install espeak-ng and start it again")
	}
	return nil
}

// words reads a request, of a robot that speaks.
func (s *Server) words(w http.ResponseWriter, r *http.Request, text bool) (v words, err error) {
	if err := s.voice(); err != nil {
		return v, err
	}
	if err := read(w, r, &v); err != nil {
		return v, err
	}
	v.Text = strings.TrimSpace(v.Text)
	switch n := len([]rune(v.Text)); {
	case text && n == 0:
		return v, bad("no_text", "there is nothing to say")
	case n > mostText:
		return v, bad("long_text", "a text of %d letters: %d are the most", n, mostText)
	case v.Language != "" && !slices.Contains(speech.Languages, v.Language):
		return v, bad("bad_request", "speak %.20q: it speaks %v", v.Language, speech.Languages)
	}
	return v, nil
}

func (s *Server) say(w http.ResponseWriter, r *http.Request) (any, error) {
	v, err := s.words(w, r, true)
	if err != nil {
		return nil, err
	}
	s.talk.begin("say it", func(ctx context.Context) (speech.Said, error) {
		return s.talk.host.Talker.Say(ctx, speech.Text(v.Text), v.Language)
	})
	return done, nil
}

func (s *Server) ask(w http.ResponseWriter, r *http.Request) (any, error) {
	v, err := s.words(w, r, true)
	if err != nil {
		return nil, err
	}
	if err := s.mind(); err != nil {
		return nil, err
	}
	s.events.send("said", said{ID: s.number(), Who: "person", Text: v.Text, Language: v.Language})
	return done, s.reply(v.Text, v.Language)
}

// mind is why the robot cannot answer.
func (s *Server) mind() error {
	if s.config.Speaker == nil {
		return lacking("no_model", "the robot has no model to think with: name one when it is started")
	}
	return s.voice()
}

// reply has the robot answer.
func (s *Server) reply(text, language string) error {
	if err := s.mind(); err != nil {
		return err
	}
	s.talk.begin("answer", func(ctx context.Context) (speech.Said, error) { return s.talk.host.Answer(ctx, text, language) })
	return nil
}

func (s *Server) greet(w http.ResponseWriter, r *http.Request) (any, error) {
	v, err := s.words(w, r, false)
	if err != nil {
		return nil, err
	}
	s.welcome(v.Language)
	return done, nil
}

// welcome has the robot say hello and who it is.
func (s *Server) welcome(language string) {
	s.talk.begin("greet", func(ctx context.Context) (speech.Said, error) {
		if m, ok := s.config.Speaker.(interface{ Forget() }); ok {
			m.Forget() // a new visitor hears nothing of the last one
		}
		said, err := s.talk.host.Greet(ctx, language)
		if err != nil || said.Stopped {
			return said, err
		}
		return s.talk.host.Introduce(ctx, language)
	})
}

func (s *Server) serveClip(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(strings.TrimSuffix(r.PathValue("name"), ".wav"))
	var file []byte
	if s.talk != nil && err == nil {
		s.talk.mu.Lock()
		file = s.talk.clips[id]
		s.talk.mu.Unlock()
	}
	if file == nil {
		s.refuse(w, r, missing("no_clip", "there is no such clip any more"))
		return
	}
	w.Header().Set("Content-Type", "audio/wav")
	w.Write(file)
}
