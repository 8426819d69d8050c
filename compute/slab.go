package compute

import "sync"

// slabBytes is the memory that is taken from the system at once: many huge pages, of
// which only those that are written become resident.
const slabBytes = 64 << 20

// slab lends pieces of large memory, so that matrices that are smaller than a huge page,
// and the ends of larger ones, lie in huge pages too. The zero value is ready.
type slab struct {
	mu    sync.Mutex
	piece *lent
	used  int
}

// lent is one piece of memory from the system, and how many borrowers it has.
type lent struct {
	data      []byte
	free      func()
	borrowers int
}

// borrow returns n zero bytes that begin at a cache line.
func (s *slab) borrow(n int) (data []byte, giveBack func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.piece == nil || len(s.piece.data)-s.used < n {
		data, free, err := HostMemory(max(n, slabBytes))
		if err != nil {
			return nil, nil, err
		}
		s.piece, s.used = &lent{data: data, free: free}, 0
	}
	p, from := s.piece, s.used
	p.borrowers++
	s.used = (from + n + 63) &^ 63
	return p.data[from : from+n : from+n], func() { s.giveBack(p) }, nil
}

// giveBack frees a piece whose last borrower is done with it.
func (s *slab) giveBack(p *lent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.borrowers--; p.borrowers > 0 {
		return
	}
	p.free()
	if s.piece == p {
		s.piece = nil
	}
}
