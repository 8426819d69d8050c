package corpus

import (
	"errors"
	"fmt"
)

// Pairs is the preferences of a Set, in an order that mixes the sources. It
// changes nothing and may be read from several goroutines.
type Pairs struct {
	// Long is how many pairs do not fit into the window and are left out.
	Long int64

	set     *Set
	fit     []int64 // those that do, by source
	mixture mixture
}

// Pair is a prompt with two answers, as ids: [0] with the one that was chosen,
// [1] with the one that was rejected. Targets hold the id to predict after
// each; -1: none.
type Pair struct{ Tokens, Targets [2][]int32 }

// NewPairs returns the pairs of a set of preferences, of which each answer with
// its prompt fits into the window. Weights are those of the shards.
func NewPairs(set *Set, seed uint64, window int) (*Pairs, error) {
	if set.documents%2 != 0 {
		return nil, errors.New("load preferences: the shard has a half pair")
	}
	p := &Pairs{set: set}
	sources := make([]span64, len(set.sources))
	for i, docs := range set.sources {
		sources[i].first = int64(len(p.fit))
		for d := docs.first; d+1 < docs.end; d += 2 {
			if max(set.Extent(d).Len, set.Extent(d+1).Len)-1 > int64(window) {
				p.Long++
				continue
			}
			p.fit = append(p.fit, d/2)
		}
		sources[i].end = int64(len(p.fit))
	}
	if len(p.fit) == 0 {
		return nil, fmt.Errorf("load preferences: none of %d fits into a window of %d tokens: make model.window larger or the answers shorter", p.Long, window)
	}
	var err error
	if p.mixture, _, err = newMixture(seed, sources, set.weights); err != nil {
		return nil, fmt.Errorf("load preferences: %w", err)
	}
	return p, nil
}

// Len returns how many different pairs there are.
func (p *Pairs) Len() int64 { return int64(len(p.fit)) }

// PerEpoch returns how many pairs an epoch has, by the sources' weights.
func (p *Pairs) PerEpoch() int64 { return p.mixture.slots }

// At returns which pair is number n of all epochs, 0 ≤ n.
func (p *Pairs) At(n int64) int64 {
	epoch := n / p.mixture.slots
	return p.mixture.at(epoch, permute(p.mixture.slots, p.mixture.seed, uint64(epoch)).at(n%p.mixture.slots))
}

// Pair returns a pair, 0 ≤ i < Len.
func (p *Pairs) Pair(i int64) (pair Pair) {
	for side := range pair.Tokens {
		x := p.set.Extent(2*p.fit[i] + int64(side))
		ids, targets := make([]int32, x.Len-1), make([]int32, x.Len-1)
		p.set.read(ids, targets, x.Start, x.Start+x.Len)
		pair.Tokens[side], pair.Targets[side] = ids, targets
	}
	return pair
}
