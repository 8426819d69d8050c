package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/corpus"
	"samovar/corpus/filter"
	"samovar/eval"
	"samovar/eval/task"
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
	base   *base // model to go on from
	gates  eval.Gates
	tasks  []string // names of what the result is examined in
	nodes  []recipe.Node
	last   string // node that makes the model so far; empty: base is it
}

// device opens the processor with the recipe's numerics, or the fastest.
func device(numerics string) (compute.Device, error) {
	return compute.CPU{BF16: numerics == "bf16" || numerics == "" && kernel.HasBF16()}.Open()
}

// newChain returns the nodes for a recipe, from corpus to the last evaluation.
func newChain(ctx context.Context, r *recipe.Recipe, s *store, dev compute.Device, meter samovar.Meter) (*chain, error) {
	c := &chain{recipe: r, store: s, dev: dev, meter: meter, gates: eval.Gates(r.Eval.Gates)}
	exams, err := c.exams()
	if err != nil {
		return nil, err
	}
	if _, err := c.gates.Parse(c.tasks...); err != nil {
		return nil, fmt.Errorf("eval.gates: %w", err)
	}
	if err := c.from(ctx); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	collect, err := c.collect(ctx)
	if err != nil {
		return nil, err
	}
	var base samovar.Digest
	if c.base != nil {
		base = c.base.Digest
	}
	if err := s.permitted(ctx, collect.Declarations(), base); err != nil {
		return nil, err
	}
	c.add("collect", nil, func(map[string]samovar.Input) (samovar.Stage, error) { return collect, nil })
	c.vocabulary()
	c.add("shard", map[string]string{"corpus": "collect", "tokenizer": "tokenizer"}, c.shard)
	if r.Train.HasBudget() {
		c.add("plan", map[string]string{"shards": "shard"}, c.plan)
		c.learn("train", map[string]string{"plan": "plan"}, c.train)
	}
	if r.Tune != nil {
		c.learn("tune", map[string]string{}, c.tune)
	}
	if r.Prefer != nil {
		c.learn("prefer", map[string]string{}, c.prefer)
	}
	c.add("evaluate", map[string]string{"model": c.last, "shards": "shard"}, c.evaluate)
	for i, exam := range exams {
		c.add(examNode(c.tasks[i]), map[string]string{"model": c.last}, func(map[string]samovar.Input) (samovar.Stage, error) { return exam, nil })
	}
	return c, c.quantize(c.last)
}

func (c *chain) add(name string, inputs map[string]string, stage func(map[string]samovar.Input) (samovar.Stage, error)) *recipe.Node {
	c.nodes = append(c.nodes, recipe.Node{Name: name, Inputs: inputs, Stage: stage})
	return &c.nodes[len(c.nodes)-1]
}

// learn adds a node that goes on from the model so far.
func (c *chain) learn(name string, inputs map[string]string, stage func(map[string]samovar.Input) (samovar.Stage, error)) {
	inputs["shards"], inputs["tokenizer"] = "shard", "tokenizer"
	n := c.add(name, inputs, stage)
	if c.last != "" {
		inputs["model"] = c.last
	} else if c.base != nil {
		n.Given = map[string]samovar.Input{"model": c.base.Input}
	}
	c.last = name
}

// check finds settings of training that are out of range before anything is run.
func (c *chain) check() error {
	var from *model.Config
	vocabulary := defaultVocab
	if c.base != nil {
		from, vocabulary = &c.base.config, c.base.config.Vocabulary
	}
	m, err := c.recipe.Model.Config(vocabulary, from)
	if err == nil {
		_, err = c.settings().Choose(m.Width, m.Window, 0)
	}
	if err != nil {
		return err
	}
	if c.base == nil {
		if err := c.learnt().Check(); err != nil {
			return fmt.Errorf("tokenizer: %w", err)
		}
	}
	if c.recipe.Tune != nil && !slices.ContainsFunc(c.sources(), corpus.Source.Talks) {
		return errNoDialogue
	}
	return nil
}

var errNoDialogue = errors.New("tune: there is no dialogue to learn from: give a source whose kind is dialogue, or leave tune out")

// learnt is the tokenizer that a recipe asks for.
func (c *chain) learnt() tokenizer.Config {
	t := c.recipe.Tokenizer
	return tokenizer.Config{Vocab: cmp.Or(t.Vocab, defaultVocab), Pre: t.Pre}
}

func (c *chain) sources() (all []corpus.Source) {
	for _, s := range c.recipe.Corpus {
		all = append(all, corpus.Source{
			Path: s.Path, Field: s.Field, Language: s.Language, Licence: s.Licence, Origin: s.Origin, Rights: s.Rights, Weight: s.Weight,
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
		stage.Keep, inputs, given = true, nil, map[string]samovar.Input{"model": c.base.Input}
	} else {
		stage.Learn = c.learnt()
	}
	c.add("tokenizer", inputs, func(map[string]samovar.Input) (samovar.Stage, error) { return stage, nil }).Given = given
}

func (c *chain) shard(in map[string]samovar.Input) (samovar.Stage, error) {
	t, err := train.ReadTokenizer(in["tokenizer"])
	if err != nil {
		return nil, err
	}
	if err := c.checkTemplate(t); err != nil {
		return nil, err
	}
	chat, unreadable := template.Parse(c.template())
	return &corpus.Shard{
		Encoder: t, Vocabulary: t.Size(), Begin: begin(t), End: t.EOS(), Template: c.template(), Weights: corpus.Weights(c.sources()),
		Dialogue: func(turns []corpus.Turn) ([]int32, []bool, error) {
			if unreadable != nil {
				return nil, nil, unreadable
			}
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
			return model.Config{}, errNoDialogue
		}
		defer dialogues.Close()
	}
	if c.base != nil {
		return c.recipe.Model.Config(set.Vocabulary(), &c.base.config)
	}
	return c.recipe.Model.Config(set.Vocabulary(), nil)
}

func (c *chain) settings() train.Config {
	t := c.recipe.Train
	return train.Config{
		Batch: int(t.Batch), Leaves: t.Leaves, Optimiser: t.Optimiser, MuonRate: t.MuonRate, Schedule: t.Schedule, Rate: t.Rate, Warmup: t.Warmup, Decay: t.Decay,
		Weight: t.Weight, Clip: t.Clip, Windows: t.Windows, Recompute: t.Recompute, Seed: c.recipe.Seed,
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
	if err != nil {
		return nil, err
	}
	keep := c.recipe.Train.Checkpoints
	every, err := keep.Share()
	return &train.Train{
		Device: c.dev, Model: m, Stage: "train", Open: c.rows(false), Held: c.held(false), Template: c.kept(),
		Checkpoints: train.Checkpoints{Every: every, Keep: keep.Keep},
		Sample:      sampler(c.dev, m, in["tokenizer"]), Save: saveEvery,
	}, err
}

func (c *chain) tune(in map[string]samovar.Input) (samovar.Stage, error) {
	m, err := c.config(in["shards"])
	settings := c.settings()
	settings.Optimiser = train.AdamW // Muon's steps are of one size: too large for weights that are nearly right
	settings.Batch, settings.Rate, settings.Windows = int(c.recipe.Tune.Batch), c.recipe.Tune.Rate, nil
	if settings.Rate == 0 {
		settings.Rate = 3e-4 // a tenth of what a model of width 256 is trained with: enough to learn a manner, too little to forget
	}
	return &train.Train{
		Device: c.dev, Model: m, Stage: "tune", Open: c.rows(true), Held: c.held(true),
		Tuning: settings, Epochs: c.recipe.Tune.Epochs, Replay: c.recipe.Tune.Replay, Template: c.template(), Save: saveEvery,
	}, err
}

func (c *chain) prefer(in map[string]samovar.Input) (samovar.Stage, error) {
	m, err := c.config(in["shards"])
	p := c.recipe.Prefer
	settings := train.Config{Leaves: c.recipe.Train.Leaves, Rate: p.Rate, Clip: c.recipe.Train.Clip}
	if settings.Rate == 0 {
		settings.Rate = 3e-5 // a tenth of tuning's: what is learnt here is a manner of a manner
	}
	return &train.Prefer{
		Device: c.dev, Model: m, Tuning: settings, Template: c.template(), Save: saveEvery,
		Preference: train.Preference{Epochs: p.Epochs, Beta: p.Beta, Batch: int(p.Batch)}, Open: c.pairs,
	}, err
}

func (c *chain) evaluate(in map[string]samovar.Input) (samovar.Stage, error) {
	return &eval.Evaluate{Device: c.dev, Open: heldOut}, nil
}

// exams reads the tasks of the recipe, before anything is run.
func (c *chain) exams() (all []samovar.Stage, err error) {
	for i, t := range c.recipe.Eval.Tasks {
		if t.Name == "" {
			t.Name = t.Task
		}
		stage, err := eval.NewExamine(c.dev, eval.Task{
			Kind: task.Kind(t.Task), Name: t.Name, Path: t.Data, Limit: t.Limit, Seed: t.Seed, Shots: t.Shots, Examples: t.Examples,
		})
		if err == nil && slices.Contains(c.tasks, t.Name) {
			err = fmt.Errorf("two tasks are called %s: give one another name", t.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("eval.tasks[%d]: %w", i, err)
		}
		c.tasks, all = append(c.tasks, t.Name), append(all, stage)
	}
	return all, nil
}

// examNode is the name of a task's node.
func examNode(name string) string { return "evaluate " + name }

// quantize adds a node for each format, and the evaluation of what it makes.
func (c *chain) quantize(from string) error {
	for _, name := range c.recipe.Quantize {
		format, err := model.ParseFileType(name)
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

// decodeConfig reads the Config of an artifact.
func decodeConfig[T any](a samovar.Artifact) (v T, err error) {
	if err = json.Unmarshal(a.Config, &v); err != nil {
		err = fmt.Errorf("read the description of %s: %w", a.Digest.Short(), err)
	}
	return v, err
}
