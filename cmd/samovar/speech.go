package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"samovar/compute"
	"samovar/house"
	"samovar/robot/speech"
	"samovar/tokenizer/template"
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

// talking returns a robot that speaks without a body, and prints what it says.
func (c *voiced) talking(g *globals) (*speech.Host, error) {
	voice, err := speech.NewEspeak(c.Espeak)
	if err != nil {
		return nil, err
	}
	var player speech.Player = &speech.Silent{}
	if c.Wav != "" {
		player = &speech.Tape{}
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
	if t, ok := h.Talker.Player.(*speech.Tape); ok {
		return os.WriteFile(c.Wav, t.WAV(), 0o644)
	}
	return nil
}

func (c *sayCommand) Run(g *globals) error {
	h, err := c.talking(g)
	if err != nil {
		return err
	}
	text := strings.Join(c.Text, " ")
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
	return c.thinking(g, c.Model, func(h *speech.Host) error {
		said, err := h.Answer(g.ctx, strings.Join(c.Text, " "), c.Language)
		return errors.Join(err, c.finish(g, h, said))
	})
}

// thinking lets a robot with a model do something.
func (c *voiced) thinking(g *globals, ref string, do func(*speech.Host) error) (err error) {
	h, err := c.talking(g)
	if err != nil {
		return err
	}
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
	d, err := compute.CPU{}.Open()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	defer d.Close()
	l, err := s.load(d, f, serving{sequences: 1})
	if err != nil {
		return fmt.Errorf("load %s: %w", ref, err)
	}
	defer l.Close()
	t := &talker{command: &chatCommand{MaxTokens: 256, Temperature: 0.7, Seed: 1}, Loaded: l}
	h.Speaker = t
	if ref == house.Name {
		h.Knows = []string{"en"} // and it knows who it is
	} else {
		t.said = []template.Message{{Role: "system", Content: h.Character.System()}}
	}
	return do(h)
}
