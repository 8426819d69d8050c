package tokenizer

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"runtime"
	"slices"
	"sync"
)

const (
	shards    = 64       // parts of the table of pre-tokens, by hash; each is summed by one goroutine
	window    = 32 << 20 // bytes of text between two sums: bounds what is counted twice in memory
	batchSize = 1 << 20  // bytes of text that one goroutine takes at a time
	maxWord   = 128      // bytes; longer pre-tokens are counted in pieces of this length
)

// counter counts pre-tokens. The text is cut into windows at places that
// depend on nothing but the text; within a window goroutines count by
// themselves, at its end their counts are summed and, if there are too many
// pre-tokens, the rarest dropped. So the result does not depend on which
// goroutine counted what.
type counter struct {
	split  func(string) int
	limit  int
	total  [shards]table
	locals [][shards]table // of each goroutine
	bytes  uint64          // of all text
}

// count counts the pre-tokens of docs.
func (c *counter) count(docs iter.Seq[string]) {
	c.locals = make([][shards]table, runtime.GOMAXPROCS(0))
	batches := make(chan []string, len(c.locals))
	var pending, workers sync.WaitGroup
	for i := range c.locals {
		workers.Go(func() {
			for batch := range batches {
				for _, doc := range batch {
					c.add(&c.locals[i], doc)
				}
				pending.Done()
			}
		})
	}
	var batch []string
	size, seen := 0, 0
	send := func() {
		pending.Add(1)
		batches <- batch
		batch, size = nil, 0
	}
	for doc := range docs {
		c.bytes += uint64(len(doc))
		for len(doc) > 0 {
			n := piece(doc)
			batch = append(batch, doc[:n])
			doc = doc[n:]
			size, seen = size+n, seen+n
			if size >= batchSize {
				send()
			}
			if seen >= window {
				send()
				pending.Wait()
				c.sum()
				seen = 0
			}
		}
	}
	send()
	close(batches)
	workers.Wait()
	c.sum()
}

// piece returns how much of a document is counted at once: all, or up to a
// line's end near batchSize, where hardly a pre-token is cut.
func piece(doc string) int {
	if len(doc) <= batchSize {
		return len(doc)
	}
	for n := batchSize; n > batchSize/2; n-- {
		if b := doc[n]; doc[n-1] == '\n' && b > ' ' {
			return n
		}
	}
	n := batchSize
	for doc[n]&0xC0 == 0x80 && n > batchSize-4 {
		n--
	}
	return n
}

// add counts the pre-tokens of text.
func (c *counter) add(local *[shards]table, text string) {
	for len(text) > 0 {
		n := c.split(text)
		for word := text[:n]; len(word) > 0; {
			w := word[:min(len(word), maxWord)]
			h := hashWord(w)
			local[h>>58].add(w, h, 1)
			word = word[len(w):]
		}
		text = text[n:]
	}
}

// sum adds the goroutines' counts to the total and empties them.
func (c *counter) sum() {
	each(shards, func(s int) {
		for i := range c.locals {
			l := &c.locals[i][s]
			for _, e := range l.entries {
				c.total[s].add(string(l.word(e)), e.hash, e.count)
			}
			l.reset()
		}
	})
	n := 0
	for s := range c.total {
		n += len(c.total[s].entries)
	}
	if n > c.limit {
		c.prune(n, c.limit/2)
	}
}

// prune keeps the most frequent of n entries, of equal ones those with the
// smallest hashes, and drops the others with their counts.
func (c *counter) prune(n, keep int) {
	counts := make([]uint64, 0, n)
	for s := range c.total {
		for _, e := range c.total[s].entries {
			counts = append(counts, e.count)
		}
	}
	slices.Sort(counts)
	least := counts[n-keep]
	var tied []uint64
	for s := range c.total {
		for _, e := range c.total[s].entries {
			if e.count == least {
				tied = append(tied, e.hash)
			}
			if e.count > least {
				keep--
			}
		}
	}
	slices.Sort(tied)
	last := tied[keep-1]
	each(shards, func(s int) {
		old := c.total[s]
		c.total[s] = table{}
		for _, e := range old.entries {
			if e.count > least || e.count == least && e.hash <= last {
				c.total[s].add(string(old.word(e)), e.hash, e.count)
			}
		}
	})
}

// each calls f(0) … f(n-1), on as many goroutines as there are processors.
func each(n int, f func(int)) {
	var wg sync.WaitGroup
	procs := runtime.GOMAXPROCS(0)
	for p := range procs {
		wg.Go(func() {
			for i := p; i < n; i += procs {
				f(i)
			}
		})
	}
	wg.Wait()
}

// table counts words: a hash table with open addressing, at most half full.
type table struct {
	slots   []uint32 // 1 + index of an entry, 0 if free; a power of two
	entries []entry
	text    []byte // all words
}

type entry struct {
	hash  uint64
	count uint64
	at    uint32 // of the word in text
	size  uint32
}

func (t *table) word(e entry) []byte { return t.text[e.at : e.at+e.size] }

func (t *table) reset() {
	clear(t.slots)
	t.entries, t.text = t.entries[:0], t.text[:0]
}

// add adds n to the count of a word.
func (t *table) add(word string, hash, n uint64) {
	if 2*len(t.entries) >= len(t.slots) {
		t.rehash(max(64, 2*len(t.slots)))
	}
	mask := uint64(len(t.slots) - 1)
	i := hash & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		e := &t.entries[t.slots[i]-1]
		if e.hash == hash && string(t.word(*e)) == word {
			e.count += n
			return
		}
	}
	t.entries = append(t.entries, entry{hash, n, uint32(len(t.text)), uint32(len(word))})
	t.text = append(t.text, word...)
	t.slots[i] = uint32(len(t.entries))
}

func (t *table) rehash(size int) {
	t.slots = make([]uint32, size)
	mask := uint64(size - 1)
	for k, e := range t.entries {
		i := e.hash & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = uint32(k + 1)
	}
}

// hashWord is the same on every machine: which words pruning keeps depends on it.
func hashWord(s string) uint64 {
	h := uint64(len(s)) * 0x9E3779B97F4A7C15
	var b [8]byte
	for len(s) > 0 {
		b = [8]byte{}
		n := copy(b[:], s)
		hi, lo := bits.Mul64(h^binary.LittleEndian.Uint64(b[:])^0xA0761D6478BD642F, 0xE7037ED1A0B428DB)
		h = hi ^ lo
		s = s[n:]
	}
	hi, lo := bits.Mul64(h^0x8EBC6AF09C88C6E3, 0x589965CC75374CC3)
	return hi ^ lo
}
