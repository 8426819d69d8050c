package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"samovar"
)

// maxDocument bounds manifests, configurations, the index and run records,
// which are read into memory: 4 MiB, as registries do for manifests.
const maxDocument = 4 << 20

// chunk is how much is hashed between two looks at the context.
const chunk = 1 << 20

var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// blobPath returns where the blob lies, and refuses what is no digest.
func (s *Store) blobPath(d samovar.Digest) (string, error) {
	if _, err := samovar.ParseDigest(string(d)); err != nil {
		return "", err
	}
	return filepath.Join(s.dir, blobsName, d.Hex()), nil
}

// PutBlob keeps b, at most 4 MiB, and returns its digest. Nothing names the
// blob yet: GC frees it unless it is given as a root or is a finished stage's
// record.
func (s *Store) PutBlob(b []byte) (samovar.Digest, error) {
	if err := s.writable("put a blob"); err != nil {
		return "", err
	}
	if len(b) > maxDocument {
		return "", fmt.Errorf("put a blob of %d bytes in %s: at most %d are kept this way", len(b), s.dir, maxDocument)
	}
	release, err := s.Hold(context.Background())
	if err != nil {
		return "", err
	}
	defer release()
	d, err := s.putBytes(b)
	if err == nil {
		err = s.syncDir(blobsName)
	}
	if err != nil {
		return "", s.failed("put a blob", err)
	}
	return d, nil
}

// putBytes writes b under its digest; the folder is left to the caller to sync.
func (s *Store) putBytes(b []byte) (samovar.Digest, error) {
	d := samovar.DigestOf(b)
	path, err := s.blobPath(d)
	if err != nil {
		return "", err
	}
	if old, err := readFile(path, int64(len(b))); err == nil && bytes.Equal(old, b) {
		return d, nil
	}
	tmp, err := s.writeTemp(b, 0o444)
	if err != nil {
		return "", err
	}
	return d, s.rename(tmp, path)
}

// Blob returns a small blob, such as a run record, after checking its digest.
func (s *Store) Blob(d samovar.Digest) ([]byte, error) {
	path, err := s.blobPath(d)
	if err != nil {
		return nil, fmt.Errorf("read a blob of %s: %w", s.dir, err)
	}
	b, err := readFile(path, maxDocument)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read blob %s of %s: %w", d.Short(), s.dir, ErrUnknown)
	case err != nil:
		return nil, fmt.Errorf("read blob %s of %s: %w", d.Short(), s.dir, err)
	case samovar.DigestOf(b) != d:
		return nil, fmt.Errorf("read blob %s of %s: its content has changed: run samovar verify", d.Short(), s.dir)
	}
	return b, nil
}

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if fi.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that are read at once", path, fi.Size(), limit)
	}
	return os.ReadFile(path)
}

// ingest brings a file into the blobs: a file of our own on the same
// filesystem by rename, any other by reflink or copy.
func (s *Store) ingest(ctx context.Context, out samovar.OutputFile) (samovar.File, error) {
	fi, err := os.Lstat(out.Path)
	if err != nil {
		return samovar.File{}, err
	}
	if !fi.Mode().IsRegular() {
		return samovar.File{}, fmt.Errorf("%s is not a regular file", out.Path)
	}
	var d samovar.Digest
	var size int64
	moved := false
	// A second name of the file could be written to later: then it is copied.
	if !out.Keep && links(fi) == 1 {
		if d, size, err = s.move(ctx, out.Path); err == nil {
			moved = true
		} else if !mustCopy(err) {
			return samovar.File{}, err
		}
	}
	if !moved {
		if d, size, err = s.copyIn(ctx, out.Path); err != nil {
			return samovar.File{}, err
		}
		if !out.Keep {
			if err := s.remove(out.Path); err != nil {
				return samovar.File{}, err
			}
		}
	}
	return samovar.File{Name: out.Name, MediaType: out.MediaType, Digest: d, Size: size}, nil
}

// move hashes and syncs the file where it lies, then renames it.
func (s *Store) move(ctx context.Context, path string) (samovar.Digest, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	h := sha256.New()
	n, err := copyChunks(ctx, h, f)
	if err != nil {
		return "", 0, err
	}
	if err := s.sync(f); err != nil {
		return "", 0, err
	}
	after, err := os.Lstat(path)
	if err != nil {
		return "", 0, err
	}
	if !os.SameFile(before, after) || after.Size() != n || !after.ModTime().Equal(before.ModTime()) {
		return "", 0, fmt.Errorf("%s was written to while it was read", path)
	}
	d := sum(h)
	blob, err := s.blobPath(d)
	if err != nil {
		return "", 0, err
	}
	if err := os.Chmod(path, 0o444); err != nil {
		return "", 0, err
	}
	return d, n, s.rename(path, blob)
}

// copyIn copies the file into ingest/ and hashes what arrived there.
func (s *Store) copyIn(ctx context.Context, path string) (samovar.Digest, int64, error) {
	src, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer src.Close()
	dst, err := s.createTemp()
	if err != nil {
		return "", 0, err
	}
	defer os.Remove(dst.Name()) // gone already when the rename succeeded
	defer dst.Close()
	h := sha256.New()
	var n int64
	if reflink(dst, src) {
		n, err = copyChunks(ctx, h, dst)
	} else {
		n, err = copyChunks(ctx, io.MultiWriter(dst, h), src)
	}
	if err != nil {
		return "", 0, err
	}
	if err := dst.Chmod(0o444); err != nil {
		return "", 0, err
	}
	if err := s.sync(dst); err != nil {
		return "", 0, err
	}
	if err := dst.Close(); err != nil {
		return "", 0, err
	}
	d := sum(h)
	blob, err := s.blobPath(d)
	if err != nil {
		return "", 0, err
	}
	return d, n, s.rename(dst.Name(), blob)
}

func sum(h hash.Hash) samovar.Digest {
	return samovar.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

// copyChunks copies until the end of src, or until ctx is done.
func copyChunks(ctx context.Context, dst io.Writer, src io.Reader) (int64, error) {
	array := chunks.Get().(*[chunk]byte)
	defer chunks.Put(array)
	buf := array[:]
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := io.ReadFull(src, buf)
		if _, err := dst.Write(buf[:n]); err != nil {
			return total, err
		}
		total += int64(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return total, nil
		case err != nil:
			return total, err
		}
	}
}

// The changes that the store makes on disk, each announced to cut.

func (s *Store) step(op string, paths ...string) error {
	if s.cut == nil {
		return nil
	}
	return s.cut(op, paths...)
}

func (s *Store) createTemp() (*os.File, error) {
	dir := filepath.Join(s.dir, ingestName)
	if err := s.step("create", dir); err != nil {
		return nil, err
	}
	return os.CreateTemp(dir, "in-*")
}

// writeTemp writes and syncs b in ingest/ and returns the path.
func (s *Store) writeTemp(b []byte, mode fs.FileMode) (string, error) {
	f, err := s.createTemp()
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = s.sync(f)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// replace puts b in the place of the file of that name, relative to the store.
func (s *Store) replace(name string, b []byte) error {
	tmp, err := s.writeTemp(b, 0o644)
	if err != nil {
		return err
	}
	if err := s.rename(tmp, filepath.Join(s.dir, name)); err != nil {
		os.Remove(tmp)
		return err
	}
	return s.syncDir(filepath.Dir(name))
}

func (s *Store) sync(f *os.File) error {
	if err := s.step("sync", f.Name()); err != nil {
		return err
	}
	return f.Sync()
}

func (s *Store) rename(from, to string) error {
	if err := s.step("rename", from, to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

func (s *Store) remove(path string) error {
	if err := s.step("remove", path); err != nil {
		return err
	}
	return os.RemoveAll(path)
}

func (s *Store) syncDir(name string) error {
	dir := filepath.Join(s.dir, name)
	if err := s.step("syncdir", dir); err != nil {
		return err
	}
	return syncDir(dir)
}

// failed adds what was being done, and to a full or read-only disk what to do.
func (s *Store) failed(action string, err error) error {
	switch {
	case isFull(err):
		return fmt.Errorf("%s in %s: %w: nothing was lost; free some space or run samovar gc", action, s.dir, cause(err))
	case isReadOnly(err), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s in %s: %w: the store cannot be written to", action, s.dir, cause(err))
	}
	return fmt.Errorf("%s in %s: %w", action, s.dir, err)
}

// cause strips the path of a temporary file, which tells people nothing.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
