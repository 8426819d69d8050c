package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"samovar"
	"samovar/corpus/filter"
)

// tale is a story of about seventy words, no two of which are alike.
func tale(i int) string {
	words := strings.Fields("fox hen river house lamp coat mill bridge owl winter summer baker table window garden horse road letter candle boat")
	var b strings.Builder
	for k := range 6 {
		at := func(j int) string { return words[(i*7+k*3+j*j+i/20*j)%len(words)] }
		fmt.Fprintf(&b, "Then the %s that had number %d%d said to the %s that there was a %s in the %s of %s %d. ", at(1), i, k, at(2), at(3), at(4), at(5), i*k)
	}
	return strings.TrimSpace(b.String())
}

// sifted makes a folder of which each filter has something to catch.
func sifted(t *testing.T) string {
	var b strings.Builder
	line := func(text string) {
		data, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(data, '\n'))
	}
	for i := range 300 {
		line(tale(i))
	}
	for i := range 5 {
		line(strings.Replace(tale(i), "Then", "And then", 1)) // near
	}
	line(tale(1)) // equal
	line("Short.")
	line("Le chat dormait sur le mur quand la pluie commença. Il ouvrit un œil, regarda le ciel avec mépris et ne bougea pas, dans le jardin de la voisine.")
	line(strings.Repeat("Buy cheap watches online now.\n", 12))
	line("Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod.")
	line(strings.Repeat("12 34 5 = 0x4 ", 12))
	line("Please write to marta@skogsmail.se or ring 415-867-5309 about the house by the river, which has been empty for years now.")
	line("The old settings of the server were password: Wq7-kestrel-19 and nobody has changed them since the spring of that year.")
	line(tale(500) + " A baker sells 48 rolls in the morning and half as many in the afternoon of a day. " + tale(501))
	return write(t, map[string]string{
		"texts/a.jsonl": b.String(),
		"code/a.go":     "package a\n\n// By marta@skogsmail.se.\nvar a = 1\n", "code/b.go": "package a\n\n// By marta@skogsmail.se.\nvar b = 1\n",
		"sets/rolls.jsonl": `{"question": "A baker sells 48 rolls in the morning and half as many in the afternoon of a day."}`,
	})
}

func siftedSources(dir string) []Source {
	texts := Source{Path: dir + "/texts", Language: "en", Licence: "CC0-1.0", Origin: "tales"}
	code := Source{Path: dir + "/code", Language: "en", Licence: "BSD-3-Clause", Origin: "gophers"}
	return []Source{texts, code}
}

// TestSift counts what each filter does, with any number of threads.
func TestSift(t *testing.T) {
	dir := sifted(t)
	var first map[string]string
	for _, threads := range []int{1, 2, 5} {
		old := runtime.GOMAXPROCS(threads)
		defer runtime.GOMAXPROCS(old)
		c, err := NewCollect(context.Background(), siftedSources(dir), 0, dir+"/sets")
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.Run(context.Background(), samovar.Work{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		sums := digests(t, out)
		if first == nil {
			first = sums
			checkSifted(t, out)
		} else if !reflect.DeepEqual(sums, first) {
			t.Errorf("%d threads make %v, one makes %v", threads, sums, first)
		}
	}
}

func checkSifted(t *testing.T, out samovar.Output) {
	t.Helper()
	report := readReport(t, out)
	texts := report.Sources[0]
	for name, want := range map[string]Tally{
		filter.NearDuplicate: {Dropped: 5}, filter.Duplicate: {Dropped: 1}, filter.Length: {Dropped: 1}, filter.Language: {Dropped: 1},
		filter.Repetition: {Dropped: 1}, filter.Boilerplate: {Dropped: 1}, filter.Symbols: {Dropped: 1}, filter.Contamination: {Dropped: 1},
		filter.Personal: {Masked: 1, Rules: map[string]int64{"email": 1, "phone": 1}}, filter.Secrets: {Masked: 1},
	} {
		got := texts.Filters[name]
		if got == nil || got.Dropped != want.Dropped || got.Masked != want.Masked || want.Rules != nil && !reflect.DeepEqual(got.Rules, want.Rules) || len(got.Samples) == 0 {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if texts.Documents != 302 || texts.Read() != 314 || texts.Lost() != 12 || texts.Duplicates != 1 {
		t.Errorf("%d documents of %d, %d lost", texts.Documents, texts.Read(), texts.Lost())
	}
	code := report.Sources[1]
	if code.Documents != 2 || code.Filters[filter.Personal].Counted != 2 {
		t.Errorf("code: %+v", code)
	}
	want := []Share{{"en", 304, texts.BytesOut + code.BytesOut}}
	if !reflect.DeepEqual(report.Languages, want) || len(report.Licences) != 2 || report.Licences[0].Name != "CC0-1.0" {
		t.Errorf("what remains: %+v, %+v", report.Languages, report.Licences)
	}
	if e := report.Evaluations; len(e) != 1 || e[0].Name != "rolls.jsonl" || e[0].Examples != 1 {
		t.Errorf("evaluations %+v", e)
	}
	if config := out.Config.(Report); len(config.Sources[0].Filters[filter.Length].Samples) > 0 {
		t.Error("the artifact's configuration holds samples")
	}
	for name, path := range map[string]string{"corpus": out.Files[0].Path, "report": out.Files[2].Path} {
		if holds(t, path, "marta@") && name == "report" || holds(t, path, "kestrel") || holds(t, path, "867-5309") {
			t.Errorf("the %s holds personal data or a secret", name)
		}
	}
	var page bytes.Buffer
	if err := report.HTML(&page, "tea"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<title>tea: corpus</title>", "near-duplicates</b>: 5 left out", "Lorem ipsum", "&lt;email&gt;", "rolls.jsonl", "BSD-3-Clause", "<h3>1 · ", "held out"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, bad := range []string{"marta@", "<script", "http:", "https:", "ZgotmplZ"} {
		if strings.Contains(page.String(), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func readReport(t *testing.T, out samovar.Output) (r Report) {
	t.Helper()
	data, err := os.ReadFile(out.Files[2].Path)
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// holds says whether a file, unpacked where it ends in .zst, holds a text.
func holds(t *testing.T, path, text string) (found bool) {
	t.Helper()
	if filepath.Ext(path) != ".zst" {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(data, []byte(text))
	}
	err := lines(context.Background(), path, func(_ int, line []byte) error {
		found = found || bytes.Contains(line, []byte(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestSiftChoices asserts that a source's choices hold for it, and that
// everything switched off leaves the corpus as it would be without filters.
func TestSiftChoices(t *testing.T) {
	dir := sifted(t)
	off, drop, web := siftedSources(dir), siftedSources(dir), siftedSources(dir)
	off[0].Filter.Default = filter.Off
	drop[0].Filter = filter.Config{Personal: filter.Drop, Secrets: filter.Drop, Near: filter.Count}
	web[0].Filter = filter.Config{As: string(filter.Web), Default: filter.Off, Length: filter.Drop, MinWords: 60}
	for _, test := range []struct {
		name    string
		sources []Source
		want    int64
	}{{"off", off, 313}, {"drop", drop, 306}, {"web", web, 307}} {
		_, report := collect(t, test.sources...)
		if r := report.Sources[0]; r.Documents != test.want {
			t.Errorf("%s: %d documents, want %d: %s", test.name, r.Documents, test.want, r.passedOver())
		}
	}
	keys := map[string]bool{}
	for _, sources := range [][]Source{siftedSources(dir), off, drop, web} {
		for _, sets := range [][]string{nil, {dir + "/sets"}} {
			c, err := NewCollect(context.Background(), sources, 0, sets...)
			if err != nil {
				t.Fatal(err)
			}
			config, err := json.Marshal(c.Config())
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(config, []byte(dir)) {
				t.Errorf("the configuration holds a path: %s", config)
			}
			keys[string(config)] = true
		}
	}
	if len(keys) != 8 {
		t.Errorf("%d configurations of 8 differ", len(keys))
	}
}

func TestSiftRefuses(t *testing.T) {
	dir := sifted(t)
	bad := siftedSources(dir)
	bad[1].Filter.Length = "mask"
	sets := write(t, map[string]string{"bad.json": "{", "short.txt": "one two three\n", "cut.jsonl.gz": "\x1f\x8b"})
	for _, test := range []struct {
		sources []Source
		set     string
		err     string
	}{
		{bad, "", `source 2 (` + dir + `/code): filter.length: "mask" is no action: drop, count or off is expected`},
		{siftedSources(dir), dir + "/nowhere", "filter.decontaminate[0]: " + dir + "/nowhere does not exist: correct the path"},
		{siftedSources(dir), sets + "/bad.json", "this is no JSON"},
		{siftedSources(dir), sets + "/short.txt", "has no sentence of 8 words or more"},
		{siftedSources(dir), sets + "/cut.jsonl.gz", "cut off before its end"},
	} {
		var sets []string
		if test.set != "" {
			sets = append(sets, test.set)
		}
		_, err := NewCollect(context.Background(), test.sources, 0, sets...)
		if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %s", err, test.err)
		}
	}
}
