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
