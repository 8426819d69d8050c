package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"samovar"
	"samovar/house"
	"samovar/registry"
	"samovar/train"
)

// settle brings the model that is shipped with the program into a store that
// does not have it, with the records of the runs that made it.
func (s *store) settle(ctx context.Context) error {
	if _, err := s.Resolve(house.Name); err == nil {
		return nil
	}
	release, err := s.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	path, err := s.scratch(func(w *os.File) error {
		_, err := w.Write(house.Model())
		return err
	})
	if err != nil {
		return fmt.Errorf("bring in the model %s: %w", house.Name, err)
	}
	defer os.Remove(path)
	d, err := s.importModel(ctx, path, "")
	if err != nil {
		return fmt.Errorf("bring in the model %s: %w", house.Name, err)
	}
	var runs []samovar.Run
	if err := json.Unmarshal(house.Runs(), &runs); err != nil {
		return fmt.Errorf("read the runs of %s: %w", house.Name, err)
	}
	known, err := s.makers(ctx)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if _, ok := known[r.Outputs[0]]; ok {
			continue
		}
		if _, err := s.append(ctx, &r); err != nil {
			return err
		}
	}
	return s.Tag(house.Name, d)
}

// bring brings in the model that is shipped if ref means it. A store that can only
// be read stays as it is.
func (s *store) bring(ctx context.Context, ref string) error {
	if name, _, _ := strings.Cut(ref, "@"); name != house.Name {
		return nil
	}
	if err := s.settle(ctx); !errors.Is(err, registry.ErrReadOnly) {
		return err
	}
	return nil
}

// openFor opens the store for a command that asks for refs.
func (g *globals) openFor(refs ...string) (*store, error) {
	s, err := g.open()
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		if err = s.bring(g.ctx, ref); err != nil {
			s.close(&err)
			return nil, err
		}
	}
	return s, nil
}

type modelsShip struct {
	Ref string `arg:"" help:"The model to ship with the program."`
	Out string `required:"" help:"Folder of package house."`
}

// Run writes what package house embeds: a model and the records of the runs
// that made it and what it was made from, without the things themselves.
func (c *modelsShip) Run(g *globals) (err error) {
	s, err := g.openFor(c.Ref)
	if err != nil {
		return err
	}
	defer s.close(&err)
	d, err := s.artifactOf(c.Ref)
	if err != nil {
		return err
	}
	kept, err := s.shipped(g.ctx, d)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(kept, "", " ")
	if err != nil {
		return err
	}
	in, err := s.Input(d)
	if err != nil {
		return err
	}
	path, err := in.Path(train.ModelFile)
	if err != nil {
		return err
	}
	target := filepath.Join(c.Out, house.Name+".gguf")
	if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return errors.Join(copyFile(target, path), os.WriteFile(filepath.Join(c.Out, "runs.json"), append(text, '\n'), 0o644))
}

// shipped returns the records of all runs that made the model d or something
// that it was made from, or that measured one of these models: without what is
// the ledger's, and without the names of machines.
func (s *store) shipped(ctx context.Context, d samovar.Digest) (kept []samovar.Run, err error) {
	g, err := s.graph(ctx)
	if err != nil {
		return nil, err
	}
	lineage := g.Ancestors(d)
	for _, r := range g.Runs {
		made := slices.ContainsFunc(r.Outputs, func(d samovar.Digest) bool { return slices.Contains(lineage, d) })
		if made || kinds[r.Stage] == samovar.KindEvaluation && slices.Contains(lineage, r.Inputs["model"]) {
			r.ID, r.Entry, r.Machine.Host = "", nil, ""
			kept = append(kept, r)
		}
	}
	return kept, nil
}
