package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/model"
	"samovar/model/gguf"
	"samovar/tokenizer"
)

// session is one training in progress, of whatever stage.
type session struct {
	work    samovar.Work
	model   model.Config
	trainer *Trainer
	scorer  *model.Scorer // of the trainer's weights as they are
	steps   int64
	save    time.Duration // most work that a kill loses

	saved, began time.Time
	first        int64 // step that this attempt began with
	tokens       int64 // of this attempt's steps
	closers      []func() error
}

const saveEvery = 30 * time.Second // default of a stage's Save

// ModelFile is the file of a model.
const ModelFile = "model.gguf"

func newSession(work samovar.Work, m model.Config, save time.Duration) *session {
	if save == 0 {
		save = saveEvery
	}
	return &session{work: work, model: m, save: save}
}

// begin makes the trainer and gives it the weights of the input "model" where
// there is one. The gradients' moments start at zero all the same.
func (s *session) begin(dev compute.Device, c Config) (err error) {
	if s.trainer, err = NewTrainer(dev, s.model, c); err != nil {
		return err
	}
	if err := s.from(); err != nil {
		return err
	}
	weights, err := s.trainer.Buffers()
	if err != nil {
		return err
	}
	s.scorer, err = model.NewScorer(dev, s.model, weights, s.trainer.rows)
	return err
}

// from replaces the first weights.
func (s *session) from() error {
	in, ok := s.work.Inputs["model"]
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
	if err := f.Config.Continues(s.model); err != nil {
		return fmt.Errorf("go on from %s: %w", in.Digest.Short(), err)
	}
	if q := f.Quantization(); q != gguf.TypeName(gguf.F32) {
		s.work.Recorder.Event(samovar.Event{Text: "goes on from weights in " + q + ", turned into F32: what was rounded stays rounded"})
	}
	return s.trainer.SetWeights(func(t model.Tensor) ([]float32, error) { return f.Read(t.Name) })
}

// resume goes on from a checkpoint where there is one.
func (s *session) resume() error {
	_, damaged, err := s.trainer.Resume(s.work.Dir)
	for _, e := range damaged {
		s.work.Recorder.Event(samovar.Event{Text: e.Error() + "; going on from an earlier state"})
	}
	if err == nil && s.trainer.State.Step == 0 && len(damaged) > 0 {
		err = s.from()
	}
	s.first, s.began, s.saved = s.trainer.State.Step, time.Now(), time.Now()
	return err
}

// loop takes the steps that are left; after is called after each.
func (s *session) loop(ctx context.Context, step func(n int64) (loss float64, tokens int, err error), after func() error) error {
	for t := s.trainer; t.State.Step < s.steps; {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, t.Save(s.work.Dir))
		}
		loss, tokens, err := step(t.State.Step)
		if err != nil {
			return err
		}
		s.report(loss, tokens)
		if err := after(); err != nil {
			return err
		}
		if time.Since(s.saved) > s.save {
			if err := t.Save(s.work.Dir); err != nil {
				return err
			}
			s.saved = time.Now()
		}
	}
	return nil
}

func (s *session) report(loss float64, tokens int) {
	s.tokens += int64(tokens)
	done, taken, seconds := s.trainer.State.Step, s.trainer.State.Step-s.first, time.Since(s.began).Seconds()
	rate := float64(s.tokens) / seconds
	s.work.Recorder.Event(samovar.Event{
		Step: done, Of: s.steps, Unit: "steps", Tokens: s.read(), Loss: loss, TokensPerSecond: rate,
		ETASeconds: float64(s.steps-done) * seconds / float64(taken),
	})
	s.work.Recorder.Metric("tokens_per_second", rate)
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		s.work.Recorder.Metric("loss", loss)
	}
}

const validations = 10 // while training

// due says whether the weights are to be looked at after this step.
func (s *session) due() bool {
	step := s.trainer.State.Step
	return step < s.steps && step%max(1, s.steps/validations) == 0
}

// read is how many tokens have been learnt from in all attempts, earlier ones by
// the tokens that a step of this one has; 0: none has been taken.
func (s *session) read() int64 {
	done := s.trainer.State.Step
	if done == s.first {
		return 0
	}
	return s.tokens * done / (done - s.first)
}

// tell shows what was found out after a step.
func (s *session) tell(e samovar.Event) {
	e.Step, e.Of, e.Unit, e.Tokens = s.trainer.State.Step, s.steps, "steps", s.read()
	s.work.Recorder.Event(e)
}

// write writes model.gguf.
func (s *session) write(template string) (samovar.Output, error) {
	path := filepath.Join(s.work.Dir, ModelFile)
	if err := s.writeTo(path, template); err != nil {
		return samovar.Output{}, err
	}
	return output(path, 0)
}

// writeTo writes the weights as they are.
func (s *session) writeTo(path, template string) error {
	extra, err := Keys(s.work.Inputs["tokenizer"], template)
	if err != nil {
		return err
	}
	err = replace(path, func(w io.Writer) error {
		return model.Write(w, s.model, extra, model.F32, s.trainer.Weight)
	})
	if err != nil {
		return fmt.Errorf("write the model: %w", err)
	}
	return nil
}

// output describes a model's file as an artifact; step is that of a checkpoint
// that is kept, or 0.
func output(path string, step int64) (samovar.Output, error) {
	f, err := model.Open(path)
	if err != nil {
		return samovar.Output{}, err
	}
	defer f.Close()
	summary := f.Summary()
	summary.Step = step
	return samovar.Output{
		Kind:   samovar.KindModel,
		Files:  []samovar.OutputFile{{Name: ModelFile, Path: path, MediaType: model.MediaType}},
		Config: summary,
	}, nil
}

func (s *session) close() (err error) {
	if s.scorer != nil {
		s.scorer.Free()
	}
	if s.trainer != nil {
		s.trainer.Close()
	}
	for _, c := range s.closers {
		err = errors.Join(err, c())
	}
	return err
}

// ReadTokenizer reads the tokenizer of an artifact: tokenizer.json, or
// tokenizer.gguf of one that was taken from a model.
func ReadTokenizer(in samovar.Input) (t *tokenizer.Tokenizer, err error) {
	if kept, err := in.Path("tokenizer.gguf"); err == nil {
		f, err := gguf.Open(kept)
		if err != nil {
			return nil, fmt.Errorf("read the tokenizer: %w", err)
		}
		defer f.Close()
		return tokenizer.FromMetadata(f.Value)
	}
	path, err := in.Path("tokenizer.json")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokenizer: %w", err)
	}
	if t, err = tokenizer.FromJSON(text, nil); err != nil {
		return nil, fmt.Errorf("read the tokenizer: %w", err)
	}
	return t, nil
}

// Keys returns the metadata that a tokenizer and a chat template add to a
// model's file, sorted.
func Keys(in samovar.Input, template string) ([]gguf.KV, error) {
	t, err := ReadTokenizer(in)
	if err != nil {
		return nil, err
	}
	all := t.Metadata()
	if template != "" {
		all["tokenizer.chat_template"] = template
	}
	var keys []gguf.KV
	for _, k := range slices.Sorted(maps.Keys(all)) {
		keys = append(keys, gguf.KV{Key: k, Value: all[k]})
	}
	return keys, nil
}
