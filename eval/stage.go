package eval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/model"
)

// The files that the stage reads and writes.
const (
	ModelFile      = "model.gguf"
	EvaluationFile = "evaluation.json"
)

// RowTokens is the length of the rows that the stage asks for: long enough that
// few documents are cut.
const RowTokens = 1 << 16

// Open opens the text held out in shards, source by source, in rows of so many
// tokens that hold a document whole where it fits: a function of the shards
// alone.
type Open func(shards samovar.Input, window int) ([]Held, error)

// Evaluate is the stage that measures a model (input "model") on all text held
// out in the input "shards".
type Evaluate struct {
	Device compute.Device
	Open   Open
}

// Evaluation is the content of evaluation.json.
type Evaluation struct {
	Model  samovar.Digest `json:"model"`
	Shards samovar.Digest `json:"shards"`
	Result
}

// Name returns "evaluate".
func (*Evaluate) Name() string { return "evaluate" }

// Version is raised when the same model and text give other figures.
func (*Evaluate) Version() int { return 1 }

// Numerics is that of the device.
func (s *Evaluate) Numerics() string { return s.Device.Numerics() }

// Config is empty: what is measured follows from the inputs.
func (*Evaluate) Config() any { return struct{}{} }

// Run writes evaluation.json. Its metrics are those of [Result.Metrics] and
// "tokens_per_second".
func (s *Evaluate) Run(ctx context.Context, work samovar.Work) (out samovar.Output, err error) {
	path, err := work.Inputs["model"].Path(ModelFile)
	if err != nil {
		return out, err
	}
	f, err := model.Open(path)
	if err != nil {
		return out, err
	}
	defer f.Close()
	held, err := s.Open(work.Inputs["shards"], RowTokens)
	if err != nil {
		return out, fmt.Errorf("open the held-out text: %w", err)
	}
	defer func() {
		for _, h := range held {
			if h.Close != nil {
				err = errors.Join(err, h.Close())
			}
		}
	}()
	began := time.Now()
	r, err := Measure(ctx, s.Device, f, held, func(done, of int64) {
		rate := float64(done) / time.Since(began).Seconds()
		work.Recorder.Event(samovar.Event{Step: done, Of: of, Unit: "tokens", TokensPerSecond: rate})
		work.Recorder.Metric("tokens_per_second", rate)
	})
	if err != nil {
		return out, err
	}
	for name, value := range r.Metrics() {
		work.Recorder.Metric(name, value)
	}
	work.Recorder.Event(samovar.Event{Text: fmt.Sprintf("%s bits per byte on %d bytes held out", measured(4, r.BitsPerByte, r.StandardError, int(r.Documents)), r.Bytes)})
	e := Evaluation{work.Inputs["model"].Digest, work.Inputs["shards"].Digest, r}
	return writeEvaluation(work.Dir, e)
}

// writeEvaluation writes figures, which describe the artifact as well.
func writeEvaluation(dir string, e any) (samovar.Output, error) {
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return samovar.Output{}, fmt.Errorf("write the evaluation: %w", err)
	}
	path := filepath.Join(dir, EvaluationFile)
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return samovar.Output{}, fmt.Errorf("write the evaluation: %w", err)
	}
	return samovar.Output{
		Kind:   samovar.KindEvaluation,
		Files:  []samovar.OutputFile{{Name: EvaluationFile, Path: path, MediaType: "application/json"}},
		Config: e,
	}, nil
}
