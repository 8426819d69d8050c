package compute

import (
	"fmt"
	"math"

	"samovar/compute/kernel"
)

// exec is a program on the CPU. Its steps are built once; running them
// allocates nothing.
type exec struct {
	dev     *cpu
	program *Program
	memory  Memory
	slots   [][]float32 // of a loaded matrix: nil
	loaded  map[Slot]*loaded
	arena   Buffer
	fixed   []Buffer
	steps   []step
	angles  []*angles // one for each distinct rotation

	activations kernel.Activations // rows ready to be multiplied by loaded matrices
	prepared    prepared           // what they are, while the steps are built

	gradients map[Slot]gradient // by weights

	right kernel.Right // of the product that is computed, packed for all threads

	targets bool // the program reads Batch.Targets
	scalars int  // and so many of Batch.Scalars

	batch     *Batch
	rows      int     // tokens of the batch
	outputs   int     // rows picked
	positions []int32 // of each row
	segment   []int32 // of each row: which segment
	start     []int32 // of each segment: its first row
}

// step is one phase of an operation: pieces that may be done in any order and
// at the same time.
type step struct {
	pieces func() int // called once before them, while nothing else runs
	do     func(worker, piece int)
	of     prepared // it multiplies them; zero if it does anything else
}

// together is both steps in one, so that nobody waits between them.
func together(a, b step) step {
	first := 0 // pieces of a
	return step{
		pieces: func() int {
			first = a.pieces()
			return first + b.pieces()
		},
		do: func(worker, piece int) {
			if piece < first {
				a.do(worker, piece)
			} else {
				b.do(worker, piece-first)
			}
		},
		of: a.of,
	}
}

// Prepare builds the steps of p.
func (d *cpu) Prepare(p *Program, m Memory) (Exec, error) {
	if m.Rows < 0 || m.Outputs < 0 {
		return nil, fmt.Errorf("prepare a program for %d rows and %d outputs", m.Rows, m.Outputs)
	}
	if m.Pages != nil && len(m.Pages) != len(p.Caches) {
		return nil, fmt.Errorf("prepare a program of %d caches with pages for %d", len(p.Caches), len(m.Pages))
	}
	if !m.Cache.Kept() {
		return nil, fmt.Errorf("prepare a program with pages of %v: F32, F16 and Q8_0 are kept", m.Cache)
	}
	e := &exec{
		dev: d, program: p, memory: m, loaded: map[Slot]*loaded{}, gradients: map[Slot]gradient{}, slots: make([][]float32, len(p.Slots)),
		positions: make([]int32, 0, m.Rows), segment: make([]int32, 0, m.Rows), start: make([]int32, 0, m.Rows),
	}
	if err := e.bind(); err != nil {
		e.Free()
		return nil, err
	}
	for i, op := range p.Ops {
		e.expect(op)
		steps, err := e.compile(op)
		if err != nil {
			e.Free()
			return nil, fmt.Errorf("operation %d, %T: %w", i, op, err)
		}
		e.follow(steps)
		for _, s := range op.writes() {
			if s == e.prepared.view.Slot {
				e.prepared = prepared{}
			}
		}
	}
	return e, nil
}

// follow appends steps. Products of the same inputs are done together.
func (e *exec) follow(steps []step) {
	for _, s := range steps {
		if last := len(e.steps) - 1; last >= 0 && s.of != (prepared{}) && s.of == e.steps[last].of {
			e.steps[last] = together(e.steps[last], s)
		} else {
			e.steps = append(e.steps, s)
		}
	}
}

// expect notes what an operation needs of every batch.
func (e *exec) expect(op Op) {
	switch op.(type) {
	case Loss:
		e.targets = true
	case LossBack:
		e.targets, e.scalars = true, max(e.scalars, 1)
	case AdamW:
		e.scalars = max(e.scalars, adamScalars)
	case Muon:
		e.scalars = muonScalars
	}
}

// bind gives every slot its memory.
func (e *exec) bind() error {
	offsets, size := arrange(e.program, e.memory)
	arena, err := e.dev.Alloc(size)
	if err != nil {
		return err
	}
	e.arena = arena
	for i, info := range e.program.Slots[1:] {
		s := Slot(i + 1)
		if b, ok := e.memory.Bind[s]; ok {
			err = e.bound(s, info, b)
		} else if off, ok := offsets[s]; ok {
			e.slots[s] = arena.(*floats).data[off:]
		} else if info.Role == Fixed {
			var b Buffer
			if b, err = e.dev.Alloc(info.Rows * info.Cols); err == nil {
				e.fixed = append(e.fixed, b)
				e.slots[s] = b.(*floats).data
			}
		} else if info.Role == Weight {
			err = fmt.Errorf("the weight %s is not bound", info.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *exec) bound(s Slot, info SlotInfo, b Buffer) error {
	switch b := b.(type) {
	case *floats:
		if info.Rows > 0 && len(b.data) != info.Rows*info.Cols {
			return fmt.Errorf("%s is %d×%d and is bound to %d numbers", info.Name, info.Rows, info.Cols, len(b.data))
		}
		e.slots[s] = b.data
	case *loaded:
		if b.rows != info.Rows || b.cols != info.Cols {
			return fmt.Errorf("%s is %d×%d and is bound to a matrix of %d×%d", info.Name, info.Rows, info.Cols, b.rows, b.cols)
		}
		e.loaded[s] = b
	default:
		return fmt.Errorf("%s is bound to %T, which is not memory of this device", info.Name, b)
	}
	return nil
}

// Run sets up what the steps read of the batch and does them in order.
func (e *exec) Run(b *Batch) error {
	e.dev.mu.Lock()
	defer e.dev.mu.Unlock()
	if err := e.begin(b); err != nil {
		return fmt.Errorf("run a batch: %w", err)
	}
	for i := range e.steps {
		s := &e.steps[i]
		e.dev.pool.each(s.pieces(), s.do)
	}
	for _, g := range e.gradients {
		if *g.fresh { // no operation had rows for it
			clear(g.data)
		}
	}
	e.batch = nil
	return nil
}

// begin checks the batch against what the program was prepared for.
func (e *exec) begin(b *Batch) error {
	e.batch, e.rows, e.outputs = b, len(b.Tokens), len(b.Outputs)
	if e.rows > e.memory.Rows || e.outputs > e.memory.Outputs {
		return fmt.Errorf("%d rows and %d outputs where %d and %d were prepared", e.rows, e.outputs, e.memory.Rows, e.memory.Outputs)
	}
	e.positions, e.segment, e.start = e.positions[:0], e.segment[:0], e.start[:0]
	for i, s := range b.Segments {
		if s.Rows < 0 || s.Past < 0 || s.Past+s.Rows > e.program.Window {
			return fmt.Errorf("positions %d to %d lie outside the window of %d", s.Past, s.Past+s.Rows, e.program.Window)
		}
		if err := e.pages(s); err != nil {
			return err
		}
		e.start = append(e.start, int32(len(e.positions)))
		for j := range s.Rows {
			e.positions = append(e.positions, int32(s.Past+j))
			e.segment = append(e.segment, int32(i))
		}
	}
	if len(e.positions) != e.rows {
		return fmt.Errorf("the segments have %d rows and the batch %d tokens", len(e.positions), e.rows)
	}
	if e.targets && len(b.Targets) != e.rows || len(b.Scalars) < e.scalars {
		return fmt.Errorf("%d targets for %d rows, %d scalars of %d", len(b.Targets), e.rows, len(b.Scalars), e.scalars)
	}
	if b.Weights != nil && len(b.Weights) != e.rows {
		return fmt.Errorf("%d weights for %d rows", len(b.Weights), e.rows)
	}
	for _, g := range e.gradients {
		*g.fresh = b.Fresh
	}
	for _, r := range b.Outputs {
		if r < 0 || int(r) >= e.rows {
			return fmt.Errorf("output row %d of %d", r, e.rows)
		}
	}
	return nil
}

// pages checks that a segment's pages exist and are enough.
func (e *exec) pages(s Segment) error {
	if e.memory.Pages == nil {
		if s.Past != 0 {
			return fmt.Errorf("a segment goes on at %d without a cache", s.Past)
		}
		return nil
	}
	if len(s.Pages)*PageRows < s.Past+s.Rows {
		return fmt.Errorf("%d pages for %d tokens", len(s.Pages), s.Past+s.Rows)
	}
	for l, c := range e.program.Caches {
		size := c.PageLen(e.memory.Cache)
		for _, id := range s.Pages {
			if id < 0 || (int(id)+1)*size > e.memory.Pages[l].Len() {
				return fmt.Errorf("page %d does not exist", id)
			}
		}
	}
	return nil
}

// Read copies from a slot.
func (e *exec) Read(s Slot, offset int, dst []float32) error {
	if s <= None || int(s) >= len(e.slots) || offset < 0 || offset+len(dst) > len(e.slots[s]) {
		return fmt.Errorf("read [%d, %d) of slot %d", offset, offset+len(dst), s)
	}
	copy(dst, e.slots[s][offset:])
	return nil
}

func (e *exec) Free() {
	if e.arena != nil {
		e.arena.Free()
	}
	for _, b := range e.fixed {
		b.Free()
	}
	e.arena, e.fixed, e.slots = nil, nil, nil
}

// table is a view with its memory: rows of cols float32.
type table struct {
	data []float32 // from the view's first column on
	cols int
	View
}

func (e *exec) table(v View) table {
	if v.Slot == None {
		return table{}
	}
	return table{e.slots[v.Slot][v.Offset:], e.program.Slots[v.Slot].Cols, v}
}

// head returns one head of one row.
func (t *table) head(row, head int) []float32 {
	i := row*t.cols + head*t.Stride
	return t.data[i : i+t.Width : i+t.Width]
}

// from returns the memory from a row and head on, for strided kernels.
func (t *table) from(row, head int) []float32 { return t.data[row*t.cols+head*t.Stride:] }

// angles are the sines and cosines of every position, for one set of frequencies.
type angles struct {
	freqs    []float64
	pairs    int
	cos, sin []float32 // [window][pairs]
	minus    []float32 // −sin
}

// anglesOf returns the table for freqs, shared by all layers that use it.
// Angles are computed in float64: a float32 product would be off by 1e-4
// radians at position 2,000.
func (e *exec) anglesOf(freqs []float64) *angles {
	for _, a := range e.angles {
		if &a.freqs[0] == &freqs[0] {
			return a
		}
	}
	n := e.program.Window * len(freqs)
	a := &angles{freqs: freqs, pairs: len(freqs), cos: make([]float32, n), sin: make([]float32, n), minus: make([]float32, n)}
	for pos := range e.program.Window {
		for i, f := range freqs {
			sin, cos := math.Sincos(float64(pos) * f)
			at := pos*a.pairs + i
			a.cos[at], a.sin[at], a.minus[at] = float32(cos), float32(sin), float32(-sin)
		}
	}
	e.angles = append(e.angles, a)
	return a
}
