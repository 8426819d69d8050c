// Package registry is the store: artifacts by digest in an OCI image layout on
// this machine's disk, their tags, and the run records of finished stages.
//
// It refuses whatever is not a strict digest before it touches a path, never
// links to a file that somebody else may change, and opens no connection.
//
// Start with [Open] and [Store.Put]; doc comments on [Store] say what lies where.
package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"samovar"
)

// Format is the version of the folder that this package writes. It is raised
// when an older program could misread or damage a newer folder.
const Format = 1

// ErrReadOnly is wrapped by what a store opened with OpenReadOnly refuses.
var ErrReadOnly = errors.New("the store is open for reading only")

// ErrBusy is wrapped by GC when somebody holds the store.
var ErrBusy = errors.New("the store is in use")

// ErrUnknown is wrapped when a reference or digest names nothing in the store.
var ErrUnknown = errors.New("not in the store")

// What lies in a store. Everything but work/ and ingest/ is changed only by an
// atomic rename of a synced file.
const (
	layoutName = "oci-layout"   // OCI image layout marker
	indexName  = "index.json"   // OCI index: a descriptor for each tag and each untagged manifest
	formatName = "samovar.json" // {"format":1}
	lockName   = "lock"         // flock: changes of index.json
	holdName   = "hold"         // flock: shared by who puts, exclusive for GC
	blobsName  = "blobs/sha256" // every blob under its 64 digits, mode 0444
	ingestName = "ingest"       // files on their way in; leftovers are freed by GC
	keysName   = "keys"         // <digits of a stage's key>: the digest of its run record
	workName   = "work"         // <digits of a stage's key>/: scratch of a run; .lock beside it
)

const layoutText = `{"imageLayoutVersion":"1.0.0"}`

var formatText = fmt.Sprintf(`{"format":%d}`, Format)

// Store is an OCI image layout in one folder, with three additions that other
// tools pass over: keys/ (finished stages), work/ (scratch of runs) and
// samovar.json (the format). Several processes may use one folder at once.
type Store struct {
	dir      string
	readOnly bool
	// cut, if set, is called before every change on disk with what is about to
	// be done and to what; tests stop or fail the store there.
	cut func(op string, paths ...string) error
}

// DefaultDir returns $SAMOVAR_STORE, or samovar below $XDG_DATA_HOME, or
// ~/.local/share/samovar.
func DefaultDir() (string, error) {
	if dir := os.Getenv("SAMOVAR_STORE"); dir != "" {
		return filepath.Abs(dir)
	}
	// The XDG base directory specification has relative values ignored.
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "samovar"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the store: %w: set SAMOVAR_STORE to a folder", err)
	}
	return filepath.Join(home, ".local", "share", "samovar"), nil
}

// Open opens the store in dir for reading and writing, and creates it when dir
// is missing or empty. A folder that holds something else is refused.
func Open(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	s := &Store{dir: dir}
	if err := s.open(); err != nil {
		if errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
			return nil, fmt.Errorf("open store %s for writing: %w: choose another folder with --store", dir, cause(err))
		}
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return s, nil
}

func (s *Store) open() error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	if err := checkFormat(s.dir); err == nil {
		return s.probe()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := checkEmpty(s.dir); err != nil {
		return err
	}
	unlock, err := s.lock(context.Background())
	if err != nil {
		return err
	}
	defer unlock()
	if err := checkFormat(s.dir); err == nil {
		return nil // another process was faster
	}
	return s.create()
}

// probe says whether the folder can be written, before anything relies on it.
func (s *Store) probe() error {
	f, err := os.OpenFile(filepath.Join(s.dir, lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// create makes what is missing; samovar.json comes last and says that all is
// there. An OCI image layout that lay there is taken over with its tags.
func (s *Store) create() error {
	for _, name := range []string{blobsName, ingestName, keysName, workName} {
		if err := os.MkdirAll(filepath.Join(s.dir, name), 0o755); err != nil {
			return err
		}
	}
	manifests, err := s.index()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for i, m := range manifests {
		if name := refName(m); name != "" {
			manifests[i].Annotations[annotationSum] = tagSum(name, samovar.Digest(m.Digest))
		}
	}
	if err := s.replace(layoutName, []byte(layoutText)); err != nil {
		return err
	}
	if err := s.replace(indexName, encodeIndex(manifests)); err != nil {
		return err
	}
	return s.replace(formatName, []byte(formatText))
}

// OpenReadOnly opens the store in dir, which must exist, and changes nothing.
func OpenReadOnly(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	if err := checkFormat(dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open store %s: there is none: brew a recipe, or choose another folder with --store", dir)
		}
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return &Store{dir: dir, readOnly: true}, nil
}

// Dir returns the absolute path of the store's folder.
func (s *Store) Dir() string { return s.dir }

// checkFormat returns fs.ErrNotExist when there is no store in dir.
func checkFormat(dir string) error {
	b, err := readFile(filepath.Join(dir, formatName), 4096)
	if err != nil {
		return err
	}
	var v struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &v); err != nil || v.Format < 1 {
		return fmt.Errorf("%s does not say which format the store has: it is damaged", formatName)
	}
	if v.Format > Format {
		return fmt.Errorf("its format is %d and this samovar knows %d: use a newer samovar", v.Format, Format)
	}
	return nil
}

// checkEmpty refuses a folder that holds something other than the beginnings
// of a store or a whole OCI image layout.
func checkEmpty(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, layoutName)); err == nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	ours := map[string]bool{lockName: true, "blobs": true, ingestName: true, keysName: true, workName: true, "lost+found": true}
	for _, e := range entries {
		if !ours[e.Name()] {
			return fmt.Errorf("it holds %q and is no store: choose an empty or a new folder", e.Name())
		}
	}
	return nil
}

// writable returns ErrReadOnly for a store opened with OpenReadOnly.
func (s *Store) writable(action string) error {
	if s.readOnly {
		return fmt.Errorf("%s in %s: %w", action, s.dir, ErrReadOnly)
	}
	return nil
}

// lock takes the lock of index.json.
func (s *Store) lock(ctx context.Context) (func(), error) {
	return lockFile(ctx, filepath.Join(s.dir, lockName), true, nil)
}

// Hold keeps GC away until release is called. Whoever puts an artifact in and
// names it later, such as a brew of several stages, holds the store in between.
func (s *Store) Hold(ctx context.Context) (release func(), err error) {
	if err := s.writable("hold artifacts"); err != nil {
		return nil, err
	}
	release, err = lockFile(ctx, filepath.Join(s.dir, holdName), false, nil)
	if err != nil {
		return nil, s.failed("hold artifacts", err)
	}
	return release, nil
}
