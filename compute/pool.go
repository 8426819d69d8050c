package compute

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// pool is a fixed set of workers that share out pieces of work. Which worker
// takes which piece is left to chance; results must not depend on it.
type pool struct {
	threads int
	spins   int             // how often to look for news before sleeping
	wake    []chan struct{} // one for each worker; wake[0] is the caller's
	asleep  []atomic.Bool   // that worker waits on its channel, or is about to
	round   atomic.Uint32
	next    atomic.Int64
	busy    atomic.Int32 // workers that have not finished the round
	pieces  int
	do      func(worker, piece int)
	closed  atomic.Bool
	done    sync.WaitGroup
}

// patience is how often a worker looks for news before it sleeps: some 10 µs,
// longer than the gap between two operations and too short to notice on an idle
// machine. With more threads than processors nobody spins, for the one waited
// for may be the one that has no processor.
const patience = 10000

func newPool(threads int) *pool {
	p := &pool{threads: threads, wake: make([]chan struct{}, threads), asleep: make([]atomic.Bool, threads)}
	if threads <= runtime.GOMAXPROCS(0) && threads <= runtime.NumCPU() {
		p.spins = patience
	}
	for w := range threads {
		p.wake[w] = make(chan struct{}, 1)
		if w > 0 {
			p.done.Add(1)
			go p.work(w)
		}
	}
	return p
}

// each calls do for every piece in [0, pieces) and returns when all are done.
func (p *pool) each(pieces int, do func(worker, piece int)) {
	if pieces <= 1 || p.threads == 1 {
		for i := range pieces {
			do(0, i)
		}
		return
	}
	p.pieces, p.do = pieces, do
	p.next.Store(0)
	p.busy.Store(int32(p.threads - 1))
	p.round.Add(1)
	for w := 1; w < p.threads; w++ {
		p.rouse(w)
	}
	p.take(0)
	p.await(0, func() bool { return p.busy.Load() == 0 })
}

// take works until no piece is left.
func (p *pool) take(worker int) {
	for {
		i := int(p.next.Add(1)) - 1
		if i >= p.pieces {
			return
		}
		p.do(worker, i)
	}
}

func (p *pool) work(worker int) {
	defer p.done.Done()
	for seen := uint32(0); ; {
		p.await(worker, func() bool { return p.round.Load() != seen })
		seen++
		closed := p.closed.Load()
		if !closed {
			p.take(worker)
		}
		if p.busy.Add(-1) == 0 {
			p.rouse(0)
		}
		if closed {
			return
		}
	}
}

// await returns when news holds: it looks for a while, then sleeps until roused.
func (p *pool) await(worker int, news func() bool) {
	for n := 0; !news(); n++ {
		if n < p.spins {
			continue
		}
		p.asleep[worker].Store(true)
		if !news() || !p.asleep[worker].Swap(false) {
			<-p.wake[worker]
		}
		n = 0
	}
}

// rouse wakes a worker that sleeps. What it waits for has been stored before,
// so that it either sees the news or is woken.
func (p *pool) rouse(worker int) {
	if p.asleep[worker].Swap(false) {
		p.wake[worker] <- struct{}{}
	}
}

func (p *pool) close() {
	if p.threads > 1 {
		p.closed.Store(true)
		p.each(p.threads, func(int, int) {})
		p.done.Wait()
	}
}
