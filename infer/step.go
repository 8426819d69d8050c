package infer

import (
	"fmt"
	"slices"

	"samovar/compute"
)

// Step computes one batch: the next token of every sequence that is answering,
// and the next part of every prompt that is being read. It returns what
// happened to each sequence in the batch; the slice is valid until the next
// call. With nothing to do it returns nothing at once. After an error the
// engine is of no further use: the state of the device is unknown.
func (e *Engine) Step() ([]Event, error) {
	if e.broken != nil {
		return nil, e.broken
	}
	e.admit()
	if err := e.fill(); err != nil {
		e.broken = fmt.Errorf("guess the next tokens: %w: %w", ErrBroken, err)
		return nil, e.broken
	}
	e.events, e.scores, e.likely, e.tops = e.events[:0], e.scores[:0], e.likely[:0], e.tops[:0]
	if len(e.batch.Tokens) == 0 {
		return nil, nil
	}
	if err := e.exec.Run(&e.batch); err != nil {
		e.broken = fmt.Errorf("compute the next tokens: %w: %w", ErrBroken, err)
		return nil, e.broken
	}
	for _, s := range e.active {
		if s.rows == 0 {
			continue
		}
		if err := e.advance(s); err != nil {
			e.broken = fmt.Errorf("read logits: %w: %w", ErrBroken, err)
			return nil, e.broken
		}
	}
	for i := range e.events {
		if e.events[i].Finish != Going {
			e.Remove(e.events[i].Sequence)
		}
	}
	return e.events, nil
}

// admit lets waiting sequences in, in the order that they came, as long as all
// the pages that each may come to need are there: once in, a sequence is never
// put out again.
func (e *Engine) admit() {
	n := 0
	for _, s := range e.waiting {
		if len(e.active) == e.sequences || !e.pool.promise(cap(s.pages)) {
			break
		}
		s.state = active
		e.active = append(e.active, s)
		n++
	}
	e.waiting = slices.Delete(e.waiting, 0, n)
}

// fill makes the batch: a row for each sequence that answers; the rest of the
// rows are shared out evenly among the prompts, so that a long one does not
// hold up a short one, and where there is none among guesses.
func (e *Engine) fill() error {
	b := &e.batch
	b.Tokens, b.Segments, b.Outputs, e.reading = b.Tokens[:0], b.Segments[:0], b.Outputs[:0], e.reading[:0]
	prompts := 0
	for _, s := range e.active {
		s.rows, s.outputs, s.guessed = 0, 0, s.guessed[:0]
		if s.reading() {
			prompts++
		}
	}
	rows, outputs := e.prefill, e.outputs-len(e.active)
	if prompts == 0 && len(e.active) > 0 {
		if err := e.guess(min(e.lookup, e.prefill/len(e.active), outputs/len(e.active))); err != nil {
			return err
		}
	}
	for _, s := range e.active {
		if !s.reading() {
			s.rows = 1 + len(s.guessed)
			s.outputs = s.rows
		} else {
			e.read(s, (rows+prompts-1)/prompts, &outputs)
			rows -= s.rows
			prompts--
		}
		e.place(s)
	}
	return nil
}

// guess gives every sequence up to so many guesses.
func (e *Engine) guess(most int) error {
	for _, s := range e.active {
		s.guess(most)
	}
	if e.draft == nil {
		return nil
	}
	return e.extend(e.active)
}

// read decides how many tokens of a prompt are computed: at most rows, and for
// a prompt that is scored at most as many outputs as are left.
func (e *Engine) read(s *Sequence, rows int, outputs *int) {
	prompt := len(s.request.Prompt)
	if rows == 0 || !e.reuse(s) {
		return
	}
	s.rows = min(rows, prompt-s.past)
	if s.request.ScorePrompt {
		s.rows = min(s.rows, 1+*outputs)
		s.outputs = s.rows
		*outputs -= s.rows - 1
		return
	}
	if end := s.past + s.rows; end == prompt {
		s.outputs = 1
	} else if whole := end / compute.PageRows * compute.PageRows; whole > s.past {
		s.rows = whole - s.past // others can use whole pages at once
	}
}

// reuse takes over the pages of the prompt that follow and are in the cache. It
// reports false if another sequence computes the next page in this very step:
// then it is better to wait. The prompt's last token is always computed, for
// its logits; a prompt that is scored, as a whole.
func (e *Engine) reuse(s *Sequence) bool {
	if s.request.ScorePrompt {
		return true
	}
	for s.past%compute.PageRows == 0 && s.past+compute.PageRows < len(s.request.Prompt) {
		key := s.key(s.past / compute.PageRows)
		id, ok := e.pool.find(&key)
		if !ok {
			if slices.Contains(e.reading, key) {
				return false
			}
			e.reading = append(e.reading, key)
			return true
		}
		s.pages = append(s.pages, id)
		s.past += compute.PageRows
		s.shared += compute.PageRows
	}
	return true
}

// key is the prefix that page i of the sequence holds once it is full.
func (s *Sequence) key(i int) prefix {
	k := prefix{scope: s.request.Scope, parent: None}
	if i > 0 {
		k.parent = s.pages[i-1]
	}
	copy(k.tokens[:], s.tokens[i*compute.PageRows:])
	return k
}

// place puts the sequence's next s.rows tokens into the batch.
func (e *Engine) place(s *Sequence) {
	if s.rows == 0 {
		return
	}
	end := s.past + s.rows
	for len(s.pages) < pagesOf(end) {
		s.pages = append(s.pages, e.pool.take())
	}
	b := &e.batch
	s.output = len(b.Outputs)
	b.Tokens = append(b.Tokens, s.tokens[s.past:end-len(s.guessed)]...)
	b.Tokens = append(b.Tokens, s.guessed...)
	b.Segments = append(b.Segments, compute.Segment{Rows: s.rows, Past: s.past, Pages: s.pages})
	for i := s.outputs; i > 0; i-- {
		b.Outputs = append(b.Outputs, int32(len(b.Tokens)-i))
	}
}

// advance takes up what the batch computed for one sequence.
func (e *Engine) advance(s *Sequence) error {
	first := s.past
	s.past += s.rows - len(s.guessed)
	sure := s.past
	ev := Event{Sequence: s, Rows: s.rows, Token: None}
	scores, tops := len(e.scores), len(e.tops)
	for i := range s.outputs {
		position := first + s.rows - s.outputs + i
		if err := e.exec.Read(e.logits, (s.output+i)*e.vocabulary, e.row); err != nil {
			return err
		}
		if e.observe != nil {
			e.observe(s, position, e.row)
		}
		if position == len(s.tokens)-1 {
			e.next(s, &ev)
			if !s.holds(ev, i) {
				break
			}
			e.events = append(e.events, ev)
			ev = Event{Sequence: s, Token: None}
			continue
		}
		total := logSum(e.row)
		id := s.tokens[position+1]
		e.scores = append(e.scores, Score{id, float64(e.row[id]) - total})
		e.tops = append(e.tops, e.top(s, total))
	}
	s.guesser.learn(len(s.guessed), s.past-sure, e.lookup)
	for i := first / compute.PageRows; i < s.past/compute.PageRows; i++ {
		key := s.key(i)
		s.pages[i] = e.pool.publish(s.pages[i], &key)
	}
	ev.Prompt, ev.Tops = e.scores[scores:], e.tops[tops:]
	e.events = append(e.events, ev)
	return nil
}

// holds reports whether the token of an event is what was guessed after row i, so
// that the next row's logits are those that follow it.
func (s *Sequence) holds(ev Event, i int) bool {
	if ev.Finish != Going || i >= len(s.guessed) || s.guessed[i] != ev.Token {
		return false
	}
	s.past++
	return true
}

// top returns the likeliest tokens of the current row that the request wants.
func (e *Engine) top(s *Sequence, total float64) []Score {
	from := len(e.likely)
	e.likely = appendTop(e.likely, e.row, s.request.Top, total)
	return e.likely[from:len(e.likely):len(e.likely)]
}

// next chooses the token that follows the sequence and says whether that ends it.
func (e *Engine) next(s *Sequence, ev *Event) {
	if len(s.tokens) == s.limit { // nothing was to be generated
		ev.Finish = Length
		return
	}
	r := &s.request
	scored := r.Scores || r.Top > 0
	var total float64
	if scored {
		total = logSum(e.row)
		ev.Top = e.top(s, total)
		copy(e.raw, e.row)
	}
	id, err := e.sampler.pick(e.row, s.tokens, &r.Sampling, &s.random)
	if err != nil {
		ev.Finish, ev.Err = Failed, err
		return
	}
	if scored {
		ev.Score = float64(e.raw[id]) - total
	}
	s.tokens = append(s.tokens, id)
	ev.Token = id
	switch {
	case slices.Contains(r.Stop, id):
		ev.Finish = Stop
	case len(s.tokens) == s.limit:
		ev.Finish = Length
	}
}
