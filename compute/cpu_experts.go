package compute

import (
	"errors"
	"math"
	"slices"

	"samovar/compute/kernel"
)

// route weighs the experts of each row.
func (e *exec) route(o Route) ([]step, error) {
	if err := e.program.check(o.Y, o.X); err != nil {
		return nil, err
	}
	if o.Y.Heads != 1 || o.X.Heads != 1 || o.Y.Width != o.X.Width || o.Used < 1 || o.Used > o.X.Width {
		return nil, errors.New("the experts to choose from do not fit")
	}
	y, x, bias := e.table(o.Y), e.table(o.X), e.slots[o.Bias]
	kept := make([]bool, e.memory.Rows*o.Y.Width)
	return []step{e.perRow(o.Y.Slot, func(r int) {
		out := y.head(r, 0)
		scores(out, x.head(r, 0), o.Sigmoid)
		choose(out, bias, kept[r*len(out):][:len(out)], o)
	})}, nil
}

// scores turns router logits into scores.
func scores(out, logits []float32, sigmoid bool) {
	copy(out, logits)
	if !sigmoid {
		kernel.Softmax(out)
		return
	}
	for i, v := range out {
		out[i] = float32(1 / (1 + math.Exp(-float64(v))))
	}
}

// choose keeps the o.Used largest scores, the first among equals, as weights
// and sets the others to 0. Weights that are kept are above 0, so that a 0
// always means "not chosen". kept is memory to mark them in.
func choose(w, bias []float32, kept []bool, o Route) {
	rank := func(i int) float32 {
		if bias != nil {
			return w[i] + bias[i]
		}
		return w[i]
	}
	clear(kept)
	var sum float32
	for range o.Used {
		best := -1
		for i := range w {
			if !kept[i] && (best < 0 || rank(i) > rank(best)) {
				best = i
			}
		}
		kept[best] = true
		w[best] = max(w[best], math.SmallestNonzeroFloat32)
	}
	for i, v := range w {
		if !kept[i] {
			w[i] = 0
		} else {
			sum += v
		}
	}
	factor := o.Scale
	if o.Normalise {
		factor /= max(sum, 6.103515625e-5) // the smallest normal float16, as llama.cpp bounds the sum
	}
	kernel.Scale(w, factor)
}

// routeBack follows the scores of the chosen experts: with s the scores, c the
// chosen and w = Scale·s/Σ_c s, dS_i = (dW_i − Σ_c dW_j·s_j/Σ_c s)·Scale/Σ_c s.
func (e *exec) routeBack(o RouteBack) ([]step, error) {
	x, y, dx, dy := e.table(o.X), e.table(o.Y), e.table(o.DX), e.table(o.DY)
	return []step{e.perRow(o.X.Slot, func(r int) {
		s := make([]float32, o.X.Width)
		scores(s, x.head(r, 0), o.Sigmoid)
		ds := make([]float32, len(s))
		w, dw := y.head(r, 0), dy.head(r, 0)
		var sum, mean float32
		for i, v := range w {
			if v != 0 {
				sum += s[i]
				mean += float32(dw[i] * s[i])
			}
		}
		for i, v := range w {
			switch {
			case v == 0:
			case o.Normalise:
				ds[i] = (dw[i] - mean/sum) * o.Scale / sum
			default:
				ds[i] = dw[i] * o.Scale
			}
		}
		scoresBack(s, ds, o.Sigmoid)
		if o.Set {
			copy(dx.head(r, 0), ds)
		} else {
			kernel.Add(dx.head(r, 0), ds)
		}
	})}, nil
}

// scoresBack turns ds, the gradient by the scores s, into that by the logits.
func scoresBack(s, ds []float32, sigmoid bool) {
	if sigmoid {
		for i, v := range s {
			ds[i] *= v * (1 - v)
		}
		return
	}
	dot := kernel.Dot(s, ds)
	for i, v := range s {
		ds[i] = v * (ds[i] - dot)
	}
}

// expert is the rows that chose one expert, gathered; all experts of an
// operation use the same memory in turn.
type expert struct {
	rows        []int32
	x, y, dy    table // the rows' inputs, results and gradients
	gate, up, h table
}

func (e *exec) newExpert(o Experts) *expert {
	temp := func(width int) table {
		return table{make([]float32, e.memory.Rows*width), width, View{Heads: 1, Width: width, Stride: width}}
	}
	return &expert{x: temp(o.X.Width), y: temp(o.Y.Width), dy: temp(o.Y.Width), gate: temp(o.Hidden), up: temp(o.Hidden), h: temp(o.Hidden)}
}

func (g *expert) count() int { return len(g.rows) }

// gather lists the rows that chose expert i and copies their x.
func (e *exec) gather(g *expert, i int, r, x *table) step {
	return step{
		pieces: func() int { return 1 },
		do: func(int, int) {
			g.rows = g.rows[:0]
			for row := range e.rows {
				if r.head(row, 0)[i] != 0 {
					copy(g.x.head(len(g.rows), 0), x.head(row, 0))
					g.rows = append(g.rows, int32(row))
				}
			}
		},
	}
}

// each is a step over the gathered rows.
func (g *expert) each(do func(i, row int)) step {
	return step{
		pieces: func() int { return (len(g.rows) + blockRows - 1) / blockRows },
		do: func(_, piece int) {
			for i := piece * blockRows; i < min((piece+1)*blockRows, len(g.rows)); i++ {
				do(i, int(g.rows[i]))
			}
		},
	}
}

// experts goes through the experts in order, so that each row adds up its own
// in the same order in every batch.
func (e *exec) experts(o Experts) ([]step, error) {
	if err := e.program.check(o.Y, o.X, o.R, o.Residual); err != nil {
		return nil, err
	}
	y, x, r, residual := e.table(o.Y), e.table(o.X), e.table(o.R), e.table(o.Residual)
	g := e.newExpert(o)
	steps := []step{e.perRow(o.Y.Slot, func(row int) {
		if o.Residual.Slot == None {
			clear(y.head(row, 0))
		} else {
			copy(y.head(row, 0), residual.head(row, 0))
		}
	})}
	for i := range o.R.Width {
		steps = append(steps, e.gather(g, i, &r, &x))
		hidden, err := e.hidden(g, o, i)
		if err != nil {
			return nil, err
		}
		down, err := e.times(&g.y, &g.h, o.Down, i*o.Y.Width, g.count)
		if err != nil {
			return nil, err
		}
		steps = append(append(append(steps, hidden...), down...), g.each(func(j, row int) {
			kernel.Axpy(y.head(row, 0), r.head(row, 0)[i], g.y.head(j, 0))
		}))
	}
	return steps, nil
}

// hidden computes expert i's gate, up and h for the gathered rows.
func (e *exec) hidden(g *expert, o Experts, i int) ([]step, error) {
	gate, err := e.times(&g.gate, &g.x, o.Gate, i*o.Hidden, g.count)
	if err != nil {
		return nil, err
	}
	up, err := e.times(&g.up, &g.x, o.Up, i*o.Hidden, g.count)
	if err != nil {
		return nil, err
	}
	return append(append(gate, up...), g.each(func(j, _ int) {
		kernel.SwiGLU(g.h.head(j, 0), g.gate.head(j, 0), g.up.head(j, 0))
	})), nil
}

func (e *exec) expertsBack(o ExpertsBack) ([]step, error) {
	if err := e.program.check(o.DY, o.DX, o.DR); err != nil {
		return nil, err
	}
	x, r, dx, dr, dy := e.table(o.X), e.table(o.R), e.table(o.DX), e.table(o.DR), e.table(o.DY)
	g, d := e.newExpert(o.Experts), e.newExpert(o.Experts)
	dgate, dup, ddown := e.gradient(o.DGate), e.gradient(o.DUp), e.gradient(o.DDown)
	steps := []step{dgate.cleared(), dup.cleared(), ddown.cleared(), e.perRow(o.X.Slot, func(row int) {
		if o.SetX {
			clear(dx.head(row, 0))
		}
		if o.SetR {
			clear(dr.head(row, 0))
		}
	})}
	for i := range o.R.Width {
		steps = append(steps, e.gather(g, i, &r, &x), g.each(func(j, row int) {
			copy(g.dy.head(j, 0), dy.head(row, 0))
		}))
		hidden, err := e.hidden(g, o.Experts, i)
		if err != nil {
			return nil, err
		}
		width, n := o.Y.Width, o.Hidden
		down, up := i*width*n, i*n*o.X.Width
		steps = slices.Concat(steps, hidden,
			e.transposed(&d.h, &g.dy, e.slots[o.Down][down:], g.count, false),
			[]step{g.each(func(j, row int) {
				weight := r.head(row, 0)[i]
				dr.head(row, 0)[i] += kernel.Dot(d.h.head(j, 0), g.h.head(j, 0))
				kernel.Scale(d.h.head(j, 0), weight)
				kernel.Scale(g.dy.head(j, 0), weight)
				kernel.SwiGLUBack(d.gate.head(j, 0), d.up.head(j, 0), g.gate.head(j, 0), g.up.head(j, 0), d.h.head(j, 0), false)
			})},
			e.outer(ddown.from(down), &g.dy, &g.h, g.count),
			e.outer(dgate.from(up), &d.gate, &g.x, g.count),
			e.outer(dup.from(up), &d.up, &g.x, g.count),
			e.transposed(&d.x, &d.gate, e.slots[o.Gate][up:], g.count, false),
			e.transposed(&d.x, &d.up, e.slots[o.Up][up:], g.count, true),
			[]step{g.each(func(j, row int) { kernel.Add(dx.head(row, 0), d.x.head(j, 0)) })})
	}
	return steps, nil
}
