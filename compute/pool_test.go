package compute

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// TestPool has every piece of many rounds done once, by workers that are awake and by
// workers that sleep, with as many processors as threads and with fewer.
func TestPool(t *testing.T) {
	for _, c := range []struct{ threads, processors int }{{1, 1}, {2, 2}, {2, 1}, {5, 2}} {
		before := runtime.GOMAXPROCS(c.processors)
		p := newPool(c.threads)
		for round := range 60 {
			if round%20 == 0 {
				p.doze()
			}
			var done [7]atomic.Int32
			pieces := round % (len(done) + 1)
			p.each(pieces, func(worker, piece int) {
				if worker < 0 || worker >= c.threads {
					t.Errorf("worker %d of %d", worker, c.threads)
				}
				done[piece].Add(1)
			})
			for i := range done {
				want := int32(0)
				if i < pieces {
					want = 1
				}
				if n := done[i].Load(); n != want {
					t.Fatalf("%d threads, round %d of %d pieces: piece %d was done %d times", c.threads, round, pieces, i, n)
				}
			}
		}
		p.doze()
		p.close()
		runtime.GOMAXPROCS(before)
	}
}

// doze returns when all workers sleep, which they do where there is nothing to do.
func (p *pool) doze() {
	for w := 1; w < p.threads; w++ {
		for !p.asleep[w].Load() {
			runtime.Gosched()
		}
	}
}

func BenchmarkPool(b *testing.B) {
	p := newPool(runtime.GOMAXPROCS(0))
	defer p.close()
	for b.Loop() {
		p.each(p.threads, func(int, int) {})
	}
}
