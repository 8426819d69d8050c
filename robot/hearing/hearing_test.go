package hearing

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"samovar/robot/speech"
)

func tone(seconds float64, rate int) Sound {
	s := Sound{Rate: rate, Samples: make([]int16, int(seconds*float64(rate)))}
	for i := range s.Samples {
		s.Samples[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(i)/float64(rate)))
	}
	return s
}

func script(t *testing.T, lines string) *Program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recogniser")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := NewProgram(path, "an argument; with $signs")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProgram(t *testing.T) {
	for name, c := range map[string]struct{ script, want, err string }{
		"counts":       {`n=$(wc -c); printf ' %s bytes,\n\033[1m %s ' $n "$1"`, "32044 bytes, [1m an argument; with $signs", ""},
		"says nothing": {`cat >/dev/null`, "", "nothing was understood"},
		"fails":        {`echo no model >&2; exit 2`, "", "exit status 2: no model"},
		"floods":       {`yes`, "", "it wrote more than 16 KB"},
		"hangs":        {`exec sleep 60`, "", "context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			p := script(t, c.script)
			if name == "hangs" {
				p.Patience = 100 * time.Millisecond
			}
			h, err := p.Recognise(t.Context(), tone(1, 16000))
			if h.Text != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %v", h.Text, err)
			}
		})
	}
	if _, err := NewProgram("no-such-recogniser"); err == nil || !strings.Contains(err.Error(), "install it, or name its path") {
		t.Error(err)
	}
}

func TestSoundIsRefused(t *testing.T) {
	p := script(t, "cat >/dev/null; echo words")
	for want, s := range map[string]Sound{"8000 Hz": tone(1, 8000), "31 s": tone(31, 16000), "0 Hz": {}} {
		if _, err := p.Recognise(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if _, err := (&Spotter{}).Recognise(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestNothingIsHeardInSilenceAndNoise(t *testing.T) {
	s, err := NewSpotter(t.Context(), []Command{{"hello", "en", "hello"}}, voices(t, Voices...)...)
	if err != nil {
		t.Fatal(err)
	}
	noise := Sound{Rate: 16000, Samples: make([]int16, 16000)}
	for i := range noise.Samples {
		noise.Samples[i] = int16(rand.NewPCG(1, uint64(i)).Uint64() >> 52)
	}
	for name, sound := range map[string]Sound{
		"silence": {Rate: 16000, Samples: make([]int16, 16000)}, "nothing": {Rate: 16000}, "a click": {Rate: 16000, Samples: []int16{1, 2, 3}},
		"noise": noise, "a tone": tone(1, 16000),
	} {
		if h, err := s.Recognise(t.Context(), sound); !errors.Is(err, ErrNothing) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

// The distance of an utterance to itself is 0, whatever its loudness, rate and silence
// around; a stretched one is near.
func TestDistance(t *testing.T) {
	a := make([]vector, 60)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range a {
		for k := range a[i] {
			a[i][k] = r.NormFloat64()
		}
	}
	var slow []vector
	for _, v := range a {
		slow = append(slow, v, v)
	}
	if d := distance(a, a); d != 0 {
		t.Errorf("to itself %v", d)
	}
	if d := distance(a, slow[:100]); d > 3 {
		t.Errorf("to a slower one %v", d)
	}
	if d := distance(a, a[:20]); !math.IsInf(d, 1) {
		t.Errorf("to a third of it %v", d)
	}
	if d := distance(nil, a); !math.IsInf(d, 1) {
		t.Errorf("of nothing %v", d)
	}
}

// voices are variants of espeak-ng's in all languages; without it the test is skipped.
func voices(t *testing.T, names ...string) []speech.Voice {
	t.Helper()
	if _, err := speech.NewEspeak(""); err != nil {
		t.Skip(err)
	}
	var all []speech.Voice
	for _, name := range names {
		v, err := speech.NewEspeak("")
		if err != nil {
			t.Fatal(err)
		}
		v.Voices = map[string]string{}
		for _, l := range speech.Languages {
			v.Voices[l] = l + "+" + name
		}
		all = append(all, v)
	}
	return all
}

// others are voices that no template is of, at other rates of speech.
var others = []string{"m2", "m5", "f3", "f4", "klatt2"}

// words that are no commands.
var sentences = map[string][]string{
	"en": {"what time is it", "no", "yes please", "good morning", "I like tea", "where is the station", "chance", "hollow", "the weather is nice today", "stop", "table", "thank you very much"},
	"fr": {"quelle heure est-il", "non", "oui merci", "bonsoir", "j'aime le thé", "où est la gare", "chance", "il fait beau aujourd'hui", "arrête", "table", "merci beaucoup"},
	"ru": {"который час", "нет", "да пожалуйста", "доброе утро", "я люблю чай", "где вокзал", "сегодня хорошая погода", "стоп", "стол", "большое спасибо"},
	"ar": {"كم الساعة", "لا", "نعم من فضلك", "صباح الخير", "أحب الشاي", "أين المحطة", "الطقس جميل اليوم", "قف", "طاولة", "شكرا جزيلا"},
}

// noisy adds noise, that many dB below the speech.
func noisy(s Sound, snr float64, seed uint64) Sound {
	r := rand.New(rand.NewPCG(seed, 1))
	power := 0.0
	for _, x := range s.Samples {
		power += float64(x) * float64(x) / float64(len(s.Samples))
	}
	out := Sound{Rate: s.Rate}
	pad := make([]int16, s.Rate/4)
	for _, x := range append(append(pad, s.Samples...), pad...) {
		out.Samples = append(out.Samples, int16(min(32000, max(-32000, float64(x)+r.NormFloat64()*math.Sqrt(power)*math.Pow(10, -snr/20)))))
	}
	return out
}

// rates counts what a spotter takes for what.
type rates struct{ commands, right, wrong, sentences, accepted int }

func measure(t *testing.T, s *Spotter, language string, snr float64) (r rates) {
	t.Helper()
	hear := func(v speech.Voice, words string) (Heard, error) {
		clip, err := v.Speak(context.Background(), words, language)
		if err != nil {
			t.Fatal(err)
		}
		return s.Recognise(t.Context(), noisy(Sound{Rate: clip.Rate, Samples: clip.Samples}, snr, uint64(len(words))))
	}
	for i, v := range voices(t, others...) {
		v.(*speech.Espeak).Rate = 130 + 20*i
		for _, c := range Commands {
			if c.Language != language {
				continue
			}
			r.commands++
			switch h, err := hear(v, c.Words); {
			case err == nil && h.Command == c.Name:
				r.right++
			case err == nil:
				r.wrong++
			}
		}
		for _, words := range sentences[language] {
			r.sentences++
			if _, err := hear(v, words); err == nil {
				r.accepted++
			}
		}
	}
	return r
}

// Voices of espeak-ng that no template is of are understood in noise; sentences that
// are no commands are seldom taken for one. What it logs is in docs/robot.md.
func TestSpotter(t *testing.T) {
	if os.Getenv("SAMOVAR_LONG") == "" {
		t.Skip("a thousand utterances: set SAMOVAR_LONG=1")
	}
	for _, language := range speech.Languages {
		voices(t) // skips
		s, err := Learn(t.Context(), "", language)
		if err != nil {
			t.Fatal(err)
		}
		for _, snr := range []float64{60, 20, 10} {
			r := measure(t, s, language, snr)
			t.Logf("%s, noise %v dB below: %d of %d commands right, %d wrong; %d of %d other sentences taken for one", language, snr, r.right, r.commands, r.wrong, r.accepted, r.sentences)
			if snr > 10 && (20*r.right < 17*r.commands || 5*r.accepted > r.sentences) {
				t.Errorf("%s, %v dB: %+v", language, snr, r)
			}
		}
	}
}

// A few commands by two voices, in seconds.
func TestSpotterOfAFewCommands(t *testing.T) {
	commands := []Command{{"hello", "en", "hello"}, {"dance", "en", "dance for me"}, {"kneel", "en", "kneel down"}, {"", "en", "maybe"}, {"", "en", "see you later"}}
	s, err := NewSpotter(t.Context(), commands, voices(t, "m1", "f2")...)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		clip, err := voices(t, "m3")[0].Speak(t.Context(), c.Words, "en")
		if err != nil {
			t.Fatal(err)
		}
		h, err := s.Recognise(t.Context(), noisy(Sound{Rate: clip.Rate, Samples: clip.Samples}, 20, 3))
		if h.Command != c.Name || (err == nil) != (c.Name != "") {
			t.Errorf("%q is %+v, %v", c.Words, h, err)
		}
	}
}

func FuzzSpotter(f *testing.F) {
	f.Add([]byte("any bytes are samples"), 16000)
	f.Fuzz(func(t *testing.T, b []byte, rate int) {
		s := Sound{Rate: rate}
		for k := 0; k+1 < len(b); k += 2 {
			for range 50 { // long enough for a few frames
				s.Samples = append(s.Samples, int16(b[k])<<8|int16(b[k+1]))
			}
		}
		one := &Spotter{templates: []template{{Command{"hello", "en", "hello"}, make([]vector, 30)}}}
		if h, err := one.Recognise(t.Context(), s); (err == nil) != (h.Command != "") {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

func TestLearnRefuses(t *testing.T) {
	if _, err := Learn(t.Context(), "", "xx"); err == nil || !strings.Contains(err.Error(), `commands in "xx"`) {
		t.Error(err)
	}
	if _, err := Learn(t.Context(), "no-such-espeak", "en"); err == nil || !strings.Contains(err.Error(), "install the package espeak-ng") {
		t.Error(err)
	}
}
