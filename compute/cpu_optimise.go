package compute

import (
	"fmt"

	"samovar/compute/kernel"
)

// pieceSize is how many numbers of a long buffer are one piece of work, and in
// SumSquares one partial sum: 256 KB.
const pieceSize = 1 << 16

// pieces is a step over [0, n) in pieces of fixed size.
func pieces(n int, do func(from, to int)) step {
	return step{
		pieces: func() int { return (n + pieceSize - 1) / pieceSize },
		do:     func(_, i int) { do(i*pieceSize, min((i+1)*pieceSize, n)) },
	}
}

func (e *exec) optimise(op Op) ([]step, error) {
	switch o := op.(type) {
	case AddInto:
		y, x := e.slots[o.Y], e.slots[o.X]
		if len(x) != len(y) {
			return nil, fmt.Errorf("add %d numbers to %d", len(x), len(y))
		}
		return []step{pieces(len(y), func(from, to int) {
			if o.Set {
				copy(y[from:to], x[from:to])
			} else {
				kernel.Add(y[from:to], x[from:to])
			}
		})}, nil
	case SumSquares:
		return e.sumSquares(o), nil
	case AdamW:
		return e.adamW(o)
	case Muon:
		return e.muon(o)
	}
	return nil, fmt.Errorf("this device has no such operation")
}

func (e *exec) sumSquares(o SumSquares) []step {
	y, x := e.slots[o.Y], e.slots[o.X]
	partial := make([]float64, (len(x)+pieceSize-1)/pieceSize)
	return []step{
		pieces(len(x), func(from, to int) { partial[from/pieceSize] = float64(kernel.SumSquares(x[from:to])) }),
		{
			pieces: func() int { return 1 },
			do: func(int, int) {
				var sum float64
				for _, p := range partial {
					sum += p
				}
				y[0] = float32(sum)
			},
		},
	}
}

// adamScalars is the number of scalars that AdamW reads.
const adamScalars = 8

func (e *exec) adamW(o AdamW) ([]step, error) {
	w, g, m, v := e.slots[o.W], e.slots[o.G], e.slots[o.M], e.slots[o.V]
	if len(g) != len(w) || len(m) != len(w) || len(v) != len(w) {
		return nil, fmt.Errorf("%d weights, %d gradients, %d and %d moments", len(w), len(g), len(m), len(v))
	}
	var parts []Part
	for _, p := range o.Parts {
		if p.From < 0 || p.To > len(w) {
			return nil, fmt.Errorf("part [%d, %d) of %d weights", p.From, p.To, len(w))
		}
		for ; p.To-p.From > pieceSize; p.From += pieceSize {
			parts = append(parts, Part{p.From, p.From + pieceSize, p.Decay})
		}
		parts = append(parts, p)
	}
	return []step{{
		pieces: func() int { return len(parts) },
		do: func(_, piece int) {
			s, p := e.batch.Scalars, parts[piece]
			decay := float32(0)
			if p.Decay {
				decay = s[4]
			}
			kernel.AdamW(w[p.From:p.To], g[p.From:p.To], m[p.From:p.To], v[p.From:p.To], s[0], s[1], s[2], s[3], decay, s[5], s[6], s[7])
		},
	}}, nil
}
