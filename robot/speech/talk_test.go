package speech

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// toned is a voice that takes a time for each utterance and sounds 100 ms a word.
type toned struct {
	takes time.Duration
	fails string // the text at which it does
	mutex sync.Mutex
	spoke []string // language: text
}

func (v *toned) Speak(ctx context.Context, text, language string) (Clip, error) {
	v.mutex.Lock()
	v.spoke = append(v.spoke, language+": "+text)
	v.mutex.Unlock()
	if text == v.fails {
		return Clip{}, errors.New("hoarse")
	}
	select {
	case <-time.After(v.takes):
	case <-ctx.Done():
		return Clip{}, ctx.Err()
	}
	return Clip{Text: text, Language: language, Rate: 16000, Samples: make([]int16, 1600*len(strings.Fields(text)))}, nil
}

// typed is a source that writes a text letter by letter, and then fails or not.
func typed(text string, each time.Duration, err error) Source {
	return func(ctx context.Context, say func(string) error) error {
		for _, r := range text {
			select {
			case <-time.After(each):
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := say(string(r)); err != nil {
				return err
			}
		}
		return err
	}
}

const ms = time.Millisecond

// In a synctest bubble time is exact: what is said begins as soon as it can, and has no
// gap where text and voice are fast enough.
func TestTalkerIsSoonAndHasNoGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []Utterance
		talker := NewTalker(&toned{takes: 50 * ms}, &Silent{})
		talker.Heard = func(u Utterance) { heard = append(heard, u) }
		said, err := talker.Say(t.Context(), typed("Hello! One two three four five six. Seven eight nine ten.", ms, nil), "en")
		if err != nil {
			t.Fatal(err)
		}
		// "Hello! O" are 8 letters.
		if want := 58 * ms; said.First != want {
			t.Errorf("the first sound after %v, not %v", said.First, want)
		}
		if want := "Hello! One two three four five six. Seven eight nine ten."; said.Text != want || said.Heard != 1100*ms {
			t.Errorf("%+v", said)
		}
		if len(heard) != 3 || !heard[0].First || heard[1].First {
			t.Fatalf("%d utterances", len(heard))
		}
		if gap := heard[2].Start.Sub(heard[1].Start.Add(heard[1].Length())); gap != 0 {
			t.Errorf("a gap of %v between sentences", gap)
		}
		if took := time.Since(heard[0].Start); took != heard[2].Start.Add(heard[2].Length()).Sub(heard[0].Start) {
			t.Errorf("it returned %v after the first sound", took)
		}
	})
}

func TestTalkerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		talker := NewTalker(&toned{takes: 50 * ms}, &Silent{})
		go func() {
			time.Sleep(400 * ms)
			talker.Stop()
		}()
		start := time.Now()
		said, err := talker.Say(t.Context(), typed(strings.Repeat("Ten words. ", 500), ms, nil), "en")
		if err != nil || !said.Stopped || time.Since(start) != 400*ms {
			t.Errorf("%v after %v: %+v", err, time.Since(start), said)
		}
		talker.Stop() // when nothing is said
		if said, err = talker.Say(t.Context(), Text("Again."), "en"); err != nil || said.Text != "Again." || said.Stopped {
			t.Errorf("%v: %+v", err, said)
		}
	})
}

func TestTalkerEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		talker := NewTalker(&toned{}, &Silent{})
		ctx, cancel := context.WithTimeout(t.Context(), 250*ms)
		defer cancel()
		go talker.Say(ctx, Text(strings.Repeat("a ", 100)), "en")
		synctest.Wait()
		if _, err := talker.Say(ctx, Text("Never."), "en"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waits for a turn: %v", err)
		}
		synctest.Wait()
	})
}

func TestTalkerBoundsLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		talker := NewTalker(&toned{}, &Silent{})
		talker.Most = 40
		said, err := talker.Say(t.Context(), typed(strings.Repeat("Twenty letters here. ", 1000), 0, nil), "en")
		if want := "Twenty letters here. Twenty letters here."; err != nil || said.Text != want || !said.Cut {
			t.Errorf("%v: %+v", err, said)
		}
	})
}

func TestTalkerGuessesLanguages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &toned{}
		if _, err := NewTalker(v, &Silent{}).Say(t.Context(), Text("Hello there! Bonjour à vous. Здравствуйте. 42."), ""); err != nil {
			t.Fatal(err)
		}
		if want := "[en: Hello there! fr: Bonjour à vous. ru: Здравствуйте. ru: 42.]"; fmt.Sprint(v.spoke) != want {
			t.Errorf("%v, not %s", v.spoke, want)
		}
	})
}

func TestTalkerReportsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		talker := NewTalker(&toned{fails: "Two."}, &Silent{})
		if _, err := talker.Say(t.Context(), Text("One. Two. Three."), "en"); err == nil || err.Error() != "say aloud: hoarse" {
			t.Errorf("a voice that fails: %v", err)
		}
		said, err := NewTalker(&toned{}, &Silent{}).Say(t.Context(), typed("One. Two", ms, errors.New("asleep")), "en")
		if err == nil || err.Error() != "say aloud: asleep" || said.Text != "One. Two" {
			t.Errorf("a source that fails: %v, %+v", err, said)
		}
	})
}

// model is a samovar.Speaker.
type model struct {
	says string
	err  error
	got  string
}

func (m *model) Speak(_ context.Context, prompt string, say func(string) error) error {
	m.got = prompt
	if err := say(m.says); err != nil {
		return err
	}
	return m.err
}

func TestHost(t *testing.T) {
	gone := errors.New("gone")
	for name, c := range map[string]struct {
		model    *model
		knows    []string
		question string // empty: greet; "?": introduce
		language string
		asked    string
		spoke    string // the last that the voice was given
		said     string
		fails    bool
	}{
		"greets":                     {&model{says: "Hi! I am here."}, nil, "", "en", "Hello.", "en: I am here.", "Hi! I am here.", false},
		"greets in French":           {&model{says: "Bonjour !"}, nil, "", "fr", "Bonjour.", "fr: Bonjour !", "Bonjour !", false},
		"introduces itself":          {&model{says: "I am a model."}, nil, "?", "en", "Who are you?", "en: I am a model.", "I am a model.", false},
		"doubts":                     {&model{says: "42."}, nil, "Combien ?", "fr", "Combien ?", "fr: 42.", "42.", false},
		"answers":                    {&model{says: "Six."}, nil, "What is 2 * 3?", "", "What is 2 * 3?", "en: Six.", "Six.", false},
		"has no model":               {nil, nil, "", "ru", "", "ru: Я Samovar.", "Здравствуйте! Я Samovar.", false},
		"model without the language": {&model{says: "x"}, []string{"en"}, "", "ar", "", "ar: أنا Samovar.", "مرحبا! أنا Samovar.", false},
		"question in another":        {&model{says: "x"}, []string{"en"}, "كيف حالك؟", "", "", "ar: عفوا، لا أستطيع الإجابة الآن.", "عفوا، لا أستطيع الإجابة الآن.", false},
		"asked who in another":       {&model{says: "x"}, []string{"en"}, "Et toi, qui es-tu ?", "", "", "fr: Je parle, et je danse sur votre musique.", "Je suis Samovar, un robot humanoïde. Je parle, et je danse sur votre musique.", false},
		"greeted in another":         {&model{says: "x"}, []string{"en"}, "Привет!", "", "", "ru: Я Samovar.", "Здравствуйте! Я Samovar.", false},
		"model fails":                {&model{err: gone}, nil, "Why?", "", "Why?", "en: I am sorry, I cannot answer right now.", "I am sorry, I cannot answer right now.", true},
		"model fails midway":         {&model{says: "Because.", err: gone}, nil, "Why?", "", "Why?", "en: I am sorry, I cannot answer right now.", "Because. I am sorry, I cannot answer right now.", true},
		"model says nothing":         {&model{says: " ** 😀 "}, nil, "", "fr", "Bonjour.", "fr: je ne peux pas répondre maintenant.", "Je suis désolé, je ne peux pas répondre maintenant.", true},
		"unknown language":           {nil, nil, "", "de", "", "en: I am Samovar.", "Hello! I am Samovar.", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &toned{}
				h := Host{Character: Own(), Talker: NewTalker(v, &Silent{}), Knows: c.knows}
				if c.model != nil {
					h.Speaker = c.model
				}
				var said Said
				var err error
				switch c.question {
				case "":
					said, err = h.Greet(t.Context(), c.language)
				case "?":
					said, err = h.Introduce(t.Context(), c.language)
				default:
					said, err = h.Answer(t.Context(), c.question, c.language)
				}
				if (err != nil) != c.fails {
					t.Errorf("error %v", err)
				}
				if c.model != nil && c.model.got != c.asked {
					t.Errorf("the model was asked %q, not %q", c.model.got, c.asked)
				}
				if last := v.spoke[len(v.spoke)-1]; last != c.spoke || said.Text != c.said {
					t.Errorf("spoke %q, said %q", last, said.Text)
				}
			})
		})
	}
}

func TestPhrasesAreSpoken(t *testing.T) {
	c := Own()
	for _, language := range Languages {
		for _, text := range []string{c.Greeting(language), c.Introduction(language), spoken[language].sorry, spoken[language].hello, spoken[language].who} {
			if got := Guess(text, "none"); got != language {
				t.Errorf("%q seems to be in %q, not %s", text, got, language)
			}
			if got := strings.Join(cut(text, 1), " "); got != text {
				t.Errorf("%q is cut into %q", text, got)
			}
		}
	}
	if n := len(c.System()); n > 600 {
		t.Errorf("the system prompt has %d letters", n)
	}
}

func TestTape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape := &Tape{}
		play := func(n int) {
			t.Helper()
			if _, err := tape.Play(t.Context(), &Clip{Rate: 8000, Samples: make([]int16, n)}); err != nil {
				t.Fatal(err)
			}
		}
		play(8000)
		play(8000) // follows
		time.Sleep(3 * time.Second)
		play(8000)
		time.Sleep(500 * ms)
		tape.Stop()
		samples, rate, err := ReadWAV(tape.WAV())
		if err != nil || rate != 8000 || len(samples) != 28000 {
			t.Errorf("%v: %d samples at %d Hz", err, len(samples), rate)
		}
		if _, err := tape.Play(t.Context(), &Clip{Rate: 16000}); err == nil {
			t.Error("a clip of another rate is recorded")
		}
		if _, err := tape.Play(t.Context(), &Clip{Rate: 8000, Samples: make([]int16, 8000*600)}); err == nil {
			t.Error("a tape has no end")
		}
	})
}

func TestChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Duration
		silenced := 0
		begin := time.Now()
		p := &Channel{Send: func(_ *Clip, start time.Time) error {
			starts = append(starts, start.Sub(begin))
			return nil
		}, Silence: func() { silenced++ }}
		c := &Clip{Rate: 8000, Samples: make([]int16, 8000)}
		p.Play(t.Context(), c)
		p.Play(t.Context(), c)
		p.Stop()
		p.Play(t.Context(), c)
		if want := "[100ms 1.1s 100ms]"; fmt.Sprint(starts) != want || silenced != 1 {
			t.Errorf("%v, not %s; silenced %d times", starts, want, silenced)
		}
	})
}
