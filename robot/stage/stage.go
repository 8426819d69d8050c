// Package stage is the HTTP API of a robot that people meet: they see it, give it songs
// and a microphone to dance to, talk with it, push it and stop it. It refuses songs without a beat that one
// could dance to, and whatever the robot refuses. Start with [New].
package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"samovar"
	"samovar/robot/hearing"
	"samovar/robot/live"
	"samovar/robot/speech"
)

// Config says what the robot has beside its body.
type Config struct {
	Robot *live.Robot
	Body  string       // own, or the path of its model
	Voice speech.Voice // nil: it does not speak
	// Speaker thinks; nil: the robot says what it is told to, and greets, but does not answer.
	// One that has a method Forget() forgets the dialogue when the robot greets.
	Speaker samovar.Speaker
	Knows   []string // languages that the model was made for; nil: all
	// Recogniser understands whatever is said to the robot; nil: it understands the commands
	// of those that Learn returns, which takes a second for a language; nil, too: it hears
	// nothing.
	Recogniser hearing.Recogniser
	Learn      func(ctx context.Context, language string) (hearing.Recogniser, error)
	Log        *slog.Logger
}

// Server answers under /api/robot.
type Server struct {
	config Config
	ctx    context.Context
	mux    *http.ServeMux
	songs  songs
	events hub
	clock  clock
	told   atomic.Int64 // utterances
	talk   *talk        // nil: it does not speak
	ears   ears
	turn   sync.Mutex               // held while ear and the robot's act change
	ear    atomic.Pointer[listener] // of the page whose microphone it dances to; nil: none
	meshes meshes
	work   sync.WaitGroup
}

// New returns a server; what it has begun ends with ctx, and Wait waits for that.
func New(ctx context.Context, c Config) (*Server, error) {
	s := &Server{config: c, ctx: ctx, mux: http.NewServeMux(), events: newHub()}
	if c.Log == nil {
		s.config.Log = slog.New(slog.DiscardHandler)
	}
	if c.Voice != nil {
		var err error
		if s.talk, err = newTalk(s); err != nil {
			return nil, fmt.Errorf("give the robot a voice: %w", err)
		}
	}
	s.ears.config = s.config
	s.meshes = openMeshes(ctx, c.Body, c.Robot.Model(), s.config.Log)
	s.routes()
	s.work.Go(s.follow)
	return s, nil
}

// Wait returns when nothing that was begun goes on any more.
func (s *Server) Wait() { s.work.Wait() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// handler answers a request with a value, or with an error.
type handler func(w http.ResponseWriter, r *http.Request) (any, error)

func (s *Server) routes() {
	for pattern, h := range map[string]handler{
		"GET /api/robot":         s.describe,
		"POST /api/robot/stop":   s.stop,
		"POST /api/robot/resume": func(http.ResponseWriter, *http.Request) (any, error) { return done, conflict(s.config.Robot.Resume()) },
		"POST /api/robot/reset":  s.reset,
		"POST /api/robot/end":    s.end,
		"POST /api/robot/push":   s.push,
		"POST /api/robot/songs":  s.addSong,
		"POST /api/robot/dance":  s.dance,
		"POST /api/robot/say":    s.say,
		"POST /api/robot/ask":    s.ask,
		"POST /api/robot/greet":  s.greet,
		"POST /api/robot/learn":  s.learn,
		"POST /api/robot/hear":   s.hear,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			answer, err := h(w, r)
			if err != nil {
				s.refuse(w, r, err)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(answer)
		})
	}
	s.mux.HandleFunc("GET /api/robot/events", s.serveEvents)
	s.mux.HandleFunc("GET /api/robot/microphone", s.serveMicrophone)
	s.mux.HandleFunc("GET /api/robot/meshes/{number}", s.serveMesh)
	s.mux.HandleFunc("GET /api/robot/songs/{id}", s.serveSong)
	s.mux.HandleFunc("GET /api/robot/clips/{name}", s.serveClip)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, missing("no_such_thing", "there is no such thing"))
	})
}

// mostBody is the longest body of a request that is not a song, bytes.
const mostBody = 64 << 10

// read reads the JSON of a request; nothing leaves v as it is.
func read(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return bad("bad_request", "read the request: %v", err)
	}
	return nil
}

func (s *Server) stop(http.ResponseWriter, *http.Request) (any, error) {
	s.config.Robot.Stop("somebody pressed the button")
	s.silence()
	return done, nil
}

// reset puts the robot on its feet, which takes as long as starting a body.
func (s *Server) reset(http.ResponseWriter, *http.Request) (any, error) {
	s.silence()
	return done, s.config.Robot.Reset()
}

func (s *Server) end(http.ResponseWriter, *http.Request) (any, error) {
	s.silence()
	return done, conflict(s.config.Robot.End())
}

func (s *Server) push(w http.ResponseWriter, r *http.Request) (any, error) {
	var push struct {
		Impulse []float64 `json:"impulse"`
	}
	if err := read(w, r, &push); err != nil {
		return nil, err
	}
	if len(push.Impulse) != 2 {
		return nil, bad("bad_request", "push by an impulse of %d numbers: give two, ahead and to the left", len(push.Impulse))
	}
	return done, conflict(s.config.Robot.Push(push.Impulse[0], push.Impulse[1]))
}

// number is the number of an utterance.
func (s *Server) number() int { return int(s.told.Add(1)) }

// silence ends what is said.
func (s *Server) silence() {
	if s.talk != nil {
		s.talk.silence()
	}
}
