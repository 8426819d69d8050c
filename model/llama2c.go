package model

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"samovar/compute/kernel"
	"samovar/model/gguf"
	"samovar/model/llama2c"
	"samovar/tokenizer"
)

// ConvertLlama2C writes a checkpoint of llama2.c and its tokenizer.bin as GGUF
// in F32. Equal files give equal bytes.
func ConvertLlama2C(checkpoint, tokenizerFile string, out io.Writer) error {
	if err := convertLlama2C(checkpoint, tokenizerFile, out); err != nil {
		return fmt.Errorf("convert the llama2.c checkpoint %s: %w", checkpoint, err)
	}
	return nil
}

func convertLlama2C(checkpoint, tokenizerFile string, out io.Writer) error {
	f, err := llama2c.Open(checkpoint)
	if err != nil {
		return err
	}
	defer f.Close()
	c := llama2cConfig(f.Header)
	if err := c.Check(); err != nil {
		return err
	}
	if tokenizerFile == "" {
		return errors.New("it holds no tokenizer: name the tokenizer.bin that belongs to it")
	}
	text, err := os.ReadFile(tokenizerFile)
	if err != nil {
		return err
	}
	t, err := tokenizer.FromLlama2C(text, f.Vocab)
	if err != nil {
		return fmt.Errorf("%s: %w", tokenizerFile, err)
	}
	meta := t.Metadata()
	var extra []gguf.KV
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		extra = append(extra, gguf.KV{Key: key, Value: meta[key]})
	}
	return Write(out, c, extra, F32, func(t Tensor) ([]float32, error) {
		info, err := f.Tensor(t.Name)
		if err != nil {
			return nil, err
		}
		raw, x := make([]byte, info.Size), make([]float32, info.Size/4)
		if err := info.Load(raw); err != nil {
			return nil, fmt.Errorf("read tensor %s: %w", t.Name, err)
		}
		kernel.Dequantize(kernel.F32, x, raw)
		return x, nil
	})
}

// llama2cConfig adds what every model of llama2.c shares: its run.c has the
// epsilon and the base of rotary positions as constants.
func llama2cConfig(h llama2c.Header) Config {
	return Config{
		Architecture: Llama, Layers: h.Layers, Width: h.Dim, Heads: h.Heads, KVHeads: h.KVHeads, HeadDim: h.Dim / h.Heads,
		Hidden: h.Hidden, Vocabulary: h.Vocab, Window: h.SeqLen, Epsilon: 1e-5, RopeBase: 10000, Tied: h.Shared,
	}
}
