package tokenizer

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
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

// reference cuts text as the regular expressions say, with Go's regexp: its \s
// knows ASCII alone, and it has no (?!\S), so what is left for the last two
// alternatives, white space, is cut by hand.
type reference []*regexp.Regexp

func newReference(t testing.TB, name string) (ref reference) {
	t.Helper()
	for _, pattern := range preTokenizers[name].regex {
		pattern = strings.TrimSuffix(pattern, `|\s+(?!\S)|\s+`)
		pattern = strings.NewReplacer(`[^\s`, `[^`+whiteSpace, `\s`, `[`+whiteSpace+`]`).Replace(pattern)
		r, err := regexp.Compile(`^(?:` + pattern + `)`)
		if err != nil {
			t.Fatal(err)
		}
		ref = append(ref, r)
	}
	return ref
}

// whiteSpace is Unicode's property White_Space, for a class of characters.
const whiteSpace = `\t-\r\x{85}\p{Z}`

func (ref reference) cut(s string) []string {
	if s == "" {
		return nil
	}
	if len(ref) == 1 {
		n := len(ref[0].FindString(s))
		if n == 0 {
			n = spaces(s)
		}
		return append([]string{s[:n]}, ref.cut(s[n:])...)
	}
	// The first expression's matches are pieces; what lies between goes to the others.
	for i := range s {
		if n := len(ref[0].FindString(s[i:])); n > 0 {
			return slices.Concat(ref[1:].cut(s[:i]), []string{s[i : i+n]}, ref.cut(s[i+n:]))
		}
	}
	return ref[1:].cut(s)
}

// spaces is \s+(?!\S)|\s+.
func spaces(s string) int {
	n := len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace))
	if _, last := utf8.DecodeLastRuneInString(s[:n]); n < len(s) && last < n {
		return n - last
	}
	return n
}

func TestSplitAsRegex(t *testing.T) {
	bits := strings.Fields("a Z b é Ё я Ø ß İ ı K ſ ª ǅ ʰ 中 한 ا \u064e \u0301 1 9 ٣ ½ Ⅷ ! ' ' / . - _ ( \u200d \u200b \u180e \ufeff 🙂 𐐀 𐐨 \xff \xc3 \xd0 \xf0\x9f 's 'LL 're 'ſ \U000e0100")
	bits = append(bits, " ", " ", "  ", "\n", "\r", "\r\n", "\t", "\u0085", "\u00a0", "\u3000", "\u2028", "\u001c")
	r := rand.New(rand.NewPCG(13, 14))
	for _, name := range Pretokenizers() {
		ref := newReference(t, name)
		pre, err := preTokenizerOf(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 3000 {
			var b strings.Builder
			for range 1 + r.IntN(12) {
				b.WriteString(bits[r.IntN(len(bits))])
			}
			if got, want := cut(pre.split, b.String()), ref.cut(b.String()); !slices.Equal(got, want) {
				t.Fatalf("%s: %q:\n got %q\nwant %q", name, b.String(), got, want)
			}
		}
	}
}

// Whatever the bytes, every pre-tokenizer cuts as its regular expressions do.
func FuzzSplitAsRegex(f *testing.F) {
	refs := map[string]reference{}
	for _, name := range Pretokenizers() {
		refs[name] = newReference(f, name)
	}
	f.Add("Hello, it's 12 o'clock\r\n\n \xff\xc3 x")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 200 {
			s = s[:200]
		}
		for name, ref := range refs {
			pre, err := preTokenizerOf(name)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := cut(pre.split, s), ref.cut(s); !slices.Equal(got, want) {
				t.Errorf("%s: %q:\n got %q\nwant %q", name, s, got, want)
			}
		}
	})
}
