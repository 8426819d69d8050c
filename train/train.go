// Package train makes weights: it turns a budget into a plan, trains a model
// from nothing or from weights that exist, and tunes it on dialogues. It reads
// no corpus and keeps no store: rows, tokenizer and device are handed to it.
// Start with [Trainer], which takes one step after the other; the stages are
// [Plan] and [Train].
package train

import (
	"errors"
	"fmt"
	"math"
)

// Rows is what one step trains on: Tokens and Targets are [rows][Window], and
// Starts says for each row where its documents begin. A negative target is not
// learnt.
type Rows struct {
	Window  int
	Tokens  []int32
	Targets []int32
	Starts  [][]int32
}

// Data gives the rows of every step, from 0: a function of the step alone, so
// that a run that goes on needs no state.
type Data interface{ Batch(step int64) Rows }

// The optimisers of the layers' matrices.
const (
	AdamW = "adamw"
	Muon  = "muon"
)

// The schedules of the learning rate.
const (
	WSD    = "wsd"    // it rises, stays, and in the last Decay of the steps falls in a straight line
	Cosine = "cosine" // it rises, and then follows half a cosine (arXiv:1608.03983 equation 5); Decay is not used
)

// Config says how weights are trained. Zero means the default.
type Config struct {
	Batch  int `json:"batch"`  // tokens a step; default 8,192; of training from nothing see Choose, here and below
	Leaves int `json:"leaves"` // parts whose gradients are summed in a fixed tree; default 8
	Micro  int `json:"micro"`  // tokens that are computed at once within a leaf; default 2,048

	Optimiser string  `json:"optimiser"` // of the layers' matrices: muon or adamw; the rest is always AdamW's; default muon
	MuonRate  float64 `json:"muon_rate"` // peak learning rate of Muon; default 0.02
	Momentum  float64 `json:"momentum"`  // of Muon; default 0.95

	Schedule string  `json:"schedule,omitempty"` // of the rate: WSD or Cosine; default WSD
	Rate     float64 `json:"rate"`               // peak learning rate; default 0.003·√(256/width)
	Warmup   float64 `json:"warmup"`             // share of the steps in which the rate rises; default 0.02
	Decay    float64 `json:"decay"`              // share of the steps, the last, in which it falls to 0; default 0.4
	Beta1    float64 `json:"beta1"`              // default 0.9
	Beta2    float64 `json:"beta2"`              // default 0.95
	Epsilon  float64 `json:"epsilon"`            // default 1e-8
	Weight   float64 `json:"weight"`             // weight decay of matrices; default 0.1
	Clip     float64 `json:"clip"`               // largest norm of the gradient; default 1
	Seed     uint64  `json:"seed"`               // of the first weights

	Recompute bool `json:"recompute,omitempty"` // a layer's results are computed again on the way back instead of kept; the weights are the same

	Windows []int `json:"windows,omitempty"` // tokens of a row in equal parts of the run, rising to the model's window; default it alone

	Validate int `json:"validate"` // tokens of each validation while training; default 32,768
}

// Resolve fills in the defaults for a model of that width and window.
func (c Config) Resolve(width, window int) (Config, error) {
	set := func(x *float64, v float64) {
		if *x == 0 {
			*x = v
		}
	}
	set(&c.Rate, 0.003*math.Sqrt(256/float64(width)))
	if c.Optimiser == "" {
		c.Optimiser = Muon
	}
	set(&c.MuonRate, 0.02)
	set(&c.Momentum, 0.95)
	set(&c.Warmup, 0.02)
	set(&c.Decay, 0.4)
	set(&c.Beta1, 0.9)
	set(&c.Beta2, 0.95)
	set(&c.Epsilon, 1e-8)
	set(&c.Weight, 0.1)
	set(&c.Clip, 1)
	if c.Leaves == 0 {
		c.Leaves = 8
	}
	if c.Micro == 0 {
		c.Micro = 2048
	}
	if c.Validate == 0 {
		c.Validate = 32768
	}
	if c.Batch == 0 {
		c.Batch = 8192
	}
	c.Batch = max(c.Batch/window, c.Leaves) * window
	return c, c.check(window)
}

func (c Config) check(window int) error {
	var errs []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("train: "+format, args...))
		}
	}
	expect(c.Leaves >= 1 && c.Leaves <= 1024, "leaves is %d; between 1 and 1024 is expected", c.Leaves)
	expect(c.Batch >= window && c.Batch <= 1<<24, "batch is %d tokens; between the window, %d, and %d is expected", c.Batch, window, 1<<24)
	expect(c.Micro >= 1 && c.Micro <= 1<<20, "micro is %d tokens; between 1 and %d is expected", c.Micro, 1<<20)
	expect(c.Optimiser == AdamW || c.Optimiser == Muon, "optimiser is %q; %s or %s is expected", c.Optimiser, AdamW, Muon)
	expect(c.MuonRate > 0 && c.MuonRate <= 1 && c.Momentum >= 0 && c.Momentum < 1, "muon_rate %g and momentum %g are out of range", c.MuonRate, c.Momentum)
	expect(c.Schedule == "" || c.Schedule == WSD || c.Schedule == Cosine, "schedule is %q; %s or %s is expected", c.Schedule, WSD, Cosine)
	expect(c.Rate > 0 && c.Rate <= 1, "rate is %g; above 0 and at most 1 is expected", c.Rate)
	expect(c.Warmup >= 0 && c.Decay >= 0 && c.Warmup+c.Decay <= 1, "warmup %g and decay %g are shares of the run and are together at most 1", c.Warmup, c.Decay)
	expect(c.Beta1 >= 0 && c.Beta1 < 1 && c.Beta2 >= 0 && c.Beta2 < 1, "beta1 %g and beta2 %g lie in [0, 1)", c.Beta1, c.Beta2)
	errs = append(errs, c.checkWindows(window))
	expect(c.Epsilon > 0 && c.Weight >= 0 && c.Clip > 0, "epsilon %g, weight %g and clip %g are positive", c.Epsilon, c.Weight, c.Clip)
	return errors.Join(errs...)
}

// RateAt is the learning rate of a step of a run of so many: it rises linearly,
// stays, and falls to nothing (warm-up, stable, decay; arXiv:2404.06395 section
// 4).
func (c Config) RateAt(step, steps int64) float64 { return c.Rate * c.schedule(step, steps) }

// schedule is the share of the peak rate at a step.
func (c Config) schedule(step, steps int64) float64 {
	warmup, decay := c.Warmup*float64(steps), c.Decay*float64(steps)
	if c.Schedule == Cosine {
		decay = float64(steps) - warmup
	}
	at, left := float64(step+1), float64(steps-step)
	switch {
	case at < warmup:
		return at / warmup
	case left >= decay:
		return 1
	case c.Schedule == Cosine:
		return (1 - math.Cos(math.Pi*left/decay)) / 2
	}
	return left / decay
}
