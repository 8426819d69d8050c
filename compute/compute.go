// Package compute runs programs: static lists of fused operations over named
// buffers, on a device whose memory only the device can address. It knows no
// architecture, file, tokenizer or clock, and does not build programs; package
// model does. Start with [Program] for what is run and [Device] for where.
package compute

import "samovar/compute/kernel"

// Device is where programs run and buffers lie. It may be used from several
// goroutines; programs run one at a time. An Exec is one goroutine's.
type Device interface {
	// Name says what it is, such as "cpu".
	Name() string
	// Numerics names how sums are rounded, such as "fp32-avx2": the same
	// program on the same data under the same numerics gives the same bits,
	// whatever the number of threads.
	Numerics() string
	// Alloc returns n float32, all zero.
	Alloc(n int) (Buffer, error)
	// Load returns a matrix of rows×cols that programs can only read, in the
	// layout that the device multiplies fastest. data holds it row by row in
	// the given format. read, unless it is nil, is called whenever all of data
	// has been read and the device does not expect to read all of it again.
	Load(format kernel.Format, rows, cols int, data []byte, read func()) (Buffer, error)
	// Prepare makes p ready to run with the given memory.
	Prepare(p *Program, m Memory) (Exec, error)
	// Close frees the device's threads. Buffers are freed one by one.
	Close()
}

// Buffer is memory of a device.
type Buffer interface {
	// Len is the number of float32 that it holds; 0 for a loaded matrix,
	// which cannot be read back.
	Len() int
	// Read copies from the buffer, starting at element offset.
	Read(offset int, dst []float32) error
	// Write copies into the buffer, starting at element offset.
	Write(offset int, src []float32) error
	// Slice returns the elements [offset, offset+n) as a buffer that shares
	// their memory and needs no Free.
	Slice(offset, n int) (Buffer, error)
	// Free gives the memory back. The buffer must not be used again.
	Free()
}

// Memory is what a program is prepared with.
type Memory struct {
	Rows    int             // most tokens in one batch
	Outputs int             // most rows that Select picks from one batch
	Bind    map[Slot]Buffer // every Weight slot, and Fixed slots that outlive the program
	Pages   []Buffer        // one for each of Program.Caches; nil: attention stays within the batch
	Cache   kernel.Format   // how Pages hold numbers: F32, F16 or Q8_0
}

// Exec is a program that is ready to run.
type Exec interface {
	// Run executes the program's operations in order on one batch.
	Run(b *Batch) error
	// Read copies elements of a slot that the program keeps (see
	// Program.Keep) or that was bound.
	Read(s Slot, offset int, dst []float32) error
	// Free gives back the memory that Prepare took.
	Free()
}

// PageRows is the number of tokens in a page of a cache.
const PageRows = kernel.PageKeys

// Batch is one step's worth of tokens: consecutive runs of rows, each of one sequence.
type Batch struct {
	Tokens   []int32
	Segments []Segment
	Outputs  []int32   // rows that Select picks, ascending
	Targets  []int32   // for Loss: the token that follows each row; negative: no loss
	Weights  []float32 // for LossBack: the factor of each row's loss in the gradient; nil: 1
	Scalars  []float32 // what optimiser operations read; see AdamW
	Fresh    bool      // gradients by weights are set, whatever their slots held, instead of added to
}

// Segment is the rows of one sequence, or of one document in a packed row.
// Attention never looks from one segment into another.
type Segment struct {
	Rows  int
	Past  int     // tokens of the sequence already in Pages; the position of the first row
	Pages []int32 // pages of the sequence in order, enough for Past+Rows tokens; nil without a cache
}
