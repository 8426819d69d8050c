// Package serve puts models behind HTTP: OpenAI's chat and completion APIs, a
// list of models, health, where a model comes from, and the pages.
//
// It refuses requests that a foreign page makes, to listen beyond this machine
// without credentials, to cut a prompt, and to log what is said.
//
// Start with [New]; worker.go is where requests meet the engine.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"samovar"
)

// Config says what is served and to whom.
type Config struct {
	Models []Model        // the first is loaded at once, the others when they are first asked for
	Meter  samovar.Meter  // nil: answers do not say what they took
	Policy samovar.Policy // nil: everything is allowed
	Pages  http.Handler   // what is no API; nil: 404
	Log    *slog.Logger   // nil: nothing is logged
	// Trace returns, as something that encodes to JSON, where ref comes from;
	// an error that wraps [ErrUnknown] means that there is no ref. nil: 404.
	Trace func(ctx context.Context, ref string) (any, error)
	// Lineage is like Trace, for the graph of what is behind ref.
	Lineage func(ctx context.Context, ref string) (any, error)
	// Card is like Trace, for what is known of a model.
	Card  func(ctx context.Context, ref string) (Card, error)
	API   http.Handler  // what else lies under /api/, behind the same checks; nil: 404
	Hosts []string      // names by which this machine may be called, beside loopback and the address called
	Keys  []Key         // who may use the APIs; none: everyone who reaches them
	Queue int           // most answers of a model in progress or waiting; 0: 64
	Ping  time.Duration // silence on a stream before a comment is sent; 0: 10 s
	Drain time.Duration // how long answers may go on after the end of Serve's context; 0: 30 s
}

// Card encodes to JSON, and is written for people too.
type Card interface{ Markdown() string }

// ErrUnknown is wrapped by errors for things that do not exist.
var ErrUnknown = errors.New("unknown")

// Limits on what is read from a client and how long that may take, and on how
// long a client may take to read one event.
const (
	maxBody       = 10 << 20
	maxHeader     = 64 << 10
	headerTimeout = 10 * time.Second
	bodyTimeout   = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	writeTimeout  = 30 * time.Second
)

// Server answers for its models.
type Server struct {
	config  Config
	log     *slog.Logger
	handler http.Handler
	turn    turn
	mu      sync.Mutex
	models  []*model // in the order of Put
	closed  bool
}

// New returns a server and begins to load its first model.
func New(c Config) *Server {
	if c.Queue <= 0 {
		c.Queue = 64
	}
	if c.Ping <= 0 {
		c.Ping = 10 * time.Second
	}
	if c.Drain <= 0 {
		c.Drain = 30 * time.Second
	}
	s := &Server{config: c, log: c.Log, turn: turn{meter: c.Meter}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.handler = s.guard(s.routes())
	for _, m := range c.Models {
		s.Put(m)
	}
	if len(s.models) > 0 {
		s.models[0].start()
	}
	return s
}

// Handler returns the APIs and pages with all checks of hosts, origins and keys.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.health)
	mux.Handle("GET /v1/models", s.authorised(s.listModels))
	mux.Handle("GET /v1/models/{id...}", s.authorised(s.showModel))
	mux.Handle("POST /v1/chat/completions", s.authorised(s.chat))
	mux.Handle("POST /v1/completions", s.authorised(s.complete))
	mux.Handle("GET /api/trace/{ref...}", s.authorised(s.recorded(s.config.Trace)))
	mux.Handle("GET /api/lineage/{ref...}", s.authorised(s.recorded(s.config.Lineage)))
	mux.Handle("GET /api/card/{ref...}", s.authorised(s.card))
	prefixes := []string{"/v1/", "/api/"}
	if s.config.API != nil {
		mux.Handle("/api/", s.authorised(s.config.API.ServeHTTP))
		prefixes = prefixes[:1]
	}
	for _, prefix := range prefixes {
		mux.HandleFunc(prefix, func(w http.ResponseWriter, r *http.Request) {
			s.refuse(w, r, &failure{status: http.StatusNotFound, message: fmt.Sprintf("there is no %s %s here", r.Method, r.URL.Path), code: "unknown_url"})
		})
	}
	if s.config.Pages != nil {
		mux.Handle("/", s.config.Pages)
	}
	return mux
}

// health says whether the first model is ready.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	status, answer := http.StatusOK, map[string]string{"status": "ok"}
	s.mu.Lock()
	if len(s.models) > 0 {
		if ready, err := s.models[0].state(); err != nil {
			status, answer = http.StatusServiceUnavailable, map[string]string{"status": "failed", "message": err.Error()}
		} else if !ready {
			status, answer = http.StatusServiceUnavailable, map[string]string{"status": "loading"}
		}
	}
	s.mu.Unlock()
	writeJSON(w, status, answer)
}

// Serve answers on l until ctx ends, lets answers in progress finish, and
// returns nil. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if err := CheckAddr(l.Addr().String(), len(s.config.Keys) > 0); err != nil {
		l.Close()
		return err
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	h := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	drain, stop := context.WithTimeout(base, s.config.Drain)
	defer stop()
	if err := h.Shutdown(drain); err != nil {
		cancel() // answers still in progress end now
		h.Close()
	}
	return nil
}

// Close frees the models. Answers in progress end with an error.
func (s *Server) Close() {
	s.mu.Lock()
	models := s.models
	s.models, s.closed = nil, true
	s.mu.Unlock()
	for _, m := range models {
		m.close()
	}
}
