package eval_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"samovar"
	"samovar/compute"
	"samovar/compute/opaque"
	"samovar/eval"
	"samovar/model"
)

const vocabulary = 40

// small is a model whose window, 16, is much shorter than its text.
func small(architecture string) model.Config {
	c := model.Config{
		Architecture: architecture, Layers: 1, Width: 32, Heads: 2, KVHeads: 1, HeadDim: 16, Hidden: 32,
		Vocabulary: vocabulary, Window: 16, Epsilon: 1e-5, RopeBase: 10000,
	}
	if architecture == model.Qwen3MoE {
		c.Experts = model.Experts{Count: 4, Used: 2, Hidden: 32, Normalise: true}
	}
	return c
}

// write writes a small model whose weights are scale times those that training
// starts from, and opens it.
func write(t *testing.T, c model.Config, format model.FileType, scale float32) *model.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), eval.ModelFile)
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	err = model.Write(out, c, nil, format, func(x model.Tensor) ([]float32, error) {
		w := make([]float32, x.Rows*x.Cols)
		x.Initialise(w, 1)
		if !x.Vector() {
			for i := range w {
				w[i] *= scale
			}
		}
		return w, nil
	})
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := model.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func openCPU(t *testing.T, threads int) compute.Device {
	t.Helper()
	dev, err := compute.CPU{Threads: threads}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dev.Close)
	return dev
}

// text is documents of ids that are laid end to end into rows.
type text struct {
	documents [][]int32
	window    int // tokens a row
}

func random(seed uint64, window int, lengths ...int) text {
	r := rand.New(rand.NewPCG(seed, 0))
	x := text{window: window}
	for _, n := range lengths {
		d := make([]int32, n)
		for i := range d {
			d[i] = int32(r.IntN(vocabulary))
		}
		x.documents = append(x.documents, d)
	}
	return x
}

// targets of a document: the id that follows, none after the last and none
// after an id of 7.
func targets(d []int32) []int32 {
	y := make([]int32, len(d))
	for i := range y {
		y[i] = -1
		if i+1 < len(d) && d[i] != 7 {
			y[i] = d[i+1]
		}
	}
	return y
}

// Batch gives a row that holds as many whole documents as fit, and padding.
func (x text) Batch(step int64) eval.Rows {
	rows := eval.Rows{Window: x.window, Starts: [][]int32{nil}}
	next := 0
	for ; ; step-- {
		rows.Tokens, rows.Targets, rows.Starts[0] = nil, nil, nil
		for next < len(x.documents) && len(rows.Tokens)+len(x.documents[next]) <= x.window {
			d := x.documents[next]
			rows.Starts[0] = append(rows.Starts[0], int32(len(rows.Tokens)))
			rows.Tokens, rows.Targets = append(rows.Tokens, d...), append(rows.Targets, targets(d)...)
			next++
		}
		if step == 0 {
			break
		}
	}
	rows.Starts[0] = append(rows.Starts[0], int32(len(rows.Tokens)))
	for len(rows.Tokens) < x.window {
		rows.Tokens, rows.Targets = append(rows.Tokens, 0), append(rows.Targets, -1)
	}
	return rows
}

func (x text) held(source string, bytes int64) eval.Held {
	h := eval.Held{Source: source, Data: x, Steps: int64(len(x.documents)), Documents: int64(len(x.documents)), Bytes: bytes}
	for _, d := range x.documents {
		h.Tokens += int64(len(d))
	}
	return h
}

// lengths are those of documents around the window and half of it.
var lengths = []int{1, 2, 15, 16, 17, 23, 24, 25, 33, 100, 5}

// TestMeasure holds the losses to those of every token scored on its own from
// the text before it: a window's worth for the first, and no less than half a
// window for any other.
func TestMeasure(t *testing.T) {
	for _, arch := range []string{model.Llama, model.Qwen3MoE} {
		f := write(t, small(arch), model.F32, 10)
		x, y := random(1, 128, lengths...), random(2, 4096, 3000)
		held := []eval.Held{x.held("x", 500), y.held("y", 9000)}
		want, tokens := alone(t, f, x.documents)
		for _, dev := range []compute.Device{openCPU(t, 1), openCPU(t, 3), opaque.New(openCPU(t, 2))} {
			r, err := eval.Measure(context.Background(), dev, f, held, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Sources) != 2 || r.Documents != int64(len(lengths)+1) || r.Bytes != 9500 || r.Tokens != r.Sources[0].Tokens+r.Sources[1].Tokens {
				t.Fatalf("%s: %+v", dev.Name(), r)
			}
			s := r.Sources[0]
			if s.Source != "x" || s.Tokens != tokens || math.Abs(s.Loss-want/float64(tokens)) > 1e-6 {
				t.Errorf("%s, %s: %d tokens of %g nats, not %d of %g", arch, dev.Name(), s.Tokens, s.Loss, tokens, want/float64(tokens))
			}
			if bits := s.Loss * float64(s.Tokens) / math.Ln2 / 500; math.Abs(s.BitsPerByte-bits) > 1e-9 {
				t.Errorf("%g bits per byte, not %g", s.BitsPerByte, bits)
			}
		}
	}
}

// alone returns the sum of the losses of documents and the number of targets.
func alone(t *testing.T, f *model.File, documents [][]int32) (nats float64, tokens int64) {
	t.Helper()
	dev, window := openCPU(t, 1), f.Config.Window
	weights, err := f.Load(dev)
	if err != nil {
		t.Fatal(err)
	}
	scorer, err := model.NewScorer(dev, f.Config, weights, window)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		y := targets(d)
		for i := range d {
			if y[i] < 0 {
				continue
			}
			begin := 0
			if i >= window { // the end of its half window, less a window
				begin = min((i/(window/2)+1)*window/2, len(d)) - window
			}
			b := &compute.Batch{Tokens: d[begin : i+1], Targets: make([]int32, i+1-begin), Segments: []compute.Segment{{Rows: i + 1 - begin}}}
			for j := range b.Targets {
				b.Targets[j] = -1
			}
			b.Targets[i-begin] = y[i]
			losses, err := scorer.Losses(b)
			if err != nil {
				t.Fatal(err)
			}
			nats += float64(losses[i-begin])
			tokens++
		}
	}
	return nats, tokens
}

// TestUniform holds a model of zeros to log2(vocabulary) bits a token, all
// documents alike.
func TestUniform(t *testing.T) {
	f := write(t, small(model.Llama), model.F32, 0)
	x := random(3, 256, lengths...)
	r, err := eval.Measure(context.Background(), openCPU(t, 1), f, []eval.Held{x.held("x", 1000)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := math.Log2(vocabulary) * float64(r.Tokens) / 1000; math.Abs(r.BitsPerByte-want) > 1e-5 || r.StandardError > 1e-5 {
		t.Errorf("%g ± %g bits per byte, not %g", r.BitsPerByte, r.StandardError, want)
	}
}

// TestStandardError holds it to the spread of the figure over many draws of the
// documents, of which there are 50.
func TestStandardError(t *testing.T) {
	f := write(t, small(model.Llama), model.F32, 20)
	dev := openCPU(t, 2)
	const draws = 60
	var sum, squares, errs float64
	for seed := range uint64(draws) {
		r := rand.New(rand.NewPCG(seed, 1))
		var n []int
		total := 0
		for range 50 {
			n = append(n, 2+r.IntN(20))
			total += n[len(n)-1] - 1
		}
		s, err := eval.Measure(context.Background(), dev, f, []eval.Held{random(seed, 2048, n...).held("x", int64(total))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		sum, squares, errs = sum+s.BitsPerByte, squares+s.BitsPerByte*s.BitsPerByte, errs+s.StandardError
	}
	mean := sum / draws
	spread := math.Sqrt((squares - draws*mean*mean) / (draws - 1))
	if e := errs / draws; e < 0.6*spread || e > 1.6*spread {
		t.Errorf("the standard error is given as %g where the figure spreads by %g", e, spread)
	}
}

// TestQuantised holds a quantised model to figures of its own, near those of
// the full one.
func TestQuantised(t *testing.T) {
	var full float64
	for _, format := range []model.FileType{model.F32, model.Q8_0, model.Q4_0} {
		f := write(t, small(model.Llama), format, 10)
		r, err := eval.Measure(context.Background(), openCPU(t, 2), f, []eval.Held{random(1, 256, lengths...).held("x", 500)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if format == model.F32 {
			full = r.BitsPerByte
		} else if r.BitsPerByte == full || math.Abs(r.BitsPerByte/full-1) > 0.05 {
			t.Errorf("%v: %g bits per byte where the full model has %g", format, r.BitsPerByte, full)
		}
	}
}

func TestMeasureErrors(t *testing.T) {
	f := write(t, small(model.Llama), model.F32, 1)
	stranger := random(1, 64, 10)
	stranger.documents[0][4] = vocabulary
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, x := range []struct {
		name   string
		ctx    context.Context
		f      *model.File
		held   []eval.Held
		expect string
	}{
		{"nothing", context.Background(), f, nil, "no text is held out"},
		{"no bytes", context.Background(), f, []eval.Held{random(1, 64, 10).held("x", 0)}, "evaluate on x: no text is held out"},
		{"no targets", context.Background(), f, []eval.Held{random(1, 64, 1).held("x", 5)}, "no text is held out"},
		{"vocabulary", context.Background(), f, []eval.Held{stranger.held("x", 5)}, "different tokenizers"},
		{"canceled", canceled, f, []eval.Held{random(1, 64, 10).held("x", 5)}, "context canceled"},
		{"damaged", context.Background(), write(t, small(model.Llama), model.F32, float32(math.NaN())), []eval.Held{random(1, 64, 10).held("x", 5)}, "not finite"},
	} {
		if _, err := eval.Measure(x.ctx, openCPU(t, 1), x.f, x.held, nil); err == nil || !strings.Contains(err.Error(), x.expect) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}

// recorder keeps what a stage reports.
type recorder struct {
	events  []samovar.Event
	metrics map[string]float64
}

func (r *recorder) Event(e samovar.Event)         { r.events = append(r.events, e) }
func (r *recorder) Metric(name string, v float64) { r.metrics[name] = v }

func TestStage(t *testing.T) {
	f := write(t, small(model.Llama), model.Q8_0, 10)
	content, err := f.Map()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), eval.ModelFile)
	if err := os.WriteFile(path, content, 0o444); err != nil {
		t.Fatal(err)
	}
	closed := 0
	var first []byte
	for threads := 1; threads <= 2; threads++ {
		stage := &eval.Evaluate{Device: openCPU(t, threads), Open: func(in samovar.Input, window int) ([]eval.Held, error) {
			h := random(1, window, lengths...).held("x", 500)
			h.Close = func() error { closed++; return nil }
			return []eval.Held{h}, nil
		}}
		rec := &recorder{metrics: map[string]float64{}}
		out, err := stage.Run(context.Background(), samovar.Work{Dir: t.TempDir(), Recorder: rec, Inputs: map[string]samovar.Input{
			"model":  {Artifact: samovar.Artifact{Digest: samovar.DigestOf(content)}, Paths: map[string]string{eval.ModelFile: path}},
			"shards": {Artifact: samovar.Artifact{Digest: samovar.DigestOf(nil)}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(out.Files[0].Path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		text, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		} else if !bytes.Equal(text, first) {
			t.Errorf("two threads give\n%s\nand one\n%s", text, first)
		}
		var e eval.Evaluation
		if err := json.Unmarshal(text, &e); err != nil || !reflect.DeepEqual(e, out.Config) || e.Model != samovar.DigestOf(content) {
			t.Errorf("the file holds %+v (%v) and the config %+v", e, err, out.Config)
		}
		if out.Kind != samovar.KindEvaluation || rec.metrics["bits_per_byte"] != e.BitsPerByte || rec.metrics["bits_per_byte/x"] != e.BitsPerByte || e.BitsPerByte == 0 {
			t.Errorf("%s: metrics %v of %+v", out.Kind, rec.metrics, e)
		}
		if last := rec.events[len(rec.events)-2]; last.Unit != "tokens" || last.Step == 0 || last.Step > last.Of || last.TokensPerSecond == 0 {
			t.Errorf("progress ends with %+v", last)
		}
	}
	if closed != 2 {
		t.Errorf("the text was closed %d times, not twice", closed)
	}
}
