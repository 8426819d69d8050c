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

// preTokenizers are known by llama.cpp's names.
var preTokenizers = map[string]preTokenizer{
	"gpt-2": {splitGPT2, []string{gpt2Pattern}},
	"llama-bpe": {func(s string) int { return splitCased(s, 3) },
		[]string{`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`}},
	"qwen2": {func(s string) int { return splitCased(s, 1) },
		[]string{`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`}},
}

const gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

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
)

// classes has the class of every rune below its length; above it there is
// neither letter, number nor space (the last is U+323AF).
var classes [0x323B0]class

// loadClasses fills classes, once. Bytes that are no UTF-8 decode to U+FFFD,
// a symbol, and so need no case of their own.
var loadClasses = sync.OnceFunc(func() {
	fill := func(t *unicode.RangeTable, c class) {
		for _, r := range t.R16 {
			for x := rune(r.Lo); x <= rune(r.Hi); x += rune(r.Stride) {
				classes[x] |= c
			}
		}
		for _, r := range t.R32 {
			for x := rune(r.Lo); x <= rune(r.Hi); x += rune(r.Stride) {
				classes[x] |= c
			}
		}
	}
	fill(unicode.L, letter)
	fill(unicode.N, number)
	fill(unicode.White_Space, space)
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
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	if int(r) >= len(classes) {
		return 0, n
	}
	return classes[r], n
}

// while returns the end of the run of runes from i on that have a class of
// some, or, if some is 0, none of letter, number and space.
func while(s string, i int, some class) int {
	for {
		c, n := at(s, i)
		if n == 0 || c&some == 0 && !(some == 0 && c&(letter|number|space) == 0) {
			return i
		}
		i += n
	}
}

// splitGPT2 is GPT-2's pattern.
func splitGPT2(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	start := 0
	if s[0] == ' ' {
		start = 1
	}
	c, n := at(s, start)
	switch {
	case n == 0 || c&space != 0:
		return splitSpace(s)
	case c&letter != 0:
		return while(s, start+n, letter)
	case c&number != 0:
		return while(s, start+n, number)
	}
	return while(s, start+n, 0)
}

// splitCased is the pattern of GPT-4 and its heirs, with runs of at most
// digits numbers.
func splitCased(s string, digits int) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	c, n := at(s, 0)
	switch {
	case c&letter != 0:
		return while(s, n, letter)
	case c&number != 0:
		for i := 1; i < digits; i++ {
			c, k := at(s, n)
			if c&number == 0 {
				break
			}
			n += k
		}
		return n
	case c&newline == 0: // one rune of anything else may lead a word
		if c, k := at(s, n); c&letter != 0 {
			return while(s, n+k, letter)
		}
	}
	start := 0
	if s[0] == ' ' {
		start = 1
	}
	if end := while(s, start, 0); end > start {
		return while(s, end, newline)
	}
	end := while(s, 0, space)
	for i := end; i > 0; i-- {
		if s[i-1] == '\n' || s[i-1] == '\r' {
			return i
		}
	}
	return splitSpace(s)
}

// splitSpace is \s+(?!\S)|\s+: a run of white space without its last rune if
// something else follows, unless that rune is all there is.
func splitSpace(s string) int {
	end, last := 0, 0
	for {
		c, n := at(s, end)
		if n == 0 {
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
		a, b = lower(a), lower(b)
	}
	switch {
	case a == 's' || a == 't' || a == 'm' || a == 'd':
		return 2
	case (a == 'r' || a == 'v') && b == 'e' || a == 'l' && b == 'l':
		return 3
	}
	return 0
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// preAliases are further names that llama.cpp gives to the same patterns.
var preAliases = map[string]string{
	"gpt2": "gpt-2", "phi-2": "gpt-2", "jina-es": "gpt-2", "jina-de": "gpt-2", "mpt": "gpt-2", "olmo": "gpt-2", "jais": "gpt-2",
	"roberta-bpe": "gpt-2", "gigachat": "gpt-2", "trillion": "gpt-2",
	"llama3": "llama-bpe", "llama-v3": "llama-bpe", "falcon3": "llama-bpe", "pixtral": "llama-bpe", "falcon-h1": "llama-bpe",
	"dbrx": "llama-bpe", "smaug-bpe": "llama-bpe", "chatglm-bpe": "llama-bpe", "glm4": "llama-bpe",
	"stablelm2": "qwen2", "deepseek-r1-qwen": "qwen2", "megrez": "qwen2", "hunyuan": "qwen2", "kormo": "qwen2",
}

// verbatim names the pre-tokenizers of vocabularies in which a pre-token that
// is a token is not merged (and which expect BOS).
var verbatim = map[string]bool{
	"llama-bpe": true, "llama3": true, "llama-v3": true, "falcon3": true, "pixtral": true, "falcon-h1": true,
}
