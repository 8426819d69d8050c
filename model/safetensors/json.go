package safetensors

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep values that are skipped may be nested.
const maxDepth = 32

// scanner reads JSON (RFC 8259) from front to back and allocates nothing but
// strings with escapes, which encoding/json cannot promise. Its first error
// sticks: after it every read returns zero and no callback is called.
type scanner struct {
	text string
	at   int
	err  error
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("byte %d: %w", s.at, fmt.Errorf(format, args...))
	}
}

// peek returns the next byte that is no white space, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// accept takes the next byte if it is c.
func (s *scanner) accept(c byte) bool {
	if s.err != nil || s.peek() != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) expect(c byte) {
	if !s.accept(c) {
		s.fail("%q is expected", c)
	}
}

// end returns the error, which may be that there is more text.
func (s *scanner) end() error {
	if s.peek(); s.at < len(s.text) {
		s.fail("the text goes on after its end")
	}
	return s.err
}

// object reads an object. member has to read the value of the key.
func (s *scanner) object(member func(key string)) {
	if s.expect('{'); s.accept('}') {
		return
	}
	for s.err == nil {
		key := s.string()
		if s.expect(':'); s.err != nil {
			return
		}
		if member(key); !s.accept(',') {
			s.expect('}')
			return
		}
	}
}

// array reads an array. element has to read one value.
func (s *scanner) array(element func()) {
	if s.expect('['); s.accept(']') {
		return
	}
	for s.err == nil {
		if element(); !s.accept(',') {
			s.expect(']')
			return
		}
	}
}

// integer reads an integer from 0 to most.
func (s *scanner) integer(most int64) int64 {
	c := s.peek()
	if s.err != nil || c < '0' || c > '9' {
		s.fail("an integer, not negative, is expected")
		return 0
	}
	n := int64(0)
	start := s.at
	for ; s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9'; s.at++ {
		digit := int64(s.text[s.at] - '0')
		if n > (most-digit)/10 {
			s.fail("an integer over %d", most)
			return 0
		}
		n = 10*n + digit
	}
	if c == '0' && s.at > start+1 {
		s.fail("an integer begins with 0")
	}
	return n
}

// string reads a string, without a copy where it has no escapes.
func (s *scanner) string() string {
	if s.expect('"'); s.err != nil {
		return ""
	}
	start, escaped := s.at, false
	for ; s.at < len(s.text) && s.text[s.at] != '"'; s.at++ {
		if c := s.text[s.at]; c < ' ' {
			s.fail("a control character in a string")
			return ""
		} else if c == '\\' {
			escaped = true
			s.at++
		}
	}
	if s.at >= len(s.text) {
		s.at = len(s.text)
		s.fail("a string does not end")
		return ""
	}
	raw := s.text[start:s.at]
	s.at++
	if !utf8.ValidString(raw) {
		s.fail("a string is not UTF-8")
		return ""
	}
	if escaped {
		return s.unescape(raw)
	}
	return raw
}

// unescape returns the string of which raw is the inside of the literal.
func (s *scanner) unescape(raw string) string {
	var out strings.Builder
	out.Grow(len(raw))
	for {
		plain, rest, found := strings.Cut(raw, `\`)
		out.WriteString(plain)
		if !found {
			return out.String()
		}
		r, length := escape(rest)
		if length == 0 {
			s.fail("a string has the unknown escape \\%.11s", rest)
			return ""
		}
		out.WriteRune(r)
		raw = rest[length:]
	}
}

// escape returns the character that text begins with, written as an escape
// without its backslash, and how many bytes of text that takes: 0 if it is no
// escape.
func escape(text string) (r rune, length int) {
	if text == "" {
		return 0, 0
	}
	if text[0] != 'u' {
		const letters, values = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
		if i := strings.IndexByte(letters, text[0]); i >= 0 {
			return rune(values[i]), 1
		}
		return 0, 0
	}
	high, ok := hex4(text[1:])
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(high) {
		return high, 5
	}
	if !strings.HasPrefix(text[5:], `\u`) {
		return 0, 0
	}
	low, ok := hex4(text[7:])
	if r := utf16.DecodeRune(high, low); ok && r != utf8.RuneError {
		return r, 11
	}
	return 0, 0
}

// hex4 returns the value of the four hexadecimal digits that text begins with.
func hex4(text string) (r rune, ok bool) {
	n, err := strconv.ParseUint(text[:min(4, len(text))], 16, 16)
	return rune(n), err == nil && len(text) >= 4
}

// skip reads any value.
func (s *scanner) skip(depth int) {
	if depth > maxDepth {
		s.fail("values are nested deeper than %d", maxDepth)
		return
	}
	switch c := s.peek(); c {
	case '{':
		s.object(func(string) { s.skip(depth + 1) })
	case '[':
		s.array(func() { s.skip(depth + 1) })
	case '"':
		s.string()
	default:
		s.literal()
	}
}

// literal reads true, false, null or a number.
func (s *scanner) literal() {
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(s.text[s.at:], word) {
			s.at += len(word)
			return
		}
	}
	if strings.HasPrefix(s.text[s.at:], "-") {
		s.at++
	}
	s.integer(math.MaxInt64)
	if s.err == nil && strings.HasPrefix(s.text[s.at:], ".") {
		s.at++
		s.digits()
	}
	if s.err == nil && s.at < len(s.text) && s.text[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.text) && (s.text[s.at] == '+' || s.text[s.at] == '-') {
			s.at++
		}
		s.digits()
	}
}

// digits reads at least one decimal digit.
func (s *scanner) digits() {
	start := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	if s.at == start {
		s.fail("a digit is expected")
	}
}
