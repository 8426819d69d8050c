package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// The types of metadata values as the format numbers them.
const (
	kindUint8 uint32 = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

const bufferSize = 1 << 16 // bytes

// decoder reads forward through a file of known size. Its first error sticks:
// after it every read returns zero.
type decoder struct {
	r    io.ReaderAt
	size int64
	pos  int64  // of rest
	rest []byte // read and not yet taken
	buf  []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// fits reports whether n things of at least width bytes each can be in what
// remains of the file, and fails if not.
func (d *decoder) fits(n uint64, width int64, what string) bool {
	if d.err == nil && n > uint64((d.size-d.pos)/width) {
		d.fail("%d %s do not fit in the %d bytes that remain: the file is cut or damaged", n, what, d.size-d.pos)
	}
	return d.err == nil
}

// take returns the next n bytes, at most bufferSize, valid until the next
// call; nil after an error.
func (d *decoder) take(n int) []byte {
	if !d.fits(uint64(n), 1, "bytes") {
		return nil
	}
	if len(d.rest) < n {
		b := d.buf[:min(bufferSize, d.size-d.pos)]
		if err := readFull(d.r, b, d.pos); err != nil {
			d.fail("byte %d: %w", d.pos, err)
			return nil
		}
		d.rest = b
	}
	b := d.rest[:n]
	d.seek(d.pos + int64(n))
	return b
}

// seek goes on reading at pos, which must not be beyond the end.
func (d *decoder) seek(pos int64) {
	skip := pos - d.pos
	if skip < 0 || skip > int64(len(d.rest)) {
		d.rest = nil
	} else {
		d.rest = d.rest[skip:]
	}
	d.pos = pos
}

func (d *decoder) uint32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// strings reads n strings. All their bytes share one allocation of the exact
// size, for which the lengths are read twice: a string of the file is at least
// 8 bytes, a string of Go 16, so that n strings never take more than twice
// their bytes in the file.
func (d *decoder) strings(n uint64) []string {
	if !d.fits(n, 8, "strings") {
		return nil
	}
	start, total := d.pos, int64(0)
	for range n {
		length := d.uint64()
		if !d.fits(length, 1, "bytes of a string") {
			return nil
		}
		d.seek(d.pos + int64(length))
		total += int64(length)
	}
	d.seek(start)
	if int64(int(total)) != total {
		d.fail("%d bytes of strings exceed the address space", total)
		return nil
	}
	out := make([]string, n)
	var text strings.Builder
	text.Grow(int(total))
	for i := range out {
		from := text.Len()
		for length := d.uint64(); length > 0 && d.err == nil; {
			b := d.take(int(min(length, bufferSize)))
			text.Write(b)
			length -= uint64(len(b))
		}
		out[i] = text.String()[from:]
	}
	return out
}

// string reads one string of at most limit bytes.
func (d *decoder) string(limit uint64, what string) string {
	start := d.pos
	if length := d.uint64(); length > limit {
		d.fail("a %s of %d bytes: at most %d are allowed", what, length, limit)
		return ""
	}
	if d.err != nil {
		return ""
	}
	d.seek(start)
	if s := d.strings(1); s != nil {
		return s[0]
	}
	return ""
}

// numbers reads n values of width bytes each: the slice for an array, else the
// one value.
func numbers[T any](d *decoder, n uint64, width int, array bool) any {
	if !d.fits(n, int64(width), "values") {
		return nil
	}
	out := make([]T, n)
	for rest := out; len(rest) > 0; {
		k := min(len(rest), bufferSize/width)
		b := d.take(k * width)
		if b == nil {
			return nil
		}
		if _, bools := any(out).([]bool); bools {
			for _, c := range b {
				if c > 1 {
					d.fail("a bool is %d, neither 0 nor 1", c)
					return nil
				}
			}
		}
		if _, err := binary.Decode(b, binary.LittleEndian, rest[:k]); err != nil {
			d.fail("%w", err)
			return nil
		}
		rest = rest[k:]
	}
	if array {
		return out
	}
	return out[0]
}

// value reads a metadata value together with its type.
func (d *decoder) value() any {
	kind, n, array := d.uint32(), uint64(1), false
	if kind == kindArray {
		kind, n, array = d.uint32(), d.uint64(), true
	}
	if d.err != nil {
		return nil
	}
	switch kind {
	case kindUint8:
		return numbers[uint8](d, n, 1, array)
	case kindInt8:
		return numbers[int8](d, n, 1, array)
	case kindUint16:
		return numbers[uint16](d, n, 2, array)
	case kindInt16:
		return numbers[int16](d, n, 2, array)
	case kindUint32:
		return numbers[uint32](d, n, 4, array)
	case kindInt32:
		return numbers[int32](d, n, 4, array)
	case kindUint64:
		return numbers[uint64](d, n, 8, array)
	case kindInt64:
		return numbers[int64](d, n, 8, array)
	case kindFloat32:
		return numbers[float32](d, n, 4, array)
	case kindFloat64:
		return numbers[float64](d, n, 8, array)
	case kindBool:
		return numbers[bool](d, n, 1, array)
	case kindString:
		out := d.strings(n)
		if array || out == nil {
			return out
		}
		return out[0]
	case kindArray:
		d.fail("an array of arrays: llama.cpp knows none, nor do we")
	default:
		d.fail("value type %d is unknown", kind)
	}
	return nil
}

func (f *File) decode(d *decoder) error {
	if string(d.take(4)) != magic && d.err == nil {
		return errors.New(`it does not begin with "GGUF"`)
	}
	switch v := d.uint32(); {
	case d.err != nil:
		return d.err
	case v&0xffff == 0: // a small number with its bytes swapped
		return errors.New("a big-endian file: convert it on a little-endian machine")
	case v == 1:
		return errors.New("version 1 is too old: convert the model again with a current llama.cpp")
	case v > version:
		return fmt.Errorf("version %d is newer than %d, the newest known here", v, version)
	default:
		f.Version = int(v)
	}
	tensors, keys := d.uint64(), d.uint64()
	if err := f.decodeMeta(d, keys); err != nil {
		return err
	}
	return f.decodeTensors(d, tensors)
}

func (f *File) decodeMeta(d *decoder, n uint64) error {
	const least = 8 + 1 + 4 + 1 // key, type, value
	if !d.fits(n, least, "metadata keys") {
		return d.err
	}
	if n > maxKeys {
		return fmt.Errorf("%d metadata keys: at most %d are allowed", n, maxKeys)
	}
	f.Meta = make([]KV, 0, n)
	f.keys = make(map[string]int, n)
	for i := range int(n) {
		key := d.string(maxKey, "metadata key")
		if d.err != nil {
			return fmt.Errorf("metadata key %d: %w", i, d.err)
		}
		if _, twice := f.keys[key]; twice || key == "" {
			return fmt.Errorf("metadata key %q is empty or there twice", key)
		}
		value := d.value()
		if d.err != nil {
			return fmt.Errorf("metadata key %q: %w", key, d.err)
		}
		f.keys[key] = i
		f.Meta = append(f.Meta, KV{key, value})
	}
	if v, ok := f.Value(alignmentKey); ok {
		a, err := checkAlignment(v)
		if err != nil {
			return err
		}
		f.Alignment = a
	}
	return nil
}

// checkAlignment returns the value of general.alignment if it may be one.
func checkAlignment(v any) (int, error) {
	a, ok := v.(uint32)
	if !ok || a == 0 || a&(a-1) != 0 || a > maxAlignment {
		return 0, fmt.Errorf("%s is %T %v: a uint32 power of two up to %d is expected", alignmentKey, v, v, maxAlignment)
	}
	return int(a), nil
}

// align returns the next multiple of a, a power of two, from n on. The result
// is negative where it overflows.
func align(n int64, a int) int64 { return (n + int64(a) - 1) &^ (int64(a) - 1) }

func (f *File) decodeTensors(d *decoder, n uint64) error {
	const least = 8 + 1 + 4 + 4 + 8 // name, number of dimensions, type, offset
	if !d.fits(n, least, "tensors") {
		return d.err
	}
	if n > maxTensors {
		return fmt.Errorf("%d tensors: at most %d are allowed", n, maxTensors)
	}
	f.Tensors = make([]Info, 0, n)
	f.names = make(map[string]int, n)
	next := int64(0) // where the data of the next tensor has to begin
	for i := range int(n) {
		t, err := f.decodeInfo(d)
		if err != nil {
			return fmt.Errorf("tensor %d: %w", i, err)
		}
		if _, twice := f.names[t.Name]; twice {
			return fmt.Errorf("tensor %q is there twice", t.Name)
		}
		if t.Offset != next {
			return fmt.Errorf("tensor %q: its data begins at %d, not at %d where the one before it ends", t.Name, t.Offset, next)
		}
		if next = align(t.Offset+t.Size, f.Alignment); t.Offset+t.Size < 0 || next < 0 {
			return fmt.Errorf("tensor %q: its %d bytes end beyond any file", t.Name, t.Size)
		}
		f.names[t.Name] = i
		f.Tensors = append(f.Tensors, t)
	}
	return f.place(align(d.pos, f.Alignment))
}

// decodeInfo reads a tensor's entry. Its offset counts from the start of all
// data, which is not known before the last entry is read.
func (f *File) decodeInfo(d *decoder) (Info, error) {
	name := d.string(maxName, "tensor name")
	n := d.uint32()
	if d.err != nil {
		return Info{}, d.err
	}
	if n > maxDims || name == "" {
		return Info{}, fmt.Errorf("name %q, %d dimensions: a name and at most %d dimensions are expected", name, n, maxDims)
	}
	dims := make([]int, n)
	for i := range dims {
		dim := d.uint64()
		if dim > math.MaxInt {
			return Info{}, fmt.Errorf("%q: dimension %d is %d", name, i, dim)
		}
		dims[i] = int(dim)
	}
	typ, offset := d.uint32(), d.uint64()
	if d.err != nil {
		return Info{}, fmt.Errorf("%q: %w", name, d.err)
	}
	if offset > math.MaxInt64 {
		return Info{}, fmt.Errorf("%q: offset %d lies beyond any file", name, offset)
	}
	return NewInfo(f.r, name, typ, int64(offset), dims...)
}

// place turns the tensors' offsets into offsets from the start of the file,
// given where the data begins, and checks that all data is there.
func (f *File) place(data int64) error {
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if data > f.size || t.Offset > f.size-data || t.Size > f.size-data-t.Offset {
			return fmt.Errorf("tensor %q: its %d bytes at %d+%d end beyond the %d bytes of the file, which is cut or damaged", t.Name, t.Size, data, t.Offset, f.size)
		}
		t.Offset += data
	}
	return nil
}
