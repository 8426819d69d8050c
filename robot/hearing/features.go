package hearing

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Features are what is compared of two utterances: mel-frequency cepstral coefficients
// (Davis and Mermelstein, IEEE Transactions on Acoustics, Speech and Signal Processing
// 28(4), 1980) and how they change, a vector each hop.
const (
	hop     = 0.010 // s
	window  = 0.025 // s
	bands   = 26
	lowest  = 100.0  // Hz, of the lowest band
	highest = 6500.0 // Hz, of the highest
	cepstra = 12     // without the one that is loudness
	width   = 2 * (cepstra + 1)
	ground  = 0.003 // of a band's peak, 25 dB below it: at 0.02 as many as a fifth of clear commands are missed
	slope   = 2     // frames before and behind from which a change is taken
)

type vector [width]float64

// features returns those of a sound from its first to its last frame that is louder
// than what lies around; none where nothing is.
func features(s Sound) []vector {
	spectra, level := mel(s)
	first, last := spoken(level)
	if last-first < 10 {
		return nil
	}
	spectra, level = spectra[first:last], level[first:last]
	base := make([][cepstra + 1]float64, len(spectra))
	for t, e := range spectra {
		base[t][0] = level[t] / 3 // nepers: as wide as a coefficient
		for k := 1; k <= cepstra; k++ {
			for b, v := range e {
				base[t][k] += v * math.Cos(math.Pi*float64(k)*(float64(b)+0.5)/bands) / math.Sqrt(bands/2)
			}
		}
	}
	normalise(base)
	return changes(base)
}

// mel returns the logarithm of power in bands, and of all of them together.
func mel(s Sound) (spectra [][bands]float64, level []float64) {
	n, step := int(window*float64(s.Rate)), int(hop*float64(s.Rate))
	fft := fourier.NewFFT(n)
	filters := filters(n, s.Rate)
	frame, bins := make([]float64, n), make([]complex128, n/2+1)
	for at := 0; at+n < len(s.Samples); at += step {
		for i := range frame {
			x := float64(s.Samples[at+i+1]) - 0.97*float64(s.Samples[at+i]) // high frequencies are weak in speech
			frame[i] = x / (1 << 15) * (0.54 - 0.46*math.Cos(2*math.Pi*float64(i)/float64(n-1)))
		}
		fft.Coefficients(bins, frame)
		var e [bands]float64
		for b, f := range filters {
			for i, w := range f.weights {
				z := bins[f.first+i]
				e[b] += w * (real(z)*real(z) + imag(z)*imag(z))
			}
		}
		spectra = append(spectra, e)
	}
	clean(spectra)
	for t := range spectra {
		sum := 0.0
		for b, v := range spectra[t] {
			sum += v
			spectra[t][b] = math.Log(v)
		}
		level = append(level, math.Log(sum))
	}
	return spectra, level
}

// clean takes from each band what is in the quietest fifth of frames, which is noise
// (Boll, IEEE Transactions on Acoustics, Speech and Signal Processing 27(2), 1979), and
// leaves a floor beneath the loudest, which hides what is left of it.
func clean(spectra [][bands]float64) {
	order := make([]int, len(spectra))
	sums := make([]float64, len(spectra))
	for t, e := range spectra {
		order[t] = t
		for _, v := range e {
			sums[t] += v
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(sums[a], sums[b]) })
	quiet := order[:(len(order)+4)/5]
	for b := range bands {
		noise, peak := 0.0, 0.0
		for _, t := range quiet {
			noise += spectra[t][b] / float64(len(quiet))
		}
		for t := range spectra {
			spectra[t][b] = max(0, spectra[t][b]-noise)
			peak = max(peak, spectra[t][b])
		}
		for t := range spectra {
			spectra[t][b] = max(spectra[t][b], ground*peak, 1e-7)
		}
	}
}

// filter is a triangle over bins of a spectrum.
type filter struct {
	first   int
	weights []float64
}

// filters returns triangles of equal width in mel (O'Shaughnessy, Speech
// Communication, 1987).
func filters(n, rate int) [bands]filter {
	mel := func(hz float64) float64 { return 1127 * math.Log1p(hz/700) }
	var all [bands]filter
	for b := range all {
		edge := func(k int) float64 {
			return mel(lowest) + (mel(highest)-mel(lowest))*float64(b+k)/(bands+1)
		}
		for i := 1; i <= n/2; i++ {
			m := mel(float64(i) * float64(rate) / float64(n))
			w := min((m-edge(0))/(edge(1)-edge(0)), (edge(2)-m)/(edge(2)-edge(1)))
			if w <= 0 {
				continue
			}
			if all[b].weights == nil {
				all[b].first = i
			}
			all[b].weights = append(all[b].weights, w)
		}
	}
	return all
}

// spoken returns where speech begins and ends: frames within 3.5 nepers (30 dB) of the
// loudest and 1.2 (10 dB) above the quietest tenth.
func spoken(level []float64) (first, last int) {
	if len(level) == 0 {
		return 0, 0
	}
	sorted := append([]float64(nil), level...)
	slices.Sort(sorted)
	floor := max(sorted[len(sorted)-1]-7, sorted[len(sorted)/10]+2.4)
	first, last = len(level), 0
	for t, l := range level {
		if l > floor {
			first, last = min(first, t), t+1
		}
	}
	return first, last
}

// normalise takes the mean off each coefficient, which is what a microphone adds, and
// divides it by its deviation, which noise makes smaller.
func normalise(base [][cepstra + 1]float64) {
	for k := range base[0] {
		mean, square := 0.0, 0.0
		for t := range base {
			mean += base[t][k] / float64(len(base))
		}
		for t := range base {
			square += (base[t][k] - mean) * (base[t][k] - mean) / float64(len(base))
		}
		for t := range base {
			base[t][k] = (base[t][k] - mean) / math.Sqrt(square+1e-3)
		}
	}
}

// changes appends to each frame how its coefficients change.
func changes(base [][cepstra + 1]float64) []vector {
	out := make([]vector, len(base))
	for t := range base {
		copy(out[t][:], base[t][:])
		for k := range base[t] {
			for d := 1; d <= slope; d++ {
				after, before := base[min(len(base)-1, t+d)], base[max(0, t-d)]
				out[t][cepstra+1+k] += float64(d) * (after[k] - before[k]) / 5 // Σ2d² is 10; changes are small
			}
		}
	}
	return out
}
