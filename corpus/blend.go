package corpus

import "slices"

// Blend gives in each batch rows of several loaders of one window, one loader's
// after another's. Its epochs are the first's.
type Blend []*Loader

// Batch returns the rows of a step, from 0.
func (b Blend) Batch(step int64) (rows Rows) {
	for _, l := range b {
		part := l.Batch(step)
		rows.Window = part.Window
		rows.Tokens = slices.Concat(rows.Tokens, part.Tokens)
		rows.Targets = slices.Concat(rows.Targets, part.Targets)
		rows.Starts = append(rows.Starts, part.Starts...)
	}
	return rows
}

// Steps returns how many batches n epochs of the first loader make.
func (b Blend) Steps(n int64) int64 { return b[0].Steps(n) }
