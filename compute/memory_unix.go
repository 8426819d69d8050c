//go:build unix

package compute

import "golang.org/x/sys/unix"

// hugePage is the size of a transparent huge page on amd64 and arm64.
const hugePage = 2 << 20

// HostMemory returns n zero bytes outside the Go heap, in huge pages where there
// are enough for one and the system grants them.
func HostMemory(n int) (data []byte, free func(), err error) {
	if n == 0 {
		return nil, func() {}, nil
	}
	all, err := unix.Mmap(-1, 0, (n+hugePage-1)&^(hugePage-1), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, nil, err
	}
	if whole := n &^ (hugePage - 1); whole > 0 { // the rest of the last one would be memory that nobody uses
		advise(all[:whole])
	}
	return all[:n:n], func() { unix.Munmap(all) }, nil
}
