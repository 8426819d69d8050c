package filter

import "math/bits"

// MinHash (Broder 1997) with bands, as FineWeb's: 14 bands of 8 minima over
// sequences of 5 words find 56 % of the pairs whose sequences are 70 % the same,
// 92 % at 80 %, 99.6 % at 90 %, and 5 % at 50 % (Penedo et al. 2024, section 3.4).
const (
	bands    = 14
	bandRows = 8
	shingle  = 5
)

// fewShingles is below how many sequences of words two documents are too short
// to be called nearly equal.
const fewShingles = 16

// Signature holds a hash of each band of a document. Documents that have one in
// common are near-duplicates. It is empty for a document too short to tell.
type Signature []uint64

// signature takes, for each row, the minima of one hash function over 14 bins
// instead of those of 14 functions (one permutation hashing, Li, Owen and Zhang
// 2012); an empty bin borrows from one that is drawn by its number
// (densification, Shrivastava 2017), which keeps the chance that two documents
// agree equal to their similarity.
func (d *document) signature() Signature {
	if len(d.words) < shingle+fewShingles {
		return nil
	}
	var minima [bandRows][bands]uint64
	for r := range minima {
		for b := range minima[r] {
			minima[r][b] = 1<<64 - 1
		}
	}
	rolling(d.words, shingle, func(_ int, hash uint64) bool {
		for r := range minima {
			h := hash * rowFactors[r]
			h ^= h >> 32
			b, rest := bits.Mul64(h*gramPrime, bands)
			if rest < minima[r][b] {
				minima[r][b] = rest
			}
		}
		return true
	})
	sig := make(Signature, bands)
	for b := range bands {
		h := uint64(b + 1)
		for r := range minima {
			h = mix(h*gramPrime + borrow(&minima[r], r, b))
		}
		sig[b] = h
	}
	return sig
}

// borrow returns the minimum of a bin, or of the first drawn that is not empty.
func borrow(minima *[bands]uint64, row, bin int) uint64 {
	at := bin
	for try := uint64(1); minima[at] == 1<<64-1; try++ {
		at = int(mix(uint64(row)<<40|uint64(bin)<<32|try) % bands)
	}
	return minima[at]
}

// rowFactors make eight hashes of one: odd numbers with evenly spread bits.
var rowFactors = func() (f [bandRows]uint64) {
	for i := range f {
		f[i] = mix(uint64(i+1)*gramPrime) | 1
	}
	return f
}()

// Near finds documents that are nearly equal to an earlier one. It keeps 14
// hashes of 32 bits in 65,536 sets: together 48 bits of each, of which two are
// equal by chance once in three million lookups among 100 million. Memory: about
// 90 bytes for each document.
type Near struct {
	sets [1 << 16]set
}

// NewNear returns a Near that knows no document.
func NewNear() *Near { return new(Near) }

// Seen says whether a document is nearly equal to one that it was given before.
// If not, the document is remembered.
func (n *Near) Seen(s Signature) bool {
	for _, h := range s {
		if n.sets[h>>48].has(uint32(h >> 16)) {
			return true
		}
	}
	for _, h := range s {
		n.sets[h>>48].add(uint32(h >> 16))
	}
	return false
}

// set is a set of numbers: open addressing, at most four in five slots taken.
// Zero is an empty slot and is kept as 1.
type set struct {
	slots []uint32
	n     uint32
}

func (s *set) has(x uint32) bool {
	if len(s.slots) == 0 {
		return false
	}
	x = max(x, 1)
	for i := s.home(x); ; {
		switch s.slots[i] {
		case x:
			return true
		case 0:
			return false
		}
		if i++; i == len(s.slots) {
			i = 0
		}
	}
}

func (s *set) add(x uint32) {
	if int(s.n+1)*5 > len(s.slots)*4 {
		old := s.slots
		s.slots = make([]uint32, max(8, len(old)+len(old)/2))
		s.n = 0
		for _, x := range old {
			if x != 0 {
				s.put(x)
			}
		}
	}
	s.put(max(x, 1))
}

func (s *set) put(x uint32) {
	i := s.home(x)
	for s.slots[i] != 0 {
		if s.slots[i] == x {
			return
		}
		if i++; i == len(s.slots) {
			i = 0
		}
	}
	s.slots[i] = x
	s.n++
}

func (s *set) home(x uint32) int { return int(uint64(x) * uint64(len(s.slots)) >> 32) }
