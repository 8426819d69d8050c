package model_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samovar/compute/kernel"
	"samovar/model"
	"samovar/model/gguf"
)

func TestFileType(t *testing.T) {
	for _, want := range model.FileTypes() {
		got, err := model.ParseFileType(strings.ToLower(want.String()))
		if err != nil || got != want || !got.Known() {
			t.Errorf("%v is parsed as %v, %v", want, got, err)
		}
	}
	if _, err := model.ParseFileType("Q4_K"); err == nil || !strings.Contains(err.Error(), "Q4_K_M, Q4_K_S") {
		t.Error(err)
	}
	if f := model.FileType(999); f.Known() || f.String() != "FileType(999)" {
		t.Error(f)
	}
}

// TestMixtures lists the tensors that are stored in another format than most,
// by llama.cpp's rules (llama_tensor_get_type in its llama-quant.cpp) for a
// model of 16 layers.
func TestMixtures(t *testing.T) {
	llama := model.Config{Architecture: model.Llama, Layers: 16, Width: 512, Heads: 8, KVHeads: 8, HeadDim: 64, Hidden: 1024,
		Vocabulary: 64, Window: 16, Epsilon: 1e-5, RopeBase: 10000}
	tied, grouped, odd, eight := llama, llama, llama, llama
	tied.Tied, tied.Layers = true, 1
	grouped.KVHeads = 2
	odd.Width, odd.Hidden, odd.Layers = 288, 720, 1
	eight.Architecture, eight.Layers = model.Qwen3MoE, 1
	eight.Experts = model.Experts{Count: 8, Used: 2, Hidden: 256, Normalise: true}
	more := []int{0, 1, 4, 7, 10, 13, 14, 15} // the first and last two of 16, every third between
	layers := func(name string, format kernel.Format, which ...int) map[string]kernel.Format {
		all := map[string]kernel.Format{}
		for _, i := range which {
			all[fmt.Sprintf("blk.%d.%s.weight", i, name)] = format
		}
		return all
	}
	every := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	output := map[string]kernel.Format{"output.weight": kernel.Q6_K}
	for _, x := range []struct {
		name string
		c    model.Config
		want model.FileType
		most kernel.Format
		rest []map[string]kernel.Format
	}{
		{"pure", llama, model.Q5_1, kernel.Q5_1, nil},
		{"float", odd, model.BF16, kernel.BF16, nil},
		{"Q6_K", llama, model.Q6_K, kernel.Q6_K, nil},
		{"Q4_K_M", llama, model.Q4_K_M, kernel.Q4_K, []map[string]kernel.Format{output, layers("attn_v", kernel.Q6_K, more...), layers("ffn_down", kernel.Q6_K, more...)}},
		{"Q5_K_M", llama, model.Q5_K_M, kernel.Q5_K, []map[string]kernel.Format{output, layers("attn_v", kernel.Q6_K, more...), layers("ffn_down", kernel.Q6_K, more...)}},
		{"Q4_K_S", llama, model.Q4_K_S, kernel.Q4_K, []map[string]kernel.Format{output, layers("attn_v", kernel.Q5_K, 0, 1, 2, 3), layers("ffn_down", kernel.Q5_K, 0, 1)}},
		{"Q5_K_S", llama, model.Q5_K_S, kernel.Q5_K, []map[string]kernel.Format{output}},
		{"IQ4_XS", llama, model.IQ4_XS, kernel.IQ4_XS, []map[string]kernel.Format{output, layers("ffn_down", kernel.Q5_K, 0, 1)}},
		{"IQ4_NL, grouped", grouped, model.IQ4_NL, kernel.IQ4_NL, []map[string]kernel.Format{output, layers("ffn_down", kernel.Q5_K, 0, 1), layers("attn_v", kernel.Q5_K, every...)}},
		{"Q3_K_S", llama, model.Q3_K_S, kernel.Q3_K, []map[string]kernel.Format{output}},
		{"Q3_K_M", llama, model.Q3_K_M, kernel.Q3_K, []map[string]kernel.Format{output, layers("attn_output", kernel.Q4_K, every...),
			layers("attn_v", kernel.Q4_K, every...), layers("attn_v", kernel.Q5_K, 0, 1), layers("ffn_down", kernel.Q4_K, every...), layers("ffn_down", kernel.Q5_K, 0)}},
		{"Q3_K_L", llama, model.Q3_K_L, kernel.Q3_K, []map[string]kernel.Format{output, layers("attn_output", kernel.Q5_K, every...), layers("attn_v", kernel.Q5_K, every...), layers("ffn_down", kernel.Q5_K, every...)}},
		{"Q2_K", llama, model.Q2_K, kernel.Q2_K, []map[string]kernel.Format{output, layers("attn_output", kernel.Q3_K, every...), layers("attn_v", kernel.Q3_K, every...), layers("ffn_down", kernel.Q3_K, every...)}},
		{"Q2_K, grouped", grouped, model.Q2_K, kernel.Q2_K, []map[string]kernel.Format{output, layers("attn_output", kernel.Q3_K, every...), layers("attn_v", kernel.Q4_K, every...), layers("ffn_down", kernel.Q3_K, every...)}},
		{"tied", tied, model.Q5_K_S, kernel.Q5_K, []map[string]kernel.Format{{"token_embd.weight": kernel.Q6_K}}},
		// 288 and 720 are no multiples of 256, 720 none of 32; attention's 512 is one.
		{"odd rows", odd, model.Q4_K_S, kernel.Q5_0, []map[string]kernel.Format{{"output.weight": kernel.Q8_0, "blk.0.attn_output.weight": kernel.Q4_K,
			"blk.0.attn_v.weight": kernel.Q5_1, "blk.0.ffn_down.weight": kernel.F32}}},
		{"8 experts", eight, model.Q4_K_M, kernel.Q4_K, []map[string]kernel.Format{output, {"blk.0.attn_v.weight": kernel.Q8_0, "blk.0.attn_k.weight": kernel.Q8_0,
			"blk.0.attn_output.weight": kernel.Q5_K, "blk.0.ffn_down_exps.weight": kernel.Q6_K, "blk.0.ffn_gate_inp.weight": kernel.F32}}},
	} {
		for _, tensor := range x.c.Tensors() {
			want := x.most
			if tensor.Vector() {
				want = kernel.F32
			}
			for _, r := range x.rest {
				if f, ok := r[tensor.Name]; ok {
					want = f
				}
			}
			if got := x.c.Format(tensor, x.want); got != want {
				t.Errorf("%s: %s is stored in %v; %v is expected", x.name, tensor.Name, got, want)
			}
		}
	}
}

// wide has rows of whole blocks of every format.
func wide() model.Config {
	return model.Config{Architecture: model.Llama, Layers: 1, Width: 256, Heads: 4, KVHeads: 2, HeadDim: 64, Hidden: 256,
		Vocabulary: 50, Window: 64, Epsilon: 1e-5, RopeBase: 10000}
}

// store writes a model whose matrices all are in one format, and opens it.
func store(t *testing.T, c model.Config, format kernel.Format, weights model.Weights) *model.File {
	t.Helper()
	var tensors []gguf.Tensor
	for _, tensor := range c.Tensors() {
		f := format
		if tensor.Vector() {
			f = kernel.F32
		}
		tensors = append(tensors, gguf.Tensor{Name: tensor.Name, Dims: tensor.Dims(), Type: uint32(f), Data: func(w io.Writer) error {
			x, err := weights(tensor)
			if err != nil {
				return err
			}
			b := make([]byte, f.Bytes(len(x)))
			kernel.Quantize(f, b, x)
			_, err = w.Write(b)
			return err
		}})
	}
	path := filepath.Join(t.TempDir(), "model.gguf")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := gguf.Write(out, c.Metadata(), tensors); err != nil {
		t.Fatal(err)
	}
	f, err := model.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestFormats computes logits from weights in every format: the same bits as
// from the dequantised weights in F32, or, where inputs are quantised as well,
// as close as 8 bits are.
func TestFormats(t *testing.T) {
	c := wide()
	initial := func(t model.Tensor) ([]float32, error) {
		if t.Deviation > 0 {
			t.Deviation *= 4
		}
		w := make([]float32, t.Rows*t.Cols)
		t.Initialise(w, 3)
		return w, nil
	}
	ids := tokens(nil, 24)
	for i := range ids {
		ids[i] %= int32(c.Vocabulary)
	}
	for _, format := range kernel.Formats() {
		f := store(t, c, format, initial)
		if got := f.Quantization(); got != format.String() {
			t.Errorf("%v is called %s", format, got)
		}
		plain := store(t, c, kernel.F32, func(t model.Tensor) ([]float32, error) { return f.Read(t.Name) })
		for i, dev := range devices(t) {
			if i > 0 && format != kernel.Q4_K { // one is enough: the format is the inner device's matter
				continue
			}
			got, want := logits(t, dev, f, ids, []int{1, 7, 16}), logits(t, dev, plain, ids, nil)
			if format.Panels() == kernel.F32 {
				if got = logits(t, dev, f, ids, nil); !slices.Equal(got, want) {
					t.Errorf("%s: logits in %v are not those of the same weights in F32", dev.Name(), format)
				}
				continue
			}
			var spread, worst float64
			for i, w := range want {
				spread, worst = max(spread, math.Abs(float64(w))), max(worst, math.Abs(float64(got[i]-w)))
			}
			if !(worst <= 0.04*spread) {
				t.Errorf("%s: logits in %v differ by %g of a spread of %g", dev.Name(), format, worst, spread)
			}
		}
	}
}

// TestUnread refuses a type of weights that is not read, and names those that
// are.
func TestUnread(t *testing.T) {
	var tensors []gguf.Tensor
	c := wide()
	for _, x := range c.Tensors() {
		typ := gguf.F32
		if x.Name == "blk.0.ffn_up.weight" {
			typ = gguf.IQ2_XXS
		}
		size, err := gguf.Size(typ, x.Dims())
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, gguf.Tensor{Name: x.Name, Dims: x.Dims(), Type: typ, Data: func(w io.Writer) error {
			_, err := w.Write(make([]byte, size))
			return err
		}})
	}
	var b bytes.Buffer
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := errors.Join(gguf.Write(&b, c.Metadata(), tensors), os.WriteFile(path, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	_, err := model.Open(path)
	if err == nil || !strings.Contains(err.Error(), "blk.0.ffn_up.weight is IQ2_XXS, which is not read here: F32, F16, BF16, Q8_0, Q6_K, ") {
		t.Error(err)
	}
}

// TestMemory counts what is packed: panels of as many bits as the format has, or
// few more, and no embedding unless it is the output as well.
func TestMemory(t *testing.T) {
	c := wide()
	zero := func(t model.Tensor) ([]float32, error) { return make([]float32, t.Rows*t.Cols), nil }
	const numbers = 256*256 + 2*128*256 + 256*256 + 3*256*256 + 64*256 // 50 outputs fill 4 panels of 16
	const vectors = 4 * 3 * 256
	for format, want := range map[kernel.Format]int64{
		kernel.F32: 4*numbers + vectors, kernel.BF16: 4*numbers + vectors, kernel.Q5_1: numbers/32*24 + vectors,
		kernel.Q4_0: numbers/32*18 + vectors, kernel.IQ4_NL: numbers/32*18 + vectors, kernel.MXFP4: numbers/32*18 + vectors,
		kernel.Q2_K: numbers/256*100 + vectors, kernel.Q3_K: numbers/256*114 + vectors, kernel.Q4_K: numbers/256*148 + vectors,
		kernel.Q5_K: numbers/256*180 + vectors, kernel.Q6_K: numbers/256*210 + vectors, kernel.IQ4_XS: numbers/256*138 + vectors,
	} {
		if got := store(t, c, format, zero).Memory(); got != want {
			t.Errorf("weights in %v take %d bytes; %d are expected", format, got, want)
		}
	}
	c.Tied = true
	if got := store(t, c, kernel.Q8_0, zero).Memory(); got != numbers/32*34+vectors {
		t.Errorf("tied weights take %d bytes", got)
	}
}

// TestQuantization names files by their file type where they are mixtures.
func TestQuantization(t *testing.T) {
	for _, want := range model.FileTypes() {
		c := wide()
		path := filepath.Join(t.TempDir(), "model.gguf")
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		err = model.Write(out, c, nil, want, func(t model.Tensor) ([]float32, error) { return make([]float32, t.Rows*t.Cols), nil })
		if err != nil {
			t.Fatal(err)
		}
		f, err := model.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Quantization(); got != want.String() {
			t.Errorf("a file of %v is called %s", want, got)
		}
		f.Close()
	}
}
