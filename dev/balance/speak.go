package main

import (
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/gesture"
	"samovar/robot/speech"
)

// speaking is the motion of a robot that speaks without pause: each of its texts calls
// for another gesture, and every syllable is stressed.
type speaking struct {
	*gesture.Gestures
	next float64 // s, when the next text begins
	text int
}

func newSpeaking(i *body.Info) (*speaking, error) {
	g, err := gesture.New(i, nil)
	return &speaking{Gestures: g, next: 2}, err
}

func (s *speaking) Target(at float64, to *balance.Target) {
	s.Gestures.Target(at, to)
	if at < s.next {
		return
	}
	texts := []string{"Hello, hello", "I say so", "nothing is meant by this", "and you there", "goodbye then", "nothing again"}
	c := &speech.Clip{Text: texts[s.text%len(texts)], Rate: 8000, Samples: make([]int16, 4*8000)}
	for k := range 16 {
		c.Lips = append(c.Lips, speech.Viseme{At: time.Duration(k) * 250 * time.Millisecond, Length: 250 * time.Millisecond, Shape: speech.Open, Stress: true})
	}
	s.Say(c, at+0.3)
	if s.text%3 == 2 {
		s.Turn(float64(1-2*(s.text%2)), 2)
	}
	s.next, s.text = at+c.Length().Seconds()+0.3, s.text+1
}
