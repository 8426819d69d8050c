package music

import "math"

// A frame lasts hop samples, 10 ms; its spectrum is that of the size samples around
// its middle.
const (
	hop       = Rate / fps
	fps       = 100 // frames a second
	size      = 1024
	perOctave = 24 // bands of the filter bank
	lowest    = 30 // Hz
	highest   = 11000
	// lag is how many frames earlier a spectrum is compared with (Böck and Widmer
	// 2013, section 3.2: as far as the window hardly overlaps).
	lag = 2
)

// Bands in which onsets are counted apart: drums and basses, voices, cymbals.
const (
	lowBand = iota
	midBand
	highBand
	bands
)

var edges = [bands]float64{180, 2000, highest} // Hz

// timbres is how many numbers describe the colour of a frame: one for each half
// octave; chroma is how many say which notes sound.
const (
	timbres = 17
	chroma  = 12
)

// A frame is what is kept of 10 ms of sound.
type frame struct {
	onset  [bands]float32   // spectral flux, summed over the band's filters
	level  float32          // root of the mean square of its samples, full scale 1
	chroma [chroma]float32  // strength of C, C sharp ... between 100 and 2000 Hz
	timbre [timbres]float32 // logarithmic magnitude of each half octave
}

// A band is one triangular filter over bins of the spectrum.
type band struct {
	first   int
	weights []float64
	kind    int
	class   int // of pitch, -1 outside the range where notes are told apart
	half    int // its half octave
}

// A listener turns samples into frames. Fed in pieces of any length it gives the
// same frames.
type listener struct {
	gain    float64
	buffer  []float64 // samples from the start of the next frame's window
	fft     *transform
	window  []float64
	x, bins []float64
	filters []band
	past    [lag + 1][]float64 // logarithmic spectra of this frame and those before
	frames  int
}

func newListener() *listener {
	l := &listener{gain: 1, fft: newTransform(size), filters: filterbank()}
	l.window, l.x, l.bins = make([]float64, size), make([]float64, size), make([]float64, size/2)
	for i := range l.window { // Hann
		l.window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/size)
	}
	for i := range l.past {
		l.past[i] = make([]float64, len(l.filters))
	}
	l.buffer = make([]float64, (size-hop)/2) // silence before the first sample
	return l
}

// filterbank returns triangular filters, perOctave in each octave, of which those
// that would fall on the same bin are one (Böck and Widmer 2013, section 3.1).
func filterbank() []band {
	var bins []int
	for i := 0; ; i++ {
		hz := lowest * math.Pow(2, float64(i)/perOctave)
		if hz > highest {
			break
		}
		bin := int(math.Round(hz * size / Rate))
		if bin >= 1 && (len(bins) == 0 || bin > bins[len(bins)-1]) {
			bins = append(bins, bin)
		}
	}
	var all []band
	for i := 1; i+1 < len(bins); i++ {
		left, middle, right := bins[i-1], bins[i], bins[i+1]
		b := band{first: left + 1, class: -1}
		for k := left + 1; k < right; k++ {
			w := float64(k-left) / float64(middle-left)
			if k > middle {
				w = float64(right-k) / float64(right-middle)
			}
			b.weights = append(b.weights, w)
		}
		hz := float64(middle) * Rate / size
		for b.kind < bands-1 && hz > edges[b.kind] {
			b.kind++
		}
		if hz > 100 && hz < 2000 {
			b.class = (int(math.Round(12*math.Log2(hz/440))) + 9 + 120) % 12
		}
		b.half = min(timbres-1, int(2*math.Log2(hz/lowest)))
		all = append(all, b)
	}
	return all
}

// write calls f with each frame that the samples complete.
func (l *listener) write(samples []float32, f func(frame)) {
	for _, v := range samples {
		l.buffer = append(l.buffer, float64(v))
		if len(l.buffer) == size {
			f(l.frame())
			l.buffer = l.buffer[:copy(l.buffer, l.buffer[hop:])]
		}
	}
}

// flush calls f with the frames whose windows reach beyond the end.
func (l *listener) flush(f func(frame)) {
	l.write(make([]float32, (size+hop)/2-1), f)
}

// frame computes the frame whose window is the buffer.
func (l *listener) frame() frame {
	var out frame
	for _, v := range l.buffer[(size-hop)/2 : (size+hop)/2] {
		out.level += float32(v * v)
	}
	out.level = float32(math.Sqrt(float64(out.level) / hop))
	for i, w := range l.window {
		l.x[i] = l.gain * w * l.buffer[i]
	}
	l.fft.magnitudes(l.bins, l.x)
	now := l.past[l.frames%(lag+1)]
	var counts [timbres]float32
	for i := range l.filters {
		b := &l.filters[i]
		sum := 0.0
		for k, w := range b.weights {
			sum += w * l.bins[b.first+k]
		}
		// The logarithm of one plus the magnitude (Böck and Widmer 2013, equation 3).
		now[i] = math.Log10(1 + sum)
		out.timbre[b.half] += float32(now[i])
		counts[b.half]++
		if b.class >= 0 {
			out.chroma[b.class] += float32(sum)
		}
	}
	for i, n := range counts {
		out.timbre[i] /= max(1, n)
	}
	if l.frames >= lag {
		l.flux(&out, now, l.past[(l.frames-lag)%(lag+1)])
	}
	l.frames++
	return out
}

// flux sums how much each band has grown beyond the loudest of its neighbours lag
// frames ago, so that vibrato is no onset (SuperFlux: Böck and Widmer, Maximum
// filter vibrato suppression for onset detection, DAFx 2013, equations 4 to 6).
func (l *listener) flux(out *frame, now, before []float64) {
	last := len(now) - 1
	for i, v := range now {
		if d := v - max(before[max(0, i-1)], before[i], before[min(last, i+1)]); d > 0 {
			out.onset[l.filters[i].kind] += float32(d)
		}
	}
}
