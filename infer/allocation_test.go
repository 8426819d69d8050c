package infer

import (
	"fmt"
	"math"
	"testing"

	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/model"
)

// TestAllocations asserts that an answer, from its first token on and over pages that
// become full, allocates nothing: in every architecture, format and cache, alone and
// beside others, with guesses and sampling.
func TestAllocations(t *testing.T) {
	dev := openCPU(t, 3)
	for _, c := range configs() {
		formats := []kernel.Format{kernel.Q4_0}
		if c.Architecture == model.Llama {
			formats = []kernel.Format{kernel.F32, kernel.Q8_0, kernel.Q4_K}
		}
		for _, format := range formats {
			weights := random(t, dev, c, format)
			for i, cache := range caches {
				o := Options{Sequences: 1 + i, Lookup: 5*i - 1, Cache: cache}
				t.Run(fmt.Sprintf("%s/%v/%v", c.Architecture, format, cache), func(t *testing.T) {
					checkAllocations(t, newEngine(t, dev, c, weights, o))
				})
			}
		}
	}
}

// checkAllocations has as many sequences as e takes answer.
func checkAllocations(t *testing.T, e *Engine) {
	for i := range e.sequences {
		r := Request{
			Prompt: prompt(uint64(i), 5), MaxTokens: -1, Top: 3, Scores: true,
			Sampling: Sampling{Temperature: 1, TopP: 0.9, TopK: 40 * (i % 2), MinP: 0.01, Repetition: 1.1},
		}
		if _, err := e.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	// What steps take, every run of them takes; what the runtime takes beside them
	// (waiting lists of threads) it takes once.
	n := math.Inf(1)
	for range 4 {
		n = min(n, testing.AllocsPerRun(1, func() {
			for range compute.PageRows + 1 {
				if events, err := e.Step(); err != nil || len(events) < e.sequences {
					t.Fatal(events, err)
				}
			}
		}))
		if n == 0 {
			return
		}
	}
	t.Errorf("%d steps allocate %g times", compute.PageRows+1, n)
}
