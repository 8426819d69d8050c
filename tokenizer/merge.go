package tokenizer

import "math"

// unknown is the symbol of what is no token and merges with nothing.
const unknown int32 = 1<<31 - 1

// pairs tells which two neighbours merge, into what and how soon: a hash
// table with open addressing, at most half full.
type pairs struct {
	slots []slot // a power of two
	used  int
	ranks int32 // all ranks lie below
}

type slot struct {
	key  uint64 // left and right; free if noPair
	rank int32  // lower merges first
	id   int32  // the merged symbol
}

const noPair = ^uint64(0)

func makePairs(n int) pairs {
	size := 64
	for size < 2*n {
		size *= 2
	}
	p := pairs{slots: make([]slot, size)}
	for i := range p.slots {
		p.slots[i].key = noPair
	}
	return p
}

func pairKey(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

func (p *pairs) home(key uint64) int {
	return int(key*0x9E3779B97F4A7C15>>32) & (len(p.slots) - 1)
}

// add enters a pair; of two entries for one pair the better rank stays.
func (p *pairs) add(left, right, rank, id int32) {
	if 2*(p.used+1) > len(p.slots) {
		old := p.slots
		*p = makePairs(len(old))
		for _, s := range old {
			if s.key != noPair {
				p.add(int32(s.key>>32), int32(uint32(s.key)), s.rank, s.id)
			}
		}
	}
	key := pairKey(left, right)
	i := p.home(key)
	for ; p.slots[i].key != noPair; i = (i + 1) & (len(p.slots) - 1) {
		if p.slots[i].key == key {
			if rank < p.slots[i].rank {
				p.slots[i].rank, p.slots[i].id = rank, id
			}
			return
		}
	}
	p.slots[i] = slot{key, rank, id}
	p.used++
	p.ranks = max(p.ranks, rank+1)
}

// find returns the rank and result of a pair, rank noRank if it does not merge.
func (p *pairs) find(left, right int32) (rank, id int32) {
	key := pairKey(left, right)
	for i := p.home(key); ; i = (i + 1) & (len(p.slots) - 1) {
		s := &p.slots[i]
		if s.key == key {
			return s.rank, s.id
		}
		if s.key == noPair {
			return noRank, 0
		}
	}
}

const noRank int32 = 1<<31 - 1

// short is the number of symbols up to which looking through all pairs for the
// best one is faster than a queue.
const short = 48

// merger applies merges to a list of symbols: always the best rank, of equal
// ranks the leftmost.
type merger struct {
	pairs *pairs
	first [short]uint64 // rank and result of the pair that begins at each symbol
	prev  []int32
	next  []int32
	queue queue
}

// merge returns what syms become, in the same memory.
func (m *merger) merge(syms []int32) []int32 {
	if len(syms) < 2 {
		return syms
	}
	if len(syms) > short {
		return m.mergeLong(syms)
	}
	first := m.first[:len(syms)-1]
	for i := range first {
		first[i] = m.pair(syms[i], syms[i+1])
	}
	for len(first) > 0 {
		best := uint64(math.MaxUint64)
		for i, p := range first {
			best = min(best, p&^math.MaxUint32|uint64(i)) // without a branch: none could be foreseen
		}
		if best>>32 == uint64(noRank) {
			break
		}
		i := int(uint32(best))
		syms[i] = int32(uint32(first[i]))
		syms = append(syms[:i+1], syms[i+2:]...)
		if i+1 < len(first) {
			first = append(first[:i], first[i+1:]...)
			first[i] = m.pair(syms[i], syms[i+1])
		} else {
			first = first[:i]
		}
		if i > 0 {
			first[i-1] = m.pair(syms[i-1], syms[i])
		}
	}
	return syms
}

// pair is find's answer in one number, the rank in its upper half.
func (m *merger) pair(left, right int32) uint64 {
	rank, id := m.pairs.find(left, right)
	return uint64(uint32(rank))<<32 | uint64(uint32(id))
}

// mergeLong merges over a linked list with a queue of candidates. It takes
// linear time on texts that repeat, n log n at worst.
func (m *merger) mergeLong(syms []int32) []int32 {
	n := int32(len(syms))
	m.prev, m.next = grow(m.prev, len(syms)), grow(m.next, len(syms))
	m.queue.reset(m.pairs.ranks)
	for i := range n {
		m.prev[i], m.next[i] = i-1, i+1
		m.propose(syms, i)
	}
	for {
		rank, i, ok := m.queue.pop()
		if !ok {
			break
		}
		j := m.next[i]
		if syms[i] == merged || j == n {
			continue
		}
		r, id := m.pairs.find(syms[i], syms[j])
		if r != rank {
			continue // one of the two has merged with another since
		}
		syms[i], syms[j] = id, merged
		m.next[i] = m.next[j]
		if m.next[i] < n {
			m.prev[m.next[i]] = i
		}
		m.propose(syms, i)
		if m.prev[i] >= 0 {
			m.propose(syms, m.prev[i])
		}
	}
	out := syms[:0]
	for i := int32(0); i < n; i = m.next[i] {
		out = append(out, syms[i])
	}
	if n > 1<<20 {
		m.prev, m.next, m.queue = nil, nil, queue{} // do not keep what a rare text needed
	}
	return out
}

// merged marks a symbol that has become part of the one to its left.
const merged int32 = -1

// propose queues the pair that begins at i, if it merges.
func (m *merger) propose(syms []int32, i int32) {
	if j := m.next[i]; int(j) < len(syms) {
		if rank, _ := m.pairs.find(syms[i], syms[j]); rank != noRank {
			m.queue.push(rank, i)
		}
	}
}

func grow(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	return s[:n]
}

// queue holds (rank, position) pairs and gives the least first. Positions of
// one rank are kept together: they mostly arrive in order, and then push and
// pop take constant time.
type queue struct {
	lists []list  // by number
	of    []int32 // rank to 1 + number of its list, 0 for none
	ranks heap    // ranks with a position waiting
}

// list is a sorted run of positions, or a heap once one came out of order.
type list struct {
	rank  int32
	at    heap
	first int  // of a sorted run: where it begins
	heap  bool // a sorted run is a heap already, so changing over is free
}

func (q *queue) reset(ranks int32) {
	if len(q.of) != int(ranks) {
		q.of = make([]int32, ranks)
	}
	for _, l := range q.lists {
		q.of[l.rank] = 0
	}
	q.lists = q.lists[:0]
	q.ranks = q.ranks[:0]
}

func (q *queue) push(rank, at int32) {
	if q.of[rank] == 0 {
		if len(q.lists) < cap(q.lists) {
			q.lists = q.lists[:len(q.lists)+1]
			l := &q.lists[len(q.lists)-1]
			l.rank, l.at, l.first, l.heap = rank, l.at[:0], 0, false
		} else {
			q.lists = append(q.lists, list{rank: rank})
		}
		q.of[rank] = int32(len(q.lists))
	}
	l := &q.lists[q.of[rank]-1]
	if len(l.at) == 0 {
		q.ranks.push(rank)
	}
	if !l.heap && len(l.at) > 0 && at < l.at[len(l.at)-1] {
		l.at, l.first, l.heap = l.at[l.first:], 0, true
	}
	if l.heap {
		l.at.push(at)
	} else {
		l.at = append(l.at, at)
	}
}

func (q *queue) pop() (rank, at int32, ok bool) {
	if len(q.ranks) == 0 {
		return 0, 0, false
	}
	rank = q.ranks[0]
	l := &q.lists[q.of[rank]-1]
	if l.heap {
		at = l.at.pop()
	} else {
		at = l.at[l.first]
		l.first++
	}
	if l.first == len(l.at) {
		l.at, l.first, l.heap = l.at[:0], 0, false
		q.ranks.pop()
	}
	return rank, at, true
}

// heap is a binary heap, least first.
type heap []int32

func (h *heap) push(x int32) {
	s := append(*h, x)
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 2
		if s[up] <= x {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = x
	*h = s
}

func (h *heap) pop() int32 {
	s := *h
	top, x := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	for i := 0; len(s) > 0; {
		down := 2*i + 1
		if down+1 < len(s) && s[down+1] < s[down] {
			down++
		}
		if down >= len(s) || x <= s[down] {
			s[i] = x
			break
		}
		s[i] = s[down]
		i = down
	}
	return top
}
