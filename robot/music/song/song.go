// Package song composes songs whose beats are known exactly, each from a seed, and
// renders them: the robot's beat tracking and its dances are scored on them. It
// imitates no recording, and one that is asked for a style it does not know says which there are.
// Start with [Compose].
package song

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
)

// A Voice is an instrument, or a drum.
type Voice int

// The voices; those from Kick on are drums and have no pitch.
const (
	Bass Voice = iota
	Chord
	Lead
	Kick
	Snare
	Hat
	Extra
)

// A Note is one note, in seconds.
type Note struct {
	Start, Length float64
	Voice         Voice
	Pitch         int     // MIDI: 69 is 440 Hz; 0 for a drum
	Loudness      float64 // 0 to 1
}

// A Song is a composed song. Beats go on through its silences, and end with it.
type Song struct {
	Seed      uint64
	Style     string
	Meter     int // beats a bar
	Tempo     float64
	Seconds   float64
	Beats     []float64 // seconds, from the first to the last that is played or paused
	Downbeats []float64
	Sections  []float64 // where sections begin, each on a downbeat
	Traits    []string  // what is unusual: "drift", "wander", "silence", "drumless", "late", "pickup"
	Notes     []Note    // by start

	sound sound
}

// Styles returns the names of all styles.
func Styles() []string {
	names := make([]string, len(styles))
	for i, s := range styles {
		names[i] = s.name
	}
	return names
}

// Compose returns the song of a seed, about as long as said. Two seeds differ in
// style, tempo, key, harmony, patterns, melody, form and sound, and some in what
// makes a beat hard to follow: drifting tempo, no drums, silence in the middle.
func Compose(seed uint64, seconds float64) Song {
	r := rand.New(rand.NewPCG(seed, 0x5a40ba9))
	return compose(seed, &styles[r.IntN(len(styles))], seconds, r)
}

// ComposeIn is Compose with the style of that name.
func ComposeIn(name string, seed uint64, seconds float64) (Song, error) {
	for i := range styles {
		if styles[i].name == name {
			r := rand.New(rand.NewPCG(seed, 0x5a40ba9))
			r.IntN(len(styles))
			return compose(seed, &styles[i], seconds, r), nil
		}
	}
	return Song{}, fmt.Errorf("compose a song: no style %q; there are %s", name, strings.Join(Styles(), ", "))
}

// A composer writes one song.
type composer struct {
	*rand.Rand
	style   *style
	song    *Song
	steps   int // a bar
	scale   [7]int
	key     int
	human   float64 // standard deviation of a note's start, s
	silent  [2]int  // bars that are silent, from and before
	pickup  bool    // the first bar has only a few notes before the second
	melody  [2][]int
	harmony [2][4]int
	drums   bool
	fills   float64 // share of steps that are varied
	density float64 // of the melody
}

func compose(seed uint64, st *style, seconds float64, r *rand.Rand) Song {
	s := Song{Seed: seed, Style: st.name, Meter: st.meter, Seconds: seconds}
	c := composer{Rand: r, style: st, song: &s, steps: 4 * st.meter}
	c.scale, c.key = scales[r.IntN(len(scales))], r.IntN(12)
	c.human = 0.008 * r.Float64()
	c.drums = r.Float64() > 0.12
	c.fills = 0.05 * r.Float64()
	c.density = 0.25 + 0.4*r.Float64()
	for i := range c.harmony {
		c.harmony[i] = progressions[r.IntN(len(progressions))]
	}
	for i := range c.melody {
		c.melody[i] = make([]int, 4*c.steps)
		for j := range c.melody[i] {
			c.melody[i][j] = r.IntN(9)
		}
	}
	if !c.drums && st.kick != strings.Repeat(".", c.steps) {
		s.Traits = append(s.Traits, "drumless")
	}
	c.tempo()
	if c.pickup = r.Float64() < 0.25; c.pickup {
		s.Traits = append(s.Traits, "pickup")
	}
	c.write()
	s.sound = newSound(r)
	sort.SliceStable(s.Notes, func(i, j int) bool { return s.Notes[i].Start < s.Notes[j].Start })
	return s
}

// tempo lays the beats.
func (c *composer) tempo() {
	s, st := c.song, c.style
	base := st.slow * math.Pow(st.fast/st.slow, c.Float64())
	ramp, wander := 0.0, 0.0
	switch p := c.Float64(); {
	case p < 0.2:
		ramp = 0.24*c.Float64() - 0.12
		s.Traits = append(s.Traits, "drift")
	case p < 0.4:
		wander = 0.03 + 0.03*c.Float64()
		s.Traits = append(s.Traits, "wander")
	}
	period, phase := 12+20*c.Float64(), 2*math.Pi*c.Float64()
	t := 0.1 + 0.3*c.Float64()
	if c.Float64() < 0.2 {
		t += 1.5 * c.Float64()
		s.Traits = append(s.Traits, "late")
	}
	for t < s.Seconds-0.3 {
		s.Beats = append(s.Beats, t)
		t += 60 / (base * (1 + ramp*t/s.Seconds + wander*math.Sin(2*math.Pi*t/period+phase)))
	}
	bars := max(1, len(s.Beats)/s.Meter) // whole bars alone
	s.Beats = s.Beats[:min(len(s.Beats), bars*s.Meter)]
	for b := 0; b < len(s.Beats); b += s.Meter {
		s.Downbeats = append(s.Downbeats, s.Beats[b])
	}
	if n := len(s.Beats) - 1; n > 0 {
		s.Tempo = 60 * float64(n) / (s.Beats[n] - s.Beats[0])
	}
	if bars > 12 && c.Float64() < 0.25 {
		from := bars/3 + c.IntN(bars/3)
		c.silent = [2]int{from, from + 1 + c.IntN(2)}
		s.Traits = append(s.Traits, "silence")
	}
}

// write lays the notes, section by section.
func (c *composer) write() {
	bars := len(c.song.Downbeats)
	for bar, kind := 0, 0; bar < bars; kind++ {
		length := 4
		if kind > 0 && c.Float64() < 0.7 {
			length = 8
		}
		c.song.Sections = append(c.song.Sections, c.song.Downbeats[bar])
		part := kind % 2
		with := map[Voice]bool{Bass: true, Chord: true, Lead: c.Float64() < 0.75, Kick: c.drums, Snare: c.drums, Hat: c.drums, Extra: c.drums && c.Float64() < 0.5}
		loud := 0.75 + 0.25*float64(part)
		if kind == 0 && c.Float64() < 0.5 { // an introduction
			with[Lead], with[[]Voice{Kick, Snare, Hat}[c.IntN(3)]] = false, false
		}
		for end := min(bars, bar+length); bar < end; bar++ {
			if bar >= c.silent[0] && bar < c.silent[1] {
				continue
			}
			c.bar(bar, part, loud, with)
		}
	}
}

// bar writes one bar.
func (c *composer) bar(bar, part int, loud float64, with map[Voice]bool) {
	if bar == 0 && c.pickup {
		for step := c.steps - 2*(1+c.IntN(3)); step < c.steps; step += 2 {
			c.note(bar, step, 2, Lead, c.pitch(c.IntN(7))+12, 0.7*loud)
		}
		return
	}
	st := c.style
	root := c.harmony[part][bar/st.chords%4]
	bass := st.bass
	if !c.drums { // without drums the bass keeps the beat
		bass = strings.Repeat("x...", st.meter)
	}
	for _, row := range []struct {
		voice   Voice
		pattern string
	}{{Kick, st.kick}, {Snare, st.snare}, {Hat, st.hat}, {Extra, st.extra}, {Bass, bass}, {Chord, st.comp}} {
		if with[row.voice] {
			c.row(bar, row.voice, row.pattern, root, loud)
		}
	}
	if with[Lead] {
		c.lead(bar, part, root, loud)
	}
}

// row writes a pattern.
func (c *composer) row(bar int, v Voice, pattern string, root int, loud float64) {
	for step := 0; step < c.steps; step++ {
		level := 0.0
		switch pattern[step] {
		case 'X':
			level = 1
		case 'x':
			level = 0.7
		case 'o':
			if c.Float64() < 0.5 {
				level = 0.5
			}
		}
		if v >= Kick && level == 0 && c.Float64() < c.fills*0.5 && step%2 == 1 {
			level = 0.35 // a ghost note
		}
		if level == 0 {
			continue
		}
		length := 1
		for step+length < c.steps && pattern[step+length] == '-' {
			length++
		}
		level *= loud * (0.85 + 0.15*c.Float64())
		switch v {
		case Bass:
			degree := root
			if step == c.steps/2 && c.Float64() < 0.5 {
				degree += 4 // the fifth, in the middle of the bar
			}
			if length == 1 && step+1 < c.steps && strings.IndexByte("Xxo", pattern[step+1]) < 0 {
				length = 2
			}
			c.note(bar, step, length, v, c.pitch(degree)-24, level)
		case Chord:
			for _, third := range []int{0, 2, 4} {
				c.note(bar, step, length, v, c.pitch(root+third), level*0.7)
			}
		default:
			c.note(bar, step, 1, v, 0, level)
		}
	}
}

// lead writes a bar of melody, or follows the style's pattern.
func (c *composer) lead(bar, part, root int, loud float64) {
	line := c.melody[part][bar%4*c.steps:]
	for step := 0; step < c.steps; step++ {
		play := c.style.lead != "" && (c.style.lead[step] == 'X' || c.style.lead[step] == 'x')
		if c.style.lead == "" {
			p := c.density
			if step%2 == 1 {
				p *= 0.25
			}
			// The same step is played in each repetition, for the most part.
			play = float64((line[step]*37+step*11+part)%100)/100 < p != (c.Float64() < 0.05)
		}
		if play {
			degree := line[step]
			if step%4 == 0 {
				degree = root + 2*(line[step]%3) // on the beat, notes of the chord
			}
			c.note(bar, step, 1+line[step]%3, Lead, c.pitch(degree)+12, loud*(0.5+0.3*c.Float64()))
		}
	}
}

// pitch returns the MIDI note of a step of the scale, around middle C.
func (c *composer) pitch(degree int) int {
	return 55 + c.key%7 + 12*(degree/7) + c.scale[degree%7]
}

// note writes one note of length steps, at a step of a bar.
func (c *composer) note(bar, step, length int, v Voice, pitch int, level float64) {
	start := c.at(bar, float64(step))
	end := c.at(bar, float64(step+length))
	start = max(0, start+c.human*c.NormFloat64())
	c.song.Notes = append(c.song.Notes, Note{start, max(0.05, 0.92*(end-start)), v, pitch, min(1, level)})
}

// at returns the time of a step, in a bar whose eighths may swing.
func (c *composer) at(bar int, step float64) float64 {
	beats := c.song.Beats
	in := math.Mod(step, 4) / 4
	if swing := c.style.swing; in < 0.5 { // the two halves of a beat are stretched
		in *= 2 * swing
	} else {
		in = swing + (in-0.5)*2*(1-swing)
	}
	b := float64(bar*c.song.Meter) + math.Floor(step/4) + in
	i := min(int(b), len(beats)-1)
	if i+1 < len(beats) {
		return beats[i] + (b-float64(i))*(beats[i+1]-beats[i])
	}
	last := 0.5
	if i > 0 {
		last = beats[i] - beats[i-1]
	}
	return beats[i] + (b-float64(i))*last
}
