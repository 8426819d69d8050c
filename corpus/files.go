package corpus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"samovar"
)

// file is one file of a source.
type file struct {
	path  string // to open it
	name  string // below the source's path, with slashes
	lines bool   // of JSON, otherwise one text
	pack  string // ".gz", ".zst", ".bz2" or none
	size  int64  // bytes on disk
	sum   [sha256.Size]byte
}

// describe returns the file at p, called name, as its extensions say it is read.
func describe(p, name string, size int64) file {
	f := file{path: p, name: name, size: size}
	ext, inner := extensions(name)
	f.pack = ext
	f.lines = inner == ".jsonl" || inner == ".ndjson"
	return f
}

// extensions returns the compression's extension of name, if any, and the
// extension before it, in lower case.
func extensions(name string) (pack, inner string) {
	name = strings.ToLower(name)
	switch ext := path.Ext(name); ext {
	case ".gz", ".zst", ".bz2":
		return ext, path.Ext(strings.TrimSuffix(name, ext))
	default:
		return "", ext
	}
}

// files lists the source's files in the order of their names.
func (s Source) files() ([]file, error) {
	l := lister{seen: map[string]bool{}, folders: map[string]string{}}
	root := filepath.Clean(s.Path)
	info, err := os.Stat(root)
	switch {
	case err == nil && info.IsDir():
		err = l.folder(root, ".")
	case err == nil:
		err = l.file(root, path.Base(filepath.ToSlash(root)))
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(s.Path, "*?["):
		err = l.pattern(root)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist: correct the path", s.Path)
	}
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(l.files, func(f file) bool { return !s.wants(f, len(l.files) == 1) })
	if len(kept) == 0 {
		return nil, s.nothing(len(l.files))
	}
	for i := range kept {
		kept[i].lines = kept[i].lines || s.Field != "" || s.Kind == Dialogue
	}
	slices.SortFunc(kept, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return kept, nil
}

// wants says whether f is read. A named field, and dialogues, are looked for in
// JSON lines only, unless the file is the only one.
func (s Source) wants(f file, only bool) bool {
	if len(s.Include) > 0 {
		_, inner := extensions(f.name)
		return slices.ContainsFunc(s.Include, func(ext string) bool {
			return "."+strings.ToLower(strings.TrimPrefix(ext, ".")) == inner
		})
	}
	return f.lines || only || s.Field == "" && s.Kind != Dialogue
}

func (s Source) nothing(found int) error {
	switch {
	case found > 0 && len(s.Include) > 0:
		return fmt.Errorf("none of the %d files of %s ends in %s: correct include", found, s.Path, strings.Join(s.Include, " or "))
	case found > 0:
		return fmt.Errorf("none of the %d files of %s is .jsonl, where field %q could be found", found, s.Path, s.field())
	case strings.ContainsAny(s.Path, "*?["):
		return fmt.Errorf("no file matches %s", s.Path)
	}
	return fmt.Errorf("%s is empty: put texts there or correct the path", s.Path)
}

// lister gathers files, each once however many links lead to it. Hidden files
// and folders are passed over.
type lister struct {
	files   []file
	seen    map[string]bool   // where the files and folders that have been taken lie
	folders map[string]string // path of a folder to where it lies
}

func (l *lister) file(p, name string) error {
	real, info, err := l.resolve(p)
	switch {
	case err != nil || info == nil:
		return err
	case info.IsDir():
		return l.folder(p, name)
	case !info.Mode().IsRegular() || l.seen[real]:
		return nil
	}
	l.seen[real] = true
	l.files = append(l.files, describe(p, name, info.Size()))
	return nil
}

func (l *lister) folder(p, name string) error {
	real, err := l.folderOf(p)
	if err != nil || l.seen[real] {
		return err
	}
	l.seen[real] = true
	entries, err := os.ReadDir(p)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := l.file(filepath.Join(p, e.Name()), path.Join(name, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// resolve returns where p lies in the end and what is there: nil for a link to
// nothing or to itself.
func (l *lister) resolve(p string) (real string, info fs.FileInfo, err error) {
	if info, err = os.Lstat(p); err != nil {
		return "", nil, err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		dir, err := l.folderOf(filepath.Dir(p))
		return filepath.Join(dir, filepath.Base(p)), info, err
	}
	if real, err = filepath.EvalSymlinks(p); err != nil {
		return "", nil, nil
	}
	info, err = os.Stat(real)
	return real, info, err
}

// folderOf returns where the folder p lies in the end.
func (l *lister) folderOf(p string) (real string, err error) {
	if real, ok := l.folders[p]; ok {
		return real, nil
	}
	if real, err = filepath.EvalSymlinks(p); err == nil {
		l.folders[p] = real
	}
	return real, err
}

// pattern gathers what matches glob; folders that match are read whole.
func (l *lister) pattern(glob string) error {
	segments := strings.Split(filepath.ToSlash(glob), "/")
	if _, err := path.Match(glob, ""); err != nil {
		return fmt.Errorf("pattern %s: %w", glob, err)
	}
	segments = slices.CompactFunc(segments, func(a, b string) bool { return a == "**" && b == "**" })
	fixed := slices.IndexFunc(segments, func(s string) bool { return strings.ContainsAny(s, "*?[") })
	root := strings.Join(segments[:fixed], "/")
	switch {
	case fixed == 1 && root == "":
		root = "/"
	case fixed == 0:
		root = "."
	}
	return l.match(root, ".", segments[fixed:], map[string]bool{})
}

// match walks below p along the segments of a pattern. open holds the resolved
// folders between the root and p, so that a link upwards ends the walk.
func (l *lister) match(p, name string, segments []string, open map[string]bool) error {
	real, info, err := l.resolve(p)
	if len(segments) == 0 && !open[real] {
		return l.file(p, name)
	}
	if errors.Is(err, fs.ErrNotExist) || err == nil && (info == nil || !info.IsDir() || len(segments) == 0) {
		return nil
	}
	if err != nil {
		return err
	}
	if segments[0] == "**" {
		if open[real] {
			return nil
		}
		open[real] = true
		defer delete(open, real)
		if len(segments) == 1 {
			segments = []string{"**", "*"}
		}
		if err := l.match(p, name, segments[1:], open); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(p)
	if err != nil {
		return err
	}
	for _, e := range entries {
		rest := segments[1:]
		hidden := strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(segments[0], ".")
		if segments[0] == "**" {
			rest = segments
		}
		if ok, _ := path.Match(segments[0], e.Name()); !ok || hidden {
			continue
		}
		if err := l.match(filepath.Join(p, e.Name()), path.Join(name, e.Name()), rest, open); err != nil {
			return err
		}
	}
	return nil
}

// Digest returns for each source the digest over its files: how each is read
// and the SHA-256 of its bytes, in order. Names and places are no part of it,
// so a corpus that is moved keeps its digest.
func Digest(ctx context.Context, sources []Source) ([]samovar.Digest, error) {
	c, err := NewCollect(ctx, sources, 0)
	if err != nil {
		return nil, err
	}
	digests := make([]samovar.Digest, len(c.sources))
	for i, s := range c.sources {
		digests[i] = s.digest
	}
	return digests, nil
}

// sum fills in the digests of files, several at a time.
func sum(ctx context.Context, files []file) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range files {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			f, err := os.Open(files[i].path)
			if err != nil {
				return err
			}
			defer f.Close()
			h := sha256.New()
			files[i].size, err = io.Copy(h, &contextReader{ctx, f})
			h.Sum(files[i].sum[:0])
			return err
		})
	}
	return g.Wait()
}

// digestOf returns the digest over files whose sums are known.
func digestOf(files []file) samovar.Digest {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%t%s %x\n", f.lines, f.pack, f.sum)
	}
	return samovar.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

// contextReader is a reader that ends when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
