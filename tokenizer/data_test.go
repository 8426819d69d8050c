package tokenizer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// data returns a file of $SAMOVAR_DATA, unpacked, or skips the test.
func data(t testing.TB, name string) []byte {
	t.Helper()
	dir := os.Getenv("SAMOVAR_DATA")
	if dir == "" {
		t.Skip("SAMOVAR_DATA is not set: no vocabularies of others to test with")
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skip(err)
	}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// conform checks t against llama.cpp's pairs of inputs and expected ids.
func conform(t *testing.T, tok *Tokenizer, name string) {
	t.Helper()
	base := "tokenizers/ggml-vocab/vocab/ggml-vocab-" + name + ".gguf"
	inputs := strings.Split(strings.TrimSuffix(string(data(t, base+".inp")), "\n__ggml_vocab_test__\n"), "\n__ggml_vocab_test__\n")
	out := bufio.NewScanner(bytes.NewReader(data(t, base+".out")))
	for i, in := range inputs {
		if !out.Scan() {
			t.Fatalf("%d inputs, %d outputs", len(inputs), i)
		}
		var want []int32
		for _, f := range strings.Fields(out.Text()) {
			var id int32
			if _, err := fmt.Sscan(f, &id); err != nil {
				t.Fatal(err)
			}
			want = append(want, id)
		}
		if got := tok.Encode(nil, in); !slices.Equal(got, want) {
			t.Errorf("%s: %q:\n got %v\nwant %v", name, in, got, want)
		}
	}
}

func TestConformGPT2(t *testing.T) {
	tok, err := FromJSON(data(t, "tokenizers/gpt2/tokenizer.json.gz"), data(t, "tokenizers/gpt2/tokenizer_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	conform(t, tok, "gpt-2")
}

func TestConformQwen2(t *testing.T) {
	tok, err := FromJSON(data(t, "tokenizers/qwen2_5/tokenizer.json.gz"), data(t, "tokenizers/qwen2_5/tokenizer_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	conform(t, tok, "qwen2")
}

// vocabulary reads the vocabulary of a GGUF file of $SAMOVAR_DATA. Those files
// went through a decoder of UTF-8 that put U+FFFD in place of every byte that
// is none, so that counts and scores are lost: the strings are read one after
// another, and scores take the order of ids, which is theirs in the
// vocabularies of Llama 2.
func vocabulary(t *testing.T, name string) map[string]any {
	b := data(t, "tokenizers/ggml-vocab/vocab/ggml-vocab-"+name+".gguf.gz")
	m := map[string]any{}
	after := func(key string) []byte {
		i := bytes.Index(b, []byte("tokenizer.ggml."+key))
		if i < 0 {
			return nil
		}
		return b[i+len("tokenizer.ggml.")+len(key):]
	}
	const zeros = "\x00\x00\x00\x00\x00\x00"
	header := func(b []byte, high byte) bool { // what a size looks like
		return len(b) > 11 && (b[0] < 0x80 && b[1] <= high && string(b[2:8]) == zeros || string(b[:3]) == "\uFFFD" && string(b[4:10]) == zeros)
	}
	size := func(b []byte) (n, width int) {
		switch {
		case !header(b, 4):
			return -1, 0
		case b[0] < 0x80:
			return int(b[0]) + int(b[1])<<8, 8
		}
		for _, high := range []byte{0, 4} {
			for n = 128; n < 256; n++ { // the low byte is lost: try
				if at := 10 + n + int(b[3])<<8; header(b[at:], high) {
					return n + int(b[3])<<8, 10
				}
			}
		}
		return -1, 0
	}
	list := func(key string) (out []string) {
		b := after(key)
		if b == nil {
			return nil
		}
		for b = b[16:]; ; b = b[1:] { // behind types and count, which may be longer than it was
			if n, w := size(b); n > 0 && b[0] != 0 && w == 8 && n < 20 {
				if k, _ := size(b[w+n:]); k > 0 {
					break
				}
			}
		}
		for {
			n, w := size(b)
			if n < 0 || n > len(b)-w || strings.HasPrefix(string(b[w:w+n]), "tokenizer.") {
				return out
			}
			out = append(out, string(b[w:w+n]))
			b = b[w+n:]
		}
	}
	tokens := list("tokens")
	m["tokenizer.ggml.tokens"] = tokens
	m["tokenizer.ggml.merges"] = list("merges")
	types, scores := make([]int32, len(tokens)), make([]float32, len(tokens))
	raw := after("token_type")
	raw = raw[bytes.Index(raw[12:], []byte("\x00\x00\x00\x00"))+12:]
	for raw[0] == 0 {
		raw = raw[1:]
	}
	for i := range types {
		types[i], scores[i] = int32(raw[4*i]), -float32(i)
		if n := strings.Count(tokens[i], "▁"); n > 1 && len(tokens[i]) == 3*n {
			scores[i] = -1e9
		}
	}
	m["tokenizer.ggml.token_type"], m["tokenizer.ggml.scores"] = types, scores
	for _, key := range []string{"model", "pre"} {
		if b := after(key); b != nil {
			n, w := size(b[4:])
			m["tokenizer.ggml."+key] = string(b[4+w : 4+w+n])
		}
	}
	return m
}

func TestConformGGUF(t *testing.T) {
	for _, name := range []string{"gpt-2", "llama-spm", "phi-3", "starcoder", "mpt"} {
		t.Run(name, func(t *testing.T) {
			m := vocabulary(t, name)
			tok, err := FromMetadata(func(key string) (any, bool) { v, ok := m[key]; return v, ok })
			if err != nil {
				t.Fatal(err)
			}
			conform(t, tok, name)
		})
	}
}
