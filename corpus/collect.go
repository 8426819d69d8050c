package corpus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"samovar"
	"samovar/corpus/document"
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
func (*Collect) Version() int { return 3 }

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
// It starts over when it has been interrupted. Memory: a few batches, the
// sequences of words of the evaluation sets, and for each distinct document about
// 32 bytes (the set of hashes) and 90 more where near-duplicates are looked for.
func (c *Collect) Run(ctx context.Context, work samovar.Work) (samovar.Output, error) {
	below := thresholds{c.validation, c.validation, c.validation}
	p, err := c.pass(ctx, work, below)
	if err != nil {
		return samovar.Output{}, err
	}
	// Too few documents for any to fall below the threshold: hold out the one
	// with the smallest hash.
	again := false
	for k, n := range p.count {
		if n.validation == 0 && n.train > 1 {
			below[k], again = int(n.smallest)+1, true
		}
	}
	if again {
		if p, err = c.pass(ctx, work, below); err != nil {
			return samovar.Output{}, err
		}
	}
	if err := p.enough(); err != nil {
		return samovar.Output{}, err
	}
	return p.output()
}

// thresholds holds for texts [0], dialogues [1] and preferences [2] the first
// byte of the hash below which a document is held out.
type thresholds [3]int

// pass is one reading of all sources.
type pass struct {
	work       samovar.Work
	sources    []source
	below      thresholds
	again      bool // the second reading: what it passes over has been named
	report     Report
	seen       map[[16]byte]struct{}
	near       *filter.Near
	train      *writer
	validation *writer
	count      [3]struct { // as thresholds
		train, validation int64
		smallest          byte // first byte of a hash, of those in train
	}
	total int64 // bytes on disk
	why   []string
}

func (c *Collect) pass(ctx context.Context, work samovar.Work, below thresholds) (p *pass, err error) {
	p = &pass{work: work, sources: c.sources, below: below, again: below != thresholds{c.validation, c.validation, c.validation}, seen: map[[16]byte]struct{}{}, near: filter.NewNear()}
	p.report.Validation = Split{Text: below[0], Dialogue: below[1]}
	p.report.Evaluations = c.sets
	p.why = make([]string, len(c.sources))
	for _, s := range c.sources {
		p.report.Sources = append(p.report.Sources, SourceReport{Declaration: s.declaration()})
		p.total += s.bytes
	}
	for k := range p.count {
		p.count[k].smallest = 255
	}
	if p.train, err = newWriter(filepath.Join(work.Dir, TrainFile)); err != nil {
		return nil, err
	}
	if p.validation, err = newWriter(filepath.Join(work.Dir, ValidationFile)); err != nil {
		p.train.Close()
		return nil, err
	}
	documents, room := document.NewReader(ctx), newRoom()
	defer documents.Close()
	produce := func(emit func(batch) error) error {
		r := newReader(ctx, emit, room)
		for i, s := range c.sources {
			if err := r.source(i, s.files); err != nil {
				return fmt.Errorf("source %d: %w", i+1, err)
			}
		}
		return nil
	}
	parse := func(b batch) (parsedBatch, error) {
		b, err := b.extract(documents, room)
		if err != nil {
			return parsedBatch{}, fmt.Errorf("source %d: %w", b.source+1, err)
		}
		return c.parse(b)
	}
	err = ordered(ctx, runtime.GOMAXPROCS(0), produce, parse, p.add)
	return p, first(err, p.train.Close(), p.validation.Close())
}

// parsedBatch is a batch with its documents parsed.
type parsedBatch struct {
	batch
	documents []parsed
}

func (c *Collect) parse(b batch) (parsedBatch, error) {
	out := parsedBatch{batch: b, documents: make([]parsed, 0, len(b.items))}
	start := 0
	s := &c.sources[b.source]
	for _, it := range b.items {
		documents, err := s.read(b.source, it.file.lines, b.data[start:it.end])
		if err != nil {
			return out, fmt.Errorf("source %d: read %s: line %d: %w", b.source+1, it.file.path, it.line, err)
		}
		for i := range documents {
			if p := &documents[i]; p.verdict == keep {
				p.judge(s.by[s.class(it.file)])
				p.seal()
			}
		}
		out.documents = append(out.documents, documents...)
		start = it.end
	}
	out.data = nil
	return out, nil
}

// add counts and writes the documents of a batch.
func (p *pass) add(b parsedBatch) error {
	r := &p.report.Sources[b.source]
	r.Binary += int64(b.binary)
	for _, f := range b.refused {
		p.refuse(r, b.source, f)
	}
	for _, d := range b.documents {
		r.BytesIn += int64(d.in)
		if d.invalid > 0 && d.verdict == keep {
			r.Repaired++
			r.RepairedBytes += int64(d.invalid)
		}
		switch d.verdict {
		case empty:
			r.Empty++
		case noText:
			r.Binary++
		case broken:
			r.Dropped++
			if p.why[b.source] == "" {
				p.why[b.source] = d.why
			}
		case keep:
			if err := p.write(r, d); err != nil {
				return err
			}
		}
	}
	p.event(samovar.Event{Step: b.read, Of: p.total, Unit: "bytes"})
	return nil
}

func (p *pass) write(r *SourceReport, d parsed) error {
	r.take(d)
	if d.judged.Dropped != "" {
		return nil
	}
	if _, ok := p.seen[d.sum]; ok {
		r.Duplicates++
		r.drop(filter.Duplicate, d)
		return nil
	}
	p.seen[d.sum] = struct{}{}
	if len(d.judged.Signature) > 0 && p.near.Seen(d.judged.Signature) {
		if d.judged.Near == filter.Drop {
			r.drop(filter.NearDuplicate, d)
			return nil
		}
		r.tally(filter.NearDuplicate).Counted++
	}
	kind := 0
	switch {
	case d.pair:
		kind = 2
		p.report.Validation.Preference = p.below[kind]
	case d.turns:
		kind = 1
	}
	n := &p.count[kind]
	r.Documents++
	r.BytesOut += int64(d.out)
	if int(d.first) < p.below[kind] {
		n.validation++
		r.Validation++
		_, err := p.validation.Write(d.line)
		return err
	}
	n.train++
	n.smallest = min(n.smallest, d.first)
	_, err := p.train.Write(d.line)
	return err
}

func (p *pass) event(e samovar.Event) {
	if p.work.Recorder != nil {
		p.work.Recorder.Event(e)
	}
}

// enough says what was passed over, and returns an error if a source has given
// nothing or nothing could be held out.
func (p *pass) enough() error {
	for i, r := range p.report.Sources {
		passed := r.passedOver()
		if p.why[i] != "" {
			passed += ": " + p.why[i]
		}
		if r.Documents+r.Duplicates == 0 {
			return fmt.Errorf("source %d (%s): none of its %d files gave a document (%s)", i+1, p.sources[i].Path, r.Files, passed)
		}
		if passed != "" {
			p.event(samovar.Event{Text: fmt.Sprintf("source %d: passed over %s", i+1, passed)})
		}
	}
	for k, name := range []string{Text, Dialogue, Preference} {
		n := p.count[k]
		if n.train+n.validation > 0 && (n.train == 0 || n.validation == 0) {
			return fmt.Errorf("too little %s: %d distinct documents, and at least one to train on and one to hold out are needed: add more",
				name, n.train+n.validation)
		}
	}
	return nil
}

func (p *pass) output() (samovar.Output, error) {
	p.report.sum()
	data, err := json.MarshalIndent(p.report, "", "\t")
	if err != nil {
		return samovar.Output{}, err
	}
	path := filepath.Join(p.work.Dir, ReportFile)
	if err := os.WriteFile(path, append(data, '\n'), 0o666); err != nil {
		return samovar.Output{}, err
	}
	if r := p.work.Recorder; r != nil {
		for k, name := range []string{"documents", "dialogues", "preferences"} {
			if n := p.count[k].train + p.count[k].validation; k < 2 || n > 0 {
				r.Metric(name, float64(n))
			}
		}
		for name, n := range p.report.counts() {
			r.Metric(name, n)
		}
	}
	out := samovar.Output{Kind: samovar.KindCorpus, Config: p.report.withoutSamples()}
	for _, f := range []struct{ name, media string }{
		{TrainFile, "application/x-ndjson+zstd"}, {ValidationFile, "application/x-ndjson+zstd"}, {ReportFile, "application/json"},
	} {
		out.Files = append(out.Files, samovar.OutputFile{Name: f.name, Path: filepath.Join(p.work.Dir, f.name), MediaType: f.media})
	}
	return out, nil
}
