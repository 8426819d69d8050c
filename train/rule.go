package train

import "math"

// Choose is Resolve for training from nothing on so many tokens, 0 if that is not
// known yet: what is zero is chosen by a rule, which LOG.md has the runs for ("What
// does a small batch need? Rows" and "Which batch, which rates?").
func (c Config) Choose(width, window int, tokens int64) (Config, error) {
	if c.Batch == 0 {
		c.Batch = ruledBatch(tokens)
	}
	c.Batch = max(1, c.Batch/window) * window
	if c.Leaves == 0 {
		c.Leaves = min(mostLeaves, max(1, c.Batch/leafTokens))
	}
	c.Batch = max(c.Batch, c.Leaves*window)
	if c.Windows == nil {
		c.Windows = ruledWindows(window, c.Batch, c.Leaves)
	}
	for _, s := range []struct {
		of    *float64
		value float64
	}{{&c.Rate, 0.02 * math.Sqrt(256/float64(width))}, {&c.MuonRate, ruledMuon(c.Batch)}, {&c.Decay, 0.8}} {
		if *s.of == 0 {
			*s.of = s.value
		}
	}
	return c.Resolve(width, window)
}

// Where nothing is said, a leaf has at least leafTokens: with fewer at once the
// matrices of a small model are computed before the next are there. More than
// mostLeaves are of no use to the machines that are at hand.
const (
	leafTokens = 2048
	mostLeaves = 8
)

// leastBatch is the least that is worth while: with fewer tokens a step takes as long.
const (
	leastBatch = 2048
	mostBatch  = 65536
)

// ruledBatch is the power of two that is nearest to 1.45·√tokens: 2,048 is best for
// 1M and 2M tokens, and the noise of a gradient that steps may still average grows
// less than the data (arXiv:2406.19146 finds tokens^0.38).
func ruledBatch(tokens int64) int {
	b := leastBatch
	for b < mostBatch && float64(b)*math.Sqrt2 < 1.45*math.Sqrt(float64(tokens)) {
		b *= 2
	}
	return b
}

// ruledMuon is Muon's rate for a batch: it grows as the noise of the gradient falls,
// by the root, up to what was tried.
func ruledMuon(batch int) float64 {
	return min(0.02, 0.01*math.Sqrt(float64(batch)/leastBatch))
}

// leastWindow is the shortest row that is worth while.
const leastWindow = 64

// ruledWindows makes rows grow from a quarter of the window to all of it, as far as
// a batch of such rows can be cut into its leaves.
func ruledWindows(window, batch, leaves int) []int {
	quarter := window / 4
	if quarter < leastWindow || window%4 != 0 || batch%window != 0 || batch/window < leaves {
		return nil
	}
	return []int{quarter, quarter, 2 * quarter, window}
}
