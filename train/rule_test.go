package train

import (
	"math"
	"slices"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		given         Config
		window        int
		tokens        int64
		batch, leaves int
		muon          float64
		windows       []int
	}{
		{Config{}, 256, 1e6, 2048, 1, 0.01, []int{64, 64, 128, 256}},
		{Config{}, 256, 5e6, 4096, 2, 0.014142, []int{64, 64, 128, 256}},
		{Config{}, 512, 40e6, 8192, 4, 0.02, []int{128, 128, 256, 512}},
		{Config{}, 1024, 5e8, 32768, 8, 0.02, []int{256, 256, 512, 1024}},
		{Config{}, 1024, 1e12, 65536, 8, 0.02, []int{256, 256, 512, 1024}},
		{Config{}, 128, 1e6, 2048, 1, 0.01, nil},                                   // its quarter would be too short
		{Config{Leaves: 8}, 1024, 1e6, 8192, 8, 0.02, []int{256, 256, 512, 1024}},  // two rows cannot be eight leaves
		{Config{Batch: 1024}, 256, 1e6, 1024, 1, 0.00707, []int{64, 64, 128, 256}}, // one leaf
		{Config{Windows: []int{256}}, 256, 1e6, 2048, 1, 0.01, []int{256}},
	} {
		got, err := c.given.Choose(256, c.window, c.tokens)
		if err != nil {
			t.Errorf("%+v: %v", c.given, err)
			continue
		}
		if got.Batch != c.batch || got.Leaves != c.leaves || !slices.Equal(got.Windows, c.windows) || got.Rate != 0.02 || math.Abs(got.MuonRate-c.muon) > 1e-5 {
			t.Errorf("window %d, %d tokens, %+v: chosen are %+v", c.window, c.tokens, c.given, got)
		}
	}
	given := Config{Rate: 0.1, MuonRate: 0.2, Decay: 0.3}
	if got, err := given.Choose(1024, 256, 0); err != nil || got.Rate != 0.1 || got.MuonRate != 0.2 || got.Decay != 0.3 {
		t.Errorf("what is given is not kept: %+v, %v", got, err)
	}
}
