package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// stories returns n documents of made-up but word-like text in several scripts.
func stories(n int) []string {
	syllables := strings.Fields("an be co do el fa go hi in ka lo mi no op ra su ти во на го ри са ко ме لا من في ما كا 学 生 7 42 'll 's ! . , \n \n\n \t () {}")
	r := rand.New(rand.NewPCG(1, 2))
	docs := make([]string, n)
	for i := range docs {
		var b strings.Builder
		for range 200 {
			for range 1 + r.IntN(3) {
				b.WriteString(syllables[min(r.IntN(len(syllables)), r.IntN(len(syllables)))])
			}
			b.WriteByte(' ')
		}
		docs[i] = b.String()
	}
	return docs
}

func train(t testing.TB, docs []string, c Config) *Tokenizer {
	t.Helper()
	tok, err := Train(slices.Values(docs), c)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestTrain(t *testing.T) {
	docs := stories(100)
	tok := train(t, docs, Config{Vocab: 600})
	if tok.Size() != 600 || tok.BOS() != tok.EOS() || !tok.IsEnd(tok.EOT()) || !tok.AddBOS() {
		t.Fatalf("size %d, bos %d, eos %d, eot %d", tok.Size(), tok.BOS(), tok.EOS(), tok.EOT())
	}
	for _, doc := range docs {
		ids := tok.Encode(nil, doc)
		if got := string(tok.Decode(nil, ids)); got != doc {
			t.Fatalf("%q came back as %q", doc, got)
		}
		if len(ids) >= len(doc)*2/3 {
			t.Errorf("%d bytes became %d ids", len(doc), len(ids))
		}
	}
}

// The vocabulary must not depend on the number of processors, also when the
// table of pre-tokens is pruned.
func TestTrainDeterministic(t *testing.T) {
	docs := stories(400)
	docs = append(docs, strings.Repeat(strings.Join(docs[:50], "\n"), 40)) // a document cut in pieces
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, limit := range []int{0, 300} {
		var first []byte
		for _, procs := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(procs)
			got, err := train(t, docs, Config{Vocab: 400, Limit: limit}).MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = got
			}
			if !bytes.Equal(got, first) {
				t.Errorf("limit %d: the vocabulary of %d processors differs from that of one", limit, procs)
			}
		}
	}
}

func TestTrainTooLittle(t *testing.T) {
	_, err := Train(slices.Values([]string{"so little, so little"}), Config{Vocab: 8192})
	if !errors.Is(err, ErrTooLittle) || !strings.Contains(fmt.Sprint(err), "7928 are needed") {
		t.Errorf("got %v", err)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	tok := train(t, stories(50), Config{Vocab: 400})
	b, err := tok.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := FromJSON(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := again.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, c) {
		t.Error("tokenizer.json changes when it is read and written")
	}
	if again.BOS() != tok.BOS() || again.EOS() != tok.EOS() || again.EOT() != tok.EOT() || again.AddBOS() != tok.AddBOS() {
		t.Error("the ends of texts got lost")
	}
}

func TestMetadataRoundTrip(t *testing.T) {
	tok := train(t, stories(50), Config{Vocab: 400})
	m := tok.Metadata()
	again, err := FromMetadata(func(key string) (any, bool) { v, ok := m[key]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	a, _ := tok.MarshalJSON()
	b, _ := again.MarshalJSON()
	if !bytes.Equal(a, b) {
		t.Error("the vocabulary changes through GGUF's metadata")
	}
}

// Words that hardly repeat, many times more than the table of them may hold,
// must be counted in less than 2 GiB. (1 GiB of them took 961 MiB.)
func TestTrainMemory(t *testing.T) {
	if os.Getenv("SAMOVAR_LONG") == "" {
		t.Skip("SAMOVAR_LONG is not set: counting so many words takes a minute")
	}
	peak := uint64(0)
	look := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.Sys-m.HeapReleased)
	}
	docs := func(yield func(string) bool) {
		r := rand.New(rand.NewPCG(9, 10))
		var b []byte
		for range 1 << 12 {
			b = b[:0]
			for len(b) < 1<<16 {
				b = append(b, ' ')
				for range 2 + r.IntN(7) {
					b = append(b, "etaoinshrdlucmfwypvbgkqjxz"[min(r.IntN(26), r.IntN(26))])
				}
			}
			if !yield(string(b)) {
				return
			}
			look()
		}
	}
	tok, err := Train(docs, Config{Vocab: 2048, Progress: func(int, int) { look() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("peak %d MiB", peak>>20)
	if peak > 2<<30 {
		t.Errorf("%d MiB in use", peak>>20)
	}
	if tok.Size() != 2048 {
		t.Errorf("size %d", tok.Size())
	}
}

// 32,768 tokens from 113 MB of English and Russian.
func BenchmarkTrain(b *testing.B) {
	docs := []string{}
	size := 0
	for _, file := range []string{"corpora/en/lcats_gutenberg_stories.jsonl.gz", "corpora/ru/ts_ru.jsonl.gz", "corpora/ru/rusdracor_plays.jsonl.gz"} {
		text := string(data(b, file))
		docs, size = append(docs, strings.SplitAfter(text, "\n")...), size+len(text)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		if _, err := Train(slices.Values(docs), Config{Vocab: 32768}); err != nil {
			b.Fatal(err)
		}
	}
}
