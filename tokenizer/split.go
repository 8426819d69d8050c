package tokenizer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// preTokenizer cuts text into pre-tokens, across whose borders nothing merges.
type preTokenizer struct {
	split func(string) int // length of the first pre-token of a non-empty text
	regex []string         // what split does: patterns that cut one after another
}

// preTokenizers are known by llama.cpp's names. The patterns are those of the
// models' own tokenizer.json.
var preTokenizers = map[string]preTokenizer{
	"gpt-2":     {func(s string) int { return splitGPT2(s, false) }, []string{gpt2Pattern}},
	"starcoder": {func(s string) int { return splitGPT2(s, true) }, []string{`\p{N}`, gpt2Pattern}},
	"llama-bpe": {modern{digits: 3}.split, []string{
		`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`}},
	"qwen2": {modern{digits: 1}.split, []string{
		`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`}},
	"qwen35": {modern{digits: 1, marks: true}.split, []string{
		`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`}},
	"tekken": {modern{digits: 1, cased: true}.split, []string{
		upperWord + `[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|` + strings.Replace(upperWord, "*", "+", 1) + `[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}` + slashTail}},
	"gpt-4o": {modern{digits: 3, cased: true, suffix: true}.split, []string{
		upperWord + `[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
			strings.Replace(upperWord, "*", "+", 1) + `[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}` + slashTail}},
}

const (
	gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	upperWord   = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*`
	slashTail   = `| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// Pretokenizers returns the names of the known pre-tokenizers, sorted.
func Pretokenizers() []string { return slices.Sorted(maps.Keys(preTokenizers)) }

// preTokenizerOf returns the pre-tokenizer of that name, ready for use.
func preTokenizerOf(name string) (preTokenizer, error) {
	known := name
	if alias, ok := preAliases[name]; ok {
		known = alias
	}
	pre, ok := preTokenizers[known]
	if !ok {
		return pre, fmt.Errorf("unknown pre-tokenizer %q: known are %s", name, strings.Join(Pretokenizers(), ", "))
	}
	loadClasses()
	return pre, nil
}

// class is a set of the Unicode properties that the patterns ask for.
type class uint8

const (
	letter  class = 1 << iota // \p{L}
	number                    // \p{N}
	space                     // \s: White_Space
	newline                   // \r and \n, which are space too
	mark                      // \p{M}
	upper                     // Lu, Lt, Lm, Lo, M: may begin a cased word
	lower                     // Ll, Lm, Lo, M: may end it
)

// classes has the class of every rune below its length; above it there are
// but a few marks (the last letter is U+323AF).
var classes [0x323B0]class

// loadClasses fills classes, once. Bytes that are no UTF-8 decode to U+FFFD,
// a symbol, and so need no case of their own.
var loadClasses = sync.OnceFunc(func() {
	for _, x := range []struct {
		table *unicode.RangeTable
		class class
	}{
		{unicode.L, letter}, {unicode.N, number}, {unicode.White_Space, space}, {unicode.M, mark | upper | lower},
		{unicode.Lu, upper}, {unicode.Lt, upper}, {unicode.Ll, lower}, {unicode.Lm, upper | lower}, {unicode.Lo, upper | lower},
	} {
		fill := func(low, high, stride rune) {
			for r := low; r <= high && int(r) < len(classes); r += stride {
				classes[r] |= x.class
			}
		}
		for _, r := range x.table.R16 {
			fill(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range x.table.R32 {
			fill(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	classes['\r'] |= newline
	classes['\n'] |= newline
})

// at returns the class of the rune at s[i:] and its length, 0 at the end.
func at(s string, i int) (class, int) {
	if i >= len(s) {
		return 0, 0
	}
	if b := s[i]; b < utf8.RuneSelf {
		return classes[b], 1
	} else if b >= 0xC2 && b < 0xE0 && i+1 < len(s) && s[i+1]&0xC0 == 0x80 {
		return classes[rune(b&0x1F)<<6|rune(s[i+1]&0x3F)], 2 // most scripts of Europe
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	if int(r) < len(classes) {
		return classes[r], n
	}
	if unicode.Is(unicode.M, r) {
		return mark | upper | lower, n
	}
	return 0, n
}

// while returns the end of the run of runes from i on that have a class of some.
func while(s string, i int, some class) int {
	for {
		for i < len(s) && s[i] < utf8.RuneSelf && classes[s[i]]&some != 0 {
			i++
		}
		c, n := at(s, i)
		if c&some == 0 {
			return i
		}
		i += n
	}
}

// until returns the end of the run of runes from i on that have no class of some.
func until(s string, i int, some class) int {
	for {
		c, n := at(s, i)
		if n == 0 || c&some != 0 {
			return i
		}
		i += n
	}
}

// splitGPT2 is GPT-2's pattern, with digits after cutting out every number.
func splitGPT2(s string, digits bool) int {
	if c, n := at(s, 0); digits && c&number != 0 {
		return n
	}
	if n := contraction(s, false); n > 0 {
		return n
	}
	start := 0
	if s[0] == ' ' {
		start = 1
	}
	c, n := at(s, start)
	switch {
	case n == 0 || c&space != 0 || digits && c&number != 0:
		return splitSpace(s, digits)
	case c&letter != 0:
		return while(s, start, letter)
	case c&number != 0:
		return while(s, start, number)
	}
	return until(s, start, letter|number|space)
}

// modern is the pattern of GPT-4 and its heirs.
type modern struct {
	digits int  // numbers in a row
	marks  bool // marks count as letters
	cased  bool // a word ends before a capital that follows a small letter
	suffix bool // 's and the like belong to the word before them
}

func (m modern) split(s string) int {
	if n := m.plainWord(s); n > 0 {
		return n
	}
	if !m.cased {
		if n := contraction(s, true); n > 0 {
			return n
		}
	}
	if n := m.word(s); n > 0 {
		return n
	}
	c, n := at(s, 0)
	if c&number != 0 {
		for i := 1; i < m.digits; i++ {
			c, k := at(s, n)
			if c&number == 0 {
				break
			}
			n += k
		}
		return n
	}
	start := 0
	if s[0] == ' ' {
		start = 1
	}
	stop := letter | number | space
	if m.marks {
		stop |= mark
	}
	if end := until(s, start, stop); end > start {
		for end < len(s) && (s[end] == '\r' || s[end] == '\n' || m.cased && s[end] == '/') {
			end++
		}
		return end
	}
	for i := while(s, 0, space); i > 0; i-- {
		if s[i-1] == '\n' || s[i-1] == '\r' {
			return i
		}
	}
	return splitSpace(s, false)
}

// plainWord returns the length of a word of ASCII letters that a space may
// lead, the most frequent pre-token of all, or 0 if something else is there.
func (m modern) plainWord(s string) int {
	start := 0
	if s[0] == ' ' {
		start = 1
	}
	if m.cased {
		for start < len(s) && s[start]-'A' < 26 {
			start++
		}
	}
	i := start
	for i < len(s) && (s[i]-'a' < 26 || !m.cased && s[i]-'A' < 26) {
		i++
	}
	if i == start || i < len(s) && s[i] >= utf8.RuneSelf {
		return 0
	}
	if m.suffix {
		i += contraction(s[i:], true)
	}
	return i
}

// word returns the length of the word at the start of s, which one rune that
// is neither letter, number nor newline may lead, or 0.
func (m modern) word(s string) int {
	c, n := at(s, 0)
	lead := 0
	if c&(letter|number|newline) == 0 {
		lead = n
	}
	if m.cased {
		return m.casedWord(s, lead)
	}
	letters := letter
	if m.marks {
		letters |= mark
	}
	if end := while(s, lead, letters); end > lead {
		return end
	}
	return while(s, 0, letters)
}

// casedWord is capitals, then small letters, at least one; or else capitals.
func (m modern) casedWord(s string, lead int) int {
	end := mixed(s, lead)
	if end == 0 && lead > 0 {
		end = mixed(s, 0)
	}
	if end == 0 {
		if end = while(s, lead, upper); end == lead {
			if end = while(s, 0, upper); end == 0 {
				return 0
			}
		}
	}
	if m.suffix {
		end += contraction(s[end:], true)
	}
	return end
}

// mixed is [Lu Lt Lm Lo M]*[Ll Lm Lo M]+ from start on: where it ends, or 0.
// Letters without case and marks are in both sets; if nothing from the second
// follows the capitals, the last such among them ends the match.
func mixed(s string, start int) int {
	i, both := start, 0
	for {
		c, n := at(s, i)
		if c&upper == 0 {
			break
		}
		i += n
		if c&lower != 0 {
			both = i
		}
	}
	if end := while(s, i, lower); end > i {
		return end
	}
	return both
}

// splitSpace is \s+(?!\S)|\s+: a run of white space without its last rune if
// something else follows, unless that rune is all there is. With digits, a
// number ends the text.
func splitSpace(s string, digits bool) int {
	end, last := 0, 0
	for {
		c, n := at(s, end)
		if n == 0 || digits && c&number != 0 {
			return end
		}
		if c&space == 0 {
			break
		}
		last = end
		end += n
	}
	if last == 0 {
		return end
	}
	return last
}

// contraction returns the length of 's, 't, 're, 've, 'm, 'll or 'd at the
// start of s, else 0. Folding case, ſ (U+017F) is an s.
func contraction(s string, fold bool) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	a, b := s[1], byte(0)
	if len(s) > 2 {
		b = s[2]
	}
	if fold {
		if a == 0xC5 && b == 0xBF {
			return 3
		}
		a, b = small(a), small(b)
	}
	switch {
	case a == 's' || a == 't' || a == 'm' || a == 'd':
		return 2
	case (a == 'r' || a == 'v') && b == 'e' || a == 'l' && b == 'l':
		return 3
	}
	return 0
}

func small(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// preAliases are further names that llama.cpp gives to the same patterns.
var preAliases = map[string]string{}

func init() {
	for name, more := range map[string]string{
		"gpt-2":     "phi-2 jina-es jina-de jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert mpt olmo jais gigachat trillion granite-docling exaone4",
		"starcoder": "refact command-r smollm codeshell exaone minerva-7b mellum2",
		"llama-bpe": "llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 dbrx smaug-bpe chatglm-bpe glm4",
		"qwen2":     "stablelm2 deepseek-r1-qwen kormo megrez hunyuan solar-open grok-2",
		"gpt-4o":    "llama4 kanana2",
	} {
		for _, alias := range strings.Fields(more) {
			preAliases[alias] = name
		}
	}
}

// verbatim names the pre-tokenizers of vocabularies in which a pre-token that
// is a token is not merged, and which expect BOS.
var verbatim = map[string]bool{
	"llama-bpe": true, "llama3": true, "llama-v3": true, "falcon3": true, "falcon-h1": true,
	"pixtral": true, "midm-2.0": true, "lfm2": true, "tekken": true,
}
