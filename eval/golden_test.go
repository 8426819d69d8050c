package eval_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"samovar"
	"samovar/compute"
	"samovar/compute/opaque"
	"samovar/eval"
	"samovar/model"
	"samovar/model/gguf"
	"samovar/tokenizer"
)

// text of which the golden vocabulary is learnt.
const samovarText = `The samovar stands on the table and water in it sings while tea is brewed slowly for
everybody who comes through this small door from the cold street. We say welcome, sit down, take a cup, tell us
where you have been and what you did see there, how long you will stay. The water sings. The tea is brewed.`

// tiny writes a model of random weights that speaks, with BOS before every text
// or without.
func tiny(t *testing.T, bos bool, window int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.FromJSON(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	meta := tok.Metadata()
	meta["tokenizer.ggml.add_bos_token"] = bos
	var extra []gguf.KV
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		extra = append(extra, gguf.KV{Key: k, Value: meta[k]})
	}
	c := small(model.Llama)
	c.Vocabulary, c.Window, c.Layers = tok.Size(), window, 2
	path := filepath.Join(t.TempDir(), eval.ModelFile)
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	err = model.Write(out, c, extra, model.F32, func(x model.Tensor) ([]float32, error) {
		w := make([]float32, x.Rows*x.Cols)
		for i := range w {
			u := 2*float32(random.Uint64()>>40)/(1<<24) - 1
			switch {
			case x.Vector():
				w[i] = 1 + u/8
			default:
				w[i] = u / 2
			}
		}
		return w, nil
	})
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// golden is testdata/golden.json: what lm-evaluation-harness makes of the items
// with transformers.
type golden struct {
	Letters         letters
	LettersShots    letters `json:"letters_shots"`
	Problems, Shots exact
	Pairs, Endings  struct {
		Logs    [][]float64 `json:"logs"`
		Acc     float64     `json:"acc"`
		AccNorm float64     `json:"acc_norm"`
		Err     float64     `json:"acc_stderr"`
		ErrNorm float64     `json:"acc_norm_stderr"`
	}
}

// exact is what its task gsm8k makes of problems, by its two filters.
type exact struct {
	Texts         []string           `json:"texts"`
	Strict        []float64          `json:"strict-match"`
	Flexible      []float64          `json:"flexible-extract"`
	Score         map[string]float64 `json:"exact_match"`
	StandardError map[string]float64 `json:"stderr"`
}

// letters is what it made of MMLU's files, by their names.
type letters struct {
	Logs  map[string][][]float64 `json:"logs"`
	Right map[string][]float64   `json:"right"`
	Acc   map[string]float64     `json:"acc"`
}

const (
	goldenWindow = 48  // shorter than one of the contexts
	longWindow   = 512 // twice the longest answer, and shorter than one of the problems with it
)

// TestGolden holds log-probabilities and figures to lm-evaluation-harness's, on
// both devices, with BOS and without. SAMOVAR_WRITE=DIR makes what golden.py
// there reads, and leaves the rest out.
func TestGolden(t *testing.T) {
	if dir := os.Getenv("SAMOVAR_WRITE"); dir != "" {
		writeTiny(t, dir)
		return
	}
	text, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]golden // and "replies", whose fields are none of these
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, bos := range map[string]bool{"plain": false, "bos": true} {
		path := tiny(t, bos, goldenWindow)
		for _, dev := range []compute.Device{openCPU(t, 2), opaque.New(openCPU(t, 1))} {
			want := all[name]
			e, answers := examine(t, dev, path, eval.Task{Kind: "blimp", Path: filepath.Join("testdata", "pairs.jsonl")})
			sameLogs(t, name+" pairs on "+dev.Name(), answers, want.Pairs.Logs)
			near(t, name+" acc", e.Score, 100*want.Pairs.Acc)
			near(t, name+" acc_stderr", e.StandardError, 100*want.Pairs.Err)
			e, answers = examine(t, dev, path, eval.Task{Kind: "choice", Path: filepath.Join("testdata", "endings.jsonl")})
			sameLogs(t, name+" endings on "+dev.Name(), answers, want.Endings.Logs)
			near(t, name+" acc", e.Raw.Score, 100*want.Endings.Acc)
			near(t, name+" acc_norm", e.Score, 100*want.Endings.AccNorm)
			near(t, name+" acc_stderr", e.Raw.StandardError, 100*want.Endings.Err)
			near(t, name+" acc_norm_stderr", e.StandardError, 100*want.Endings.ErrNorm)
			if e.Truncated != 1 {
				t.Errorf("%d items are truncated, not the one of the long context", e.Truncated)
			}

			path := tiny(t, bos, longWindow)
			asked := eval.Task{Kind: "choice", Path: filepath.Join("testdata", "black_tea_test.csv")}
			for _, want := range []letters{want.Letters, want.LettersShots} {
				e, answers = examine(t, dev, path, asked)
				sameLogs(t, name+" letters on "+dev.Name(), answers, want.Logs["black_tea_test"])
				near(t, name+" letters' acc", e.Raw.Score, 100*want.Acc["black_tea_test"])
				near(t, name+" letters' score", e.Score, e.Raw.Score) // all choices are of one character
				asked.Shots, asked.Examples = 2, filepath.Join("testdata", "black_tea_dev.csv")
			}
			e, answers = examine(t, dev, path, eval.Task{Kind: "exact", Path: filepath.Join("testdata", "problems.jsonl")})
			sameExact(t, name+" problems on "+dev.Name(), e, answers, want.Problems)
			e, answers = examine(t, dev, path, eval.Task{
				Kind: "exact", Path: filepath.Join("testdata", "problems.jsonl"), Shots: 2, Examples: filepath.Join("testdata", "solved.jsonl"), // of three, the first two
			})
			sameExact(t, name+" problems with shots on "+dev.Name(), e, answers, want.Shots)
		}
	}
}

// damaged is what random weights say instead of runes. transformers marks some
// runs of bytes that are no UTF-8 once, and ours each byte.
var damaged = regexp.MustCompile("\uFFFD+")

func sameExact(t *testing.T, what string, e eval.Examination, answers []eval.Answer, want exact) {
	t.Helper()
	if len(answers) != len(want.Texts) {
		t.Fatalf("%s: %d answers, not %d", what, len(answers), len(want.Texts))
	}
	for i, a := range answers {
		if damaged.ReplaceAllString(a.Text, "?") != damaged.ReplaceAllString(want.Texts[i], "?") || a.Right != (want.Strict[i] == 1) || a.Last != (want.Flexible[i] == 1) {
			t.Errorf("%s: item %d has\n%+v, not\n%q, %g and %g", what, i, a, want.Texts[i], want.Strict[i], want.Flexible[i])
		}
	}
	near(t, what+": strict-match", e.Score, 100*want.Score["strict-match"])
	near(t, what+": its error", e.StandardError, 100*want.StandardError["strict-match"])
	near(t, what+": flexible-extract", e.Flexible.Score, 100*want.Score["flexible-extract"])
	near(t, what+": its error", e.Flexible.StandardError, 100*want.StandardError["flexible-extract"])
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s is %g, not %g", what, got, want)
	}
}

func sameLogs(t *testing.T, what string, answers []eval.Answer, want [][]float64) {
	t.Helper()
	if len(answers) != len(want) {
		t.Fatalf("%s: %d answers, not %d", what, len(answers), len(want))
	}
	for i, a := range answers {
		if len(a.Logs) != len(want[i]) {
			t.Fatalf("%s: item %d has %v, not %v", what, i, a.Logs, want[i])
		}
		for j, v := range a.Logs {
			if math.Abs(v-want[i][j]) > 1e-4 { // of some 100 nats: the noise of float32
				t.Errorf("%s: choice %d of item %d has %g, not %g", what, j, i, v, want[i][j])
			}
		}
	}
}

func writeTiny(t *testing.T, dir string) {
	tok, err := tokenizer.Train(strings.Lines(samovarText), tokenizer.Config{Vocab: 304})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(tok, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join("testdata", "tokenizer.json"), append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, bos := range map[string]bool{"plain": false, "bos": true} {
		for suffix, window := range map[string]int{"": goldenWindow, "-long": longWindow} {
			f, err := model.Open(tiny(t, bos, window))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := model.WriteHuggingFace(filepath.Join(dir, name+suffix), f); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// run is what a stage is given by a test.
type run struct {
	metrics map[string]float64
	events  []samovar.Event
}

func (r *run) Event(e samovar.Event)             { r.events = append(r.events, e) }
func (r *run) Metric(name string, value float64) { r.metrics[name] = value }

// examine runs the stage and reads what it has made.
func examine(t *testing.T, dev compute.Device, path string, task eval.Task) (eval.Examination, []eval.Answer) {
	t.Helper()
	e, answers, err := tryExamine(t, dev, path, task)
	if err != nil {
		t.Fatal(err)
	}
	return e, answers
}

func tryExamine(t *testing.T, dev compute.Device, path string, task eval.Task) (e eval.Examination, answers []eval.Answer, err error) {
	t.Helper()
	stage, err := eval.NewExamine(dev, task)
	if err != nil {
		return e, nil, err
	}
	r := &run{metrics: map[string]float64{}}
	in := samovar.Input{Artifact: samovar.Artifact{Kind: samovar.KindModel, Digest: "sha256:model"}, Paths: map[string]string{eval.ModelFile: path}}
	out, err := stage.Run(context.Background(), samovar.Work{Inputs: map[string]samovar.Input{"model": in}, Dir: t.TempDir(), Recorder: r})
	if err != nil {
		return e, nil, err
	}
	made := samovar.Input{Paths: map[string]string{}}
	for _, f := range out.Files {
		made.Paths[f.Name] = f.Path
	}
	if e, err = eval.ReadExamination(made); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(r.metrics, e.Metrics()) {
		t.Errorf("the recorder has %v, the result %v", r.metrics, e.Metrics())
	}
	if answers, err = eval.ReadAnswers(made); err != nil {
		t.Fatal(err)
	}
	return e, answers, nil
}
