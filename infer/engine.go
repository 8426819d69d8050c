// Package infer generates: token ids in, token ids out. It batches sequences
// at different positions over pages of keys and values, shares the pages of
// equal prefixes, and samples.
//
// It refuses text, files, clocks and goroutines: whoever owns an [Engine] calls
// its methods from one goroutine at a time. A sequence's tokens depend on its
// request alone, never on what is computed beside it.
//
// Start with [Engine.Step].
package infer

import (
	"errors"
	"fmt"
	"strings"

	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/model"
)

// Options size an engine. The zero value is useful: its keys and values are F32, so
// that an engine's logits are those of the model as it was evaluated, and within 1e-5
// of other programs'. F16 takes half the memory, Q8_0 little more than a quarter; both
// change logits, and so answers, which [Engine.Numerics] tells.
type Options struct {
	Window      int           // most tokens of a sequence, answer included; 0 or more than the model's: the model's
	Sequences   int           // most sequences computed together; 0: 8
	PrefillRows int           // most tokens of prompts in one step; 0: 128, where matrix products are no longer bound by memory
	CacheBytes  int64         // keys and values; 0: Sequences full windows, at most 4 GiB but at least one window
	Cache       kernel.Format // how keys and values are kept: F32, F16 or Q8_0
	Draft       *Engine       // of a smaller model with the same vocabulary, which guesses where Lookup finds nothing; it is not this engine's to close
	Lookup      int           // most tokens guessed at once from what a sequence has said before; 0: 16; negative: none
}

// Engine runs one model for any number of sequences.
type Engine struct {
	device     compute.Device
	exec       compute.Exec
	logits     compute.Slot
	window     int
	vocabulary int
	sequences  int
	prefill    int
	outputs    int // most rows with logits in one step
	lookup     int // most tokens guessed for a sequence
	draft      *Engine
	cache      kernel.Format
	buffers    []compute.Buffer
	pool       *pool

	active  []*Sequence // in the order that they came
	waiting []*Sequence

	batch   compute.Batch
	reading []prefix // pages that this step begins to compute
	sampler sampler
	row     []float32 // logits of one output
	raw     []float32 // the same, kept while the sampler changes row
	events  []Event
	scores  []Score // what events point to, as likely and tops
	likely  []Score
	tops    [][]Score
	broken  error // why the device stopped

	observe func(s *Sequence, position int, logits []float32) // for tests
}

// ErrBroken is wrapped by the errors of an engine whose device has failed.
var ErrBroken = errors.New("the device failed")

// promptOutputs is how many of a step's rows may be scored beside one for each
// sequence: at a vocabulary of 150,000 their logits take 20 MB.
const promptOutputs = 32

// New prepares a model on a device. weights are the model's tensors by their
// names in GGUF; they stay the caller's, who frees them after Close.
func New(dev compute.Device, c model.Config, weights map[string]compute.Buffer, o Options) (*Engine, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if o.Window > 0 && o.Window < c.Window {
		c.Window = o.Window
	}
	if o.Sequences <= 0 {
		o.Sequences = 8
	}
	if o.PrefillRows <= 0 {
		o.PrefillRows = 128
	}
	if o.Lookup == 0 {
		o.Lookup = 16
	}
	if !o.Cache.Kept() {
		return nil, fmt.Errorf("keep keys and values as %v: F32, F16 and Q8_0 are possible", o.Cache)
	}
	program, logits := c.Serving()
	e := &Engine{
		device: dev, logits: logits, window: c.Window, vocabulary: c.Vocabulary,
		sequences: o.Sequences, prefill: min(o.PrefillRows, c.Window), row: make([]float32, c.Vocabulary), raw: make([]float32, c.Vocabulary),
	}
	e.outputs = o.Sequences + min(promptOutputs, e.prefill)
	e.lookup, e.cache = max(0, o.Lookup), o.Cache
	e.reserve()
	if err := e.setDraft(o.Draft); err != nil {
		return nil, err
	}
	if err := e.allocate(program, o.CacheBytes); err != nil {
		e.Close()
		return nil, err
	}
	bind := map[compute.Slot]compute.Buffer{}
	var missing error
	program.Weights(func(s compute.Slot, info compute.SlotInfo) {
		b, ok := weights[info.Name]
		if !ok && missing == nil {
			missing = fmt.Errorf("prepare the model: its weights have no tensor %s", info.Name)
		}
		bind[s] = b
	})
	if missing != nil {
		e.Close()
		return nil, missing
	}
	var err error
	e.exec, err = dev.Prepare(program, compute.Memory{
		Rows: e.prefill + e.sequences, Outputs: e.outputs, Bind: bind, Pages: e.buffers, Cache: e.cache,
	})
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("prepare the model: %w", err)
	}
	return e, nil
}

// reserve makes what a step fills as large as it can become.
func (e *Engine) reserve() {
	rows := e.prefill + e.sequences
	e.batch.Tokens, e.batch.Segments = make([]int32, 0, rows), make([]compute.Segment, 0, e.sequences)
	e.batch.Outputs, e.events = make([]int32, 0, e.outputs), make([]Event, 0, e.outputs)
	e.scores, e.tops = make([]Score, 0, e.outputs), make([][]Score, 0, e.outputs)
	e.likely = make([]Score, 0, e.outputs*MaxTop)
	e.reading = make([]prefix, 0, e.sequences)
}

// defaultCache bounds the cache if Options do not: enough for eight windows of
// 1,024 tokens of any model that fits this memory, and lent, not touched, until used.
const defaultCache = 4 << 30

// allocate makes the pages.
func (e *Engine) allocate(p *compute.Program, bytes int64) error {
	var pageBytes int64
	for _, c := range p.Caches {
		pageBytes += 4 * int64(c.PageLen(e.cache))
	}
	window := int64(pagesOf(e.window))
	pages := int64(e.sequences) * window
	switch {
	case bytes > 0:
		pages = min(pages, bytes/pageBytes)
	case pages*pageBytes > defaultCache:
		pages = max(window, defaultCache/pageBytes)
	}
	if pages < window {
		return fmt.Errorf("a window of %d tokens needs %d MB of cache and %d MB are allowed: lower the window, allow more or keep keys and values in fewer bits",
			e.window, window*pageBytes>>20, bytes>>20)
	}
	for i, c := range p.Caches {
		b, err := e.device.Alloc(int(pages) * c.PageLen(e.cache))
		if err != nil {
			return fmt.Errorf("allocate the cache of layer %d, %d pages: %w", i, pages, err)
		}
		e.buffers = append(e.buffers, b)
	}
	e.pool = newPool(int(pages))
	return nil
}

// Close gives back the engine's memory. Sequences that have not ended are lost.
func (e *Engine) Close() {
	if e.exec != nil {
		e.exec.Free()
	}
	for _, b := range e.buffers {
		b.Free()
	}
	e.exec, e.buffers, e.active, e.waiting = nil, nil, nil, nil
}

// Window is the most tokens of a sequence, answer included.
func (e *Engine) Window() int { return e.window }

// Numerics names how the engine's device rounds and, unless it is F32, how keys and
// values are kept: "fp32-avx2" or "fp32-avx2-q8_0-cache".
func (e *Engine) Numerics() string {
	if e.cache == kernel.F32 {
		return e.device.Numerics()
	}
	return e.device.Numerics() + "-" + strings.ToLower(e.cache.String()) + "-cache"
}

// Load returns how many sequences are being computed and how many wait.
func (e *Engine) Load() (active, waiting int) { return len(e.active), len(e.waiting) }

// Idle reports whether Step would do nothing.
func (e *Engine) Idle() bool { return len(e.active)+len(e.waiting) == 0 }

// Add takes a request on. Its sequence waits until there is room.
func (e *Engine) Add(r Request) (*Sequence, error) {
	if e.broken != nil {
		return nil, e.broken
	}
	if err := e.check(&r); err != nil {
		return nil, err
	}
	s := e.newSequence(r)
	e.waiting = append(e.waiting, s)
	return s, nil
}

// Remove ends a sequence before its time; one that has ended is left alone.
func (e *Engine) Remove(s *Sequence) {
	switch s.state {
	case waiting:
		e.waiting = without(e.waiting, s)
	case active:
		e.active = without(e.active, s)
		e.release(s)
	}
	s.state = gone
}

func without(list []*Sequence, s *Sequence) []*Sequence {
	for i, other := range list {
		if other == s {
			copy(list[i:], list[i+1:])
			list[len(list)-1] = nil
			return list[:len(list)-1]
		}
	}
	return list
}

// release gives back a sequence's pages, the last first, so that a page is
// idle for longer than those before it.
func (e *Engine) release(s *Sequence) {
	e.pool.promised -= cap(s.pages) - len(s.pages)
	for i := len(s.pages) - 1; i >= 0; i-- {
		e.pool.drop(s.pages[i])
	}
	s.pages = nil
	if s.shadow != nil {
		e.draft.release(s.shadow)
		s.shadow = nil
	}
}

// Generate adds a request and steps until its sequence has ended or say
// returns false. Other sequences go on meanwhile; their events are lost.
func (e *Engine) Generate(r Request, say func(Event) bool) error {
	s, err := e.Add(r)
	if err != nil {
		return err
	}
	defer e.Remove(s)
	for s.state != gone {
		events, err := e.Step()
		if err != nil {
			return err
		}
		for _, ev := range events {
			if ev.Sequence != s {
				continue
			}
			if ev.Err != nil {
				return ev.Err
			}
			if !say(ev) {
				return nil
			}
		}
	}
	return nil
}
