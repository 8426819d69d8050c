package registry

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"samovar"
)

// open returns a new store.
func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write makes a file of our own beside the store.
func write(t testing.TB, s *Store, name, text string) string {
	t.Helper()
	path := filepath.Join(s.Dir(), workName, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// put keeps an artifact of one file.
func put(t testing.TB, s *Store, kind samovar.Kind, text string) samovar.Artifact {
	t.Helper()
	a, err := s.Put(context.Background(), samovar.Output{Kind: kind, Config: map[string]int{"n": 1},
		Files: []samovar.OutputFile{{Name: "data", Path: write(t, s, "data", text)}}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// finish keeps a run record for the key and finishes it.
func finish(t testing.TB, s *Store, key samovar.Digest, outputs ...samovar.Digest) samovar.Digest {
	t.Helper()
	b, err := json.Marshal(samovar.Run{Key: key, Outputs: outputs})
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.PutBlob(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(key, d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPutGet(t *testing.T) {
	s := open(t)
	out := samovar.Output{
		Kind: samovar.KindModel,
		Files: []samovar.OutputFile{
			{Name: "model.gguf", Path: write(t, s, "m", "weights")},
			{Name: "card.json", Path: write(t, s, "c", "{}"), MediaType: "application/json"},
		},
		Config: struct {
			Z int    `json:"z"`
			A string `json:"a"`
		}{1, "<é>"},
	}
	a, err := s.Put(context.Background(), out)
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Input(a.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(in.Config), `{"a":"<é>","z":1}`; got != want {
		t.Errorf("Config %s, want %s", got, want)
	}
	if in.Kind != samovar.KindModel || len(in.Files) != 2 || in.Files[0].Name != "card.json" {
		t.Errorf("artifact %+v", in.Artifact)
	}
	if got := in.Files[1].MediaType; got != typeWeight {
		t.Errorf("media type of model.gguf %s", got)
	}
	path, err := in.Path("model.gguf")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "weights" {
		t.Errorf("content %q, %v", b, err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o444 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	for _, f := range out.Files {
		if _, err := os.Stat(f.Path); err == nil {
			t.Errorf("%s was not moved", f.Path)
		}
	}
	if left, _ := os.ReadDir(filepath.Join(s.Dir(), ingestName)); len(left) != 0 {
		t.Errorf("left in ingest: %v", left)
	}
}

// The digest of this artifact is written here so that a change of the format
// is noticed: it would make every key in every store stale.
func TestGoldenDigest(t *testing.T) {
	s := open(t)
	a := put(t, s, samovar.KindCorpus, "text\n")
	const want = "sha256:a17324b579d7e67d84d697873f83baece0a6c0e39fb217d12c9923f6778811d9"
	if a.Digest != want {
		b, _ := s.Blob(a.Digest)
		t.Errorf("digest %s, want %s\n%s", a.Digest, want, b)
	}
	other := open(t)
	if b := put(t, other, samovar.KindCorpus, "text\n"); b.Digest != a.Digest {
		t.Errorf("%s in one store, %s in another", a.Digest, b.Digest)
	}
}

func TestPutWithoutFiles(t *testing.T) {
	s := open(t)
	a, err := s.Put(context.Background(), samovar.Output{Kind: samovar.KindPlan, Config: map[string]int{"steps": 10}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(a.Digest)
	if err != nil || len(got.Files) != 0 || string(got.Config) != `{"steps":10}` {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestPutKeepsWhatBelongsToOthers(t *testing.T) {
	s := open(t)
	path := write(t, s, "theirs", "before")
	linked := write(t, s, "ours", "linked")
	other := linked + ".link"
	if err := os.Link(linked, other); err != nil {
		t.Fatal(err)
	}
	a, err := s.Put(context.Background(), samovar.Output{Kind: samovar.KindCorpus, Files: []samovar.OutputFile{
		{Name: "a", Path: path, Keep: true}, {Name: "b", Path: linked}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, other} {
		if err := os.WriteFile(p, []byte("after"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in, err := s.Input(a.Digest)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "before", "b": "linked"} {
		if b, _ := os.ReadFile(in.Paths[name]); string(b) != want {
			t.Errorf("file %s is %q after its owner wrote to it", name, b)
		}
	}
}

func TestPutRefuses(t *testing.T) {
	s := open(t)
	file := write(t, s, "f", "x")
	link := file + ".sym"
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for what, out := range map[string]samovar.Output{
		"no kind":       {},
		"traversal":     {Kind: "x", Files: []samovar.OutputFile{{Name: "../f", Path: file}}},
		"backslash":     {Kind: "x", Files: []samovar.OutputFile{{Name: `..\f`, Path: file}}},
		"dots":          {Kind: "x", Files: []samovar.OutputFile{{Name: "..", Path: file}}},
		"no name":       {Kind: "x", Files: []samovar.OutputFile{{Path: file}}},
		"twice":         {Kind: "x", Files: []samovar.OutputFile{{Name: "f", Path: file}, {Name: "f", Path: file}}},
		"symbolic link": {Kind: "x", Files: []samovar.OutputFile{{Name: "f", Path: link}}},
		"missing":       {Kind: "x", Files: []samovar.OutputFile{{Name: "f", Path: file + "nowhere"}}},
		"folder":        {Kind: "x", Files: []samovar.OutputFile{{Name: "f", Path: s.Dir()}}},
		"no JSON":       {Kind: "x", Config: func() {}},
	} {
		if _, err := s.Put(context.Background(), out); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if all, err := s.Manifests(); err != nil || len(all) != 0 {
		t.Errorf("manifests %v, %v", all, err)
	}
}

func TestStrictDigests(t *testing.T) {
	s := open(t)
	bad := []samovar.Digest{"", "sha256:", "../../etc/passwd", "sha256:../../../../../../etc/passwd",
		samovar.Digest("sha256:" + strings.Repeat("A", 64)), samovar.Digest("sha256:" + strings.Repeat("a", 63) + "/"),
		samovar.Digest("sha512:" + strings.Repeat("a", 64)), samovar.Digest(strings.Repeat("a", 64))}
	for _, d := range bad {
		_, getErr := s.Get(d)
		_, blobErr := s.Blob(d)
		_, inErr := s.Input(d)
		_, ok := s.Finished(d)
		_, _, workErr := s.WorkDir(context.Background(), d, nil)
		if getErr == nil || blobErr == nil || inErr == nil || ok || workErr == nil || s.Tag("a", d) == nil || s.Finish(d, d) == nil {
			t.Errorf("%q was taken for a digest", d)
		}
	}
}

func TestTags(t *testing.T) {
	s := open(t)
	a, b := put(t, s, samovar.KindModel, "a"), put(t, s, samovar.KindModel, "b")
	for name, d := range map[string]samovar.Digest{"tales": a.Digest, "tales:q8_0": b.Digest, "other": b.Digest} {
		if err := s.Tag(name, d); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Tag("other", a.Digest); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]samovar.Digest{
		"tales": a.Digest, "tales:q8_0": b.Digest, "tales-q8_0": b.Digest, "other": a.Digest,
		string(b.Digest): b.Digest, b.Digest.Hex()[:8]: b.Digest, "sha256:" + a.Digest.Short(): a.Digest,
	} {
		if got, err := s.Resolve(ref); err != nil || got != want {
			t.Errorf("Resolve(%s) = %s, %v, want %s", ref, got, err, want)
		}
	}
	for ref, part := range map[string]string{
		"talse": "tales", "Tales": "lower-case", "../x": "cannot be a name", "00000000": "no digest begins so",
		"sha256:" + strings.Repeat("0", 64): "not in the store", "": "cannot be a name",
	} {
		if _, err := s.Resolve(ref); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Resolve(%q): %v, want an error with %q", ref, err, part)
		}
	}
	if err := s.Untag("tales"); err != nil {
		t.Fatal(err)
	}
	if err := s.Untag("tales"); !errors.Is(err, ErrUnknown) {
		t.Errorf("Untag of an unknown name: %v", err)
	}
	if err := s.Untag("other"); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Manifests(); err != nil || len(all) != 2 {
		t.Errorf("after untagging: %v, %v", all, err)
	}
	if err := s.Tag("x", samovar.DigestOf([]byte("nowhere"))); !errors.Is(err, ErrUnknown) {
		t.Errorf("Tag of a missing artifact: %v", err)
	}
}

func TestFinished(t *testing.T) {
	s := open(t)
	key := samovar.DigestOf([]byte("key"))
	if _, ok := s.Finished(key); ok {
		t.Error("finished before it began")
	}
	a := put(t, s, samovar.KindModel, "a")
	want := finish(t, s, key, a.Digest)
	if got, ok := s.Finished(key); !ok || got != want {
		t.Errorf("Finished = %s, %v", got, ok)
	}
	other := samovar.DigestOf([]byte("other"))
	if err := s.Finish(other, want); err == nil {
		t.Error("a record of one key was taken for another's")
	}
	path, _ := s.blobPath(a.Files[0].Digest)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Finished(key); ok {
		t.Error("finished though its output is gone")
	}
}

func TestWorkDir(t *testing.T) {
	s := open(t)
	key := samovar.DigestOf([]byte("key"))
	dir, unlock, err := s.WorkDir(context.Background(), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "checkpoint"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, _, err := s.WorkDir(ctx, key, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("a second brew: %v", err)
	}
	unlock()
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err != nil {
		t.Errorf("an unfinished run lost its work: %v", err)
	}
	if dir, unlock, err = s.WorkDir(context.Background(), key, func() { t.Error("waited for nobody") }); err != nil {
		t.Fatal(err)
	}
	finish(t, s, key)
	waited, got := make(chan struct{}), make(chan error)
	go func() {
		_, unlock, err := s.WorkDir(context.Background(), key, func() { close(waited) })
		if err == nil {
			unlock()
		}
		got <- err
	}()
	<-waited
	unlock()
	unlock() // a second call does nothing
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) != 0 {
		t.Errorf("left in work: %v", left)
	}
}

func TestOpen(t *testing.T) {
	s := open(t)
	if _, err := Open(s.Dir()); err != nil {
		t.Errorf("open it again: %v", err)
	}
	taken := t.TempDir()
	if err := os.WriteFile(filepath.Join(taken, "thesis.tex"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(taken); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("open somebody's folder: %v", err)
	}
	if _, err := OpenReadOnly(t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("open nothing for reading: %v", err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), formatName), []byte(`{"format":99}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(string) (*Store, error){Open, OpenReadOnly} {
		if _, err := open(s.Dir()); err == nil || !strings.Contains(err.Error(), "newer samovar") {
			t.Errorf("open a newer format: %v", err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	w := open(t)
	a := put(t, w, samovar.KindModel, "a")
	if err := w.Tag("a", a.Digest); err != nil {
		t.Fatal(err)
	}
	s, err := OpenReadOnly(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if d, err := s.Resolve("a"); err != nil || d != a.Digest {
		t.Errorf("Resolve: %s, %v", d, err)
	}
	if _, err := s.Input(a.Digest); err != nil {
		t.Error(err)
	}
	key := samovar.DigestOf(nil)
	_, putErr := s.Put(context.Background(), samovar.Output{Kind: "x"})
	_, blobErr := s.PutBlob(nil)
	_, _, workErr := s.WorkDir(context.Background(), key, nil)
	_, holdErr := s.Hold(context.Background())
	for _, err := range []error{putErr, blobErr, workErr, holdErr, s.Tag("b", a.Digest), s.Untag("a"), s.Finish(key, key)} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("error %v", err)
		}
	}
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("SAMOVAR_STORE", "/a/b")
	t.Setenv("XDG_DATA_HOME", "/x")
	t.Setenv("HOME", "/h")
	for _, c := range []struct{ unset, want string }{
		{"", "/a/b"}, {"SAMOVAR_STORE", "/x/samovar"}, {"XDG_DATA_HOME", "/h/.local/share/samovar"},
	} {
		if c.unset != "" {
			t.Setenv(c.unset, "")
		}
		if got, err := DefaultDir(); err != nil || got != c.want {
			t.Errorf("DefaultDir without %q = %s, %v, want %s", c.unset, got, err, c.want)
		}
	}
}
