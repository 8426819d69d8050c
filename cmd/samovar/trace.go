package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"samovar"
	"samovar/corpus"
	"samovar/registry"
)

type traceCommand struct {
	Ref string `arg:"" help:"A model (name, digest) or the system_fingerprint of an answer."`
}

// lineage is where an artifact came from, from itself back to the sources.
type lineage struct {
	Ref     string         `json:"ref"`
	Digest  samovar.Digest `json:"digest"`
	Steps   []ancestor     `json:"steps"`   // each before what it was made from
	Sources []sourceLine   `json:"sources"` // of the corpus
}

// ancestor is one artifact of a lineage.
type ancestor struct {
	Kind    samovar.Kind      `json:"kind"`
	Digest  samovar.Digest    `json:"digest"`
	Stage   string            `json:"stage,omitempty"` // empty: it was not made here
	Run     string            `json:"run,omitempty"`
	Summary map[string]string `json:"summary,omitempty"`
	Inputs  []samovar.Digest  `json:"inputs,omitempty"`
}

// sourceLine is what is told of one source.
type sourceLine struct {
	Origin    string `json:"origin"`
	Licence   string `json:"licence"`
	Language  string `json:"language"`
	Documents int64  `json:"documents,omitempty"` // 0: only known where the corpus is
	Bytes     int64  `json:"bytes"`
}

func (c *traceCommand) Run(g *globals) (err error) {
	s, err := g.openFor(c.Ref)
	if err != nil {
		return err
	}
	defer s.close(&err)
	l, err := s.trace(g.ctx, c.Ref)
	if err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(l)
	}
	l.print(g)
	return nil
}

// artifactOf finds what a reference means: a name, a digest, the fingerprint
// of an answer, or the path of a file whose bytes are in the store.
func (s *store) artifactOf(ref string) (samovar.Digest, error) {
	name, _, _ := strings.Cut(ref, "@")
	return s.Resolve(name)
}

// trace follows an artifact back through the runs that made it.
func (s *store) trace(ctx context.Context, ref string) (lineage, error) {
	l := lineage{Ref: ref}
	makers, err := s.makers(ctx)
	if err != nil {
		return l, err
	}
	d, err := s.artifactOf(ref)
	if errors.Is(err, registry.ErrUnknown) {
		d, err = freed(ref, makers, err)
	}
	if err != nil {
		return l, err
	}
	l.Digest = d
	seen := map[samovar.Digest]bool{d: true}
	for queue := []samovar.Digest{d}; len(queue) > 0; queue = queue[1:] {
		a, err := s.ancestor(queue[0], makers)
		if err != nil {
			return l, err
		}
		l.Steps = append(l.Steps, a)
		for _, in := range a.Inputs {
			if !seen[in] {
				seen[in] = true
				queue = append(queue, in)
			}
		}
		if run, ok := makers[a.Digest]; ok && run.Stage == "collect" {
			lines, err := s.sources(a, run)
			if err != nil {
				return l, err
			}
			l.Sources = append(l.Sources, lines...)
		}
	}
	return l, nil
}

// freed finds what is not in the store any more, by its digest or the beginning
// of it; the ledger still knows who made it. Otherwise it returns err.
func freed(ref string, makers map[samovar.Digest]samovar.Run, err error) (found samovar.Digest, _ error) {
	name, _, _ := strings.Cut(ref, "@")
	digits := strings.TrimPrefix(name, "sha256:")
	for d := range makers {
		if len(digits) >= len(d.Short()) && strings.HasPrefix(d.Hex(), digits) {
			if found != "" {
				return "", err
			}
			found = d
		}
	}
	if found == "" {
		return "", err
	}
	return found, nil
}

// kinds is what each stage makes, for artifacts that are not here any more.
var kinds = map[string]samovar.Kind{
	"collect": samovar.KindCorpus, "tokenizer": samovar.KindTokenizer, "shard": samovar.KindShards, "plan": samovar.KindPlan,
	"train": samovar.KindModel, "tune": samovar.KindModel, "prefer": samovar.KindModel, "quantize": samovar.KindModel, "evaluate": samovar.KindEvaluation,
}

// ancestor describes an artifact and the run that made it.
func (s *store) ancestor(d samovar.Digest, makers map[samovar.Digest]samovar.Run) (ancestor, error) {
	a := ancestor{Digest: d, Summary: map[string]string{}}
	run, made := makers[d]
	artifact, err := s.Get(d)
	switch {
	case err == nil:
		a.Kind = artifact.Kind
	case !made:
		return a, err
	default:
		a.Kind = kinds[run.Stage]
		a.Summary["content"] = "not in this store; only the record of its run is"
	}
	if !made {
		return a, nil
	}
	a.Stage, a.Run = run.Stage, run.ID
	a.Summary["finished"] = run.Finished.UTC().Format("2006-01-02 15:04 UTC")
	a.Summary["joules"] = strconv.FormatFloat(run.Energy.Joules, 'g', 6, 64)
	a.Summary["method"] = run.Energy.Method
	a.Summary["machine"] = run.Machine.CPU
	a.Summary["code"] = run.Code
	if run.Numerics != "" {
		a.Summary["numerics"] = run.Numerics
	}
	for name, v := range run.Metrics {
		a.Summary[strings.ReplaceAll(name, "_", " ")] = strconv.FormatFloat(v, 'g', 6, 64)
	}
	for _, name := range sorted(run.Inputs) {
		a.Inputs = append(a.Inputs, run.Inputs[name])
	}
	return a, nil
}

// declared is what the run record of a corpus says of its sources.
type declared struct {
	Sources []corpus.Declaration `json:"sources"`
}

// sources reads a corpus' report, or where the corpus is not here any more,
// what the record of its run declares.
func (s *store) sources(a ancestor, run samovar.Run) (lines []sourceLine, err error) {
	if _, err := s.Get(a.Digest); err != nil {
		var d declared
		if err := json.Unmarshal(run.Config, &d); err != nil {
			return nil, fmt.Errorf("read the sources of run %s: %w", run.ID, err)
		}
		for _, r := range d.Sources {
			lines = append(lines, sourceLine{Origin: r.Origin, Licence: r.Licence, Language: r.Language, Bytes: r.Bytes})
		}
		return lines, nil
	}
	in, err := s.Input(a.Digest)
	if err != nil {
		return nil, err
	}
	path, err := in.Path(corpus.ReportFile)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the report of corpus %s: %w", a.Digest.Short(), err)
	}
	var report corpus.Report
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("read the report of corpus %s: %w", a.Digest.Short(), err)
	}
	for _, r := range report.Sources {
		lines = append(lines, sourceLine{r.Origin, r.Licence, r.Language, r.Documents, r.BytesOut})
	}
	sort.SliceStable(lines, func(i, j int) bool { return lines[i].Bytes > lines[j].Bytes })
	return lines, nil
}

func (l lineage) print(g *globals) {
	for i, a := range l.Steps {
		arrow := "  "
		if i > 0 {
			arrow = "← "
		}
		fmt.Fprintf(g.out, "%s%s %s", arrow, a.Kind, a.Digest.Short())
		if a.Stage == "" {
			fmt.Fprint(g.out, "  imported: nothing is known of how it was made")
		} else {
			fmt.Fprintf(g.out, "  by %s, run %s", a.Stage, a.Run)
		}
		fmt.Fprintln(g.out)
		for _, name := range sorted(a.Summary) {
			fmt.Fprintf(g.out, "     %s: %s\n", name, a.Summary[name])
		}
	}
	for _, s := range l.Sources {
		fmt.Fprintf(g.out, "← source %s  %s, %s, %s\n", s.Origin, s.Licence, s.Language, size(s.Bytes))
	}
}
