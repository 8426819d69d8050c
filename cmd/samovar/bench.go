package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/energy"
	"samovar/infer"
	"samovar/model"
	"samovar/train"
)

type benchCommand struct {
	Ref   string `arg:"" optional:"" help:"A model to measure; without one, only the machine is."`
	Train int    `help:"Also measure training of a model of this depth."`
}

// figures is what a bench prints.
type figures struct {
	CPU        string  `json:"cpu"`
	Threads    int     `json:"threads"`
	Kernel     string  `json:"kernel"`
	FP32       float64 `json:"fp32_gflops"`
	BF16       float64 `json:"bf16_gflops,omitempty"` // absent: no such instructions
	Bandwidth  float64 `json:"read_gb_per_second"`
	Prefill    float64 `json:"prefill_tokens_per_second,omitempty"`
	Decode     float64 `json:"decode_tokens_per_second,omitempty"`
	DecodeOf   float64 `json:"decode_share_of_bandwidth,omitempty"`
	Training   float64 `json:"training_tokens_per_second,omitempty"`
	TrainingOf float64 `json:"training_share_of_ceiling,omitempty"`
}

func (c *benchCommand) Run(g *globals) (err error) {
	m := energy.ThisMachine(energy.Config{})
	f := figures{CPU: m.CPU, Threads: runtime.GOMAXPROCS(0), Kernel: kernel.Active()}
	f.ceilings()
	if c.Ref != "" {
		s, err := g.openFor(c.Ref)
		if err != nil {
			return err
		}
		defer s.close(&err)
		path, err := s.modelPath(c.Ref)
		if err != nil {
			return err
		}
		if err := f.model(path); err != nil {
			return fmt.Errorf("measure %s: %w", c.Ref, err)
		}
	}
	if c.Train > 0 {
		if err := f.training(c.Train); err != nil {
			return fmt.Errorf("measure training: %w", err)
		}
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(f)
	}
	f.print(g)
	return nil
}

// repeats of each measurement, of which the median counts.
const repeats = 5

// median runs a piece of work on every thread repeatedly and returns the median
// rate in units a second.
func median(threads int, work func() float64) float64 {
	var rates []float64
	for range repeats {
		rates = append(rates, once(threads, work))
	}
	slices.Sort(rates)
	return rates[len(rates)/2]
}

// once runs a piece of work on every thread and returns its units a second.
func once(threads int, work func() float64) (rate float64) {
	var all sync.WaitGroup
	units := make([]float64, threads)
	start := time.Now()
	for i := range threads {
		all.Go(func() { units[i] = work() })
	}
	all.Wait()
	for _, u := range units {
		rate += u
	}
	return rate / time.Since(start).Seconds()
}

// sweep is the memory that each thread reads to find the bandwidth: far more
// than any cache.
const sweep = 512 << 20

func (f *figures) ceilings() {
	const iterations = 20_000_000
	f.FP32 = median(f.Threads, func() float64 { return kernel.MeasureFMA(iterations) }) / 1e9
	if kernel.HasBF16() {
		f.BF16 = median(f.Threads, func() float64 { return kernel.MeasureBF16(iterations) }) / 1e9
	}
	var mu sync.Mutex
	pool := make([][]byte, f.Threads)
	for i := range pool {
		pool[i] = make([]byte, sweep)
		for j := 0; j < sweep; j += 4096 {
			pool[i][j] = 1 // a page that was never written is not read from memory
		}
	}
	f.Bandwidth = median(f.Threads, func() float64 {
		mu.Lock()
		b := pool[0]
		pool = append(pool[1:], b)
		mu.Unlock()
		kernel.ReadBytes(b)
		return sweep
	}) / 1e9
}

func (f *figures) model(path string) error {
	m, err := model.Open(path)
	if err != nil {
		return err
	}
	defer m.Close()
	dev, err := compute.CPU{}.Open()
	if err != nil {
		return err
	}
	defer dev.Close()
	weights, err := m.Load(dev)
	if err != nil {
		return err
	}
	e, err := infer.New(dev, m.Config, weights, infer.Options{Sequences: 1, PrefillRows: 512, Lookup: -1})
	if err != nil {
		return err
	}
	defer e.Close()
	prompt := make([]int32, min(512, m.Config.Window/2))
	for i := range prompt {
		prompt[i] = int32(i*7) % int32(m.Config.Vocabulary)
	}
	var prefills, decodes []float64
	for i := range repeats {
		prompt[0] = int32(i) // nothing comes from the prefix cache
		start := time.Now()
		var first time.Time
		n := 0
		err := e.Generate(infer.Request{Prompt: prompt, MaxTokens: min(64, m.Config.Window/2)}, func(v infer.Event) bool {
			if v.Token != infer.None {
				if n == 0 {
					first = time.Now()
				}
				n++
			}
			return true
		})
		if err != nil {
			return err
		}
		prefills = append(prefills, float64(len(prompt))/first.Sub(start).Seconds())
		decodes = append(decodes, float64(n-1)/time.Since(first).Seconds())
	}
	slices.Sort(prefills)
	slices.Sort(decodes)
	f.Prefill, f.Decode = prefills[repeats/2], decodes[repeats/2]
	f.DecodeOf = f.Decode * float64(m.Memory()) / 1e9 / f.Bandwidth
	return nil
}

// training measures steps of a model of that depth on arbitrary tokens.
func (f *figures) training(depth int) error {
	const vocabulary, window = 8192, 1024
	m := model.Derive(depth, vocabulary)
	m.Window = window
	dev, err := device("")
	if err != nil {
		return err
	}
	defer dev.Close()
	c, err := train.Config{Batch: 8 * window}.Resolve(m.Width, window)
	if err != nil {
		return err
	}
	t, err := train.NewTrainer(dev, m, c)
	if err != nil {
		return err
	}
	defer t.Close()
	rows := train.Rows{Window: window}
	for i := range c.Batch {
		rows.Tokens = append(rows.Tokens, int32(i*i%vocabulary))
		rows.Targets = append(rows.Targets, int32((i+1)*(i+1)%vocabulary))
	}
	for range c.Batch / window {
		rows.Starts = append(rows.Starts, []int32{0})
	}
	measure := kernel.MeasureFMA
	if strings.HasPrefix(dev.Numerics(), "bf16") {
		measure = kernel.MeasureBF16
	}
	// The ceiling is measured before every step: a shared machine is not the
	// same from one minute to the next.
	var rates, shares []float64
	for range repeats {
		ceiling := once(f.Threads, func() float64 { return measure(shortly) })
		start := time.Now()
		if _, err := t.Step(rows, 1000); err != nil {
			return err
		}
		rate := float64(c.Batch) / time.Since(start).Seconds()
		rates, shares = append(rates, rate), append(shares, rate*m.TrainingOperations()/ceiling)
	}
	slices.Sort(rates)
	slices.Sort(shares)
	f.Training, f.TrainingOf = rates[repeats/2], shares[repeats/2]
	return nil
}

// shortly is the iterations of a ceiling that is measured in between: a tenth
// of a second or so.
const shortly = 2_000_000

func (f figures) print(g *globals) {
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "processor\t%s, %d threads, kernels %s\n", f.CPU, f.Threads, f.Kernel)
	fmt.Fprintf(w, "FP32\t%.0f GFLOP/s\n", f.FP32)
	if f.BF16 > 0 {
		fmt.Fprintf(w, "BF16\t%.0f GFLOP/s\n", f.BF16)
	} else {
		fmt.Fprintf(w, "BF16\tno instructions for it\n")
	}
	fmt.Fprintf(w, "read\t%.1f GB/s\n", f.Bandwidth)
	if f.Decode > 0 {
		fmt.Fprintf(w, "prefill\t%.0f tokens/s\n", f.Prefill)
		fmt.Fprintf(w, "decode\t%.1f tokens/s, %.0f %% of the read bandwidth\n", f.Decode, 100*f.DecodeOf)
	}
	if f.Training > 0 {
		fmt.Fprintf(w, "training\t%.0f tokens/s, %.0f %% of the ceiling\n", f.Training, 100*f.TrainingOf)
	}
}
