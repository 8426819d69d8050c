package corpus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"samovar"
)

// Sought is documents to be found again in a corpus: each by the digest of its
// normalised text, without the space around it.
type Sought struct {
	keys map[[16]byte]bool
}

// Seek reads the documents of files, of which only Path, Field, Kind and Include
// matter: whole, and as they are cut where a source has few files.
func Seek(ctx context.Context, s Source) (*Sought, error) {
	s.Language, s.Licence, s.Origin = "und", "sought", "sought" // nothing is collected
	s, err := s.check()
	if err != nil {
		return nil, err
	}
	files, err := s.files()
	if err == nil {
		err = sum(ctx, files)
	}
	if err != nil {
		return nil, err
	}
	sought := &Sought{keys: map[[16]byte]bool{}}
	r := &reader{ctx: ctx, emit: func(b batch) error { return sought.add(s, b) }}
	for _, limit := range []int{maxText, fewText} {
		for i := range files {
			if err := r.file(&files[i], limit); err != nil {
				return nil, err
			}
		}
		if err := r.flush(); err != nil {
			return nil, err
		}
	}
	if len(sought.keys) == 0 {
		return nil, fmt.Errorf("%s holds no text", s.Path)
	}
	return sought, nil
}

func (s *Sought) add(source Source, b batch) error {
	start := 0
	for _, it := range b.items {
		p, err := source.parse(0, it.file.lines, b.data[start:it.end])
		if err != nil {
			return fmt.Errorf("read %s: line %d: %w", it.file.path, it.line, err)
		}
		start = it.end
		if p.verdict != keep {
			continue
		}
		doc, err := decode(p.line)
		if err != nil {
			return err
		}
		s.keys[doc.key()] = true
	}
	return nil
}

// key is the same for documents of equal content, whatever their source.
func (d Document) key() (k [16]byte) {
	d.Source, d.Text = 0, strings.TrimSpace(d.Text)
	sum := sha256.Sum256(d.appendJSON(nil))
	copy(k[:], sum[:])
	return k
}

// Found counts documents of one source.
type Found struct {
	Documents int64
	Bytes     int64 // UTF-8
}

// In looks through a corpus' file (train.jsonl.zst or validation.jsonl.zst) and
// returns what is found there, by source.
func (s *Sought) In(ctx context.Context, path string) (map[int]Found, error) {
	found := map[int]Found{}
	err := lines(ctx, path, func(line int, data []byte) error {
		doc, err := decode(data)
		if err != nil {
			return fmt.Errorf("read %s: line %d: %w", path, line, err)
		}
		if s.keys[doc.key()] {
			f := found[doc.Source]
			found[doc.Source] = Found{f.Documents + 1, f.Bytes + int64(doc.size())}
		}
		return nil
	})
	return found, err
}

// DigestsOf returns the digests that a source may have whose only file has the
// SHA-256 d: they depend on how the file is read.
func DigestsOf(d samovar.Digest) (all []samovar.Digest) {
	var f file
	if n, err := hex.Decode(f.sum[:], []byte(d.Hex())); err != nil || n != len(f.sum) {
		return nil
	}
	for _, f.lines = range []bool{false, true} {
		for _, f.pack = range []string{"", ".gz", ".zst"} {
			all = append(all, digestOf([]file{f}))
		}
	}
	return all
}
