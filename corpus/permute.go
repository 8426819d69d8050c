package corpus

import "math/bits"

// permutation is a pseudo-random bijection of 0 … n-1 that is computed, not
// stored: a balanced Feistel network over the next even number of bits, walked
// until it falls below n (Black and Rogaway, "Ciphers with Arbitrary Finite
// Domains", CT-RSA 2002, section 3).
type permutation struct {
	n    uint64
	half uint // bits of each side
	keys [4]uint64
}

// permute returns the permutation of 0 … n-1 that the seeds choose.
func permute(n int64, seeds ...uint64) permutation {
	p := permutation{n: uint64(n), half: uint(bits.Len64(uint64(max(n, 2)-1))+1) / 2}
	var state uint64
	for _, s := range seeds {
		state = mix(state ^ s)
	}
	for i := range p.keys {
		p.keys[i] = mix(state + uint64(i))
	}
	return p
}

// at returns the image of i, 0 ≤ i < n.
func (p permutation) at(i int64) int64 {
	x := uint64(i)
	mask := uint64(1)<<p.half - 1
	for {
		left, right := x>>p.half, x&mask
		for _, k := range p.keys {
			left, right = right, left^(mix(right^k)&mask)
		}
		if x = left<<p.half | right; x < p.n {
			return int64(x)
		}
	}
}

// mix is the finaliser of SplitMix64 after its increment (Steele, Lea and
// Flood, "Fast Splittable Pseudorandom Number Generators", 2014, figure 16).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
