// Package tokenizer turns text into token ids and back, learns vocabularies
// from text, and reads and writes those of others.
//
// It refuses to guess: a vocabulary whose pre-tokenizer or tables it does not
// know exactly is an error, and [Encoder.Encode] never reads a special token
// out of a user's text.
//
// Start with [Tokenizer], then [Train] and [Encoder].
package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Kind says what a token is for, numbered as GGUF's tokenizer.ggml.token_type.
type Kind uint8

// The kinds of token.
const (
	Normal  Kind = 1 // text, reached by merging
	Unknown Kind = 2 // stands for what the vocabulary cannot spell
	Control Kind = 3 // a mark such as <|im_end|>; has a name but stands for no text
	User    Kind = 4 // text that is always one token, found before merging
	Unused  Kind = 5
	Byte    Kind = 6 // one byte, where no other token spells it (scored vocabularies)
)

// None is the id of a token that a vocabulary does not have.
const None int32 = -1

// maxTokens and maxTokenBytes bound what a vocabulary read from a file may
// hold; the largest in use have some 300,000 tokens of a few hundred bytes.
const (
	maxTokens     = 1 << 22
	maxTokenBytes = 1 << 10
)

// Tokenizer is a vocabulary with its rules. It does not change once made and
// may be used by any number of goroutines.
type Tokenizer struct {
	parts
	words    map[string]int32 // tokens of text by the bytes they stand for
	names    map[string]int32 // control and user tokens by name
	marks    [2]marks         // what is cut out before merging: user tokens; with control tokens
	pairs    pairs
	symbols  [256]int32       // first symbol of a byte, or unknown
	letters  [0x800]int32     // symbol with which merging may begin in place of a rune's two bytes, or None
	fallback [256]int32       // token for a byte that nothing else spells; None for U+FFFD's
	runes    map[string]int32 // scored: symbols of runes, tokens or not
	split    func(string) int // length of the first pre-token of a non-empty text
	ends     map[int32]bool
	encoders sync.Pool
}

// parts is what a vocabulary consists of, however it was come by.
type parts struct {
	scored   bool       // merges by the score of the result (SentencePiece), not by rank
	pre      string     // name of the pre-tokenizer; "" if scored
	tokens   []string   // bytes that each id stands for; of control tokens the name
	kinds    []Kind     // of each id
	merges   [][3]int32 // left, right, result, best first; nil if scored
	scores   []float32  // of each id, if scored
	strip    map[int32]strip
	bos      int32
	eos      int32
	eot      int32 // end of a turn
	unk      int32
	pad      int32
	addBOS   bool
	prefix   bool // scored: text begins with a space that Encode adds
	verbatim bool // a pre-token that is a token is not merged (Llama 3)
}

// strip says on which sides a mark takes white space with it.
type strip struct{ left, right bool }

// Size returns the number of ids: all lie in [0, Size).
func (t *Tokenizer) Size() int { return len(t.tokens) }

// Token returns the bytes that id stands for, for a control token its name.
func (t *Tokenizer) Token(id int32) string {
	if !t.has(id) {
		return ""
	}
	return t.tokens[id]
}

func (t *Tokenizer) has(id int32) bool { return id >= 0 && int(id) < len(t.tokens) }

// Kind returns what the token is for, 0 outside the vocabulary.
func (t *Tokenizer) Kind(id int32) Kind {
	if !t.has(id) {
		return 0
	}
	return t.kinds[id]
}

// BOS returns the token that begins a text, or None.
func (t *Tokenizer) BOS() int32 { return t.bos }

// EOS returns the token that ends a text, or None.
func (t *Tokenizer) EOS() int32 { return t.eos }

// EOT returns the token that ends a turn of a dialogue, or None.
func (t *Tokenizer) EOT() int32 { return t.eot }

// AddBOS says whether the model expects BOS before every text. Encode leaves
// that to its caller.
func (t *Tokenizer) AddBOS() bool { return t.addBOS }

// IsSpecial says whether id is a mark that stands for no text.
func (t *Tokenizer) IsSpecial(id int32) bool {
	k := t.Kind(id)
	return k == Control || k == Unknown
}

// IsEnd says whether a model that says id has finished its answer.
func (t *Tokenizer) IsEnd(id int32) bool { return t.ends[id] }

// Special returns the id of a control or user token by its name.
func (t *Tokenizer) Special(name string) (int32, bool) {
	id, ok := t.names[name]
	return id, ok
}

// Pre returns the name of the pre-tokenizer, as llama.cpp knows it; "" of a
// scored vocabulary, which has none.
func (t *Tokenizer) Pre() string { return t.pre }

// endNames are the names under which vocabularies keep tokens that end an
// answer, beside their EOS and EOT.
var endNames = []string{
	"<|endoftext|>", "<|im_end|>", "<|end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>",
	"<end_of_turn>", "<|return|>", "<|end_of_turn|>", "<|message_sep|>", "<|EOT|>", "<EOT>",
	"<｜end▁of▁sentence｜>", "<end_of_utterance>", "</s>",
}

// assemble checks p and builds the tables that encoding needs.
func assemble(p parts) (*Tokenizer, error) {
	t := &Tokenizer{parts: p}
	if err := t.check(); err != nil {
		return nil, err
	}
	t.index()
	var err error
	if t.scored {
		err = t.indexScored()
	} else {
		err = t.indexBytes()
	}
	if err != nil {
		return nil, err
	}
	t.encoders.New = func() any { return t.NewEncoder() }
	return t, nil
}

// check validates sizes and ids, so that nothing later can be out of range.
func (t *Tokenizer) check() error {
	n := len(t.tokens)
	if n == 0 || n > maxTokens {
		return fmt.Errorf("a vocabulary of %d tokens: 1 to %d are expected", n, maxTokens)
	}
	if len(t.kinds) != n || t.scored && len(t.scores) != n {
		return fmt.Errorf("%d tokens with %d types and %d scores: one of each is expected for every token", n, len(t.kinds), len(t.scores))
	}
	for id, s := range t.tokens {
		if len(s) > maxTokenBytes {
			return fmt.Errorf("token %d has %d bytes: at most %d are expected", id, len(s), maxTokenBytes)
		}
		if t.kinds[id] < Normal || t.kinds[id] > Byte {
			return fmt.Errorf("token %d has the type %d: 1 to 6 are known", id, t.kinds[id])
		}
		if t.scored && math.IsNaN(float64(t.scores[id])) {
			return fmt.Errorf("token %d has no number as its score", id)
		}
	}
	for name, id := range map[string]int32{"bos": t.bos, "eos": t.eos, "eot": t.eot, "unknown": t.unk, "padding": t.pad} {
		if id != None && !t.has(id) {
			return fmt.Errorf("the %s token is %d: an id below %d is expected", name, id, n)
		}
	}
	if t.addBOS && t.bos == None {
		return fmt.Errorf("the vocabulary asks for a bos token before every text but names none")
	}
	return nil
}

// index builds the maps from text to id.
func (t *Tokenizer) index() {
	t.words = make(map[string]int32, len(t.tokens))
	t.names = map[string]int32{}
	t.ends = map[int32]bool{}
	for i, s := range t.tokens {
		switch id := int32(i); t.kinds[i] {
		case Normal:
			t.words[s] = id
		case Control, User, Unknown:
			t.names[s] = id
		}
	}
	for _, id := range []int32{t.eos, t.eot} {
		if id != None {
			t.ends[id] = true
		}
	}
	for _, name := range endNames {
		if id, ok := t.names[name]; ok && t.kinds[id] == Control {
			t.ends[id] = true
		}
	}
	t.marks[0], t.marks[1] = t.findMarks(false), t.findMarks(true)
}

// indexBytes prepares merging by rank over single bytes.
func (t *Tokenizer) indexBytes() error {
	pre, err := preTokenizerOf(t.pre)
	if err != nil {
		return err
	}
	t.split = pre.split
	for b := range 256 {
		id, ok := t.words[string([]byte{byte(b)})]
		switch {
		case ok:
			t.symbols[b], t.fallback[b] = id, id
		case t.unk != None:
			t.symbols[b], t.fallback[b] = unknown, t.unk
		case b >= utf8.RuneSelf: // real vocabularies lack bytes that occur in no or in rare letters only
			t.symbols[b], t.fallback[b] = unknown, None
		default:
			return fmt.Errorf("the vocabulary has no token for the byte 0x%02X and none for the unknown: not every text could be encoded", b)
		}
	}
	for _, b := range []byte("\uFFFD") {
		if t.fallback[b] == None {
			return fmt.Errorf("the vocabulary has no token for the byte 0x%02X", b)
		}
	}
	t.pairs = makePairs(len(t.merges))
	for rank, m := range t.merges {
		t.pairs.add(m[0], m[1], int32(rank), m[2])
	}
	t.indexLetters()
	return nil
}

// indexLetters finds the runes of two bytes that merging always joins before it
// touches either byte otherwise, wherever no space precedes: their merge comes
// before all that take the first byte to the left, the second to the right, or
// the whole rune anywhere. (A space is left out because most vocabularies
// join it with the first byte of a frequent script before all else.)
func (t *Tokenizer) indexLetters() {
	// The ranks at which a symbol is first merged with its right, its left, and a space to its left.
	right := slices.Repeat([]int32{noRank}, t.Size())
	left, spaced := slices.Clone(right), slices.Clone(right)
	for rank, m := range t.merges {
		right[m[0]] = min(right[m[0]], int32(rank))
		if m[0] == t.symbols[' '] {
			spaced[m[1]] = min(spaced[m[1]], int32(rank))
		} else {
			left[m[1]] = min(left[m[1]], int32(rank))
		}
	}
	for r := range t.letters {
		t.letters[r] = None
		first, second := t.symbols[0xC0|r>>6], t.symbols[0x80|r&0x3F]
		rank, id := t.pairs.find(first, second)
		if rank != noRank && rank < min(left[first], right[second], left[id], right[id], spaced[id]) {
			t.letters[r] = id
		}
	}
}

// indexScored prepares merging by score over runes (SentencePiece's BPE). A
// symbol of the process is a token or a single rune, so the pairs that can
// merge are the ways to cut a token into two such symbols.
func (t *Tokenizer) indexScored() error {
	if err := t.indexFallback(); err != nil {
		return err
	}
	t.runes = map[string]int32{}
	order := make([]int32, 0, len(t.tokens))
	for i, s := range t.tokens {
		if t.kinds[i] != Normal || s == "" {
			continue
		}
		order = append(order, int32(i))
		if _, n := utf8.DecodeRuneInString(s); n == len(s) {
			t.runes[s] = t.words[s]
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return -cmpFloat(t.scores[a], t.scores[b]) })
	spaces := true // no token has a space after something else, so text can be cut there
	next := int32(len(t.tokens))
	rank := int32(-1)
	t.pairs = makePairs(len(order) * 2)
	for i, id := range order {
		if i == 0 || t.scores[id] != t.scores[order[i-1]] {
			rank++
		}
		s := t.tokens[id]
		if t.words[s] != id {
			continue // a double: the last one counts
		}
		spaces = spaces && !strings.Contains(strings.TrimLeft(s, " "), " ")
		for k := range s {
			if k == 0 {
				continue
			}
			left, ok1 := t.part(s[:k], &next)
			right, ok2 := t.part(s[k:], &next)
			if ok1 && ok2 {
				t.pairs.add(left, right, rank, id)
			}
		}
	}
	for b := range 256 {
		t.symbols[b] = unknown
		if id, ok := t.runes[string(rune(b))]; ok && b < utf8.RuneSelf {
			t.symbols[b] = id
		}
	}
	t.split = func(s string) int { return len(s) }
	if spaces {
		t.split = splitSpaces
	}
	return nil
}

// part returns the symbol that s is, giving a number beyond the vocabulary to
// a rune that is no token.
func (t *Tokenizer) part(s string, next *int32) (int32, bool) {
	if id, ok := t.words[s]; ok {
		return id, true
	}
	if _, n := utf8.DecodeRuneInString(s); n < len(s) {
		return 0, false
	}
	id, ok := t.runes[s]
	if !ok {
		id = *next
		*next++
		t.runes[s] = id
	}
	return id, true
}

// indexFallback finds the token of each single byte.
func (t *Tokenizer) indexFallback() error {
	for b := range t.fallback {
		t.fallback[b] = t.unk
	}
	for i, s := range t.tokens {
		if t.kinds[i] == Byte {
			if len(s) != 1 {
				return fmt.Errorf("the byte token %d has %d bytes: one is expected", i, len(s))
			}
			t.fallback[s[0]] = int32(i)
		}
	}
	for b, id := range t.fallback {
		if id == None {
			return fmt.Errorf("the vocabulary has no token for the byte 0x%02X and none for the unknown: not every text could be encoded", b)
		}
	}
	return nil
}

func cmpFloat(a, b float32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// splitSpaces cuts before each run of spaces but the one at the start.
func splitSpaces(s string) int {
	i := 0
	for i < len(s) && s[i] == ' ' {
		i++
	}
	if k := strings.IndexByte(s[i:], ' '); k >= 0 {
		return i + k
	}
	return len(s)
}
