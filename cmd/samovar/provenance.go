package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"samovar"
	"samovar/ledger"
	"samovar/ledger/card"
	"samovar/ledger/provenance"
	"samovar/registry"
)

// graph reads all run records, and what the store has, for package provenance.
func (s *store) graph(ctx context.Context) (*provenance.Graph, error) {
	r := provenance.Records{Names: map[samovar.Digest][]string{}, Kinds: kinds, Get: s.get}
	err := s.runs(ctx, func(_ samovar.Digest, run samovar.Run) error {
		r.Runs = append(r.Runs, run)
		return nil
	})
	if err != nil {
		return nil, err
	}
	tags, err := s.Tags()
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		r.Names[t.Digest] = append(r.Names[t.Digest], t.Name)
	}
	if r.Withdrawn, err = s.withdrawals(ctx); err != nil {
		return nil, err
	}
	head, err := s.ledger.Head()
	if err != nil {
		return nil, err
	}
	r.Head = provenance.Head{Origin: head.Origin, Size: head.Size, Root: head.Hash.String()}
	return provenance.New(r), nil
}

// get returns an artifact; it is not ok where the store does not have it.
func (s *store) get(d samovar.Digest) (samovar.Artifact, bool, error) {
	a, err := s.Get(d)
	if errors.Is(err, registry.ErrUnknown) {
		return a, false, nil
	}
	return a, err == nil, err
}

// find resolves a reference to what is in the store, or was.
func (s *store) find(g *provenance.Graph, ref string) (samovar.Digest, error) {
	d, err := s.artifactOf(ref)
	if !errors.Is(err, registry.ErrUnknown) {
		return d, err
	}
	makers := map[samovar.Digest]samovar.Run{}
	for _, r := range g.Runs {
		for _, d := range r.Outputs {
			makers[d] = r
		}
	}
	return freed(ref, makers, err)
}

// card gathers what is known of a model.
func (s *store) card(ctx context.Context, ref string) (*card.Card, error) {
	g, err := s.graph(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.find(g, ref)
	if err != nil {
		return nil, err
	}
	return card.New(g, ref, d)
}

// lineage is the graph behind an artifact.
func (s *store) lineage(ctx context.Context, ref string) (l provenance.Lineage, err error) {
	g, err := s.graph(ctx)
	if err != nil {
		return l, err
	}
	d, err := s.find(g, ref)
	if err != nil {
		return l, err
	}
	return g.Lineage(ref, d)
}

type cardCommand struct {
	Ref string `arg:"" help:"A model: name or digest."`
	Out string `placeholder:"FILE" help:"Write it to this file, which must not exist."`
}

func (c *cardCommand) Run(g *globals) (err error) {
	s, err := g.openFor(c.Ref)
	if err != nil {
		return err
	}
	defer s.close(&err)
	made, err := s.card(g.ctx, c.Ref)
	if err != nil {
		return err
	}
	text := []byte(made.Markdown())
	if g.JSON {
		if text, err = json.Marshal(made); err != nil {
			return fmt.Errorf("encode the card of %s: %w", c.Ref, err)
		}
		text = append(text, '\n')
	}
	if c.Out != "" {
		return writeNew(c.Out, text)
	}
	_, err = g.out.Write(text)
	return err
}

// writeNew writes a file that must not exist.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("write %s: it exists already; remove it or choose another name", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path) // or it would be in the way of the next try
	}
	return err
}

// withdrawals reads from the ledger which sources may not be learnt from: the
// last word on each counts.
func (s *store) withdrawals(ctx context.Context) (all []provenance.Withdrawn, err error) {
	for e, err := range s.ledger.Entries(ctx, 0) {
		if err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		entry, err := ledger.ParseEntry(e.Data)
		if err != nil {
			return nil, fmt.Errorf("read entry %d of the ledger: %w", e.Index, err)
		}
		if entry.Type != ledger.TypeWithdrawal && entry.Type != ledger.TypeReadmission {
			continue
		}
		all = slices.DeleteFunc(all, func(w provenance.Withdrawn) bool { return w.Digest == entry.Source })
		if entry.Type == ledger.TypeWithdrawal {
			all = append(all, provenance.Withdrawn{Digest: entry.Source, Origin: entry.Origin, Entry: e.Index})
		}
	}
	return all, nil
}
