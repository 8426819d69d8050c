package corpus

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samovar/corpus/filter"
)

var declared = Source{Language: "en", Licence: "CC0-1.0", Origin: "test", Filter: filter.Config{Default: filter.Off}}

// at returns a declared source of path.
func at(path string) Source {
	s := declared
	s.Path = path
	return s
}

func TestFiles(t *testing.T) {
	dir := write(t, map[string]string{
		"b.txt": "b", "a.go": "a", "c.jsonl.gz": "c", ".hidden": "x", ".git/config": "x",
		"sub/d.txt": "d", "sub/deep/e.go": "e", "sub/deep/.f.go": "x", "[g].txt": "g",
	})
	for link, to := range map[string]string{"loop": ".", "sub/up": "..", "sub/self": "self", "sub/gone": "nowhere", "z.txt": "b.txt"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	all := []string{"[g].txt", "a.go", "b.txt", "c.jsonl.gz", "sub/d.txt", "sub/deep/e.go"}
	tests := []struct {
		path    string
		include []string
		field   string
		want    []string
	}{
		{".", nil, "", all},
		{"sub", nil, "", nil}, // sub/up leads to everything: below
		{".", []string{".go"}, "", []string{"a.go", "sub/deep/e.go"}},
		{".", []string{"TXT", ".jsonl"}, "", []string{"[g].txt", "b.txt", "c.jsonl.gz", "sub/d.txt"}},
		{".", nil, "body", []string{"c.jsonl.gz"}},
		{"b.txt", nil, "", []string{"b.txt"}},
		{"b.txt", nil, "body", []string{"b.txt"}},
		{"*.txt", nil, "", []string{"[g].txt", "b.txt"}},
		{"[g].txt", nil, "", []string{"[g].txt"}},
		{"**/*.go", nil, "", []string{"a.go", "sub/deep/e.go"}},
		{"**", nil, "", all},
		{"**/**/d*/**/*.go", nil, "", []string{"sub/deep/e.go"}},
		{"s*/?.txt", nil, "", []string{"sub/d.txt"}},
		{"s*/d*", nil, "", []string{"sub/d.txt", "sub/deep/e.go"}},
		{".g*/*", nil, "", []string{".git/config"}},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			s := at(filepath.Join(dir, test.path))
			s.Include, s.Field = test.include, test.field
			files, err := s.files(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range files {
				names = append(names, f.name)
			}
			if test.want == nil { // each file once, however it is reached
				if len(names) != len(all) {
					t.Errorf("got %q", names)
				}
			} else if !slices.Equal(names, test.want) {
				t.Errorf("got %q, want %q", names, test.want)
			}
		})
	}
}

func TestBadSources(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "a", "empty/.keep": "", "short.jsonl.gz": ""})
	tests := []struct {
		name   string
		change func(*Source)
		err    string
	}{
		{"path", func(s *Source) { s.Path = "" }, "path is missing"},
		{"language", func(s *Source) { s.Language = " " }, "language is missing"},
		{"licence", func(s *Source) { s.Licence = "" }, "licence is missing"},
		{"origin", func(s *Source) { s.Origin = "" }, "origin is missing"},
		{"tag", func(s *Source) { s.Language = "english" }, `language "english" is not a BCP 47 tag`},
		{"weight", func(s *Source) { s.Weight = -1 }, "weight -1 is not between 0 and 1000"},
		{"kind", func(s *Source) { s.Kind = "chat" }, `kind "chat" is unknown`},
		{"missing", func(s *Source) { s.Path += "/none" }, "none does not exist"},
		{"empty folder", func(s *Source) { s.Path += "/empty" }, "empty is empty"},
		{"pattern", func(s *Source) { s.Path += "/*.md" }, "no file matches"},
		{"bad pattern", func(s *Source) { s.Path += "/[" }, "syntax error in pattern"},
		{"include", func(s *Source) { s.Include = []string{".md"} }, "none of the 2 files"},
		{"field", func(s *Source) { s.Path += "/a*"; s.Path += "*"; s.Include = []string{".x"}; s.Field = "f" }, "correct include"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := at(dir)
			test.change(&s)
			_, err := NewCollect(context.Background(), []Source{s}, 0)
			if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %s", err, test.err)
			}
		})
	}
	if _, err := NewCollect(context.Background(), nil, 0); err == nil {
		t.Error("no source, and no error")
	}
	if _, err := NewCollect(context.Background(), []Source{at(dir)}, 256); err == nil {
		t.Error("everything held out, and no error")
	}
}

// TestDigest asserts that the digest follows what is read, not where it lies.
func TestDigest(t *testing.T) {
	digest := func(files map[string]string) string {
		d, err := Digest(context.Background(), []Source{at(write(t, files))})
		if err != nil {
			t.Fatal(err)
		}
		return string(d[0])
	}
	one := digest(map[string]string{"a.txt": "x", "b.txt": "y"})
	for name, other := range map[string]map[string]string{
		"content": {"a.txt": "x", "b.txt": "z"}, "order": {"b.txt": "x", "a.txt": "y"},
		"one more": {"a.txt": "x", "b.txt": "y", "c.txt": ""}, "how it is read": {"a.txt": "x", "b.jsonl": "y"},
	} {
		if digest(other) == one {
			t.Errorf("%s: the digest is the same", name)
		}
	}
	if digest(map[string]string{"p.md": "x", "q/r.txt": "y"}) != one {
		t.Error("other names: the digest differs")
	}
}

func TestWeights(t *testing.T) {
	if got := Weights([]Source{{}, {Weight: 2.5}}); !slices.Equal(got, []float64{1, 2.5}) {
		t.Error(got)
	}
}
