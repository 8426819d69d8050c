package recipe

import (
	"strings"
	"testing"
)

// TestWithout holds everything but the sources that are left out, and their
// comments, to stay.
func TestWithout(t *testing.T) {
	const text = `# head
name: a # the name

corpus:
  # about them all
  - path: texts # a folder
    language: en
    licence: CC0-1.0
    origin: |
      several
      lines
  # about b
  - {path: b, language: en, licence: MIT, origin: B, rights: "as: declared"} # inline
  - path: c
    language: fr
    licence: MIT
    origin: "C: c"
# after
train: {tokens: 1k}
predict: {bits_per_byte: 1.5, spread: 0.03} # of all
quantize: [Q8_0]
`
	r, err := Parse([]byte(text), "/")
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"# head", "# the name", "# about them all", "# a folder", "several", "# about b", "as: declared", "# inline", `"C: c"`, "# after", "train: {tokens: 1k}", "1.5", "# of all", "quantize: [Q8_0]"}
	for _, x := range []struct {
		drop []int
		gone []string
	}{
		{nil, nil},
		{[]int{0}, []string{"1.5", "# of all", "# a folder", "several"}},
		{[]int{1}, []string{"1.5", "# of all", "# about b", "as: declared", "# inline"}},
		{[]int{2}, []string{"1.5", "# of all", `"C: c"`}},
		{[]int{2, 0}, []string{"1.5", "# of all", "# a folder", "several", `"C: c"`}},
	} {
		got, err := r.Without(x.drop)
		if err != nil {
			t.Errorf("%v: %v", x.drop, err)
			continue
		}
		for _, s := range all {
			gone := false
			for _, g := range x.gone {
				gone = gone || g == s
			}
			if strings.Contains(got, s) == gone {
				t.Errorf("without %v, %q: it is %v that it is there:\n%s", x.drop, s, !gone, got)
			}
		}
	}
	if _, err := r.Without([]int{0, 1, 2}); err == nil || !strings.Contains(err.Error(), "nothing would be left") {
		t.Errorf("without any source: %v", err)
	}
}

// Forms of the same list.
func TestWithoutForms(t *testing.T) {
	const one, two = "{path: a, language: en, licence: MIT, origin: A}", "{path: b, language: en, licence: MIT, origin: B}"
	for _, text := range []string{
		"name: a\ncorpus: [" + one + ", " + two + "]\ntrain: {tokens: 1k}\n",
		"name: a\ncorpus:\n- " + one + "\n- " + two + "\ntrain: {tokens: 1k}\n",
		`{"name": "a", "corpus": [{"path": "a", "language": "en", "licence": "MIT", "origin": "A"}, {"path": "b", "language": "en", "licence": "MIT", "origin": "B"}], "train": {"tokens": 1000}}`,
		"corpus:\n- " + one + "\n- " + two + "\n\n\ntrain:\n  tokens: 1k # few\nname: a",
	} {
		r, err := Parse([]byte(text), "/")
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Without([]int{0})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if left, err := Parse([]byte(got), "/"); err != nil || len(left.Corpus) != 1 || left.Corpus[0].Origin != "B" {
			t.Errorf("%s\nbecame\n%s: %v", text, got, err)
		}
	}
}
