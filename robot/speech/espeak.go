package speech

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Espeak is the voice of the program espeak-ng, which is started for each utterance:
// it needs some hundredths of a second.
type Espeak struct {
	// Voices are espeak-ng's voices by language; one that is missing is named like
	// its language.
	Voices map[string]string
	// Rate is how fast it speaks, in words a minute; 0 is 160.
	Rate int

	program string
}

// Bounds of one utterance: time to make it, and bytes of its sound, 90 s of it.
const (
	patience = 10 * time.Second
	mostWAV  = 4 << 20
)

// NewEspeak returns a voice that runs a program, or the espeak-ng in PATH if it is
// empty. Without the program it returns an error that says what to install.
func NewEspeak(program string) (*Espeak, error) {
	if program == "" {
		program = "espeak-ng"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("find the voice %s: %w: install the package espeak-ng, or name the program", program, err)
	}
	return &Espeak{program: path}, nil
}

// Speak implements Voice.
func (e *Espeak) Speak(ctx context.Context, text, language string) (Clip, error) {
	c, err := e.speak(ctx, text, language)
	if err != nil {
		return Clip{}, fmt.Errorf("speak %s with %s: %w", strconv.Quote(head(text)), e.program, err)
	}
	return c, nil
}

// head returns the beginning of a text, for messages.
func head(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}

func (e *Espeak) speak(ctx context.Context, text, language string) (Clip, error) {
	if n := utf8.RuneCountInString(text); n > Longest {
		return Clip{}, fmt.Errorf("%d letters: %d are spoken at once, cut it with a Cutter", n, Longest)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sound, phonemes, err := e.run(ctx, text, e.voice(language))
	if err != nil {
		return Clip{}, err
	}
	c := Clip{Text: text, Language: language}
	if c.Samples, c.Rate, err = ReadWAV(sound); err != nil {
		return Clip{}, err
	}
	c.Lips = lips(phonemes, &c)
	return c, nil
}

func (e *Espeak) voice(language string) string {
	if v, ok := e.Voices[language]; ok {
		return v
	}
	return language
}

// run starts the program and returns a WAV file and the phonemes in IPA. The text
// goes through a pipe, so that nothing in it can be taken for an option.
func (e *Espeak) run(ctx context.Context, text, voice string) (sound, phonemes []byte, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	rate := e.Rate
	if rate == 0 {
		rate = 160
	}
	wav, said := &bounded{left: mostWAV}, &bounded{left: 4 << 10, spill: true}
	cmd := exec.CommandContext(ctx, e.program, "-b", "1", "-z", "-v", voice, "-s", strconv.Itoa(rate), "--stdin", "--stdout", "--ipa", "--sep=_", "--phonout=/dev/fd/3")
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = strings.NewReader(text), wav, said, []*os.File{w}
	cmd.WaitDelay = time.Second
	if err := errors.Join(cmd.Start(), w.Close()); err != nil {
		return nil, nil, err
	}
	read := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(r, 64<<10)) // without phonemes there are no visemes
		io.Copy(io.Discard, r)
		read <- b
	}()
	err = cmd.Wait()
	r.SetReadDeadline(time.Now().Add(time.Second)) // whoever inherited the pipe may hold it
	phonemes = <-read
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case wav.full:
		return nil, nil, fmt.Errorf("more than %d MB of sound: cut the text", mostWAV>>20)
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %s", err, cmp.Or(strings.TrimSpace(string(said.bytes)), "it does not say why"))
	}
	return wav.bytes, phonemes, nil
}

// bounded is a buffer that refuses, or spills, more than it was given room for.
type bounded struct {
	bytes       []byte
	left        int
	spill, full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		if b.full = true; b.spill {
			return len(p), nil
		}
		return 0, errors.New("too much")
	}
	b.left -= len(p)
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}
