package network

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// counting is a constant of numbers 0, 1, 2 and so on.
func counting(t *testing.T, b *Builder, shape ...int) *Tensor {
	t.Helper()
	n, err := Size(shape)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(i)
	}
	x, err := b.Constant(shape, data)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestArrange moves numbers about, of constants at once and of an input in a run.
func TestArrange(t *testing.T) {
	for _, c := range []struct {
		name        string
		shape       []int
		f           func(b *Builder, x *Tensor) (*Tensor, error)
		wantShape   []int
		wantNumbers []float32
	}{
		{"a column", []int{2, 3}, func(b *Builder, x *Tensor) (*Tensor, error) { return b.Slice(x, 1, 1, 2, 1) }, []int{2, 1}, []float32{1, 4}},
		{"from behind", []int{2, 3}, func(b *Builder, x *Tensor) (*Tensor, error) { return b.Slice(x, -1, -2, 99, 1) }, []int{2, 2}, []float32{1, 2, 4, 5}},
		{"every other", []int{5}, func(b *Builder, x *Tensor) (*Tensor, error) { return b.Slice(x, 0, 0, 5, 2) }, []int{3}, []float32{0, 2, 4}},
		{"a row, in one piece", []int{3, 2}, func(b *Builder, x *Tensor) (*Tensor, error) { return b.Slice(x, 0, 1, 2, 1) }, []int{1, 2}, []float32{2, 3}},
		{"transposed", []int{2, 3}, func(b *Builder, x *Tensor) (*Tensor, error) { return b.Transpose(x, []int{1, 0}) }, []int{3, 2}, []float32{0, 3, 1, 4, 2, 5}},
		{"repeated", []int{2, 1}, func(b *Builder, x *Tensor) (*Tensor, error) { return b.Expand(x, []int{2, 2, 2}) }, []int{2, 2, 2}, []float32{0, 0, 1, 1, 0, 0, 1, 1}},
		{"side by side", []int{2, 2}, func(b *Builder, x *Tensor) (*Tensor, error) { return b.Concat(-1, x, x) }, []int{2, 4}, []float32{0, 1, 0, 1, 2, 3, 2, 3}},
		{"one above the other", []int{1, 2}, func(b *Builder, x *Tensor) (*Tensor, error) { return b.Concat(0, x, x) }, []int{2, 2}, []float32{0, 1, 0, 1}},
		{"a row and a column", []int{2, 2}, func(b *Builder, x *Tensor) (*Tensor, error) {
			row, err := b.Slice(x, 0, 1, 2, 1)
			if err != nil {
				return nil, err
			}
			column, err := b.Slice(x, 1, 1, 2, 1)
			if err != nil {
				return nil, err
			}
			return b.Combine(row, column, Add)
		}, []int{2, 2}, []float32{3, 4, 5, 6}},
		{"a mean", []int{2, 3}, func(b *Builder, x *Tensor) (*Tensor, error) { return b.Mean(x) }, []int{2, 1}, []float32{1, 4}},
		{"a choice", []int{3}, func(b *Builder, x *Tensor) (*Tensor, error) { return b.Choose(x, b.Scalar(7), x) }, []int{3}, []float32{0, 7, 7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &Builder{}
			constant := counting(t, b, c.shape...)
			y, err := c.f(b, constant)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(y.Shape(), c.wantShape) || !slices.Equal(y.Constant(), c.wantNumbers) || len(b.steps) > 0 {
				t.Errorf("of a constant: %v %v in %d steps instead of %v %v", y.Shape(), y.Constant(), len(b.steps), c.wantShape, c.wantNumbers)
			}
			x, err := b.Input(c.shape...)
			if err != nil {
				t.Fatal(err)
			}
			if y, err = c.f(b, x); err != nil {
				t.Fatal(err)
			}
			n, err := b.Network(x, y)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, n.Outputs())
			n.Run(got, constant.Constant())
			if !slices.Equal(y.Shape(), c.wantShape) || !slices.Equal(got, c.wantNumbers) || y.Constant() != nil {
				t.Errorf("of an input: %v %v instead of %v %v", y.Shape(), got, c.wantShape, c.wantNumbers)
			}
		})
	}
}

// TestRefused builds what cannot be.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		want string
		f    func(b *Builder, x *Tensor) error // x is an input of shape (1, 4)
	}{
		{"a layer takes 3 numbers and is given 4", func(b *Builder, x *Tensor) error { _, err := b.Linear(x, counting(t, b, 2, 3), nil); return err }},
		{"a bias of shape [3]", func(b *Builder, x *Tensor) error {
			_, err := b.Linear(x, counting(t, b, 2, 4), counting(t, b, 3))
			return err
		}},
		{"a matrix that is computed", func(b *Builder, x *Tensor) error { _, err := b.Linear(x, x, nil); return err }},
		{"do not fit", func(b *Builder, x *Tensor) error { _, err := b.Combine(x, counting(t, b, 3), Add); return err }},
		{"cannot have shape [5]", func(b *Builder, x *Tensor) error { _, err := b.Reshape(x, 5); return err }},
		{"cannot be repeated", func(b *Builder, x *Tensor) error { _, err := b.Expand(x, []int{2}); return err }},
		{"has no axis 2", func(b *Builder, x *Tensor) error { _, err := b.Slice(x, 2, 0, 1, 1); return err }},
		{"from 4 to 4", func(b *Builder, x *Tensor) error { _, err := b.Slice(x, 1, math.MaxInt, math.MaxInt, 1); return err }},
		{"from 0 to 0", func(b *Builder, x *Tensor) error { _, err := b.Slice(x, 1, math.MinInt, math.MinInt, 1); return err }},
		{"in the order [0 0]", func(b *Builder, x *Tensor) error { _, err := b.Transpose(x, []int{0, 0}); return err }},
		{"cannot be put together", func(b *Builder, x *Tensor) error { _, err := b.Concat(0, x, counting(t, b, 1, 3)); return err }},
		{"1 to 16777216 numbers are possible", func(b *Builder, x *Tensor) error { _, err := b.Constant([]int{1 << 20, 1 << 20, 4}, nil); return err }},
		{"1 to 16777216 numbers are possible", func(b *Builder, x *Tensor) error { _, err := b.Input(0); return err }},
		{"buffers of more than 16777216 numbers", func(b *Builder, x *Tensor) error { _, err := b.Expand(x, []int{1 << 22, 4}); return err }},
		{"too slow for a robot", func(b *Builder, x *Tensor) error {
			y, err := b.Input(1<<10, 64)
			for w := counting(t, b, 64, 64); err == nil; {
				_, err = b.Linear(y, w, nil)
			}
			return err
		}},
		{"overwrites its weights", func(b *Builder, x *Tensor) error { return b.Assign(counting(t, b, 1, 4), x) }},
		{"parts of a tensor", func(b *Builder, x *Tensor) error {
			part, err := b.Slice(x, 1, 0, 4, 2)
			if err != nil {
				return err
			}
			return b.Assign(part, b.Scalar(1))
		}},
		{"parts of a tensor", func(b *Builder, x *Tensor) error {
			if _, err := b.Slice(x, 1, 0, 4, 2); err != nil {
				return err
			}
			return b.Assign(x, b.Scalar(1))
		}},
		{"a recurrent layer takes 3 numbers and is given 4", func(b *Builder, x *Tensor) error {
			h := counting(t, b, 1, 2)
			_, _, err := b.LSTM(x, h, h, &Gates{Input: counting(t, b, 8, 3), Hidden: counting(t, b, 8, 2)})
			return err
		}},
		{"a recurrent layer of 3 gates", func(b *Builder, x *Tensor) error {
			_, err := b.GRU(x, counting(t, b, 1, 2), &Gates{Input: counting(t, b, 8, 4), Hidden: counting(t, b, 8, 2)}, true)
			return err
		}},
	} {
		b := &Builder{}
		x, err := b.Input(1, 4)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.f(b, x); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, without %q", err, c.want)
		}
	}
}

// TestCarry lets two states change places in each run.
func TestCarry(t *testing.T) {
	b := &Builder{}
	x, err := b.Input(1)
	if err != nil {
		t.Fatal(err)
	}
	one, err := b.State([]int{1}, []float32{1})
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.State([]int{1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Carry(one, two); err != nil {
		t.Fatal(err)
	}
	if err := b.Carry(two, one); err != nil {
		t.Fatal(err)
	}
	n, err := b.Network(x, one)
	if err != nil {
		t.Fatal(err)
	}
	var got []float32
	y := make([]float32, 1)
	for range 3 {
		n.Run(y, []float32{0})
		got = append(got, y[0])
	}
	n.Reset()
	n.Run(y, []float32{0})
	if got = append(got, y[0]); !slices.Equal(got, []float32{1, 0, 1, 1}) {
		t.Errorf("%v", got)
	}
}

// TestEarly checks the reset gate before the hidden weights, which no golden file
// has, against the equations written out for one number.
func TestEarly(t *testing.T) {
	b := &Builder{}
	x, err := b.Input(1)
	if err != nil {
		t.Fatal(err)
	}
	h, err := b.State([]int{1}, []float32{0.5})
	if err != nil {
		t.Fatal(err)
	}
	w, err := b.Constant([]int{3, 1}, []float32{0.3, -0.2, 0.9})
	if err != nil {
		t.Fatal(err)
	}
	u, err := b.Constant([]int{3, 1}, []float32{0.7, 0.4, -0.8})
	if err != nil {
		t.Fatal(err)
	}
	bias, err := b.Constant([]int{3}, []float32{0.1, 0.2, 0.3})
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.GRU(x, h, &Gates{Input: w, Hidden: u, HiddenBias: bias}, false)
	if err != nil {
		t.Fatal(err)
	}
	n, err := b.Network(x, out)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, 1)
	n.Run(y, []float32{1})
	s := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	r, z := s(0.3+0.7*0.5+0.1), s(-0.2+0.4*0.5+0.2)
	want := (1-z)*math.Tanh(0.9-0.8*(r*0.5)+0.3) + z*0.5
	if math.Abs(float64(y[0])-want) > 1e-6 {
		t.Errorf("%g instead of %g", y[0], want)
	}
}
