//go:build unix

package corpus

import (
	"fmt"
	"os"
	"syscall"
)

// mapping is the content of a file, which stays on disk until it is touched.
type mapping []byte

func openMapping(path string) (mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return nil, err
	}
	if info.Size() != int64(int(info.Size())) {
		return nil, fmt.Errorf("map %s: %d bytes are too many for this machine", path, info.Size())
	}
	m, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	return m, nil
}

func (m mapping) close() error {
	if m == nil {
		return nil
	}
	return syscall.Munmap(m)
}
