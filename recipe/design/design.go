// Package design turns texts, a machine and a budget into a recipe. It tries
// the smallest model on the texts for a moment, lets a scaling law say what larger
// ones would reach in the time, has the best of them measured, and writes down
// the reason for every number. It trains nothing itself: a [Bench] is handed to
// it. Start with [Make].
package design

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"samovar/model"
	"samovar/tokenizer"
)

// Request is what somebody wants designed.
type Request struct {
	Name    string
	Data    string // where the texts lie, as it was said
	Sources []Source
	Hours   float64 // of the whole brew; 0: KWh counts
	KWh     float64
	Machine string // for people
	Threads int
	Memory  int64 // bytes of the machine; 0: unknown
}

// Source is one entry of the recipe's corpus.
type Source struct {
	Path, Field, Kind string
	Language          string // BCP 47; Guessed says who says so
	Guessed           bool
	Licence           string // empty: nobody has said
	Origin            string
}

// Bench does what must be known before a recipe is written: it brews parts of
// recipes, whose stages are kept and need not be run again.
type Bench interface {
	// Texts collects the recipe's texts, and learns its vocabulary from them.
	Texts(ctx context.Context, recipe string) (Texts, error)
	// Try brews the recipe, whose budget is in tokens.
	Try(ctx context.Context, recipe string) (Trial, error)
	// Speed measures how many tokens the recipe's budget buys.
	Speed(ctx context.Context, recipe string) (Speed, error)
	// Settings are those that training takes by itself for so many tokens.
	Settings(m model.Config, tokens int64) (Settings, error)
}

// Texts is what a corpus holds after its filters.
type Texts struct {
	Collected      int64 // bytes of UTF-8, held out or not
	Bytes, Tokens  int64 // to learn from; dialogues are in it
	Held           int64 // tokens held out
	DialogueTokens int64 // of Tokens
	Vocabulary     int   // tokens that were learnt, special ones included
}

// Trial is what a short training reached.
type Trial struct {
	Bits      float64 // a byte of held-out text
	Rate      float64 // tokens a second, learnt
	Evaluated float64 // tokens a second, evaluated
	Watts     float64
}

// Speed is what was measured of a model on this machine.
type Speed struct {
	Tokens int64   // that the budget buys
	Rate   float64 // tokens a second
}

// Settings are the settings of training that depend on size and budget.
type Settings struct {
	Batch, Leaves         int
	Rate, MuonRate, Decay float64
	Windows               []int
}

// Choice is a model that was thought of.
type Choice struct {
	Model    model.Config
	Layers   int64   // parameters in the layers
	All      int64   // parameters
	Tokens   int64   // that it is trained on
	Rate     float64 // tokens a second
	Measured bool    // Rate was measured, and not concluded from a smaller model's
	Hours    float64 // of training
	Bits     float64 // predicted
	Settings Settings
}

// Design is a recipe and what led to it.
type Design struct {
	Recipe  string   `json:"recipe"`
	Bits    float64  `json:"bits_per_byte"` // predicted
	Spread  float64  `json:"spread"`        // of the prediction, a share of it
	Tokens  int64    `json:"tokens"`
	Hours   float64  `json:"hours"` // of training
	Choices []Choice `json:"-"`     // the best first
	Trials  []Known  `json:"-"`
	Texts   Texts    `json:"-"`
}

// errNothing is returned for texts of which too little is left.
var errNothing = errors.New("too little text is left to design a model for: at least 100 kB are expected")

// leastText is below what a vocabulary and a split can be made of.
const leastText = 100_000

// Step is what a design is doing.
type Step struct {
	Do     string `json:"do"`               // read, try or measure
	Layers int    `json:"layers,omitempty"` // of the model that is tried or measured
	Width  int    `json:"width,omitempty"`
	Tokens int64  `json:"tokens,omitempty"` // that it is tried with
}

// String says it to people.
func (s Step) String() string {
	switch s.Do {
	case "try":
		return fmt.Sprintf("trying a model of %d layers with %s tokens", s.Layers, count(s.Tokens))
	case "measure":
		return fmt.Sprintf("measuring a model of %d layers and width %d", s.Layers, s.Width)
	}
	return "reading the texts"
}

// First is the recipe that a design begins with: it names all sources.
func (q Request) First() string {
	d := &designer{Request: q}
	d.window = window(d.power())
	return d.trial(leastVocabulary, 1)
}

// Make designs a recipe. watch is told of each step before it is done.
func Make(ctx context.Context, q Request, b Bench, watch func(Step)) (*Design, error) {
	d := &designer{Request: q, bench: b, watch: watch, law: Fitted()}
	if err := d.texts(ctx); err != nil {
		return nil, err
	}
	if err := d.trials(ctx); err != nil {
		return nil, err
	}
	if err := d.choose(ctx); err != nil {
		return nil, err
	}
	best := d.choices[0]
	return &Design{
		Recipe: d.write(best), Bits: best.Bits, Spread: Spread, Tokens: best.Tokens, Hours: best.Hours,
		Choices: d.choices, Trials: d.known, Texts: d.read,
	}, nil
}

// designer is a design being made.
type designer struct {
	Request
	bench Bench
	watch func(Step)
	law   Law

	vocabulary, window int
	read               Texts
	known              []Known // the trials
	rate               float64 // tokens a second of the trials' model
	evaluated          float64 // the same, evaluated
	ops                float64 // its operations a token
	text               Text    // the law's, from the trials
	watts              float64
	budget             seconds // of the whole brew
	choices            []Choice
}

type seconds float64

// Hours returns s in hours.
func (s seconds) Hours() float64 { return float64(s) / 3600 }

// power is what the machine does within the budget, in hours of one thread, as
// far as it is known before anything was tried.
func (d *designer) power() float64 {
	hours := d.Hours
	if hours == 0 {
		hours = d.KWh * 1000 / guessedWatts
	}
	return hours * float64(d.Threads)
}

// guessedWatts is taken for the machine's power until a trial has shown it.
const guessedWatts = 50

// texts collects and learns a vocabulary whose size fits texts and budget.
func (d *designer) texts(ctx context.Context) (err error) {
	d.window = window(d.power())
	d.vocabulary = leastVocabulary
	d.watch(Step{Do: "read"})
	d.read, err = d.bench.Texts(ctx, d.First())
	switch {
	case errors.Is(err, tokenizer.ErrTooLittle), err == nil && d.read.Bytes < leastText:
		return errNothing
	case err != nil:
		return fmt.Errorf("read the texts: %w", err)
	}
	if d.vocabulary = vocabulary(d.read.Bytes, d.power()); d.vocabulary != leastVocabulary {
		d.read, err = d.bench.Texts(ctx, d.trial(d.vocabulary, 1))
	}
	if err != nil {
		return fmt.Errorf("learn a vocabulary: %w", err)
	}
	return nil
}

// A trial is of so many tokens, and a second one of more: as many as take
// trialShare of the budget, between leastGrowth and mostGrowth times the first.
// Two points place the texts in the law. Of little text both are less, so that
// neither sees it more than mostEpochs times.
const (
	trialTokens = 500_000
	trialShare  = 0.06
	leastGrowth = 3
	mostGrowth  = 16
)

func (d *designer) trials(ctx context.Context) error {
	smallest := d.shape(shapes[0])
	d.ops = smallest.TrainingOperations()
	most := mostEpochs * d.read.Tokens
	first := min(trialTokens, most/leastGrowth)
	tokens := first
	for i := range 2 {
		d.watch(Step{Do: "try", Layers: smallest.Layers, Width: smallest.Width, Tokens: tokens})
		t, err := d.bench.Try(ctx, d.trial(d.vocabulary, tokens))
		if err != nil {
			return fmt.Errorf("try a small model: %w", err)
		}
		if !(t.Bits > 0 && t.Rate > 0) {
			return fmt.Errorf("try a small model: %g bits per byte at %g tokens a second mean nothing", t.Bits, t.Rate)
		}
		d.known = append(d.known, Known{d.run(smallest, tokens), t.Bits})
		d.rate, d.evaluated, d.watts = t.Rate, max(t.Evaluated, t.Rate), t.Watts
		if i == 0 {
			d.limit()
			grow := trialShare * float64(d.budget) * d.rate / float64(first)
			tokens = min(most, first*int64(math.Round(min(mostGrowth, max(leastGrowth, grow)))))
		}
	}
	d.text = d.law.Place(d.known)
	return nil
}

// limit turns the budget into seconds.
func (d *designer) limit() {
	d.budget = seconds(3600 * d.Hours)
	if d.Hours == 0 && d.watts > 0 {
		d.budget = seconds(3.6e6 * d.KWh / d.watts)
	}
}

// run is a training of so many tokens on the texts.
func (d *designer) run(m model.Config, tokens int64) Run {
	perToken := float64(d.read.Bytes) / float64(max(1, d.read.Tokens))
	return Run{Weights: float64(layers(m)), Seen: float64(tokens) * perToken, Unique: float64(d.read.Bytes)}
}

// left is the time for training a model: all but what its evaluations take, as it
// is and quantised, and all that goes before.
func (d *designer) left(m model.Config) seconds {
	evaluation := 2 * float64(d.read.Held) / d.evaluated * m.TrainingOperations() / d.ops
	return max(d.budget-seconds(evaluation)-startup, d.budget/2)
}

// startup is what reading the texts again, measuring the speed and storing take.
const startup seconds = 25

// choose orders the shapes by what the law expects of them, and has them
// measured until the best is one that was: what a larger model's speed is
// concluded to be from the smallest's is often too much.
func (d *designer) choose(ctx context.Context) error {
	for _, s := range shapes {
		m := d.shape(s)
		all, _ := m.Parameters()
		if d.Memory > 0 && float64(all)*bytesAWeight > float64(d.Memory)/2 {
			continue
		}
		rate := d.rate * d.ops / m.TrainingOperations()
		c, err := d.consider(m, rate, int64(float64(d.left(m))*rate*(1-reserve)))
		if err != nil {
			return err
		}
		if c.Tokens >= int64(leastSteps*c.Settings.Batch) || s == shapes[0] {
			d.choices = append(d.choices, c)
		}
	}
	for {
		d.order()
		best := d.choices[0]
		if best.Measured {
			return nil
		}
		d.watch(Step{Do: "measure", Layers: best.Model.Layers, Width: best.Model.Width})
		s, err := d.bench.Speed(ctx, d.write(best))
		if err != nil {
			return fmt.Errorf("measure a model: %w", err)
		}
		if s.Rate == 0 { // a budget in tokens, which nothing need be measured for
			s.Rate = best.Rate
		}
		c, err := d.consider(best.Model, s.Rate, s.Tokens)
		if err != nil {
			return err
		}
		c.Measured = true
		d.choices[0] = c
	}
}

const (
	reserve      = 0.06 // share of training's time for validation and checkpoints, as train.Plan takes it
	bytesAWeight = 24   // weight, gradient and state of the optimiser, and activations
	mostEpochs   = 4    // up to which text that is seen again is nearly as good as new (Muennighoff et al. 2023); soon after it harms
)

// asGood is how far, as a share, a smaller model may be behind the best to be
// taken for as good.
const asGood = 0.002

// order puts the choice that is to be taken first, the others by what is
// expected of them.
func (d *designer) order() {
	slices.SortStableFunc(d.choices, func(a, b Choice) int { return cmp.Compare(a.Bits, b.Bits) })
	first := 0
	for i, c := range d.choices {
		if c.Bits <= (1+asGood)*d.choices[0].Bits && c.All < d.choices[first].All {
			first = i
		}
	}
	c := d.choices[first]
	d.choices = slices.Insert(slices.Delete(d.choices, first, first+1), 0, c)
}

// consider says what is to be expected of a model that can be trained on so many
// tokens.
func (d *designer) consider(m model.Config, rate float64, tokens int64) (c Choice, err error) {
	all, _ := m.Parameters()
	c = Choice{Model: m, Layers: layers(m), All: all, Tokens: min(tokens, mostEpochs*d.read.Tokens), Rate: rate, Hours: d.left(m).Hours()}
	if c.Settings, err = d.bench.Settings(m, c.Tokens); err != nil {
		return c, err
	}
	c.Tokens = max(c.Tokens, int64(c.Settings.Batch))
	c.Bits = d.law.Bits(d.text, d.run(m, c.Tokens))
	return c, nil
}

// leastSteps is how many steps a training needs for the law to hold.
const leastSteps = 20
