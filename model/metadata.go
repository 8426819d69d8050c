package model

import (
	"errors"
	"fmt"

	"samovar/model/gguf"
)

// Metadata returns c as the keys of GGUF, in a fixed order.
func (c Config) Metadata() []gguf.KV {
	m := keys{prefix: c.Architecture + "."}
	m.list = append(m.list, gguf.KV{Key: "general.architecture", Value: c.Architecture})
	m.uint("context_length", c.Window)
	m.uint("embedding_length", c.Width)
	m.uint("block_count", c.Layers)
	m.uint("feed_forward_length", c.Hidden)
	m.uint("attention.head_count", c.Heads)
	m.float("attention.layer_norm_rms_epsilon", c.Epsilon)
	m.float("rope.freq_base", float32(c.RopeBase))
	m.uint("vocab_size", c.Vocabulary)
	if c.Architecture == DeepSeek2 {
		m.latent(c)
	} else {
		m.uint("attention.head_count_kv", c.KVHeads)
		m.uint("attention.key_length", c.HeadDim)
		m.uint("attention.value_length", c.HeadDim)
		m.uint("rope.dimension_count", c.HeadDim)
	}
	if e := c.Experts; e.Count > 0 {
		m.uint("expert_count", e.Count)
		m.uint("expert_used_count", e.Used)
		m.uint("expert_feed_forward_length", e.Hidden)
	}
	return m.list
}

type keys struct {
	list   []gguf.KV
	prefix string
}

func (m *keys) uint(key string, v int) {
	m.list = append(m.list, gguf.KV{Key: m.prefix + key, Value: uint32(v)})
}

func (m *keys) float(key string, v float32) {
	m.list = append(m.list, gguf.KV{Key: m.prefix + key, Value: v})
}

// latent writes what only deepseek2 has: llama.cpp sees latent attention as one
// head of keys of KV+Rope columns, whose values are the first KV of them.
func (m *keys) latent(c Config) {
	a, e := c.Latent, c.Experts
	m.uint("attention.head_count_kv", 1)
	m.uint("attention.q_lora_rank", a.Q)
	m.uint("attention.kv_lora_rank", a.KV)
	m.uint("attention.key_length", a.KV+a.Rope)
	m.uint("attention.value_length", a.KV)
	m.uint("attention.key_length_mla", a.Nope+a.Rope)
	m.uint("attention.value_length_mla", a.Value)
	m.uint("rope.dimension_count", a.Rope)
	m.uint("expert_shared_count", e.Shared)
	if e.Count == 0 {
		m.uint("expert_feed_forward_length", 0)
		m.uint("leading_dense_block_count", c.Layers)
		return
	}
	m.uint("leading_dense_block_count", e.Dense)
	m.float("expert_weights_scale", c.expertScale())
	m.list = append(m.list, gguf.KV{Key: m.prefix + "expert_weights_norm", Value: e.Normalise})
	gating := 1
	if e.Sigmoid {
		gating = 2
	}
	m.uint("expert_gating_func", gating)
}

// ConfigOf reads the architecture of a GGUF file and checks it, also against
// the tensors that the file has.
func ConfigOf(f *gguf.File) (Config, error) {
	arch, err := f.String("general.architecture")
	if err != nil {
		return Config{}, fmt.Errorf("read the architecture: %w", err)
	}
	r := reader{f: f, prefix: arch + "."}
	c := Config{
		Architecture: arch,
		Layers:       r.uint("block_count", -1), Width: r.uint("embedding_length", -1), Window: r.uint("context_length", -1),
		Heads: r.uint("attention.head_count", -1), Hidden: r.uint("feed_forward_length", 0),
		Epsilon: float32(r.float("attention.layer_norm_rms_epsilon", -1)), RopeBase: r.float("rope.freq_base", 10000),
	}
	if r.err == nil && c.Heads < 1 {
		r.err = fmt.Errorf("%sattention.head_count is %d", r.prefix, c.Heads)
	}
	if r.err != nil {
		return Config{}, r.err
	}
	c.KVHeads, c.HeadDim = r.uint("attention.head_count_kv", c.Heads), r.uint("attention.key_length", c.Width/c.Heads)
	if arch == DeepSeek2 {
		r.latent(&c)
	}
	r.experts(&c)
	r.unsupported(c)
	if r.err != nil {
		return Config{}, r.err
	}
	embedding, err := f.Tensor("token_embd.weight")
	if err != nil || len(embedding.Dims) != 2 {
		return Config{}, errors.New("token_embd.weight is missing or no matrix")
	}
	c.Vocabulary = embedding.Dims[1]
	_, err = f.Tensor("output.weight")
	c.Tied = err != nil
	if err := c.Check(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// reader reads integers and numbers and keeps the first error.
type reader struct {
	f      *gguf.File
	prefix string
	err    error
}

// uint returns the key's value, or missing where there is no such key; a
// negative missing makes that an error.
func (r *reader) uint(key string, missing int) int {
	v, err := r.f.Uint(r.prefix + key)
	switch {
	case errors.Is(err, gguf.ErrMissing) && missing >= 0:
		return missing
	case err == nil && v > 1<<31-1:
		err = fmt.Errorf("%s%s is %d", r.prefix, key, v)
	}
	if err != nil && r.err == nil {
		r.err = err
	}
	return int(v)
}

func (r *reader) float(key string, missing float64) float64 {
	v, err := r.f.Float(r.prefix + key)
	if errors.Is(err, gguf.ErrMissing) && missing >= 0 {
		return missing
	}
	if err != nil && r.err == nil {
		r.err = err
	}
	return v
}

func (r *reader) bool(key string) bool {
	v, err := r.f.Bool(r.prefix + key)
	if err != nil && !errors.Is(err, gguf.ErrMissing) && r.err == nil {
		r.err = err
	}
	return v
}

func (r *reader) latent(c *Config) {
	c.Latent = Latent{KV: r.uint("attention.kv_lora_rank", -1), Q: r.uint("attention.q_lora_rank", 0), Rope: r.uint("rope.dimension_count", -1),
		Value: r.uint("attention.value_length_mla", 0)}
	c.Latent.Nope = r.uint("attention.key_length_mla", 0) - c.Latent.Rope
	c.KVHeads, c.HeadDim = 1, c.Latent.KV+c.Latent.Rope
	if c.Latent.Value == 0 && r.err == nil {
		r.err = errors.New("the file has the old layout of latent attention, one attn_kv_b matrix: convert the model again with a llama.cpp of May 2025 or later")
	}
}

func (r *reader) experts(c *Config) {
	e := Experts{Count: r.uint("expert_count", 0), Used: r.uint("expert_used_count", 0)}
	if e.Count == 0 {
		return
	}
	e.Hidden, e.Shared = r.uint("expert_feed_forward_length", 0), r.uint("expert_shared_count", 0)
	e.Dense, e.Normalise, e.Sigmoid = r.uint("leading_dense_block_count", 0), r.bool("expert_weights_norm"), r.uint("expert_gating_func", 1) == 2
	e.Scale = float32(r.float("expert_weights_scale", 0))
	if c.Architecture == Qwen3MoE {
		e.Normalise, e.Dense, e.Shared, e.Scale = true, 0, 0, 0
		if e.Hidden == 0 && e.Used > 0 {
			e.Hidden = c.Hidden / e.Used
		}
		c.Hidden = 0
	}
	c.Experts = e
}

// unsupported refuses what would silently compute something else.
func (r *reader) unsupported(c Config) {
	if r.err != nil {
		return
	}
	if s, err := r.f.String(r.prefix + "rope.scaling.type"); err == nil && s != "none" {
		if f, err := r.f.Float(r.prefix + "rope.scaling.factor"); err == nil && f != 1 {
			r.err = fmt.Errorf("rotary positions scaled by %q are not computed here yet", s)
			return
		}
	}
	rotated := c.HeadDim
	if c.Architecture == DeepSeek2 {
		rotated = c.Latent.Rope
	}
	if n := r.uint("rope.dimension_count", rotated); r.err == nil && n != rotated {
		r.err = fmt.Errorf("%d rotated columns of %d are not computed here yet", n, rotated)
	}
	if (c.Architecture == Llama || c.Architecture == Qwen3) && c.Experts.Count > 0 {
		r.err = fmt.Errorf("%s with experts is not computed here yet", c.Architecture)
	}
	if r.uint("expert_group_count", 0) > 1 {
		r.err = errors.New("experts in groups are not computed here yet")
	}
}
