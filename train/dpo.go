package train

import (
	"errors"
	"fmt"
	"math"

	"samovar/compute"
	"samovar/model"
)

// Pair is a prompt with two answers, as ids: [0] with the one that was chosen,
// [1] with the one that was rejected. A negative target is not learnt: the
// prompt, and whatever both answers begin with.
type Pair struct{ Tokens, Targets [2][]int32 }

// size is the number of tokens of both answers.
func (p Pair) size() int { return len(p.Tokens[0]) + len(p.Tokens[1]) }

// Pairs is the data of preference tuning. It does not change.
type Pairs interface {
	Len() int64      // different pairs
	Pair(int64) Pair // one of them, from 0
	PerEpoch() int64 // pairs in an epoch, by the weights of their sources
	At(n int64) int64
}

// logs are the log-probabilities of the answers of a pair: of the targets that
// are learnt, in nats.
type logs [2]float64

// outcome is how a model prefers one answer of a pair to the other.
type outcome struct {
	loss   float64 // nats
	margin float64 // reward of the chosen answer less that of the rejected one
	reward logs    // β·log π/π_ref of each answer
}

// prefer is DPO's loss of one pair (arXiv:2305.18290 equation 7), −log σ(margin).
func prefer(beta float64, policy, reference logs) (o outcome) {
	for i := range o.reward {
		o.reward[i] = beta * (policy[i] - reference[i])
	}
	o.margin = o.reward[0] - o.reward[1]
	o.loss = math.Max(-o.margin, 0) + math.Log1p(math.Exp(-math.Abs(o.margin)))
	return o
}

// slope is the derivative of the loss by the margin with its sign turned, σ(−margin).
func (o outcome) slope() float64 { return 1 / (1 + math.Exp(o.margin)) }

// figures are means over pairs.
type figures struct {
	pairs           int
	loss, margin    float64
	accuracy        float64 // share of pairs whose margin is above 0
	chosen, rejects float64 // rewards
}

// add takes in an outcome; the means are sums until mean is called.
func (f *figures) add(o outcome) {
	f.pairs++
	f.loss += o.loss
	f.margin += o.margin
	f.chosen += o.reward[0]
	f.rejects += o.reward[1]
	if o.margin > 0 {
		f.accuracy++
	}
}

func (f figures) mean() figures {
	n := float64(f.pairs)
	return figures{f.pairs, f.loss / n, f.margin / n, f.accuracy / n, f.chosen / n, f.rejects / n}
}

// batchOf lays pairs end to end, an answer a segment.
func batchOf(pairs []Pair) *compute.Batch {
	b := &compute.Batch{}
	for _, p := range pairs {
		for side, tokens := range p.Tokens {
			b.Tokens = append(b.Tokens, tokens...)
			b.Targets = append(b.Targets, p.Targets[side]...)
			b.Segments = append(b.Segments, compute.Segment{Rows: len(tokens)})
		}
	}
	return b
}

// groups cuts pairs, in order, into those that fit into so many rows together.
func groups(pairs []Pair, rows int, do func(from, to int) error) error {
	for from := 0; from < len(pairs); {
		to, size := from, 0
		for to < len(pairs) && size+pairs[to].size() <= rows {
			size += pairs[to].size()
			to++
		}
		if to == from {
			return fmt.Errorf("a pair of answers has %d tokens, and %d are prepared for", pairs[to].size(), rows)
		}
		if err := do(from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// score appends the log-probabilities of pairs that fit into one batch.
func score(s *model.Scorer, b *compute.Batch, all []logs) ([]logs, error) {
	losses, err := s.Losses(b)
	if err != nil {
		return nil, err
	}
	at := 0
	for i, segment := range b.Segments {
		if i%2 == 0 {
			all = append(all, logs{})
		}
		for _, x := range losses[at : at+segment.Rows] {
			all[len(all)-1][i%2] -= float64(x)
		}
		at += segment.Rows
	}
	return all, nil
}

// StepPairs trains on pairs with the log-probabilities of the reference, as the
// next step of a run of so many. The gradient by an answer's log-probability is
// ∓β·σ(−margin) (section 4 of the paper): that of its cross-entropy, weighed.
// scorer computes with the trainer's own weights.
func (t *Trainer) StepPairs(scorer *model.Scorer, pairs []Pair, reference []logs, beta float64, steps int64) (f figures, err error) {
	if f, err = t.pairGradient(scorer, pairs, reference, beta); err != nil {
		return f, fmt.Errorf("step %d: %w", t.State.Step, err)
	}
	return f, t.advance(f.loss, steps)
}

// pairGradient leaves the gradient of the mean loss of pairs in the tree.
func (t *Trainer) pairGradient(scorer *model.Scorer, pairs []Pair, reference []logs, beta float64) (f figures, err error) {
	if len(pairs) == 0 {
		return f, errors.New("there is no pair")
	}
	var ignored float64
	err = t.gradient(len(pairs), func(from, to int) error {
		return groups(pairs[from:to], t.rows, func(first, last int) error {
			first, last = first+from, last+from
			b := batchOf(pairs[first:last])
			policy, err := score(scorer, b, nil)
			if err != nil {
				return err
			}
			b.Scalars = []float32{1 / float32(len(pairs))}
			for i, p := range policy {
				o := prefer(beta, p, reference[first+i])
				f.add(o)
				for side, sign := range [2]float64{1, -1} {
					for range pairs[first+i].Tokens[side] {
						b.Weights = append(b.Weights, float32(sign*beta*o.slope()))
					}
				}
			}
			return t.micro(b, &ignored)
		})
	})
	return f.mean(), err
}
