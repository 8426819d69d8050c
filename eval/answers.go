package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"samovar/compute"
	"samovar/eval/task"
	"samovar/model"
)

// Answer is what a model made of one item.
type Answer struct {
	Set    string    `json:"set"`
	Item   int       `json:"item"`             // its place in the set's file, from 0
	Logs   []float64 `json:"logs,omitempty"`   // nats: the log-probability of each choice, or of the text
	Text   string    `json:"text,omitempty"`   // of Exact: what the model said
	Right  bool      `json:"right"`            // of all but BPB; of Choice by length-normalised log-probability, of Exact by the number after "#### "
	Raw    bool      `json:"raw,omitempty"`    // of Choice: right by log-probability as it is
	Last   bool      `json:"last,omitempty"`   // of Exact: right by the last number of the text
	Tokens int64     `json:"tokens,omitempty"` // of BPB: predicted
	Bytes  int64     `json:"bytes,omitempty"`  // of BPB: UTF-8 of the text
}

// examination is a task in progress.
type examination struct {
	dev       compute.Device
	file      *model.File
	data      *task.Data
	part      *part
	shots     func(set string, it task.Item) []task.Item
	progress  Progress
	truncated int // items that did not fit into the window
}

// answers asks everything, in the order of the data.
func (x *examination) answers(ctx context.Context) ([]Answer, error) {
	e, err := newEncoder(x.file)
	if err != nil {
		return nil, err
	}
	switch x.data.Kind {
	case task.Exact:
		return x.solve(ctx, e)
	case task.BPB:
		return x.read(ctx, e)
	}
	return x.choose(ctx, e)
}

// choose answers by log-probability. Of equal ones the first counts, as it does
// in lm-evaluation-harness.
func (x *examination) choose(ctx context.Context, e *encoder) ([]Answer, error) {
	all, err := e.questions(x.data.Sets, x.shots)
	if err != nil {
		return nil, err
	}
	if err := fit(all, x.file.Config.Window); err != nil {
		return nil, err
	}
	m, err := newMeasure(x.dev, x.file, max(batchRows, longest(all)))
	if err != nil {
		return nil, err
	}
	defer m.free()
	m.progress, m.part = x.progress, x.part
	values, err := logs(ctx, m, all)
	if err != nil {
		return nil, err
	}
	var answers []Answer
	for _, s := range x.data.Sets {
		for _, it := range s.Items {
			a := Answer{Set: s.Name, Item: it.Index, Logs: values[:len(it.Choices)]}
			if slices.ContainsFunc(all[:len(it.Choices)], func(r request) bool { return r.cut }) {
				x.truncated++
			}
			values, all = values[len(it.Choices):], all[len(it.Choices):]
			for _, v := range a.Logs {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return nil, errNotFinite
				}
			}
			a.decide(x.data.Kind, it)
			answers = append(answers, a)
		}
	}
	return answers, nil
}

var errNotFinite = errors.New("the log-probabilities are not finite: the weights are damaged")

// decide fills in what is right.
func (a *Answer) decide(kind task.Kind, it task.Item) {
	raw := best(a.Logs) == it.Answer
	if kind == task.Blimp {
		a.Right = raw
		return
	}
	normalised := make([]float64, len(a.Logs))
	for i, v := range a.Logs {
		normalised[i] = v / float64(task.Characters(it.Choices[i]))
	}
	a.Right, a.Raw = best(normalised) == it.Answer, raw
}

// best is the index of the first of the largest values.
func best(values []float64) (at int) {
	for i, v := range values {
		if v > values[at] {
			at = i
		}
	}
	return at
}

// read measures bits per byte: each text as one document that follows the
// prefix token, with at least half a window before what is predicted.
func (x *examination) read(ctx context.Context, e *encoder) ([]Answer, error) {
	if e.prefix < 0 {
		return nil, errPrefix
	}
	m, err := newMeasure(x.dev, x.file, batchRows)
	if err != nil {
		return nil, err
	}
	defer m.free()
	var answers []Answer
	// Progress is in bytes, for nothing is encoded before its turn: of the texts
	// before this one, and of its own by how many of its tokens are computed.
	var before, own, began, tokens, of int64
	m.progress, m.part = func(done, _ int64) { x.progress(before+own*(done-began)/max(1, tokens), of) }, x.part
	for _, s := range x.data.Sets {
		for _, it := range s.Items {
			of += int64(len(it.Text))
			answers = append(answers, Answer{Set: s.Name, Item: it.Index, Bytes: int64(len(it.Text))})
		}
	}
	for _, s := range x.data.Sets {
		for _, it := range s.Items {
			before, own = before+own, int64(len(it.Text))
			began, tokens = m.done, 0
			if m.known() {
				continue
			}
			ids := e.encode.Encode([]int32{e.prefix}, it.Text)
			if len(ids) < 2 {
				return nil, fmt.Errorf("item %d of %s: the model's vocabulary has no token for it", it.Index, s.Name)
			}
			tokens = int64(len(ids) - 1)
			if err := m.document(ctx, ids[:tokens], ids[1:]); err != nil {
				return nil, fmt.Errorf("item %d of %s: %w", it.Index, s.Name, err)
			}
		}
	}
	before, own = of, 0
	if err := m.finish(ctx); err != nil {
		return nil, err
	}
	for i, d := range m.documents {
		if math.IsNaN(d.nats) || math.IsInf(d.nats, 0) {
			return nil, errNotFinite
		}
		answers[i].Logs, answers[i].Tokens = []float64{-d.nats}, d.tokens
	}
	return answers, nil
}
