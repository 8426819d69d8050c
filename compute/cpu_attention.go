package compute

import (
	"errors"

	"samovar/compute/kernel"
)

// attendRows is how many rows of one head a piece of attention within a batch
// computes at a time: enough for the matrix kernel, few enough that most of the
// masked half is never computed.
const attendRows = 96

func (e *exec) attention(o Attention) ([]step, error) {
	if err := e.program.check(o.Y, o.Q, o.K, o.V); err != nil {
		return nil, err
	}
	if o.Q.Heads != o.Y.Heads || o.K.Heads != o.V.Heads || o.Q.Heads%o.K.Heads != 0 || o.Q.Width != o.K.Width || o.Y.Width != o.V.Width {
		return nil, errors.New("the heads of queries, keys, values and results do not fit")
	}
	if e.memory.Pages != nil {
		return e.attendPages(o)
	}
	y, q, k, v := e.table(o.Y), e.table(o.Q), e.table(o.K), e.table(o.V)
	group := o.Q.Heads / o.K.Heads
	return []step{{
		pieces: func() int { return len(e.batch.Segments) * o.Q.Heads },
		do: func(worker, piece int) {
			segment, head := piece/o.Q.Heads, piece%o.Q.Heads
			first, rows := int(e.start[segment]), e.batch.Segments[segment].Rows
			scratch := &e.dev.scratch[worker]
			for r := 0; r < rows; r += attendRows {
				n := min(attendRows, rows-r)
				p := e.dev.temporary(worker, n*(r+n))
				e.dev.probabilities(p, &q, &k, first, r, n, head, head/group, o.Scale, scratch)
				e.dev.gemm(y.from(first+r, head), y.cols, p, r+n, false,
					v.from(first, head/group), v.cols, false, n, o.Y.Width, r+n, false, scratch)
			}
		},
	}}, nil
}

// probabilities computes softmax(scale·Q·Kᵀ) for rows [r, r+n) of a segment
// that starts at row first, over its rows [0, r+n): n rows of r+n numbers, zero
// where a key lies after the query.
func (d *cpu) probabilities(p []float32, q, k *table, first, r, n, qh, kh int, scale float32, s *kernel.Scratch) {
	w := r + n
	d.gemm(p, w, q.from(first+r, qh), q.cols, false, k.from(first, kh), k.cols, true, n, w, q.Width, false, s)
	for i := range n {
		row := p[i*w : (i+1)*w]
		kernel.Scale(row[:r+i+1], scale)
		kernel.Softmax(row[:r+i+1])
		clear(row[r+i+1:])
	}
}

// attentionBack computes the probabilities again and from them
//
//	dV += Pᵀ·dY, dP = dY·Vᵀ, dS = Scale·P∘(dP − rowsum(dY∘Y)), dQ = dS·K, dK += dSᵀ·Q
//
// (FlashAttention, arXiv:2205.14135 appendix B.2). A piece owns one head of
// keys and values and goes through the queries that share it in order.
func (e *exec) attentionBack(o AttentionBack) ([]step, error) {
	if err := e.program.check(o.DY, o.DQ, o.DK, o.DV); err != nil {
		return nil, err
	}
	a := attentionBack{
		dev: e.dev,
		y:   e.table(o.Y), q: e.table(o.Q), k: e.table(o.K), v: e.table(o.V),
		dy: e.table(o.DY), dq: e.table(o.DQ), dk: e.table(o.DK), dv: e.table(o.DV), scale: o.Scale, addQ: !o.SetQ,
	}
	group := o.Q.Heads / o.K.Heads
	cleared := e.perRow(o.DK.Slot, func(r int) {
		for h := range o.K.Heads {
			if o.SetK {
				clear(a.dk.head(r, h))
			}
			if o.SetV {
				clear(a.dv.head(r, h))
			}
		}
	})
	return []step{cleared, {
		pieces: func() int { return len(e.batch.Segments) * o.K.Heads },
		do: func(worker, piece int) {
			segment, kh := piece/o.K.Heads, piece%o.K.Heads
			first, rows := int(e.start[segment]), e.batch.Segments[segment].Rows
			for g := range group {
				for r := 0; r < rows; r += attendRows {
					n := min(attendRows, rows-r)
					t := e.dev.temporary(worker, 2*n*(r+n))
					a.block(t, first, r, n, kh*group+g, kh, &e.dev.scratch[worker])
				}
			}
		},
	}}, nil
}

// attentionBack holds the operands of AttentionBack.
type attentionBack struct {
	dev                        *cpu
	y, q, k, v, dy, dq, dk, dv table
	scale                      float32
	addQ                       bool
}

// block handles rows [r, r+n) of one query head. t has room for two blocks of
// probabilities.
func (a *attentionBack) block(t []float32, first, r, n, qh, kh int, s *kernel.Scratch) {
	w := r + n
	p, ds := t[:n*w], t[n*w:2*n*w]
	a.dev.probabilities(p, &a.q, &a.k, first, r, n, qh, kh, a.scale, s)
	at := first + r
	a.dev.gemm(a.dv.from(first, kh), a.dv.cols, p, w, true, a.dy.from(at, qh), a.dy.cols, false, w, a.v.Width, n, true, s)
	a.dev.gemm(ds, w, a.dy.from(at, qh), a.dy.cols, false, a.v.from(first, kh), a.v.cols, true, n, w, a.v.Width, false, s)
	for i := range n {
		sum := kernel.Dot(a.dy.head(at+i, qh), a.y.head(at+i, qh))
		kernel.SoftmaxBack(ds[i*w:(i+1)*w], p[i*w:(i+1)*w], sum, a.scale)
	}
	a.dev.gemm(a.dq.from(at, qh), a.dq.cols, ds, w, false, a.k.from(first, kh), a.k.cols, false, n, a.k.Width, w, a.addQ, s)
	a.dev.gemm(a.dk.from(first, kh), a.dk.cols, ds, w, true, a.q.from(at, qh), a.q.cols, false, w, a.k.Width, n, true, s)
}
