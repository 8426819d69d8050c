package eval

import (
	"errors"
	"math"

	"samovar"
	"samovar/eval/task"
)

// Comparison holds a model against another that has answered the same items.
// Differences are the first model's score less the other's.
type Comparison struct {
	Model         samovar.Digest  `json:"model"` // the other
	Score         float64         `json:"score"`
	ScoreError    float64         `json:"score_stderr"`
	Difference    float64         `json:"difference"`
	StandardError float64         `json:"stderr"`
	Interval      [2]float64      `json:"interval"`            // of the difference, with 95 % confidence
	P             float64         `json:"p"`                   // of a difference as large, if there were none
	Test          string          `json:"test"`                // which test P is of
	Only          *[2]int         `json:"only,omitempty"`      // items that only the first, and only the other, has right
	McNemar       float64         `json:"mcnemar_p,omitempty"` // of as uneven a split of these, if there were no difference
	Sets          []SetDifference `json:"sets"`
}

// SetDifference is the difference on one set.
type SetDifference struct {
	Set           string  `json:"set"`
	Score         float64 `json:"score"` // of the other model
	ScoreError    float64 `json:"score_stderr"`
	Difference    float64 `json:"difference"`
	StandardError float64 `json:"stderr"`
}

// pairedTest is the test of Comparison.P: as both models answer the same items,
// what varies is the difference on an item (Miller, Adding Error Bars to Evals,
// arXiv:2411.00640, section 4.2). Items are many, so the mean is taken as normal.
const pairedTest = "z, of the mean of the differences on each item"

// z95 is the quantile of the normal distribution at 97.5 %.
const z95 = 1.959964

// Compare holds the answers of two models to the same items against each other.
func Compare(kind task.Kind, first, other []Answer, model samovar.Digest) (c Comparison, err error) {
	if len(first) != len(other) || len(first) == 0 {
		return c, errors.New("compare: the models have not answered the same items")
	}
	for i := range first {
		if first[i].Set != other[i].Set || first[i].Item != other[i].Item {
			return c, errors.New("compare: the models have not answered the same items")
		}
	}
	f, sets := figures(kind, other)
	c = Comparison{Model: model, Score: f.Score, ScoreError: f.StandardError, Test: pairedTest}
	var all []estimate
	a := setsOf(first)
	for i, b := range setsOf(other) {
		d := difference(kind, a[i], b)
		all = append(all, d)
		c.Sets = append(c.Sets, SetDifference{sets[i].Set, sets[i].Score, sets[i].StandardError, d.mean, d.err})
	}
	d := joined(kind, all)
	if kind == task.BPB {
		d = difference(kind, first, other)
	} else {
		c.Only, c.McNemar = mcnemar(first, other)
	}
	c.Difference, c.StandardError = d.mean, d.err
	c.Interval = [2]float64{d.mean - z95*d.err, d.mean + z95*d.err}
	c.P = twoSided(d)
	return c, nil
}

// difference estimates the mean difference of two models on the same items.
func difference(kind task.Kind, a, b []Answer) estimate {
	if kind == task.BPB {
		d := make([]Answer, len(a))
		for i := range a {
			d[i] = Answer{Logs: []float64{a[i].Logs[0] - b[i].Logs[0]}, Bytes: a[i].Bytes}
		}
		mean, err := bitsPerByte(d)
		return estimate{mean, err, len(d)}
	}
	d := make([]float64, len(a))
	for i := range a {
		d[i] = percent(a[i].Right) - percent(b[i].Right)
	}
	return estimated(d)
}

// twoSided is the probability of a normal variable to lie as far from zero as
// the estimate. Without an error there is nothing to judge by.
func twoSided(d estimate) float64 {
	if d.err == 0 {
		return 1
	}
	return math.Erfc(math.Abs(d.mean) / d.err / math.Sqrt2)
}

// mcnemar is the exact form of McNemar's test (Psychometrika 12, 1947): if the
// models were alike, an item that one of them alone has right would be either's
// with probability ½.
func mcnemar(a, b []Answer) (only *[2]int, p float64) {
	only = new([2]int)
	for i := range a {
		switch {
		case a[i].Right && !b[i].Right:
			only[0]++
		case b[i].Right && !a[i].Right:
			only[1]++
		}
	}
	n := float64(only[0] + only[1])
	for i := range min(only[0], only[1]) + 1 {
		p += math.Exp(logGamma(n+1) - logGamma(float64(i)+1) - logGamma(n-float64(i)+1) - n*math.Ln2)
	}
	return only, min(1, 2*p)
}

func logGamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}
