package model

import (
	"fmt"
	"io"

	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/model/gguf"
)

// File is a model in a GGUF file.
type File struct {
	*gguf.File
	Config Config
}

// Open opens the model at path and checks that every tensor of its
// architecture is there in its shape, and no other.
func Open(path string) (*File, error) {
	g, err := gguf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open model %s: %w", path, err)
	}
	f, err := newFile(g)
	if err != nil {
		g.Close()
		return nil, fmt.Errorf("open model %s: %w", path, err)
	}
	return f, nil
}

func newFile(g *gguf.File) (*File, error) {
	c, err := ConfigOf(g)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, t := range c.Tensors() {
		info, err := g.Tensor(t.Name)
		if err != nil {
			return nil, err
		}
		if !equal(info.Dims, t.Dims()) {
			return nil, fmt.Errorf("tensor %s is %v where %v is expected", t.Name, info.Dims, t.Dims())
		}
		if e, _ := kernel.Format(info.Type).Block(); e == 0 {
			return nil, fmt.Errorf("tensor %s is %s, which is not read here: %s are", t.Name, gguf.TypeName(info.Type), kernel.FormatNames())
		}
		known[t.Name] = true
	}
	for _, info := range g.Tensors {
		if !known[info.Name] {
			return nil, fmt.Errorf("tensor %s belongs to no %s that is computed here", info.Name, c.Architecture)
		}
	}
	return &File{g, c}, nil
}

// equal compares shapes; a trailing 1 may be left out.
func equal(a, b []int) bool {
	for i := range max(len(a), len(b)) {
		x, y := 1, 1
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return false
		}
	}
	return true
}

// Quantization says what the weights are stored in: the file type that the file
// names if some tensor has its format, or the format that most weights have.
func (f *File) Quantization() string {
	size := map[uint32]int64{}
	best := gguf.F32
	for _, t := range f.Tensors {
		size[t.Type] += t.Size
		if size[t.Type] > size[best] {
			best = t.Type
		}
	}
	if n, err := f.Uint(FileTypeKey); err == nil && n == uint64(uint32(n)) {
		t := FileType(n)
		if most, ok := t.most(); ok && mixed(most) && size[uint32(most)] > 0 {
			return t.String()
		}
	}
	return gguf.TypeName(best)
}

// Memory is the number of bytes that the weights take which every token is
// multiplied by, once they are loaded: those of formats that no kernel
// multiplies become F32. An embedding that is only looked up stays in the file.
func (f *File) Memory() (bytes int64) {
	for _, t := range f.Config.Tensors() {
		info, err := f.Tensor(t.Name)
		switch {
		case err != nil || t.Name == "token_embd.weight" && !f.Config.Tied:
		case t.Vector():
			bytes += int64(4 * t.Cols)
		default:
			bytes += int64(kernel.PanelsSize(kernel.Format(info.Type), t.Rows, t.Cols))
		}
	}
	return bytes
}

// Read returns a tensor's numbers.
func (f *File) Read(name string) ([]float32, error) {
	info, err := f.Tensor(name)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, info.Size)
	if err := info.Load(raw); err != nil {
		return nil, fmt.Errorf("read tensor %s: %w", name, err)
	}
	format := kernel.Format(info.Type)
	e, b := format.Block()
	if e == 0 {
		return nil, fmt.Errorf("tensor %s is %s, which is not read here", name, gguf.TypeName(info.Type))
	}
	w := make([]float32, len(raw)/b*e)
	kernel.Dequantize(format, w, raw)
	return w, nil
}

// Load puts the weights on a device for serving: matrices loaded, vectors as
// plain numbers. f must stay open for as long as the buffers are used. What has been
// read of it takes no memory, so that there are not two copies of the weights.
func (f *File) Load(dev compute.Device) (map[string]compute.Buffer, error) {
	all, err := f.Map()
	if err != nil {
		return nil, err
	}
	buffers := map[string]compute.Buffer{}
	for _, t := range f.Config.Tensors() {
		info, err := f.Tensor(t.Name)
		if err != nil {
			return nil, err
		}
		var b compute.Buffer
		if t.Vector() {
			b, err = f.vector(dev, t)
		} else {
			b, err = dev.Load(kernel.Format(info.Type), t.Rows, t.Cols, all[info.Offset:info.Offset+info.Size], func() { f.Release(info) })
		}
		if err != nil {
			for _, b := range buffers {
				b.Free()
			}
			return nil, fmt.Errorf("load tensor %s: %w", t.Name, err)
		}
		buffers[t.Name] = b
	}
	return buffers, nil
}

func (f *File) vector(dev compute.Device, t Tensor) (compute.Buffer, error) {
	w, err := f.Read(t.Name)
	if err != nil {
		return nil, err
	}
	b, err := dev.Alloc(len(w))
	if err != nil {
		return nil, err
	}
	return b, b.Write(0, w)
}

// Weights gives the numbers of one tensor, Rows·Cols of them.
type Weights func(t Tensor) ([]float32, error)

// Write writes a model as GGUF: its metadata, then the extra keys (the
// tokenizer's, in the order given), then the tensors in the formats of the file
// type. Equal arguments give equal bytes.
func Write(w io.Writer, c Config, extra []gguf.KV, want FileType, weights Weights) error {
	meta := append(c.Metadata(), want.Metadata()...)
	meta = append(meta, extra...)
	var tensors []gguf.Tensor
	for _, t := range c.Tensors() {
		f := c.Format(t, want)
		tensors = append(tensors, gguf.Tensor{Name: t.Name, Dims: t.Dims(), Type: uint32(f), Data: func(w io.Writer) error {
			numbers, err := weights(t)
			if err != nil {
				return err
			}
			raw := make([]byte, t.Rows*f.Bytes(t.Cols))
			kernel.Quantize(f, raw, numbers)
			_, err = w.Write(raw)
			return err
		}})
	}
	return gguf.Write(w, meta, tensors)
}

// The keys that name the formats of a file. The version of quantisation is the
// only one that there still is.
const (
	FileTypeKey = "general.file_type"
	QuantKey    = "general.quantization_version"
)

// Metadata returns t as keys of GGUF.
func (t FileType) Metadata() []gguf.KV {
	meta := []gguf.KV{{Key: FileTypeKey, Value: uint32(t)}}
	if t != F32 {
		meta = append(meta, gguf.KV{Key: QuantKey, Value: uint32(2)})
	}
	return meta
}

// MediaType is that of a GGUF file in the store.
const MediaType = "application/vnd.samovar.model.gguf"

// Summary is what is said of a model wherever it is listed: the Config of its
// artifact.
type Summary struct {
	Architecture string `json:"architecture"`
	Parameters   int64  `json:"parameters"`
	Active       int64  `json:"active"` // parameters that one token passes through
	Quantization string `json:"quantization"`
	Window       int    `json:"window"`
	Vocabulary   int    `json:"vocabulary"`
	Chat         bool   `json:"chat"`           // it has a chat template
	Step         int64  `json:"step,omitempty"` // of weights kept at a checkpoint: steps that they had been trained
}

// Summary describes f.
func (f *File) Summary() Summary {
	all, active := f.Config.Parameters()
	_, chat := f.Value("tokenizer.chat_template")
	return Summary{
		Architecture: f.Config.Architecture, Parameters: all, Active: active, Quantization: f.Quantization(),
		Window: f.Config.Window, Vocabulary: f.Config.Vocabulary, Chat: chat,
	}
}
