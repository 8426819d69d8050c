package template

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

// testdata/golden.json is what jinja2 renders as Hugging Face sets it up
// (testdata/golden.py).
func TestAsJinja2(t *testing.T) {
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Template    string
		Messages    []Message
		Prompt      bool
		BOS, EOS    string
		Text, Error string
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	templates := map[string]*Template{}
	for _, c := range cases {
		tmpl := templates[c.Template]
		if tmpl == nil {
			src, err := os.ReadFile("testdata/" + c.Template)
			if err != nil {
				t.Fatal(err)
			}
			if tmpl, err = Parse(string(src)); err != nil {
				t.Fatalf("%s: %v", c.Template, err)
			}
			templates[c.Template] = tmpl
		}
		got, err := tmpl.Render(c.Messages, Options{AddGenerationPrompt: c.Prompt, BOS: c.BOS, EOS: c.EOS})
		switch message, raised := strings.CutPrefix(c.Error, "TemplateError: "); {
		case raised:
			if r := (Raised{}); !errors.As(err, &r) || r.Message != message {
				t.Errorf("%s %v: error %v, want %s", c.Template, c.Messages, err, c.Error)
			}
		case c.Error != "":
			if err == nil {
				t.Errorf("%s %v: no error, want %s", c.Template, c.Messages, c.Error)
			}
		case err != nil || got != c.Text:
			at := 0
			for at < min(len(got), len(c.Text)) && got[at] == c.Text[at] {
				at++
			}
			t.Errorf("%s %v: %v, from byte %d on:\n got %.80q\nwant %.80q", c.Template, c.Messages, err, at, got[at:], c.Text[at:])
		}
	}
	if len(templates) < 8 {
		t.Errorf("%d templates", len(templates))
	}
}
