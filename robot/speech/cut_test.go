package speech

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// cut cuts a text that comes in pieces of n bytes.
func cut(text string, n int) []string {
	var c Cutter
	var out []string
	for len(text) > n {
		out = append(out, c.Write(text[:n])...)
		text = text[n:]
	}
	return append(append(out, c.Write(text)...), c.Flush()...)
}

func TestCutter(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{" \n\n ", nil},
		{"Hello! How can I help you?", []string{"Hello!", "How can I help you?"}},
		{"Bonjour ! Comment puis-je vous aider ?", []string{"Bonjour !", "Comment puis-je vous aider ?"}},
		{"Il a dit : « Venez ! » Puis il est parti.", []string{"Il a dit : « Venez ! »", "Puis il est parti."}},
		{"Здравствуйте! Чем могу помочь? Я слушаю.", []string{"Здравствуйте!", "Чем могу помочь?", "Я слушаю."}},
		{"Это было в 1999 г. и т. д., см. рис. 5. Потом кончилось.", []string{"Это было в 1999 г. и т. д.,", "см. рис. 5.", "Потом кончилось."}},
		{"مرحبا! كيف حالك؟ أنا بخير.", []string{"مرحبا!", "كيف حالك؟", "أنا بخير."}},
		{"نعم، أستطيع أن أرقص؛ شكرا.", []string{"نعم، أستطيع أن أرقص؛", "شكرا."}},
		{"Dr. Smith paid $3.50 to J. R. Doe at 12:30. He left.", []string{"Dr. Smith paid $3.50 to J. R. Doe at 12:30.", "He left."}},
		{"Mr. and Mrs. Dupont saw M. Dupond, e.g. at no. 5 approx. Then they went.", []string{"Mr. and Mrs. Dupont saw M. Dupond,", "e.g. at no. 5 approx. Then they went."}},
		{"She asked \"Why?\" and went. \"Because.\" Nothing more.", []string{"She asked \"Why?\" and went.", "\"Because.\"", "Nothing more."}},
		{"Wait... what? Well… Yes!! Really?!", []string{"Wait... what?", "Well…", "Yes!!", "Really?!"}},
		{"Once upon a time, there was a king, and he was old, and he was tired.", []string{"Once upon a time,", "there was a king, and he was old, and he was tired."}},
		{"Well, yes. No, no, no.", []string{"Well, yes.", "No, no, no."}},
		{"# A title\nThe text goes\non here.\n\n- one\n- **two**\n* three", []string{"A title", "The text goes on here.", "one", "two", "three"}},
		{"1. First thing\n2. Second thing", []string{"1. First thing", "2. Second thing"}},
		{"See:\n```go\nfmt.Println(\"no. Not this.\")\n```\nThat is all.", []string{"See:", "That is all."}},
		{"```\nnever closed. Never spoken.", nil},
		{"Read [the page](https://example.org/a.b) or https://example.org/x?y=1. Thanks.", []string{"Read the page or example.org", "Thanks."}},
		{"I *really* like `code` and __this__ 😀👍🏽. 2 * 3 is 6 🇫🇷!", []string{"I really like code and this .", "2 * 3 is 6 !"}},
		{"| a | b |\n|---|---|\n| 1 | 2 |", []string{"a, b", "1, 2"}},
		{"An end without a mark", []string{"An end without a mark"}},
		{"😀 … !!!", nil},
		{"[[h@l'oU]] and \x01200S fast", []string{"h@l'oU and 200S fast"}},
	} {
		for _, n := range []int{1, 2, 3, 7, 1000} {
			if got := cut(c.text, n); !slices.Equal(got, c.want) {
				t.Errorf("%q in pieces of %d: %q, not %q", c.text, n, got, c.want)
				break
			}
		}
	}
}

// A sentence is there with the first letter of the next one.
func TestCutterIsEarly(t *testing.T) {
	var c Cutter
	if got := c.Write("Hello!"); got != nil {
		t.Fatalf("%q before it is known what follows", got)
	}
	if got := c.Write(" How"); !slices.Equal(got, []string{"Hello!"}) {
		t.Fatalf("%q", got)
	}
	if got := c.Flush(); !slices.Equal(got, []string{"How"}) {
		t.Fatalf("%q", got)
	}
}

func TestCutterBreaksWhatNeverEnds(t *testing.T) {
	for _, text := range []string{strings.Repeat("a", 5000), strings.Repeat("word ", 1000), strings.Repeat("слово, ", 1000), strings.Repeat(".", 5000) + "a"} {
		for _, u := range cut(text, 9) {
			if n := utf8.RuneCountInString(u); n > Longest {
				t.Errorf("an utterance of %d letters of %q…", n, text[:20])
			}
		}
	}
}

// What is cut does not depend on the pieces, is not too long, and commands nothing.
func FuzzCutter(f *testing.F) {
	f.Add("Hello! *How* are you? See [a](b).\n\n1. Dr. X\n```\nx\n```\nأهلا؟ нет. « Oui ! » ...", 3)
	f.Add("a.\xff b", 1)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = 1 + max(0, n%50)
		whole := cut(text, len(text)+1)
		if parts := cut(text, n); !slices.Equal(whole, parts) {
			t.Fatalf("in pieces of %d %q, whole %q", n, parts, whole)
		}
		for _, u := range whole {
			if utf8.RuneCountInString(u) > Longest || strings.IndexFunc(u, unicode.IsControl) >= 0 || strings.Contains(u, "[[") || strings.TrimSpace(u) == "" {
				t.Fatalf("%q", u)
			}
		}
	})
}

func TestGuess(t *testing.T) {
	for _, c := range []struct{ text, otherwise, want string }{
		{"How can I help you?", "fr", "en"},
		{"Comment puis-je vous aider ?", "en", "fr"},
		{"Bonjour !", "en", "fr"},
		{"J’arrive.", "en", "fr"},
		{"Hello!", "ru", "en"},
		{"Чем могу помочь?", "en", "ru"},
		{"كيف حالك؟", "en", "ar"},
		{"Samovar", "fr", "fr"},
		{"Samovar", "ru", "en"},
		{"42", "ar", "ar"},
		{"", "ru", "ru"},
		{"Привет, Samovar!", "en", "ru"},
	} {
		if got := Guess(c.text, c.otherwise); got != c.want {
			t.Errorf("%q, otherwise %s: %s, not %s", c.text, c.otherwise, got, c.want)
		}
	}
}
