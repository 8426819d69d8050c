package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samovar/compute"
	"samovar/house"
	"samovar/infer"
	"samovar/model"
	"samovar/model/gguf"
)

// greedy is testdata/greedy.json: for each prompt the ids that transformers chose,
// always the likeliest token, with the shipped model's weights in F32
// (testdata/greedy.py).
type greedy []struct {
	Prompt []int32 `json:"prompt"`
	Tokens []int32 `json:"tokens"`
}

// TestGreedy holds 64 tokens after each of 10 prompts to transformers'.
func TestGreedy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f32.gguf")
	writeF32(t, path)
	text, err := os.ReadFile("testdata/greedy.json")
	if err != nil {
		t.Fatal(err)
	}
	var want greedy
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	f, err := model.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dev, err := compute.CPU{}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	weights, err := f.Load(dev)
	if err != nil {
		t.Fatal(err)
	}
	e, err := infer.New(dev, f.Config, weights, infer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if len(want) != 10 {
		t.Fatalf("%d prompts, not 10", len(want))
	}
	for i, w := range want {
		var got []int32
		err := e.Generate(infer.Request{Prompt: w.Prompt, MaxTokens: 64}, func(v infer.Event) bool {
			if v.Token != infer.None {
				got = append(got, v.Token)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Tokens) != 64 || !slices.Equal(got, w.Tokens) {
			t.Errorf("prompt %d: got %v, transformers %v", i, got, w.Tokens)
		}
	}
}

// writeF32 writes the shipped model with every weight as F32.
func writeF32(t *testing.T, path string) {
	t.Helper()
	small := filepath.Join(t.TempDir(), "house.gguf")
	if err := os.WriteFile(small, house.Model(), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := model.Open(small)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var extra []gguf.KV
	for _, kv := range f.Meta {
		if strings.HasPrefix(kv.Key, "tokenizer.") {
			extra = append(extra, kv)
		}
	}
	var b bytes.Buffer
	err = model.Write(&b, f.Config, extra, model.F32, func(x model.Tensor) ([]float32, error) { return f.Read(x.Name) })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
