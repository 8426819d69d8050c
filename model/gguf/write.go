package gguf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"reflect"
)

// Tensor is a tensor to be written.
type Tensor struct {
	Name string // at most 63 bytes
	Dims []int  // elements, innermost first
	Type uint32 // such as [Q8_0]

	// Data writes the tensor's data: exactly as many bytes as [Size] says.
	Data func(w io.Writer) error
}

// Write writes a GGUF file of version 3: the metadata and then the tensors,
// both in the order given. A key "general.alignment" (a uint32 power of two)
// sets the alignment. Equal arguments give equal bytes. Everything but the
// data is checked before the first byte is written.
func Write(w io.Writer, meta []KV, tensors []Tensor) error {
	e := &encoder{w: bufio.NewWriterSize(w, 1<<20), alignment: DefaultAlignment}
	if err := e.checkMeta(meta); err != nil {
		return fmt.Errorf("write gguf: %w", err)
	}
	sizes, err := e.checkTensors(tensors)
	if err != nil {
		return fmt.Errorf("write gguf: %w", err)
	}
	e.header(meta, tensors, sizes)
	for i, t := range tensors {
		if err := e.data(t, sizes[i]); err != nil {
			return fmt.Errorf("write gguf: tensor %q: %w", t.Name, err)
		}
	}
	if err := e.w.Flush(); err != nil {
		return fmt.Errorf("write gguf: %w", err)
	}
	return nil
}

// kinds gives the number of every Go type that a value or an element of an
// array may have.
var kinds = map[reflect.Type]uint32{
	reflect.TypeFor[uint8]():   kindUint8,
	reflect.TypeFor[int8]():    kindInt8,
	reflect.TypeFor[uint16]():  kindUint16,
	reflect.TypeFor[int16]():   kindInt16,
	reflect.TypeFor[uint32]():  kindUint32,
	reflect.TypeFor[int32]():   kindInt32,
	reflect.TypeFor[uint64]():  kindUint64,
	reflect.TypeFor[int64]():   kindInt64,
	reflect.TypeFor[float32](): kindFloat32,
	reflect.TypeFor[float64](): kindFloat64,
	reflect.TypeFor[bool]():    kindBool,
	reflect.TypeFor[string]():  kindString,
}

// kindOf returns the number of a value's type or of its elements' type.
func kindOf(v any) (kind uint32, array, ok bool) {
	t := reflect.TypeOf(v)
	if t == nil {
		return 0, false, false
	}
	if array = t.Kind() == reflect.Slice; array {
		t = t.Elem()
	}
	kind, ok = kinds[t]
	return kind, array, ok
}

// encoder writes a file. Errors of w stick to it and come back from Flush.
type encoder struct {
	w         *bufio.Writer
	pos       int64
	alignment int
	scratch   []byte
}

func (e *encoder) checkMeta(meta []KV) error {
	if len(meta) > maxKeys {
		return fmt.Errorf("%d metadata keys: at most %d are allowed", len(meta), maxKeys)
	}
	seen := make(map[string]bool, len(meta))
	for _, kv := range meta {
		if kv.Key == "" || len(kv.Key) > maxKey || seen[kv.Key] {
			return fmt.Errorf("metadata key %.100q is empty, longer than %d bytes, or there twice", kv.Key, maxKey)
		}
		seen[kv.Key] = true
		if _, _, ok := kindOf(kv.Value); !ok {
			return fmt.Errorf("metadata key %q: the format has no type for a %T", kv.Key, kv.Value)
		}
		if kv.Key == alignmentKey {
			a, err := checkAlignment(kv.Value)
			if err != nil {
				return err
			}
			e.alignment = a
		}
	}
	return nil
}

// checkTensors returns the number of bytes of each tensor.
func (e *encoder) checkTensors(tensors []Tensor) ([]int64, error) {
	if len(tensors) > maxTensors {
		return nil, fmt.Errorf("%d tensors: at most %d are allowed", len(tensors), maxTensors)
	}
	seen := make(map[string]bool, len(tensors))
	sizes, total := make([]int64, len(tensors)), int64(0)
	for i, t := range tensors {
		if t.Name == "" || len(t.Name) > maxName || seen[t.Name] {
			return nil, fmt.Errorf("tensor name %.100q is empty, longer than %d bytes, or there twice", t.Name, maxName)
		}
		seen[t.Name] = true
		size, err := Size(t.Type, t.Dims)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if size > math.MaxInt64/2-total {
			return nil, fmt.Errorf("tensor %q: the file would be larger than any", t.Name)
		}
		sizes[i], total = size, align(total+size, e.alignment)
	}
	return sizes, nil
}

func (e *encoder) bytes(b []byte) {
	e.w.Write(b) // the error comes back from Flush
	e.pos += int64(len(b))
}

func (e *encoder) uint32(n uint32) { e.bytes(binary.LittleEndian.AppendUint32(e.scratch[:0], n)) }
func (e *encoder) uint64(n uint64) { e.bytes(binary.LittleEndian.AppendUint64(e.scratch[:0], n)) }

func (e *encoder) string(s string) {
	e.uint64(uint64(len(s)))
	e.w.WriteString(s) // the error comes back from Flush
	e.pos += int64(len(s))
}

func (e *encoder) pad() {
	e.bytes(make([]byte, align(e.pos, e.alignment)-e.pos))
}

// header writes everything that comes before the tensors' data.
func (e *encoder) header(meta []KV, tensors []Tensor, sizes []int64) {
	e.scratch = make([]byte, 0, 8)
	e.bytes([]byte(magic))
	e.uint32(version)
	e.uint64(uint64(len(tensors)))
	e.uint64(uint64(len(meta)))
	for _, kv := range meta {
		e.string(kv.Key)
		e.value(kv.Value)
	}
	offset := int64(0)
	for i, t := range tensors {
		e.string(t.Name)
		e.uint32(uint32(len(t.Dims)))
		for _, n := range t.Dims {
			e.uint64(uint64(n))
		}
		e.uint32(t.Type)
		e.uint64(uint64(offset))
		offset = align(offset+sizes[i], e.alignment)
	}
	e.pad()
}

// value writes a value whose type has been checked, after its type.
func (e *encoder) value(v any) {
	kind, array, _ := kindOf(v)
	if array {
		e.uint32(kindArray)
		e.uint32(kind)
		e.uint64(uint64(reflect.ValueOf(v).Len()))
	} else {
		e.uint32(kind)
	}
	switch x := v.(type) {
	case string:
		e.string(x)
	case []string:
		for _, s := range x {
			e.string(s)
		}
	default:
		b, err := binary.Append(nil, binary.LittleEndian, v)
		if err != nil {
			panic(fmt.Sprintf("gguf: %T is in kinds and has no fixed size", v))
		}
		e.bytes(b)
	}
}

// data writes a tensor's data and the padding after it.
func (e *encoder) data(t Tensor, size int64) error {
	w := &counter{w: e.w, left: size}
	if err := t.Data(w); err != nil {
		return err
	}
	if w.left != 0 {
		return fmt.Errorf("%d of its %d bytes were not written", w.left, size)
	}
	e.pos += size
	e.pad()
	return nil
}

// counter passes on at most left bytes.
type counter struct {
	w    io.Writer
	left int64
}

func (c *counter) Write(b []byte) (int, error) {
	if int64(len(b)) > c.left {
		return 0, fmt.Errorf("%d bytes more than it has", int64(len(b))-c.left)
	}
	n, err := c.w.Write(b)
	c.left -= int64(n)
	return n, err
}
