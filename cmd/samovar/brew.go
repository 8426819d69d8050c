package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"samovar"
	"samovar/corpus"
	"samovar/energy"
	"samovar/eval"
	"samovar/model"
	"samovar/recipe"
	"samovar/registry"
	"samovar/runs"
)

type brewCommand struct {
	Recipe string `arg:"" help:"The recipe, a YAML file."`
}

// brewed is what a brew ends with.
type brewed struct {
	Model     samovar.Digest     `json:"model"`
	Name      string             `json:"name,omitempty"` // empty: a gate failed
	Bits      float64            `json:"bits_per_byte"`
	Predicted float64            `json:"predicted_bits_per_byte,omitempty"` // by the recipe
	XZ        float64            `json:"xz_bits_per_byte,omitempty"`
	Quantized map[string]float64 `json:"quantized,omitempty"` // bits per byte in each format
	Tasks     []eval.Examination `json:"tasks,omitempty"`
	Joules    float64            `json:"joules"` // of all stages, whenever they were run
	Method    string             `json:"energy_method"`
}

func (c *brewCommand) Run(g *globals) (err error) {
	r, err := recipe.Read(c.Recipe)
	if err != nil {
		return err
	}
	s, end, err := g.hold()
	if err != nil {
		return err
	}
	defer end(&err)
	result, err := s.journaled(g, r.Name, c.Recipe, nil, func(here *globals, p *progress, j *runs.Journal) (outcome, error) {
		return brew(here, s, r, p, j)
	})
	if err != nil {
		return err
	}
	return result.report(g)
}

// errStopped is why a brew ends that somebody stopped from elsewhere.
var errStopped = errors.New("stopped from the page Runs; " + goesOn)

// goesOn is what to do about a brew that was ended before its end.
const goesOn = "the same command goes on after the last stage or checkpoint that is whole"

// journaled runs what makes the model of a recipe with its progress shown, and
// taken down for others to see; o is what the recipe is designed for, if it is.
func (s *store) journaled(g *globals, name, path string, o *runs.Order, run func(*globals, *progress, *runs.Journal) (outcome, error)) (out outcome, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return out, fmt.Errorf("find the recipe: %w", err)
	}
	ctx, cancel := context.WithCancelCause(g.ctx)
	defer cancel(nil)
	j, err := runs.Open(s.brews(), name, path, o, func() { cancel(errStopped) })
	if err != nil {
		return out, err
	}
	here := *g
	here.ctx = ctx
	p := newProgress(g)
	out, err = run(&here, p, j)
	p.end()
	switch {
	case err == nil && out.failure != nil:
		j.Close(runs.Refused, oneLine(out.failure), out.brewed)
	case err == nil:
		j.Close(runs.Finished, "", out.brewed)
	case ctx.Err() != nil:
		j.Close(runs.Stopped, "", nil)
		if g.ctx.Err() == nil {
			err = context.Cause(ctx)
		}
	default:
		j.Close(runs.Failed, oneLine(advise(g.ctx, "brew", err)), nil)
	}
	return out, err
}

// brews is the folder of brews in progress and of what was dropped for them.
func (s *store) brews() string { return filepath.Join(s.Dir(), "brews") }

// journal is a brew's journal as package recipe sees it.
type journal struct {
	*runs.Journal
	ids func() map[samovar.Digest]string // of finished runs, by key
}

// End notes that a node has its output. The record of a run that was found does
// not hold its number.
func (j journal) End(node string, d recipe.Done) {
	if d.Run.ID == "" {
		d.Run.ID = j.ids()[d.Run.Key]
	}
	j.Finish(node, d.Run, d.Found)
}

// ids returns a function that reads the numbers of all runs from the ledger
// when it is first called, the last run of each key. What cannot be read is left
// out: a brew does not fail for what is only shown.
func (s *store) ids(ctx context.Context) func() map[samovar.Digest]string {
	return sync.OnceValue(func() map[samovar.Digest]string {
		all := map[samovar.Digest]string{}
		_ = s.runs(ctx, func(_ samovar.Digest, r samovar.Run) error {
			all[r.Key] = r.ID
			return nil
		})
		return all
	})
}

// outcome is a brew with what its gates said.
type outcome struct {
	brewed
	failure error // of the gates
}

// brew runs a recipe's chain and releases what passes its gates.
func brew(g *globals, s *store, r *recipe.Recipe, p *progress, j *runs.Journal) (out outcome, err error) {
	dev, err := device(r.Train.Numerics)
	if err != nil {
		return out, err
	}
	defer dev.Close()
	meter := energy.Open(g.ctx, energy.Config{})
	c, err := newChain(g.ctx, r, s, dev, meter)
	if err != nil {
		return out, err
	}
	var nodes []string
	for _, n := range c.nodes {
		nodes = append(nodes, n.Name)
	}
	j.Plan(nodes, meter.Read().Method, r.Predicted())
	done, err := recipe.Brew(g.ctx, c.nodes, recipe.Kitchen{
		Store: s, Meter: meter, Machine: energy.ThisMachine(energy.Config{}), Code: revision(), Recipe: r.Text, Journal: journal{j, s.ids(g.ctx)},
		Watch: func(e samovar.Event) { p.watch(e); j.Watch(e) },
	})
	if err != nil {
		return out, err
	}
	return c.release(done)
}

// release tags what was made, unless a gate forbids it.
func (c *chain) release(done map[string]recipe.Done) (out outcome, err error) {
	out.Model = done[c.last].Out.Digest
	for _, d := range done {
		out.Joules += d.Run.Energy.Joules
	}
	out.Method = done[c.last].Run.Energy.Method
	out.Bits = done["evaluate"].Run.Metrics["bits_per_byte"]
	out.Predicted = c.recipe.Predicted()
	for _, q := range c.recipe.Quantize {
		if out.Quantized == nil {
			out.Quantized = map[string]float64{}
		}
		q = strings.ToUpper(q)
		out.Quantized[q] = done["evaluate "+q].Run.Metrics["bits_per_byte"]
	}
	if out.XZ, err = xz(done["collect"].Out); err != nil {
		return out, err
	}
	evaluation, err := eval.ReadEvaluation(done["evaluate"].Out)
	if err != nil {
		return out, err
	}
	metrics := evaluation.Metrics()
	for _, name := range c.tasks {
		e, err := eval.ReadExamination(done[examNode(name)].Out)
		if err != nil {
			return out, err
		}
		out.Tasks = append(out.Tasks, e)
		maps.Copy(metrics, e.Metrics())
	}
	failures, err := c.gates.Check(metrics)
	if err != nil {
		return out, fmt.Errorf("eval.gates: %w", err)
	}
	if len(failures) > 0 {
		var all []error
		for _, f := range failures {
			all = append(all, errors.New(f.String()))
		}
		out.failure = fmt.Errorf("the gates of %s refuse the model, which is kept as %s without a name: %w", c.recipe.Name, out.Model.Short(), errors.Join(all...))
		return out, nil
	}
	out.Name = c.recipe.Name
	if err := c.store.Tag(out.Name, out.Model); err != nil {
		return out, err
	}
	if err := c.tagCheckpoints(done["train"].Run); err != nil {
		return out, err
	}
	for _, q := range c.recipe.Quantize {
		tag := out.Name + ":" + strings.ToLower(q)
		if err := c.store.Tag(tag, done["quantize "+strings.ToUpper(q)].Out.Digest); err != nil {
			return out, err
		}
	}
	return out, nil
}

// tagCheckpoints names what a training kept at its steps, NAME:step-N. What was
// freed since stays gone.
func (c *chain) tagCheckpoints(run samovar.Run) error {
	for _, d := range run.Outputs[min(1, len(run.Outputs)):] {
		a, err := c.store.Get(d)
		if errors.Is(err, registry.ErrUnknown) {
			continue
		}
		if err != nil {
			return err
		}
		summary, err := decodeConfig[model.Summary](a)
		if err != nil {
			return err
		}
		if err := c.store.Tag(fmt.Sprintf("%s:step-%d", c.recipe.Name, summary.Step), d); err != nil {
			return err
		}
	}
	return nil
}

// report prints the outcome and returns what the gates said.
func (o outcome) report(g *globals) error {
	if !g.JSON {
		o.print(g.out)
	} else if err := json.NewEncoder(g.out).Encode(o.brewed); err != nil {
		return err
	}
	return o.failure
}

func (o outcome) print(w io.Writer) {
	name := o.Name
	if name == "" {
		name = "not released"
	}
	fmt.Fprintf(w, "%s  %s\n", name, o.Model.Short())
	fmt.Fprintf(w, "%.4f bits per byte on held-out text", o.Bits)
	if o.Predicted > 0 {
		fmt.Fprintf(w, "; predicted: %.4f, which is %.1f %% off", o.Predicted, 100*math.Abs(o.Predicted/o.Bits-1))
	}
	if o.XZ > 0 {
		fmt.Fprintf(w, "; xz -9e: %.4f on the same text", o.XZ)
	}
	fmt.Fprintln(w)
	for _, q := range sorted(o.Quantized) {
		fmt.Fprintf(w, "%.4f in %s, %+.4f\n", o.Quantized[q], q, o.Quantized[q]-o.Bits)
	}
	for _, e := range o.Tasks {
		fmt.Fprintln(w, e)
	}
	fmt.Fprintf(w, "%s of energy, %s\n", joules(o.Joules), o.Method)
	if o.Name != "" {
		fmt.Fprintf(w, "samovar chat %s\n", o.Name)
	}
}

// maxXZ is the most held-out text that is given to xz: beyond it the
// comparison takes longer than it tells.
const maxXZ = 64 << 20

// xz compresses the held-out texts of a corpus, end to end, with xz -9e where
// this machine has it, and returns the bits per byte: a floor that everybody
// can check. It starts from nothing, while the model has seen other text of
// the same kind.
func xz(in samovar.Input) (float64, error) {
	program, err := exec.LookPath("xz")
	if err != nil {
		return 0, nil
	}
	path, err := in.Path(corpus.ValidationFile)
	if err != nil {
		return 0, err
	}
	var text bytes.Buffer
	enough := errors.New("enough")
	err = corpus.Documents(path, func(d corpus.Document) error {
		if d.Rejected != nil {
			return nil // a preference: not what the model is measured on
		}
		text.WriteString(d.Text)
		for _, t := range d.Turns {
			text.WriteString(t.Text)
		}
		if text.Len() > maxXZ {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) || text.Len() == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	bytesIn := text.Len()
	cmd := exec.Command(program, "-9e", "-c")
	cmd.Stdin = &text
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("compress the held-out text with xz: %w", err)
	}
	return 8 * float64(len(out)) / float64(bytesIn), nil
}

// heldOut opens all held-out rows for an evaluation, source by source.
func heldOut(shards samovar.Input, window int) (all []eval.Held, err error) {
	set, err := openPart(shards, corpus.Validation, corpus.DialogueValidation)
	if err != nil {
		return nil, fmt.Errorf("nothing is held out for validation: %w", err)
	}
	held := make([]bool, set.Sources())
	for i := range set.Documents() {
		held[set.Extent(i).Source] = true
	}
	for source := range held {
		if !held[source] {
			continue
		}
		weights := make([]float64, len(held))
		weights[source] = 1
		loader, err := corpus.NewLoader(set, corpus.LoaderConfig{Rows: 1, Window: window, Once: true, Whole: true, Weights: weights})
		if err != nil {
			return nil, errors.Join(err, set.Close())
		}
		e := loader.Epoch(0)
		all = append(all, eval.Held{
			Source: strconv.Itoa(source), Data: evalRows{loader}, Steps: loader.Steps(1),
			Documents: e.Documents, Tokens: e.Tokens, Bytes: e.Bytes,
		})
	}
	if len(all) == 0 {
		return nil, errors.Join(errors.New("nothing is held out for validation"), set.Close())
	}
	all[0].Close = set.Close
	return all, nil
}

// evalRows is a corpus' loader as package eval sees it.
type evalRows struct{ loader *corpus.Loader }

func (d evalRows) Batch(step int64) eval.Rows { return eval.Rows(d.loader.Batch(step)) }
