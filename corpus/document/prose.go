package document

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// A gap is what stands between two runs of text.
type gap int

const (
	none    gap = iota
	blank       // a space
	cell        // a tab
	newline     // a newline
	para        // a blank line
)

// prose builds running text: white space collapses, and gaps are written only
// between texts, never at the beginning or the end.
type prose struct {
	out   []byte
	limit int  // bytes, of out
	gap   gap  // before the next text
	stuck bool // no gap is opened until there is text: after a list item's mark
	full  bool // the limit is exceeded
}

// open asks for at least g before the next text.
func (p *prose) open(g gap) {
	if !p.stuck {
		p.gap = max(p.gap, g)
	}
}

// text appends s with its white space collapsed.
func (p *prose) text(s []byte) {
	for len(s) > 0 && !p.full {
		n := bytes.IndexFunc(s, isSpace)
		if n < 0 {
			n = len(s)
		}
		p.word(s[:n])
		if s = s[n:]; len(s) > 0 {
			_, size := utf8.DecodeRune(s)
			p.open(blank)
			s = s[size:]
		}
	}
}

// isSpace leaves out the spaces that do not break, which are typography.
func isSpace(r rune) bool { return unicode.IsSpace(r) && r != '\u00a0' && r != '\u202f' }

// word appends s after the gap that is open, without the marks of where words
// may be divided.
func (p *prose) word(s []byte) {
	if i := bytes.Index(s, softHyphen); i >= 0 {
		s = bytes.ReplaceAll(s, softHyphen, nil)
	}
	// A no-break space by itself is layout.
	if len(bytes.TrimSpace(s)) == 0 {
		if len(s) > 0 {
			p.open(blank)
		}
		return
	}
	p.flush()
	p.write(s)
}

var softHyphen = []byte("\u00ad")

// verbatim appends s with its white space as it is.
func (p *prose) verbatim(s []byte) {
	if len(s) > 0 {
		p.flush()
		p.write(s)
	}
}

// mark appends a list item's mark, to which the text that follows sticks.
func (p *prose) mark(s string) {
	p.flush()
	p.write([]byte(s))
	p.gap, p.stuck = none, true
}

// flush writes the gap that is open.
func (p *prose) flush() {
	if len(p.out) > 0 {
		switch p.gap {
		case blank:
			p.write([]byte{' '})
		case cell:
			p.write([]byte{'\t'})
		case newline, para:
			p.out = bytes.TrimRight(p.out, " \t")
			ends := len(p.out) - len(bytes.TrimRight(p.out, "\n"))
			for ; ends < int(p.gap-newline)+1; ends++ {
				p.write([]byte{'\n'})
			}
		}
	}
	p.gap, p.stuck = none, false
}

func (p *prose) write(s []byte) {
	if len(p.out)+len(s) > p.limit {
		p.full = true
		return
	}
	p.out = append(p.out, s...)
}

// back takes away all text from length n on.
func (p *prose) back(n int) {
	p.out, p.stuck = p.out[:min(n, len(p.out))], false
}

// result returns the text, ended by a newline if there is any.
func (p *prose) result() []byte {
	text := bytes.TrimSpace(p.out)
	if len(text) == 0 {
		return nil
	}
	return append(text, '\n')
}
