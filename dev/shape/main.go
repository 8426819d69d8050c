// Command shape writes a model of a published size with random weights as GGUF, to
// measure how fast it runs:
//
//	go run ./dev/shape -shape 1.1b -format Q8_0 -out 1.1b.gguf
//
// What such a model says means nothing, and it has no tokenizer. With -repeat N it says the
// same N tokens again and again, which shows what guessing can give at best. Start with
// shapes.
package main

import (
	"bufio"
	"errors"
	"flag"
	"log"
	"maps"
	"os"
	"slices"
	"strings"

	"samovar/model"
	"samovar/model/gguf"
)

// shapes are architectures by the number of their weights.
var shapes = map[string]model.Config{
	// llama2.c's largest (karpathy/llama2.c, stories110M).
	"110m": {
		Architecture: model.Llama, Layers: 12, Width: 768, Heads: 12, KVHeads: 12, HeadDim: 64, Hidden: 2048, Vocabulary: 32000, Window: 1024,
		Epsilon: 1e-5, RopeBase: 10000, Tied: true,
	},
	// TinyLlama (arXiv:2401.02385), with a window that 8,192 tokens of prompt fit into.
	"1.1b": {
		Architecture: model.Llama, Layers: 22, Width: 2048, Heads: 32, KVHeads: 4, HeadDim: 64, Hidden: 5632, Vocabulary: 32000, Window: 16384,
		Epsilon: 1e-5, RopeBase: 10000,
	},
}

func main() {
	log.SetFlags(0)
	names := strings.Join(slices.Sorted(maps.Keys(shapes)), " or ")
	shape := flag.String("shape", "", names)
	format := flag.String("format", "Q8_0", "of the matrices, or a mixture such as Q4_K_M")
	out := flag.String("out", "", "file to write")
	repeat := flag.Int("repeat", 0, "tokens that the model says again and again; 0: whatever comes")
	window := flag.Int("window", 0, "tokens that the model can read; 0: as many as its shape says")
	flag.Parse()
	c, ok := shapes[*shape]
	if *window > 0 {
		c.Window = *window
	}
	if !ok || *out == "" {
		log.Fatalf("shape: -shape %s and -out are expected", names)
	}
	if *repeat < 0 || *repeat > c.Vocabulary || *repeat > 0 && c.Tied {
		log.Fatalf("shape: -repeat %d: at most the vocabulary of a model whose output is not its embedding is expected", *repeat)
	}
	f, err := model.ParseFileType(*format)
	if err == nil {
		err = write(*out, c, f, *repeat)
	}
	if err != nil {
		log.Fatalf("write a model of %s weights: %v", *shape, err)
	}
}

// vocabularyless is how llama.cpp calls a model without a tokenizer.
var vocabularyless = []gguf.KV{{Key: "general.name", Value: "random weights"}, {Key: "tokenizer.ggml.model", Value: "no_vocab"}}

func write(path string, c model.Config, format model.FileType, repeat int) (err error) {
	if err := c.Check(); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	err = model.Write(w, c, vocabularyless, format, func(t model.Tensor) ([]float32, error) {
		if repeat > 0 {
			return repeating(c, t, repeat), nil
		}
		return random(t), nil
	})
	return errors.Join(err, w.Flush())
}

func random(t model.Tensor) []float32 {
	weights := make([]float32, t.Rows*t.Cols)
	t.Initialise(weights, 1)
	return weights
}

// repeating are weights of a model in which layers add nothing, so that its last vector is
// the token's embedding, and a token's row of the output is the embedding of the token
// before it in its passage.
func repeating(c model.Config, t model.Tensor, passage int) []float32 {
	switch {
	case strings.HasSuffix(t.Name, "attn_output.weight"), strings.HasSuffix(t.Name, "ffn_down.weight"):
		return make([]float32, t.Rows*t.Cols)
	case t.Name != "output.weight":
		return random(t)
	}
	tensors := c.Tensors()
	embedding := tensors[slices.IndexFunc(tensors, func(t model.Tensor) bool { return t.Name == "token_embd.weight" })]
	rows, weights := random(embedding), make([]float32, t.Rows*t.Cols)
	for id := range t.Rows {
		before := id/passage*passage + (id+passage-1)%passage
		if before < t.Rows {
			copy(weights[id*t.Cols:][:t.Cols], rows[before*t.Cols:])
		}
	}
	return weights
}
