package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"samovar"
	"samovar/house"
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

type modelsShip struct {
	Ref string `arg:"" help:"The model to ship with the program."`
	Out string `required:"" help:"Folder of package house."`
}

// Run writes what package house embeds: a model and the records of the runs
// that made it and what it was made from, without the things themselves.
func (c *modelsShip) Run(g *globals) (err error) {
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	d, err := s.artifactOf(c.Ref)
	if err != nil {
		return err
	}
	lineage := map[samovar.Digest]bool{d: true}
	var all, kept []samovar.Run
	err = s.runs(g.ctx, func(_ samovar.Digest, r samovar.Run) error {
		r.ID, r.Entry = "", nil
		all = append(all, r)
		return nil
	})
	if err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- {
		r := all[i]
		if lineage[r.Outputs[0]] || r.Stage == "evaluate" && r.Inputs["model"] == d {
			kept = append([]samovar.Run{r}, kept...)
			for _, in := range r.Inputs {
				lineage[in] = true
			}
		}
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
	target := filepath.Join(c.Out, "tales.gguf")
	if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return errors.Join(copyFile(target, path), os.WriteFile(filepath.Join(c.Out, "runs.json"), append(text, '\n'), 0o644))
}
