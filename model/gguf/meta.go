package gguf

import (
	"fmt"
	"math"
	"reflect"
)

// Value returns the value of a key as [KV] describes it.
func (f *File) Value(key string) (value any, ok bool) {
	i, ok := f.keys[key]
	if !ok {
		return nil, false
	}
	return f.Meta[i].Value, true
}

// get returns the value of a key for a caller that cannot do without.
func (f *File) get(key string) (any, error) {
	v, ok := f.Value(key)
	if !ok {
		return nil, fmt.Errorf("metadata key %q: %w", key, ErrMissing)
	}
	return v, nil
}

func wrongType(key string, found any, want string) error {
	return fmt.Errorf("metadata key %q holds %T: %s is expected", key, found, want)
}

// exact returns the value of a key that has to be of type T.
func exact[T any](f *File, key, want string) (T, error) {
	v, err := f.get(key)
	if err != nil {
		return *new(T), err
	}
	x, ok := v.(T)
	if !ok {
		return *new(T), wrongType(key, v, want)
	}
	return x, nil
}

// Uint returns the value of a key that holds an integer of any width, not
// negative. Like every getter it fails with [ErrMissing] if there is no such
// key.
func (f *File) Uint(key string) (uint64, error) {
	v, err := f.get(key)
	if err != nil {
		return 0, err
	}
	switch r := reflect.ValueOf(v); {
	case r.CanUint():
		return r.Uint(), nil
	case r.CanInt() && r.Int() >= 0:
		return uint64(r.Int()), nil
	case r.CanInt():
		return 0, fmt.Errorf("metadata key %q is %d: it may not be negative", key, r.Int())
	}
	return 0, wrongType(key, v, "an integer")
}

// Int returns the value of a key that holds an integer of any width.
func (f *File) Int(key string) (int64, error) {
	v, err := f.get(key)
	if err != nil {
		return 0, err
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return r.Int(), nil
	case r.CanUint() && r.Uint() <= math.MaxInt64:
		return int64(r.Uint()), nil
	case r.CanUint():
		return 0, fmt.Errorf("metadata key %q is %d: it is too large", key, r.Uint())
	}
	return 0, wrongType(key, v, "an integer")
}

// Float returns the value of a key that holds a float32 or float64.
func (f *File) Float(key string) (float64, error) {
	v, err := f.get(key)
	if err != nil {
		return 0, err
	}
	if r := reflect.ValueOf(v); r.CanFloat() {
		return r.Float(), nil
	}
	return 0, wrongType(key, v, "a floating-point number")
}

// Bool returns the value of a key that holds a bool.
func (f *File) Bool(key string) (bool, error) { return exact[bool](f, key, "a bool") }

// String returns the value of a key that holds a string, which need not be
// valid UTF-8.
func (f *File) String(key string) (string, error) { return exact[string](f, key, "a string") }

// Strings returns the value of a key that holds an array of strings. The slice
// belongs to f.
func (f *File) Strings(key string) ([]string, error) {
	return exact[[]string](f, key, "an array of strings")
}

// Floats returns the value of a key that holds an array of float32. The slice
// belongs to f.
func (f *File) Floats(key string) ([]float32, error) {
	return exact[[]float32](f, key, "an array of float32")
}

// Ints returns the value of a key that holds an array of integers of 32 or 64
// bits, every one of which has to fit in an int32. The slice may belong to f.
func (f *File) Ints(key string) ([]int32, error) {
	v, err := f.get(key)
	if err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case []int32:
		return x, nil
	case []uint32:
		return narrow(key, x)
	case []int64:
		return narrow(key, x)
	case []uint64:
		return narrow(key, x)
	}
	return nil, wrongType(key, v, "an array of 32- or 64-bit integers")
}

func narrow[T uint32 | int64 | uint64](key string, in []T) ([]int32, error) {
	out := make([]int32, len(in))
	for i, x := range in {
		if out[i] = int32(x); T(out[i]) != x || (out[i] < 0) != (x < 0) {
			return nil, fmt.Errorf("metadata key %q: element %d is %d, which 32 bits cannot hold", key, i, x)
		}
	}
	return out, nil
}
