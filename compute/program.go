package compute

import "fmt"

// Slot names a buffer of a Program. The zero Slot is none.
type Slot int32

// None is the absence of a slot.
const None Slot = 0

// Role says how large a slot is and who provides its memory.
type Role uint8

const (
	Weight Role = iota // Rows×Cols, bound by the caller
	Fixed              // Rows×Cols, bound by the caller or allocated by the device
	Token              // one row of Cols for each token of the batch
	Output             // one row of Cols for each row picked by Select
)

// SlotInfo describes a slot.
type SlotInfo struct {
	Name       string // of a Weight: the tensor's name in GGUF
	Role       Role
	Rows, Cols int // Rows is 0 for Token and Output
}

// View is a choice of columns in every row of a slot: Heads groups of Width
// columns, the first at Offset, each Stride after the one before.
type View struct {
	Slot                         Slot
	Offset, Heads, Width, Stride int
}

// Program is a list of operations over slots. Every slot but those that Rotary
// turns in place is written by one operation, before it is read.
type Program struct {
	Slots  []SlotInfo // Slots[0] is None
	Ops    []Op
	Caches []Cache
	Window int    // most positions of one sequence
	Keep   []Slot // Token and Output slots whose content outlives the run
	Layers []int  // the first operation of each layer
}

// Cache is what attention keeps of each token in one layer: so many numbers of a key
// and of a value for each head, Value being 0 where values are columns of the keys, as
// in latent attention.
type Cache struct{ Heads, Key, Value int }

// Op is one operation. Only this package's types implement it; each says in
// its comment what it computes, with one row of every slot for each token.
type Op interface {
	// reads and writes list the slots touched. A slot in both is updated.
	reads() []Slot
	writes() []Slot
}

// Add appends a slot and returns its name.
func (p *Program) Add(s SlotInfo) Slot {
	if len(p.Slots) == 0 {
		p.Slots = append(p.Slots, SlotInfo{Name: "none"})
	}
	p.Slots = append(p.Slots, s)
	return Slot(len(p.Slots) - 1)
}

// Do appends an operation.
func (p *Program) Do(op Op) { p.Ops = append(p.Ops, op) }

// All returns the view of all columns of s as one head.
func (p *Program) All(s Slot) View {
	c := p.Slots[s].Cols
	return View{Slot: s, Heads: 1, Width: c, Stride: c}
}

// Heads returns the view of all columns of s as n heads.
func (p *Program) Heads(s Slot, n int) View {
	w := p.Slots[s].Cols / n
	return View{Slot: s, Heads: n, Width: w, Stride: w}
}

// Part returns the columns [offset, offset+width) of every head of v.
func (v View) Part(offset, width int) View {
	v.Offset += offset
	v.Width = width
	return v
}

// Full reports whether v covers every column of its slot.
func (p *Program) Full(v View) bool {
	return v.Offset == 0 && v.Width == v.Stride && v.Heads*v.Width == p.Slots[v.Slot].Cols
}

// Find returns the slot of that name.
func (p *Program) Find(name string) (Slot, bool) {
	for i, s := range p.Slots {
		if i > 0 && s.Name == name {
			return Slot(i), true
		}
	}
	return None, false
}

// Weights calls f for each Weight slot in order.
func (p *Program) Weights(f func(s Slot, info SlotInfo)) {
	for i, s := range p.Slots {
		if i > 0 && s.Role == Weight {
			f(Slot(i), s)
		}
	}
}

// check reports the first view that leaves its slot: a mistake in the builder.
func (p *Program) check(views ...View) error {
	for _, v := range views {
		if v.Slot == None {
			continue
		}
		s := p.Slots[v.Slot]
		if v.Heads < 1 || v.Width < 1 || v.Offset < 0 || v.Offset+(v.Heads-1)*v.Stride+v.Width > s.Cols {
			return fmt.Errorf("view %+v leaves the %d columns of %s", v, s.Cols, s.Name)
		}
	}
	return nil
}
