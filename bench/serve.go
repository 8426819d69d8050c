package bench

import (
	"fmt"
	"time"

	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/infer"
	"samovar/model"
)

// Load is what a model is asked to do.
type Load struct {
	Prompt   int           // tokens that are read before the answer
	Tokens   int           // of each answer, two at least
	Together int           // sequences of the second measurement of decoding; below 2: there is none
	Repeats  int           // of everything
	Cache    kernel.Format // how keys and values are kept
}

// within returns how long prompts and answers are in a window.
func (l Load) within(window int) (prompt, tokens int) {
	return max(1, min(l.Prompt, window/2)), max(2, min(l.Tokens, window/2))
}

// Serving is what was measured of a model, each figure beside the ceiling that was
// measured just before it.
type Serving struct {
	Prompt, Tokens, Together int // as far as the window holds them

	Ready float64 // seconds until the weights were packed and the cache there

	Read, Int8 Series // ceilings: bytes and operations a second

	Prefill  Series // tokens of prompt a second
	Decode   Series // tokens of one answer a second, after the prompt
	Parallel Series // tokens a second of Together answers to prompts of short tokens, all in all

	DecodeBytes float64 // weights, keys and values that a token of Decode reads, bytes
	PrefillWork float64 // operations with weights for a token of Prefill
}

// DecodeShare is the part of the read bandwidth that decoding uses.
func (s *Serving) DecodeShare() float64 {
	return s.Decode.Median() * s.DecodeBytes / s.Read.Median()
}

// PrefillShare is the part of the int8 ceiling that the products with weights use
// while a prompt is read. Attention is computed in the same time and not counted.
func (s *Serving) PrefillShare() float64 {
	return s.Prefill.Median() * s.PrefillWork / s.Int8.Median()
}

// short is the length of the prompts of sequences that are decoded together.
const short = 16

// Serve measures a model with weights that are loaded on dev. bytes is what a token
// reads of them ([model.File.Memory]).
func Serve(dev compute.Device, c model.Config, weights map[string]compute.Buffer, bytes int64, ceilings *Ceilings, load Load) (*Serving, error) {
	s := &Serving{Together: load.Together}
	s.Prompt, s.Tokens = load.within(c.Window)
	s.weigh(c, bytes, load.Cache)
	start := time.Now()
	e, err := infer.New(dev, c, weights, infer.Options{
		Sequences: max(1, s.Together), PrefillRows: min(512, s.Prompt), Lookup: -1,
		Window: max(s.Prompt, short) + s.Tokens, Cache: load.Cache,
	})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	s.Ready = time.Since(start).Seconds()
	for i := range load.Repeats {
		s.Read, s.Int8 = append(s.Read, ceilings.Read()), append(s.Int8, ceilings.Int8())
		read, answer, err := answers(e, 1, s.Prompt, s.Tokens, c.Vocabulary, i)
		if err != nil {
			return nil, err
		}
		s.Prefill, s.Decode = append(s.Prefill, read), append(s.Decode, answer)
		if s.Together < 2 {
			continue
		}
		_, answer, err = answers(e, s.Together, min(short, s.Prompt), s.Tokens, c.Vocabulary, i)
		if err != nil {
			return nil, err
		}
		s.Parallel = append(s.Parallel, answer)
	}
	return s, nil
}

// weigh sets what a token takes. Of keys and values, a token of the answer reads those
// of half the answer, on average, beside the prompt's.
func (s *Serving) weigh(c model.Config, bytes int64, cache kernel.Format) {
	program, _ := c.Serving()
	page := 0 // float32
	for _, c := range program.Caches {
		page += c.PageLen(cache)
	}
	s.DecodeBytes = float64(bytes) + float64(s.Prompt+s.Tokens/2)*float64(page)*4/compute.PageRows
	_, active := c.Parameters()
	// Neither an embedding table nor, but for the last token, the output is
	// multiplied by a token of the prompt.
	active -= int64(c.Vocabulary) * int64(c.Width)
	if !c.Tied {
		active -= int64(c.Vocabulary) * int64(c.Width)
	}
	s.PrefillWork = 2 * float64(active)
}

// answers has n sequences answer at once, and returns how many tokens of prompts and
// of answers came in a second. Answering is timed from when the last prompt has been
// read until the first answer is whole. Equal seeds have equal prompts, others nothing
// in common that a cache could give.
func answers(e *infer.Engine, n, prompt, tokens, vocabulary, seed int) (read, answer float64, err error) {
	started := make(map[*infer.Sequence]bool, n)
	for i := range n {
		ids := make([]int32, prompt)
		for j := range ids {
			ids[j] = int32((seed*n + i + j*7) % vocabulary)
		}
		if _, err := e.Add(infer.Request{Prompt: ids, MaxTokens: tokens}); err != nil {
			return 0, 0, err
		}
	}
	start := time.Now()
	var first time.Time // all prompts have been read
	count, whole := 0, false
	for !e.Idle() {
		events, err := e.Step()
		if err != nil {
			return 0, 0, err
		}
		if len(started) == n && !whole {
			count += len(events)
		}
		for _, ev := range events {
			if ev.Err != nil {
				return 0, 0, fmt.Errorf("answer: %w", ev.Err)
			}
			if ev.Token != infer.None {
				started[ev.Sequence] = true
			}
			whole = whole || ev.Finish != infer.Going
		}
		switch {
		case whole && answer == 0:
			answer = float64(count) / time.Since(first).Seconds()
		case len(started) == n && first.IsZero():
			first = time.Now()
			read = float64(n*prompt) / first.Sub(start).Seconds()
		}
	}
	return read, answer, nil
}
