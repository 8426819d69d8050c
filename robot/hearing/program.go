package hearing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
	"unicode"

	"samovar/robot/speech"
)

// Program is a recogniser that runs a program of the user's: it gets a WAV file on its
// standard input and writes what was said on its standard output.
type Program struct {
	path string
	args []string
	// Patience is how long it may take; 0 is 30 s.
	Patience time.Duration
}

// NewProgram returns a recogniser that runs a program, found in PATH or named by its
// path, with arguments. No shell comes between.
func NewProgram(name string, args ...string) (*Program, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("find the recogniser %s: %w: install it, or name its path", name, err)
	}
	return &Program{path: path, args: args}, nil
}

// mostText is how much a program may write, in bytes.
const mostText = 16 << 10

// Recognise implements Recogniser.
func (p *Program) Recognise(ctx context.Context, s Sound) (Heard, error) {
	text, err := p.run(ctx, s)
	if err == nil && text == "" {
		err = ErrNothing
	}
	if err != nil {
		return Heard{}, fmt.Errorf("let %s recognise speech: %w", p.path, err)
	}
	return Heard{Text: text}, nil
}

func (p *Program) run(ctx context.Context, s Sound) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	patience := p.Patience
	if patience <= 0 {
		patience = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	said, complaint := text{}, text{spill: true}
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(speech.WAV(s.Samples, s.Rate)), &said, &complaint
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case said.full:
		return "", fmt.Errorf("it wrote more than %d KB", mostText>>10)
	case err != nil:
		return "", fmt.Errorf("%w: %s", err, complaint.line())
	}
	return said.line(), nil
}

// text is what a program writes, up to mostText; the rest is an error or spilt.
type text struct {
	bytes       []byte
	spill, full bool
}

func (t *text) Write(p []byte) (int, error) {
	if len(t.bytes)+len(p) > mostText {
		if t.full = true; t.spill {
			return len(p), nil
		}
		return 0, errors.New("too much")
	}
	t.bytes = append(t.bytes, p...)
	return len(p), nil
}

// line is the text on one line, without what a terminal would obey.
func (t *text) line() string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, string(t.bytes))
	return strings.Join(strings.Fields(clean), " ")
}
