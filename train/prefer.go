package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/model"
)

// Preference says how a model learns from pairs of answers. Zero means the
// default.
type Preference struct {
	Epochs float64 `json:"epochs"`
	Beta   float64 `json:"beta"`  // how dearly the model pays for leaving its reference; default 0.1
	Batch  int     `json:"batch"` // pairs a step; default 32
}

// preferenceWarmup is the share of the steps in which the rate rises: Adam's
// moments know nothing at first, and the model is nearly right.
const preferenceWarmup = 0.1

// resolve fills in the defaults.
func (p Preference) resolve() (Preference, error) {
	if p.Beta == 0 {
		p.Beta = 0.1
	}
	if p.Batch == 0 {
		p.Batch = 32
	}
	if !(p.Epochs > 0 && p.Epochs <= 100) || !(p.Beta > 0 && p.Beta <= 100) || p.Batch < 1 || p.Batch > 1<<16 {
		return p, fmt.Errorf("prefer: epochs %g, beta %g or batch %d is out of range: above 0, and at most 100, 100 and %d are expected", p.Epochs, p.Beta, p.Batch, 1<<16)
	}
	return p, nil
}

// Prefer is the stage that tunes a model (input "model") on preferences (input
// "shards"; "tokenizer" is written into the file). The model is also the
// reference that it is held to: direct preference optimisation, arXiv:2305.18290.
type Prefer struct {
	Device     compute.Device
	Model      model.Config
	Tuning     Config // of its Batch nothing is read
	Preference Preference
	Template   string // chat template to store with the model
	Open       func(shards samovar.Input, window int) (OpenPairs, error)
	Save       time.Duration // as Train's
}

// OpenPairs is the preferences to learn from, and those held out.
type OpenPairs struct {
	Train, Held Pairs // Held may be nil
	Long        int64 // pairs left out because they do not fit into the window
	Close       func() error
}

// Name returns "prefer".
func (*Prefer) Name() string { return "prefer" }

// Version is raised when the same inputs give other weights.
func (*Prefer) Version() int { return 1 }

// Numerics is that of the device.
func (s *Prefer) Numerics() string { return s.Device.Numerics() }

// Config returns what beside the inputs decides the weights.
func (s *Prefer) Config() any {
	return struct {
		Model      model.Config `json:"model"`
		Tuning     Config       `json:"tuning"`
		Preference Preference   `json:"preference"`
		Template   string       `json:"template,omitempty"`
	}{s.Model, s.Tuning, s.Preference, s.Template}
}

// Run tunes, going on from a checkpoint in work.Dir, and writes model.gguf.
func (s *Prefer) Run(ctx context.Context, work samovar.Work) (out samovar.Output, err error) {
	p := &preferring{session: newSession(work, s.Model, s.Save), Prefer: s}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.open(ctx); err != nil {
		return out, err
	}
	if err := p.loop(ctx, p.step, func() error { return p.after(ctx) }); err != nil {
		return out, err
	}
	if _, err := p.validate(ctx, math.MaxInt64); err != nil {
		return out, err
	}
	return p.write(s.Template)
}

// preferring is one training on preferences.
type preferring struct {
	*session
	*Prefer
	preference Preference
	data       OpenPairs
	reference  [2][]logs // of the pairs to learn from, and of those held out
}

// open prepares everything up to the first step. The reference comes before
// any checkpoint: it is the model as it was.
func (p *preferring) open(ctx context.Context) (err error) {
	if _, ok := p.work.Inputs["model"]; !ok {
		return errors.New("there is no model to tune")
	}
	if p.preference, err = p.Preference.resolve(); err != nil {
		return err
	}
	c := p.Tuning
	c.Optimiser = AdamW
	if c.Warmup == 0 {
		c.Warmup = preferenceWarmup
	}
	c, err = c.Resolve(p.Model.Width, p.Model.Window)
	if err != nil {
		return err
	}
	c.Micro = max(c.Micro, 2*p.Model.Window)
	if p.data, err = p.Open(p.work.Inputs["shards"], p.Model.Window); err != nil {
		return err
	}
	p.closers = append(p.closers, p.data.Close)
	if p.data.Long > 0 {
		text := fmt.Sprintf("left out %d pairs that do not fit into a window of %d tokens", p.data.Long, p.Model.Window)
		p.work.Recorder.Event(samovar.Event{Text: text})
	}
	p.steps = max(1, int64(math.Ceil(p.preference.Epochs*float64(p.data.Train.PerEpoch())/float64(p.preference.Batch))))
	if err := p.begin(p.Device, c); err != nil {
		return err
	}
	if err := p.refer(ctx); err != nil {
		return err
	}
	return p.resume()
}

// referenceFile holds the reference's log-probabilities: for each pair, of
// those to learn from and then of those held out, two float64, little-endian,
// of the answer chosen and of the one rejected; then the SHA-256 of all.
const referenceFile = "reference.bin"

// refer reads the log-probabilities of the reference, or computes them with
// the weights that are there now.
func (p *preferring) refer(ctx context.Context) error {
	sets := [2]Pairs{p.data.Train, p.data.Held}
	path := filepath.Join(p.work.Dir, referenceFile)
	if text, err := os.ReadFile(path); err == nil && p.readReference(text, sets) {
		return nil
	}
	var of, done int64
	for _, set := range sets {
		if set != nil {
			of += set.Len()
		}
	}
	sum := sha256.New()
	err := replace(path, func(w io.Writer) error {
		for i, set := range sets {
			if set == nil {
				continue
			}
			all, err := p.scores(ctx, set, set.Len(), func(n int) {
				done += int64(n)
				p.work.Recorder.Event(samovar.Event{Step: done, Of: of, Unit: "pairs of the reference"})
			})
			if err != nil {
				return err
			}
			p.reference[i] = all
			if err := binary.Write(io.MultiWriter(w, sum), binary.LittleEndian, all); err != nil {
				return err
			}
		}
		_, err := w.Write(sum.Sum(nil))
		return err
	})
	if err != nil {
		return fmt.Errorf("compute the reference's log-probabilities: %w", err)
	}
	return nil
}

// readReference reports whether text is the whole reference of these sets.
func (p *preferring) readReference(text []byte, sets [2]Pairs) bool {
	n := len(text) - sha256.Size
	if n < 0 {
		return false
	}
	sum := sha256.Sum256(text[:n])
	if !bytes.Equal(sum[:], text[n:]) {
		return false
	}
	r := bytes.NewReader(text[:n])
	for i, set := range sets {
		if set == nil {
			continue
		}
		p.reference[i] = make([]logs, set.Len())
		if binary.Read(r, binary.LittleEndian, p.reference[i]) != nil {
			return false
		}
	}
	return r.Len() == 0
}

// referenceBatch is how many pairs are read at a time to be scored.
const referenceBatch = 256

// scores returns the log-probabilities of the first count pairs of a set under
// the weights as they are. done is told of every batch.
func (p *preferring) scores(ctx context.Context, set Pairs, count int64, done func(n int)) (all []logs, err error) {
	for from := int64(0); from < count; from += referenceBatch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var pairs []Pair
		for i := from; i < min(from+referenceBatch, count); i++ {
			pairs = append(pairs, set.Pair(i))
		}
		err := groups(pairs, p.trainer.rows, func(first, last int) (err error) {
			all, err = score(p.scorer, batchOf(pairs[first:last]), all)
			return err
		})
		if err != nil {
			return nil, err
		}
		done(len(pairs))
	}
	return all, nil
}

// step takes a step on the next pairs.
func (p *preferring) step(n int64) (loss float64, tokens int, err error) {
	var pairs []Pair
	var reference []logs
	batch := int64(p.preference.Batch)
	for i := n * batch; i < (n+1)*batch; i++ {
		at := p.data.Train.At(i)
		pairs = append(pairs, p.data.Train.Pair(at))
		reference = append(reference, p.reference[0][at])
		tokens += pairs[len(pairs)-1].size()
	}
	f, err := p.trainer.StepPairs(p.scorer, pairs, reference, p.preference.Beta, p.steps)
	p.metrics("", f)
	return f.loss, tokens, err
}

// metrics keeps figures under their names.
func (p *preferring) metrics(prefix string, f figures) {
	if f.pairs == 0 || math.IsNaN(f.loss) || math.IsInf(f.loss, 0) {
		return
	}
	for name, v := range map[string]float64{
		"reward_margin": f.margin, "reward_accuracy": f.accuracy, "reward_chosen": f.chosen, "reward_rejected": f.rejects,
	} {
		p.work.Recorder.Metric(prefix+name, v)
	}
}

// lookedAt is how many held-out pairs are looked at while training.
const lookedAt = 256

// after validates now and then.
func (p *preferring) after(ctx context.Context) error {
	if !p.due() || p.data.Held == nil {
		return nil
	}
	f, err := p.validate(ctx, lookedAt)
	if err != nil {
		return err
	}
	p.tell(samovar.Event{Text: fmt.Sprintf("validation: loss %.4f, reward margin %.3f, the chosen answer preferred in %.1f %% of %d pairs",
		f.loss, f.margin, 100*f.accuracy, f.pairs)})
	return nil
}

// validate judges held-out pairs, at most so many.
func (p *preferring) validate(ctx context.Context, most int64) (f figures, err error) {
	if p.data.Held == nil {
		return f, nil
	}
	policy, err := p.scores(ctx, p.data.Held, min(most, p.data.Held.Len()), func(int) {})
	if err != nil {
		return f, fmt.Errorf("validate: %w", err)
	}
	for i, x := range policy {
		f.add(prefer(p.preference.Beta, x, p.reference[1][i]))
	}
	f = f.mean()
	p.metrics("validation_", f)
	p.work.Recorder.Metric("validation_loss", f.loss)
	p.work.Recorder.Metric("validation_pairs", float64(f.pairs))
	return f, nil
}
