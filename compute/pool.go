package compute

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// pool is a fixed set of workers that share out pieces of work. Which worker
// takes which piece is left to chance; results must not depend on it. Nobody waits
// for a worker that has taken no piece: it may be without a processor.
type pool struct {
	threads int
	spins   bool            // workers look for work for a while before they sleep
	wake    []chan struct{} // one for each worker; wake[0] is the caller's
	asleep  []atomic.Bool   // that worker waits on its channel, or is about to
	work    atomic.Uint64   // how many pieces there are, in the high half, and how many are taken
	left    atomic.Int64    // pieces that are not done
	do      func(worker, piece int)
	closed  atomic.Bool
	done    sync.WaitGroup
}

// How a worker waits. It looks for work as often as brisk without pause, some
// microseconds: longer than the gap between two operations. Then it lets other
// goroutines run between looks, as often as patient, some milliseconds: longer than the
// gap between two tokens, so that nobody is woken while an answer is produced. Then it
// sleeps, so that an idle machine is idle. With more threads than processors nobody
// looks twice.
const (
	brisk   = 4000
	patient = 10000
	looks   = 16 // between two of letting others run
)

func newPool(threads int) *pool {
	p := &pool{threads: threads, wake: make([]chan struct{}, threads), asleep: make([]atomic.Bool, threads)}
	p.spins = threads <= runtime.GOMAXPROCS(0) && threads <= runtime.NumCPU()
	for w := range threads {
		p.wake[w] = make(chan struct{}, 1)
		if w > 0 {
			p.done.Go(func() { p.serve(w) })
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
	p.do = do
	p.left.Store(int64(pieces))
	p.work.Store(uint64(pieces) << 32)
	for w := 1; w < p.threads; w++ {
		p.rouse(w)
	}
	p.take(0)
	p.await(0, func() bool { return p.left.Load() == 0 })
}

// open reports whether there are pieces that nobody has taken.
func open(work uint64) bool { return uint32(work) < uint32(work>>32) }

// take works until no piece is left. While a piece is taken and not done, do is what
// it belongs to.
func (p *pool) take(worker int) {
	for open(p.work.Load()) {
		work := p.work.Add(1) - 1
		if !open(work) {
			return
		}
		p.do(worker, int(uint32(work)))
		if p.left.Add(-1) == 0 && worker != 0 {
			p.rouse(0)
		}
	}
}

// serve is the life of a worker other than the caller.
func (p *pool) serve(worker int) {
	for !p.closed.Load() {
		p.await(worker, func() bool { return open(p.work.Load()) || p.closed.Load() })
		p.take(worker)
	}
}

// await returns when news holds: it looks for a while, then sleeps until roused.
func (p *pool) await(worker int, news func() bool) {
	for !p.look(news) {
		p.asleep[worker].Store(true)
		if !news() || !p.asleep[worker].Swap(false) {
			<-p.wake[worker]
		}
	}
}

// look reports whether news came while it was looked for.
func (p *pool) look(news func() bool) bool {
	if !p.spins {
		return news()
	}
	for range brisk {
		if news() {
			return true
		}
	}
	for range patient {
		if p.threads > runtime.GOMAXPROCS(0) { // a smaller share of the machine than at the start
			return news()
		}
		runtime.Gosched()
		for range looks {
			if news() {
				return true
			}
		}
	}
	return false
}

// rouse wakes a worker that sleeps. What it waits for has been stored before,
// so that it either sees the news or is woken.
func (p *pool) rouse(worker int) {
	if p.asleep[worker].Load() && p.asleep[worker].Swap(false) {
		p.wake[worker] <- struct{}{}
	}
}

// close ends the workers.
func (p *pool) close() {
	p.closed.Store(true)
	for w := 1; w < p.threads; w++ {
		p.rouse(w)
	}
	p.done.Wait()
}
