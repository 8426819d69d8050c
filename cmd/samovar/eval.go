package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"samovar"
	"samovar/compute"
	"samovar/energy"
	"samovar/eval"
	"samovar/eval/task"
	"samovar/recipe"
)

type evalCommand struct {
	Ref      string `arg:"" help:"Model: a name, a digest, or the path of a GGUF file."`
	Task     string `required:"" enum:"blimp,choice,exact,bpb" help:"blimp: minimal pairs; choice: multiple choice; exact: a number to write out; bpb: bits per byte of text."`
	Data     string `required:"" placeholder:"PATH" help:"File or folder in the task's format; docs/evaluation.md has them."`
	Name     string `placeholder:"NAME" help:"Name of the figures in the run's record (default: the task)."`
	Limit    int    `placeholder:"N" help:"Only N items of each set, drawn by the seed."`
	Seed     uint64 `help:"Seed of whatever is drawn."`
	Shots    int    `placeholder:"N" help:"exact and choice: solved items before each."`
	Examples string `placeholder:"PATH" help:"Where they are taken from: a file of the same format, or the folder of MMLU's dev files."`
	Against  string `placeholder:"REF" help:"A second model, compared with a paired test."`
	HTML     string `name:"html" placeholder:"FILE" help:"Write a page with plots."`
}

// evaluated is what an evaluation ends with.
type evaluated struct {
	eval.Examination
	Run     string           `json:"run"`
	Against *eval.Comparison `json:"against,omitempty"`
}

func (c *evalCommand) Run(g *globals) (err error) {
	s, end, err := g.hold()
	if err != nil {
		return err
	}
	defer end(&err)
	dev, err := compute.CPU{}.Open()
	if err != nil {
		return err
	}
	defer dev.Close()
	stage, err := eval.NewExamine(dev, eval.Task{
		Kind: task.Kind(c.Task), Name: c.Name, Path: c.Data, Limit: c.Limit, Seed: c.Seed, Shots: c.Shots, Examples: c.Examples,
	})
	if err != nil {
		return err
	}
	p := newProgress(g)
	p.out = nil // of JSON, the result alone
	defer p.end()
	meter := energy.Open(g.ctx, energy.Config{})
	k := recipe.Kitchen{Store: s, Meter: meter, Machine: energy.ThisMachine(energy.Config{}), Code: revision(), Watch: p.watch}
	model, err := s.modelInput(g, c.Ref)
	if err != nil {
		return err
	}
	var second samovar.Input // found before the first is asked, which may take hours
	if c.Against != "" {
		if second, err = s.modelInput(g, c.Against); err != nil {
			return err
		}
	}
	e, answers, err := s.examine(g, k, stage, c.Ref, model)
	if err != nil {
		return err
	}
	if c.Against != "" {
		other, theirs, err := s.examine(g, k, stage, c.Against, second)
		if err != nil {
			return err
		}
		against, err := eval.Compare(e.Task, answers, theirs, other.Model)
		if err != nil {
			return err
		}
		e.Against = &against
	}
	p.end()
	return c.show(g, e)
}

// examine runs the stage for a model, or finds that it has been run.
func (s *store) examine(g *globals, k recipe.Kitchen, stage *eval.Examine, ref string, in samovar.Input) (e evaluated, answers []eval.Answer, err error) {
	d, err := k.Do(g.ctx, stage, map[string]samovar.Input{"model": in})
	if err != nil {
		return e, nil, fmt.Errorf("%s: %w", ref, err)
	}
	if d.Found { // a record does not know its place in the ledger
		if d.Run, err = s.run(g, string(d.Out.Digest)); err != nil {
			return e, nil, err
		}
	}
	e.Run = d.Run.ID
	if e.Examination, err = eval.ReadExamination(d.Out); err != nil {
		return e, nil, err
	}
	answers, err = eval.ReadAnswers(d.Out)
	return e, answers, err
}

// modelInput returns the model of the store that ref means. A GGUF file is
// brought in first, without a name, and so is the model that is shipped.
func (s *store) modelInput(g *globals, ref string) (in samovar.Input, err error) {
	var d samovar.Digest
	if _, e := os.Stat(ref); e == nil && strings.HasSuffix(ref, ".gguf") {
		d, err = s.importModel(g.ctx, ref, "")
	} else if err = s.bring(g.ctx, ref); err == nil {
		d, err = s.artifactOf(ref)
	}
	if err != nil {
		return in, err
	}
	if in, err = s.Input(d); err == nil && in.Kind != samovar.KindModel {
		err = fmt.Errorf("%s is a %s, not a model", ref, in.Kind)
	}
	return in, err
}

func (c *evalCommand) show(g *globals, e evaluated) error {
	if c.HTML != "" {
		if err := c.page(e); err != nil {
			return fmt.Errorf("write %s: %w", c.HTML, err)
		}
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(e)
	}
	fmt.Fprintln(g.out, e)
	if e.Raw != nil && e.N > 1 {
		fmt.Fprintf(g.out, "acc_norm %.2f ± %.2f, acc %.2f ± %.2f\n", e.Normalised.Score, e.Normalised.StandardError, e.Raw.Score, e.Raw.StandardError)
	}
	if e.Flexible != nil && e.N > 1 {
		fmt.Fprintf(g.out, "strict_match %.2f ± %.2f, flexible_extract %.2f ± %.2f\n", e.Strict.Score, e.Strict.StandardError, e.Flexible.Score, e.Flexible.StandardError)
	}
	if e.Truncated > 0 {
		fmt.Fprintf(g.out, "items that lost their beginning to the window: %d\n", e.Truncated)
	}
	if a := e.Against; a != nil {
		fmt.Fprintf(g.out, "%s: %.4g ± %.2g; difference %+.4g, 95 %% between %+.4g and %+.4g, p = %.2g (paired)\n",
			c.Against, a.Score, a.ScoreError, a.Difference, a.Interval[0], a.Interval[1], a.P)
		if a.Only != nil {
			fmt.Fprintf(g.out, "%d items only %s has right, %d only %s, p = %.2g (McNemar)\n", a.Only[0], c.Ref, a.Only[1], c.Against, a.McNemar)
		}
	}
	if len(e.Sets) < 2 {
		return nil
	}
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for i, set := range e.Sets {
		fmt.Fprintf(w, "%.2f\t±\t%.2f\t", set.Score, set.StandardError)
		if e.Against != nil {
			fmt.Fprintf(w, "%+.2f\t", e.Against.Sets[i].Difference)
		}
		fmt.Fprintf(w, "  %s\n", set.Set)
	}
	return w.Flush()
}

func (c *evalCommand) page(e evaluated) error {
	f, err := os.Create(c.HTML)
	if err != nil {
		return errors.Unwrap(err)
	}
	page := eval.Page{Model: c.Ref, Other: c.Against, Examination: e.Examination, Comparison: e.Against, Run: e.Run}
	return errors.Join(page.Write(f), f.Close())
}
