package music

import (
	"fmt"
	"math"
	"os"
	"sync"
	"testing"

	"samovar/robot/music/song"
)

// tunes is the number of songs in each of the tuned styles.
const tunes = 8

// A trial is the hypotheses of one song: their features, standardised, and how
// probable each should be.
type trial struct {
	features [][features]float64
	f        []float64 // F-measures
	want     []float64
}

// TestFit fits the weights of judge.go to songs in the tuned styles and improvised
// ones and prints them. It takes two minutes of processor time.
func TestFit(t *testing.T) {
	if os.Getenv("SAMOVAR_FIT") == "" {
		t.Skip("SAMOVAR_FIT=1 fits the weights of judge.go anew")
	}
	var songs []func() ([]float32, []float64)
	for k, style := range tuned {
		for seed := range uint64(tunes) {
			songs = append(songs, func() ([]float32, []float64) {
				s, err := song.ComposeIn(style, 50000+100*seed+uint64(k), 60)
				if err != nil {
					t.Error(err)
				}
				return s.Render(Rate), s.Beats
			})
		}
	}
	for seed := range uint64(240) {
		songs = append(songs, func() ([]float32, []float64) {
			s := song.Improvise(seed+1, 45)
			return s.Render(Rate), s.Beats
		})
	}
	for bpm := 65.0; bpm < 190; bpm += 15 {
		songs = append(songs, func() ([]float32, []float64) {
			beats := every(60/bpm, 20)
			return clicks(20, beats), beats
		})
	}
	trials := make([]trial, len(songs))
	atOnce(len(songs), func(n int) {
		x, truth := songs[n]()
		tr := &trials[n]
		for _, h := range hypotheses(newCurves(framesOf(x))) {
			beats := make([]float64, len(h.beats))
			for i, b := range h.beats {
				beats[i] = secondsAt(float64(b))
			}
			tr.features = append(tr.features, h.features)
			tr.f = append(tr.f, FMeasure(truth, beats, Trim))
		}
		tr.want = softmax(tr.f, 0.08)
	})
	scale := standardise(trials)
	// The penalty is chosen by cross-validation: three parts, each judged by the other
	// two. The songs of a style stay together: what counts is styles that are not known.
	best, penalty := 0.0, 0.0
	for _, p := range []float64{0.03, 0.1, 0.3} {
		sum := 0.0
		for part := range 3 {
			var learn, judged []trial
			for i, tr := range trials {
				if i/tunes%3 == part {
					judged = append(judged, tr)
				} else {
					learn = append(learn, tr)
				}
			}
			sum += score(fit(learn, p), judged) * float64(len(judged)) / float64(len(trials))
		}
		t.Logf("penalty %g: F %.3f in cross-validation", p, sum)
		if sum > best {
			best, penalty = sum, p
		}
	}
	w := fit(trials, penalty)
	t.Logf("penalty %g: F %.3f on the %d songs themselves", penalty, score(w, trials), len(trials))
	line := ""
	for i := range w {
		line += fmt.Sprintf("%.3g, ", w[i]/scale[i])
	}
	t.Log(line)
}

// atOnce calls f for 0 to n-1, four at a time.
func atOnce(n int, f func(int)) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i := range n {
		wait.Add(1)
		slots <- struct{}{}
		go func() {
			defer wait.Done()
			f(i)
			<-slots
		}()
	}
	wait.Wait()
}

// softmax returns probabilities in proportion to e^(x/temperature).
func softmax(x []float64, temperature float64) []float64 {
	top, sum := math.Inf(-1), 0.0
	for _, v := range x {
		top = max(top, v)
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Exp((v - top) / temperature)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// standardise gives each feature standard deviation 1 and returns what it had. The
// mean does not matter, as hypotheses of one song are compared.
func standardise(trials []trial) [features]float64 {
	var mean, square, scale [features]float64
	n := 0.0
	for _, tr := range trials {
		for _, f := range tr.features {
			n++
			for k, v := range f {
				mean[k] += v
				square[k] += v * v
			}
		}
	}
	for k := range scale {
		scale[k] = math.Sqrt(square[k]/n-mean[k]*mean[k]/n/n) + 1e-6
	}
	for _, tr := range trials {
		for i := range tr.features {
			for k := range scale {
				tr.features[i][k] /= scale[k]
			}
		}
	}
	return scale
}

// fit maximises the mean logarithm of the probabilities that the weights give to
// what is wanted, less a penalty on their squares, by gradient ascent with momentum.
// The two weights of tempo are hardly penalised.
func fit(trials []trial, penalty float64) [features]float64 {
	var w, velocity [features]float64
	for range 600 {
		var g [features]float64
		for _, tr := range trials {
			x := make([]float64, len(tr.f))
			for i := range x {
				for k, v := range tr.features[i] {
					x[i] += w[k] * v
				}
			}
			for i, p := range softmax(x, 1) {
				for k, v := range tr.features[i] {
					g[k] += (tr.want[i] - p) * v / float64(len(trials))
				}
			}
		}
		for k := range w {
			l := penalty
			if k < 2 {
				l /= 50
			}
			velocity[k] = 0.9*velocity[k] + 0.05*(g[k]-l*w[k])
			w[k] += velocity[k]
		}
	}
	return w
}

// score is the mean F-measure of the hypotheses that the weights choose.
func score(w [features]float64, trials []trial) float64 {
	sum := 0.0
	for _, tr := range trials {
		best, at := math.Inf(-1), 0
		for i, f := range tr.features {
			x := 0.0
			for k, v := range f {
				x += w[k] * v
			}
			if x > best {
				best, at = x, i
			}
		}
		sum += tr.f[at] / float64(len(trials))
	}
	return sum
}
