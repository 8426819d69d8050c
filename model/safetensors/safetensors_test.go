package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// referenceTensors are those that testdata/reference.py writes, in another
// order than that of the file.
func referenceTensors() []Tensor {
	shapes := []struct {
		name, dtype string
		shape       []int
	}{
		{"z.f32", F32, []int{2, 3}}, {"a.f32", F32, []int{5}}, {"f64", F64, []int{1}},
		{"f16", F16, []int{3}}, {"bf16", BF16, []int{2, 2, 1}}, {"i64", I64, []int{2}},
		{"u64", U64, []int{1}}, {"i32", I32, []int{1}}, {"u32", U32, []int{1}},
		{"i16", I16, []int{1}}, {"u16", U16, []int{1}}, {"i8", I8, []int{3}},
		{"u8", U8, []int{3}}, {"bool", BOOL, []int{2}}, {"e4m3", F8_E4M3, []int{2}},
		{"e5m2", F8_E5M2, []int{2}}, {"e8m0", F8_E8M0, []int{2}},
		{"e4m3fnuz", F8_E4M3FNUZ, []int{2}}, {"e5m2fnuz", F8_E5M2FNUZ, []int{2}},
		{"c64", C64, []int{1}}, {"scalar", F32, []int{}}, {"none", F32, []int{0, 7}},
		{"чай \"<&>\"\n\x01", U8, []int{1}},
	}
	var all []Tensor
	for _, s := range shapes {
		size, err := Size(s.dtype, s.shape)
		if err != nil {
			panic(err)
		}
		all = append(all, tensor(s.name, s.dtype, ramp(int(size)), s.shape...))
	}
	return all
}

var referenceMetadata = map[string]string{"format": "самовар"}

func ramp(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

func tensor(name, dtype string, data []byte, shape ...int) Tensor {
	return Tensor{Name: name, DType: dtype, Shape: shape, Data: func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

func read(b []byte) (*File, error) { return Read(bytes.NewReader(b), int64(len(b))) }

func mustWrite(t testing.TB, metadata map[string]string, tensors []Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func load(t testing.TB, info Info) []byte {
	t.Helper()
	b := make([]byte, info.Size)
	if err := info.Load(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// file returns a file with that header and n bytes of data.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

// TestReference reads what the reference implementation has written, and
// writes it again byte for byte.
func TestReference(t *testing.T) {
	path := filepath.Join("testdata", "reference.safetensors")
	m, err := OpenModel(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := m.Files[0].Metadata; !maps.Equal(got, referenceMetadata) {
		t.Errorf("metadata %v", got)
	}
	tensors := referenceTensors()
	if len(m.Tensors) != len(tensors) {
		t.Errorf("%d tensors, want %d", len(m.Tensors), len(tensors))
	}
	for _, want := range tensors {
		got, err := m.Tensor(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		same, err := m.Files[0].Tensor(want.Name)
		if err != nil || !reflect.DeepEqual(got, same) {
			t.Errorf("%q: the model has %v, the file %v, %v", want.Name, got, same, err)
		}
		if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(load(t, got), ramp(int(got.Size))) {
			t.Errorf("%q: %v, want %v", want.Name, got, want)
		}
		if b, err := io.ReadAll(got.Reader()); err != nil || !bytes.Equal(b, ramp(int(got.Size))) {
			t.Errorf("%q: read %v, %v", want.Name, b, err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustWrite(t, referenceMetadata, tensors); !bytes.Equal(got, want) {
		t.Errorf("written again it differs:\n%q, want\n%q", got, want)
	}
}

func TestCut(t *testing.T) {
	b := mustWrite(t, referenceMetadata, referenceTensors())
	for n := range b {
		if _, err := read(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are accepted", n, len(b))
		}
	}
	if _, err := read(append(slices.Clone(b), 0)); err == nil {
		t.Error("a byte too many is accepted")
	}
	if _, err := Read(bytes.NewReader(b[:50]), int64(len(b))); err == nil {
		t.Error("a reader that ends early is accepted")
	}
}

func TestBad(t *testing.T) {
	const a4 = `"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`
	for header, want := range map[string]string{
		``:                                    `does not begin with "{"`,
		` {}`:                                 `does not begin with "{"`,
		`[]`:                                  `does not begin with "{"`,
		`{`:                                   `'"' is expected`,
		`{}}`:                                 "goes on after its end",
		"{}\x00":                              "goes on after its end",
		`{` + a4 + `,}`:                       `'"' is expected`,
		`{` + a4 + `,` + a4 + `}`:             "there twice",
		`{` + a4 + `,"\u0061"` + a4[3:] + `}`: "there twice",
		`{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`:        "same field twice",
		`{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}`:          "same field twice",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"data_offsets":[0,4]}}`: "same field twice",
		`{"a":{"dtype":"F32","shape":[1]}}`:                                           "lacks",
		`{"a":{"dtype":"F32","data_offsets":[0,4]}}`:                                  "lacks",
		`{"a":{"shape":[1],"data_offsets":[0,4]}}`:                                    "lacks",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`:                "unknown field",
		`{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}`:                      `dtype "F33" is unknown`,
		`{"a":{"dtype":null,"shape":[1],"data_offsets":[0,4]}}`:                       `'"' is expected`,
		`{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}`:                    `']' is expected`,
		`{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}`:                    `']' is expected`,
		`{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}`:                     "begins with 0",
		`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`:                     "not negative",
		`{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}`:                    "not negative",
		`{"a":{"dtype":"F32","shape":[1,],"data_offsets":[0,4]}}`:                     "not negative",
		`{"a":{"dtype":"F32","shape":[1 1],"data_offsets":[0,4]}}`:                    `']' is expected`,
		`{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}`:                        `'[' is expected`,
		`{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}`:      "more than 8 dimensions",
		`{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}`:    "over 9223372036854775807",
		`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`:  "overflows",
		`{"a":{"dtype":"U8","shape":[2305843009213693952],"data_offsets":[0,4]}}`:     "overflows",
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`:                      "takes 8 bytes, its offsets span 4",
		`{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}`:                       "no whole number of bytes",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`:                        `',' is expected`,
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}`:                    `']' is expected`,
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`:                      "span -4",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`:                      "begins at 4, not at 0",
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`:                      "cut or damaged",
		`{` + a4 + `,"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`:           "begins at 0, not at 4",
		`{` + a4 + `,"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`:           "begins at 2, not at 4",
		`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`:                       "the tensors end at byte",
		`{}`:                                    "the tensors end at byte",
		`{"a":1}`:                               `'{' is expected`,
		`{"__metadata__":1}`:                    `'{' is expected`,
		`{"__metadata__":{"a":1}}`:              `'"' is expected`,
		`{"__metadata__":{"a":{}}}`:             `'"' is expected`,
		`{"__metadata__":{"a":"","a":""}}`:      "there twice",
		`{"__metadata__":{},"__metadata__":{}}`: "there twice",
		"{\"a\xff\":":                           "not UTF-8",
		"{\"a\n\":":                             "control character",
		`{"a\x":`:                               "unknown escape",
		`{"\u12`:                                "does not end",
		`{"\u12"`:                               "unknown escape",
		`{"\ud800"`:                             "unknown escape",
		`{"\ud800\u0061"`:                       "unknown escape",
		`{"\udc00\ud800"`:                       "unknown escape",
		`{"\u+123"`:                             "unknown escape",
		`{"a\`:                                  "does not end",
		`{"a`:                                   "does not end",
	} {
		if _, err := read(file(header, 4)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", header, err, want)
		}
	}
	for length, want := range map[uint64]string{
		maxHeader + 1: "a header of", 1 << 63: "a header of", 1<<64 - 1: "a header of", 93: "a header of",
	} {
		b := file(strings.Repeat(" ", 92), 0)
		binary.LittleEndian.PutUint64(b, length)
		if _, err := read(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a header of %d bytes: %v", length, err)
		}
	}
}

// TestAccepted holds headers that are unusual and right.
func TestAccepted(t *testing.T) {
	for header, name := range map[string]string{
		"{\"a\" : {\t\"data_offsets\":[ 0 , 4 ],\r\n\"shape\":[ ] ,\"dtype\":\"F32\"} } \n": "a",
		`{"\ud83e\uded6\u00e9\/\"\\":{"dtype":"F4","shape":[2,4],"data_offsets":[0,4]}}`:    "🫖é/\"\\",
		`{"":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`:                              "",
	} {
		f, err := read(file(header, 4))
		if err != nil {
			t.Errorf("%s: %v", header, err)
			continue
		}
		if _, err := f.Tensor(name); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
	if f, err := read(file(`{}`, 0)); err != nil || len(f.Tensors) != 0 {
		t.Errorf("no tensors: %v", err)
	}
}

// TestAllocation gives Read files that cost the most memory for their size and
// checks the promise of twice the size and 16 MiB.
func TestAllocation(t *testing.T) {
	list := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			if fmt.Fprintf(&b, format, i); i < n-1 {
				b.WriteByte(',')
			}
		}
		return b.String()
	}
	const tensorFormat = `"%x":{"dtype":"U8","shape":[0,0,0,0,0],"data_offsets":[0,0]}`
	escaped := `{"\n` + strings.Repeat("a", 8<<20) + `":`
	for name, c := range map[string]struct {
		header string
		ok     bool
	}{
		"tensors":      {`{` + list(maxTensors, tensorFormat) + `}`, true},
		"both":         {`{"__metadata__":{` + list(maxMetadata, `"%x":""`) + `},` + list(maxTensors, tensorFormat) + `}`, true},
		"too many":     {`{` + list(maxTensors+1, tensorFormat) + `}`, false},
		"metadata":     {`{"__metadata__":{` + list(maxMetadata+1, `"%x":""`) + `}}`, false},
		"escaped name": {escaped, false},
		"dimensions":   {`{"a":{"shape":[` + list(1<<20, "%d") + `]}}`, false},
		"brackets":     {`{"a":` + strings.Repeat("[", 1<<22), false},
	} {
		b := file(c.header, 0)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := read(b)
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(2*len(b)+16<<20); got > most {
			t.Errorf("%s: %d bytes were allocated for a file of %d, at most %d are allowed", name, got, len(b), most)
		} else {
			t.Logf("%s: file %d, allocated %d (%.0f %% of the limit)", name, len(b), got, 100*float64(got)/float64(most))
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	failing := Tensor{Name: "a", DType: F32, Data: func(io.Writer) error { return errors.New("no disk") }}
	for name, c := range map[string]struct {
		metadata map[string]string
		tensors  []Tensor
		want     string
	}{
		"same name":       {nil, []Tensor{tensor("a", F32, nil, 0), tensor("a", F16, nil, 0)}, "there twice"},
		"reserved name":   {nil, []Tensor{tensor(metadataKey, F32, nil, 0)}, "reserved"},
		"name":            {nil, []Tensor{tensor("\xff", F32, nil, 0)}, "not UTF-8"},
		"metadata":        {map[string]string{"a": "\xff"}, nil, "not UTF-8"},
		"dtype":           {nil, []Tensor{tensor("a", "F128", nil, 0)}, "unknown"},
		"negative":        {nil, []Tensor{tensor("a", F32, nil, -1)}, "dimension 0 is -1"},
		"dimensions":      {nil, []Tensor{tensor("a", F32, nil, make([]int, 9)...)}, "9 dimensions"},
		"too little data": {nil, []Tensor{tensor("a", F32, make([]byte, 7), 2)}, "1 of its 8 bytes were not written"},
		"too much data":   {nil, []Tensor{tensor("a", F32, make([]byte, 9), 2)}, "more bytes than"},
		"data fails":      {nil, []Tensor{failing}, "no disk"},
	} {
		if err := Write(io.Discard, c.metadata, c.tensors); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	full := &counter{w: io.Discard, left: 100}
	if err := Write(full, nil, referenceTensors()); err == nil {
		t.Error("a writer that fails is not noticed")
	}
}

// FuzzRead: whatever Read accepts, Write writes and Read reads again as equal.
// The length before the header is always right, as most inputs would not come
// past it otherwise.
func FuzzRead(f *testing.F) {
	reference := mustWrite(f, referenceMetadata, referenceTensors())
	end := lengthSize + binary.LittleEndian.Uint64(reference)
	f.Add(string(reference[lengthSize:end]), reference[end:])
	f.Add(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, ramp(4))
	f.Add(`{"__metadata__":{"\u00e9\ud83e\uded6":"\n"}}  `, []byte{})
	f.Add(`{"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},"a":{"dtype":"F4","shape":[4],"data_offsets":[0,2]}}`, ramp(2))
	f.Fuzz(func(t *testing.T, header string, data []byte) {
		b := append(file(header, 0), data...)
		first, err := read(b)
		if err != nil {
			return
		}
		var tensors []Tensor
		for _, info := range first.Tensors {
			tensors = append(tensors, tensor(info.Name, info.DType, load(t, info), info.Shape...))
		}
		second, err := read(mustWrite(t, first.Metadata, tensors))
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(first.Metadata, second.Metadata) || len(first.Tensors) != len(second.Tensors) {
			t.Fatalf("metadata %q, %d tensors became %q, %d", first.Metadata, len(first.Tensors), second.Metadata, len(second.Tensors))
		}
		for _, want := range first.Tensors {
			got, err := second.Tensor(want.Name)
			if err != nil || got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(load(t, got), load(t, want)) {
				t.Fatalf("%v became %v, %v", want, got, err)
			}
		}
	})
}
