package registry

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"samovar"
)

// sound fails the test if Verify finds anything.
func sound(t testing.TB, s *Store) {
	t.Helper()
	problems, err := s.Verify(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("problem: %s", p)
	}
}

// filled returns a store with everything that a store can hold.
func filled(t testing.TB) *Store {
	t.Helper()
	s := open(t)
	a, b := put(t, s, samovar.KindCorpus, "corpus"), put(t, s, samovar.KindModel, "model")
	if err := s.Tag("tales", b.Digest); err != nil {
		t.Fatal(err)
	}
	finish(t, s, samovar.DigestOf([]byte("corpus")), a.Digest)
	finish(t, s, samovar.DigestOf([]byte("train")), b.Digest)
	return s
}

func TestVerify(t *testing.T) {
	s := filled(t)
	var last, total int64
	problems, err := s.Verify(context.Background(), func(done, of int64) {
		if done < last || done > of {
			t.Errorf("%d of %d bytes after %d", done, of, last)
		}
		last, total = done, of
	})
	if err != nil || len(problems) != 0 || last != total || total == 0 {
		t.Errorf("%v, %v, %d of %d bytes", problems, err, last, total)
	}
	readOnly, err := OpenReadOnly(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	sound(t, readOnly)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Verify(ctx, nil); err == nil {
		t.Error("verified though cancelled")
	}
}

// contents returns the files of a store that Verify answers for.
func contents(t testing.TB, s *Store) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(s.Dir(), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && e.Name() != lockName && e.Name() != holdName {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestVerifyFindsAnyFlippedBit(t *testing.T) {
	s := filled(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, path := range contents(t, s) {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		bits := random.Perm(8 * len(good))
		if os.Getenv("SAMOVAR_LONG") == "" {
			bits = bits[:min(len(bits), 100)]
		}
		for _, bit := range bits {
			was, at := good[bit/8], int64(bit/8)
			if _, err := f.WriteAt([]byte{was ^ 1<<(bit%8)}, at); err != nil {
				t.Fatal(err)
			}
			if problems, err := s.Verify(context.Background(), nil); err == nil && len(problems) == 0 {
				t.Errorf("bit %d of %s was flipped, in %q, and not found", bit, path, was)
			}
			if _, err := f.WriteAt([]byte{was}, at); err != nil {
				t.Fatal(err)
			}
		}
		f.Close()
	}
	sound(t, s)
}

func TestVerifyFindsWhatIsMissing(t *testing.T) {
	s := filled(t)
	for _, path := range contents(t, s) {
		name, _ := filepath.Rel(s.Dir(), path)
		if strings.HasPrefix(name, keysName) {
			continue // a stage that has not finished is no problem
		}
		if err := os.Rename(path, path+"~"); err != nil {
			t.Fatal(err)
		}
		if problems, err := s.Verify(context.Background(), nil); err == nil && len(problems) == 0 {
			t.Errorf("%s is missing and was not missed", name)
		}
		if err := os.Rename(path+"~", path); err != nil {
			t.Fatal(err)
		}
	}
	stray := filepath.Join(s.Dir(), blobsName, "stray")
	if err := os.WriteFile(stray, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if problems, err := s.Verify(context.Background(), nil); err != nil || len(problems) != 1 {
		t.Errorf("a stray file: %v, %v", problems, err)
	}
}

// Whatever is read back as what was put before must be found whole again.
func TestPutHeals(t *testing.T) {
	s := open(t)
	a := put(t, s, samovar.KindModel, "model")
	for _, path := range contents(t, s) {
		if strings.Contains(path, blobsName) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("broken"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if b := put(t, s, samovar.KindModel, "model"); b.Digest != a.Digest {
		t.Errorf("%s, then %s", a.Digest, b.Digest)
	}
	sound(t, s)
}

func TestGC(t *testing.T) {
	s := open(t)
	corpus, shards := put(t, s, samovar.KindCorpus, "corpus"), put(t, s, samovar.KindShards, "shards")
	model, old := put(t, s, samovar.KindModel, "model"), put(t, s, samovar.KindModel, "an older model")
	parents := map[samovar.Digest][]samovar.Digest{
		model.Digest:  {shards.Digest, samovar.DigestOf([]byte("removed long ago"))},
		shards.Digest: {corpus.Digest},
		old.Digest:    {corpus.Digest},
	}
	keep := Keep{Parents: func(d samovar.Digest) []samovar.Digest { return parents[d] }}
	if err := s.Tag("model", model.Digest); err != nil {
		t.Fatal(err)
	}
	key := func(name string) samovar.Digest { return samovar.DigestOf([]byte(name)) }
	record := finish(t, s, key("shards"), shards.Digest)
	stale := finish(t, s, key("old"), old.Digest)
	inLedger, err := s.PutBlob([]byte(`{"key":"in the ledger"}`))
	if err != nil {
		t.Fatal(err)
	}
	keep.Roots = []samovar.Digest{inLedger}
	write(t, s, "../ingest/in-leftover", "12345")

	release, err := s.Hold(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.GC(context.Background(), keep, false); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("GC of a store that is held: %v", err)
	}
	release()

	before := contents(t, s)
	wouldFree, wouldRemove, err := s.GC(context.Background(), keep, true)
	if err != nil {
		t.Fatal(err)
	}
	if after := contents(t, s); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("a dry run removed something: %v, then %v", before, after)
	}
	freed, n, err := s.GC(context.Background(), keep, false)
	if err != nil || freed != wouldFree || n != wouldRemove {
		t.Errorf("freed %d in %d, %v; the dry run said %d in %d", freed, n, err, wouldFree, wouldRemove)
	}
	// The older model's file, configuration and manifest, its key and record, the leftover.
	if n != 6 {
		t.Errorf("%d files were removed, want 6", n)
	}
	for _, d := range []samovar.Digest{corpus.Digest, shards.Digest, model.Digest} {
		if _, err := s.Input(d); err != nil {
			t.Error(err)
		}
	}
	for d, want := range map[samovar.Digest]bool{record: true, inLedger: true, stale: false, old.Digest: false, old.Files[0].Digest: false} {
		if _, err := s.Blob(d); (err == nil) != want {
			t.Errorf("blob %s: %v", d.Short(), err)
		}
	}
	if _, ok := s.Finished(key("shards")); !ok {
		t.Error("a stage whose output was kept is not finished any more")
	}
	if _, ok := s.Finished(key("old")); ok {
		t.Error("a stage whose output was removed is finished")
	}
	sound(t, s)
	if freed, n, err = s.GC(context.Background(), keep, false); freed != 0 || n != 0 || err != nil {
		t.Errorf("a second GC freed %d in %d, %v", freed, n, err)
	}
	if err := s.Untag("model"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.GC(context.Background(), Keep{}, false); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(s.Dir(), blobsName)); len(left) != 0 {
		t.Errorf("nothing has a name and %d blobs are left", len(left))
	}
	sound(t, s)
}

func TestGCWork(t *testing.T) {
	s := open(t)
	dirs := map[string]string{}
	var unlocks []func()
	for _, name := range []string{"interrupted", "busy"} {
		dir, unlock, err := s.WorkDir(context.Background(), samovar.DigestOf([]byte(name)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "checkpoint"), []byte("weights"), 0o644); err != nil {
			t.Fatal(err)
		}
		dirs[name] = dir
		unlocks = append(unlocks, unlock)
	}
	there := func(name string) bool {
		_, err := os.Stat(filepath.Join(dirs[name], "checkpoint"))
		return err == nil
	}
	unlocks[0]()
	unlocks[1]()
	// What holds the folder "busy" does not hold the store here: GC must look
	// at the folder's own lock too.
	release, err := tryLock(dirs["busy"]+lockSuffix, true)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, _, err := s.GC(context.Background(), Keep{}, false); err != nil || !there("interrupted") {
		t.Errorf("an interrupted run cannot go on after GC: %v", err)
	}
	freed, _, err := s.GC(context.Background(), Keep{DropWork: true}, false)
	if err != nil || there("interrupted") || !there("busy") || freed != int64(len("weights")) {
		t.Errorf("freed %d, %v; interrupted is there: %v; busy: %v", freed, err, there("interrupted"), there("busy"))
	}
}
