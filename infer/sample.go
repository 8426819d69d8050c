package infer

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"samovar/compute/kernel"
)

// Sampling says how a token is chosen. The zero value takes the likeliest.
//
// The order is llama.cpp's: bias, penalties, TopK, TopP, MinP, Temperature.
// TopP and MinP look at probabilities before Temperature.
type Sampling struct {
	Temperature float64 // divides the logits; 0: the likeliest token, the lowest id among equals
	TopK        int     // only the K likeliest; 0: all
	TopP        float64 // only the fewest that together have this probability; 0 or 1: all
	MinP        float64 // only those with this share of the likeliest one's probability; 0: all
	Repetition  float64 // of tokens seen, positive logits are divided by it and negative ones multiplied; 0 or 1: off
	Frequency   float64 // taken from a token's logit for each time that it was seen
	Presence    float64 // taken from a token's logit if it was seen
	Last        int     // tokens of prompt and answer in which the penalties look; 0: 64; negative: all
	Seed        uint64  // equal requests with equal seeds have equal answers
	Bias        map[int32]float32
}

// minRepetition keeps penalised logits finite: no more is gained beyond it.
const minRepetition = 0.01

// defaultLast is llama.cpp's penalty_last_n.
const defaultLast = 64

// Check returns which field is out of range, or nil.
func (p *Sampling) Check(vocabulary int) error {
	for _, f := range []struct {
		name            string
		value, low, top float64
	}{
		{"temperature", p.Temperature, 0, 1e6}, {"top_k", float64(p.TopK), 0, math.MaxInt32}, {"top_p", p.TopP, 0, 1},
		{"min_p", p.MinP, 0, 1}, {"repetition_penalty", p.Repetition, minRepetition, 1 / minRepetition},
		{"frequency_penalty", p.Frequency, -1e6, 1e6}, {"presence_penalty", p.Presence, -1e6, 1e6},
	} {
		if f.value != 0 && !(f.value >= f.low && f.value <= f.top) {
			return fmt.Errorf("%s is %g: between %g and %g is expected", f.name, f.value, f.low, f.top)
		}
	}
	for id, b := range p.Bias {
		if id < 0 || int(id) >= vocabulary || math.IsNaN(float64(b)) || math.IsInf(float64(b), 1) {
			return fmt.Errorf("logit_bias gives token %d %g: a number for one of %d tokens is expected", id, b, vocabulary)
		}
	}
	return nil
}

// errNumbers says that a model's weights are broken.
var errNumbers = errors.New("the model's logits are not numbers: its weights are damaged")

// sampler chooses tokens. Its memory is reused from token to token.
type sampler struct {
	heap  []candidate
	kept  []candidate
	count []int32 // of each token, zero between calls
}

type candidate struct {
	logit float32
	id    int32
}

// before orders candidates: likelier first, then the lower id.
func (a candidate) before(b candidate) bool {
	return a.logit > b.logit || a.logit == b.logit && a.id < b.id
}

// pick returns the next token after history. It changes logits.
func (s *sampler) pick(logits []float32, history []int32, p *Sampling, random *rand.PCG) (int32, error) {
	for id, b := range p.Bias {
		logits[id] += b
	}
	s.penalise(logits, history, p)
	best := likeliest(logits)
	if best == None {
		return None, errNumbers
	}
	if p.Temperature == 0 {
		return best, nil
	}
	top := float64(logits[best])
	s.kept = slices.Grow(s.kept[:0], len(logits))
	if p.TopK == 0 && (p.TopP == 0 || p.TopP == 1) && p.MinP == 0 {
		for id, l := range logits {
			s.kept = append(s.kept, candidate{l, int32(id)})
		}
	} else {
		s.truncate(logits, top, p)
	}
	return draw(s.kept, top, p.Temperature, random)
}

// penalise lowers the logits of tokens seen (the repetition penalty is that of
// arXiv:1909.05858 section 4.1, with negative logits multiplied).
func (s *sampler) penalise(logits []float32, history []int32, p *Sampling) {
	repeats := p.Repetition != 0 && p.Repetition != 1
	if !repeats && p.Frequency == 0 && p.Presence == 0 {
		return
	}
	last := p.Last
	if last == 0 {
		last = defaultLast
	}
	if last > 0 && last < len(history) {
		history = history[len(history)-last:]
	}
	if s.count == nil {
		s.count = make([]int32, len(logits))
	}
	for _, id := range history {
		s.count[id]++
	}
	for _, id := range history {
		n := s.count[id]
		if n == 0 {
			continue // done
		}
		s.count[id] = 0
		l := float64(logits[id])
		switch {
		case repeats && l > 0:
			l /= p.Repetition
		case repeats:
			l *= p.Repetition
		}
		logits[id] = float32(l - float64(n)*p.Frequency - p.Presence)
	}
}

// likeliest returns the id of the largest logit, the lowest among equals, or
// None if there is none above −∞.
func likeliest(logits []float32) int32 {
	const some = 256 // short enough to be looked through once more
	best, at := float32(math.Inf(-1)), 0
	for i := 0; i < len(logits); i += some {
		if m := kernel.MaxOf(logits[i:min(i+some, len(logits))]); m > best {
			best, at = m, i
		}
	}
	if i := slices.Index(logits[at:], best); i >= 0 && !math.IsInf(float64(best), -1) {
		return int32(at + i)
	}
	return None
}

// truncate fills s.kept with the candidates that TopK, TopP and MinP leave,
// best first. Each of the three keeps a beginning of the sorted list, so they
// can be applied as the list is taken from a heap.
func (s *sampler) truncate(logits []float32, top float64, p *Sampling) {
	s.heap = slices.Grow(s.heap[:0], len(logits))
	var sum float64
	for id, l := range logits {
		s.heap = append(s.heap, candidate{l, int32(id)})
		if p.TopK == 0 {
			sum += math.Exp(float64(l) - top)
		}
	}
	for i := len(s.heap)/2 - 1; i >= 0; i-- {
		sink(s.heap, i)
	}
	if p.TopK > 0 {
		for len(s.kept) < p.TopK && len(s.heap) > 0 {
			c := s.pop()
			s.kept = append(s.kept, c)
			sum += math.Exp(float64(c.logit) - top)
		}
		s.kept = s.kept[:cut(s.kept, top, sum, p)]
		return
	}
	var mass float64
	for len(s.heap) > 0 {
		c := s.pop()
		w := math.Exp(float64(c.logit) - top)
		if len(s.kept) > 0 && w < p.MinP {
			return
		}
		s.kept = append(s.kept, c)
		if mass += w; p.TopP > 0 && mass >= p.TopP*sum {
			return
		}
	}
}

// cut returns how many of the sorted candidates TopP and MinP leave; sum is
// the total of their weights.
func cut(sorted []candidate, top, sum float64, p *Sampling) int {
	var mass float64
	for i, c := range sorted {
		w := math.Exp(float64(c.logit) - top)
		if i > 0 && w < p.MinP {
			return i
		}
		if mass += w; p.TopP > 0 && mass >= p.TopP*sum {
			return i + 1
		}
	}
	return len(sorted)
}

// pop takes the best candidate off the heap.
func (s *sampler) pop() candidate {
	h := s.heap
	best := h[0]
	h[0] = h[len(h)-1]
	s.heap = h[:len(h)-1]
	sink(s.heap, 0)
	return best
}

// sink moves h[i] down until no candidate below is better.
func sink(h []candidate, i int) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// draw chooses among candidates in proportion to exp((logit−top)/temperature).
func draw(kept []candidate, top, temperature float64, random *rand.PCG) (int32, error) {
	weight := func(c candidate) float64 { return math.Exp((float64(c.logit) - top) / temperature) }
	var sum float64
	for _, c := range kept {
		sum += weight(c)
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return None, errNumbers
	}
	rest := float64(random.Uint64()>>11) / (1 << 53) * sum
	last := None
	for _, c := range kept {
		w := weight(c)
		if w > 0 {
			last = c.id
		}
		if rest -= w; rest < 0 {
			break
		}
	}
	return last, nil // the sum's rounding may leave a rest at the end
}

// logSum is log Σ exp(logits).
func logSum(logits []float32) float64 {
	best := likeliest(logits)
	if best == None {
		return math.NaN()
	}
	top := float64(logits[best])
	var sum float64
	for _, l := range logits {
		sum += math.Exp(float64(l) - top)
	}
	return top + math.Log(sum)
}

// appendTop appends the n likeliest tokens to dst, best first; total is logSum.
func appendTop(dst []Score, logits []float32, n int, total float64) []Score {
	from := len(dst)
	for id, l := range logits {
		score := Score{int32(id), float64(l) - total}
		if len(dst)-from == n {
			if n == 0 || !(score.Log > dst[len(dst)-1].Log) {
				continue
			}
			dst = dst[:len(dst)-1]
		}
		dst = append(dst, score)
		for i := len(dst) - 1; i > from && dst[i].Log > dst[i-1].Log; i-- {
			dst[i], dst[i-1] = dst[i-1], dst[i]
		}
	}
	return dst
}
