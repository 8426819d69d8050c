package corpus

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"samovar"
)

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

func zst(s string) string {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

func TestCompressed(t *testing.T) {
	lines := `{"text":"a"}` + "\n" + `{"text":"b"}`
	dir := write(t, map[string]string{
		"1.jsonl": lines, "2.jsonl.gz": gz(`{"text":"c"}`), "3.jsonl.zst": zst(`{"text":"d"}`),
		"4.txt.gz": gz("e") + gz("f"), "5.txt.zst": zst("g"), "6.go.gz": gz(""),
	})
	out, report := collect(t, at(dir))
	train, validation := documents(t, out)
	texts := map[string]bool{}
	for _, d := range append(train, validation...) {
		texts[d.Text] = true
	}
	for _, want := range []string{"a", "b", "c", "d", "ef", "g"} {
		if !texts[want] {
			t.Errorf("%q is missing from %v", want, texts)
		}
	}
	if len(texts) != 6 || report.Sources[0].Empty != 1 {
		t.Errorf("%v, %+v", texts, report.Sources[0])
	}
}

func TestDamagedFiles(t *testing.T) {
	long := strings.Repeat("All happy families are alike. ", 20) + "\n"
	tests := []struct{ name, data, err string }{
		{"cut.txt.gz", gz(long)[:40], "cut off before its end"},
		{"head.txt.gz", gz(long)[:5], "cut off before its end"},
		{"none.txt.gz", "", "cut off before its end"},
		{"last.txt.gz", gz(long)[:len(gz(long))-1], "cut off before its end"},
		{"cut.txt.zst", zst(long)[:30], "cut off before its end"},
		{"not.txt.gz", long, "damaged"},
		{"not.txt.zst", long, "damaged"},
		{"flip.txt.gz", strings.Replace(gz(long), gz(long)[len(gz(long))-8:], "01234567", 1), "damaged"},
		{"cut.jsonl", `{"text":"a"}` + "\n" + `{"text":"`, "cut.jsonl: line 2: this is no JSON"},
		{"field.jsonl", `{"body":"a"}`, `line 1: there is no field "text"; there is "body"`},
		{"blank.txt", " \n", "none of its 1 files gave a document (1 empty)"},
		{"image.txt", "\x89PNG\x00\x00", "none of its 1 files gave a document (1 binary)"},
		{"latin1.txt", "d\xe9j\xe0 vu", "is it in another encoding"},
		{"one.txt", "a", "too little text: 1 distinct documents"},
		{"twice.jsonl", `{"text":"a"}` + "\n" + `{"text":"a"}`, "too little text: 1 distinct documents"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := write(t, map[string]string{test.name: test.data})
			c, err := NewCollect(context.Background(), []Source{at(dir)}, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Run(context.Background(), samovar.Work{Dir: t.TempDir()})
			if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v, want %s", err, test.err)
			}
			if strings.Contains(test.err, "damaged") && !strings.Contains(err.Error(), test.name) {
				t.Errorf("error %v does not name the file", err)
			}
		})
	}
}

func TestReadLines(t *testing.T) {
	long := strings.Repeat("x", 1000)
	var got []string
	in := bufio.NewReaderSize(strings.NewReader("\uFEFFa\r\n\n  \n"+long+"\nb"), 16)
	err := readLines(in, func(line int, data []byte) error {
		got = append(got, string(data))
		if len(got) == 2 && line != 4 {
			t.Errorf("line %d", line)
		}
		return nil
	})
	if err != nil || strings.Join(got, "|") != "a|"+long+"|b" {
		t.Errorf("%q, %v", got, err)
	}
	stop := errors.New("stop")
	if err := readLines(bufio.NewReader(strings.NewReader("a\nb")), func(int, []byte) error { return stop }); err != stop {
		t.Errorf("error %v", err)
	}
}

func FuzzReadText(f *testing.F) {
	f.Add("a\n\nb\nc", 4)
	f.Add("жжжжж", 5)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < 4 || limit > 1000 {
			return
		}
		var all string
		isText, err := readText(bufio.NewReader(strings.NewReader(text)), new(bytes.Buffer), limit, func(data []byte) error {
			if len(data) > limit || len(data) == 0 && text != "" || utf8.ValidString(text) && !utf8.Valid(data) {
				t.Fatalf("piece %q of %q, limit %d", data, text, limit)
			}
			all += string(data)
			return nil
		})
		if err != nil || isText && all != text || !isText && !strings.Contains(text, "\x00") {
			t.Fatalf("%q, %v: %q", text, err, all)
		}
	})
}
