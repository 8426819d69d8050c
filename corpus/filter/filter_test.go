package filter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFind(t *testing.T) {
	tests := []struct{ text, want string }{
		{"write to a.b+c@mail.kettle.co.uk.", "write to <email>."},
		{"x@example.com, x@sub.example.org, x@host.test", "x@example.com, x@sub.example.org, x@host.test"},
		{"@home a@b a@b.c @@ a@.de logo@2x.png git@github.com:a/b", "@home a@b a@b.c @@ a@.de logo@2x.png git@github.com:a/b"},
		{"ёлка@почта.рф and anna@pochta.ru", "ёлка@почта.рф and <email>"},
		{"415-867-5309, (415) 867-5309, 415.867.5309, 1-415-867-5309", "<phone>, <phone>, <phone>, <phone>"},
		{"+44 20 7946 0018; +7 (495) 123-45-67; +33 4 78 42 17 93", "<phone>; <phone>; <phone>"},
		{"8 (495) 123-45-67 или 8-800-555-35-35", "<phone> или <phone>"},
		{"04 78 42 17 93, 030 4433 9921", "<phone>, <phone>"},
		{"call 8675309 or 867-5309", "call <phone> or <phone>"},
		{"555-0142, 415-555-0142", "555-0142, 415-555-0142"},
		{"on 2024-03-01, 01.02.2023, from 1914-1918 and 1939 1945", "on 2024-03-01, 01.02.2023, from 1914-1918 and 1939 1945"},
		{"ISBN 978-3-16-148410-0, 978-0-306-40615-7", "ISBN 978-3-16-148410-0, 978-0-306-40615-7"},
		{"version 2.10.4.1203, 192.168.100.101, 3.14159265358", "version 2.10.4.1203, 192.168.100.101, 3.14159265358"},
		{"call 0000000 or 000-000-0000", "call 0000000 or 000-000-0000"},
		{"4539 1488 0343 6467, 4539148803436467, 3782-822463-10005", "<card>, <card>, <card>"},
		{"4539 1488 0343 6468", "4539 1488 0343 6468"}, // the check digit is wrong
		{"DE89 3704 0044 0532 0130 00, GB82WEST12345698765432", "<iban>, <iban>"},
		{"DE88 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"},
		{"AKIAIOSFODNN7EXAMPLE", "<secret>"},
		{"AKIA is how it begins", "AKIA is how it begins"},
		{"password: Wq7-kestrel-19.", "password: <secret>."},
		{"PASSWORD=hunter2hunter2", "PASSWORD=<secret>"},
		{`password := getenv("PW1")`, `password := getenv("PW1")`},
		{"password: <your password>, passwords: 12345678", "password: <your password>, passwords: 12345678"},
		{`api_key = "0123456789abcdef0123"`, `api_key = "<secret>"`},
		{"https://clerk:Tr0ub4dor@db:5432/x", "https://clerk:<secret>@db:5432/x"},
		{"https://kettle.org/@anna:b", "https://kettle.org/@anna:b"},
		{"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY----- end", "<secret> end"},
		{"-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBg", "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBg"},
		{"", ""}, {"+", "+"}, {"(", "("}, {"://", "://"}, {"=", "="}, {"-----BEGIN ", "-----BEGIN "}, {"a@", "a@"}, {"AB12", "AB12"},
	}
	for _, test := range tests {
		if got := Masked(test.text); got != test.want {
			t.Errorf("%q became %q, want %q", test.text, got, test.want)
		}
	}
}

// FuzzFind holds the data found to lie within the text, in order, on the
// boundaries of characters.
func FuzzFind(f *testing.F) {
	for _, d := range []string{"a@b.co 415-867-5309 4539 1488 0343 6467", "DE89 3704 0044 0532 0130 00 password=abcd1234", "http://a:b1c@d +7 (495) 123 45 67",
		"-----BEGIN RSA PRIVATE KEY-----\nabc", "eyJhbGciOiJIUzI1NiJ9.e30.x", "(+(1 2-3.4/5 6 7 8 9", "tel\u00a0\u202f12\u00a034\u201156"} {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, x := range find(text) {
			if x.start < end || x.end <= x.start || x.end > len(text) {
				t.Fatalf("%q: %+v after %d", text, x, end)
			}
			end = x.end
		}
		if utf8.ValidString(text) && !utf8.ValidString(Masked(text)) {
			t.Errorf("%q became %q", text, Masked(text))
		}
	})
}

func wordsOf(text string) (all []string) {
	d := scan(text)
	defer d.release()
	for _, w := range d.words {
		all = append(all, d.text[w.start:w.end])
	}
	return all
}

func TestWords(t *testing.T) {
	tests := []struct{ text, want string }{
		{"Don't stop! Well-known: 3.5", "Don't|stop|Well|known|3|5"},
		{"l’été, Ёлка_1", "l’été|Ёлка|1"},
		{"你好世界 ok", "你|好|世|界|ok"},
		{" \n\t", ""}, {"", ""}, {"--- *", ""},
	}
	for _, test := range tests {
		if got := strings.Join(wordsOf(test.text), "|"); got != test.want {
			t.Errorf("%q: %s, want %s", test.text, got, test.want)
		}
	}
	a, b := scan("DON'T Stop"), scan("dont, stop")
	if a.words[0].hash != b.words[0].hash || a.words[1].hash != b.words[1].hash {
		t.Error("case, apostrophes and punctuation count")
	}
	if a.words[0].hash != wordHash("dont") {
		t.Error("wordHash is another")
	}
}

// FuzzWords holds words to lie in the text in order, and rolling hashes to
// depend on nothing but their words.
func FuzzWords(f *testing.F) {
	f.Add("The cat sat on the mat. The cat sat.\n\n你好", 3)
	f.Add("é’x \xff 1,000", 1)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = 1 + (n&0x7fffffff)%8
		d := scan(text)
		defer d.release()
		end := int32(0)
		for _, w := range d.words {
			if w.start < end || w.end <= w.start || int(w.end) > len(text) {
				t.Fatalf("%q: word %d to %d after %d", text, w.start, w.end, end)
			}
			end = w.end
		}
		if d.alpha > d.tokens {
			t.Errorf("%q: %d of %d tokens have a letter", text, d.alpha, d.tokens)
		}
		count := 0
		rolling(d.words, n, func(i int, hash uint64) bool {
			rolling(d.words[i:i+n], n, func(_ int, single uint64) bool {
				if single != hash {
					t.Errorf("%q: the n-gram at %d has two hashes", text, i)
				}
				return true
			})
			count++
			return true
		})
		if count != max(0, len(d.words)-n+1) {
			t.Errorf("%d n-grams of %d words", count, len(d.words))
		}
		for _, class := range []Class{Text, Web} {
			l := limitsOf[class]
			l.length(d)
			l.symbolic(d)
			l.boilerplate(d)
			l.repetitive(d)
		}
	})
}

func TestGrams(t *testing.T) {
	long := "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
	tests := []struct {
		name, ext, set string
		examples       int64
	}{
		{"lines", ".txt", long + "\nshort one\nThe cat that the dogs saw was very old.\n", 2},
		{"json lines", ".jsonl", `{"q": "` + long + `", "a": {"b": ["x", "The cat that the dogs saw was very old."]}}` + "\n" + `{"the key of eight words is no text.": 1}`, 2},
		{"json", ".json", `[["` + long + `"], {"a": 1, "b": "The cat that the dogs saw was very old."}, true, null]`, 2},
		{"csv", ".csv", "\"" + long + "\",B\nx,The cat that the dogs saw was very old.\n", 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var g Grams
			if err := g.Add("set", test.ext, strings.NewReader(test.set)); err != nil {
				t.Fatal(err)
			}
			if s := g.Sets()[0]; s.Examples != test.examples {
				t.Errorf("%+v", s)
			}
			for text, want := range map[string]bool{
				"He said: ONE two three, four five six seven eight nine ten eleven twelve thirteen!":   true,
				"one two three four five six seven eight nine ten eleven twelve":                       false,
				"He said that the cat that the dogs saw was very old and then left":                    true,
				"The cat that the dogs saw was very new.":                                              false,
				"two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen": true,
			} {
				d := scan(text)
				if set, gram := g.find(d); (set != "") != want || want && !strings.Contains(text, gram) {
					t.Errorf("%q: found %q in %q", text, gram, set)
				}
				d.release()
			}
		})
	}
	for ext, bad := range map[string]string{".json": `{"a": `, ".jsonl": `{"a": "b"} x`} {
		var g Grams
		if err := g.Add("bad", ext, strings.NewReader(bad)); err == nil {
			t.Errorf("%s: no error", ext)
		}
	}
}

// FuzzJSONStrings holds the reader of evaluation sets to end without a panic.
func FuzzJSONStrings(f *testing.F) {
	for _, s := range []string{`{"a": ["b", {"c": "d"}]}`, `]`, `{"a"`, `"a" "b"`, `[1, null]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		jsonStrings(strings.NewReader(s), func(string) {})
	})
}

// TestSimilarity holds the share of documents called near-duplicates to what
// 14 bands of 8 minima promise: 1 - (1 - s^8)^14.
func TestSimilarity(t *testing.T) {
	const words, trials = 400, 300
	rng := rand.New(rand.NewPCG(1, 2))
	text := func(ids []int) string {
		var b strings.Builder
		for _, id := range ids {
			fmt.Fprintf(&b, "w%d ", id)
		}
		return b.String()
	}
	for _, test := range []struct {
		changed int     // words, far apart: each changes five sequences
		low, up float64 // of the share found
	}{{0, 1, 1}, {4, 0.98, 1}, {9, 0.85, 0.97}, {15, 0.45, 0.70}, {27, 0.03, 0.16}, {60, 0, 0.02}} {
		found := 0
		for range trials {
			ids := make([]int, words)
			for i := range ids {
				ids[i] = rng.Int()
			}
			a := scan(text(ids))
			was := a.signature()
			for i := range test.changed {
				ids[(i+1)*words/(test.changed+1)] = rng.Int()
			}
			b := scan(text(ids))
			if slices.ContainsFunc(b.signature(), func(h uint64) bool { return slices.Contains(was, h) }) {
				found++
			}
			a.release()
			b.release()
		}
		same := float64(words - 4 - 5*test.changed)
		share := float64(found) / trials
		t.Logf("similarity %.2f: %.2f found", same/(float64(2*(words-4))-same), share)
		if share < test.low || share > test.up {
			t.Errorf("%d words changed: %.2f found, between %.2f and %.2f are expected", test.changed, share, test.low, test.up)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		config Config
		err    string
	}{
		{Config{Length: "mask"}, `length: "mask" is no action: drop, count or off is expected`},
		{Config{Personal: "hide"}, `personal: "hide" is no action: mask, drop, count or off is expected`},
		{Config{Default: "mask"}, `default: "mask" is no action`},
		{Config{As: "prose"}, `as: "prose" is no class`},
		{Config{MinWords: 9, MaxWords: 3}, "min_words and max_words"},
		{Config{Personal: Mask, Secrets: Drop, Near: Count}, ""},
	} {
		if err := test.config.Check(); (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%+v: error %v, want %s", test.config, err, test.err)
		}
	}
	f, err := New(Config{Default: Count, Near: Drop, MinWords: 9}, Code, "en", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := f.Resolved()
	if r.Actions[Language] != Off || r.Actions[Length] != Count || r.Actions[NearDuplicate] != Drop || r.MinWords != 9 {
		t.Errorf("resolved to %+v", r)
	}
}

func TestClassOf(t *testing.T) {
	for _, test := range []struct {
		ext, language string
		dialogue      bool
		want          Class
	}{
		{".go", "en", false, Code}, {".md", "en", false, Text}, {"", "en", false, Text}, {".html", "fr", false, Web},
		{".txt", "zxx", false, Code}, {".jsonl", "en", true, Dialogue}, {".jsonl", "en", false, Text},
	} {
		if got := ClassOf(test.ext, test.language, test.dialogue); got != test.want {
			t.Errorf("%+v is %s", test, got)
		}
	}
}

// TestActions judges one document with each action.
func TestActions(t *testing.T) {
	const text = "Write to marta@skogsmail.se before Friday, or ring 415-867-5309 and let it ring for a while, for the house is large."
	for _, test := range []struct{ action, dropped, text string }{
		{Off, "", text}, {Count, "", text}, {Drop, Personal, text},
		{Mask, "", strings.NewReplacer("marta@skogsmail.se", "<email>", "415-867-5309", "<phone>").Replace(text)},
	} {
		f, err := New(Config{Personal: test.action}, Text, "en", nil)
		if err != nil {
			t.Fatal(err)
		}
		parts := []string{"Hello.", text}
		v := f.Judge(parts)
		if v.Dropped != test.dropped || test.action != Drop && parts[1] != test.text {
			t.Errorf("%s: dropped by %q, text %q", test.action, v.Dropped, parts[1])
		}
		for _, h := range v.Hits {
			if h.Rules[email] != 1 || h.Rules[phone] != 1 || strings.Contains(h.Sample, "marta") || strings.Contains(h.Sample, "5309") {
				t.Errorf("%s: %+v", test.action, h)
			}
		}
	}
}

// BenchmarkJudge judges stories with all filters, with each alone, and with none.
func BenchmarkJudge(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	words := strings.Fields("the a fox hen house river of to and was it said he she that child old little ran away home night day when")
	var docs []string
	size := 0
	for range 200 {
		var t strings.Builder
		for i := range 300 {
			t.WriteString(words[rng.IntN(len(words))])
			if i%12 == 11 {
				t.WriteString(".\n")
			} else {
				t.WriteByte(' ')
			}
		}
		docs = append(docs, t.String())
		size += t.Len()
	}
	run := func(name string, c Config) {
		b.Run(name, func(b *testing.B) {
			f, err := New(c, Text, "en", nil)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				for _, d := range docs {
					f.Judge([]string{d})
				}
			}
		})
	}
	run("all", Config{Default: Count, Personal: Count, Secrets: Count, Near: Count})
	for _, name := range []string{Language, Symbols, Boilerplate, Repetition, Personal, NearDuplicate} {
		run(name, alone(name))
	}
	run("none", alone(""))
}
