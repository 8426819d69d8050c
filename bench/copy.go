package bench

import (
	"errors"
	"slices"
	"time"

	"samovar/compute"
	"samovar/infer"
	"samovar/model"
)

// Copying is what guessing from what was said before gives where a text repeats
// itself: tokens of one answer a second, at temperature 0, without guesses and with them.
type Copying struct {
	Plain, Guessing Series
}

// Gain is the median of how many times as fast the answers with guesses are.
func (c *Copying) Gain() float64 {
	var gains Series
	for i, plain := range c.Plain {
		gains = append(gains, c.Guessing[i]/plain)
	}
	return gains.Median()
}

// passage is how many tokens a prompt repeats: a row of ids that follow each other, as
// what dev/shape writes with -repeat 64 goes on with.
const passage = 64

// errGuesses says that an answer is not what it must be.
var errGuesses = errors.New("an answer with guesses is not the one without")

// Copy measures answers to prompts that say one thing again and again, in turn without
// and with guesses. It fails if guesses change a token.
func Copy(dev compute.Device, c model.Config, weights map[string]compute.Buffer, load Load) (*Copying, error) {
	prompt, tokens := load.within(c.Window)
	var engines [2]*infer.Engine
	for i, lookup := range []int{-1, 0} {
		e, err := infer.New(dev, c, weights, infer.Options{Sequences: 1, PrefillRows: min(512, prompt), Lookup: lookup, Window: prompt + tokens, Cache: load.Cache})
		if err != nil {
			return nil, err
		}
		defer e.Close()
		engines[i] = e
	}
	all := &Copying{}
	for i := range load.Repeats {
		ids := make([]int32, prompt)
		for j := range ids {
			ids[j] = int32((i*passage + j%passage) % c.Vocabulary)
		}
		plain, rate, err := answer(engines[0], ids, tokens)
		if err != nil {
			return nil, err
		}
		guessed, faster, err := answer(engines[1], ids, tokens)
		switch {
		case err != nil:
			return nil, err
		case !slices.Equal(plain, guessed):
			return nil, errGuesses
		}
		all.Plain, all.Guessing = append(all.Plain, rate), append(all.Guessing, faster)
	}
	return all, nil
}

// answer returns the tokens that follow a prompt, and how many came in a second after
// the first.
func answer(e *infer.Engine, prompt []int32, tokens int) (ids []int32, rate float64, err error) {
	var first time.Time
	err = e.Generate(infer.Request{Prompt: prompt, MaxTokens: tokens}, func(ev infer.Event) bool {
		if ev.Token == infer.None {
			return true
		}
		if ids = append(ids, ev.Token); len(ids) == 1 {
			first = time.Now()
		}
		return true
	})
	return ids, float64(len(ids)-1) / time.Since(first).Seconds(), err
}
