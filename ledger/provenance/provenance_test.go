package provenance

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"samovar"
)

var kinds = map[string]samovar.Kind{
	"collect": samovar.KindCorpus, "tokenizer": samovar.KindTokenizer, "shard": samovar.KindShards, "plan": samovar.KindPlan,
	"train": samovar.KindModel, "tune": samovar.KindModel, "quantize": samovar.KindModel, "evaluate": samovar.KindEvaluation,
}

func d(name string) samovar.Digest { return samovar.DigestOf([]byte(name)) }

type in = map[string]samovar.Digest

// history is several brews: "one" learns from A and B, "two" goes on from it
// with C, "three" is tuned from two with D, and "other" learns from C alone.
type history struct{ runs []samovar.Run }

func (h *history) add(stage, made, config string, inputs in) samovar.Digest {
	i := int64(len(h.runs))
	h.runs = append(h.runs, samovar.Run{
		ID: strconv.FormatInt(i, 10), Entry: &i, Stage: stage, Inputs: inputs, Outputs: []samovar.Digest{d(made)}, Config: json.RawMessage(config),
		Metrics: map[string]float64{"sources/0/documents": 4, "sources/0/bytes_out": 300, "sources/1/documents": 2, "sources/1/bytes_out": 100},
	})
	return d(made)
}

func (h *history) corpus(name string, origins ...string) (shards samovar.Digest) {
	var sources []string
	for _, o := range origins {
		sources = append(sources, fmt.Sprintf(`{"origin": %q, "language": "en", "licence": "MIT", "digest": %q, "bytes": 7}`, o, d("source "+o)))
	}
	corpus := h.add("collect", "corpus "+name, `{"sources": [`+strings.Join(sources, ", ")+`]}`, nil)
	return h.add("shard", "shards "+name, `{}`, in{"corpus": corpus})
}

func example() Records {
	h := &history{}
	ab, c, dd := h.corpus("one", "A", "B"), h.corpus("two", "C"), h.corpus("three", "D")
	one := h.add("train", "one", `{}`, in{"shards": ab})
	h.add("quantize", "one small", `{"format": "Q8_0"}`, in{"model": one})
	two := h.add("train", "two", `{}`, in{"shards": c, "model": one})
	h.add("evaluate", "figures of two", `{}`, in{"shards": c, "model": two})
	three := h.add("tune", "three", `{}`, in{"shards": dd, "model": two})
	h.add("quantize", "three small", `{"format": "Q4_0"}`, in{"model": three})
	h.add("train", "other", `{}`, in{"shards": c})
	return Records{
		Runs: h.runs, Kinds: kinds, Names: map[samovar.Digest][]string{one: {"one"}, d("three small"): {"best", "three-q4_0"}},
		Get: func(samovar.Digest) (a samovar.Artifact, ok bool, err error) { return a, false, nil },
	}
}

func names(models []AffectedModel) (all []string) {
	for _, m := range models {
		for _, name := range []string{"one", "one small", "two", "three", "three small", "other"} {
			if m.Model == d(name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// TestAffected holds the models that learnt from a source to be found across
// every way in which one comes of another.
func TestAffected(t *testing.T) {
	for _, x := range []struct {
		name  string
		match Match
		want  []string
		share float64
	}{
		{"an origin", Match{Origins: []string{"b"}}, []string{"one", "one small", "two", "three", "three small"}, 0.25},
		{"a digest", Match{Digests: []samovar.Digest{d("source C")}}, []string{"two", "three", "three small", "other"}, 1},
		{"the last of a chain", Match{Origins: []string{"D"}}, []string{"three", "three small"}, 1},
		{"documents", Match{Found: map[samovar.Digest]map[int]Part{d("corpus one"): {0: {Documents: 1, Bytes: 100}}}}, []string{"one", "one small", "two", "three", "three small"}, 0.25},
		{"nothing", Match{}, nil, 0},
		{"a part of an origin", Match{Origins: []string{""}}, nil, 0},
	} {
		r := example()
		for range 2 { // also when records were entered in another order
			a, err := New(r).Affected(x.match)
			if err != nil {
				t.Fatal(err)
			}
			got := names(a.Models)
			slices.Sort(got)
			want := slices.Sorted(slices.Values(x.want))
			if !slices.Equal(got, want) || len(a.Corpora) > 0 && a.Corpora[0].Share != x.share {
				t.Errorf("%s: %v learnt from it, not %v; %+v", x.name, got, want, a.Corpora)
			}
			slices.Reverse(r.Runs)
		}
	}
	a, err := New(example()).Affected(Match{Origins: []string{"C"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range a.Models {
		if m.Model == d("three small") && (!slices.Equal(m.Names, []string{"best", "three-q4_0"}) || !slices.Equal(m.Models, []samovar.Digest{d("three")})) {
			t.Errorf("%+v", m)
		}
	}
}

func TestWithdrawals(t *testing.T) {
	r := example()
	r.Withdrawn = []Withdrawn{{Digest: d("source A"), Entry: 20}, {Digest: d("elsewhere"), Origin: "c", Entry: 21}}
	g := New(r)
	corpora, err := g.Corpora(g.Behind(d("three")))
	if err != nil {
		t.Fatal(err)
	}
	got := g.Withdrawals(corpora)
	if len(got) != 2 || got[0] != (Withdrawn{d("source A"), "A", 20}) || got[1] != (Withdrawn{d("source C"), "C", 21}) {
		t.Errorf("%+v", got)
	}
}

// TestLineage holds the graph to have every edge end at a node, and each node
// once.
func TestLineage(t *testing.T) {
	g := New(example())
	l, err := g.Lineage("best", d("three small"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]Node{}
	for _, n := range l.Nodes {
		if _, ok := seen[n.ID]; ok {
			t.Errorf("%s is there twice", n.ID)
		}
		seen[n.ID] = n
	}
	for _, e := range l.Edges {
		for _, id := range []string{e.From, e.To} {
			if _, ok := seen[id]; !ok {
				t.Errorf("an edge ends at %s, which is no node", id)
			}
		}
	}
	if l.Nodes[0].Name != "best" || l.Nodes[0].Kind != samovar.KindModel || l.Nodes[1].Stage != "quantize" {
		t.Errorf("it begins with %+v", l.Nodes[:2])
	}
	for _, origin := range []string{"A", "B", "C", "D"} {
		if n := seen["source/"+string(d("source "+origin))]; n.Type != NodeSource || n.Name != origin {
			t.Errorf("source %s is %+v", origin, n)
		}
	}
	if _, ok := seen[string(d("other"))]; ok {
		t.Error("a model that it was not made from is in its lineage")
	}
	if l, err = g.Lineage("two", d("two")); err != nil || l.Nodes[len(l.Nodes)-1].Kind != samovar.KindEvaluation {
		t.Errorf("the figures of a model are not in its lineage: %v", err)
	}
	if l, err = g.Lineage("x", d("stranger")); err != nil || len(l.Nodes) != 1 || !strings.Contains(l.Nodes[0].Summary, "imported") {
		t.Errorf("a stranger: %+v, %v", l, err)
	}
}

func TestDamaged(t *testing.T) {
	broken := errors.New("its content has changed")
	r := example()
	r.Get = func(samovar.Digest) (a samovar.Artifact, ok bool, err error) { return a, false, broken }
	g := New(r)
	if _, err := g.Lineage("one", d("one")); !errors.Is(err, broken) {
		t.Errorf("lineage: %v", err)
	}
	if _, err := g.Affected(Match{Origins: []string{"A"}}); !errors.Is(err, broken) {
		t.Errorf("affected: %v", err)
	}
	r = example()
	r.Runs[0].Config = json.RawMessage(`{"sources": 1}`)
	if _, err := New(r).Affected(Match{Origins: []string{"A"}}); err == nil || !strings.Contains(err.Error(), "read the sources of run 0") {
		t.Errorf("sources that cannot be read: %v", err)
	}
}

// The report of a corpus that is in the store says more than its run record.
func TestCorpus(t *testing.T) {
	r := example()
	r.Get = func(x samovar.Digest) (samovar.Artifact, bool, error) {
		return samovar.Artifact{Digest: x, Kind: samovar.KindCorpus, Config: json.RawMessage(
			`{"sources": [{"documents": 9, "validation": 1, "bytes_in": 90, "bytes_out": 80, "duplicates": 2, "empty": 0, "filters": {"near": {"dropped": 3}}}]}`)}, x == d("corpus two"), nil
	}
	g := New(r)
	c, err := g.corpus(g.Maker(d("corpus two")))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Sources[0]
	if s.Documents != 9 || s.HeldOut != 1 || s.BytesOut != 80 || len(s.LeftOut) != 2 || s.LeftOut["duplicates"] != 2 || s.LeftOut["filters/near/dropped"] != 3 || !c.Here {
		t.Errorf("%+v", s)
	}
	for n, want := range map[int64]string{7: "7", 260032: "260 thousand", 4065536: "4.07 million", 7e9: "7 billion"} {
		if got := Amount(n); got != want {
			t.Errorf("%d is %s, not %s", n, got, want)
		}
	}
}
