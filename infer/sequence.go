package infer

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// Request is what a sequence is to do.
type Request struct {
	Prompt      []int32
	MaxTokens   int     // most tokens to generate; 0: the prompt is only read; negative: until the window is full
	Stop        []int32 // tokens that end the answer
	Sampling    Sampling
	Top         int    // how many of the likeliest tokens come with each event, at most MaxTop
	Scores      bool   // score the answer's tokens
	ScorePrompt bool   // score the prompt's tokens too; nothing of it then comes from the cache
	Scope       string // sequences share cached prefixes only within one scope, such as a tenant
}

// MaxTop bounds Request.Top.
const MaxTop = 20

// Finish says why a sequence ended.
type Finish string

// The reasons to end.
const (
	Going  Finish = ""       // it has not ended
	Stop   Finish = "stop"   // the model said a token of Request.Stop
	Length Finish = "length" // Request.MaxTokens are reached, or the window is full
	Failed Finish = "error"  // Event.Err says why
)

// None stands for no token.
const None int32 = -1

// Score is the natural logarithm of the probability that the model gave to a
// token, before any part of Sampling changed it.
type Score struct {
	Token int32
	Log   float64
}

// Event is what one step did for one sequence. A step may give a sequence several
// tokens, each with an event of its own.
type Event struct {
	Sequence *Sequence
	Rows     int       // tokens that were computed: the sequence's share of the step's cost; of a step's events the first has all
	Token    int32     // the token generated, or None
	Finish   Finish    // if not Going, the sequence has left the engine
	Err      error     // with Failed
	Score    float64   // log-probability of Token, if Request.Scores
	Top      []Score   // Request.Top tokens that were likeliest in Token's place, best first; valid until the next step
	Prompt   []Score   // if Request.ScorePrompt: the prompt's tokens from 1 on, as they are computed; likewise
	Tops     [][]Score // of each of Prompt; likewise
}

// Sequence is a prompt with its answer as far as it has come.
type Sequence struct {
	request Request
	tokens  []int32 // prompt and answer
	limit   int     // most tokens
	past    int     // tokens whose keys and values lie in pages
	pages   []int32
	shared  int // tokens of the prompt that came from the cache
	random  rand.PCG
	guesser guesser
	shadow  *Sequence // of the draft
	wanted  int       // tokens that the draft is to guess; of a shadow: that it still is to
	state   state

	guessed []int32 // tokens that may follow, in the batch being computed
	rows    int     // in the batch being computed
	outputs int     // how many of them, the last ones, have logits
	output  int     // its first output in the batch
}

type state uint8

const (
	waiting state = iota
	active
	gone
)

// Tokens returns the answer as far as it has come.
func (s *Sequence) Tokens() []int32 { return s.tokens[len(s.request.Prompt):] }

// Cached is the number of tokens of the prompt that were found in the cache.
func (s *Sequence) Cached() int { return s.shared }

// reading reports whether part of the prompt is still to be computed.
func (s *Sequence) reading() bool { return s.past < len(s.request.Prompt) }

// ErrLong is part of the error for a prompt that does not fit into the window.
var ErrLong = errors.New("the prompt does not fit into the window")

// check returns what is wrong with the request for this engine.
func (e *Engine) check(r *Request) error {
	room := e.window
	if r.MaxTokens != 0 {
		room-- // at least one token of answer
	}
	switch {
	case len(r.Prompt) == 0:
		return errors.New("the prompt is empty: at least one token is expected")
	case len(r.Prompt) > room:
		return fmt.Errorf("%w: it has %d tokens and the window holds %d, the answer included", ErrLong, len(r.Prompt), e.window)
	case r.Top < 0 || r.Top > MaxTop:
		return fmt.Errorf("the %d likeliest tokens are asked for: 0 to %d are expected", r.Top, MaxTop)
	}
	for i, id := range r.Prompt {
		if id < 0 || int(id) >= e.vocabulary {
			return fmt.Errorf("token %d of the prompt is %d: the vocabulary has %d", i, id, e.vocabulary)
		}
	}
	return r.Sampling.Check(e.vocabulary)
}

// newSequence returns the sequence of a checked request.
func (e *Engine) newSequence(r Request) *Sequence {
	s := &Sequence{request: r, limit: e.window}
	if room := e.window - len(r.Prompt); r.MaxTokens >= 0 && r.MaxTokens < room {
		s.limit = len(r.Prompt) + r.MaxTokens
	}
	s.tokens = append(make([]int32, 0, s.limit), r.Prompt...)
	s.pages = make([]int32, 0, pagesOf(s.limit))
	s.guessed = make([]int32, 0, e.lookup)
	s.random.Seed(r.Sampling.Seed, 0)
	return s
}
