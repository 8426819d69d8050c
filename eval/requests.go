package eval

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"samovar/eval/task"
	"samovar/model"
	"samovar/tokenizer"
)

// request is tokens of which the last ones are scored.
type request struct {
	tokens []int32
	scored int
	cut    bool // it has lost its beginning to the window
}

// encoder turns texts into requests exactly as lm-evaluation-harness does.
type encoder struct {
	tok    *tokenizer.Tokenizer
	encode *tokenizer.Encoder
	prefix int32 // what a text without context follows: BOS, else EOS
}

func newEncoder(f *model.File) (*encoder, error) {
	tok, err := tokenizer.FromMetadata(f.Value)
	if err != nil {
		return nil, err
	}
	e := &encoder{tok, tok.NewEncoder(), tok.BOS()}
	if e.prefix == tokenizer.None {
		e.prefix = tok.EOS()
	}
	return e, nil
}

// text encodes a text from its beginning, after BOS where the model expects one.
func (e *encoder) text(s string) (ids []int32) {
	if e.tok.AddBOS() {
		ids = append(ids, e.tok.BOS())
	}
	return e.encode.Encode(ids, s)
}

var errPrefix = errors.New("the model's vocabulary has neither a BOS nor an EOS token, after which a text could begin")

// continuation asks for the log-probability of a text after a context. White
// space at the end of the context belongs to what follows; the two are encoded
// as one text, of which what the context has by itself is its part. Without a
// context, the text follows the prefix token.
func (e *encoder) continuation(context, text string) (r request, err error) {
	head := strings.TrimRightFunc(context, unicode.IsSpace)
	text = context[len(head):] + text
	before := 1
	if head != "" {
		r.tokens = e.text(head + text)
		before = len(e.text(head))
	} else if e.prefix == tokenizer.None {
		return r, errPrefix
	} else {
		r.tokens = e.encode.Encode([]int32{e.prefix}, text)
	}
	if r.scored = len(r.tokens) - before; r.scored <= 0 {
		return r, fmt.Errorf("the model's vocabulary has no token that begins with %.40q and ends after what precedes it", text)
	}
	return r, nil
}

// delimiter stands between a context and a choice.
const delimiter = " "

// questions asks for each choice of each item, in order, after what shots gives.
func (e *encoder) questions(sets []task.Set, shots func(set string, it task.Item) []task.Item) (all []request, err error) {
	for _, s := range sets {
		for _, it := range s.Items {
			prompt := it.Prompt(shots(s.Name, it))
			for _, c := range it.Choices {
				r, err := e.continuation(prompt, delimiter+c)
				if err != nil {
					return nil, fmt.Errorf("item %d of %s: %w", it.Index, s.Name, err)
				}
				all = append(all, r)
			}
		}
	}
	return all, nil
}

// fit cuts the requests to the window from the left, one token more than it
// holds since the last is predicted only. What is scored is never cut.
func fit(all []request, window int) error {
	for i := range all {
		r := &all[i]
		if r.scored > window {
			return fmt.Errorf("a text that is to be scored has %d tokens, and the model's window holds %d: a model with a longer window is needed", r.scored, window)
		}
		if over := len(r.tokens) - (window + 1); over > 0 {
			r.tokens, r.cut = r.tokens[over:], true
		}
	}
	return nil
}

// logs returns the log-probability in nats of what each request scores.
func logs(ctx context.Context, m *measure, all []request) ([]float64, error) {
	m.documents = nil
	for i, r := range all {
		if _, ok := m.part.done[i]; !ok {
			m.of += int64(len(r.tokens) - 1)
		}
	}
	for _, r := range all {
		if m.known() {
			continue
		}
		m.documents = append(m.documents, document{tokens: int64(r.scored)})
		n := len(r.tokens) - r.scored
		if err := m.add(ctx, r.tokens[:len(r.tokens)-1], n-1, r.tokens[n:]); err != nil {
			return nil, err
		}
		m.done += int64(n - 1) // the context is work too
	}
	if err := m.finish(ctx); err != nil {
		return nil, err
	}
	values := make([]float64, len(all))
	for i, d := range m.documents {
		values[i] = -d.nats
	}
	return values, nil
}

// longest is the most tokens of a request that are computed.
func longest(all []request) (n int) {
	for _, r := range all {
		n = max(n, len(r.tokens)-1)
	}
	return n
}
