package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"samovar/compute"
	"samovar/energy"
	"samovar/house"
	"samovar/infer"
	"samovar/serve"
	"samovar/tokenizer"
	"samovar/tokenizer/template"
)

type chatCommand struct {
	Ref         string   `arg:"" optional:"" help:"Model: name, digest or GGUF file. Default: the first in the store."`
	Prompt      []string `arg:"" optional:"" help:"Answer this and exit."`
	Temperature float64  `default:"0.7" help:"0 always takes the likeliest token."`
	MaxTokens   int      `default:"512" help:"Longest answer."`
	Seed        uint64   `default:"1" help:"Equal seeds give equal answers."`
	System      string   `help:"What the model is told before the dialogue."`
	cached
	drafted
}

// talker is a model in the terminal.
type talker struct {
	command       *chatCommand
	*serve.Loaded // without a template the model goes on with a text
	said          []template.Message
}

func (c *chatCommand) Run(g *globals) (err error) {
	s, err := g.openFor(c.Ref, c.Draft)
	if err != nil {
		return err
	}
	defer s.close(&err)
	ref := c.Ref
	if ref == "" {
		if ref, err = s.first(g); err != nil {
			return err
		}
	}
	f, err := s.openModel(ref)
	if err != nil {
		return err
	}
	dev, err := compute.CPU{}.Open()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	defer dev.Close()
	l, err := s.load(dev, f, serving{sequences: 1, cache: c.format(), draft: c.Draft})
	if err != nil {
		return fmt.Errorf("load %s: %w", ref, err)
	}
	defer l.Close()
	t := &talker{command: c, Loaded: l}
	if c.System != "" {
		t.said = append(t.said, template.Message{Role: "system", Content: c.System})
	}
	if len(c.Prompt) > 0 {
		return t.once(g, strings.Join(c.Prompt, " "))
	}
	return t.loop(g, ref)
}

// first names the model that is listed first; where there is none, the one that is
// shipped is brought in.
func (s *store) first(g *globals) (string, error) {
	c, err := s.catalogue(g.ctx)
	if err != nil {
		return "", err
	}
	all, err := c.models(false)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return house.Name, s.settle(g.ctx)
	}
	return all[0].Name, nil
}

// answer is one answer with what it took.
type answer struct {
	Text    string  `json:"text"`
	Finish  string  `json:"finish_reason"`
	Prompt  int     `json:"prompt_tokens"`
	Tokens  int     `json:"completion_tokens"`
	Rate    float64 `json:"tokens_per_second"`
	Joules  float64 `json:"joules"`
	Method  string  `json:"energy_method"`
	Seconds float64 `json:"seconds"`
}

func (t *talker) once(g *globals, prompt string) error {
	out := g.out
	if g.JSON {
		out = io.Discard
	}
	a, err := t.speak(g, prompt, out)
	if err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(a)
	}
	fmt.Fprintln(g.out)
	return nil
}

// prompt returns the ids that the model is asked with.
func (t *talker) prompt(text string) ([]int32, error) {
	if t.Template == nil {
		var ids []int32
		if t.Tokenizer.AddBOS() || t.Tokenizer.BOS() != tokenizer.None {
			ids = append(ids, begin(t.Tokenizer))
		}
		return t.Tokenizer.Encode(ids, text), nil
	}
	t.said = append(t.said, template.Message{Role: "user", Content: text})
	return t.Template.Tokens(t.Tokenizer, t.said, template.Options{AddGenerationPrompt: true})
}

// speak answers text and writes the answer to w as it comes.
func (t *talker) speak(g *globals, text string, w io.Writer) (answer, error) {
	meter := energy.Open(g.ctx, energy.Config{})
	start := time.Now()
	a, err := t.answer(g.ctx, text, func(piece string) error {
		fmt.Fprint(w, piece)
		return nil
	})
	a.Seconds = time.Since(start).Seconds()
	a.Rate = float64(a.Tokens) / a.Seconds
	used := meter.Read()
	a.Joules, a.Method = used.Joules, used.Method
	return a, err
}

// Speak implements samovar.Speaker: the robot thinks with a talker. Of a long dialogue
// it forgets the oldest turns, so that half of the window is left for the answer.
func (t *talker) Speak(ctx context.Context, prompt string, say func(piece string) error) error {
	for t.Template != nil {
		said := append(slices.Clip(t.said), template.Message{Role: "user", Content: prompt})
		ids, err := t.Template.Tokens(t.Tokenizer, said, template.Options{AddGenerationPrompt: true})
		if err != nil {
			return err
		}
		oldest := slices.IndexFunc(t.said, func(m template.Message) bool { return m.Role != "system" })
		if oldest < 0 || len(ids) <= t.Engine.Window()/2 {
			break
		}
		t.said = slices.Delete(t.said, oldest, min(oldest+2, len(t.said)))
	}
	_, err := t.answer(ctx, prompt, say)
	return err
}

// answer answers text, calls say with each piece, and remembers both.
func (t *talker) answer(ctx context.Context, text string, say func(piece string) error) (a answer, err error) {
	ids, err := t.prompt(text)
	if err != nil {
		return a, err
	}
	a.Prompt = len(ids)
	r := infer.Request{Prompt: ids, MaxTokens: t.command.MaxTokens, Sampling: infer.Sampling{Temperature: t.command.Temperature, Seed: t.command.Seed}}
	for id := range int32(t.Tokenizer.Size()) {
		if t.Tokenizer.IsEnd(id) {
			r.Stop = append(r.Stop, id)
		}
	}
	d := t.Tokenizer.NewDecoder()
	var refused error // by say
	pass := func(piece string) {
		if refused == nil && piece != "" {
			a.Text += piece
			refused = say(piece)
		}
	}
	err = t.Engine.Generate(r, func(e infer.Event) bool {
		if e.Token != infer.None && !t.Tokenizer.IsEnd(e.Token) {
			a.Tokens++
			pass(d.Next(e.Token))
		}
		a.Finish = string(e.Finish)
		return ctx.Err() == nil && refused == nil
	})
	pass(d.Flush())
	t.said = append(t.said, template.Message{Role: "assistant", Content: a.Text})
	return a, errors.Join(err, ctx.Err(), refused)
}

// loop talks until the input ends.
func (t *talker) loop(g *globals, ref string) error {
	stdin := bufio.NewScanner(os.Stdin)
	people := term.IsTerminal(int(os.Stdin.Fd()))
	if people {
		what := "ask it something"
		if t.Template == nil {
			what = "it has not been tuned to talk: it goes on with what you write"
		}
		fmt.Fprintf(g.err, "%s: %s. An empty line ends.\n", ref, what)
	}
	for {
		if people {
			fmt.Fprint(g.err, "> ")
		}
		if !stdin.Scan() || strings.TrimSpace(stdin.Text()) == "" {
			return stdin.Err()
		}
		a, err := t.speak(g, stdin.Text(), g.out)
		if err != nil {
			return err
		}
		fmt.Fprintln(g.out)
		if people {
			fmt.Fprintf(g.err, "%.1f tokens/s, %s %s\n", a.Rate, joules(a.Joules), a.Method)
		}
	}
}
