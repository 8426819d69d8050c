package provenance

import (
	"testing"

	"samovar"
)

// TestShare holds that dialogues have a share where a model learnt from them.
func TestShare(t *testing.T) {
	text := map[string]float64{"train tokens": 300, "train tokens/0": 300}
	both := map[string]float64{"train tokens": 300, "train tokens/0": 300, "dialogue-train tokens": 50, "dialogue-train tokens/1": 50}
	dialogues := map[string]float64{"dialogue-train tokens": 50, "dialogue-train tokens/1": 50}
	for name, c := range map[string]struct {
		metrics map[string]float64
		tuned   bool
		want    [2]int // shares of the two sources
	}{
		"text alone":                        {text, true, [2]int{1, 0}},
		"text, and dialogues to tune on":    {both, true, [2]int{1, 1}},
		"text, and dialogues nobody reads":  {both, false, [2]int{1, 0}},
		"dialogues alone, as training text": {dialogues, false, [2]int{0, 1}},
	} {
		corpus := Corpus{Sources: make([]Source, 2)}
		run := &samovar.Run{Config: []byte(`{"weights": [1, 2]}`), Metrics: c.metrics}
		if err := corpus.share(run, c.tuned); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := [2]int{len(corpus.Sources[0].Shares), len(corpus.Sources[1].Shares)}; got != c.want {
			t.Errorf("%s: %v shares, want %v", name, got, c.want)
		}
	}
}
