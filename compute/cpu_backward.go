package compute

import (
	"fmt"

	"samovar/compute/kernel"
)

// compileBack returns the steps of an operation that Differentiate made.
func (e *exec) compileBack(op Op) ([]step, error) {
	for _, s := range append(op.reads(), op.writes()...) {
		if e.loaded[s] != nil {
			return nil, fmt.Errorf("%s is loaded and has no gradient", e.program.Slots[s].Name)
		}
	}
	switch o := op.(type) {
	case EmbedBack:
		return e.embedBack(o)
	case NormBack:
		return e.normBack(o)
	case LinearBack:
		return e.linearBack(o)
	case HeadLinearBack:
		return e.headLinearBack(o)
	case CopyBack:
		return e.copyBack(o)
	case RotaryBack:
		return e.rotary(o.Rotary, true)
	case AttentionBack:
		return e.attentionBack(o)
	case SwiGLUBack:
		return e.swigluBack(o)
	case RouteBack:
		return e.routeBack(o)
	case ExpertsBack:
		return e.expertsBack(o)
	case LossBack:
		return e.loss(o, true)
	case Zero:
		return e.zero(o)
	}
	return nil, fmt.Errorf("this device has no such operation")
}

func (e *exec) linearBack(o LinearBack) ([]step, error) {
	if err := e.program.check(o.DX, o.DY); err != nil {
		return nil, err
	}
	x, dx, dy, count := e.table(o.X), e.table(o.DX), e.table(o.DY), e.count(o.X.Slot)
	return append(e.transposed(&dx, &dy, e.slots[o.W], count, !o.Set), e.outer(e.gradient(o.DW), &dy, &x, count)...), nil
}

// gradient is the gradient by a weight, or a part of it.
type gradient struct {
	data  []float32
	fresh *bool // what data holds does not count
}

func (e *exec) gradient(s Slot) gradient {
	g, ok := e.gradients[s]
	if !ok {
		g = gradient{e.slots[s], new(bool)}
		e.gradients[s] = g
	}
	return g
}

// from returns the part from element i on, for a gradient that is not fresh.
func (g gradient) from(i int) gradient { return gradient{g.data[i:], g.fresh} }

// cleared makes a gradient ready to be added to.
func (g gradient) cleared() step {
	s := pieces(len(g.data), func(from, to int) { clear(g.data[from:to]) })
	all := s.pieces
	s.pieces = func() int {
		if !*g.fresh {
			return 0
		}
		*g.fresh = false
		return all()
	}
	return s
}

// transposed is dx (+)= dy·W.
func (e *exec) transposed(dx, dy *table, w []float32, count func() int, add bool) []step {
	return []step{
		e.packed(&e.right, dx.Width, func() int { return dy.Width }, w, dx.Width, false, count),
		e.multiplied(&e.right, dx, dy, add, count),
	}
}

// outer is dw += dyᵀ·x, or dw = dyᵀ·x where dw is fresh.
func (e *exec) outer(dw gradient, dy, x *table, count func() int) []step {
	n, k, from, add := dy.Width, x.Width, *dy, true
	rows := func() int {
		if count() == 0 {
			return 0
		}
		return n
	}
	s := e.product(rows, k, func(worker, n0, n1, k0, k1 int) {
		e.right.Multiply(dw.data[n0*k:], k, from.data[n0:], from.cols, true, n1-n0, k0, k1, add, &e.dev.scratch[worker])
	})
	all := s.pieces
	s.pieces = func() int {
		n := all()
		if add = !*dw.fresh; n > 0 {
			*dw.fresh = false
		}
		return n
	}
	return []step{e.packed(&e.right, k, count, x.data, x.cols, false, count), s}
}

// embedColumns is how many columns of the table a piece of EmbedBack owns.
const embedColumns = 64

func (e *exec) embedBack(o EmbedBack) ([]step, error) {
	dy, sum, width := e.table(o.DY), e.gradient(o.DW), o.DY.Width
	dw, vocabulary := sum.data, int32(e.program.Slots[o.DW].Rows)
	return []step{sum.cleared(), {
		pieces: func() int { return (width + embedColumns - 1) / embedColumns },
		do: func(_, piece int) {
			c0, c1 := piece*embedColumns, min((piece+1)*embedColumns, width)
			for r, id := range e.batch.Tokens {
				if id < 0 || id >= vocabulary {
					id = 0 // as Embed reads it
				}
				kernel.Add(dw[int(id)*width+c0:int(id)*width+c1], dy.head(r, 0)[c0:c1])
			}
		},
	}}, nil
}

// normRows is how many rows' gradients by a norm's weight are summed before
// they are added to the others, in order.
const normRows = 64

func (e *exec) normBack(o NormBack) ([]step, error) {
	if err := e.program.check(o.DX, o.DY); err != nil {
		return nil, err
	}
	x, dx, dy, w, dw := e.table(o.X), e.table(o.DX), e.table(o.DY), e.slots[o.W], e.gradient(o.DW)
	width, count := o.X.Width, e.count(o.X.Slot)
	blocks := func() int { return (count() + normRows - 1) / normRows }
	partial := make([]float32, (max(e.memory.Rows, e.memory.Outputs)+normRows-1)/normRows*width)
	return []step{dw.cleared(), {
		pieces: blocks,
		do: func(_, piece int) {
			sum := partial[piece*width : (piece+1)*width]
			clear(sum)
			for r := piece * normRows; r < min((piece+1)*normRows, count()); r++ {
				for h := range x.Heads {
					kernel.RMSNormBack(dx.head(r, h), sum, x.head(r, h), w, dy.head(r, h), o.Eps, !o.Set)
				}
			}
		},
	}, {
		pieces: func() int { return 1 },
		do: func(int, int) {
			for b := range blocks() {
				kernel.Add(dw.data, partial[b*width:(b+1)*width])
			}
		},
	}}, nil
}

func (e *exec) headLinearBack(o HeadLinearBack) ([]step, error) {
	if err := e.program.check(o.DX, o.DY); err != nil {
		return nil, err
	}
	x, dx, dy, w, dw := e.table(o.X), e.table(o.DX), e.table(o.DY), e.slots[o.W], e.gradient(o.DW)
	n, k, count := o.Y.Width, o.X.Width, e.count(o.X.Slot)
	return []step{dw.cleared(), {
		pieces: func() int { return x.Heads },
		do: func(worker, h int) {
			s, at := &e.dev.scratch[worker], h*n*k
			e.dev.gemm(dx.from(0, h), dx.cols, dy.from(0, h), dy.cols, false, w[at:], k, false, count(), k, n, !o.Set, s)
			e.dev.gemm(dw.data[at:], k, dy.from(0, h), dy.cols, true, x.from(0, h), x.cols, false, n, k, count(), true, s)
		},
	}}, nil
}

func (e *exec) copyBack(o CopyBack) ([]step, error) {
	if err := e.program.check(o.DX, o.DY); err != nil {
		return nil, err
	}
	dx, dy := e.table(o.DX), e.table(o.DY)
	return []step{e.perRow(o.DX.Slot, func(r int) {
		for h := range dy.Heads {
			to, first := dx.head(r, min(h, dx.Heads-1)), dx.Heads > 1 || h == 0
			if o.Set && first {
				copy(to, dy.head(r, h))
			} else {
				kernel.Add(to, dy.head(r, h))
			}
		}
	})}, nil
}

func (e *exec) swigluBack(o SwiGLUBack) ([]step, error) {
	if err := e.program.check(o.DGate, o.DUp, o.DY); err != nil {
		return nil, err
	}
	gate, up, dy, dgate, dup := e.table(o.Gate), e.table(o.Up), e.table(o.DY), e.table(o.DGate), e.table(o.DUp)
	return []step{e.perRow(o.Y.Slot, func(r int) {
		dg, du := dgate.head(r, 0), dup.head(r, 0)
		if o.SetGate != o.SetUp { // one of two views is fresh: both are added to
			if o.SetGate {
				clear(dg)
			} else {
				clear(du)
			}
		}
		kernel.SwiGLUBack(dg, du, gate.head(r, 0), up.head(r, 0), dy.head(r, 0), !o.SetGate || !o.SetUp)
	})}, nil
}

// lossRows is how many rows of logits exist at a time: 256 rows of a vocabulary
// of 8,192 are 8 MB, which stay in the cache between the products.
const lossRows = 256

// loss is Loss, and with back also its gradient, in blocks of rows.
func (e *exec) loss(o LossBack, back bool) ([]step, error) {
	if err := e.program.check(o.Y, o.X, o.DX); err != nil {
		return nil, err
	}
	vocabulary := e.program.Slots[o.W].Rows
	y, x, dx := e.table(o.Y), e.table(o.X), e.table(o.DX)
	logits := table{make([]float32, min(lossRows, e.memory.Rows)*vocabulary), vocabulary, View{Heads: 1, Width: vocabulary, Stride: vocabulary}}
	steps, product, err := e.logits(o.W, x.Width)
	if err != nil {
		return nil, err
	}
	var transposed kernel.Right
	if back {
		steps = append(steps, e.packed(&transposed, x.Width, func() int { return vocabulary }, e.slots[o.W], x.Width, false, func() int { return e.rows }))
	}
	for first := 0; first < e.memory.Rows; first += lossRows {
		count := func() int { return min(max(e.rows-first, 0), lossRows) }
		xs := x.down(first)
		more, err := product(&logits, &xs, count)
		if err != nil {
			return nil, err
		}
		steps = append(append(steps, more...), e.crossEntropy(&y, &logits, first, count, back))
		if back {
			dxs := dx.down(first)
			steps = append(steps, e.multiplied(&transposed, &dxs, &logits, !o.Set, count))
			steps = append(steps, e.outer(e.gradient(o.DW), &logits, &xs, count)...)
		}
	}
	return steps, nil
}

// logits returns how a block of rows is multiplied by w, whose rows are of width k, and
// the steps before the first block.
func (e *exec) logits(w Slot, k int) (before []step, product func(y, x *table, count func() int) ([]step, error), err error) {
	if e.loaded[w] != nil {
		return nil, func(y, x *table, count func() int) ([]step, error) { return e.times(y, x, w, 0, count) }, nil
	}
	info, right := e.program.Slots[w], new(kernel.Right)
	if info.Cols != k {
		return nil, nil, fmt.Errorf("%s is %d×%d and is multiplied by rows of %d", info.Name, info.Rows, info.Cols, k)
	}
	before = []step{e.packed(right, info.Rows, func() int { return k }, e.slots[w], k, true, func() int { return e.rows })}
	return before, func(y, x *table, count func() int) ([]step, error) {
		return []step{e.multiplied(right, y, x, false, count)}, nil
	}, nil
}

// down returns the table from a row on.
func (t *table) down(row int) table {
	d := *t
	d.data = t.data[min(row*t.cols, len(t.data)):]
	return d
}

// crossEntropy turns a block of logits into losses, and with back into the
// gradient by the logits.
func (e *exec) crossEntropy(y, logits *table, first int, count func() int, back bool) step {
	return step{
		pieces: count,
		do: func(_, r int) {
			target := int(e.batch.Targets[first+r])
			row := logits.head(r, 0)
			if target < 0 || target >= len(row) {
				clear(row)
				y.head(first+r, 0)[0] = 0
				return
			}
			var d []float32
			scale := float32(0)
			if back {
				d, scale = row, e.batch.Scalars[0]
				if e.batch.Weights != nil {
					scale *= e.batch.Weights[first+r]
				}
			}
			y.head(first+r, 0)[0] = kernel.CrossEntropy(d, row, target, scale)
		},
	}
}

func (e *exec) zero(o Zero) ([]step, error) {
	var steps []step
	for _, s := range o.Slots {
		switch e.program.Slots[s].Role {
		case Token, Output:
			t := e.table(e.program.All(s))
			steps = append(steps, e.perRow(s, func(r int) { clear(t.head(r, 0)) }))
		default:
			data := e.slots[s]
			steps = append(steps, pieces(len(data), func(from, to int) { clear(data[from:to]) }))
		}
	}
	return steps, nil
}
