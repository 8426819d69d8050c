package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"samovar"
	"samovar/infer"
)

// round is one request being answered.
type round struct {
	question
	server  *Server
	model   *model
	ready   *ready
	api     api
	id      string
	created int64
	prompts [][]int32
	job     *job
	answers []*answer
	tally   tally
}

// api is the shape of an API's answers.
type api interface {
	// begin returns the events that open a stream.
	begin(r *round) []any
	// chunk returns the event that adds p to a choice.
	chunk(r *round, choice int, p piece) any
	// end returns the event that ends a choice.
	end(r *round, choice int) any
	// usage returns the event that follows all choices.
	usage(r *round) any
	// add keeps p for whole.
	add(r *round, choice int, p piece)
	// whole returns the answer that is not a stream.
	whole(r *round) any
}

// allow asks the policy.
func (s *Server) allow(ctx context.Context, action string, m *model) *failure {
	if s.config.Policy == nil {
		return nil
	}
	err := s.config.Policy.Allow(ctx, samovar.Request{
		Principal: principal(ctx), Action: action, Resource: m.Info.Digest, Facts: map[string]string{"model": m.Name},
	})
	if err == nil {
		return nil
	}
	return &failure{status: http.StatusForbidden, message: err.Error(), code: "forbidden_by_policy"}
}

// open finds and loads the model that q asks for.
func (s *Server) open(ctx context.Context, q question, action string) (*model, *ready, *failure) {
	m, f := s.find(q.name)
	if f != nil {
		return nil, nil, f
	}
	if f := s.allow(ctx, action, m); f != nil {
		return nil, nil, f
	}
	l, err := m.use(ctx)
	if err != nil {
		return nil, nil, &failure{status: http.StatusServiceUnavailable, message: err.Error(), param: "model", code: "model_not_loaded"}
	}
	return m, l, nil
}

// answer submits the round and writes what comes of it.
func (s *Server) answer(w http.ResponseWriter, req *http.Request, r *round, field string) {
	ctx := req.Context()
	r.server, r.created, r.tally.start = s, time.Now().Unix(), time.Now()
	r.id += rand.Text()
	var err error
	if r.job, err = r.ready.submit(ctx, r.requests(ctx)); err != nil {
		s.refuse(w, req, refusal(err, field))
		return
	}
	defer r.job.cancel()
	for range len(r.prompts) * r.choices {
		r.answers = append(r.answers, &answer{decoder: r.ready.Tokenizer.NewDecoder(), stops: r.stops})
	}
	if r.stream {
		err = r.streamTo(ctx, w)
	} else if err = r.follow(ctx, nil, nil, func(choice int, p piece) error { r.api.add(r, choice, p); return nil }); err == nil {
		writeJSON(w, http.StatusOK, r.api.whole(r))
	} else if ctx.Err() == nil {
		s.refuse(w, req, broken(err))
	}
	r.log(ctx, err)
}

// requests are the sequences of all choices.
func (r *round) requests(ctx context.Context) []infer.Request {
	var list []infer.Request
	for _, ids := range r.prompts {
		r.tally.usage.Prompt += len(ids)
		r.tally.usage.Total += len(ids)
		for i := range r.choices {
			q := infer.Request{
				Prompt: ids, MaxTokens: r.most, Stop: r.ready.ends, Sampling: r.sampling, Top: r.top,
				Scores: r.scored, ScorePrompt: r.scored && r.echo, Scope: principal(ctx),
			}
			q.Sampling.Seed += uint64(i)
			list = append(list, q)
		}
	}
	return list
}

// refusal turns an error of submit into an answer.
func refusal(err error, field string) *failure {
	switch {
	case errors.Is(err, errBusy):
		return &failure{status: http.StatusTooManyRequests, message: err.Error() + ": try again in a second", code: "overloaded", retry: 1}
	case errors.Is(err, errClosed), errors.Is(err, infer.ErrBroken):
		return broken(err)
	case errors.Is(err, infer.ErrLong):
		return &failure{status: http.StatusBadRequest, message: err.Error(), param: field, code: "context_length_exceeded"}
	}
	return &failure{status: http.StatusBadRequest, message: err.Error(), param: field}
}

// broken is the answer to an error that is not the client's.
func broken(err error) *failure {
	if errors.Is(err, errClosed) {
		return &failure{status: http.StatusServiceUnavailable, message: err.Error(), code: "model_not_loaded", retry: 1}
	}
	return &failure{status: http.StatusInternalServerError, message: err.Error()}
}

// follow passes each piece of the answers on as it comes, until all have ended.
// In silence it calls ping whenever tick says so.
func (r *round) follow(ctx context.Context, tick <-chan time.Time, ping func() error, say func(choice int, p piece) error) error {
	for open := len(r.answers); open > 0; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick:
			if err := ping(); err != nil {
				return err
			}
			continue
		case <-r.job.ready:
		}
		for _, n := range r.job.take() {
			a := r.answers[n.choice]
			if a.finish != infer.Going {
				continue // it came before the engine heard of the stop string
			}
			if n.err != nil {
				return n.err
			}
			p := a.add(&n, r.scored)
			r.tally.add(&n, n.choice%r.choices == 0 && a.finish != infer.Going)
			if err := say(n.choice, p); err != nil {
				return err
			}
			if a.finish != infer.Going {
				open--
				if n.Finish == infer.Going {
					r.job.end(n.choice)
				}
			}
		}
	}
	return nil
}

// done reports whether all answers have ended.
func (r *round) done() bool {
	return !slices.ContainsFunc(r.answers, func(a *answer) bool { return a.finish == infer.Going })
}

// figures are what the round took until now.
func (r *round) figures() Figures {
	t := &r.tally
	f := Figures{Seconds: time.Since(t.start).Seconds(), Seed: r.sampling.Seed}
	if meter := r.server.config.Meter; meter != nil {
		f.Joules, f.Method = &t.joules, meter.Read().Method
	}
	if d := t.last.Sub(t.first).Seconds(); d > 0 {
		f.TokensPerSecond = float64(t.usage.Completion-1) / d
	} else if f.Seconds > 0 {
		f.TokensPerSecond = float64(t.usage.Completion) / f.Seconds
	}
	return f
}

// log writes down that there was an answer, never what was said.
func (r *round) log(ctx context.Context, err error) {
	f := r.figures()
	attributes := []any{
		"id", r.id, "model", r.model.Name, "principal", principal(ctx), "choices", len(r.answers),
		"prompt_tokens", r.tally.usage.Prompt, "cached_tokens", r.tally.usage.Details.Cached,
		"completion_tokens", r.tally.usage.Completion, "seconds", f.Seconds,
	}
	if f.Joules != nil {
		attributes = append(attributes, "joules", *f.Joules, "method", f.Method)
	}
	switch {
	case err == nil:
		r.server.log.Info("answered", attributes...)
	case ctx.Err() != nil:
		r.server.log.Info("client went away", attributes...)
	default:
		r.server.log.Error("answer failed", append(attributes, "err", err)...)
	}
}

// prompt returns the ids of what a completion goes on from.
func (r *ready) prompt(p prompt) ([]int32, error) {
	if p.ids != nil {
		return p.ids, nil
	}
	var ids []int32
	bos := r.Tokenizer.BOS()
	if r.Tokenizer.AddBOS() || p.text == "" && bos >= 0 {
		ids = append(ids, bos)
	}
	ids = r.Tokenizer.Encode(ids, p.text)
	if len(ids) == 0 {
		return nil, fmt.Errorf("prompt is empty: this model needs something to go on from")
	}
	return ids, nil
}
