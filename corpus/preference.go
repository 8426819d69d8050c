package corpus

import (
	"errors"
	"fmt"
	"slices"
)

// pair is two dialogues that share their beginning, the prompt: one goes on
// with the answer that was chosen, the other with the one that was rejected.
type pair struct{ chosen, rejected []Turn }

// preference reads a line of a source of preferences: the fields chosen and
// rejected, each an answer, turns of answers, or the whole dialogue; and the
// prompt, a text or turns, with system before it where there is one.
func (s Source) preference(line []byte) (p pair, invalid int, err error) {
	line, invalid, err = object(line, `{"prompt": …, "chosen": …, "rejected": …}`)
	if err != nil {
		return p, invalid, err
	}
	prompt, err := s.prompt(line)
	if err != nil {
		return p, invalid, err
	}
	for _, f := range []struct {
		name string
		to   *[]Turn
	}{{"chosen", &p.chosen}, {"rejected", &p.rejected}} {
		value, names := member(line, f.name)
		if value == nil {
			return p, invalid, fmt.Errorf("there is no field %q; there is %s", f.name, quoted(names))
		}
		answer, err := turnsOf(value, "assistant")
		if err != nil {
			return p, invalid, fmt.Errorf("field %q: %w", f.name, err)
		}
		if len(answer) > 0 && role(answer[0].Role) == "assistant" {
			answer = append(slices.Clone(prompt), answer...)
		}
		*f.to = answer
	}
	return p, invalid, nil
}

// prompt returns the turns that both answers follow; none where the answers
// are whole dialogues.
func (s Source) prompt(line []byte) (turns []Turn, err error) {
	if value, _ := member(line, "system"); value != nil && value[0] == '"' {
		turns = append(turns, Turn{"system", string(unquote(value))})
	}
	names := []string{"prompt", "turns", "messages"}
	if s.Field != "" {
		names = []string{s.Field}
	}
	for _, name := range names {
		value, _ := member(line, name)
		if value == nil {
			continue
		}
		more, err := turnsOf(value, "user")
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", name, err)
		}
		return append(turns, more...), nil
	}
	return turns, nil
}

// turnsOf reads what one side says, or turns.
func turnsOf(value []byte, side string) ([]Turn, error) {
	switch value[0] {
	case '"':
		return []Turn{{side, string(unquote(value))}}, nil
	case '[':
		return parseTurns(value)
	}
	return nil, errors.New("a text or turns are expected")
}

// shared returns how many turns both dialogues begin with.
func (p pair) shared() int {
	n := 0
	for n < len(p.chosen) && n < len(p.rejected) && p.chosen[n] == p.rejected[n] {
		n++
	}
	return n
}

// key is what a pair's split is decided by: its prompt as it came, so that all
// answers to one prompt are either learnt or held out.
func (p pair) key() (b []byte) {
	for _, t := range p.chosen[:p.shared()] {
		b = t.appendJSON(b)
	}
	return b
}

// normal returns the pair with its turns normalised, or why it is of no use.
func (p pair) normal() (q pair, why string) {
	if q.chosen, why = dialogue(p.chosen); why != "" {
		return q, "chosen: " + why
	}
	if q.rejected, why = dialogue(p.rejected); why != "" {
		return q, "rejected: " + why
	}
	n := q.shared()
	switch {
	case n == len(q.chosen) && n == len(q.rejected):
		return q, "chosen and rejected are the same"
	case n == 0:
		return q, "chosen and rejected have no prompt in common"
	}
	for _, turns := range [][]Turn{q.chosen, q.rejected} {
		if n == len(turns) || turns[n].Role != "assistant" || turns[len(turns)-1].Role != "assistant" {
			return q, "chosen and rejected are not two answers to one prompt"
		}
	}
	return q, ""
}
