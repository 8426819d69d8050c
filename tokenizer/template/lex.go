package template

import (
	"fmt"
	"strings"
	"unicode"
)

// token is a piece of a template: text between tags, the end or begin of a
// tag, or a word, string, number or operator inside one.
type token struct {
	kind kind
	text string // strings without quotes and escapes
	line int
}

type kind uint8

const (
	end kind = iota
	literal
	printBegin // {{
	printEnd
	blockBegin // {%
	blockEnd
	name
	quoted
	integer
	decimal
	operator
)

func (t token) String() string {
	if t.kind == end {
		return "the end of the template"
	}
	return fmt.Sprintf("%q", t.text)
}

// lexer cuts a template into tokens, with Jinja's options trim_blocks and
// lstrip_blocks on, as Hugging Face sets them.
type lexer struct {
	src       string
	at        int
	lineStart bool // what came before ended a line
	tokens    []token
}

func lex(src string) ([]token, error) {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	src = strings.ReplaceAll(src, "\r", "\n")
	l := lexer{src: strings.TrimSuffix(src, "\n"), lineStart: true}
	for l.at < len(l.src) {
		if err := l.section(); err != nil {
			return nil, fmt.Errorf("line %d: %w", l.line(), err)
		}
	}
	l.add(end, "")
	return l.tokens, nil
}

func (l *lexer) line() int { return 1 + strings.Count(l.src[:min(l.at, len(l.src))], "\n") }

func (l *lexer) add(k kind, text string) {
	line := 0
	if n := len(l.tokens); k == literal || n == 0 || k == printBegin || k == blockBegin || k == end {
		line = l.line()
	} else {
		line = l.tokens[n-1].line // good enough inside one tag
	}
	l.tokens = append(l.tokens, token{k, text, line})
}

// section reads text up to a tag, and the tag.
func (l *lexer) section() error {
	rest := l.src[l.at:]
	open := nextTag(rest)
	if open < 0 {
		l.text(rest, 0)
		l.at = len(l.src)
		return nil
	}
	tag := rest[open+1]
	sign := byte(0)
	if open+2 < len(rest) && (rest[open+2] == '-' || rest[open+2] == '+') {
		sign = rest[open+2]
	}
	before := rest[:open]
	switch {
	case sign == '-':
		before = strings.TrimRightFunc(before, unicode.IsSpace)
	case sign == 0 && tag != '{':
		line := strings.LastIndexByte(before, '\n') + 1
		if (line > 0 || l.lineStart) && strings.TrimSpace(before[line:]) == "" {
			before = before[:line]
		}
	}
	l.text(before, open)
	l.at += 2
	if sign != 0 {
		l.at++
	}
	switch tag {
	case '#':
		k := strings.Index(l.src[l.at:], "#}")
		if k < 0 {
			return fmt.Errorf("a comment does not end")
		}
		closing := byte(0)
		if k > 0 {
			closing = l.src[l.at+k-1]
		}
		l.at += k + 2
		l.after(closing, true)
		return nil
	case '{':
		l.add(printBegin, "{{")
		return l.inside(printEnd, "}}")
	}
	if done, err := l.raw(); done || err != nil {
		return err
	}
	l.add(blockBegin, "{%")
	return l.inside(blockEnd, "%}")
}

// nextTag returns where {{, {% or {# begins, or -1.
func nextTag(s string) int {
	for i := 0; ; i++ {
		k := strings.IndexByte(s[i:], '{')
		if k < 0 {
			return -1
		}
		i += k
		if i+1 < len(s) && strings.IndexByte("{%#", s[i+1]) >= 0 {
			return i
		}
	}
}

// text adds literal text and moves on by n bytes.
func (l *lexer) text(s string, n int) {
	if s != "" {
		l.add(literal, s)
	}
	l.at += n
	l.lineStart = false
}

// after skips the white space that the end of a tag takes with it.
func (l *lexer) after(closing byte, block bool) {
	l.lineStart = false
	switch {
	case closing == '-':
		rest := l.src[l.at:]
		n := len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
		l.lineStart = n > 0 && rest[n-1] == '\n'
		l.at += n
	case block && closing != '+' && l.at < len(l.src) && l.src[l.at] == '\n':
		l.at++
		l.lineStart = true
	}
}

// raw reads {% raw %}…{% endraw %}, if that is what follows.
func (l *lexer) raw() (bool, error) {
	closing, n := tagOf(l.src[l.at:], "raw")
	if n == 0 {
		return false, nil
	}
	l.at += n
	l.after(closing, true)
	for i := l.at; ; i++ {
		k := strings.Index(l.src[i:], "{%")
		if k < 0 {
			return false, fmt.Errorf("raw does not end")
		}
		i += k
		body, rest := l.src[l.at:i], l.src[i+2:]
		sign := byte(0)
		if rest != "" && (rest[0] == '-' || rest[0] == '+') {
			sign, rest = rest[0], rest[1:]
		}
		closing, n := tagOf(rest, "endraw")
		if n == 0 {
			continue
		}
		if sign == '-' {
			body = strings.TrimRightFunc(body, unicode.IsSpace)
		} else if line := strings.LastIndexByte(body, '\n') + 1; sign == 0 && line > 0 && strings.TrimSpace(body[line:]) == "" {
			body = body[:line]
		}
		l.add(literal, body)
		l.at = len(l.src) - len(rest) + n
		l.after(closing, true)
		return true, nil
	}
}

// tagOf returns the length of "word %}" at the start of s, 0 if something else
// is there, and the sign before the closing brace.
func tagOf(s, word string) (closing byte, n int) {
	rest := strings.TrimLeft(s, " \t\n")
	rest, ok := strings.CutPrefix(rest, word)
	rest = strings.TrimLeft(rest, " \t\n")
	if ok && rest != "" && (rest[0] == '-' || rest[0] == '+') {
		closing, rest = rest[0], rest[1:]
	}
	if !ok || !strings.HasPrefix(rest, "%}") {
		return 0, 0
	}
	return closing, len(s) - len(rest) + 2
}

var operators = []string{"**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "|", ".", ",", ":", "(", ")", "[", "]", "{", "}", "<", ">", "="}

// inside reads the tokens of one tag up to its closing brace.
func (l *lexer) inside(last kind, brace string) error {
	depth := 0 // of brackets: }} may end two dictionaries
	for {
		for l.at < len(l.src) && strings.IndexByte(" \t\n", l.src[l.at]) >= 0 {
			l.at++
		}
		rest := l.src[l.at:]
		if rest == "" {
			return fmt.Errorf("a tag does not end: %s is missing", brace)
		}
		if depth == 0 {
			for _, sign := range []string{"", "-", "+"} {
				if strings.HasPrefix(rest, sign+brace) {
					l.at += len(sign) + 2
					l.add(last, brace)
					closing := byte(0)
					if sign != "" {
						closing = sign[0]
					}
					l.after(closing, last == blockEnd)
					return nil
				}
			}
		}
		if err := l.one(rest, &depth); err != nil {
			return err
		}
	}
}

// one reads one token inside a tag.
func (l *lexer) one(rest string, depth *int) error {
	c := rest[0]
	switch {
	case c == '"' || c == '\'':
		return l.quoted(rest)
	case c >= '0' && c <= '9':
		n := span(rest, isDigit)
		k := integer
		if n+1 < len(rest) && rest[n] == '.' && isDigit(rest[n+1]) {
			n += 1 + span(rest[n+1:], isDigit)
			k = decimal
		}
		if e := exponent(rest[n:]); e > 0 {
			n += e
			k = decimal
		}
		l.add(k, strings.ReplaceAll(rest[:n], "_", ""))
		l.at += n
		return nil
	case isWord(c):
		n := span(rest, isWord)
		l.add(name, rest[:n])
		l.at += n
		return nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			switch c {
			case '(', '[', '{':
				*depth++
			case ')', ']', '}':
				*depth--
			}
			l.add(operator, op)
			l.at += len(op)
			return nil
		}
	}
	return fmt.Errorf("unexpected %q in a tag", c)
}

// exponent returns the length of e+10 at the start of s, or 0.
func exponent(s string) int {
	if s == "" || s[0]|0x20 != 'e' {
		return 0
	}
	n := 1
	if len(s) > 1 && (s[1] == '+' || s[1] == '-') {
		n = 2
	}
	if digits := span(s[n:], isDigit); digits > 0 {
		return n + digits
	}
	return 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' || c == '_' }

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c)
}

// span returns how many bytes at the start of s satisfy is.
func span(s string, is func(byte) bool) int {
	n := 0
	for n < len(s) && is(s[n]) {
		n++
	}
	return n
}

var escapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '\\': "\\", '\'': "'", '"': "\"", '\n': "", 'b': "\b", 'f': "\f", 'v': "\v", 'a': "\a", '0': "\x00"}

// quoted reads a string.
func (l *lexer) quoted(rest string) error {
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; c {
		case rest[0]:
			l.add(quoted, b.String())
			l.at += i + 1
			return nil
		case '\\':
			i++
			if i == len(rest) {
				continue
			}
			if e, ok := escapes[rest[i]]; ok {
				b.WriteString(e)
			} else if n, r := codePoint(rest[i:]); n > 0 {
				b.WriteRune(r)
				i += n - 1
			} else {
				b.WriteByte('\\')
				b.WriteByte(rest[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return fmt.Errorf("a string does not end")
}

// codePoint reads x41, u0041 or U00000041.
func codePoint(s string) (n int, r rune) {
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	if digits == 0 || len(s) < 1+digits {
		return 0, 0
	}
	if _, err := fmt.Sscanf(s[1:1+digits], "%x", &r); err != nil || span(s[1:1+digits], isHex) != digits {
		return 0, 0
	}
	return 1 + digits, r
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
