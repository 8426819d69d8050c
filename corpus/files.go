package corpus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"samovar"
	"samovar/corpus/document"
)

// file is one file of a source.
type file struct {
	path  string // to open it
	name  string // below the source's path, with slashes
	lines bool   // of JSON, otherwise one text
	raw   bool   // read as it is, also if it is a document with markup
	size  int64  // bytes on disk
	sum   [sha256.Size]byte
}

// describe returns the file at p, called name, as its extensions say it is read.
func describe(p, name string) file {
	_, ext := extensions(name)
	return file{path: p, name: name, lines: ext == ".jsonl" || ext == ".ndjson"}
}

// pack returns the extension of the file's compression: ".gz", ".zst", ".bz2" or
// none.
func (f *file) pack() string {
	pack, _ := extensions(f.name)
	return pack
}

// format returns how a file is read whose first bytes, decompressed, are head.
func (f *file) format(head []byte) document.Format {
	if f.lines || f.raw {
		return document.Plain
	}
	_, ext := extensions(f.name)
	return document.Detect(ext, head)
}

// named returns the format that the file's name announces.
func (f *file) named() document.Format {
	if f.lines || f.raw {
		return document.Plain
	}
	_, ext := extensions(f.name)
	return document.Named(ext)
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

// files lists the source's files in the order of their names. It keeps some 200
// bytes a file.
func (s Source) files(ctx context.Context) ([]file, error) {
	l := lister{ctx: ctx, seen: map[string]bool{}, folders: map[string]string{}}
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
		kept[i].raw = s.Language == "zxx" // where pages are code
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
	ctx     context.Context
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
	l.take(p, name, real)
	return nil
}

func (l *lister) take(p, name, real string) {
	l.seen[real] = true
	l.files = append(l.files, describe(p, name))
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
		at, called := below(p, name, e.Name())
		if e.Type().IsRegular() { // what most of a million files are needs no further look
			where := at
			if real != p {
				where = filepath.Join(real, e.Name())
			}
			if !l.seen[where] {
				l.take(at, called, where)
			}
			continue
		}
		if err := l.file(at, called); err != nil {
			return err
		}
	}
	return l.ctx.Err()
}

// below returns the path and the name of entry in the folder at p, called name.
// Both lie in the same memory where slashes separate paths.
func below(p, name, entry string) (at, called string) {
	at = filepath.Join(p, entry)
	if filepath.Separator != '/' {
		return at, path.Join(name, entry)
	}
	n := len(entry)
	if name != "." {
		n += len(name) + 1
	}
	return at, at[len(at)-n:]
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
		at, called := below(p, name, e.Name())
		if err := l.match(at, called, rest, open); err != nil {
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

// sum fills in the sizes and digests of files, several at a time.
func sum(ctx context.Context, files []file) error {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			h, buf := sha256.New(), make([]byte, 64<<10)
			for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
				h.Reset()
				if err := files[i].digest(ctx, h, buf); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (f *file) digest(ctx context.Context, h hash.Hash, buf []byte) error {
	in, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer in.Close()
	f.size, err = io.CopyBuffer(h, &contextReader{ctx, in}, buf)
	h.Sum(f.sum[:0])
	return err
}

// digestOf returns the digest over files whose sums are known.
func digestOf(files []file) samovar.Digest {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%t%s%s %x\n", f.lines, f.pack(), f.named(), f.sum)
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
