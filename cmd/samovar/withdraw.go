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
	"text/tabwriter"

	"samovar"
	"samovar/corpus"
	"samovar/ledger"
	"samovar/ledger/provenance"
	"samovar/recipe"
)

type withdrawCommand struct {
	Sources []string `arg:"" optional:"" name:"source" help:"What is withdrawn: an origin as it was declared, the digest of a source or of its only file, a path on disk, or the path of a source in --recipe."`
	File    string   `placeholder:"FILE" help:"Look for the documents of this file in every corpus of the store."`
	Field   string   `help:"Field of the JSON lines of --file."`
	Recipe  string   `placeholder:"RECIPE" help:"Also write this recipe without the source."`
	Out     string   `placeholder:"FILE" help:"Where to write that, beside RECIPE; it must not exist. Default: it is printed."`
	Record  bool     `help:"Enter the withdrawal in the ledger: from then on brew refuses the source."`
	Readmit bool     `help:"Enter in the ledger that the source may be learnt from again."`
}

// withdrawal is what a withdrawal would concern.
type withdrawal struct {
	Sources []provenance.Declaration `json:"sources"`
	Sought  *sought                  `json:"file,omitempty"`
	provenance.Affected
	Left    *left   `json:"recipe,omitempty"`
	Entries []int64 `json:"entries,omitempty"` // of the ledger, that were made
}

// sought is what became of looking for a file's documents.
type sought struct {
	File     string `json:"file"`
	Searched int    `json:"searched"` // corpora
	Missing  int    `json:"missing"`  // corpora that are not in the store any more
}

// left is a recipe without what was withdrawn.
type left struct {
	LeftOut []string `json:"left_out"`        // origins
	Share   *float64 `json:"share,omitempty"` // of its text that goes; absent: it was not brewed
	Out     string   `json:"out,omitempty"`
	Text    string   `json:"text"`
}

func (c *withdrawCommand) Run(g *globals) (err error) {
	switch {
	case len(c.Sources) == 0 && c.File == "":
		return fmt.Errorf("%w: name a source, or a file with --file", errUsage)
	case c.Out != "" && c.Recipe == "":
		return fmt.Errorf("%w: --out is for --recipe", errUsage)
	case (c.Record || c.Readmit) && (c.File != "" || c.Record == c.Readmit):
		return fmt.Errorf("%w: --record or --readmit a source, not a file: name the source that holds it", errUsage)
	}
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	graph, err := s.graph(g.ctx)
	if err != nil {
		return err
	}
	w, m, r, err := c.find(g.ctx, s, graph)
	if err != nil {
		return err
	}
	if w.Affected, err = graph.Affected(m); err != nil {
		return err
	}
	var unwritten error // what became of models is told all the same
	if r != nil {
		if w.Left, unwritten = c.without(g.ctx, r, w, m); unwritten != nil {
			w.Left = nil
		}
	}
	if (c.Record || c.Readmit) && unwritten == nil {
		if w.Entries, err = c.enter(g.ctx, s, w.Sources, m); err != nil {
			return err
		}
	}
	if g.JSON {
		return errors.Join(json.NewEncoder(g.out).Encode(w), unwritten)
	}
	return errors.Join(w.print(g, graph), unwritten)
}

// find says which sources are meant.
func (c *withdrawCommand) find(ctx context.Context, s *store, g *provenance.Graph) (w withdrawal, m provenance.Match, r *recipe.Recipe, err error) {
	w.Sources = []provenance.Declaration{}
	if c.Recipe != "" {
		if r, err = recipe.Read(c.Recipe); err != nil {
			return w, m, nil, err
		}
	}
	all, err := g.Sources()
	if err != nil {
		return w, m, nil, err
	}
	for _, name := range c.Sources {
		origins, digests, err := meant(ctx, name, all, r)
		if err != nil {
			return w, m, nil, err
		}
		m.Origins, m.Digests = append(m.Origins, origins...), append(m.Digests, digests...)
	}
	for _, d := range all {
		if m.Declares(d) {
			w.Sources = append(w.Sources, d)
		}
	}
	if c.File != "" {
		w.Sought = &sought{File: c.File}
		if m.Found, err = s.seek(ctx, g, corpus.Source{Path: c.File, Field: c.Field}, w.Sought); err != nil {
			return w, m, nil, fmt.Errorf("look for the documents of %s: %w", c.File, err)
		}
	}
	return w, m, r, nil
}

// meant resolves what a source is called by: its digest or its file's, the path
// that a recipe gives it, its origin, or a path on disk.
func meant(ctx context.Context, name string, all []provenance.Declaration, r *recipe.Recipe) (origins []string, digests []samovar.Digest, err error) {
	if digests = byDigest(name, all); digests != nil {
		return nil, digests, nil
	}
	var contain []string
	for _, d := range all {
		if strings.EqualFold(d.Origin, name) {
			return []string{name}, nil, nil
		}
		if strings.Contains(strings.ToLower(d.Origin), strings.ToLower(name)) && !slices.Contains(contain, d.Origin) {
			contain = append(contain, d.Origin)
		}
	}
	if r != nil {
		for _, s := range r.Corpus {
			if strings.EqualFold(s.Origin, name) || s.Path == name || s.Path == filepath.Join(r.Dir, name) || written(s.Path, name) {
				return []string{s.Origin}, onDisk(ctx, s.Path), nil
			}
		}
	}
	if digests = onDisk(ctx, name); slices.ContainsFunc(all, func(d provenance.Declaration) bool { return slices.Contains(digests, d.Digest) }) {
		return nil, digests, nil
	}
	if digests != nil {
		return nil, nil, fmt.Errorf("no source is %s as it is now and alone: samovar withdraw --file %[1]s looks for its documents in every corpus", name)
	}
	if contain != nil {
		return nil, nil, fmt.Errorf("no source is of %q as a whole; give whole what contains it: %q", name, contain)
	}
	return nil, nil, fmt.Errorf("no source is of %q, and no path or digest is that: samovar trace MODEL lists the origins of its sources", name)
}

// written reports whether name, with its variables, is the path.
func written(path, name string) bool {
	return strings.Contains(name, "$") && os.ExpandEnv(name) == path
}

// byDigest returns the sources whose digest begins with name, or follows from
// that of a file.
func byDigest(name string, all []provenance.Declaration) (digests []samovar.Digest) {
	const short = 8 // digits, as everywhere
	digits := strings.TrimPrefix(name, "sha256:")
	if len(digits) < short || strings.Trim(digits, "0123456789abcdef") != "" {
		return nil
	}
	file := corpus.DigestsOf(samovar.Digest("sha256:" + digits))
	for _, d := range all {
		if strings.HasPrefix(d.Digest.Hex(), digits) || slices.Contains(file, d.Digest) {
			digests = append(digests, d.Digest)
		}
	}
	return digests
}

// onDisk returns the digests that the files at path have as a source, however
// they were read; none where there is nothing to read.
func onDisk(ctx context.Context, path string) (all []samovar.Digest) {
	for _, s := range []corpus.Source{{Path: path}, {Path: path, Field: "text"}, {Path: path, Kind: corpus.Dialogue}} {
		s.Language, s.Licence, s.Origin = "und", "withdrawn", "withdrawn" // nothing is collected
		d, err := corpus.Digest(ctx, []corpus.Source{s})
		if err == nil && !slices.Contains(all, d[0]) {
			all = append(all, d[0])
		}
	}
	return all
}

// seek looks for documents in every corpus that the store has.
func (s *store) seek(ctx context.Context, g *provenance.Graph, source corpus.Source, told *sought) (map[samovar.Digest]map[int]provenance.Part, error) {
	documents, err := corpus.Seek(ctx, source)
	if err != nil {
		return nil, err
	}
	found := map[samovar.Digest]map[int]provenance.Part{}
	for _, d := range g.Collected() {
		if _, ok := found[d]; ok {
			continue
		}
		_, here, err := s.get(d)
		if err != nil {
			return nil, err
		}
		if !here {
			told.Missing++
			continue
		}
		told.Searched++
		in, err := s.Input(d)
		if err != nil {
			return nil, err
		}
		found[d] = map[int]provenance.Part{}
		for _, name := range []string{corpus.TrainFile, corpus.ValidationFile} {
			path, err := in.Path(name)
			if err != nil {
				return nil, err
			}
			parts, err := documents.In(ctx, path)
			if err != nil {
				return nil, err
			}
			for i, f := range parts {
				p := found[d][i]
				p.Documents, p.Bytes = p.Documents+f.Documents, p.Bytes+f.Bytes
				if name == corpus.ValidationFile {
					p.HeldOut += f.Documents
				}
				found[d][i] = p
			}
		}
	}
	return found, nil
}

// without writes the recipe without what is withdrawn.
func (c *withdrawCommand) without(ctx context.Context, r *recipe.Recipe, w withdrawal, m provenance.Match) (*left, error) {
	l := &left{LeftOut: []string{}, Out: c.Out}
	holding := m
	for _, a := range w.Corpora {
		for _, p := range a.Sources {
			holding.Digests = append(holding.Digests, p.Digest)
		}
	}
	var drop []int
	var origins []string
	for i, s := range r.Corpus {
		origins = append(origins, s.Origin)
		hit := holding.Declares(provenance.Declaration{Origin: s.Origin})
		for _, d := range onDisk(ctx, s.Path) {
			hit = hit || holding.Declares(provenance.Declaration{Digest: d})
		}
		if hit {
			drop, l.LeftOut = append(drop, i), append(l.LeftOut, s.Origin)
		}
	}
	for _, a := range w.Corpora { // the newest that is of this recipe's sources
		if slices.Equal(a.Origins, origins) {
			l.Share = &a.Share
		}
	}
	var err error
	if l.Text, err = r.Without(drop); err != nil {
		return nil, err
	}
	if c.Out == "" {
		return l, nil
	}
	to, err := filepath.Abs(filepath.Dir(c.Out))
	if err != nil {
		return nil, err
	}
	if to != r.Dir {
		return nil, fmt.Errorf("write %s: the paths in a recipe are relative to its folder; choose a name in %s", c.Out, r.Dir)
	}
	return l, writeNew(c.Out, []byte(l.Text))
}

// enter writes what was decided into the ledger: one entry for each source, and
// of a source that was meant by its origin also that.
func (c *withdrawCommand) enter(ctx context.Context, s *store, sources []provenance.Declaration, m provenance.Match) (entries []int64, err error) {
	if len(sources) == 0 {
		return nil, errors.New("enter a withdrawal: no corpus of this ledger has the source")
	}
	for _, d := range sources {
		e := ledger.Entry{Type: ledger.TypeWithdrawal, Source: d.Digest}
		if c.Readmit {
			e.Type = ledger.TypeReadmission
		}
		if slices.ContainsFunc(m.Origins, func(o string) bool { return strings.EqualFold(o, d.Origin) }) {
			e.Origin = d.Origin
		}
		text, err := e.Encode()
		if err != nil {
			return entries, err
		}
		i, err := s.ledger.Append(ctx, text)
		if err != nil {
			return entries, fmt.Errorf("enter the withdrawal of %s in the ledger: %w", d.Origin, err)
		}
		entries = append(entries, i)
	}
	return entries, nil
}

// permitted returns an error if a source was withdrawn, or one that the model
// to go on from learnt from; base is empty where there is none.
func (s *store) permitted(ctx context.Context, sources []corpus.Declaration, base samovar.Digest) error {
	withdrawn, err := s.withdrawals(ctx)
	if err != nil || len(withdrawn) == 0 {
		return err
	}
	for i, d := range sources {
		for _, w := range withdrawn {
			if w.Covers(provenance.Declaration{Digest: d.Digest, Origin: d.Origin}) {
				return fmt.Errorf("source %d (%s) was withdrawn, entry %d of the ledger: samovar withdraw %s --recipe RECIPE writes the recipe without it", i+1, d.Origin, w.Entry, d.Digest.Short())
			}
		}
	}
	if base == "" {
		return nil
	}
	g, err := s.graph(ctx)
	if err != nil {
		return err
	}
	learned, err := g.Corpora(g.Behind(base))
	if err != nil {
		return err
	}
	for _, w := range g.Withdrawals(learned) {
		return fmt.Errorf("model.from: the model learnt from %s, which was withdrawn, entry %d of the ledger: go on from one that did not", w.Origin, w.Entry)
	}
	return nil
}

func (w withdrawal) print(g *globals, graph *provenance.Graph) error {
	out := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	for _, d := range w.Sources {
		fmt.Fprintf(out, "source\t%s\t%s\t%s, %s\n", d.Digest.Short(), d.Origin, d.Licence, size(d.Bytes))
	}
	if w.Sources != nil && len(w.Sources) == 0 && w.Sought == nil {
		fmt.Fprintln(out, "no corpus of this store was made of it")
	}
	if s := w.Sought; s != nil {
		fmt.Fprintf(out, "file\t%s\tlooked for in %d corpora\n", s.File, s.Searched)
		if s.Missing > 0 {
			fmt.Fprintf(out, "\t\t%d more are not in this store and could not be searched\n", s.Missing)
		}
	}
	for _, c := range w.Corpora {
		for _, p := range c.Sources {
			documents := "documents not recorded"
			if p.Documents > 0 {
				documents = fmt.Sprintf("documents: %d, of which %d held out", p.Documents, p.HeldOut)
			}
			fmt.Fprintf(out, "corpus\t%s\t%s\tsource %d, run %s: %s\n", c.Corpus.Short(), p.Origin, p.Index+1, c.Run, documents)
		}
		fmt.Fprintf(out, "\t\t\t%.1f %% of its text in all\n", 100*c.Share)
	}
	for _, m := range w.Models {
		name := strings.Join(m.Names, ", ")
		if name == "" {
			name = "(no name)"
		}
		if !m.Here {
			name += " (not in this store)"
		}
		fmt.Fprintf(out, "model\t%s\t%s\tby %s, run %s%s\n", m.Model.Short(), name, m.Stage, m.Run, from(graph, m.Models))
	}
	if len(w.Models) == 0 {
		fmt.Fprintln(out, "no model learnt from it")
	}
	for _, e := range w.Entries {
		fmt.Fprintf(out, "entered\t%d\tin the ledger\n", e)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if w.Left != nil {
		w.Left.print(g)
	}
	return nil
}

// from names the models that another was made from.
func from(g *provenance.Graph, models []samovar.Digest) string {
	var all []string
	for _, d := range models {
		name := d.Short()
		if names := g.Names[d]; len(names) > 0 {
			name = names[0]
		}
		all = append(all, name)
	}
	if all == nil {
		return ""
	}
	return ", from " + strings.Join(all, ", ")
}

func (l *left) print(g *globals) {
	share := "; it was not brewed, so that its share is not known"
	if l.Share != nil {
		share = fmt.Sprintf(", %.1f %% of its text", 100**l.Share)
	}
	if len(l.LeftOut) == 0 {
		fmt.Fprintln(g.err, "the recipe has no such source: it stays as it is")
	} else {
		fmt.Fprintf(g.err, "the recipe leaves out %s%s\n", strings.Join(l.LeftOut, "; "), share)
	}
	if l.Out == "" {
		fmt.Fprintf(g.out, "\n%s", l.Text)
		return
	}
	fmt.Fprintf(g.err, "written to %s\n", l.Out)
}
