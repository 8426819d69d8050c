package speech

import (
	"math"
	"time"
)

// Alignment: which moments of a clip belong to which of its phonemes is found by
// dynamic programming over frames, like the states of a hidden Markov model with
// durations (Rabiner, Proceedings of the IEEE 77(2), 1989, section IV.D).
const (
	frame   = 0.010 // s
	longest = 60    // frames of a phoneme
	stray   = 150   // frames by which it may lie elsewhere than its share of the time
)

// align returns where each phoneme ends.
func align(all []phone, c *Clip) []time.Duration {
	ends := make([]time.Duration, len(all))
	if len(all) == 0 {
		return ends
	}
	costs := frameCosts(c)
	n := len(costs[0]) - 1
	expected := share(all, n)
	length := c.Length()
	for i, f := range path(all, costs, expected) {
		ends[i] = min(length, time.Duration(float64(f)*frame*float64(time.Second)))
	}
	ends[len(ends)-1] = length
	return ends
}

// share returns in which frame each phoneme would end if all were as long as expected,
// against each other.
func share(all []phone, frames int) []int {
	sum := 0.0
	for _, p := range all {
		sum += p.length
	}
	out := make([]int, len(all))
	at := 0.0
	for i, p := range all {
		at += p.length
		out[i] = int(math.Round(at / sum * float64(frames)))
	}
	return out
}

// frameCosts returns for each kind of phoneme the sums over frames of the negative
// logarithm of their likelihood.
func frameCosts(c *Clip) [kinds][]float64 {
	level, crosses := measures(c)
	var costs [kinds][]float64
	for k := range costs {
		s := &sounds[k]
		costs[k] = make([]float64, len(level)+1)
		for i := range level {
			a, b := (level[i]-s.level)/s.levels, (crosses[i]-s.crosses)/s.crossing
			costs[k][i+1] = costs[k][i] + min(8, (a*a+b*b)/2) + math.Log(s.levels*s.crossing)
		}
	}
	return costs
}

// measures returns how loud each frame is, dB against the loudest and not less than
// quiet, and the share of its samples that cross zero.
func measures(c *Clip) (level, crosses []float64) {
	step := max(1, int(frame*float64(c.Rate)))
	for at := 0; at+step <= len(c.Samples); at += step {
		power, crossed := 0.0, 0
		for i, s := range c.Samples[at : at+step] {
			power += float64(s) * float64(s)
			if i > 0 && (s < 0) != (c.Samples[at+i-1] < 0) {
				crossed++
			}
		}
		level = append(level, 10*math.Log10(power/float64(step)+1))
		crosses = append(crosses, float64(crossed)/float64(step))
	}
	loudest := 0.0
	for _, l := range level {
		loudest = max(loudest, l)
	}
	for i := range level {
		level[i] = max(quiet, level[i]-loudest)
	}
	return level, crosses
}

// path returns the frames in which phonemes end that are likeliest together, or, where
// there are fewer frames than phonemes, those that were expected.
func path(all []phone, costs [kinds][]float64, expected []int) []int {
	n := len(costs[0]) - 1
	best := make([]float64, n+1) // cost of all before, ending at a frame
	next := make([]float64, n+1)
	from := make([][]int16, len(all)) // frames of the phoneme that ends there
	for t := range best {
		best[t] = math.Inf(1)
	}
	best[0] = 0
	for i, p := range all {
		from[i] = make([]int16, n+1)
		weights := durations(p)
		for t := range next {
			next[t] = math.Inf(1)
			if t < expected[i]-stray || t > expected[i]+stray {
				continue
			}
			for d := 0; d <= min(t, longest); d++ {
				if c := best[t-d] + weights[d] + costs[p.kind][t] - costs[p.kind][t-d]; c < next[t] {
					next[t], from[i][t] = c, int16(d)
				}
			}
		}
		best, next = next, best
	}
	if math.IsInf(best[n], 1) {
		return expected
	}
	ends := make([]int, len(all))
	for i, t := len(all)-1, n; i >= 0; i-- {
		ends[i] = t
		t -= int(from[i][t])
	}
	return ends
}

// durations returns what it costs that a phoneme has a number of frames: log-normal. A
// pause may be left out.
func durations(p phone) (w [longest + 1]float64) {
	s := sounds[p.kind].lengths
	for d := range w {
		x := math.Log(max(0.5, float64(d))*frame/p.length) / s
		w[d] = x*x/2 + math.Log(s)
	}
	w[0] = math.Inf(1)
	if p.kind == pause {
		w[0] = 2
	}
	return w
}
