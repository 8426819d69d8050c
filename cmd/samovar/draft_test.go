package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"samovar/compute"
	"samovar/house"
	"samovar/model"
	"samovar/model/gguf"
)

// TestLoadRefusals asserts that what cannot be served is an error and closes its file: a
// model without a tokenizer, and one whose draft has none.
func TestLoadRefusals(t *testing.T) {
	dir := t.TempDir()
	shipped, mute := filepath.Join(dir, "house.gguf"), filepath.Join(dir, "mute.gguf")
	if err := os.WriteFile(shipped, house.Model(), 0o644); err != nil {
		t.Fatal(err)
	}
	c := model.Derive(1, 64)
	c.Window = 16
	f, err := os.Create(mute)
	if err != nil {
		t.Fatal(err)
	}
	err = model.Write(f, c, []gguf.KV{{Key: "tokenizer.ggml.model", Value: "no_vocab"}}, model.F32, func(t model.Tensor) ([]float32, error) {
		return make([]float32, t.Rows*t.Cols), nil
	})
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	dev, err := compute.CPU{}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	for _, x := range []struct{ path, draft, want string }{{mute, "", "no_vocab"}, {shipped, mute, "load the draft " + mute}} {
		f, err := model.Open(x.path)
		if err != nil {
			t.Fatal(err)
		}
		l, err := (&store{}).load(dev, f, serving{draft: x.draft})
		if l != nil || err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s with draft %q: %v, %v", x.path, x.draft, l, err)
		}
	}
}
