package recipe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"samovar"
	"samovar/model"
)

const source = "corpus: [{path: texts, language: en, licence: CC0-1.0, origin: me}]\n"

func TestParse(t *testing.T) {
	text := `
name: tales
seed: 3
corpus:
  - {path: /texts/*.jsonl, field: body, language: en, licence: CC-BY-4.0, origin: "African Storybook", rights: "name the authors", weight: 2}
  - {path: chats, language: fr, licence: MIT, origin: us, kind: dialogue, include: [jsonl, txt]}
validation: 9
tokenizer: {vocab: 4096, pre: gpt-2}
model: {depth: 6, window: 512, experts: {count: 4, used: 2}}
train: {tokens: 20M, numerics: bf16, batch: 16k, leaves: 4, rate: 1e-3}
tune: {epochs: 2, batch: 8k}
eval: {gates: {bits_per_byte: "< 1.4"}}
quantize: [Q8_0, Q4_0]
`
	r, err := Parse([]byte(text), "/recipes")
	if err != nil {
		t.Fatal(err)
	}
	fields := r.Model.Fields
	r.Model.Fields = nil
	want := &Recipe{
		Name: "tales", Seed: 3, Validation: 9, Dir: "/recipes", Text: text, Reads: []string{"/texts/*.jsonl", filepath.FromSlash("/recipes/chats")},
		Corpus: []Source{
			{Path: "/texts/*.jsonl", Field: "body", Language: "en", Licence: "CC-BY-4.0", Origin: "African Storybook", Rights: "name the authors", Weight: 2},
			{Path: filepath.FromSlash("/recipes/chats"), Language: "fr", Licence: "MIT", Origin: "us", Kind: "dialogue", Include: []string{"jsonl", "txt"}},
		},
		Tokenizer: Tokenizer{Vocab: 4096, Pre: "gpt-2"},
		Model:     Model{Depth: 6},
		Train:     Train{Tokens: 20_000_000, Numerics: "bf16", Batch: 16_000, Leaves: 4, Rate: 1e-3},
		Tune:      &Tune{Epochs: 2, Batch: 8000},
		Eval:      Eval{Gates: map[string]string{"bits_per_byte": "< 1.4"}},
		Quantize:  []string{"Q8_0", "Q4_0"},
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("%+v\nwant %+v", r, want)
	}
	r.Model.Fields = fields
	c, err := r.Model.Config(4096, nil)
	if err != nil || c.Window != 512 || c.Layers != 6 || c.Experts.Count != 4 || c.Vocabulary != 4096 {
		t.Errorf("the architecture is %+v, %v", c, err)
	}
}

// TestModelConfig holds the fields of a recipe to overwrite those of the model
// to go on from, and no others.
func TestModelConfig(t *testing.T) {
	r, err := Parse([]byte("name: a\n"+source+"model: {from: tales, window: 128}\ntrain: {tokens: 1k}"), "/")
	if err != nil {
		t.Fatal(err)
	}
	base := model.Derive(7, 300)
	got, err := r.Model.Config(300, &base)
	want := base
	want.Window = 128
	if err != nil || got != want {
		t.Errorf("%+v, %v; %+v is expected", got, err, want)
	}
}

// TestParseBad holds the message about each mistake to name the field, and to
// say what is expected.
func TestParseBad(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"", "fields such as name"},
		{"just words", "fields such as name"},
		{"[a, b]", "fields such as name"},
		{"name: [", "no YAML: [1:"},
		{"name: a\n\tseed: 1", "no YAML: [2:1]"},
		{"name: a\nname: b", `"name" already defined`},
		{"name: a\n---\nname: b", "more than one document of YAML"},
		{"a: " + strings.Repeat("[", 100_000), "more than 100 lists lie within each other"},
		{strings.Repeat("- ", 100_000), "more than 100 lists lie within each other"},

		{"name: a\nmodle: {depth: 1}", "modle is not known; did you mean model?"},
		{"name: a\nTrain: {tokens: 1k}", "Train is not known; did you mean train?"},
		{"name: a\ndropout: 1", "dropout is not known; known are name, seed, corpus"},
		{"name: a\ncorpus: [{path: a}, {lisence: b}]", "corpus[1].lisence is not known; did you mean licence?"},
		{"name: a\nmodel: {widht: 64}", "model.widht is not known; did you mean width?"},
		{"name: a\nmodel: {dept: 64}", "model.dept is not known; did you mean depth?"},
		{"name: a\nmodel: {experts: {cuont: 64}}", "model.experts.cuont is not known; did you mean count?"},
		{"name: a\nmodel: {vocabulary: 64}", "set tokenizer.vocab"},
		{"5: a", "5 is not known"},

		{"name: 5", "name: text is expected, not 5"},
		{"seed: -1", "seed: a whole number, 0 or more, is expected, not -1"},
		{"seed: 1.5", "seed: a whole number, 0 or more, is expected, not 1.5"},
		{"seed: 99999999999999999999", "seed: a whole number"},
		{"corpus: {path: a}", "corpus: a list is expected, not a section with fields"},
		{"corpus: [a]", `corpus[0]: a section with fields is expected, not the text "a"`},
		{"corpus: [{path: 1}]", "corpus[0].path: text is expected, not 1"},
		{"corpus: [{include: txt}]", `corpus[0].include: a list is expected, not the text "txt"`},
		{"corpus: [{weight: heavy}]", "corpus[0].weight: a number is expected"},
		{"corpus: [{weight: 0}]", "corpus[0].weight: above 0 is expected, not 0: leave it out"},
		{"train: {weight_decay: 0}", "train.weight_decay: above 0 is expected, not 0"},
		{"train: {warmup: 0.0}", "train.warmup: above 0 is expected, not 0"},
		{"model: {depth: 0}", "model.depth: above 0 is expected, not 0"},
		{"filter: {min_words: 0}", "filter.min_words: above 0 is expected, not 0"},
		{"tokenizer: 5", "tokenizer: a section with fields is expected, not 5"},
		{"tokenizer: {vocab: 1.5}", "tokenizer.vocab: a whole number is expected, not 1.5"},
		{"model: small", "model: a section with fields is expected"},
		{"model: {window: x}", "model.window: a whole number is expected"},
		{"model: {tied: 3}", "model.tied: true or false is expected, not 3"},
		{"model: {experts: 4}", "model.experts: a section with fields is expected"},
		{"train: {tokens: many}", `train.tokens: a whole number such as 500k, 20M or 1G is expected, not the text "many"`},
		{"train: {tokens: -5}", "train.tokens: a whole number"},
		{"train: {tokens: true}", "train.tokens: a whole number"},
		{"train: {hours: .inf}", "train.hours: a number is expected"},
		{"train: {hours: .nan}", "train.hours: a number is expected"},
		{"eval: {gates: {bits_per_byte: 1.4}}", "eval.gates.bits_per_byte: text is expected, not 1.4"},
		{"quantize: Q8_0", "quantize: a list is expected"},

		{source, "name is missing"},
		{"name: Two Words\n" + source, `name: "Two Words" is no name`},
		{"name: ../../etc\n" + source, "is no name"},
		{"name: a\ntrain: {tokens: 1k}", "corpus: there is no source"},
		{"name: a\ncorpus: [{path: a, language: en, origin: me}]", "corpus[0]: licence is missing"},
		{"name: a\ncorpus: [{path: a, language: en, licence: ' ', origin: me}]", "corpus[0]: licence is missing"},
		{"name: a\ncorpus: [{path: a, language: en, licence: MIT, origin: me, weight: -1}]", "corpus[0]: weight is -1"},
		{"name: a\n" + source, "train: there is no budget; give one of tokens, hours and kwh"},
		{"name: a\n" + source + "train: {tokens: 1k, kwh: 1}", "train: tokens and kwh are 2 budgets; give one"},
		{"name: a\n" + source + "train: {hours: -1}", "train.hours: -1; above 0 is expected"},
		{"name: a\n" + source + "train: {hours: 1, numerics: fp8}", `train.numerics: "fp8" is not known; fp32 or bf16 is expected`},
		{"name: a\n" + source + "train: {hours: 1}\nmodel: {depth: 1000}", "model.depth: 1000; between 1 and 128"},
		{"name: a\n" + source + "train: {hours: 1}\nmodel: {window: 1}", "window is 1; at least 2"},
		{"name: a\n" + source + "train: {hours: 1}\nmodel: {window: 0}", "window is 0"},
		{"name: a\n" + source + "train: {hours: 1}\nmodel: {architecture: gpt5}", `architecture "gpt5" is not known`},
		{"name: a\n" + source + "train: {hours: 1}\ntune: {}", "tune.epochs: 0; above 0"},
		{"name: a\n" + source + "train: {hours: 1}\ntune: {epochs: 1000}", "tune.epochs: 1000"},
		{"name: a\n" + source + "train: {hours: 1}\nprefer: {epochs: 1}", "prefer: there is no pair of answers to learn from"},
		{"name: a\n" + source + "train: {hours: 1}\nprefer: {epochs: 1, beta: -1}", "prefer.beta: -1; above 0"},
		{"name: a\n" + source + "train: {hours: 1}\nprefer: {epochs: 1, rate: 2}", "prefer.rate: 2; above 0"},
		{"name: a\n" + source + "train: {hours: 1, checkpoints: {every: 5}}", "train.checkpoints.every: text is expected, not 5"},
		{"name: a\n" + source + "train: {hours: 1, checkpoints: {every: 100%}}", `train.checkpoints.every: "100%" is no share of the steps`},
		{"name: a\n" + source + "train: {hours: 1, checkpoints: {keep: 2}}", `train.checkpoints.every: "" is no share of the steps`},
		{"name: a\n" + source + "train: {hours: 1, checkpoints: {every: 5%, keep: 101}}", "train.checkpoints.keep: 101"},
		{"name: a\n" + source + "model: {from: tales}", "train: there is no budget"},
		{"name: a\n" + source + "model: {from: none/a.gguf}\ntrain: {hours: 1}", "model.from: stat /none/a.gguf: no such file or directory: correct the path"},
		{"name: a\n" + source + "model: {from: $SAMOVAR_NOT_SET/a.gguf}\ntrain: {hours: 1}", "model.from: the variable $SAMOVAR_NOT_SET is not set"},
		{"name: a\ntrain: {hours: 1}\ncorpus: [{path: $SAMOVAR_NOT_SET/a, language: en, licence: MIT, origin: me}]", "corpus[0].path: the variable $SAMOVAR_NOT_SET is not set"},
	} {
		_, err := Parse([]byte(x.text), "/")
		if err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q\n  says %v\n  and not, in one line, %s", x.text, err, x.want)
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a recipe that is not there: %v", err)
	}
	if err := os.WriteFile(path, make([]byte, maxSize+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("a file that is too large: %v", err)
	}
	for _, x := range []struct{ text, want string }{{"name: A", "recipe " + path + ": name: "}, {"name: a\n" + source + "train: {tokens: 1k}", ""}} {
		if err := os.WriteFile(path, []byte(x.text), 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := Read(path)
		if x.want == "" && (err != nil || r.Corpus[0].Path != filepath.Join(dir, "texts")) {
			t.Errorf("%q: %+v, %v", x.text, r, err)
		}
		if x.want != "" && (err == nil || !strings.HasPrefix(err.Error(), x.want)) {
			t.Errorf("%q: %v", x.text, err)
		}
	}
}

// TestShippedRecipes reads the recipes of the repository.
func TestShippedRecipes(t *testing.T) {
	t.Setenv("SAMOVAR_HOUSE", "/house")
	t.Setenv("SAMOVAR_DATA", "/data")
	all, err := filepath.Glob("../recipes/*.yaml")
	if err != nil || len(all) == 0 {
		t.Fatalf("no recipes: %v", err)
	}
	for _, path := range all {
		r, err := Read(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if want := strings.TrimSuffix(filepath.Base(path), ".yaml"); r.Name != want {
			t.Errorf("%s makes %s, not %s", path, r.Name, want)
		}
	}
}

func TestCount(t *testing.T) {
	for _, x := range []struct {
		text string
		want Count
	}{
		{`0`, 0}, {`20000000`, 20e6}, {`"20M"`, 20e6}, {`"500k"`, 500e3}, {`"1G"`, 1e9}, {`"0.5G"`, 500e6}, {`"1.5k"`, 1500},
		{`"1_000"`, 1000}, {`2e6`, 2e6}, {`null`, 0}, {`"1000000G"`, 1e15},
	} {
		var c Count
		if err := json.Unmarshal([]byte(x.text), &c); err != nil || c != x.want {
			t.Errorf("%s is %d, %v; %d is expected", x.text, c, err, x.want)
		}
	}
	for _, bad := range []string{`""`, `"many"`, `"5K"`, `"5 M"`, `"M"`, `1.5`, `"0.0001k"`, `-1`, `"-1k"`, `"nan"`, `"inf"`, `"1e30"`, `"1000001G"`, `true`, `[]`, `{}`, `"5kk"`} {
		c := Count(7)
		if err := json.Unmarshal([]byte(bad), &c); err == nil || c != 7 {
			t.Errorf("%s is taken for %d", bad, c)
		}
	}
}

func TestExpand(t *testing.T) {
	t.Setenv("SAMOVAR_TEST", "/data")
	t.Setenv("SAMOVAR_EMPTY", "")
	t.Setenv("GOROOT", "/go")
	for _, x := range []struct{ path, want string }{
		{"/a/b", "/a/b"}, {"$SAMOVAR_TEST/x", "/data/x"}, {"${SAMOVAR_TEST}x", "/datax"}, {"$GOROOT/src", "/go/src"}, {"a/*.txt", "a/*.txt"},
	} {
		if got, err := expand(x.path); err != nil || got != x.want {
			t.Errorf("%s is %q, %v", x.path, got, err)
		}
	}
	for _, bad := range []string{"$SAMOVAR_NOT_SET/x", "${SAMOVAR_NOT_SET}", "$SAMOVAR_EMPTY/x", "$SAMOVAR_NOT_SET/$SAMOVAR_TEST"} {
		if got, err := expand(bad); err == nil || !strings.Contains(err.Error(), "is not set") {
			t.Errorf("%s is %q, %v", bad, got, err)
		}
	}
}

// TestExpandGOROOT asks go itself where the variable is not set.
func TestExpandGOROOT(t *testing.T) {
	t.Setenv("GOROOT", "")
	got, err := expand("$GOROOT/src/runtime")
	if err != nil {
		t.Skipf("there is no go command here: %v", err)
	}
	if _, err := os.Stat(filepath.FromSlash(got)); err != nil {
		t.Error(err)
	}
}

// TestRelative holds paths to be relative to the recipe, not to whoever reads it.
func TestRelative(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("absolute paths look otherwise there")
	}
	t.Setenv("SAMOVAR_TEST", "/data")
	for path, want := range map[string]string{"a": "/r/a", "./a/../b": "/r/b", "/a": "/a", "$SAMOVAR_TEST/a": "/data/a", "../a": "/a"} {
		r := Recipe{Dir: "/r", Corpus: []Source{{Path: path}}}
		if err := r.expand(); err != nil || r.Corpus[0].Path != want {
			t.Errorf("%s is %s, %v", path, r.Corpus[0].Path, err)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, x := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"lisence", "licence", 1}, {"kitten", "sitting", 3}, {"model", "model", 0}} {
		if got := samovar.Edits(x.a, x.b); got != x.want || samovar.Edits(x.b, x.a) != got {
			t.Errorf("%s to %s: %d edits, not %d", x.a, x.b, got, x.want)
		}
	}
}

// FuzzParse holds any text to be a recipe that was checked, or one line.
func FuzzParse(f *testing.F) {
	f.Add("name: a\n" + source + "train: {tokens: 1k}\nmodel: {depth: 2, window: 64}\ntune: {epochs: 1}\nquantize: [Q8_0]")
	f.Add("name: a\ntrain: {tokens: 1k}\ncorpus:\n# one\n- {path: a, language: en, licence: MIT, origin: A} # x\n- path: &p b\n  language: en\n  licence: MIT\n  origin: |\n   B\n- {path: *p, language: en, licence: MIT, origin: C}")
	f.Add("name: &a [*a]\ncorpus: *a")
	f.Add("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nquantize: *c")
	f.Add("? {a: b}\n: c")
	f.Add("<<: {name: x}\n--- \nname: y")
	f.Add("train: !!binary abc\nseed: 0x1f\nname: |\n  a\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "$") {
			t.Skip("the variables of this machine are no part of it")
		}
		r, err := Parse([]byte(text), "/")
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		if r.Name == "" || len(r.Corpus) == 0 || (r.Train.Tokens > 0) == (r.Train.Hours > 0 || r.Train.KWh > 0) {
			t.Errorf("%q is a recipe without name, corpus or budget: %+v", text, r)
		}
		if len(r.Corpus) > 1 {
			if less, err := r.Without([]int{0}); err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			} else if err == nil {
				if again, err := Parse([]byte(less), "/"); err != nil || len(again.Corpus) != len(r.Corpus)-1 {
					t.Errorf("%q without its first source is %q: %v", text, less, err)
				}
			}
		}
	})
}
