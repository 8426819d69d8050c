package compute

import (
	"errors"
	"fmt"

	"samovar/compute/kernel"
)

// blockRows is how many rows of an element-wise operation are one piece of work.
const blockRows = 16

// compile returns the steps of an operation.
func (e *exec) compile(op Op) ([]step, error) {
	switch o := op.(type) {
	case Embed:
		return e.embed(o)
	case Norm:
		return e.norm(o)
	case Linear:
		return e.linear(o)
	case HeadLinear:
		return e.headLinear(o)
	case Copy:
		return e.copy(o.Y, o.X)
	case Rotary:
		return e.rotary(o, false)
	case Attention:
		return e.attention(o)
	case SwiGLU:
		return e.swiglu(o)
	case Route:
		return e.route(o)
	case Experts:
		return e.experts(o)
	case Select:
		return e.selectRows(o)
	case Loss:
		return e.loss(LossBack{Loss: o}, false)
	case AddInto, SumSquares, AdamW, Muon:
		return e.optimise(op)
	}
	return e.compileBack(op)
}

// perRow is a step that handles rows one by one. The slot's role decides
// whether the rows are tokens or outputs.
func (e *exec) perRow(s Slot, do func(row int)) step {
	count := e.count(s)
	return step{
		pieces: func() int { return (count() + blockRows - 1) / blockRows },
		do: func(_, piece int) {
			for r := piece * blockRows; r < min((piece+1)*blockRows, count()); r++ {
				do(r)
			}
		},
	}
}

// count returns the number of rows that s has in the batch.
func (e *exec) count(s Slot) func() int {
	if e.program.Slots[s].Role == Output {
		return func() int { return e.outputs }
	}
	return func() int { return e.rows }
}

func (e *exec) embed(o Embed) ([]step, error) {
	if err := e.program.check(o.Y); err != nil {
		return nil, err
	}
	y, vocabulary := e.table(o.Y), e.program.Slots[o.W].Rows
	w, plain := e.slots[o.W], e.loaded[o.W] == nil
	return []step{e.perRow(o.Y.Slot, func(r int) {
		// An id outside the vocabulary becomes the first one: callers have
		// checked their ids, and memory must not be read out of bounds.
		id := int(e.batch.Tokens[r])
		if id < 0 || id >= vocabulary {
			id = 0
		}
		dst := y.head(r, 0)
		if plain {
			copy(dst, w[id*len(dst):])
			return
		}
		l := e.loaded[o.W]
		n := l.format.Bytes(l.cols)
		kernel.Dequantize(l.format, dst, l.data[id*n:(id+1)*n])
	})}, nil
}

func (e *exec) norm(o Norm) ([]step, error) {
	if err := e.program.check(o.Y, o.X); err != nil {
		return nil, err
	}
	w := e.slots[o.W]
	if w == nil {
		return nil, errors.New("the weight of a norm must be plain numbers")
	}
	y, x := e.table(o.Y), e.table(o.X)
	return []step{e.perRow(o.Y.Slot, func(r int) {
		for h := range x.Heads {
			kernel.RMSNorm(y.head(r, h), x.head(r, h), w, o.Eps)
		}
	})}, nil
}

func (e *exec) linear(o Linear) ([]step, error) {
	if err := e.program.check(o.Y, o.X, o.Residual); err != nil {
		return nil, err
	}
	if o.Y.Heads != 1 || o.X.Heads != 1 {
		return nil, errors.New("a linear layer takes views of one head")
	}
	y, x, residual := e.table(o.Y), e.table(o.X), e.table(o.Residual)
	steps, err := e.times(&y, &x, o.W, 0, e.count(o.Y.Slot))
	if o.Residual.Slot != None {
		steps = append(steps, e.perRow(o.Y.Slot, func(r int) { kernel.Add(y.head(r, 0), residual.head(r, 0)) }))
	}
	return steps, err
}

// times returns the steps of y = x·Wᵀ for the rows [first, first+y.Width) of W.
func (e *exec) times(y, x *table, w Slot, first int, count func() int) ([]step, error) {
	n, k := y.Width, x.Width
	if info := e.program.Slots[w]; info.Cols != k || first+n > info.Rows {
		return nil, fmt.Errorf("%s is %d×%d and is multiplied as %d×%d", info.Name, info.Rows, info.Cols, n, k)
	}
	if l := e.loaded[w]; l != nil {
		return e.panels(l, y, x, first, count)
	}
	return []step{
		e.packed(&e.right, n, func() int { return k }, e.slots[w][first*k:], k, true, count),
		e.multiplied(&e.right, y, x, false, count),
	}, nil
}

// packed packs op(B) of k()×n if there is anything to multiply; see [kernel.Gemm] for
// b, ld and trans.
func (e *exec) packed(right *kernel.Right, n int, k func() int, b []float32, ld int, trans bool, count func() int) step {
	return step{
		pieces: func() int {
			if count() == 0 {
				return 0
			}
			right.Reset(n, k(), e.dev.bf16)
			return right.Pieces(trans)
		},
		do: func(_, piece int) { right.Pack(b, ld, trans, piece) },
	}
}

// multiplied is y (+)= x·right.
func (e *exec) multiplied(right *kernel.Right, y, x *table, add bool, count func() int) step {
	to, from := *y, *x
	return e.product(count, y.Width, func(worker, r0, r1, n0, n1 int) {
		right.Multiply(to.from(r0, 0), to.cols, from.from(r0, 0), from.cols, false, r1-r0, n0, n1, add, &e.dev.scratch[worker])
	})
}

// panels is times for a loaded matrix: x is put into the form that the format
// multiplies, once for all matrices that share it, then multiplied.
func (e *exec) panels(l *loaded, y, x *table, first int, count func() int) ([]step, error) {
	if err := e.dev.pack(l); err != nil {
		return nil, err
	}
	width := kernel.PanelWidth()
	if first%width != 0 || first+y.Width != l.rows && y.Width%width != 0 {
		return nil, fmt.Errorf("rows %d to %d of a matrix of %d do not lie in whole panels of %d", first, first+y.Width, l.rows, width)
	}
	e.activations.Reset(l.format, e.memory.Rows, x.Width) // its memory, as much as it will need
	var steps []step
	ready := prepared{x.View, &x.data[0], l.format.Panels()}
	if ready != e.prepared || x.Slot == None {
		steps = append(steps, step{
			pieces: func() int {
				e.activations.Reset(l.format, count(), x.Width)
				return (count() + blockRows - 1) / blockRows
			},
			do: func(_, piece int) {
				e.activations.PrepareRows(x.data, x.cols, piece*blockRows, min((piece+1)*blockRows, count()))
			},
		})
		e.prepared = ready
	}
	n, panels := y.Width, l.panels[first/width*kernel.PanelsSize(l.format, width, l.cols):]
	share := max(4*width, n/(4*e.dev.pool.threads)/width*width)
	return append(steps, step{
		pieces: func() int {
			if count() == 0 {
				return 0
			}
			return (n + share - 1) / share
		},
		do: func(worker, piece int) {
			from, to := piece*share, min((piece+1)*share, n)
			kernel.MulPanels(l.format, y.data, y.cols, panels, &e.activations, from, to, l.cols, &e.dev.scratch[worker])
		},
		of: ready,
	}), nil
}

// prepared says what the activations hold.
type prepared struct {
	view   View
	data   *float32
	format kernel.Format
}

// Matrix products are cut into pieces that are long enough to be worth packing what
// they share, and so many that threads finish together: by rows, of which a piece packs
// its own, unless threads would get few.
const (
	tileRows    = 12 // divided by those of most kernels
	fewRows     = 96
	pieceLength = 256 // rows or columns
)

// product is a step that computes a matrix of count()×n in rectangles. Where it is
// cut does not change any element.
func (e *exec) product(count func() int, n int, do func(worker, m0, m1, n0, n1 int)) step {
	threads := e.dev.pool.threads
	cut := func() (m, each int, rows bool) {
		m = count()
		longer, tile := m, tileRows
		if rows = m >= min(n, threads*fewRows); !rows {
			longer, tile = n, kernel.RightColumns()
		}
		parts := threads * min(4, max(1, longer/(threads*pieceLength)))
		each = (longer + parts - 1) / parts
		return m, (each + tile - 1) / tile * tile, rows
	}
	return step{
		pieces: func() int {
			m, each, rows := cut()
			switch {
			case m == 0:
				return 0
			case rows:
				return (m + each - 1) / each
			}
			return (n + each - 1) / each
		},
		do: func(worker, piece int) {
			m, each, rows := cut()
			from := piece * each
			if rows {
				do(worker, from, min(from+each, m), 0, n)
			} else {
				do(worker, 0, m, from, min(from+each, n))
			}
		},
	}
}

func (e *exec) headLinear(o HeadLinear) ([]step, error) {
	if err := e.program.check(o.Y, o.X); err != nil {
		return nil, err
	}
	if o.Y.Heads != o.X.Heads {
		return nil, fmt.Errorf("%d heads from %d", o.Y.Heads, o.X.Heads)
	}
	y, x, n, k, count := e.table(o.Y), e.table(o.X), o.Y.Width, o.X.Width, e.count(o.Y.Slot)
	if e.loaded[o.W] != nil {
		var steps []step
		for h := range o.Y.Heads {
			yh, xh := e.table(oneHead(o.Y, h)), e.table(oneHead(o.X, h))
			more, err := e.times(&yh, &xh, o.W, h*n, count)
			if err != nil {
				return nil, err
			}
			steps = append(steps, more...)
		}
		return steps, nil
	}
	w := e.slots[o.W]
	return []step{{
		pieces: func() int { return o.Y.Heads },
		do: func(worker, h int) {
			e.dev.gemm(y.from(0, h), y.cols, x.from(0, h), x.cols, false, w[h*n*k:], k, true,
				count(), n, k, false, &e.dev.scratch[worker])
		},
	}}, nil
}

// oneHead returns head h of v as a view of one head.
func oneHead(v View, h int) View {
	return View{Slot: v.Slot, Offset: v.Offset + h*v.Stride, Heads: 1, Width: v.Width, Stride: v.Width}
}

// copy moves columns; one head of x is repeated over y's heads.
func (e *exec) copy(yv, xv View) ([]step, error) {
	if err := e.program.check(yv, xv); err != nil {
		return nil, err
	}
	if xv.Width != yv.Width || xv.Heads != 1 && xv.Heads != yv.Heads {
		return nil, fmt.Errorf("copy %d heads of %d to %d of %d", xv.Heads, xv.Width, yv.Heads, yv.Width)
	}
	y, x := e.table(yv), e.table(xv)
	return []step{e.perRow(yv.Slot, func(r int) {
		for h := range y.Heads {
			copy(y.head(r, h), x.head(r, min(h, x.Heads-1)))
		}
	})}, nil
}

// rotary turns the columns of o.X forwards, or back for the gradient.
func (e *exec) rotary(o Rotary, back bool) ([]step, error) {
	if err := e.program.check(o.X); err != nil {
		return nil, err
	}
	if len(o.Freqs) == 0 || 2*len(o.Freqs) != o.X.Width {
		return nil, fmt.Errorf("%d frequencies turn %d columns", len(o.Freqs), o.X.Width)
	}
	x, a := e.table(o.X), e.anglesOf(o.Freqs)
	sin := a.sin
	if back {
		sin = a.minus
	}
	return []step{e.perRow(o.X.Slot, func(r int) {
		at := int(e.positions[r]) * a.pairs
		for h := range x.Heads {
			kernel.Rotate(x.head(r, h), a.cos[at:at+a.pairs], sin[at:at+a.pairs], o.Half)
		}
	})}, nil
}

func (e *exec) swiglu(o SwiGLU) ([]step, error) {
	if err := e.program.check(o.Y, o.Gate, o.Up); err != nil {
		return nil, err
	}
	y, gate, up := e.table(o.Y), e.table(o.Gate), e.table(o.Up)
	return []step{e.perRow(o.Y.Slot, func(r int) {
		kernel.SwiGLU(y.head(r, 0), gate.head(r, 0), up.head(r, 0))
	})}, nil
}

func (e *exec) selectRows(o Select) ([]step, error) {
	if err := e.program.check(o.Y, o.X); err != nil {
		return nil, err
	}
	y, x := e.table(o.Y), e.table(o.X)
	return []step{e.perRow(o.Y.Slot, func(r int) {
		copy(y.head(r, 0), x.head(int(e.batch.Outputs[r]), 0))
	})}, nil
}
