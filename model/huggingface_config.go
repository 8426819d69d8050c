package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"samovar/tokenizer"
)

// huggingFaceFiles returns what lies beside the weights, by name.
func (f *File) huggingFaceFiles() (map[string][]byte, error) {
	config, err := f.Config.huggingFace()
	if err != nil {
		return nil, err
	}
	generation := map[string]any{}
	content := map[string]any{"config.json": config, "generation_config.json": generation}
	files := map[string][]byte{}
	config["bos_token_id"], config["eos_token_id"] = nil, nil
	if _, ok := f.Value("tokenizer.ggml.model"); ok {
		t, err := tokenizer.FromMetadata(f.Value)
		if err != nil {
			return nil, err
		}
		if id := t.BOS(); id != tokenizer.None {
			config["bos_token_id"], generation["bos_token_id"] = id, id
		}
		if id := t.EOS(); id != tokenizer.None {
			config["eos_token_id"] = id
		}
		generation["eos_token_id"] = ends(t)
		content["tokenizer_config.json"] = f.tokenizerConfig(t)
		if t.Pre() == "" {
			content["tokenizer.json"], err = scoredTokenizer(t)
		} else {
			files["tokenizer.json"], err = t.MarshalJSON()
		}
		if err != nil {
			return nil, err
		}
	}
	for name, x := range content {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(x); err != nil {
			return nil, err
		}
		files[name] = b.Bytes()
	}
	return files, nil
}

// ends lists the tokens that end an answer.
func ends(t *tokenizer.Tokenizer) []int32 {
	ids := []int32{}
	for id := range int32(t.Size()) {
		if t.IsEnd(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (f *File) tokenizerConfig(t *tokenizer.Tokenizer) map[string]any {
	m := map[string]any{
		"tokenizer_class":              "PreTrainedTokenizerFast",
		"model_max_length":             f.Config.Window,
		"clean_up_tokenization_spaces": false,
	}
	pad := tokenizer.None
	if id, err := f.Uint("tokenizer.ggml.padding_token_id"); err == nil && id < uint64(t.Size()) {
		pad = int32(id)
	}
	for name, id := range map[string]int32{"bos_token": t.BOS(), "eos_token": t.EOS(), "pad_token": pad} {
		if id != tokenizer.None {
			m[name] = t.Token(id)
		}
	}
	if template, err := f.String("tokenizer.chat_template"); err == nil {
		m["chat_template"] = template
	}
	return m
}

// huggingFace returns c as config.json has it. The base of rotary positions is
// given in the form of transformers 5 and, beside it, in that of earlier ones.
func (c Config) huggingFace() (map[string]any, error) {
	m := map[string]any{
		"dtype": "float32", "hidden_act": "silu", "attention_bias": false, "use_cache": true,
		"vocab_size": c.Vocabulary, "hidden_size": c.Width, "num_hidden_layers": c.Layers, "num_attention_heads": c.Heads,
		"num_key_value_heads": c.KVHeads, "max_position_embeddings": c.Window, "rms_norm_eps": decimal(c.Epsilon), "tie_word_embeddings": c.Tied,
		"rope_theta": decimal(c.RopeBase), "rope_parameters": map[string]any{"rope_type": "default", "rope_theta": decimal(c.RopeBase)},
	}
	class := func(model, architecture string) {
		m["model_type"], m["architectures"] = model, []string{architecture}
	}
	e := c.Experts
	switch c.Architecture {
	case Llama:
		class("llama", "LlamaForCausalLM")
		m["head_dim"], m["intermediate_size"], m["mlp_bias"] = c.HeadDim, c.Hidden, false
	case Qwen3:
		class("qwen3", "Qwen3ForCausalLM")
		m["head_dim"], m["intermediate_size"] = c.HeadDim, c.Hidden
	case Qwen3MoE:
		class("qwen3_moe", "Qwen3MoeForCausalLM")
		m["head_dim"], m["intermediate_size"], m["moe_intermediate_size"] = c.HeadDim, max(c.Hidden, e.Hidden), e.Hidden
		m["num_experts"], m["num_experts_per_tok"], m["norm_topk_prob"] = e.Count, e.Used, e.Normalise
		m["decoder_sparse_step"], m["mlp_only_layers"] = 1, []int{}
	case DeepSeek2:
		class("deepseek_v2", "DeepseekV2ForCausalLM")
		if e.Sigmoid {
			class("deepseek_v3", "DeepseekV3ForCausalLM")
		}
		c.huggingFaceLatent(m)
		return m, c.huggingFaceExperts(m)
	}
	return m, nil
}

// decimal is a number that is written with a decimal point, without which
// transformers takes it for an integer and refuses it.
type decimal float32

// MarshalJSON writes the fewest digits that give d back.
func (d decimal) MarshalJSON() ([]byte, error) {
	s := strconv.FormatFloat(float64(d), 'f', -1, 32)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return []byte(s), nil
}

func (c Config) huggingFaceLatent(m map[string]any) {
	a := c.Latent
	m["num_key_value_heads"] = c.Heads
	m["q_lora_rank"] = nil
	if a.Q > 0 {
		m["q_lora_rank"] = a.Q
	}
	m["kv_lora_rank"], m["qk_nope_head_dim"], m["qk_rope_head_dim"], m["v_head_dim"] = a.KV, a.Nope, a.Rope, a.Value
	m["intermediate_size"], m["first_k_dense_replace"] = max(c.Hidden, 1), c.Layers
}

// huggingFaceExperts is DeepSeek-V2's choice of experts or, with sigmoids,
// DeepSeek-V3's: scoring_func is for llama.cpp's converter, which takes V3 for
// softmax without it.
func (c Config) huggingFaceExperts(m map[string]any) error {
	e := c.Experts
	if e.Count == 0 {
		return nil
	}
	if e.Shared == 0 {
		return errors.New("transformers' DeepSeek has no layer of experts without a shared one: export as gguf")
	}
	if e.Normalise && !e.Sigmoid {
		return errors.New("transformers' DeepSeek-V2 does not normalise the weights of experts: export as gguf")
	}
	m["first_k_dense_replace"], m["n_routed_experts"], m["num_experts_per_tok"] = e.Dense, e.Count, e.Used
	m["n_shared_experts"], m["moe_intermediate_size"] = e.Shared, e.Hidden
	m["norm_topk_prob"], m["routed_scaling_factor"] = e.Normalise, decimal(c.expertScale())
	if e.Sigmoid {
		m["scoring_func"], m["topk_method"] = "sigmoid", "noaux_tc"
		m["n_group"], m["topk_group"], m["num_nextn_predict_layers"], m["rope_interleave"] = 1, 1, 0, true
	} else {
		m["scoring_func"], m["topk_method"], m["n_group"], m["topk_group"] = "softmax", "greedy", nil, nil
	}
	return nil
}
