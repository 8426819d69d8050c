package tokenizer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// slowly merges as merger.merge is documented, without its shortcuts.
func slowly(p *pairs, syms []int32) []int32 {
	syms = slices.Clone(syms)
	for {
		best, at, into := noRank, -1, int32(0)
		for i := range len(syms) - 1 {
			if rank, id := p.find(syms[i], syms[i+1]); rank < best {
				best, at, into = rank, i, id
			}
		}
		if at < 0 {
			return syms
		}
		syms = slices.Replace(syms, at, at+2, into)
	}
}

// Tables no trainer would make too: merges that use what later ones make.
func TestMergeLongAsShort(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		p := makePairs(0)
		n := int32(2 + r.IntN(4))
		for range r.IntN(60) {
			p.add(r.Int32N(n), r.Int32N(n), r.Int32N(40), n)
			n++
		}
		m := merger{pairs: &p}
		syms := make([]int32, r.IntN(300))
		for i := range syms {
			syms[i] = r.Int32N(min(n, 4))
		}
		want := slowly(&p, syms)
		if got := m.mergeLong(slices.Clone(syms)); !slices.Equal(got, want) {
			t.Fatalf("long: %v\n got %v\nwant %v", syms, got, want)
		}
		if len(syms) <= short {
			if got := m.merge(slices.Clone(syms)); !slices.Equal(got, want) {
				t.Fatalf("short: %v\n got %v\nwant %v", syms, got, want)
			}
		}
	}
}

// Encode is merging from single bytes in each pre-token, with no shortcut: of
// the rune as a first symbol, of what is remembered, of whole tokens.
func TestEncodeAsDefined(t *testing.T) {
	bits := strings.Fields("а о е и н т с р в л к м д ё Ё ю я Б э é ß ا ل م ن ي و α ω ж ж ' 's . 12 the an \xd0 \xd1 \xbe \x80 \xc2\x80 \xc0\x80 中")
	bits = append(bits, " ", " ", " ", "\n")
	r := rand.New(rand.NewPCG(11, 12))
	for _, vocab := range []int{300, 360, 600, 1200} {
		tok := train(t, stories(100), Config{Vocab: vocab})
		known := 0
		for _, id := range tok.letters {
			if id != None {
				known++
			}
		}
		if known < 3 {
			t.Errorf("vocabulary %d: %d runes begin as one symbol: too few to test them", vocab, known)
		}
		e := tok.NewEncoder()
		for range 2000 {
			var b strings.Builder
			for range 1 + r.IntN(20) {
				b.WriteString(bits[r.IntN(len(bits))])
			}
			var want []int32
			for _, word := range cut(tok.split, b.String()) {
				var syms []int32
				for _, c := range []byte(word) {
					syms = append(syms, tok.symbols[c])
				}
				want = append(want, slowly(&tok.pairs, syms)...)
			}
			if got := e.Encode(nil, b.String()); !slices.Equal(got, want) {
				t.Fatalf("vocabulary %d: %q:\n got %v\nwant %v", vocab, b.String(), got, want)
			}
		}
	}
}

// monotonous are texts of n bytes without a place to cut, or with nothing but.
func monotonous(n int) map[string]string {
	r := rand.New(rand.NewPCG(7, 8))
	letters := make([]byte, n)
	for i := range letters {
		letters[i] = 'a' + byte(r.IntN(26))
	}
	texts := map[string]string{"random": string(letters)}
	for name, s := range map[string]string{
		"letter": "a", "space": " ", "newline": "\n", "digit": "7", "punctuation": "!", "quote": "'",
		"mark": "\u0301", "han": "中", "invalid": "\xff", "cut": "\xf0\x9f", "special": "<|im_",
	} {
		texts[name] = strings.Repeat(s, n/len(s))
	}
	return texts
}

// Texts without a place to cut must not take quadratic time: the test would
// not end if they did.
func TestEncodeLongWords(t *testing.T) {
	for _, pre := range []string{"qwen2", "gpt-4o", "gpt-2"} {
		tok := train(t, corpus(t), Config{Vocab: 456, Pre: pre})
		for name, s := range monotonous(1 << 19) {
			if got := string(tok.Decode(nil, tok.EncodeSpecial(nil, s, nil))); got != s {
				t.Errorf("%s, %s: the text came back different", pre, name)
			}
		}
	}
	for name, s := range monotonous(1 << 18) {
		if got := string(scored(t).Decode(nil, scored(t).Encode(nil, s))); got != s {
			t.Errorf("scored, %s: the text came back different", name)
		}
	}
}

func TestEncodeAllocatesNothing(t *testing.T) {
	tok := train(t, corpus(t), Config{Vocab: 456})
	text := strings.Join(corpus(t), "\n\n")
	e := tok.NewEncoder()
	dst := e.Encode(nil, text)
	if n := testing.AllocsPerRun(10, func() { dst = e.Encode(dst[:0], text) }); n > 0 {
		t.Errorf("%v allocations in steady state", n)
	}
}

func TestEncodeConcurrently(t *testing.T) {
	tok := train(t, corpus(t), Config{Vocab: 456})
	text := strings.Join(corpus(t), "\n")
	want := tok.Encode(nil, text)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if !slices.Equal(tok.Encode(nil, text), want) {
					t.Error("ids differ between goroutines")
				}
			}
		})
	}
	wg.Wait()
}

func TestEncodeSpecial(t *testing.T) {
	tok := train(t, corpus(t), Config{Vocab: 456})
	end, _ := tok.Special(EndTurn)
	start, _ := tok.Special(StartTurn)
	text := "a<|im_end|>b<|im_start|>"
	if got := tok.EncodeSpecial(nil, text, nil); !slices.Contains(got, end) || !slices.Contains(got, start) {
		t.Errorf("special tokens are missing: %v", got)
	}
	if got := tok.Encode(nil, text); slices.ContainsFunc(got, tok.IsSpecial) || string(tok.Decode(nil, got)) != text {
		t.Errorf("Encode reads special tokens: %v", got)
	}
	for plain := 1; plain < 11; plain++ { // any overlap with the name
		got := tok.EncodeSpecial(nil, text, []Span{{plain, plain + 1}})
		if slices.Contains(got, end) || !slices.Contains(got, start) {
			t.Errorf("plain at %d: %v", plain, got)
		}
	}
	if got := tok.EncodeSpecial(nil, text, []Span{{0, 1}, {11, 12}}); !slices.Contains(got, end) {
		t.Errorf("plain beside a name hides it: %v", got)
	}
}

func TestDecoder(t *testing.T) {
	tok := train(t, corpus(t), Config{Vocab: 456})
	for in, want := range map[string]string{
		"é🙂 да":             "é🙂 да",
		"a\xffb\xe4\xb8":    "a\uFFFDb\uFFFD\uFFFD",
		"\xf0\x9f\x99":      "\uFFFD\uFFFD\uFFFD",
		"\xe4\xb8x\xc3\xa9": "\uFFFD\uFFFDxé",
	} {
		d := tok.NewDecoder()
		got := ""
		for _, b := range []byte(in) { // byte by byte, the worst case
			got += d.Next(tok.fallback[b])
		}
		if got += d.Flush(); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	tok := train(f, corpus(f), Config{Vocab: 456})
	pieces := scored(f)
	f.Add("it's \xff\xfe 12 <|im_end|>\n")
	f.Add(" ")
	f.Add("\u2581 ab  \xe4\xb8")
	f.Fuzz(func(t *testing.T, s string) {
		for _, tok := range []*Tokenizer{tok, pieces} {
			ids := tok.Encode(nil, s)
			if got := string(tok.Decode(nil, ids)); got != s {
				t.Errorf("%q became %q", s, got)
			}
			if slices.ContainsFunc(ids, tok.IsSpecial) {
				t.Errorf("%q became special", s)
			}
			d, stream := tok.NewDecoder(), ""
			for _, id := range ids {
				stream += d.Next(id)
			}
			want := string([]rune(s))
			if tok.prefix && s != "" {
				want = " " + want // a decoder cannot know that nothing came before
			}
			if stream += d.Flush(); stream != want {
				t.Errorf("%q streamed as %q", s, stream)
			}
		}
		for _, id := range tok.EncodeSpecial(nil, s, []Span{{0, len(s)}}) {
			if tok.IsSpecial(id) {
				t.Errorf("%q: plain text became special", s)
			}
		}
	})
}

// sample returns the beginning of a file of $SAMOVAR_DATA, as it is.
func sample(b *testing.B, name string) string {
	z := data(b, name)
	return string(z[:min(len(z), 5<<20)])
}

func BenchmarkEncode(b *testing.B) {
	tok, err := FromJSON(data(b, "tokenizers/qwen2_5/tokenizer.json.gz"), nil)
	if err != nil {
		b.Fatal(err)
	}
	for language, file := range map[string]string{
		"English": "corpora/en/lcats_gutenberg_stories.jsonl.gz",
		"Russian": "corpora/ru/ts_ru.jsonl.gz",
	} {
		text := sample(b, file)
		b.Run(language, func(b *testing.B) {
			e := tok.NewEncoder()
			var dst []int32
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				dst = e.Encode(dst[:0], text)
			}
			b.ReportMetric(float64(len(text))/float64(len(dst)), "bytes/token")
		})
	}
}

// The rate must not depend on the length of the text.
func BenchmarkEncodeLongWords(b *testing.B) {
	tok := train(b, corpus(b), Config{Vocab: 456})
	for _, size := range []int{100_000, 10_000_000} {
		for name, text := range monotonous(size) {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				var dst []int32
				for b.Loop() {
					dst = tok.Encode(dst[:0], text)
				}
			})
		}
	}
}
