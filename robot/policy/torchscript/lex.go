package torchscript

import (
	"fmt"
	"strings"
	"unicode"
)

// The kinds of tokens.
type kind int

const (
	word kind = iota
	numeral
	quoted
	symbol
	newline
	indent
	dedent
	end
)

type token struct {
	kind kind
	text string
	line int
}

// lex cuts code into tokens, with indentation as Python has it.
func lex(code string) ([]token, error) {
	var all []token
	levels, depth := []int{0}, 0
	for n, line := range strings.Split(code, "\n") {
		text := strings.TrimLeft(line, " ")
		if text == "" || text[0] == '#' {
			continue
		}
		if depth == 0 {
			in := len(line) - len(text)
			if in > levels[len(levels)-1] {
				levels = append(levels, in)
				all = append(all, token{indent, "", n + 1})
			}
			for in < levels[len(levels)-1] {
				levels = levels[:len(levels)-1]
				all = append(all, token{dedent, "", n + 1})
			}
			if in != levels[len(levels)-1] {
				return nil, fmt.Errorf("line %d: indentation that fits no block", n+1)
			}
		}
		var err error
		if all, depth, err = lexLine(all, text, n+1, depth); err != nil {
			return nil, err
		}
		if depth == 0 {
			all = append(all, token{newline, "", n + 1})
		}
	}
	for range levels[1:] {
		all = append(all, token{dedent, "", 0})
	}
	return append(all, token{end, "", 0}), nil
}

func wordly(c byte) bool {
	return c == '_' || c >= 0x80 || unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c))
}

// lexLine cuts a line; depth is how many brackets are open.
func lexLine(all []token, text string, line, depth int) ([]token, int, error) {
	for len(text) > 0 {
		c, n, k := text[0], 1, symbol
		switch {
		case c == ' ':
			text = text[1:]
			continue
		case c == '#':
			return all, depth, nil
		case c >= '0' && c <= '9', c == '.' && len(text) > 1 && text[1] >= '0' && text[1] <= '9':
			k = numeral
			for n < len(text) && (wordly(text[n]) || text[n] == '.' || (text[n] == '-' || text[n] == '+') && (text[n-1] == 'e' || text[n-1] == 'E')) {
				n++
			}
		case wordly(c):
			k = word
			for n < len(text) && wordly(text[n]) {
				n++
			}
		case c == '"' || c == '\'':
			k = quoted
			for n < len(text) && text[n] != c {
				if text[n] == '\\' {
					n++
				}
				n++
			}
			if n >= len(text) {
				return nil, 0, fmt.Errorf("line %d: a text without an end", line)
			}
			all = append(all, token{k, text[1:n], line})
			text = text[n+1:]
			continue
		case strings.HasPrefix(text, "->"):
			n = 2
		case strings.IndexByte("([", c) >= 0:
			depth++
		case strings.IndexByte(")]", c) >= 0:
			depth--
		case strings.IndexByte(",:=.-", c) < 0:
			return nil, 0, fmt.Errorf("line %d: %q is not known here", line, text[:1])
		}
		if depth < 0 || depth > deepest {
			return nil, 0, fmt.Errorf("line %d: brackets that do not fit", line)
		}
		all = append(all, token{k, text[:n], line})
		text = text[n:]
	}
	return all, depth, nil
}
