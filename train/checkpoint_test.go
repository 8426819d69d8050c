package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/compute/opaque"
	"samovar/model"
	"samovar/tokenizer"
)

const (
	testRows  = 8
	testSteps = 6
)

// advance takes steps up to the one numbered to, as a run of testSteps would.
func advance(t *testing.T, tr *Trainer, to int64) {
	t.Helper()
	for tr.State.Step < to {
		if _, err := tr.Step(counting{testRows, tr.Model.Window}.Batch(tr.State.Step), testSteps); err != nil {
			t.Fatal(err)
		}
	}
}

// everything is all that a trainer carries from step to step.
func everything(t *testing.T, tr *Trainer) (all []float32, s State) {
	t.Helper()
	all = weights(t, tr)
	for _, m := range tr.moments {
		x := make([]float32, m.Len())
		if err := m.Read(0, x); err != nil {
			t.Fatal(err)
		}
		all = append(all, x...)
	}
	return all, tr.State
}

func equal(t *testing.T, got, want *Trainer) {
	t.Helper()
	a, s := everything(t, got)
	b, u := everything(t, want)
	if !slices.Equal(a, b) || s != u {
		t.Errorf("the weights, moments or state are others: %+v, %+v expected", s, u)
	}
}

// TestResume holds an interrupted training to the bits of the uninterrupted
// one, whatever the architecture and the device.
func TestResume(t *testing.T) {
	for _, arch := range []string{model.Llama, model.Qwen3MoE, model.DeepSeek2} {
		for _, dev := range []compute.Device{openCPU(t, 2), opaque.New(openCPU(t, 1))} {
			t.Run(arch+"/"+dev.Name(), func(t *testing.T) {
				whole := newTrainer(t, dev, small(arch), testRows)
				advance(t, whole, testSteps)
				dir := t.TempDir()
				for step := int64(0); step < testSteps; step += 2 {
					tr := newTrainer(t, dev, small(arch), testRows)
					resumed, damaged, err := tr.Resume(dir)
					if err != nil || len(damaged) > 0 || resumed != (step > 0) || tr.State.Step != step {
						t.Fatalf("step %d: resumed %v at step %d, %v, %v", step, resumed, tr.State.Step, damaged, err)
					}
					advance(t, tr, step+2)
					if err := tr.Save(dir); err != nil {
						t.Fatal(err)
					}
					if step+2 == testSteps {
						equal(t, tr, whole)
					}
				}
			})
		}
	}
}

// change rewrites a file.
func change(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o644); err != nil {
		t.Fatal(err)
	}
}

// damages are what a disk or a crash does to the last of two checkpoints.
var damages = []struct {
	name string
	do   func(t *testing.T, checkpoint string)
}{
	{"weights cut", func(t *testing.T, c string) {
		change(t, c+".safetensors", func(b []byte) []byte { return b[:len(b)/2] })
	}},
	{"weights empty", func(t *testing.T, c string) {
		change(t, c+".safetensors", func(b []byte) []byte { return nil })
	}},
	{"a bit of the weights", func(t *testing.T, c string) {
		change(t, c+".safetensors", func(b []byte) []byte { b[len(b)-7] ^= 4; return b })
	}},
	{"a bit of the header", func(t *testing.T, c string) {
		change(t, c+".safetensors", func(b []byte) []byte { b[12] ^= 1; return b })
	}},
	{"weights missing", func(t *testing.T, c string) {
		if err := os.Remove(c + ".safetensors"); err != nil {
			t.Fatal(err)
		}
	}},
	{"description cut", func(t *testing.T, c string) {
		change(t, c+".json", func(b []byte) []byte { return b[:len(b)-20] })
	}},
	{"description empty", func(t *testing.T, c string) {
		change(t, c+".json", func(b []byte) []byte { return nil })
	}},
	{"another step in the description", func(t *testing.T, c string) {
		change(t, c+".json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"step":4`), []byte(`"step":5`), 1) })
	}},
	{"another guard in the description", func(t *testing.T, c string) {
		change(t, c+".json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"high":0`), []byte(`"high":9`), 1) })
	}},
	{"description of another checkpoint", func(t *testing.T, c string) {
		b, err := os.ReadFile(strings.Replace(c, "0004", "0002", 1) + ".json")
		if err != nil {
			t.Fatal(err)
		}
		change(t, c+".json", func([]byte) []byte { return b })
	}},
}

// TestDamaged holds a run whose last checkpoint was damaged to fall back to
// the one before, and to end with the same bits.
func TestDamaged(t *testing.T) {
	dev := openCPU(t, 2)
	whole := newTrainer(t, dev, small(model.Llama), testRows)
	advance(t, whole, testSteps)
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			dir := t.TempDir()
			tr := newTrainer(t, dev, small(model.Llama), testRows)
			for _, step := range []int64{2, 4} {
				advance(t, tr, step)
				if err := tr.Save(dir); err != nil {
					t.Fatal(err)
				}
			}
			d.do(t, filepath.Join(dir, "checkpoint-0000000004"))
			again := newTrainer(t, dev, small(model.Llama), testRows)
			resumed, damaged, err := again.Resume(dir)
			if err != nil || !resumed || again.State.Step != 2 {
				t.Fatalf("resumed %v at step %d: %v", resumed, again.State.Step, err)
			}
			if len(damaged) != 1 || !strings.Contains(damaged[0].Error(), "checkpoint-0000000004") || strings.Contains(damaged[0].Error(), "\n") {
				t.Errorf("it says %q, which does not name the checkpoint in one line", damaged)
			}
			advance(t, again, 3)
			if err := again.Save(dir); err != nil {
				t.Fatal(err)
			}
			if got := listing(t, dir); !slices.Equal(got, pairs(2, 3)) {
				t.Errorf("%v are left; the damaged checkpoint is to give way", got)
			}
			advance(t, again, testSteps)
			equal(t, again, whole)
		})
	}
}

// TestAllDamaged holds a run without a whole checkpoint to start anew.
func TestAllDamaged(t *testing.T) {
	dev, dir := openCPU(t, 2), t.TempDir()
	tr := newTrainer(t, dev, small(model.Llama), testRows)
	for _, step := range []int64{2, 4} {
		advance(t, tr, step)
		if err := tr.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"checkpoint-0000000002.safetensors", "checkpoint-0000000004.safetensors"} {
		change(t, filepath.Join(dir, f), func(b []byte) []byte { return b[:100] })
	}
	again := newTrainer(t, dev, small(model.Llama), testRows)
	resumed, damaged, err := again.Resume(dir)
	if resumed || len(damaged) != 2 || err != nil {
		t.Fatalf("resumed %v, %v, %v", resumed, damaged, err)
	}
	equal(t, again, newTrainer(t, dev, small(model.Llama), testRows))
}

func listing(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// pairs are the files of the checkpoints of these steps.
func pairs(steps ...int) (names []string) {
	for _, s := range steps {
		names = append(names, fmt.Sprintf("checkpoint-%010d.json", s), fmt.Sprintf("checkpoint-%010d.safetensors", s))
	}
	return names
}

// TestPrune holds the folder to two checkpoints, whatever killed runs left.
func TestPrune(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"checkpoint-0000000001.safetensors", "checkpoint-0000000002.safetensors.part", "checkpoint-0000000009.json"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tr := newTrainer(t, openCPU(t, 1), small(model.Llama), testRows)
	for step := int64(1); step <= 4; step++ {
		advance(t, tr, step)
		if err := tr.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	if got := listing(t, dir); !slices.Equal(got, pairs(3, 4)) {
		t.Errorf("%v are left, not %v", got, pairs(3, 4))
	}
}

func TestSaveFails(t *testing.T) {
	tr := newTrainer(t, openCPU(t, 1), small(model.Llama), testRows)
	err := tr.Save(filepath.Join(t.TempDir(), "missing"))
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "checkpoint") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// notes is a Recorder that keeps what it is told.
type notes struct {
	events  []samovar.Event
	metrics map[string]float64
}

func (n *notes) Event(e samovar.Event)         { n.events = append(n.events, e) }
func (n *notes) Metric(name string, v float64) { n.metrics[name] = v }

// kitchen is what a stage needs to train in a test.
type kitchen struct {
	dev    compute.Device
	model  model.Config
	inputs map[string]samovar.Input
	keep   Checkpoints
}

// input makes an artifact of one file.
func input(t *testing.T, name string, content []byte) samovar.Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return samovar.Input{Paths: map[string]string{name: path}}
}

func newKitchen(t *testing.T) *kitchen {
	t.Helper()
	tok, err := tokenizer.Train(slices.Values([]string{"one text", "and another text"}), tokenizer.Config{Vocab: 264})
	if err != nil {
		t.Fatal(err)
	}
	text, err := tok.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	k := &kitchen{dev: openCPU(t, 2), model: small(model.Llama)}
	k.model.Vocabulary = tok.Size()
	c, err := Config{Batch: testRows * k.model.Window}.Resolve(k.model.Width, k.model.Window)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := json.Marshal(Decision{Steps: testSteps, Config: c})
	if err != nil {
		t.Fatal(err)
	}
	k.inputs = map[string]samovar.Input{"tokenizer": input(t, "tokenizer.json", text), "plan": input(t, PlanFile, plan)}
	return k
}

// watched are notes that call f with each step, from 0, when it has been taken.
type watched struct {
	*notes
	f func(step int64)
}

func (w watched) Event(e samovar.Event) {
	w.notes.Event(e)
	if e.TokensPerSecond > 0 {
		w.f(e.Step - 1)
	}
}

// run runs the stage in dir and returns model.gguf; taken is called with every step.
func (k *kitchen) run(t *testing.T, ctx context.Context, dir string, n *notes, taken func(step int64)) ([]byte, error) {
	t.Helper()
	nothing := func() error { return nil }
	s := &Train{
		Device: k.dev, Model: k.model, Stage: "train", Save: time.Nanosecond, Checkpoints: k.keep,
		Open: func(_ samovar.Input, batch, window int) (Data, func() error, error) {
			return counting{batch / window, window}, nothing, nil
		},
		Held: func(samovar.Input, int, int64) (Held, error) { return Held{Close: nothing}, nil },
	}
	out, err := s.Run(ctx, samovar.Work{Inputs: k.inputs, Dir: dir, Recorder: watched{n, taken}})
	if err != nil {
		return nil, err
	}
	var all []byte // the model, then what was kept
	for _, o := range append([]samovar.Output{out}, out.Beside...) {
		b, err := os.ReadFile(o.Files[0].Path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all, nil
}

// interrupt runs the stage until its context ends with that step.
func (k *kitchen) interrupt(t *testing.T, dir string, at int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := k.run(t, ctx, dir, newNotes(), func(step int64) {
		if step == at {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted at step %d: %v", at, err)
	}
}

func newNotes() *notes { return &notes{metrics: map[string]float64{}} }

// TestStageGoesOn interrupts the stage and damages what it goes on from, when
// it trains from nothing and from a model: the file is the same in the end.
func TestStageGoesOn(t *testing.T) {
	k := newKitchen(t)
	always := func(int64) {}
	fresh, err := k.run(t, t.Context(), t.TempDir(), newNotes(), always)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []bool{false, true} {
		want := fresh
		if from {
			k.inputs["model"] = input(t, ModelFile, fresh)
			if want, err = k.run(t, t.Context(), t.TempDir(), newNotes(), always); err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(want, fresh) {
				t.Fatal("training that goes on from a model has changed nothing")
			}
		}
		for _, x := range []struct {
			name   string
			damage string // files to cut
			first  int64  // step that the second attempt begins with
			says   int    // damaged checkpoints
		}{
			{"interrupted", "none", 4, 0},
			{"last checkpoint cut", "checkpoint-0000000004.safetensors", 3, 1},
			{"every checkpoint cut", "checkpoint-*.safetensors", 0, 2},
		} {
			t.Run(fmt.Sprintf("%s, from a model %v", x.name, from), func(t *testing.T) {
				dir, n := t.TempDir(), newNotes()
				k.interrupt(t, dir, 3)
				files, err := filepath.Glob(filepath.Join(dir, x.damage))
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range files {
					change(t, f, func(b []byte) []byte { return b[:len(b)-1] })
				}
				first := int64(-1)
				got, err := k.run(t, t.Context(), dir, n, func(step int64) {
					if first < 0 {
						first = step
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				if first != x.first {
					t.Errorf("it went on at step %d, not %d", first, x.first)
				}
				said := 0
				for _, e := range n.events {
					if strings.Contains(e.Text, "checkpoint-") {
						said++
					}
				}
				if said != x.says {
					t.Errorf("%d damaged checkpoints are reported, not %d", said, x.says)
				}
				if !bytes.Equal(got, want) {
					t.Error("the model is another than the uninterrupted run's")
				}
			})
		}
	}
}

// TestStateHoldsWhatJSONCan holds every field of State to survive a checkpoint
// also after a step that was not finite.
func TestStateHoldsWhatJSONCan(t *testing.T) {
	s := State{Step: 3, Updates: 2}
	s.Guard.see(1.0/3, 1)
	s.Guard.see(math.NaN(), 1)
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var got State
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("%+v becomes %+v: %v", s, got, err)
	}
}
