//go:build !purego

package kernel

import "unsafe"

// panelCall is the argument of the panel kernels; strides are in bytes. It is
// also their memory: y, panels and the last two fields change.
type panelCall struct {
	w, x, scales, y unsafe.Pointer
	k               int // blocks of columns
	panels          int
	ldx, lds, ldy   int
	size            int                         // bytes of a panel
	_               int                         // panels taken together
	_               [4 * 8 * panelWidth]float32 // and their sums
}

//go:noescape
func mulF32AVX2x1(call *panelCall)

//go:noescape
func mulF32AVX2x2(call *panelCall)

//go:noescape
func mulF32AVX2x4(call *panelCall)

//go:noescape
func mulF32AVX2x6(call *panelCall)

//go:noescape
func gemvF32AVX2(call *panelCall)

//go:noescape
func mulQ8AVX2x1(call *panelCall)

//go:noescape
func mulQ8AVX2x2(call *panelCall)

//go:noescape
func mulQ8AVX2x4(call *panelCall)

//go:noescape
func mulQ8AVX2x6(call *panelCall)

//go:noescape
func mulQ4AVX2x1(call *panelCall)

//go:noescape
func mulQ4AVX2x2(call *panelCall)

//go:noescape
func mulQ4AVX2x4(call *panelCall)

//go:noescape
func mulQ4AVX2x6(call *panelCall)

//go:noescape
func mulQ4KAVX2x1(call *panelCall)

//go:noescape
func mulQ4KAVX2x2(call *panelCall)

//go:noescape
func mulQ4KAVX2x4(call *panelCall)

//go:noescape
func mulQ4KAVX2x6(call *panelCall)

//go:noescape
func mulQ5KAVX2x1(call *panelCall)

//go:noescape
func mulQ5KAVX2x2(call *panelCall)

//go:noescape
func mulQ5KAVX2x4(call *panelCall)

//go:noescape
func mulQ5KAVX2x6(call *panelCall)

//go:noescape
func mulQ6KAVX2x1(call *panelCall)

//go:noescape
func mulQ6KAVX2x2(call *panelCall)

//go:noescape
func mulQ6KAVX2x4(call *panelCall)

//go:noescape
func mulQ6KAVX2x6(call *panelCall)

//go:noescape
func mulF32AVX512x1(call *panelCall)

//go:noescape
func mulF32AVX512x2(call *panelCall)

//go:noescape
func mulF32AVX512x4(call *panelCall)

//go:noescape
func mulF32AVX512x8(call *panelCall)

//go:noescape
func mulF32AVX512x12(call *panelCall)

//go:noescape
func gemvF32AVX512(call *panelCall)

//go:noescape
func mulQ8AVX512x1(call *panelCall)

//go:noescape
func mulQ8AVX512x2(call *panelCall)

//go:noescape
func mulQ8AVX512x4(call *panelCall)

//go:noescape
func mulQ8AVX512x8(call *panelCall)

//go:noescape
func mulQ4AVX512x1(call *panelCall)

//go:noescape
func mulQ4AVX512x2(call *panelCall)

//go:noescape
func mulQ4AVX512x4(call *panelCall)

//go:noescape
func mulQ4AVX512x8(call *panelCall)

//go:noescape
func quantizeBytes(codes *int8, scales *blockScale, x *float32, blocks, offset int)

//go:noescape
func quantizeWords(codes *int16, scales *blockScale, x *float32, blocks, offset int)

func q8Layout() (group int, bias byte) {
	if level == avx2 {
		return 2, 0
	}
	return 4, 128
}

func wideCodes(t Format) bool {
	return t == Q8_0 && level == avx2 || (t == Q5_K || t == Q6_K) && level >= avx2
}

func (a *Activations) quantize(r int, x []float32) {
	if level < avx2 || len(x) == 0 {
		a.quantizeGeneric(r, x)
		return
	}
	nb := a.k / 32
	scales := &a.scales[r*nb : (r+1)*nb][0]
	if wideCodes(a.format) {
		quantizeWords(&a.wide[r*a.stride : (r+1)*a.stride][0], scales, &x[0], nb, codeOffset(a.format))
	} else {
		quantizeBytes(&a.q[r*a.stride : (r+1)*a.stride][0], scales, &x[0], nb, codeOffset(a.format))
	}
}

// panelKernel multiplies some rows; kernels are listed by falling rows.
type panelKernel struct {
	rows int
	run  func(*panelCall)
}

var (
	kernelsQ4K = []panelKernel{{6, mulQ4KAVX2x6}, {4, mulQ4KAVX2x4}, {2, mulQ4KAVX2x2}, {1, mulQ4KAVX2x1}}
	kernelsQ5K = []panelKernel{{6, mulQ5KAVX2x6}, {4, mulQ5KAVX2x4}, {2, mulQ5KAVX2x2}, {1, mulQ5KAVX2x1}}
	kernelsQ6K = []panelKernel{{6, mulQ6KAVX2x6}, {4, mulQ6KAVX2x4}, {2, mulQ6KAVX2x2}, {1, mulQ6KAVX2x1}}
)

var panelKernels = map[Format][2][]panelKernel{
	F32: {
		{{6, mulF32AVX2x6}, {4, mulF32AVX2x4}, {2, mulF32AVX2x2}, {1, mulF32AVX2x1}},
		{{12, mulF32AVX512x12}, {8, mulF32AVX512x8}, {4, mulF32AVX512x4}, {2, mulF32AVX512x2}, {1, mulF32AVX512x1}},
	},
	Q8_0: {
		{{6, mulQ8AVX2x6}, {4, mulQ8AVX2x4}, {2, mulQ8AVX2x2}, {1, mulQ8AVX2x1}},
		{{8, mulQ8AVX512x8}, {4, mulQ8AVX512x4}, {2, mulQ8AVX512x2}, {1, mulQ8AVX512x1}},
	},
	Q4_K: {kernelsQ4K, kernelsQ4K},
	Q5_K: {kernelsQ5K, kernelsQ5K},
	Q6_K: {kernelsQ6K, kernelsQ6K},
	Q4_0: {
		{{6, mulQ4AVX2x6}, {4, mulQ4AVX2x4}, {2, mulQ4AVX2x2}, {1, mulQ4AVX2x1}},
		{{8, mulQ4AVX512x8}, {4, mulQ4AVX512x4}, {2, mulQ4AVX512x2}, {1, mulQ4AVX512x1}},
	},
}

// Panels are taken in chunks, whole groups of 4, that stay in the second-level
// cache while all rows pass. A call of assembly, which cannot be preempted,
// takes one chunk and the rows of one kernel, and so ends within 200 µs.
const chunkBytes = 128 << 10

func mulPanels(t Format, y []float32, ldy int, panels []byte, x *Activations, n0, n1, k int) {
	if level < avx2 {
		mulPanelsGeneric(t, y, ldy, panels, x, n0, n1, k)
		return
	}
	var call panelCall
	call.size = panelBytes(t, k)
	call.ldy = 4 * ldy
	step := (chunkBytes/call.size/4 + 1) * 4 * panelWidth
	full := n1 &^ (panelWidth - 1)
	for n := n0; n < full; n += step {
		end := min(n+step, full)
		call.w = unsafe.Pointer(&panels[(n-n0)/panelWidth*call.size])
		call.mulRows(t, y[n:], ldy, x, (end-n)/panelWidth)
	}
	if full < n1 {
		call.w = unsafe.Pointer(&panels[(full-n0)/panelWidth*call.size])
		call.mulEdge(t, y[full:], ldy, x, n1-full)
	}
}

// mulRows multiplies all rows of x by the call's panels.
func (c *panelCall) mulRows(t Format, y []float32, ldy int, x *Activations, panels int) {
	for r := 0; r < x.rows; {
		r += c.mulSome(t, x, r, unsafe.Pointer(&y[r*ldy]), panels)
	}
}

// mulEdge multiplies by a last panel of which only n outputs exist.
func (c *panelCall) mulEdge(t Format, y []float32, ldy int, x *Activations, n int) {
	var edge [12 * panelWidth]float32
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
	kernels := panelKernels[t][0]
	if level >= avx512 {
		kernels = panelKernels[t][1]
	}
	for kernels[0].rows > x.rows-r {
		kernels = kernels[1:]
	}
	c.y, c.panels = y, panels
	block, _ := t.Block()
	c.k, c.lds = x.k/block, x.k/32*8
	switch {
	case t == F32:
		c.x, c.ldx = unsafe.Pointer(&x.f[r*x.stride]), 4*x.stride
	case wideCodes(t):
		c.x, c.ldx = unsafe.Pointer(&x.wide[r*x.stride]), 2*x.stride
	default:
		c.x, c.ldx = unsafe.Pointer(&x.q[r*x.stride]), x.stride
	}
	if t != F32 {
		c.scales = unsafe.Pointer(&x.scales[r*(x.k/32)])
	}
	if t == F32 && kernels[0].rows == 1 && panels >= 4 {
		c.gemv(panels)
	} else {
		kernels[0].run(c)
	}
	return kernels[0].rows
}

// gemv multiplies one float32 row, four panels at a time to have enough FMAs
// in flight.
func (c *panelCall) gemv(panels int) {
	rest := panels % 4
	c.panels = panels - rest
	if level >= avx512 {
		gemvF32AVX512(c)
	} else {
		gemvF32AVX2(c)
	}
	if rest == 0 {
		return
	}
	w := c.w
	c.w = unsafe.Add(c.w, (panels-rest)*c.size)
	c.y = unsafe.Add(c.y, (panels-rest)*4*panelWidth)
	c.panels = rest
	if level >= avx512 {
		mulF32AVX512x1(c)
	} else {
		mulF32AVX2x1(c)
	}
	c.w = w
}
