package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"samovar"
	"samovar/corpus"
	"samovar/model"
	"samovar/tokenizer"
	"samovar/tokenizer/template"
	"samovar/train"
)

// base is the model that a recipe goes on from.
type base struct {
	samovar.Input
	config   model.Config
	template string // chat template; empty: none
}

// from finds the model that training goes on from: in the store, or a GGUF
// file, which is brought into it.
func (c *chain) from(ctx context.Context) error {
	ref := c.recipe.Model.From
	if ref == "" {
		return nil
	}
	b, err := c.store.base(ctx, ref)
	if err == nil {
		err = c.fits(b)
	}
	if err != nil {
		return fmt.Errorf("model.from: %w", err)
	}
	c.base = b
	return nil
}

func (s *store) base(ctx context.Context, ref string) (b *base, err error) {
	var d samovar.Digest
	if filepath.IsAbs(ref) {
		d, err = s.importModel(ctx, ref, "")
	} else if err = s.bring(ctx, ref); err == nil {
		d, err = s.Resolve(ref)
	}
	if err != nil {
		return nil, err
	}
	b = &base{}
	if b.Input, err = s.Input(d); err != nil {
		return nil, err
	}
	if b.Kind != samovar.KindModel {
		return nil, fmt.Errorf("%s is a %s, not a model", ref, b.Kind)
	}
	path, err := b.Path(train.ModelFile)
	if err != nil {
		return nil, err
	}
	f, err := model.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b.config = f.Config
	if v, ok := f.Value("tokenizer.chat_template"); ok {
		b.template, _ = v.(string)
	}
	return b, nil
}

// fits returns what of the recipe does not fit the weights of b.
func (c *chain) fits(b *base) error {
	r := c.recipe
	if d := r.Model.Depth; d != 0 && d != b.config.Layers {
		return fmt.Errorf("model.depth is %d and %s has %d layers: leave it out", d, r.Model.From, b.config.Layers)
	}
	if v := r.Tokenizer.Vocab; v != 0 && v != b.config.Vocabulary {
		return fmt.Errorf("tokenizer.vocab is %d and the vocabulary of %s, which is kept, has %d tokens: leave it out", v, r.Model.From, b.config.Vocabulary)
	}
	m, err := r.Model.Config(b.config.Vocabulary, &b.config)
	if err != nil {
		return err
	}
	if m.Window < 2 {
		return fmt.Errorf("model.window is %d; at least 2 is expected", m.Window)
	}
	return b.config.Continues(m)
}

// template is the chat template that dialogues are written with: that of the
// model to go on from, or our own.
func (c *chain) template() string {
	if t := c.kept(); t != "" {
		return t
	}
	return template.ChatML
}

// kept is the chat template of the model to go on from.
func (c *chain) kept() string {
	if c.base == nil {
		return ""
	}
	return c.base.template
}

// checkTemplate refuses to tune a model with our own template if its vocabulary
// has not the token that ends a turn in it: its answers would have no end.
func (c *chain) checkTemplate(t *tokenizer.Tokenizer) error {
	if c.recipe.Tune == nil && c.recipe.Prefer == nil || c.kept() != "" {
		return nil
	}
	if _, ok := t.Special("<|im_end|>"); !ok {
		return errors.New("the model to go on from has neither a chat template nor a token <|im_end|> to end an answer with: it can learn from text alone")
	}
	return nil
}

// pairsData is a corpus' pairs as package train sees them.
type pairsData struct{ *corpus.Pairs }

func (p pairsData) Pair(i int64) train.Pair { return train.Pair(p.Pairs.Pair(i)) }

// pairs opens the preferences to learn from and those held out.
func (c *chain) pairs(shards samovar.Input, window int) (all train.OpenPairs, err error) {
	var closers []func() error
	all.Close = func() (err error) {
		for _, f := range closers {
			err = errors.Join(err, f())
		}
		return err
	}
	for _, part := range []struct {
		name string
		to   *train.Pairs
	}{{corpus.PreferenceTrain, &all.Train}, {corpus.PreferenceValidation, &all.Held}} {
		set, err := corpus.OpenSet(shards, part.name)
		if err != nil {
			return all, errors.Join(err, all.Close())
		}
		closers = append(closers, set.Close)
		p, err := corpus.NewPairs(set, c.recipe.Seed, window)
		if err != nil {
			return all, errors.Join(fmt.Errorf("%s: %w", part.name, err), all.Close())
		}
		all.Long += p.Long
		*part.to = pairsData{p}
	}
	return all, nil
}
