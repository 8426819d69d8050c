//go:build !purego && (amd64 || arm64)

package kernel

import "unsafe"

// panelCall is the argument of the panel kernels; strides are in bytes. It is
// also their memory: panels and sums change. No pointer does, for one
// past the end of its memory would be none to the garbage collector.
type panelCall struct {
	w, x, scales, y unsafe.Pointer
	k               int // blocks of columns
	panels          int
	ldx, lds, ldy   int
	size            int                     // bytes of a panel
	_               [6 * panelWidth]float32 // sums of the rows, where registers do not suffice
}

//go:noescape
func quantizeSums(codes *int8, scales *blockScale, x *float32, blocks, offset int)

//go:noescape
func quantizeMinima(codes *int8, scales *blockScale, x *float32, blocks, offset int)

//go:noescape
func quantizeHalfSums(codes *int8, scales *blockScale, x *float32, blocks, offset int)

//go:noescape
func quantizeHalfMinima(codes *int8, scales *blockScale, x *float32, blocks, offset int)

// quantizeBytes prepares row r of activations whose codes are bytes.
func (a *Activations) quantizeBytes(r int, x []float32) {
	if level == generic || len(x) == 0 {
		a.quantizeGeneric(r, x)
		return
	}
	l, n := a.format.layout(), a.lineScales()
	scales := &a.scales[r*n : (r+1)*n][0]
	blocks, offset := a.k/32, a.offset
	codes := &a.q[r*a.stride : (r+1)*a.stride][0]
	switch halves := l.sub < 32; {
	case halves && l.minimum > 0:
		quantizeHalfMinima(codes, scales, &x[0], blocks, offset)
	case halves:
		quantizeHalfSums(codes, scales, &x[0], blocks, offset)
	case l.minimum > 0:
		quantizeMinima(codes, scales, &x[0], blocks, offset)
	default:
		quantizeSums(codes, scales, &x[0], blocks, offset)
	}
}

// panelKernel multiplies some rows.
type panelKernel struct {
	rows int
	run  func(*panelCall)
}

// Panels are taken in chunks that stay in the second-level cache while all rows
// pass; a single row has no use for that, and the memory is read without a break. A call
// of assembly, which cannot be preempted, takes one chunk and the rows of one kernel, and
// so ends within 200 µs where a panel is no larger than a chunk.
const (
	chunkBytes = 128 << 10
	longChunk  = 1 << 20 // 50 µs at 20 GB/s
)

// chunk returns how many panels of so many bytes are a chunk: one row of F32 is
// multiplied by four at a time.
func chunk(t Format, rows, size int) int {
	bytes := chunkBytes
	if rows == 1 {
		bytes = longChunk
	}
	n := max(1, bytes/size)
	if t == F32 && rows == 1 {
		n = (n + 3) / 4 * 4
	}
	return n
}

func mulPanels(t Format, y []float32, ldy int, panels []byte, x *Activations, n0, n1, k int, s *Scratch) {
	if level == generic {
		mulPanelsGeneric(t, y, ldy, panels, x, n0, n1, k)
		return
	}
	call := &s.call
	call.size = panelBytes(t, k)
	call.ldy = 4 * ldy
	step := chunk(t, x.rows, call.size) * panelWidth
	full := n1 &^ (panelWidth - 1)
	for n := n0; n < full; n += step {
		end := min(n+step, full)
		call.w = unsafe.Pointer(&panels[(n-n0)/panelWidth*call.size])
		call.mulRows(t, y[n:], ldy, x, (end-n)/panelWidth)
	}
	if full < n1 {
		call.w = unsafe.Pointer(&panels[(full-n0)/panelWidth*call.size])
		call.mulEdge(t, y[full:], ldy, x, n1-full, s.edge[:12*panelWidth])
	}
	call.w, call.x, call.scales, call.y = nil, nil, nil, nil // nothing is held on to
}

// mulRows multiplies all rows of x by the call's panels.
func (c *panelCall) mulRows(t Format, y []float32, ldy int, x *Activations, panels int) {
	for r := 0; r < x.rows; {
		r += c.mulSome(t, x, r, unsafe.Pointer(&y[r*ldy]), panels)
	}
}

// mulEdge multiplies by a last panel of which only n outputs exist; edge has room
// for the rows of one kernel.
func (c *panelCall) mulEdge(t Format, y []float32, ldy int, x *Activations, n int, edge []float32) {
	c.ldy = 4 * panelWidth
	for r := 0; r < x.rows; {
		rows := c.mulSome(t, x, r, unsafe.Pointer(&edge[0]), 1)
		for i := range rows {
			copy(y[(r+i)*ldy:][:n], edge[i*panelWidth:])
		}
		r += rows
	}
}

// mulSome multiplies as many rows from r on as one kernel takes, and returns
// how many.
func (c *panelCall) mulSome(t Format, x *Activations, r int, y unsafe.Pointer, panels int) int {
	kernels := panelKernels[t][panelSet(t)]
	for kernels[0].rows > x.rows-r {
		kernels = kernels[1:]
	}
	c.y, c.panels = y, panels
	block, _ := t.Block()
	c.k = x.k / block
	switch {
	case t == F32:
		c.x, c.ldx = unsafe.Pointer(&x.f[r*x.stride]), 4*x.stride
	case x.words:
		c.x, c.ldx = unsafe.Pointer(&x.wide[r*x.stride]), 2*x.stride
	default:
		c.x, c.ldx = unsafe.Pointer(&x.q[r*x.stride]), x.stride
	}
	if t != F32 {
		n := x.lineScales()
		c.scales, c.lds = unsafe.Pointer(&x.scales[r*n]), 8*n
	}
	if t == F32 && kernels[0].rows == 1 && panels >= 4 {
		c.gemv(panels, kernels[0].run)
	} else {
		kernels[0].run(c)
	}
	return kernels[0].rows
}

// gemv multiplies one float32 row, four panels at a time to have enough FMAs
// in flight, and the last ones one at a time.
func (c *panelCall) gemv(panels int, one func(*panelCall)) {
	rest := panels % 4
	c.panels = panels - rest
	gemvF32(c)
	if rest == 0 {
		return
	}
	w := c.w
	c.w = unsafe.Add(c.w, (panels-rest)*c.size)
	c.y = unsafe.Add(c.y, (panels-rest)*4*panelWidth)
	c.panels = rest
	one(c)
	c.w = w
}
