package compute

import (
	"errors"

	"samovar/compute/kernel"
)

// cacheLayout is where keys and values lie in a page, head by head: a head's keys as
// [kernel.Scores] reads them; after all keys, a head's values row by row. Where values
// are columns of the keys, as in latent attention, there are only keys, row by row.
type cacheLayout struct {
	width        int  // float32 a token
	keys, values int  // float32 of a head's key and, from row to row, of its value
	first        int  // where the values begin
	shared       bool // values are columns of the keys
}

func layout(o Attention) cacheLayout {
	if o.K.Slot == o.V.Slot {
		return cacheLayout{width: o.K.Heads * o.K.Width, keys: o.K.Width, values: o.K.Width, first: o.V.Offset - o.K.Offset, shared: true}
	}
	return cacheLayout{
		width: o.K.Heads * (o.K.Width + o.V.Width), keys: o.K.Width, values: o.V.Width, first: PageRows * o.K.Heads * o.K.Width,
	}
}

// key is where a head's keys lie in a page, value where its values do.
func (c cacheLayout) key(head int) int   { return PageRows * head * c.keys }
func (c cacheLayout) value(head int) int { return c.first + PageRows*head*c.values }

// store puts a head's key and value into row i of a page.
func (c cacheLayout) store(page []float32, head, i int, key, value []float32) {
	keys := page[c.key(head):]
	if c.shared {
		copy(keys[i*c.keys:], key)
		return
	}
	kernel.StoreKey(keys, i, key)
	copy(page[c.value(head)+i*c.values:], value)
}

// scores sets the scores of n queries, stride apart, by all keys of a page.
func (c cacheLayout) scores(dst []float32, stride int, queries []float32, n int, page []float32, head int) {
	keys := page[c.key(head):]
	if !c.shared {
		kernel.Scores(dst, stride, queries, n, c.keys, keys)
		return
	}
	for q := range n {
		kernel.Dots(dst[q*stride:][:PageRows], queries[q*c.keys:][:c.keys], keys, c.keys)
	}
}

// CacheWidth is the number of float32 that attention keeps of each token.
func (o Attention) CacheWidth() int { return layout(o).width }

// page returns page i of the sequence of row r.
func (e *exec) page(pages []float32, c cacheLayout, r, i int) []float32 {
	size := PageRows * c.width
	return pages[int(e.batch.Segments[e.segment[r]].Pages[i])*size:][:size:size]
}

// tileQueries is how many queries a page is read for at once: enough that reading
// it costs little beside multiplying, few enough that their scores stay in cache.
const tileQueries = 8

// tileHeads is how many of them may be heads of one row that share keys, so that
// one row alone is still work for several threads.
const tileHeads = 4

// tile is rows of one segment, whose queries are computed together; count tiles
// from number before on are the segment's.
type tile struct{ first, rows, before, count int }

// tiles cuts the batch into tiles of so many rows at most.
func (e *exec) tiles(dst []tile, rows int) []tile {
	for i, s := range e.batch.Segments {
		t := tile{before: len(dst), count: (s.Rows + rows - 1) / rows}
		for r := 0; r < s.Rows; r += rows {
			t.first, t.rows = int(e.start[i])+r, min(rows, s.Rows-r)
			dst = append(dst, t)
		}
	}
	return dst
}

// attendPages is attention over a cache: first the batch's keys and values go
// into their pages, then each row of each head is computed, key by key in order,
// so that neither the batch nor the chunks of a prompt matter.
func (e *exec) attendPages(o Attention) ([]step, error) {
	pages, ok := e.memory.Pages[o.Cache].(*floats)
	if !ok {
		return nil, errors.New("the pages are not memory of this device")
	}
	c := layout(o)
	if c.width != e.program.Caches[o.Cache].Width {
		return nil, errors.New("the cache's width is not that of keys and values")
	}
	k, v := e.table(o.K), e.table(o.V)
	store := e.perRow(o.K.Slot, func(r int) {
		page, i := e.page(pages.data, c, r, int(e.positions[r])/PageRows), int(e.positions[r])%PageRows
		for h := range k.Heads {
			c.store(page, h, i, k.head(r, h), v.head(r, h))
		}
	})
	group := o.Q.Heads / o.K.Heads
	a := attendPages{exec: e, c: c, pages: pages.data, y: e.table(o.Y), q: e.table(o.Q), scale: o.Scale, group: group, heads: min(group, tileHeads)}
	rows := max(1, tileQueries/a.heads)
	parts := (group + a.heads - 1) / a.heads
	tiles := make([]tile, 0, e.memory.Rows)
	attend := step{
		pieces: func() int {
			tiles = e.tiles(tiles[:0], rows)
			return len(tiles) * k.Heads * parts
		},
		// A segment's pieces go through the tiles of one head before the next: they read
		// the same pages, and the next head's keys lie behind them.
		do: func(worker, piece int) {
			t := tiles[piece/(k.Heads*parts)]
			piece -= t.before * k.Heads * parts
			head := piece / t.count
			first := head % parts * a.heads
			a.tile(worker, tiles[t.before+piece%t.count], head/parts, first, min(a.heads, group-first))
		},
	}
	return []step{store, attend}, nil
}

// attendPages holds the operands of attention over pages.
type attendPages struct {
	*exec
	c            cacheLayout
	pages        []float32
	y, q         table
	scale        float32
	group, heads int // query heads of a head of keys, and of them in a tile
}

// tile computes heads of queries, from number first of those that share a head of
// keys, for some rows.
func (a *attendPages) tile(worker int, t tile, kv, first, heads int) {
	n, end := t.rows*heads, int(a.positions[t.first+t.rows-1])+1
	stride := (end + PageRows - 1) / PageRows * PageRows
	longest := (a.program.Window + PageRows - 1) / PageRows * PageRows
	scratch := a.dev.temporary(worker, tileQueries*(longest+a.q.Width+a.y.Width))
	scores, scratch := scratch[:n*stride], scratch[n*stride:]
	queries, out := scratch[:n*a.q.Width], scratch[n*a.q.Width:][:n*a.y.Width]
	for i := range n {
		copy(queries[i*a.q.Width:], a.q.head(t.first+i/heads, kv*a.group+first+i%heads))
	}
	for at := 0; at < end; at += PageRows {
		a.c.scores(scores[at:], stride, queries, n, a.page(a.pages, a.c, t.first, at/PageRows), kv)
	}
	for i := range n {
		row := scores[i*stride:][:a.positions[t.first+i/heads]+1]
		kernel.Scale(row, a.scale)
		kernel.Softmax(row)
	}
	clear(out)
	a.mix(out, scores, stride, t, kv, heads)
	for i := range n {
		copy(a.y.head(t.first+i/heads, kv*a.group+first+i%heads), out[i*a.y.Width:])
	}
}

// mix sums the values, each query's up to its own row: what all of them have
// together, then what only later rows have.
func (a *attendPages) mix(out, scores []float32, stride int, t tile, kv, heads int) {
	n, width := t.rows*heads, a.y.Width
	common := int(a.positions[t.first]) + 1
	end := common + t.rows - 1
	for at := 0; at < end; at += PageRows {
		values := a.page(a.pages, a.c, t.first, at/PageRows)[a.c.value(kv):]
		together := max(0, min(PageRows, common-at))
		kernel.Mix(out, n, width, scores[at:], stride, values, a.c.values, together)
		for i := range n {
			if more := min(PageRows, int(a.positions[t.first+i/heads])+1-at) - together; more > 0 {
				from := at + together
				kernel.Mix(out[i*width:], 1, width, scores[i*stride+from:], stride, values[together*a.c.values:], a.c.values, more)
			}
		}
	}
}
