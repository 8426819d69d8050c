package safetensors

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	singleName = "model.safetensors"
	indexName  = "model.safetensors.index.json"

	// Limits that keep the tables built from a hostile index small. The
	// largest real models have some 200,000 tensors in 200 files.
	maxIndex   = 64 << 20 // bytes
	maxEntries = 1 << 18
	maxShards  = 1 << 10
)

// Model is the tensors of one model, whether they lie in one file or many. Its
// methods may be called from several goroutines, except Close.
type Model struct {
	Tensors []Info // by name; names are unique
	Files   []*File
}

// OpenModel opens the model at path: a safetensors file, an index of several
// (its name ends in ".json"), or a folder that holds "model.safetensors" or
// "model.safetensors.index.json". Tensors that the index does not name are
// left out.
func OpenModel(path string) (*Model, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open model: %w", err)
	}
	if fi.IsDir() {
		index := filepath.Join(path, indexName)
		if _, err := os.Stat(index); err == nil {
			return openIndex(index)
		}
		path = filepath.Join(path, singleName)
	}
	if filepath.Ext(path) == ".json" {
		return openIndex(path)
	}
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Tensors: slices.Clone(f.Tensors), Files: []*File{f}}
	slices.SortFunc(m.Tensors, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	return m, nil
}

// Tensor returns the tensor of that name.
func (m *Model) Tensor(name string) (Info, error) {
	i, ok := slices.BinarySearchFunc(m.Tensors, name, func(t Info, name string) int { return cmp.Compare(t.Name, name) })
	if !ok {
		return Info{}, fmt.Errorf("tensor %q: %w", name, ErrMissing)
	}
	return m.Tensors[i], nil
}

// Close closes all files of the model.
func (m *Model) Close() error {
	var errs []error
	for _, f := range m.Files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func openIndex(path string) (*Model, error) {
	x, err := readIndex(path)
	if err != nil {
		return nil, fmt.Errorf("read index %s: %w", path, err)
	}
	m := &Model{Tensors: make([]Info, 0, len(x.entries))}
	for _, name := range x.shards {
		f, err := Open(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			m.Close()
			return nil, fmt.Errorf("open shard: %w", err)
		}
		m.Files = append(m.Files, f)
	}
	for _, e := range x.entries {
		t, err := m.Files[e.shard].Tensor(e.name)
		if err != nil {
			m.Close()
			return nil, fmt.Errorf("shard %s: %w", x.shards[e.shard], err)
		}
		m.Tensors = append(m.Tensors, t)
	}
	return m, nil
}

// index says in which file each tensor lies.
type index struct {
	entries []entry  // by name; names are unique
	shards  []string // plain file names, in the order of their first mention
}

type entry struct {
	name  string
	shard int32 // into shards
}

func readIndex(path string) (*index, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	fi, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxIndex {
		return nil, fmt.Errorf("%d bytes: a file of at most %d is expected", fi.Size(), maxIndex)
	}
	text, err := readText(io.NewSectionReader(file, 0, fi.Size()))
	if err != nil {
		return nil, err
	}
	return parseIndex(text)
}

// parseIndex reads an index twice: to count the entries, and to keep them in a
// table of the right size.
func parseIndex(text string) (*index, error) {
	count := 0
	if err := scanIndex(text, func(_, _ string) error { count++; return nil }); err != nil {
		return nil, err
	}
	if count == 0 || count > maxEntries {
		return nil, fmt.Errorf(`"weight_map" has %d entries: 1 to %d are expected`, count, maxEntries)
	}
	x := &index{entries: make([]entry, 0, count)}
	shards := map[string]int32{}
	err := scanIndex(text, func(tensor, shard string) error {
		n, known := shards[shard]
		if !known {
			if n = int32(len(x.shards)); n == maxShards {
				return fmt.Errorf("more than %d files", maxShards)
			}
			if !plain(shard) {
				return fmt.Errorf("%.100q is not the plain name of a .safetensors file", shard)
			}
			shards[shard] = n
			x.shards = append(x.shards, shard)
		}
		x.entries = append(x.entries, entry{tensor, n})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(x.entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	for i := range count - 1 {
		if name := x.entries[i].name; name == x.entries[i+1].name {
			return nil, fmt.Errorf("tensor %q is there twice", name)
		}
	}
	return x, nil
}

// scanIndex calls entry for every member of "weight_map".
func scanIndex(text string, entry func(tensor, shard string) error) error {
	s, seen := &scanner{text: text}, false
	s.object(func(key string) {
		if key != "weight_map" {
			s.skip(1)
			return
		}
		if seen {
			s.fail(`"weight_map" is there twice`)
		}
		seen = true
		s.object(func(tensor string) {
			shard := s.string()
			if s.err != nil {
				return
			}
			if err := entry(tensor, shard); err != nil {
				s.fail("%w", err)
			}
		})
	})
	if err := s.end(); err != nil {
		return err
	}
	if !seen {
		return errors.New(`it has no "weight_map"`)
	}
	return nil
}

// plain reports whether name is a file name that leads to no other folder or
// device on any system.
func plain(name string) bool {
	return strings.HasSuffix(name, ".safetensors") && len(name) <= 255 &&
		!strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "/\\:\x00") && filepath.IsLocal(name)
}
