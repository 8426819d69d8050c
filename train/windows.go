package train

import (
	"errors"
	"fmt"

	"samovar"
)

// windows returns the lengths of rows in the parts of a run, the last that of
// the model's window.
func (c Config) windows(window int) []int {
	if len(c.Windows) == 0 {
		return []int{window}
	}
	return c.Windows
}

// checkWindows returns what is wrong with Windows for a model's window.
func (c Config) checkWindows(window int) error {
	for i, w := range c.Windows {
		if w < 2 || w > window || i > 0 && w < c.Windows[i-1] || c.Batch%w != 0 || c.Batch/w < c.Leaves {
			return fmt.Errorf("train: windows: rows of %d tokens: lengths that rise from at least 2 to the window, %d, and that divide the batch, %d, into at least %d rows are expected", w, window, c.Batch, c.Leaves)
		}
	}
	if n := len(c.Windows); n > 0 && c.Windows[n-1] != window {
		return fmt.Errorf("train: windows end with %d and not with the model's window, %d", c.Windows[n-1], window)
	}
	return nil
}

// growing is data whose rows grow in equal parts of the run: many short rows
// give a small batch the variety that few long ones lack, and cost less
// attention (arXiv:2108.06084).
type growing struct {
	parts []Data
	steps int64
}

// Batch gives the rows of a step, those of the last part after the end.
func (g growing) Batch(step int64) Rows {
	n := int64(len(g.parts))
	return g.parts[min(step*n/g.steps, n-1)].Batch(step)
}

// rows opens the rows of a run of so many steps.
func (open Open) rows(shards samovar.Input, c Config, window int, steps int64) (Data, func() error, error) {
	var closers []func() error
	end := func() (err error) {
		for _, f := range closers {
			err = errors.Join(err, f())
		}
		return err
	}
	g := growing{steps: max(1, steps)}
	for _, w := range c.windows(window) {
		data, f, err := open(shards, c.Batch, w)
		if err != nil {
			return nil, nil, errors.Join(err, end())
		}
		g.parts, closers = append(g.parts, data), append(closers, f)
	}
	if len(g.parts) == 1 {
		return g.parts[0], end, nil
	}
	return g, end, nil
}
