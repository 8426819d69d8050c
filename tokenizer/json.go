package tokenizer

import (
	"bytes"
	"encoding/json"

	"maps"
	"slices"
	"strconv"
)

// file is Hugging Face's tokenizer.json, as far as it concerns us.
type file struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   []added         `json:"added_tokens"`
	Normalizer    *step           `json:"normalizer"`
	PreTokenizer  *step           `json:"pre_tokenizer"`
	PostProcessor *step           `json:"post_processor"`
	Decoder       *step           `json:"decoder"`
	Model         bpe             `json:"model"`
}

type added struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// step is any part of the pipeline around the model: a few types with the
// fields of all of them.
type step struct {
	Type             string               `json:"type"`
	AddPrefixSpace   *bool                `json:"add_prefix_space,omitempty"`
	TrimOffsets      *bool                `json:"trim_offsets,omitempty"`
	UseRegex         *bool                `json:"use_regex,omitempty"`
	Pattern          *pattern             `json:"pattern,omitempty"`
	Behavior         string               `json:"behavior,omitempty"`
	Invert           *bool                `json:"invert,omitempty"`
	IndividualDigits *bool                `json:"individual_digits,omitempty"`
	Normalizers      []step               `json:"normalizers,omitempty"`
	PreTokenizers    []step               `json:"pretokenizers,omitempty"`
	Processors       []step               `json:"processors,omitempty"`
	Single           []section            `json:"single,omitempty"`
	Pair             []section            `json:"pair,omitempty"`
	SpecialTokens    map[string]expansion `json:"special_tokens,omitempty"`
}

type pattern struct {
	Regex  *string `json:"Regex,omitempty"`
	String *string `json:"String,omitempty"`
}

// section is a part of what TemplateProcessing puts together.
type section struct {
	SpecialToken *item `json:"SpecialToken,omitempty"`
	Sequence     *item `json:"Sequence,omitempty"`
}

type item struct {
	ID     string `json:"id"`
	TypeID int    `json:"type_id"`
}

type expansion struct {
	ID     string   `json:"id"`
	IDs    []int32  `json:"ids"`
	Tokens []string `json:"tokens"`
}

type bpe struct {
	Type         string      `json:"type"`
	Dropout      *float64    `json:"dropout"`
	UnkToken     *string     `json:"unk_token"`
	Prefix       *string     `json:"continuing_subword_prefix"`
	Suffix       *string     `json:"end_of_word_suffix"`
	FuseUnk      bool        `json:"fuse_unk"`
	ByteFallback bool        `json:"byte_fallback"`
	IgnoreMerges bool        `json:"ignore_merges"`
	Vocab        vocab       `json:"vocab"`
	Merges       []mergeText `json:"merges"`
}

// vocab is written in the order of ids.
type vocab map[string]int32

// MarshalJSON writes the tokens in the order of their ids.
func (v vocab) MarshalJSON() ([]byte, error) {
	names := slices.SortedFunc(maps.Keys(v), func(a, b string) int { return int(v[a] - v[b]) })
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(name); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1) // the encoder's newline
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(int(v[name])))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// mergeText is "left right" or ["left", "right"]; tokens with spaces need the latter.
type mergeText [2]string

// MarshalJSON writes the older form, which every version reads.
func (m mergeText) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(m[0] + " " + m[1])
	return b.Bytes(), err
}

// UnmarshalJSON reads either form.
func (m *mergeText) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		var pair []string
		if err := json.Unmarshal(b, &pair); err != nil {
			return err
		}
		if len(pair) == 2 {
			m[0], m[1] = pair[0], pair[1]
		}
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	m[0], m[1], _ = cutMerge(s)
	return nil
}
