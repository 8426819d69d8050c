package runs

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// board is what all journals say, as it was last read.
type board struct {
	mu      sync.Mutex
	files   map[string]reading // by id
	brews   map[string]Brew
	changed chan struct{} // closed when the brews are others
}

// reading is a journal with the file that it was read from.
type reading struct {
	modified time.Time
	size     int64
	brew     Brew
}

func (b *board) get(id string) (Brew, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	brew, ok := b.brews[id]
	return brew, ok
}

// forget lets a journal be read again, although the clock of its file may not
// have gone on since.
func (b *board) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.files, id)
}

// list returns all brews, those in progress first, then the latest.
func (b *board) list() []Brew {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.AppendSeq([]Brew{}, maps.Values(b.brews))
	rank := func(x Brew) int {
		switch x.State {
		case Running, Stopping:
			return 0
		case Waiting:
			return 1
		}
		return 2
	}
	slices.SortFunc(all, func(x, y Brew) int {
		if d := rank(x) - rank(y); d != 0 {
			return d
		}
		if d := y.Started.Compare(x.Started); d != 0 {
			return d
		}
		return slices.Compare([]byte(x.ID), []byte(y.ID))
	})
	return all
}

// next returns a channel that closes at the next change.
func (b *board) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// watch looks at the journals until the context ends.
func (s *Server) watch() {
	tick := time.NewTicker(s.config.Tick)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			s.refresh()
		}
	}
}

// refresh reads the journals that have changed and tells of brews that ended.
func (s *Server) refresh() {
	for _, b := range s.board.read(s.config.Dir) {
		if s.config.Ended != nil {
			s.done.Go(func() { s.config.Ended(b) })
		}
	}
}

// read brings the board up to date and returns the brews that have come to an
// end since the last time.
func (b *board) read(dir string) (ended []Brew) {
	b.mu.Lock()
	defer b.mu.Unlock()
	files, brews := map[string]reading{}, map[string]Brew{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // such as a disk that is away for a moment: the board stays
	}
	for _, e := range entries {
		folder := filepath.Join(dir, e.Name())
		info, err := os.Stat(filepath.Join(folder, journalFile))
		if err != nil {
			continue // a folder that is still being filled
		}
		r, ok := b.files[e.Name()]
		if !ok || !r.modified.Equal(info.ModTime()) || r.size != info.Size() {
			r = reading{modified: info.ModTime(), size: info.Size()}
			if r.brew, err = readBrew(folder); err != nil {
				continue
			}
		}
		files[e.Name()] = r
		brews[e.Name()] = standing(folder, r)
	}
	change := len(brews) != len(b.brews)
	for id, now := range brews {
		before, known := b.brews[id]
		change = change || !known || before.State != now.State || !before.Updated.Equal(now.Updated)
		if known && before.active() && !now.active() {
			ended = append(ended, now)
		}
	}
	b.files, b.brews = files, brews
	if change {
		close(b.changed)
		b.changed = make(chan struct{})
	}
	return ended
}

// standing is a brew as its folder shows it beside its journal.
func standing(folder string, r reading) Brew {
	b := r.brew
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(folder, name))
		return err == nil
	}
	b.Dropped = exists(textsDir)
	switch {
	case b.State != Running:
	case time.Since(r.modified) > stale:
		b.State = Stopped
		b.Stages = slices.Clone(b.Stages)
		for i := range b.Stages {
			if b.Stages[i].State == Running {
				b.Stages[i].State = Stopped
			}
		}
	case exists(stopFile):
		b.State = Stopping
	}
	return b
}

// Times of a stream of events.
const (
	ping         = 10 * time.Second // silence before a comment is sent
	writeTimeout = 30 * time.Second // for a client to take one event
)

// events sends all brews as one event, and then each that has changed:
// server-sent events (HTML standard section 9.2).
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies pass events on at once
	control := http.NewResponseController(w)
	send := func(text string) bool {
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := w.Write([]byte(text))
		return err == nil && control.Flush() == nil
	}
	sent := map[string]string{} // by id
	next := s.board.next()
	all := s.board.list()
	for _, b := range all {
		if text, err := encode(b); err == nil {
			sent[b.ID] = string(text)
		}
	}
	if text, err := encode(all); err != nil || !send("event: brews\ndata: "+string(text)+"\n\n") {
		return
	}
	for s.await(r, next, func() bool { return send(": ping\n\n") }) {
		next = s.board.next()
		now := map[string]bool{}
		for _, b := range s.board.list() {
			now[b.ID] = true
			text, err := encode(b)
			if err != nil || sent[b.ID] == string(text) {
				continue
			}
			if !send("event: brew\ndata: " + string(text) + "\n\n") {
				return
			}
			sent[b.ID] = string(text)
		}
		for id := range sent {
			if !now[id] {
				delete(sent, id)
				if !send("event: removed\ndata: {\"id\":\"" + id + "\"}\n\n") {
					return
				}
			}
		}
	}
}

// await waits for the next change and pings meanwhile.
func (s *Server) await(r *http.Request, next <-chan struct{}, alive func() bool) bool {
	for {
		select {
		case <-next:
			return true
		case <-time.After(ping):
			if !alive() {
				return false
			}
		case <-r.Context().Done():
			return false
		case <-s.ctx.Done():
			return false
		}
	}
}
