// Package recipe reads what somebody wants brewed and runs the graph of stages
// that makes it: finished stages are found again, interrupted ones go on, the
// others are run. It knows no stage and opens no store; both are handed to it.
// Start with [Read] for recipes and [Brew] for running.
package recipe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"samovar/model"
)

// Recipe is a design: everything that decides what a brew makes. A field whose tag
// says zero:"refused" may be left out and may not be 0, which would read as left out.
type Recipe struct {
	Name       string    `json:"name"`
	Seed       uint64    `json:"seed"`
	Corpus     []Source  `json:"corpus"`
	Filter     Filter    `json:"filter"`
	Validation int       `json:"validation" zero:"refused"` // of 256 documents, how many are held out; 0: the default
	Tokenizer  Tokenizer `json:"tokenizer"`
	Model      Model     `json:"model"`
	Train      Train     `json:"train"`
	Tune       *Tune     `json:"tune"`
	Prefer     *Prefer   `json:"prefer"`
	Eval       Eval      `json:"eval"`
	Quantize   []string  `json:"quantize"` // formats, such as Q8_0
	Predict    *Predict  `json:"predict"`

	Text  string   `json:"-"` // as it was read
	Dir   string   `json:"-"` // the recipe's folder
	Reads []string `json:"-"` // every path that the recipe names: absolute, patterns as they are
}

// Source is where texts lie and what is known of them.
type Source struct {
	Path     string   `json:"path"`
	Field    string   `json:"field"`
	Language string   `json:"language"`
	Licence  string   `json:"licence"`
	Origin   string   `json:"origin"`
	Rights   string   `json:"rights"` // what licence does not say, for the card
	Weight   float64  `json:"weight" zero:"refused"`
	Kind     string   `json:"kind"`
	Include  []string `json:"include"`
	Filter   Filter   `json:"filter"` // where it differs from the recipe's
}

// Tokenizer says what vocabulary is learnt.
type Tokenizer struct {
	Vocab int    `json:"vocab" zero:"refused"` // tokens; default 8,192
	Pre   string `json:"pre"`                  // pre-tokenizer by its name in llama.cpp
}

// Model is the one dial, or weights to go on from, and any field of the
// architecture.
type Model struct {
	Depth  int             `json:"depth" zero:"refused"` // default 4
	From   string          `json:"from"`                 // reference to a model whose weights training goes on from
	Fields json.RawMessage `json:"-"`                    // fields of model.Config that are set
}

// Train is the budget and the settings of pre-training; zero means the default
// of package train.
type Train struct {
	Tokens    Count   `json:"tokens"`
	Hours     float64 `json:"hours"`
	KWh       float64 `json:"kwh"`
	Numerics  string  `json:"numerics"` // fp32 or bf16; default the fastest of this machine
	Batch     Count   `json:"batch" zero:"refused"`
	Leaves    int     `json:"leaves" zero:"refused"`
	Optimiser string  `json:"optimiser"` // adamw or muon
	MuonRate  float64 `json:"muon_rate" zero:"refused"`
	Schedule  string  `json:"schedule"` // wsd or cosine
	Rate      float64 `json:"rate" zero:"refused"`
	Warmup    float64 `json:"warmup" zero:"refused"`
	Decay     float64 `json:"decay" zero:"refused"`
	Weight    float64 `json:"weight_decay" zero:"refused"`
	Clip      float64 `json:"clip" zero:"refused"`
	Windows   []int   `json:"windows"`   // tokens of a row in equal parts of the run
	Recompute bool    `json:"recompute"` // layers' results on the way back, instead of keeping them

	Checkpoints Checkpoints `json:"checkpoints"`
}

// Checkpoints says which weights are kept on the way, as NAME:step-N.
type Checkpoints struct {
	Every string `json:"every"`               // share of the steps between two, such as 10%
	Keep  int    `json:"keep" zero:"refused"` // the last so many stay; default all
}

// Share returns Every as a number; 0: none are kept.
func (c Checkpoints) Share() (float64, error) {
	if c == (Checkpoints{}) {
		return 0, nil
	}
	digits, ok := strings.CutSuffix(c.Every, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if !ok || err != nil || !(v >= 1 && v < 100) {
		return 0, fmt.Errorf("train.checkpoints.every: %q is no share of the steps: between 1%% and 99%% is expected", c.Every)
	}
	if c.Keep < 0 || c.Keep > 100 {
		return 0, fmt.Errorf("train.checkpoints.keep: %d; between 1 and 100 is expected", c.Keep)
	}
	return v / 100, nil
}

// Tune is the settings of supervised tuning.
type Tune struct {
	Epochs float64 `json:"epochs"`
	Batch  Count   `json:"batch" zero:"refused"`
	Rate   float64 `json:"rate" zero:"refused"`
	Replay float64 `json:"replay"` // share of a batch's rows that are text
}

// Prefer is the settings of tuning on preferences.
type Prefer struct {
	Epochs float64 `json:"epochs"`
	Beta   float64 `json:"beta" zero:"refused"`
	Rate   float64 `json:"rate" zero:"refused"`
	Batch  Count   `json:"batch" zero:"refused"` // pairs a step
}

// Eval is what the result is examined in, and what it must reach to be released.
type Eval struct {
	Tasks []Task            `json:"tasks"`
	Gates map[string]string `json:"gates"` // such as bits_per_byte: "< 1.4"
}

// Predict is what was expected of the model before it was made, to be shown
// beside what it reached. It decides nothing.
type Predict struct {
	Bits   float64 `json:"bits_per_byte"`
	Spread float64 `json:"spread"` // by what share it may well be wrong
}

// Predicted is how many bits per byte were predicted; 0: none were.
func (r *Recipe) Predicted() float64 {
	if r.Predict == nil {
		return 0
	}
	return r.Predict.Bits
}

// Task is an evaluation that others have published, as samovar eval runs it.
type Task struct {
	Task     string `json:"task"` // blimp, choice, exact or bpb
	Data     string `json:"data"`
	Name     string `json:"name"` // of its figures; default: the task
	Limit    int    `json:"limit"`
	Seed     uint64 `json:"seed"`
	Shots    int    `json:"shots"`
	Examples string `json:"examples"`
}

// Count is a number of things that may be written with k, M or G.
type Count int64

// UnmarshalJSON reads 20000000, "20M" or "0.5G".
func (c *Count) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "null" {
		return nil
	}
	factor := 1.0
	for suffix, f := range map[string]float64{"k": 1e3, "M": 1e6, "G": 1e9} {
		if t, ok := strings.CutSuffix(s, suffix); ok {
			s, factor = t, f
		}
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if v *= factor; err != nil || v != math.Trunc(v) || v < 0 || v > 1e15 {
		return fmt.Errorf("%s is no count: a whole number such as 500k, 20M or 1G is expected", b)
	}
	*c = Count(v)
	return nil
}

// maxSize is the most bytes of a recipe: what is larger is something else.
const maxSize = 1 << 20

// Read reads the recipe at path, expands its paths and checks what can be
// checked without its data.
func Read(path string) (*Recipe, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read recipe: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read recipe: %w", err)
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("recipe %s: it has more than %d bytes; some lines of YAML are expected", path, maxSize)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read recipe %s: %w", path, err)
	}
	r, err := Parse(text, dir)
	if err != nil {
		return nil, fmt.Errorf("recipe %s: %w", path, err)
	}
	return r, nil
}

// Parse is Read for the text of a recipe that lies in dir.
func Parse(text []byte, dir string) (*Recipe, error) {
	tree, err := parse(text)
	if err != nil {
		return nil, err
	}
	fields, ok := tree.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("fields such as name, corpus and train are expected")
	}
	r := &Recipe{Dir: dir, Text: string(text)}
	if err := r.takeModel(fields); err != nil {
		return nil, err
	}
	if err := decode(fields, r, ""); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, r.expand()
}

// maxDepth is how deep a recipe's text may be nested within a line, in brackets or
// dashes: five are needed, and the library takes time by the square of the depth.
const maxDepth = 100

// parse reads text as one document of YAML.
func parse(text []byte) (tree any, err error) {
	brackets, dashes := 0, 0
	for i, b := range text {
		switch b {
		case '[', '{':
			brackets++
		case ']', '}':
			brackets = max(0, brackets-1)
		case '\n':
			dashes = 0
		case ' ':
			if i > 0 && text[i-1] == '-' {
				dashes++
			}
		}
		if brackets+dashes > maxDepth {
			return nil, fmt.Errorf("more than %d lists lie within each other: some lines of YAML are expected", maxDepth)
		}
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&tree); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("no YAML: %s", firstLine(yaml.FormatError(err, false, false)))
	}
	var more any
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one document of YAML: put each recipe into a file of its own")
	}
	return tree, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// takeModel splits the model section into the dial and fields of model.Config.
func (r *Recipe) takeModel(fields map[string]any) error {
	section, ok := fields["model"].(map[string]any)
	if !ok {
		return nil // absent, or of a wrong type, which decode reports
	}
	dial, rest := map[string]any{}, map[string]any{}
	for k, v := range section {
		if k == "depth" || k == "from" {
			dial[k] = v
		} else {
			rest[k] = v
		}
	}
	if _, ok := rest["vocabulary"]; ok {
		return errors.New("model.vocabulary follows from the tokenizer; set tokenizer.vocab")
	}
	if err := fits(rest, reflect.TypeFor[model.Config](), "model", "depth", "from"); err != nil {
		return err
	}
	var err error
	r.Model.Fields, err = json.Marshal(rest)
	fields["model"] = dial
	return err
}

// Config returns the architecture for a vocabulary: derived from the depth,
// then overwritten by what the recipe sets. base, if not nil, is that of the
// model to go on from and takes the place of the derived one.
func (m Model) Config(vocabulary int, base *model.Config) (model.Config, error) {
	depth := m.Depth
	if depth == 0 {
		depth = 4
	}
	c := model.Derive(depth, vocabulary)
	var set struct{ Width int }
	if len(m.Fields) > 0 {
		if err := json.Unmarshal(m.Fields, &set); err != nil {
			return c, fmt.Errorf("model: %w", err)
		}
	}
	switch {
	case base != nil:
		c = *base
	case set.Width > 0:
		c = model.Shape(depth, set.Width, vocabulary)
	}
	if len(m.Fields) > 0 {
		if err := json.Unmarshal(m.Fields, &c); err != nil {
			return c, fmt.Errorf("model: %w", err)
		}
	}
	return c, c.Check()
}

var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$`)

func (r *Recipe) check() error {
	if r.Name == "" {
		return errors.New("name is missing: what the model is to be called")
	}
	if !namePattern.MatchString(r.Name) {
		return fmt.Errorf("name: %q is no name: at most 64 small letters, digits, and . _ - between them are expected", r.Name)
	}
	if len(r.Corpus) == 0 {
		return errors.New("corpus: there is no source; give at least one with path, language, licence and origin")
	}
	for i, s := range r.Corpus {
		for _, f := range []struct{ name, value string }{{"path", s.Path}, {"language", s.Language}, {"licence", s.Licence}, {"origin", s.Origin}} {
			if strings.TrimSpace(f.value) == "" {
				return fmt.Errorf("corpus[%d]: %s is missing; every source says path, language, licence and origin", i, f.name)
			}
		}
		if s.Weight < 0 || s.Weight > 1000 {
			return fmt.Errorf("corpus[%d]: weight is %g; between 0 and 1000 is expected", i, s.Weight)
		}
		if len(s.Filter.Decontaminate) > 0 {
			return fmt.Errorf("corpus[%d].filter.decontaminate: evaluation sets are named once for all sources, in filter", i)
		}
	}
	if err := r.Train.check(r.Model.From != "" && (r.Tune != nil || r.Prefer != nil)); err != nil {
		return err
	}
	for i, t := range r.Eval.Tasks {
		if t.Task == "" || t.Data == "" {
			return fmt.Errorf("eval.tasks[%d]: task and data are expected: what is asked, and the file or folder that it is asked from", i)
		}
	}
	if r.Tune != nil && !(r.Tune.Epochs > 0 && r.Tune.Epochs <= 100) {
		return fmt.Errorf("tune.epochs: %g; above 0 and at most 100 is expected", r.Tune.Epochs)
	}
	if r.Tune != nil && !(r.Tune.Replay >= 0 && r.Tune.Replay <= 0.9) {
		return fmt.Errorf("tune.replay: %g; the share of rows that are text, from 0 to 0.9, is expected", r.Tune.Replay)
	}
	if p := r.Predict; p != nil && !(p.Bits > 0 && p.Bits < 100 && p.Spread >= 0 && p.Spread < 1) {
		return fmt.Errorf("predict: %g bits per byte, give or take a share of %g: above 0, and a share below 1, are expected", p.Bits, p.Spread)
	}
	if err := r.checkPreferences(); err != nil {
		return err
	}
	return r.checkModel()
}

// preference is the kind of a source of preferences.
const preference = "preference"

func (r *Recipe) checkPreferences() error {
	if p := r.Prefer; p != nil {
		switch {
		case !(p.Epochs > 0 && p.Epochs <= 100):
			return fmt.Errorf("prefer.epochs: %g; above 0 and at most 100 is expected", p.Epochs)
		case p.Beta < 0 || p.Beta > 100:
			return fmt.Errorf("prefer.beta: %g; above 0 and at most 100 is expected", p.Beta)
		case p.Rate < 0 || p.Rate > 1:
			return fmt.Errorf("prefer.rate: %g; above 0 and at most 1 is expected", p.Rate)
		}
	}
	pairs := 0
	for i, s := range r.Corpus {
		if s.Kind != preference {
			continue
		}
		if pairs++; r.Prefer == nil {
			return fmt.Errorf("corpus[%d]: nothing learns from preferences: add a section prefer, such as prefer: {epochs: 1}", i)
		}
	}
	switch {
	case r.Prefer != nil && pairs == 0:
		return errors.New("prefer: there is no pair of answers to learn from: give a source whose kind is preference, or leave prefer out")
	case pairs == len(r.Corpus):
		return errors.New("corpus: every source is of preferences: add text or dialogues, on which bits per byte are measured")
	}
	return nil
}

// HasBudget says whether there is anything to train before tuning.
func (t Train) HasBudget() bool { return t.Tokens > 0 || t.Hours > 0 || t.KWh > 0 }

// check returns what is wrong; none says that a recipe need not train.
func (t Train) check(none bool) error {
	var given []string
	for _, b := range []struct {
		name  string
		value float64
	}{{"tokens", float64(t.Tokens)}, {"hours", t.Hours}, {"kwh", t.KWh}} {
		if b.value < 0 {
			return fmt.Errorf("train.%s: %g; above 0 is expected", b.name, b.value)
		}
		if b.value > 0 {
			given = append(given, b.name)
		}
	}
	switch {
	case len(given) == 0 && !none:
		return errors.New("train: there is no budget; give one of tokens, hours and kwh")
	case len(given) > 1:
		return fmt.Errorf("train: %s are %d budgets; give one", strings.Join(given, " and "), len(given))
	}
	if _, err := t.Checkpoints.Share(); err != nil {
		return err
	}
	if n := t.Numerics; n != "" && n != "fp32" && n != "bf16" {
		return fmt.Errorf("train.numerics: %q is not known; fp32 or bf16 is expected", n)
	}
	return nil
}

// checkModel checks what is known of the architecture before the vocabulary is.
func (r *Recipe) checkModel() error {
	if r.Model.Depth < 0 || r.Model.Depth > 128 {
		return fmt.Errorf("model.depth: %d; between 1 and 128 is expected", r.Model.Depth)
	}
	if r.Model.From != "" {
		return nil
	}
	c, err := r.Model.Config(max(1, r.Tokenizer.Vocab), nil)
	if err == nil && c.Window < 2 {
		err = fmt.Errorf("model: window is %d; at least 2 is expected, or there is nothing to learn from what came before", c.Window)
	}
	return err
}
