package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"samovar/robot/speech"
)

// voiced is what a robot that speaks is told.
type voiced struct {
	Language string `help:"en, fr, ru or ar. Default: what a text seems to be in, else en." enum:",en,fr,ru,ar" default:""`
	Espeak   string `placeholder:"PROGRAM" help:"The synthesiser. Default: espeak-ng."`
	Wav      string `placeholder:"FILE" help:"Write what is said as a WAV file."`
}

type sayCommand struct {
	Text []string `arg:"" help:"What is said."`
	voiced
}

type greetCommand struct {
	Model string `placeholder:"REF" help:"That thinks. Default: the first in the store."`
	voiced
}

type askCommand struct {
	Text  []string `arg:"" help:"What somebody says to the robot."`
	Model string   `placeholder:"REF" help:"That thinks. Default: the first in the store."`
	voiced
}

// talking returns a robot that speaks without a body, and prints what it says. It is
// heard where there is a loudspeaker and somebody to listen.
func (c *voiced) talking(g *globals) (*speech.Host, error) {
	voice, err := speech.NewEspeak(c.Espeak)
	if err != nil {
		return nil, err
	}
	var player speech.Player = &speech.Silent{}
	if c.Wav != "" || g.JSON { // nobody listens
		player = &speech.Tape{}
	} else if l, err := loudspeaker(); err == nil {
		player = l
	}
	h := &speech.Host{Character: speech.Own(), Talker: speech.NewTalker(voice, player)}
	if !g.JSON {
		h.Talker.Heard = func(u speech.Utterance) { fmt.Fprintln(g.out, u.Text) }
	}
	return h, nil
}

// finish prints what was said and writes the file.
func (c *voiced) finish(g *globals, h *speech.Host, said ...speech.Said) error {
	if g.JSON {
		for _, s := range said {
			if err := json.NewEncoder(g.out).Encode(s); err != nil {
				return err
			}
		}
	}
	if t, ok := h.Talker.Player.(*speech.Tape); ok && c.Wav != "" {
		if err := os.WriteFile(c.Wav, t.WAV(), 0o644); err != nil {
			return fmt.Errorf("write what is said: %w", err)
		}
	}
	return nil
}

func (c *sayCommand) Run(g *globals) error {
	h, err := c.talking(g)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(strings.Join(c.Text, " "))
	if text == "" {
		return fmt.Errorf("say nothing: %w: give a text", errUsage)
	}
	h.Talker.Most = len(text) // all of it
	said, err := h.Talker.Say(g.ctx, speech.Text(text), c.Language)
	return errors.Join(err, c.finish(g, h, said))
}

func (c *greetCommand) Run(g *globals) error {
	return c.thinking(g, c.Model, func(h *speech.Host) error {
		hello, err := h.Greet(g.ctx, c.Language)
		if err != nil {
			return err
		}
		who, err := h.Introduce(g.ctx, c.Language)
		return errors.Join(err, c.finish(g, h, hello, who))
	})
}

func (c *askCommand) Run(g *globals) error {
	text := strings.TrimSpace(strings.Join(c.Text, " "))
	if text == "" {
		return fmt.Errorf("ask nothing: %w: give a text", errUsage)
	}
	return c.thinking(g, c.Model, func(h *speech.Host) error {
		said, err := h.Answer(g.ctx, text, c.Language)
		return errors.Join(err, c.finish(g, h, said))
	})
}

// thinking lets a robot with a model do something.
func (c *voiced) thinking(g *globals, ref string, do func(*speech.Host) error) error {
	h, err := c.talking(g)
	if err != nil {
		return err
	}
	return think(g, ref, 0, func(m *mind) error {
		h.Speaker, h.Knows = m, m.knows
		return do(h)
	})
}
