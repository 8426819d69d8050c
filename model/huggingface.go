package model

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"samovar/compute/kernel"
	"samovar/model/safetensors"
)

// WriteHuggingFace writes f into the folder dir, which it makes, as Hugging
// Face's transformers load it: model.safetensors in F32, config.json,
// generation_config.json and, where f has a tokenizer, tokenizer.json and
// tokenizer_config.json. Memory: some megabytes, whatever the size of the
// model. Equal models give equal bytes. The norms within latent attention have
// an epsilon of 1e-6 there, whatever f says.
func WriteHuggingFace(dir string, f *File) error {
	if err := writeHuggingFace(dir, f); err != nil {
		return fmt.Errorf("write %s for Hugging Face: %w", dir, err)
	}
	return nil
}

func writeHuggingFace(dir string, f *File) error {
	settings, err := f.huggingFaceFiles()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for name, content := range settings {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			return err
		}
	}
	file, err := os.Create(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	err = safetensors.Write(w, map[string]string{"format": "pt"}, f.huggingFaceTensors())
	return errors.Join(err, w.Flush(), file.Close())
}

// huggingFaceNames gives the names that tensors of a layer have there; %d is an
// expert's number. attn_k_b and attn_v_b together are kv_b_proj.
var huggingFaceNames = map[string]string{
	"attn_norm.weight":      "input_layernorm.weight",
	"attn_q.weight":         "self_attn.q_proj.weight",
	"attn_k.weight":         "self_attn.k_proj.weight",
	"attn_v.weight":         "self_attn.v_proj.weight",
	"attn_q_norm.weight":    "self_attn.q_norm.weight",
	"attn_k_norm.weight":    "self_attn.k_norm.weight",
	"attn_q_a.weight":       "self_attn.q_a_proj.weight",
	"attn_q_a_norm.weight":  "self_attn.q_a_layernorm.weight",
	"attn_q_b.weight":       "self_attn.q_b_proj.weight",
	"attn_kv_a_mqa.weight":  "self_attn.kv_a_proj_with_mqa.weight",
	"attn_kv_a_norm.weight": "self_attn.kv_a_layernorm.weight",
	"attn_k_b.weight":       "self_attn.kv_b_proj.weight",
	"attn_output.weight":    "self_attn.o_proj.weight",
	"ffn_norm.weight":       "post_attention_layernorm.weight",
	"ffn_gate.weight":       "mlp.gate_proj.weight",
	"ffn_up.weight":         "mlp.up_proj.weight",
	"ffn_down.weight":       "mlp.down_proj.weight",
	"ffn_gate_inp.weight":   "mlp.gate.weight",
	"exp_probs_b.bias":      "mlp.gate.e_score_correction_bias",
	"ffn_gate_exps.weight":  "mlp.experts.%d.gate_proj.weight",
	"ffn_up_exps.weight":    "mlp.experts.%d.up_proj.weight",
	"ffn_down_exps.weight":  "mlp.experts.%d.down_proj.weight",
	"ffn_gate_shexp.weight": "mlp.shared_experts.gate_proj.weight",
	"ffn_up_shexp.weight":   "mlp.shared_experts.up_proj.weight",
	"ffn_down_shexp.weight": "mlp.shared_experts.down_proj.weight",
}

// huggingFaceName returns a tensor's name there, and its name within the layer.
func huggingFaceName(name string) (full, local string) {
	switch name {
	case "token_embd.weight":
		return "model.embed_tokens.weight", name
	case "output_norm.weight":
		return "model.norm.weight", name
	case "output.weight":
		return "lm_head.weight", name
	}
	layer, local, _ := strings.Cut(strings.TrimPrefix(name, "blk."), ".")
	return "model.layers." + layer + "." + huggingFaceNames[local], local
}

// pieces hands the numbers of a tensor to emit, some at a time.
type pieces func(emit func([]float32) error) error

// huggingFaceTensors lists the tensors as they are there: experts one by one,
// queries and keys in the order of half rotation, one matrix from the latent to
// keys and values.
func (f *File) huggingFaceTensors() (list []safetensors.Tensor) {
	c := f.Config
	add := func(name string, shape []int, p pieces) {
		list = append(list, safetensors.Tensor{Name: name, DType: safetensors.F32, Shape: shape, Data: func(w io.Writer) error {
			var raw []byte
			return p(func(x []float32) error {
				raw = append(raw[:0], make([]byte, kernel.F32.Bytes(len(x)))...)
				kernel.Quantize(kernel.F32, raw, x)
				_, err := w.Write(raw)
				return err
			})
		}})
	}
	var k Tensor
	for _, t := range c.Tensors() {
		name, local := huggingFaceName(t.Name)
		switch {
		case t.Experts > 0:
			n := t.Rows / t.Experts
			for e := range t.Experts {
				add(fmt.Sprintf(name, e), []int{n, t.Cols}, f.plain(t, e*n, n))
			}
		case local == "attn_k_b.weight":
			k = t
		case local == "attn_v_b.weight":
			name, _ := huggingFaceName(k.Name)
			add(name, []int{c.Heads * (c.Latent.Nope + c.Latent.Value), c.Latent.KV}, f.joined(k, t))
		case t.Vector():
			add(name, []int{t.Cols}, f.plain(t, 0, 1))
		case c.Architecture == Llama && (local == "attn_q.weight" || local == "attn_k.weight"):
			add(name, []int{t.Rows, t.Cols}, f.halves(t))
		default:
			add(name, []int{t.Rows, t.Cols}, f.plain(t, 0, t.Rows))
		}
	}
	return list
}

// rows reads n rows of a tensor.
func (f *File) rows(t Tensor, from, n int) ([]float32, error) {
	info, err := f.Tensor(t.Name)
	if err != nil {
		return nil, err
	}
	format := kernel.Format(info.Type)
	size := format.Bytes(t.Cols)
	raw, x := make([]byte, n*size), make([]float32, n*t.Cols)
	if _, err := info.Reader().ReadAt(raw, int64(from)*int64(size)); err != nil {
		return nil, fmt.Errorf("read tensor %s: %w", t.Name, err)
	}
	kernel.Dequantize(format, x, raw)
	return x, nil
}

// plain is n rows as they are.
func (f *File) plain(t Tensor, from, n int) pieces {
	const most = 1 << 18 // numbers at a time
	return func(emit func([]float32) error) error {
		for left, step := n, max(1, most/t.Cols); left > 0; left -= step {
			x, err := f.rows(t, from+n-left, min(step, left))
			if err != nil {
				return err
			}
			if err := emit(x); err != nil {
				return err
			}
		}
		return nil
	}
}

// halves is t, whose rows of each head are rotated in pairs (0,1), (2,3), in
// the order in which they are rotated in pairs (0, half), (1, half+1).
func (f *File) halves(t Tensor) pieces {
	head := f.Config.HeadDim
	return func(emit func([]float32) error) error {
		for from := 0; from < t.Rows; from += head {
			x, err := f.rows(t, from, head)
			if err != nil {
				return err
			}
			y := make([]float32, 0, len(x))
			for odd := range 2 {
				for i := odd; i < head; i += 2 {
					y = append(y, x[i*t.Cols:][:t.Cols]...)
				}
			}
			if err := emit(y); err != nil {
				return err
			}
		}
		return nil
	}
}

// joined is for each head the transpose of its part of k, then its part of v.
func (f *File) joined(k, v Tensor) pieces {
	heads := f.Config.Heads
	return func(emit func([]float32) error) error {
		for h := range heads {
			x, errK := f.rows(k, h*k.Rows/heads, k.Rows/heads)
			y, errV := f.rows(v, h*v.Rows/heads, v.Rows/heads)
			if err := errors.Join(errK, errV); err != nil {
				return err
			}
			turned := make([]float32, 0, len(x))
			for col := range k.Cols {
				for i := col; i < len(x); i += k.Cols {
					turned = append(turned, x[i])
				}
			}
			if err := errors.Join(emit(turned), emit(y)); err != nil {
				return err
			}
		}
		return nil
	}
}
