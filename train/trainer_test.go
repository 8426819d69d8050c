package train

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"samovar/compute"
	"samovar/compute/opaque"
	"samovar/model"
)

// small is a model that trains in a blink.
func small(architecture string) model.Config {
	c := model.Config{
		Architecture: architecture, Layers: 2, Width: 32, Heads: 4, KVHeads: 2, HeadDim: 8, Hidden: 48,
		Vocabulary: 40, Window: 16, Epsilon: 1e-5, RopeBase: 10000,
	}
	switch architecture {
	case model.Qwen3MoE:
		c.Experts = model.Experts{Count: 4, Used: 2, Hidden: 16, Normalise: true}
	case model.DeepSeek2:
		c.KVHeads, c.HeadDim = 1, 12
		c.Latent = model.Latent{KV: 8, Nope: 4, Rope: 4, Value: 8}
		c.Experts = model.Experts{Count: 4, Used: 2, Hidden: 16, Shared: 1, Dense: 1}
	}
	return c
}

// counting is text in which every token follows from the one before.
type counting struct{ rows, window int }

func (d counting) Batch(step int64) Rows {
	r := Rows{Window: d.window}
	for i := range d.rows {
		x := int32((int(step)*7 + i*11) % 40)
		for j := range d.window {
			if j == d.window/2 {
				x = (x + 13) % 40 // another document
			}
			next := (x*3 + 1) % 40
			r.Tokens, r.Targets = append(r.Tokens, x), append(r.Targets, next)
			if j == d.window/2-1 {
				r.Targets[len(r.Targets)-1] = -1
			}
			x = next
		}
		r.Starts = append(r.Starts, []int32{0, int32(d.window / 2)})
	}
	return r
}

func newTrainer(t *testing.T, dev compute.Device, m model.Config, rows int) *Trainer {
	t.Helper()
	return newTrainerWith(t, dev, m, rows, AdamW)
}

func newTrainerWith(t *testing.T, dev compute.Device, m model.Config, rows int, optimiser string) *Trainer {
	t.Helper()
	return newTrainerOf(t, dev, m, Config{Batch: rows * m.Window, Micro: 2 * m.Window, Rate: 0.01, Optimiser: optimiser})
}

func newTrainerOf(t *testing.T, dev compute.Device, m model.Config, c Config) *Trainer {
	t.Helper()
	c, err := c.Resolve(m.Width, m.Window)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := NewTrainer(dev, m, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
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

func steps(t *testing.T, tr *Trainer, rows int, n int64) (first, last float64) {
	t.Helper()
	d := counting{rows, tr.Model.Window}
	for i := range n {
		loss, err := tr.Step(d.Batch(tr.State.Step), n)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = loss
		}
		last = loss
	}
	return first, last
}

func weights(t *testing.T, tr *Trainer) []float32 {
	t.Helper()
	var all []float32
	for _, x := range tr.tensors {
		w, err := tr.Weight(x)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w...)
	}
	return all
}

// TestLearns holds every architecture to learning what can be learnt by heart.
func TestLearns(t *testing.T) {
	for _, arch := range []string{model.Llama, model.Qwen3MoE, model.DeepSeek2} {
		for _, optimiser := range []string{AdamW, Muon} {
			t.Run(arch+" "+optimiser, func(t *testing.T) {
				tr := newTrainerWith(t, openCPU(t, 2), small(arch), 16, optimiser)
				first, last := steps(t, tr, 16, 60)
				if math.Abs(first-math.Log(40)) > 0.1 || last > 0.3 {
					t.Errorf("the loss went from %g to %g; it should start at ln 40 = %g and nearly vanish", first, last, math.Log(40))
				}
			})
		}
	}
}

// TestThreads holds the weights to be the same bits however many threads made
// them, on the opaque device too.
func TestThreads(t *testing.T) {
	for _, arch := range []string{model.Llama, model.Qwen3MoE, model.DeepSeek2} {
		t.Run(arch, func(t *testing.T) {
			var want []float32
			for _, dev := range []compute.Device{openCPU(t, 1), openCPU(t, 2), openCPU(t, 5), opaque.New(openCPU(t, 3))} {
				tr := newTrainerWith(t, dev, small(arch), 11, Muon)
				steps(t, tr, 11, 4)
				got := weights(t, tr)
				if want == nil {
					want = got
				} else if !slices.Equal(got, want) {
					t.Errorf("%s gives other weights than one thread", dev.Name())
				}
			}
		})
	}
}

// TestRecompute holds layers that are computed again to weights of the same bits.
func TestRecompute(t *testing.T) {
	for _, arch := range []string{model.Llama, model.Qwen3MoE, model.DeepSeek2} {
		m := small(arch)
		m.Layers = 3
		dev := openCPU(t, 2)
		var want []float32
		for _, recompute := range []bool{false, true} {
			tr := newTrainerOf(t, dev, m, Config{Batch: 11 * m.Window, Micro: 2 * m.Window, Recompute: recompute})
			steps(t, tr, 11, 4)
			if got := weights(t, tr); want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: other weights", arch)
			}
		}
	}
}

// TestTree holds the tree of leaves to the sum of all gradients.
func TestTree(t *testing.T) {
	dev := openCPU(t, 1)
	for leaves := 1; leaves <= 9; leaves++ {
		tree, err := newTree(dev, 3, leaves)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second round must not see the first
			tree.begin()
			for i := range leaves {
				if err := errors.Join(tree.leaf.Write(0, []float32{1, float32(i), 0.5}), tree.done()); err != nil {
					t.Fatal(err)
				}
			}
			got := make([]float32, 3)
			if err := errors.Join(tree.end(), tree.leaf.Read(0, got)); err != nil {
				t.Fatal(err)
			}
			n := float32(leaves)
			if want := []float32{n, n * (n - 1) / 2, n / 2}; !slices.Equal(got, want) {
				t.Errorf("%d leaves sum to %v, not %v", leaves, got, want)
			}
		}
		tree.free()
	}
}

func TestRate(t *testing.T) {
	c := Config{Rate: 1, Warmup: 0.1, Decay: 0.5}
	for _, x := range []struct {
		step int64
		want float64
	}{{0, 0.1}, {4, 0.5}, {9, 1}, {49, 1}, {50, 1}, {75, 0.5}, {99, 0.02}} {
		if got := c.RateAt(x.step, 100); math.Abs(got-x.want) > 1e-12 {
			t.Errorf("step %d of 100: rate %g, not %g", x.step, got, x.want)
		}
	}
	for _, x := range []struct {
		schedule string
		step     int64
		want     float64
	}{
		{WSD, 4, 0.5}, {WSD, 75, 0.5},
		{Cosine, 4, 0.5}, {Cosine, 10, 1}, {Cosine, 55, 0.5}, {Cosine, 40, 0.75}, {Cosine, 70, 0.25},
	} {
		c.Schedule = x.schedule
		if got := c.RateAt(x.step, 100); math.Abs(got-x.want) > 1e-12 {
			t.Errorf("%s, step %d of 100: rate %g, not %g", x.schedule, x.step, got, x.want)
		}
	}
	c.Schedule = Cosine
	for step := int64(0); step < 99; step++ {
		if r := c.RateAt(step, 100); step >= 10 && c.RateAt(step+1, 100) >= r || r <= 0 {
			t.Errorf("a cosine does not fall at step %d, or is nothing", step)
		}
	}
}

func TestGuard(t *testing.T) {
	var g Guard
	for range 200 {
		if skip, err := g.see(2, 1); skip || err != nil {
			t.Fatal("a steady loss is refused")
		}
	}
	if skip, err := g.see(math.NaN(), 1); !skip || err != nil {
		t.Error("one step that is not finite is to be skipped, no more")
	}
	for range maxSkipped {
		_, err := g.see(2, math.Inf(1))
		if g.Skipped == maxSkipped && !errors.Is(err, ErrDiverged) {
			t.Error("steps without a finite gradient go on")
		}
	}
	g = Guard{}
	g.see(2, 1)
	var err error
	for range 400 {
		if _, e := g.see(6, 1); e != nil {
			err = e
		}
	}
	if !errors.Is(err, ErrDiverged) {
		t.Error("a loss that stays high goes on")
	}
}

func TestResolve(t *testing.T) {
	for _, c := range []Config{{Leaves: -1}, {Rate: 2}, {Warmup: 0.7, Decay: 0.7}, {Beta2: 1}, {Batch: 1 << 25}, {Clip: -1}, {Schedule: "steps"}} {
		if _, err := c.Resolve(256, 64); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	c, err := Config{}.Resolve(256, 1024)
	if err != nil || c.Batch%(1024) != 0 || c.Batch/1024 < c.Leaves {
		t.Errorf("%s: %+v", fmt.Sprint(err), c)
	}
}

// TestStepAllocates holds that a step takes no memory but what it begins with. What a
// step takes is taken by every one of them: the least of several is its own, the rest
// the runtime's (threads and waiting lists that it makes when it needs more of them).
func TestStepAllocates(t *testing.T) {
	for _, optimiser := range []string{AdamW, Muon} {
		tr := newTrainerWith(t, openCPU(t, 2), small(model.Qwen3), 8, optimiser)
		rows := counting{8, 16}.Batch(0)
		n := math.Inf(1)
		for range 8 {
			n = min(n, testing.AllocsPerRun(1, func() {
				if _, err := tr.Step(rows, 100); err != nil {
					t.Fatal(err)
				}
			}))
		}
		if n != 0 {
			t.Errorf("a step with %s allocates %g times", optimiser, n)
		}
	}
}

// TestAhead holds that rows that are read ahead are those of their steps, in whatever
// order these are asked for.
func TestAhead(t *testing.T) {
	data := counting{2, 16}
	rows := &ahead{data: data, steps: 6}
	for _, step := range []int64{3, 4, 5, 0, 1, 4} {
		if got, want := rows.Batch(step), data.Batch(step); !slices.Equal(got.Tokens, want.Tokens) {
			t.Errorf("step %d has the rows %v in place of %v", step, got.Tokens, want.Tokens)
		}
	}
	rows.close()
}
