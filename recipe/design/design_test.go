package design

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"samovar/model"
	"samovar/recipe"
	"samovar/tokenizer"
)

// world is a machine on which the law holds exactly.
type world struct {
	texts   Texts
	truth   Text
	flops   float64
	recipes []string
	speeds  int
	slow    float64 // what is left of the speed of models wider than the smallest
	failure error
}

func (w *world) parse(text string) (*recipe.Recipe, model.Config, error) {
	w.recipes = append(w.recipes, text)
	r, err := recipe.Parse([]byte(text), "/")
	if err != nil {
		return nil, model.Config{}, err
	}
	m, err := r.Model.Config(r.Tokenizer.Vocab, nil)
	return r, m, err
}

func (w *world) Texts(_ context.Context, text string) (Texts, error) {
	_, _, err := w.parse(text)
	return w.texts, errors.Join(err, w.failure)
}

func (w *world) run(m model.Config, tokens int64) Run {
	d := designer{read: w.texts}
	return d.run(m, tokens)
}

func (w *world) rate(m model.Config) float64 {
	rate := w.flops / m.TrainingOperations()
	if m.Width > 256 {
		rate *= w.slow
	}
	return rate
}

func (w *world) Try(_ context.Context, text string) (Trial, error) {
	r, m, err := w.parse(text)
	if err != nil {
		return Trial{}, err
	}
	rate := w.rate(m)
	return Trial{Bits: Fitted().Bits(w.truth, w.run(m, int64(r.Train.Tokens))), Rate: rate, Evaluated: 3 * rate, Watts: 100}, nil
}

func (w *world) Speed(_ context.Context, text string) (Speed, error) {
	w.speeds++
	r, m, err := w.parse(text)
	if err != nil {
		return Speed{}, err
	}
	if r.Train.Tokens > 0 {
		return Speed{Tokens: int64(r.Train.Tokens)}, nil
	}
	return Speed{Tokens: int64(r.Train.Hours * 3600 * w.rate(m) * (1 - reserve)), Rate: w.rate(m)}, nil
}

func (w *world) Settings(m model.Config, tokens int64) (Settings, error) {
	return Settings{Batch: 4096, Leaves: 2, Rate: 0.02, MuonRate: 0.01, Decay: 0.8, Windows: []int{64, m.Window}}, nil
}

func newWorld() *world {
	l := Fitted()
	return &world{
		texts: Texts{Collected: 31e6, Bytes: 30e6, Tokens: 9e6, Held: 200e3}, truth: Text{Floor: 1.2 * l.Floor, Scale: 1.2},
		flops: 3e11, slow: 1,
	}
}

func request(hours float64) Request {
	return Request{
		Name: "tales", Data: "texts/\n#", Hours: hours, Machine: "a test", Threads: 2, Memory: 16 << 30,
		Sources: []Source{{Path: "/texts", Language: "en", Guessed: true, Origin: `"us": #1`}},
	}
}

func design(t *testing.T, q Request, w *world) *Design {
	t.Helper()
	d, err := Make(t.Context(), q, w, func(Step) {})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestMake holds a design to a world in which the law is true: the prediction is
// what the recipe would reach there, and no other shape would reach less.
func TestMake(t *testing.T) {
	for _, hours := range []float64{0.1, 1, 10} {
		w := newWorld()
		d := design(t, request(hours), w)
		r, m, err := w.parse(d.Recipe)
		if err != nil {
			t.Fatalf("%g hours: the recipe cannot be read: %v\n%s", hours, err, d.Recipe)
		}
		if d.Choices[0].Measured != true || d.Choices[0].Model.Layers != m.Layers || d.Choices[0].Model.Width != m.Width {
			t.Errorf("%g hours: the recipe's model is not the best choice, or that was not measured:\n%s", hours, d.Recipe)
		}
		reached := Fitted().Bits(w.truth, w.run(m, d.Tokens))
		if e := math.Abs(reached/d.Bits - 1); e > 0.02 || r.Predict == nil || math.Abs(r.Predict.Bits-d.Bits) > 1e-4 {
			t.Errorf("%g hours: %.4f bits per byte are predicted and %.4f reached", hours, d.Bits, reached)
		}
		for _, c := range d.Choices[1:] {
			if other := Fitted().Bits(w.truth, w.run(c.Model, c.Tokens)); other < 0.99*reached {
				t.Errorf("%g hours: %d layers of %d would reach %.4f, and %.4f was chosen", hours, c.Model.Layers, c.Model.Width, other, reached)
			}
		}
		if used := d.Hours; used > hours || used < 0.5*hours {
			t.Errorf("%g hours: %.3f of them are for training", hours, used)
		}
		if !strings.Contains(d.Recipe, "LicenseRef-unknown # nobody has said") {
			t.Errorf("the recipe does not say that nobody has told a licence:\n%s", d.Recipe)
		}
	}
}

// TestSteps holds what is told of a design to what is done, and the recipe that
// it begins with to the first that the bench is given.
func TestSteps(t *testing.T) {
	w, q := newWorld(), request(1)
	var told []string
	if _, err := Make(t.Context(), q, w, func(s Step) { told = append(told, s.String()) }); err != nil {
		t.Fatal(err)
	}
	want := []string{"reading the texts", "trying a model of 2 layers with 500k tokens", "trying a model of 2 layers with ", "measuring a model of "}
	if len(told) < len(want) {
		t.Fatalf("it told %q", told)
	}
	for i := range want {
		if !strings.HasPrefix(told[i], want[i]) {
			t.Errorf("step %d is %q, want %q", i, told[i], want[i])
		}
	}
	if q.First() != w.recipes[0] {
		t.Errorf("it begins with\n%s\nand not with\n%s", w.recipes[0], q.First())
	}
}

// TestLarger finds that more time asks for a larger model.
func TestLarger(t *testing.T) {
	var weights []int64
	for _, hours := range []float64{0.05, 1, 30} {
		w := newWorld()
		w.texts.Bytes, w.texts.Tokens = 30e9, 9e9
		weights = append(weights, design(t, request(hours), w).Choices[0].Layers)
	}
	if !slices.IsSorted(weights) || weights[0] == weights[2] {
		t.Errorf("weights for more and more time: %v", weights)
	}
}

// TestMeasured finds that a model that is slower than concluded is not chosen
// without a look at what comes next.
func TestMeasured(t *testing.T) {
	w := newWorld()
	w.slow = 0.05
	w.texts.Bytes, w.texts.Tokens = 30e9, 9e9
	d := design(t, request(100), w)
	if w.speeds < 2 || d.Choices[0].Model.Width > 256 {
		t.Errorf("after %d measurements a model of width %d was chosen", w.speeds, d.Choices[0].Model.Width)
	}
}

// TestLittleText finds that little text gets neither a large model nor all of a
// long time.
func TestLittleText(t *testing.T) {
	w := newWorld()
	w.texts = Texts{Collected: 520e3, Bytes: 500e3, Tokens: 170e3, Held: 4e3}
	d := design(t, request(5), w)
	if c := d.Choices[0]; d.Tokens > mostEpochs*w.texts.Tokens || c.Layers > 20e6 || !strings.Contains(d.Recipe, "soon harms") {
		t.Errorf("%d tokens of %d for %d weights:\n%s", d.Tokens, w.texts.Tokens, c.Layers, d.Recipe)
	}
	for _, k := range d.Trials {
		if k.Seen > mostEpochs*k.Unique*1.001 {
			t.Errorf("a trial saw %.0f bytes of %.0f", k.Seen, k.Unique)
		}
	}
	if first, second := d.Trials[0], d.Trials[1]; second.Seen < (leastGrowth-0.01)*first.Seen {
		t.Errorf("trials of %.0f and %.0f bytes are too close to place a text by", first.Seen, second.Seen)
	}
	w.texts.Bytes = 50e3
	if _, err := Make(t.Context(), request(5), w, func(Step) {}); !errors.Is(err, errNothing) {
		t.Errorf("50 kB of text: %v", err)
	}
	w.failure = fmt.Errorf("tokenizer: %w", tokenizer.ErrTooLittle)
	if _, err := Make(t.Context(), request(5), w, func(Step) {}); !errors.Is(err, errNothing) {
		t.Errorf("text too little for any vocabulary: %v", err)
	}
}

// TestDialogues finds that dialogues are tuned on.
func TestDialogues(t *testing.T) {
	w := newWorld()
	w.texts.DialogueTokens = 4e6
	d := design(t, request(1), w)
	r, _, err := w.parse(d.Recipe)
	if err != nil || r.Tune == nil || r.Tune.Epochs <= 0 || r.Tune.Epochs > 1 {
		t.Errorf("tuning is %+v, %v:\n%s", r.Tune, err, d.Recipe)
	}
}

// TestEnergy finds that a budget of energy is turned into time by the trials'
// power: 0.1 kWh at 100 W is an hour.
func TestEnergy(t *testing.T) {
	q := request(0)
	q.KWh = 0.1
	if d := design(t, q, newWorld()); d.Hours > 1 || d.Hours < 0.9 {
		t.Errorf("%g hours", d.Hours)
	}
}

func TestFailure(t *testing.T) {
	w := newWorld()
	w.failure = errors.New("no disk")
	if _, err := Make(t.Context(), request(1), w, func(Step) {}); err == nil || err.Error() != "read the texts: no disk" {
		t.Errorf("error: %v", err)
	}
}
