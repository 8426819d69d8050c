package song

import (
	"math"
	"math/rand/v2"
)

// A sound is how the voices of a song sound: random within what is usual.
type sound struct {
	seed                uint64
	kick, kickDecay     float64 // Hz, s
	snare, snareDecay   float64
	hatDecay            float64
	extra               float64 // Hz of its resonance
	bass, chord, lead   timbre
	gains               [7]float64
	reverb, noise, tone float64 // shares; Hz of a final low-pass
}

// A timbre is a pitched sound: a mixture of a saw, a square and a sine behind a
// low-pass that closes as the note decays, or a plucked string.
type timbre struct {
	saw, square, sine float64
	bright            float64 // cut-off in multiples of the pitch
	attack, decay     float64 // s
	sustain           float64 // share that stays
}

func newSound(r *rand.Rand) sound {
	between := func(a, b float64) float64 { return a + (b-a)*r.Float64() }
	s := sound{seed: r.Uint64()}
	s.kick, s.kickDecay = between(45, 65), between(0.08, 0.25)
	s.snare, s.snareDecay = between(160, 240), between(0.06, 0.18)
	s.hatDecay, s.extra = between(0.02, 0.06), between(600, 2500)
	wave := func() (a, b, c float64) { return r.Float64(), 0.5 * r.Float64(), r.Float64() }
	s.bass.saw, s.bass.square, s.bass.sine = wave()
	s.bass.bright, s.bass.attack, s.bass.decay, s.bass.sustain = between(2, 8), between(0.003, 0.015), between(0.1, 0.6), between(0.2, 0.8)
	s.chord.saw, s.chord.square, s.chord.sine = wave()
	s.chord.bright, s.chord.attack, s.chord.decay, s.chord.sustain = between(2, 10), between(0.003, 0.02), between(0.1, 0.8), between(0, 0.7)
	if r.Float64() < 0.2 { // strings
		s.chord.attack, s.chord.sustain = between(0.03, 0.08), 0.9
	}
	s.lead.saw, s.lead.square, s.lead.sine = wave()
	s.lead.bright, s.lead.attack, s.lead.decay, s.lead.sustain = between(3, 12), between(0.005, 0.03), between(0.1, 0.5), between(0.1, 0.8)
	for v, g := range [7]float64{Bass: 0.5, Chord: 0.22, Lead: 0.3, Kick: 0.9, Snare: 0.55, Hat: 0.22, Extra: 0.25} {
		s.gains[v] = g * between(0.6, 1.3)
	}
	s.reverb, s.noise, s.tone = between(0, 0.25), 0.003*r.Float64(), between(5000, 16000)
	return s
}

// Render returns the song as samples of one channel at rate, in Hz; full scale is 1.
func (s *Song) Render(rate int) []float32 {
	out := make([]float64, int(s.Seconds*float64(rate)))
	fs := float64(rate)
	drums := map[Voice][]float64{}
	for _, v := range []Voice{Kick, Snare, Hat, Extra} {
		drums[v] = s.sound.drum(v, fs)
	}
	for _, n := range s.Notes {
		at := int(math.Round(n.Start * fs))
		if at >= len(out) {
			continue
		}
		gain := n.Loudness * s.sound.gains[n.Voice]
		if hit, ok := drums[n.Voice]; ok {
			for i := range min(len(hit), len(out)-at) {
				out[at+i] += gain * hit[i]
			}
			continue
		}
		t := [...]timbre{s.sound.bass, s.sound.chord, s.sound.lead}[n.Voice]
		t.add(out[at:], n, gain, fs)
	}
	s.sound.room(out, fs)
	return level(out)
}

// add adds a note of the timbre.
func (t timbre) add(out []float64, n Note, gain, fs float64) {
	hz := 440 * math.Pow(2, float64(n.Pitch-69)/12)
	const release = 0.03
	total := min(len(out), int((n.Length+release)*fs))
	held := n.Length * fs
	phase, low, envelope := 0.25, 0.0, 1.0
	fall := math.Exp(-1 / (t.decay * fs))
	weight := gain / (t.saw + t.square + t.sine + 1e-9)
	step := hz / fs
	for i := range total {
		phase += step
		if phase >= 1 {
			phase--
		}
		wave := t.saw * (2*phase - 1)
		if phase < 0.5 {
			wave += t.square
		} else {
			wave -= t.square
		}
		// A parabola in place of the sine: its third harmonic is at 4 %.
		half := 2*phase - 1
		wave += t.sine * 4 * half * (1 - math.Abs(half))
		envelope *= fall
		shape := t.sustain + (1-t.sustain)*envelope
		cut := min(0.9, 2*math.Pi*step*t.bright*(0.3+0.7*envelope))
		low += cut * (wave - low)
		a := 1.0
		if x := float64(i) / (t.attack * fs); x < 1 {
			a = x
		}
		if x := (float64(i) - held) / (release * fs); x > 0 {
			a *= 1 - x
		}
		out[i] += weight * a * shape * low
	}
}

// drum returns one hit of a drum.
func (s *sound) drum(v Voice, fs float64) []float64 {
	r := rand.New(rand.NewPCG(s.seed, uint64(v)))
	var hit []float64
	add := func(seconds float64, f func(t float64) float64) {
		for len(hit) < int(seconds*fs) {
			hit = append(hit, 0)
		}
		for i := range int(seconds * fs) {
			hit[i] += f(float64(i) / fs)
		}
	}
	last := 0.0
	hiss := func() float64 { // white noise without its lows
		n := 2*r.Float64() - 1
		d := n - last
		last = n
		return d
	}
	switch v {
	case Kick: // a sine that falls by an octave and a half, with a click
		phase := 0.0
		add(4*s.kickDecay, func(t float64) float64 {
			phase += s.kick * (1 + 2.5*math.Exp(-t/0.02)) / fs
			return math.Sin(2*math.Pi*phase) * math.Exp(-t/s.kickDecay)
		})
		add(0.01, func(t float64) float64 { return 0.3 * hiss() * math.Exp(-t/0.002) })
	case Snare:
		add(4*s.snareDecay, func(t float64) float64 {
			return 0.6*math.Sin(2*math.Pi*s.snare*t)*math.Exp(-t/(0.5*s.snareDecay)) + 0.7*(2*r.Float64()-1)*math.Exp(-t/s.snareDecay)
		})
	case Hat:
		add(4*s.hatDecay, func(t float64) float64 { return hiss() * math.Exp(-t/s.hatDecay) })
	case Extra:
		add(0.12, func(t float64) float64 {
			return (math.Sin(2*math.Pi*s.extra*t) + 0.3*hiss()) * math.Exp(-t/0.025)
		})
	}
	return hit
}

// room adds reverberation (four of Schroeder's comb filters, 1962), noise, and the
// low-pass of a loudspeaker.
func (s *sound) room(out []float64, fs float64) {
	r := rand.New(rand.NewPCG(s.seed, 99))
	wet := make([]float64, len(out))
	for _, delay := range []float64{0.0297, 0.0371, 0.0411, 0.0437} {
		n := int(delay * fs)
		line := make([]float64, n)
		for i, x := range out {
			y := line[i%n]
			line[i%n] = x + 0.75*y
			wet[i] += 0.25 * y
		}
	}
	cut, low := min(0.95, 2*math.Pi*s.tone/fs), 0.0
	for i := range out {
		low += cut * (out[i] + s.reverb*wet[i] - low)
		out[i] = low + s.noise*(2*r.Float64()-1)
	}
}

// level scales to a peak of 0.9.
func level(in []float64) []float32 {
	peak := 1e-9
	for _, v := range in {
		peak = max(peak, math.Abs(v))
	}
	out := make([]float32, len(in))
	for i, v := range in {
		out[i] = float32(0.9 * v / peak)
	}
	return out
}
