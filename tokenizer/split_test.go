package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// golden reads a file that testdata/golden.py made with Hugging Face's tokenizers.
func golden[T any](t *testing.T, name string) (v T) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// regex.json holds our patterns for golden.py to run.
func TestRegexFile(t *testing.T) {
	regexes := map[string][]string{}
	for name, pre := range preTokenizers {
		regexes[name] = pre.regex
	}
	want, err := json.MarshalIndent(regexes, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("testdata/regex.json"); err != nil || string(got) != string(want)+"\n" {
		if os.Getenv("SAMOVAR_WRITE") == "regex.json" {
			err = os.WriteFile("testdata/regex.json", append(want, '\n'), 0o644)
		}
		t.Errorf("testdata/regex.json is out of date (SAMOVAR_WRITE=regex.json writes it; then run golden.py): %v", err)
	}
}

func cut(split func(string) int, s string) []string {
	out := []string{}
	for s != "" {
		n := split(s)
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}

func TestSplit(t *testing.T) {
	g := golden[struct {
		Texts  []string
		Pieces map[string][][]string
	}](t, "split.json")
	for _, name := range Pretokenizers() {
		pre, err := preTokenizerOf(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Pieces[name]) != len(g.Texts) {
			t.Fatalf("%s: %d golden values for %d texts", name, len(g.Pieces[name]), len(g.Texts))
		}
		for i, text := range g.Texts {
			if got, want := cut(pre.split, text), g.Pieces[name][i]; !slices.Equal(got, want) {
				t.Errorf("%s: %q:\n got %q\nwant %q", name, text, got, want)
			}
		}
	}
}

// Whatever the bytes, every pre-tokenizer cuts all of them into non-empty pieces.
func FuzzSplit(f *testing.F) {
	f.Add("Hello, it's 12 o'clock\r\n\n \xff\xc3 x")
	f.Add("'\xc5")
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range Pretokenizers() {
			pre, err := preTokenizerOf(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(cut(pre.split, s), ""); got != s {
				t.Errorf("%s: %q became %q", name, s, got)
			}
		}
	})
}
