package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"samovar"
	"samovar/corpus"
	"samovar/energy"
	"samovar/recipe"
)

type corpusCommand struct {
	Recipe string `arg:"" help:"The recipe, a YAML file."`
	HTML   string `name:"html" placeholder:"FILE" help:"Write the report as a page."`
}

// collected is a corpus with its report.
type collected struct {
	Corpus samovar.Digest `json:"corpus"`
	corpus.Report
}

func (c *corpusCommand) Run(g *globals) (err error) {
	r, err := recipe.Read(c.Recipe)
	if err != nil {
		return err
	}
	s, end, err := g.hold()
	if err != nil {
		return err
	}
	defer end(&err)
	p := newProgress(g)
	p.out = nil // one document is promised
	result, err := collectOnly(g.ctx, s, r, p)
	p.end()
	if err != nil {
		return err
	}
	if c.HTML != "" {
		if err := writePage(c.HTML, r.Name, result.Report); err != nil {
			return err
		}
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(result)
	}
	return result.print(g.out)
}

// collect is the stage that makes the recipe's corpus.
func (c *chain) collect(ctx context.Context) (*corpus.Collect, error) {
	return corpus.NewCollect(ctx, c.sources(), c.recipe.Validation, c.recipe.Filter.Decontaminate...)
}

// collectOnly runs the first stage of a recipe's chain, or finds it finished.
func collectOnly(ctx context.Context, s *store, r *recipe.Recipe, p *progress) (out collected, err error) {
	stage, err := (&chain{recipe: r}).collect(ctx)
	if err != nil {
		return out, err
	}
	kitchen := recipe.Kitchen{
		Store: s, Meter: energy.Open(ctx, energy.Config{}), Machine: energy.ThisMachine(energy.Config{}), Code: revision(), Watch: p.watch,
	}
	done, err := kitchen.Do(ctx, stage, nil)
	if err != nil {
		return out, fmt.Errorf("collect: %w", err)
	}
	out.Corpus = done.Out.Digest
	path, err := done.Out.Path(corpus.ReportFile)
	if err != nil {
		return out, err
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &out.Report)
	}
	if err != nil {
		return out, fmt.Errorf("read the report of %s: %w", done.Out.Digest.Short(), err)
	}
	return out, nil
}

func writePage(path, title string, report corpus.Report) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	err = report.HTML(f, title)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("write the report %s: %w", path, err)
	}
	return nil
}

func (c collected) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tREAD\tLEFT OUT\tREMAIN\tTEXT\tLANGUAGE\tLICENCE\tORIGIN")
	for i, s := range c.Sources {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", i+1, s.Read(), s.Lost(), s.Documents, size(s.BytesOut), s.Language, s.Licence, s.Origin)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nSOURCE\tFILTER\tLEFT OUT\tMASKED\tCOUNTED\tMOSTLY")
	for i, s := range c.Sources {
		for _, t := range s.Tallies() {
			fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%d\t%s\n", i+1, t.Name, t.Dropped, t.Masked, t.Counted, t.Mostly())
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, by := range []struct {
		name   string
		shares []corpus.Share
	}{{"language", c.Languages}, {"licence", c.Licences}} {
		fmt.Fprintf(w, "\nREMAINS BY %s\tDOCUMENTS\tTEXT\n", strings.ToUpper(by.name))
		for _, s := range by.shares {
			fmt.Fprintf(w, "%s\t%d\t%s\n", s.Name, s.Documents, size(s.Bytes))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}
