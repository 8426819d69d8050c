package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"samovar"
	"samovar/registry"
)

type verifyCommand struct{}

func (*verifyCommand) Run(g *globals) (err error) {
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	p := newProgress(&globals{err: g.err, out: g.out})
	problems, err := s.Verify(g.ctx, func(done, of int64) {
		p.watch(samovar.Event{Stage: "verify", Step: done, Of: of, Unit: "bytes"})
	})
	p.end()
	if err != nil {
		return err
	}
	if err := s.ledger.Verify(g.ctx); err != nil {
		problems = append(problems, registry.Problem{Path: "ledger", What: err.Error()})
	}
	head, headErr := s.ledger.Head()
	if g.JSON {
		err = json.NewEncoder(g.out).Encode(map[string]any{"problems": append([]registry.Problem{}, problems...), "entries": head.Size})
	} else {
		for _, p := range problems {
			fmt.Fprintln(g.out, p)
		}
	}
	if err != nil || len(problems) > 0 {
		return errors.Join(err, fmt.Errorf("not as it was written: %d; put the files named above back from a copy, or remove them and brew again", len(problems)))
	}
	if !g.JSON && headErr == nil {
		fmt.Fprintf(g.out, "every blob is whole; the ledger's %d entries are under its signed head\n", head.Size)
	}
	return nil
}

type gcCommand struct {
	DryRun bool `help:"Only say what would be freed."`
	All    bool `help:"Also remove what interrupted brews could go on from."`
}

// Run frees what neither a tag nor the lineage of a tagged artifact reaches.
// Run records stay: the ledger points to them.
func (c *gcCommand) Run(g *globals) (err error) {
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	var records []samovar.Digest
	makers := map[samovar.Digest][]samovar.Digest{}
	err = s.runs(g.ctx, func(record samovar.Digest, r samovar.Run) error {
		records = append(records, record)
		if r.Curve != "" {
			records = append(records, r.Curve)
		}
		for _, out := range r.Outputs {
			for _, in := range r.Inputs {
				makers[out] = append(makers[out], in)
			}
		}
		if m, ok := r.Inputs["model"]; ok && r.Stage == "evaluate" {
			makers[m] = append(makers[m], r.Outputs[0]) // a model keeps its figures
		}
		return nil
	})
	if err != nil {
		return err
	}
	freed, n, err := s.GC(g.ctx, registry.Keep{
		Roots: records, DropWork: c.All,
		Parents: func(d samovar.Digest) []samovar.Digest { return makers[d] },
	}, c.DryRun)
	if err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(map[string]any{"freed": freed, "files": n, "dry_run": c.DryRun})
	}
	verb := "freed"
	if c.DryRun {
		verb = "would free"
	}
	fmt.Fprintf(g.out, "%s %s in %d files\n", verb, size(freed), n)
	return nil
}
