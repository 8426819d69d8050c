package infer

import (
	"errors"
	"fmt"
)

// A draft is a smaller model with the same vocabulary whose answers, taken greedily, are
// guessed to be those of the model (arXiv:2211.17192, with the draw itself as the test, as
// in prompt lookup). Sequences have a shadow in the draft's engine: the same tokens, and
// keys and values of its own.

// errVocabulary refuses a draft whose tokens are not the model's.
var errVocabulary = errors.New("the draft has another vocabulary")

// setDraft takes an engine to guess with.
func (e *Engine) setDraft(d *Engine) error {
	switch {
	case d == nil:
		return nil
	case d.vocabulary != e.vocabulary:
		return fmt.Errorf("%w: %d tokens, the model has %d", errVocabulary, d.vocabulary, e.vocabulary)
	case d.sequences < e.sequences:
		return fmt.Errorf("the draft computes %d sequences at once, the model %d", d.sequences, e.sequences)
	}
	e.draft = d
	return nil
}

// shadow gives s a shadow if the draft has room for it: it is as long as the draft's
// window lets it be.
func (e *Engine) shadow(s *Sequence) bool {
	if s.shadow == nil && len(s.tokens) < e.draft.window {
		d := e.draft.newSequence(Request{Prompt: s.tokens[:1], MaxTokens: s.limit - 1})
		if e.draft.pool.promise(cap(d.pages)) {
			s.shadow = d
		}
	}
	return s.shadow != nil
}

// follow gives a shadow the tokens of its sequence. What it has computed of others, which
// were guessed and did not hold, is forgotten.
func (s *Sequence) follow(tokens []int32) {
	same := 0
	for same < len(s.tokens) && same < len(tokens) && s.tokens[same] == tokens[same] {
		same++
	}
	s.tokens = append(s.tokens[:same], tokens[same:]...)
	s.past = min(s.past, same, len(tokens)-1) // the last one's logits are wanted
}

// extend lets the draft go on from each of the sequences by as many tokens as it wants,
// which become its guesses.
func (e *Engine) extend(list []*Sequence) error {
	d := e.draft
	d.active = d.active[:0]
	for _, s := range list {
		if s.wanted == 0 || !e.shadow(s) {
			continue
		}
		s.shadow.wanted = min(s.wanted, s.shadow.limit-len(s.tokens))
		if s.shadow.wanted > 0 {
			s.shadow.follow(s.tokens)
			d.active = append(d.active, s.shadow)
		}
	}
	for len(d.active) > 0 {
		if err := d.greedily(); err != nil {
			return fmt.Errorf("draft: %w", err)
		}
	}
	for _, s := range list {
		if s.wanted > 0 && s.shadow != nil && len(s.shadow.tokens) > len(s.tokens) {
			s.guessed = append(s.guessed, s.shadow.tokens[len(s.tokens):]...)
		}
		s.wanted = 0
	}
	return nil
}

// greedily computes what the active shadows lack, as far as one step goes, and gives each
// that lacks nothing more its likeliest token. Those that want no further token are done.
func (e *Engine) greedily() error {
	b := &e.batch
	b.Tokens, b.Segments, b.Outputs = b.Tokens[:0], b.Segments[:0], b.Outputs[:0]
	for _, s := range e.active {
		s.rows, s.outputs = min(len(s.tokens)-s.past, max(1, e.prefill/len(e.active))), 0
		if s.past+s.rows == len(s.tokens) {
			s.outputs = 1
		}
		e.place(s)
	}
	if err := e.exec.Run(b); err != nil {
		return err
	}
	left := e.active[:0]
	for _, s := range e.active {
		s.past += s.rows
		if s.outputs > 0 {
			if err := e.exec.Read(e.logits, s.output*e.vocabulary, e.row); err != nil {
				return err
			}
			id := likeliest(e.row)
			if id == None {
				continue // its weights are damaged: it guesses no further
			}
			s.tokens = append(s.tokens, id)
			s.wanted--
		}
		if s.wanted > 0 {
			left = append(left, s)
		}
	}
	e.active = left
	return nil
}
