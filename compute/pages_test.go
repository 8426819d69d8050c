package compute_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"samovar/compute"
	"samovar/compute/kernel"
)

var caches = []kernel.Format{kernel.F32, kernel.F16, kernel.Q8_0}

// heads is the shape of one attention; without a value its values are columns of keys.
type heads struct{ queries, keys, key, value int }

// paged is attention alone, over pages in a format.
type paged struct {
	compute.Exec
	y     compute.Slot
	batch compute.Batch
}

// newPaged prepares attention of that shape for one sequence of at most window tokens
// and batches of so many rows. Of each token's query, key and value all numbers are
// number.
func newPaged(t testing.TB, dev compute.Device, h heads, cache kernel.Format, window, rows int, number float32) *paged {
	t.Helper()
	b := &builder{}
	q, k := b.input(h.queries*h.key), b.input(h.keys*h.key)
	o := compute.Attention{Q: b.Heads(q, h.queries), K: b.Heads(k, h.keys), Scale: 1}
	if h.value > 0 {
		o.V = b.Heads(b.input(h.keys*h.value), h.keys)
	} else {
		o.V = o.K.Part(0, h.key/2)
	}
	y := b.token(h.queries * o.V.Width)
	o.Y = b.Heads(y, h.queries)
	b.Do(o)
	b.Window, b.Caches, b.Keep = window, []compute.Cache{o.Kept()}, []compute.Slot{y}
	m := compute.Memory{Rows: rows, Bind: map[compute.Slot]compute.Buffer{}, Cache: cache}
	b.Weights(func(s compute.Slot, info compute.SlotInfo) {
		w := make([]float32, info.Rows*info.Cols)
		for i := range w {
			w[i] = number
		}
		m.Bind[s] = alloc(t, dev, len(w))
		write(t, m.Bind[s], w)
	})
	pages := (window + compute.PageRows - 1) / compute.PageRows
	m.Pages = []compute.Buffer{alloc(t, dev, pages*b.Caches[0].PageLen(cache))}
	write(t, m.Pages[0], make([]float32, m.Pages[0].Len())) // memory is there once it has been written to
	p := &paged{Exec: prepare(t, dev, &b.Program, m), y: y, batch: compute.Batch{Tokens: make([]int32, rows), Segments: []compute.Segment{{Rows: rows}}}}
	for i := range pages {
		p.batch.Segments[0].Pages = append(p.batch.Segments[0].Pages, int32(i))
	}
	return p
}

// TestPagesOverflow asserts that keys and values beyond what a format holds make no
// result infinite: it is the largest number there is.
func TestPagesOverflow(t *testing.T) {
	dev := open(t, 1)
	for _, h := range []heads{{2, 1, 32, 32}, {2, 1, 10, 6}, {2, 1, 40, 0}} {
		for cache, want := range map[kernel.Format]float32{kernel.F32: 1e10, kernel.F16: 65504, kernel.Q8_0: 127 * 65504} {
			p := newPaged(t, dev, h, cache, 40, 40, 1e10)
			run(t, p, &p.batch)
			y := make([]float32, 40*h.queries)
			if err := p.Read(p.y, 0, y); err != nil {
				t.Fatal(err)
			}
			for _, v := range y {
				if math.Abs(float64(v/want)-1) > 1e-5 {
					t.Fatalf("%+v, %v: %g becomes %g, want %g", h, cache, 1e10, v, want)
				}
			}
		}
	}
}

func TestPagesRefused(t *testing.T) {
	b := &builder{}
	b.input(1)
	_, err := open(t, 1).Prepare(&b.Program, compute.Memory{Cache: kernel.Q4_0})
	if err == nil || !strings.Contains(err.Error(), "Q4_0: F32, F16 and Q8_0 are kept") {
		t.Errorf("pages of Q4_0: %v", err)
	}
}

// BenchmarkPages is attention of the last rows of a sequence, in one layer of llama2.c's
// largest model and of TinyLlama. GB/s are those of the cache.
func BenchmarkPages(b *testing.B) {
	for _, h := range []heads{{12, 12, 64, 64}, {32, 4, 64, 64}} {
		for _, rows := range []int{1, 64} {
			for _, n := range []int{512, 4096, 32768} {
				for _, cache := range caches {
					b.Run(fmt.Sprintf("%dx%d/rows=%d/%d/%v", h.queries, h.keys, rows, n, cache), func(b *testing.B) {
						p := newPaged(b, open(b, 0), h, cache, n, rows, 0)
						p.batch.Segments[0].Past = n - rows
						run(b, p, &p.batch) // the first run allocates what is temporary
						b.ReportAllocs()
						for b.Loop() {
							run(b, p, &p.batch)
						}
						bytes := n / compute.PageRows * 4 * h.keys * (cache.PageLen(h.key) + cache.PageLen(h.value))
						b.ReportMetric(float64(bytes)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
					})
				}
			}
		}
	}
}
