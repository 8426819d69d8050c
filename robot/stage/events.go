package stage

import (
	"encoding/json"
	"net/http"
	"sort"
	"sync"
	"time"

	"samovar/robot/dance"
	"samovar/robot/live"
)

// event is something that whoever watches is told.
type event struct {
	name string
	data []byte
}

// waiting is how many events a watcher may be behind; it then misses some.
const waiting = 64

// hub hands events to all watchers.
type hub struct {
	mu       *sync.Mutex
	watchers map[chan event]bool
}

func newHub() hub { return hub{new(sync.Mutex), map[chan event]bool{}} }

func (h hub) send(name string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		return // all of them are our own types
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.watchers {
		select {
		case c <- event{name, text}:
		default:
		}
	}
}

func (h hub) watch() (events chan event, end func()) {
	c := make(chan event, waiting)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers[c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, c)
	}
}

// playing is how far a song is.
type playing struct {
	ID   string  `json:"id"`
	At   float64 `json:"at"`         // s; negative before it begins
	Beat int     `json:"beat"`       // how many have been, 0 before the first
	Bar  int     `json:"bar"`        // likewise
	Left int     `json:"beats_left"` // to come
}

// seen is a state with what only the stage knows.
type seen struct {
	*live.State
	Song  *playing         `json:"song"`
	Ear   *dance.Following `json:"ear"`   // of a robot that dances to what it hears
	Mouth float64          `json:"mouth"` // how far it is open, 0 to 1
}

// silence is how long watchers hear nothing of the robot, at most.
const silence = time.Second

// follow tells watchers how the robot is, as long as it is there.
func (s *Server) follow() {
	act, states := "", s.config.Robot.Watch(s.ctx)
	var state *live.State
	for {
		select {
		case next, ok := <-states:
			if !ok {
				return
			}
			state = next
			s.clock.set(state.Time, time.Now())
		case <-time.After(silence): // as of a body that is gone
			if state == nil {
				continue
			}
		}
		if state.Stopped && act != state.Mode {
			s.silence()
		}
		if act = ""; state.Stopped {
			act = state.Mode
		}
		s.events.send("state", s.seen(state))
	}
}

// note is a line for people.
type note struct {
	Text string `json:"text"`
	Kind string `json:"kind"` // info or error
	Code string `json:"code"` // for other languages
}

func (s *Server) seen(state *live.State) seen {
	v := seen{State: state, Ear: s.following(state.Act)}
	if s.talk != nil {
		v.Mouth = s.talk.mouth(time.Now())
	}
	if x, err := s.songs.find(state.Song); err == nil {
		a := &x.analysis
		p := &playing{ID: x.ID, At: state.At, Beat: passed(a.Beats, state.At), Bar: passed(a.Downbeats, state.At)}
		p.Left = len(a.Beats) - p.Beat
		v.Song = p
	}
	return v
}

// passed is how many times of rising ones are not after a moment.
func passed(times []float64, at float64) int {
	return sort.Search(len(times), func(i int) bool { return times[i] > at })
}

// slowest is how long a watcher may take to receive an event; quiet is after how long
// without one it is shown that the link lives.
const (
	slowest = 10 * time.Second
	quiet   = 5 * time.Second
)

// serveEvents sends events until the watcher has had enough.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	events, end := s.events.watch()
	defer end()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	send := func(e event) bool {
		control.SetWriteDeadline(time.Now().Add(slowest))
		text := append(append(append([]byte("event: "+e.name+"\ndata: "), e.data...), '\n'), '\n')
		if e.name == "" {
			text = []byte(": alive\n\n")
		}
		_, err := w.Write(text)
		return err == nil && control.Flush() == nil
	}
	if !send(event{}) {
		return
	}
	for {
		e := event{}
		select {
		case e = <-events:
		case <-time.After(quiet):
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
		if !send(e) {
			return
		}
	}
}

// clock is the robot's, beside that of the wall.
type clock struct {
	mu    sync.Mutex
	robot float64 // s
	wall  time.Time
}

func (c *clock) set(robot float64, wall time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.robot, c.wall = robot, wall
}

// at is what the robot's clock shows at a moment, about.
func (c *clock) at(wall time.Time) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.robot + wall.Sub(c.wall).Seconds()
}
