package compute

import (
	"fmt"
	"slices"
)

// Differentiate returns the program that runs p, which ends in a Loss, and then
// adds the gradient of Batch.Scalars[0]·Σ Batch.Weights·Loss by every weight to
// a slot of its own. grads gives that slot for each weight. With recompute the results of
// all layers but the last are computed again on the way back, to the same bits: a third
// more operations, and memory for the results of one layer instead of all.
func Differentiate(p *Program, recompute bool) (q *Program, grads map[Slot]Slot, err error) {
	d := differentiator{
		q:       &Program{Slots: append([]SlotInfo(nil), p.Slots...), Window: p.Window, Keep: p.Keep},
		grads:   map[Slot]Slot{},
		written: map[Slot]bool{},
	}
	if len(p.Ops) == 0 {
		return nil, nil, fmt.Errorf("differentiate: the program is empty")
	}
	loss, ok := p.Ops[len(p.Ops)-1].(Loss)
	if !ok {
		return nil, nil, fmt.Errorf("differentiate: the program does not end in a loss")
	}
	d.q.Ops = append(d.q.Ops, p.Ops[:len(p.Ops)-1]...)
	d.loss(loss)
	ops, layers := slices.Clone(p.Ops), p.Layers
	for i := len(ops) - 2; i >= 0; i-- {
		if n := len(layers); recompute && n > 1 && i == layers[n-1]-1 {
			layers = layers[:n-1]
			d.repeat(ops[layers[n-2] : i+1])
		}
		if err := d.back(ops[i]); err != nil {
			return nil, nil, err
		}
	}
	grads = map[Slot]Slot{}
	p.Weights(func(s Slot, _ SlotInfo) {
		if g, ok := d.grads[s]; ok {
			grads[s] = g
		}
	})
	return d.q, grads, nil
}

type differentiator struct {
	q       *Program
	grads   map[Slot]Slot // of a slot: where its gradient is
	written map[Slot]bool // gradients that hold something
}

// of returns the view of the gradient that corresponds to v, and whether what
// comes first must overwrite it.
func (d *differentiator) of(v View) (g View, set bool) {
	s, ok := d.grads[v.Slot]
	if !ok {
		info := d.q.Slots[v.Slot]
		s = d.q.Add(SlotInfo{Name: "gradient of " + info.Name, Role: info.Role, Cols: info.Cols})
		d.grads[v.Slot] = s
	}
	if !d.written[s] {
		d.written[s] = true
		if set = d.q.Full(v); !set {
			d.q.Do(Zero{Slots: []Slot{s}})
		}
	}
	v.Slot = s
	return v, set
}

// weight returns the slot of a weight's gradient, which the caller binds.
func (d *differentiator) weight(w Slot) Slot {
	g, ok := d.grads[w]
	if !ok {
		info := d.q.Slots[w]
		g = d.q.Add(SlotInfo{Name: "gradient of " + info.Name, Role: Weight, Rows: info.Rows, Cols: info.Cols})
		d.grads[w] = g
	}
	return g
}

func (d *differentiator) loss(o Loss) {
	dx, set := d.of(o.X)
	d.q.Do(LossBack{Loss: o, DX: dx, DW: d.weight(o.W), Set: set})
}

// back appends the gradient of one operation, whose output's gradient is complete.
func (d *differentiator) back(op Op) error {
	for _, s := range op.writes() {
		if g, ok := d.grads[s]; !ok || !d.written[g] {
			return nil // nothing that follows used it
		}
	}
	switch o := op.(type) {
	case Embed:
		dy, _ := d.of(o.Y)
		d.q.Do(EmbedBack{DY: dy, DW: d.weight(o.W)})
	case Norm:
		dy, _ := d.of(o.Y)
		dx, set := d.of(o.X)
		d.q.Do(NormBack{Norm: o, DX: dx, DY: dy, DW: d.weight(o.W), Set: set})
	case Linear:
		dy, _ := d.of(o.Y)
		dx, set := d.of(o.X)
		d.q.Do(LinearBack{Linear: o, DX: dx, DY: dy, DW: d.weight(o.W), Set: set})
		d.residual(o.Residual, o.Y, dy)
	case HeadLinear:
		dy, _ := d.of(o.Y)
		dx, set := d.of(o.X)
		d.q.Do(HeadLinearBack{HeadLinear: o, DX: dx, DY: dy, DW: d.weight(o.W), Set: set})
	case Copy:
		dy, _ := d.of(o.Y)
		dx, set := d.of(o.X)
		d.q.Do(CopyBack{DX: dx, DY: dy, Set: set})
	case Rotary:
		dx, _ := d.of(o.X)
		o.X = dx
		d.q.Do(RotaryBack{o})
	case Attention:
		dy, _ := d.of(o.Y)
		dq, setQ := d.of(o.Q)
		dk, setK := d.of(o.K)
		dv, setV := d.of(o.V)
		d.q.Do(AttentionBack{Attention: o, DY: dy, DQ: dq, DK: dk, DV: dv, SetQ: setQ, SetK: setK, SetV: setV})
	case SwiGLU:
		dy, _ := d.of(o.Y)
		dg, setG := d.of(o.Gate)
		du, setU := d.of(o.Up)
		d.q.Do(SwiGLUBack{SwiGLU: o, DY: dy, DGate: dg, DUp: du, SetGate: setG, SetUp: setU})
	case Route:
		dy, _ := d.of(o.Y)
		dx, set := d.of(o.X)
		d.q.Do(RouteBack{Route: o, DX: dx, DY: dy, Set: set})
	case Experts:
		dy, _ := d.of(o.Y)
		dx, setX := d.of(o.X)
		dr, setR := d.of(o.R)
		d.q.Do(ExpertsBack{Experts: o, DX: dx, DR: dr, DY: dy, SetX: setX, SetR: setR,
			DGate: d.weight(o.Gate), DUp: d.weight(o.Up), DDown: d.weight(o.Down)})
		d.residual(o.Residual, o.Y, dy)
	default:
		return fmt.Errorf("differentiate: %T has no gradient", op)
	}
	return nil
}

// residual passes dy on to what was added to y. The gradient of a residual
// stream is one buffer all the way down: where nothing has been added to it
// yet, the residual's gradient takes over y's.
func (d *differentiator) residual(r, y, dy View) {
	if r.Slot == None {
		return
	}
	if _, ok := d.grads[r.Slot]; !ok && d.q.Full(r) && d.q.Full(y) {
		d.grads[r.Slot] = dy.Slot
		return
	}
	dr, set := d.of(r)
	d.q.Do(CopyBack{DX: dr, DY: dy, Set: set})
}
