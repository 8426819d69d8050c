package main

import (
	"errors"
	"fmt"
	"math"

	"samovar"
	"samovar/corpus"
	"samovar/train"
)

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
type rowsData struct {
	loader interface {
		Batch(step int64) corpus.Rows
		Steps(epochs int64) int64
	}
}

func (d rowsData) Batch(step int64) train.Rows { return train.Rows(d.loader.Batch(step)) }
func (d rowsData) Steps(epochs int64) int64    { return d.loader.Steps(epochs) }

// rows opens training rows: text, or the dialogues to tune on.
func (c *chain) rows(tuning bool) train.Open {
	return func(shards samovar.Input, batch, window int) (train.Data, func() error, error) {
		config := corpus.LoaderConfig{Seed: c.recipe.Seed, Rows: batch / window, Window: window}
		if !tuning {
			loader, set, err := openRows(shards, config, corpus.Train, corpus.DialogueTrain)
			if err != nil {
				return nil, nil, err
			}
			return rowsData{loader}, set.Close, nil
		}
		return tuningRows(shards, config, c.recipe.Tune.Replay)
	}
}

// openRows opens the first of the named parts that has documents.
func openRows(shards samovar.Input, config corpus.LoaderConfig, parts ...string) (*corpus.Loader, *corpus.Set, error) {
	set, err := openPart(shards, parts...)
	if err != nil {
		return nil, nil, err
	}
	loader, err := corpus.NewLoader(set, config)
	if err != nil {
		return nil, nil, errors.Join(err, set.Close())
	}
	return loader, set, nil
}

// tuningRows opens dialogues, with a share of text among them.
func tuningRows(shards samovar.Input, config corpus.LoaderConfig, replay float64) (train.Data, func() error, error) {
	text := config
	text.Rows = int(math.Round(replay * float64(config.Rows)))
	if replay > 0 && (text.Rows == 0 || text.Rows == config.Rows) {
		return nil, nil, fmt.Errorf("tune.replay: of a batch of %d rows %g cannot be text: give tune a larger batch", config.Rows, replay)
	}
	config.Rows -= text.Rows
	config.Whole = true
	dialogues, set, err := openRows(shards, config, corpus.DialogueTrain)
	if err != nil {
		return nil, nil, err
	}
	if replay == 0 {
		return rowsData{dialogues}, set.Close, nil
	}
	again, texts, err := openRows(shards, text, corpus.Train)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("tune.replay: %w", err), set.Close())
	}
	return rowsData{corpus.Blend{dialogues, again}}, func() error { return errors.Join(set.Close(), texts.Close()) }, nil
}

// heldRows is how many rows of held-out text are scored at a time.
const heldRows = 8

// held opens held-out rows: all of them where tokens is 0.
func openHeld(shards samovar.Input, window int, tokens int64, parts ...string) (*corpus.Loader, *corpus.Set, error) {
	return openRows(shards, corpus.LoaderConfig{Rows: heldRows, Window: window, Once: true, Limit: tokens}, parts...)
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
