package compute_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"samovar/compute"
	"samovar/compute/opaque"
)

// devices calls f on the processor with one and several threads and on the
// opaque device.
func devices(t *testing.T, f func(t *testing.T, dev compute.Device)) {
	for _, threads := range []int{1, 3} {
		t.Run(fmt.Sprintf("cpu%d", threads), func(t *testing.T) { f(t, open(t, threads)) })
	}
	t.Run("opaque", func(t *testing.T) { f(t, opaque.New(open(t, 2))) })
}

func open(t testing.TB, threads int) compute.Device {
	t.Helper()
	dev, err := compute.CPU{Threads: threads}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dev.Close)
	return dev
}

// builder makes small programs. Every weight and input is a Weight slot, so
// that its gradient can be checked.
type builder struct {
	compute.Program
}

func (b *builder) weight(rows, cols int) compute.Slot {
	return b.Add(compute.SlotInfo{Name: fmt.Sprintf("w%d", len(b.Slots)), Role: compute.Weight, Rows: rows, Cols: cols})
}

func (b *builder) token(cols int) compute.Slot {
	return b.Add(compute.SlotInfo{Name: fmt.Sprintf("x%d", len(b.Slots)), Role: compute.Token, Cols: cols})
}

// input is a row of a table for each token: an activation with a gradient.
func (b *builder) input(cols int) compute.Slot {
	x := b.token(cols)
	b.Do(compute.Embed{Y: b.All(x), W: b.weight(vocabulary, cols)})
	return x
}

const (
	vocabulary = 11
	window     = 64
)

// programs is one program for each operation with a gradient, each ending in
// the columns that the loss sees.
var programs = map[string]func(b *builder) compute.Slot{
	"embed": func(b *builder) compute.Slot { return b.input(10) },
	"norm": func(b *builder) compute.Slot {
		x, y := b.input(12), b.token(12)
		b.Do(compute.Norm{Y: b.Heads(y, 3), X: b.Heads(x, 3), W: b.weight(1, 4), Eps: 1e-5})
		return y
	},
	"linear with residual": func(b *builder) compute.Slot {
		x, y, z := b.input(7), b.token(7), b.token(9)
		b.Do(compute.Linear{Y: b.All(y), X: b.All(x), W: b.weight(7, 7), Residual: b.All(x)})
		b.Do(compute.Linear{Y: b.All(z), X: b.All(y), W: b.weight(9, 7)})
		return z
	},
	"residual stream": func(b *builder) compute.Slot {
		x := b.input(8)
		for range 2 {
			n, y := b.token(8), b.token(8)
			b.Do(compute.Norm{Y: b.All(n), X: b.All(x), W: b.weight(1, 8), Eps: 1e-5})
			b.Do(compute.Linear{Y: b.All(y), X: b.All(n), W: b.weight(8, 8), Residual: b.All(x)})
			x = y
		}
		return x
	},
	"head linear": func(b *builder) compute.Slot {
		x, y := b.input(3*5), b.token(3*8)
		b.Do(compute.HeadLinear{Y: b.Heads(y, 3).Part(2, 6), X: b.Heads(x, 3).Part(0, 4), W: b.weight(3*6, 4)})
		b.Do(compute.Copy{Y: b.Heads(y, 3).Part(0, 2), X: b.Heads(x, 3).Part(3, 2)})
		return y
	},
	"copy repeats": func(b *builder) compute.Slot {
		x, y := b.input(4), b.token(12)
		b.Do(compute.Copy{Y: b.Heads(y, 3), X: b.All(x)})
		return y
	},
	"rotary": func(b *builder) compute.Slot {
		x := b.input(8)
		b.Do(compute.Rotary{X: b.Heads(x, 2), Freqs: []float64{1, 0.3}})
		return x
	},
	"rotary of halves": func(b *builder) compute.Slot {
		x := b.input(8)
		b.Do(compute.Rotary{X: b.Heads(x, 2), Freqs: []float64{1, 0.3}, Half: true})
		return x
	},
	"attention": func(b *builder) compute.Slot {
		q, k, v, y := b.input(4*6), b.input(2*6), b.input(2*5), b.token(4*5)
		b.Do(compute.Attention{Y: b.Heads(y, 4), Q: b.Heads(q, 4), K: b.Heads(k, 2), V: b.Heads(v, 2), Scale: 0.4})
		return y
	},
	"attention on a latent": func(b *builder) compute.Slot {
		q, k, y := b.input(3*7), b.input(7), b.token(3*5)
		b.Do(compute.Attention{Y: b.Heads(y, 3), Q: b.Heads(q, 3), K: b.All(k), V: b.All(k).Part(0, 5), Scale: 0.4})
		return y
	},
	"swiglu": func(b *builder) compute.Slot {
		g, u, y := b.input(10), b.input(10), b.token(10)
		b.Do(compute.SwiGLU{Y: b.All(y), Gate: b.All(g), Up: b.All(u)})
		return y
	},
	"route softmax": func(b *builder) compute.Slot {
		x, y := b.input(6), b.token(6)
		b.Do(compute.Route{Y: b.All(y), X: b.All(x), Used: 3, Normalise: true, Scale: 1.5})
		return y
	},
	"route sigmoid": func(b *builder) compute.Slot {
		x, y := b.input(6), b.token(6)
		b.Do(compute.Route{Y: b.All(y), X: b.All(x), Used: 2, Sigmoid: true, Scale: 1})
		return y
	},
	"experts": func(b *builder) compute.Slot {
		x, r, y := b.input(6), b.input(3), b.token(6)
		w := b.token(3)
		b.Do(compute.Route{Y: b.All(w), X: b.All(r), Used: 2, Normalise: true, Scale: 1})
		b.Do(compute.Experts{Y: b.All(y), X: b.All(x), R: b.All(w), Hidden: 5, Residual: b.All(x),
			Gate: b.weight(3*5, 6), Up: b.weight(3*5, 6), Down: b.weight(3*6, 5)})
		return y
	},
}

// TestGradients holds every derived gradient against central differences.
func TestGradients(t *testing.T) {
	for name, build := range programs {
		t.Run(name, func(t *testing.T) {
			devices(t, func(t *testing.T, dev compute.Device) { testGradient(t, dev, build, testBatch()) })
		})
	}
}

// TestWeightedGradient holds the gradient of losses with a weight for each row,
// of either sign, against central differences.
func TestWeightedGradient(t *testing.T) {
	devices(t, func(t *testing.T, dev compute.Device) {
		batch := testBatch()
		batch.Weights = []float32{0.5, -1.5, 3, 0, 1, -0.25, 2, 0.75, 1}
		testGradient(t, dev, programs["residual stream"], batch)
	})
}

func testGradient(t *testing.T, dev compute.Device, build func(b *builder) compute.Slot, batch *compute.Batch) {
	b := &builder{compute.Program{Window: window}}
	x := build(b)
	loss := b.token(1)
	b.Do(compute.Loss{Y: b.All(loss), X: b.All(x), W: b.weight(vocabulary, b.Slots[x].Cols)})
	b.Keep = []compute.Slot{loss}
	q, grads, err := compute.Differentiate(&b.Program, false)
	if err != nil {
		t.Fatal(err)
	}
	bind := map[compute.Slot]compute.Buffer{}
	r := rand.New(rand.NewPCG(1, 2))
	b.Weights(func(s compute.Slot, info compute.SlotInfo) {
		n := info.Rows * info.Cols
		bind[s] = alloc(t, dev, n)
		w := make([]float32, n)
		for i := range w {
			w[i] = float32(r.NormFloat64())
		}
		write(t, bind[s], w)
		bind[grads[s]] = alloc(t, dev, n)
		for i := range w {
			w[i] = float32(math.NaN())
		}
		write(t, bind[grads[s]], w)
	})
	rows := len(batch.Tokens)
	back := prepare(t, dev, q, compute.Memory{Rows: rows, Bind: bind})
	forward := prepare(t, dev, &b.Program, compute.Memory{Rows: rows, Bind: bind})
	fresh := *batch
	fresh.Fresh = true
	run(t, back, &fresh)
	for s, g := range grads {
		n := bind[s].Len()
		got, w := make([]float32, n), make([]float32, n)
		read(t, bind[g], got)
		read(t, bind[s], w)
		for i := range w {
			want := difference(t, forward, loss, batch, bind[s], w, i)
			if d := math.Abs(want - float64(got[i])); d > 2e-3*(1+math.Abs(want)) {
				t.Errorf("%s[%d]: gradient %g, difference quotient %g", b.Slots[s].Name, i, got[i], want)
			}
		}
	}
	testSums(t, back, grads, bind, batch)
}

// testSums holds that a batch adds to the gradients that are there, and that a fresh one
// without rows makes them zero.
func testSums(t *testing.T, back compute.Exec, grads map[compute.Slot]compute.Slot, bind map[compute.Slot]compute.Buffer, batch *compute.Batch) {
	once := map[compute.Slot][]float32{}
	for _, g := range grads {
		once[g] = make([]float32, bind[g].Len())
		read(t, bind[g], once[g])
	}
	run(t, back, batch)
	for g, want := range once {
		twice := make([]float32, len(want))
		read(t, bind[g], twice)
		for i, x := range twice {
			if d := math.Abs(float64(x - 2*want[i])); d > 1e-5*(1+math.Abs(float64(x))) {
				t.Errorf("gradient %d[%d] is %g after two batches and %g after one", g, i, x, want[i])
			}
		}
	}
	run(t, back, &compute.Batch{Scalars: batch.Scalars, Fresh: true})
	for g := range once {
		read(t, bind[g], once[g])
		if slices.ContainsFunc(once[g], func(x float32) bool { return x != 0 }) {
			t.Errorf("gradient %d of no rows is not zero", g)
		}
	}
}

// testBatch has two segments, rows without a loss, and repeated tokens.
func testBatch() *compute.Batch {
	return &compute.Batch{
		Tokens:   []int32{3, 1, 4, 1, 5, 9, 2, 6, 5},
		Targets:  []int32{1, 4, -1, 5, 9, 2, 6, 5, -1},
		Segments: []compute.Segment{{Rows: 4}, {Rows: 5}},
		Scalars:  []float32{0.7},
	}
}

// difference is the central difference quotient of the scaled loss by w[i].
func difference(t *testing.T, e compute.Exec, loss compute.Slot, batch *compute.Batch, b compute.Buffer, w []float32, i int) float64 {
	const h = 1e-2
	at := func(x float32) float64 {
		if err := b.Write(i, []float32{x}); err != nil {
			t.Fatal(err)
		}
		run(t, e, batch)
		y := make([]float32, len(batch.Tokens))
		if err := e.Read(loss, 0, y); err != nil {
			t.Fatal(err)
		}
		var sum float64
		for r, v := range y {
			if batch.Weights != nil {
				v *= batch.Weights[r]
			}
			sum += float64(v)
		}
		return sum * float64(batch.Scalars[0])
	}
	d := (at(w[i]+h) - at(w[i]-h)) / (2 * h)
	if err := b.Write(i, w[i:i+1]); err != nil {
		t.Fatal(err)
	}
	return d
}

func alloc(t testing.TB, dev compute.Device, n int) compute.Buffer {
	t.Helper()
	b, err := dev.Alloc(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Free)
	return b
}

func write(t testing.TB, b compute.Buffer, x []float32) {
	t.Helper()
	if err := b.Write(0, x); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, b compute.Buffer, x []float32) {
	t.Helper()
	if err := b.Read(0, x); err != nil {
		t.Fatal(err)
	}
}

func prepare(t testing.TB, dev compute.Device, p *compute.Program, m compute.Memory) compute.Exec {
	t.Helper()
	e, err := dev.Prepare(p, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Free)
	return e
}

func run(t testing.TB, e compute.Exec, b *compute.Batch) {
	t.Helper()
	if err := e.Run(b); err != nil {
		t.Fatal(err)
	}
}
