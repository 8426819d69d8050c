// Package gguf reads and writes GGUF, the file format of llama.cpp: ordered
// metadata, then tensors. It knows no architecture and converts no element:
// it refuses files of version 1, of big-endian machines, and whatever claims
// more than its own bytes hold.
//
// Start with [Open] for reading and [Write] for writing.
package gguf

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// DefaultAlignment is the alignment in bytes of tensor data in a file that
// has no key "general.alignment".
const DefaultAlignment = 32

const (
	magic        = "GGUF"
	version      = 3
	alignmentKey = "general.alignment"

	// Limits that keep the tables built from a hostile file small. Real files
	// have under a hundred keys, a few thousand tensors and headers of 20 MB.
	maxHeader    = 1 << 28 // bytes before the tensors' data; for files with holes
	maxKeys      = 1 << 14
	maxTensors   = 1 << 16
	maxKey       = 1<<16 - 1 // bytes, from the specification
	maxName      = 63        // bytes; llama.cpp keeps names in 64, the last one zero
	maxDims      = 4         // llama.cpp's GGML_MAX_DIMS
	maxAlignment = 1 << 16   // the largest page size in use
)

// ErrMissing is the cause of an error about a key or tensor that a file does
// not have.
var ErrMissing = errors.New("missing")

// KV is one entry of the metadata. Value is a uint8, int8, uint16, int16,
// uint32, int32, uint64, int64, float32, float64, bool or string, or a slice
// of one of these; never a slice of slices.
type KV struct {
	Key   string
	Value any
}

// File is an open GGUF file. Its fields must not be changed. Its methods may be
// called from several goroutines, except Map and Close.
type File struct {
	Version   int    // 2 or 3
	Alignment int    // of tensor data, bytes; a power of two
	Meta      []KV   // in the order of the file; keys are unique
	Tensors   []Info // in the order of the file; names are unique

	keys   map[string]int // into Meta
	names  map[string]int // into Tensors
	r      io.ReaderAt
	size   int64
	closer io.Closer // the file that Open opened
	mapped []byte
	unmap  func() error
}

// Open opens the file at path and reads everything but the tensors' data.
func Open(path string) (*File, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open gguf: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("open gguf %s: not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open gguf: %w", err)
	}
	f, err := Read(file, fi.Size())
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.closer = file
	return f, nil
}

// Read reads everything but the tensors' data from the size bytes of r, which
// must stay readable for as long as the File is used. It allocates at most
// twice size and 16 MiB.
func Read(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size, Alignment: DefaultAlignment}
	d := &decoder{r: r, size: min(size, maxHeader), buf: make([]byte, bufferSize)}
	if err := f.decode(d); err != nil {
		return nil, fmt.Errorf("read gguf: %w", err)
	}
	return f, nil
}

// Close releases the memory map and, if Open opened it, the file.
func (f *File) Close() error {
	var errs []error
	if f.unmap != nil {
		errs = append(errs, f.unmap())
		f.mapped, f.unmap = nil, nil
	}
	if f.closer != nil {
		errs = append(errs, f.closer.Close())
		f.closer = nil
	}
	return errors.Join(errs...)
}

// Map returns the bytes of the whole file, in which a tensor lies at
// [Info.Offset]. They are read-only and valid until Close. Where the file can
// be mapped into memory they are its pages, and a file that somebody shortens
// meanwhile ends the program; elsewhere they are a copy.
func (f *File) Map() ([]byte, error) {
	if f.mapped != nil {
		return f.mapped, nil
	}
	if int64(int(f.size)) != f.size {
		return nil, fmt.Errorf("map gguf: %d bytes exceed the address space", f.size)
	}
	if file, ok := f.r.(*os.File); ok && canMap {
		b, unmap, err := mapFile(file, int(f.size))
		if err != nil {
			return nil, fmt.Errorf("map gguf %s: %w", file.Name(), err)
		}
		f.mapped, f.unmap = b, unmap
		return b, nil
	}
	b := make([]byte, f.size)
	if err := readFull(f.r, b, 0); err != nil {
		return nil, fmt.Errorf("map gguf: %w", err)
	}
	f.mapped = b
	return b, nil
}

// Release lets go of the memory that reading a tensor in the bytes of Map took,
// but for the pages that it shares with others. Read again, it comes back from the file.
func (f *File) Release(t Info) {
	if f.unmap == nil {
		return
	}
	page := os.Getpagesize()
	from, to := align(t.Offset, page), (t.Offset+t.Size)&^int64(page-1)
	if from < to {
		release(f.mapped[from:to])
	}
}

// Tensor returns the tensor of that name.
func (f *File) Tensor(name string) (Info, error) {
	i, ok := f.names[name]
	if !ok {
		return Info{}, fmt.Errorf("tensor %q: %w", name, ErrMissing)
	}
	return f.Tensors[i], nil
}

// Info says what a tensor is and where its data lies.
type Info struct {
	Name   string
	Dims   []int  // elements, innermost first; at most 4; none for a scalar
	Type   uint32 // such as [Q8_0]
	Offset int64  // of the data, bytes from the start of the file
	Size   int64  // of the data, bytes

	r io.ReaderAt
}

// NewInfo returns the Info of a tensor whose data lies at offset in r, with
// its size worked out. It fails as [Size] does.
func NewInfo(r io.ReaderAt, name string, typ uint32, offset int64, dims ...int) (Info, error) {
	size, err := Size(typ, dims)
	if err != nil {
		return Info{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	return Info{Name: name, Dims: dims, Type: typ, Offset: offset, Size: size, r: r}, nil
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
	if err := readFull(t.r, dst, t.Offset); err != nil {
		return fmt.Errorf("load tensor %q: %w", t.Name, err)
	}
	return nil
}

// readFull fills b from offset off of r.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
