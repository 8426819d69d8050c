package music

import (
	"math"
	"slices"
)

// Tempos that are looked for, in beats a minute: Krebs, Böck and Widmer (2015) take 55
// to 215.
const (
	slowest = 52.0
	fastest = 215.0
)

// spread is by how much a hypothesis allows the tempo to leave its middle, so that a
// song may grow a quarter faster or slower but never change to half or double.
const spread = 1.27

// A hypothesis is a tempo that a song may have, with the beats that it implies.
type hypothesis struct {
	path
	features [features]float64
	score    float64 // the logarithm of how likely it is, up to a constant
}

// hypotheses tracks beats around each of a row of tempos, a quarter of an octave
// apart, and returns those that differ.
func hypotheses(c curves) []hypothesis {
	heard := heardAs(c)
	var all []hypothesis
	for bpm := fastest; bpm > slowest; bpm /= math.Pow(2, 0.25) {
		middle := 60 * fps / bpm
		p := track(heard, int(middle/spread), int(math.Ceil(middle*spread)))
		if bpm := 60 * fps / p.median(); len(p.beats) < 4 || bpm < slowest || bpm > fastest {
			continue
		}
		for _, p := range p.turned() {
			period := p.median()
			known := slices.ContainsFunc(all, func(h hypothesis) bool {
				return math.Abs(math.Log(h.median()/period)) < 0.04 && agree(h.beats, p.beats)
			})
			if !known {
				h := hypothesis{path: p}
				h.features = describe(p, c)
				all = append(all, h)
			}
		}
	}
	return all
}

// turned returns the path and those that lie a quarter, a half and three quarters of
// a beat later: where what is between beats is louder than what is on them, the
// likeliest path is off by as much. Their last beat may lie beyond the end.
func (p path) turned() []path {
	all := []path{p}
	for _, place := range turns {
		q := path{period: p.period}
		for i, t := range p.beats {
			next := t + p.period
			if i+1 < len(p.beats) {
				next = p.beats[i+1]
			}
			q.beats = append(q.beats, t+int(math.Round(place*float64(next-t))))
		}
		all = append(all, q)
	}
	return all
}

var turns = []float64{0.5, 0.25, 0.75}

// heardAs is the curve that beats are tracked in: onset strength, spread over 15 ms
// because musicians are not exact, compressed so that one loud note does not outweigh
// two beats, and less its mean so that more beats are not better.
func heardAs(c curves) []float64 {
	x := smooth(c.all, 1.5)
	mean := 0.0
	for i, v := range x {
		x[i] = math.Sqrt(v)
		mean += x[i] / float64(len(x))
	}
	for i := range x {
		x[i] -= mean
	}
	return x
}

// median returns the median interval, in frames.
func (p path) median() float64 {
	if len(p.beats) < 2 {
		return float64(p.period)
	}
	steps := make([]int, len(p.beats)-1)
	for i := range steps {
		steps[i] = p.beats[i+1] - p.beats[i]
	}
	slices.Sort(steps)
	return float64(steps[(len(steps)-1)/2]+steps[len(steps)/2]) / 2
}

// agree reports whether nine in ten of the beats of a lie within 3 frames of one of b.
func agree(a, b []int) bool {
	hits, j := 0, 0
	for _, t := range a {
		for j < len(b) && b[j] < t-3 {
			j++
		}
		if j < len(b) && b[j] <= t+3 {
			hits++
		}
	}
	return hits*10 >= len(a)*9
}

// likeliest scores hypotheses and returns the best.
func likeliest(all []hypothesis) (hypothesis, bool) {
	best := -1
	for i := range all {
		all[i].score = judge(all[i].features, judged)
		if best < 0 || all[i].score > all[best].score {
			best = i
		}
	}
	if best < 0 {
		return hypothesis{}, false
	}
	return all[best], true
}

// confidence is how much stronger onsets are on beats than at the other places of a
// beat, from 0 to 1, less what chance explains: of the best of many paths through n
// accidental onsets it exceeds 0 by some 1/√n, which is why a few words seem to beat.
func confidence(p path, c curves) float64 {
	const places = 8
	on, off := sample(c.all, p, 0), 0.0
	for i := 1; i < places; i++ {
		off += sample(c.all, p, float64(i)/places) / (places - 1)
	}
	if on <= off || lone(c.all, p) {
		return 0
	}
	return max(0, (on-off)/(on+off)-1/math.Sqrt(float64(len(p.beats))))
}

// lone reports whether two onsets make up nearly all that there is on beats: a tone or a
// constant that begins and ends, and nothing in between.
func lone(x []float64, p path) bool {
	const nearly = 0.75 // of composed songs of 8 s 0.67 at most, of tones 0.8 at least
	sum, first, second := 0.0, 0.0, 0.0
	for _, t := range p.beats {
		v := peak(x, t)
		sum += v
		first, second = max(first, v), max(second, min(first, v))
	}
	return first+second > nearly*sum
}
