// Package runs answers for what is being brewed and what has been: HTTP routes
// for the page Runs, with live progress, curves, brews that are started from a
// folder of texts or a recipe, stopped, and gone on with.
//
// It refuses to run a stage itself (a brew is a process of its own), to run two
// brews at once, to write outside the folder of brews, and to take more of a
// disk than its limits say.
//
// Start with [Journal] for what a brew leaves for others to see, and [New] for
// the routes.
package runs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"samovar"
)

// Config is what the routes need of the rest of the program.
type Config struct {
	Dir     string                                                       // folder of brews: see Journal
	Command func(ctx context.Context, recipe string, o *Order) *exec.Cmd // brews a recipe, which it designs first if there is an order; ends as after Ctrl-C when ctx does
	Check   func(recipe []byte, dir string) (name string, err error)     // what is wrong with a recipe that lies in dir
	Suits   func(ctx context.Context, o Order) error                     // what is wrong with an order, of which nothing but Data may be read
	Taken   func(name string) bool                                       // whether a model has that name
	Ended   func(Brew)                                                   // told of each brew that has come to an end

	Runs   func(ctx context.Context) (any, error)                      // all finished runs, for people to choose from
	Run    func(ctx context.Context, id string) (any, error)           // one of them, with its settings
	Curve  func(ctx context.Context, id string) (samovar.Curve, error) // of a finished run
	Live   func(key samovar.Digest) (samovar.Curve, error)             // of a run in progress or interrupted
	Tick   time.Duration                                               // how often journals are looked at; 0: a second
	Limits Limits                                                      // zero: DefaultLimits
}

// ErrUnknown is wrapped by errors for things that do not exist.
var ErrUnknown = errors.New("unknown")

// Limits bounds what dropped folders may take of the disk.
type Limits struct {
	FileBytes   int64 `json:"file_bytes"`   // of one file
	FolderBytes int64 `json:"folder_bytes"` // of one folder
	Files       int   `json:"files"`        // in one folder
	AllBytes    int64 `json:"all_bytes"`    // of all folders that are kept
}

// DefaultLimits are a tenth of a small disk. Larger corpora are named in a
// recipe and stay where they are.
var DefaultLimits = Limits{FileBytes: 500e6, FolderBytes: 1e9, Files: 10000, AllBytes: 4e9}

// Server answers the routes under /api/ and runs brews one after the other.
type Server struct {
	config Config
	ctx    context.Context
	mux    *http.ServeMux
	board  board
	drops  drops

	mu      sync.Mutex
	queue   []string // ids of brews that wait
	current string   // id of the brew that this server runs; empty: none
	cancel  func()   // ends it as Ctrl-C does
	done    sync.WaitGroup
}

// New returns a server that works until ctx ends; Wait then waits for its brew.
// The folder of brews need not be there, nor be writable for who only looks.
func New(ctx context.Context, c Config) (*Server, error) {
	if c.Tick == 0 {
		c.Tick = time.Second
	}
	if c.Limits == (Limits{}) {
		c.Limits = DefaultLimits
	}
	s := &Server{config: c, ctx: ctx, mux: http.NewServeMux()}
	s.board.changed = make(chan struct{})
	s.drops = drops{dir: c.Dir, limits: c.Limits}
	if err := s.drops.open(); err != nil {
		return nil, err
	}
	s.routes()
	s.refresh()
	s.settle()
	s.refresh()
	s.done.Go(s.watch)
	return s, nil
}

// Wait returns when the context of New has ended and the last brew with it.
func (s *Server) Wait() { s.done.Wait() }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) routes() {
	handle := func(pattern string, answer func(r *http.Request) (any, error)) {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v, err := answer(r)
			if err != nil {
				refuse(w, err)
				return
			}
			write(w, http.StatusOK, v)
		})
	}
	handle("GET /api/runs", func(r *http.Request) (any, error) { return s.config.Runs(r.Context()) })
	handle("GET /api/runs/{id}", func(r *http.Request) (any, error) { return s.config.Run(r.Context(), r.PathValue("id")) })
	handle("GET /api/runs/{id}/curve", func(r *http.Request) (any, error) {
		c, err := s.config.Curve(r.Context(), r.PathValue("id"))
		return after(c, r), err
	})
	handle("GET /api/brews", func(*http.Request) (any, error) {
		return map[string]any{"brews": s.board.list(), "limits": s.config.Limits, "kept_bytes": s.drops.kept()}, nil
	})
	s.mux.HandleFunc("GET /api/brews/events", s.events)
	handle("GET /api/brews/{id}", func(r *http.Request) (any, error) { return s.brew(r.PathValue("id")) })
	handle("GET /api/brews/{id}/curve", s.curve)
	handle("GET /api/brews/{id}/recipe", s.recipe)
	handle("POST /api/brews", s.order)
	handle("POST /api/brews/{id}/stop", func(r *http.Request) (any, error) { return s.stop(r.PathValue("id")) })
	handle("POST /api/brews/{id}/start", func(r *http.Request) (any, error) { return s.start(r.PathValue("id")) })
	handle("DELETE /api/brews/{id}", func(r *http.Request) (any, error) { return s.remove(r.PathValue("id")) })
	handle("POST /api/folders", func(*http.Request) (any, error) { return s.drops.create() })
	handle("PUT /api/folders/{id}/{path...}", s.drops.put)
	handle("DELETE /api/folders/{id}", func(r *http.Request) (any, error) { return s.drops.discard(r.PathValue("id")) })
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &refusal{http.StatusNotFound, "unknown_url", fmt.Sprintf("there is no %s %s here", r.Method, r.URL.Path)})
	})
}

// brew returns the brew of that id.
func (s *Server) brew(id string) (Brew, error) {
	b, ok := s.board.get(id)
	if !ok {
		return b, fmt.Errorf("there is no brew %.40q: %w", id, ErrUnknown)
	}
	return b, nil
}

// curve answers with the curve of a brew's training, or of the node that the
// request names, from the step after which it asks.
func (s *Server) curve(r *http.Request) (any, error) {
	b, err := s.brew(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	node := r.URL.Query().Get("node")
	if node == "" {
		node = "train"
	}
	for _, stage := range b.Stages {
		switch {
		case stage.Name != node:
		case stage.Run != "":
			c, err := s.config.Curve(r.Context(), stage.Run)
			return after(c, r), err
		case stage.Key != "":
			c, err := s.config.Live(stage.Key)
			return after(c, r), err
		}
	}
	return samovar.Curve{Points: []samovar.Point{}}, nil
}

// after leaves out the points up to the step that the request names.
func after(c samovar.Curve, r *http.Request) samovar.Curve {
	step, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		step = -1
	}
	rest := samovar.Curve{Points: []samovar.Point{}}
	for _, p := range c.Points {
		if p.Step > step {
			rest.Points = append(rest.Points, p)
		}
	}
	return rest
}

// recipe answers with the text of a brew's recipe as it lies there now.
func (s *Server) recipe(r *http.Request) (any, error) {
	b, err := s.brew(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	text, err := readLimited(b.Recipe, maxOrder)
	if err != nil {
		return nil, fmt.Errorf("read the recipe of %s: %w", b.Name, err)
	}
	return map[string]string{"path": b.Recipe, "text": string(text)}, nil
}

// remove forgets a brew that is at rest and frees what was dropped for it. What
// it has made stays in the store.
func (s *Server) remove(id string) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.brew(id)
	if err != nil {
		return nil, err
	}
	if b.active() || s.waits(id) {
		return nil, &refusal{http.StatusConflict, "running", b.Name + " is being brewed: stop it first"}
	}
	if err := os.RemoveAll(filepath.Join(s.config.Dir, id)); err != nil {
		return nil, fmt.Errorf("remove the brew %s: %w", b.Name, err)
	}
	s.drops.forget(id)
	s.refresh()
	return map[string]string{"removed": id}, nil
}

// refusal is an answer that says no.
type refusal struct {
	status  int
	code    string
	message string
}

func (r *refusal) Error() string { return r.message }

// refuse answers with an error in the form of the other APIs.
func refuse(w http.ResponseWriter, err error) {
	f := &refusal{http.StatusInternalServerError, "failed", err.Error()}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &f):
	case errors.Is(err, ErrUnknown):
		f = &refusal{http.StatusNotFound, "unknown", err.Error()}
	case errors.As(err, &large):
		f = &refusal{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("more than %d bytes were sent", large.Limit)}
	case errors.Is(err, context.Canceled):
		f = &refusal{http.StatusServiceUnavailable, "closing", "the server is ending"}
	}
	kind := "invalid_request_error"
	if f.status >= 500 {
		kind = "server_error"
	}
	write(w, f.status, map[string]any{"error": map[string]any{"message": f.message, "type": kind, "param": nil, "code": f.code}})
}

// write answers with v as JSON.
func write(w http.ResponseWriter, status int, v any) {
	text, err := encode(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":{"message":"the answer cannot be encoded","type":"server_error","param":null,"code":null}}`)
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // a recorder in a test has none
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(text, '\n')) // an error means that the client has gone
}

// encode is json.Marshal without the escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
