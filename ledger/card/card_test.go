package card

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"samovar"
	"samovar/ledger/provenance"
)

var update = flag.Bool("update", false, "write testdata/*.md anew")

var kinds = map[string]samovar.Kind{
	"collect": samovar.KindCorpus, "tokenizer": samovar.KindTokenizer, "shard": samovar.KindShards, "plan": samovar.KindPlan,
	"train": samovar.KindModel, "tune": samovar.KindModel, "quantize": samovar.KindModel, "evaluate": samovar.KindEvaluation,
}

// d is a digest with a name.
func d(name string) samovar.Digest { return samovar.DigestOf([]byte(name)) }

// run is a record with what a test does not look at filled in.
func run(i int64, stage, made, config string, inputs map[string]samovar.Digest, metrics map[string]float64) samovar.Run {
	began := time.Date(2026, 11, 1, 9, int(i), 0, 0, time.UTC)
	e := samovar.Energy{Joules: 10 * float64(i+1), Method: "estimated (TDP × load)"}
	return samovar.Run{
		ID: strconv.FormatInt(i, 10), Entry: &i, Stage: stage, Version: 1, Key: d("key of " + stage + made), Inputs: inputs, Outputs: []samovar.Digest{d(made)},
		Config: json.RawMessage(config), Code: "0.1.0", Machine: samovar.Machine{Host: "secret", OS: "linux", Arch: "amd64", CPU: "a processor", Threads: 2, Memory: 8e9},
		Energy: e, Metrics: metrics, Started: began, Finished: began.Add(time.Minute),
		Attempts: []samovar.Attempt{{Started: began, Ended: began.Add(time.Minute), Outcome: "finished", Energy: e}},
	}
}

const shape = `{"model": {"architecture": "llama", "layers": 2, "width": 64, "heads": 2, "kv_heads": 1, "head_dim": 32, "hidden": 128, "vocabulary": 512, "window": 128, "epsilon": 0.00001, "rope_base": 10000, "tied": true}`

// records are those of a model that was trained and tuned on two sources, in two
// formats, with an interrupted attempt measured by other means.
func records() provenance.Records {
	type in = map[string]samovar.Digest
	type figures = map[string]float64
	const story, chat = `{"kind": "text", "language": "en", "licence": "CC-BY-4.0", "origin": "A | <b>story</b>", "files": 1, "bytes": 1000, "digest": "sha256:aa"}`,
		`{"kind": "dialogue", "language": "fr", "licence": "CC-BY-NC-SA-4.0", "origin": "Chats", "files": 2, "bytes": 3000, "digest": "sha256:bb"}`
	all := []samovar.Run{
		run(0, "collect", "corpus", `{"validation": 5, "sources": [`+story+`, `+chat+`], "filters": [[{"class": "prose", "actions": {"personal": "mask", "near": "off"}}], [{"class": "dialogue", "actions": {"personal": "mask", "near": "off"}}]], "evaluations": [{"name": "a/1.jsonl"}, {"name": "a/2.jsonl"}, {"name": "a/3.jsonl"}, {"name": "b|4.jsonl"}]}`, nil, figures{
			"sources/0/documents": 10, "sources/0/validation": 1, "sources/0/bytes_in": 2000, "sources/0/bytes_out": 1500, "sources/0/duplicates": 3, "sources/0/refused/encrypted PDF": 1,
			"sources/0/filters/personal/masked": 2, "sources/0/filters/personal/rules/email": 4, "sources/0/filters/contamination/dropped": 1, "sources/0/filters/length/dropped": 1, "sources/0/filters/length/bytes": 12,
			"sources/1/documents": 20, "sources/1/validation": 2, "sources/1/bytes_in": 4500, "sources/1/bytes_out": 4500,
		}),
		run(1, "tokenizer", "tokenizer", `{"vocab": 512}`, in{"corpus": d("corpus")}, figures{"vocabulary": 512}),
		run(2, "shard", "shards", `{"weights": [3, 1]}`, in{"corpus": d("corpus"), "tokenizer": d("tokenizer")}, figures{
			"train tokens": 400, "train tokens/0": 400, "dialogue-train tokens": 900, "dialogue-train tokens/1": 900, "validation tokens": 40, "validation tokens/0": 40,
		}),
		run(3, "plan", "plan", shape+`, "budget": {"hours": 0.1}, "train": {"batch": 128, "seed": 7}}`, in{"shards": d("shards")}, figures{"steps": 10, "tokens": 1280}),
		run(4, "train", "base", shape+`}`, in{"plan": d("plan"), "shards": d("shards"), "tokenizer": d("tokenizer")}, figures{"loss": 3.25, "validation_bits_per_byte": 2.5}),
		run(5, "tune", "tuned", shape+`, "epochs": 2, "replay": 0.25, "template": "{{ x }}"}`, in{"model": d("base"), "shards": d("shards"), "tokenizer": d("tokenizer")}, figures{"loss": -1e-9}),
		run(6, "evaluate", "evaluation", `{}`, in{"model": d("tuned"), "shards": d("shards")}, figures{
			"bits_per_byte": 2.25, "standard_error": 0.125, "documents": 3, "bits_per_byte/0": 2.25, "standard_error/0": 0.125,
		}),
		run(7, "quantize", "small", `{"format": "Q8_0"}`, in{"model": d("tuned")}, figures{"bits_per_weight": 8.5}),
		run(8, "evaluate", "evaluation of small", `{}`, in{"model": d("small"), "shards": d("shards")}, figures{"bits_per_byte": 2.5, "standard_error": 0.125}),
		run(9, "evaluate", "grammar", `{"task": "blimp", "name": "grammar"}`, in{"model": d("small")}, figures{
			"grammar": 62.5, "grammar_stderr": 1.25, "grammar_n": 67000, "grammar_chance": 50, "grammar/anaphora": 70, "tokens_per_second": 9,
		}),
		// The same corpus again, with its rights stated better.
		run(10, "collect", "corpus", `{"validation": 5, "sources": [`+strings.Replace(story, `"files"`, `"rights": "free in *some* countries", "files"`, 1)+`, `+chat+`]}`, nil, nil),
	}
	all[0].Metrics, all[10].Metrics = nil, all[0].Metrics // the first was recorded by an older program
	killed := all[4].Attempts[0]
	killed.Outcome, killed.Energy = "killed", samovar.Energy{Joules: 5000, Method: "measured (RAPL)"}
	all[4].Attempts = append([]samovar.Attempt{killed}, all[4].Attempts...)
	all[5].Recipe = "name: tea # a ``` in it\n"
	return provenance.Records{
		Runs: all, Names: map[samovar.Digest][]string{d("tuned"): {"tea"}, d("small"): {"tea-q8_0"}}, Kinds: kinds,
		Get:  func(samovar.Digest) (a samovar.Artifact, ok bool, err error) { return a, false, nil },
		Head: provenance.Head{Origin: "samovar/0123", Size: 11, Root: "abc="},
	}
}

// TestGolden holds the cards that people read to testdata: of a model as it was
// trained, of its quantised sister, and of two that came from
// outside, of which one was evaluated here.
func TestGolden(t *testing.T) {
	r := records()
	r.Withdrawn = []provenance.Withdrawn{{Digest: "sha256:cc", Origin: "chats", Entry: 11}}
	r.Runs = append(r.Runs, run(12, "evaluate", "answers", `{"task": "bpb", "name": "news"}`, map[string]samovar.Digest{"model": d("stranger")}, map[string]float64{
		"news": 1.5, "news_stderr": 0.25, "news_n": 20, "news_chance": 8,
	}))
	known := r.Get
	r.Get = func(x samovar.Digest) (samovar.Artifact, bool, error) {
		if x == d("stranger") || x == d("unseen") {
			return samovar.Artifact{Digest: x, Kind: samovar.KindModel, Config: json.RawMessage(`{"architecture": "llama", "parameters": 260032, "active": 260032, "quantization": "F32", "window": 512, "vocabulary": 512}`)}, true, nil
		}
		return known(x)
	}
	for _, name := range []string{"tuned", "small", "stranger", "unseen"} {
		c, err := New(provenance.New(r), name, d(name))
		if err != nil {
			t.Fatal(err)
		}
		got := c.Markdown()
		if again, err := New(provenance.New(r), name, d(name)); err != nil || again.Markdown() != got {
			t.Errorf("%s: the same records give two cards, %v", name, err)
		}
		path := filepath.Join("testdata", name+".md")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || got != string(want) {
			t.Errorf("%s is not as %s has it (%v):\n%s", name, path, err, got)
		}
		text, err := json.Marshal(c)
		if err != nil || strings.Contains(string(text), "secret") || strings.Contains(got, "secret") {
			t.Errorf("%s: %v; the name of the machine must not be told: %s", name, err, text)
		}
	}
}

func TestCard(t *testing.T) {
	c, err := New(provenance.New(records()), "tea", d("tuned"))
	if err != nil {
		t.Fatal(err)
	}
	// Ten times each run's number and 1, without its quantising and the
	// collecting that was repeated; and what was measured by itself.
	if len(c.Energy) != 2 || c.Energy[0].Joules != 470 || c.Energy[1] != (Energy{"measured (RAPL)", 5000}) {
		t.Errorf("the energy is %+v", c.Energy)
	}
	if s := c.Corpora[0].Sources; s[0].Shares[0].Share != 1 || s[1].Shares[0].Share != 1 || s[0].Weight != 3 {
		t.Errorf("the shares are %+v", s)
	}
	c.Withhold()
	if text := c.Markdown(); c.Recipe != "" || strings.Contains(text, "name: tea") || !strings.Contains(text, "The recipe is recorded.") {
		t.Errorf("the recipe is told: %s", text)
	}
	if _, err := New(provenance.New(records()), "corpus", d("corpus")); !errors.Is(err, ErrNoModel) {
		t.Errorf("a card of a corpus: %v", err)
	}
	if _, err := New(provenance.New(records()), "nothing", d("nothing")); !errors.Is(err, ErrNoModel) {
		t.Errorf("a card of nothing: %v", err)
	}
}

// TestDamaged holds every record that says something else than expected to one
// error, or to a card.
func TestDamaged(t *testing.T) {
	broken := errors.New("its content has changed")
	r := records()
	r.Get = func(samovar.Digest) (a samovar.Artifact, ok bool, err error) { return a, false, broken }
	if _, err := New(provenance.New(r), "tea", d("tuned")); !errors.Is(err, broken) {
		t.Errorf("a damaged artifact: %v", err)
	}
	for i := range records().Runs {
		for _, config := range []string{``, `null`, `[]`, `"x"`, `{"sources": 3}`, `{"model": []}`, `{"weights": "x", "budget": 7, "epochs": "x", "filters": 3}`} {
			r := records()
			r.Runs[i].Config, r.Runs[i].Metrics, r.Runs[i].Attempts = json.RawMessage(config), nil, nil
			c, err := New(provenance.New(r), "tea", d("small"))
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("run %d, %q: %v", i, config, err)
			}
			if err == nil {
				c.Markdown()
			}
		}
	}
	// What a model was made from may have come from elsewhere.
	r = records()
	r.Runs = append(r.Runs[:4:4], r.Runs[5:]...)
	c, err := New(provenance.New(r), "tea", d("tuned"))
	if err != nil || !strings.Contains(c.Markdown(), "Not all of its history is known.") || c.Imported[0] != d("base") {
		t.Errorf("made from something imported: %v", err)
	}
	// A model that was quantised to itself.
	r = records()
	r.Runs = []samovar.Run{run(0, "quantize", "self", `{"format": "F32"}`, map[string]samovar.Digest{"model": d("self")}, nil)}
	if c, err := New(provenance.New(r), "self", d("self")); err != nil || len(c.Formats) != 1 {
		t.Errorf("quantised to itself: %v", err)
	}
}

// Of the 67 sets of BLiMP the worst and the best are told.
func TestFew(t *testing.T) {
	all := []Score{{Name: "blimp", Task: "blimp", Unit: "%", Value: 60}}
	for i := range 67 {
		all = append(all, Score{Name: "blimp", Task: "blimp", Set: strconv.Itoa(i), Unit: "%", Value: float64((i*31 + 5) % 67)})
	}
	got := few(all)
	if len(got) != 3 || got[1].Set != "the worst of 67 sets, 2" || got[1].Value != 0 || got[2].Value != 66 {
		t.Errorf("%+v", got)
	}
	if got := few(all[:9]); len(got) != 9 {
		t.Errorf("of 8 sets %d scores are told", len(got))
	}
}

func TestAsks(t *testing.T) {
	for licence, want := range map[string]string{
		"CC0-1.0": asksNothing, "CC-BY-4.0": asksName, "CC-BY-NC-ND-4.0": asksName + "|" + asksNoBusiness + "|" + asksNoChange, "cc-by-sa-3.0": asksName + "|" + asksAlike,
		"MIT AND Apache-2.0": asksNotice, "GPL-3.0-only WITH Classpath-exception-2.0": asksCopyleft + "|" + asksUnknown, "(MIT OR CC-BY-4.0)": asksNotice + "|" + asksName,
		"Public domain in the USA": asksPlace, "Ours": asksUnknown, "": asksUnknown, "LGPL-2.1": asksCopyleft,
	} {
		if got := strings.Join(asks(licence), "|"); got != want {
			t.Errorf("%q asks for %q, not %q", licence, got, want)
		}
	}
}

func TestFormat(t *testing.T) {
	for got, want := range map[string]string{
		digits(0): "0", digits(999): "999", digits(1000): "1,000", digits(1234567): "1,234,567", size(999): "999 bytes", size(1): "1 byte", size(1500): "1.5 kB", size(3e12): "3.0 TB",
		work(0.5): "0.5 J", work(1500): "1.50 kJ", work(3.6e6): "3.60 MJ (1.00 kWh)", span(0.25): "0.2 s", span(75): "1m15s",
		cell("a|b\n<i> `c` *d* [e](f)"): "a\\|b &lt;i> \\`c\\` \\*d\\* \\[e\\](f)", fence("x", "a ``` b"): "````x\na ``` b\n````\n",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
