package infer

import (
	"fmt"
	"math"
	"os"
	"testing"

	"samovar/compute/kernel"
	"samovar/model"
)

// changes are how much of the logits' spread each cache may change a logit by: as a
// root mean square, and at most. Twelve layers of random weights four times as large as
// a training's first ones make four times of what two layers do.
var changes = map[kernel.Format]struct{ mean, worst float64 }{kernel.F16: {1e-3, 5e-3}, kernel.Q8_0: {2e-2, 2e-1}}

// TestCacheChange bounds what a cache changes logits by, as a part of the difference
// between the largest logit and the smallest, and holds its size and name.
func TestCacheChange(t *testing.T) {
	var all []model.Config
	for _, c := range configs() { // a router that chooses another expert changes a logit by any amount
		if c.Architecture != model.Qwen3MoE {
			c.Experts = model.Experts{}
			all = append(all, c)
		}
	}
	if os.Getenv("SAMOVAR_LONG") != "" {
		large := model.Config{ // llama2.c's stories110M
			Architecture: model.Llama, Layers: 12, Width: 768, Heads: 12, KVHeads: 12, HeadDim: 64, Hidden: 2048, Vocabulary: 32000, Window: 512,
			Epsilon: 1e-5, RopeBase: 10000, Tied: true,
		}
		all = append(all, large)
	}
	for _, c := range all {
		dev := openCPU(t, 2)
		w := random(t, dev, c, kernel.F32)
		r := Request{Prompt: prompt(1, c.Window-1), ScorePrompt: true}
		var plain map[int][]float32
		for _, cache := range caches {
			e := newEngine(t, dev, c, w, Options{Cache: cache})
			logits := collect(e)
			got := logits[run(t, e, []Request{r}, []int{0})[0]]
			if plain == nil {
				plain = got
			}
			mean, worst := differences(plain, got)
			t.Logf("%s, width %d, %v cache: logits change by %.2g of their spread, %.2g at most", c.Architecture, c.Width, cache, mean, worst)
			if allowed := changes[cache]; !(mean <= allowed.mean && worst <= allowed.worst) {
				t.Errorf("%s, %v cache: %+v are allowed", c.Architecture, cache, allowed)
			}
		}
	}
}

// differences returns the root mean square and the largest of the differences of
// logits, as parts of their spread in the same place.
func differences(want, got map[int][]float32) (mean, worst float64) {
	n := 0
	for at, w := range want {
		low, high := math.Inf(1), math.Inf(-1)
		for _, v := range w {
			low, high = min(low, float64(v)), max(high, float64(v))
		}
		for i, v := range w {
			d := math.Abs(float64(got[at][i])-float64(v)) / (high - low)
			mean, worst, n = mean+d*d, max(worst, d), n+1
		}
	}
	return math.Sqrt(mean / float64(n)), worst
}

// TestCacheNumerics holds the names by which answers tell how keys and values were kept.
func TestCacheNumerics(t *testing.T) {
	dev, c := openCPU(t, 1), tiny()
	w := random(t, dev, c, kernel.F32)
	for cache, suffix := range map[kernel.Format]string{kernel.F32: "", kernel.F16: "-f16-cache", kernel.Q8_0: "-q8_0-cache"} {
		if name := newEngine(t, dev, c, w, Options{Cache: cache}).Numerics(); name != dev.Numerics()+suffix {
			t.Errorf("%v: %s", cache, name)
		}
	}
}

// BenchmarkCache is one token of answer after so many of prompt, for each cache.
func BenchmarkCache(b *testing.B) {
	for _, cache := range caches {
		for _, past := range []int{512, 4096} {
			b.Run(fmt.Sprintf("%v/%d", cache, past), func(b *testing.B) { benchmarkCache(b, cache, past) })
		}
	}
}

func benchmarkCache(b *testing.B, cache kernel.Format, past int) {
	c := model.Derive(6, 8192)
	c.Window = past + 1024
	dev := openCPU(b, 0)
	e := newEngine(b, dev, c, random(b, dev, c, kernel.Q8_0), Options{Cache: cache, Sequences: 1, Lookup: -1})
	tokens := 0
	for b.Loop() {
		if e.Idle() {
			b.StopTimer()
			if _, err := e.Add(Request{Prompt: prompt(1, past), MaxTokens: -1}); err != nil {
				b.Fatal(err)
			}
			for e.Idle() || e.active == nil || e.active[0].reading() {
				if _, err := e.Step(); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
		}
		if _, err := e.Step(); err != nil {
			b.Fatal(err)
		}
		tokens++
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}
