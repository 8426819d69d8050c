package tokenizer

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// Encoder encodes text for one goroutine. It remembers frequent pre-tokens
// (2 MiB) and allocates nothing once its buffers have grown.
type Encoder struct {
	t     *Tokenizer
	lines []line
	syms  []int32
	merge merger
	whole []bool // tokens of which it is known that merging ends with them
}

// line is one remembered pre-token: a cache line of 64 bytes. Each pre-token
// has two places by its hash; a new one drives out the older of the two there.
type line struct {
	size uint8 // bytes of key; 0 if free
	n    uint8 // ids
	key  [maxKey]byte
	ids  [maxLineIDs]int32
}

const (
	cacheLines = 1 << 15
	maxKey     = 38
	maxLineIDs = 6
)

// NewEncoder returns an encoder of t for use by one goroutine at a time.
func (t *Tokenizer) NewEncoder() *Encoder {
	e := &Encoder{t: t, lines: make([]line, cacheLines), whole: make([]bool, t.Size())}
	e.merge.pairs = &t.pairs
	return e
}

// Span is a range of bytes of a text.
type Span struct{ Start, End int }

// Encode appends the ids of text to dst. Names of control tokens in text are
// text like any other. BOS is not added.
func (t *Tokenizer) Encode(dst []int32, text string) []int32 {
	e := t.encoders.Get().(*Encoder)
	defer t.encoders.Put(e)
	return e.Encode(dst, text)
}

// EncodeSpecial is Encode for text that names control tokens, as a rendered
// chat template does. Ranges of text that lie in plain (sorted, apart from
// each other) are text like any other, and so is a name that overlaps one.
func (t *Tokenizer) EncodeSpecial(dst []int32, text string, plain []Span) []int32 {
	e := t.encoders.Get().(*Encoder)
	defer t.encoders.Put(e)
	return e.EncodeSpecial(dst, text, plain)
}

// Encode is Tokenizer.Encode.
func (e *Encoder) Encode(dst []int32, text string) []int32 {
	return e.encode(dst, text, 0, nil)
}

// EncodeSpecial is Tokenizer.EncodeSpecial.
func (e *Encoder) EncodeSpecial(dst []int32, text string, plain []Span) []int32 {
	return e.encode(dst, text, 1, plain)
}

// encode cuts the marks out of text (of marks[0] everywhere, of marks[set]
// outside plain) and encodes what lies between them.
func (e *Encoder) encode(dst []int32, text string, set int, plain []Span) []int32 {
	t := e.t
	from, i := 0, 0
	for {
		start, end, id := t.marks[set].find(text, i)
		if id == None {
			return e.fragment(dst, text[from:])
		}
		for len(plain) > 0 && plain[0].End <= start {
			plain = plain[1:]
		}
		if len(plain) > 0 && plain[0].Start < end && t.kinds[id] != User {
			// A control token's name in plain text; a user token may begin inside it.
			inside := text[:end]
			i = start + 1
			if start, end, id = t.marks[0].find(inside, start); id == None {
				continue
			}
		}
		s := t.strip[id]
		before := text[from:start]
		if s.left {
			before = strings.TrimRight(before, " \t\r\n")
		}
		dst = append(e.fragment(dst, before), id)
		if s.right {
			end += len(text[end:]) - len(strings.TrimLeft(text[end:], " \t\r\n"))
		}
		from, i = end, end
	}
}

// fragment encodes text without marks.
func (e *Encoder) fragment(dst []int32, s string) []int32 {
	if e.t.prefix && s != "" {
		// Only the first pre-token differs; the rest is encoded where it lies.
		n := e.t.split(s)
		dst = e.word(dst, " "+s[:n])
		s = s[n:]
	}
	for len(s) > 0 {
		n := e.t.split(s)
		dst = e.word(dst, s[:n])
		s = s[n:]
	}
	return dst
}

// word encodes one pre-token.
func (e *Encoder) word(dst []int32, s string) []int32 {
	if len(s) > maxKey {
		return e.compute(dst, s)
	}
	at := hash(s) & (cacheLines - 2)
	pair := (*[2]line)(e.lines[at : at+2])
	l := &pair[0]
	if int(l.size) != len(s) || string(l.key[:l.size]) != s {
		l = &pair[1]
	}
	from := len(dst)
	if int(l.size) == len(s) && string(l.key[:l.size]) == s {
		if cap(dst)-from < maxLineIDs {
			dst = slices.Grow(dst, maxLineIDs)
		}
		*(*[maxLineIDs]int32)(dst[from : from+maxLineIDs]) = l.ids // a fixed size is faster than the right one
		return dst[:from+int(l.n)]
	}
	dst = e.compute(dst, s)
	if n := len(dst) - from; n <= maxLineIDs {
		pair[1] = pair[0]
		pair[0].size, pair[0].n = uint8(len(s)), uint8(n)
		copy(pair[0].key[:], s)
		copy(pair[0].ids[:], dst[from:])
	}
	return dst
}

// hash mixes 1 to 24 bytes. Equal hashes cost time, never correctness.
func hash(s string) uint64 {
	n := len(s)
	var a, b, c uint64
	switch {
	case n >= 8:
		a, b, c = load64(s), load64(s[n-8:]), load64(s[(n-8)/2:])
	case n >= 4:
		a, b = load32(s), load32(s[n-4:])
	default:
		a = uint64(s[0])<<16 | uint64(s[n/2])<<8 | uint64(s[n-1])
	}
	hi, lo := bits.Mul64(a^0x9E3779B97F4A7C15, b^c*0xD6E8FEB86659FD93^uint64(n)<<56^0xA0761D6478BD642F)
	return hi ^ lo
}

func load32(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

func load64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// compute encodes one pre-token by merging its symbols.
func (e *Encoder) compute(dst []int32, s string) []int32 {
	t := e.t
	whole, ok := t.words[s]
	if ok && (t.verbatim || e.whole[whole]) {
		return append(dst, whole)
	}
	e.syms = e.syms[:0]
	if t.scored {
		e.syms = t.scoredSymbols(e.syms, s)
	} else {
		e.syms = t.byteSymbols(e.syms, s)
	}
	syms := e.merge.merge(e.syms)
	if ok && len(syms) == 1 && syms[0] == whole {
		e.whole[whole] = true
	}
	rest := s
	for _, id := range syms {
		if t.has(id) {
			dst = append(dst, id)
			rest = rest[len(t.tokens[id]):]
			continue
		}
		n := 1
		if t.scored {
			_, n = utf8.DecodeRuneInString(rest)
		}
		for i := range n {
			if id := t.fallback[rest[i]]; id != None {
				dst = append(dst, id)
				continue
			}
			for _, b := range []byte("\uFFFD") {
				dst = append(dst, t.fallback[b])
			}
		}
		rest = rest[n:]
	}
	if cap(e.syms) > 1<<20 {
		e.syms = nil // do not keep what a rare text needed
	}
	return dst
}

// byteSymbols appends the symbols of the bytes of s, of some runes the one symbol
// that their two bytes become.
func (t *Tokenizer) byteSymbols(syms []int32, s string) []int32 {
	for i := 0; i < len(s); i++ {
		if b := s[i]; b&0xE0 == 0xC0 && i+1 < len(s) && s[i+1]&0xC0 == 0x80 && (i == 0 || s[i-1] != ' ') {
			if id := t.letters[int(b&0x1F)<<6|int(s[i+1]&0x3F)]; id != None {
				syms = append(syms, id)
				i++
				continue
			}
		}
		syms = append(syms, t.symbols[s[i]])
	}
	return syms
}

// scoredSymbols appends the symbols of the runes of s.
func (t *Tokenizer) scoredSymbols(syms []int32, s string) []int32 {
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			syms = append(syms, t.symbols[s[i]])
			i++
			continue
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		id, ok := t.runes[s[i:i+n]]
		if !ok {
			id = unknown
		}
		syms = append(syms, id)
		i += n
	}
	return syms
}

// marks finds tokens that are cut out of text before merging: the leftmost,
// of those at one place the longest.
type marks struct {
	next  map[uint64]int32 // node of a trie and byte to node; the root is 0
	ids   []int32          // token that ends at each node, or None
	first [256]bool        // bytes that a name begins with
	some  bool
}

// findMarks collects the user tokens, and the control tokens too if asked.
func (t *Tokenizer) findMarks(control bool) marks {
	m := marks{next: map[uint64]int32{}, ids: []int32{None}}
	for i, name := range t.tokens {
		if name == "" || t.kinds[i] != User && !(control && t.kinds[i] == Control) {
			continue
		}
		node := int32(0)
		for _, b := range []byte(name) {
			key := uint64(node)<<8 | uint64(b)
			to, ok := m.next[key]
			if !ok {
				to = int32(len(m.ids))
				m.next[key] = to
				m.ids = append(m.ids, None)
			}
			node = to
		}
		m.ids[node] = int32(i)
		m.first[name[0]] = true
		m.some = true
	}
	return m
}

// find returns the first mark in text[from:] and its place, id None if there
// is none.
func (m *marks) find(text string, from int) (start, end int, id int32) {
	for i := from; m.some && i < len(text); i++ {
		if !m.first[text[i]] {
			continue
		}
		id = None
		node, ok := int32(0), true
		for k := i; k < len(text); k++ {
			if node, ok = m.next[uint64(node)<<8|uint64(text[k])]; !ok {
				break
			}
			if m.ids[node] != None {
				end, id = k+1, m.ids[node]
			}
		}
		if id != None {
			return i, end, id
		}
	}
	return 0, 0, None
}
