package corpus

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"samovar/corpus/filter"
)

// duplicates finds, of documents that are given one after another, those that
// are equal or nearly equal to an earlier one, whether that one is kept or not.
// Two documents are equal if the first 8 bytes of their hashes are: by chance,
// among 100 million documents, once in 4,000 corpora.
//
// What it knows lies on disk: a row for the hash and for each band of the
// signature, in one of rowFiles files by the row's first byte. Equal rows are in one
// file, in the documents' order, and each file is gone through by itself. Memory:
// the distinct rows of a file for each thread, and 2 bits a document.
type duplicates struct {
	dir   string
	files [rowFiles]*sink
	n     uint64 // documents
}

const (
	rowFiles = 256
	// rowBytes: uint64 hash, uint64 twice the document's number, and 1 more for a
	// hash of the whole document; little-endian.
	rowBytes = 16
	// rowBuffer is what is kept of a file in memory: together one mebibyte.
	rowBuffer = 4 << 10
)

func newDuplicates(dir string) *duplicates { return &duplicates{dir: dir} }

// add gives the next document, with a hash of its content.
func (d *duplicates) add(sum uint64, signature filter.Signature) error {
	if err := d.row(sum, d.n<<1|1); err != nil {
		return err
	}
	for _, hash := range signature {
		if err := d.row(hash, d.n<<1); err != nil {
			return err
		}
	}
	d.n++
	return nil
}

func (d *duplicates) row(hash, which uint64) (err error) {
	at := hash >> 56
	f := d.files[at]
	if f == nil {
		if f, err = create(d.path(int(at)), rowBuffer); err != nil {
			return err
		}
		d.files[at] = f
	}
	row := binary.LittleEndian.AppendUint64(f.AvailableBuffer(), hash)
	_, err = f.Write(binary.LittleEndian.AppendUint64(row, which))
	return err
}

func (d *duplicates) path(i int) string { return filepath.Join(d.dir, fmt.Sprintf("rows.%02x", i)) }

// close ends the files and removes them.
func (d *duplicates) close() (err error) {
	for i, f := range d.files {
		if f != nil {
			err = first(err, f.close(), os.Remove(d.path(i)))
			d.files[i] = nil
		}
	}
	return err
}

// repeats is which documents are equal, and which nearly equal, to an earlier one.
type repeats struct{ equal, near marks }

// find goes through the rows.
func (d *duplicates) find(ctx context.Context) (repeats, error) {
	all := repeats{newMarks(d.n), newMarks(d.n)}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range d.files {
		if f == nil {
			continue
		}
		if err := f.Flush(); err != nil {
			return repeats{}, first(g.Wait(), err)
		}
		g.Go(func() error {
			later, err := repeated(ctx, d.path(i))
			mu.Lock()
			defer mu.Unlock()
			for _, which := range later {
				if which&1 == 1 {
					all.equal.set(which >> 1)
				} else {
					all.near.set(which >> 1)
				}
			}
			return err
		})
	}
	return all, g.Wait()
}

// repeated returns the second halves of the rows of a file whose hash an earlier
// row has.
func repeated(ctx context.Context, path string) (later []uint64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(&contextReader{ctx, f}, 256<<10)
	seen := map[uint64]struct{}{}
	var row [rowBytes]byte
	for {
		if _, err := io.ReadFull(r, row[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return later, nil
			}
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		hash, which := binary.LittleEndian.Uint64(row[:]), binary.LittleEndian.Uint64(row[8:])
		if _, ok := seen[hash]; ok {
			later = append(later, which)
			continue
		}
		seen[hash] = struct{}{}
	}
}

// marks is a set of numbers below a bound.
type marks []uint64

func newMarks(n uint64) marks { return make(marks, (n+63)/64) }

func (m marks) set(i uint64)      { m[i/64] |= 1 << (i % 64) }
func (m marks) has(i uint64) bool { return m[i/64]>>(i%64)&1 == 1 }
