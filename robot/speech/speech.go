// Package speech gives the robot a voice and a character: it cuts an answer that is
// still being written into sentences, has each spoken by a synthesiser while the one
// before it is heard, and says when lips and hands are to move. It neither thinks nor
// opens a sound card: answers come from a samovar.Speaker, and sound goes to a [Player].
// It refuses utterances of more than [Longest] letters.
//
// Start with [Talker]; [Espeak] is a [Voice], and [Own] a [Character].
package speech

import (
	"context"
	"time"
)

// Languages are those that the robot speaks, by their codes in ISO 639-1.
var Languages = []string{"en", "fr", "ru", "ar"}

// Longest is the length of the longest utterance, in runes: what a person says
// without pause in some 25 s.
const Longest = 400

// Voice makes sound of text. Its methods may be called from several goroutines.
type Voice interface {
	// Speak speaks a text in one of Languages. It ends soon after ctx does.
	Speak(ctx context.Context, text, language string) (Clip, error)
}

// Clip is a text as it is spoken: one channel of 16-bit samples.
type Clip struct {
	Text     string
	Language string
	Rate     int // samples a second
	Samples  []int16
	Lips     []Viseme // in the order of time; none where the voice knows no phonemes
}

// Length is how long the clip is heard.
func (c *Clip) Length() time.Duration {
	if c.Rate <= 0 {
		return 0
	}
	return time.Duration(float64(len(c.Samples)) / float64(c.Rate) * float64(time.Second))
}
