package quant_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samovar"
	"samovar/model"
	"samovar/model/gguf"
	"samovar/quant"
)

// small is a model with rows of whole blocks and rows of none (hidden is 48).
func small(architecture string) model.Config {
	c := model.Config{
		Architecture: architecture, Layers: 2, Width: 64, Heads: 4, KVHeads: 2, HeadDim: 16, Hidden: 48,
		Vocabulary: 40, Window: 16, Epsilon: 1e-5, RopeBase: 10000,
	}
	switch architecture {
	case model.Qwen3MoE:
		c.Experts = model.Experts{Count: 4, Used: 2, Hidden: 32, Normalise: true}
	case model.DeepSeek2:
		c.KVHeads, c.HeadDim = 1, 48
		c.Latent = model.Latent{KV: 32, Nope: 32, Rope: 16, Value: 16}
		c.Experts = model.Experts{Count: 4, Used: 2, Hidden: 32, Shared: 1, Dense: 1, Sigmoid: true, Normalise: true, Scale: 2}
	}
	return c
}

var extra = []gguf.KV{{Key: "general.name", Value: "small"}, {Key: "tokenizer.chat_template", Value: "{{ messages }}"}}

func weights(t model.Tensor) ([]float32, error) {
	w := make([]float32, t.Rows*t.Cols)
	t.Initialise(w, 1)
	return w, nil
}

// write writes a small model in a format and opens it.
func write(t *testing.T, c model.Config, format model.FileType) *model.File {
	t.Helper()
	return open(t, func(w io.Writer) error { return model.Write(w, c, extra, format, weights) })
}

func open(t *testing.T, write func(io.Writer) error) *model.File {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), quant.ModelFile)
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := model.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func content(t *testing.T, f *model.File) []byte {
	t.Helper()
	b, err := f.Map()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWrite holds the bytes to those of a model that was written in the format
// at once, from F32 and back to the format it came in.
func TestWrite(t *testing.T) {
	for _, arch := range []string{model.Llama, model.Qwen3MoE, model.DeepSeek2} {
		full := write(t, small(arch), model.F32)
		for _, format := range []model.FileType{model.F32, model.F16, model.BF16, model.Q8_0, model.Q4_0, model.Q4_K_M, model.Q2_K} {
			t.Run(arch+"/"+format.String(), func(t *testing.T) {
				convert := func(f *model.File, to model.FileType) *model.File {
					return open(t, func(w io.Writer) error { return quant.Write(context.Background(), w, f, to, nil) })
				}
				got := convert(full, format)
				if !bytes.Equal(content(t, got), content(t, write(t, small(arch), format))) {
					t.Error("converting gives other bytes than writing")
				}
				if back := convert(got, model.F32); !slices.EqualFunc(back.Meta, full.Meta, func(a, b gguf.KV) bool { return a == b }) {
					t.Errorf("metadata there and back: %v, not %v", back.Meta, full.Meta)
				}
			})
		}
	}
}

// TestKept holds vectors, routers and rows that are no whole number of blocks
// to their bits, and the rest to the error of its format.
func TestKept(t *testing.T) {
	full := write(t, small(model.Qwen3MoE), model.F32)
	for format, bound := range map[model.FileType]float64{model.F16: 0x1p-11, model.BF16: 0x1p-8, model.Q8_0: 1. / 127, model.Q4_0: 1. / 8} {
		f := open(t, func(w io.Writer) error { return quant.Write(context.Background(), w, full, format, nil) })
		for _, x := range full.Config.Tensors() {
			a, errA := full.Read(x.Name)
			b, errB := f.Read(x.Name)
			if err := errors.Join(errA, errB); err != nil {
				t.Fatal(err)
			}
			if x.Vector() || x.Router {
				if !slices.Equal(a, b) {
					t.Errorf("%v changes %s", format, x.Name)
				}
				continue
			}
			var top, worst float64
			for i := range a {
				top, worst = max(top, math.Abs(float64(a[i]))), max(worst, math.Abs(float64(a[i]-b[i])))
			}
			if worst == 0 || worst > bound*top {
				t.Errorf("%v changes %s by %g of %g", format, x.Name, worst, top)
			}
		}
	}
	f := open(t, func(w io.Writer) error {
		return quant.Write(context.Background(), w, write(t, small(model.Llama), model.F32), model.Q4_0, nil)
	})
	if info, err := f.Tensor("blk.0.ffn_down.weight"); err != nil || info.Type != gguf.F32 {
		t.Errorf("rows of 48 are stored as %s", gguf.TypeName(info.Type))
	}
}

// recorder keeps what a stage reports.
type recorder struct {
	events  []samovar.Event
	metrics map[string]float64
}

func (r *recorder) Event(e samovar.Event) { r.events = append(r.events, e) }
func (r *recorder) Metric(name string, v float64) {
	if r.metrics == nil {
		r.metrics = map[string]float64{}
	}
	r.metrics[name] = v
}

func work(t *testing.T, c model.Config) (samovar.Work, *recorder) {
	t.Helper()
	path := filepath.Join(t.TempDir(), quant.ModelFile)
	if err := os.WriteFile(path, content(t, write(t, c, model.F32)), 0o444); err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	return samovar.Work{
		Inputs: map[string]samovar.Input{
			"model":  {Artifact: samovar.Artifact{Digest: samovar.DigestOf([]byte("model")), Kind: samovar.KindModel}, Paths: map[string]string{quant.ModelFile: path}},
			"shards": {},
		},
		Dir: t.TempDir(), Recorder: r,
	}, r
}

func TestStage(t *testing.T) {
	w, r := work(t, small(model.Llama))
	s := &quant.Quantize{Format: model.Q8_0, Measure: func(_ context.Context, path string, _ samovar.Input) (float64, error) {
		f, err := model.Open(path)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		return map[string]float64{"F32": 2, "Q8_0": 2.125}[f.Quantization()], nil
	}}
	out, err := s.Run(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	summary, ok := out.Config.(model.Summary)
	if !ok || out.Kind != samovar.KindModel || summary.Quantization != "Q8_0" || !summary.Chat {
		t.Errorf("the output is %s %+v", out.Kind, out.Config)
	}
	if r.metrics["bits_per_byte_before"] != 2 || r.metrics["bits_per_byte"] != 2.125 || r.metrics["bits_per_byte_lost"] != 0.125 {
		t.Errorf("the metrics are %v", r.metrics)
	}
	if text := r.events[0].Text; text != "Q8_0: of the matrices 2 in F32, 14 in Q8_0" {
		t.Error(text)
	}
	last := r.events[len(r.events)-2]
	if last.Unit != "bytes" || last.Step != last.Of || last.Of == 0 {
		t.Errorf("progress ends with %+v", last)
	}
}

func TestStageErrors(t *testing.T) {
	w, _ := work(t, small(model.Llama))
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	damaged := w
	damaged.Inputs = map[string]samovar.Input{"model": {Paths: map[string]string{quant.ModelFile: filepath.Join(t.TempDir(), "none")}}}
	for _, x := range []struct {
		name   string
		ctx    context.Context
		stage  quant.Quantize
		work   samovar.Work
		expect string
	}{
		{"format", context.Background(), quant.Quantize{Format: 4}, w, "is not a format"},
		{"canceled", canceled, quant.Quantize{Format: model.Q8_0}, w, "context canceled"},
		{"no model", context.Background(), quant.Quantize{Format: model.Q8_0}, samovar.Work{}, "has no file"},
		{"no file", context.Background(), quant.Quantize{Format: model.Q8_0}, damaged, "no such file"},
		{"measure", context.Background(), quant.Quantize{Format: model.Q8_0, Measure: func(context.Context, string, samovar.Input) (float64, error) {
			return 0, errors.New("no text")
		}}, w, "measure what quantising costs: no text"},
	} {
		if _, err := x.stage.Run(x.ctx, x.work); err == nil || !strings.Contains(err.Error(), x.expect) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}
