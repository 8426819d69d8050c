package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// disk mounts a filesystem; only root may have one.
func disk(t *testing.T, options string) string {
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

// refusal runs a command that is to fail with exit code 1, and returns its one
// clear line.
func (b *brewery) refusal(t *testing.T, args ...string) string {
	t.Helper()
	cmd := b.command("samovar", nil, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("samovar %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	if err := oneClearLine(stderr.String()); err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(stderr.String(), "\n")
	return text[strings.LastIndex(text, "\n")+1:]
}

// TestFullDisk brews on disks that are too small, for the corpus and for the
// model: it says so, loses nothing, and goes on when there is room.
func TestFullDisk(t *testing.T) {
	b := newBrewery(t, smallRecipe)
	b.output(t, "brew", b.recipe)
	want := b.model(t)
	dir := disk(t, "size=16k")
	b = &brewery{b.recipe, filepath.Join(dir, "store")}
	for _, kilobytes := range []int{16, 300} {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%dk", kilobytes)); err != nil {
			t.Fatal(err)
		}
		line := b.refusal(t, "brew", b.recipe)
		if !strings.Contains(line, "no space left on device") || !strings.Contains(line, "free some space") {
			t.Errorf("with %d kB it says: %s", kilobytes, line)
		}
		b.output(t, "verify")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	b.output(t, "brew", b.recipe)
	if got := b.model(t); got != want {
		t.Errorf("the model is %s, not %s", got, want)
	}
	b.sound(t)
}

// TestReadOnlyStore reads a store that cannot be written to; what would change
// it is refused.
func TestReadOnlyStore(t *testing.T) {
	b := newBrewery(t, smallRecipe)
	dir := disk(t, "size=64m")
	b = &brewery{b.recipe, filepath.Join(dir, "store")}
	b.output(t, "brew", b.recipe)
	model := b.model(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("remounting is not allowed here: %v", err)
	}
	for _, args := range [][]string{{"models", "list"}, {"runs", "list"}, {"runs", "show", "0"}, {"trace", "tea"}, {"verify"}, {"chat", "tea", "The", "--max-tokens", "2"}} {
		b.output(t, args...)
	}
	if got := b.model(t); got != model {
		t.Errorf("the model is %s, not %s", got, model)
	}
	for _, args := range [][]string{{"brew", b.recipe}, {"models", "tag", "tea", "coffee"}, {"models", "rm", "tea"}, {"gc"}, {"runs", "repeat", "0", b.recipe}} {
		if line := b.refusal(t, args...); !strings.Contains(line, "open for reading only; make its folder writable, or choose another with --store") {
			t.Errorf("%s says: %s", strings.Join(args, " "), line)
		}
	}
	nowhere := &brewery{b.recipe, filepath.Join(dir, "new")}
	if line := nowhere.refusal(t, "models", "list"); !strings.Contains(line, "read-only file system: choose another folder with --store") {
		t.Errorf("a new store says: %s", line)
	}
}
