package speech

import (
	"math"
	"time"
)

// EnvelopeRate is the number of values a second of an envelope.
const EnvelopeRate = 50

// Envelope returns how loud the clip is, EnvelopeRate values a second: 1 at its
// loudest, 0 at 40 dB below, linear in dB between.
func (c *Clip) Envelope() []float32 {
	if c.Rate < EnvelopeRate {
		return nil
	}
	n := (len(c.Samples)*EnvelopeRate + c.Rate - 1) / c.Rate
	power := make([]float64, n)
	loudest := 0.0
	for i := range power {
		part := c.Samples[i*c.Rate/EnvelopeRate : min(len(c.Samples), (i+1)*c.Rate/EnvelopeRate)]
		for _, s := range part {
			power[i] += float64(s) * float64(s) / float64(len(part))
		}
		loudest = max(loudest, power[i])
	}
	out := make([]float32, n)
	for i, p := range power {
		if p > 0 {
			out[i] = float32(max(0, 1+10*math.Log10(p/loudest)/40))
		}
	}
	return out
}

// Shape is one of a mouth.
type Shape string

// The shapes of a mouth that can be told apart from outside.
const (
	Rest   Shape = "rest"
	Closed Shape = "closed" // p b m
	Teeth  Shape = "teeth"  // f v, on the lower lip
	Narrow Shape = "narrow" // t d s k n l r and all others behind the lips
	Spread Shape = "spread" // i e
	Middle Shape = "middle" // ə ɛ ʌ
	Open   Shape = "open"   // a
	Round  Shape = "round"  // o u w
)

// Viseme is a shape that the mouth has for a time from the clip's start on.
type Viseme struct {
	At     time.Duration `json:"at_ns"`
	Length time.Duration `json:"length_ns"`
	Shape  Shape         `json:"shape"`
	Stress bool          `json:"stress,omitempty"` // of the syllable whose vowel it is
}

// lips lays phonemes in IPA over a clip.
func lips(ipa []byte, c *Clip) []Viseme {
	all := phones(string(ipa))
	ends := align(all, c)
	var out []Viseme
	at := time.Duration(0)
	for i, p := range all {
		if ends[i] == at {
			continue // a pause that was not made
		}
		out = append(out, Viseme{At: at, Length: ends[i] - at, Shape: p.shape, Stress: p.stress})
		at = ends[i]
	}
	return out
}
