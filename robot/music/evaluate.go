package music

import (
	"math"
	"sort"
)

// Window is how far a beat may lie from the true one, in seconds, and Trim how much of the
// beginning is not judged, by the custom of MIREX and mir_eval.
const (
	Window = 0.07
	Trim   = 5.0
)

// FMeasure is the F-measure of beats against true ones, both in seconds and rising,
// those before trim left out: the harmonic mean of precision and recall of the
// largest matching of pairs no farther apart than Window (mir_eval.beat.f_measure,
// Raffel et al. 2014; Davies, Degara and Plumbley 2009, section 3.1). Without beats
// on either side it is 0.
func FMeasure(truth, beats []float64, trim float64) float64 {
	truth, beats = after(truth, trim), after(beats, trim)
	if len(truth) == 0 || len(beats) == 0 {
		return 0
	}
	// In sorted sequences taking the earliest partner that fits gives a largest
	// matching.
	hits, j := 0, 0
	for _, t := range truth {
		for j < len(beats) && beats[j] < t-Window {
			j++
		}
		if j < len(beats) && beats[j] <= t+Window {
			hits++
			j++
		}
	}
	return 2 * float64(hits) / float64(len(truth)+len(beats))
}

// Continuity is the length of the longest stretch of right beats and the number
// of all right beats, both as shares (CMLc and CMLt of Hainsworth 2004 and
// mir_eval.beat.continuity at the true metrical level). A beat is right if it and the one before it lie within
// 17.5 % of an interval of true beats that follow each other.
func Continuity(truth, beats []float64, trim float64) (longest, total float64) {
	truth, beats = after(truth, trim), after(beats, trim)
	if len(truth) < 2 || len(beats) < 2 {
		return 0, 0
	}
	used := make([]bool, len(truth))
	right, run := 0, 0
	for i, b := range beats {
		n := nearestTo(truth, b)
		if !used[n] && fits(truth, beats, n, i) {
			used[n] = true
			right++
			run++
		} else {
			run = 0
		}
		longest = max(longest, float64(run))
	}
	count := float64(max(len(truth), len(beats)))
	return longest / count, float64(right) / count
}

// fits reports whether beat i agrees with the true beat n in place and interval.
func fits(truth, beats []float64, n, i int) bool {
	const near = 0.175
	first := n == 0 || i == 0
	interval, own := step(truth, n, first), step(beats, i, first)
	return math.Abs(truth[n]-beats[i]) < near*interval && math.Abs(1-own/interval) < near
}

// step returns the interval that ends at time i, or that begins there for the first.
func step(times []float64, i int, first bool) float64 {
	if first && i+1 < len(times) {
		return times[i+1] - times[i]
	}
	return times[i] - times[i-1]
}

// nearestTo returns the index of the first of the times nearest to t.
func nearestTo(times []float64, t float64) int {
	i := sort.SearchFloat64s(times, t)
	if i == len(times) || i > 0 && t-times[i-1] <= times[i]-t {
		i--
	}
	return i
}

// after returns the times that are not before start.
func after(times []float64, start float64) []float64 {
	for len(times) > 0 && times[0] < start {
		times = times[1:]
	}
	return times
}
