//go:build unix

package registry

import (
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
	"syscall"
	"testing"

	"samovar"
)

// The test binary runs itself as another process that uses the store.
func TestMain(m *testing.M) {
	switch os.Getenv("REGISTRY_TEST_CHILD") {
	case "":
		// The tests sync thousands of times: in memory, if there is a disk in it.
		const memory = "/dev/shm"
		if fi, err := os.Stat(memory); err == nil && fi.IsDir() && os.Getenv("TMPDIR") == "" {
			must(os.Setenv("TMPDIR", memory))
		}
		os.Exit(m.Run())
	case "tag":
		must(childTags(os.Getenv("REGISTRY_TEST_STORE"), os.Getenv("REGISTRY_TEST_ARG")))
	case "cut":
		n, err := strconv.Atoi(os.Getenv("REGISTRY_TEST_ARG"))
		must(err)
		must(childCut(os.Getenv("REGISTRY_TEST_STORE"), n))
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is the test binary as another process.
func child(what, store, arg string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "REGISTRY_TEST_CHILD="+what, "REGISTRY_TEST_STORE="+store, "REGISTRY_TEST_ARG="+arg)
	cmd.Stderr = os.Stderr
	return cmd
}

const tagsEach = 100

func childTags(dir, name string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	a, err := s.Put(context.Background(), samovar.Output{Kind: samovar.KindPlan, Config: name})
	if err != nil {
		return err
	}
	for i := range tagsEach {
		if err := s.Tag(fmt.Sprintf("%s-%d", name, i), a.Digest); err != nil {
			return err
		}
	}
	return nil
}

// Two processes create one store and give 100 names each.
func TestTwoProcessesLoseNoTag(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		wg.Go(func() {
			if err := child("tag", dir, name).Run(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	if tags, err := s.Tags(); err != nil || len(tags) != 2*tagsEach {
		t.Errorf("%d tags, %v, want %d", len(tags), err, 2*tagsEach)
	}
	sound(t, s)
}

// scenario is one of everything that changes a store: files moved and copied
// in, a name given and taken, a stage finished, garbage collected. What it
// makes differs with version.
func scenario(s *Store, version string) error {
	ctx := context.Background()
	key := samovar.DigestOf([]byte(version))
	dir, unlock, err := s.WorkDir(ctx, key, nil)
	if err != nil {
		return err
	}
	defer unlock()
	var files []samovar.OutputFile
	for _, name := range []string{"moved", "copied"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(name+version), 0o644); err != nil {
			return err
		}
		files = append(files, samovar.OutputFile{Name: name, Path: path, Keep: name == "copied"})
	}
	a, err := s.Put(ctx, samovar.Output{Kind: samovar.KindModel, Files: files})
	if err != nil {
		return err
	}
	record, err := s.PutBlob(fmt.Appendf(nil, `{"key":%q,"outputs":[%q]}`, key, a.Digest))
	if err != nil {
		return err
	}
	if err := s.Finish(key, record); err != nil {
		return err
	}
	if err := s.Tag("latest", a.Digest); err != nil {
		return err
	}
	unlock()
	_, _, err = s.GC(ctx, Keep{}, false)
	return err
}

// childCut runs the scenario and kills the process before its nth change.
func childCut(dir string, n int) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	s.cut = func(string, ...string) error {
		if n--; n < 0 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				return err
			}
			select {}
		}
		return nil
	}
	return scenario(s, "two")
}

func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// holds fails the test unless the store is sound and "latest" is one of the
// versions, with its files.
func holds(t *testing.T, s *Store, versions ...string) {
	t.Helper()
	sound(t, s)
	d, err := s.Resolve("latest")
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Input(d)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(in.Paths["moved"])
	version := strings.TrimPrefix(string(b), "moved")
	if err != nil || !strings.Contains(strings.Join(versions, " "), version) {
		t.Errorf("latest is %q, %v, want one of %v", version, err, versions)
	}
}

func TestKilledAtEveryChange(t *testing.T) {
	n := 0
	for done := false; !done; n++ {
		s := open(t)
		if err := scenario(s, "one"); err != nil {
			t.Fatal(err)
		}
		err := child("cut", s.Dir(), strconv.Itoa(n)).Run()
		if done = err == nil; !done && !killed(err) {
			t.Fatal(err)
		}
		holds(t, s, "one", "two")
		if err := scenario(s, "two"); err != nil {
			t.Fatalf("after being killed at change %d: %v", n, err)
		}
		holds(t, s, "two")
		// Two files, configuration, manifest, record: nothing of "one" is left,
		// nor of what was killed.
		if blobs, err := os.ReadDir(filepath.Join(s.Dir(), blobsName)); err != nil || len(blobs) != 5 {
			t.Errorf("killed at change %d: %d blobs are left, %v", n, len(blobs), err)
		}
		for _, name := range []string{ingestName, workName} {
			if left, err := os.ReadDir(filepath.Join(s.Dir(), name)); err != nil || len(left) != 0 {
				t.Errorf("killed at change %d: left in %s: %v, %v", n, name, left, err)
			}
		}
		if t.Failed() {
			t.Fatalf("killed at change %d", n)
		}
	}
	if n < 20 {
		t.Errorf("the scenario has only %d changes", n)
	}
}

var errCut = errors.New("cut")

func TestFailureAtEveryChange(t *testing.T) {
	for n, done := 0, false; !done; n++ {
		s := open(t)
		if err := scenario(s, "one"); err != nil {
			t.Fatal(err)
		}
		left := n
		s.cut = func(string, ...string) error {
			if left--; left == -1 {
				return fmt.Errorf("%w: %w", errCut, syscall.ENOSPC)
			}
			return nil
		}
		err := scenario(s, "two")
		s.cut = nil
		if done = err == nil; !done && (!errors.Is(err, errCut) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("change %d fails: %v", n, err)
		}
		holds(t, s, "one", "two")
		if err := scenario(s, "two"); err != nil {
			t.Errorf("after change %d failed: %v", n, err)
		}
		holds(t, s, "two")
	}
}

// disk remembers what a power cut may undo: files that are not synced, and
// renames in folders that are not.
type disk struct {
	left    int // changes until the power is cut
	synced  map[string]bool
	renames []rename
}

type rename struct {
	from, to string
	before   []byte // content of to before, nil if there was none
	whole    bool   // the file was synced
}

func (d *disk) cut(op string, paths ...string) error {
	if d.left--; d.left < 0 {
		return errCut
	}
	switch op {
	case "sync":
		d.synced[paths[0]] = true
	case "rename":
		before, _ := os.ReadFile(paths[1]) // nil if it is not there
		d.renames = append(d.renames, rename{paths[0], paths[1], before, d.synced[paths[0]]})
	case "syncdir":
		var rest []rename
		for _, r := range d.renames {
			if filepath.Dir(r.to) != paths[0] {
				rest = append(rest, r)
			}
		}
		d.renames = rest
	}
	return nil
}

// lose undoes what the cut may undo, each rename or not as lost says.
func (d *disk) lose(t *testing.T, lost func() bool) {
	t.Helper()
	for i := len(d.renames) - 1; i >= 0; i-- {
		r := d.renames[i]
		if !r.whole {
			t.Errorf("%s was renamed before it was synced", r.to)
		}
		if _, err := os.Stat(r.to); errors.Is(err, fs.ErrNotExist) || !lost() {
			continue
		}
		if err := os.Rename(r.to, r.from); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if r.before != nil {
			if err := os.WriteFile(r.to, r.before, 0o444); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestPowerCutAtEveryChange(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for n, done := 0, false; !done; n++ {
		for _, lost := range []func() bool{
			func() bool { return true }, func() bool { return random.IntN(2) == 0 },
		} {
			s := open(t)
			if err := scenario(s, "one"); err != nil {
				t.Fatal(err)
			}
			d := &disk{left: n, synced: map[string]bool{}}
			s.cut = d.cut
			err := scenario(s, "two")
			s.cut = nil
			if done = err == nil; !done && !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			d.lose(t, lost)
			holds(t, s, "one", "two")
			if done {
				holds(t, s, "two")
			}
			if err := scenario(s, "two"); err != nil {
				t.Errorf("after a power cut at change %d: %v", n, err)
			}
			holds(t, s, "two")
			if t.Failed() {
				t.Fatalf("power cut at change %d", n)
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	var wg sync.WaitGroup
	const workers, rounds = 4, 10
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				release, err := s.Hold(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				name := fmt.Sprintf("w%d-%d", w, i)
				a, err := s.Put(ctx, samovar.Output{Kind: samovar.KindCorpus, Files: []samovar.OutputFile{
					{Name: "shared", Path: write(t, s, name, "the same everywhere")}}, Config: i})
				if err == nil {
					err = s.Tag(name, a.Digest)
				}
				release()
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop, collected := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				collected <- n
				return
			default:
			}
			if _, _, err := s.GC(ctx, Keep{}, false); err == nil {
				n++
			} else if !errors.Is(err, ErrBusy) {
				t.Error(err)
			}
		}
	}()
	wg.Wait()
	close(stop)
	<-collected
	if tags, err := s.Tags(); err != nil || len(tags) != workers*rounds {
		t.Errorf("%d tags, %v", len(tags), err)
	}
	sound(t, s)
}

func TestCancelledPut(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	path := write(t, s, "f", "x")
	_, err := s.Put(ctx, samovar.Output{Kind: "x", Files: []samovar.OutputFile{{Name: "f", Path: path}}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, []byte("x")) {
		t.Errorf("the file of a cancelled Put: %q, %v", b, err)
	}
}
