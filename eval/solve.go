package eval

import (
	"context"
	"fmt"
	"strings"

	"samovar/eval/task"
	"samovar/infer"
	"samovar/tokenizer"
)

const (
	// answerTokens is how long an answer may become, as in
	// lm-evaluation-harness; a window of less than twice as much is shared
	// evenly between problem and answer.
	answerTokens = 256
	// speakers is how many problems are answered at once: enough that matrices
	// are multiplied rather than read for each token.
	speakers = 32
	// readRows is how many tokens of problems are read in one step.
	readRows = 512
)

// solve lets the model write answers, always the likeliest token, and compares
// the number after "#### " and the last number with the right one.
func (x *examination) solve(ctx context.Context, e *encoder) ([]Answer, error) {
	weights, err := x.file.Load(x.dev)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, b := range weights {
			b.Free()
		}
	}()
	engine, err := infer.New(x.dev, x.file.Config, weights, infer.Options{Sequences: speakers, PrefillRows: readRows})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	s := &solver{examination: x, encoder: e, engine: engine, room: min(answerTokens, x.file.Config.Window/2), speaking: map[*infer.Sequence]*speech{}}
	for id := range int32(e.tok.Size()) {
		if e.tok.IsEnd(id) {
			s.stop = append(s.stop, id)
		}
	}
	for _, set := range x.data.Sets {
		for _, it := range set.Items {
			s.items = append(s.items, it)
			s.answers = append(s.answers, Answer{Set: set.Name, Item: it.Index})
		}
	}
	if s.room == 0 {
		return nil, fmt.Errorf("the model's window holds %d token: there is no room for an answer", x.file.Config.Window)
	}
	return s.answers, s.run(ctx)
}

// solver keeps some problems in the engine at a time.
type solver struct {
	*examination
	encoder  *encoder
	engine   *infer.Engine
	room     int     // most tokens of an answer
	stop     []int32 // tokens that end one
	items    []task.Item
	answers  []Answer // of each item
	next     int      // the first that has not been asked
	done     int64
	speaking map[*infer.Sequence]*speech
}

// speech is an answer that is being written.
type speech struct {
	at      int // of the item
	text    strings.Builder
	decoder *tokenizer.Decoder
}

func (s *solver) run(ctx context.Context) error {
	for s.done < int64(len(s.items)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		for len(s.speaking) < speakers && s.next < len(s.items) {
			if err := s.ask(s.next); err != nil {
				return fmt.Errorf("item %d of %s: %w", s.items[s.next].Index, s.answers[s.next].Set, err)
			}
			s.next++
		}
		events, err := s.engine.Step()
		if err != nil {
			return err
		}
		for _, ev := range events {
			if err := s.hear(ev); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask adds a problem. A prompt that leaves no room for an answer loses its
// beginning.
func (s *solver) ask(at int) error {
	ids := s.encoder.text(s.items[at].Prompt(s.shots(s.answers[at].Set, s.items[at])))
	if over := len(ids) + s.room - s.engine.Window(); over > 0 {
		ids = ids[over:]
		s.truncated++
	}
	if c, ok := s.part.done[at]; ok {
		s.answered(at, c.Text)
		return nil
	}
	sequence, err := s.engine.Add(infer.Request{Prompt: ids, MaxTokens: s.room, Stop: s.stop})
	if err == nil {
		s.speaking[sequence] = &speech{at: at, decoder: s.encoder.tok.NewDecoder()}
	}
	return err
}

// hear takes a token of an answer, which may end with it.
func (s *solver) hear(ev infer.Event) error {
	sp := s.speaking[ev.Sequence]
	if ev.Err != nil {
		return ev.Err
	}
	if ev.Token != infer.None && !s.encoder.tok.IsEnd(ev.Token) {
		sp.text.WriteString(sp.decoder.Next(ev.Token))
	}
	text, stopped := until(sp.text.String())
	if ev.Finish == infer.Going && !stopped {
		return nil
	}
	if !stopped {
		text, _ = until(text + sp.decoder.Flush())
	}
	s.engine.Remove(ev.Sequence)
	delete(s.speaking, ev.Sequence)
	s.answered(sp.at, text)
	s.progress(s.done, int64(len(s.items)))
	return s.part.keep([]computed{{At: sp.at, Text: text}})
}

// answered takes down an answer.
func (s *solver) answered(at int, text string) {
	a, target := &s.answers[at], task.Target(s.items[at].Text)
	a.Text, a.Right, a.Last = text, task.Strict(text) == target, task.Flexible(text) == target
	s.done++
}

// until cuts a text before the first mark at which an answer ends.
func until(text string) (string, bool) {
	end := len(text)
	for _, mark := range task.Until {
		if i := strings.Index(text, mark); i >= 0 {
			end = min(end, i)
		}
	}
	return text[:end], end < len(text)
}
