package gguf

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

// referenceMeta and referenceTensors are what testdata/reference.py puts into
// testdata/reference.gguf.
func referenceMeta() []KV {
	return []KV{
		{"general.architecture", "llama"},
		{"t.uint8", uint8(200)},
		{"t.int8", int8(-100)},
		{"t.uint16", uint16(60000)},
		{"t.int16", int16(-30000)},
		{"llama.block_count", uint32(4000000000)},
		{"t.int32", int32(-2000000000)},
		{"t.uint64", uint64(1<<64 - 1)},
		{"t.int64", int64(-1 << 63)},
		{"t.float32", float32(0.1)},
		{"t.float64", 0.1},
		{"t.bool", true},
		{"t.string", "самовар"},
		{"t.strings", []string{"<s>", "", "\n", strings.Repeat("茶", 40)}},
		{"t.ints", []int32{-1, 0, 1<<31 - 1}},
		{"t.floats", []float32{0.5, -1e30}},
		{"t.bools", []bool{true, false}},
		{"t.uint8s", []uint8{1, 2, 255}},
		{"t.uint64s", []uint64{1, 1 << 63}},
	}
}

func referenceTensors() []Tensor {
	ramp := make([]byte, 144)
	for i := range ramp {
		ramp[i] = byte(i)
	}
	return []Tensor{
		tensor("f32", F32, pack([]float32{0, 1, 2, 3, 4, 5}), 3, 2),
		tensor("f16", F16, pack([]uint16{0, 0x3c00, 0x4000, 0x4200, 0x4400}), 5),
		tensor("q8_0", Q8_0, ramp[:136], 64, 2),
		tensor("q4_k", Q4_K, ramp, 256, 1),
		tensor("i64", I64, pack([]int64{0, 1, 2, 3, 4, 5, 6, 7}), 2, 2, 1, 2),
	}
}

func tensor(name string, typ uint32, data []byte, dims ...int) Tensor {
	return Tensor{Name: name, Dims: dims, Type: typ, Data: func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

// pack returns the little-endian bytes of fixed-size values, strings after
// their lengths.
func pack(values ...any) []byte {
	var b []byte
	for _, v := range values {
		if s, ok := v.(string); ok {
			b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
			b = append(b, s...)
			continue
		}
		var err error
		if b, err = binary.Append(b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return b
}

func read(b []byte) (*File, error) { return Read(bytes.NewReader(b), int64(len(b))) }

func mustWrite(t testing.TB, meta []KV, tensors []Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, meta, tensors); err != nil {
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

// TestReference reads what llama.cpp's writer has written, and writes it again
// byte for byte.
func TestReference(t *testing.T) {
	path := filepath.Join("testdata", "reference.gguf")
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Version != 3 || f.Alignment != 32 {
		t.Errorf("version %d, alignment %d", f.Version, f.Alignment)
	}
	if want := referenceMeta(); !reflect.DeepEqual(f.Meta, want) {
		t.Errorf("metadata\n%v, want\n%v", f.Meta, want)
	}
	mapped, err := f.Map()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range referenceTensors() {
		var data bytes.Buffer
		if err := want.Data(&data); err != nil {
			t.Fatal(err)
		}
		info, err := f.Tensor(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		if f.Tensors[i].Name != want.Name || !reflect.DeepEqual(info.Dims, want.Dims) || info.Type != want.Type {
			t.Errorf("tensor %d is %v, want %v", i, info, want)
		}
		if got := load(t, info); !bytes.Equal(got, data.Bytes()) {
			t.Errorf("%s: data %v", want.Name, got)
		}
		if got, err := io.ReadAll(info.Reader()); err != nil || !bytes.Equal(got, data.Bytes()) {
			t.Errorf("%s: read %v, %v", want.Name, got, err)
		}
		if got := mapped[info.Offset:][:info.Size]; !bytes.Equal(got, data.Bytes()) {
			t.Errorf("%s: mapped %v", want.Name, got)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustWrite(t, referenceMeta(), referenceTensors()); !bytes.Equal(got, want) {
		t.Errorf("written again it differs:\n%q, want\n%q", got, want)
	}
}

func TestMapOfReader(t *testing.T) {
	b := mustWrite(t, referenceMeta(), referenceTensors())
	f, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second call returns the same bytes
		if got, err := f.Map(); err != nil || !bytes.Equal(got, b) {
			t.Errorf("map: %d bytes, %v", len(got), err)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestVocabularies opens llama.cpp's test vocabularies, packed or not, and
// writes them again byte for byte.
func TestVocabularies(t *testing.T) {
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("SAMOVAR_DATA is not set: it names the folder of large test data")
	}
	paths, err := filepath.Glob(filepath.Join(data, "tokenizers/ggml-vocab/vocab/*.gguf*"))
	if err != nil || len(paths) == 0 {
		t.Skipf("no vocabularies in %s: %v", data, err)
	}
	for _, path := range paths {
		if !strings.HasSuffix(path, ".gguf") && !strings.HasSuffix(path, ".gz") {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) { testVocabulary(t, path) })
	}
}

func testVocabulary(t *testing.T, path string) {
	b, err := os.ReadFile(path)
	if err == nil && strings.HasSuffix(path, ".gz") {
		var packed io.Reader
		if packed, err = gzip.NewReader(bytes.NewReader(b)); err == nil {
			b, err = io.ReadAll(packed)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := read(b)
	if utf8.Valid(b) { // counts over 127 never are: somebody passed it through a text filter
		if err == nil {
			t.Error("a file damaged in transport is accepted")
		}
		t.Skip("the file has been damaged: every byte that is not UTF-8 was replaced")
	}
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := f.Strings("tokenizer.ggml.tokens")
	types, errTypes := f.Ints("tokenizer.ggml.token_type")
	if err != nil || errTypes != nil || len(tokens) < 30_000 || len(types) != len(tokens) {
		t.Errorf("%d tokens, %d types, %v, %v", len(tokens), len(types), err, errTypes)
	}
	again := mustWrite(t, f.Meta, nil)
	again[4] = b[4] // the version
	if n := len(b); !bytes.Equal(again[:n], b) || len(again) >= n+f.Alignment {
		t.Errorf("written again it differs: %d bytes, %d before", len(again), len(b))
	}
}

func TestVersion2(t *testing.T) {
	b := mustWrite(t, referenceMeta(), referenceTensors())
	b[4] = 2
	f, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	if f.Version != 2 || len(f.Meta) != len(referenceMeta()) || len(f.Tensors) != len(referenceTensors()) {
		t.Errorf("version %d, %d keys, %d tensors", f.Version, len(f.Meta), len(f.Tensors))
	}
}

func TestGetters(t *testing.T) {
	f, err := read(mustWrite(t, append(referenceMeta(),
		KV{"t.uint32s", []uint32{7, 1<<31 - 1}},
		KV{"t.int64s", []int64{-1 << 31}},
		KV{"t.wide", []int64{0, 1 << 40}},
		KV{"t.high", []uint32{1 << 31}},
		KV{"t.none", []int32{}}), nil))
	if err != nil {
		t.Fatal(err)
	}
	get := func(v any, err error) string {
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%T %v", v, v)
	}
	missing := `metadata key "x": missing`
	for _, c := range []struct{ what, got, want string }{
		{"uint of uint8", get(f.Uint("t.uint8")), "uint64 200"},
		{"uint of uint64", get(f.Uint("t.uint64")), "uint64 18446744073709551615"},
		{"uint of int8", get(f.Uint("t.int8")), `metadata key "t.int8" is -100: it may not be negative`},
		{"uint of string", get(f.Uint("t.string")), `metadata key "t.string" holds string: an integer is expected`},
		{"uint of none", get(f.Uint("x")), missing},
		{"int of int16", get(f.Int("t.int16")), "int64 -30000"},
		{"int of uint32", get(f.Int("llama.block_count")), "int64 4000000000"},
		{"int of uint64", get(f.Int("t.uint64")), `metadata key "t.uint64" is 18446744073709551615: it is too large`},
		{"int of float", get(f.Int("t.float32")), `metadata key "t.float32" holds float32: an integer is expected`},
		{"float of float32", get(f.Float("t.float32")), "float64 0.10000000149011612"},
		{"float of float64", get(f.Float("t.float64")), "float64 0.1"},
		{"float of uint8", get(f.Float("t.uint8")), `metadata key "t.uint8" holds uint8: a floating-point number is expected`},
		{"bool", get(f.Bool("t.bool")), "bool true"},
		{"bool of none", get(f.Bool("x")), missing},
		{"string", get(f.String("t.string")), "string самовар"},
		{"string of strings", get(f.String("t.strings")), `metadata key "t.strings" holds []string: a string is expected`},
		{"strings of ints", get(f.Strings("t.ints")), `metadata key "t.ints" holds []int32: an array of strings is expected`},
		{"floats", get(f.Floats("t.floats")), "[]float32 [0.5 -1e+30]"},
		{"ints of int32", get(f.Ints("t.ints")), "[]int32 [-1 0 2147483647]"},
		{"ints of uint32", get(f.Ints("t.uint32s")), "[]int32 [7 2147483647]"},
		{"ints of int64", get(f.Ints("t.int64s")), "[]int32 [-2147483648]"},
		{"ints too wide", get(f.Ints("t.wide")), `metadata key "t.wide": element 1 is 1099511627776, which 32 bits cannot hold`},
		{"ints too high", get(f.Ints("t.high")), `metadata key "t.high": element 0 is 2147483648, which 32 bits cannot hold`},
		{"ints of uint64", get(f.Ints("t.uint64s")), `metadata key "t.uint64s": element 1 is 9223372036854775808, which 32 bits cannot hold`},
		{"ints of uint8", get(f.Ints("t.uint8s")), `metadata key "t.uint8s" holds []uint8: an array of 32- or 64-bit integers is expected`},
		{"no ints", get(f.Ints("t.none")), "[]int32 []"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
	if s, err := f.Strings("t.strings"); err != nil || len(s) != 4 || s[0] != "<s>" || s[1] != "" {
		t.Errorf("strings: %q, %v", s, err)
	}
	if _, err := f.Tensor("x"); !errors.Is(err, ErrMissing) {
		t.Errorf("tensor x: %v", err)
	}
}

// TestSizes compares the table with the sizes that llama.cpp's ggml-common.h
// asserts, as bits per element.
func TestSizes(t *testing.T) {
	want := map[uint32]float64{
		F32: 32, F16: 16, Q4_0: 4.5, Q4_1: 5, Q5_0: 5.5, Q5_1: 6, Q8_0: 8.5, Q8_1: 9,
		Q2_K: 2.625, Q3_K: 3.4375, Q4_K: 4.5, Q5_K: 5.5, Q6_K: 6.5625, Q8_K: 9.125,
		IQ2_XXS: 2.0625, IQ2_XS: 2.3125, IQ3_XXS: 3.0625, IQ1_S: 1.5625, IQ4_NL: 4.5,
		IQ3_S: 3.4375, IQ2_S: 2.5625, IQ4_XS: 4.25, I8: 8, I16: 16, I32: 32, I64: 64,
		F64: 64, IQ1_M: 1.75, BF16: 16, TQ1_0: 1.6875, TQ2_0: 2.0625, MXFP4: 4.25,
		NVFP4: 4.5, Q1_0: 1.125, Q2_0: 2.25,
	}
	for typ := range uint32(64) {
		bits, known := want[typ]
		size, err := Size(typ, []int{256, 3})
		if known != (err == nil) || size != int64(bits*256*3/8) {
			t.Errorf("%s: %d bytes, %v; want %v bits", TypeName(typ), size, err, bits)
		}
	}
	for _, c := range []struct {
		typ  uint32
		dims []int
		want string
	}{
		{Q8_0, []int{33}, "no whole number of Q8_0 blocks"},
		{Q8_0, nil, "no whole number"},
		{F32, []int{1 << 30, 1 << 30, 1 << 30}, "overflows"},
		{F32, []int{-1}, "dimension 0 is -1"},
		{F32, []int{1, 1, 1, 1, 1}, "5 dimensions"},
		{4, []int{32}, "unknown or withdrawn"},
		{1 << 31, []int{32}, "unknown or withdrawn"},
	} {
		if _, err := Size(c.typ, c.dims); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Size(%d, %v): %v, want %q", c.typ, c.dims, err, c.want)
		}
	}
	if n, err := Size(F32, nil); n != 4 || err != nil {
		t.Errorf("a scalar: %d, %v", n, err)
	}
}

// TestCut shortens a file to every length.
func TestCut(t *testing.T) {
	b := mustWrite(t, referenceMeta(), referenceTensors())
	if len(b)%DefaultAlignment != 0 {
		t.Fatalf("%d bytes", len(b))
	}
	for n := range b {
		if _, err := read(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are accepted", n, len(b))
		}
		if _, err := Read(bytes.NewReader(b[:n]), int64(len(b))); err == nil {
			t.Errorf("%d of %d bytes are accepted by a reader that promises all", n, len(b))
		}
	}
}

// head is the head of a file of version 3.
func head(tensors, keys uint64) []byte { return pack([]byte(magic), uint32(3), tensors, keys) }

func TestBad(t *testing.T) {
	const huge = uint64(1<<64 - 1)
	info := func(name string, n uint32, dims []uint64, typ uint32, offset uint64) []byte {
		return pack(name, n, dims, typ, offset)
	}
	one := func(b []byte) []byte { return append(append(head(1, 0), b...), make([]byte, 128)...) }
	two := func(a, b []byte) []byte { return append(append(append(head(2, 0), a...), b...), make([]byte, 256)...) }
	key := func(values ...any) []byte {
		return append(head(0, 1), append(pack(append([]any{"k"}, values...)...), make([]byte, 64)...)...)
	}
	ok := info("a", 1, []uint64{8}, F32, 0)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":               {nil, "do not fit in the 0 bytes"},
		"other magic":         {[]byte("GGML\x03\x00\x00\x00"), `does not begin with "GGUF"`},
		"version 0":           {pack([]byte(magic), uint32(0)), "big-endian"},
		"version 1":           {pack([]byte(magic), uint32(1)), "version 1 is too old"},
		"version 4":           {pack([]byte(magic), uint32(4)), "version 4 is newer"},
		"big endian":          {pack([]byte(magic), uint32(3<<24)), "big-endian"},
		"huge tensor count":   {head(huge, 0), "tensors do not fit"},
		"huge key count":      {head(0, huge), "metadata keys do not fit"},
		"too many keys":       {append(head(0, maxKeys+1), make([]byte, 20*maxKeys)...), "at most 16384"},
		"too many tensors":    {append(head(maxTensors+1, 0), make([]byte, 30*maxTensors)...), "at most 65536"},
		"huge key length":     {append(head(0, 1), pack(huge, make([]byte, 64))...), "at most 65535"},
		"key beyond the end":  {append(head(0, 1), pack(uint64(65535), make([]byte, 64))...), "do not fit"},
		"empty key":           {append(head(0, 1), make([]byte, 64)...), "is empty"},
		"same key":            {append(head(0, 2), pack("k", kindUint8, uint8(1), "k", kindUint8, uint8(2), make([]byte, 9))...), "there twice"},
		"unknown value type":  {key(uint32(13)), "value type 13 is unknown"},
		"array of arrays":     {key(kindArray, kindArray, uint64(1)), "array of arrays"},
		"huge array":          {key(kindArray, kindUint8, huge), "do not fit"},
		"huge string array":   {key(kindArray, kindString, uint64(1<<61)), "strings do not fit"},
		"overflowing array":   {key(kindArray, kindFloat64, uint64(1<<61+1)), "do not fit"},
		"huge string":         {key(kindString, huge), "bytes of a string do not fit"},
		"string sum":          {key(kindArray, kindString, uint64(2), uint64(1), uint8(0), uint64(1<<63)), "bytes of a string do not fit"},
		"bool of 2":           {key(kindBool, uint8(2)), "neither 0 nor 1"},
		"bool of 2 in array":  {key(kindArray, kindBool, uint64(2), uint16(0x200)), "neither 0 nor 1"},
		"alignment 0":         {append(head(0, 1), pack(alignmentKey, kindUint32, uint32(0))...), "power of two"},
		"alignment 24":        {append(head(0, 1), pack(alignmentKey, kindUint32, uint32(24))...), "power of two"},
		"alignment 2^31":      {append(head(0, 1), pack(alignmentKey, kindUint32, uint32(1<<31))...), "power of two"},
		"alignment uint64":    {append(head(0, 1), pack(alignmentKey, kindUint64, uint64(32))...), "uint32 power of two"},
		"alignment string":    {append(head(0, 1), pack(alignmentKey, kindString, "32")...), "uint32 power of two"},
		"huge name":           {one(pack(huge)), "at most 63"},
		"long name":           {one(info(strings.Repeat("n", 64), 1, []uint64{8}, F32, 0)), "at most 63"},
		"empty name":          {one(info("", 1, []uint64{8}, F32, 0)), `name ""`},
		"5 dimensions":        {one(info("a", 5, []uint64{1, 1, 1, 1, 1}, F32, 0)), "5 dimensions"},
		"2^32-1 dimensions":   {one(info("a", 1<<32-1, nil, F32, 0)), "4294967295 dimensions"},
		"dimension -1":        {one(info("a", 1, []uint64{huge}, F32, 0)), "dimension 0 is 18446744073709551615"},
		"product overflow":    {one(info("a", 2, []uint64{1 << 32, 1 << 32}, F32, 0)), "overflows"},
		"product to 0":        {one(info("a", 4, []uint64{1 << 16, 1 << 16, 1 << 16, 1 << 16}, F32, 0)), "overflows"},
		"end overflow":        {two(info("a", 1, []uint64{1<<61 - 1}, F32, 0), info("b", 1, []uint64{8}, F32, 1<<63-4)), "end beyond any file"},
		"type 4":              {one(info("a", 1, []uint64{32}, 4, 0)), "type 4 is unknown"},
		"type 2^32-1":         {one(info("a", 1, []uint64{32}, 1<<32-1, 0)), "type 4294967295 is unknown"},
		"part of a block":     {one(info("a", 1, []uint64{31}, Q4_0, 0)), "no whole number of Q4_0 blocks"},
		"offset -1":           {one(info("a", 1, []uint64{8}, F32, huge)), "beyond any file"},
		"offset of 32":        {one(info("a", 1, []uint64{8}, F32, 32)), "begins at 32, not at 0"},
		"overlap":             {two(ok, info("b", 1, []uint64{8}, F32, 0)), "begins at 0, not at 32"},
		"hole":                {two(ok, info("b", 1, []uint64{8}, F32, 64)), "begins at 64, not at 32"},
		"unaligned":           {two(info("a", 1, []uint64{1}, F32, 0), info("b", 1, []uint64{8}, F32, 4)), "begins at 4, not at 32"},
		"same name":           {two(ok, info("a", 1, []uint64{8}, F32, 32)), "there twice"},
		"data beyond the end": {one(info("a", 1, []uint64{1000}, F32, 0)), "cut or damaged"},
		"exabytes":            {one(info("a", 1, []uint64{1 << 58}, F32, 0)), "cut or damaged"},
		"no data at all":      {append(head(1, 0), info("a", 1, []uint64{0}, F32, 0)...), "cut or damaged"},
	} {
		_, err := read(c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestAllocation gives Read files that cost the most memory for their size and
// checks the promise of twice the size and 16 MiB.
func TestAllocation(t *testing.T) {
	const size = 8 << 20
	fill := func(b []byte) []byte { return append(b, make([]byte, size-len(b))...) }
	manyKeys := head(0, maxKeys)
	for i := range maxKeys {
		manyKeys = append(manyKeys, pack(fmt.Sprint(i), kindArray, kindString, uint64(0))...)
	}
	manyTensors := head(maxTensors, 0)
	for i := range maxTensors {
		manyTensors = append(manyTensors, pack(fmt.Sprint(i), uint32(4), []uint64{0, 0, 0, 0}, F32, uint64(0))...)
	}
	both := append(head(maxTensors, maxKeys), manyKeys[24:]...)
	both = append(both, manyTensors[24:]...)
	both = append(both, make([]byte, 64)...)
	ones := append(head(0, 1), pack("k", kindArray, kindString, uint64(900_000))...)
	for range 900_000 {
		ones = append(ones, pack("x")...)
	}
	for name, file := range map[string][]byte{
		"empty strings": fill(append(head(0, 1), pack("k", kindArray, kindString, uint64(size/8-16))...)),
		"short strings": ones,
		"bytes":         fill(append(head(0, 1), pack("k", kindArray, kindUint8, uint64(size-128))...)),
		"a string":      fill(append(head(0, 1), pack("k", kindString, uint64(size-128))...)),
		"many keys":     manyKeys,
		"many tensors":  append(manyTensors, make([]byte, 64)...),
		"both":          both,
		"huge counts":   head(1<<60, 1<<60),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := read(file)
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(2*len(file)+16<<20); got > most {
			t.Errorf("%s: %d bytes were allocated for a file of %d, at most %d are allowed", name, got, len(file), most)
		} else {
			t.Logf("%s: file %d, allocated %d (%.0f %% of the limit)", name, len(file), got, 100*float64(got)/float64(most))
		}
		if (err != nil) != (name == "huge counts") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// sparse is a file of text and then a terabyte that takes no room on the disk.
type sparse string

func (s sparse) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	if off < int64(len(s)) {
		copy(b, s[off:])
	}
	return len(b), nil
}

func TestSparse(t *testing.T) {
	text := append(head(0, 1), pack("k", kindString, uint64(1<<39))...)
	if _, err := Read(sparse(text), 1<<40); err == nil || !strings.Contains(err.Error(), "do not fit") {
		t.Errorf("a string of half a terabyte: %v", err)
	}
	text = append(head(1, 0), pack("a", uint32(1), uint64(1<<37), F32, uint64(0))...)
	f, err := Read(sparse(text), 1<<40)
	if err != nil || f.Tensors[0].Size != 1<<39 {
		t.Errorf("a tensor of half a terabyte: %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	failing := Tensor{Name: "a", Type: F32, Dims: []int{1}, Data: func(io.Writer) error { return errors.New("no disk") }}
	for name, c := range map[string]struct {
		meta    []KV
		tensors []Tensor
		want    string
	}{
		"empty key":       {[]KV{{"", true}}, nil, "is empty"},
		"same key":        {[]KV{{"a", true}, {"a", true}}, nil, "there twice"},
		"an int":          {[]KV{{"a", 1}}, nil, "no type for a int"},
		"nil":             {[]KV{{"a", nil}}, nil, "no type for a <nil>"},
		"slices":          {[]KV{{"a", [][]string{}}}, nil, "no type for a [][]string"},
		"alignment":       {[]KV{{alignmentKey, uint32(3)}}, nil, "power of two"},
		"empty name":      {nil, []Tensor{tensor("", F32, nil, 0)}, "is empty"},
		"long name":       {nil, []Tensor{tensor(strings.Repeat("n", 64), F32, nil, 0)}, "longer than 63"},
		"same name":       {nil, []Tensor{tensor("a", F32, nil, 0), tensor("a", F32, nil, 0)}, "there twice"},
		"part of a block": {nil, []Tensor{tensor("a", Q6_K, nil, 255)}, "no whole number"},
		"too little data": {nil, []Tensor{tensor("a", F32, make([]byte, 7), 2)}, "1 of its 8 bytes were not written"},
		"too much data":   {nil, []Tensor{tensor("a", F32, make([]byte, 9), 2)}, "1 bytes more than it has"},
		"data fails":      {nil, []Tensor{failing}, "no disk"},
	} {
		if err := Write(io.Discard, c.meta, c.tensors); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	full := &counter{w: io.Discard, left: 100}
	if err := Write(full, referenceMeta(), nil); err == nil {
		t.Error("a writer that fails is not noticed")
	}
}

func TestAlignment(t *testing.T) {
	meta := []KV{{alignmentKey, uint32(4096)}}
	b := mustWrite(t, meta, referenceTensors())
	f, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range f.Tensors {
		if info.Offset%4096 != 0 {
			t.Errorf("%s at %d", info.Name, info.Offset)
		}
	}
	if f.Alignment != 4096 || len(b)%4096 != 0 {
		t.Errorf("alignment %d, %d bytes", f.Alignment, len(b))
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	path := filepath.Join(dir, "text.gguf")
	if err := os.WriteFile(path, []byte("a text, no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a text: %v", err)
	}
}

// FuzzRead: whatever Read accepts, Write writes and Read reads again as equal.
func FuzzRead(f *testing.F) {
	f.Add(mustWrite(f, referenceMeta(), referenceTensors()))
	for _, kv := range referenceMeta() {
		f.Add(mustWrite(f, []KV{kv}, nil))
	}
	f.Add(mustWrite(f, []KV{{alignmentKey, uint32(1)}}, referenceTensors()[:1]))
	f.Add(mustWrite(f, []KV{{alignmentKey, uint32(64)}}, referenceTensors()[1:3]))
	f.Add(head(1<<40, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := read(b)
		if err != nil {
			return
		}
		var tensors []Tensor
		for _, info := range first.Tensors {
			tensors = append(tensors, tensor(info.Name, info.Type, load(t, info), info.Dims...))
		}
		second, err := read(mustWrite(t, first.Meta, tensors))
		if err != nil {
			t.Fatal(err)
		}
		if again := mustWrite(t, second.Meta, tensors); !bytes.Equal(again, mustWrite(t, first.Meta, tensors)) {
			t.Fatalf("metadata %v became %v", first.Meta, second.Meta)
		}
		for i, info := range second.Tensors {
			if !bytes.Equal(load(t, info), load(t, first.Tensors[i])) {
				t.Fatalf("tensor %q changed", info.Name)
			}
		}
	})
}

// BenchmarkTokenizer reads and writes the metadata of a vocabulary of 150,000.
func BenchmarkTokenizer(b *testing.B) {
	words, scores, types := make([]string, 150_000), make([]float32, 150_000), make([]int32, 150_000)
	for i := range words {
		words[i], scores[i], types[i] = fmt.Sprintf("token%d", i), float32(-i), 1
	}
	meta := []KV{{"tokenizer.ggml.tokens", words}, {"tokenizer.ggml.scores", scores}, {"tokenizer.ggml.token_type", types}, {"tokenizer.ggml.merges", words}}
	file := mustWrite(b, meta, nil)
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := read(file); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		b.ReportAllocs()
		for b.Loop() {
			if err := Write(io.Discard, meta, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
