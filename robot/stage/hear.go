package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"samovar/robot/dance"
	"samovar/robot/hearing"
	"samovar/robot/live"
	"samovar/robot/speech"
)

// mostSpeech is the largest sound that is listened to: hearing.Longest at 48 kHz.
const mostSpeech = 44 + 2*30*48000

// ears understand speech: by the user's recogniser, or by a spotter of the commands of
// each language, learnt when somebody first speaks in it.
type ears struct {
	config Config

	mu       sync.Mutex // held while a spotter learns
	spotters map[string]hearing.Recogniser
}

// hears is what the robot understands of what is said to it.
type hears struct {
	Sentences bool      `json:"sentences"` // any; otherwise the commands alone
	Commands  []command `json:"commands"`
}

type command struct {
	Name     string `json:"name"`
	Language string `json:"language"`
	Words    string `json:"words"`
}

// hears says what it understands; nil: it hears nothing.
func (s *Server) hears() *hears {
	switch {
	case s.config.Recogniser != nil:
		return &hears{Sentences: true, Commands: []command{}}
	case s.config.Learn == nil:
		return nil
	}
	h := &hears{}
	for _, c := range hearing.Commands {
		h.Commands = append(h.Commands, command(c))
	}
	return h
}

// in returns who understands a language.
func (e *ears) in(ctx context.Context, language string) (hearing.Recogniser, error) {
	if e.config.Recogniser != nil {
		return e.config.Recogniser, nil
	}
	if e.config.Learn == nil {
		return nil, lacking("no_ears", "the robot understands no speech: install espeak-ng, from which it learns commands, or name a recogniser when it is started")
	}
	if !slices.Contains(speech.Languages, language) {
		return nil, bad("bad_request", "listen to %.20q: it knows commands in %v", language, speech.Languages)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.spotters[language]; r != nil {
		return r, nil
	}
	r, err := e.config.Learn(ctx, language)
	if err != nil {
		return nil, err
	}
	if e.spotters == nil {
		e.spotters = map[string]hearing.Recogniser{}
	}
	e.spotters[language] = r
	return r, nil
}

// learn has the robot learn the commands of a language before the first is heard.
func (s *Server) learn(w http.ResponseWriter, r *http.Request) (any, error) {
	var ask struct {
		Language string `json:"language"`
	}
	if err := read(w, r, &ask); err != nil {
		return nil, err
	}
	_, err := s.ears.in(s.ctx, ask.Language)
	return done, err
}

// hear listens to what somebody says while they hold the button, and has the robot do
// it, or answer.
func (s *Server) hear(w http.ResponseWriter, r *http.Request) (any, error) {
	ask := r.URL.Query()
	ears, err := s.ears.in(s.ctx, ask.Get("language")) // a spotter is not of this request alone
	if err != nil {
		return nil, err
	}
	file, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostSpeech))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, failure{http.StatusRequestEntityTooLarge, "sound_long", "", fmt.Errorf("what is said may last %v", hearing.Longest)}
	}
	if err != nil {
		return nil, bad("bad_request", "read what was said: %v", err)
	}
	samples, rate, err := speech.ReadWAV(file)
	if err != nil {
		return nil, bad("sound_unread", "%v", err)
	}
	heard, err := ears.Recognise(r.Context(), hearing.Sound{Rate: rate, Samples: samples})
	switch {
	case errors.Is(err, hearing.ErrNothing):
		return nil, failure{http.StatusUnprocessableEntity, "not_understood", "", err}
	case err != nil:
		return nil, bad("sound_unread", "%v", err)
	}
	if err := s.obey(heard, ask.Get("song")); err != nil {
		return nil, err
	}
	return heard, nil
}

// obey has the robot do what was said, or answer.
func (s *Server) obey(h hearing.Heard, song string) error {
	s.events.send("said", said{ID: s.number(), Who: "person", Text: h.Text, Language: h.Language})
	switch h.Command {
	case "":
		return s.reply(h.Text, "")
	case "hello", "who":
		if err := s.voice(); err != nil {
			return err
		}
		if h.Command == "hello" {
			s.welcome(h.Language)
		} else {
			s.talk.begin("say who it is", func(ctx context.Context) (speech.Said, error) { return s.talk.host.Introduce(ctx, h.Language) })
		}
	case "dance":
		if song == "" {
			if all := s.songs.list(); len(all) > 0 {
				song = all[len(all)-1].ID
			} else {
				return lacking("no_songs", "there is no song to dance to: bring one first")
			}
		}
		return s.danceTo(song, uint64(s.number()))
	case "bow":
		return s.bow()
	case "kneel":
		s.silence()
		for range 2 { // the second stop is a kneel
			s.config.Robot.Stop("somebody said: " + h.Text)
		}
	}
	return nil
}

// bowing is a bow, arms lowered, of five seconds.
var bowing = dance.Dance{
	Version: dance.Version, Beats: []float64{1, 2, 3, 4, 5}, Moves: []dance.Move{},
	Phrases: []dance.Phrase{{Beats: 4, Cues: []dance.Cue{{Move: "calm", Beats: 4, Scale: 1}, {Move: "bow", Beats: 4, Scale: 1}}}},
}

func (s *Server) bow() error {
	m, err := dance.New(&bowing, s.config.Robot.Info())
	if err != nil {
		return err
	}
	s.silence()
	return conflict(s.config.Robot.Perform(live.Act{Name: "bowing", Motion: m, Seconds: m.Seconds()}))
}
