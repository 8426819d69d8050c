package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"samovar"
)

// lockSuffix is that of the lock file beside a work folder.
const lockSuffix = ".lock"

// record is what the store reads of a run record: samovar.Run has the rest.
type record struct {
	Key     samovar.Digest   `json:"key"`
	Outputs []samovar.Digest `json:"outputs"`
}

// record returns the run record stored as blob d.
func (s *Store) record(d samovar.Digest) (record, error) {
	b, err := s.Blob(d)
	if err != nil {
		return record{}, err
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return record{}, fmt.Errorf("read run record %s of %s: %w", d.Short(), s.dir, err)
	}
	return r, nil
}

func (s *Store) keyPath(key samovar.Digest) (string, error) {
	if _, err := samovar.ParseDigest(string(key)); err != nil {
		return "", err
	}
	return filepath.Join(s.dir, keysName, key.Hex()), nil
}

// Finished returns the run record of the stage with that key. It is not ok
// when the stage has not finished, or when its record or its first output, what
// the stage is for, is gone.
func (s *Store) Finished(key samovar.Digest) (d samovar.Digest, ok bool) {
	path, err := s.keyPath(key)
	if err != nil {
		return "", false
	}
	d, err = readKey(path)
	if err != nil {
		return "", false
	}
	r, err := s.record(d)
	if err != nil || r.Key != key {
		return "", false
	}
	if len(r.Outputs) > 0 {
		if _, err := s.Input(r.Outputs[0]); err != nil {
			return "", false
		}
	}
	return d, true
}

// readKey reads a file of keys/: a digest and a newline.
func readKey(path string) (samovar.Digest, error) {
	b, err := readFile(path, 4096)
	if err != nil {
		return "", err
	}
	text, ok := strings.CutSuffix(string(b), "\n")
	if !ok {
		return "", fmt.Errorf("%s does not end in a newline", filepath.Base(path))
	}
	return samovar.ParseDigest(text)
}

// Finish notes that the stage with that key has finished. runRecord is the blob of
// its samovar.Run, which has the same key and whose outputs are in the store.
func (s *Store) Finish(key, runRecord samovar.Digest) error {
	action := fmt.Sprintf("finish the stage with key %s", key.Short())
	if err := s.writable(action); err != nil {
		return err
	}
	if _, err := s.keyPath(key); err != nil {
		return err
	}
	r, err := s.record(runRecord)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	if r.Key != key {
		return fmt.Errorf("%s: run record %s belongs to the key %q", action, runRecord.Short(), r.Key)
	}
	for _, out := range r.Outputs {
		if _, err := s.manifest(out); err != nil {
			return fmt.Errorf("%s: %w", action, err)
		}
	}
	if err := s.replace(filepath.Join(keysName, key.Hex()), []byte(string(runRecord)+"\n")); err != nil {
		return s.failed(action, err)
	}
	return nil
}

// Scratch is where the scratch folder of the stage with that key lies while
// there is one: for who only looks.
func (s *Store) Scratch(key samovar.Digest) string {
	return filepath.Join(s.dir, workName, filepath.Base(key.Hex()))
}

// WorkDir returns the scratch folder of the stage with that key and keeps every
// other process from it, and GC from the store, until unlock is called. If
// another brew is at it, waiting (which may be nil) is called and WorkDir waits:
// afterwards ask Finished. unlock removes the folder if the stage has finished.
func (s *Store) WorkDir(ctx context.Context, key samovar.Digest, waiting func()) (dir string, unlock func(), err error) {
	action := fmt.Sprintf("open the work folder of key %s", key.Short())
	if err := s.writable(action); err != nil {
		return "", nil, err
	}
	if _, err := s.keyPath(key); err != nil {
		return "", nil, err
	}
	release, err := s.Hold(ctx)
	if err != nil {
		return "", nil, err
	}
	dir = filepath.Join(s.dir, workName, key.Hex())
	unlockFile, err := lockFile(ctx, dir+lockSuffix, true, waiting)
	if err != nil {
		release()
		return "", nil, s.failed(action, err)
	}
	unlock = sync.OnceFunc(func() {
		if _, ok := s.Finished(key); ok {
			os.RemoveAll(dir) // what cannot be removed is left to GC
			os.Remove(dir + lockSuffix)
		}
		unlockFile()
		release()
	})
	if err := os.MkdirAll(dir, 0o755); err != nil {
		unlock()
		return "", nil, s.failed(action, err)
	}
	return dir, unlock, nil
}
