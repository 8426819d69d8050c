package filter

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// word is a normalised word: letters, marks and digits in lower case, without
// the apostrophes within, as GPT-3's overlap analysis compares them (Brown et
// al. 2020, appendix C). Of scripts that put no spaces between words, each
// character is one.
type word struct {
	hash       uint64
	start, end int32 // bytes of the text
}

// document is a text cut into words and lines, with what the rules ask of them.
type document struct {
	text   string
	words  []word
	lines  []span
	tokens int // runs of characters that are not space, but for lone punctuation
	alpha  int // of these with a letter
	runes  int // in tokens
	alone  int // words that are one character of a script without spaces
	table  table
}

// span is a part of the text.
type span struct{ start, end int32 }

var pool = sync.Pool{New: func() any { return new(document) }}

// release gives the document's memory back. Large ones are left to the garbage
// collector, so that one book does not keep its memory for ever.
func (d *document) release() {
	const most = 1 << 20 // words
	if cap(d.words) < most {
		d.text = ""
		pool.Put(d)
	}
}

// scan cuts a text into words and lines.
func scan(text string) *document {
	d := pool.Get().(*document)
	d.text, d.words, d.lines = text, d.words[:0], d.lines[:0]
	d.tokens, d.alpha, d.runes, d.alone = 0, 0, 0, 0
	s := scanner{d: d, start: -1}
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			s.ascii(i, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		s.rune(i, n, r)
		i += n
	}
	s.endToken()
	if from := s.line; from < len(text) {
		d.lines = append(d.lines, span{int32(from), int32(len(text))})
	}
	return d
}

// scanner is the state between two characters.
type scanner struct {
	d      *document
	start  int // of the word; -1: between words
	end    int // of the word as far as it has come
	hash   uint64
	line   int // where it starts
	token  int // runes of the token as far as it has come
	letter bool
	sound  bool // the token has a letter or a digit
}

// FNV-1a's constants, over characters instead of bytes.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// The classes of ASCII characters.
const (
	isOther = iota
	isSpace
	isLetter
	isDigit
	isApostrophe
)

var ascii = func() (t [128]byte) {
	for c := range byte(128) {
		switch {
		case c == ' ' || c >= '\t' && c <= '\r':
			t[c] = isSpace
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			t[c] = isLetter
		case c >= '0' && c <= '9':
			t[c] = isDigit
		case c == '\'':
			t[c] = isApostrophe
		}
	}
	return t
}()

func (s *scanner) ascii(i int, c byte) {
	switch ascii[c] {
	case isLetter:
		s.letter = true
		s.extend(i, 1, uint64(c|0x20))
	case isDigit:
		s.extend(i, 1, uint64(c))
	case isApostrophe:
		s.token++
	case isSpace:
		s.endToken()
		if c == '\n' {
			s.d.lines = append(s.d.lines, span{int32(s.line), int32(i)})
			s.line = i + 1
		}
	default:
		s.endWord()
		s.token++
	}
}

func (s *scanner) rune(i, n int, r rune) {
	switch {
	case unicode.IsLetter(r):
		s.letter = true
		if spaceless(r) {
			s.endWord()
			s.extend(i, n, uint64(r))
			s.endWord()
			s.d.alone++
			return
		}
		s.extend(i, n, uint64(unicode.ToLower(r)))
	case unicode.IsDigit(r) || unicode.IsMark(r) && s.start >= 0:
		s.extend(i, n, uint64(r))
	case r == '’':
		s.token++
	case unicode.IsSpace(r):
		s.endToken()
	default:
		s.endWord()
		s.token++
	}
}

// spaceless says whether r is of a script that puts no spaces between words.
func spaceless(r rune) bool {
	return r >= 0x0E00 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan))
}

func (s *scanner) extend(i, n int, c uint64) {
	if s.start < 0 {
		s.start, s.hash = i, fnvOffset
	}
	s.hash = (s.hash ^ c) * fnvPrime
	s.end = i + n
	s.token++
	s.sound = true
}

func (s *scanner) endWord() {
	if s.start >= 0 {
		s.d.words = append(s.d.words, word{mix(s.hash), int32(s.start), int32(s.end)})
		s.start = -1
	}
}

func (s *scanner) endToken() {
	s.endWord()
	if s.token > 0 {
		if s.sound || s.token > 1 {
			s.d.tokens++
			s.d.runes += s.token
			if s.letter {
				s.d.alpha++
			}
		}
		s.token, s.letter, s.sound = 0, false, false
	}
}

// mix spreads the bits of a hash (the finaliser of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// wordHash is the hash of a single normalised word.
func wordHash(s string) uint64 {
	h := uint64(fnvOffset)
	for _, r := range s {
		h = (h ^ uint64(unicode.ToLower(r))) * fnvPrime
	}
	return mix(h)
}

// gramPrime weighs the words of an n-gram by their places.
const gramPrime = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio, odd

// rolling yields the hash of each n-gram of words with the index of its first.
func rolling(words []word, n int, yield func(i int, hash uint64) bool) {
	if len(words) < n {
		return
	}
	top := uint64(1) // gramPrime to the n-1
	for range n - 1 {
		top *= gramPrime
	}
	var h uint64
	for i, w := range words {
		if i >= n {
			h -= words[i-n].hash * top
		}
		h = h*gramPrime + w.hash
		if i >= n-1 && !yield(i-n+1, mix(h)) {
			return
		}
	}
}

// table counts hashes within one document: open addressing, kept between uses.
type table struct {
	slots []slot
	round uint32 // slots of earlier rounds are empty
	mask  uint64
}

type slot struct {
	hash  uint64
	round uint32
	count int32
}

// reset makes room for n hashes and forgets those of before.
func (t *table) reset(n int) {
	size := 64
	for size < 2*n {
		size *= 2
	}
	if size > len(t.slots) || t.round == 1<<32-1 {
		t.slots, t.round = make([]slot, size), 0
	}
	t.round++
	t.mask = uint64(size - 1)
}

// add counts a hash and returns how often it has been added, this time included.
func (t *table) add(hash uint64) int32 {
	for i := hash & t.mask; ; i = (i + 1) & t.mask {
		s := &t.slots[i]
		if s.round != t.round {
			*s = slot{hash, t.round, 1}
			return 1
		}
		if s.hash == hash {
			s.count++
			return s.count
		}
	}
}

// line returns a line of the text without the space around it.
func (d *document) line(s span) string { return strings.TrimSpace(d.text[s.start:s.end]) }
