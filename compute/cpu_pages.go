package compute

import (
	"errors"
	"slices"

	"samovar/compute/kernel"
)

// cacheLayout is where keys and values lie in a page, head by head: first each head's
// keys, in columns as [kernel.Scores] reads them; after all keys, each head's values in
// rows. Where values are columns of the keys there are only keys, in rows.
type cacheLayout struct {
	Cache
	format kernel.Format
	first  int // of a key's columns, where values are made of them
}

func (o Attention) layout(format kernel.Format) cacheLayout {
	return cacheLayout{Cache: o.Kept(), format: format, first: o.V.Offset - o.K.Offset}
}

// Kept is what attention keeps of each token.
func (o Attention) Kept() Cache {
	if o.K.Slot == o.V.Slot {
		return Cache{Heads: o.K.Heads, Key: o.K.Width}
	}
	return Cache{Heads: o.K.Heads, Key: o.K.Width, Value: o.V.Width}
}

// PageLen is the size of a page in a format, in float32.
func (c Cache) PageLen(format kernel.Format) int {
	return c.Heads * (format.PageLen(c.Key) + format.PageLen(c.Value))
}

// key is where a head's keys lie in a page, value where its values do.
func (c cacheLayout) key(head int) int { return head * c.format.PageLen(c.Key) }
func (c cacheLayout) value(head int) int {
	return c.key(c.Heads) + head*c.format.PageLen(c.Value)
}

// store puts a head's key and value into row i of a page.
func (c cacheLayout) store(page []float32, head, i int, key, value []float32) {
	keys := page[c.key(head):]
	if c.Value == 0 {
		kernel.Store(c.format, keys, kernel.Rows, i, key)
		return
	}
	kernel.Store(c.format, keys, kernel.Columns, i, key)
	kernel.Store(c.format, page[c.value(head):], kernel.Rows, i, value)
}

// room is how many float32 scores and rows need to widen a head's part of a page.
func (c cacheLayout) room() int {
	if c.format == kernel.F32 {
		return 0
	}
	return PageRows * max(c.Key, c.Value)
}

// scores sets the scores of n queries, stride apart, by all keys of a page.
func (c cacheLayout) scores(dst []float32, stride int, queries []float32, n int, room, page []float32, head int) {
	page = page[c.key(head):]
	if c.Value != 0 {
		format := c.format
		if !kernel.Direct(format, n, c.Key) {
			page, format = kernel.Widen(format, room, page, kernel.Columns, c.Key), kernel.F32
		}
		kernel.Scores(format, dst, stride, queries, n, c.Key, page)
		return
	}
	keys := kernel.Widen(c.format, room, page, kernel.Rows, c.Key)
	for q := range n {
		kernel.Dots(dst[q*stride:][:PageRows], queries[q*c.Key:][:c.Key], keys, c.Key)
	}
}

// rows returns a head's values in a page, and how far one is from the next.
func (c cacheLayout) rows(room, page []float32, head int) (values []float32, apart int) {
	if c.Value != 0 {
		return kernel.Widen(c.format, room, page[c.value(head):], kernel.Rows, c.Value), c.Value
	}
	return kernel.Widen(c.format, room, page[c.key(head):], kernel.Rows, c.Key)[c.first:], c.Key
}

// page returns page i of the sequence of row r.
func (e *exec) page(pages []float32, c cacheLayout, r, i int) []float32 {
	size := c.PageLen(c.format)
	return pages[int(e.batch.Segments[e.segment[r]].Pages[i])*size:][:size:size]
}

// tileQueries is how many queries a page is read for at once: enough that reading
// it costs little beside multiplying, few enough that their scores stay in cache.
const tileQueries = 8

// tileHeads returns how many of them are heads of one row: all that share keys, so that
// these are read once, but not so many that one row alone leaves threads without work.
func tileHeads(group, keys, threads int) int {
	heads := min(group, tileQueries)
	for heads > 1 && keys*((group+heads-1)/heads) < threads {
		heads = (heads + 1) / 2
	}
	return heads
}

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
// so that neither the batch nor the chunks of a prompt matter. Where nobody else needs
// them, as in answers, whoever computes a head also puts away its keys and values.
func (e *exec) attendPages(o Attention) ([]step, error) {
	pages, ok := e.memory.Pages[o.Cache].(*floats)
	if !ok {
		return nil, errors.New("the pages are not memory of this device")
	}
	c := o.layout(e.memory.Cache)
	if c.Cache != e.program.Caches[o.Cache] {
		return nil, errors.New("the cache is not one for these keys and values")
	}
	group := o.Q.Heads / o.K.Heads
	a := attendPages{
		exec: e, c: c, pages: pages.data, y: e.table(o.Y), q: e.table(o.Q), k: e.table(o.K), v: e.table(o.V),
		scale: o.Scale, group: group, heads: tileHeads(group, o.K.Heads, e.dev.pool.threads),
	}
	rows := max(1, tileQueries/a.heads)
	parts := (group + a.heads - 1) / a.heads
	e.dev.reserve(a.room())
	tiles := make([]tile, 0, e.memory.Rows)
	alone := false // no piece reads what another one puts away
	store := e.perRow(o.K.Slot, func(r int) {
		for h := range a.k.Heads {
			a.store(r, h)
		}
	})
	rowBlocks := store.pieces
	store.pieces = func() int {
		tiles = e.tiles(tiles[:0], rows)
		if alone = parts == 1 && !slices.ContainsFunc(tiles, func(t tile) bool { return t.count > 1 }); alone {
			return 0
		}
		return rowBlocks()
	}
	attend := step{
		pieces: func() int { return len(tiles) * a.k.Heads * parts },
		// A segment's pieces go through the tiles of one head before the next: they read
		// the same pages, and the next head's keys lie behind them.
		do: func(worker, piece int) {
			t := tiles[piece/(a.k.Heads*parts)]
			piece -= t.before * a.k.Heads * parts
			t, head := tiles[t.before+piece%t.count], piece/t.count
			if alone {
				for r := range t.rows {
					a.store(t.first+r, head)
				}
			}
			first := head % parts * a.heads
			a.tile(worker, t, head/parts, first, min(a.heads, group-first))
		},
	}
	return []step{store, attend}, nil
}

// store puts a head's key and value of a row into its page.
func (a *attendPages) store(r, head int) {
	at := int(a.positions[r])
	a.c.store(a.page(a.pages, a.c, r, at/PageRows), head, at%PageRows, a.k.head(r, head), a.v.head(r, head))
}

// attendPages holds the operands of attention over pages.
type attendPages struct {
	*exec
	c            cacheLayout
	pages        []float32
	y, q, k, v   table
	scale        float32
	group, heads int // query heads of a head of keys, and of them in a tile
}

// room is how many float32 a tile takes: scores, queries and results, and what is
// widened.
func (a *attendPages) room() int {
	longest := (a.program.Window + PageRows - 1) / PageRows * PageRows
	return tileQueries*(longest+a.q.Width+a.y.Width) + a.c.room()
}

// tile computes heads of queries, from number first of those that share a head of
// keys, for some rows.
func (a *attendPages) tile(worker int, t tile, kv, first, heads int) {
	n, end := t.rows*heads, int(a.positions[t.first+t.rows-1])+1
	stride := (end + PageRows - 1) / PageRows * PageRows
	scratch := a.dev.temporary(worker, a.room())
	room, scratch := scratch[:a.c.room()], scratch[a.c.room():]
	scores, scratch := scratch[:n*stride], scratch[n*stride:]
	queries, out := scratch[:n*a.q.Width], scratch[n*a.q.Width:][:n*a.y.Width]
	for i := range n {
		copy(queries[i*a.q.Width:], a.q.head(t.first+i/heads, kv*a.group+first+i%heads))
	}
	for at := 0; at < end; at += PageRows {
		a.c.scores(scores[at:], stride, queries, n, room, a.page(a.pages, a.c, t.first, at/PageRows), kv)
	}
	for i := range n {
		row := scores[i*stride:][:a.positions[t.first+i/heads]+1]
		kernel.Scale(row, a.scale)
		kernel.Softmax(row)
	}
	clear(out)
	a.mix(out, room, scores, stride, t, kv, heads)
	for i := range n {
		copy(a.y.head(t.first+i/heads, kv*a.group+first+i%heads), out[i*a.y.Width:])
	}
}

// mix sums the values, each query's up to its own row: what all of them have
// together, then what only later rows have.
func (a *attendPages) mix(out, room, scores []float32, stride int, t tile, kv, heads int) {
	n, width := t.rows*heads, a.y.Width
	common := int(a.positions[t.first]) + 1
	end := common + t.rows - 1
	for at := 0; at < end; at += PageRows {
		page := a.page(a.pages, a.c, t.first, at/PageRows)
		if t.rows == 1 && a.c.Value != 0 && kernel.Direct(a.c.format, n, width) {
			kernel.Mix(a.c.format, out, n, width, scores[at:], stride, page[a.c.value(kv):], width, min(PageRows, end-at))
			continue
		}
		values, apart := a.c.rows(room, page, kv)
		together := max(0, min(PageRows, common-at))
		kernel.Mix(kernel.F32, out, n, width, scores[at:], stride, values, apart, together)
		for i := range n {
			if more := min(PageRows, int(a.positions[t.first+i/heads])+1-at) - together; more > 0 {
				from := at + together
				kernel.Mix(kernel.F32, out[i*width:], 1, width, scores[i*stride+from:], stride, values[together*apart:], apart, more)
			}
		}
	}
}
