package runs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// settle brings journals that a server left waiting to rest: nobody waits now.
func (s *Server) settle() {
	for _, b := range s.board.list() {
		if b.State == Waiting {
			s.mark(b, Stopped, "")
		}
	}
}

// waits reports whether the brew is in the queue or being run from it.
func (s *Server) waits(id string) bool { return s.current == id || slices.Contains(s.queue, id) }

// start lets a brew begin or go on, when those before it have ended.
func (s *Server) start(id string) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.brew(id)
	if err != nil {
		return nil, err
	}
	if b.active() || s.waits(id) {
		return nil, &refusal{409, "running", b.Name + " is being brewed already"}
	}
	return s.enqueue(b)
}

// enqueue puts a brew into the queue and begins with it if nothing else runs.
func (s *Server) enqueue(b Brew) (Brew, error) {
	if err := s.ctx.Err(); err != nil {
		return b, err
	}
	b = s.mark(b, Waiting, "")
	s.queue = append(s.queue, b.ID)
	s.refresh()
	if s.current == "" {
		s.next()
	}
	return b, nil
}

// next takes the first brew from the queue.
func (s *Server) next() {
	s.current = ""
	if len(s.queue) == 0 || s.ctx.Err() != nil {
		return
	}
	s.current, s.queue = s.queue[0], s.queue[1:]
	id := s.current
	ctx, cancel := context.WithCancel(s.ctx)
	s.cancel = cancel
	s.done.Go(func() {
		defer cancel()
		s.run(ctx, id)
		s.mu.Lock()
		s.next()
		s.mu.Unlock()
	})
}

// run brews in a process of its own, which writes the journal. What it could
// not write there it has printed.
func (s *Server) run(ctx context.Context, id string) {
	b, err := s.brew(id)
	if err != nil {
		return // removed meanwhile
	}
	before := b.Updated
	said := &tail{}
	c := s.config.Command(ctx, b.Recipe, b.Order)
	c.Stderr = said
	if ctx.Err() == nil {
		err = c.Run()
	}
	after, readErr := readBrew(filepath.Join(s.config.Dir, id))
	switch {
	case readErr == nil && !after.Updated.Equal(before) && !after.active():
	case ctx.Err() != nil:
		s.mark(b, Stopped, "")
	case readErr == nil && after.State == Running:
		s.mark(after, Stopped, "the brew was killed")
	default:
		message := said.last()
		if message == "" {
			message = fmt.Sprintf("the brew could not be started: %v", err)
		}
		s.mark(b, Failed, message)
	}
	s.refresh()
}

// mark writes a state into a journal that nobody else writes now.
func (s *Server) mark(b Brew, state State, message string) Brew {
	b.State, b.Error, b.Updated = state, message, time.Now().UTC()
	if state != Waiting {
		for i := range b.Stages {
			if b.Stages[i].State == Running {
				b.Stages[i].State = state
			}
		}
	}
	dir := filepath.Join(s.config.Dir, b.ID)
	os.Remove(filepath.Join(dir, stopFile))
	if text, err := encode(b); err == nil {
		_ = replace(filepath.Join(dir, journalFile), text) // a full disk: the state is shown as it was
	}
	s.board.forget(b.ID)
	return b
}

// stop ends a brew as Ctrl-C does, whoever runs it: it can go on later.
func (s *Server) stop(id string) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.brew(id)
	if err != nil {
		return nil, err
	}
	if i := slices.Index(s.queue, id); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		b = s.mark(b, Stopped, "")
		s.refresh()
		return b, nil
	}
	if !b.active() {
		return nil, &refusal{409, "at_rest", b.Name + " is not being brewed"}
	}
	if err := os.WriteFile(filepath.Join(s.config.Dir, id, stopFile), nil, 0o644); err != nil {
		return nil, fmt.Errorf("stop %s: %w", b.Name, err)
	}
	if s.current == id {
		s.cancel() // also where it has not opened its journal yet
	}
	s.refresh()
	return s.brew(id)
}

// tail keeps the end of what a process prints.
type tail struct{ text []byte }

// tailBytes is more than one line of error.
const tailBytes = 8 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = t.text[over:]
	}
	return len(b), nil
}

// last returns the last line, without the program's name.
func (t *tail) last() string {
	lines := bytes.Split(bytes.TrimSpace(t.text), []byte("\n"))
	return strings.TrimPrefix(string(lines[len(lines)-1]), "samovar: ")
}
