package tokenizer

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// llama2c writes a tokenizer.bin with the 3 marks, the 256 bytes and words,
// of which the score falls with the place unless scores say otherwise.
func llama2c(words []string, scores map[string]float32) (b []byte, size int) {
	b = binary.LittleEndian.AppendUint32(b, 27)
	put := func(score float32, s string) {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(score))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
		size++
	}
	for _, s := range []string{"<unk>", "\n<s>\n", "\n</s>\n"} {
		put(0, s)
	}
	for i := range 256 {
		put(0, fmt.Sprintf("<0x%02X>", i))
	}
	for i, w := range words {
		score, ok := scores[w]
		if !ok {
			score = -float32(i)
		}
		put(score, w)
	}
	return b, size
}

// scored is a vocabulary of words of few letters, with ties.
func scored(t testing.TB) *Tokenizer {
	t.Helper()
	letters := strings.Split("a b c é 中 ", "")
	words := []string{"ab", " a", "bc", "abc", " ab", "aa", "aaaa", "éa", "中a", "cab", " abc", "ca", "  ", "    "}
	b, size := llama2c(append(words, append(letters, " ")...), map[string]float32{"ab": -1, "bc": -1, "ca": -1, "  ": -1e9, "    ": -1e9})
	tok, err := FromLlama2C(b, size)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// naive encodes as llama2.c does: look every letter up, then merge the best of
// all neighbours, the leftmost of equals, until none makes a token.
func naive(t *Tokenizer, text string) []int32 {
	if text == "" {
		return nil
	}
	var ids []int32
	for s := " " + text; s != ""; {
		_, n := utf8.DecodeRuneInString(s)
		if id, ok := t.words[s[:n]]; ok {
			ids = append(ids, id)
		} else {
			for i := range n {
				ids = append(ids, int32(s[i])+3)
			}
		}
		s = s[n:]
	}
	for {
		best, at, into := float32(-1e10), -1, int32(0)
		for i := range len(ids) - 1 {
			if t.kinds[ids[i]] == Byte || t.kinds[ids[i+1]] == Byte {
				continue // written <0x41>, which nothing contains
			}
			if id, ok := t.words[t.tokens[ids[i]]+t.tokens[ids[i+1]]]; ok && t.scores[id] > best {
				best, at, into = t.scores[id], i, id
			}
		}
		if at < 0 {
			return ids
		}
		ids = slices.Replace(ids, at, at+2, into)
	}
}

func TestScoredAsLlama2C(t *testing.T) {
	tok := scored(t)
	r := rand.New(rand.NewPCG(3, 4))
	alphabet := []string{"a", "b", "c", "a", "b", " ", "é", "中", "x", "ы", "\n", "\xff", "\xe4\xb8"}
	for range 3000 {
		var b strings.Builder
		for range r.IntN(80) {
			b.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		s := b.String()
		want := naive(tok, s)
		if got := tok.Encode(nil, s); !slices.Equal(got, want) {
			t.Fatalf("%q:\n got %v\nwant %v", s, got, want)
		}
		if got := string(tok.Decode(nil, want)); got != s {
			t.Fatalf("%q came back as %q", s, got)
		}
	}
}

func TestStories260K(t *testing.T) {
	tok, err := FromLlama2C(data(t, "weights/stories260K/tok512.bin"), 512)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"Once upon a time", "Lily's cat — ☃\n said: \"Hi!\"  ", strings.Repeat("once there was ", 300)} {
		if got, want := tok.Encode(nil, s), naive(tok, s); !slices.Equal(got, want) {
			t.Errorf("%.40q:\n got %v\nwant %v", s, got, want)
		}
	}
	if tok.BOS() != 1 || tok.EOS() != 2 || !tok.AddBOS() || tok.Token(1) != "<s>" {
		t.Errorf("bos %d, eos %d, %q", tok.BOS(), tok.EOS(), tok.Token(1))
	}
	m := tok.Metadata()
	again, err := FromMetadata(func(key string) (any, bool) { v, ok := m[key]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if s := "Once upon a time, in  a land\n"; !slices.Equal(tok.Encode(nil, s), again.Encode(nil, s)) {
		t.Error("the vocabulary changes through GGUF's metadata")
	}
}

func FuzzLlama2C(f *testing.F) {
	b, size := llama2c([]string{"a", "b", "ab", " "}, nil)
	f.Add(b, size, "ab")
	f.Add(b[:100], size, "ab")
	f.Fuzz(func(t *testing.T, b []byte, size int, text string) {
		tok, err := FromLlama2C(b, size)
		if err != nil {
			return
		}
		for _, id := range tok.Encode(nil, text) {
			if !tok.has(id) {
				t.Fatalf("id %d of %d", id, tok.Size())
			}
		}
	})
}
