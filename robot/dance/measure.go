package dance

import (
	"math"
	"sort"
)

// tolerance is σ of a beat alignment score, s.
const tolerance = 0.05

// smoothing is σ of the Gaussian that a speed is smoothed by before its minima are
// taken, s: 5 frames of 60 a second (Li and others, AI Choreographer, ICCV 2021, and the
// programs of that paper).
const smoothing = 5.0 / 60

// Published is the mean joint speed of dances that people danced, rad/s: of 20 dances
// retargeted to Unitree's G1 (G1 Moves, 2026, CC-BY 4.0), the mean over their 29 joints of
// differences between frames, 60 a second, times 60; the dances lie between 0.26
// and 1.23.
const Published = 0.689

// A Score is how well a motion keeps the beat.
type Score struct {
	Music  float64 // alignment over music beats: is each beat danced?
	Motion float64 // over motion beats: is nothing danced beside the beat?
	Speed  float64 // mean joint speed, rad/s
}

// Judge scores the mean joint speeds of a motion, rate a second from time 0 on, against
// the beats of its music. What is before the first beat and after the last counts for
// nothing.
func Judge(speed []float64, rate float64, beats []float64) Score {
	var s Score
	if len(beats) == 0 {
		return s
	}
	first, last := beats[0], beats[len(beats)-1]
	from, to := max(0, int(first*rate)), min(len(speed), int(last*rate)+1)
	if from < to {
		s.Speed = mean(speed[from:to])
	}
	var moved []float64
	for _, t := range MotionBeats(speed, rate) {
		if t > first-tolerance && t < last+tolerance {
			moved = append(moved, t)
		}
	}
	s.Music, s.Motion = Alignment(beats, moved), Alignment(moved, beats)
	return s
}

// MotionBeats returns when a motion is slowest for a moment: the local minima of its
// smoothed mean joint speed, rate values a second, in seconds.
func MotionBeats(speed []float64, rate float64) []float64 {
	x := smooth(speed, smoothing*rate)
	var out []float64
	for i := 1; i+1 < len(x); i++ {
		if x[i] < x[i-1] && x[i] <= x[i+1] {
			out = append(out, (float64(i)+vertex(x[i-1], x[i], x[i+1]))/rate)
		}
	}
	return out
}

// vertex is where the parabola through three values is least, from the middle one.
func vertex(a, b, c float64) float64 {
	d := a - 2*b + c
	if d == 0 {
		return 0
	}
	return 0.5 * (a - c) / d
}

// Alignment is the beat alignment score of times against others: the mean of
// exp(−d²/2σ²), d the distance to the nearest of the others, σ 50 ms (Li and others 2021,
// section 5.2, which counts it over motion beats). Both rise. Without times on either
// side it is 0.
func Alignment(times, others []float64) float64 {
	if len(times) == 0 || len(others) == 0 {
		return 0
	}
	sum := 0.0
	for _, t := range times {
		i := sort.SearchFloat64s(others, t)
		d := math.Inf(1)
		for _, k := range []int{i - 1, i} {
			if k >= 0 && k < len(others) {
				d = min(d, math.Abs(others[k]-t))
			}
		}
		sum += math.Exp(-d * d / (2 * tolerance * tolerance))
	}
	return sum / float64(len(times))
}

// Speed is the mean joint speed of velocities, rad/s.
func Speed(velocity []float64) float64 {
	sum := 0.0
	for _, v := range velocity {
		sum += math.Abs(v)
	}
	return sum / float64(max(1, len(velocity)))
}

// smooth is x with a Gaussian of σ values, whose ends go on as they are.
func smooth(x []float64, sigma float64) []float64 {
	reach := int(math.Ceil(4 * sigma))
	weights := make([]float64, 2*reach+1)
	sum := 0.0
	for k := range weights {
		d := float64(k-reach) / math.Max(sigma, 1e-9)
		weights[k] = math.Exp(-d * d / 2)
		sum += weights[k]
	}
	out := make([]float64, len(x))
	for i := range x {
		for k, w := range weights {
			out[i] += w / sum * x[min(max(i+k-reach, 0), len(x)-1)]
		}
	}
	return out
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(max(1, len(x)))
}
