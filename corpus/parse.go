package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"samovar/corpus/filter"
)

// parsed is one document ready to be written.
type parsed struct {
	doc     Document // until it is sealed
	judged  filter.Verdict
	verdict verdict
	why     string // it is broken
	line    []byte // as JSON, with the newline
	first   byte   // first byte of the SHA-256 of the document as it came
	sum     uint64 // first 8 bytes of the SHA-256 of its content as it is written
	turns   bool
	pair    bool
	in      int // bytes as it came
	out     int // bytes of UTF-8 in the normalised text or turns
	invalid int // bytes that were no UTF-8
}

// read reads one document of source index; of a JSON line, a text longer than
// fewText gives several. A document's split is decided by the SHA-256 of its
// bytes before they are normalised: those of a file of text, of the string in a
// JSON line, or of a piece of one; of a dialogue, its turns as they stand in the
// line; of a preference, see pair.key.
func (s Source) read(index int, lines bool, data []byte) ([]parsed, error) {
	one := parsed{doc: Document{Source: index}, in: len(data)}
	if s.Kind == Preference {
		if !lines {
			return nil, errors.New("preferences are read from JSON lines, .jsonl: correct the path or the kind")
		}
		err := s.parsePair(&one, data)
		return []parsed{one}, err
	}
	if !lines {
		one.text(data)
		return []parsed{one}, nil
	}
	value, invalid, err := s.value(data)
	if err != nil {
		return nil, err
	}
	if one.invalid = invalid; invalid*brokenShare > len(data) {
		one.verdict, one.why = broken, tooBroken
		return []parsed{one}, nil
	}
	raw, turns, err := s.content(value)
	if err != nil {
		return nil, err
	}
	if turns != nil && s.Kind == Dialogue {
		one.first = sha256.Sum256(raw)[0]
		one.turns = true
		if one.doc.Turns, one.why = dialogue(turns); one.why != "" {
			one.verdict = broken
		}
		return []parsed{one}, nil
	}
	if turns != nil {
		raw = script(turns)
	}
	return one.pieces(raw), nil
}

// pieces returns p with the text raw, cut if it is long; what p says of the whole
// line goes with the first.
func (p parsed) pieces(raw []byte) (all []parsed) {
	for len(raw) > fewText {
		end := cut(raw[:fewText])
		first := p
		first.text(raw[:end])
		all = append(all, first)
		p = parsed{doc: Document{Source: p.doc.Source}}
		raw = raw[end:]
	}
	p.text(raw)
	return append(all, p)
}

// text makes raw the document's text.
func (p *parsed) text(raw []byte) {
	p.first = sha256.Sum256(raw)[0]
	text, invalid, v := normal(raw)
	p.invalid += invalid
	if p.verdict = v; v != keep {
		p.why = "too many bytes are no UTF-8: is it in another encoding, such as Latin-1?"
		return
	}
	p.doc.Text = string(text)
}

// judge filters the document, which may mask parts of it.
func (p *parsed) judge(f *filter.Filter) {
	texts := p.doc.texts()
	parts := make([]string, len(texts))
	for i, t := range texts {
		parts[i] = *t
	}
	p.judged = f.Judge(parts)
	for i, t := range texts {
		*t = parts[i]
	}
}

// texts returns where the texts of a document stand.
func (d *Document) texts() (all []*string) {
	for _, turns := range [][]Turn{d.Turns, d.Rejected} {
		for i := range turns {
			all = append(all, &turns[i].Text)
		}
	}
	if all == nil {
		all = []*string{&d.Text}
	}
	return all
}

// seal writes the line of the document and takes its hash, unless a filter has
// dropped it.
func (p *parsed) seal() {
	p.out = p.doc.size()
	defer func() { p.doc = Document{} }()
	if p.judged.Dropped != "" {
		return
	}
	start := len(fmt.Sprintf(`{"source":%d`, p.doc.Source)) // what follows is content alone
	p.line = append(p.doc.appendJSON(make([]byte, 0, p.out+p.out/16+64)), '\n')
	sum := sha256.Sum256(p.line[start:])
	p.sum = binary.LittleEndian.Uint64(sum[:])
}

// tooBroken is why a line is passed over of which a brokenShare is no UTF-8.
const tooBroken = "too many bytes are no UTF-8"

// parsePair reads a preference into p.
func (s Source) parsePair(p *parsed, line []byte) error {
	raw, invalid, err := s.preference(line)
	if p.invalid = invalid; err != nil {
		return err
	}
	sum := sha256.Sum256(raw.key())
	p.pair, p.first = true, sum[0]
	clean, why := raw.normal()
	if invalid*brokenShare > len(line) {
		why = tooBroken
	}
	if p.why = why; why != "" {
		p.verdict = broken
		return nil
	}
	p.doc.Turns, p.doc.Rejected = clean.chosen, clean.rejected
	return nil
}

// value returns the JSON value of the source's field in a line, and how many
// bytes of the line were no UTF-8.
func (s Source) value(line []byte) (value []byte, invalid int, err error) {
	line, invalid, err = object(line, fmt.Sprintf("{%q: …}", s.field()))
	if err != nil {
		return nil, invalid, err
	}
	value, names := member(line, s.field())
	if value == nil {
		return nil, invalid, fmt.Errorf("there is no field %q; there is %s", s.field(), quoted(names))
	}
	return value, invalid, nil
}

// object returns a line as an object of valid JSON in valid UTF-8, and how many
// of its bytes were none. such is what is expected.
func object(line []byte, such string) (valid []byte, invalid int, err error) {
	if !utf8.Valid(line) {
		line, invalid = repair(line)
	}
	if !json.Valid(line) {
		var any json.RawMessage
		return nil, invalid, fmt.Errorf("this is no JSON: %w", json.Unmarshal(line, &any))
	}
	if line[0] != '{' {
		return nil, invalid, fmt.Errorf("an object such as %s is expected on each line", such)
	}
	return line, invalid, nil
}

// quoted lists names for a message, the first dozen of them.
func quoted(names []string) string {
	if len(names) == 0 {
		return "none at all"
	}
	more := ""
	if len(names) > 12 {
		names, more = names[:12], " …"
	}
	return `"` + strings.Join(names, `", "`) + `"` + more
}

// member returns the value of the last member called name in object, which is
// valid JSON, and the names of all members if there is none.
func member(object []byte, name string) (value []byte, names []string) {
	rest := space(object[1:])
	for rest[0] != '}' {
		n := span(rest)
		key := rest[1 : n-1]
		if bytes.IndexByte(key, '\\') >= 0 {
			key = unquote(rest[:n])
		}
		rest = space(space(rest[n:])[1:]) // the colon
		n = span(rest)
		if string(key) == name {
			value = rest[:n]
		} else if value == nil {
			names = append(names, string(key))
		}
		if rest = space(rest[n:]); rest[0] == ',' {
			rest = space(rest[1:])
		}
	}
	return value, names
}

// space returns b without the white space before the next token.
func space(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// span returns the length of the valid JSON value that b starts with.
func span(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += quote(b[i:]) - 1
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of what holds a number or a literal
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// quote returns the length of the valid JSON string that b starts with.
func quote(b []byte) int {
	for i := 1; i < len(b); i++ {
		next := bytes.IndexByte(b[i:], '"')
		if next < 0 {
			break
		}
		i += next
		escapes := 0
		for b[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
	return len(b)
}

// unquote decodes a valid JSON string of valid UTF-8. Half of a surrogate pair
// becomes U+FFFD.
func unquote(b []byte) []byte {
	b = b[1 : len(b)-1]
	out := make([]byte, 0, len(b))
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			return append(out, b...)
		}
		out = append(out, b[:i]...)
		escape := b[i+1]
		b = b[i+2:]
		switch escape {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'u':
			r := hex4(b)
			b = b[4:]
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if len(b) >= 6 && b[0] == '\\' && b[1] == 'u' {
					low = hex4(b[2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					b = b[6:]
				}
			}
			out = utf8.AppendRune(out, r)
		default: // a quote, a slash, a backslash
			out = append(out, escape)
		}
	}
}

// hex4 returns the number that four hexadecimal digits write.
func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		r = r<<4 | rune(c)
	}
	return r
}

// content decodes the value of a source's field: a string, or turns. raw is
// what the document's split is decided by.
func (s Source) content(value []byte) (raw []byte, turns []Turn, err error) {
	switch {
	case value[0] == '[':
		turns, err = parseTurns(value)
		return value, turns, err
	case s.Kind == Dialogue && string(value) != "null":
		return nil, nil, fmt.Errorf(`field %q holds no turns: [["user", "…"], ["assistant", "…"]] or [{"role": …, "content": …}] is expected`, s.field())
	case value[0] == '"':
		return unquote(value), nil, nil
	case string(value) == "null":
		return nil, nil, nil
	}
	return nil, nil, fmt.Errorf("field %q holds neither a string nor turns", s.field())
}

// parseTurns reads [[who, text], …] or [{role, content}, …].
func parseTurns(value []byte) ([]Turn, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, err
	}
	turns := make([]Turn, 0, len(list))
	for i, item := range list {
		turn, err := parseTurn(item)
		if err != nil {
			return nil, fmt.Errorf("turn %d: %w", i+1, err)
		}
		turns = append(turns, turn)
	}
	return turns, nil
}

func parseTurn(item []byte) (Turn, error) {
	if item[0] == '[' {
		var pair []string
		if err := json.Unmarshal(item, &pair); err != nil || len(pair) != 2 {
			return Turn{}, errors.New("a pair of strings [who, text] is expected")
		}
		return Turn{pair[0], pair[1]}, nil
	}
	var object struct{ Role, From, Content, Value string } // OpenAI's names, ShareGPT's
	if err := json.Unmarshal(item, &object); err != nil {
		return Turn{}, errors.New(`[who, text] or {"role": …, "content": …} with strings is expected`)
	}
	turn := Turn{object.Role + object.From, object.Content + object.Value}
	if turn.Role == "" {
		return turn, errors.New(`a turn without "role"`)
	}
	return turn, nil
}

// roles maps the names that data sets give to speakers.
var roles = map[string]string{
	"user": "user", "human": "user", "prompter": "user", "customer": "user",
	"assistant": "assistant", "bot": "assistant", "gpt": "assistant", "model": "assistant", "ai": "assistant",
	"system": "system",
	"tool":   "tool", "function": "tool",
}

// role is how chat templates name a speaker; empty: neither knows the other.
func role(name string) string { return roles[strings.ToLower(strings.TrimSpace(name))] }

// dialogue returns turns normalised, their roles named as chat templates name
// them, or why they are of no use. A "system" that answers, where nobody is
// called assistant, is the assistant (Schema-Guided Dialogue).
func dialogue(turns []Turn) (normalised []Turn, why string) {
	for _, t := range turns {
		role := role(t.Role)
		if role == "" {
			return nil, fmt.Sprintf("the speaker %q is neither user nor assistant (kind: text reads it as a play)", t.Role)
		}
		text, _, v := normal([]byte(t.Text))
		if v == keep {
			normalised = append(normalised, Turn{role, string(text)})
		}
	}
	spoken := func(role string) bool {
		return slices.ContainsFunc(normalised, func(t Turn) bool { return t.Role == role })
	}
	if !spoken("assistant") && spoken("user") {
		for i := range normalised {
			if i > 0 && normalised[i].Role == "system" {
				normalised[i].Role = "assistant"
			}
		}
	}
	if !spoken("assistant") {
		return nil, "no turn is the assistant's"
	}
	return normalised, ""
}

// script writes turns as a play.
func script(turns []Turn) []byte {
	var b []byte
	for _, t := range turns {
		b = append(b, strings.TrimSpace(t.Role)...)
		b = append(b, ": "...)
		b = append(b, strings.TrimSpace(t.Text)...)
		b = append(b, '\n')
	}
	return b
}
