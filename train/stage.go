package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/model"
	"samovar/model/gguf"
	"samovar/tokenizer"
)

// Train is the stage that trains a model (inputs "shards", "tokenizer", "plan",
// and "model" where it goes on from weights that exist). As tuning it learns
// from dialogues, whose rows give no target but in the assistant's turns.
type Train struct {
	Device compute.Device
	Model  model.Config
	Stage  string // "train" or "tune"
	Open   Open
	Held   func(shards samovar.Input, window int, tokens int64) (Held, error) // validation rows

	// Tuning has no plan: Tuning and Epochs say how.
	Tuning   Config
	Epochs   float64
	Template string // chat template to store with the model

	Sample func(weights map[string]compute.Buffer) (string, error) // text that the model writes now; nil: none
	Save   time.Duration                                           // so much work is lost at most when the run is killed; default 30 s
}

// Held is text held out for validation.
type Held struct {
	Data  Data
	Steps int64
	Bytes int64 // of the text in these steps
	Close func() error
}

// Counted is implemented by Data that knows how many steps its epochs make.
type Counted interface{ Steps(epochs int64) int64 }

// Name returns "train" or "tune".
func (s *Train) Name() string { return s.Stage }

// Version is raised when the same inputs give other weights.
func (*Train) Version() int { return 2 }

// Numerics is that of the device.
func (s *Train) Numerics() string { return s.Device.Numerics() }

// Config returns what beside the inputs decides the weights.
func (s *Train) Config() any {
	c := struct {
		Model    model.Config `json:"model"`
		Tuning   *Config      `json:"tuning,omitempty"`
		Epochs   float64      `json:"epochs,omitempty"`
		Template string       `json:"template,omitempty"`
	}{Model: s.Model, Epochs: s.Epochs, Template: s.Template}
	if s.Epochs > 0 {
		c.Tuning = &s.Tuning
	}
	return c
}

// run is one training in progress.
type run struct {
	*Train
	work    samovar.Work
	trainer *Trainer
	data    Data
	held    Held
	scorer  *model.Scorer
	steps   int64
	saved   time.Time
	began   time.Time
	first   int64 // step that this attempt began with
}

// ModelFile is the file of a model.
const ModelFile = "model.gguf"

// Run trains, going on from a checkpoint in work.Dir, and writes model.gguf.
func (s *Train) Run(ctx context.Context, work samovar.Work) (out samovar.Output, err error) {
	r := &run{Train: s, work: work, saved: time.Now(), began: time.Now()}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(); err != nil {
		return out, err
	}
	if err := r.loop(ctx); err != nil {
		return out, err
	}
	if _, err := r.validate(); err != nil {
		return out, err
	}
	return r.write()
}

// open prepares everything up to the first step.
func (r *run) open() error {
	d, err := r.decide()
	if err != nil {
		return err
	}
	r.steps = d.Steps
	var closeData func() error
	if r.data, closeData, err = r.Open.rows(r.work.Inputs["shards"], d.Config, r.Model.Window, d.Steps); err != nil {
		return err
	}
	if r.Epochs > 0 {
		n, ok := r.data.(Counted)
		if !ok {
			return errors.New("the data do not say how many steps an epoch has")
		}
		r.steps = max(1, int64(r.Epochs*float64(n.Steps(1))))
	}
	if r.held, err = r.Held(r.work.Inputs["shards"], r.Model.Window, int64(d.Config.Validate)); err != nil {
		return errors.Join(err, closeData())
	}
	before := r.held.Close
	r.held.Close = func() error { return errors.Join(closeData(), before()) }
	if r.trainer, err = NewTrainer(r.Device, r.Model, d.Config); err != nil {
		return err
	}
	resumed, damaged, err := r.trainer.Resume(r.work.Dir)
	for _, e := range damaged {
		r.work.Recorder.Event(samovar.Event{Text: e.Error() + "; going on from an earlier state"})
	}
	if err == nil && !resumed {
		err = r.from()
	}
	if err != nil {
		return err
	}
	r.first = r.trainer.State.Step
	weights, err := r.trainer.Buffers()
	if err != nil {
		return err
	}
	r.scorer, err = model.NewScorer(r.Device, r.Model, weights, max(1, d.Config.Micro/r.Model.Window)*r.Model.Window)
	return err
}

// decide returns the plan, or for tuning what takes its place.
func (r *run) decide() (Decision, error) {
	if r.Epochs > 0 {
		c, err := r.Tuning.Resolve(r.Model.Width, r.Model.Window, 0)
		return Decision{Config: c}, err
	}
	return ReadPlan(r.work.Inputs["plan"])
}

// from replaces the first weights by those of a model where there is one. The
// gradients' moments start at zero all the same.
func (r *run) from() error {
	in, ok := r.work.Inputs["model"]
	if !ok {
		return nil
	}
	path, err := in.Path(ModelFile)
	if err != nil {
		return err
	}
	f, err := model.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if have, want := len(f.Config.Tensors()), len(r.Model.Tensors()); have != want {
		return fmt.Errorf("the model to go on from has %d tensors and this one %d", have, want)
	}
	return r.trainer.SetWeights(func(t model.Tensor) ([]float32, error) { return f.Read(t.Name) })
}

const (
	saveEvery   = 30 * time.Second // default of Train.Save
	validations = 10               // while training
)

// loop takes the steps that are left.
func (r *run) loop(ctx context.Context) error {
	every, save := max(1, r.steps/validations), r.Save
	if save == 0 {
		save = saveEvery
	}
	for t := r.trainer; t.State.Step < r.steps; {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, t.Save(r.work.Dir))
		}
		rows := r.data.Batch(t.State.Step)
		loss, err := t.Step(rows, r.steps)
		if err != nil {
			return err
		}
		r.report(loss, len(rows.Tokens))
		if t.State.Step%every == 0 && t.State.Step < r.steps {
			if err := r.look(); err != nil {
				return err
			}
		}
		if time.Since(r.saved) > save {
			if err := t.Save(r.work.Dir); err != nil {
				return err
			}
			r.saved = time.Now()
		}
	}
	return nil
}

func (r *run) report(loss float64, tokens int) {
	done, taken := r.trainer.State.Step, r.trainer.State.Step-r.first
	rate := float64(taken) * float64(tokens) / time.Since(r.began).Seconds()
	r.work.Recorder.Event(samovar.Event{
		Step: done, Of: r.steps, Unit: "steps", Loss: loss, TokensPerSecond: rate,
		ETASeconds: float64(r.steps-done) * float64(tokens) / rate,
	})
	r.work.Recorder.Metric("tokens_per_second", rate)
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		r.work.Recorder.Metric("loss", loss)
	}
}

// look validates and shows what the model writes now.
func (r *run) look() error {
	bits, err := r.validate()
	if err != nil {
		return err
	}
	text := fmt.Sprintf("validation: %.4f bits per byte", bits)
	if r.Sample != nil {
		weights, err := r.trainer.Buffers()
		if err != nil {
			return err
		}
		sample, err := r.Sample(weights)
		if err != nil {
			return fmt.Errorf("sample: %w", err)
		}
		text += fmt.Sprintf("; it writes: %q", sample)
	}
	r.work.Recorder.Event(samovar.Event{Step: r.trainer.State.Step, Of: r.steps, Unit: "steps", Text: text})
	return nil
}

// validate returns the bits per byte of the validation rows.
func (r *run) validate() (float64, error) {
	if r.held.Bytes == 0 {
		return 0, nil
	}
	var nats float64
	for i := range r.held.Steps {
		rows := r.held.Data.Batch(i)
		each := max(1, r.trainer.rows/rows.Window)
		for from := 0; from < len(rows.Starts); from += each {
			losses, err := r.scorer.Losses(rows.batch(from, min(from+each, len(rows.Starts))))
			if err != nil {
				return 0, fmt.Errorf("validate: %w", err)
			}
			for _, x := range losses {
				nats += float64(x)
			}
		}
	}
	bits := model.BitsPerByte(nats, r.held.Bytes)
	r.work.Recorder.Metric("validation_bits_per_byte", bits)
	return bits, nil
}

// write writes model.gguf.
func (r *run) write() (samovar.Output, error) {
	extra, err := Keys(r.work.Inputs["tokenizer"], r.Template)
	if err != nil {
		return samovar.Output{}, err
	}
	path := filepath.Join(r.work.Dir, ModelFile)
	err = replace(path, func(w io.Writer) error {
		return model.Write(w, r.Model, extra, kernel.F32, r.trainer.Weight)
	})
	if err != nil {
		return samovar.Output{}, fmt.Errorf("write the model: %w", err)
	}
	f, err := model.Open(path)
	if err != nil {
		return samovar.Output{}, err
	}
	defer f.Close()
	return samovar.Output{
		Kind:   samovar.KindModel,
		Files:  []samovar.OutputFile{{Name: ModelFile, Path: path, MediaType: model.MediaType}},
		Config: f.Summary(),
	}, nil
}

// Keys returns the metadata that a tokenizer and a chat template add to a
// model's file, sorted.
func Keys(in samovar.Input, template string) ([]gguf.KV, error) {
	path, err := in.Path("tokenizer.json")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokenizer: %w", err)
	}
	t, err := tokenizer.FromJSON(text, nil)
	if err != nil {
		return nil, fmt.Errorf("read the tokenizer: %w", err)
	}
	var keys []gguf.KV
	for k, v := range t.Metadata() {
		keys = append(keys, gguf.KV{Key: k, Value: v})
	}
	if template != "" {
		keys = append(keys, gguf.KV{Key: "tokenizer.chat_template", Value: template})
	}
	slices.SortFunc(keys, func(a, b gguf.KV) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	return keys, nil
}

func (r *run) close() error {
	if r.scorer != nil {
		r.scorer.Free()
	}
	if r.trainer != nil {
		r.trainer.Close()
	}
	if r.held.Close != nil {
		return r.held.Close()
	}
	return nil
}
