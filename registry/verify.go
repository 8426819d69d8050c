package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"samovar"
)

// Problem is something in the store that is not as it was written.
type Problem struct {
	Path string `json:"path"` // within the store
	What string `json:"what"`
}

func (p Problem) String() string { return p.Path + ": " + p.What }

// checker collects what Verify finds.
type checker struct {
	s        *Store
	problems []Problem
	sizes    map[samovar.Digest]int64 // of the blobs whose content is right
}

// Verify reads every byte of the store and returns what is not as it was
// written: any changed bit of a blob, the index, a tag or a finished stage.
// report, which may be nil, is told how many bytes of blobs are done. An error
// means that it could not look everywhere.
func (s *Store) Verify(ctx context.Context, report func(done, of int64)) ([]Problem, error) {
	if !s.readOnly {
		release, err := s.Hold(ctx) // what GC removes would seem to be missing
		if err != nil {
			return nil, err
		}
		defer release()
	}
	if report == nil {
		report = func(int64, int64) {}
	}
	c := &checker{s: s, sizes: map[samovar.Digest]int64{}}
	c.text(layoutName, layoutText)
	c.text(formatName, formatText)
	for _, check := range []func() error{
		func() error { return c.blobs(ctx, report) }, c.index, c.keys,
	} {
		if err := check(); err != nil {
			return c.problems, fmt.Errorf("verify store %s: %w", s.dir, err)
		}
	}
	return c.problems, nil
}

func (c *checker) problem(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{path, fmt.Sprintf(format, args...)})
}

// text checks a file whose content never differs.
func (c *checker) text(name, want string) {
	if b, err := readFile(filepath.Join(c.s.dir, name), 4096); err != nil {
		c.problem(name, "cannot be read: %v", err)
	} else if string(b) != want {
		c.problem(name, "was changed: it should be %s", want)
	}
}

// blobs hashes every blob.
func (c *checker) blobs(ctx context.Context, report func(done, of int64)) error {
	dir := filepath.Join(c.s.dir, blobsName)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var done, of int64
	for _, e := range entries {
		if fi, err := e.Info(); err == nil {
			of += fi.Size()
		}
	}
	for _, e := range entries {
		name := filepath.Join(blobsName, e.Name())
		want, err := samovar.ParseDigest("sha256:" + e.Name())
		if err != nil || !e.Type().IsRegular() {
			c.problem(name, "is no blob")
			continue
		}
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		h := sha256.New()
		n, err := copyChunks(ctx, &progress{Writer: h, done: &done, of: of, report: report}, f)
		f.Close()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			c.problem(name, "cannot be read: %v", err)
		case sum(h) != want:
			c.problem(name, "was changed: its content has the digest %s", sum(h))
		default:
			c.sizes[want] = n
		}
	}
	return nil
}

// progress reports what is written through it.
type progress struct {
	io.Writer
	done   *int64
	of     int64
	report func(done, of int64)
}

func (p *progress) Write(b []byte) (int, error) {
	n, err := p.Writer.Write(b)
	*p.done += int64(n)
	p.report(*p.done, p.of)
	return n, err
}

// index checks index.json and everything that it names.
func (c *checker) index() error {
	b, err := readFile(filepath.Join(c.s.dir, indexName), maxIndex)
	if err != nil {
		c.problem(indexName, "cannot be read: %v", err)
		return nil
	}
	manifests, err := parseIndex(b)
	if err != nil {
		c.problem(indexName, "is damaged: %v", err)
		return nil
	}
	if !bytes.Equal(encodeIndex(manifests), b) {
		c.problem(indexName, "is damaged or was written by another program: any tagging rewrites it")
	}
	names := map[string]bool{}
	for _, m := range manifests {
		c.descriptor(m)
		name, sum := refName(m), m.Annotations[annotationSum]
		if (name != "" || sum != "") && sum != tagSum(name, samovar.Digest(m.Digest)) {
			c.problem(indexName, "the name %q of %s is damaged or was given by another program: tag it again if it is right",
				name, samovar.Digest(m.Digest).Short())
		}
		if name != "" && names[name] {
			c.problem(indexName, "the name %q is given twice", name)
		}
		names[name] = true
	}
	return nil
}

// descriptor checks a manifest against its entry in the index, and that what
// it names is there.
func (c *checker) descriptor(m ocispec.Descriptor) {
	d := samovar.Digest(m.Digest)
	path := filepath.Join(blobsName, d.Hex())
	size, ok := c.size(d)
	if !ok {
		c.problem(path, "is missing or changed, and the index names it")
		return
	}
	b, err := c.s.Blob(d)
	var doc document
	if err == nil {
		err = json.Unmarshal(b, &doc)
	}
	if err != nil {
		c.problem(path, "is no manifest: %v", err)
		return
	}
	if m.Size != size || m.MediaType != doc.MediaType || m.ArtifactType != "" && m.ArtifactType != doc.ArtifactType {
		c.problem(indexName, "the entry of %s does not describe it", d.Short())
	}
	for _, child := range doc.children() {
		size, ok := c.size(samovar.Digest(child.Digest))
		if !ok {
			c.problem(path, "it names %s, which is missing or changed", child.Digest)
		} else if size != child.Size {
			c.problem(path, "it says that %s has %d bytes, not %d", child.Digest, child.Size, size)
		}
	}
}

// size returns the size of a blob that is whole. One put since the blobs were
// listed is taken to be.
func (c *checker) size(d samovar.Digest) (int64, bool) {
	if n, ok := c.sizes[d]; ok {
		return n, true
	}
	path, err := c.s.blobPath(d)
	if err != nil {
		return 0, false
	}
	for _, p := range c.problems {
		if filepath.Join(c.s.dir, p.Path) == path {
			return 0, false
		}
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return 0, false
	}
	return fi.Size(), true
}

// keys checks the files that say which stages have finished.
func (c *checker) keys() error {
	entries, err := os.ReadDir(filepath.Join(c.s.dir, keysName))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(keysName, e.Name())
		key, err := samovar.ParseDigest("sha256:" + e.Name())
		if err != nil {
			c.problem(name, "is no key")
			continue
		}
		d, err := readKey(filepath.Join(c.s.dir, name))
		if err != nil {
			c.problem(name, "was changed: %v", err)
			continue
		}
		if _, ok := c.size(d); !ok {
			c.problem(name, "its run record %s is missing or changed", d.Short())
		} else if r, err := c.s.record(d); err != nil || r.Key != key {
			c.problem(name, "was changed: it points to %s, which is not its run record", d.Short())
		}
	}
	return nil
}
