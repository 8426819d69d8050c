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
	"testing"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/compute/opaque"
	"samovar/model"
)

// golden is testdata/dpo.json, which dpo.py there writes.
type golden struct {
	Config    model.Config
	Beta      float64
	Pairs     []Pair
	Policy    map[string][]float32
	Reference map[string][]float32
	Loss      float64
	Margins   []float64
	Gradient  map[string][]float64
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	text, err := os.ReadFile("testdata/dpo.json")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestDPO holds loss, margins and gradient to those that automatic
// differentiation finds, however the pairs are cut into leaves and batches.
func TestDPO(t *testing.T) {
	g := readGolden(t)
	for _, dev := range []compute.Device{openCPU(t, 1), openCPU(t, 3), opaque.New(openCPU(t, 2))} {
		for _, leaves := range []int{1, 2, 8} {
			t.Run(fmt.Sprintf("%s, %d leaves", dev.Name(), leaves), func(t *testing.T) {
				c, err := Config{Leaves: leaves, Micro: 32}.Resolve(g.Config.Width, g.Config.Window)
				if err != nil {
					t.Fatal(err)
				}
				tr, err := NewTrainer(dev, g.Config, c)
				if err != nil {
					t.Fatal(err)
				}
				defer tr.Close()
				buffers, err := tr.Buffers()
				if err != nil {
					t.Fatal(err)
				}
				scorer, err := model.NewScorer(dev, g.Config, buffers, 32)
				if err != nil {
					t.Fatal(err)
				}
				defer scorer.Free()
				testDPO(t, g, tr, scorer)
			})
		}
	}
}

func testDPO(t *testing.T, g golden, tr *Trainer, scorer *model.Scorer) {
	set := func(w map[string][]float32) {
		if err := tr.SetWeights(func(x model.Tensor) ([]float32, error) { return w[x.Name], nil }); err != nil {
			t.Fatal(err)
		}
	}
	all := func() (all []logs) {
		for _, p := range g.Pairs {
			var err error
			if all, err = score(scorer, batchOf([]Pair{p}), all); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	set(g.Reference)
	reference := all()
	set(g.Policy)
	for i, policy := range all() {
		if got := prefer(g.Beta, policy, reference[i]).margin; math.Abs(got-g.Margins[i]) > 1e-5 {
			t.Errorf("pair %d: margin %g, not %g", i, got, g.Margins[i])
		}
	}
	f, err := tr.pairGradient(scorer, g.Pairs, reference, g.Beta)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(f.loss-g.Loss) > 1e-6 || f.pairs != 3 || math.Abs(f.accuracy-1.0/3) > 1e-9 {
		t.Errorf("%+v; a loss of %g is expected", f, g.Loss)
	}
	err = tr.each(func(x model.Tensor, offset, n int) error {
		got := make([]float32, n)
		if err := tr.tree.leaf.Read(offset, got); err != nil {
			return err
		}
		for i, want := range g.Gradient[x.Name] {
			if math.Abs(float64(got[i])-want) > 2e-6 {
				t.Errorf("%s[%d]: gradient %g, not %g", x.Name, i, got[i], want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// oddAnswers are pairs in which the answer of odd ids is chosen.
type oddAnswers int64

func (n oddAnswers) Len() int64        { return int64(n) }
func (n oddAnswers) PerEpoch() int64   { return int64(n) }
func (n oddAnswers) At(i int64) int64  { return i * 7 % int64(n) }
func (n oddAnswers) Pair(i int64) Pair { return oddAnswer(i, 3) }
func oddAnswer(i, length int64) (p Pair) {
	for side := range int64(2) {
		ids, targets := []int32{int32(i % 5), int32(i % 11)}, []int32{-1}
		for j := range length + i%3 {
			id := int32(2*((i+j)%16) + 1 - side)
			ids, targets = append(ids, id), append(targets, id)
		}
		p.Tokens[side], p.Targets[side] = ids[:len(ids)-1], targets
	}
	return p
}

// prefer runs the stage in dir; before is called with every pair that is read.
func (k *kitchen) prefer(ctx context.Context, dir string, n *notes, before func(step int64)) ([]byte, error) {
	s := &Prefer{
		Device: k.dev, Model: k.model, Tuning: Config{Rate: 0.003}, Preference: Preference{Epochs: 2, Batch: 8}, Save: time.Nanosecond,
		Open: func(samovar.Input, int) (OpenPairs, error) {
			return OpenPairs{Train: countedPairs{oddAnswers(32), before}, Held: oddAnswers(10), Long: 1, Close: func() error { return nil }}, nil
		},
	}
	out, err := s.Run(ctx, samovar.Work{Inputs: k.inputs, Dir: dir, Recorder: n})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(out.Files[0].Path)
}

type countedPairs struct {
	oddAnswers
	f func(n int64)
}

func (c countedPairs) At(n int64) int64 {
	c.f(n)
	return c.oddAnswers.At(n)
}

// TestPrefer tunes a model on preferences, interrupted or not, with one thread
// or more: it learns them, and the file is the same.
func TestPrefer(t *testing.T) {
	k := newKitchen(t)
	base, err := k.run(t, t.Context(), t.TempDir(), newNotes(), func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	k.inputs["model"] = input(t, ModelFile, base)
	n := newNotes()
	want, err := k.prefer(t.Context(), t.TempDir(), n, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	m := n.metrics
	if m["validation_reward_accuracy"] != 1 || m["validation_loss"] >= math.Ln2 || m["validation_reward_margin"] <= 0 || m["validation_pairs"] != 10 {
		t.Errorf("it has not learnt what is preferred: %v", m)
	}
	if math.Abs(m["validation_reward_chosen"]-m["validation_reward_rejected"]-m["validation_reward_margin"]) > 1e-9 {
		t.Errorf("the margin is not the difference of the rewards: %v", m)
	}
	for _, damage := range []string{"nothing", referenceFile, "checkpoint-0000000003.safetensors", "checkpoint-*.safetensors"} {
		for _, dev := range []compute.Device{openCPU(t, 1), opaque.New(openCPU(t, 3))} {
			t.Run(damage+" damaged, "+dev.Name(), func(t *testing.T) {
				k.dev = dev
				dir := t.TempDir()
				k.stopPreferring(t, dir, 16)
				files, err := filepath.Glob(filepath.Join(dir, damage))
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range files {
					change(t, f, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
				}
				got, err := k.prefer(t.Context(), dir, newNotes(), func(int64) {})
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Error("the model is another than the uninterrupted run's")
				}
			})
		}
	}
	delete(k.inputs, "model")
	if _, err := k.prefer(t.Context(), t.TempDir(), newNotes(), func(int64) {}); err == nil {
		t.Error("nothing is tuned")
	}
}

// stopPreferring runs the stage until its context ends, at that pair.
func (k *kitchen) stopPreferring(t *testing.T, dir string, at int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := k.prefer(ctx, dir, newNotes(), func(n int64) {
		if n == at {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
}

func TestPreferenceResolve(t *testing.T) {
	for _, p := range []Preference{{}, {Epochs: 200}, {Epochs: 1, Beta: -1}, {Epochs: 1, Batch: -1}, {Epochs: math.NaN()}} {
		if _, err := p.resolve(); err == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
}
