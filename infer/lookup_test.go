package infer

import (
	"fmt"
	"slices"
	"testing"

	"samovar/compute/kernel"
	"samovar/model"
)

// repeating is a prompt of which parts come again.
func repeating() []int32 {
	part := prompt(3, 9)
	return slices.Concat(part, prompt(4, 5), part, part[:6])
}

// TestLookup asserts that guessing changes no token and no bit of a logit, however
// the batch looks, and that it saves steps where the text repeats.
func TestLookup(t *testing.T) {
	for _, c := range configs() {
		t.Run(c.Architecture, func(t *testing.T) {
			eachCache(t, func(t *testing.T, cache kernel.Format) { testLookup(t, c, cache) })
		})
	}
}

func testLookup(t *testing.T, c model.Config, cache kernel.Format) {
	dev := openCPU(t, 2)
	w := random(t, dev, c, kernel.Q8_0)
	for _, p := range []Sampling{{}, {Temperature: 1, Seed: 5}, {Temperature: 0.2, Seed: 1, Repetition: 1.05}, {Bias: map[int32]float32{7: 100}}} {
		r := Request{Prompt: repeating(), MaxTokens: 100, Sampling: p, Scores: true}
		plain, want, steps := generate(t, newEngine(t, dev, c, w, Options{Lookup: -1, Cache: cache}), r)
		for _, o := range []Options{{}, {Lookup: 1}, {Lookup: 100, Sequences: 1}, {PrefillRows: 4}} {
			o.Cache = cache
			s, got, fewer := generate(t, newEngine(t, dev, c, w, o), r)
			same(t, fmt.Sprintf("%+v, %+v", p, o), want, got)
			if !slices.Equal(s.Tokens(), plain.Tokens()) {
				t.Errorf("%+v, %+v: %v without guesses, %v with", p, o, plain.Tokens(), s.Tokens())
			}
			if p.Bias != nil && 2*fewer > steps+10 {
				t.Errorf("%+v, %+v: %d steps for one token again and again, %d without guesses", p, o, fewer, steps)
			}
		}
	}
}

// generate returns a request's sequence, its logits, and the steps that it took.
func generate(t *testing.T, e *Engine, r Request) (*Sequence, map[int][]float32, int) {
	t.Helper()
	all := collect(e)
	s, err := e.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	var said []int32
	steps := 0
	for s.state != gone {
		events, err := e.Step()
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range events {
			if ev.Token != None {
				said = append(said, ev.Token)
			}
		}
		steps++
	}
	if !slices.Equal(said, s.Tokens()) {
		t.Errorf("the events say %v, the sequence has %v", said, s.Tokens())
	}
	return s, all[s], steps
}

// TestLookupAmongOthers asserts that sequences that guess, wait and are read beside
// each other answer as each does alone.
func TestLookupAmongOthers(t *testing.T) { eachCache(t, testLookupAmongOthers) }

func testLookupAmongOthers(t *testing.T, cache kernel.Format) {
	dev := openCPU(t, 2)
	c := configs()[0]
	w := random(t, dev, c, kernel.F32)
	requests, at := varied(func(i int) []int32 { return slices.Concat(repeating(), prompt(uint64(i), 3*i)) }, 40)
	for i, s := range run(t, newEngine(t, dev, c, w, Options{Sequences: 5, PrefillRows: 24, Cache: cache}), requests, at) {
		alone, _, _ := generate(t, newEngine(t, dev, c, w, Options{Lookup: -1, Cache: cache}), requests[i])
		if !slices.Equal(s.Tokens(), alone.Tokens()) {
			t.Errorf("request %d: %v alone, %v among others", i, alone.Tokens(), s.Tokens())
		}
	}
}

// varied returns requests of different prompts, lengths from tokens on, temperatures and
// ends, and the steps at which they come.
func varied(prompt func(i int) []int32, tokens int) (requests []Request, at []int) {
	for i := range 12 {
		p := Sampling{Seed: uint64(i)}
		if i%3 == 0 {
			p.Temperature = 0.7
		}
		requests = append(requests, Request{Prompt: prompt(i), MaxTokens: tokens + i, Sampling: p, Stop: []int32{int32(i)}})
		at = append(at, 3*i)
	}
	return requests, at
}

// TestLearn asserts that guesses grow while they hold and wait while they fail.
func TestLearn(t *testing.T) {
	g := guesser{length: firstGuess}
	for _, c := range []struct{ guessed, held, length, wait int }{
		{2, 2, 4, 0}, {4, 4, 8, 0}, {8, 8, 10, 0}, {10, 3, 3, 0}, {3, 0, 2, 2}, {2, 0, 2, 4}, {2, 0, 2, 8}, {2, 1, 1, 8}, {0, 0, 1, 8},
	} {
		g.learn(c.guessed, c.held, 10)
		if g.length != c.length || g.wait != c.wait {
			t.Errorf("after %d of %d: %+v, want %+v", c.held, c.guessed, g, c)
		}
	}
}
