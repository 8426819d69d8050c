package runs

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
)

// drops are the folders of texts that were dropped on the page, each within
// the folder of its brew.
type drops struct {
	dir    string
	limits Limits
	mu     sync.Mutex
	used   map[string]usage
}

// usage is what a dropped folder takes, with what is still arriving.
type usage struct {
	files int
	bytes int64
}

// abandoned is when a folder that never became a brew is removed.
const abandoned = 24 * time.Hour

// open counts what lies there and removes what was abandoned.
func (d *drops) open() error {
	d.used = map[string]usage{}
	entries, err := os.ReadDir(d.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the folder of brews: %w", err)
	}
	for _, e := range entries {
		folder := filepath.Join(d.dir, e.Name())
		texts, err := os.Stat(filepath.Join(folder, textsDir))
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(folder, journalFile)); err != nil && time.Since(texts.ModTime()) > abandoned {
			if err := os.RemoveAll(folder); err != nil {
				return fmt.Errorf("remove an abandoned folder: %w", err)
			}
			continue
		}
		var u usage
		err = filepath.WalkDir(filepath.Join(folder, textsDir), func(_ string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err == nil {
				u.files, u.bytes = u.files+1, u.bytes+info.Size()
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("count what was dropped in %s: %w", folder, err)
		}
		d.used[e.Name()] = u
	}
	return nil
}

// kept is how many bytes all folders take.
func (d *drops) kept() (all int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.used {
		all += u.bytes
	}
	return all
}

func (d *drops) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.used, id)
}

// newID returns a name for a folder that nobody can guess.
func newID() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// create makes an empty folder to drop texts into.
func (d *drops) create() (any, error) {
	id := newID()
	if err := os.MkdirAll(filepath.Join(d.dir, id, textsDir), 0o755); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	d.mu.Lock()
	d.used[id] = usage{}
	d.mu.Unlock()
	return map[string]string{"id": id}, nil
}

// filling returns what a folder takes that has not become a brew.
func (d *drops) filling(id string) (usage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, ok := d.used[id]
	if !ok {
		return u, fmt.Errorf("there is no folder %.40q: %w", id, ErrUnknown)
	}
	if _, err := os.Stat(filepath.Join(d.dir, id, journalFile)); err == nil {
		return u, &refusal{http.StatusConflict, "in_use", "the folder is a brew's already"}
	}
	return u, nil
}

// discard removes a folder that is not to become a brew.
func (d *drops) discard(id string) (any, error) {
	if _, err := d.filling(id); err != nil {
		return nil, err
	}
	d.forget(id)
	if err := os.RemoveAll(filepath.Join(d.dir, id)); err != nil {
		return nil, fmt.Errorf("remove a folder: %w", err)
	}
	return map[string]string{"removed": id}, nil
}

// put takes one file of a folder: the body is its content.
func (d *drops) put(r *http.Request) (any, error) {
	id, name := r.PathValue("id"), r.PathValue("path")
	if _, err := d.filling(id); err != nil {
		return nil, err
	}
	if err := checkPath(name); err != nil {
		return nil, err
	}
	size := r.ContentLength
	if size < 0 {
		return nil, &refusal{http.StatusLengthRequired, "length_required", "a file is sent with its length"}
	}
	if err := d.reserve(id, size); err != nil {
		return nil, err
	}
	if err := d.write(id, name, io.LimitReader(r.Body, size), size); err != nil {
		d.mu.Lock()
		if u, ok := d.used[id]; ok {
			d.used[id] = usage{u.files - 1, u.bytes - size}
		}
		d.mu.Unlock()
		return nil, err
	}
	return map[string]any{"path": name, "bytes": size}, nil
}

// reserve takes room for a file before the first byte of it is read.
func (d *drops) reserve(id string, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, l := d.used[id], d.limits
	var all int64
	for _, other := range d.used {
		all += other.bytes
	}
	large := func(format string, args ...any) error {
		return &refusal{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf(format, args...)}
	}
	switch {
	case size > l.FileBytes:
		return large("the file has %d bytes and at most %d are taken: name its folder in a recipe instead", size, l.FileBytes)
	case u.bytes+size > l.FolderBytes:
		return large("a folder of more than %d bytes is not taken: name it in a recipe instead", l.FolderBytes)
	case u.files+1 > l.Files:
		return large("a folder of more than %d files is not taken: name it in a recipe instead", l.Files)
	case all+size > l.AllBytes:
		return large("all dropped folders together may take %d bytes: remove brews that are no longer needed", l.AllBytes)
	}
	d.used[id] = usage{u.files + 1, u.bytes + size}
	return nil
}

// checkPath refuses names that are not plain: hidden ones, those that lead
// elsewhere, and those that some system cannot write.
func checkPath(name string) error {
	bad := func(why string) error {
		return &refusal{http.StatusBadRequest, "bad_name", fmt.Sprintf("the file's name %.100q %s", name, why)}
	}
	if !fs.ValidPath(name) || name == "." {
		return bad("leads elsewhere")
	}
	if len(name) > 1000 || strings.Count(name, "/") > 30 {
		return bad("is too long")
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || len(part) > 200 || strings.TrimSpace(part) == "" {
			return bad("is hidden, empty or too long")
		}
	}
	if strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || r == unicode.ReplacementChar || strings.ContainsRune(`\:*?"<>|`, r)
	}) {
		return bad("has characters that not every system can write")
	}
	return nil
}

// write writes below the folder only: an os.Root does not leave it, whatever
// the name.
func (d *drops) write(id, name string, from io.Reader, size int64) (err error) {
	root, err := os.OpenRoot(filepath.Join(d.dir, id, textsDir))
	if err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	defer root.Close()
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return written(name, err)
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return written(name, err)
	}
	n, err := io.Copy(f, from)
	if err == nil && n != size {
		err = fmt.Errorf("%d of %d bytes came", n, size)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		root.Remove(name)
		return written(name, err)
	}
	return nil
}

// written says what went wrong with a file.
func written(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return &refusal{http.StatusConflict, "exists", fmt.Sprintf("there are two files called %.100q", name)}
	case errors.Is(err, syscall.ENOSPC):
		return &refusal{http.StatusInsufficientStorage, "disk_full", "the disk is full: free some space, then drop the folder again"}
	}
	return fmt.Errorf("write the file %.100q: %w", name, err)
}
