package ros

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
)

// XCDR1 (OMG DDS-XTypes 1.3, section 7.4.1), little-endian: four bytes say so, numbers
// are aligned to their size after these, strings have their length with the zero that
// ends them, sequences their length.
var encapsulation = [4]byte{0, 1, 0, 0}

// Append appends a message as it is on the wire. m points to it, so that nothing is
// copied.
func Append(dst []byte, m Message) []byte {
	dst = append(dst, encapsulation[:]...)
	e := encoder{dst, len(dst)}
	e.value(reflect.Indirect(reflect.ValueOf(m)))
	return e.dst
}

type encoder struct {
	dst   []byte
	start int // from where it is aligned
}

func (e *encoder) align(size int) {
	for (len(e.dst)-e.start)%size != 0 {
		e.dst = append(e.dst, 0)
	}
}

// number appends the lowest bytes of a number.
func (e *encoder) number(v uint64, size int) {
	e.align(size)
	switch size {
	case 1:
		e.dst = append(e.dst, byte(v))
	case 2:
		e.dst = binary.LittleEndian.AppendUint16(e.dst, uint16(v))
	case 4:
		e.dst = binary.LittleEndian.AppendUint32(e.dst, uint32(v))
	case 8:
		e.dst = binary.LittleEndian.AppendUint64(e.dst, v)
	}
}

func (e *encoder) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		b := uint64(0)
		if v.Bool() {
			b = 1
		}
		e.number(b, 1)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.number(uint64(v.Int()), int(v.Type().Size()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		e.number(v.Uint(), int(v.Type().Size()))
	case reflect.Float32:
		e.number(uint64(math.Float32bits(float32(v.Float()))), 4)
	case reflect.Float64:
		e.number(math.Float64bits(v.Float()), 8)
	case reflect.String:
		e.number(uint64(v.Len()+1), 4)
		e.dst = append(append(e.dst, v.String()...), 0)
	case reflect.Slice:
		e.number(uint64(v.Len()), 4)
		e.elements(v)
	case reflect.Array:
		e.elements(v)
	case reflect.Struct:
		for i := range v.NumField() {
			e.value(v.Field(i))
		}
	default:
		panic(fmt.Sprintf("ros: no message has a field of type %v", v.Type())) // of this package's own structs
	}
}

func (e *encoder) elements(v reflect.Value) {
	for i := range v.Len() {
		e.value(v.Index(i))
	}
}

// Decode reads a message into what m points to. Slices that are there are used again.
func Decode(data []byte, m Message) error {
	to := reflect.ValueOf(m)
	if to.Kind() != reflect.Pointer {
		return fmt.Errorf("read a %s: it is not given as a pointer", m.MessageType())
	}
	if len(data) < len(encapsulation) || data[0] != 0 || data[1] > 1 {
		return fmt.Errorf("read a %s: its encoding is not XCDR1", m.MessageType())
	}
	d := decoder{left: data[len(encapsulation):], order: binary.LittleEndian}
	if data[1] == 0 {
		d.order = binary.BigEndian
	}
	d.size = len(d.left)
	if err := d.value(to.Elem()); err != nil {
		return fmt.Errorf("read a %s: %w", m.MessageType(), err)
	}
	return nil
}

type decoder struct {
	left  []byte
	size  int // of all, to know where it is aligned
	order binary.ByteOrder
}

var errShort = errors.New("it ends too early")

func (d *decoder) bytes(n int) ([]byte, error) {
	if n > len(d.left) {
		return nil, errShort
	}
	b := d.left[:n]
	d.left = d.left[n:]
	return b, nil
}

func (d *decoder) number(size int) (uint64, error) {
	if _, err := d.bytes(-(d.size - len(d.left)) & (size - 1)); err != nil {
		return 0, err
	}
	b, err := d.bytes(size)
	if err != nil {
		return 0, err
	}
	switch size {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(d.order.Uint16(b)), nil
	case 4:
		return uint64(d.order.Uint32(b)), nil
	}
	return d.order.Uint64(b), nil
}

func (d *decoder) value(v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		return d.text(v)
	case reflect.Slice:
		return d.sequence(v)
	case reflect.Array:
		return d.elements(v)
	case reflect.Struct:
		for i := range v.NumField() {
			if err := d.value(v.Field(i)); err != nil {
				return fmt.Errorf("%s: %w", fieldName(v.Type().Field(i).Name), err)
			}
		}
		return nil
	}
	n, err := d.number(int(v.Type().Size()))
	if err != nil {
		return err
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(n != 0)
	case reflect.Int8:
		v.SetInt(int64(int8(n)))
	case reflect.Int16:
		v.SetInt(int64(int16(n)))
	case reflect.Int32:
		v.SetInt(int64(int32(n)))
	case reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Float32:
		v.SetFloat(float64(math.Float32frombits(uint32(n))))
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(n))
	default:
		v.SetUint(n)
	}
	return nil
}

// text reads a string. One that is as before is not made again.
func (d *decoder) text(v reflect.Value) error {
	n, err := d.number(4)
	if err != nil {
		return err
	}
	if n == 0 { // some writers leave the zero out of an empty one
		v.SetString("")
		return nil
	}
	b, err := d.bytes(int(n))
	if err != nil {
		return err
	}
	if b = b[:n-1]; v.String() != string(b) {
		v.SetString(string(b))
	}
	return nil
}

// sequence reads a slice, whose length is checked against what is left.
func (d *decoder) sequence(v reflect.Value) error {
	n, err := d.number(4)
	if err != nil {
		return err
	}
	if n > uint64(len(d.left)/least(v.Type().Elem())) {
		return errShort
	}
	if int(n) > v.Cap() {
		v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	}
	v.SetLen(int(n))
	return d.elements(v)
}

// least is how many bytes a value has at least.
func least(t reflect.Type) int {
	switch t.Kind() {
	case reflect.String, reflect.Slice:
		return 4
	case reflect.Array:
		return t.Len() * least(t.Elem())
	case reflect.Struct:
		n := 0
		for i := range t.NumField() {
			n += least(t.Field(i).Type)
		}
		return n
	}
	return int(t.Size())
}

func (d *decoder) elements(v reflect.Value) error {
	for i := range v.Len() {
		if err := d.value(v.Index(i)); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}
