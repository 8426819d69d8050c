package tokenizer

import (
	"errors"
	"fmt"
	"strings"
)

// Metadata returns the vocabulary as GGUF's metadata, readable by llama.cpp:
// values are string, bool, uint32, []string, []int32 and []float32.
func (t *Tokenizer) Metadata() map[string]any {
	tokens := make([]string, t.Size())
	types := make([]int32, t.Size())
	for i := range tokens {
		tokens[i], types[i] = t.spelling(int32(i)), int32(t.kinds[i])
	}
	m := map[string]any{
		"tokenizer.ggml.tokens":        tokens,
		"tokenizer.ggml.token_type":    types,
		"tokenizer.ggml.add_bos_token": t.addBOS,
		"tokenizer.ggml.add_eos_token": false,
	}
	if t.scored {
		m["tokenizer.ggml.model"] = "llama"
		m["tokenizer.ggml.scores"] = append([]float32(nil), t.scores...)
		m["tokenizer.ggml.add_space_prefix"] = t.prefix
	} else {
		m["tokenizer.ggml.model"] = "gpt2"
		m["tokenizer.ggml.pre"] = t.pre
		m["tokenizer.ggml.merges"] = t.mergeList()
	}
	for key, id := range map[string]int32{"bos": t.bos, "eos": t.eos, "eot": t.eot, "unknown": t.unk, "padding": t.pad} {
		if id != None {
			m["tokenizer.ggml."+key+"_token_id"] = uint32(id)
		}
	}
	return m
}

// spelling returns how files write a token.
func (t *Tokenizer) spelling(id int32) string {
	s := t.tokens[id]
	switch {
	case t.kinds[id] == Byte:
		return fmt.Sprintf("<0x%02X>", s[0])
	case t.scored && t.kinds[id] != Control && t.kinds[id] != Unknown:
		return strings.ReplaceAll(s, " ", "▁")
	case t.kinds[id] == Normal:
		return printable(s)
	}
	return s
}

// mergeList returns the merges as files list them: "left right".
func (t *Tokenizer) mergeList() []string {
	list := make([]string, len(t.merges))
	for i, m := range t.merges {
		list[i] = t.spelling(m[0]) + " " + t.spelling(m[1])
	}
	return list
}

// FromMetadata makes a tokenizer from GGUF's metadata. get returns the value
// of a key; arrays are []string, []int32, []uint32 and []float32.
func FromMetadata(get func(key string) (any, bool)) (*Tokenizer, error) {
	m := metadata{get: get}
	t, err := m.tokenizer()
	if err != nil {
		return nil, fmt.Errorf("read the tokenizer of a GGUF file: %w", err)
	}
	return t, nil
}

// metadata reads typed values and keeps the first error.
type metadata struct {
	get func(key string) (any, bool)
	err error
}

func (m *metadata) tokenizer() (*Tokenizer, error) {
	var p parts
	model := value(m, "model", "")
	spelt := value(m, "tokens", []string(nil))
	types := value(m, "token_type", []int32(nil))
	p.scores = value(m, "scores", []float32(nil))
	merges := value(m, "merges", []string(nil))
	switch model {
	case "llama":
		p.scored = true
		p.prefix = value(m, "add_space_prefix", true)
		if value(m, "remove_extra_whitespaces", false) {
			return nil, errors.New("tokenizer.ggml.remove_extra_whitespaces is set, which is not known")
		}
	case "gpt2":
		p.scores = nil
		p.pre = value(m, "pre", "")
		p.verbatim = verbatim[p.pre]
	default:
		return nil, fmt.Errorf("tokenizer.ggml.model is %q: llama and gpt2 are known", model)
	}
	p.addBOS = value(m, "add_bos_token", p.scored || verbatim[p.pre])
	p.bos, p.eos, p.eot = m.id("bos"), m.id("eos"), m.id("eot")
	p.unk, p.pad = m.id("unknown"), m.id("padding")
	if m.err != nil {
		return nil, m.err
	}
	if p.scored { // llama.cpp's defaults
		p.unk, p.bos, p.eos = orElse(p.unk, 0, len(spelt)), orElse(p.bos, 1, len(spelt)), orElse(p.eos, 2, len(spelt))
	}
	if p.bos == None {
		p.addBOS = false
	}
	if types == nil {
		types = make([]int32, len(spelt))
		for i := range types {
			types[i] = int32(Normal)
		}
	}
	if len(types) != len(spelt) {
		return nil, fmt.Errorf("%d tokens with %d types: one is expected for each", len(spelt), len(types))
	}
	p.tokens, p.kinds = make([]string, len(spelt)), make([]Kind, len(spelt))
	for i, s := range spelt {
		if types[i] < 0 || types[i] > int32(Byte) {
			return nil, fmt.Errorf("token %d has the type %d: 0 to 6 are known", i, types[i])
		}
		if p.kinds[i] = Kind(types[i]); types[i] == 0 {
			p.kinds[i] = Unused // llama.cpp's undefined
		}
		p.tokens[i] = p.unspell(s, p.kinds[i])
	}
	if !p.scored {
		var err error
		if p.merges, err = resolveMerges(spelt, len(merges), func(i int) (string, string, bool) {
			return cutMerge(merges[i])
		}); err != nil {
			return nil, err
		}
	}
	return assemble(p)
}

// orElse returns id, or missing if there is none and the vocabulary has it.
func orElse(id, missing int32, size int) int32 {
	if id == None && int(missing) < size {
		return missing
	}
	return id
}

// unspell is the inverse of spelling.
func (p *parts) unspell(s string, k Kind) string {
	if b, ok := byteToken(s); ok && k == Byte {
		return string([]byte{b})
	}
	switch {
	case k == Control || k == Unknown:
		return s
	case p.scored:
		return strings.ReplaceAll(s, "▁", " ")
	case k == Normal:
		if u, ok := unprintable(s); ok {
			return u
		}
	}
	return s
}

// cutMerge cuts "left right" at its only space that is not at an end.
func cutMerge(s string) (left, right string, ok bool) {
	left, right, ok = strings.Cut(s, " ")
	return left, right, ok && left != "" && right != ""
}

// resolveMerges finds the ids of n merges among the tokens as files write them.
func resolveMerges(spelt []string, n int, merge func(i int) (left, right string, ok bool)) ([][3]int32, error) {
	ids := make(map[string]int32, len(spelt))
	for i, s := range spelt {
		ids[s] = int32(i)
	}
	out := make([][3]int32, n)
	for i := range out {
		left, right, ok := merge(i)
		if !ok {
			return nil, fmt.Errorf("merge %d is not two tokens", i)
		}
		a, ok1 := ids[left]
		b, ok2 := ids[right]
		c, ok3 := ids[left+right]
		if !ok1 || !ok2 || !ok3 {
			return nil, fmt.Errorf("merge %d, of %q and %q: both and what they make must be tokens", i, left, right)
		}
		out[i] = [3]int32{a, b, c}
	}
	return out, nil
}

// value returns the value of tokenizer.ggml.key, or missing if there is none.
func value[T any](m *metadata, key string, missing T) T {
	v, ok := m.get("tokenizer.ggml." + key)
	if !ok {
		return missing
	}
	x, ok := v.(T)
	if !ok && m.err == nil {
		m.err = fmt.Errorf("tokenizer.ggml.%s is a %T: a %T is expected", key, v, missing)
	}
	return x
}

// id returns the value of tokenizer.ggml.key_token_id, or None.
func (m *metadata) id(key string) int32 {
	key += "_token_id"
	v, ok := m.get("tokenizer.ggml." + key)
	if !ok {
		return None
	}
	n := int64(-1)
	switch x := v.(type) {
	case uint32:
		n = int64(x)
	case int32:
		n = int64(x)
	case int64:
		n = x
	case uint64:
		n = int64(x)
	}
	if n < 0 || n >= maxTokens {
		if m.err == nil {
			m.err = fmt.Errorf("tokenizer.ggml.%s is %v: an id is expected", key, v)
		}
		return None
	}
	return int32(n)
}
