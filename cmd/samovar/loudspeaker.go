package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"sync"
	"time"

	"samovar/robot/speech"
)

// players are programs that play a WAV file from their standard input.
var players = [][]string{{"pw-play", "-"}, {"paplay"}, {"aplay", "-q"}, {"play", "-q", "-t", "wav", "-"}}

// loud plays clips by a program, one after the other.
type loud struct {
	command []string

	mu   sync.Mutex
	free time.Time          // when all have been heard
	end  context.CancelFunc // of those that wait or are heard
	ctx  context.Context
	last chan struct{} // closed when the clip before has been heard
}

// loudspeaker finds a program that plays sound.
func loudspeaker() (speech.Player, error) {
	for _, p := range players {
		if path, err := exec.LookPath(p[0]); err == nil {
			return &loud{command: append([]string{path}, p[1:]...)}, nil
		}
	}
	return nil, errors.New("there is no program that plays sound")
}

// Play implements speech.Player.
func (l *loud) Play(_ context.Context, c *speech.Clip) (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx == nil {
		l.ctx, l.end = context.WithCancel(context.Background())
	}
	start := time.Now()
	if l.free.After(start) {
		start = l.free
	}
	l.free = start.Add(c.Length())
	before, heard, ctx := l.last, make(chan struct{}), l.ctx
	l.last = heard
	go func() {
		defer close(heard)
		if before != nil {
			<-before
		}
		p := exec.CommandContext(ctx, l.command[0], l.command[1:]...)
		p.Stdin = bytes.NewReader(c.WAV())
		p.Run() // a loudspeaker that fails is heard to
	}()
	return start, nil
}

// Stop implements speech.Player.
func (l *loud) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end != nil {
		l.end()
	}
	l.ctx, l.end, l.free = nil, nil, time.Time{}
}
