package corpus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"samovar"
)

// write makes files below a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// collect runs the stage and returns its folder and report.
func collect(t *testing.T, sources ...Source) (string, Report) {
	t.Helper()
	dir := t.TempDir()
	c, err := NewCollect(context.Background(), sources, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Run(context.Background(), samovar.Work{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return dir, out.Config.(Report)
}

// documents reads both files of a corpus.
func documents(t *testing.T, dir string) (train, validation []Document) {
	t.Helper()
	for name, to := range map[string]*[]Document{TrainFile: &train, ValidationFile: &validation} {
		err := Documents(filepath.Join(dir, name), func(d Document) error {
			*to = append(*to, d)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return train, validation
}

func TestChain(t *testing.T) {
	in := write(t, map[string]string{
		"a.txt": "10 11 12\r\n", "b.md": "20 21", "c.txt": "10 11 12\n", "d.txt": " \n", "e.bin": "30\x00",
		"chat/1.jsonl": `{"id": 1, "turns": [["USER", "5"], ["SYSTEM", "6 7"]]}` + "\n" + `{"turns": [["USER", "5"], ["SYSTEM", "8"]]}`,
	})
	texts := Source{Path: in + "/*.*", Language: "en", Licence: "CC0-1.0", Origin: "test", Weight: 2, Filter: declared.Filter}
	chats := Source{Path: in + "/chat", Field: "turns", Language: "en", Licence: "CC0-1.0", Origin: "test", Filter: declared.Filter}
	dir, report := collect(t, texts, chats)
	if r := report.Sources[0]; r.Documents != 2 || r.Duplicates != 1 || r.Empty != 1 || r.Binary != 1 || r.Validation != 1 {
		t.Errorf("report of the texts: %+v", r)
	}
	if r := report.Sources[1]; r.Documents != 2 || r.Validation != 1 {
		t.Errorf("report of the dialogues: %+v", r)
	}
	train, validation := documents(t, dir)
	if len(train) != 2 || len(validation) != 2 || train[1].Source != 1 || train[1].Turns[1].Role != "assistant" {
		t.Fatalf("train %v, validation %v", train, validation)
	}
	shards := shard(t, dir, &Shard{Encoder: words{}, Vocabulary: 100, Begin: 1, End: 1,
		Dialogue: func(turns []Turn) (ids []int32, learn []bool, err error) {
			for _, turn := range turns {
				for _, id := range (words{}).Encode(nil, turn.Text) {
					ids, learn = append(ids, id), append(learn, turn.Role == "assistant")
				}
			}
			return ids, learn, nil
		}})
	for part, want := range map[string]Part{
		Train: {Tokens: int64(len(words{}.Encode(nil, train[0].Text)) + 1), Bytes: int64(len(train[0].Text)), Documents: 1},
	} {
		set, err := OpenSet(shards, part)
		if err != nil {
			t.Fatal(err)
		}
		got := Part{Tokens: set.Tokens(), Bytes: set.Bytes(), Documents: set.Documents()}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", part, got, want)
		}
		set.Close()
	}
	set, err := OpenSet(shards, DialogueTrain)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	loader, err := NewLoader(set, LoaderConfig{Rows: 1, Window: 4, Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	rows := loader.Batch(0)
	answer := words{}.Encode(nil, train[1].Turns[1].Text)
	if rows.Tokens[0] != 5 || rows.Targets[0] != answer[0] || rows.Targets[len(answer)] != -1 {
		t.Errorf("rows of the dialogue %v: %v", train[1], rows)
	}
}

// TestBook asserts that of a single long text some is held out, that it is cut
// at blank lines, and that nothing of it is lost.
func TestBook(t *testing.T) {
	var book strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&book, "Chapter %d, in which number %d is told of.\n\n", i, i*i)
	}
	line, err := json.Marshal(map[string]string{"text": book.String()})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"book.txt": book.String(), "book.jsonl": string(line)} {
		dir, _ := collect(t, at(write(t, map[string]string{name: data})+"/"+name))
		train, validation := documents(t, dir)
		if len(train) < 4 || len(validation) == 0 {
			t.Fatalf("%s: %d to train on, %d held out", name, len(train), len(validation))
		}
		size := 0
		for _, d := range append(train, validation...) {
			size += len(d.Text)
			if len(d.Text) > fewText || !strings.HasPrefix(d.Text, "Chapter") || !strings.HasSuffix(d.Text, "of.\n\n") {
				t.Errorf("%s: a piece of %d bytes: %.40q", name, len(d.Text), d.Text)
			}
		}
		if size != book.Len() {
			t.Errorf("%s: %d bytes of %d", name, size, book.Len())
		}
	}
}

func TestDocuments(t *testing.T) {
	dir, _ := collect(t, sourcesOf(stories(t, 300))...)
	path := filepath.Join(dir, TrainFile)
	stop := errors.New("stop")
	n := 0
	err := Documents(path, func(Document) error {
		if n++; n == 10 {
			return stop
		}
		return nil
	})
	if err != stop || n != 10 {
		t.Errorf("%v after %d", err, n)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"cut.zst": string(data[:len(data)/2]), "text.zst": "text", "other.zst": zst(`{"source":0}`), "json.zst": zst("x"),
	} {
		path := filepath.Join(write(t, map[string]string{name: bad}), name)
		if err := Documents(path, func(Document) error { return nil }); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
