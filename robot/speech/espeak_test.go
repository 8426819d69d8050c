package speech

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func espeak(t *testing.T) *Espeak {
	t.Helper()
	v, err := NewEspeak("")
	if err != nil {
		t.Skip(err)
	}
	return v
}

func TestEspeak(t *testing.T) {
	v := espeak(t)
	for _, language := range Languages {
		text := Own().Introduction(language)
		c, err := v.Speak(t.Context(), text, language)
		if err != nil {
			t.Fatal(err)
		}
		if c.Text != text || c.Language != language || c.Rate < slowestRate || c.Length() < 2*time.Second || c.Length() > 15*time.Second {
			t.Errorf("%s: %d Hz, %v", language, c.Rate, c.Length())
		}
		loudest := float32(0)
		for _, l := range c.Envelope() {
			loudest = max(loudest, l)
		}
		if loudest != 1 {
			t.Errorf("%s: the envelope's peak is %v", language, loudest)
		}
		checkLips(t, &c)
	}
}

// checkLips says whether a clip's visemes follow each other, fill it, and have stresses.
func checkLips(t *testing.T, c *Clip) {
	t.Helper()
	var end time.Duration
	stressed, shapes := 0, map[Shape]int{}
	for _, v := range c.Lips {
		if v.At != end || v.Length <= 0 {
			t.Fatalf("%s: a viseme from %v for %v, where the one before it ends at %v", c.Language, v.At, v.Length, end)
		}
		end = v.At + v.Length
		shapes[v.Shape]++
		if v.Stress {
			stressed++
		}
	}
	if math.Abs((end-c.Length()).Seconds()) > 0.001 || stressed < 4 || len(shapes) < 6 {
		t.Errorf("%s: visemes to %v of %v, %d stresses, %v", c.Language, end, c.Length(), stressed, shapes)
	}
}

// Nothing in a text is an option, a command of the shell, or one of espeak-ng.
func TestEspeakObeysNoText(t *testing.T) {
	v := espeak(t)
	name := filepath.Join(t.TempDir(), "file")
	for _, text := range []string{"--version", "-w " + name, "$(touch " + name + ")", "; touch " + name, "`touch " + name + "`"} {
		c, err := v.Speak(t.Context(), text, "en")
		if err != nil || c.Length() < 300*time.Millisecond {
			t.Errorf("%q: %v, %v", text, c.Length(), err)
		}
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("a file was made")
	}
}

func TestEspeakRefuses(t *testing.T) {
	v := espeak(t)
	if _, err := v.Speak(t.Context(), strings.Repeat("a", Longest+1), "en"); err == nil || !strings.Contains(err.Error(), "401 letters: 400 are spoken at once") {
		t.Errorf("a long text: %v", err)
	}
	if _, err := v.Speak(t.Context(), "Hello.", "xx-none"); err == nil || !strings.Contains(err.Error(), `speak "Hello."`) {
		t.Errorf("an unknown voice: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Speak(ctx, "Hello.", "en"); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

func TestNewEspeakSaysWhatToInstall(t *testing.T) {
	_, err := NewEspeak("no-such-espeak")
	if err == nil || !strings.Contains(err.Error(), "install the package espeak-ng") {
		t.Error(err)
	}
}

// A program in espeak-ng's place that hangs, floods or fails is an error in time.
func TestEspeakSurvivesItsProgram(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"fails":   {"echo no such voice >&2; exit 3", "exit status 3: no such voice"},
		"floods":  {"yes", "MB of sound"},
		"silent":  {"exit 0", "they are no WAV file"},
		"prates":  {"yes >&2 & sleep 0.2; kill $!; exit 1", "exit status 1"},
		"garbage": {"echo RIFF0000WAVEfmt", "it has no format and data"},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+c.script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		v, err := NewEspeak(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Speak(t.Context(), "Hello.", "en"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("a program that %s: %v", name, err)
		}
	}
}

func TestWAV(t *testing.T) {
	samples := []int16{0, 1, -1, math.MaxInt16, math.MinInt16}
	file := WAV(samples, 22050)
	got, rate, err := ReadWAV(file)
	if err != nil || rate != 22050 || len(got) != len(samples) || got[4] != math.MinInt16 {
		t.Errorf("%v %d %v", got, rate, err)
	}
	if got, _, err = ReadWAV(file[:len(file)-3]); err != nil || len(got) != 3 {
		t.Errorf("torn: %v %v", got, err)
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(WAV([]int16{1, 2, 3}, 16000))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEdata\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, file []byte) {
		samples, rate, err := ReadWAV(file)
		if err == nil && (rate < slowestRate || rate > fastestRate || 2*len(samples) > len(file)) {
			t.Errorf("%d samples at %d Hz of %d bytes", len(samples), rate, len(file))
		}
	})
}

func FuzzPhones(f *testing.F) {
	f.Add("h_ə_l_ˈəʊ\n ʒ_ə\n")
	f.Fuzz(func(t *testing.T, ipa string) {
		c := Clip{Rate: 8000, Samples: make([]int16, 800)}
		var end time.Duration
		for _, v := range lips([]byte(ipa), &c) {
			if v.At != end || v.Length < 0 || v.At+v.Length > c.Length()+time.Microsecond {
				t.Fatalf("%+v", v)
			}
			end = v.At + v.Length
		}
	})
}

func TestEnvelope(t *testing.T) {
	c := Clip{Rate: 8000, Samples: make([]int16, 480)} // three values
	for i := range 160 {
		c.Samples[i] = 10000
		c.Samples[160+i] = 1000 // 20 dB less
	}
	e := c.Envelope()
	if len(e) != 3 || e[0] != 1 || math.Abs(float64(e[1])-0.5) > 1e-6 || e[2] != 0 {
		t.Error(e)
	}
	if e := (&Clip{}).Envelope(); e != nil {
		t.Error(e)
	}
}

// Visemes begin when libespeak-ng says that phonemes do; testdata/phonemes.py asked it.
func TestLipsFollowPhonemes(t *testing.T) {
	v := espeak(t)
	b, err := os.ReadFile("testdata/phonemes.json")
	if err != nil {
		t.Fatal(err)
	}
	var sentences []struct {
		Language, Text string
		Phonemes       [][2]any
	}
	if err := json.Unmarshal(b, &sentences); err != nil {
		t.Fatal(err)
	}
	for _, s := range sentences {
		c, err := v.Speak(t.Context(), s.Text, s.Language)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []float64
		for _, p := range s.Phonemes {
			if ipa := p[1].(string); ipa != "" && ipa[0] != '(' && ipa != "ʲ" {
				want = append(want, p[0].(float64))
			}
		}
		for _, l := range c.Lips {
			if l.Shape != Rest {
				got = append(got, l.At.Seconds())
			}
		}
		mean, most := 0.0, 0.0
		for i := range min(len(got), len(want)) {
			d := math.Abs(got[i] - want[i])
			mean, most = mean+d/float64(len(want)), max(most, d)
		}
		if len(got) != len(want) || mean > 0.1 {
			t.Errorf("%s: %d visemes, %d phonemes, off by %.0f ms", s.Language, len(got), len(want), 1000*mean)
		}
		t.Logf("%s: %d visemes, %d phonemes, off by %.0f ms, at most %.0f", s.Language, len(got), len(want), 1000*mean, 1000*most)
	}
}
