package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"samovar/compute"
	"samovar/house"
	"samovar/robot/speech"
	"samovar/tokenizer/template"
)

// mind is a model that a robot thinks with, one thought at a time.
type mind struct {
	mu     sync.Mutex
	talker *talker
	knows  []string // languages that the model was made for; nil: it does not say
}

// mostSaid is the longest answer, in tokens; what is said is cut after a minute anyway.
const mostSaid = 256

// think lets do have a model, which computes with so many threads, 0: all.
func think(g *globals, ref string, threads int, do func(*mind) error) (err error) {
	s, err := g.openFor(ref)
	if err != nil {
		return err
	}
	defer s.close(&err)
	if ref == "" {
		if ref, err = s.first(g); err != nil {
			return err
		}
	}
	f, err := s.openModel(ref)
	if err != nil {
		return err
	}
	d, err := compute.CPU{Threads: threads}.Open()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	defer d.Close()
	l, err := s.load(d, f, serving{sequences: 1})
	if err != nil {
		return fmt.Errorf("load %s: %w", ref, err)
	}
	defer l.Close()
	m := &mind{talker: &talker{command: &chatCommand{MaxTokens: mostSaid, Temperature: 0.7, Seed: 1}, Loaded: l}}
	if ref == house.Name {
		m.knows = []string{"en"} // and it knows who it is
	} else {
		m.talker.said = []template.Message{{Role: "system", Content: speech.Own().System()}}
	}
	return do(m)
}

// Forget forgets the dialogue: somebody else has come.
func (m *mind) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.talker.said = slices.DeleteFunc(m.talker.said, func(t template.Message) bool { return t.Role != "system" })
}

// Speak implements samovar.Speaker.
func (m *mind) Speak(ctx context.Context, prompt string, say func(string) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.talker.Speak(ctx, prompt, say)
}
