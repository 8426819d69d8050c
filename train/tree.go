package train

import "samovar/compute"

// tree sums the gradients of the leaves pairwise, in an order that depends on
// their number alone: ((0+1)+(2+3))+((4+5)+(6+7)). However leaves are spread
// over threads or machines, the same additions are made.
type tree struct {
	leaf    compute.Buffer   // gradient of the leaf in work; of all at the end
	partial []compute.Buffer // partial[l]: the sum of 2^l leaves
	full    []bool           // whether partial[l] holds one
	add     []compute.Exec   // leaf += partial[l]
	keep    []compute.Exec   // partial[l] = leaf
	clear   compute.Exec
	nothing compute.Batch
}

func newTree(dev compute.Device, n, leaves int) (t *tree, err error) {
	t = &tree{}
	if t.leaf, err = dev.Alloc(n); err != nil {
		return t, err
	}
	if t.clear, err = prepare(dev, n, t.leaf, nil, func(p *compute.Program, y, _ compute.Slot) {
		p.Do(compute.Zero{Slots: []compute.Slot{y}})
	}); err != nil {
		return t, err
	}
	for l := 0; 1<<l < leaves; l++ {
		b, err := dev.Alloc(n)
		if err != nil {
			return t, err
		}
		t.partial, t.full = append(t.partial, b), append(t.full, false)
		add, err := prepare(dev, n, t.leaf, b, func(p *compute.Program, y, x compute.Slot) {
			p.Do(compute.AddInto{Y: y, X: x})
		})
		if err != nil {
			return t, err
		}
		t.add = append(t.add, add)
		keep, err := prepare(dev, n, b, t.leaf, func(p *compute.Program, y, x compute.Slot) {
			p.Do(compute.AddInto{Y: y, X: x, Set: true})
		})
		if err != nil {
			return t, err
		}
		t.keep = append(t.keep, keep)
	}
	return t, nil
}

// prepare makes a program of one or two buffers of n numbers.
func prepare(dev compute.Device, n int, y, x compute.Buffer, build func(p *compute.Program, y, x compute.Slot)) (compute.Exec, error) {
	p := &compute.Program{}
	slot := func(name string) compute.Slot {
		return p.Add(compute.SlotInfo{Name: name, Role: compute.Fixed, Rows: 1, Cols: n})
	}
	bind := map[compute.Slot]compute.Buffer{slot("y"): y}
	if x != nil {
		bind[slot("x")] = x
	}
	build(p, 1, 2)
	return dev.Prepare(p, compute.Memory{Bind: bind})
}

// begin forgets the last step.
func (t *tree) begin() { clear(t.full) }

// zero is a leaf without examples.
func (t *tree) zero() error { return t.clear.Run(&t.nothing) }

// done adds the leaf to those that it completes a pair with.
func (t *tree) done() error {
	l := 0
	for ; l < len(t.full) && t.full[l]; l++ {
		if err := t.add[l].Run(&t.nothing); err != nil {
			return err
		}
		t.full[l] = false
	}
	if l == len(t.full) {
		return nil // the leaf holds the sum of all
	}
	t.full[l] = true
	return t.keep[l].Run(&t.nothing)
}

// end leaves the sum of all leaves in leaf, also where their number is no power
// of two.
func (t *tree) end() error {
	any := false
	for l := range t.full {
		if !t.full[l] {
			continue
		}
		if !any {
			if err := t.zero(); err != nil {
				return err
			}
		}
		any = true
		if err := t.add[l].Run(&t.nothing); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) free() {
	for _, e := range append(append(t.add, t.keep...), t.clear) {
		if e != nil {
			e.Free()
		}
	}
	for _, b := range append(t.partial, t.leaf) {
		if b != nil {
			b.Free()
		}
	}
}
