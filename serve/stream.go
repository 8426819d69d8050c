package serve

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"samovar/infer"
)

// stream writes server-sent events (HTML standard section 9.2), each as a
// whole: there are clients that cannot put the parts of one together.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newStream(w http.ResponseWriter) *stream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies pass events on at once
	w.WriteHeader(http.StatusOK)
	return &stream{w, http.NewResponseController(w)}
}

// send writes text at once, or fails if the client does not take it in time.
func (s *stream) send(text string) error {
	// A recorder in a test has no deadline to set.
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	return s.control.Flush()
}

func (s *stream) event(v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	return s.send("data: " + string(b) + "\n\n")
}

func (s *stream) ping() error { return s.send(": ping\n\n") }

// streamTo answers with a stream. An error after its beginning becomes an
// event, and [DONE] is left out.
func (r *round) streamTo(ctx context.Context, w http.ResponseWriter) error {
	s := newStream(w)
	for _, v := range r.api.begin(r) {
		if err := s.event(v); err != nil {
			return err
		}
	}
	tick := time.NewTicker(r.server.config.Ping)
	defer tick.Stop()
	err := r.follow(ctx, tick.C, s.ping, func(choice int, p piece) error {
		tick.Reset(r.server.config.Ping)
		if p.text != "" || len(p.scores) > 0 {
			if err := s.event(r.api.chunk(r, choice, p)); err != nil {
				return err
			}
		}
		if r.answers[choice].finish != infer.Going {
			return s.event(r.api.end(r, choice))
		}
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return err
	case err != nil:
		return fmt.Errorf("%w (told: %v)", err, s.event(broken(err)) == nil)
	}
	if r.usage {
		if err := s.event(r.api.usage(r)); err != nil {
			return err
		}
	}
	return s.send("data: [DONE]\n\n")
}
