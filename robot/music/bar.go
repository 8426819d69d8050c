package music

import "math"

// bars says where in its bar each beat of a path is.
type bars struct {
	meter    int
	position []int
}

const (
	// slip is what it costs a bar to begin anew before it is full, against the
	// standardised evidence of one downbeat: a song keeps its bars but for a pause.
	slip = 8.0
	// common is by how much evidence for three beats a bar must exceed that for
	// four, which nearly all dances have.
	common = 0.15
)

// Weights of the evidence for a downbeat: harmony changes there most of all, basses
// and bass drums sound, and snares do not (Papadopoulos and Peeters, Joint
// estimation of chords and downbeats, 2011; Goto 2001, section 3.3).
var downbeat = struct{ harmony, low, mid, all float64 }{1, 0.5, -0.3, 0.3}

// findBars decides between bars of three and four beats and where they begin.
func findBars(p path, c curves, frames []frame) bars {
	if len(p.beats) == 0 {
		return bars{}
	}
	rows := beatRows(p, c)
	evidence := make([]float64, len(rows))
	low, mid, all, change := make([]float64, len(rows)), make([]float64, len(rows)), make([]float64, len(rows)), harmony(chromas(p, frames))
	for i, r := range rows {
		low[i], mid[i], all[i] = r[lowBand], r[midBand], peak(c.all, p.beats[i])
	}
	low, mid, all, change = standard(low), standard(mid), standard(all), standard(change)
	for i := range evidence {
		evidence[i] = downbeat.harmony*change[i] + downbeat.low*low[i] + downbeat.mid*mid[i] + downbeat.all*all[i]
	}
	evidence = standard(evidence)
	three, sum3 := lay(evidence, 3)
	four, sum4 := lay(evidence, 4)
	sum3 += 0.5 * (likeness(rows, 3) + likeness(rows, 6))
	sum4 += 0.5*(likeness(rows, 4)+likeness(rows, 8)) + common
	if sum3 > sum4 {
		return bars{3, three}
	}
	return bars{4, four}
}

// harmony returns how much the notes of the two beats from each on differ from those
// of the two before it: one less the cosine. Over two beats it does not matter that
// the accompaniment may play a new chord only after the bass.
func harmony(rows [][chroma]float64) []float64 {
	var none [chroma]float64
	beat := func(i int) [chroma]float64 {
		if i < 0 || i >= len(rows) {
			return none
		}
		return rows[i]
	}
	change := make([]float64, len(rows))
	for i := 2; i < len(rows); i++ {
		a, b, c, d := beat(i-2), beat(i-1), beat(i), beat(i+1)
		for k := range a {
			a[k] += b[k]
			c[k] += d[k]
		}
		change[i] = 1 - cosine(a[:], c[:])
	}
	return change
}

// lay finds the likeliest positions of beats in bars of meter beats, by Viterbi's
// algorithm, and how well the evidence agrees: what downbeats have above their mean
// in a beat of the song, made comparable between meters.
func lay(evidence []float64, meter int) (position []int, agreement float64) {
	n := len(evidence)
	score, from := make([][]float64, n), make([][]int, n)
	for i, e := range evidence {
		score[i], from[i] = make([]float64, meter), make([]int, meter)
		for k := range meter {
			gain := -e / float64(meter-1)
			if k == 0 {
				gain = e
			}
			if i > 0 {
				before := (k + meter - 1) % meter
				best := score[i-1][before]
				for j := range meter {
					if v := score[i-1][j] - slip; k == 0 && v > best {
						best, before = v, j
					}
				}
				gain += best
				from[i][k] = before
			}
			score[i][k] = gain
		}
	}
	last := 0
	for k, v := range score[n-1] {
		if v > score[n-1][last] {
			last = k
		}
	}
	position = make([]int, n)
	for i, k := n-1, last; i >= 0; i-- {
		position[i] = k
		k = from[i][k]
	}
	// The difference of means over its standard deviation for random bars.
	return position, score[n-1][last] / float64(n) * math.Sqrt(float64(meter-1))
}

// standard returns x with mean 0 and standard deviation 1, at most 3 from 0.
func standard(x []float64) []float64 {
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		square += (v - mean) * (v - mean) / float64(len(x))
	}
	out := make([]float64, len(x))
	for i, v := range x {
		if square > 0 {
			out[i] = max(-3, min(3, (v-mean)/math.Sqrt(square)))
		}
	}
	return out
}
