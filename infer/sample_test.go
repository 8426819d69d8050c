package infer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func logarithms(p ...float64) []float32 {
	l := make([]float32, len(p))
	for i := range p {
		l[i] = float32(math.Log(p[i]))
	}
	return l
}

// choices returns how often each token was picked in n draws.
func choices(t *testing.T, logits []float32, history []int32, p Sampling, n int) []int {
	t.Helper()
	var s sampler
	random := rand.NewPCG(7, 0)
	counts := make([]int, len(logits))
	for range n {
		id, err := s.pick(slices.Clone(logits), history, &p, random)
		if err != nil {
			t.Fatal(err)
		}
		counts[id]++
	}
	return counts
}

// The frequencies of 100,000 draws are those of the distribution that each
// setting leaves, worked out by hand.
func TestPick(t *testing.T) {
	logits := logarithms(0.1, 0.4, 0.2, 0.3)
	for _, tt := range []struct {
		name    string
		p       Sampling
		history []int32
		want    []float64
	}{
		{"greedy", Sampling{}, nil, []float64{0, 1, 0, 0}},
		{"plain", Sampling{Temperature: 1}, nil, []float64{0.1, 0.4, 0.2, 0.3}},
		{"cold", Sampling{Temperature: 0.5}, nil, []float64{0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0.09 / 0.3}},
		{"very cold", Sampling{Temperature: 1e-6}, nil, []float64{0, 1, 0, 0}},
		{"hot", Sampling{Temperature: 1e6}, nil, []float64{0.25, 0.25, 0.25, 0.25}},
		{"top-k", Sampling{Temperature: 1, TopK: 2}, nil, []float64{0, 4. / 7, 0, 3. / 7}},
		{"top-k 1", Sampling{Temperature: 1, TopK: 1}, nil, []float64{0, 1, 0, 0}},
		{"top-p", Sampling{Temperature: 1, TopP: 0.75}, nil, []float64{0, 4. / 9, 2. / 9, 3. / 9}},
		{"top-p tiny", Sampling{Temperature: 1, TopP: 1e-9}, nil, []float64{0, 1, 0, 0}},
		{"top-p of top-k", Sampling{Temperature: 1, TopK: 3, TopP: 0.7}, nil, []float64{0, 4. / 7, 0, 3. / 7}},
		{"min-p", Sampling{Temperature: 1, MinP: 0.45}, nil, []float64{0, 4. / 9, 2. / 9, 3. / 9}},
		{"min-p 1", Sampling{Temperature: 1, MinP: 1}, nil, []float64{0, 1, 0, 0}},
		{"top-p before temperature", Sampling{Temperature: 1e6, TopP: 0.65}, nil, []float64{0, 0.5, 0, 0.5}},
		// log 0.4 · 2 = log 0.16: tokens seen weigh 0.16 instead of 0.4.
		{"repetition", Sampling{Temperature: 1, Repetition: 2}, []int32{1, 1}, []float64{0.1 / 0.76, 0.16 / 0.76, 0.2 / 0.76, 0.3 / 0.76}},
		{"repetition long ago", Sampling{Temperature: 1, Repetition: 2, Last: 1}, []int32{1, 0}, []float64{0.01 / 0.91, 0.4 / 0.91, 0.2 / 0.91, 0.3 / 0.91}},
		{"frequency", Sampling{Temperature: 1, Frequency: math.Ln2}, []int32{1, 1}, []float64{0.1 / 0.7, 0.1 / 0.7, 0.2 / 0.7, 0.3 / 0.7}},
		{"presence", Sampling{Temperature: 1, Presence: math.Ln2}, []int32{1, 1}, []float64{0.1 / 0.8, 0.2 / 0.8, 0.2 / 0.8, 0.3 / 0.8}},
		{"bias", Sampling{Bias: map[int32]float32{0: 100}}, nil, []float64{1, 0, 0, 0}},
		{"ban", Sampling{Bias: map[int32]float32{1: float32(math.Inf(-1))}}, nil, []float64{0, 0, 0, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const n = 100_000
			counts := choices(t, logits, tt.history, tt.p, n)
			for id, w := range tt.want {
				// Five standard deviations of a binomial distribution.
				if d := 5*math.Sqrt(n*w*(1-w)) + 0.5; math.Abs(float64(counts[id])-n*w) > d {
					t.Errorf("token %d was drawn %d times of %d; %.0f ± %.0f are expected", id, counts[id], n, n*w, d)
				}
			}
		})
	}
}

func TestRepetitionOfPositive(t *testing.T) {
	var s sampler
	logits := []float32{4, 3}
	s.penalise(logits, []int32{0}, &Sampling{Repetition: 2})
	if logits[0] != 2 || logits[1] != 3 {
		t.Errorf("logits 4 and 3 become %v; 2 and 3 are expected", logits)
	}
}

func TestTies(t *testing.T) {
	if id := likeliest([]float32{1, 2, 2, 2}); id != 1 {
		t.Errorf("of equal logits the token is %d; the lowest, 1, is expected", id)
	}
	if counts := choices(t, []float32{1, 2, 2, 2}, nil, Sampling{Temperature: 1, TopK: 2}, 100); counts[3] != 0 || counts[1] == 0 || counts[2] == 0 {
		t.Errorf("top-k of equal logits draws %v; the lowest ids are expected", counts)
	}
}

// Any parameters that Check lets pass pick a token that is there, and what
// truncation keeps does not depend on how the list is walked.
func TestPickProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.Float32Range(-50, 50), 1, 60).Draw(t, "logits")
		p := Sampling{
			Temperature: rapid.Float64Range(0, 1e6).Draw(t, "temperature"),
			TopK:        rapid.IntRange(0, 80).Draw(t, "top_k"),
			TopP:        rapid.Float64Range(0, 1).Draw(t, "top_p"),
			MinP:        rapid.Float64Range(0, 1).Draw(t, "min_p"),
			Repetition:  rapid.Float64Range(minRepetition, 100).Draw(t, "repetition"),
			Frequency:   rapid.Float64Range(-10, 10).Draw(t, "frequency"),
			Presence:    rapid.Float64Range(-10, 10).Draw(t, "presence"),
			Last:        rapid.IntRange(-1, 20).Draw(t, "last"),
		}
		history := rapid.SliceOf(rapid.Int32Range(0, int32(len(logits)-1))).Draw(t, "history")
		if err := p.Check(len(logits)); err != nil {
			t.Fatal(err)
		}
		var s sampler
		after := slices.Clone(logits)
		s.penalise(after, history, &p)
		id, err := s.pick(slices.Clone(logits), history, &p, rand.NewPCG(1, 2))
		if err != nil || id < 0 || int(id) >= len(logits) {
			t.Fatalf("token %d, %v", id, err)
		}
		if want := kept(after, &p); p.Temperature > 0 && !slices.Contains(want, id) {
			t.Fatalf("token %d is not among the kept %v", id, want)
		}
	})
}

// kept is the definition of TopK, TopP and MinP, over a sorted list.
func kept(logits []float32, p *Sampling) []int32 {
	var all []candidate
	for id, l := range logits {
		all = append(all, candidate{l, int32(id)})
	}
	slices.SortFunc(all, func(a, b candidate) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	if p.TopK > 0 {
		all = all[:min(p.TopK, len(all))]
	}
	var sum, mass float64
	for _, c := range all {
		sum += math.Exp(float64(c.logit - all[0].logit))
	}
	var ids []int32
	for i, c := range all {
		w := math.Exp(float64(c.logit - all[0].logit))
		enough := p.TopP > 0 && mass >= p.TopP*sum*(1+1e-6) // both sums are rounded
		if i > 0 && (enough || w < p.MinP*(1-1e-5)) {
			break
		}
		ids = append(ids, c.id)
		mass += w
	}
	return ids
}

func TestTop(t *testing.T) {
	logits := []float32{1, 5, 3, 5, 2}
	got := appendTop(nil, logits, 3, logSum(logits))
	if len(got) != 3 || got[0].Token != 1 || got[1].Token != 3 || got[2].Token != 2 {
		t.Errorf("the three likeliest are %v", got)
	}
	if got := appendTop(nil, logits, 0, 0); len(got) != 0 {
		t.Errorf("none were asked for: %v", got)
	}
	if got := appendTop(nil, logits, 9, 0); len(got) != 5 {
		t.Errorf("more than there are: %v", got)
	}
}
