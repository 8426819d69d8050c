package quant

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"samovar"
	"samovar/compute/kernel"
	"samovar/model"
)

// ModelFile is the file of a model.
const ModelFile = "model.gguf"

// Quantize is the stage that stores a model (input "model") in another format.
// What is lost is measured on the input "shards" where there is one.
type Quantize struct {
	Format model.FileType

	// Measure returns the bits per byte of the model at path on the text held
	// out in shards. Nil: the loss is not measured.
	Measure func(ctx context.Context, path string, shards samovar.Input) (float64, error)
}

// Name returns "quantize".
func (*Quantize) Name() string { return "quantize" }

// Version is raised when the same model gives other bytes.
func (*Quantize) Version() int { return 1 }

// Config returns the format.
func (s *Quantize) Config() any {
	return struct {
		Format string `json:"format"`
	}{s.Format.String()}
}

// Run writes model.gguf. Its metrics, where the loss is measured, are
// "bits_per_byte_before", "bits_per_byte" and "bits_per_byte_lost".
func (s *Quantize) Run(ctx context.Context, work samovar.Work) (out samovar.Output, err error) {
	if !s.Format.Known() {
		return out, fmt.Errorf("quantize: %v is not a format of weights", s.Format)
	}
	from, err := work.Inputs["model"].Path(ModelFile)
	if err != nil {
		return out, err
	}
	to := filepath.Join(work.Dir, ModelFile)
	if err := s.write(ctx, from, to, work.Recorder); err != nil {
		return out, fmt.Errorf("quantize the model %s: %w", work.Inputs["model"].Digest.Short(), err)
	}
	if err := s.measure(ctx, from, to, work); err != nil {
		return out, fmt.Errorf("measure what quantising costs: %w", err)
	}
	f, err := model.Open(to)
	if err != nil {
		return out, err
	}
	defer f.Close()
	work.Recorder.Metric("bits_per_weight", bitsPerWeight(f))
	return samovar.Output{
		Kind:   samovar.KindModel,
		Files:  []samovar.OutputFile{{Name: ModelFile, Path: to, MediaType: model.MediaType}},
		Config: f.Summary(),
	}, nil
}

func (s *Quantize) write(ctx context.Context, from, to string, rec samovar.Recorder) error {
	f, err := model.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	if text := mixture(f.Config, s.Format); text != "" {
		rec.Event(samovar.Event{Text: text})
	}
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	err = Write(ctx, w, f, s.Format, func(done, of int64) {
		rec.Event(samovar.Event{Step: done, Of: of, Unit: "bytes"})
	})
	if err == nil {
		err = errors.Join(w.Flush(), file.Sync())
	}
	return errors.Join(err, file.Close())
}

// mixture counts the matrices of each format where there are several.
func mixture(c model.Config, want model.FileType) string {
	count := map[kernel.Format]int{}
	for _, t := range c.Tensors() {
		if !t.Vector() && !t.Router {
			count[c.Format(t, want)]++
		}
	}
	var parts []string
	for _, f := range kernel.Formats() {
		if n := count[f]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d in %v", n, f))
		}
	}
	if len(parts) < 2 {
		return ""
	}
	return fmt.Sprintf("%v: of the matrices %s", want, strings.Join(parts, ", "))
}

// measure evaluates the model before and after.
func (s *Quantize) measure(ctx context.Context, from, to string, work samovar.Work) error {
	shards, ok := work.Inputs["shards"]
	if !ok || s.Measure == nil {
		return nil
	}
	before, err := s.Measure(ctx, from, shards)
	if err != nil {
		return err
	}
	after, err := s.Measure(ctx, to, shards)
	if err != nil {
		return err
	}
	work.Recorder.Metric("bits_per_byte_before", before)
	work.Recorder.Metric("bits_per_byte", after)
	work.Recorder.Metric("bits_per_byte_lost", after-before)
	work.Recorder.Event(samovar.Event{Text: fmt.Sprintf("%v: %.4f bits per byte, %+.4f from before", s.Format, after, after-before)})
	return nil
}

// bitsPerWeight is what the tensors take in all, vectors and scales included.
func bitsPerWeight(f *model.File) float64 {
	var bytes int64
	for _, t := range f.Tensors {
		bytes += t.Size
	}
	all, _ := f.Config.Parameters()
	return 8 * float64(bytes) / float64(all)
}
