package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/corpus"
	"samovar/corpus/filter"
	"samovar/eval"
	"samovar/model"
	"samovar/quant"
	"samovar/recipe"
	"samovar/tokenizer"
	"samovar/tokenizer/template"
	"samovar/train"
)

// saveEvery is how much training may be lost to a kill; 0 is train's default.
// Tests that kill make it short.
var saveEvery time.Duration

// defaultVocab is the size of a vocabulary for which a recipe gives none.
const defaultVocab = 8192

// chain builds the graph of a recipe's stages.
type chain struct {
	recipe *recipe.Recipe
	store  *store
	dev    compute.Device
	meter  samovar.Meter
	base   *samovar.Input // model to go on from
	gates  eval.Gates
	nodes  []recipe.Node
}

// device opens the processor with the recipe's numerics, or the fastest.
func device(numerics string) (compute.Device, error) {
	return compute.CPU{BF16: numerics == "bf16" || numerics == "" && kernel.HasBF16()}.Open()
}

// newChain returns the nodes for a recipe, from corpus to the last evaluation.
func newChain(ctx context.Context, r *recipe.Recipe, s *store, dev compute.Device, meter samovar.Meter) (*chain, error) {
	c := &chain{recipe: r, store: s, dev: dev, meter: meter, gates: eval.Gates(r.Eval.Gates)}
	if _, err := c.gates.Parse(); err != nil {
		return nil, fmt.Errorf("eval.gates: %w", err)
	}
	if err := c.from(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	collect, err := c.collect(ctx)
	if err != nil {
		return nil, err
	}
	c.add("collect", nil, func(map[string]samovar.Input) (samovar.Stage, error) { return collect, nil })
	c.vocabulary()
	c.add("shard", map[string]string{"corpus": "collect", "tokenizer": "tokenizer"}, c.shard)
	c.add("plan", map[string]string{"shards": "shard"}, c.plan)
	c.add("train", map[string]string{"shards": "shard", "tokenizer": "tokenizer", "plan": "plan"}, c.train)
	last := "train"
	if r.Tune != nil {
		c.add("tune", map[string]string{"shards": "shard", "tokenizer": "tokenizer", "model": "train"}, c.tune)
		last = "tune"
	}
	c.add("evaluate", map[string]string{"model": last, "shards": "shard"}, c.evaluate)
	return c, c.quantize(last)
}

func (c *chain) add(name string, inputs map[string]string, stage func(map[string]samovar.Input) (samovar.Stage, error)) *recipe.Node {
	c.nodes = append(c.nodes, recipe.Node{Name: name, Inputs: inputs, Stage: stage})
	n := &c.nodes[len(c.nodes)-1]
	if c.base != nil && name == "train" {
		n.Given = map[string]samovar.Input{"model": *c.base}
	}
	return n
}

// from finds the model that training goes on from.
func (c *chain) from() error {
	if c.recipe.Model.From == "" {
		return nil
	}
	d, err := c.store.Resolve(c.recipe.Model.From)
	if err != nil {
		return fmt.Errorf("model.from: %w", err)
	}
	in, err := c.store.Input(d)
	if err != nil {
		return fmt.Errorf("model.from: %w", err)
	}
	c.base = &in
	return nil
}

// check finds settings of training that are out of range before anything is
// run. Those of a model to go on from are checked with its width, by the plan.
func (c *chain) check() error {
	if c.base != nil {
		return nil
	}
	m, err := c.recipe.Model.Config(defaultVocab, nil)
	if err == nil {
		_, err = c.settings().Resolve(m.Width, m.Window, 0)
	}
	return err
}

func (c *chain) sources() (all []corpus.Source) {
	for _, s := range c.recipe.Corpus {
		all = append(all, corpus.Source{
			Path: s.Path, Field: s.Field, Language: s.Language, Licence: s.Licence, Origin: s.Origin, Weight: s.Weight,
			Kind: s.Kind, Include: s.Include, Filter: filtering(s.Filter.Over(c.recipe.Filter)),
		})
	}
	return all
}

// filtering is what a recipe says of filters as package corpus takes it.
func filtering(f recipe.Filter) filter.Config {
	return filter.Config{
		As: f.As, Default: f.Default, Language: f.Language, Length: f.Length, Symbols: f.Symbols, Boilerplate: f.Boilerplate,
		Repetition: f.Repetition, Secrets: f.Secrets, Personal: f.Personal, Near: f.Near, MinWords: f.MinWords, MaxWords: f.MaxWords,
	}
}

// vocabulary adds the tokenizer: learnt, or that of the model to go on from.
func (c *chain) vocabulary() {
	stage := &corpus.Vocabulary{}
	inputs := map[string]string{"corpus": "collect"}
	var given map[string]samovar.Input
	if c.base != nil {
		inputs, given = nil, map[string]samovar.Input{"model": *c.base}
	} else {
		stage.Learn = tokenizer.Config{Vocab: c.recipe.Tokenizer.Vocab, Pre: c.recipe.Tokenizer.Pre}
		if stage.Learn.Vocab == 0 {
			stage.Learn.Vocab = defaultVocab
		}
	}
	c.add("tokenizer", inputs, func(map[string]samovar.Input) (samovar.Stage, error) { return stage, nil }).Given = given
}

// readTokenizer reads the tokenizer of an artifact.
func readTokenizer(in samovar.Input) (*tokenizer.Tokenizer, error) {
	path, err := in.Path(corpus.TokenizerFile)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return tokenizer.FromJSON(text, nil)
}

func (c *chain) shard(in map[string]samovar.Input) (samovar.Stage, error) {
	t, err := readTokenizer(in["tokenizer"])
	if err != nil {
		return nil, err
	}
	chat, err := template.Parse(template.ChatML)
	if err != nil {
		return nil, err
	}
	return &corpus.Shard{
		Encoder: t, Vocabulary: t.Size(), Begin: begin(t), End: t.EOS(), Template: template.ChatML, Weights: corpus.Weights(c.sources()),
		Dialogue: func(turns []corpus.Turn) ([]int32, []bool, error) {
			var messages []template.Message
			for _, turn := range turns {
				messages = append(messages, template.Message{Role: turn.Role, Content: turn.Text})
			}
			return chat.Masked(t, messages, template.Options{})
		},
	}, nil
}

// config is the architecture for the vocabulary of the shards.
func (c *chain) config(shards samovar.Input) (model.Config, error) {
	set, err := openPart(shards, corpus.Train, corpus.DialogueTrain)
	if err != nil {
		return model.Config{}, err
	}
	defer set.Close()
	if c.recipe.Tune != nil {
		dialogues, err := openPart(shards, corpus.DialogueTrain)
		if err != nil {
			return model.Config{}, errors.New("tune: there is no dialogue to learn from: give a source whose kind is dialogue, or leave tune out")
		}
		defer dialogues.Close()
	}
	if c.base == nil {
		return c.recipe.Model.Config(set.Vocabulary(), nil)
	}
	path, err := c.base.Path(train.ModelFile)
	if err != nil {
		return model.Config{}, err
	}
	f, err := model.Open(path)
	if err != nil {
		return model.Config{}, err
	}
	defer f.Close()
	return c.recipe.Model.Config(set.Vocabulary(), &f.Config)
}

func (c *chain) settings() train.Config {
	t := c.recipe.Train
	return train.Config{
		Batch: int(t.Batch), Leaves: t.Leaves, Optimiser: t.Optimiser, MuonRate: t.MuonRate, Rate: t.Rate, Warmup: t.Warmup, Decay: t.Decay,
		Weight: t.Weight, Clip: t.Clip, Seed: c.recipe.Seed,
	}
}

func (c *chain) plan(in map[string]samovar.Input) (samovar.Stage, error) {
	m, err := c.config(in["shards"])
	t := c.recipe.Train
	return &train.Plan{
		Device: c.dev, Model: m, Budget: train.Budget{Tokens: int64(t.Tokens), Hours: t.Hours, KWh: t.KWh},
		Train: c.settings(), Open: c.rows(false), Meter: c.meter,
	}, err
}

func (c *chain) train(in map[string]samovar.Input) (samovar.Stage, error) {
	m, err := c.config(in["shards"])
	return &train.Train{
		Device: c.dev, Model: m, Stage: "train", Open: c.rows(false), Held: c.held(false), Sample: sampler(c.dev, m, in["tokenizer"]), Save: saveEvery,
	}, err
}

func (c *chain) tune(in map[string]samovar.Input) (samovar.Stage, error) {
	m, err := c.config(in["shards"])
	settings := c.settings()
	settings.Optimiser = train.AdamW // Muon's steps are of one size: too large for weights that are nearly right
	settings.Batch, settings.Rate = int(c.recipe.Tune.Batch), c.recipe.Tune.Rate
	if settings.Rate == 0 {
		settings.Rate = 3e-4 // a tenth of what a model of width 256 is trained with: enough to learn a manner, too little to forget
	}
	return &train.Train{
		Device: c.dev, Model: m, Stage: "tune", Open: c.rows(true), Held: c.held(true),
		Tuning: settings, Epochs: c.recipe.Tune.Epochs, Template: template.ChatML, Save: saveEvery,
	}, err
}

func (c *chain) evaluate(in map[string]samovar.Input) (samovar.Stage, error) {
	return &eval.Evaluate{Device: c.dev, Open: heldOut}, nil
}

// quantize adds a node for each format, and the evaluation of what it makes.
func (c *chain) quantize(from string) error {
	for _, name := range c.recipe.Quantize {
		format, err := kernel.ParseFormat(strings.ToUpper(name))
		if err != nil {
			return fmt.Errorf("quantize: %w", err)
		}
		node := "quantize " + format.String()
		c.add(node, map[string]string{"model": from}, func(map[string]samovar.Input) (samovar.Stage, error) {
			return &quant.Quantize{Format: format}, nil
		})
		c.add("evaluate "+format.String(), map[string]string{"model": node, "shards": "shard"}, c.evaluate)
	}
	return nil
}

// openPart opens the first of the named parts that has documents.
func openPart(shards samovar.Input, parts ...string) (*corpus.Set, error) {
	for _, part := range parts {
		set, err := corpus.OpenSet(shards, part)
		if !errors.Is(err, corpus.ErrNoPart) {
			return set, err
		}
	}
	return nil, errors.New("the corpus has no document to learn from")
}

// rowsData is a corpus' loader as package train sees it.
type rowsData struct{ loader *corpus.Loader }

func (d rowsData) Batch(step int64) train.Rows { return train.Rows(d.loader.Batch(step)) }
func (d rowsData) Steps(epochs int64) int64    { return d.loader.Steps(epochs) }

// rows opens training rows: text, or the dialogues to tune on.
func (c *chain) rows(tuning bool) train.Open {
	return func(shards samovar.Input, batch, window int) (train.Data, func() error, error) {
		parts := []string{corpus.Train, corpus.DialogueTrain}
		if tuning {
			parts = parts[1:]
		}
		set, err := openPart(shards, parts...)
		if err != nil {
			return nil, nil, err
		}
		loader, err := corpus.NewLoader(set, corpus.LoaderConfig{
			Seed: c.recipe.Seed, Rows: batch / window, Window: window, Whole: tuning,
		})
		if err != nil {
			return nil, nil, errors.Join(err, set.Close())
		}
		return rowsData{loader}, set.Close, nil
	}
}

// heldRows is how many rows of held-out text are scored at a time.
const heldRows = 8

// held opens held-out rows: all of them where tokens is 0.
func openHeld(shards samovar.Input, window int, tokens int64, parts ...string) (*corpus.Loader, *corpus.Set, error) {
	set, err := openPart(shards, parts...)
	if err != nil {
		return nil, nil, err
	}
	loader, err := corpus.NewLoader(set, corpus.LoaderConfig{Rows: heldRows, Window: window, Once: true, Limit: tokens})
	if err != nil {
		return nil, nil, errors.Join(err, set.Close())
	}
	return loader, set, nil
}

func (c *chain) held(tuning bool) func(samovar.Input, int, int64) (train.Held, error) {
	return func(shards samovar.Input, window int, tokens int64) (train.Held, error) {
		parts := []string{corpus.Validation, corpus.DialogueValidation}
		if tuning {
			parts = parts[1:]
		}
		loader, set, err := openHeld(shards, window, tokens, parts...)
		if err != nil {
			return train.Held{}, fmt.Errorf("nothing is held out for validation: %w", err)
		}
		return train.Held{Data: rowsData{loader}, Steps: loader.Steps(1), Bytes: loader.Epoch(0).Bytes, Close: set.Close}, nil
	}
}

// decodeConfig reads the Config of an artifact.
func decodeConfig[T any](a samovar.Artifact) (v T, err error) {
	if err = json.Unmarshal(a.Config, &v); err != nil {
		err = fmt.Errorf("read the description of %s: %w", a.Digest.Short(), err)
	}
	return v, err
}
