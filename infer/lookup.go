package infer

import "slices"

// Prompt lookup (Saxena 2023; the draft of arXiv:2304.04487 taken from the text
// itself): what followed the last tokens where they stood before is guessed to
// follow again. The guesses are computed in one step with the token before them,
// and each is kept if it is what the sampler then draws in its place. So an answer
// is the same to the bit as without guessing.

const (
	lookupTokens = 4 // that must have stood before: fewer recur by chance
	firstGuess   = 2 // tokens of the first guess; one that holds whole is followed by one twice as long
	longestWait  = 64
)

// guesser says how many tokens of a sequence are guessed at a time.
type guesser struct {
	length int // of the next guess
	wait   int // tokens before it
	failed int // guesses in a row of which nothing held
}

// guess fills in s.guessed with at most room tokens. Where they would go beyond
// what was said, as in a loop, they begin anew.
func (s *Sequence) guess(room int) {
	g := &s.guesser
	if g.wait > 0 {
		g.wait--
		return
	}
	if g.length == 0 {
		g.length = firstGuess
	}
	n := min(room, g.length, s.limit-len(s.tokens)-1)
	if n <= 0 {
		return
	}
	s.wanted = n // unless they are found
	end := len(s.tokens)
	if end < lookupTokens {
		return
	}
	last := s.tokens[end-lookupTokens:]
	for at := end - 1; at >= lookupTokens; at-- {
		if !slices.Equal(s.tokens[at-lookupTokens:at], last) {
			continue
		}
		s.wanted = 0
		for i := range n {
			s.guessed = append(s.guessed, s.tokens[at+i%(end-at)])
		}
		return
	}
}

// learn takes up how many of so many guessed tokens held. Where nothing does,
// twice as many tokens are waited for each time: a guess is not free where a
// model is small.
func (g *guesser) learn(guessed, held, most int) {
	switch {
	case guessed == 0:
	case held == guessed:
		g.length, g.failed = min(most, 2*g.length), 0
	case held > 0:
		g.length, g.failed = max(1, held), 0
	default:
		g.length, g.failed = firstGuess, g.failed+1
		g.wait = min(longestWait, 1<<g.failed)
	}
}
