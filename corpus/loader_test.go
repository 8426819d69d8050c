package corpus

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"samovar"
)

// words is an Encoder: the id of a word is its number, and one more than 1.
type words struct{}

func (words) Encode(dst []int32, text string) []int32 {
	for _, w := range strings.Fields(text) {
		var n int32
		fmt.Sscan(w, &n)
		dst = append(dst, n)
	}
	return dst
}

// shard runs the stage on a corpus' folder.
func shard(t testing.TB, dir string, s *Shard) samovar.Input {
	t.Helper()
	in := samovar.Input{Paths: map[string]string{TrainFile: dir + "/" + TrainFile, ValidationFile: dir + "/" + ValidationFile}}
	out, err := s.Run(context.Background(), samovar.Work{Dir: t.TempDir(), Inputs: map[string]samovar.Input{"corpus": in}})
	if err != nil {
		t.Fatal(err)
	}
	shards := samovar.Input{Paths: map[string]string{}}
	shards.Config, _ = json.Marshal(out.Config)
	for _, f := range out.Files {
		shards.Paths[f.Name] = f.Path
	}
	return shards
}

// makeSet writes and opens a set whose sources' documents have these lengths.
// Document i's ids are all i+10, after the begin id 1.
func makeSet(t testing.TB, dir string, lengths [][]int, s Shard, dialogue bool) *Set {
	t.Helper()
	s.Vocabulary = 1000
	p := newPart(dir+"/"+Train, &s, dialogue)
	i := int32(10)
	for source, docs := range lengths {
		for _, n := range docs {
			e := encoded{source: source, bytes: 3 * n, ids: slices.Repeat([]int32{i}, n)}
			e.ids[0] = s.Begin
			if dialogue {
				e.learn = make([]bool, n)
				for j := range e.learn {
					e.learn[j] = j > 0 && j%3 == 0
				}
			}
			if err := p.add(e); err != nil {
				t.Fatal(err)
			}
			i++
		}
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	in := samovar.Input{Paths: map[string]string{}}
	for _, f := range p.files() {
		in.Paths[f.Name] = f.Path
	}
	set, err := OpenSet(in, Train)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// seen counts from an epoch's rows how often each document was there, checking
// rows on the way: what starts do not separate is one document's.
func seen(t interface{ Fatalf(string, ...any) }, set *Set, rows []Rows) map[int32]int {
	counts := map[int32]int{}
	for _, batch := range rows {
		for r, starts := range batch.Starts {
			tokens := batch.Tokens[r*batch.Window:][:batch.Window]
			targets := batch.Targets[r*batch.Window:][:batch.Window]
			for i, s := range starts {
				end := batch.Window
				if i+1 < len(starts) {
					end = int(starts[i+1])
				}
				if i == 0 && s != 0 || int(s) >= end {
					t.Fatalf("starts %v of a row of %d", starts, batch.Window)
				}
				for j := int(s); j < end; j++ {
					if tokens[j] == set.begin && (j > int(s)) {
						t.Fatalf("a document starts at %d, and starts are %v", j, starts)
					}
					if j+1 < end && targets[j] >= 0 && targets[j] != tokens[j+1] {
						t.Fatalf("target %d is %d, and %d follows", j, targets[j], tokens[j+1])
					}
					if tokens[j] != set.begin {
						counts[tokens[j]]++
					}
				}
			}
		}
	}
	return counts
}

func TestLoaderProperties(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		docs := rapid.SliceOfN(rapid.IntRange(2, 40), 1, 30)
		lengths := rapid.SliceOfN(docs, 1, 4).Draw(r, "lengths")
		weights := rapid.SliceOfN(rapid.SampledFrom([]float64{0.5, 1, 1.5, 2, 3}), len(lengths), len(lengths)).Draw(r, "weights")
		config := LoaderConfig{
			Seed: rapid.Uint64().Draw(r, "seed"), Rows: rapid.IntRange(1, 5).Draw(r, "rows"),
			Window: rapid.IntRange(1, 33).Draw(r, "window"), Weights: weights, Whole: rapid.Bool().Draw(r, "whole"),
		}
		set := makeSet(t, dir, lengths, Shard{Begin: 1, End: 2}, false)
		defer set.Close()
		loader, err := NewLoader(set, config)
		if err != nil {
			if !strings.Contains(err.Error(), "too little text") {
				r.Fatal(err)
			}
			config.Rows, config.Window = 1, 1
			if loader, err = NewLoader(set, config); err != nil {
				r.Fatal(err)
			}
		}
		checkEpochs(r, set, loader, lengths, config)
		checkSeek(r, set, loader, config)
	})
}

// checkEpochs asserts that in two epochs every document comes as often as its
// source's weight says, as nearly as its source's number of documents allows.
func checkEpochs(r *rapid.T, set *Set, loader *Loader, lengths [][]int, config LoaderConfig) {
	const epochs = 2
	var rows []Rows
	var n int64
	for e := range int64(epochs) {
		n += loader.Epoch(e).Rows
	}
	row := Rows{Window: config.Window}
	for i := range n {
		row.Tokens, row.Targets = make([]int32, config.Window), make([]int32, config.Window)
		row.Starts = [][]int32{loader.Row(i, row.Tokens, row.Targets)}
		rows = append(rows, row)
	}
	counts := seen(r, set, rows)
	id := int32(10)
	for source, docs := range lengths {
		total := 0
		for _, length := range docs {
			times := counts[id] / (length - 1)
			if counts[id]%(length-1) != 0 {
				r.Fatalf("document %d of %d ids appears in parts: %d", id, length, counts[id])
			}
			want := epochs * float64(loader.mixture.copies[source]) / float64(len(docs))
			if math.Abs(float64(times)-want) >= 1 {
				r.Fatalf("document %d of source %d with weight %v appears %d times in %d epochs", id, source, config.Weights[source], times, epochs)
			}
			total += times
			id++
		}
		want := max(1, math.RoundToEven(config.Weights[source]*float64(len(docs))))
		if float64(total) != epochs*want {
			r.Fatalf("source %d gave %d documents in %d epochs, want %v an epoch", source, total, epochs, want)
		}
	}
}

// checkSeek asserts that a loader asked for any step first answers as one that
// went through all.
func checkSeek(r *rapid.T, set *Set, loader *Loader, config LoaderConfig) {
	step := rapid.Int64Range(0, 60).Draw(r, "step")
	fresh, err := NewLoader(set, config)
	if err != nil {
		r.Fatal(err)
	}
	a, b := fresh.Batch(step), Rows{}
	for s := range step + 1 {
		b = loader.Batch(s)
	}
	if !slices.Equal(a.Tokens, b.Tokens) || !slices.Equal(a.Targets, b.Targets) || !slices.EqualFunc(a.Starts, b.Starts, slices.Equal) {
		r.Fatalf("step %d: sought %v, in sequence %v", step, a, b)
	}
}

func TestRowsOfKnownDocuments(t *testing.T) {
	tests := []struct {
		name            string
		lengths         []int
		shard           Shard
		dialogue        bool
		config          LoaderConfig
		tokens, targets []int32
		starts          []int32
	}{
		{"one id begins and ends", []int{4}, Shard{Begin: 1, End: 1}, false, LoaderConfig{Window: 6, Once: true},
			[]int32{1, 10, 10, 10, 1, 1}, []int32{10, 10, 10, 1, -1, -1}, []int32{0, 4}},
		{"another id ends", []int{4}, Shard{Begin: 1, End: 2}, false, LoaderConfig{Window: 6, Once: true},
			[]int32{1, 10, 10, 10, 2, 2}, []int32{10, 10, 10, -1, -1, -1}, []int32{0, 4}},
		{"cut in the middle", []int{4}, Shard{Begin: 1, End: 1}, false, LoaderConfig{Window: 3, Once: true},
			[]int32{1, 10, 10}, []int32{10, 10, 10}, []int32{0}},
		{"dialogue with its mask", []int{8}, Shard{Begin: 1, End: 1}, true, LoaderConfig{Window: 9, Whole: true},
			[]int32{1, 10, 10, 10, 10, 10, 10, 10, 1}, []int32{-1, -1, 10, -1, -1, 10, -1, -1, -1}, []int32{0, 8}},
		{"whole documents are not cut", []int{5, 5}, Shard{Begin: 1, End: 1}, true, LoaderConfig{Window: 6, Whole: true, Seed: 1},
			[]int32{1, 10, 10, 10, 10, 1}, []int32{-1, -1, 10, -1, -1, -1}, []int32{0, 5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set := makeSet(t, t.TempDir(), [][]int{test.lengths}, test.shard, test.dialogue)
			defer set.Close()
			test.config.Rows = 1
			loader, err := NewLoader(set, test.config)
			if err != nil {
				t.Fatal(err)
			}
			rows := loader.Batch(0)
			if !slices.Equal(rows.Tokens, test.tokens) || !slices.Equal(rows.Targets, test.targets) || !slices.Equal(rows.Starts[0], test.starts) {
				t.Errorf("got %v\n%v\n%v\nwant %v\n%v\n%v", rows.Tokens, rows.Targets, rows.Starts[0], test.tokens, test.targets, test.starts)
			}
		})
	}
}

// TestWeightsOfShards asserts that a loader follows the weights kept with the
// shards, and that validation reads each document once all the same.
func TestWeightsOfShards(t *testing.T) {
	set := makeSet(t, t.TempDir(), [][]int{{10}, {10, 10}}, Shard{Begin: 1, End: 1}, false)
	defer set.Close()
	set.weights = []float64{5}
	for _, test := range []struct {
		config    LoaderConfig
		documents int64
	}{
		{LoaderConfig{}, 7}, {LoaderConfig{Once: true}, 3}, {LoaderConfig{Weights: []float64{2, 0}}, 2}, {LoaderConfig{Weights: []float64{0.1, 3}}, 7},
	} {
		test.config.Rows, test.config.Window = 1, 4
		loader, err := NewLoader(set, test.config)
		if err != nil {
			t.Fatal(err)
		}
		if got := loader.Epoch(0); got.Documents != test.documents || got.Tokens != 10*test.documents || got.Bytes != 30*test.documents {
			t.Errorf("%+v: %+v, want %d documents", test.config, got, test.documents)
		}
	}
}

// TestBlend asserts that a batch has the rows of each loader, and that epochs are
// those of the first.
func TestBlend(t *testing.T) {
	var b Blend
	for i, lengths := range [][]int{{8, 8, 8}, {12, 12}} {
		set := makeSet(t, t.TempDir(), [][]int{lengths}, Shard{Begin: 1, End: 1}, false)
		defer set.Close()
		l, err := NewLoader(set, LoaderConfig{Rows: 2 - i, Window: 4})
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, l)
	}
	if got, want := b.Steps(2), b[0].Steps(2); got != want {
		t.Errorf("%d steps, want %d", got, want)
	}
	for step := range int64(5) {
		got, first, second := b.Batch(step), b[0].Batch(step), b[1].Batch(step)
		if got.Window != 4 || len(got.Starts) != 3 || !slices.Equal(got.Tokens[:8], first.Tokens) || !slices.Equal(got.Tokens[8:], second.Tokens) ||
			!slices.Equal(got.Targets[8:], second.Targets) || !slices.Equal(got.Starts[2], second.Starts[0]) {
			t.Errorf("step %d: %+v of %+v and %+v", step, got, first, second)
		}
	}
}

// TestOnce asserts that validation gives each token once and then padding.
func TestOnce(t *testing.T) {
	set := makeSet(t, t.TempDir(), [][]int{{7, 30, 2, 19}}, Shard{Begin: 1, End: 1}, false)
	defer set.Close()
	loader, err := NewLoader(set, LoaderConfig{Rows: 3, Window: 8, Once: true})
	if err != nil {
		t.Fatal(err)
	}
	var learnt int64
	for step := range loader.Steps(1) + 1 {
		for _, id := range loader.Batch(step).Targets {
			if id >= 0 {
				learnt++
			}
		}
	}
	if learnt != set.Tokens() || loader.Steps(1) != 3 || loader.Epochs(16*8) < 2 {
		t.Errorf("%d targets of %d tokens in %d steps", learnt, set.Tokens(), loader.Steps(1))
	}
	limited, err := NewLoader(set, LoaderConfig{Rows: 1, Window: 8, Once: true, Limit: 20})
	if err != nil {
		t.Fatal(err)
	}
	if e := limited.Epoch(0); e.Tokens < 20 || e.Tokens == set.Tokens() || e.Bytes != 3*e.Tokens {
		t.Errorf("limited to 20 tokens: %+v", e)
	}
}

func TestLoaderRefuses(t *testing.T) {
	set := makeSet(t, t.TempDir(), [][]int{{10}}, Shard{Begin: 1, End: 1}, false)
	defer set.Close()
	for want, config := range map[string]LoaderConfig{
		"0 rows of 4 tokens make no batch":          {Window: 4},
		"too little text: an epoch has 10 tokens":   {Rows: 3, Window: 4},
		"weight -1 of source 1":                     {Rows: 1, Window: 4, Weights: []float64{-1}},
		"every source with documents has weight 0":  {Rows: 1, Window: 4, Weights: []float64{0}},
		"weight NaN of source 1 is not between 0 a": {Rows: 1, Window: 4, Weights: []float64{math.NaN()}},
	} {
		if _, err := NewLoader(set, config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// TestPermutation asserts that each number comes once, in another order for
// each seed, and that order is no accident of the small domain.
func TestPermutation(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 4, 5, 17, 64, 1000} {
		orders := map[string]bool{}
		for seed := range uint64(20) {
			p := permute(n, 7, seed)
			got := make([]int64, n)
			for i := range got {
				got[i] = p.at(int64(i))
			}
			orders[fmt.Sprint(got)] = true
			slices.Sort(got)
			for i := range got {
				if got[i] != int64(i) {
					t.Fatalf("n %d, seed %d: %d is missing", n, seed, i)
				}
			}
		}
		if n >= 17 && len(orders) != 20 || n > 2 && len(orders) < 4 {
			t.Errorf("n %d: %d orders for 20 seeds", n, len(orders))
		}
	}
}
