//go:build unix

package gguf

import (
	"os"

	"golang.org/x/sys/unix"
)

const canMap = true

// mapFile maps the first size bytes of the file, which must not be none.
func mapFile(file *os.File, size int) (b []byte, unmap func() error, err error) {
	b, err = unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return b, func() error { return unix.Munmap(b) }, nil
}

// release lets go of whole pages of a map of a file; that it fails costs memory alone.
func release(b []byte) { _ = unix.Madvise(b, unix.MADV_DONTNEED) }
