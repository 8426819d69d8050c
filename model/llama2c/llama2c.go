// Package llama2c reads the first ("legacy") checkpoint format of llama2.c:
// seven integers and then the float32 weights of a Llama. It refuses the later
// formats of llama2.c and every file whose size is not what its header says.
//
// Start with [Open].
package llama2c

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"

	"samovar/model/gguf"
)

const (
	headerSize = 7 * 4

	// maxLayers keeps the table of tensors built from a hostile file small.
	// Real files have fewer than a hundred layers.
	maxLayers = 1 << 10

	// laterMagic begins the later formats of llama2.c: "ak42".
	laterMagic = 0x616b3432
)

// Header is the shape of the model.
type Header struct {
	Dim     int  // width of the residual stream
	Hidden  int  // width of the gated MLP
	Layers  int  // at most 1,024
	Heads   int  // of queries; divides Dim, the quotient is even
	KVHeads int  // of keys and values; divides Heads
	Vocab   int  // tokens
	SeqLen  int  // longest sequence, tokens
	Shared  bool // the output layer is the embedding: there is no "output.weight"
}

// File is an open checkpoint. Its tensors have GGUF's names, are of type
// [gguf.F32] and lie as GGUF's do: rows of the innermost dimension, the rows
// of attn_q and attn_k in the order of interleaved rotary pairs.
type File struct {
	Header
	Tensors []gguf.Info // in the order of the file

	closer io.Closer // the file that Open opened
}

// Open opens the file at path and reads its header.
func Open(path string) (*File, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open llama2.c checkpoint: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("open llama2.c checkpoint %s: not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open llama2.c checkpoint: %w", err)
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
// as long as the tensors are.
func Read(r io.ReaderAt, size int64) (*File, error) {
	var raw [headerSize]byte
	if n, err := r.ReadAt(raw[:min(size, headerSize)], 0); n < headerSize {
		return nil, fmt.Errorf("read llama2.c checkpoint: %d of the header's %d bytes are there: %v", n, headerSize, err)
	}
	h, err := parse(raw[:])
	if err != nil {
		return nil, fmt.Errorf("read llama2.c checkpoint: %w", err)
	}
	f := &File{Header: h}
	if err := f.lay(r, size); err != nil {
		return nil, fmt.Errorf("read llama2.c checkpoint: %w", err)
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
func (f *File) Tensor(name string) (gguf.Info, error) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, nil
		}
	}
	return gguf.Info{}, fmt.Errorf("tensor %q: %w", name, gguf.ErrMissing)
}

func parse(raw []byte) (Header, error) {
	if binary.LittleEndian.Uint32(raw) == laterMagic {
		return Header{}, fmt.Errorf(`a later format ("ak42"): export the model again with --version 0`)
	}
	var n [7]int
	for i := range n {
		n[i] = int(int32(binary.LittleEndian.Uint32(raw[4*i:])))
	}
	h := Header{n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[5] > 0}
	if !h.Shared {
		h.Vocab = -h.Vocab
	}
	for _, n := range []int{h.Dim, h.Hidden, h.Layers, h.Heads, h.KVHeads, h.Vocab, h.SeqLen} {
		if n <= 0 {
			return Header{}, fmt.Errorf("the header %+v holds a number below 1: this is another kind of file", h)
		}
	}
	if h.Dim%h.Heads != 0 || h.Dim/h.Heads%2 != 0 || h.Heads%h.KVHeads != 0 || h.Layers > maxLayers {
		return Header{}, fmt.Errorf("the header %+v fits no Llama of at most %d layers: this is another kind of file", h, maxLayers)
	}
	return h, nil
}

// part is a tensor of the model, or the same tensor of every layer: in rows of
// in elements, or one row where out is 0.
type part struct {
	name    string // with %d for the layer
	in, out int
	layers  int // 0 for a tensor of the model
}

// parts returns what a checkpoint holds, in its order. The rotary tables have
// no name: they follow from the header.
func (h Header) parts() []part {
	head := h.Dim / h.Heads
	kv := h.KVHeads * head
	all := []part{
		{"token_embd.weight", h.Dim, h.Vocab, 0},
		{"blk.%d.attn_norm.weight", h.Dim, 0, h.Layers},
		{"blk.%d.attn_q.weight", h.Dim, h.Dim, h.Layers},
		{"blk.%d.attn_k.weight", h.Dim, kv, h.Layers},
		{"blk.%d.attn_v.weight", h.Dim, kv, h.Layers},
		{"blk.%d.attn_output.weight", h.Dim, h.Dim, h.Layers},
		{"blk.%d.ffn_norm.weight", h.Dim, 0, h.Layers},
		{"blk.%d.ffn_gate.weight", h.Dim, h.Hidden, h.Layers},
		{"blk.%d.ffn_down.weight", h.Hidden, h.Dim, h.Layers},
		{"blk.%d.ffn_up.weight", h.Dim, h.Hidden, h.Layers},
		{"output_norm.weight", h.Dim, 0, 0},
		{"", head, h.SeqLen, 0}, // cosines and sines, head/2 of each a position
	}
	if !h.Shared {
		all = append(all, part{"output.weight", h.Dim, h.Vocab, 0})
	}
	return all
}

// bytes returns the size of all layers of p, saturated at MaxInt64.
func (p part) bytes() int64 {
	n := uint64(4)
	for _, f := range []int{p.in, max(p.out, 1), max(p.layers, 1)} {
		hi, lo := bits.Mul64(n, uint64(f))
		if hi != 0 || lo > math.MaxInt64 {
			return math.MaxInt64
		}
		n = lo
	}
	return int64(n)
}

// lay checks that the parts take exactly size bytes and lists the tensors.
func (f *File) lay(r io.ReaderAt, size int64) error {
	parts, need := f.parts(), int64(headerSize)
	for _, p := range parts {
		if need += p.bytes(); need < 0 || need > size {
			return fmt.Errorf("the header %+v asks for more than the %d bytes of the file: it is cut, or of another kind", f.Header, size)
		}
	}
	if need != size {
		return fmt.Errorf("the header %+v asks for %d bytes, the file has %d: it is of another kind", f.Header, need, size)
	}
	offset := int64(headerSize)
	for _, p := range parts {
		dims, name := []int{p.in, p.out}, p.name
		if p.out == 0 {
			dims = dims[:1]
		}
		for layer := range max(p.layers, 1) {
			if p.layers > 0 {
				name = fmt.Sprintf(p.name, layer)
			}
			t, err := gguf.NewInfo(r, name, gguf.F32, offset, dims...)
			if err != nil {
				return err
			}
			if offset += t.Size; name != "" {
				f.Tensors = append(f.Tensors, t)
			}
		}
	}
	return nil
}
