package serve

import (
	"context"
	"errors"
	"slices"
	"sync"

	"samovar"
	"samovar/infer"
)

// turn is what the models of a server share: whoever holds it may use the
// device, which serves one goroutine at a time.
type turn struct {
	sync.Mutex
	meter samovar.Meter
	last  float64 // joules at the end of the last step
}

// joules is what has been used since the last call. The turn is held.
func (t *turn) joules() float64 {
	if t.meter == nil {
		return 0
	}
	before := t.last
	t.last = t.meter.Read().Joules
	return t.last - before
}

// worker runs an engine on a goroutine of its own, which sleeps while there is
// nothing to do.
type worker struct {
	engine *infer.Engine
	turn   *turn
	limit  int           // most sequences
	wake   chan struct{} // there are calls
	ended  chan struct{}

	mu      sync.Mutex
	calls   []func() // to be done between two steps
	load    int      // sequences taken on and not ended
	stopped bool

	places map[*infer.Sequence]place // of the goroutine alone
}

// place is which choice of which job a sequence is.
type place struct {
	job    *job
	choice int
}

// job is one request's sequences. Its owner reads notes as they come.
type job struct {
	worker    *worker
	sequences []*infer.Sequence // of the worker's goroutine
	ready     chan struct{}     // there are notes

	mu    sync.Mutex
	notes []note
}

// note is what one step did for one choice.
type note struct {
	infer.Event
	choice int
	joules float64
	cached int // tokens of the prompt that came from the cache
	err    error
}

var errBusy = errors.New("too many answers are in progress")

func newWorker(e *infer.Engine, t *turn, limit int) *worker {
	w := &worker{
		engine: e, turn: t, limit: limit, wake: make(chan struct{}, 1), ended: make(chan struct{}),
		places: map[*infer.Sequence]place{},
	}
	go w.run()
	return w
}

// do has f called by the worker's goroutine. It reports false, and f is never
// called, if the worker has been stopped.
func (w *worker) do(f func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return false
	}
	w.calls = append(w.calls, f)
	w.poke()
	return true
}

func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// stop ends the worker and fails what is in progress.
func (w *worker) stop() {
	w.mu.Lock()
	w.stopped = true
	w.poke()
	w.mu.Unlock()
	<-w.ended
}

// run is the goroutine.
func (w *worker) run() {
	defer close(w.ended)
	for {
		if w.engine.Idle() {
			<-w.wake
			w.turn.Lock()
			w.turn.joules() // what was used meanwhile is nobody's
			w.turn.Unlock()
		}
		w.mu.Lock()
		calls, stopped := w.calls, w.stopped
		w.calls = nil
		w.mu.Unlock()
		for _, f := range calls {
			f()
		}
		if stopped {
			w.fail(errClosed)
			return
		}
		w.step()
	}
}

// step has the engine take one step and passes on what came of it. The energy
// of the step is shared by the tokens computed.
func (w *worker) step() {
	w.turn.Lock()
	events, err := w.engine.Step()
	joules := w.turn.joules()
	w.turn.Unlock()
	if err != nil {
		w.fail(err)
		return
	}
	rows := 0
	for i := range events {
		rows += events[i].Rows
	}
	each := joules / float64(max(1, rows))
	for i := range events {
		ev := &events[i]
		p, ok := w.places[ev.Sequence]
		if !ok {
			continue
		}
		if ev.Finish != infer.Going {
			w.forget(ev.Sequence)
		}
		p.job.note(note{Event: keep(*ev), choice: p.choice, joules: each * float64(ev.Rows), cached: ev.Sequence.Cached(), err: ev.Err})
	}
}

// keep returns ev with memory of its own.
func keep(ev infer.Event) infer.Event {
	ev.Top, ev.Prompt = slices.Clone(ev.Top), slices.Clone(ev.Prompt)
	ev.Tops = slices.Clone(ev.Tops)
	for i := range ev.Tops {
		ev.Tops[i] = slices.Clone(ev.Tops[i])
	}
	return ev
}

// fail ends every sequence with err.
func (w *worker) fail(err error) {
	for s, p := range w.places {
		w.engine.Remove(s)
		w.forget(s)
		p.job.note(note{choice: p.choice, err: err})
	}
}

// forget drops a sequence that has ended.
func (w *worker) forget(s *infer.Sequence) {
	delete(w.places, s)
	w.mu.Lock()
	w.load--
	w.mu.Unlock()
}

// submit takes requests on as one job, all or none.
func (w *worker) submit(ctx context.Context, requests []infer.Request) (*job, error) {
	w.mu.Lock()
	if w.load > 0 && w.load+len(requests) > w.limit {
		w.mu.Unlock()
		return nil, errBusy
	}
	w.load += len(requests)
	w.mu.Unlock()
	j := &job{worker: w, ready: make(chan struct{}, 1)}
	result := make(chan error, 1)
	if !w.do(func() { result <- j.add(requests) }) {
		w.mu.Lock()
		w.load -= len(requests)
		w.mu.Unlock()
		return nil, errClosed
	}
	select {
	case err := <-result:
		if err != nil {
			return nil, err
		}
		return j, nil
	case <-ctx.Done():
		j.cancel()
		return nil, ctx.Err()
	}
}

// add is the part of submit that the worker's goroutine does.
func (j *job) add(requests []infer.Request) error {
	w := j.worker
	for i, r := range requests {
		s, err := w.engine.Add(r)
		if err != nil {
			j.remove()
			w.mu.Lock()
			w.load -= len(requests) - i
			w.mu.Unlock()
			return err
		}
		j.sequences = append(j.sequences, s)
		w.places[s] = place{j, i}
	}
	return nil
}

// remove ends all sequences that have not ended.
func (j *job) remove() {
	for _, s := range j.sequences {
		j.drop(s)
	}
}

func (j *job) drop(s *infer.Sequence) {
	if _, ok := j.worker.places[s]; ok {
		j.worker.engine.Remove(s)
		j.worker.forget(s)
	}
}

// cancel frees what the job holds. It may be called at any time, also twice.
func (j *job) cancel() { j.worker.do(j.remove) }

// end frees one choice, of which no more is wanted.
func (j *job) end(choice int) { j.worker.do(func() { j.drop(j.sequences[choice]) }) }

// note leaves a note for the job's owner. It never waits: a job has no more
// notes than its sequences have tokens.
func (j *job) note(n note) {
	j.mu.Lock()
	j.notes = append(j.notes, n)
	j.mu.Unlock()
	select {
	case j.ready <- struct{}{}:
	default:
	}
}

// take returns the notes that have come since the last call.
func (j *job) take() []note {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := j.notes
	j.notes = nil
	return n
}
