package speech

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Player makes clips heard. Its methods may be called from several goroutines.
type Player interface {
	// Play takes a clip, to be heard as soon as those before it have been, and
	// returns when its sound starts: a moment that may be still to come. It does not
	// wait for the sound.
	Play(ctx context.Context, c *Clip) (time.Time, error)
	// Stop silences what is heard, and forgets what was to be.
	Stop()
}

// queue knows when what was handed over last will have been heard.
type queue struct {
	mutex sync.Mutex
	until time.Time
}

// add returns when a clip starts that is handed over now.
func (q *queue) add(length time.Duration) time.Time {
	start := time.Now()
	if q.until.After(start) {
		start = q.until
	}
	q.until = start.Add(length)
	return start
}

// Silent is a player for a robot without a loudspeaker: clips take their time, and
// nobody hears them. The zero value is ready.
type Silent struct{ queue }

// Play implements Player.
func (s *Silent) Play(_ context.Context, c *Clip) (time.Time, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.add(c.Length()), nil
}

// Stop implements Player.
func (s *Silent) Stop() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.until = time.Time{}
}

// Tape is a player that keeps what would be heard, up to 10 minutes, for a file. The
// zero value is ready.
type Tape struct {
	queue
	begun   time.Time
	rate    int
	samples []int16
}

const longestTape = 10 * time.Minute

// Play implements Player.
func (t *Tape) Play(_ context.Context, c *Clip) (time.Time, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.rate == 0 {
		t.rate = c.Rate
	}
	if t.rate != c.Rate {
		return time.Time{}, fmt.Errorf("record a clip of %d Hz: the tape has %d", c.Rate, t.rate)
	}
	start := t.add(c.Length())
	if t.begun.IsZero() {
		t.begun = start
	}
	if start.Add(c.Length()).Sub(t.begun) > longestTape {
		return time.Time{}, errors.New("record a clip: the tape is full after 10 minutes")
	}
	t.cut(start)
	t.samples = append(t.samples, c.Samples...)
	return start, nil
}

// Stop implements Player.
func (t *Tape) Stop() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if now := time.Now(); t.until.After(now) {
		t.cut(now)
		t.until = now
	}
}

// cut makes the tape end at a moment.
func (t *Tape) cut(moment time.Time) {
	n := int(moment.Sub(t.begun).Seconds() * float64(t.rate))
	if n = max(0, n); n <= len(t.samples) {
		t.samples = t.samples[:n]
		return
	}
	t.samples = append(t.samples, make([]int16, n-len(t.samples))...)
}

// WAV returns what was heard, as a file.
func (t *Tape) WAV() []byte {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return WAV(t.samples, t.rate)
}

// Channel is a player for a page: it hands each clip on with the moment at which it is
// to start, and the page keeps to it.
type Channel struct {
	queue
	// Delay is how long before its start a clip is sent, as long as it takes to the
	// page and into its loudspeaker; 0 is 100 ms.
	Delay time.Duration
	// Send sends a clip to whoever listens; Silence tells them to be silent. They do
	// not block for long.
	Send    func(c *Clip, start time.Time) error
	Silence func()
}

// Play implements Player.
func (p *Channel) Play(_ context.Context, c *Clip) (time.Time, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delay := p.Delay
	if delay == 0 {
		delay = 100 * time.Millisecond
	}
	if soonest := time.Now().Add(delay); p.until.Before(soonest) {
		p.until = soonest
	}
	start := p.add(c.Length())
	return start, p.Send(c, start)
}

// Stop implements Player.
func (p *Channel) Stop() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.until = time.Time{}
	p.Silence()
}
