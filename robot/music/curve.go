package music

import "math"

// curves are onset strengths, one value a frame: what beats are found in.
type curves struct {
	all  []float64        // of all bands, mean 0 and standard deviation 1 where there is sound
	band [bands][]float64 // of each band, in the same measure
	// change is how much the notes that sound after a frame differ from those before
	// it: one less the cosine of their chroma, 0 to 1, over its root of mean square.
	change []float64
	first  int // the first onset of the song, -1 if it was not heard
}

// Windows of normalisation, in frames: a level that lasts longer than 0.4 s is no
// onset, and what is loud is judged by 8 s around it.
const (
	levelWindow  = 0.4 * fps
	spreadWindow = 8 * fps
)

// newCurves normalises the onsets of frames: each band's flux less its running
// mean (as Bello et al. 2005, section III, recommend), over its own spread.
func newCurves(frames []frame) curves {
	n := len(frames)
	c := curves{all: make([]float64, n)}
	raw := make([]float64, n)
	for b := range c.band {
		for i := range frames {
			raw[i] = float64(frames[i].onset[b])
		}
		c.band[b] = normalise(raw)
		for i, v := range c.band[b] {
			c.all[i] += weights[b] * v
		}
	}
	c.all = normalise(c.all)
	c.change = changeOf(frames)
	for c.first < n && c.all[c.first] < 1 {
		c.first++
	}
	if c.first == n {
		c.first = -1
	}
	return c
}

// changeOf compares the chroma of the quarter of a second before each frame and
// after it (Goto 2001, section 3.2.2, looks for chord changes at beats so).
func changeOf(frames []frame) []float64 {
	const reach = fps / 4
	n := len(frames)
	sums := make([][chroma]float64, n+1)
	for i, f := range frames {
		for k, v := range f.chroma {
			sums[i+1][k] = sums[i][k] + float64(v)
		}
	}
	out := make([]float64, n)
	square := 1e-9
	for i := range out {
		var before, after [chroma]float64
		for k := range before {
			before[k] = sums[i][k] - sums[max(0, i-reach)][k]
			after[k] = sums[min(n, i+reach)][k] - sums[i][k]
		}
		if i >= reach && i+reach <= n {
			out[i] = 1 - cosine(before[:], after[:])
			square += out[i] * out[i] / float64(n)
		}
	}
	for i := range out {
		out[i] /= math.Sqrt(square)
	}
	return out
}

// weights of the bands in the curve of all.
var weights = [bands]float64{1, 1, 1}

// normalise returns x, less its running mean, where it is above it, over the
// running root of its mean square.
func normalise(x []float64) []float64 {
	out := make([]float64, len(x))
	mean := running(x, levelWindow)
	for i, v := range x {
		out[i] = max(0, v-mean[i])
	}
	square := make([]float64, len(x))
	total := 0.0
	for i, v := range out {
		square[i] = v * v
		total += square[i]
	}
	// Where there is hardly any sound, the spread of the whole song counts: noise
	// between two parts is not to be heard as drums.
	floor := 0.05 * total / float64(max(1, len(x)))
	for i, v := range running(square, spreadWindow) {
		if s := max(v, floor); s > 0 {
			out[i] /= math.Sqrt(s)
		}
	}
	return out
}

// running returns the mean of x over about width values around each.
func running(x []float64, width int) []float64 {
	out := make([]float64, len(x))
	half, sum, count := width/2, 0.0, 0
	for i := -half; i < len(x); i++ {
		if j := i + half; j < len(x) {
			sum += x[j]
			count++
		}
		if j := i - half - 1; j >= 0 {
			sum -= x[j]
			count--
		}
		if i >= 0 {
			out[i] = sum / float64(count)
		}
	}
	return out
}

// smooth returns x convolved with a Gaussian of sigma frames.
func smooth(x []float64, sigma float64) []float64 {
	half := int(math.Ceil(3 * sigma))
	kernel := make([]float64, 2*half+1)
	for k := range kernel {
		kernel[k] = math.Exp(-0.5 * math.Pow(float64(k-half)/sigma, 2))
	}
	out := make([]float64, len(x))
	for i := range x {
		for k, w := range kernel {
			if j := i + k - half; j >= 0 && j < len(x) {
				out[i] += w * x[j]
			}
		}
	}
	return out
}

// gainOf returns the gain that brings the root of the mean square of what is louder
// than a hundredth of the loudest to target.
func gainOf(samples []float32) float64 {
	const target = 0.1
	sum, count := 0.0, 0
	loud := float32(0)
	for _, v := range samples {
		loud = max(loud, v, -v)
	}
	for _, v := range samples {
		if v > loud/100 || v < -loud/100 {
			sum += float64(v) * float64(v)
			count++
		}
	}
	if sum == 0 {
		return 1
	}
	return target / math.Sqrt(sum/float64(count))
}
