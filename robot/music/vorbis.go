package music

import (
	"errors"
	"fmt"
	"math"
)

// The three headers of a Vorbis stream, in their order, and their types (Vorbis I,
// section 4.2.1).
const (
	vorbisIdentification = iota
	vorbisComments
	vorbisSetup
)

// maxEntries bounds all codebooks of a file together, and maxVectors the numbers in
// their vectors. Encoders use some ten thousand of each.
const (
	maxEntries = 1 << 20
	maxVectors = 1 << 22
)

var errSetup = errors.New("the Vorbis headers are damaged")

// checkVorbis checks header i before the decoder sees it: the decoder allocates
// what codebooks claim to need, reads on past the end as zeros, and searches an
// empty codebook for ever.
func checkVorbis(i int, packet []byte) error {
	if len(packet) < 7 || int(packet[0]) != 2*i+1 || string(packet[1:7]) != "vorbis" {
		return fmt.Errorf("packet %d is not a Vorbis header", i+1)
	}
	body := packet[7:]
	switch i {
	case vorbisIdentification: // section 4.2.2
		if len(body) < 23 {
			return errSetup
		}
		channels, short, long := body[4], body[21]&15, body[21]>>4
		if channels < 1 || channels > 8 || short < 6 || short > long || long > 13 {
			return errSetup
		}
	case vorbisSetup:
		b := bits{data: body}
		entries, vectors := 0, 0
		for range b.read(8) + 1 {
			if err := b.codebook(&entries, &vectors); err != nil {
				return err
			}
		}
	}
	return nil
}

// codebook reads past one codebook and adds what it will take (section 3.2.1).
func (b *bits) codebook(entries, vectors *int) error {
	if b.read(24) != 0x564342 {
		return errSetup
	}
	dimensions, n := b.read(16), b.read(24)
	*entries += n
	// One entry alone is allowed by the format, but by no encoder made and by the
	// decoder not expected.
	if dimensions == 0 || n < 2 || *entries > maxEntries {
		return errSetup
	}
	used := 0
	if ordered := b.read(1) == 1; ordered {
		length := b.read(5) + 1
		for used < n && length <= 32 && !b.ended {
			used += b.read(width(n - used))
			length++
		}
		if used != n {
			return errSetup
		}
	} else {
		sparse := b.read(1) == 1
		for i := 0; i < n && !b.ended; i++ {
			if !sparse || b.read(1) == 1 {
				b.read(5)
				used++
			}
		}
	}
	if used == 0 || b.ended {
		return errSetup
	}
	lookup := b.read(4)
	if lookup == 0 {
		return nil
	}
	*vectors += n * dimensions
	if lookup > 2 || *vectors > maxVectors {
		return errSetup
	}
	b.read(32)
	b.read(32)
	size := b.read(4) + 1
	b.read(1)
	values := n * dimensions
	if lookup == 1 {
		values = int(math.Floor(math.Pow(float64(n), 1/float64(dimensions))))
	}
	for range values {
		b.read(size)
	}
	if b.ended {
		return errSetup
	}
	return nil
}

// width is how many bits n takes (ilog of section 9.2.1).
func width(n int) int {
	w := 0
	for ; n > 0; n >>= 1 {
		w++
	}
	return w
}

// bits reads numbers from the lowest bit of each byte up (section 2.1).
type bits struct {
	data  []byte
	at    int // in bits
	ended bool
}

// read returns the next n bits, or 0 and sets ended.
func (b *bits) read(n int) int {
	if b.at+n > 8*len(b.data) {
		b.ended = true
		return 0
	}
	v := 0
	for i := range n {
		v |= int(b.data[b.at>>3]>>(b.at&7)&1) << i
		b.at++
	}
	return v
}
