package corpus

import (
	"errors"
	"fmt"
	"math"
)

// mixture gives each source's documents as often in an epoch as its weight says.
type mixture struct {
	seed    uint64
	sources []span64
	copies  []int64 // documents that each source gives an epoch
	slots   int64   // sum of copies
}

// newMixture returns the mixture of sources by their weights; a missing one is 1. whole
// says that every epoch has each of a source's documents equally often.
func newMixture(seed uint64, sources []span64, weights []float64) (m mixture, whole bool, err error) {
	m, whole = mixture{seed: seed, sources: sources}, true
	for i, docs := range sources {
		w := 1.0
		if i < len(weights) {
			w = weights[i]
		}
		if !(w >= 0 && w <= maxWeight) {
			return m, false, fmt.Errorf("weight %v of source %d is not between 0 and %d", w, i+1, maxWeight)
		}
		n := int64(math.RoundToEven(w * float64(docs.len())))
		if n == 0 && w > 0 && docs.len() > 0 {
			n = 1
		}
		if docs.len() > 0 && n%docs.len() != 0 {
			whole = false
		}
		m.copies = append(m.copies, n)
		m.slots += n
	}
	if m.slots == 0 {
		return m, false, errors.New("every source with documents has weight 0")
	}
	return m, whole, nil
}

// at returns the document in slot i of an epoch. A slot belongs to a source and
// is one of the copies that it gives; the copies of all epochs, in order, go
// through the source's documents again and again, in an order of its own each
// time.
func (m mixture) at(epoch, i int64) int64 {
	source := 0
	for i >= m.copies[source] {
		i -= m.copies[source]
		source++
	}
	docs := m.sources[source]
	i += epoch * m.copies[source]
	pass := permute(docs.len(), m.seed, uint64(source)+1, uint64(i/docs.len()))
	return docs.first + pass.at(i%docs.len())
}
