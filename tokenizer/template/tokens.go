package template

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"samovar/tokenizer"
)

// Tokens renders messages and encodes the text. Special tokens that the
// template writes become special tokens; whatever stands in a message's
// content stays text. BOS comes first if the model expects it, once.
func (t *Template) Tokens(tok *tokenizer.Tokenizer, messages []Message, o Options) ([]int32, error) {
	_, ids, err := t.encode(tok, messages, o)
	return ids, err
}

// encode returns the rendered text and its ids.
func (t *Template) encode(tok *tokenizer.Tokenizer, messages []Message, o Options) (text, []int32, error) {
	if o.BOS == "" {
		o.BOS = tok.Token(tok.BOS())
	}
	if o.EOS == "" {
		o.EOS = tok.Token(tok.EOS())
	}
	out, err := t.render(messages, o)
	if err != nil {
		return out, nil, err
	}
	plain := make([]tokenizer.Span, len(out.marks))
	for i, m := range out.marks {
		plain[i] = tokenizer.Span{Start: m.start, End: m.end}
	}
	ids := make([]int32, 0, 8+len(out.s)/3)
	if tok.AddBOS() {
		ids = append(ids, tok.BOS())
	}
	ids = tok.EncodeSpecial(ids, out.s, plain)
	if tok.AddBOS() && len(ids) > 1 && ids[1] == tok.BOS() {
		ids = ids[1:]
	}
	return out, ids, nil
}

// Masked is Tokens that also says which ids the assistant is to learn: those
// of its turns' content, and what closes each turn up to a token that ends an
// answer. mask is as long as ids.
func (t *Template) Masked(tok *tokenizer.Tokenizer, messages []Message, o Options) (ids []int32, mask []bool, err error) {
	out, ids, err := t.encode(tok, messages, o)
	if err != nil {
		return nil, nil, err
	}
	places, err := align(tok, ids, out.s)
	if err != nil {
		return nil, nil, err
	}
	mask = make([]bool, len(ids))
	next := 0
	for _, m := range out.marks {
		if messages[m.message].Role != "assistant" {
			continue
		}
		for next < len(ids) && places[next][1] <= m.start {
			next++
		}
		for ; next < len(ids) && places[next][0] < m.end; next++ {
			mask[next] = true
		}
		// White space and the token that ends the answer.
		last := next
		for last < len(ids) && !tok.IsSpecial(ids[last]) && strings.TrimSpace(tok.Token(ids[last])) == "" {
			last++
		}
		if last < len(ids) && tok.IsEnd(ids[last]) {
			for ; next <= last; next++ {
				mask[next] = true
			}
		}
	}
	return ids, mask, nil
}

// align returns the range of bytes of s that each id stands for.
func align(tok *tokenizer.Tokenizer, ids []int32, s string) ([][2]int, error) {
	places := make([][2]int, len(ids))
	at := 0
	for i, id := range ids {
		name := tok.Token(id)
		if i == 0 && tok.AddBOS() && id == tok.BOS() && !strings.HasPrefix(s, name) {
			continue // put there by encode
		}
		n, ok := match(s[at:], name)
		if !ok { // a space that was added, or white space that a special token took
			if n, ok = match(s[at:], strings.TrimPrefix(name, " ")); !ok {
				at += len(s[at:]) - len(strings.TrimLeft(s[at:], " \t\r\n"))
				n, ok = match(s[at:], name)
			}
		}
		if !ok && tok.Kind(id) == tokenizer.Unknown {
			_, n = utf8.DecodeRuneInString(s[at:])
			ok = n > 0
		}
		if !ok {
			return nil, fmt.Errorf("align ids with the rendered chat: id %d, %q, is not at byte %d", id, name, at)
		}
		places[i] = [2]int{at, at + n}
		at += n
	}
	return places, nil
}

// match returns the length of name if s begins with it.
func match(s, name string) (int, bool) { return len(name), strings.HasPrefix(s, name) }
