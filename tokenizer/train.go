package tokenizer

import (
	"errors"
	"fmt"
	"iter"
	"slices"
)

// The special tokens of our own models: the first separates documents, begins
// and ends texts; the others are ChatML's.
const (
	EndOfText = "<|endoftext|>"
	StartTurn = "<|im_start|>"
	EndTurn   = "<|im_end|>"
)

// Config says what Train makes.
type Config struct {
	// Vocab is the number of tokens in all: 256 bytes, merges, special
	// tokens. Default 8192.
	Vocab int
	// Pre is the name of the pre-tokenizer. Default "qwen2": it takes digits
	// one by one, so that a small vocabulary spends no merges on numbers and
	// a small model sees every number spelt alike, and it treats letters of
	// all scripts the same.
	Pre string
	// Special are names of further control tokens, beside the three of our
	// own. Default: <|reserved_0|> to <|reserved_4|>, for what a later tuning
	// may need.
	Special []string
	// MinCount is how often a pair must occur to be merged. Default 2.
	MinCount uint64
	// Limit is the number of different pre-tokens to count, some 100 bytes of
	// memory each; when there are more, the rarer half is dropped. Default 4
	// million.
	Limit int
	// Progress, if not nil, is told how many of the merges are learned.
	Progress func(done, of int)
}

func (c *Config) defaults() {
	if c.Vocab == 0 {
		c.Vocab = 8192
	}
	if c.Pre == "" {
		c.Pre = "qwen2"
	}
	if c.Special == nil {
		for i := range 5 {
			c.Special = append(c.Special, fmt.Sprintf("<|reserved_%d|>", i))
		}
	}
	if c.MinCount == 0 {
		c.MinCount = 2
	}
	if c.Limit == 0 {
		c.Limit = 4 << 20
	}
}

// special are the control tokens of a vocabulary, after the defaults.
func (c Config) special() []string {
	return append([]string{EndOfText, StartTurn, EndTurn}, c.Special...)
}

// Check returns an error if no vocabulary can be learnt so from any text.
func (c Config) Check() error {
	c.defaults()
	if least := 256 + len(c.special()); c.Vocab < least || c.Vocab > maxTokens {
		return fmt.Errorf("a vocabulary of %d tokens: %d to %d are possible", c.Vocab, least, maxTokens)
	}
	if c.Limit < 2 {
		return fmt.Errorf("a limit of %d pre-tokens: at least 2 are needed", c.Limit)
	}
	_, err := preTokenizerOf(c.Pre)
	return err
}

// ErrTooLittle is wrapped by Train's error for a corpus that does not hold as
// many repeated pairs as the vocabulary needs.
var ErrTooLittle = errors.New("too little text for the vocabulary")

// Train learns a byte-level BPE vocabulary from documents: the most frequent
// pair of neighbours becomes a token, over and over (Sennrich et al. 2016,
// section 3.2). Of equally frequent pairs the one with the smaller ids is
// first. Ids are the 256 bytes in GPT-2's order, the merged tokens as they
// were learned, the special tokens. The same documents in the same order give
// the same tokenizer on any number of processors.
func Train(docs iter.Seq[string], config Config) (*Tokenizer, error) {
	config.defaults()
	if err := config.Check(); err != nil {
		return nil, fmt.Errorf("train a vocabulary: %w", err)
	}
	pre, err := preTokenizerOf(config.Pre)
	if err != nil {
		return nil, err
	}
	special := config.special()
	room := config.Vocab - 256 - len(special)
	c := counter{split: pre.split, limit: config.Limit}
	c.count(docs)
	l := newLearner(&c)
	text := c.bytes
	c = counter{}
	learned := l.learn(room, config.MinCount, config.Progress)
	if learned < room {
		return nil, fmt.Errorf("train a vocabulary of %d tokens: %w: %d bytes hold %d pairs that occur %d times, %d are needed; add text or ask for %d tokens",
			config.Vocab, ErrTooLittle, text, learned, config.MinCount, room, 256+len(special)+learned)
	}
	return assemble(l.parts(config.Pre, special))
}

// learner merges pairs in the list of counted words.
type learner struct {
	syms   []int32  // of all words, one after another
	start  []uint32 // of each word in syms, and the end of the last
	size   []uint8  // symbols that each word still has
	counts []uint64 // of each word
	pairs  map[uint64]*occurrences
	queue  candidates
	tokens []string
	ids    map[string]int32
	merges [][3]int32
	rules  map[uint64]bool // pairs in merges
}

// occurrences says how often a pair occurs and in which words it may be found.
type occurrences struct {
	count uint64
	words []uint32 // ascending runs; a word may have lost the pair since
}

// newLearner takes over what c has counted.
func newLearner(c *counter) *learner {
	n, size := 0, 0
	for s := range c.total {
		n, size = n+len(c.total[s].entries), size+len(c.total[s].text)
	}
	l := &learner{
		syms:   make([]int32, 0, size),
		start:  make([]uint32, 0, n),
		size:   make([]uint8, 0, n),
		counts: make([]uint64, 0, n),
		pairs:  map[uint64]*occurrences{},
		ids:    map[string]int32{},
		rules:  map[uint64]bool{},
	}
	var first [256]int32
	for i, b := range byteOrder {
		first[b] = int32(i)
		l.token(string([]byte{b}))
	}
	for s := range c.total {
		t := &c.total[s]
		for _, e := range t.entries {
			l.start = append(l.start, uint32(len(l.syms)))
			l.size = append(l.size, uint8(e.size))
			l.counts = append(l.counts, e.count)
			for _, b := range t.word(e) {
				l.syms = append(l.syms, first[b])
			}
		}
		*t = table{}
	}
	for w := range l.start {
		word := l.word(uint32(w))
		for i := range len(word) - 1 {
			l.more(word[i], word[i+1], uint32(w))
		}
	}
	for key, o := range l.pairs {
		l.queue.push(candidate{o.count, key})
	}
	return l
}

func (l *learner) word(w uint32) []int32 {
	return l.syms[l.start[w]:][:l.size[w]]
}

// token returns the id of a token, making it if need be.
func (l *learner) token(s string) int32 {
	id, ok := l.ids[s]
	if !ok {
		id = int32(len(l.tokens))
		l.tokens = append(l.tokens, s)
		l.ids[s] = id
	}
	return id
}

// more counts one more occurrence of a pair, in the word w.
func (l *learner) more(a, b int32, w uint32) {
	key := pairKey(a, b)
	o := l.pairs[key]
	if o == nil {
		o = &occurrences{}
		l.pairs[key] = o
	}
	o.count += l.counts[w]
	if n := len(o.words); n == 0 || o.words[n-1] != w {
		o.words = append(o.words, w)
	}
}

// fewer counts one occurrence less.
func (l *learner) fewer(a, b int32, w uint32) {
	if o := l.pairs[pairKey(a, b)]; o != nil {
		o.count -= l.counts[w]
	}
}

// learn makes room new tokens, fewer if no pair occurs least times any more,
// and returns how many it made.
func (l *learner) learn(room int, least uint64, progress func(done, of int)) int {
	changed := map[uint64]bool{}
	for len(l.tokens)-256 < room {
		best, ok := l.best()
		if !ok || best.count < least {
			break
		}
		a, b := int32(best.pair>>32), int32(uint32(best.pair))
		c := l.token(l.tokens[a] + l.tokens[b])
		if !l.rules[best.pair] { // a may have come about again by another merge
			l.rules[best.pair] = true
			l.merges = append(l.merges, [3]int32{a, b, c})
		}
		words := l.pairs[best.pair].words
		slices.Sort(words)
		for _, w := range slices.Compact(words) {
			l.merge(w, a, b, c, changed)
		}
		delete(l.pairs, best.pair)
		for key := range changed {
			if o := l.pairs[key]; o != nil {
				l.queue.push(candidate{o.count, key})
			}
		}
		clear(changed)
		if progress != nil {
			progress(len(l.tokens)-256, room)
		}
	}
	return len(l.tokens) - 256
}

// best takes the most frequent pair from the queue, whose counts may be out of
// date: too high ones are put back corrected.
func (l *learner) best() (candidate, bool) {
	for len(l.queue) > 0 {
		top := l.queue.pop()
		o := l.pairs[top.pair]
		if o == nil || o.count == 0 || o.count > top.count {
			continue // merged, gone, or queued again since with its new count
		}
		if o.count == top.count {
			return top, true
		}
		l.queue.push(candidate{o.count, top.pair})
	}
	return candidate{}, false
}

// merge replaces the pair (a, b) by c throughout the word w, from left to
// right, and notes the pairs that it makes in changed.
func (l *learner) merge(w uint32, a, b, c int32, changed map[uint64]bool) {
	word := l.word(w)
	out := 0
	for i := 0; i < len(word); i++ {
		if word[i] != a || i+1 == len(word) || word[i+1] != b {
			word[out] = word[i]
			out++
			continue
		}
		if out > 0 {
			l.fewer(word[out-1], a, w)
			l.more(word[out-1], c, w)
			changed[pairKey(word[out-1], c)] = true
		}
		i++
		if i+1 < len(word) {
			l.fewer(b, word[i+1], w)
			l.more(c, word[i+1], w)
			changed[pairKey(c, word[i+1])] = true
		}
		word[out] = c
		out++
	}
	l.size[w] = uint8(out)
}

// parts puts the special tokens behind what was learned.
func (l *learner) parts(pre string, special []string) parts {
	kinds := slices.Repeat([]Kind{Normal}, len(l.tokens))
	kinds = append(kinds, slices.Repeat([]Kind{Control}, len(special))...)
	eot := int32(len(l.tokens))
	return parts{
		pre: pre, tokens: append(l.tokens, special...), kinds: kinds, merges: l.merges,
		bos: eot, eos: eot, eot: eot + 2, unk: None, pad: None, addBOS: true,
	}
}

// candidate is a pair and how often it occurred when it was queued.
type candidate struct {
	count uint64
	pair  uint64
}

func (c candidate) before(d candidate) bool {
	return c.count > d.count || c.count == d.count && c.pair < d.pair
}

// candidates is a binary heap, the most frequent first.
type candidates []candidate

func (h *candidates) push(x candidate) {
	s := append(*h, x)
	i := len(s) - 1
	for i > 0 && x.before(s[(i-1)/2]) {
		s[i] = s[(i-1)/2]
		i = (i - 1) / 2
	}
	s[i] = x
	*h = s
}

func (h *candidates) pop() candidate {
	s := *h
	top, x := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	for i := 0; len(s) > 0; {
		down := 2*i + 1
		if down+1 < len(s) && s[down+1].before(s[down]) {
			down++
		}
		if down >= len(s) || !s[down].before(x) {
			s[i] = x
			break
		}
		s[i] = s[down]
		i = down
	}
	return top
}
