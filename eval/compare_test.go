package eval

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"samovar/eval/task"
)

// rights makes answers of a set from a text of 1 and 0.
func rights(set, marks string) (all []Answer) {
	for i, m := range marks {
		all = append(all, Answer{Set: set, Item: i, Right: m == '1', Logs: []float64{0, 0}})
	}
	return all
}

// TestCompare holds the tests to values worked out by scipy 1.17:
// ttest_1samp's statistic under norm.sf, and binomtest(min, n).pvalue.
func TestCompare(t *testing.T) {
	a, b := rights("x", "1111011101"), rights("x", "1010010100")
	c, err := Compare(task.Choice, a, b, "sha256:b")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name      string
		got, want float64
	}{
		{"difference", c.Difference, 40}, {"error", c.StandardError, 100 * math.Sqrt(0.24*10/9/10)},
		{"p", c.P, math.Erfc(0.4 / math.Sqrt(0.24/9) / math.Sqrt2)}, {"McNemar's p", c.McNemar, 0.125},
		{"low", c.Interval[0], 40 - 1.959964*c.StandardError}, {"high", c.Interval[1], 40 + 1.959964*c.StandardError}, {"score", c.Score, 40},
	} {
		if math.Abs(x.got-x.want) > 1e-6 {
			t.Errorf("%s is %g, not %g", x.name, x.got, x.want)
		}
	}
	if *c.Only != [2]int{4, 0} {
		t.Errorf("only one has right: %v", *c.Only)
	}
	same, err := Compare(task.Choice, a, a, "sha256:a")
	if err != nil || same.Difference != 0 || same.P != 1 || same.McNemar != 1 {
		t.Errorf("a model against itself: %+v, %v", same, err)
	}
	for _, other := range [][]Answer{nil, a[1:], rights("y", "1111011101")} {
		if _, err := Compare(task.Choice, a, other, ""); err == nil || !strings.Contains(err.Error(), "not answered the same items") {
			t.Errorf("%v: %v", other, err)
		}
	}
}

func TestMcNemar(t *testing.T) {
	for _, x := range []struct {
		a, b int
		want float64 // scipy.stats.binomtest(a, a+b).pvalue
	}{{0, 0, 1}, {1, 0, 1}, {5, 5, 1}, {0, 10, 0.001953125}, {3, 12, 0.03515625}, {400, 500, 0.0009564441369189}} {
		_, p := mcnemar(rights("x", strings.Repeat("1", x.a)+strings.Repeat("0", x.b)), rights("x", strings.Repeat("0", x.a)+strings.Repeat("1", x.b)))
		if math.Abs(p-x.want) > 1e-9 {
			t.Errorf("%d against %d: p = %.10f, not %.10f", x.a, x.b, p, x.want)
		}
	}
}

// TestPairs holds the error of a difference to its spread over many draws, of
// accuracies in sets and of bits per byte: two models that err on the same
// items differ less than each varies.
func TestPairs(t *testing.T) {
	for _, kind := range []task.Kind{task.Blimp, task.Choice, task.BPB} {
		const draws = 400
		var sum, squares, errs, alone float64
		for seed := range uint64(draws) {
			r := rand.New(rand.NewPCG(seed, 3))
			var a, b []Answer
			for _, set := range []string{"x", "y"} {
				for i := range 80 {
					hard, bytes := r.Float64(), 20+r.Int64N(100)
					a = append(a, Answer{Set: set, Item: i, Right: hard < 0.7, Logs: []float64{-hard * float64(bytes)}, Bytes: bytes})
					b = append(b, Answer{Set: set, Item: i, Right: hard+0.2*r.Float64() < 0.7, Logs: []float64{-(hard + 0.2*r.Float64()) * float64(bytes)}, Bytes: bytes})
				}
			}
			c, err := Compare(kind, a, b, "")
			if err != nil {
				t.Fatal(err)
			}
			sum += c.Difference
			squares += c.Difference * c.Difference
			errs += c.StandardError / draws
			alone += c.ScoreError / draws
		}
		mean := sum / draws
		spread := math.Sqrt((squares - draws*mean*mean) / (draws - 1))
		if ratio := errs / spread; ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%s: the error is %g and the spread %g", kind, errs, spread)
		}
		if errs > 0.8*alone {
			t.Errorf("%s: the difference has an error of %g and a score alone %g", kind, errs, alone)
		}
	}
}

// TestJoined holds the joining of sets to lm_eval 0.4.13's
// pooled_sample_stderr([2, 3, 1], [10, 20, 50]) and unweighted_mean_stderr.
func TestJoined(t *testing.T) {
	sets := []estimate{{50, 2, 10}, {60, 3, 20}, {80, 1, 50}}
	for kind, want := range map[task.Kind]estimate{task.Choice: {71.25, 1.0056657677, 80}, task.Blimp: {190.0 / 3, 1.247219, 80}} {
		got := joined(kind, sets)
		if math.Abs(got.mean-want.mean) > 1e-9 || math.Abs(got.err-want.err) > 1e-6 || got.n != want.n {
			t.Errorf("%s: %+v, not %+v", kind, got, want)
		}
	}
}

func TestUntil(t *testing.T) {
	for text, want := range map[string]string{"": "", "a": "a", "a Question: b": "a ", "x</s>y": "x", "<|im_end|>": ""} {
		got, stopped := until(text)
		if got != want || stopped != (got != text) {
			t.Errorf("%q: %q, %v", text, got, stopped)
		}
	}
}
