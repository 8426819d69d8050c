// Package hearing tells what somebody has said to the robot, from the moment they press
// a button to the moment they let it go. It dictates nothing by itself: [Program] asks a
// recogniser that the user has, [Spotter] knows a few words of command. It refuses sound
// of more than [Longest]. Start with [Recogniser].
package hearing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Longest is how much is listened to at once.
const Longest = 30 * time.Second

// Rates of sound that is listened to, in Hz.
const (
	slowestRate = 16000
	fastestRate = 48000
)

// ErrNothing is within the error of a recogniser that heard nothing that it knows.
var ErrNothing = errors.New("nothing was understood")

// Sound is one channel of 16-bit samples.
type Sound struct {
	Rate    int // samples a second
	Samples []int16
}

// check refuses what is too long, too short or too slow.
func (s Sound) check() error {
	if s.Rate < slowestRate || s.Rate > fastestRate {
		return fmt.Errorf("sound of %d Hz: %d to %d are listened to", s.Rate, slowestRate, fastestRate)
	}
	if most := int(Longest.Seconds()) * s.Rate; len(s.Samples) > most {
		return fmt.Errorf("%d s of sound: at most %v are listened to", len(s.Samples)/s.Rate, Longest)
	}
	return nil
}

// Heard is what was understood.
type Heard struct {
	Text     string `json:"text"`
	Command  string `json:"command,omitempty"`  // name of a command; none: Text is a sentence
	Language string `json:"language,omitempty"` // where it is known
}

// Recogniser understands speech.
type Recogniser interface {
	// Recognise returns what was said, or an error with ErrNothing in it.
	Recognise(ctx context.Context, s Sound) (Heard, error)
}
