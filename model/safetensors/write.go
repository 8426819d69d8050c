package safetensors

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Tensor is a tensor to be written.
type Tensor struct {
	Name  string // UTF-8
	DType string // such as [F32]
	Shape []int  // elements, outermost first

	// Data writes the tensor's data: exactly as many bytes as [Size] says.
	Data func(w io.Writer) error
}

// Write writes a safetensors file. The order of the tensors is that of the
// reference implementation, whatever the order of the argument: the types with
// the largest elements first, then by name. Equal arguments give equal bytes.
// Everything but the data is checked before the first byte is written.
func Write(w io.Writer, metadata map[string]string, tensors []Tensor) error {
	tensors = slices.Clone(tensors)
	slices.SortFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(dtypes[b.DType].rank, dtypes[a.DType].rank), cmp.Compare(a.Name, b.Name))
	})
	header, sizes, err := buildHeader(metadata, tensors)
	if err != nil {
		return fmt.Errorf("write safetensors: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<20)
	out.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) // the error comes back from Flush
	out.Write(header)
	for i, t := range tensors {
		data := &counter{w: out, left: sizes[i]}
		if err := t.Data(data); err != nil {
			return fmt.Errorf("write safetensors: tensor %q: %w", t.Name, err)
		}
		if data.left != 0 {
			return fmt.Errorf("write safetensors: tensor %q: %d of its %d bytes were not written", t.Name, data.left, sizes[i])
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write safetensors: %w", err)
	}
	return nil
}

// buildHeader returns the header, padded with spaces to a multiple of 8 bytes,
// and the number of bytes of each tensor.
func buildHeader(metadata map[string]string, tensors []Tensor) (header []byte, sizes []int64, err error) {
	if len(tensors) > maxTensors || len(metadata) > maxMetadata {
		return nil, nil, fmt.Errorf("%d tensors and %d entries of metadata: at most %d and %d are allowed", len(tensors), len(metadata), maxTensors, maxMetadata)
	}
	b := []byte{'{'}
	if len(metadata) > 0 {
		if b, err = appendMetadata(b, metadata); err != nil {
			return nil, nil, err
		}
	}
	seen := make(map[string]bool, len(tensors))
	sizes, offset := make([]int64, len(tensors)), int64(0)
	for i, t := range tensors {
		size, err := Size(t.DType, t.Shape)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if seen[t.Name] || t.Name == metadataKey || size > math.MaxInt64/2-offset {
			return nil, nil, fmt.Errorf("tensor %q is there twice, has a name that is reserved, or is larger than any file", t.Name)
		}
		seen[t.Name], sizes[i] = true, size
		if len(b) > 1 {
			b = append(b, ',')
		}
		if b, err = appendEntry(b, t, offset, size); err != nil {
			return nil, nil, err
		}
		offset += size
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	if len(b) > maxHeader {
		return nil, nil, fmt.Errorf("the header has %d bytes, at most %d are allowed", len(b), maxHeader)
	}
	return b, sizes, nil
}

func appendMetadata(b []byte, metadata map[string]string) (_ []byte, err error) {
	b = append(b, `"`+metadataKey+`":{`...)
	for i, key := range slices.Sorted(maps.Keys(metadata)) {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendString(b, key); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendString(b, metadata[key]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendEntry(b []byte, t Tensor, offset, size int64) ([]byte, error) {
	b, err := appendString(b, t.Name)
	if err != nil {
		return nil, err
	}
	b = append(b, `:{"dtype":"`+t.DType+`","shape":[`...)
	for i, n := range t.Shape {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	b = append(b, `],"data_offsets":[`...)
	b = strconv.AppendInt(b, offset, 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, offset+size, 10)
	return append(b, "]}"...), nil
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%q is not UTF-8", s)
	}
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false) // the reference implementation leaves <, > and & alone
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...), nil
}

// errTooLong is what a tensor's Data gets when it writes too much.
var errTooLong = errors.New("more bytes than the tensor has")

// counter passes on at most left bytes.
type counter struct {
	w    io.Writer
	left int64
}

func (c *counter) Write(b []byte) (int, error) {
	if int64(len(b)) > c.left {
		return 0, errTooLong
	}
	n, err := c.w.Write(b)
	c.left -= int64(n)
	return n, err
}
