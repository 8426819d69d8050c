package corpus

import (
	"fmt"
	"sync"
)

// LoaderConfig says how a Loader cuts a Set into rows.
type LoaderConfig struct {
	Seed    uint64
	Rows    int       // rows a batch
	Window  int       // tokens a row
	Weights []float64 // of the sources, 0 leaves one out; nil: those of the shards
	Whole   bool      // do not cut a document that fits into a row: for dialogues
	Once    bool      // each document once, then rows of padding: for validation
	Limit   int64     // tokens after which an epoch ends with the document begun; 0: none
}

// Loader cuts a Set into rows of ids. Batch is a pure function of the Set, the
// configuration and the step: a run that goes on needs no state.
//
// An epoch holds each source's documents as often as its weight says (1.5: once
// or twice, three times in two epochs), all sources mixed, in an order of its
// own. They are laid end to end into rows, of which the last is padded, and the
// rows come in an order of their own too: a batch holds parts of many documents
// even where one fills thousands of rows. With Once the rows stay as they were laid. Memory: about a byte a row. A Loader may be used from several goroutines.
type Loader struct {
	set     *Set
	config  LoaderConfig
	mixture mixture
	first   int64 // rows of the first epoch
	uniform bool  // every epoch has as many

	mu     sync.Mutex
	ends   []int64 // rows up to the end of each epoch that has been laid out
	layout layout  // of the epoch last used
}

// Rows is what one step trains on. Row r's ids are Tokens[r*Window:][:Window].
type Rows struct {
	Window  int
	Tokens  []int32 // [rows][Window] ids; padding is the id that ends a document
	Targets []int32 // [rows][Window] the id to predict after each; -1: none
	// Starts holds for each row where documents start in it, ascending. The
	// first is 0, be it a document's start or the middle of one. Attention does
	// not cross a start. Padding is a document of its own.
	Starts [][]int32
}

// Epoch counts one epoch.
type Epoch struct {
	Rows      int64
	Documents int64
	Tokens    int64 // without padding
	Bytes     int64 // UTF-8 of the documents' texts
}

// NewLoader returns a loader of set. Without Once and Whole, an epoch that does
// not fill a batch is an error.
func NewLoader(set *Set, config LoaderConfig) (*Loader, error) {
	if config.Rows <= 0 || config.Window <= 0 {
		return nil, fmt.Errorf("load rows: %d rows of %d tokens make no batch", config.Rows, config.Window)
	}
	l := &Loader{set: set, config: config}
	if config.Weights == nil && !config.Once {
		l.config.Weights = set.weights
	}
	var whole bool
	var err error
	if l.mixture, whole, err = newMixture(config.Seed, set.sources, l.config.Weights); err != nil {
		return nil, fmt.Errorf("load rows: %w", err)
	}
	l.uniform = whole && !config.Whole && config.Limit == 0
	l.layout = l.lay(0)
	l.first = l.layout.Rows
	l.ends = []int64{l.first}
	if batch := int64(config.Rows) * int64(config.Window); l.layout.Tokens < batch && !config.Once && !config.Whole {
		return nil, fmt.Errorf("load rows: too little text: an epoch has %d tokens, and a batch of %d rows of %d holds %d: add text or make the batch smaller",
			l.layout.Tokens, config.Rows, config.Window, batch)
	}
	return l, nil
}

// Epoch returns the counts of epoch e, from 0.
func (l *Loader) Epoch(e int64) Epoch {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch(e).Epoch
}

// Epochs returns how many epochs n tokens of rows, padding included, make: an
// estimate where epochs differ in length.
func (l *Loader) Epochs(n int64) float64 {
	return float64(n) / float64(l.first*int64(l.config.Window))
}

// Steps returns how many batches n epochs make, the last perhaps not full.
func (l *Loader) Steps(n int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n <= 0 {
		return 0
	}
	b := int64(l.config.Rows)
	if l.uniform {
		return (n*l.first + b - 1) / b
	}
	for int64(len(l.ends)) < n {
		l.extend()
	}
	return (l.ends[n-1] + b - 1) / b
}

// Batch returns the rows of a step, from 0.
func (l *Loader) Batch(step int64) Rows {
	b, t := l.config.Rows, l.config.Window
	rows := Rows{Window: t, Tokens: make([]int32, b*t), Targets: make([]int32, b*t), Starts: make([][]int32, b)}
	for r := range b {
		rows.Starts[r] = l.Row(step*int64(b)+int64(r), rows.Tokens[r*t:][:t], rows.Targets[r*t:][:t])
	}
	return rows
}

// Row fills in row n of all epochs together, and returns where its documents
// start. tokens and targets are as long as the window.
func (l *Loader) Row(n int64, tokens, targets []int32) (starts []int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, row := l.locate(n)
	if e > 0 && l.config.Once {
		return l.pad(tokens, targets, 0, nil)
	}
	y := l.epoch(e)
	if !l.config.Once {
		row = y.rows.at(row)
	}
	from := y.marks[row/markEvery]
	for range row % markEvery {
		from, _ = l.fill(y, from, nil, nil)
	}
	_, starts = l.fill(y, from, tokens, targets)
	return starts
}

// locate returns the epoch of row n, and which of its rows that is.
func (l *Loader) locate(n int64) (epoch, row int64) {
	if l.uniform || l.config.Once {
		return n / l.first, n % l.first
	}
	for l.ends[len(l.ends)-1] <= n {
		l.extend()
	}
	e := len(l.ends) - 1 // rows are asked for in order, mostly
	for e > 0 && l.ends[e-1] > n {
		e--
	}
	if e > 0 {
		n -= l.ends[e-1]
	}
	return int64(e), n
}

// extend lays out the epoch after those whose ends are known.
func (l *Loader) extend() {
	e := len(l.ends)
	l.ends = append(l.ends, l.ends[e-1]+l.epoch(int64(e)).Rows)
}

// epoch returns the layout of epoch e.
func (l *Loader) epoch(e int64) *layout {
	if l.layout.number != e {
		l.layout = l.lay(e)
	}
	return &l.layout
}

// layout is the order of one epoch and where its rows begin.
type layout struct {
	Epoch
	number int64
	order  permutation // of the slots
	slots  int64       // that are used
	rows   permutation // of the rows
	marks  []cursor    // of every markEvery-th row
}

// cursor is a place in an epoch: a slot, and an id of the document in it.
type cursor struct{ slot, offset int64 }

// Every markEvery-th row's cursor (16 bytes) is kept; those between are found
// by walking.
const markEvery = 16

// lay walks through an epoch once.
func (l *Loader) lay(e int64) layout {
	y := layout{number: e, order: permute(l.mixture.slots, l.config.Seed, uint64(e)), slots: l.mixture.slots}
	for slot := range l.mixture.slots {
		x := l.document(&y, slot)
		y.Documents++
		y.Tokens += x.Len
		y.Bytes += int64(x.Bytes)
		if l.config.Limit > 0 && y.Tokens >= l.config.Limit {
			y.slots = slot + 1
			break
		}
	}
	for at := (cursor{}); at.slot < y.slots; y.Rows++ {
		if y.Rows%markEvery == 0 {
			y.marks = append(y.marks, at)
		}
		at, _ = l.fill(&y, at, nil, nil)
	}
	y.rows = permute(y.Rows, l.config.Seed, uint64(e), rowSeed)
	return y
}

// rowSeed makes the order of rows another than that of documents.
const rowSeed = 0x726f7773

// document returns the document in a slot.
func (l *Loader) document(y *layout, slot int64) Extent {
	return l.set.Extent(l.mixture.at(y.number, y.order.at(slot)))
}

// fill lays the row that begins at from into tokens and targets, where given,
// and returns where the next begins and where documents start in this one.
func (l *Loader) fill(y *layout, from cursor, tokens, targets []int32) (next cursor, starts []int32) {
	window := int64(l.config.Window)
	var pos int64
	for pos < window && from.slot < y.slots {
		x := l.document(y, from.slot)
		if l.config.Whole && pos > 0 && x.Len > window-pos {
			break
		}
		n := min(x.Len-from.offset, window-pos)
		if tokens != nil {
			starts = append(starts, int32(pos))
			at := x.Start + from.offset
			l.set.read(tokens[pos:pos+n], targets[pos:pos+n], at, x.Start+x.Len)
		}
		pos += n
		if from.offset += n; from.offset == x.Len {
			from = cursor{slot: from.slot + 1}
		}
	}
	if tokens != nil && pos < window {
		starts = l.pad(tokens, targets, pos, starts)
	}
	return from, starts
}

// pad fills the row from pos on.
func (l *Loader) pad(tokens, targets []int32, pos int64, starts []int32) []int32 {
	for i := pos; i < int64(len(tokens)); i++ {
		tokens[i], targets[i] = l.set.end, -1
	}
	return append(starts, int32(pos))
}
