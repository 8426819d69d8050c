package bench

import (
	"errors"
	"math"
	"testing"

	"samovar/compute"
	"samovar/model"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   Series
		want float64
	}{{Series{3}, 3}, {Series{5, 1, 2}, 2}, {Series{4, 1, 2, 9}, 3}} {
		if got := c.of.Median(); got != c.want {
			t.Errorf("the median of %v is %v, not %v", c.of, got, c.want)
		}
	}
	if got := (Series{}).Median(); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v", got)
	}
}

func TestAgainst(t *testing.T) {
	turns := ""
	rates, ceilings, err := Against(2, func() float64 { turns += "c"; return 7 }, func() (float64, error) { turns += "w"; return 3, nil })
	if err != nil || turns != "cwcw" || len(rates) != 2 || !(rates[0] > 0) || ceilings[1] != 7 {
		t.Errorf("turns %s: rates %v, ceilings %v, %v", turns, rates, ceilings, err)
	}
	failed := errors.New("no memory")
	if _, _, err := Against(2, func() float64 { return 7 }, func() (float64, error) { return 0, failed }); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
}

// TestServe measures a model of four layers, on its own and eight at a time, and
// counts what a token reads.
func TestServe(t *testing.T) {
	dev, err := compute.CPU{}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	c := model.Derive(4, 512)
	c.Window = 64
	weights := map[string]compute.Buffer{}
	for _, tensor := range c.Tensors() {
		numbers := make([]float32, tensor.Rows*tensor.Cols)
		tensor.Initialise(numbers, 1)
		b, err := dev.Alloc(len(numbers))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Free()
		if err := b.Write(0, numbers); err != nil {
			t.Fatal(err)
		}
		weights[tensor.Name] = b
	}
	ceilings, err := NewCeilings()
	if err != nil {
		t.Fatal(err)
	}
	defer ceilings.Close()
	s, err := Serve(dev, c, weights, 1000, ceilings, Load{Prompt: 512, Tokens: 9, Together: 8, Repeats: 2})
	if err != nil {
		t.Fatal(err)
	}
	for name, series := range map[string]Series{"read": s.Read, "prefill": s.Prefill, "decode": s.Decode, "parallel": s.Parallel} {
		if len(series) != 2 || !(series.Median() > 0) || math.IsInf(series.Median(), 0) {
			t.Errorf("%s: %v", name, series)
		}
	}
	if s.Prompt != 32 || s.Tokens != 9 {
		t.Errorf("a window of 64 holds a prompt of %d and %d tokens", s.Prompt, s.Tokens)
	}
	// Keys and values of 64 numbers in four layers, of 32 + 4 tokens.
	if want := 1000 + 36*4*2*64*4.0; s.DecodeBytes != want {
		t.Errorf("a token reads %v bytes, not %v", s.DecodeBytes, want)
	}
	if all, _ := c.Parameters(); s.PrefillWork != 2*float64(all-512*256) {
		t.Errorf("a token of a prompt takes %v operations of %d weights", s.PrefillWork, all)
	}
	copying, err := Copy(dev, c, weights, Load{Prompt: 32, Tokens: 9, Repeats: 2})
	if err != nil || len(copying.Plain) != 2 || !(copying.Gain() > 0) || math.IsInf(copying.Gain(), 0) {
		t.Errorf("copying: %+v, %v", copying, err)
	}
}
