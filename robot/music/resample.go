package music

import "math"

// A resampler changes the rate of one channel by the fraction up/down with a
// windowed-sinc filter in polyphase form (Crochiere and Rabiner, Multirate
// Digital Signal Processing, 1983, section 3.3). It is fed in pieces of any
// length; the pieces have no influence on the result.
type resampler struct {
	up, down int
	phases   [][]float32 // up filters of taps coefficients, each with sum 1
	taps     int
	window   []float32 // input that is still needed
	next     int       // index in window of the first tap of the next output sample
	phase    int       // its phase, 0 <= phase < up
	input    int       // samples fed so far, for flush
	output   int
}

const (
	// maxUp bounds the table of phases. 44,100 to 24,000 Hz needs 80; a rate that
	// would need more is rounded by less than one part in a million (nearest).
	maxUp = 1024
	// lobes is how many zero crossings of the sinc lie on each side of its middle,
	// and beta the shape of its Kaiser window: 80 dB of attenuation (Kaiser 1974).
	lobes = 16
	beta  = 7.857
	// passband leaves room for the transition of the filter below the lower of the
	// two Nyquist frequencies.
	passband = 0.92
)

// newResampler returns a resampler from one rate to another, in Hz.
func newResampler(from, to int) *resampler {
	up, down := nearest(float64(to)/float64(from), maxUp)
	r := &resampler{up: up, down: down}
	if up == down {
		r.taps, r.phases = 1, [][]float32{{1}}
		return r
	}
	cut := passband * min(1, float64(up)/float64(down)) // of the input's Nyquist frequency
	half := int(math.Ceil(lobes / cut))
	r.taps = 2 * half
	r.phases = make([][]float32, up)
	for p := range r.phases {
		h, sum := make([]float64, r.taps), 0.0
		for k := range h {
			x := float64(k-half+1) - float64(p)/float64(up) // distance in input samples
			h[k] = sinc(cut*x) * kaiser(x/float64(half))
			sum += h[k]
		}
		r.phases[p] = make([]float32, r.taps)
		for k := range h {
			r.phases[p][k] = float32(h[k] / sum)
		}
	}
	r.window = make([]float32, half-1) // zeros, so that output 0 lies on input 0
	return r
}

// nearest returns the fraction up/down that is nearest to ratio with up <= limit.
func nearest(ratio float64, limit int) (up, down int) {
	best := math.Inf(1)
	for u := 1; u <= limit; u++ {
		d := max(1, math.Round(float64(u)/ratio))
		if e := math.Abs(float64(u)/d/ratio - 1); e < best-1e-12 {
			best, up, down = e, u, int(d)
		}
	}
	return up, down
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is the Kaiser window at x, -1 to 1.
func kaiser(x float64) float64 {
	if x < -1 || x > 1 {
		return 0
	}
	return bessel(beta*math.Sqrt(1-x*x)) / bessel(beta)
}

// bessel is the modified Bessel function I0 by its power series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

// write appends to out what in adds to the output.
func (r *resampler) write(out, in []float32) []float32 {
	r.input += len(in)
	if r.taps == 1 {
		r.output += len(in)
		return append(out, in...)
	}
	r.window = append(r.window, in...)
	for r.next+r.taps <= len(r.window) {
		var sum float32
		x := r.window[r.next : r.next+r.taps]
		for k, h := range r.phases[r.phase] {
			sum += h * x[k]
		}
		out = append(out, sum)
		r.output++
		r.phase += r.down
		r.next += r.phase / r.up
		r.phase %= r.up
	}
	drop := min(r.next, len(r.window))
	r.window = r.window[:copy(r.window, r.window[drop:])]
	r.next -= drop
	return out
}

// flush appends the end of the output: as many samples as the input lasted.
func (r *resampler) flush(out []float32) []float32 {
	want := int(math.Round(float64(r.input) * float64(r.up) / float64(r.down)))
	missing := want - r.output
	if missing <= 0 || r.taps == 1 {
		return out
	}
	n := len(out)
	out = r.write(out, make([]float32, r.taps+missing*r.down/r.up+1))
	return out[:min(len(out), n+missing)]
}
