package infer

import (
	"hash/maphash"

	"samovar/compute"
)

// pagesOf is the number of pages for that many tokens.
func pagesOf(tokens int) int { return (tokens + compute.PageRows - 1) / compute.PageRows }

// prefix names what a full page holds: its tokens and all before them, the
// latter by the page that holds them. Equal prefixes have equal keys and values
// to the bit, so that a page may serve every sequence that begins so.
type prefix struct {
	scope  string
	parent int32 // None: the page is the first
	tokens [compute.PageRows]int32
}

// page is one page of every layer's cache.
type page struct {
	refs       int32 // sequences that read it
	indexed    bool  // found by key; its content does not change any more
	key        prefix
	prev, next int32 // among the idle pages
	chain      int32 // the next one whose key has the same hash, or None
}

// pool hands out pages. Pages that no sequence reads but that are indexed are
// idle: they are kept until their memory is needed, the longest unused first.
// A page goes idle after those that continue it, so it is also reused after them.
type pool struct {
	pages    []page
	free     []int32
	seed     maphash.Seed
	chains   []int32 // by the hash of a key: the first indexed page, or None
	idle     int     // how many
	oldest   int32   // of the idle, or None
	newest   int32
	promised int // pages that active sequences may still take
}

func newPool(pages int) *pool {
	p := &pool{pages: make([]page, pages), seed: maphash.MakeSeed(), chains: make([]int32, pages), oldest: None, newest: None}
	for id := pages - 1; id >= 0; id-- {
		p.free = append(p.free, int32(id))
		p.chains[id] = None
	}
	return p
}

// place returns the end of the chain that a key belongs to, or the link to the page
// that is indexed with it. A map would allocate for each key as large as these.
func (p *pool) place(key *prefix) *int32 {
	at := &p.chains[maphash.Comparable(p.seed, *key)%uint64(len(p.chains))]
	for *at != None && p.pages[*at].key != *key {
		at = &p.pages[*at].chain
	}
	return at
}

// promise sets n pages aside and reports whether there are as many.
func (p *pool) promise(n int) bool {
	if n > len(p.free)+p.idle-p.promised {
		return false
	}
	p.promised += n
	return true
}

// take returns a page for one sequence to write to. It has been promised.
func (p *pool) take() int32 {
	if len(p.free) == 0 {
		p.evict()
	}
	id := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	p.promised--
	p.pages[id].refs = 1
	return id
}

// evict frees the page that has been idle longest.
func (p *pool) evict() {
	id := p.oldest
	p.unlink(id)
	*p.place(&p.pages[id].key) = p.pages[id].chain
	p.pages[id] = page{}
	p.free = append(p.free, id)
}

// find returns the page of that prefix in place of one that was promised.
func (p *pool) find(key *prefix) (int32, bool) {
	id := *p.place(key)
	if id == None {
		return None, false
	}
	p.hold(id)
	p.promised--
	return id, true
}

func (p *pool) hold(id int32) {
	if p.pages[id].refs == 0 {
		p.unlink(id)
	}
	p.pages[id].refs++
}

// drop ends one sequence's use of a page.
func (p *pool) drop(id int32) {
	g := &p.pages[id]
	g.refs--
	switch {
	case g.refs > 0:
	case g.indexed:
		p.link(id)
	default:
		p.free = append(p.free, id)
	}
}

// publish makes a full page of one sequence findable and returns the page to
// use from now on: another one if the prefix is there already.
func (p *pool) publish(id int32, key *prefix) int32 {
	at := p.place(key)
	if other := *at; other != None {
		p.hold(other)
		p.drop(id)
		return other
	}
	p.pages[id].key, p.pages[id].indexed, p.pages[id].chain = *key, true, None
	*at = id
	return id
}

// link puts a page among the idle as the newest.
func (p *pool) link(id int32) {
	p.pages[id].prev, p.pages[id].next = p.newest, None
	if p.newest == None {
		p.oldest = id
	} else {
		p.pages[p.newest].next = id
	}
	p.newest = id
	p.idle++
}

// unlink takes a page out of the idle ones.
func (p *pool) unlink(id int32) {
	g := &p.pages[id]
	if g.prev == None {
		p.oldest = g.next
	} else {
		p.pages[g.prev].next = g.next
	}
	if g.next == None {
		p.newest = g.prev
	} else {
		p.pages[g.next].prev = g.prev
	}
	p.idle--
}
