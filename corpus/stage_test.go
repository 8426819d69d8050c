package corpus

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"samovar"
)

// recorder keeps what a stage reports.
type recorder struct {
	mu     sync.Mutex
	events []samovar.Event
	on     func(samovar.Event)
}

func (r *recorder) Event(e samovar.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	if r.on != nil {
		r.on(e)
	}
}

func (r *recorder) Metric(string, float64) {}

// stories makes a folder with n documents of both kinds, some of them equal.
func stories(t *testing.T, n int) string {
	var texts, chats strings.Builder
	for i := range n {
		fmt.Fprintf(&texts, `{"text": "Once there were %d bears and %d geese, who met each day."}`+"\n", i%(n*9/10), i%(n*9/10)%7)
		fmt.Fprintf(&chats, `{"turns": [["user", "How many bears?"], ["assistant", "%d %d"]]}`+"\n", i, i%7)
	}
	return write(t, map[string]string{"a.jsonl": texts.String(), "b.txt": "One 1\n\nand two 2.\n", "chats/c.jsonl": chats.String()})
}

func sourcesOf(dir string) []Source {
	chats := at(dir + "/chats")
	chats.Field = "turns"
	return []Source{at(dir + "/*.*"), chats}
}

// digests returns the SHA-256 of each file of an output.
func digests(t *testing.T, out samovar.Output) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for _, f := range out.Files {
		data, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		sums[f.Name] = fmt.Sprintf("%x", sha256.Sum256(data))[:16]
	}
	return sums
}

// bytewise is an Encoder with an id for each byte.
type bytewise struct{}

func (bytewise) Encode(dst []int32, text string) []int32 {
	for _, b := range []byte(text) {
		dst = append(dst, int32(b))
	}
	return dst
}

// bytewiseShard has 0 to begin and end texts, and 1 and 2 in dialogues.
func bytewiseShard() *Shard {
	return &Shard{Encoder: bytewise{}, Vocabulary: 256, Dialogue: func(turns []Turn) (ids []int32, learn []bool, err error) {
		for _, turn := range turns {
			n := len(ids) + 1
			ids = bytewise{}.Encode(append(ids, 1), turn.Text)
			ids = append(ids, 2)
			learn = append(learn, make([]bool, len(ids)-len(learn))...)
			for i := n; i < len(ids) && turn.Role == "assistant"; i++ {
				learn[i] = true
			}
		}
		return ids, learn, nil
	}}
}

// TestGolden pins the bytes of both stages. When it fails, the stage's Version
// is to be raised, and the digests replaced by those that the failure prints.
func TestGolden(t *testing.T) {
	dir := stories(t, 2000)
	for _, threads := range []int{1, 2, 5} {
		old := runtime.GOMAXPROCS(threads)
		defer runtime.GOMAXPROCS(old)
		c, err := NewCollect(context.Background(), sourcesOf(dir), 0)
		if err != nil {
			t.Fatal(err)
		}
		work := samovar.Work{Dir: t.TempDir(), Recorder: &recorder{}}
		// What a killed run has left behind.
		if err := os.WriteFile(filepath.Join(work.Dir, TrainFile), bytes.Repeat([]byte("x"), 1<<20), 0o666); err != nil {
			t.Fatal(err)
		}
		out, err := c.Run(context.Background(), work)
		if err != nil {
			t.Fatal(err)
		}
		got := digests(t, out)
		shards := shardOutput(t, work.Dir, bytewiseShard())
		for name, sum := range digests(t, shards) {
			got[name] = sum
		}
		for name, sum := range got {
			if golden[name] != sum {
				t.Errorf("%d threads: %q: %q,", threads, name, sum)
			}
		}
		if len(got) != len(golden) {
			t.Errorf("files %v, want %v", got, golden)
		}
	}
}

func shardOutput(t *testing.T, dir string, s *Shard) samovar.Output {
	t.Helper()
	in := samovar.Input{Paths: map[string]string{TrainFile: dir + "/" + TrainFile, ValidationFile: dir + "/" + ValidationFile}}
	work := samovar.Work{Dir: t.TempDir(), Inputs: map[string]samovar.Input{"corpus": in}, Recorder: &recorder{}}
	out, err := s.Run(context.Background(), work)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// golden holds the first 16 digits of the SHA-256 of what TestGolden makes.
var golden = map[string]string{
	"dialogue-train.bin":       "100ba43373b2b355",
	"dialogue-train.idx":       "749d1539b971280e",
	"dialogue-train.mask":      "96c468ededcf65b8",
	"dialogue-validation.bin":  "efa25af42d468752",
	"dialogue-validation.idx":  "a6121c20885daf0c",
	"dialogue-validation.mask": "c993b68826b05f11",
	"report.json":              "51ea81e749478b16",
	"train.bin":                "f7af1ec00bc25791",
	"train.idx":                "de372329b8342df8",
	"train.jsonl.zst":          "c3fd9388ed1e33fa",
	"validation.bin":           "3aa2103a3d72e8eb",
	"validation.idx":           "040ede40e77c9f35",
	"validation.jsonl.zst":     "54e481e99e743de0",
}

func TestReport(t *testing.T) {
	dir := stories(t, 2000)
	_, report := collect(t, sourcesOf(dir)...)
	texts, chats := report.Sources[0], report.Sources[1]
	if texts.Files != 2 || texts.Documents+texts.Duplicates != 2001 || texts.Duplicates == 0 || texts.Language != "en" {
		t.Errorf("texts: %+v", texts)
	}
	if chats.Documents != 2000 || chats.Kind != Dialogue || chats.Validation < 20 || chats.Validation > 70 {
		t.Errorf("dialogues: %+v", chats)
	}
	_, report = collect(t, append(sourcesOf(dir), at(dir+"/b.txt"))...)
	if again := report.Sources[2]; again.Documents != 0 || again.Duplicates != 1 {
		t.Errorf("a text of the first source again: %+v", again)
	}
}

// TestHeldOut asserts the rule by which others find what was held out: the
// SHA-256 of a file's bytes, before they are normalised.
func TestHeldOut(t *testing.T) {
	files, held := map[string]string{}, map[string]bool{}
	for i := range 1500 {
		text := fmt.Sprintf("package p%d\r\n", i)
		files[fmt.Sprintf("%d.go", i)] = text
		if sha256.Sum256([]byte(text))[0] < DefaultValidation {
			held[strings.ReplaceAll(text, "\r", "")] = true
		}
	}
	out, _ := collect(t, at(write(t, files)))
	train, validation := documents(t, out)
	if len(validation) != len(held) || len(train)+len(validation) != 1500 || len(held) == 0 {
		t.Fatalf("%d held out of %d, want %d", len(validation), len(train)+len(validation), len(held))
	}
	for _, d := range validation {
		if !held[d.Text] {
			t.Errorf("%q is held out", d.Text)
		}
	}
}

func TestChangedFile(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "a", "b.txt": "b"})
	c, err := NewCollect(context.Background(), []Source{at(dir)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.txt"), []byte("c"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = c.Run(context.Background(), samovar.Work{Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "b.txt: it has changed since the run began") {
		t.Errorf("error %v", err)
	}
}

func TestCancel(t *testing.T) {
	dir := stories(t, 20000)
	ctx, cancel := context.WithCancel(context.Background())
	c, err := NewCollect(ctx, sourcesOf(dir), 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{on: func(samovar.Event) { cancel() }}
	if _, err := c.Run(ctx, samovar.Work{Dir: t.TempDir(), Recorder: r}); !errors.Is(err, context.Canceled) {
		t.Errorf("collect: error %v", err)
	}
	if _, err := NewCollect(ctx, sourcesOf(dir), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("digest: error %v", err)
	}
	out, _ := collect(t, sourcesOf(stories(t, 200))...)
	in := samovar.Input{Paths: map[string]string{TrainFile: out + "/" + TrainFile, ValidationFile: out + "/" + ValidationFile}}
	work := samovar.Work{Dir: t.TempDir(), Inputs: map[string]samovar.Input{"corpus": in}}
	if _, err := bytewiseShard().Run(ctx, work); !errors.Is(err, context.Canceled) {
		t.Errorf("shard: error %v", err)
	}
}

func TestProgress(t *testing.T) {
	dir := stories(t, 5000)
	c, err := NewCollect(context.Background(), sourcesOf(dir), 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	if _, err := c.Run(context.Background(), samovar.Work{Dir: t.TempDir(), Recorder: r}); err != nil {
		t.Fatal(err)
	}
	var last samovar.Event
	warned := false
	for _, e := range r.events {
		if e.Unit == "bytes" {
			if e.Step < last.Step || e.Step > e.Of {
				t.Errorf("%+v after %+v", e, last)
			}
			last = e
		}
		warned = warned || strings.Contains(e.Text, "source 1: passed over 500 duplicates")
	}
	if last.Step != last.Of || last.Of == 0 || !warned {
		t.Errorf("ends with %+v; warned: %t", last, warned)
	}
}

func TestShardRefuses(t *testing.T) {
	dir, _ := collect(t, sourcesOf(stories(t, 300))...)
	tests := []struct {
		name   string
		change func(*Shard)
		err    string
	}{
		{"no encoder", func(s *Shard) { s.Encoder = nil }, "cannot encode"},
		{"end beyond the vocabulary", func(s *Shard) { s.End = 256 }, "cannot encode"},
		{"ids beyond the vocabulary", func(s *Shard) { s.Vocabulary = 100 }, "and the vocabulary ends at 100"},
		{"no template", func(s *Shard) { s.Dialogue = nil }, "there is no chat template"},
		{"mask of another length", func(s *Shard) {
			s.Dialogue = func([]Turn) ([]int32, []bool, error) { return []int32{1, 2}, []bool{true}, nil }
		}, "2 ids and 1 marks"},
		{"template fails", func(s *Shard) {
			s.Dialogue = func([]Turn) ([]int32, []bool, error) { return nil, nil, errors.New("bad role") }
		}, "bad role"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := bytewiseShard()
			test.change(s)
			in := samovar.Input{Paths: map[string]string{TrainFile: dir + "/" + TrainFile, ValidationFile: dir + "/" + ValidationFile}}
			_, err := s.Run(context.Background(), samovar.Work{Dir: t.TempDir(), Inputs: map[string]samovar.Input{"corpus": in}})
			if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %s", err, test.err)
			}
		})
	}
}

// TestRoundTrip reads the texts and what is learnt of dialogues back from shards.
func TestRoundTrip(t *testing.T) {
	dir, _ := collect(t, sourcesOf(stories(t, 300))...)
	train, _ := documents(t, dir)
	stage := bytewiseShard()
	stage.Weights = []float64{2, 1}
	shards := shard(t, dir, stage)
	texts, err := OpenSet(shards, Train)
	if err != nil {
		t.Fatal(err)
	}
	defer texts.Close()
	dialogues, err := OpenSet(shards, DialogueTrain)
	if err != nil {
		t.Fatal(err)
	}
	defer dialogues.Close()
	var i, j int64
	for _, d := range train {
		set, n := texts, &i
		if d.Turns != nil {
			set, n = dialogues, &j
		}
		x := set.Extent(*n)
		*n++
		ids, targets := make([]int32, x.Len), make([]int32, x.Len)
		set.read(ids, targets, x.Start, x.Start+x.Len)
		got, want := string(runes(ids[1:])), d.Text
		if d.Turns != nil {
			got, want = string(runes(targets)), d.Turns[1].Text+"\x02"
		}
		if got != want || x.Source != d.Source || x.Bytes != d.size() {
			t.Fatalf("%+v became %q, %+v", d, got, x)
		}
	}
	if !slices.Equal(texts.weights, stage.Weights) {
		t.Errorf("weights %v", texts.weights)
	}
	if i != texts.Documents() || j != dialogues.Documents() {
		t.Errorf("%d texts and %d dialogues", i, j)
	}
}

// runes returns the ids that are bytes.
func runes(ids []int32) (b []byte) {
	for _, id := range ids {
		if id >= 0 {
			b = append(b, byte(id))
		}
	}
	return b
}

func TestDamagedSets(t *testing.T) {
	dir, _ := collect(t, sourcesOf(stories(t, 300))...)
	shards := shard(t, dir, bytewiseShard())
	if _, err := OpenSet(shards, "test"); !errors.Is(err, ErrNoPart) {
		t.Errorf("error %v", err)
	}
	put := func(at int, value uint64) func([]byte) []byte {
		return func(b []byte) []byte {
			binary.LittleEndian.PutUint64(b[at:], value)
			return b
		}
	}
	tests := []struct {
		name, ext string
		change    func([]byte) []byte
	}{
		{"cut", ".bin", func(b []byte) []byte { return b[:len(b)-1] }},
		{"no header", ".bin", func(b []byte) []byte { return b[:20] }},
		{"empty", ".bin", func(b []byte) []byte { return nil }},
		{"magic", ".bin", put(0, 1)},
		{"width", ".bin", put(8, 3)},
		{"ids", ".bin", put(32, 1<<63)},
		{"documents", ".bin", put(40, 1<<62)},
		{"cut", ".idx", func(b []byte) []byte { return b[:len(b)-8] }},
		{"first start", ".idx", put(0, 1)},
		{"start beyond", ".idx", put(16, 1<<40)},
		{"start again", ".idx", put(16, 0)},
		{"source", ".idx", put(8, 1<<62)},
		{"cut", ".mask", func(b []byte) []byte { return b[1:] }},
	}
	for _, test := range tests {
		t.Run(test.name+test.ext, func(t *testing.T) {
			broken := samovar.Input{Paths: map[string]string{}}
			for name, path := range shards.Paths {
				broken.Paths[name] = path
				if name == DialogueTrain+test.ext {
					data, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					broken.Paths[name] = filepath.Join(t.TempDir(), name)
					if err := os.WriteFile(broken.Paths[name], test.change(data), 0o666); err != nil {
						t.Fatal(err)
					}
				}
			}
			set, err := OpenSet(broken, DialogueTrain)
			if err == nil {
				set.Close()
				t.Fatal("no error")
			}
		})
	}
}

// TestFullDisk makes the disk full where a stage writes.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	c, err := NewCollect(context.Background(), sourcesOf(stories(t, 300)), 0)
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := collect(t, sourcesOf(stories(t, 300))...)
	in := samovar.Input{Paths: map[string]string{TrainFile: dir + "/" + TrainFile, ValidationFile: dir + "/" + ValidationFile}}
	tests := []struct {
		stage samovar.Stage
		file  string
	}{
		{c, TrainFile}, {c, ValidationFile}, {c, ReportFile},
		{bytewiseShard(), Train + ".bin"}, {bytewiseShard(), Train + ".idx"}, {bytewiseShard(), DialogueTrain + ".mask"},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			work := samovar.Work{Dir: t.TempDir(), Inputs: map[string]samovar.Input{"corpus": in}}
			if err := os.Symlink("/dev/full", filepath.Join(work.Dir, test.file)); err != nil {
				t.Fatal(err)
			}
			_, err := test.stage.Run(context.Background(), work)
			if err == nil || !strings.Contains(err.Error(), "no space left") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestMemory asserts that eight times the text does not take eight times the
// memory: 128 MiB beside the hashes, whatever the corpus.
func TestMemory(t *testing.T) {
	if os.Getenv("SAMOVAR_LONG") == "" {
		t.Skip("reads 500 MB: set SAMOVAR_LONG=1")
	}
	path := filepath.Join(t.TempDir(), "a.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	const documents = 250_000
	for i := range documents {
		fmt.Fprintf(w, `{"text": "%d %s"}`+"\n", i, strings.Repeat(fmt.Sprint("word", i%997, " "), 250))
	}
	if err := first(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	c, err := NewCollect(context.Background(), []Source{at(path)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var peak uint64
	r := &recorder{on: func(samovar.Event) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
	}}
	if _, err := c.Run(context.Background(), samovar.Work{Dir: t.TempDir(), Recorder: r}); err != nil {
		t.Fatal(err)
	}
	t.Logf("heap at most %d MiB for %d MiB of text", peak>>20, c.sources[0].bytes>>20)
	if peak > 128<<20+40*documents {
		t.Errorf("the heap grew to %d MiB", peak>>20)
	}
}
