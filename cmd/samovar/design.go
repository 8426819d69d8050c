package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"samovar"
	"samovar/corpus"
	"samovar/energy"
	"samovar/model"
	"samovar/recipe"
	"samovar/recipe/design"
	"samovar/runs"
	"samovar/train"
)

type designCommand struct {
	Data     string  `required:"" placeholder:"DIR" help:"Folder of texts, or one file."`
	Hours    float64 `xor:"budget" required:"" help:"Time for the whole brew."`
	KWh      float64 `name:"kwh" xor:"budget" required:"" help:"Energy for the whole brew, instead of hours."`
	Out      string  `placeholder:"RECIPE" help:"File to write; one that is there is kept beside it, with .old after its name (default: print it)."`
	Name     string  `help:"Name of the model (default: the folder's)."`
	Language string  `placeholder:"TAG" help:"Language of the texts, such as en (default: as they read)."`
	Licence  string  `help:"Terms of the texts, such as CC-BY-4.0."`
	Origin   string  `help:"Whose texts they are (default: the folder's name)."`
	Brew     bool    `help:"Brew the recipe at once; called again, it goes on."`
}

// designed is what the command prints as JSON.
type designed struct {
	Out string `json:"out,omitempty"`
	*design.Design
	Trained []tried `json:"trials"`
}

// tried is a trial as it is printed.
type tried struct {
	Weights int64   `json:"layer_weights"`
	Bytes   int64   `json:"bytes"`
	Bits    float64 `json:"bits_per_byte"`
}

func (c *designCommand) Run(g *globals) (err error) {
	if c.Brew && c.Out == "" {
		return fmt.Errorf("%w: --brew needs --out RECIPE, the file that the recipe is written to", errUsage)
	}
	if info, err := os.Stat(c.Out); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%w: --out %s is no file that a recipe could be written to", errUsage, c.Out)
	}
	request, err := c.request(g.ctx)
	if err != nil {
		return err
	}
	s, end, err := g.hold()
	if err != nil {
		return err
	}
	defer end(&err)
	if c.Brew {
		return c.brew(g, s, request)
	}
	p := newProgress(g)
	p.out = nil // one document is promised
	d, err := c.make(g.ctx, request, &workbench{store: s, progress: p})
	p.end()
	if err != nil {
		return err
	}
	return c.write(g, d)
}

// brew designs a recipe, writes it, and brews it. The journal shows all of it.
func (c *designCommand) brew(g *globals, s *store, request design.Request) error {
	order, err := c.order()
	if err != nil {
		return err
	}
	result, err := s.journaled(g, request.Name, c.Out, order, func(here *globals, p *progress, j *runs.Journal) (outcome, error) {
		b := &workbench{store: s, progress: p, journal: j}
		j.Design(energy.Open(here.ctx, energy.Config{}).Read().Method)
		d, err := c.make(here.ctx, request, b)
		if err != nil {
			return outcome{}, err
		}
		p.end()
		if err := c.write(here, d); err != nil {
			return outcome{}, err
		}
		j.Designed()
		r, err := recipe.Read(c.Out)
		if err != nil {
			return outcome{}, err
		}
		return brew(here, s, r, p, j)
	})
	if err != nil {
		return err
	}
	return result.report(g)
}

// make designs the recipe and tells of it.
func (c *designCommand) make(ctx context.Context, request design.Request, b *workbench) (*design.Design, error) {
	b.data = c.Data
	d, err := design.Make(ctx, request, b, b.step)
	if err != nil {
		return nil, fmt.Errorf("design a model for %s: %w", c.Data, err)
	}
	return d, nil
}

// write writes the recipe and says what was designed.
func (c *designCommand) write(g *globals, d *design.Design) error {
	if c.Out == "" && !g.JSON {
		_, err := io.WriteString(g.out, d.Recipe)
		return err
	}
	if c.Out != "" {
		if err := keepAndWrite(c.Out, d.Recipe, g.err); err != nil {
			return err
		}
	}
	if g.JSON {
		out := designed{Out: c.Out, Design: d}
		for _, k := range d.Trials {
			out.Trained = append(out.Trained, tried{int64(k.Weights), int64(k.Seen), k.Bits})
		}
		return json.NewEncoder(g.out).Encode(out)
	}
	return c.print(g.out, d)
}

// order is the command as the journal keeps it, to go on with from the page.
func (c *designCommand) order() (*runs.Order, error) {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return nil, fmt.Errorf("find the texts: %w", err)
	}
	return &runs.Order{Data: data, Hours: c.Hours, KWh: c.KWh, Name: c.Name, Language: c.Language, Licence: c.Licence, Origin: c.Origin}, nil
}

// designFor is the command of an order.
func designFor(o runs.Order) *designCommand {
	return &designCommand{Data: o.Data, Hours: o.Hours, KWh: o.KWh, Name: o.Name, Language: o.Language, Licence: o.Licence, Origin: o.Origin}
}

// args are the flags of an order. A value is never taken for a flag.
func (c *designCommand) args() []string {
	all := []string{"--data=" + c.Data}
	for _, f := range []struct {
		name  string
		value float64
	}{{"hours", c.Hours}, {"kwh", c.KWh}} {
		if f.value != 0 {
			all = append(all, fmt.Sprintf("--%s=%v", f.name, f.value))
		}
	}
	for _, f := range []struct{ name, value string }{{"name", c.Name}, {"language", c.Language}, {"licence", c.Licence}, {"origin", c.Origin}} {
		if f.value != "" {
			all = append(all, "--"+f.name+"="+f.value)
		}
	}
	return all
}

// request is what is asked for, with the sources that the folder holds.
func (c *designCommand) request(ctx context.Context) (q design.Request, err error) {
	if sum := c.Hours + c.KWh; !(c.Hours >= 0 && c.KWh >= 0 && sum > 0 && sum <= 1e6) {
		return q, fmt.Errorf("%w: a budget of %g hours or %g kWh; above 0 and below a million is expected", errUsage, c.Hours, c.KWh)
	}
	if 0 < c.Hours && c.Hours < leastHours {
		return q, fmt.Errorf("%w: %g hours are too few to learn anything in; at least %.4f, a minute, are expected", errUsage, c.Hours, leastHours)
	}
	m := energy.ThisMachine(energy.Config{})
	q = design.Request{
		Name: c.Name, Data: c.Data, Hours: c.Hours, KWh: c.KWh, Threads: m.Threads, Memory: m.Memory,
		Machine: fmt.Sprintf("%s, %d threads, %s of memory", m.CPU, m.Threads, size(m.Memory)),
	}
	base := strings.ToLower(filepath.Base(c.Data))
	if abs, err := filepath.Abs(c.Data); err == nil {
		base = strings.ToLower(filepath.Base(abs))
	}
	if q.Name == "" {
		q.Name = modelName(base)
	}
	found, err := corpus.Look(ctx, c.Data)
	if err != nil {
		return q, err
	}
	for _, s := range found {
		if s.Kind == corpus.Preference {
			continue // to be preferred comes after learning
		}
		if strings.Contains(s.Path, "$") {
			return q, fmt.Errorf("%s: in a recipe a $ begins the name of a variable: rename it", s.Path)
		}
		source := design.Source{Path: s.Path, Field: s.Field, Kind: s.Kind, Language: s.Language, Guessed: true, Licence: c.Licence, Origin: c.Origin}
		if c.Language != "" {
			source.Language, source.Guessed = c.Language, false
		}
		if source.Origin == "" {
			source.Origin = base
		}
		q.Sources = append(q.Sources, source)
	}
	if len(q.Sources) == 0 {
		return q, fmt.Errorf("%s holds preferences alone, and no text to learn from", c.Data)
	}
	return q, nil
}

// leastHours is a minute: less is spent before training begins.
const leastHours = 1.0 / 60

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// modelName makes a model's name of a folder's.
func modelName(folder string) string {
	name := strings.Trim(notInName.ReplaceAllString(folder, "-"), "-")
	if len(name) > 40 {
		name = strings.Trim(name[:40], "-")
	}
	if name == "" {
		return "designed"
	}
	return name
}

// keepAndWrite writes a file; another that was there is kept as NAME.old, which
// is said.
func keepAndWrite(path, text string, say io.Writer) error {
	before, err := os.ReadFile(path)
	if err == nil && string(before) != text {
		old := path + ".old"
		if err := os.Rename(path, old); err != nil {
			return fmt.Errorf("keep what was in %s: %w", path, err)
		}
		fmt.Fprintf(say, "what was in %s is in %s now\n", path, old)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the recipe: %w", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the recipe: %w", err)
	}
	return nil
}

// print tells people what was designed.
func (c *designCommand) print(out io.Writer, d *design.Design) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "DEPTH\tWIDTH\tWEIGHTS\tTOKENS\tA SECOND\tBITS PER BYTE\t")
	for i, o := range d.Choices {
		if i == 6 {
			break
		}
		how := "expected"
		if i == 0 {
			how = "chosen"
		}
		fmt.Fprintf(w, "%d\t%d\t%.1fM\t%.1fM\t%.0f\t%.3f\t  %s\n", o.Model.Layers, o.Model.Width, float64(o.All)/1e6, float64(o.Tokens)/1e6, o.Rate, o.Bits, how)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%.3f bits per byte are expected, give or take %.0f %%\n", d.Bits, 100*d.Spread)
	if err == nil && !c.Brew {
		_, err = fmt.Fprintf(out, "samovar brew %s\n", c.Out)
	}
	return err
}

// workbench is the machine as package design sees it: it brews parts of recipes in
// the store.
type workbench struct {
	store    *store
	progress *progress
	data     string        // where the texts lie
	journal  *runs.Journal // nil: nobody looks
}

// read parses a recipe of a design, which reads nothing but the texts: a page
// that orders one is no way to the other files of this machine.
func (b *workbench) read(text string) (*recipe.Recipe, error) {
	r, err := recipe.Parse([]byte(text), ".")
	if err != nil {
		return nil, err
	}
	for i, path := range r.Reads {
		if !within(path, []string{b.data}) {
			return nil, fmt.Errorf("path %d of the recipe does not lie in %s", i+1, b.data)
		}
	}
	return r, nil
}

// step tells of a step of the design.
func (b *workbench) step(s design.Step) {
	b.progress.watch(samovar.Event{Stage: "design", Text: s.String()})
	if b.journal != nil {
		b.journal.Do(s)
	}
}

// Begin has nothing to note: a part is noted when it has ended.
func (b *workbench) Begin(string, samovar.Digest) {}

// End notes what a part of the design has cost.
func (b *workbench) End(_ string, d recipe.Done) {
	if b.journal != nil {
		b.journal.Part(d.Run)
	}
}

// brew runs the recipe's chain up to a node, or all of it.
func (b *workbench) brew(ctx context.Context, text, last string) (map[string]recipe.Done, error) {
	r, err := b.read(text)
	if err != nil {
		return nil, err
	}
	dev, err := device(r.Train.Numerics)
	if err != nil {
		return nil, err
	}
	defer dev.Close()
	meter := energy.Open(ctx, energy.Config{})
	c, err := newChain(ctx, r, b.store, dev, meter)
	if err != nil {
		return nil, err
	}
	nodes := c.nodes
	if i := slices.IndexFunc(nodes, func(n recipe.Node) bool { return n.Name == last }); i >= 0 {
		nodes = nodes[:i+1]
	}
	return recipe.Brew(ctx, nodes, recipe.Kitchen{
		Store: b.store, Meter: meter, Machine: energy.ThisMachine(energy.Config{}), Code: revision(), Recipe: r.Text, Journal: b, Watch: b.watch,
	})
}

// watch shows what is being done, but for stages that are found.
func (b *workbench) watch(e samovar.Event) {
	if e.Text != "" && e.Of > 0 {
		return
	}
	b.progress.watch(e)
	if b.journal != nil {
		b.journal.Watch(e)
	}
}

// Texts runs the chain up to the shards.
func (b *workbench) Texts(ctx context.Context, text string) (t design.Texts, err error) {
	done, err := b.brew(ctx, text, "shard")
	if err != nil {
		return t, err
	}
	report, err := decodeConfig[corpus.Report](done["collect"].Out.Artifact)
	if err != nil {
		return t, err
	}
	for _, s := range report.Sources {
		t.Collected += s.BytesOut
	}
	shards, err := decodeConfig[corpus.Shards](done["shard"].Out.Artifact)
	if err != nil {
		return t, err
	}
	for _, p := range shards.Parts {
		switch p.Name {
		case corpus.DialogueTrain:
			t.DialogueTokens = p.Tokens
			fallthrough
		case corpus.Train:
			t.Bytes, t.Tokens = t.Bytes+p.Bytes, t.Tokens+p.Tokens
		case corpus.Validation, corpus.DialogueValidation:
			t.Held += p.Tokens
		}
	}
	return t, nil
}

// Try brews the whole recipe and keeps its name from it.
func (b *workbench) Try(ctx context.Context, text string) (t design.Trial, err error) {
	done, err := b.brew(ctx, text, "evaluate")
	if err != nil {
		return t, err
	}
	run, evaluated := done["train"].Run, done["evaluate"].Run
	t = design.Trial{Bits: evaluated.Metrics["bits_per_byte"], Rate: run.Metrics["tokens_per_second"], Evaluated: evaluated.Metrics["tokens_per_second"]}
	for _, a := range run.Attempts {
		if s := a.Ended.Sub(a.Started).Seconds(); s > 0 {
			t.Watts = a.Energy.Joules / s
		}
	}
	return t, nil
}

// Speed runs the recipe's plan.
func (b *workbench) Speed(ctx context.Context, text string) (s design.Speed, err error) {
	done, err := b.brew(ctx, text, "plan")
	if err != nil {
		return s, err
	}
	m := done["plan"].Run.Metrics
	return design.Speed{Tokens: int64(m["tokens"]), Rate: m["tokens_per_second"]}, nil
}

// Settings asks package train for its rule.
func (b *workbench) Settings(m model.Config, tokens int64) (design.Settings, error) {
	c, err := train.Config{}.Choose(m.Width, m.Window, tokens)
	return design.Settings{Batch: c.Batch, Leaves: c.Leaves, Rate: c.Rate, MuonRate: c.MuonRate, Decay: c.Decay, Windows: c.Windows}, err
}
