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
	wake    []chan struct{} // one for each worker but the caller
	idle    []atomic.Bool   // that worker waits on its channel
	round   atomic.Uint32
	next    atomic.Int64
	busy    atomic.Int32
	pieces  int
	do      func(worker, piece int)
	closed  atomic.Bool
	done    sync.WaitGroup
}

// spins is how often a worker looks for the next round before it sleeps: about
// 20 µs, longer than the gap between two operations and too short to notice on
// an idle machine.
const spins = 20000

func newPool(threads int) *pool {
	p := &pool{threads: threads, wake: make([]chan struct{}, threads), idle: make([]atomic.Bool, threads)}
	for w := 1; w < threads; w++ {
		p.wake[w] = make(chan struct{}, 1)
		p.done.Add(1)
		go p.work(w)
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
		if p.idle[w].Swap(false) {
			p.wake[w] <- struct{}{}
		}
	}
	p.take(0)
	for n := 0; p.busy.Load() != 0; n++ {
		if n%64 == 63 {
			runtime.Gosched()
		}
	}
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
		p.await(worker, seen)
		if p.closed.Load() {
			p.busy.Add(-1)
			return
		}
		seen++
		p.take(worker)
		p.busy.Add(-1)
	}
}

// await returns when the round is past seen.
func (p *pool) await(worker int, seen uint32) {
	for n := 0; p.round.Load() == seen; n++ {
		if n < spins {
			continue
		}
		p.idle[worker].Store(true)
		if p.round.Load() != seen && p.idle[worker].Swap(false) {
			return
		}
		<-p.wake[worker]
		n = 0
	}
}

func (p *pool) close() {
	p.closed.Store(true)
	p.each(p.threads, func(int, int) {})
	p.done.Wait()
}
