package mechanism

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// mostTriangles bounds a file of triangles: 100 MB.
const mostTriangles = 2 << 20

// ReadSTL returns the corners of the triangles of a binary STL file, each once, scaled: a
// head of 84 bytes, the last four of which count the triangles, and 50 bytes for each.
func (f *MeshFile) ReadSTL(r io.Reader) ([]Vector, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	var head [84]byte
	if _, err := io.ReadFull(buffered, head[:]); err != nil {
		return nil, fmt.Errorf("read %s: no binary STL file: its head: %w", f.File, err)
	}
	n := binary.LittleEndian.Uint32(head[80:])
	if n > mostTriangles {
		return nil, fmt.Errorf("read %s: no binary STL file, or one of %d triangles: %d are the most", f.File, n, mostTriangles)
	}
	var corners []Vector // grows with what is there, not with what the head says
	seen := map[[12]byte]bool{}
	for k := range n {
		var t [50]byte // normal, three corners, two bytes of no meaning
		if _, err := io.ReadFull(buffered, t[:]); err != nil {
			return nil, fmt.Errorf("read %s: triangle %d of %d: %w", f.File, k+1, n, err)
		}
		for c := 12; c < 48; c += 12 {
			at := [12]byte(t[c:])
			if seen[at] {
				continue
			}
			seen[at] = true
			var p Vector
			for i := range p {
				p[i] = f.Scale[i] * float64(math.Float32frombits(binary.LittleEndian.Uint32(at[4*i:])))
			}
			if !(p.Norm() <= largest) {
				return nil, fmt.Errorf("read %s: triangle %d has a corner at %v", f.File, k+1, p)
			}
			corners = append(corners, p)
		}
	}
	return corners, nil
}
