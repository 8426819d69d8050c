package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"samovar"
	"samovar/infer"
	"samovar/tokenizer"
	"samovar/tokenizer/template"
)

// Model is a model that can be asked for by name.
type Model struct {
	Name string
	Info Info
	// Open loads the model. Neither while it runs nor while Loaded.Close does
	// is any model computed, so that models may share a device. It is called
	// again after it has failed.
	Open func() (*Loaded, error)
}

// Info is what is told of a model. What is zero is unknown and left out.
type Info struct {
	Digest       string  `json:"digest,omitempty"`
	Architecture string  `json:"architecture,omitempty"`
	Parameters   int64   `json:"parameters,omitempty"`
	Quantization string  `json:"quantization,omitempty"`
	Window       int     `json:"window,omitempty"` // tokens
	Vocabulary   int     `json:"vocabulary,omitempty"`
	BitsPerByte  float64 `json:"bits_per_byte,omitempty"`
	Licence      string  `json:"licence,omitempty"`
	Run          string  `json:"run,omitempty"`
	Chat         bool    `json:"chat"` // it has a chat template
}

// Loaded is a model in memory.
type Loaded struct {
	Tokenizer *tokenizer.Tokenizer
	Template  *template.Template // nil: the model only continues text
	Engine    *infer.Engine      // the server's from now on, until Close
	Close     func()             // frees everything, the engine included; may be nil
}

// model is a Model with its state. Of ready, loaded, worker and err, those that
// are set do not change any more while loading is closed.
type model struct {
	Model
	server *Server

	mu     sync.Mutex
	done   chan struct{} // closed when the loading in progress has ended; nil: none
	loaded *ready
	err    error // of the last loading
	closed bool
}

// ready is a model that answers.
type ready struct {
	Loaded
	*worker
	ends        []int32 // tokens that end an answer
	fingerprint string
}

// Put adds a model or replaces the one of its name, whose answers in progress
// end with an error.
func (s *Server) Put(m Model) {
	added := &model{Model: m, server: s}
	s.mu.Lock()
	i := slices.IndexFunc(s.models, func(o *model) bool { return o.Name == m.Name })
	var old *model
	switch {
	case s.closed:
	case i >= 0:
		old, s.models[i] = s.models[i], added
	default:
		s.models = append(s.models, added)
	}
	s.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// start begins to load the model unless that is done or being done, and
// returns a channel that closes when it is.
func (m *model) start() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done != nil {
		return m.done
	}
	done := make(chan struct{})
	m.done = done
	go func() {
		defer close(done)
		m.server.turn.Lock()
		l, err := m.Open()
		m.server.turn.Unlock()
		m.mu.Lock()
		defer m.mu.Unlock()
		switch {
		case err != nil:
			m.err, m.done = fmt.Errorf("load model %s: %w", m.Name, err), nil
			m.server.log.Error("load model", "model", m.Name, "err", err)
		case m.closed:
			m.server.free(l)
		default:
			m.err, m.loaded = nil, m.ready(l)
			m.server.log.Info("model loaded", "model", m.Name, "digest", m.Info.Digest)
		}
	}()
	return done
}

func (m *model) ready(l *Loaded) *ready {
	r := &ready{Loaded: *l, worker: newWorker(l.Engine, &m.server.turn, m.server.config.Queue)}
	for id := range int32(l.Tokenizer.Size()) {
		if l.Tokenizer.IsEnd(id) {
			r.ends = append(r.ends, id)
		}
	}
	r.fingerprint = m.Info.Digest + "@" + l.Engine.Numerics()
	if m.Info.Window == 0 {
		m.Info.Window = l.Engine.Window()
	}
	return r
}

func (s *Server) free(l *Loaded) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if l.Close != nil {
		l.Close()
	} else {
		l.Engine.Close()
	}
}

// state reports whether the model is loaded, or why it could not be.
func (m *model) state() (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loaded != nil, m.err
}

// use returns the loaded model, waiting for it.
func (m *model) use(ctx context.Context) (*ready, error) {
	select {
	case <-m.start():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loaded == nil {
		return nil, cmp.Or(m.err, errClosed)
	}
	return m.loaded, nil
}

var errClosed = errors.New("the model is being taken out of service")

func (m *model) close() {
	m.mu.Lock()
	l := m.loaded
	m.loaded, m.closed = nil, true
	m.mu.Unlock()
	if l != nil {
		l.stop()
		m.server.free(&l.Loaded)
	}
}

// find returns the model of that name or digest. An empty name is the first's.
func (s *Server) find(name string) (*model, *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" && len(s.models) > 0 {
		return s.models[0], nil
	}
	var names []string
	for _, m := range s.models {
		if m.Name == name || m.Info.Digest == name && name != "" {
			return m, nil
		}
		names = append(names, m.Name)
	}
	f := &failure{status: http.StatusNotFound, param: "model", code: "model_not_found"}
	if len(names) == 0 {
		f.message = fmt.Sprintf("there is no model %q: none is served yet", name)
		return nil, f
	}
	nearest := slices.MinFunc(names, func(a, b string) int { return cmp.Compare(distance(name, a), distance(name, b)) })
	const shown = 10
	list := strings.Join(names[:min(shown, len(names))], ", ")
	if len(names) > shown {
		list += ", …"
	}
	f.message = fmt.Sprintf("there is no model %.100q: did you mean %q? Known are %s", name, nearest, list)
	return nil, f
}

// distance is the edits between two names, of which the first 100 bytes are
// looked at.
func distance(a, b string) int { return samovar.Edits(a[:min(100, len(a))], b[:min(100, len(b))]) }

// listing is a model as OpenAI lists it, with what we know beside.
type listing struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // 0: an artifact has no time
	OwnedBy string `json:"owned_by"`
	Samovar Info   `json:"samovar"`
}

func (m *model) listing() listing {
	m.mu.Lock()
	defer m.mu.Unlock()
	return listing{ID: m.Name, Object: "model", OwnedBy: "samovar", Samovar: m.Info}
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	list := []listing{}
	for _, m := range s.models {
		list = append(list, m.listing())
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": list})
}

func (s *Server) showModel(w http.ResponseWriter, r *http.Request) {
	m, f := s.find(r.PathValue("id"))
	if f != nil {
		s.refuse(w, r, f)
		return
	}
	writeJSON(w, http.StatusOK, m.listing())
}
