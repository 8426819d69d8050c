package song

import (
	"math"
	"math/rand/v2"
	"strings"
)

// Improvise returns a song whose style is itself of the seed: metre, swing, tempo and all
// patterns are random, weighted by how strong each place in a bar is felt to be (the
// metrical levels of Lerdahl and Jackendoff 1983, chapter 4). Such songs keep a
// beat tracker from learning a few styles by heart.
func Improvise(seed uint64, seconds float64) Song {
	r := rand.New(rand.NewPCG(seed, 0x777))
	st := style{name: "improvised", meter: 4, swing: 0.5, chords: 1 + r.IntN(2)}
	if r.Float64() < 0.2 {
		st.meter = 3
	}
	if r.Float64() < 0.25 {
		st.swing = 0.55 + 0.11*r.Float64()
	}
	st.slow = 62 * math.Pow(200.0/62, r.Float64())
	st.fast = st.slow * 1.001
	im := improviser{r, 4 * st.meter, st.slow > 140}
	st.kick = im.one(im.every('X', 4, 0), im.free(0.9, 0.6, 0.4, 0.35, 0.15), im.free(1, 0.9, 0.15, 0.15, 0.05), im.free(1, 0.7, 0.1, 0.3, 0.1))
	none := strings.Repeat(".", im.steps)
	st.snare = im.one(im.back(), im.back(), im.back(), none, im.free(0.1, 0.3, 0.5, 0.2, 0.1), im.every('X', 4, 0))
	st.hat = im.one(im.every('x', 2, 0), im.every('x', 2, 0), im.every('X', 4, 2), im.every('x', 4, 0), im.sixteenths(), im.free(0.9, 0.9, 0.9, 0.6, 0.2), none)
	st.extra = im.one(none, im.free(0.9, 0.6, 0.4, 0.35, 0.15))
	held := "X" + strings.Repeat("-", im.steps-1)
	st.bass = im.one(st.kick, im.every('x', 4, 0), im.every('x', 2, 0), im.free(0.9, 0.6, 0.4, 0.35, 0.15), im.every('X', 4, 2), held)
	st.comp = im.one(held, im.every('x', 4, 2), "."+im.every('x', 4, 0)[1:], im.free(0.9, 0.6, 0.4, 0.35, 0.15), im.free(0.9, 0.6, 0.4, 0.35, 0.15), im.free(1, 0.6, 0.3, 0.3, 0.2))
	return compose(seed, &st, seconds, r)
}

// An improviser draws patterns of steps in a bar.
type improviser struct {
	*rand.Rand
	steps int
	quick bool // too quick for many sixteenths
}

// one returns one of the patterns.
func (im improviser) one(patterns ...string) string { return patterns[im.IntN(len(patterns))] }

// every returns a pattern with a note each so many steps.
func (im improviser) every(note byte, steps, first int) string {
	b := []byte(strings.Repeat(".", im.steps))
	for k := first; k < im.steps; k += steps {
		b[k] = note
	}
	return string(b)
}

// back is the backbeat: two and four, or three of three.
func (im improviser) back() string {
	if im.steps == 12 {
		return im.every('X', 12, 8)
	}
	return im.every('X', 8, 4)
}

func (im improviser) sixteenths() string {
	if im.quick {
		return im.every('x', 2, 0)
	}
	return im.every('x', 1, 0)
}

// free draws each step by how strong its place is: the bar's beginning, its middle,
// beats, eighths, sixteenths.
func (im improviser) free(share ...float64) string {
	b := []byte(strings.Repeat(".", im.steps))
	for k := range b {
		level := 4
		switch {
		case k == 0:
			level = 0
		case k == 8 && im.steps == 16:
			level = 1
		case k%4 == 0:
			level = 2
		case k%2 == 0:
			level = 3
		}
		p := share[level]
		if level == 4 && im.quick {
			p *= 0.2
		}
		if im.Float64() < p {
			b[k] = 'x'
			if im.Float64() < 0.9-0.12*float64(level) {
				b[k] = 'X'
			}
		}
	}
	return string(b)
}
