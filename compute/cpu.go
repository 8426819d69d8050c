package compute

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"samovar/compute/kernel"
)

// CPU configures the processor as a device.
type CPU struct {
	Threads int  // 0: as many as GOMAXPROCS
	BF16    bool // multiply matrices in training with BF16 inputs where the processor can
}

// Open returns the device.
func (c CPU) Open() (Device, error) {
	if c.Threads <= 0 {
		c.Threads = runtime.GOMAXPROCS(0)
	}
	d := &cpu{pool: newPool(c.Threads), gemm: kernel.Gemm, numerics: "fp32-" + kernel.Active()}
	if c.BF16 {
		d.gemm, d.bf16, d.numerics = kernel.GemmBF16, true, "bf16-"+kernel.Active()
	}
	d.scratch = make([]kernel.Scratch, c.Threads)
	d.floats = make([][]float32, c.Threads)
	return d, nil
}

type cpu struct {
	mu       sync.Mutex // held while the pool works
	pool     *pool
	gemm     gemm
	bf16     bool // gemm rounds its operands to BF16
	numerics string
	scratch  []kernel.Scratch // one for each worker
	floats   [][]float32      // likewise, see temporary
	slab     slab             // where panels lie
}

type gemm = func(c []float32, ldc int, a []float32, lda int, transA bool, b []float32, ldb int, transB bool, m, n, k int, accumulate bool, s *kernel.Scratch)

func (d *cpu) Name() string     { return "cpu" }
func (d *cpu) Numerics() string { return d.numerics }
func (d *cpu) Close()           { d.pool.close() }

// temporary returns n float32 of a worker's own, with arbitrary content.
func (d *cpu) temporary(worker, n int) []float32 {
	if len(d.floats[worker]) < n {
		d.floats[worker] = make([]float32, n)
	}
	return d.floats[worker][:n]
}

// reserve makes the temporary memory of all workers large enough for n float32.
func (d *cpu) reserve(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for worker := range d.floats {
		d.temporary(worker, n)
	}
}

// floats is memory that lies outside the Go heap where the system allows it.
type floats struct {
	data []float32
	free func()
}

func (d *cpu) Alloc(n int) (Buffer, error) {
	if n < 0 {
		return nil, fmt.Errorf("allocate %d numbers", n)
	}
	data, free, err := HostMemory(4 * n)
	if err != nil {
		return nil, fmt.Errorf("allocate %d MB: %w", 4*n>>20, err)
	}
	return &floats{floatsOf(data)[:n], free}, nil
}

func (b *floats) Len() int { return len(b.data) }

func (b *floats) Read(offset int, dst []float32) error {
	if offset < 0 || offset+len(dst) > len(b.data) {
		return fmt.Errorf("read [%d, %d) of a buffer of %d", offset, offset+len(dst), len(b.data))
	}
	copy(dst, b.data[offset:])
	return nil
}

func (b *floats) Write(offset int, src []float32) error {
	if offset < 0 || offset+len(src) > len(b.data) {
		return fmt.Errorf("write [%d, %d) of a buffer of %d", offset, offset+len(src), len(b.data))
	}
	copy(b.data[offset:], src)
	return nil
}

func (b *floats) Slice(offset, n int) (Buffer, error) {
	if offset < 0 || n < 0 || offset+n > len(b.data) {
		return nil, fmt.Errorf("slice [%d, %d) of a buffer of %d", offset, offset+n, len(b.data))
	}
	return &floats{data: b.data[offset : offset+n : offset+n]}, nil
}

func (b *floats) Free() {
	if b.free != nil {
		b.free()
	}
	b.data, b.free = nil, nil
}

// loaded is a matrix for programs to read. Its panels are packed when the first
// program that multiplies by it is prepared: an embedding table needs none.
type loaded struct {
	format     kernel.Format
	rows, cols int
	data       []byte // row by row; belongs to the caller of Load
	panels     []byte // in format.Panels()
	read       func() // see Device.Load
	free       func() // frees the panels
}

var errLoaded = errors.New("a loaded matrix cannot be read, written or cut")

func (l *loaded) Len() int                       { return 0 }
func (l *loaded) Read(int, []float32) error      { return errLoaded }
func (l *loaded) Write(int, []float32) error     { return errLoaded }
func (l *loaded) Slice(int, int) (Buffer, error) { return nil, errLoaded }

func (l *loaded) Free() {
	if l.free != nil {
		l.free()
	}
	l.panels, l.data, l.free = nil, nil, nil
}

// Load keeps data, which must not change before the buffer is freed.
func (d *cpu) Load(format kernel.Format, rows, cols int, data []byte, read func()) (Buffer, error) {
	if rows < 1 || cols < 1 || len(data) != rows*format.Bytes(cols) {
		return nil, fmt.Errorf("load a matrix of %d×%d %s: %d bytes given", rows, cols, format, len(data))
	}
	return &loaded{format: format, rows: rows, cols: cols, data: data, read: read}, nil
}

// pack makes the panels if they are not there yet.
func (d *cpu) pack(l *loaded) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.panels != nil {
		return nil
	}
	panels, free, err := d.slab.borrow(kernel.PanelsSize(l.format, l.rows, l.cols))
	if err != nil {
		return fmt.Errorf("pack a matrix of %d×%d %s: %w", l.rows, l.cols, l.format, err)
	}
	const some = 4 // panels in a piece
	step := some * kernel.PanelWidth()
	d.pool.each((l.rows+step-1)/step, func(_, piece int) {
		first := piece * step
		rows := min(step, l.rows-first)
		kernel.Pack(l.format, panels[kernel.PanelsSize(l.format, first, l.cols):], l.data[first*l.format.Bytes(l.cols):], rows, l.cols)
	})
	l.panels, l.free = panels, free
	if l.read != nil {
		l.read()
	}
	return nil
}

// floatsOf returns b, which starts at a multiple of 4, as float32.
func floatsOf(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}
