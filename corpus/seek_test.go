package corpus

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samovar"
	"samovar/corpus/filter"
)

// Documents are found again whatever file they come in: in the corpus' text or
// held out, alone or among others, cut or whole.
func TestSeek(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var long strings.Builder // is cut: 160 kB
	for i := range 8000 {
		fmt.Fprintf(&long, "Line %d of a book.\n", i)
	}
	book := write("book.txt", long.String())
	var lines strings.Builder
	for i := range 40 {
		lines.WriteString(`{"text": "Story ` + strings.Repeat("x", i+1) + `\r\n"}` + "\n")
	}
	lines.WriteString(`{"text": "Write to ann.smith@example.com for the rest."}` + "\n" + `{"text": "A heading\n\nA text."}`)
	stories := write("stories.jsonl", lines.String())
	write("turns.jsonl", `{"turns": [["user", "Hello."], ["assistant", "Good day."]]}`+"\n"+`{"turns": [["user", "Bye."], ["assistant", "See you."]]}`+"\n")
	sources := []Source{
		{Path: book, Language: "en", Licence: "MIT", Origin: "A"}, {Path: stories, Language: "en", Licence: "MIT", Origin: "B"},
		{Path: filepath.Join(dir, "turns.jsonl"), Language: "en", Licence: "MIT", Origin: "C", Kind: Dialogue},
	}
	for i := range sources {
		sources[i].Filter = filter.Config{Default: filter.Off, Personal: filter.Mask}
	}
	c, err := NewCollect(context.Background(), sources, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if _, err := c.Run(context.Background(), samovar.Work{Dir: out}); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name   string
		source Source
		want   map[int]int64
	}{
		{"the book", sources[0], map[int]int64{0: 3}},
		{"one story as a file", Source{Path: write("one.txt", "Story xxx\n\n")}, map[int]int64{1: 1}},
		{"two stories, one of them elsewhere", Source{Path: write("two.jsonl", `{"body": "Story xxxxx"}`+"\n"+`{"body": "of another"}`), Field: "body"}, map[int]int64{1: 1}},
		{"a dialogue", Source{Path: write("one.jsonl", `{"turns": [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Good day."}]}`), Kind: Dialogue}, map[int]int64{2: 1}},
		{"a text that was masked", Source{Path: write("masked.txt", "Write to ann.smith@example.com for the rest.\n")}, map[int]int64{1: 1}},
		{"a page", Source{Path: write("page.html", "<html><body><h1>A heading</h1><p>A text.</p></body></html>")}, map[int]int64{1: 1}},
		{"a stranger", Source{Path: write("none.txt", "Of this there is nothing.")}, map[int]int64{}},
	} {
		s, err := Seek(context.Background(), x.source)
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		got := map[int]int64{}
		for _, name := range []string{TrainFile, ValidationFile} {
			found, err := s.In(context.Background(), filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range found {
				got[i] += f.Documents
			}
		}
		for i := range 3 {
			if got[i] != x.want[i] {
				t.Errorf("%s: %d documents are found in source %d, not %d", x.name, got[i], i, x.want[i])
			}
		}
	}
	if _, err := Seek(context.Background(), Source{Path: write("empty.txt", " \n")}); err == nil {
		t.Error("a file without text can be sought")
	}
}

// The digest of a source of one file follows from the file's.
func TestDigestsOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	text := []byte(`{"text": "a"}` + "\n")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	want, err := Digest(context.Background(), []Source{{Path: path, Language: "en", Licence: "MIT", Origin: "A"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := DigestsOf(samovar.DigestOf(text)); !slices.Contains(got, want[0]) {
		t.Errorf("%s is none of %v", want[0], got)
	}
	if got := DigestsOf("sha256:12"); got != nil {
		t.Errorf("no digest gives %v", got)
	}
}
