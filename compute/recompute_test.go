package compute

import (
	"fmt"
	"testing"
)

// TestRecompute counts what is computed twice, and the memory that it saves: each layer
// has a norm, two products, a gate and a product with a residual, of which the last is not
// computed again, nor is anything of the last layer.
func TestRecompute(t *testing.T) {
	const layers, width, hidden, rows = 6, 8, 64, 10
	p := &Program{}
	weight := func(rows, cols int) Slot {
		return p.Add(SlotInfo{Name: fmt.Sprint("w", len(p.Slots)), Role: Weight, Rows: rows, Cols: cols})
	}
	token := func(cols int) View {
		return p.All(p.Add(SlotInfo{Name: fmt.Sprint("x", len(p.Slots)), Role: Token, Cols: cols}))
	}
	x := token(width)
	p.Do(Embed{Y: x, W: weight(40, width)})
	for range layers {
		p.Layers = append(p.Layers, len(p.Ops))
		n, gate, up, y, next := token(width), token(hidden), token(hidden), token(hidden), token(width)
		p.Do(Norm{Y: n, X: x, W: weight(1, width)})
		p.Do(Linear{Y: gate, X: n, W: weight(hidden, width)})
		p.Do(Linear{Y: up, X: n, W: weight(hidden, width)})
		p.Do(SwiGLU{Y: y, Gate: gate, Up: up})
		p.Do(Linear{Y: next, X: y, W: weight(width, hidden), Residual: x})
		x = next
	}
	loss := token(1)
	p.Do(Loss{Y: loss, X: x, W: weight(40, width)})
	p.Keep = []Slot{loss.Slot}
	var sizes, ops [2]int
	for i, recompute := range []bool{false, true} {
		q, _, err := Differentiate(p, recompute)
		if err != nil {
			t.Fatal(err)
		}
		_, sizes[i] = arrange(q, Memory{Rows: rows})
		ops[i] = len(q.Ops)
	}
	if again := ops[1] - ops[0]; again != 4*(layers-1) {
		t.Errorf("%d operations are computed again, not 4 of each of %d layers", again, layers-1)
	}
	if sizes[1] > sizes[0]/2 {
		t.Errorf("%d numbers where %d are kept", sizes[1], sizes[0])
	}
}
