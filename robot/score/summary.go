package score

import (
	"math"
	"slices"
)

// Summary is what came of many trials.
type Summary struct {
	Dances     int      `json:"dances"`
	Fell       Share    `json:"fell"`
	Stopped    Share    `json:"stopped"` // by the supervisor, fallen or not
	Violations uint64   `json:"violations"`
	Pushes     int      `json:"pushes"`
	Seconds    float64  `json:"seconds"`
	Drift      Figure   `json:"drift_m"`
	Music      Figure   `json:"bas_music"`  // of those that did not fall
	Motion     Figure   `json:"bas_motion"` // likewise
	JointSpeed Figure   `json:"mean_joint_speed"`
	Moves      Figure   `json:"moves"`
	Steps      Figure   `json:"steps"`
	Tilt       Figure   `json:"max_tilt_rad"`
	Realtime   Figure   `json:"realtime_factor"`
	Tick       float64  `json:"tick_p99_ms"` // processor time of 99 % of all ticks is less
	Results    []Result `json:"results"`
}

// Share is how many of all, with the 95 % interval of the share.
type Share struct {
	Count int     `json:"count"`
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Figure is a mean with its 95 % interval, and the extremes.
type Figure struct {
	Mean     float64 `json:"mean"`
	Low      float64 `json:"low"` // of the mean
	High     float64 `json:"high"`
	Least    float64 `json:"least"`
	Greatest float64 `json:"greatest"`
}

// Summarise makes a summary of results.
func Summarise(all []Result) Summary {
	s := Summary{Dances: len(all), Results: all}
	fell, stopped := 0, 0
	var drift, tilt, real, ticks, music, motion, speed, moves, steps []float64
	for i := range all {
		r := &all[i]
		if r.FellAt != nil {
			fell++
		} else {
			music, motion, speed = append(music, r.Music), append(motion, r.Motion), append(speed, r.JointSpeed)
			moves, steps = append(moves, float64(r.Moves)), append(steps, float64(r.Steps))
		}
		if r.Stopped != "" {
			stopped++
		}
		s.Violations, s.Pushes, s.Seconds = s.Violations+r.Violations, s.Pushes+r.Pushes, s.Seconds+r.Seconds
		drift, tilt, real = append(drift, r.Drift), append(tilt, r.Tilt), append(real, r.Realtime)
		ticks = append(ticks, r.Thought...)
	}
	s.Fell, s.Stopped = shareOf(fell, len(all)), shareOf(stopped, len(all))
	s.Drift, s.Tilt, s.Realtime = FigureOf(drift), FigureOf(tilt), FigureOf(real)
	s.Music, s.Motion, s.JointSpeed, s.Moves, s.Steps = FigureOf(music), FigureOf(motion), FigureOf(speed), FigureOf(moves), FigureOf(steps)
	s.Tick = 1000 * Quantile(ticks, 0.99)
	return s
}

func shareOf(k, n int) Share {
	low, high := Interval(k, n)
	return Share{k, float64(k) / float64(max(1, n)), low, high}
}

// normal is how many standard errors a 95 % interval reaches to either side.
const normal = 1.96

// FigureOf returns the mean of all, its interval by the normal distribution, and the
// extremes.
func FigureOf(all []float64) Figure {
	if len(all) == 0 {
		return Figure{}
	}
	n := float64(len(all))
	sum, squares := 0.0, 0.0
	for _, x := range all {
		sum += x
	}
	mean := sum / n
	for _, x := range all {
		squares += (x - mean) * (x - mean)
	}
	half := normal * math.Sqrt(squares/max(1, n-1)/n)
	return Figure{mean, mean - half, mean + half, slices.Min(all), slices.Max(all)}
}

// Quantile is the value below which a share of all lies; all is sorted by it.
func Quantile(all []float64, share float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(share*float64(len(all))))]
}

// Interval is the 95 % interval of a share of k in n (Wilson, Journal of the American
// Statistical Association 22, 1927).
func Interval(k, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = normal
	p, m := float64(k)/float64(n), float64(n)
	middle, half := (p+z*z/2/m)/(1+z*z/m), z/(1+z*z/m)*math.Sqrt(p*(1-p)/m+z*z/4/m/m)
	low, high = max(0, middle-half), min(1, middle+half)
	if k == 0 {
		low = 0 // but for rounding
	}
	if k == n {
		high = 1
	}
	return low, high
}
