package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/model"
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
	Replay   float64 // share of a batch's rows that are text: Open mixes them in
	Template string  // chat template to store with the model

	Checkpoints Checkpoints // whose weights are kept beside the model's

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
		Replay   float64      `json:"replay,omitempty"`
		Template string       `json:"template,omitempty"`

		Checkpoints Checkpoints `json:"checkpoints,omitzero"`
	}{Model: s.Model, Epochs: s.Epochs, Replay: s.Replay, Template: s.Template, Checkpoints: s.Checkpoints}
	if s.Epochs > 0 {
		c.Tuning = &s.Tuning
	}
	return c
}

// Run trains, going on from a checkpoint in work.Dir, and writes model.gguf.
func (s *Train) Run(ctx context.Context, work samovar.Work) (out samovar.Output, err error) {
	r := &run{session: newSession(work, s.Model, s.Save), Train: s}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(); err != nil {
		return out, err
	}
	if err := r.loop(ctx, r.step, r.after); err != nil {
		return out, err
	}
	bits, err := r.validate()
	if err != nil {
		return out, err
	}
	r.tell(samovar.Event{BitsPerByte: bits, Text: validation(bits)})
	if out, err = r.write(s.Template); err != nil {
		return out, err
	}
	out.Beside, err = r.kept()
	return out, err
}

// run is one training on rows.
type run struct {
	*session
	*Train
	data Data
	held Held
}

// open prepares everything up to the first step.
func (r *run) open() error {
	d, err := r.decide()
	if err != nil {
		return err
	}
	r.steps = d.Steps
	shards := r.work.Inputs["shards"]
	data, closeData, err := r.Open.rows(shards, d.Config, r.Model.Window, d.Steps)
	if err != nil {
		return err
	}
	r.closers = append(r.closers, closeData)
	if r.Epochs > 0 {
		n, ok := data.(Counted)
		if !ok {
			return errors.New("the data do not say how many steps an epoch has")
		}
		r.steps = max(1, int64(r.Epochs*float64(n.Steps(1))))
	}
	rows := &ahead{data: data, steps: r.steps}
	r.data, r.closers = rows, slices.Insert(r.closers, 0, rows.close)
	if r.held, err = r.Held(shards, r.Model.Window, int64(d.Config.Validate)); err != nil {
		return err
	}
	r.closers = append(r.closers, r.held.Close)
	if err := r.begin(r.Device, d.Config); err != nil {
		return err
	}
	return r.resume()
}

// decide returns the plan, or for tuning what takes its place.
func (r *run) decide() (Decision, error) {
	if r.Epochs > 0 {
		c, err := r.Tuning.Resolve(r.Model.Width, r.Model.Window)
		return Decision{Config: c}, err
	}
	return ReadPlan(r.work.Inputs["plan"])
}

func (r *run) step(n int64) (loss float64, tokens int, err error) {
	rows := r.data.Batch(n)
	loss, err = r.trainer.Step(rows, r.steps)
	return loss, len(rows.Tokens), err
}

// after keeps the weights if they are to be kept, validates now and then, and
// shows what the model writes.
func (r *run) after() error {
	if err := r.keep(); err != nil {
		return err
	}
	if !r.due() {
		return nil
	}
	bits, err := r.validate()
	if err != nil {
		return err
	}
	e := samovar.Event{BitsPerByte: bits, Text: validation(bits)}
	if r.Sample != nil {
		weights, err := r.trainer.Buffers()
		if err != nil {
			return err
		}
		if e.Sample, err = r.Sample(weights); err != nil {
			return fmt.Errorf("sample: %w", err)
		}
		e.Text += fmt.Sprintf("; it writes: %q", e.Sample)
	}
	r.tell(e)
	return nil
}

func validation(bits float64) string { return fmt.Sprintf("validation: %.4f bits per byte", bits) }

// validate returns the bits per byte of the validation rows.
func (r *run) validate() (float64, error) {
	if r.held.Bytes == 0 {
		return 0, nil
	}
	var nats float64
	var b compute.Batch
	for i := range r.held.Steps {
		rows := r.held.Data.Batch(i)
		each := max(1, r.trainer.rows/rows.Window)
		for from := 0; from < len(rows.Starts); from += each {
			rows.fill(&b, from, min(from+each, len(rows.Starts)))
			losses, err := r.scorer.Losses(&b)
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
