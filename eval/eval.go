// Package eval measures models: bits per byte on text that was held out of
// their training, tasks that others have published, and whether the figures
// pass the gates of a recipe. It reads no corpus, trains nothing and asks no
// other model for its opinion. Start with [Measure]; the stages are [Evaluate],
// for held-out text, and [Examine], for tasks.
package eval

import (
	"context"
	"errors"
	"fmt"
	"math"

	"samovar/compute"
	"samovar/model"
)

// Rows is some text as ids: Tokens and Targets are [rows][Window], and Starts
// says for each row where its documents begin, the first at 0. A negative
// target is not scored; a document without any other is padding.
type Rows struct {
	Window  int
	Tokens  []int32
	Targets []int32
	Starts  [][]int32
}

// Data gives the rows of a step, from 0.
type Data interface{ Batch(step int64) Rows }

// Held is the text held out of one source.
type Held struct {
	Source    string // its name in the result
	Data      Data
	Steps     int64 // batches that hold all of it
	Documents int64
	Tokens    int64        // without padding; for progress alone
	Bytes     int64        // UTF-8 of its text
	Close     func() error // nil: nothing to close
}

// Score is how well a model predicts some text.
type Score struct {
	BitsPerByte   float64 `json:"bits_per_byte"`
	StandardError float64 `json:"standard_error"` // of BitsPerByte, over documents; 0 for a single one
	Loss          float64 `json:"loss"`           // nats per token
	Tokens        int64   `json:"tokens"`         // predicted
	Documents     int64   `json:"documents"`
	Bytes         int64   `json:"bytes"` // UTF-8
}

// Result is the scores of one model on all held-out text and on each source.
type Result struct {
	Score
	Sources []SourceScore `json:"sources"`
}

// SourceScore is the score on one source.
type SourceScore struct {
	Source string `json:"source"`
	Score
}

// Progress is told how many of how many tokens are scored. Of is 0 where the
// text does not say.
type Progress func(done, of int64)

// batchRows is how many tokens are computed at once: enough that matrices are
// multiplied at full speed. No document is looked back on further than that.
const batchRows = 2048

// Measure scores the model on the held-out text as it is served: with the
// weights in their format. A document that is longer than the window is cut so
// that every token is predicted from at least half a window. f stays open.
func Measure(ctx context.Context, dev compute.Device, f *model.File, held []Held, progress Progress) (Result, error) {
	m, err := newMeasure(dev, f, batchRows)
	if err != nil {
		return Result{}, fmt.Errorf("evaluate: %w", err)
	}
	defer m.free()
	m.progress = progress
	for _, h := range held {
		m.of += h.Tokens
	}
	var r Result
	var all []document
	for _, h := range held {
		documents, err := m.held(ctx, h)
		if err != nil {
			return Result{}, fmt.Errorf("evaluate on %s: %w", h.Source, err)
		}
		s, err := score(documents, h.Documents, h.Bytes)
		if err != nil {
			return Result{}, fmt.Errorf("evaluate on %s: %w", h.Source, err)
		}
		r.Sources = append(r.Sources, SourceScore{h.Source, s})
		r.Documents, r.Bytes = r.Documents+s.Documents, r.Bytes+s.Bytes
		all = append(all, documents...)
	}
	r.Score, err = score(all, r.Documents, r.Bytes)
	if err != nil {
		return Result{}, fmt.Errorf("evaluate: %w", err)
	}
	return r, nil
}

// document is what the scored tokens of one document cost.
type document struct {
	nats   float64
	tokens int64
}

// score adds documents up. The standard error is that of a ratio of two sums,
// nats and tokens, over independent documents (Cochran, Sampling Techniques,
// section 6.4), on the scale of bits per byte.
func score(documents []document, n, bytes int64) (Score, error) {
	var sum document
	for _, d := range documents {
		sum.nats += d.nats
		sum.tokens += d.tokens
	}
	if bytes <= 0 || sum.tokens == 0 {
		return Score{}, errors.New("no text is held out: add text, or hold out more of it")
	}
	if math.IsNaN(sum.nats) || math.IsInf(sum.nats, 0) {
		return Score{}, errors.New("the losses are not finite: the weights are damaged")
	}
	s := Score{
		BitsPerByte: model.BitsPerByte(sum.nats, bytes), Loss: sum.nats / float64(sum.tokens),
		Tokens: sum.tokens, Documents: n, Bytes: bytes,
	}
	if n := float64(len(documents)); n > 1 {
		var squares float64
		for _, d := range documents {
			x := d.nats - s.Loss*float64(d.tokens)
			squares += x * x
		}
		s.StandardError = model.BitsPerByte(math.Sqrt(squares*n/(n-1)), bytes)
	}
	return s, nil
}

// measure cuts documents into segments of at most a window and scores as many
// at once as fit into its rows.
type measure struct {
	weights    map[string]compute.Buffer
	scorer     *model.Scorer
	rows       int // tokens that are computed at once
	window     int // at most rows
	vocabulary int32
	progress   Progress
	done, of   int64 // tokens

	batch     compute.Batch
	owners    []int // of each of batch.Segments: its document
	documents []document
	part      *part // nil: nothing is kept
	kept      int   // documents
}

// newMeasure loads a model to score so many rows at once. f stays open.
func newMeasure(dev compute.Device, f *model.File, rows int) (m *measure, err error) {
	m = &measure{rows: rows, window: min(f.Config.Window, rows), vocabulary: int32(f.Config.Vocabulary)}
	if m.weights, err = f.Load(dev); err != nil {
		return nil, err
	}
	if m.scorer, err = model.NewScorer(dev, f.Config, m.weights, rows); err != nil {
		m.free()
		return nil, err
	}
	return m, nil
}

func (m *measure) free() {
	if m.scorer != nil {
		m.scorer.Free()
	}
	for _, b := range m.weights {
		b.Free()
	}
}

// held scores the text of one source, document by document.
func (m *measure) held(ctx context.Context, h Held) ([]document, error) {
	m.documents = nil
	for step := range h.Steps {
		rows := h.Data.Batch(step)
		for r, starts := range rows.Starts {
			tokens, targets := rows.Tokens[r*rows.Window:][:rows.Window], rows.Targets[r*rows.Window:][:rows.Window]
			for i, from := range starts {
				to := rows.Window
				if i+1 < len(starts) {
					to = int(starts[i+1])
				}
				if err := m.document(ctx, tokens[from:to], targets[from:to]); err != nil {
					return nil, err
				}
			}
		}
	}
	return m.documents, m.finish(ctx)
}

// document cuts one document: the first segment is a window, each that follows
// scores half a window more.
func (m *measure) document(ctx context.Context, tokens, targets []int32) error {
	n := scored(targets)
	if n == 0 {
		return nil
	}
	for i, id := range tokens {
		if id < 0 || max(id, targets[i]) >= m.vocabulary {
			return fmt.Errorf("the text has token %d and the model %d: they belong to different tokenizers", max(id, targets[i]), m.vocabulary)
		}
	}
	m.documents = append(m.documents, document{tokens: n})
	end := min(m.window, len(tokens))
	for done := 0; done < len(tokens); {
		if scored(targets[done:end]) > 0 {
			begin := max(0, end-m.window)
			if err := m.add(ctx, tokens[begin:end], done-begin, targets[done:end]); err != nil {
				return err
			}
		}
		done, end = end, min(end+max(1, m.window/2), len(tokens))
	}
	return nil
}

// scored counts the targets that are.
func scored(targets []int32) (n int64) {
	for _, t := range targets {
		if t >= 0 {
			n++
		}
	}
	return n
}

// add appends a segment of the last document, of whose tokens the first are
// context alone.
func (m *measure) add(ctx context.Context, tokens []int32, context int, targets []int32) error {
	b := &m.batch
	if len(b.Tokens)+len(tokens) > m.rows {
		if err := m.flush(ctx); err != nil {
			return err
		}
	}
	b.Tokens = append(b.Tokens, tokens...)
	for range context {
		b.Targets = append(b.Targets, -1)
	}
	b.Targets = append(b.Targets, targets...)
	b.Segments = append(b.Segments, compute.Segment{Rows: len(tokens)})
	m.owners = append(m.owners, len(m.documents)-1)
	m.done += int64(len(targets))
	return nil
}

// flush scores what has been added.
func (m *measure) flush(ctx context.Context) error {
	b := &m.batch
	if len(b.Tokens) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	losses, err := m.scorer.Losses(b)
	if err != nil {
		return err
	}
	for i, s := range b.Segments {
		d := &m.documents[m.owners[i]]
		for _, x := range losses[:s.Rows] {
			d.nats += float64(x)
		}
		losses = losses[s.Rows:]
	}
	b.Tokens, b.Targets, b.Segments, m.owners = b.Tokens[:0], b.Targets[:0], b.Segments[:0], m.owners[:0]
	if err := m.keep(len(m.documents) - 1); err != nil { // to the last one more may be added
		return err
	}
	if m.progress != nil {
		m.progress(m.done, m.of)
	}
	return nil
}

// finish scores what is left.
func (m *measure) finish(ctx context.Context) error {
	if err := m.flush(ctx); err != nil {
		return err
	}
	return m.keep(len(m.documents))
}

// keep writes down the documents before to, which are complete.
func (m *measure) keep(to int) error {
	if m.part == nil || to <= m.kept {
		return nil
	}
	from := m.kept
	m.kept = to
	return m.part.documents(m, from, to)
}

// known takes a document over from an attempt before this one.
func (m *measure) known() bool {
	c, ok := m.part.done[len(m.documents)]
	if ok {
		m.documents = append(m.documents, document{c.Nats, c.Tokens})
	}
	return ok
}
