package infer

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/compute/opaque"
	"samovar/model"
)

const vocabulary = 96

// configs are small models of every architecture.
func configs() []model.Config {
	llama := model.Derive(2, vocabulary)
	llama.Window = 160
	moe := llama
	moe.Architecture = model.Qwen3MoE
	moe.Experts = model.Experts{Count: 8, Used: 2, Hidden: 64, Normalise: true}
	latent := llama
	latent.Architecture = model.DeepSeek2
	latent.Tied = false
	latent.Latent = model.Latent{KV: 64, Q: 96, Nope: 32, Rope: 16, Value: 32}
	latent.Experts = model.Experts{Count: 8, Used: 2, Hidden: 64, Shared: 1, Dense: 1, Sigmoid: true, Normalise: true, Scale: 2.5}
	return []model.Config{llama, moe, latent}
}

// caches are the ways to keep keys and values.
var caches = []kernel.Format{kernel.F32, kernel.F16, kernel.Q8_0}

// eachCache runs f for each of caches.
func eachCache(t *testing.T, f func(t *testing.T, cache kernel.Format)) {
	for _, cache := range caches {
		t.Run(cache.String(), func(t *testing.T) { f(t, cache) })
	}
}

// tiny is for tests that are not about arithmetic.
func tiny() model.Config {
	c := configs()[0]
	c.Layers, c.Width, c.Heads, c.KVHeads, c.HeadDim, c.Hidden = 1, 64, 2, 1, 32, 64
	return c
}

func openCPU(t testing.TB, threads int) compute.Device {
	t.Helper()
	dev, err := compute.CPU{Threads: threads}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dev.Close)
	return dev
}

// random returns weights of c: matrices loaded in the format, vectors plain.
// They are larger than a training's first ones, so that logits differ.
func random(t testing.TB, dev compute.Device, c model.Config, format kernel.Format) map[string]compute.Buffer {
	t.Helper()
	return buffers(t, c, func(tensor model.Tensor, w []float32) (compute.Buffer, error) {
		if tensor.Vector() {
			return written(dev, w)
		}
		data := make([]byte, format.Bytes(len(w)))
		kernel.Quantize(format, data, w)
		return dev.Load(format, tensor.Rows, tensor.Cols, data, nil)
	})
}

// buffers has load make those of the numbers of random.
func buffers(t testing.TB, c model.Config, load func(tensor model.Tensor, w []float32) (compute.Buffer, error)) map[string]compute.Buffer {
	t.Helper()
	all := map[string]compute.Buffer{}
	for _, tensor := range c.Tensors() {
		if tensor.Deviation > 0 {
			tensor.Deviation *= 4
		}
		w := make([]float32, tensor.Rows*tensor.Cols)
		tensor.Initialise(w, 1)
		b, err := load(tensor, w)
		if err != nil {
			t.Fatalf("%s: %v", tensor.Name, err)
		}
		t.Cleanup(b.Free)
		all[tensor.Name] = b
	}
	return all
}

// written returns a buffer of w.
func written(dev compute.Device, w []float32) (compute.Buffer, error) {
	b, err := dev.Alloc(len(w))
	if err == nil {
		err = b.Write(0, w)
	}
	return b, err
}

func newEngine(t testing.TB, dev compute.Device, c model.Config, w map[string]compute.Buffer, o Options) *Engine {
	t.Helper()
	e, err := New(dev, c, w, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// prompt returns n tokens that depend on the seed alone.
func prompt(seed uint64, n int) []int32 {
	r := rand.New(rand.NewPCG(seed, 9))
	p := make([]int32, n)
	for i := range p {
		p[i] = r.Int32N(vocabulary)
	}
	return p
}

// run steps until all requests, added at the given steps, have ended.
func run(t testing.TB, e *Engine, requests []Request, at []int) []*Sequence {
	t.Helper()
	all := make([]*Sequence, len(requests))
	for step, left := 0, len(requests); left > 0; step++ {
		for i, r := range requests {
			if at[i] == step {
				s, err := e.Add(r)
				if err != nil {
					t.Fatal(err)
				}
				all[i] = s
			}
		}
		events, err := e.Step()
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range events {
			if ev.Err != nil {
				t.Fatal(ev.Err)
			}
			if ev.Finish != Going {
				left--
			}
		}
		if step > 5000 {
			t.Fatal("the sequences do not end")
		}
	}
	return all
}

// logits collects every logit that the engine computes for s's prompt and answer.
func collect(e *Engine) map[*Sequence]map[int][]float32 {
	all := map[*Sequence]map[int][]float32{}
	e.observe = func(s *Sequence, position int, logits []float32) {
		if all[s] == nil {
			all[s] = map[int][]float32{}
		}
		all[s][position] = slices.Clone(logits)
	}
	return all
}

// same reports the first position at which two sets of logits differ in a bit.
// Positions that only one has are left out.
func same(t *testing.T, what string, want, got map[int][]float32) {
	t.Helper()
	n := 0
	for at, w := range want {
		g, ok := got[at]
		if !ok {
			continue
		}
		n++
		for i := range w {
			if math.Float32bits(w[i]) != math.Float32bits(g[i]) {
				t.Fatalf("%s: logit %d after position %d is %g, alone it is %g", what, i, at, g[i], w[i])
			}
		}
	}
	if n == 0 {
		t.Fatalf("%s: no position to compare", what)
	}
}

func TestInvariance(t *testing.T) {
	for _, c := range configs() {
		formats := []kernel.Format{kernel.F32, kernel.Q8_0, kernel.Q4_0}
		if c.Architecture == model.Llama { // one of each kind of kernel
			formats = append(formats, kernel.Q5_1, kernel.IQ4_NL)
		}
		for _, format := range formats {
			t.Run(fmt.Sprintf("%s/%s", c.Architecture, format), func(t *testing.T) {
				cpu := openCPU(t, 2)
				t.Run("cpu", func(t *testing.T) { testInvariance(t, cpu, c, format, kernel.F32) })
				if format == kernel.F32 {
					t.Run("opaque", func(t *testing.T) { testInvariance(t, opaque.New(cpu), c, format, kernel.Q8_0) })
				}
				if format == kernel.Q8_0 {
					for _, cache := range caches[1:] {
						t.Run(cache.String()+" cache", func(t *testing.T) { testInvariance(t, cpu, c, format, cache) })
					}
				}
			})
		}
	}
}

func testInvariance(t *testing.T, dev compute.Device, c model.Config, format, cache kernel.Format) {
	w := random(t, dev, c, format)
	r := Request{Prompt: prompt(1, 75), MaxTokens: 9, ScorePrompt: true, Sampling: Sampling{Temperature: 1, Seed: 5}}
	e := newEngine(t, dev, c, w, Options{Cache: cache})
	all := collect(e)
	alone := run(t, e, []Request{r}, []int{0})[0]
	want := all[alone]
	if len(want) != 75+8 {
		t.Fatalf("%d rows have logits; 83 are expected", len(want))
	}
	check := func(what string, s *Sequence, got map[int][]float32) {
		t.Helper()
		same(t, what, want, got)
		if !slices.Equal(s.Tokens(), alone.Tokens()) {
			t.Errorf("%s: the answer is %v, alone it is %v", what, s.Tokens(), alone.Tokens())
		}
	}
	quick := r
	quick.ScorePrompt = false
	for _, rows := range []int{1, 7, 33, 64} {
		e := newEngine(t, dev, c, w, Options{PrefillRows: rows, Cache: cache})
		all := collect(e)
		s := run(t, e, []Request{quick}, []int{0})[0]
		check(fmt.Sprintf("in pieces of %d", rows), s, all[s])
	}
	requests, at := []Request{quick}, []int{3}
	for i := range 7 {
		requests = append(requests, Request{Prompt: prompt(uint64(10+i), 1+13*i), MaxTokens: 12})
		at = append(at, i)
	}
	clear(all)
	s := run(t, e, requests, at)
	check("among 8", s[0], all[s[0]])
	if s[0].Cached() != 64 {
		t.Errorf("%d tokens came from the cache; the two full pages of the first run were expected", s[0].Cached())
	}
	e = newEngine(t, dev, c, w, Options{PrefillRows: 50, Cache: cache})
	all = collect(e)
	requests[0] = r
	s = run(t, e, requests, at)
	check("among 8, scored and in pieces", s[0], all[s[0]])
}

func TestThreads(t *testing.T) { eachCache(t, testThreads) }

func testThreads(t *testing.T, cache kernel.Format) {
	c := configs()[0]
	r := Request{Prompt: prompt(1, 40), MaxTokens: 20}
	var want map[int][]float32
	for _, threads := range []int{1, 2, 5} {
		dev := openCPU(t, threads)
		e := newEngine(t, dev, c, random(t, dev, c, kernel.Q8_0), Options{Cache: cache})
		all := collect(e)
		s := run(t, e, []Request{r}, []int{0})[0]
		if want == nil {
			want = all[s]
		}
		same(t, fmt.Sprintf("%d threads", threads), want, all[s])
	}
}

// Copies of one prompt compute its full pages once, even when they come at once.
func TestPrefix(t *testing.T) { eachCache(t, testPrefix) }

func testPrefix(t *testing.T, cache kernel.Format) {
	c := tiny()
	dev := openCPU(t, 1)
	e := newEngine(t, dev, c, random(t, dev, c, kernel.F32), Options{Cache: cache})
	r := Request{Prompt: prompt(1, 100), MaxTokens: 4}
	other := r
	other.Scope = "somebody else"
	s := run(t, e, []Request{r, r, r, other}, []int{0, 0, 0, 0})
	for i, want := range []int{0, 96, 96, 0} {
		if s[i].Cached() != want {
			t.Errorf("sequence %d found %d tokens in the cache; %d are expected", i, s[i].Cached(), want)
		}
		if !slices.Equal(s[i].Tokens(), s[0].Tokens()) {
			t.Errorf("sequence %d answers %v, the first %v", i, s[i].Tokens(), s[0].Tokens())
		}
	}
	almost := r
	almost.Prompt = slices.Clone(r.Prompt)
	almost.Prompt[40] = (almost.Prompt[40] + 1) % vocabulary
	if s := run(t, e, []Request{almost}, []int{0})[0]; s.Cached() != 32 {
		t.Errorf("%d tokens came from the cache where 32 are equal", s.Cached())
	}
	checkPool(t, e)
}

// indexed counts the pages that are found by their keys.
func indexed(p *pool) (n int) {
	for i := range p.pages {
		if p.pages[i].indexed && *p.place(&p.pages[i].key) == int32(i) {
			n++
		}
	}
	return n
}

// checkPool checks that with no sequence left every page is free or idle.
func checkPool(t *testing.T, e *Engine) {
	t.Helper()
	p := e.pool
	if !e.Idle() || p.promised != 0 || len(p.free)+p.idle != len(p.pages) || indexed(p) != p.idle {
		t.Errorf("idle %v, %d pages promised, %d free, %d idle of %d, %d indexed",
			e.Idle(), p.promised, len(p.free), p.idle, len(p.pages), indexed(p))
	}
}

// With memory for one window, sequences take turns, cached pages make room, and
// the answers stay the same.
func TestScarcity(t *testing.T) { eachCache(t, testScarcity) }

func testScarcity(t *testing.T, cache kernel.Format) {
	c := tiny()
	dev := openCPU(t, 1)
	w := random(t, dev, c, kernel.F32)
	var page int64 // float32
	p, _ := c.Serving()
	for _, c := range p.Caches {
		page += int64(c.PageLen(cache))
	}
	roomy := newEngine(t, dev, c, w, Options{Cache: cache})
	tight := newEngine(t, dev, c, w, Options{Cache: cache, CacheBytes: 4 * page * 160 / compute.PageRows})
	if len(tight.pool.pages) != 5 {
		t.Errorf("memory for 5 pages holds %d", len(tight.pool.pages))
	}
	var requests []Request
	var at []int
	for i := range 30 {
		requests = append(requests, Request{
			Prompt: prompt(uint64(i%4), 20+17*(i%8)), MaxTokens: 1 + i, Sampling: Sampling{Temperature: 1, Seed: uint64(i)},
		})
		at = append(at, i/3)
	}
	want, got := run(t, roomy, requests, at), run(t, tight, requests, at)
	for i := range want {
		if !slices.Equal(want[i].Tokens(), got[i].Tokens()) {
			t.Errorf("sequence %d answers %v with little memory and %v with much", i, got[i].Tokens(), want[i].Tokens())
		}
	}
	checkPool(t, roomy)
	checkPool(t, tight)
}

func TestRemove(t *testing.T) {
	c := tiny()
	dev := openCPU(t, 1)
	e := newEngine(t, dev, c, random(t, dev, c, kernel.F32), Options{Sequences: 2, PrefillRows: 16})
	r := rand.New(rand.NewPCG(3, 3))
	var alive []*Sequence
	for range 200 {
		if len(alive) < 5 {
			s, err := e.Add(Request{Prompt: prompt(r.Uint64N(3), 1+r.IntN(90)), MaxTokens: -1, Sampling: Sampling{Temperature: 2}})
			if err != nil {
				t.Fatal(err)
			}
			alive = append(alive, s)
		}
		if _, err := e.Step(); err != nil {
			t.Fatal(err)
		}
		if i := r.IntN(12); i < len(alive) {
			e.Remove(alive[i])
			e.Remove(alive[i]) // again does nothing
			alive = slices.Delete(alive, i, i+1)
		}
	}
	for _, s := range alive {
		e.Remove(s)
	}
	checkPool(t, e)
}

func TestFinish(t *testing.T) {
	c := tiny()
	dev := openCPU(t, 1)
	e := newEngine(t, dev, c, random(t, dev, c, kernel.F32), Options{Window: 64})
	free := run(t, e, []Request{{Prompt: prompt(1, 10), MaxTokens: -1}}, []int{0})[0].Tokens()
	if len(free) != 54 {
		t.Fatalf("%d tokens fill a window of 64 after 10", len(free))
	}
	for _, tt := range []struct {
		name    string
		request Request
		tokens  int
		finish  Finish
	}{
		{"window", Request{Prompt: prompt(1, 10), MaxTokens: 1000}, 54, Length},
		{"tokens", Request{Prompt: prompt(1, 10), MaxTokens: 5}, 5, Length},
		{"none", Request{Prompt: prompt(1, 10)}, 0, Length},
		{"full", Request{Prompt: prompt(1, 64)}, 0, Length},
		{"last place", Request{Prompt: prompt(1, 63), MaxTokens: -1}, 1, Length},
		{"stop", Request{Prompt: prompt(1, 10), MaxTokens: -1, Stop: []int32{free[0]}}, 1, Stop},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var last Event
			tokens := 0
			err := e.Generate(tt.request, func(ev Event) bool {
				last = ev
				if ev.Token != None {
					tokens++
				}
				return true
			})
			if err != nil || tokens != tt.tokens || last.Finish != tt.finish {
				t.Errorf("%d tokens, %q, %v; %d and %q are expected", tokens, last.Finish, err, tt.tokens, tt.finish)
			}
		})
	}
	checkPool(t, e)
}

func TestRefusals(t *testing.T) {
	c := tiny()
	dev := openCPU(t, 1)
	w := random(t, dev, c, kernel.F32)
	e := newEngine(t, dev, c, w, Options{Window: 64})
	for _, tt := range []struct {
		name    string
		request Request
		want    string
	}{
		{"empty", Request{}, "empty"},
		{"too long", Request{Prompt: prompt(1, 65)}, "65 tokens and the window holds 64"},
		{"no room for an answer", Request{Prompt: prompt(1, 64), MaxTokens: 1}, "64 tokens and the window holds 64"},
		{"token", Request{Prompt: []int32{3, vocabulary}}, "token 1 of the prompt is 96"},
		{"negative token", Request{Prompt: []int32{-1}}, "token 0 of the prompt is -1"},
		{"top", Request{Prompt: []int32{1}, Top: 21}, "0 to 20"},
		{"temperature", Request{Prompt: []int32{1}, Sampling: Sampling{Temperature: math.NaN()}}, "temperature"},
		{"bias", Request{Prompt: []int32{1}, Sampling: Sampling{Bias: map[int32]float32{96: 1}}}, "logit_bias"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := e.Add(tt.request); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v; %q is expected in it", err, tt.want)
			}
		})
	}
	if _, err := e.Add(Request{Prompt: prompt(1, 65)}); !errors.Is(err, ErrLong) {
		t.Error("a prompt that is too long is not ErrLong")
	}
	if _, err := New(dev, c, w, Options{CacheBytes: 1000}); err == nil || !strings.Contains(err.Error(), "160 tokens") {
		t.Errorf("too small a cache: %v", err)
	}
	if _, err := New(dev, c, w, Options{Cache: kernel.Q4_0}); err == nil || !strings.Contains(err.Error(), "Q4_0: F32, F16 and Q8_0") {
		t.Errorf("a cache of Q4_0: %v", err)
	}
	delete(w, "blk.0.attn_q.weight")
	if _, err := New(dev, c, w, Options{}); err == nil || !strings.Contains(err.Error(), "blk.0.attn_q.weight") {
		t.Errorf("a missing tensor: %v", err)
	}
}

// A model whose weights are not numbers fails its requests and nothing else.
func TestBrokenWeights(t *testing.T) {
	c := tiny()
	dev := openCPU(t, 1)
	w := random(t, dev, c, kernel.F32)
	if err := w["output_norm.weight"].Write(0, []float32{float32(math.NaN())}); err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, dev, c, w, Options{})
	for _, temperature := range []float64{0, 1} {
		err := e.Generate(Request{Prompt: prompt(1, 3), MaxTokens: 3, Sampling: Sampling{Temperature: temperature}}, func(Event) bool { return true })
		if !errors.Is(err, errNumbers) {
			t.Errorf("temperature %g: %v", temperature, err)
		}
	}
	checkPool(t, e)
}

// Scores are the log-probabilities of the tokens that are there.
func TestScores(t *testing.T) {
	c := tiny()
	dev := openCPU(t, 1)
	e := newEngine(t, dev, c, random(t, dev, c, kernel.F32), Options{})
	all := collect(e)
	p := prompt(4, 90)
	var scores []Score
	var tops [][]Score
	var s *Sequence
	r := Request{Prompt: p, MaxTokens: 3, Scores: true, ScorePrompt: true, Top: 5, Sampling: Sampling{Temperature: 1, Repetition: 1.5, Bias: map[int32]float32{7: 3}}}
	err := e.Generate(r, func(ev Event) bool {
		s = ev.Sequence
		for i := range ev.Prompt {
			scores, tops = append(scores, ev.Prompt[i]), append(tops, slices.Clone(ev.Tops[i]))
		}
		if ev.Token != None {
			scores, tops = append(scores, Score{ev.Token, ev.Score}), append(tops, slices.Clone(ev.Top))
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	tokens := append(p, s.Tokens()...)
	if len(scores) != len(tokens)-1 {
		t.Fatalf("%d scores of %d tokens", len(scores), len(tokens))
	}
	for i, score := range scores {
		logits := all[s][i]
		var sum float64
		for _, l := range logits {
			sum += math.Exp(float64(l))
		}
		want := math.Log(math.Exp(float64(logits[tokens[i+1]])) / sum)
		if score.Token != tokens[i+1] || math.Abs(score.Log-want) > 1e-9 {
			t.Fatalf("score %d is %v; token %d with %g is expected", i, score, tokens[i+1], want)
		}
		if len(tops[i]) != 5 || !slices.IsSortedFunc(tops[i], func(a, b Score) int { return int(1e9 * (b.Log - a.Log)) }) || tops[i][0].Token != likeliest(logits) {
			t.Fatalf("the likeliest at %d are %v", i, tops[i])
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	c := model.Derive(6, 8192)
	dev := openCPU(b, 0)
	e := newEngine(b, dev, c, random(b, dev, c, kernel.Q8_0), Options{})
	for _, n := range []int{1, 8} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tokens := 0
			for b.Loop() {
				for {
					if active, _ := e.Load(); active == n {
						break
					}
					if _, err := e.Add(Request{Prompt: prompt(1, 8), MaxTokens: -1}); err != nil {
						b.Fatal(err)
					}
					if _, err := e.Step(); err != nil {
						b.Fatal(err)
					}
				}
				events, err := e.Step()
				if err != nil {
					b.Fatal(err)
				}
				tokens += len(events)
			}
			b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
