package registry

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"samovar"
)

// mount returns a filesystem of so many bytes; only root may have one.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mounting a filesystem is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	dir := mount(t, "size=1m")
	s, err := Open(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	a := put(t, s, samovar.KindModel, "small")
	if err := s.Tag("small", a.Digest); err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, make([]byte, 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, keep := range []bool{true, false} {
		_, err := s.Put(context.Background(), samovar.Output{Kind: samovar.KindModel,
			Files: []samovar.OutputFile{{Name: "big", Path: big, Keep: keep}}})
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "samovar gc") || strings.Contains(err.Error(), "\n") {
			t.Errorf("put more than there is room for: %v", err)
		}
		if fi, err := os.Stat(big); err != nil || fi.Size() != 2<<20 {
			t.Errorf("the file that did not fit: %v", err)
		}
	}
	// Now not even an index fits.
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	if err := s.Tag("other", a.Digest); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("tag on a full disk: %v", err)
	}
	if _, err := s.PutBlob([]byte("blob")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("put a blob on a full disk: %v", err)
	}
	sound(t, s)
	if d, err := s.Resolve("small"); err != nil || d != a.Digest {
		t.Errorf("small is %s, %v", d, err)
	}
	if _, _, err := s.GC(context.Background(), Keep{}, false); err != nil {
		t.Errorf("collect garbage on a full disk: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := s.Tag("other", a.Digest); err != nil {
		t.Error(err)
	}
	sound(t, s)
}

func TestReadOnlyDisk(t *testing.T) {
	dir := mount(t, "size=1m")
	s, err := Open(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	a := put(t, s, samovar.KindModel, "model")
	if err := s.Tag("model", a.Digest); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("remounting is not allowed here: %v", err)
	}
	if _, err := Open(s.Dir()); err == nil || !strings.Contains(err.Error(), "read-only file system") || !strings.Contains(err.Error(), "--store") {
		t.Errorf("open for writing: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "new")); err == nil || !strings.Contains(err.Error(), "read-only file system") {
		t.Errorf("create: %v", err)
	}
	if err := s.Tag("other", a.Digest); err == nil || !strings.Contains(err.Error(), "cannot be written to") {
		t.Errorf("tag: %v", err)
	}
	r, err := OpenReadOnly(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Input(a.Digest); err != nil {
		t.Error(err)
	}
	sound(t, r)
}

// A file that lies on another filesystem is copied in and then removed.
func TestPutAcrossFilesystems(t *testing.T) {
	s := open(t)
	path := filepath.Join(mount(t, "size=1m"), "file")
	if err := os.WriteFile(path, []byte("from afar"), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := s.Put(context.Background(), samovar.Output{Kind: samovar.KindCorpus,
		Files: []samovar.OutputFile{{Name: "file", Path: path}}})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.Blob(a.Files[0].Digest); err != nil || string(b) != "from afar" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was not moved")
	}
	sound(t, s)
}
