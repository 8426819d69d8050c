//go:build unix

package document

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// withMemory returns a context in which WebAssembly's memory is mapped once at
// its largest and given back at the end, instead of being copied as it grows
// and left to the garbage collector: a file then takes what it touches and no more.
func withMemory(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(func(_, most uint64) experimental.LinearMemory {
		b, err := unix.Mmap(-1, 0, int(most), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			return &mapped{b: make([]byte, most)}
		}
		return &mapped{b, true}
	}))
}

// mapped is memory that lies where it is.
type mapped struct {
	b      []byte
	system bool // by the system, otherwise by Go
}

func (m *mapped) Reallocate(size uint64) []byte {
	if size > uint64(len(m.b)) {
		return nil
	}
	return m.b[:size]
}

func (m *mapped) Free() {
	if m.system {
		unix.Munmap(m.b)
	}
	m.b, m.system = nil, false
}
