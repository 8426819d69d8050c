package ledger

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mount returns a filesystem of 4 MiB; only root may have one.
func mount(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("mounting a filesystem is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// refuses fails the test unless appending gives an error of one line.
func refuses(t *testing.T, l *Ledger, part string) {
	t.Helper()
	_, err := l.Append(context.Background(), []byte("x"))
	if err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Append: %v, want %q", err, part)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	dir := mount(t)
	running := open(t, filepath.Join(dir, "ledger"))
	appendAll(t, running, "a", "b")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("remounting is not allowed here: %v", err)
	}
	refuses(t, running, "read-only file system")
	if err := running.Close(); err != nil {
		t.Error(err)
	}
	l := open(t, running.Dir())
	if got := read(t, l, 0); len(got) != 2 {
		t.Errorf("entries %v", got)
	}
	if err := l.Verify(context.Background()); err != nil {
		t.Error(err)
	}
	refuses(t, l, "read-only file system")
}

func TestFullDisk(t *testing.T) {
	dir := mount(t)
	running := open(t, filepath.Join(dir, "ledger"))
	appendAll(t, running, "a", "b")
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	refuses(t, running, "no space left")
	refuses(t, open(t, running.Dir()), "no space left")
	refuses(t, open(t, filepath.Join(dir, "new")), "no space left")
	if err := running.Verify(context.Background()); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if i, err := running.Append(context.Background(), []byte("c")); err != nil || i != 2 {
		t.Errorf("Append once there is room: %d, %v", i, err)
	}
	// A ledger whose key could not be written was not half made.
	if i, err := open(t, filepath.Join(dir, "new")).Append(context.Background(), []byte("a")); err != nil || i != 0 {
		t.Errorf("Append to the ledger that did not fit: %d, %v", i, err)
	}
	if err := running.Verify(context.Background()); err != nil {
		t.Error(err)
	}
}
