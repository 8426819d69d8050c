package corpus

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"samovar"
	"samovar/corpus/filter"
)

// evaluation is a file of an evaluation set.
type evaluation struct {
	Name   string         `json:"name"` // as the report calls it
	Digest samovar.Digest `json:"digest"`
}

// filters reads the evaluation sets and makes the filters of each source.
func (c *Collect) filters(ctx context.Context, decontaminate []string) error {
	var grams *filter.Grams
	if len(decontaminate) > 0 {
		grams = &filter.Grams{}
		for i, path := range decontaminate {
			if err := c.decontaminate(ctx, grams, path); err != nil {
				return fmt.Errorf("filter.decontaminate[%d]: %w", i, err)
			}
		}
		c.sets = grams.Sets()
	}
	for i := range c.sources {
		s := &c.sources[i]
		s.by = map[filter.Class]*filter.Filter{}
		for k := range s.files {
			class := s.class(&s.files[k])
			if s.by[class] != nil {
				continue
			}
			f, err := filter.New(s.Filter, class, s.Language, grams)
			if err != nil {
				return fmt.Errorf("source %d: filter.%w", i+1, err)
			}
			s.by[class] = f
		}
	}
	return nil
}

// class says what the documents of a file are judged as.
func (s *source) class(f *file) filter.Class {
	_, ext := extensions(f.name)
	return filter.ClassOf(ext, s.Language, s.Kind == Dialogue || s.Kind == Preference)
}

// resolved lists the source's filters in the order of their classes.
func (s *source) resolved() (all []filter.Resolved) {
	for _, class := range slices.Sorted(maps.Keys(s.by)) {
		all = append(all, s.by[class].Resolved())
	}
	return all
}

// decontaminate reads an evaluation set: a file, or a folder of them.
func (c *Collect) decontaminate(ctx context.Context, grams *filter.Grams, path string) error {
	files, err := Source{Path: path}.files(ctx)
	if err == nil {
		err = sum(ctx, files)
	}
	if err != nil {
		return err
	}
	var read counter
	before := len(grams.Sets())
	for i := range files {
		f := &files[i]
		name := f.name
		if len(files) > 1 {
			name = filepath.Base(path) + "/" + f.name
		}
		in, err := open(ctx, f, &read)
		if err != nil {
			return fmt.Errorf("read %s: %w", f.path, err)
		}
		_, ext := extensions(f.name)
		err = first(grams.Add(name, ext, in.text), in.verify(f.sum))
		in.Close()
		if err != nil {
			return fmt.Errorf("read %s: %w", f.path, err)
		}
		c.evaluations = append(c.evaluations, evaluation{name, samovar.Digest("sha256:" + hex.EncodeToString(f.sum[:]))})
	}
	for _, set := range grams.Sets()[before:] {
		if set.Examples > 0 {
			return nil
		}
	}
	return fmt.Errorf("%s has no sentence of 8 words or more, by which to know it again", path)
}
