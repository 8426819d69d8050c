package corpus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"samovar"
	"samovar/corpus/document"
	"samovar/corpus/filter"
)

// Sought is documents to be found again in a corpus: each by the digest of its
// normalised text, without the space around it.
type Sought struct {
	keys map[[16]byte]bool
}

// Seek reads the documents of files, of which only Path, Field, Kind and Include
// matter: whole, and as they are cut where a source has few files; as they are,
// and with personal data and secrets masked.
func Seek(ctx context.Context, s Source) (*Sought, error) {
	s.Language, s.Licence, s.Origin = "und", "sought", "sought" // nothing is collected
	s, err := s.check()
	if err != nil {
		return nil, err
	}
	files, err := s.files(ctx)
	if err == nil {
		err = sum(ctx, files)
	}
	if err != nil {
		return nil, err
	}
	sought := &Sought{keys: map[[16]byte]bool{}}
	documents, room := document.NewReader(ctx), newRoom()
	defer documents.Close()
	r := newReader(ctx, func(b batch) error {
		b, err := b.extract(documents, room)
		if err != nil {
			return err
		}
		return sought.add(&source{Source: s}, b)
	}, room)
	for _, r.batch.limit = range []int{maxText, fewText} {
		for i := range files {
			if err := r.file(&files[i], r.batch.limit); err != nil {
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

// masks are the ways in which filters may have changed a document.
var masks = []filter.Config{
	{Default: filter.Off},
	{Default: filter.Off, Personal: filter.Mask}, {Default: filter.Off, Secrets: filter.Mask},
	{Default: filter.Off, Personal: filter.Mask, Secrets: filter.Mask},
}

func (s *Sought) add(source *source, b batch) error {
	start := 0
	for _, it := range b.items {
		data := b.data[start:it.end]
		start = it.end
		for _, mask := range masks {
			documents, err := source.read(0, it.file.lines, data)
			if err != nil {
				return fmt.Errorf("read %s: line %d: %w", it.file.path, it.line, err)
			}
			f, err := filter.New(mask, source.class(it.file), source.Language, nil)
			if err != nil {
				return err
			}
			for _, p := range documents {
				if p.verdict == keep {
					p.judge(f)
					s.keys[p.doc.key()] = true
				}
			}
		}
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
// SHA-256 d: they depend on how the file is read, and so on its name.
func DigestsOf(d samovar.Digest) (all []samovar.Digest) {
	var f file
	if n, err := hex.Decode(f.sum[:], []byte(d.Hex())); err != nil || n != len(f.sum) {
		return nil
	}
	for _, pack := range []string{"", ".gz", ".zst", ".bz2"} {
		for _, ext := range []string{".txt", ".jsonl", ".html", ".epub", ".pdf", ".docx"} {
			f.name, f.lines = "x"+ext+pack, ext == ".jsonl"
			all = append(all, digestOf([]file{f}))
		}
	}
	return all
}
