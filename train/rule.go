package train

import "math"

// Choose is Resolve for training from nothing on so many tokens, 0 if that is not
// known yet: what is zero is chosen by a rule, which LOG.md has the runs for ("What
// does a small batch need? Rows").
func (c Config) Choose(width, window int, tokens int64) (Config, error) {
	if c.Batch == 0 {
		c.Batch = ruledBatch(tokens)
	}
	c.Batch = max(1, c.Batch/window) * window
	if c.Leaves == 0 {
		c.Leaves = min(mostLeaves, max(1, c.Batch/leafTokens))
	}
	if c.Windows == nil {
		c.Windows = ruledWindows(window, c.Batch, c.Leaves)
	}
	for _, s := range []struct {
		of    *float64
		value float64
	}{{&c.Rate, 0.02 * math.Sqrt(256/float64(width))}, {&c.MuonRate, 0.01}, {&c.Decay, 0.8}} {
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

// ruledBatch is the tokens of a step: a run has some hundreds of steps at least,
// and the best batch grows with the data (arXiv:2406.19146 finds tokens^0.38).
func ruledBatch(tokens int64) int {
	switch {
	case tokens < 20e6:
		return 4096
	case tokens < 100e6:
		return 8192
	case tokens < 500e6:
		return 16384
	}
	return 32768
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
