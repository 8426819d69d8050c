package music

import "math"

// A path is a sequence of beats through a curve, each frame later than the last.
type path struct {
	beats  []int // frames
	period int   // frames from the last beat to the next, which is not heard yet
}

const (
	// stiffness is λ of the bar-pointer model's exponential law of tempo changes
	// (Krebs, Böck and Widmer 2015, equation 8, where 100 is found best).
	stiffness = 100.0
	// gainPerBeat scales onset strength to a logarithm of likelihood.
	gainPerBeat = 1.0
	// turn bounds how much an interval may differ from the one before it: what is
	// farther costs more than a beat can gain.
	turn = 0.055
)

// track finds the likeliest beats whose intervals lie between short and long
// frames. It is the bar pointer of Krebs, Böck and Widmer (An efficient state-space
// model for joint tempo and meter tracking, ISMIR 2015) with one beat a bar: tempo
// changes at beats alone, an interval τ after τ' costs λ|τ/τ'-1|, and what is
// observed counts where a beat is. As nothing happens within an interval, the
// states within it are left out, and the search is over (frame, interval) pairs: the
// dynamic programming of Ellis (Beat tracking by dynamic programming, 2007) with the
// tempo as a state. heard is the curve, less its mean; it takes
// len(heard) times long-short of memory.
func track(heard []float64, short, long int) path {
	kinds := long - short + 1
	n := len(heard)
	if n == 0 {
		return path{period: short}
	}
	score := make([]float32, n*kinds) // of a beat here, followed by that interval
	from := make([]uint8, n*kinds)    // the interval before it, plus 1
	cost, first := changes(short, long)
	arrive := make([]float32, kinds)
	for t := range n {
		for k := range arrive {
			arrive[k] = 0 // the first beat
			if s := t - short - k; s >= 0 {
				arrive[k] = score[s*kinds+k]
			}
		}
		here := float32(gainPerBeat * heard[t])
		for k := range kinds {
			best, by := float32(math.Inf(-1)), 0
			for i, c := range cost[k] {
				if v := arrive[first[k]+i] - c; v > best {
					best, by = v, first[k]+i
				}
			}
			score[t*kinds+k] = here + best
			from[t*kinds+k] = uint8(by)
		}
	}
	return back(score, from, n, short, long)
}

// changes returns the costs of intervals before each interval: cost[k][i] is that of
// interval first[k]+i before interval k, both less short.
func changes(short, long int) (cost [][]float32, first []int) {
	cost, first = make([][]float32, long-short+1), make([]int, long-short+1)
	for k := range cost {
		to := float64(short + k)
		lo := max(short, int(math.Ceil(to/(1+turn))))
		hi := min(long, int(math.Floor(to/(1-turn))))
		first[k] = lo - short
		for before := lo; before <= hi; before++ {
			cost[k] = append(cost[k], float32(stiffness*math.Abs(to/float64(before)-1)))
		}
	}
	return cost, first
}

// back follows the best path from the last beat whose interval reaches the end.
func back(score []float32, from []uint8, n, short, long int) path {
	kinds := long - short + 1
	end, last := -1, 0
	best := float32(math.Inf(-1))
	for t := max(0, n-long); t < n; t++ {
		for k := max(0, n-t-short); k < kinds; k++ {
			if v := score[t*kinds+k]; v > best {
				best, end, last = v, t, k
			}
		}
	}
	p := path{period: short + last}
	for t, k := end, last; t >= 0; {
		p.beats = append(p.beats, t)
		k = int(from[t*kinds+k])
		t -= short + k
	}
	for i, j := 0, len(p.beats)-1; i < j; i, j = i+1, j-1 {
		p.beats[i], p.beats[j] = p.beats[j], p.beats[i]
	}
	return p
}
