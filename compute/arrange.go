package compute

import (
	"slices"
	"sort"
)

// span is the operations between which a slot must keep its memory.
type span struct {
	slot        Slot
	first, last int
	size        int // float32
	offset      int
}

// arrange gives every Token and Output slot that is not bound a place in one
// arena, so that slots share memory when no operation needs both. It returns
// the offsets and the arena's size in float32. Larger slots are placed first,
// each at the lowest offset where it fits.
func arrange(p *Program, m Memory) (offsets map[Slot]int, size int) {
	spans := spans(p, m)
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].size > spans[j].size })
	offsets = map[Slot]int{}
	var placed []*span // by offset
	for i := range spans {
		s := &spans[i]
		for _, o := range placed {
			if o.first <= s.last && s.first <= o.last && s.offset < o.offset+o.size && o.offset < s.offset+s.size {
				s.offset = o.offset + o.size
			}
		}
		at := sort.Search(len(placed), func(i int) bool { return placed[i].offset > s.offset })
		placed = append(placed[:at], append([]*span{s}, placed[at:]...)...)
		offsets[s.slot] = s.offset
		size = max(size, s.offset+s.size)
	}
	return offsets, size
}

// spans returns the span of each slot that needs a place.
func spans(p *Program, m Memory) []span {
	at := map[Slot]*span{}
	touch := func(s Slot, i int) {
		info := p.Slots[s]
		if _, bound := m.Bind[s]; s == None || bound || info.Role == Weight || info.Role == Fixed {
			return
		}
		if at[s] == nil {
			rows := m.Rows
			if info.Role == Output {
				rows = m.Outputs
			}
			// 64 bytes: whole cache lines
			at[s] = &span{slot: s, first: i, size: (rows*info.Cols + 15) &^ 15}
		}
		at[s].last = i
	}
	for i, op := range p.Ops {
		last := p.lastBeside(i)
		for _, s := range slices.Concat(op.reads(), op.writes()) {
			touch(s, i)
			touch(s, last)
		}
	}
	for _, s := range p.Keep {
		touch(s, len(p.Ops))
	}
	all := make([]span, 0, len(at))
	for i := range p.Slots {
		if s := at[Slot(i)]; s != nil {
			all = append(all, *s)
		}
	}
	return all
}

// lastBeside returns the last operation that may be done at the same time as operation
// i: products with one input run together.
func (p *Program) lastBeside(i int) int {
	first, ok := p.Ops[i].(Linear)
	for ok && i+1 < len(p.Ops) {
		next, linear := p.Ops[i+1].(Linear)
		if !linear || next.X != first.X {
			break
		}
		i++
	}
	return i
}
