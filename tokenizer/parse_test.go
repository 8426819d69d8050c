package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// use encodes and decodes with whatever a parser has let through.
func use(t *testing.T, tok *Tokenizer, text string) {
	t.Helper()
	ids := tok.EncodeSpecial(tok.Encode(nil, text), text, []Span{{0, len(text) / 2}})
	for _, id := range append(ids, tok.BOS(), tok.EOS(), tok.EOT(), -5, 1<<30) {
		tok.IsEnd(id)
		tok.Kind(id)
	}
	if i := slices.IndexFunc(ids, func(id int32) bool { return !tok.has(id) }); i >= 0 {
		t.Fatalf("id %d of %d", ids[i], tok.Size())
	}
	tok.Decode(nil, ids)
	tok.Metadata()
	_, _ = tok.MarshalJSON()
}

func TestFromJSONRefuses(t *testing.T) {
	good, err := os.ReadFile("testdata/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string][2]string{
		"unknown step":               {`"type": "Split"`, `"type": "Whitespace"`},
		"patterns":                   {`"Regex": "(?i:`, `"Regex": "(?:`},
		"not byte-level BPE":         {`"type": "BPE"`, `"type": "Unigram"`},
		"normalizer":                 {`"normalizer": null`, `"normalizer": {"type": "Lowercase"}`},
		"single words":               {`"single_word": false`, `"single_word": true`},
		"each once":                  {`"id": 448`, `"id": 447`},
		"ids from 0":                 {`"!": 0`, `"!": -1`},
		"both and what they make":    {`"Ġ Ð"`, `"Ġ ÐÐ"`},
		"is not two tokens":          {`"Ġ Ð"`, `"ĠÐ"`},
		"no special token":           {`"id": "<|endoftext|>"`, `"id": "<s>"`},
		"unexpected end":             {"\n}\n", ""},
		"no token for the byte 0x21": {`"!": 0`, `"x!x": 0`},
	} {
		bad := strings.Replace(string(good), change[0], change[1], 1)
		if bad == string(good) {
			t.Errorf("%s: nothing to change", want)
		}
		_, err := FromJSON([]byte(bad), nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestFromMetadataRefuses(t *testing.T) {
	tok := train(t, corpus(t), Config{Vocab: 400})
	for want, change := range map[string]any{
		"model":            "bert",
		"pre":              "none such",
		"tokens":           []string{},
		"token_type":       []int32{1},
		"merges":           []string{"a b c d"},
		"bos_token_id":     uint32(400),
		"eos_token_id":     uint32(1 << 31),
		"add_bos_token":    "yes",
		"eot_token_id":     "7",
		"padding_token_id": int64(-1),
		"unknown_token_id": uint64(1 << 40),
	} {
		m := tok.Metadata()
		m["tokenizer.ggml."+want] = change
		if _, err := FromMetadata(func(key string) (any, bool) { v, ok := m[key]; return v, ok }); err == nil {
			t.Errorf("%s: %v passes", want, change)
		}
	}
	if _, err := FromMetadata(func(string) (any, bool) { return nil, false }); err == nil {
		t.Error("nothing passes as a vocabulary")
	}
}

func FuzzFromJSON(f *testing.F) {
	good, err := os.ReadFile("testdata/tokenizer.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, []byte(`{"bos_token": {"content": "<|endoftext|>"}, "eos_token": "<|im_end|>", "add_bos_token": false}`), "a<|im_end|>\xff")
	f.Add([]byte(`{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "a"], "a a"]}, "pre_tokenizer": {"type": "Sequence"}}`), []byte("null"), "aa")
	f.Fuzz(func(t *testing.T, b, config []byte, text string) {
		for _, c := range [][]byte{nil, config} {
			if tok, err := FromJSON(b, c); err == nil {
				use(t, tok, text)
			}
		}
	})
}

// The fuzzer writes metadata as JSON, with the types that GGUF would give.
func FuzzFromMetadata(f *testing.F) {
	for _, tok := range []*Tokenizer{train(f, corpus(f), Config{Vocab: 270}), scored(f)} {
		b, err := json.Marshal(tok.Metadata())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, "a b<s>\xff<|im_end|>")
	}
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		var raw map[string]json.RawMessage
		if json.Unmarshal(b, &raw) != nil {
			return
		}
		tok, err := FromMetadata(func(key string) (any, bool) {
			r, ok := raw[key]
			if !ok {
				return nil, false
			}
			for _, v := range []any{new(string), new(bool), new(uint32), new([]string), new([]int32), new([]float32)} {
				if json.Unmarshal(r, v) == nil {
					switch v := v.(type) {
					case *string:
						return *v, true
					case *bool:
						return *v, true
					case *uint32:
						return *v, true
					case *[]string:
						return *v, true
					case *[]int32:
						return *v, true
					case *[]float32:
						return *v, true
					}
				}
			}
			return nil, true
		})
		if err == nil {
			use(t, tok, text)
		}
	})
}
