package model_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samovar/infer"
	"samovar/model"
	"samovar/tokenizer"
)

// convert converts a checkpoint and opens what comes of it.
func convert(t *testing.T, checkpoint, tokenizerFile string) *model.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(model.ConvertLlama2C(checkpoint, tokenizerFile, out), out.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := model.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// checkpoint writes a checkpoint of one layer whose numbers count up from 0,
// and a vocabulary of 5 tokens.
func checkpoint(t *testing.T) (weights, vocabulary string) {
	t.Helper()
	header := []int32{8, 12, 1, 2, 1, 5, 16} // dim, hidden, layers, heads, kv heads, tokens, window
	numbers := make([]float32, 5*8+8+8*8+2*4*8+8*8+8+3*12*8+8+16*4)
	for i := range numbers {
		numbers[i] = float32(i)
	}
	var b bytes.Buffer
	put := func(x any) {
		if err := binary.Write(&b, binary.LittleEndian, x); err != nil {
			t.Fatal(err)
		}
	}
	put(header)
	put(numbers)
	dir := t.TempDir()
	save := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		return path
	}
	weights = save("model.bin")
	put(int32(6))
	for i, token := range []string{"<unk>", "\n<s>\n", "\n</s>\n", " ", "a"} {
		put(float32(-i))
		put(int32(len(token)))
		b.WriteString(token)
	}
	return weights, save("tokenizer.bin")
}

func TestConvertLlama2C(t *testing.T) {
	weights, vocabulary := checkpoint(t)
	f := convert(t, weights, vocabulary)
	want := model.Config{
		Architecture: model.Llama, Layers: 1, Width: 8, Heads: 2, KVHeads: 1, HeadDim: 4, Hidden: 12,
		Vocabulary: 5, Window: 16, Epsilon: 1e-5, RopeBase: 10000, Tied: true,
	}
	if f.Config != want {
		t.Errorf("the model is %+v, not %+v", f.Config, want)
	}
	at := 0 // llama2.c's order, in which the numbers count up
	for _, name := range []string{
		"token_embd", "blk.0.attn_norm", "blk.0.attn_q", "blk.0.attn_k", "blk.0.attn_v", "blk.0.attn_output",
		"blk.0.ffn_norm", "blk.0.ffn_gate", "blk.0.ffn_down", "blk.0.ffn_up", "output_norm",
	} {
		x, err := f.Read(name + ".weight")
		if err != nil {
			t.Fatal(err)
		}
		if x[0] != float32(at) || x[len(x)-1] != float32(at+len(x)-1) {
			t.Errorf("%s goes from %g to %g, not from %d to %d", name, x[0], x[len(x)-1], at, at+len(x)-1)
		}
		at += len(x)
	}
	voc, err := tokenizer.FromMetadata(f.Value)
	if err != nil || voc.Size() != 5 || !voc.AddBOS() || voc.BOS() != 1 || voc.Token(4) != "a" {
		t.Errorf("the tokenizer is %v (%v)", voc, err)
	}
}

func TestConvertLlama2CErrors(t *testing.T) {
	weights, vocabulary := checkpoint(t)
	for _, x := range []struct{ weights, vocabulary, expect string }{
		{weights, "", "holds no tokenizer"},
		{weights, weights, "read tokenizer.bin"},
		{vocabulary, vocabulary, "another kind"},
		{weights + "x", vocabulary, "no such file"},
		{weights, vocabulary + "x", "no such file"},
	} {
		var b bytes.Buffer
		if err := model.ConvertLlama2C(x.weights, x.vocabulary, &b); err == nil || !strings.Contains(err.Error(), x.expect) {
			t.Errorf("%s, %s: %v", filepath.Base(x.weights), filepath.Base(x.vocabulary), err)
		} else if b.Len() > 0 {
			t.Errorf("%s, %s: %d bytes are written", filepath.Base(x.weights), filepath.Base(x.vocabulary), b.Len())
		}
	}
}

// TestStories holds greedy text to that of llama2.c's run.c: 200 tokens after
// the one that begins the text.
func TestStories(t *testing.T) {
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("set SAMOVAR_DATA to the folder of data to test with stories260K")
	}
	dir := filepath.Join(data, "weights", "stories260K")
	f := convert(t, filepath.Join(dir, "stories260K.bin"), filepath.Join(dir, "tok512.bin"))
	voc, err := tokenizer.FromMetadata(f.Value)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/stories260k.txt")
	if err != nil {
		t.Fatal(err)
	}
	prompt := voc.Encode([]int32{voc.BOS()}, "Once upon a time")
	for _, dev := range devices(t) {
		weights, err := f.Load(dev)
		if err != nil {
			t.Fatal(err)
		}
		e, err := infer.New(dev, f.Config, weights, infer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ids := slices.Clone(prompt)
		err = e.Generate(infer.Request{Prompt: prompt, MaxTokens: 201 - len(prompt)}, func(x infer.Event) bool {
			if x.Err != nil {
				t.Fatal(x.Err)
			}
			if x.Token != infer.None {
				ids = append(ids, x.Token)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		e.Close()
		if got := fmt.Sprintf("%s\n", voc.Decode(nil, ids)); got != string(want) {
			t.Errorf("%s: %d tokens\n%s\nand run.c writes\n%s", dev.Name(), len(ids), got, want)
		}
	}
}
