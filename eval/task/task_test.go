package task_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"samovar/eval/task"
)

// write writes files into a new folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func pack(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

const pair = `{"sentence_good": "The fox runs.", "sentence_bad": "The fox run."}` + "\n"

func TestFormats(t *testing.T) {
	for _, x := range []struct {
		kind       task.Kind
		name, text string
		want       []task.Item
	}{
		{task.Blimp, "a.jsonl", pair + "\n" + pair, []task.Item{
			{Index: 0, Choices: []string{"The fox runs.", "The fox run."}},
			{Index: 1, Choices: []string{"The fox runs.", "The fox run."}},
		}},
		{task.Choice, "a.jsonl", `{"ctx": "A fox [sees] a", "endings": ["hen.", "stone.", "sea."], "label": "2"}`, []task.Item{
			{Context: "A fox [sees] a", Choices: []string{"hen.", "stone.", "sea."}, Answer: 2},
		}},
		{task.Choice, "hellaswag.ndjson", `{"activity_label": "Hunting", "ctx_a": " The fox [title] waits.", "ctx_b": "the HEN", "ctx": "unused", "endings": ["runs [substeps] off.", "sits."], "label": 1}`, []task.Item{
			{Context: "Hunting: The fox. waits. The hen", Choices: []string{"runs off.", "sits."}, Answer: 1},
		}},
		{task.Choice, "six.txt", "Hunting: A fox\r\n1\r\nsits [x] down.\r\nruns.\r\nflies.\r\nswims.\r\n", []task.Item{
			{Context: "Hunting: A fox", Choices: []string{"sits down.", "runs.", "flies.", "swims."}, Answer: 1},
		}},
		{task.Choice, "wild_foxes_test.csv", "\"What, then,\nis a fox?\",bird,mammal,fish,stone,B\n", []task.Item{{
			Head: "The following are multiple choice questions (with answers) about wild foxes.\n\n", Context: "What, then,\nis a fox?\nA. bird\nB. mammal\nC. fish\nD. stone\nAnswer:",
			Choices: []string{"A", "B", "C", "D"}, Answer: 1,
		}}},
		{task.Exact, "a.jsonl", `{"question": "1 + 1?", "answer": "It is 2.\n#### 2"}`, []task.Item{
			{Context: "Question: 1 + 1?\nAnswer:", Text: "It is 2.\n#### 2"},
		}},
		{task.BPB, "a.txt", "\uFEFFOne\ntext.\n", []task.Item{{Text: "One\ntext.\n"}}},
		{task.BPB, "a.jsonl", `{"text": "one", "more": 1}` + "\n" + `{"text": "two"}`, []task.Item{{Text: "one"}, {Index: 1, Text: "two"}}},
	} {
		d, err := task.Read(x.kind, filepath.Join(write(t, map[string]string{x.name: x.text}), x.name))
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
		} else if len(d.Sets) != 1 || !reflect.DeepEqual(d.Sets[0].Items, x.want) {
			t.Errorf("%s is read as\n%+v, not\n%+v", x.name, d.Sets, x.want)
		}
	}
}

// TestRefusals holds every wrong file to one line that says what is wrong.
func TestRefusals(t *testing.T) {
	for _, x := range []struct {
		kind             task.Kind
		name, text, want string
	}{
		{"blip", "a.jsonl", pair, `task "blip" is not known`},
		{task.Blimp, "a.txt", pair, "it does not end in .jsonl"},
		{task.Blimp, "a.jsonl", "", "it is empty"},
		{task.Blimp, "a.jsonl", "\n \n", "it is empty"},
		{task.Blimp, "a.jsonl", pair + "A fox.", "line 2: it is no JSON object"},
		{task.Blimp, "a.jsonl", "[1]", "line 1: it is no JSON object"},
		{task.Blimp, "a.jsonl", `{"sentence_good": "A fox."}`, `line 1: the fields "sentence_good" and "sentence_bad" are expected`},
		{task.Blimp, "a.jsonl", `{"sentence_good": 1}`, `line 1: its field "sentence_good" is a number`},
		{task.Blimp, "a.jsonl", "\xff\xfe{", "it is not UTF-8 text"},
		{task.Blimp, "a.jsonl.gz", pair, "unpack it: gzip: invalid header"},
		{task.Blimp, "a.jsonl.gz", pack(pair)[:40], "unpack it: unexpected EOF"},
		{task.Blimp, "a.jsonl.bz2", pair, "unpack it: bzip2 data invalid"},
		{task.Blimp, "a.jsonl.zst", pair, "unpack it: invalid input: magic number mismatch"},
		{task.Choice, "a.jsonl", pair, `the fields "ctx", "endings" and "label" are expected`},
		{task.Choice, "a.jsonl", `{"ctx": "A", "endings": ["b", "c"], "label": 2}`, "line 1: the right answer is number 2, and the 2 endings are numbered from 0 to 1"},
		{task.Choice, "a.jsonl", `{"ctx": "A", "endings": ["b", "c"], "label": -1}`, "the right answer is number -1"},
		{task.Choice, "a.jsonl", `{"ctx": "A", "endings": ["b", "c"], "label": "x"}`, `its field "label" is a value that is no whole number`},
		{task.Choice, "a.jsonl", `{"ctx": "A", "endings": ["b", "c"]}`, `it has no field "label"`},
		{task.Choice, "a.jsonl", `{"ctx": "A", "endings": ["b"], "label": 0}`, "it has 1 endings"},
		{task.Choice, "a.jsonl", `{"ctx": "A", "endings": ["b", " "], "label": 0}`, "its ending 1 is empty"},
		{task.Choice, "a.txt", "A\n0\nb\nc\nd\n", "it has 5 lines: groups of six are expected"},
		{task.Choice, "a.txt", "A\nb\nb\nc\nd\ne\n", `line 2: the number of the right ending is expected, not "b"`},
		{task.Choice, "a.txt", "A\n4\nb\nc\nd\ne\n", "lines 1 to 6: the right answer is number 4"},
		{task.Choice, "a.txt", "", "it is empty"},
		{task.Choice, "a.csv", "A,b,c,d,e\n", "line 1: it has 5 columns"},
		{task.Choice, "a.csv", "A,b,c,d,e,A\nA,b,c,d,e,E\n", `line 2: the right answer is "E": one of A, B, C and D`},
		{task.Choice, "a.csv", "A,b,c,d,e,AB\n", `the right answer is "AB"`},
		{task.Choice, "a.csv", `"A,b` + "\n", "parse error"},
		{task.Exact, "a.jsonl", `{"question": "1 + 1?", "answer": "2"}`, `its answer does not end in "#### " and a number`},
		{task.Exact, "a.jsonl", `{"question": "1 + 1?", "answer": "#### ."}`, `its answer does not end in "#### " and a number`},
		{task.Exact, "a.jsonl", `{"question": "1 + 1?", "answer": "#### 2 eggs"}`, `its answer does not end in "#### " and a number`},
		{task.Exact, "a.jsonl", `{"question": "1 + 1?"}`, `the fields "question" and "answer" are expected`},
		{task.BPB, "a.jsonl", `{"txt": "1"}`, `the field "text" is expected`},
		{task.BPB, "a.txt", " \n", "it is empty"},
	} {
		_, err := task.Read(x.kind, filepath.Join(write(t, map[string]string{x.name: x.text}), x.name))
		if err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s of %q: %v, and %q is expected", x.name, x.text, err, x.want)
		}
	}
}

// TestNoFile: what may never end is not opened.
func TestNoFile(t *testing.T) {
	link := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{link, filepath.Dir(link)} {
		if _, err := task.Read(task.Blimp, path); err == nil || !strings.Contains(err.Error(), "a pipe or a device") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestFolders(t *testing.T) {
	for _, x := range []struct {
		kind  task.Kind
		files map[string]string
		want  string // names of sets and numbers of items, or part of the error
	}{
		{task.Blimp, map[string]string{"b.jsonl": pair, "a.jsonl.gz": pack(pair + pair), "README.md": "no data", ".b.jsonl": "hidden"}, "a:2 b:1"},
		{task.Blimp, map[string]string{"README.md": "no data", "data/b.jsonl": pair}, "b:1"},
		{task.Blimp, map[string]string{"x/b.jsonl": pair, "y/b.jsonl": pair}, "2 folders: name one of x, y"},
		{task.Blimp, map[string]string{"b.jsonl": pair, "b.ndjson": pair}, "another file is called b too"},
		{task.Blimp, map[string]string{"README.md": "no data"}, "has no file that ends in .jsonl"},
		{task.BPB, map[string]string{"t/a.txt": "a", "t/b.md": "b", "t/c.jsonl": `{"text": "c"}`, "t/d.txt": "d"}, "t:3 c:1"},
	} {
		d, err := task.Read(x.kind, write(t, x.files))
		var got []string
		if err == nil {
			for _, s := range d.Sets {
				got = append(got, s.Name+":"+string(rune('0'+len(s.Items))))
				for i, it := range s.Items {
					if it.Index != i {
						t.Errorf("item %d of %s says that it is number %d", i, s.Name, it.Index)
					}
				}
			}
		}
		if err != nil && !strings.Contains(err.Error(), x.want) || err == nil && strings.Join(got, " ") != x.want {
			t.Errorf("%v: %v, %v; %q is expected", x.files, got, err, x.want)
		}
	}
	if _, err := task.Read(task.Blimp, filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "none for blimp: no such file") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestDigest holds it to what is read, not to where and how packed.
func TestDigest(t *testing.T) {
	read := func(files map[string]string) *task.Data {
		d, err := task.Read(task.Blimp, write(t, files))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a := read(map[string]string{"a.jsonl": pair})
	if b := read(map[string]string{"a.jsonl.gz": pack(pair)}); a.Digest != b.Digest {
		t.Error("a packed file has another digest")
	}
	for _, files := range []map[string]string{{"b.jsonl": pair}, {"a.jsonl": pair + pair}, {"a.jsonl": pair, "b.jsonl": pair}} {
		if b := read(files); a.Digest == b.Digest {
			t.Errorf("%v has the same digest", files)
		}
	}
}

// TestSample holds a sample to its size, its order and its seed.
func TestSample(t *testing.T) {
	d, err := task.Read(task.Blimp, write(t, map[string]string{"a.jsonl": strings.Repeat(pair, 50), "b.jsonl": strings.Repeat(pair, 5)}))
	if err != nil {
		t.Fatal(err)
	}
	places := func(d *task.Data) (all []int) {
		for _, it := range d.Sets[0].Items {
			all = append(all, it.Index)
		}
		return all
	}
	one, two, again := d.Sample(10, 1), d.Sample(10, 2), d.Sample(10, 1)
	if one.Items() != 15 || d.Items() != 55 {
		t.Errorf("%d of %d items are drawn", one.Items(), d.Items())
	}
	if !reflect.DeepEqual(places(one), places(again)) || reflect.DeepEqual(places(one), places(two)) {
		t.Errorf("seed 1: %v and %v; seed 2: %v", places(one), places(again), places(two))
	}
	for i, p := range places(one)[1:] {
		if p <= places(one)[i] {
			t.Errorf("%v is not in order", places(one))
		}
	}
	if more := places(d.Sample(11, 1)); !subset(places(one), more) {
		t.Errorf("a larger sample, %v, does not hold %v", more, places(one))
	}
}

func subset(a, b []int) bool {
	in := map[int]bool{}
	for _, x := range b {
		in[x] = true
	}
	for _, x := range a {
		if !in[x] {
			return false
		}
	}
	return true
}

// TestReplies holds what is taken out of texts, and whether it is right, to what
// lm-evaluation-harness's gsm8k makes of them: ../testdata/golden.py.
func TestReplies(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Replies struct {
			Strict   []float64 `json:"strict-match"`
			Flexible []float64 `json:"flexible-extract"`
			Strictly []string  `json:"strict-match extracted"`
			Flexibly []string  `json:"flexible-extract extracted"`
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile(filepath.Join("..", "testdata", "replies.jsonl")); err != nil {
		t.Fatal(err)
	}
	want, n := golden.Replies, 0
	for line := range bytes.Lines(text) {
		var x struct{ Reply, Answer string }
		if err := json.Unmarshal(line, &x); err != nil || n == len(want.Strict) {
			t.Fatal(n, err)
		}
		for _, f := range []struct {
			name, got, extracted string
			right                float64
		}{
			{"strict-match", task.Strict(x.Reply), want.Strictly[n], want.Strict[n]},
			{"flexible-extract", task.Flexible(x.Reply), want.Flexibly[n], want.Flexible[n]},
		} {
			extracted := task.Target(f.extracted)
			if f.extracted == "[invalid]" { // how it says that there is nothing
				extracted = ""
			}
			if f.got != extracted || (f.got == task.Target(x.Answer)) != (f.right == 1) {
				t.Errorf("%s takes %q out of %q, whose answer is %q; not %q, which is right: %g", f.name, f.got, x.Reply, x.Answer, extracted, f.right)
			}
		}
		n++
	}
	if n != len(want.Strict) || n < 100 {
		t.Errorf("%d replies, and golden.json has %d", n, len(want.Strict))
	}
}

func TestPrompt(t *testing.T) {
	shots := []task.Item{{Context: "Question: 1?\nAnswer:", Text: "#### 1"}}
	if got := (task.Item{Context: "Question: 2?\nAnswer:"}).Prompt(shots); got != "Question: 1?\nAnswer: #### 1\n\nQuestion: 2?\nAnswer:" {
		t.Errorf("%q", got)
	}
}

// TestPublished reads the published sets whole.
func TestPublished(t *testing.T) {
	dir := os.Getenv("SAMOVAR_DATA")
	if dir == "" {
		t.Skip("SAMOVAR_DATA names no folder of published evaluations")
	}
	for _, x := range []struct {
		kind        task.Kind
		path        string
		sets, items int
	}{
		{task.Blimp, "blimp", 67, 67000},
		{task.Choice, "hellaswag", 1, 10042},
		{task.Choice, "mmlu/data/test", 57, 14079},
		{task.Exact, "gsm8k/grade_school_math/data/test.jsonl.gz", 1, 1319},
	} {
		d, err := task.Read(x.kind, filepath.Join(dir, "eval", filepath.FromSlash(x.path)))
		if err != nil {
			t.Error(err)
		} else if len(d.Sets) != x.sets || d.Items() != x.items {
			t.Errorf("%s: %d items in %d sets, not %d in %d", x.path, d.Items(), len(d.Sets), x.items, x.sets)
		}
	}
}
