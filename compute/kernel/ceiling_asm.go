//go:build !purego && (amd64 || arm64)

package kernel

//go:noescape
func readBytesSIMD(b *byte, n int) uint64

// readChunk bounds one call of assembly, which cannot be preempted.
const readChunk = 4 << 20

func readBytes(b []byte) (x uint64) {
	if level > generic {
		for len(b) >= 1024 {
			n := min(len(b)&^1023, readChunk)
			x ^= readBytesSIMD(&b[0], n)
			b = b[n:]
		}
	}
	return x ^ readBytesGeneric(b)
}
