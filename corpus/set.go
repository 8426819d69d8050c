package corpus

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"samovar"
)

// Set is one part of a set of shards, open for reading. Its files are mapped,
// not loaded. It may be read from several goroutines.
type Set struct {
	header
	bin, idx, mask mapping
	sources        []span64  // documents of each source
	weights        []float64 // of the sources; missing: 1
}

// span64 is the half-open range from first to end.
type span64 struct{ first, end int64 }

func (s span64) len() int64 { return s.end - s.first }

// ErrNoPart is returned for a part without documents.
var ErrNoPart = errors.New("there is no such part")

// OpenSet opens a part (Train, Validation, …) of shards.
func OpenSet(shards samovar.Input, part string) (*Set, error) {
	if _, err := shards.Path(part + ".bin"); err != nil {
		return nil, fmt.Errorf("open shards: %s: %w", part, ErrNoPart)
	}
	s := &Set{}
	var config Shards
	err := s.open(shards, part)
	if err == nil && len(shards.Config) > 0 {
		err = json.Unmarshal(shards.Config, &config)
		s.weights = config.Weights
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("open shards: %s: %w", part, err)
	}
	return s, nil
}

func (s *Set) open(shards samovar.Input, part string) error {
	for _, f := range []struct {
		ext string
		to  *mapping
	}{{".bin", &s.bin}, {".idx", &s.idx}, {".mask", &s.mask}} {
		if f.ext == ".mask" {
			h, err := decodeHeader(s.bin, int64(len(s.bin)), int64(len(s.idx)))
			if err != nil {
				return err
			}
			if s.header = h; !h.dialogue {
				break
			}
		}
		path, err := shards.Path(part + f.ext)
		if err != nil {
			return err
		}
		if *f.to, err = openMapping(path); err != nil {
			return err
		}
	}
	if s.dialogue && int64(len(s.mask)) != (s.tokens+7)/8 {
		return fmt.Errorf("the mask is cut or damaged: %d bytes for %d ids", len(s.mask), s.tokens)
	}
	return s.index()
}

// maxSources bounds what a damaged index can make index allocate.
const maxSources = 1 << 16

// index checks PART.idx and finds the documents of each source.
func (s *Set) index() error {
	var last int64
	for i := range s.documents {
		start, _, source := s.record(i)
		switch {
		case i == 0 && start != 0, i > 0 && start <= last, start >= s.tokens:
			return fmt.Errorf("the index is damaged: document %d starts at id %d", i, start)
		case source < len(s.sources)-1 || source >= maxSources:
			return fmt.Errorf("the index is damaged: document %d is of source %d", i, source)
		}
		for len(s.sources) <= source {
			s.sources = append(s.sources, span64{i, i})
		}
		s.sources[source].end = i + 1
		last = start
	}
	if s.documents == 0 {
		return errors.New("it holds no document")
	}
	return nil
}

func (s *Set) record(i int64) (start int64, bytes, source int) {
	r := s.idx[i*recordBytes:][:recordBytes]
	le := binary.LittleEndian
	return int64(le.Uint64(r)), int(le.Uint32(r[8:])), int(le.Uint32(r[12:]))
}

// Close releases the files. The set must not be read afterwards.
func (s *Set) Close() error { return first(s.bin.close(), s.idx.close(), s.mask.close()) }

// Tokens returns the number of ids.
func (s *Set) Tokens() int64 { return s.tokens }

// Documents returns the number of documents.
func (s *Set) Documents() int64 { return s.documents }

// Bytes returns the bytes of UTF-8 in the documents' texts: what bits per byte
// are divided by.
func (s *Set) Bytes() int64 { return s.bytes }

// Vocabulary returns the number of ids that the tokenizer knows.
func (s *Set) Vocabulary() int { return s.vocabulary }

// Sources returns one more than the highest source that has a document.
func (s *Set) Sources() int { return len(s.sources) }

// Extent says where a document lies.
type Extent struct {
	Start, Len int64 // ids
	Bytes      int   // UTF-8 of its text
	Source     int
}

// Extent returns where document i lies, 0 ≤ i < Documents.
func (s *Set) Extent(i int64) Extent {
	start, bytes, source := s.record(i)
	end := s.tokens
	if i+1 < s.documents {
		end, _, _ = s.record(i + 1)
	}
	return Extent{start, end - start, bytes, source}
}

// read copies the ids from start on into ids, and into targets the id that
// follows each: -1 where that is not learnt. limit is where the document ends.
func (s *Set) read(ids, targets []int32, start, limit int64) {
	for i := range ids {
		at := start + int64(i)
		ids[i] = s.token(at)
		next := at + 1
		switch {
		case next < limit && s.learnt(next):
			targets[i] = s.token(next)
		case next == limit && !s.dialogue && s.begin == s.end:
			targets[i] = s.end
		default:
			targets[i] = -1
		}
	}
}

func (s *Set) token(at int64) int32 {
	if s.width == 2 {
		return int32(binary.LittleEndian.Uint16(s.bin[headerBytes+2*at:]))
	}
	return int32(binary.LittleEndian.Uint32(s.bin[headerBytes+4*at:]))
}

func (s *Set) learnt(at int64) bool {
	return !s.dialogue || s.mask[at/8]>>(at%8)&1 == 1
}
