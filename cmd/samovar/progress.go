package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"samovar"
)

// progress shows the events of a brew: one line that is rewritten on a
// terminal, lines now and then elsewhere, JSON lines on request.
type progress struct {
	mu       sync.Mutex
	out      io.Writer // JSON lines, or nil
	err      io.Writer
	terminal bool
	width    int
	stage    string
	shown    time.Time
	open     bool // an unfinished line stands on the terminal
}

// pace of progress: often enough to look alive on a terminal, seldom enough to
// be read in a log.
const (
	terminalPace = 100 * time.Millisecond
	linePace     = 10 * time.Second
	jsonPace     = 500 * time.Millisecond
)

func newProgress(g *globals) *progress {
	p := &progress{err: g.err, width: 100}
	if g.JSON {
		p.out = g.out
	}
	if f, ok := g.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.terminal = true
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 20 {
			p.width = w
		}
	}
	return p
}

// watch takes one event.
func (p *progress) watch(e samovar.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := e.Stage != p.stage
	pace := linePace
	switch {
	case p.out != nil:
		pace = jsonPace
	case p.terminal:
		pace = terminalPace
	}
	if !fresh && e.Text == "" && e.Step != e.Of && time.Since(p.shown) < pace {
		return
	}
	if fresh {
		p.end()
	}
	p.stage, p.shown = e.Stage, time.Now()
	switch {
	case p.out != nil:
		if text, err := json.Marshal(e); err == nil {
			fmt.Fprintf(p.out, "%s\n", text)
		}
	case e.Text != "":
		p.end()
		fmt.Fprintf(p.err, "%-10s %s\n", e.Stage, e.Text)
	case p.terminal:
		fmt.Fprintf(p.err, "\r\x1b[K%s", cut(p.bar(e)+describe(e), p.width-1))
		p.open = true
	default:
		fmt.Fprintf(p.err, "%-10s%s\n", e.Stage, describe(e))
	}
}

// end closes the line that is being rewritten.
func (p *progress) end() {
	if p.open {
		fmt.Fprintln(p.err)
		p.open = false
	}
}

func (p *progress) bar(e samovar.Event) string {
	const cells = 24
	if e.Of <= 0 {
		return fmt.Sprintf("%-10s", e.Stage)
	}
	full := int(cells * min(e.Step, e.Of) / e.Of)
	return fmt.Sprintf("%-10s %s%s", e.Stage, strings.Repeat("█", full), strings.Repeat("·", cells-full))
}

// describe says how far, how well, how fast, and how long still.
func describe(e samovar.Event) string {
	var b strings.Builder
	switch {
	case e.Unit == "bytes":
		fmt.Fprintf(&b, " %s of %s", size(e.Step), size(e.Of))
	case e.Of > 0:
		fmt.Fprintf(&b, " %d/%d %s", e.Step, e.Of, e.Unit)
	}
	if e.Loss > 0 {
		fmt.Fprintf(&b, "  loss %.3f", e.Loss)
	}
	if e.TokensPerSecond > 0 {
		fmt.Fprintf(&b, "  %.0f tokens/s", e.TokensPerSecond)
	}
	if e.ETASeconds > 0 {
		fmt.Fprintf(&b, "  %s left", duration(e.ETASeconds))
	}
	if e.Joules > 0 {
		fmt.Fprintf(&b, "  %s", joules(e.Joules))
	}
	return b.String()
}

func duration(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

func size(bytes int64) string {
	switch {
	case bytes >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	case bytes >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
}

func joules(j float64) string {
	switch {
	case j >= 3.6e6:
		return fmt.Sprintf("%.2f kWh", j/3.6e6)
	case j >= 1e3:
		return fmt.Sprintf("%.1f kJ", j/1e3)
	}
	return fmt.Sprintf("%.1f J", j)
}

func cut(s string, width int) string {
	r := []rune(s)
	return string(r[:min(len(r), width)])
}
