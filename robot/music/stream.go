package music

import (
	"fmt"
	"math"
)

const (
	// Lead is how long before a beat a Stream says it for good, in seconds: time
	// enough to begin a motion that lands on it.
	Lead = 0.5
	// memory is how much of the past a Stream judges by, in frames. It is
	// sixteen beats of a slow song.
	memory = 14 * fps
	// begin is how much must have been heard before a beat is said.
	begin = 3 * fps
	// between is the number of frames between two looks at the beats, and reviews the
	// number of looks between two choices of tempo.
	between = fps / 4
	reviews = 6
	// loyalty is by how much another tempo or phase must be more likely than the one
	// that is danced to, and grows with each review that upholds it to the greatest.
	loyalty, staunch = 1.0, 4.0
	// recent is how many beats the next ones are extrapolated from, ahead how many
	// frames.
	recent, ahead = 8, 2 * fps
	// narrow is by how much the tempo may change from one look to the next.
	narrow = 1.12
	// pause is how many frames of silence end a song.
	pause = 5 * fps
)

// A Stream follows the beat of sound as it comes, in bounded memory: it analyses the last
// 14 seconds again and again, as Analyse does a song, and extrapolates. What it
// says depends on the samples alone, not on when or in what pieces they come.
type Stream struct {
	rs     *resampler
	l      *listener
	in     []float32
	frames []frame // the last memory of them
	heard  int     // frames in all
	power  float64 // running mean of squares, for the gain

	chosen bool
	period float64 // of the beats that are held, and
	anchor float64 // one of them, both in frames of the stream
	trust  float64 // by how much they are favoured
	sure   float64
	said   float64   // the last beat that was said for good
	next   []float64 // beats to come
}

// A Pulse is what a Stream knows now.
type Pulse struct {
	Heard      float64   // seconds of sound so far
	Tempo      float64   // beats a minute, 0 while none is known
	Confidence float64   // as in Analysis
	Next       []float64 // beats of the next two seconds, as far as is known now
}

// NewStream returns a stream of one channel of samples at rate, in Hz.
func NewStream(rate int) (*Stream, error) {
	if rate < minRate || rate > maxRate {
		return nil, fmt.Errorf("listen: a rate of %d Hz is not between %d and %d", rate, minRate, maxRate)
	}
	return &Stream{rs: newResampler(rate, Rate), l: newListener(), said: math.Inf(-1)}, nil
}

// Write hears samples and returns the beats that this settles, in seconds from the
// first sample: each is about Lead ahead of what has been heard and is never taken
// back. Samples that are not finite are heard as silence.
func (s *Stream) Write(samples []float32) []float64 {
	var beats []float64
	const piece = 4096
	for len(samples) > 0 {
		n := min(piece, len(samples))
		clean := make([]float32, n)
		for i, v := range samples[:n] {
			if v > -loudest && v < loudest {
				clean[i] = v
			}
		}
		s.in = s.rs.write(s.in[:0], clean)
		samples = samples[n:]
		s.l.write(s.in, func(f frame) {
			s.hear(f)
			beats = append(beats, s.settled()...)
		})
	}
	return beats
}

// hear takes one frame.
func (s *Stream) hear(f frame) {
	if len(s.frames) == memory {
		copy(s.frames, s.frames[1:])
		s.frames = s.frames[:memory-1]
	}
	s.frames = append(s.frames, f)
	s.heard++
	s.listen(float64(f.level))
	if s.heard >= begin && s.heard%between == 0 {
		s.look()
	}
}

// listen keeps the gain such that what is heard has the level that gainOf gives a
// song: a mean over all at first and over 10 s later, of what is not silence.
func (s *Stream) listen(level float64) {
	const quiet, seconds, target = 3e-4, 10, 0.1
	square := level * level
	if square < 1e-3*s.power {
		return
	}
	s.power += (square - s.power) * max(1/float64(s.heard), 1.0/(seconds*fps))
	s.l.gain = target / max(quiet, math.Sqrt(s.power))
}

// look follows the beats of the last frames and lays the next ones.
func (s *Stream) look() {
	s.next = s.next[:0]
	first, last := sounding(s.frames)
	if last-first < begin/2 || len(s.frames)-last > pause {
		s.chosen, s.sure, s.period = false, 0, 0 // what comes is another song
		return
	}
	c := newCurves(s.frames)
	if s.heard > len(s.frames) {
		c.first = -1
	}
	if !s.chosen || s.heard/between%reviews == 0 {
		s.review(c)
	}
	if s.chosen {
		p := s.follow(c)
		s.sure = confidence(p, c)
		s.extrapolate(p, c)
	}
}

// review chooses among hypotheses, favouring the one that is held.
func (s *Stream) review(c curves) {
	all := hypotheses(c)
	upheld, best := false, -1
	for i := range all {
		h := &all[i]
		h.score = judge(h.features, followed)
		same := s.chosen && s.agrees(h.path)
		if same {
			h.score += s.trust
		}
		if best < 0 || h.score > all[best].score {
			best, upheld = i, same
		}
	}
	switch {
	case best < 0:
	case upheld:
		s.trust = min(staunch, s.trust+loyalty/2)
	default:
		s.chosen, s.trust = true, loyalty
		s.period, s.anchor = all[best].mean(), s.absolute(all[best].beats[len(all[best].beats)-1])
	}
}

// absolute is the frame of the stream at a place in the window.
func (s *Stream) absolute(at int) float64 { return float64(at + s.heard - len(s.frames)) }

// agrees reports whether a path has the tempo and the phase that are held.
func (s *Stream) agrees(p path) bool {
	return math.Abs(math.Log(p.mean()/s.period)) < 0.06 && s.off(p) < 0.12*s.period
}

// off is how far the end of a path lies from the beats that are held, in frames.
func (s *Stream) off(p path) float64 {
	return math.Abs(math.Remainder(s.absolute(p.beats[len(p.beats)-1])-s.anchor, s.period))
}

// follow tracks the beats of the window at the tempo that is held, in the phase that
// is.
func (s *Stream) follow(c curves) path {
	p := track(heardAs(c), int(s.period/narrow), int(math.Ceil(s.period*narrow)))
	for _, q := range p.turned() {
		if s.off(q) < s.off(p) {
			p = q
		}
	}
	return p
}

// extrapolate lays a line through the last beats (least squares of their times over
// their numbers) and the next beats on it.
func (s *Stream) extrapolate(p path, c curves) {
	beats := p.beats[max(0, len(p.beats)-recent):]
	n := float64(len(beats))
	if n < 3 {
		return
	}
	var sum, slope, square float64
	for i, t := range beats {
		x := float64(i) - (n-1)/2
		at := refine(c.all, t)
		sum += at
		slope += x * at
		square += x * x
	}
	s.period = slope / square
	s.anchor = s.absolute(0) + sum/n + (n-1)/2*s.period
	for t := s.anchor; t < float64(s.heard)+ahead; t += s.period {
		if t > float64(s.heard) && t > s.said+0.6*s.period {
			s.next = append(s.next, t)
		}
	}
}

// settled returns the beats that are due to be said, in seconds.
func (s *Stream) settled() []float64 {
	var beats []float64
	for len(s.next) > 0 && secondsAt(s.next[0]) <= float64(s.heard)/fps+Lead {
		s.said = s.next[0]
		beats = append(beats, secondsAt(s.said))
		s.next = s.next[1:]
	}
	return beats
}

// Pulse returns what is known now.
func (s *Stream) Pulse() Pulse {
	p := Pulse{Heard: float64(s.heard) / fps, Confidence: s.sure}
	if s.chosen && s.period > 0 {
		p.Tempo = 60 * fps / s.period
	}
	for _, t := range s.next {
		p.Next = append(p.Next, secondsAt(t))
	}
	return p
}
