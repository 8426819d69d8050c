package corpus

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"samovar"
	"samovar/corpus/document"
	"samovar/corpus/filter"
)

// gathering is the reading of all sources. What the filters leave goes to a file
// of lines as the corpus will have them, and what decides which of them it will
// have, to a file of heads and to the duplicates.
type gathering struct {
	work       samovar.Work
	sources    []source
	report     Report
	lines      *writer
	heads      *sink
	duplicates *duplicates
	total      int64    // bytes on disk
	why        []string // the first document of each source that was passed over, was
}

// The files of a gathering, which go with it.
const (
	gatheredFile = "gathered.jsonl.zst"
	headsFile    = "gathered.heads"
)

// head is what is known of a gathered line.
type head struct {
	source int
	first  byte // of its hash
	kind   kind
	near   bool // it is left out if it is nearly equal to an earlier one
	out    int  // bytes of UTF-8
}

// kind says what a document is.
type kind byte

const (
	isText kind = iota
	isDialogue
	isPreference
)

// headBytes: uint32 source, the first byte of the hash, kind, near, 0, uint64 bytes;
// little-endian.
const headBytes = 16

func (h head) encode(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(h.source))
	near := byte(0)
	if h.near {
		near = 1
	}
	b = append(b, h.first, byte(h.kind), near, 0)
	return binary.LittleEndian.AppendUint64(b, uint64(h.out))
}

func decodeHead(b []byte) head {
	return head{int(binary.LittleEndian.Uint32(b)), b[4], kind(b[5]), b[6] == 1, int(binary.LittleEndian.Uint64(b[8:]))}
}

// gather reads all sources.
func (c *Collect) gather(ctx context.Context, work samovar.Work) (g *gathering, err error) {
	g = &gathering{work: work, sources: c.sources, duplicates: newDuplicates(work.Dir), why: make([]string, len(c.sources))}
	g.report.Evaluations = c.sets
	for _, s := range c.sources {
		g.report.Sources = append(g.report.Sources, SourceReport{Declaration: s.declaration()})
		g.total += s.bytes
	}
	if g.lines, err = newWriter(g.path(gatheredFile)); err != nil {
		return g, err
	}
	if g.heads, err = create(g.path(headsFile), partBuffer); err != nil {
		return g, first(err, g.lines.Close())
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
	err = ordered(ctx, runtime.GOMAXPROCS(0), produce, parse, g.add)
	return g, first(err, g.lines.Close(), g.heads.close())
}

func (g *gathering) path(name string) string { return filepath.Join(g.work.Dir, name) }

// remove removes the files of the gathering.
func (g *gathering) remove() error {
	return first(g.duplicates.close(), os.RemoveAll(g.path(gatheredFile)), os.RemoveAll(g.path(headsFile)))
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

// add counts and gathers the documents of a batch.
func (g *gathering) add(b parsedBatch) error {
	r := &g.report.Sources[b.source]
	r.Binary += int64(b.binary)
	for _, f := range b.refused {
		g.refuse(r, b.source, f)
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
			if g.why[b.source] == "" {
				g.why[b.source] = d.why
			}
		case keep:
			r.take(d)
			if d.judged.Dropped != "" {
				continue
			}
			if err := g.keep(b.source, d); err != nil {
				return err
			}
		}
	}
	g.event(samovar.Event{Step: b.read, Of: g.total, Unit: "bytes"})
	return nil
}

func (g *gathering) keep(source int, d parsed) error {
	h := head{source: source, first: d.first, near: d.judged.Near == filter.Drop, out: d.out}
	switch {
	case d.pair:
		h.kind = isPreference
	case d.turns:
		h.kind = isDialogue
	}
	if _, err := g.heads.Write(h.encode(g.heads.AvailableBuffer())); err != nil {
		return err
	}
	if _, err := g.lines.Write(d.line); err != nil {
		return err
	}
	return g.duplicates.add(d.sum, d.judged.Signature)
}

func (g *gathering) event(e samovar.Event) {
	if g.work.Recorder != nil {
		g.work.Recorder.Event(e)
	}
}
