package task

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// packed are the extensions of compressions that are read.
var packed = []string{".gz", ".bz2", ".zst"}

// Bounds on what is read: far above any published set, and low enough that an
// archive that unpacks to more than the memory, or a folder of a million files,
// is refused.
const (
	maxBytes = 256 << 20 // of a file, unpacked
	maxFiles = 10_000
)

// errNoFile is returned for pipes and devices, which may never end.
var errNoFile = errors.New("it is no file but a pipe or a device: write what it gives into a file")

// list returns the file at path, or the files of that folder whose format is
// one of the known extensions, in the order of their names. A folder that holds
// nothing but another one stands for that one.
func list(path string, known []string) (files []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return nil, errNoFile
		}
		if _, ext := split(path); !slices.Contains(known, ext) {
			return nil, fmt.Errorf("it does not end in %s, which %s is expected to", strings.Join(known, ", "), filepath.Base(path))
		}
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, e := range entries {
		full := filepath.Join(path, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if e.IsDir() {
			folders = append(folders, e.Name())
		} else if _, ext := split(full); slices.Contains(known, ext) && e.Name() != "README.md" {
			files = append(files, full)
		}
	}
	switch {
	case len(files) > maxFiles:
		return nil, fmt.Errorf("the folder has %d files: at most %d are expected", len(files), maxFiles)
	case len(files) > 0:
		return files, nil
	case len(folders) == 1:
		return list(filepath.Join(path, folders[0]), known)
	case len(folders) > 1:
		return nil, fmt.Errorf("the folder has no file that ends in %s, and %d folders: name one of %s", strings.Join(known, " or "), len(folders), strings.Join(folders[:min(len(folders), 5)], ", "))
	}
	return nil, fmt.Errorf("the folder has no file that ends in %s", strings.Join(known, " or "))
}

// unpack reads a file, which must be UTF-8 once it is unpacked. A byte order
// mark is taken off.
func unpack(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // to open a pipe would wait
		return nil, errNoFile
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	var r io.Reader = f
	switch strings.ToLower(filepath.Ext(path)) {
	case ".gz":
		r, err = gzip.NewReader(f)
	case ".bz2":
		r = bzip2.NewReader(f)
	case ".zst":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBytes)); err == nil {
			defer z.Close()
			r = z
		}
	}
	if err != nil {
		return nil, fmt.Errorf("unpack it: %w: it is cut off or damaged, fetch it again", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpack it: %w: it is cut off or damaged, fetch it again", err)
	case len(text) > maxBytes:
		return nil, fmt.Errorf("it has more than %d MiB unpacked: cut it into several files", maxBytes>>20)
	case !utf8.Valid(text):
		return nil, errors.New("it is not UTF-8 text")
	}
	return bytes.TrimPrefix(text, []byte("\uFEFF")), nil
}
