package eval

import (
	"math"

	"samovar/eval/task"
	"samovar/model"
)

// Figure is how well a model does on some items. Score and Chance are in
// percent, of BPB in bits per byte.
type Figure struct {
	Score         float64   `json:"score"`
	StandardError float64   `json:"stderr"` // 0 for a single item
	N             int       `json:"n"`      // items
	Chance        float64   `json:"chance"` // what a model that knows nothing has
	Raw           *Accuracy `json:"acc,omitempty"`
	Normalised    *Accuracy `json:"acc_norm,omitempty"`     // equals Score
	Strict        *Accuracy `json:"strict_match,omitempty"` // equals Score
	Flexible      *Accuracy `json:"flexible_extract,omitempty"`
}

// Accuracy is one of the two scores of Choice (by the log-probability of the
// choices, and by that divided by their length in characters) or of Exact (by the
// number after "#### ", and by the last number). The names in JSON are
// lm-evaluation-harness's.
type Accuracy struct {
	Score         float64 `json:"score"`
	StandardError float64 `json:"stderr"`
}

// SetFigure is the figure of one set.
type SetFigure struct {
	Set string `json:"set"`
	Figure
}

// unit is that of a task's score.
func unit(kind task.Kind) string {
	if kind == task.BPB {
		return "bits per byte"
	}
	return "percent"
}

// byteBits is the score of a model that holds every byte for equally likely.
const byteBits = 8

// setsOf cuts answers, which lie set by set, into those of each set.
func setsOf(answers []Answer) (sets [][]Answer) {
	for from := 0; from < len(answers); {
		to := from
		for to < len(answers) && answers[to].Set == answers[from].Set {
			to++
		}
		sets = append(sets, answers[from:to])
		from = to
	}
	return sets
}

// figures returns the figure of each set and that of all. Of BLiMP it is the
// mean of the sets' scores, whatever their size; otherwise every item counts as
// much, and of BPB every byte.
func figures(kind task.Kind, answers []Answer) (all Figure, sets []SetFigure) {
	for _, s := range setsOf(answers) {
		sets = append(sets, SetFigure{s[0].Set, figure(kind, s)})
	}
	if kind == task.BPB {
		return figure(kind, answers), sets
	}
	var scores, seconds []estimate
	for _, s := range sets {
		scores = append(scores, estimate{s.Score, s.StandardError, s.N})
		all.N += s.N
		all.Chance += s.Chance * float64(s.N)
		for _, second := range []*Accuracy{s.Raw, s.Flexible} {
			if second != nil {
				seconds = append(seconds, estimate{second.Score, second.StandardError, s.N})
			}
		}
	}
	all.Chance /= float64(len(answers))
	e := joined(kind, scores)
	all.Score, all.StandardError = e.mean, e.err
	if seconds != nil {
		all.both(kind, joined(kind, seconds))
	}
	return all, sets
}

// figure is the figure of items that belong together.
func figure(kind task.Kind, answers []Answer) Figure {
	f := Figure{N: len(answers)}
	if kind == task.BPB {
		f.Score, f.StandardError = bitsPerByte(answers)
		f.Chance = byteBits
		return f
	}
	right, second := make([]float64, len(answers)), make([]float64, len(answers))
	for i, a := range answers {
		right[i], second[i] = percent(a.Right), percent(a.Raw || a.Last)
	}
	e := estimated(right)
	f.Score, f.StandardError = e.mean, e.err
	switch kind {
	case task.Blimp:
		f.Chance = 50
	case task.Choice:
		for _, a := range answers {
			f.Chance += 100 / float64(len(a.Logs))
		}
		f.Chance /= float64(len(answers))
	}
	f.both(kind, estimated(second))
	return f
}

// both fills in the two scores of a kind that has two, of which the first is
// the figure's.
func (f *Figure) both(kind task.Kind, second estimate) {
	one, two := &Accuracy{f.Score, f.StandardError}, &Accuracy{second.mean, second.err}
	switch kind {
	case task.Choice:
		f.Normalised, f.Raw = one, two
	case task.Exact:
		f.Strict, f.Flexible = one, two
	}
}

func percent(right bool) float64 {
	if right {
		return 100
	}
	return 0
}

// bitsPerByte is that of all texts together, with the standard error of a ratio
// of two sums over independent texts, bits and bytes (Cochran, Sampling
// Techniques, section 6.4).
func bitsPerByte(answers []Answer) (bits, err float64) {
	var nats float64
	var bytes int64
	for _, a := range answers {
		nats -= a.Logs[0]
		bytes += a.Bytes
	}
	if n := float64(len(answers)); n > 1 {
		var squares float64
		for _, a := range answers {
			x := -a.Logs[0] - nats*float64(a.Bytes)/float64(bytes)
			squares += x * x
		}
		err = model.BitsPerByte(math.Sqrt(squares*n/(n-1)), bytes)
	}
	return model.BitsPerByte(nats, bytes), err
}

// estimate is a mean of n values with its standard error.
type estimate struct {
	mean, err float64
	n         int
}

// estimated returns the mean of values. The standard error is the sample
// standard deviation, with n − 1, over √n.
func estimated(values []float64) estimate {
	e := estimate{n: len(values)}
	for _, v := range values {
		e.mean += v
	}
	e.mean /= float64(e.n)
	if e.n > 1 {
		var squares float64
		for _, v := range values {
			squares += (v - e.mean) * (v - e.mean)
		}
		e.err = math.Sqrt(squares / float64(e.n-1) / float64(e.n))
	}
	return e
}

// joined puts together the estimates of sets as lm-evaluation-harness joins those of
// a group: of BLiMP the sets count alike, otherwise the items do, and then the
// variance is the pooled one of the sets.
func joined(kind task.Kind, sets []estimate) (all estimate) {
	for _, s := range sets {
		all.n += s.n
	}
	if len(sets) == 1 {
		return sets[0]
	}
	n, k := float64(all.n), float64(len(sets))
	var variance float64
	for _, s := range sets {
		size := float64(s.n)
		if kind == task.Blimp {
			all.mean += s.mean
			variance += s.err * s.err / (k * k)
		} else {
			all.mean += s.mean * size
			if n > k {
				variance += (size - 1) * s.err * s.err * size / (n - k) / n
			}
		}
	}
	if kind == task.Blimp {
		n = k
	}
	all.mean, all.err = all.mean/n, math.Sqrt(variance)
	return all
}
