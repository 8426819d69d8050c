package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The kinds of fields of a protocol buffer (protobuf.dev/programming-guides/encoding).
const (
	varint = 0
	eight  = 1 // bytes
	many   = 2
	four   = 5
)

// field is one field of a message.
type field struct {
	number int
	kind   int
	value  uint64 // of a number
	bytes  []byte // of kind many; a part of the message
}

var errCut = errors.New("the file is cut off")

// fields calls f for each field of a message.
func fields(message []byte, f func(*field) error) error {
	for len(message) > 0 {
		key, rest, err := uvarint(message)
		if err != nil {
			return err
		}
		x := field{number: int(key >> 3 & (1<<29 - 1)), kind: int(key & 7)}
		switch x.kind {
		case varint:
			x.value, rest, err = uvarint(rest)
		case eight:
			if len(rest) < 8 {
				return errCut
			}
			x.value, rest = binary.LittleEndian.Uint64(rest), rest[8:]
		case four:
			if len(rest) < 4 {
				return errCut
			}
			x.value, rest = uint64(binary.LittleEndian.Uint32(rest)), rest[4:]
		case many:
			var n uint64
			if n, rest, err = uvarint(rest); err == nil && n > uint64(len(rest)) {
				return errCut
			}
			if err == nil {
				x.bytes, rest = rest[:n], rest[n:]
			}
		default:
			return fmt.Errorf("field %d is of kind %d, which no protocol buffer has", x.number, x.kind)
		}
		if err != nil {
			return err
		}
		if err := f(&x); err != nil {
			return err
		}
		message = rest
	}
	return nil
}

func uvarint(b []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, errCut
	}
	return v, b[n:], nil
}

// want reports a field that is not of the kind that its number has.
func (x *field) want(kind int) error {
	if x.kind != kind {
		return fmt.Errorf("field %d is of kind %d instead of %d", x.number, x.kind, kind)
	}
	return nil
}

// text reads a string.
func (x *field) text(to *string) error {
	if len(x.bytes) > 1<<16 {
		return fmt.Errorf("a name of %d bytes", len(x.bytes))
	}
	*to = string(x.bytes)
	return x.want(many)
}

// texts appends a string.
func (x *field) texts(to *[]string) error {
	var s string
	err := x.text(&s)
	*to = append(*to, s)
	return err
}

// integers appends one or, packed, many.
func (x *field) integers(to *[]int64) error {
	if x.kind == varint {
		*to = append(*to, int64(x.value))
		return nil
	}
	for b := x.bytes; len(b) > 0; {
		v, rest, err := uvarint(b)
		if err != nil {
			return err
		}
		*to = append(*to, int64(v))
		b = rest
	}
	return x.want(many)
}
