package task

import (
	"testing"
)

// FuzzParse holds every parser to items that can be asked, or an error.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "\n", "{}", "[]", "null", `{"sentence_good": "a", "sentence_bad": "b"}`,
		`{"ctx": "A", "endings": ["b", "c"], "label": "1"}`, `{"activity_label": "A", "ctx_a": "", "ctx_b": "\u00df", "endings": ["[b", "c]"], "label": 1e9}`,
		"A\n0\nb\nc\nd\ne\n", "A\n-1\nb\nc\nd\ne", "A,b,c,d,e,A\n", "\"A\nB\",,,,,D", `{"question": "q", "answer": "#### 1"}`, `{"text": "t"}`, "\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for kind, formats := range parsers {
			for ext, parse := range formats {
				items, err := parse("name", text)
				if err != nil {
					continue
				}
				for i, it := range items {
					asked := it.Text != ""
					if kind == Blimp || kind == Choice {
						asked = it.check() == nil
					}
					if !asked || it.Index != i || kind == Exact && !number.MatchString(Target(it.Text)) {
						t.Fatalf("%s, %s: item %d of %q cannot be asked: %+v", kind, ext, i, text, it)
					}
				}
			}
		}
	})
}
