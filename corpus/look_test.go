package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestLook(t *testing.T) {
	const (
		english = "It was late when the fox and the hare came to the river, and there was nobody who could tell them where the boat had gone. She said that they would wait for it."
		french  = "Il était tard quand le renard et le lièvre sont arrivés à la rivière, et il n'y avait personne pour leur dire dans quelle direction les bateaux étaient partis avec elle."
		russian = "Было уже поздно, когда лиса и заяц пришли к реке, и не было никого, кто мог бы сказать им, где лодка. Она сказала, что они будут ждать."
	)
	line := func(field, text string) string { return `{"id": 7, "` + field + `": "` + text + `"}` + "\n" }
	chat := `{"turns": [["user", "` + english + `"], ["assistant", "` + english + `"]]}` + "\n"
	play := `{"turns": [["Маша", "` + russian + `"], ["Миша", "` + russian + `"]]}` + "\n"
	many := map[string]string{}
	for i := range 30 {
		many[fmt.Sprint(i, ".txt")] = []string{english, english, french, russian}[i%4]
	}
	tests := map[string]struct {
		files map[string]string
		want  []string // path, field, kind, language
	}{
		"texts":           {map[string]string{"a.txt": english, "b/c.md": english}, []string{". en"}},
		"a language each": {map[string]string{"en/a.txt": english, "fr/a.txt": french, "ru/a.txt": russian}, []string{"en en", "fr fr", "ru ru"}},
		"lines":           {map[string]string{"a.jsonl": line("text", english), "b.jsonl": line("text", english)}, []string{". en"}},
		"another field":   {map[string]string{"a.jsonl": line("story", english), "b.jsonl": line("text", french)}, []string{"a.jsonl story en", "b.jsonl fr"}},
		"unusual field":   {map[string]string{"a.jsonl": line("abstract", russian)}, []string{". abstract ru"}},
		"a dialogue":      {map[string]string{"a.jsonl": chat, "b.txt": english}, []string{"a.jsonl turns dialogue en", "b.txt en"}},
		"a play":          {map[string]string{"p.jsonl": play}, []string{". turns text ru"}},
		"programs":        {map[string]string{"a.py": "import re", "b/c.py": "# " + french, "b/d.py": "", "README.md": english}, []string{"README.md en", "a.py zxx", "b zxx"}},
		"many languages":  {many, []string{". en"}},
		"unknown":         {map[string]string{"a.txt": "7 11 13", "b.txt": ""}, []string{". und"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range test.files {
				p := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Look(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, s := range got {
				rel, err := filepath.Rel(dir, s.Path)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, strings.Join(strings.Fields(strings.Join([]string{filepath.ToSlash(rel), s.Field, s.Kind, s.Language}, " ")), " "))
			}
			if !slices.Equal(found, test.want) {
				t.Errorf("Look found %q, want %q", found, test.want)
			}
		})
	}
}

func TestLookRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.jsonl"), []byte(`{"id": 1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                          `look at .*a\.jsonl: no field of its first line holds a text or turns; there is "id"`,
		filepath.Join(dir, "absent"): "does not exist",
	} {
		if _, err := Look(t.Context(), path); err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("Look(%s) = %v, want an error like %s", path, err, want)
		}
	}
}
