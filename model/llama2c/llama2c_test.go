package llama2c

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samovar/model/gguf"
)

// floats returns how many float32 a checkpoint holds after its header.
func floats(dim, hidden, layers, heads, kvHeads, vocab, seqLen int) int {
	tables := vocab
	if vocab < 0 {
		tables = -2 * vocab // embedding and classifier
	}
	kv := dim / heads * kvHeads
	layer := 2*dim + 2*dim*dim + 2*dim*kv + 3*dim*hidden
	return tables*dim + layers*layer + dim + seqLen*dim/heads
}

// checkpoint returns a file whose n floats are 0, 1, 2 …
func checkpoint(n int, header ...int) []byte {
	var b []byte
	for _, v := range header {
		b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
	}
	for i := range n {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(i)))
	}
	return b
}

func read(b []byte) (*File, error) { return Read(bytes.NewReader(b), int64(len(b))) }

// first returns the first float of a tensor, which is its index in the file.
func first(t *testing.T, info gguf.Info) int {
	t.Helper()
	b := make([]byte, info.Size)
	if err := info.Load(b); err != nil {
		t.Fatal(err)
	}
	return int(math.Float32frombits(binary.LittleEndian.Uint32(b)))
}

func TestRead(t *testing.T) {
	shape := []int{8, 12, 2, 4, 2, -5, 16}
	f, err := read(checkpoint(floats(8, 12, 2, 4, 2, -5, 16), shape...))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Header{8, 12, 2, 4, 2, 5, 16, false}); f.Header != want {
		t.Errorf("header %+v, want %+v", f.Header, want)
	}
	type want struct {
		name string
		at   int // floats
		dims []int
	}
	at := 0
	var wants []want
	add := func(name string, dims ...int) {
		wants = append(wants, want{name, at, dims})
		n := 1
		for _, d := range dims {
			n *= d
		}
		at += n
	}
	layers := func(what string, dims ...int) {
		add("blk.0."+what, dims...)
		add("blk.1."+what, dims...)
	}
	add("token_embd.weight", 8, 5)
	layers("attn_norm.weight", 8)
	layers("attn_q.weight", 8, 8)
	layers("attn_k.weight", 8, 4)
	layers("attn_v.weight", 8, 4)
	layers("attn_output.weight", 8, 8)
	layers("ffn_norm.weight", 8)
	layers("ffn_gate.weight", 8, 12)
	layers("ffn_down.weight", 12, 8)
	layers("ffn_up.weight", 8, 12)
	add("output_norm.weight", 8)
	at += 2 * 16 // rotary tables: 16 positions of 1 cosine and 1 sine
	add("output.weight", 8, 5)
	if len(f.Tensors) != len(wants) {
		t.Fatalf("%d tensors, want %d", len(f.Tensors), len(wants))
	}
	for i, w := range wants {
		got, err := f.Tensor(w.name)
		if err != nil {
			t.Fatal(err)
		}
		if f.Tensors[i].Name != w.name || !slices.Equal(got.Dims, w.dims) || got.Type != gguf.F32 || first(t, got) != w.at {
			t.Errorf("tensor %d: %+v at %d, want %+v", i, got, first(t, got), w)
		}
	}
	if _, err := f.Tensor("x"); err == nil {
		t.Error("tensor x is found")
	}
}

func TestShared(t *testing.T) {
	f, err := read(checkpoint(floats(8, 12, 2, 4, 4, 5, 16), 8, 12, 2, 4, 4, 5, 16))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("output.weight"); err == nil || !f.Shared {
		t.Errorf("shared %v, output.weight is there", f.Shared)
	}
}

func TestBad(t *testing.T) {
	n := floats(8, 12, 2, 4, 2, 5, 16)
	ok := checkpoint(n, 8, 12, 2, 4, 2, 5, 16)
	for i := range ok {
		if _, err := read(ok[:i]); err == nil {
			t.Errorf("%d of %d bytes are accepted", i, len(ok))
		}
	}
	const top = math.MaxInt32
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"a byte more":      {append(slices.Clone(ok), 0), "asks for"},
		"dim 0":            {checkpoint(n, 0, 12, 2, 4, 2, 5, 16), "below 1"},
		"hidden -1":        {checkpoint(n, 8, -1, 2, 4, 2, 5, 16), "below 1"},
		"vocabulary -2^31": {checkpoint(n, 8, 12, 2, 4, 2, math.MinInt32, 16), "more than"},
		"3 heads":          {checkpoint(n, 8, 12, 2, 3, 1, 5, 16), "fits no Llama"},
		"odd head":         {checkpoint(n, 8, 12, 2, 8, 2, 5, 16), "fits no Llama"},
		"3 of 4 KV heads":  {checkpoint(n, 8, 12, 2, 4, 3, 5, 16), "fits no Llama"},
		"many layers":      {checkpoint(n, 8, 12, top, 4, 2, 5, 16), "at most 1024 layers"},
		"overflow":         {checkpoint(n, top-1, top, 1024, 1, 1, top, top), "more than"},
		"GGUF":             {append([]byte("GGUF\x03\x00\x00\x00"), make([]byte, 99)...), "below 1"},
		"later":            {append([]byte("24ka\x01\x00\x00\x00"), make([]byte, 99)...), "--version 0"},
	} {
		if _, err := read(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder is opened")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(checkpoint(floats(8, 12, 2, 4, 2, 5, 16), 8, 12, 2, 4, 2, 5, 16))
	f.Add(checkpoint(floats(2, 1, 1, 1, 1, -1, 1), 2, 1, 1, 1, 1, -1, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := read(b)
		if err != nil {
			return
		}
		for _, info := range file.Tensors {
			if err := info.Load(make([]byte, info.Size)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestStories opens a checkpoint that llama2.c's authors trained.
func TestStories(t *testing.T) {
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("SAMOVAR_DATA is not set: it names the folder of large test data")
	}
	f, err := Open(filepath.Join(data, "weights/stories260K/stories260K.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if want := (Header{64, 172, 5, 8, 4, 512, 512, true}); f.Header != want {
		t.Errorf("header %+v, want %+v", f.Header, want)
	}
	parameters := int64(0)
	for _, info := range f.Tensors {
		parameters += info.Size / 4
	}
	if parameters != 260_032 {
		t.Errorf("%d parameters", parameters)
	}
}
