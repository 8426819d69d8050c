package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"samovar/bench"
)

// tests returns what the options ask for.
func (o options) tests() (all []test, err error) {
	rivals, err := named(o.rivals)
	if err != nil {
		return nil, err
	}
	trainers, err := named(o.trainers)
	if err != nil {
		return nil, err
	}
	for _, model := range o.models {
		for _, p := range strings.Split(o.prompts, ",") {
			n, err := strconv.Atoi(p)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("-prompts %s: numbers of tokens are expected", o.prompts)
			}
			all = append(all, o.serving(model, n, 0, rivals))
		}
		all = append(all, o.serving(model, 0, o.tokens, rivals))
	}
	if len(trainers) > 0 {
		all = append(all, o.training(trainers))
	}
	return all, nil
}

// named splits NAME=PATH.
func named(list []string) (all [][2]string, err error) {
	for _, text := range list {
		name, path, ok := strings.Cut(text, "=")
		if !ok || name == "" || path == "" {
			return nil, fmt.Errorf("%q: NAME=PATH is expected", text)
		}
		all = append(all, [2]string{name, path})
	}
	return all, nil
}

// serving reads a prompt or, where there is none, decodes tokens from nothing.
func (o options) serving(model string, prompt, tokens int, rivals [][2]string) test {
	t := test{name: fmt.Sprintf("%s, prompt of %d", filepath.Base(model), prompt)}
	field := "prefill_tokens_per_second"
	args := []string{"bench", model, "--json", "--repeats", "1", "--together", "1", "--prompt", strconv.Itoa(max(1, prompt)), "--tokens", strconv.Itoa(max(2, tokens))}
	if prompt == 0 {
		t.name = fmt.Sprintf("%s, %d tokens", filepath.Base(model), tokens)
		field = "decode_tokens_per_second"
	}
	t.engines = append(t.engines, engine{"Samovar", func(ctx context.Context) (float64, error) {
		return samovarRate(ctx, field, o.samovar, args...)
	}})
	for _, r := range rivals {
		args := append([]string{"-m", model, "-p", strconv.Itoa(prompt), "-n", strconv.Itoa(tokens), "-r", "1", "-t", strconv.Itoa(o.threads), "-o", "json"}, strings.Fields(o.extra)...)
		t.engines = append(t.engines, engine{r[0], func(ctx context.Context) (float64, error) {
			return llamaRate(ctx, r[1], args...)
		}})
	}
	return t
}

// training steps through arbitrary text, FP32 or BF16 as each engine likes best.
func (o options) training(trainers [][2]string) test {
	t := test{name: fmt.Sprintf("training %s, %d rows of %d", o.shape, o.rows, o.window)}
	args := []string{"bench", "--json", "--repeats", "3", "--train", o.shape, "--rows", strconv.Itoa(o.rows), "--window", strconv.Itoa(o.window), "--leaves", "1", "--optimiser", "adamw"}
	t.engines = append(t.engines, engine{"Samovar", func(ctx context.Context) (float64, error) {
		return samovarRate(ctx, "training_tokens_per_second", o.samovar, args...)
	}})
	for _, r := range trainers {
		t.engines = append(t.engines, engine{r[0], func(ctx context.Context) (float64, error) {
			c := exec.CommandContext(ctx, r[1])
			c.Dir = o.directory
			out, err := output(c)
			if err != nil {
				return 0, err
			}
			return stepRate(out, o.rows*o.window)
		}})
	}
	return t
}

// output runs a program, and has an error say what it wrote last.
func output(c *exec.Cmd) ([]byte, error) {
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		err = fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", c.Path, err)
	}
	return out, nil
}

// samovarRate is a figure of samovar bench.
func samovarRate(ctx context.Context, field, program string, args ...string) (float64, error) {
	out, err := output(exec.CommandContext(ctx, program, args...))
	if err != nil {
		return 0, err
	}
	var figures map[string]any
	if err := json.Unmarshal(out, &figures); err != nil {
		return 0, fmt.Errorf("read the figures of %s: %w", program, err)
	}
	rate, ok := figures[field].(float64)
	if !ok {
		return 0, fmt.Errorf("%s gives no %s", program, field)
	}
	return rate, nil
}

// llamaRate is the figure of a llama-bench that measures one thing.
func llamaRate(ctx context.Context, program string, args ...string) (float64, error) {
	out, err := output(exec.CommandContext(ctx, program, args...))
	if err != nil {
		return 0, err
	}
	out = out[max(0, bytes.IndexByte(out, '[')):] // some print what they found before
	var figures []struct {
		Rate float64 `json:"avg_ts"`
	}
	if err := json.Unmarshal(out, &figures); err != nil {
		return 0, fmt.Errorf("read the figures of %s: %w", program, err)
	}
	if len(figures) != 1 {
		return 0, fmt.Errorf("%s gives %d figures, not 1", program, len(figures))
	}
	return figures[0].Rate, nil
}

var took = regexp.MustCompile(`took ([0-9.]+) ms`)

// stepRate is the median rate of the steps whose milliseconds are in a text; the
// first one, which warms up, is left out.
func stepRate(text []byte, tokens int) (float64, error) {
	var rates bench.Series
	for _, m := range took.FindAllSubmatch(text, -1) {
		ms, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return 0, fmt.Errorf("read %q: %w", m[0], err)
		}
		rates = append(rates, float64(tokens)/ms*1000)
	}
	if len(rates) < 2 {
		return 0, fmt.Errorf(`%d steps say "took N ms", two at least are expected`, len(rates))
	}
	return rates[1:].Median(), nil
}
