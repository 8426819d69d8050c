package gesture

import (
	"strings"
	"unicode"

	"samovar/robot/speech"
)

// Least times between gestures, s.
const (
	betweenBeats = 0.6
	betweenKinds = 6.0 // of the same kind
	betweenNods  = 3.0
)

// meanings are the gestures that words ask for.
var meanings = map[string]string{}

func init() {
	for kind, words := range map[string]string{
		"wave":  "hello hi welcome bonjour bonsoir salut bienvenue здравствуйте здравствуй привет добрый مرحبا أهلا السلام",
		"self":  "i i'm my me je j'ai moi mon я мне меня мой أنا",
		"palms": "you your please help vous votre aider вы вас вам помочь أنت لكم",
		"bow":   "goodbye farewell adieu revoir свидания وداعا",
	} {
		for word := range strings.FieldsSeq(words) {
			meanings[word] = kind
		}
	}
}

// Say makes the gestures of a clip whose sound starts at a time of the motion: those
// that its words ask for, and beats of the hands where neither is busy.
func (g *Gestures) Say(c *speech.Clip, at float64) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	free := g.words(c, at)
	g.beats(c, at, free)
}

// words makes the first gesture that the clip's words ask for, and returns from when
// on the hands are free.
func (g *Gestures) words(c *speech.Clip, at float64) float64 {
	free := 0.0
	for i := range g.pulses {
		if g.pulses[i].joint != pelvis {
			free = max(free, g.pulses[i].end()+raise+stroke-fade)
		}
	}
	length := c.Length().Seconds()
	letters := float64(max(1, len(c.Text)))
	place := 0
	for _, word := range strings.FieldsFunc(c.Text, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '’' }) {
		place += strings.Index(c.Text[place:], word)
		kind := meanings[strings.ToLower(strings.ReplaceAll(word, "’", "'"))]
		when := max(at+float64(place)/letters*length-0.3, g.now+2*soonest)
		place += len(word)
		if last, ok := g.spoke[kind]; kind == "" || ok && when < last+betweenKinds {
			continue
		}
		moves := g.meant(kind)
		if g.add(when, moves) {
			g.spoke[kind] = when
			for i := range moves {
				m := moves[i]
				free = max(free, when+m.end()+raise)
			}
			break
		}
	}
	return free
}

func (g *Gestures) meant(kind string) []pulse {
	switch kind {
	case "wave":
		return g.wave()
	case "self":
		return g.self()
	case "palms":
		return g.palms()
	}
	return g.bow()
}

// beats beats the stresses of a clip.
func (g *Gestures) beats(c *speech.Clip, at, free float64) {
	last := max(free, at) - betweenBeats
	for _, s := range stresses(c) {
		t := at + s.at
		if t < last+betweenBeats || t < free || !g.add(t, g.beat(g.hand, s.size)) {
			continue
		}
		last, g.hand = t, 1-g.hand
		if nodded, ok := g.spoke["nod"]; !ok || t > nodded+betweenNods {
			g.add(t, g.nod())
			g.spoke["nod"] = t
		}
	}
}

// stress is a moment that is emphasised, s from the clip's start, by 0.5 to 1.
type stress struct{ at, size float64 }

// stresses are the stressed vowels of a clip, or where it has none the peaks of its
// loudness.
func stresses(c *speech.Clip) []stress {
	loud := c.Envelope()
	size := func(t float64) float64 {
		i := int(t * speech.EnvelopeRate)
		if i < 0 || i >= len(loud) {
			return 0.5
		}
		return 0.5 + 0.5*float64(loud[i])
	}
	var all []stress
	for _, v := range c.Lips {
		if v.Stress {
			t := (v.At + v.Length/2).Seconds()
			all = append(all, stress{t, size(t)})
		}
	}
	if len(all) > 0 {
		return all
	}
	for i := 1; i+1 < len(loud); i++ {
		if loud[i] > 0.8 && loud[i] >= loud[i-1] && loud[i] > loud[i+1] {
			t := (float64(i) + 0.5) / speech.EnvelopeRate
			all = append(all, stress{t, size(t)})
		}
	}
	return all
}
