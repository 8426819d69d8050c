package model

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"samovar/tokenizer"
)

// scoredTokenizer returns tokenizer.json of a scored vocabulary, in the form in
// which transformers keeps Llama's: the best score is merged first, so every
// way to make a token of two is a merge, in the order of scores. Where scores
// are equal the two may differ.
func scoredTokenizer(t *tokenizer.Tokenizer) (map[string]any, error) {
	meta := t.Metadata()
	tokens, scores := meta["tokenizer.ggml.tokens"].([]string), meta["tokenizer.ggml.scores"].([]float32)
	vocab, added := map[string]int32{}, []map[string]any{}
	unknown := ""
	for i, s := range tokens {
		if _, ok := vocab[s]; ok || !utf8.ValidString(s) {
			return nil, fmt.Errorf("write tokenizer.json: token %d, %q, is there twice or no UTF-8: export as gguf", i, s)
		}
		vocab[s] = int32(i)
		switch kind := t.Kind(int32(i)); kind {
		case tokenizer.Unknown:
			unknown = s
			fallthrough
		case tokenizer.Control, tokenizer.User:
			added = append(added, map[string]any{
				"id": i, "content": s, "special": kind != tokenizer.User,
				"single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
			})
		}
	}
	model := map[string]any{
		"type": "BPE", "vocab": vocab, "merges": scoredMerges(t, tokens, scores, vocab),
		"byte_fallback": true, "fuse_unk": true, "ignore_merges": false,
		"dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
	}
	if unknown != "" {
		model["unk_token"] = unknown
	}
	spaces := map[string]any{"type": "Replace", "pattern": map[string]any{"String": " "}, "content": "▁"}
	normalizers := []any{spaces}
	decoders := []any{
		map[string]any{"type": "Replace", "pattern": map[string]any{"String": "▁"}, "content": " "},
		map[string]any{"type": "ByteFallback"}, map[string]any{"type": "Fuse"},
	}
	if prefix, _ := meta["tokenizer.ggml.add_space_prefix"].(bool); prefix {
		normalizers = []any{map[string]any{"type": "Prepend", "prepend": "▁"}, spaces}
		decoders = append(decoders, map[string]any{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	return map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "model": model,
		"normalizer":    map[string]any{"type": "Sequence", "normalizers": normalizers},
		"pre_tokenizer": nil, "post_processor": beginning(t, tokens),
		"decoder": map[string]any{"type": "Sequence", "decoders": decoders},
	}, nil
}

// scoredMerges lists the pairs of tokens that together are a token, best first.
func scoredMerges(t *tokenizer.Tokenizer, tokens []string, scores []float32, vocab map[string]int32) []string {
	type merge struct{ left, right, made int32 }
	var all []merge
	normal := func(id int32) bool { return t.Kind(id) == tokenizer.Normal }
	for i, s := range tokens {
		for at := range s {
			left, okL := vocab[s[:at]]
			right, okR := vocab[s[at:]]
			if okL && okR && normal(left) && normal(right) && normal(int32(i)) {
				all = append(all, merge{left, right, int32(i)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b merge) int { return cmp.Compare(scores[b.made], scores[a.made]) })
	list := make([]string, len(all))
	for i, m := range all {
		list[i] = tokens[m.left] + " " + tokens[m.right]
	}
	return list
}

// beginning is the post-processor that puts the first token before a text, or
// nil.
func beginning(t *tokenizer.Tokenizer, tokens []string) any {
	if !t.AddBOS() {
		return nil
	}
	name := tokens[t.BOS()]
	mark := func(typ int) any { return map[string]any{"SpecialToken": map[string]any{"id": name, "type_id": typ}} }
	text := func(id string, typ int) any {
		return map[string]any{"Sequence": map[string]any{"id": id, "type_id": typ}}
	}
	return map[string]any{
		"type": "TemplateProcessing", "single": []any{mark(0), text("A", 0)}, "pair": []any{mark(0), text("A", 0), mark(1), text("B", 1)},
		"special_tokens": map[string]any{name: map[string]any{"id": name, "ids": []int32{t.BOS()}, "tokens": []string{name}}},
	}
}
