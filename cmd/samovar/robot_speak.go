package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"samovar/compute"
	"samovar/house"
	"samovar/robot/speech"
)

// voiced are the flags of commands that speak.
type voiced struct {
	Language string `enum:",en,fr,ru,ar" default:"" help:"Language: en, fr, ru or ar. Default: that of the text."`
	Out      string `placeholder:"FILE.wav" help:"Write the sound into a file instead of playing it."`
}

type sayCommand struct {
	Text   []string `arg:"" help:"What it says."`
	voiced `embed:""`
}

func (c *sayCommand) Run(g *globals) error {
	return c.speak(g, nil, func(ctx context.Context, h *speech.Host) (speech.Said, error) {
		return h.Talker.Say(ctx, speech.Text(strings.Join(c.Text, " ")), c.Language)
	})
}

type greetCommand struct {
	Ref    string `arg:"" optional:"" help:"Model that it thinks with: name, digest or GGUF file. Default: the first in the store."`
	voiced `embed:""`
}

func (c *greetCommand) Run(g *globals) error {
	mind, err := think(g, c.Ref, 0)
	if err != nil {
		return err
	}
	defer mind.close()
	return c.speak(g, mind, func(ctx context.Context, h *speech.Host) (speech.Said, error) {
		hello, err := h.Greet(ctx, c.Language)
		if err != nil {
			return hello, err
		}
		who, err := h.Introduce(ctx, c.Language)
		who.Text, who.First, who.Heard = hello.Text+" "+who.Text, hello.First, hello.Heard+who.Heard
		return who, err
	})
}

// speak has the robot say something.
func (c *voiced) speak(g *globals, mind *mind, say func(context.Context, *speech.Host) (speech.Said, error)) error {
	voice, err := speech.NewEspeak("")
	if err != nil {
		return err
	}
	tape := &speech.Tape{}
	var player speech.Player = tape
	if c.Out == "" && !g.JSON {
		if player, err = loudspeaker(); err != nil {
			return err
		}
	}
	h := &speech.Host{Character: speech.Own(), Talker: speech.NewTalker(voice, player)}
	if mind != nil {
		h.Speaker, h.Knows = mind, mind.knows
	}
	h.Talker.Heard = func(u speech.Utterance) {
		if !g.JSON {
			fmt.Fprintln(g.out, u.Text)
		}
	}
	said, err := say(g.ctx, h)
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := os.WriteFile(c.Out, tape.WAV(), 0o644); err != nil {
			return fmt.Errorf("write what was said: %w", err)
		}
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(said)
	}
	return nil
}

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
	return nil, errors.New("there is no program that plays sound: install alsa-utils, or write a file with --out")
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

// mind is a model that the robot thinks with.
type mind struct {
	mu     sync.Mutex
	talker *talker
	knows  []string // languages that the model was made for; nil: it does not say
	close  func()
}

// remembered is how many messages of a dialogue the robot remembers.
const remembered = 8

// mostSaid is the longest answer, in tokens; what is said is cut after a minute anyway.
const mostSaid = 256

// think loads a model; threads is how many it computes with, 0: all.
func think(g *globals, ref string, threads int) (_ *mind, err error) {
	s, err := g.openFor(ref)
	if err != nil {
		return nil, err
	}
	m := &mind{}
	closers := []func(){func() { var ignored error; s.close(&ignored) }}
	m.close = func() {
		for i := len(closers) - 1; i >= 0; i-- {
			closers[i]()
		}
	}
	if ref == "" {
		if ref, err = s.first(g); err != nil {
			m.close()
			return nil, err
		}
	}
	f, err := s.openModel(ref)
	if err != nil {
		m.close()
		return nil, err
	}
	if languages, err := f.Strings("general.languages"); err == nil {
		m.knows = languages
	} else if ref == house.Name {
		m.knows = []string{"en"}
	}
	dev, err := compute.CPU{Threads: threads}.Open()
	if err != nil {
		f.Close()
		m.close()
		return nil, err
	}
	closers = append(closers, dev.Close)
	l, err := s.load(dev, f, serving{sequences: 1})
	if err != nil {
		m.close()
		return nil, fmt.Errorf("load %s: %w", ref, err)
	}
	closers = append(closers, func() { l.Close() })
	m.talker = &talker{command: &chatCommand{Temperature: 0.7, MaxTokens: mostSaid, Seed: 1}, Loaded: l}
	return m, nil
}

// Speak implements samovar.Speaker.
func (m *mind) Speak(ctx context.Context, prompt string, say func(string) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.talker.said); n > remembered {
		m.talker.said = m.talker.said[n-remembered:]
	}
	return m.talker.Speak(ctx, prompt, say)
}
