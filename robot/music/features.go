package music

import "math"

// features is how many numbers describe a hypothesis.
const features = 50

// describe computes what tells the beat from its half, double, triple and its
// offbeats: the tempo; how strong onsets and changes of harmony are on beats and
// between them; how alike beats are to later ones; and how far basses, snares and
// harmony keep cycles of some beats. The first and the last quarter of a beat count apart:
// where two notes are close, the beat is on the second, which lasts longer (rule 5 of
// metrical preference of Lerdahl and Jackendoff 1983, Parncutt's durational accent 1994).
func describe(p path, c curves) [features]float64 {
	octave := math.Log2(60 * fps / p.median() / 120)
	f := []float64{octave, octave * octave}
	places := []float64{0, 0.25, 1. / 3, 0.5, 2. / 3, 0.75}
	for _, x := range [][]float64{c.band[lowBand], c.band[midBand], c.band[highBand], c.all, c.change} {
		var at [6]float64
		for i, place := range places {
			at[i] = sample(x, p, place)
		}
		f = append(f, at[0], at[3], (at[2]+at[4])/2, (at[1]+at[5])/2, at[1]-at[5])
	}
	rows := beatRows(p, c)
	for _, distance := range []int{1, 2, 3, 4, 6, 8} {
		f = append(f, likeness(rows, distance))
	}
	low, mid, change := make([]float64, len(rows)), make([]float64, len(rows)), make([]float64, len(rows))
	for i, r := range rows {
		low[i], mid[i], change[i] = r[lowBand], r[midBand], peak(c.change, p.beats[i])
	}
	for _, m := range []int{2, 3, 4, 6, 8} {
		f = append(f, cycle(change, m))
	}
	for _, m := range []int{2, 3, 4, 8} {
		f = append(f, cycle(low, m))
	}
	f = append(f, cycle(mid, 2), cycle(mid, 4), cycle(mid, 8))
	f = append(f, strongest(change, 3), strongest(change, 4), strongest(change, 8), strongest(low, 4), opening(p, c))
	return [features]float64(f)
}

// opening is how well the first onset of a song lies on a beat: the cosine of its
// phase, 1 on a beat and -1 between two. Most songs begin on one.
func opening(p path, c curves) float64 {
	if c.first < 0 {
		return 0
	}
	interval := p.median()
	at, best := float64(c.first), math.Inf(1)
	for _, t := range p.beats {
		if d := at - float64(t); math.Abs(d) < math.Abs(best) {
			best = d
		}
	}
	return math.Cos(2 * math.Pi * best / interval)
}

// sample returns the mean of the curve, at its highest within 2 frames, at a place
// between beats.
func sample(x []float64, p path, place float64) float64 {
	sum := 0.0
	for i, t := range p.beats {
		next := t + p.period
		if i+1 < len(p.beats) {
			next = p.beats[i+1]
		}
		sum += peak(x, t+int(math.Round(place*float64(next-t))))
	}
	return sum / float64(len(p.beats))
}

// peak is the highest value within 2 frames.
func peak(x []float64, at int) float64 {
	best := 0.0
	for t := max(0, at-2); t <= min(len(x)-1, at+2); t++ {
		best = max(best, x[t])
	}
	return best
}

// beatRows describes each beat by its bands' onsets on it and halfway to the next.
func beatRows(p path, c curves) [][2 * bands]float64 {
	rows := make([][2 * bands]float64, len(p.beats))
	for i, t := range p.beats {
		next := t + p.period
		if i+1 < len(p.beats) {
			next = p.beats[i+1]
		}
		for b := range bands {
			rows[i][b] = peak(c.band[b], t)
			rows[i][bands+b] = peak(c.band[b], (t+next)/2)
		}
	}
	return rows
}

// likeness is the correlation of rows with those distance later.
func likeness(rows [][2 * bands]float64, distance int) float64 {
	if len(rows) <= distance {
		return 0
	}
	var mean [2 * bands]float64
	for _, r := range rows {
		for k, v := range r {
			mean[k] += v / float64(len(rows))
		}
	}
	both, own := 0.0, 1e-9
	for i, r := range rows {
		for k, v := range r {
			own += (v - mean[k]) * (v - mean[k]) / float64(len(rows))
			if i+distance < len(rows) {
				both += (v - mean[k]) * (rows[i+distance][k] - mean[k]) / float64(len(rows)-distance)
			}
		}
	}
	return both / own
}

// chromas returns the mean chroma from each beat to the next.
func chromas(p path, frames []frame) [][chroma]float64 {
	rows := make([][chroma]float64, len(p.beats))
	for i, t := range p.beats {
		next := t + p.period
		if i+1 < len(p.beats) {
			next = p.beats[i+1]
		}
		for _, f := range frames[min(t, len(frames)):min(next, len(frames))] {
			for k, v := range f.chroma {
				rows[i][k] += float64(v)
			}
		}
	}
	return rows
}

func cosine(a, b []float64) float64 {
	ab, aa, bb := 0.0, 1e-12, 1e-12
	for k := range a {
		ab += a[k] * b[k]
		aa += a[k] * a[k]
		bb += b[k] * b[k]
	}
	return ab / math.Sqrt(aa*bb)
}

// strongest is the mean of x on the best phase of a cycle of m.
func strongest(x []float64, m int) float64 {
	if len(x) < 2*m {
		return 0
	}
	sum, count, best := make([]float64, m), make([]float64, m), 0.0
	for i, v := range x {
		sum[i%m] += v
		count[i%m]++
	}
	for i := range sum {
		best = max(best, sum[i]/count[i])
	}
	return best
}

// cycle is how far the strongest phase of x is above its mean, in standard deviations.
func cycle(x []float64, m int) float64 {
	mean, square := 0.0, 1e-9
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		square += (v - mean) * (v - mean) / float64(len(x))
	}
	return max(0, strongest(x, m)-mean) / math.Sqrt(square)
}
