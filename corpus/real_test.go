package corpus

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"samovar"
)

// TestRealData reads the data for development: counts are those of its README.
func TestRealData(t *testing.T) {
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("SAMOVAR_DATA names no folder of real data")
	}
	if testing.Short() {
		t.Skip("reads 150 MB")
	}
	chats := at(filepath.Join(data, "dialogues/sgd/*.jsonl.gz"))
	chats.Kind = Dialogue
	plays := at(filepath.Join(data, "corpora/ru/rusdracor_plays.jsonl.gz"))
	plays.Field, plays.Kind = "turns", Text
	tests := []struct {
		source Source
		read   int64 // documents
	}{
		{at(filepath.Join(data, "corpora/en/*.jsonl.gz")), 1807 + 316 + 355},
		{at(filepath.Join(data, "corpora/fr")), 44 + 100},
		{at(filepath.Join(data, "corpora/ru/ts_ru.jsonl.gz")), 26255},
		{plays, 204},
		{chats, 12174 + 2098},
	}
	var sources []Source
	for _, test := range tests {
		sources = append(sources, test.source)
	}
	_, report := collect(t, sources...)
	for i, test := range tests {
		r := report.Sources[i]
		if got := r.Documents + r.Duplicates + r.Empty; got != test.read || r.Dropped+r.Binary > 0 {
			t.Errorf("%s: read %d documents, want %d: %+v", test.source.Path, got, test.read, r)
		}
		t.Logf("%+v", r)
	}
}

// BenchmarkCollect reads $SAMOVAR_DATA/corpora/en and $GOROOT/src, where these
// are set; MB/s of text, decompressed.
func BenchmarkCollect(b *testing.B) {
	run := func(name string, s Source) {
		b.Run(name, func(b *testing.B) {
			var in int64
			for b.Loop() {
				c, err := NewCollect(context.Background(), []Source{s}, 0)
				if err != nil {
					b.Fatal(err)
				}
				out, err := c.Run(context.Background(), samovar.Work{Dir: b.TempDir()})
				if err != nil {
					b.Fatal(err)
				}
				in = out.Config.(Report).Sources[0].BytesIn
			}
			b.SetBytes(in)
		})
	}
	if data := os.Getenv("SAMOVAR_DATA"); data != "" {
		run("en", at(filepath.Join(data, "corpora/en")))
	}
	if root := os.Getenv("GOROOT"); root != "" {
		s := at(filepath.Join(root, "src"))
		s.Include = []string{".go"}
		run("go", s)
	}
}

// benchmarkSet is a set of many short documents.
func benchmarkSet(b *testing.B, documents int) *Set {
	lengths := make([]int, documents)
	for i := range lengths {
		lengths[i] = 100 + i%800
	}
	return makeSet(b, b.TempDir(), [][]int{lengths}, Shard{Begin: 1, End: 1}, false)
}

func BenchmarkBatch(b *testing.B) {
	set := benchmarkSet(b, 20000)
	defer set.Close()
	loader, err := NewLoader(set, LoaderConfig{Rows: 16, Window: 512})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(16 * 512)
	for step := int64(0); b.Loop(); step++ {
		loader.Batch(step % 500)
	}
}

// BenchmarkEpoch lays out an epoch of 20,000 documents.
func BenchmarkEpoch(b *testing.B) {
	set := benchmarkSet(b, 20000)
	defer set.Close()
	for b.Loop() {
		if _, err := NewLoader(set, LoaderConfig{Rows: 16, Window: 512}); err != nil {
			b.Fatal(err)
		}
	}
}
