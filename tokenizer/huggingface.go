package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// MarshalJSON writes the vocabulary as Hugging Face's tokenizer.json. Equal
// vocabularies give equal bytes.
func (t *Tokenizer) MarshalJSON() ([]byte, error) {
	if t.scored {
		return nil, errors.New("write tokenizer.json: a scored vocabulary is kept in GGUF's metadata instead")
	}
	pre, err := preTokenizerOf(t.pre)
	if err != nil {
		return nil, err
	}
	no, yes := false, true
	level := step{Type: "ByteLevel", AddPrefixSpace: &no, TrimOffsets: &no, UseRegex: &no}
	f := file{
		Version: "1.0", AddedTokens: []added{},
		PreTokenizer: &step{Type: "Sequence"},
		Decoder:      &level,
		Model:        bpe{Type: "BPE", IgnoreMerges: t.verbatim, Vocab: vocab{}, Merges: make([]mergeText, len(t.merges))},
	}
	for _, regex := range pre.regex {
		f.PreTokenizer.PreTokenizers = append(f.PreTokenizer.PreTokenizers,
			step{Type: "Split", Pattern: &pattern{Regex: &regex}, Behavior: "Isolated", Invert: &no})
	}
	f.PreTokenizer.PreTokenizers = append(f.PreTokenizer.PreTokenizers, level)
	f.PostProcessor = &step{Type: "ByteLevel", AddPrefixSpace: &yes, TrimOffsets: &no, UseRegex: &yes}
	if t.addBOS {
		f.PostProcessor = beginWith(t.tokens[t.bos], t.bos)
	}
	if t.unk != None {
		f.Model.UnkToken = &t.tokens[t.unk]
	}
	for i := range t.tokens {
		id := int32(i)
		name := t.spelling(id)
		if !utf8.ValidString(name) {
			return nil, fmt.Errorf("write tokenizer.json: token %d is no UTF-8", id)
		}
		if _, ok := f.Model.Vocab[name]; ok {
			return nil, fmt.Errorf("write tokenizer.json: token %d is written %q like another", id, name)
		}
		f.Model.Vocab[name] = id
		if k := t.kinds[id]; k == Control || k == User {
			s := t.strip[id]
			f.AddedTokens = append(f.AddedTokens, added{ID: id, Content: name, LStrip: s.left, RStrip: s.right, Special: k == Control})
		}
	}
	for i, m := range t.merges {
		f.Model.Merges[i] = mergeText{t.spelling(m[0]), t.spelling(m[1])}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(f)
	return b.Bytes(), err
}

// beginWith is the post-processor that puts one token before every text.
func beginWith(name string, id int32) *step {
	text := func(s string, typ int) section { return section{Sequence: &item{s, typ}} }
	mark := func(typ int) section { return section{SpecialToken: &item{name, typ}} }
	return &step{
		Type:          "TemplateProcessing",
		Single:        []section{mark(0), text("A", 0)},
		Pair:          []section{mark(0), text("A", 0), mark(1), text("B", 1)},
		SpecialTokens: map[string]expansion{name: {name, []int32{id}, []string{name}}},
	}
}

// FromJSON makes a tokenizer from Hugging Face's tokenizer.json, and from
// tokenizer_config.json if it is not nil, which says what begins and ends a
// text; without it that is taken from the names in common use. A normalizer
// that composes characters (NFC) is left to whoever prepares the text, as in
// llama.cpp; any other is an error.
func FromJSON(tokenizer, config []byte) (*Tokenizer, error) {
	t, err := fromJSON(tokenizer, config)
	if err != nil {
		return nil, fmt.Errorf("read tokenizer.json: %w", err)
	}
	return t, nil
}

func fromJSON(tokenizer, config []byte) (*Tokenizer, error) {
	var f file
	if err := json.Unmarshal(tokenizer, &f); err != nil {
		return nil, err
	}
	p := parts{bos: None, eos: None, eot: None, unk: None, pad: None}
	var err error
	if p.pre, p.verbatim, err = f.preTokenizer(); err != nil {
		return nil, err
	}
	spelt, err := f.vocabulary(&p)
	if err != nil {
		return nil, err
	}
	if p.merges, err = resolveMerges(spelt, len(f.Model.Merges), func(i int) (string, string, bool) {
		m := f.Model.Merges[i]
		return m[0], m[1], m[0] != "" && m[1] != ""
	}); err != nil {
		return nil, err
	}
	if err := f.ends(&p, config); err != nil {
		return nil, err
	}
	return assemble(p)
}

// preTokenizer recognises the pipeline before the model.
func (f *file) preTokenizer() (name string, whole bool, err error) {
	m := &f.Model
	if m.Type != "BPE" || m.ByteFallback || m.FuseUnk || m.Dropout != nil && *m.Dropout != 0 ||
		m.Prefix != nil && *m.Prefix != "" || m.Suffix != nil && *m.Suffix != "" {
		return "", false, fmt.Errorf("the model is not byte-level BPE without dropout, prefixes and suffixes (its type is %q)", m.Type)
	}
	if f.Normalizer != nil && f.Normalizer.Type != "NFC" && !(f.Normalizer.Type == "Sequence" && len(f.Normalizer.Normalizers) == 0) {
		return "", false, fmt.Errorf("the normalizer %q is not known", f.Normalizer.Type)
	}
	var regexes []string
	level := false
	var walk func(s *step) error
	walk = func(s *step) error {
		if s == nil || level {
			return errors.New("the pre-tokenizer does not end with ByteLevel")
		}
		switch {
		case s.Type == "Sequence":
			for i := range s.PreTokenizers {
				if err := walk(&s.PreTokenizers[i]); err != nil {
					return err
				}
			}
			return nil
		case s.Type == "Split" && s.Pattern != nil && s.Pattern.Regex != nil && !is(s.Invert) && s.Behavior == "Isolated":
			regexes = append(regexes, *s.Pattern.Regex)
		case s.Type == "Digits" && is(s.IndividualDigits):
			regexes = append(regexes, `\p{N}`)
		case s.Type == "ByteLevel" && !is(s.AddPrefixSpace):
			level = true
			if s.UseRegex == nil || *s.UseRegex {
				regexes = append(regexes, gpt2Pattern)
			}
		default:
			return fmt.Errorf("the pre-tokenizer has an unknown step %q", s.Type)
		}
		return nil
	}
	if err := walk(f.PreTokenizer); err != nil {
		return "", false, err
	}
	if !level {
		return "", false, errors.New("the pre-tokenizer is not byte-level")
	}
	for _, name := range append(Pretokenizers(), "dbrx") {
		if pre, err := preTokenizerOf(name); err == nil && slices.Equal(pre.regex, regexes) && verbatim[name] == m.IgnoreMerges {
			return name, m.IgnoreMerges, nil
		}
	}
	return "", false, fmt.Errorf("the pre-tokenizer's patterns %q are not known", regexes)
}

func is(b *bool) bool { return b != nil && *b }

// vocabulary fills in the tokens and returns how the file writes them.
func (f *file) vocabulary(p *parts) ([]string, error) {
	n := len(f.Model.Vocab)
	for _, a := range f.AddedTokens {
		if _, ok := f.Model.Vocab[a.Content]; !ok {
			n++
		}
	}
	spelt := make([]string, n)
	p.tokens, p.kinds, p.strip = make([]string, n), make([]Kind, n), map[int32]strip{}
	put := func(id int32, s string) error {
		if id < 0 || int(id) >= n || p.kinds[id] != 0 && spelt[id] != s {
			return fmt.Errorf("token %q has the id %d: ids from 0 to %d, each once, are expected", s, id, n-1)
		}
		spelt[id] = s
		return nil
	}
	for _, s := range slices.Sorted(maps.Keys(f.Model.Vocab)) {
		id := f.Model.Vocab[s]
		if err := put(id, s); err != nil {
			return nil, err
		}
		p.kinds[id] = Normal
		p.tokens[id] = p.unspell(s, Normal)
	}
	for _, a := range f.AddedTokens {
		if err := put(a.ID, a.Content); err != nil {
			return nil, err
		}
		if a.SingleWord {
			return nil, fmt.Errorf("the added token %q is for single words only, which is not known", a.Content)
		}
		p.kinds[a.ID] = User
		if a.Special {
			p.kinds[a.ID] = Control
		}
		p.tokens[a.ID] = a.Content
		if a.LStrip || a.RStrip {
			p.strip[a.ID] = strip{a.LStrip, a.RStrip}
		}
	}
	for id, k := range p.kinds {
		if k == 0 {
			return nil, fmt.Errorf("no token has the id %d", id)
		}
	}
	if u := f.Model.UnkToken; u != nil {
		id, ok := f.Model.Vocab[*u]
		if !ok {
			return nil, fmt.Errorf("the unknown token %q is not in the vocabulary", *u)
		}
		p.unk = id
	}
	return spelt, nil
}

// settings is Hugging Face's tokenizer_config.json, as far as it concerns us.
type settings struct {
	BOS    *tokenName `json:"bos_token"`
	EOS    *tokenName `json:"eos_token"`
	Pad    *tokenName `json:"pad_token"`
	AddBOS *bool      `json:"add_bos_token"`
}

// tokenName is written as a string or as an object with the field content.
type tokenName string

// UnmarshalJSON reads either form.
func (n *tokenName) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var a added
		err := json.Unmarshal(b, &a)
		*n = tokenName(a.Content)
		return err
	}
	var s string
	err := json.Unmarshal(b, &s)
	*n = tokenName(s)
	return err
}

// ends finds out which tokens begin and end a text.
func (f *file) ends(p *parts, config []byte) error {
	ids := map[string]int32{}
	for i, s := range p.tokens {
		if p.kinds[i] == Control {
			ids[s] = int32(i)
		}
	}
	first := func(names ...string) int32 {
		for _, name := range names {
			if id, ok := ids[name]; ok {
				return id
			}
		}
		return None
	}
	p.bos = first("<|begin_of_text|>", "<s>", "<bos>", "<|endoftext|>")
	p.eos = first("<|end_of_text|>", "</s>", "<eos>", "<|endoftext|>")
	p.eot = first("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>")
	if begin := f.PostProcessor.begins(); begin != "" {
		p.bos, p.addBOS = first(begin), true
		if p.bos == None {
			return fmt.Errorf("the post-processor begins with %q, which is no special token", begin)
		}
	}
	if config == nil {
		return nil
	}
	var s settings
	if err := json.Unmarshal(config, &s); err != nil {
		return fmt.Errorf("read tokenizer_config.json: %w", err)
	}
	for _, x := range []struct {
		name *tokenName
		id   *int32
	}{{s.BOS, &p.bos}, {s.EOS, &p.eos}, {s.Pad, &p.pad}} {
		if x.name == nil || *x.name == "" {
			continue
		}
		if *x.id = first(string(*x.name)); *x.id == None {
			return fmt.Errorf("tokenizer_config.json names %q, which is no special token", *x.name)
		}
	}
	if s.AddBOS != nil {
		p.addBOS = *s.AddBOS && p.bos != None
	}
	return nil
}

// begins returns the token that a post-processor puts before every text, or "".
func (s *step) begins() string {
	if s == nil {
		return ""
	}
	for i := range s.Processors {
		if name := s.Processors[i].begins(); name != "" {
			return name
		}
	}
	if s.Type == "TemplateProcessing" && len(s.Single) > 0 && s.Single[0].SpecialToken != nil {
		return s.Single[0].SpecialToken.ID
	}
	return ""
}
