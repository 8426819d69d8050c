package speech

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Cutter cuts text that comes in pieces into utterances, each as soon as it is sure
// where it ends: at most one letter later. What it cuts does not depend on where the
// pieces were cut. Where it is in doubt it goes on: two sentences in one utterance are
// heard as two, half a sentence is not. The zero value is ready.
type Cutter struct {
	pending string
	fenced  bool // within a block of code, which is not spoken
	begun   bool // an utterance has been cut
}

// From so many runes on an utterance ends at a comma: the first one soon, so that
// something is heard, others where they are long.
const (
	soon = 12
	long = 160
)

// Write takes a piece of text and returns the utterances that are complete.
func (c *Cutter) Write(piece string) []string {
	c.pending += piece
	return c.take(false)
}

// Flush returns what is left. The cutter is as new.
func (c *Cutter) Flush() []string {
	out := c.take(true)
	*c = Cutter{}
	return out
}

func (c *Cutter) take(final bool) []string {
	var out []string
	for {
		if c.skip(final) {
			return out
		}
		end := c.end(final)
		if end == 0 {
			return out
		}
		if text := Plain(c.pending[:end]); text != "" {
			out = append(out, text)
			c.begun = true
		}
		c.pending = c.pending[end:]
	}
}

const fence = "```"

// skip drops white space and blocks of code. It returns true where more must come
// before there is anything to speak.
func (c *Cutter) skip(final bool) bool {
	for {
		if !c.fenced {
			c.pending = strings.TrimLeftFunc(c.pending, unicode.IsSpace)
			if !strings.HasPrefix(c.pending, fence) {
				return c.pending == "" || !final && strings.HasPrefix(fence, c.pending)
			}
			c.fenced = true
			c.pending = c.pending[len(fence):]
		}
		_, rest, found := strings.Cut(c.pending, "\n"+fence)
		if !found {
			c.pending = c.pending[max(0, strings.LastIndexByte(c.pending, '\n')):] // may be where it closes
			if len(c.pending) > len(fence) {
				c.pending = c.pending[:len(fence)+1] // not there: the rest of this line says nothing
			}
			if final {
				c.pending = ""
			}
			return true
		}
		c.fenced, c.pending = false, rest
	}
}

// end returns how many bytes the first utterance has, 0 where it is not known yet.
func (c *Cutter) end(final bool) int {
	s, space, count := c.pending, 0, 0
	for i, r := range s {
		if count++; count > Longest {
			if space > 0 {
				return space
			}
			return i
		}
		if unicode.IsSpace(r) && r != '\n' {
			space = i + utf8.RuneLen(r)
		}
		if r != '\n' && !ends(r) && !pauses(r) {
			continue
		}
		at, v := c.judge(i, r, count)
		switch {
		case v == yes:
			return at
		case v == later && final:
			return len(s)
		case v == later:
			return 0
		}
	}
	if final {
		return len(s)
	}
	return 0
}

type verdict int

const (
	no verdict = iota
	yes
	later // what follows must be seen
)

func ends(r rune) bool   { return strings.ContainsRune(".!?…؟۔。！？", r) }
func pauses(r rune) bool { return strings.ContainsRune(",;:،؛", r) }
func closes(r rune) bool { return strings.ContainsRune("\"'”’»)]*_`~", r) }

// judge says whether the utterance ends behind the mark r at byte i, its rune number
// count, and where.
func (c *Cutter) judge(i int, r rune, count int) (int, verdict) {
	s := c.pending
	at := i + utf8.RuneLen(r)
	for at < len(s) {
		n, size := utf8.DecodeRuneInString(s[at:])
		if r == '\n' || !ends(n) && !closes(n) {
			break
		}
		at += size
	}
	rest := strings.TrimLeftFunc(s[at:], unicode.IsSpace)
	gap := s[at : len(s)-len(rest)]
	if behind, found := strings.CutPrefix(rest, "»"); found && gap != "" { // French puts a space before it
		at = len(s) - len(behind)
		rest = strings.TrimLeftFunc(behind, unicode.IsSpace)
	}
	next, _ := utf8.DecodeRuneInString(rest)
	switch {
	case rest == "" || !utf8.FullRuneInString(rest):
		return at, later
	case gap == "" && r != '\n':
		return at, no // 3.14, example.org, 12:30
	case r == '\n' && strings.Contains(gap, "\n"), strings.Count(gap, "\n") > 1:
		return at, yes // an empty line
	}
	if unicode.IsLower(next) && !pauses(r) {
		return at, no // a line that was wrapped, or an abbreviation that nobody has listed
	}
	switch {
	case pauses(r):
		if c.begun && count < long || count < soon {
			return at, no
		}
	case r == '.' && !strings.Contains(s[i:at], "..") && !strings.ContainsAny(s[i:at], "!?…"):
		if dotted(s[:i], next) {
			return at, no
		}
	}
	return at, yes
}

// dotted says whether a point behind text belongs to its last word, and does not end a
// sentence although no small letter comes next.
func dotted(text string, next rune) bool {
	word := text[strings.LastIndexFunc(text, unicode.IsSpace)+1:]
	alone := strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:]) == word
	word = strings.ToLower(strings.TrimLeftFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }))
	letters := utf8.RuneCountInString(word)
	switch {
	case word == "":
		return false
	case letters == 1 && !unicode.IsDigit(rune(word[0])):
		return true // an initial
	case letters <= 3 && unicode.IsDigit(next) && !unicode.IsDigit(rune(word[0])):
		return true // no. 5, or a short word, which does no harm
	case alone && len(word) <= 3 && strings.Trim(word, "0123456789") == "":
		return true // the number of a line in a list
	}
	return abbreviations[word]
}

// abbreviations are followed by what they belong to, a name or a number.
var abbreviations = set(`
	mr mrs ms dr prof st mt gen sen rep rev capt lt col sgt messrs vs e.g i.e cf fig vol approx dept
	mm mme mmes mlle mgr me chap art p.ex
	т.е т.к т.н см ср рис ул им проф акад гр тов напр гл пер просп пл обл
`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}
