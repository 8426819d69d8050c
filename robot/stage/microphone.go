package stage

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"samovar/robot/dance"
	"samovar/robot/live"
)

// following is the name of the act of a robot that dances to what it hears.
const following = "following"

// Bounds of what a page's microphone sends.
const (
	slowestRate = 8000
	fastestRate = 96000
	mostChunk   = 1 << 18         // bytes
	mostLate    = 0.5             // s
	patience    = 5 * time.Second // without any sound
)

// listener dances to one microphone.
type listener struct {
	live *dance.Live
	ago  float64 // s from the microphone to here, as far as the page knows
}

// serveMicrophone has the robot dance to what a page's microphone hears for as long as it
// sends: a websocket whose messages are samples, 16 bits each, little-endian. It is closed
// with a code when the robot does something else.
func (s *Server) serveMicrophone(w http.ResponseWriter, r *http.Request) {
	l, err := s.listen(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	// It holds Origin against Host, and who serves this holds Host against its own names.
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(mostChunk)
	code := "stopped"
	if s.follows(l) {
		code = s.hark(conn, l)
		s.leave(l)
	}
	conn.Close(websocket.StatusNormalClosure, code)
}

// follows has the robot follow a microphone, in place of the one it follows; false: it is
// stopped.
func (s *Server) follows(l *listener) bool {
	s.silence()
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.config.Robot.Perform(live.Act{Name: following, Motion: l.live}) != nil {
		return false
	}
	s.ear.Store(l)
	return true
}

// leave ends following a microphone, if it still is the one.
func (s *Server) leave(l *listener) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.ear.CompareAndSwap(l, nil) && s.config.Robot.Doing() == following {
		s.config.Robot.End()
	}
}

// listen reads what a page says of its microphone.
func (s *Server) listen(r *http.Request) (*listener, error) {
	ask := r.URL.Query()
	rate, err := strconv.Atoi(ask.Get("rate"))
	if err != nil || rate < slowestRate || rate > fastestRate {
		return nil, bad("bad_request", "listen to %.20q samples a second: %d to %d are possible", ask.Get("rate"), slowestRate, fastestRate)
	}
	l := &listener{}
	if text := ask.Get("ago"); text != "" {
		if l.ago, err = strconv.ParseFloat(text, 64); err != nil || !(l.ago >= 0 && l.ago <= mostLate) {
			return nil, bad("bad_request", "sound of %.20q s ago: 0 to %g are possible", text, mostLate)
		}
	}
	l.live, err = dance.NewLive(s.config.Robot.Info(), rate, rand.Uint64())
	return l, err
}

// hark listens until somebody ends it, and says who.
func (s *Server) hark(conn *websocket.Conn, l *listener) (code string) {
	for {
		ctx, cancel := context.WithTimeout(s.ctx, patience)
		kind, data, err := conn.Read(ctx)
		cancel()
		switch {
		case s.ctx.Err() != nil:
			return "gone"
		case err != nil:
			return "silent"
		case kind != websocket.MessageBinary || len(data)%2 != 0:
			return "bad_request"
		case s.ear.Load() != l:
			return "another"
		case s.config.Robot.Doing() != following:
			return "ended"
		}
		samples := make([]float32, len(data)/2)
		for i := range samples {
			samples[i] = float32(int16(binary.LittleEndian.Uint16(data[2*i:]))) / (1 << 15)
		}
		l.live.Hear(samples, l.ago)
	}
}

// following says how the robot follows what it hears; nil: it does not.
func (s *Server) following(act string) *dance.Following {
	l := s.ear.Load()
	if l == nil || act != following {
		return nil
	}
	f := l.live.Following()
	return &f
}
