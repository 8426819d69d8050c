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
