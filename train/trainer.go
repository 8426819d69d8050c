package train

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"samovar/compute"
	"samovar/model"
)

// Trainer holds a model's weights, their gradients and the optimiser's moments
// on a device, each as one buffer in the order of model.Config.Tensors.
type Trainer struct {
	Model  model.Config
	Config Config
	State  State

	dev     compute.Device
	tensors []model.Tensor
	params  compute.Buffer
	moments [2]compute.Buffer
	tree    *tree
	program *compute.Program
	loss    compute.Slot
	exec    compute.Exec // forward and backward, of one micro batch
	update  compute.Exec // AdamW
	norm    compute.Exec // sum of squares of the gradient
	squares compute.Slot
	rows    int  // tokens that exec takes
	fresh   bool // the leaf in work has no example yet
	losses  []float32
	batch   compute.Batch // used again and again, so that a step allocates nothing
}

// State is what a run carries from step to step beside weights and moments.
type State struct {
	Step    int64 `json:"step"`    // steps taken
	Updates int64 `json:"updates"` // of them, those that changed the weights
	Guard   Guard `json:"guard"`
}

// NewTrainer allocates everything and gives the weights their first values.
// Rows have at most c.Window tokens.
func NewTrainer(dev compute.Device, m model.Config, c Config) (*Trainer, error) {
	t := &Trainer{Model: m, Config: c, dev: dev, tensors: m.Tensors(), rows: max(c.Micro/m.Window, 1) * m.Window}
	if err := t.prepare(); err != nil {
		t.Close()
		return nil, fmt.Errorf("prepare training: %w", err)
	}
	return t, t.initialise()
}

// size is the number of weights.
func (t *Trainer) size() int {
	n := 0
	for _, x := range t.tensors {
		n += x.Rows * x.Cols
	}
	return n
}

func (t *Trainer) prepare() (err error) {
	n := t.size()
	if t.params, err = t.dev.Alloc(n); err != nil {
		return err
	}
	for i := range t.moments {
		if t.moments[i], err = t.dev.Alloc(n); err != nil {
			return err
		}
	}
	if t.tree, err = newTree(t.dev, n, t.Config.Leaves); err != nil {
		return err
	}
	forward, loss := t.Model.Losses()
	p, grads, err := compute.Differentiate(forward, t.Config.Recompute)
	if err != nil {
		return err
	}
	t.program, t.loss, t.losses = p, loss, make([]float32, t.rows)
	m := compute.Memory{Rows: t.rows, Bind: map[compute.Slot]compute.Buffer{}}
	err = t.each(func(x model.Tensor, offset, n int) error {
		s, _ := p.Find(x.Name)
		if m.Bind[s], err = t.params.Slice(offset, n); err != nil {
			return err
		}
		if g, ok := grads[s]; ok {
			m.Bind[g], err = t.tree.leaf.Slice(offset, n)
		}
		return err
	})
	if err != nil {
		return err
	}
	if t.exec, err = t.dev.Prepare(p, m); err != nil {
		return err
	}
	return t.prepareUpdate(n)
}

// split says which weights AdamW updates, of which matrices decay and vectors do
// not, and which matrices Muon does: those within the layers, each expert's and
// each head's by itself. Embeddings, the output and routers are AdamW's.
func (t *Trainer) split() (adam []compute.Part, muon []compute.Matrix) {
	t.each(func(x model.Tensor, offset, n int) error {
		if t.Config.Optimiser != Muon || x.Vector() || x.Router || !strings.HasPrefix(x.Name, "blk.") {
			adam = append(adam, compute.Part{From: offset, To: offset + n, Decay: !x.Vector()})
			return nil
		}
		count := max(1, x.Experts, x.Heads)
		for i := range count {
			muon = append(muon, compute.Matrix{From: offset + i*n/count, Rows: x.Rows / count, Cols: x.Cols})
		}
		return nil
	})
	return adam, muon
}

// prepareUpdate builds the optimiser over all weights at once.
func (t *Trainer) prepareUpdate(n int) (err error) {
	p := &compute.Program{}
	slot := func(name string) compute.Slot {
		return p.Add(compute.SlotInfo{Name: name, Role: compute.Fixed, Rows: 1, Cols: n})
	}
	w, g, m, v := slot("weights"), slot("gradient"), slot("first moment"), slot("second moment")
	adam, muon := t.split()
	p.Do(compute.AdamW{W: w, G: g, M: m, V: v, Parts: adam})
	if muon != nil {
		p.Do(compute.Muon{W: w, G: g, M: m, Matrices: muon})
	}
	bind := map[compute.Slot]compute.Buffer{w: t.params, g: t.tree.leaf, m: t.moments[0], v: t.moments[1]}
	if t.update, err = t.dev.Prepare(p, compute.Memory{Bind: bind}); err != nil {
		return err
	}
	q := &compute.Program{}
	x := q.Add(compute.SlotInfo{Name: "gradient", Role: compute.Fixed, Rows: 1, Cols: n})
	t.squares = q.Add(compute.SlotInfo{Name: "squares", Role: compute.Fixed, Rows: 1, Cols: 1})
	q.Do(compute.SumSquares{Y: t.squares, X: x})
	t.norm, err = t.dev.Prepare(q, compute.Memory{Bind: map[compute.Slot]compute.Buffer{x: t.tree.leaf}})
	return err
}

// each calls f for every tensor with its place in the flat buffers.
func (t *Trainer) each(f func(x model.Tensor, offset, n int) error) error {
	offset := 0
	for _, x := range t.tensors {
		n := x.Rows * x.Cols
		if err := f(x, offset, n); err != nil {
			return fmt.Errorf("tensor %s: %w", x.Name, err)
		}
		offset += n
	}
	return nil
}

func (t *Trainer) initialise() error {
	return t.SetWeights(func(x model.Tensor) ([]float32, error) {
		w := make([]float32, x.Rows*x.Cols)
		x.Initialise(w, t.Config.Seed)
		return w, nil
	})
}

// SetWeights replaces the weights.
func (t *Trainer) SetWeights(weights model.Weights) error {
	return t.each(func(x model.Tensor, offset, n int) error {
		w, err := weights(x)
		if err != nil {
			return err
		}
		if len(w) != n {
			return fmt.Errorf("%d numbers where %d are expected", len(w), n)
		}
		return t.params.Write(offset, w)
	})
}

// Weight returns a copy of one tensor.
func (t *Trainer) Weight(x model.Tensor) ([]float32, error) {
	var w []float32
	err := t.each(func(y model.Tensor, offset, n int) error {
		if y.Name != x.Name {
			return nil
		}
		w = make([]float32, n)
		return t.params.Read(offset, w)
	})
	if err == nil && w == nil {
		err = fmt.Errorf("there is no tensor %s", x.Name)
	}
	return w, err
}

// Buffers returns the weights by name as parts of the trainer's own buffer.
func (t *Trainer) Buffers() (map[string]compute.Buffer, error) {
	all := map[string]compute.Buffer{}
	err := t.each(func(x model.Tensor, offset, n int) (err error) {
		all[x.Name], err = t.params.Slice(offset, n)
		return err
	})
	return all, err
}

// Step trains on the rows of the next step of a run of so many. It returns the
// loss in nats a token.
func (t *Trainer) Step(rows Rows, steps int64) (float64, error) {
	targets := 0
	for _, x := range rows.Targets {
		if x >= 0 {
			targets++
		}
	}
	if targets == 0 || rows.Window > t.Model.Window || len(rows.Tokens) != len(rows.Targets) || len(rows.Starts)*rows.Window != len(rows.Tokens) {
		return 0, fmt.Errorf("step %d: rows of %d tokens with %d targets", t.State.Step, rows.Window, targets)
	}
	var sum float64
	err := t.gradient(len(rows.Starts), func(from, to int) error {
		for r := from; r < to; r += t.rows / rows.Window {
			rows.fill(&t.batch, r, min(r+t.rows/rows.Window, to))
			t.batch.Scalars = append(t.batch.Scalars[:0], 1/float32(targets))
			if err := t.micro(&t.batch, &sum); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("step %d: %w", t.State.Step, err)
	}
	return sum / float64(targets), t.advance(sum/float64(targets), steps)
}

// advance ends a step of a run of so many, whose gradient is there: it moves
// the weights unless the loss or the gradient forbids it.
func (t *Trainer) advance(loss float64, steps int64) error {
	norm, err := t.gradientNorm()
	if err != nil {
		return fmt.Errorf("step %d: %w", t.State.Step, err)
	}
	skip, err := t.State.Guard.see(loss, norm)
	if err != nil {
		return fmt.Errorf("step %d: %w", t.State.Step, err)
	}
	if !skip {
		err = t.apply(t.Config.schedule(t.State.Step, steps), norm)
	}
	t.State.Step++
	return err
}

// gradient sums the gradients of the leaves, of which each is a part [from, to)
// of count examples and is added up by leaf.
func (t *Trainer) gradient(count int, leaf func(from, to int) error) error {
	t.tree.begin()
	for l := range t.Config.Leaves {
		t.fresh = true
		if err := leaf(count*l/t.Config.Leaves, count*(l+1)/t.Config.Leaves); err != nil {
			return err
		}
		if t.fresh {
			if err := t.tree.zero(); err != nil {
				return err
			}
		}
		if err := t.tree.done(); err != nil {
			return err
		}
	}
	return t.tree.end()
}

// micro adds the gradient of a micro batch to the leaf, and its losses to sum.
func (t *Trainer) micro(b *compute.Batch, sum *float64) error {
	b.Fresh, t.fresh = t.fresh, false
	if err := t.exec.Run(b); err != nil {
		return err
	}
	losses := t.losses[:len(b.Tokens)]
	if err := t.exec.Read(t.loss, 0, losses); err != nil {
		return err
	}
	for _, x := range losses {
		*sum += float64(x)
	}
	return nil
}

// fill makes b rows [from, to) as segments, one for each document.
func (r Rows) fill(b *compute.Batch, from, to int) {
	w := r.Window
	b.Tokens, b.Targets, b.Segments = r.Tokens[from*w:to*w], r.Targets[from*w:to*w], b.Segments[:0]
	for _, starts := range r.Starts[from:to] {
		for i, s := range starts {
			end := w
			if i+1 < len(starts) {
				end = int(starts[i+1])
			}
			b.Segments = append(b.Segments, compute.Segment{Rows: end - int(s)})
		}
	}
}

// gradientNorm is the length of the whole gradient.
func (t *Trainer) gradientNorm() (float64, error) {
	if err := t.norm.Run(&t.tree.nothing); err != nil {
		return 0, err
	}
	squares := t.losses[:1]
	if err := t.norm.Read(t.squares, 0, squares); err != nil {
		return 0, err
	}
	return math.Sqrt(float64(squares[0])), nil
}

// apply moves the weights at a share of the peak rates, with the gradient
// shortened to Config.Clip.
func (t *Trainer) apply(share, norm float64) error {
	t.State.Updates++
	c, n := t.Config, float64(t.State.Updates)
	factor := 1.0
	if norm > c.Clip {
		factor = c.Clip / norm
	}
	s := [...]float64{share * c.Rate, c.Beta1, c.Beta2, c.Epsilon, c.Weight, 1 - math.Pow(c.Beta1, n), 1 - math.Pow(c.Beta2, n), factor,
		share * c.MuonRate, c.Momentum, c.Weight}
	t.batch = compute.Batch{Segments: t.batch.Segments[:0], Scalars: t.batch.Scalars[:0]}
	for _, x := range s {
		t.batch.Scalars = append(t.batch.Scalars, float32(x))
	}
	return t.update.Run(&t.batch)
}

// Close gives the memory back.
func (t *Trainer) Close() {
	for _, e := range []compute.Exec{t.exec, t.update, t.norm} {
		if e != nil {
			e.Free()
		}
	}
	for _, b := range []compute.Buffer{t.params, t.moments[0], t.moments[1]} {
		if b != nil {
			b.Free()
		}
	}
	if t.tree != nil {
		t.tree.free()
	}
}

// Guard watches for a run that goes wrong. Its verdicts follow from the losses
// alone, so that a run that goes on judges as the uninterrupted one.
type Guard struct {
	Smooth  float64 `json:"smooth"`  // running mean of the loss
	Best    float64 `json:"best"`    // lowest running mean
	Skipped int     `json:"skipped"` // steps in a row that were not finite
	High    int     `json:"high"`    // steps in a row far above the best
}

const (
	smoothing  = 0.98 // of the running mean: it follows some 50 steps
	maxSkipped = 5    // steps in a row without a finite gradient
	maxHigh    = 100  // steps in a row that are worse by maxRise
	maxRise    = 1.0  // nats a token
)

// ErrDiverged says that training made the model worse.
var ErrDiverged = errors.New("training has diverged")

// see takes down a step's loss and gradient; skip says not to use them.
func (g *Guard) see(loss, norm float64) (skip bool, err error) {
	if math.IsNaN(loss+norm) || math.IsInf(loss+norm, 0) {
		g.Skipped++
		if g.Skipped >= maxSkipped {
			return true, fmt.Errorf("%w: the loss or its gradient was not finite in %d steps in a row; lower train.rate", ErrDiverged, g.Skipped)
		}
		return true, nil
	}
	g.Skipped = 0
	if g.Smooth == 0 {
		g.Smooth, g.Best = loss, loss
	}
	g.Smooth = smoothing*g.Smooth + (1-smoothing)*loss
	g.Best = min(g.Best, g.Smooth)
	g.High++
	if g.Smooth < g.Best+maxRise {
		g.High = 0
	}
	if g.High >= maxHigh {
		return true, fmt.Errorf("%w: the loss has been %.2f nats above its best for %d steps; lower train.rate", ErrDiverged, g.Smooth-g.Best, g.High)
	}
	return false, nil
}
