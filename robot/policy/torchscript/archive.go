package torchscript

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// archive is a saved module: a ZIP file with a folder.
type archive struct {
	folder  string
	records map[string]*zip.File
	budget  int64 // bytes that may still be unpacked
	files   map[string]*file
}

// mostUnpacked is how many bytes of code and pickles are unpacked.
const mostUnpacked = 16 << 20

func open(data []byte) (*archive, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("it is no archive of torch.jit.save: %w", err)
	}
	a := &archive{records: map[string]*zip.File{}, budget: mostUnpacked, files: map[string]*file{}}
	for _, f := range z.File {
		if folder, ok := strings.CutSuffix(f.Name, "/data.pkl"); ok && !strings.Contains(folder, "/") {
			a.folder = folder
		}
		a.records[f.Name] = f
	}
	if a.folder == "" || a.records[a.folder+"/constants.pkl"] == nil {
		return nil, fmt.Errorf("it is no archive of torch.jit.save: there is no data.pkl with constants.pkl")
	}
	if a.has("byteorder") {
		order, err := a.read("byteorder")
		if err != nil || string(order) != "little" {
			return nil, fmt.Errorf("byte order %.20q: only little is known here", order)
		}
	}
	return a, nil
}

func (a *archive) has(name string) bool { return a.records[a.folder+"/"+name] != nil }

// read unpacks a record of code or a pickle.
func (a *archive) read(name string) ([]byte, error) {
	f := a.records[a.folder+"/"+name]
	if f == nil {
		return nil, fmt.Errorf("there is no %s in the archive", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, a.budget+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if a.budget -= int64(len(text)); a.budget < 0 {
		return nil, fmt.Errorf("read %s: more than %d bytes of code", name, mostUnpacked)
	}
	return text, nil
}

// stored is a tensor in the archive.
type stored struct {
	kind          string // of its storage
	record        string
	numbers       int // of its storage
	offset        int
	shape, stride []int
	data          []float32 // once it has been read
	archive       *archive
}

// floats returns a tensor's numbers row by row.
func (t *stored) floats() ([]float32, error) {
	if t.data != nil {
		return t.data, nil
	}
	if t.kind != "FloatStorage" {
		return nil, fmt.Errorf("a tensor of %s: only float32 is known here", strings.TrimSuffix(t.kind, "Storage"))
	}
	n, last := 1, t.offset
	for i, s := range t.shape {
		if s < 1 || s > t.numbers/n || t.stride[i] < 0 || t.stride[i] > t.numbers {
			return nil, fmt.Errorf("a tensor of shape %v in a storage of %d numbers", t.shape, t.numbers)
		}
		n *= s
		last += (s - 1) * t.stride[i]
	}
	if t.offset < 0 || last >= t.numbers {
		return nil, fmt.Errorf("a tensor of shape %v reaches beyond its storage of %d numbers", t.shape, t.numbers)
	}
	all, err := t.archive.storage(t.record, t.numbers, 4)
	if err != nil {
		return nil, err
	}
	t.data = make([]float32, n)
	at := make([]int, len(t.shape))
	for i := range t.data {
		k := t.offset
		for a := range at {
			k += at[a] * t.stride[a]
		}
		t.data[i] = math.Float32frombits(binary.LittleEndian.Uint32(all[4*k:]))
		for a := len(at) - 1; a >= 0; a-- {
			if at[a]++; at[a] < t.shape[a] {
				break
			}
			at[a] = 0
		}
	}
	return t.data, nil
}

// number returns the number of a tensor of float64 or int64 without axes.
func (t *stored) number() (any, error) {
	if t.offset >= t.numbers {
		return nil, fmt.Errorf("a number beyond its storage of %d", t.numbers)
	}
	all, err := t.archive.storage(t.record, t.numbers, 8)
	if err != nil {
		return nil, err
	}
	bits := binary.LittleEndian.Uint64(all[8*t.offset:])
	if t.kind == "LongStorage" {
		return int64(bits), nil
	}
	return math.Float64frombits(bits), nil
}

// storage returns the bytes of a storage of numbers of so many bytes each.
func (a *archive) storage(name string, numbers, each int) ([]byte, error) {
	f := a.records[a.folder+"/"+name]
	if f == nil {
		return nil, fmt.Errorf("there is no %s in the archive", name)
	}
	// What is not compressed is a part of the file, and as large as it says.
	want := uint64(each) * uint64(numbers)
	if f.Method != zip.Store || f.UncompressedSize64 != f.CompressedSize64 || f.UncompressedSize64 != want {
		return nil, fmt.Errorf("%s has %d bytes instead of %d", name, f.UncompressedSize64, want)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if uint64(len(data)) != want {
		return nil, fmt.Errorf("%s has %d bytes instead of %d", name, len(data), want)
	}
	return data, nil
}
