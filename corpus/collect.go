package corpus

import (
	"context"
	"errors"
	"fmt"

	"samovar"
	"samovar/corpus/filter"
)

// The files of a corpus.
const (
	TrainFile      = "train.jsonl.zst"
	ValidationFile = "validation.jsonl.zst"
	ReportFile     = "report.json"
)

// DefaultValidation is the share of documents held out, of 256: 2 %.
const DefaultValidation = 5

// Collect is the stage that makes a corpus from sources.
type Collect struct {
	sources     []source
	validation  int
	evaluations []evaluation
	sets        []filter.Set
}

// source is a Source that has been checked and whose files are known.
type source struct {
	Source
	files  []file
	bytes  int64 // on disk
	digest samovar.Digest
	by     map[filter.Class]*filter.Filter // for the classes that its files are of
}

// NewCollect checks the sources, lists their files and reads each once for its
// digest. Documents whose hash's first byte is below validation are held out;
// 0 means DefaultValidation. What decontaminate names, files or folders, are
// evaluation sets: documents that share a text with one are dropped.
func NewCollect(ctx context.Context, sources []Source, validation int, decontaminate ...string) (*Collect, error) {
	if validation == 0 {
		validation = DefaultValidation
	}
	if validation < 0 || validation > 255 {
		return nil, fmt.Errorf("validation %d is not between 1 and 255: it is the share of documents held out, of 256", validation)
	}
	if len(sources) == 0 {
		return nil, errors.New("the corpus has no source: name at least one path with its language, licence and origin")
	}
	c := &Collect{validation: validation}
	for i, s := range sources {
		checked, err := s.check()
		if err != nil {
			return nil, fmt.Errorf("source %d (%s): %w", i+1, s.Path, err)
		}
		files, err := checked.files(ctx)
		if err == nil {
			err = sum(ctx, files)
		}
		if err != nil {
			return nil, fmt.Errorf("source %d: %w", i+1, err)
		}
		src := source{Source: checked, files: files, digest: digestOf(files)}
		for _, f := range files {
			src.bytes += f.size
		}
		c.sources = append(c.sources, src)
	}
	return c, c.filters(ctx, decontaminate)
}

// Name returns "collect".
func (*Collect) Name() string { return "collect" }

// Version is raised when the same sources give another corpus.
func (*Collect) Version() int { return 4 }

// Config returns what the sources declare and the digests of their files. Paths
// and weights are no part of it: the corpus does not depend on them.
func (c *Collect) Config() any {
	config := struct {
		Validation  int                 `json:"validation"`
		Sources     []Declaration       `json:"sources"`
		Filters     [][]filter.Resolved `json:"filters"` // of each source, by class
		Evaluations []evaluation        `json:"evaluations,omitempty"`
	}{c.validation, c.Declarations(), nil, c.evaluations}
	for _, s := range c.sources {
		config.Filters = append(config.Filters, s.resolved())
	}
	return config
}

// Declarations returns what the sources say of themselves, in their order.
func (c *Collect) Declarations() (all []Declaration) {
	for _, s := range c.sources {
		d := s.declaration()
		d.Rights = s.Rights
		all = append(all, d)
	}
	return all
}

// Run writes the corpus: train.jsonl.zst, validation.jsonl.zst, report.json.
// It starts over when it has been interrupted. Memory: a few batches and the
// sequences of words of the evaluation sets, whatever the sources hold (see
// duplicates); on disk, the corpus twice and some 16 bytes a document for its hash
// and for each band of its signature.
func (c *Collect) Run(ctx context.Context, work samovar.Work) (out samovar.Output, err error) {
	g, err := c.gather(ctx, work)
	defer func() { err = first(err, g.remove()) }()
	if err != nil {
		return out, err
	}
	d, err := g.divide(ctx, c.validation)
	if err != nil {
		return out, err
	}
	if err := d.enough(); err != nil {
		return out, err
	}
	return d.output()
}
