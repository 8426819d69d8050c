package model_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"samovar/compute/kernel"
	"samovar/model"
	"samovar/model/gguf"
	"samovar/model/safetensors"
	"samovar/tokenizer"
)

// huggingFaceDigests are the SHA-256 of the model.safetensors that transformers
// 5.23.0 (safetensors 0.8) writes for the golden models: save_pretrained in
// testdata/golden.py with a folder.
var huggingFaceDigests = map[string]string{
	"llama":           "50e319a0af9e4cf6c126a0bb29b56fd61ed563f6dae12ca5615fea2a1d3455d6",
	"llama-tied":      "70587a5ee3677f0ff790f4c2dadb6690f2c366ef2369b6de326c89f40505f539",
	"qwen3":           "d7ce5a128800048a333570f52fce98f3ec67d29e3efc5ca818e9ecfdb8d7868f",
	"qwen3moe":        "260b8266b5ad9139438412a4ee1f3e592cf54d789d1b30ba4373dfed30296248",
	"deepseek2":       "2df52bafac8ddd03b6f12cc9e3e31174806d78a4d9c681442c67cd29e71fdc17",
	"deepseek2-qlora": "a3d93235052ff06ab0ec0246c45d1d6a56fcde08822ab76a18ca8538e563bb50",
	"deepseek3":       "5199252a8460f33f5d958d3c54da93d9b33bec2d712034beeac3697075abead4",
}

// TestHuggingFaceWeights holds the weights to the very bytes of transformers'.
func TestHuggingFaceWeights(t *testing.T) {
	for _, name := range goldens {
		dir := filepath.Join(t.TempDir(), "folder")
		if err := model.WriteHuggingFace(dir, readGolden(t, name).file(t)); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != huggingFaceDigests[name] {
			t.Errorf("%s: model.safetensors has the digest %x, not %s", name, sum, huggingFaceDigests[name])
		}
	}
}

// small is a model with the vocabulary's tokens, in a file of the format.
func small(t *testing.T, c model.Config, voc *tokenizer.Tokenizer, format model.FileType) *model.File {
	t.Helper()
	c.Layers, c.Width, c.Vocabulary, c.Window, c.RopeBase = 2, 64, voc.Size(), 128, 10000
	c.Heads, c.Hidden = 2, 64
	if c.Epsilon == 0 {
		c.Epsilon = 1e-6
	}
	meta := voc.Metadata()
	meta["tokenizer.chat_template"] = "{{ messages }}"
	var extra []gguf.KV
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		extra = append(extra, gguf.KV{Key: k, Value: meta[k]})
	}
	path := filepath.Join(t.TempDir(), "model.gguf")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	err = model.Write(out, c, extra, format, func(x model.Tensor) ([]float32, error) {
		w := make([]float32, x.Rows*x.Cols)
		x.Initialise(w, 1)
		return w, nil
	})
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := model.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func trained(t *testing.T) *tokenizer.Tokenizer {
	t.Helper()
	voc, err := tokenizer.Train(slices.Values([]string{strings.Repeat("tea from the samovar, ", 9)}), tokenizer.Config{Vocab: 280})
	if err != nil {
		t.Fatal(err)
	}
	return voc
}

// export writes f and returns the files but the weights.
func export(t *testing.T, f *model.File) (dir string, files map[string]string) {
	t.Helper()
	dir, files = t.TempDir(), map[string]string{}
	if err := model.WriteHuggingFace(dir, f); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	return dir, files
}

var (
	latent = model.Latent{KV: 32, Nope: 16, Rope: 16, Value: 16}
	chosen = model.Experts{Count: 4, Used: 2, Hidden: 32}
)

// TestHuggingFaceConfig holds config.json to what transformers 5.23.0 was seen
// to load with these models: numbers that it declares as floating point have a
// decimal point, or it refuses them.
func TestHuggingFaceConfig(t *testing.T) {
	shared := chosen
	shared.Shared, shared.Dense, shared.Scale = 1, 1, 2
	sigmoid := shared
	sigmoid.Sigmoid, sigmoid.Normalise = true, true
	for _, x := range []struct {
		config model.Config
		want   []string
	}{
		{model.Config{Architecture: model.Llama, KVHeads: 1, HeadDim: 32, Tied: true, Epsilon: 1e-5}, []string{
			`"LlamaForCausalLM"`, `"model_type": "llama"`, `"head_dim": 32`, `"tie_word_embeddings": true`, `"rms_norm_eps": 0.00001,`,
			`"rope_theta": 10000.0`, `"rope_type": "default"`, `"num_key_value_heads": 1`, `"vocab_size": 280`, `"bos_token_id": 272`, `"eos_token_id": 272`,
		}},
		{model.Config{Architecture: model.Qwen3, KVHeads: 1, HeadDim: 16}, []string{
			`"Qwen3ForCausalLM"`, `"model_type": "qwen3"`, `"head_dim": 16`, `"intermediate_size": 64`, `"tie_word_embeddings": false`,
		}},
		{model.Config{Architecture: model.Qwen3MoE, KVHeads: 2, HeadDim: 32, Experts: chosen}, []string{
			`"Qwen3MoeForCausalLM"`, `"model_type": "qwen3_moe"`, `"num_experts": 4`, `"num_experts_per_tok": 2`, `"norm_topk_prob": true`, `"moe_intermediate_size": 32`,
		}},
		{model.Config{Architecture: model.DeepSeek2, KVHeads: 1, HeadDim: 48, Latent: latent, Experts: shared}, []string{
			`"DeepseekV2ForCausalLM"`, `"model_type": "deepseek_v2"`, `"q_lora_rank": null`, `"routed_scaling_factor": 2.0`, `"first_k_dense_replace": 1`, `"scoring_func": "softmax"`,
		}},
		{model.Config{Architecture: model.DeepSeek2, KVHeads: 1, HeadDim: 48, Latent: latent, Experts: sigmoid}, []string{
			`"DeepseekV3ForCausalLM"`, `"model_type": "deepseek_v3"`, `"scoring_func": "sigmoid"`, `"n_group": 1`, `"num_nextn_predict_layers": 0`,
		}},
		{model.Config{Architecture: model.DeepSeek2, KVHeads: 1, HeadDim: 48, Latent: latent}, []string{`"first_k_dense_replace": 2`}},
	} {
		_, files := export(t, small(t, x.config, trained(t), model.F32))
		for _, want := range x.want {
			if !strings.Contains(files["config.json"], want) {
				t.Errorf("%s: config.json has no %s:\n%s", x.config.Architecture, want, files["config.json"])
			}
		}
	}
	for _, e := range []model.Experts{chosen, {Count: 4, Used: 2, Hidden: 32, Shared: 1, Normalise: true}} {
		c := model.Config{Architecture: model.DeepSeek2, KVHeads: 1, HeadDim: 48, Latent: latent, Experts: e}
		dir := filepath.Join(t.TempDir(), "folder")
		if err := model.WriteHuggingFace(dir, small(t, c, trained(t), model.F32)); err == nil {
			t.Errorf("%+v is written, and transformers computes something else", e)
		} else if _, err := os.Stat(dir); err == nil {
			t.Errorf("%+v is refused and leaves a folder", e)
		}
	}
}

// TestHuggingFaceTokenizer holds the tokenizer that is written to the one that
// was there.
func TestHuggingFaceTokenizer(t *testing.T) {
	voc := trained(t)
	_, files := export(t, small(t, model.Config{Architecture: model.Llama, KVHeads: 2, HeadDim: 32}, voc, model.F32))
	again, err := tokenizer.FromJSON([]byte(files["tokenizer.json"]), []byte(files["tokenizer_config.json"]))
	if err != nil || !reflect.DeepEqual(again.Metadata(), voc.Metadata()) {
		t.Errorf("the tokenizer has changed (%v)", err)
	}
	var config struct {
		Template string `json:"chat_template"`
		Window   int    `json:"model_max_length"`
	}
	if err := json.Unmarshal([]byte(files["tokenizer_config.json"]), &config); err != nil || config.Template != "{{ messages }}" || config.Window != 128 {
		t.Errorf("tokenizer_config.json: %v %s", err, files["tokenizer_config.json"])
	}
	var generation struct {
		End []int32 `json:"eos_token_id"`
	}
	if err := json.Unmarshal([]byte(files["generation_config.json"]), &generation); err != nil || !slices.Equal(generation.End, []int32{voc.EOS(), voc.EOT()}) {
		t.Errorf("generation_config.json: %v %s", err, files["generation_config.json"])
	}
}

// TestHuggingFaceScored holds a scored vocabulary's merges to every pair that
// makes a token, best first. transformers 5.23.0 gave the same ids as package
// tokenizer for 28 texts under the vocabulary of stories260K.
func TestHuggingFaceScored(t *testing.T) {
	tokens := []string{"<unk>", "<s>", "</s>", "<0x41>", "▁", "a", "b", "ab", "▁a", "▁ab"}
	voc, err := tokenizer.FromMetadata(func(key string) (any, bool) {
		v, ok := map[string]any{
			"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": tokens,
			"tokenizer.ggml.scores":     []float32{0, 0, 0, 0, -9, -10, -11, -1, -2, -0.5},
			"tokenizer.ggml.token_type": []int32{2, 3, 3, 6, 1, 1, 1, 1, 1, 1},
		}[key]
		return v, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	_, files := export(t, small(t, model.Config{Architecture: model.Llama, KVHeads: 2, HeadDim: 32}, voc, model.F32))
	var got struct {
		Model struct {
			Merges []string
			Vocab  map[string]int
		}
		Added []struct{ Content string } `json:"added_tokens"`
		Post  struct{ Type string }      `json:"post_processor"`
	}
	if err := json.Unmarshal([]byte(files["tokenizer.json"]), &got); err != nil {
		t.Fatal(err)
	}
	if want := []string{"▁ ab", "▁a b", "a b", "▁ a"}; !slices.Equal(got.Model.Merges, want) {
		t.Errorf("the merges are %q, not %q", got.Model.Merges, want)
	}
	if len(got.Model.Vocab) != len(tokens) || got.Model.Vocab["<0x41>"] != 3 || len(got.Added) != 3 || got.Post.Type != "TemplateProcessing" {
		t.Errorf("tokenizer.json is\n%s", files["tokenizer.json"])
	}
}

// TestHuggingFaceQuantised holds what is written of quantised weights to their
// numbers, and writing to be repeatable.
func TestHuggingFaceQuantised(t *testing.T) {
	f := small(t, model.Config{Architecture: model.Qwen3MoE, KVHeads: 1, HeadDim: 32, Experts: chosen}, trained(t), model.Q8_0)
	dir, first := export(t, f)
	again, second := export(t, f)
	a, errA := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	b, errB := os.ReadFile(filepath.Join(again, "model.safetensors"))
	if err := errors.Join(errA, errB); err != nil || !bytes.Equal(a, b) || !maps.Equal(first, second) {
		t.Errorf("writing twice gives other bytes (%v)", err)
	}
	m, err := safetensors.OpenModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want, err := f.Read("blk.1.ffn_down_exps.weight")
	if err != nil {
		t.Fatal(err)
	}
	info, err := m.Tensor("model.layers.1.mlp.experts.3.down_proj.weight")
	if err != nil {
		t.Fatal(err)
	}
	raw, got := make([]byte, info.Size), make([]float32, info.Size/4)
	if err := info.Load(raw); err != nil {
		t.Fatal(err)
	}
	kernel.Dequantize(kernel.F32, got, raw)
	if !slices.Equal(got, want[3*len(got):]) {
		t.Error("the last expert has other numbers")
	}
}
