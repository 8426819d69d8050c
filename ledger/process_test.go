//go:build unix

package ledger

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The test binary runs itself as another process that appends.
func TestMain(m *testing.M) {
	dir := os.Getenv("LEDGER_TEST_DIR")
	if dir == "" {
		// The tests sync thousands of times: in memory, if there is a disk in it.
		const memory = "/dev/shm"
		if fi, err := os.Stat(memory); err == nil && fi.IsDir() && os.Getenv("TMPDIR") == "" {
			os.Setenv("TMPDIR", memory)
		}
		os.Exit(m.Run())
	}
	n, err := strconv.Atoi(os.Getenv("LEDGER_TEST_COUNT"))
	if err == nil {
		err = child(dir, os.Getenv("LEDGER_TEST_NAME"), n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child appends n entries, four at a time, and prints each with its index once
// it is acknowledged.
func child(dir, name string, n int) error {
	l, err := Open(dir)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for w := range errs {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += len(errs) {
				entry := fmt.Sprintf("%s %d", name, i)
				var index int64
				if index, errs[w] = l.Append(context.Background(), []byte(entry)); errs[w] == nil {
					// One write is whole or not there.
					_, errs[w] = os.Stdout.WriteString(fmt.Sprintf("%d %s\n", index, entry))
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return l.Close()
}

// process is a child and what it has printed.
func process(t *testing.T, dir, name string, n int) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LEDGER_TEST_DIR="+dir, "LEDGER_TEST_NAME="+name, fmt.Sprint("LEDGER_TEST_COUNT=", n))
	out := new(bytes.Buffer)
	cmd.Stdout = out
	cmd.Stderr = out // so that a word of Tessera's log fails the test
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// acknowledged reads what children have printed.
func acknowledged(t *testing.T, outs ...*bytes.Buffer) map[int64]string {
	t.Helper()
	all := map[int64]string{}
	for _, out := range outs {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			number, entry, _ := strings.Cut(lines.Text(), " ")
			i, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				t.Fatalf("a child says: %s", lines.Text())
			}
			if old, ok := all[i]; ok {
				t.Errorf("index %d was given to %q and to %q", i, old, entry)
			}
			all[i] = entry
		}
	}
	return all
}

// contains fails the test unless every acknowledged entry is in its place.
func contains(t *testing.T, dir string, want map[int64]string) {
	t.Helper()
	l := open(t, dir)
	if err := l.Verify(context.Background()); err != nil {
		t.Error(err)
	}
	got := read(t, l, 0)
	for i, entry := range want {
		if got[i] != entry {
			t.Errorf("entry %d is %q, acknowledged was %q", i, got[i], entry)
		}
	}
}

func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(5, 6))
	var outs []*bytes.Buffer
	for i := range 10 {
		cmd, out := process(t, dir, fmt.Sprint("life ", i), 1<<30)
		time.Sleep(time.Duration(200+random.IntN(300)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the child ended before it was killed")
		}
		outs = append(outs, out)
	}
	// Whoever comes next goes on.
	cmd, out := process(t, dir, "after", 4)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	want := acknowledged(t, append(outs, out)...)
	if len(want) < 8 {
		t.Errorf("only %d entries were acknowledged", len(want))
	}
	contains(t, dir, want)
}

func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ledger")
	a, outA := process(t, dir, "a", 20)
	b, outB := process(t, dir, "b", 20)
	for _, cmd := range []*exec.Cmd{a, b} {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	want := acknowledged(t, outA, outB)
	if len(want) != 40 {
		t.Errorf("%d entries were acknowledged, want 40", len(want))
	}
	contains(t, dir, want)
}

// copyTree makes to a copy of the folder from.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// closed returns a ledger with those entries that nobody appends to.
func closed(t testing.TB, dir string, entries ...string) *Ledger {
	t.Helper()
	l := open(t, dir)
	appendAll(t, l, entries...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTampering(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	l := closed(t, filepath.Join(t.TempDir(), "ledger"), numbered(300)...)
	saved := t.TempDir()
	copyTree(t, l.Dir(), saved)
	longer := t.TempDir()
	copyTree(t, saved, longer)
	closed(t, longer, "and one more")
	other := t.TempDir()
	copyTree(t, saved, other)
	for _, name := range []string{logName, headName} {
		if err := os.RemoveAll(filepath.Join(other, name)); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, other, numbered(310)[1:]...)
	for what, c := range map[string]struct {
		do   func(t *testing.T)
		want string
	}{
		"cut back": {func(t *testing.T) {
			copyTree(t, longer, l.Dir())
			copyTree(t, filepath.Join(saved, logName), l.path(logName))
		}, "cut back"},
		"another history under the same key": {func(t *testing.T) {
			copyTree(t, filepath.Join(other, logName), l.path(logName))
		}, "were changed"},
		"a head of another key": {func(t *testing.T) {
			strange := closed(t, t.TempDir(), "x")
			copyTree(t, strange.path(logName), l.path(logName))
		}, "read the head"},
		"no head": {func(t *testing.T) {
			if err := os.Remove(l.path(logName, "checkpoint")); err != nil {
				t.Fatal(err)
			}
		}, "no tree head"},
		"a state that is behind": {func(t *testing.T) {
			if err := os.WriteFile(l.path(logName, ".state", "treeState"), []byte(`{"size":3,"root":""}`), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "check ledger"},
	} {
		t.Run(what, func(t *testing.T) {
			copyTree(t, saved, l.Dir())
			if err := l.Verify(ctx); err != nil {
				t.Fatal(err)
			}
			c.do(t)
			if err := l.Verify(ctx); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Verify: %v, want %q", err, c.want)
			}
			if i, err := l.Append(ctx, []byte("x")); err == nil {
				t.Errorf("entry %d was appended", i)
			}
		})
	}
}

func TestVerifyFindsAnyFlippedBit(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	l := closed(t, t.TempDir(), numbered(300)...)
	random := rand.New(rand.NewPCG(7, 8))
	err := filepath.WalkDir(l.Dir(), func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(l.Dir(), path)
		// Partial tiles of earlier sizes are read by nobody any more. The
		// signing key is checked when it is used.
		stale := strings.Contains(name, ".p/") && !strings.HasSuffix(name, "/001.p/44") && name != "log/tile/1/000.p/1"
		if err != nil || e.IsDir() || stale || strings.HasSuffix(name, "lock") || name == keyName ||
			name == "log/.state/version" || name == "log/.state/gcState" {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		good, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		bits := random.Perm(8 * len(good))
		for _, bit := range bits[:min(40, len(bits))] {
			at := int64(bit / 8)
			if _, err := f.WriteAt([]byte{good[at] ^ 1<<(bit%8)}, at); err != nil {
				return err
			}
			if l.Verify(ctx) == nil {
				t.Errorf("bit %d of %s was flipped, in %q, and not found", bit, name, good[at])
			}
			if _, err := f.WriteAt(good[at:at+1], at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Verify(ctx); err != nil {
		t.Error(err)
	}
}

// A first Append that was killed before its tree head was published, or is on
// its way there, is no damage: the next one goes on from it.
func TestKilledBeforeTheFirstHead(t *testing.T) {
	ctx := t.Context()
	l := closed(t, t.TempDir(), "a")
	for _, name := range []string{l.path(logName, "checkpoint"), l.path(headName)} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := l.Head(); err != nil || h.Size != 0 {
		t.Errorf("its head is %+v, %v", h, err)
	}
	if i, err := l.Append(ctx, []byte("b")); err != nil || i != 1 {
		t.Fatalf("entry %d, %v", i, err)
	}
	if err := errors.Join(l.Verify(ctx), l.Close()); err != nil {
		t.Error(err)
	}
	for i, want := range []string{"a", "b"} {
		if got, err := l.Entry(int64(i)); err != nil || string(got) != want {
			t.Errorf("entry %d is %q, %v", i, got, err)
		}
	}
}
