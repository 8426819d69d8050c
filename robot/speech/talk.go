package speech

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"
)

// Source writes a text by calling say with each piece; say's error ends it.
type Source func(ctx context.Context, say func(piece string) error) error

// Text is the source of a text that is there.
func Text(text string) Source {
	return func(_ context.Context, say func(string) error) error { return say(text) }
}

// Utterance is a clip that is heard from a moment on.
type Utterance struct {
	Clip
	Start time.Time
	First bool // of what is said now
}

// Talker says texts aloud while they are written. While one utterance is heard, the
// next one is spoken and the one after it written. Its fields are set before it talks.
// Make one with NewTalker.
type Talker struct {
	Voice  Voice
	Player Player
	// Heard, if there is one, is told of every utterance as soon as it is known when
	// it starts, mostly a moment before; it does not block.
	Heard func(Utterance)
	// Most is how much of a text is said, in letters; 0 is 1000, a minute. The sentence
	// that reaches it is the last.
	Most int

	turn   chan struct{} // full while somebody talks
	mutex  sync.Mutex
	cancel func() // of what is said now
}

// NewTalker returns a talker with a voice and a player.
func NewTalker(v Voice, p Player) *Talker {
	return &Talker{Voice: v, Player: p, turn: make(chan struct{}, 1)}
}

// Said is what was said.
type Said struct {
	Text     string        `json:"text"`     // of the utterances that began to be heard
	Language string        `json:"language"` // of the last one
	First    time.Duration `json:"first_ns"` // from the call to the first sound
	Heard    time.Duration `json:"heard_ns"` // length of the sound
	Stopped  bool          `json:"stopped"`  // by Stop
	Cut      bool          `json:"cut"`      // the text was longer than Most
}

// lead is how long before the end of a clip the next one is handed to the player, so
// that there is no pause.
const lead = 300 * time.Millisecond

// errEnough ends a source whose text is long enough.
var errEnough = errors.New("enough was said")

// errStopped is the cause of contexts that Stop has ended.
var errStopped = errors.New("stopped")

// Stop silences the talker at once. What it says ends without an error.
func (t *Talker) Stop() {
	t.mutex.Lock()
	if t.cancel != nil {
		t.cancel()
	}
	t.mutex.Unlock()
	t.Player.Stop()
}

// stops sets what Stop calls.
func (t *Talker) stops(cancel func()) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.cancel = cancel
}

// Say says a text from a source, in a language or, if that is empty, in the one in
// which each sentence seems to be. It returns when all has been heard, ctx ends, or
// somebody stops it. A second text waits until the first is said.
func (t *Talker) Say(ctx context.Context, text Source, language string) (Said, error) {
	return t.say(ctx, text, language, "en")
}

// say is Say with the language of a first sentence that could be in any.
func (t *Talker) say(ctx context.Context, text Source, language, doubt string) (Said, error) {
	start := time.Now()
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return Said{}, fmt.Errorf("say aloud: %w", ctx.Err())
	}
	defer func() { <-t.turn }()
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t.stops(func() { cancel(errStopped) })
	defer t.stops(nil)

	s := saying{talker: t, language: language, doubt: doubt, start: start}
	err := s.run(inner, text)
	if err != nil {
		t.Player.Stop()
	}
	if context.Cause(inner) == errStopped {
		s.said.Stopped, err = true, nil
	}
	if err == nil {
		err = s.failed
	}
	if err != nil {
		return s.said, fmt.Errorf("say aloud: %w", err)
	}
	return s.said, nil
}

// saying is one text being said.
type saying struct {
	talker   *Talker
	language string // empty: each sentence's
	doubt    string
	start    time.Time
	said     Said
	failed   error // of the source; what it wrote before is said all the same
}

func (s *saying) run(ctx context.Context, text Source) error {
	g, ctx := errgroup.WithContext(ctx)
	most := s.talker.Most
	if most <= 0 {
		most = 1000
	}
	sentences := make(chan string, most) // a letter each at least: who writes never waits for who speaks
	clips := make(chan Clip)
	g.Go(func() error {
		defer close(sentences)
		return s.cut(ctx, text, most, sentences)
	})
	g.Go(func() error {
		defer close(clips)
		return s.speak(ctx, sentences, clips)
	})
	g.Go(func() error { return s.play(ctx, clips) })
	return g.Wait()
}

// cut cuts the text into sentences of so many letters together, the last one whole.
func (s *saying) cut(ctx context.Context, text Source, left int, to chan<- string) error {
	var cutter Cutter
	send := func(all []string) error {
		for _, one := range all {
			if left <= 0 {
				s.said.Cut = true
				return errEnough
			}
			left -= utf8.RuneCountInString(one)
			to <- one
		}
		return ctx.Err()
	}
	err := text(ctx, func(piece string) error { return send(cutter.Write(piece)) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !s.said.Cut {
		s.failed = err
		err = send(cutter.Flush())
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// speak makes sound of sentences, one ahead of what is played.
func (s *saying) speak(ctx context.Context, sentences <-chan string, to chan<- Clip) error {
	spoken := s.doubt
	for text := range sentences {
		language := s.language
		if language == "" {
			spoken = Guess(text, spoken)
			language = spoken
		}
		c, err := s.talker.Voice.Speak(ctx, text, language)
		if err != nil {
			return err
		}
		select {
		case to <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// play has clips heard, each a little before the end of the one before it.
func (s *saying) play(ctx context.Context, clips <-chan Clip) error {
	var end time.Time
	var texts []string
	for c := range clips {
		if err := until(ctx, end.Add(-lead)); err != nil {
			return err
		}
		start, err := s.talker.Player.Play(ctx, &c)
		if err != nil {
			return err
		}
		first := len(texts) == 0
		if first {
			s.said.First = start.Sub(s.start)
		}
		if s.talker.Heard != nil {
			s.talker.Heard(Utterance{Clip: c, Start: start, First: first})
		}
		texts = append(texts, c.Text)
		s.said.Text, s.said.Language = strings.Join(texts, " "), c.Language
		s.said.Heard += c.Length()
		end = start.Add(c.Length())
	}
	return until(ctx, end)
}

// until waits for a moment.
func until(ctx context.Context, moment time.Time) error {
	wait := time.NewTimer(time.Until(moment))
	defer wait.Stop()
	select {
	case <-wait.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
