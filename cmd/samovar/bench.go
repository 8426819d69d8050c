package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"samovar/bench"
	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/energy"
	"samovar/infer"
	"samovar/model"
	"samovar/train"
)

type benchCommand struct {
	Ref      string `arg:"" optional:"" help:"A model to measure; without one, only the machine is."`
	Prompt   int    `default:"512" help:"Tokens of prompt that are read."`
	Tokens   int    `default:"64" help:"Tokens of each answer."`
	Together int    `default:"8" help:"Answers that are decoded at once, after short prompts; 1 leaves that out."`
	Copy     bool   `help:"Also measure answers to prompts that repeat themselves, without and with guesses from what was said before."`
	Train    string `placeholder:"DEPTH|gpt2" help:"Also measure training of a model of this depth, or of GPT-2's size (124M)."`
	Rows     int    `default:"8" help:"Rows of a step of training."`
	Window   int    `default:"1024" help:"Tokens of a row."`
	Leaves   int    `default:"8" help:"Parts of a step of training whose gradients are summed in a tree; as many as rows at most."`
	Again    bool   `name:"recompute" help:"Training computes layers again on the way back, as recompute in a recipe."`
	Optimise string `name:"optimiser" enum:"muon,adamw" default:"muon" help:"Optimiser of the matrices: muon or adamw."`
	Repeats  int    `default:"5" help:"How often everything is measured; the medians count."`
	First    bool   `help:"Load the model, give one token and end: to time the command."`
	cached
}

// Validate refuses what cannot be measured.
func (c *benchCommand) Validate() error {
	switch {
	case c.First && c.Ref == "":
		return fmt.Errorf("--first needs a model")
	case c.Prompt < 1 || c.Tokens < 2 || c.Together < 1 || c.Repeats < 1 || c.Rows < 1 || c.Window < 1 || c.Leaves < 1:
		return fmt.Errorf("--prompt, --together, --repeats, --rows, --window and --leaves of 1 and --tokens of 2 are the least")
	case c.Train != "":
		_, err := c.trained()
		return err
	}
	return nil
}

// gpt2 is the size of the smallest GPT-2 (Radford et al. 2019): its MLP of two
// matrices 3,072 wide is one of three here, 2,048 wide.
var gpt2 = model.Config{
	Architecture: model.Llama, Layers: 12, Width: 768, Heads: 12, KVHeads: 12, HeadDim: 64, Hidden: 2048, Vocabulary: 50257,
	Epsilon: 1e-5, RopeBase: 10000, Tied: true,
}

// trained is the model whose training is measured.
func (c *benchCommand) trained() (m model.Config, err error) {
	if m = gpt2; c.Train != "gpt2" {
		depth, err := strconv.Atoi(c.Train)
		if err != nil || depth < 1 {
			return m, fmt.Errorf("--train %s: the number of layers is expected, or gpt2", c.Train)
		}
		m = model.Derive(depth, 8192)
	}
	m.Window = c.Window
	return m, m.Check()
}

// figures is what a bench prints: medians, rates in units a second.
type figures struct {
	CPU       string  `json:"cpu"`
	Threads   int     `json:"threads"`
	Kernel    string  `json:"kernel"`
	FP32      float64 `json:"fp32_gflops"`
	BF16      float64 `json:"bf16_gflops,omitempty"` // absent: no such instructions
	Int8      float64 `json:"int8_gops,omitempty"`   // likewise
	Bandwidth float64 `json:"read_gb_per_second"`

	LoadSeconds float64 `json:"load_seconds,omitempty"`
	Prompt      int     `json:"prompt_tokens,omitempty"`
	Prefill     float64 `json:"prefill_tokens_per_second,omitempty"`
	PrefillOf   float64 `json:"prefill_share_of_int8,omitempty"`
	Decode      float64 `json:"decode_tokens_per_second,omitempty"`
	DecodeOf    float64 `json:"decode_share_of_bandwidth,omitempty"`
	Together    int     `json:"together,omitempty"`
	Parallel    float64 `json:"together_tokens_per_second,omitempty"`
	Copying     float64 `json:"copying_tokens_per_second,omitempty"`
	CopyingGain float64 `json:"copying_gain,omitempty"`
	Training    float64 `json:"training_tokens_per_second,omitempty"`
	TrainingOf  float64 `json:"training_share_of_ceiling,omitempty"`
}

func (c *benchCommand) Run(g *globals) error {
	var m *loaded
	if c.Ref != "" {
		var err error
		if m, err = c.load(g); err != nil {
			return err
		}
		defer m.Close()
		if c.First {
			return m.first(c.format())
		}
	}
	ceilings, err := bench.NewCeilings()
	if err != nil {
		return err
	}
	defer ceilings.Close()
	f := figures{CPU: energy.ThisMachine(energy.Config{}).CPU, Threads: runtime.GOMAXPROCS(0), Kernel: kernel.Active()}
	if m == nil {
		f.Int8, f.Bandwidth = c.ceiling(ceilings.Int8), c.ceiling(ceilings.Read)
	} else if err := c.model(&f, m, ceilings); err != nil {
		return fmt.Errorf("measure %s: %w", c.Ref, err)
	}
	f.FP32, f.BF16 = c.ceiling(ceilings.FP32), c.ceiling(ceilings.BF16)
	if c.Train != "" {
		if err := c.training(&f, ceilings); err != nil {
			return fmt.Errorf("measure training: %w", err)
		}
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(f)
	}
	f.print(g)
	return nil
}

const giga = 1e9

// ceiling is the median of several measurements, in billions a second.
func (c *benchCommand) ceiling(measure func() float64) float64 {
	var all bench.Series
	for range c.Repeats {
		all = append(all, measure())
	}
	return all.Median() / giga
}

// loaded is a model file with its weights on the processor.
type loaded struct {
	*model.File
	dev     compute.Device
	weights map[string]compute.Buffer
	seconds float64 // that it took
}

// load opens the model that is to be measured.
func (c *benchCommand) load(g *globals) (m *loaded, err error) {
	s, err := g.openFor(c.Ref)
	if err != nil {
		return nil, err
	}
	defer s.close(&err)
	start := time.Now()
	f, err := s.openModel(c.Ref)
	if err != nil {
		return nil, err
	}
	m = &loaded{File: f}
	if m.dev, err = (compute.CPU{}).Open(); err == nil {
		m.weights, err = f.Load(m.dev)
	}
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("measure %s: %w", c.Ref, err)
	}
	m.seconds = time.Since(start).Seconds()
	return m, nil
}

// Close gives back the model's memory.
func (m *loaded) Close() {
	if m.dev != nil {
		m.dev.Close()
	}
	m.File.Close()
}

// first gives one token after one.
func (m *loaded) first(cache kernel.Format) error {
	e, err := infer.New(m.dev, m.Config, m.weights, infer.Options{Sequences: 1, Cache: cache})
	if err != nil {
		return err
	}
	defer e.Close()
	return e.Generate(infer.Request{Prompt: []int32{0}, MaxTokens: 1}, func(infer.Event) bool { return true })
}

// model measures a model beside the ceilings.
func (c *benchCommand) model(f *figures, m *loaded, ceilings *bench.Ceilings) error {
	s, err := bench.Serve(m.dev, m.Config, m.weights, m.Memory(), ceilings, bench.Load{Prompt: c.Prompt, Tokens: c.Tokens, Together: c.Together, Repeats: c.Repeats, Cache: c.format()})
	if err != nil {
		return err
	}
	f.LoadSeconds = m.seconds + s.Ready
	f.Int8, f.Bandwidth = s.Int8.Median()/giga, s.Read.Median()/giga
	f.Prompt, f.Prefill, f.Decode, f.DecodeOf = s.Prompt, s.Prefill.Median(), s.Decode.Median(), s.DecodeShare()
	if f.Int8 > 0 {
		f.PrefillOf = s.PrefillShare()
	}
	if s.Together > 1 {
		f.Together, f.Parallel = s.Together, s.Parallel.Median()
	}
	if !c.Copy {
		return nil
	}
	copying, err := bench.Copy(m.dev, m.Config, m.weights, bench.Load{Prompt: c.Prompt, Tokens: c.Tokens, Repeats: c.Repeats, Cache: c.format()})
	if err != nil {
		return err
	}
	f.Copying, f.CopyingGain = copying.Guessing.Median(), copying.Gain()
	return nil
}

// training measures steps on arbitrary tokens.
func (c *benchCommand) training(f *figures, ceilings *bench.Ceilings) error {
	m, err := c.trained()
	if err != nil {
		return err
	}
	dev, err := device("")
	if err != nil {
		return err
	}
	defer dev.Close()
	config, err := train.Config{Batch: c.Rows * c.Window, Leaves: min(c.Rows, c.Leaves), Optimiser: c.Optimise, Recompute: c.Again}.Resolve(m.Width, c.Window)
	if err != nil {
		return err
	}
	t, err := train.NewTrainer(dev, m, config)
	if err != nil {
		return err
	}
	defer t.Close()
	rows := train.Rows{Window: c.Window}
	for i := range config.Batch {
		rows.Tokens = append(rows.Tokens, int32(i*i%m.Vocabulary))
		rows.Targets = append(rows.Targets, int32((i+1)*(i+1)%m.Vocabulary))
	}
	for range config.Batch / c.Window {
		rows.Starts = append(rows.Starts, []int32{0})
	}
	ceiling := ceilings.FP32
	if strings.HasPrefix(dev.Numerics(), "bf16") {
		ceiling = ceilings.BF16
	}
	rates, ceil, err := bench.Against(c.Repeats, ceiling, func() (float64, error) {
		_, err := t.Step(rows, 1000)
		return float64(config.Batch), err
	})
	if err != nil {
		return err
	}
	f.Training = rates.Median()
	f.TrainingOf = f.Training * m.TrainingOperations() / ceil.Median()
	return nil
}

func (f figures) print(g *globals) {
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	line := func(what, format string, args ...any) { fmt.Fprintf(w, what+"\t"+format+"\n", args...) }
	line("processor", "%s, %d threads, kernels %s", f.CPU, f.Threads, f.Kernel)
	line("FP32", "%.0f GFLOP/s", f.FP32)
	if f.BF16 > 0 {
		line("BF16", "%.0f GFLOP/s", f.BF16)
	} else {
		line("BF16", "no instructions for it")
	}
	if f.Int8 > 0 {
		line("int8", "%.0f GOP/s", f.Int8)
	}
	line("read", "%.1f GB/s", f.Bandwidth)
	if f.Decode > 0 {
		line("load", "%.2f s", f.LoadSeconds)
		line("prefill", "%.0f tokens/s, %.0f %% of int8, a prompt of %d tokens", f.Prefill, 100*f.PrefillOf, f.Prompt)
		line("decode", "%.1f tokens/s, %.0f %% of the read bandwidth", f.Decode, 100*f.DecodeOf)
	}
	if f.Together > 0 {
		line("together", "%.1f tokens/s in %d answers at once", f.Parallel, f.Together)
	}
	if f.Copying > 0 {
		line("copying", "%.1f tokens/s where a text repeats itself, %.2f times as fast by guessing", f.Copying, f.CopyingGain)
	}
	if f.Training > 0 {
		line("training", "%.0f tokens/s, %.0f %% of the ceiling", f.Training, 100*f.TrainingOf)
	}
}
