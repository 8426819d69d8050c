//go:build unix

package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
)

const (
	// publishEvery is how often a tree head is published: the least that
	// Tessera accepts, because every Append waits for one.
	publishEvery = 100 * time.Millisecond
	// patience is how long Append waits for the tree head before it asks why.
	patience = 30 * time.Second
)

// appender is a running Tessera appender. A process has at most one for each
// folder: Tessera's locks are of the process, and two would both have them.
type appender struct {
	path     string
	users    int
	add      tessera.AddFn
	shutdown func(context.Context) error
	cancel   context.CancelFunc
}

var (
	appendersMu sync.Mutex
	appenders   = map[string]*appender{} // by the folder's path without symbolic links
)

// lastLog is the last line that Tessera logged, which explains why a tree head
// is not published.
var lastLog atomic.Pointer[string]

var silence = sync.OnceFunc(func() {
	klog.SetLogger(funcr.New(func(_, line string) { lastLog.Store(&line) }, funcr.Options{}))
})

// Append adds an entry of at most MaxEntry bytes and returns its index once a
// published tree head covers it and continues the one remembered before.
func (l *Ledger) Append(ctx context.Context, entry []byte) (int64, error) {
	if len(entry) == 0 || len(entry) > MaxEntry {
		return 0, fmt.Errorf("append to ledger %s: an entry has 1 to %d bytes, not %d", l.dir, MaxEntry, len(entry))
	}
	app, err := l.start()
	if err != nil {
		return 0, fmt.Errorf("start to append to ledger %s: %w", l.dir, err)
	}
	// Tessera panics in a goroutine of its own if it cannot lock its files.
	if err := probe(l.path(logName, ".state")); err != nil {
		return 0, fmt.Errorf("append to ledger %s: %w: it cannot be written to", l.dir, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	i, err := app.sequence(ctx, entry)
	if err == nil {
		err = l.await(ctx, i)
	}
	if line := lastLog.Load(); line != nil && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no tree head covers the entry: %w: %s", err, *line)
	}
	if err != nil {
		return 0, fmt.Errorf("append to ledger %s: %w", l.dir, err)
	}
	return i, l.appended(i, entry)
}

// sequence gives the entry its index.
func (app *appender) sequence(ctx context.Context, entry []byte) (int64, error) {
	type result struct {
		index tessera.Index
		err   error
	}
	done := make(chan result, 1)
	go func() {
		index, err := app.add(ctx, tessera.NewEntry(entry))()
		done <- result{index, err}
	}()
	select {
	case r := <-done:
		return int64(r.index.Index), r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// await returns when the published tree covers index i.
func (l *Ledger) await(ctx context.Context, i int64) error {
	tick := time.NewTicker(publishEvery / 20)
	defer tick.Stop()
	for {
		if h, err := l.Head(); err != nil || h.Size > i {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// appended checks that the published tree has the entry and continues the
// remembered head, and remembers its own.
func (l *Ledger) appended(i int64, entry []byte) error {
	h, err := l.continued()
	if err != nil {
		return err
	}
	hash, err := l.hashes(h).ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
	if err != nil {
		return fmt.Errorf("check entry %d of ledger %s: %w", i, l.dir, err)
	}
	if hash[0] != tlog.RecordHash(entry) {
		return fmt.Errorf("check entry %d of ledger %s: another entry is in its place", i, l.dir)
	}
	return l.remember(h)
}

// remember writes h to the file head, unless a larger one is there.
func (l *Ledger) remember(h Head) error {
	if h.Size == 0 {
		return nil
	}
	unlock, err := lock(l.path(lockName))
	if err != nil {
		return err
	}
	defer unlock()
	old, err := l.remembered()
	if err != nil || old.Size >= h.Size {
		return err
	}
	return replace(l.path(headName), h.Note, 0o644)
}

// Close stops appending, after what was appended is published.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	app := l.app
	if app == nil {
		return nil
	}
	l.app = nil
	appendersMu.Lock()
	defer appendersMu.Unlock()
	if app.users--; app.users > 0 {
		return nil
	}
	delete(appenders, app.path)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer app.cancel()
	if err := app.shutdown(ctx); err != nil {
		return fmt.Errorf("close ledger %s: %w", l.dir, err)
	}
	return nil
}

// start returns the folder's appender, and creates folder, key and log before
// the first.
func (l *Ledger) start() (*appender, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.app != nil {
		return l.app, nil
	}
	signer, err := l.signer()
	if err != nil {
		return nil, err
	}
	path, err := filepath.EvalSymlinks(l.path(logName))
	if err != nil {
		return nil, err
	}
	// Appending to a tree that was tampered with would destroy the evidence.
	h, err := l.continued()
	if err != nil {
		return nil, err
	}
	if err := l.checkState(h); err != nil {
		return nil, err
	}
	appendersMu.Lock()
	defer appendersMu.Unlock()
	app, ok := appenders[path]
	if !ok {
		if app, err = newAppender(path, signer); err != nil {
			return nil, err
		}
		appenders[path] = app
	}
	app.users++
	l.app = app
	return app, nil
}

func newAppender(path string, signer note.Signer) (*appender, error) {
	silence()
	if err := prepare(filepath.Join(path, ".state")); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	driver, err := posix.New(ctx, posix.Config{Path: path})
	if err != nil {
		cancel()
		return nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(bundleWidth, time.Millisecond).
		WithCheckpointInterval(publishEvery).
		WithCheckpointRepublishInterval(0) // an idle ledger is not written to
	app, shutdown, _, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		cancel()
		return nil, err
	}
	return &appender{path: path, add: app.Add, shutdown: shutdown, cancel: cancel}, nil
}

// stateLocks are the files that Tessera locks.
var stateLocks = []string{"treeState.lock", "publish.lock", "gcState.lock"}

// prepare makes the files that Tessera locks, before it runs in this process:
// it panics when it cannot, and closing one of them drops its lock.
func prepare(state string) error {
	if err := os.MkdirAll(state, 0o755); err != nil {
		return err
	}
	for _, name := range stateLocks {
		f, err := os.OpenFile(filepath.Join(state, name), os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

// probe says whether files can be written, and locks opened, without opening them.
func probe(state string) error {
	for _, name := range stateLocks {
		if err := unix.Access(filepath.Join(state, name), unix.R_OK|unix.W_OK); err != nil {
			return &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
	f, err := os.CreateTemp(state, "probe-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	// An entry's bundle is at least as large as one block.
	_, err = f.Write(make([]byte, MaxEntry))
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// signer returns the signing key, which is made with the ledger.
func (l *Ledger) signer() (note.Signer, error) {
	if err := os.MkdirAll(l.path(logName), 0o755); err != nil {
		return nil, err
	}
	unlock, err := lock(l.path(lockName))
	if err != nil {
		return nil, err
	}
	defer unlock()
	key, err := os.ReadFile(l.path(keyName))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(l.path(logName, "checkpoint")); err == nil {
			return nil, errors.New("its signing key is missing: restore the file key from a backup")
		}
		key, err = l.createKey()
	}
	if err != nil {
		return nil, err
	}
	key = bytes.TrimSuffix(key, []byte("\n"))
	public, err := verifierKey(string(key))
	if err != nil {
		return nil, err
	}
	if known, err := l.Key(); err != nil || known != public {
		return nil, errors.New("its signing key and key.pub do not belong together")
	}
	return note.NewSigner(string(key))
}

// createKey writes key.pub and then key; without key the ledger has no key.
func (l *Ledger) createKey() ([]byte, error) {
	// The origin is the log's name in the world: nothing of this machine.
	name := make([]byte, 8)
	if _, err := rand.Read(name); err != nil {
		return nil, err
	}
	private, public, err := note.GenerateKey(rand.Reader, "samovar/"+hex.EncodeToString(name))
	if err != nil {
		return nil, err
	}
	if err := replace(l.path(pubName), []byte(public+"\n"), 0o644); err != nil {
		return nil, err
	}
	return []byte(private), replace(l.path(keyName), []byte(private+"\n"), 0o600)
}

// lock waits for the advisory lock of the file at path.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, err
		}
	}
}

// replace puts b in the place of the file at path, durably.
func replace(path string, b []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when the rename succeeded
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
