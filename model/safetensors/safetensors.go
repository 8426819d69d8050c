// Package safetensors reads and writes safetensors, the weight files of
// Hugging Face: a JSON header, then the tensors without a gap. It knows no
// architecture and converts no element, and it refuses every header that does
// not describe exactly the bytes that follow.
//
// Start with [OpenModel] for reading a model and [Write] for writing a file.
package safetensors

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

const (
	lengthSize  = 8           // bytes that say how long the header is
	maxHeader   = 100_000_000 // bytes, from the reference implementation
	metadataKey = "__metadata__"

	// Limits that keep the tables built from a hostile file small. Real files
	// have some thousand tensors of up to 5 dimensions and a few words of
	// metadata.
	maxTensors  = 1 << 16
	maxDims     = 8
	maxMetadata = 1 << 12

	// leastEntry is the length of the shortest description of a tensor:
	//   "":{"dtype":"U8","shape":[],"data_offsets":[0,1]}
	leastEntry = 49
)

// ErrMissing is the cause of an error about a tensor that is not there.
var ErrMissing = errors.New("missing")

// File is an open safetensors file. Its fields must not be changed. Its
// methods may be called from several goroutines, except Close.
type File struct {
	Metadata map[string]string // the header's __metadata__; nil if there is none
	Tensors  []Info            // in the order of their data; names are unique

	names  map[string]int // into Tensors
	closer io.Closer      // the file that Open opened
}

// Info says what a tensor is and where its data lies.
type Info struct {
	Name   string
	DType  string // such as [F32]
	Shape  []int  // elements, outermost first; at most 8; none for a scalar
	Offset int64  // of the data, bytes from the start of the file
	Size   int64  // of the data, bytes

	r io.ReaderAt
}

// Open opens the file at path and reads its header.
func Open(path string) (*File, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open safetensors: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("open safetensors %s: not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open safetensors: %w", err)
	}
	f, err := Read(file, fi.Size())
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.closer = file
	return f, nil
}

// Read reads the header from the size bytes of r, which must stay readable for
// as long as the tensors are. It allocates at most twice size and 16 MiB.
func Read(r io.ReaderAt, size int64) (*File, error) {
	header, err := readHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("read safetensors: %w", err)
	}
	f := &File{}
	if err := f.parse(header); err != nil {
		return nil, fmt.Errorf("read safetensors: header: %w", err)
	}
	if err := f.place(r, lengthSize+int64(len(header)), size); err != nil {
		return nil, fmt.Errorf("read safetensors: %w", err)
	}
	return f, nil
}

// Close closes the file if Open opened it.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Tensor returns the tensor of that name.
func (f *File) Tensor(name string) (Info, error) {
	i, ok := f.names[name]
	if !ok {
		return Info{}, fmt.Errorf("tensor %q: %w", name, ErrMissing)
	}
	return f.Tensors[i], nil
}

// Reader returns a reader of the tensor's data.
func (t Info) Reader() *io.SectionReader {
	return io.NewSectionReader(t.r, t.Offset, t.Size)
}

// Load reads the tensor's data into dst, which must be t.Size bytes long.
func (t Info) Load(dst []byte) error {
	if int64(len(dst)) != t.Size {
		return fmt.Errorf("load tensor %q: it has %d bytes, the destination %d", t.Name, t.Size, len(dst))
	}
	if n, err := t.r.ReadAt(dst, t.Offset); n < len(dst) {
		return fmt.Errorf("load tensor %q: %d of its %d bytes could be read: %w", t.Name, n, t.Size, err)
	}
	return nil
}

// readHeader returns the header's text.
func readHeader(r io.ReaderAt, size int64) (string, error) {
	var raw [lengthSize]byte
	if n, err := r.ReadAt(raw[:min(max(size, 0), lengthSize)], 0); n < lengthSize {
		return "", fmt.Errorf("the file ends within its first %d bytes: %v", lengthSize, err)
	}
	length := binary.LittleEndian.Uint64(raw[:])
	if length > maxHeader || int64(length) > size-lengthSize {
		return "", fmt.Errorf("a header of %d bytes in a file of %d: the file is cut, damaged or of another kind", length, size)
	}
	return readText(io.NewSectionReader(r, lengthSize, int64(length)))
}

// readText returns all of r in one allocation.
func readText(r *io.SectionReader) (string, error) {
	var text strings.Builder
	text.Grow(int(r.Size()))
	if n, err := io.Copy(&text, r); err != nil || n < r.Size() {
		return "", fmt.Errorf("%d of %d bytes could be read: %v", n, r.Size(), err)
	}
	return text.String(), nil
}

// parse reads the header. It leaves the tensors in the order of their
// descriptions, with offsets that count from the end of the header.
func (f *File) parse(header string) error {
	if !strings.HasPrefix(header, "{") {
		return errors.New(`it does not begin with "{": the file is of another kind`)
	}
	s := &scanner{text: header}
	f.Tensors = make([]Info, 0, min(maxTensors, len(header)/leastEntry))
	s.object(func(key string) {
		switch {
		case key == metadataKey && f.Metadata != nil:
			s.fail("%s is there twice", metadataKey)
		case key == metadataKey:
			f.Metadata = parseMetadata(s)
		case len(f.Tensors) == maxTensors:
			s.fail("more than %d tensors", maxTensors)
		default:
			f.Tensors = append(f.Tensors, parseTensor(s, key))
		}
	})
	return s.end()
}

func parseMetadata(s *scanner) map[string]string {
	m := map[string]string{}
	s.object(func(key string) {
		if len(m) == maxMetadata {
			s.fail("more than %d entries of metadata", maxMetadata)
			return
		}
		if _, twice := m[key]; twice {
			s.fail("metadata %q is there twice", key)
		}
		m[key] = s.string()
	})
	return m
}

func parseTensor(s *scanner, name string) Info {
	const dtype, shape, offsets = 1, 2, 4
	t, seen := Info{Name: name, Shape: []int{}}, 0
	field := func(bit int) {
		if seen&bit != 0 {
			s.fail("tensor %q has the same field twice", name)
		}
		seen |= bit
	}
	s.object(func(key string) {
		switch key {
		case "dtype":
			field(dtype)
			t.DType = s.string()
		case "shape":
			field(shape)
			s.array(func() {
				if len(t.Shape) == maxDims {
					s.fail("tensor %q has more than %d dimensions", name, maxDims)
					return
				}
				t.Shape = append(t.Shape, int(s.integer(math.MaxInt)))
			})
		case "data_offsets":
			field(offsets)
			s.expect('[')
			t.Offset = s.integer(math.MaxInt64)
			s.expect(',')
			t.Size = s.integer(math.MaxInt64) - t.Offset
			s.expect(']')
		default:
			s.fail("tensor %q has an unknown field %q", name, key)
		}
	})
	if seen != dtype|shape|offsets {
		s.fail("tensor %q lacks dtype, shape or data_offsets", name)
	}
	return t
}

// place orders the tensors by their data, checks that they cover all bytes of
// the file from data on, each of them once, and turns their offsets into
// offsets from the start of the file.
func (f *File) place(r io.ReaderAt, data, size int64) error {
	slices.SortFunc(f.Tensors, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name))
	})
	f.names = make(map[string]int, len(f.Tensors))
	at := data
	for i := range f.Tensors {
		t := &f.Tensors[i]
		want, err := Size(t.DType, t.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if t.Size != want {
			return fmt.Errorf("tensor %q: %s %v takes %d bytes, its offsets span %d", t.Name, t.DType, t.Shape, want, t.Size)
		}
		if _, twice := f.names[t.Name]; twice {
			return fmt.Errorf("tensor %q is there twice", t.Name)
		}
		if t.Offset != at-data {
			return fmt.Errorf("tensor %q: its data begins at %d, not at %d where the one before it ends", t.Name, t.Offset, at-data)
		}
		if t.Size > size-at {
			return fmt.Errorf("tensor %q: its %d bytes end beyond the %d bytes of the file, which is cut or damaged", t.Name, t.Size, size)
		}
		f.names[t.Name] = i
		t.r, t.Offset = r, at
		at += t.Size
	}
	if at != size {
		return fmt.Errorf("the tensors end at byte %d, the file at %d", at, size)
	}
	return nil
}
