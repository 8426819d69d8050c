package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"samovar"
)

// Keep says what GC keeps besides what is tagged. The zero value keeps only
// that, with the records of the stages that made it.
type Keep struct {
	// Roots are kept as they are: the run records that the ledger points to.
	Roots []samovar.Digest
	// Parents returns the artifacts from which one was made, which are kept
	// with it. Default: none.
	Parents func(samovar.Digest) []samovar.Digest
	// DropWork also removes the work folders of runs that were interrupted and
	// could go on from there. Default: only those of finished stages go.
	DropWork bool
}

// document is any OCI manifest or index: what it names.
type document struct {
	MediaType    string               `json:"mediaType"`
	ArtifactType string               `json:"artifactType"`
	Config       *ocispec.Descriptor  `json:"config"`
	Layers       []ocispec.Descriptor `json:"layers"`
	Manifests    []ocispec.Descriptor `json:"manifests"`
	Subject      *ocispec.Descriptor  `json:"subject"` // what it is about, such as what it signs
}

func (d document) children() []ocispec.Descriptor {
	all := slices.Concat(d.Layers, d.Manifests)
	if d.Config != nil {
		all = append(all, *d.Config)
	}
	return all
}

// sweep is one collection.
type sweep struct {
	s      *Store
	keep   Keep
	dryRun bool
	marked map[samovar.Digest]bool
	freed  int64
	n      int
}

// GC removes the blobs that nothing reaches from a tag or a root, what says
// that a stage has finished whose outputs are gone, and leftovers of crashes.
// It returns how many bytes in how many files, or with dryRun would have been.
// While somebody holds the store it does nothing and returns ErrBusy.
func (s *Store) GC(ctx context.Context, keep Keep, dryRun bool) (freed int64, n int, err error) {
	const action = "collect garbage"
	if err := s.writable(action); err != nil {
		return 0, 0, err
	}
	release, err := tryLock(filepath.Join(s.dir, holdName), true)
	if errors.Is(err, errLocked) {
		return 0, 0, fmt.Errorf("%s in %s: %w: wait until what is running has ended", action, s.dir, ErrBusy)
	}
	if err != nil {
		return 0, 0, s.failed(action, err)
	}
	defer release()
	g := &sweep{s: s, keep: keep, dryRun: dryRun, marked: map[samovar.Digest]bool{}}
	err = g.run(ctx)
	if err != nil {
		err = s.failed(action, err)
	}
	return g.freed, g.n, err
}

// run frees in this order, so that at every moment whatever is named is there:
// index, keys, blobs.
func (g *sweep) run(ctx context.Context) error {
	for _, d := range g.keep.Roots {
		g.marked[d] = true
	}
	manifests, err := g.s.index()
	if err != nil {
		return err
	}
	for _, m := range manifests {
		if refName(m) != "" {
			if err := g.mark(samovar.Digest(m.Digest)); err != nil {
				return err
			}
		}
	}
	if err := g.markReferrers(manifests); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := g.index(ctx, manifests); err != nil {
		return err
	}
	if err := g.keys(); err != nil {
		return err
	}
	if err := g.blobs(ctx); err != nil {
		return err
	}
	if err := g.folder(ingestName, func(string) bool { return true }); err != nil {
		return err
	}
	return g.work()
}

// mark marks the artifact and what it names and was made from.
func (g *sweep) mark(d samovar.Digest) error {
	for todo := []samovar.Digest{d}; len(todo) > 0; {
		d := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if g.marked[d] {
			continue
		}
		b, err := g.s.Blob(d)
		var doc document
		if err == nil {
			err = json.Unmarshal(b, &doc)
		}
		if err != nil {
			return err
		}
		g.marked[d] = true
		for _, child := range doc.children() {
			if strings.HasPrefix(child.MediaType, "application/vnd.oci.image.manifest.") ||
				strings.HasPrefix(child.MediaType, "application/vnd.oci.image.index.") {
				todo = append(todo, samovar.Digest(child.Digest))
			} else {
				g.marked[samovar.Digest(child.Digest)] = true
			}
		}
		if g.keep.Parents == nil {
			continue
		}
		for _, parent := range g.keep.Parents(d) {
			path, err := g.s.blobPath(parent)
			if err != nil {
				return err
			}
			// A parent that somebody has removed cannot be kept.
			if _, err := os.Lstat(path); err == nil {
				todo = append(todo, parent)
			}
		}
	}
	return nil
}

// markReferrers marks the manifests whose subject is kept, such as signatures,
// which need no name of their own.
func (g *sweep) markReferrers(manifests []ocispec.Descriptor) error {
	for again := true; again; {
		again = false
		for _, m := range manifests {
			d := samovar.Digest(m.Digest)
			if g.marked[d] {
				continue
			}
			b, err := g.s.Blob(d)
			var doc document
			if err != nil || json.Unmarshal(b, &doc) != nil || doc.Subject == nil {
				continue
			}
			if g.marked[samovar.Digest(doc.Subject.Digest)] {
				if err := g.mark(d); err != nil {
					return err
				}
				again = true
			}
		}
	}
	return nil
}

// index takes what is not kept out of the index.
func (g *sweep) index(ctx context.Context, manifests []ocispec.Descriptor) error {
	dead := func(m ocispec.Descriptor) bool { return !g.marked[samovar.Digest(m.Digest)] }
	if g.dryRun || !slices.ContainsFunc(manifests, dead) {
		return nil
	}
	return g.s.update(ctx, func(now []ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		return slices.DeleteFunc(now, dead), nil
	})
}

// keys removes the keys of stages whose record or first output is not kept, and
// marks the records of the others.
func (g *sweep) keys() error {
	return g.folder(keysName, func(path string) bool {
		d, err := readKey(path)
		if err != nil {
			return true
		}
		r, err := g.s.record(d)
		if err != nil {
			return true
		}
		if len(r.Outputs) > 0 && !g.marked[r.Outputs[0]] {
			return true
		}
		g.marked[d] = true
		return false
	})
}

func (g *sweep) blobs(ctx context.Context) error {
	err := g.folder(blobsName, func(path string) bool {
		return ctx.Err() == nil && !g.marked[samovar.Digest("sha256:"+filepath.Base(path))]
	})
	if err != nil {
		return err
	}
	return ctx.Err()
}

// folder removes the files of a folder that are dead.
func (g *sweep) folder(name string, dead func(path string) bool) error {
	dir := filepath.Join(g.s.dir, name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); dead(path) {
			if err := g.remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// work removes work folders at which nobody is.
func (g *sweep) work() error {
	dir := filepath.Join(g.s.dir, workName)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		key, err := samovar.ParseDigest("sha256:" + strings.TrimSuffix(e.Name(), lockSuffix))
		if err != nil {
			continue
		}
		path := filepath.Join(dir, key.Hex())
		if _, finished := g.s.Finished(key); !finished && !g.keep.DropWork {
			continue
		}
		unlock, err := tryLock(path+lockSuffix, true)
		if errors.Is(err, errLocked) {
			continue
		}
		if err != nil {
			return err
		}
		for _, p := range []string{path, path + lockSuffix} {
			if err = g.remove(p); err != nil {
				break
			}
		}
		unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// remove counts and removes a file or a folder with everything in it.
func (g *sweep) remove(path string) error {
	err := filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		if fi.Mode().IsRegular() {
			g.freed += fi.Size()
			g.n++
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || g.dryRun {
		return err
	}
	return g.s.remove(path)
}
