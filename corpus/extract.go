package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/semaphore"

	"samovar"
	"samovar/corpus/document"
)

// roomBytes bounds the documents that are in memory to be extracted, whatever
// the number of processors.
const roomBytes = 256 << 20

func newRoom() *semaphore.Weighted { return semaphore.NewWeighted(roomBytes) }

func newReader(ctx context.Context, emit func(batch) error, room *semaphore.Weighted) *reader {
	return &reader{ctx: ctx, emit: emit, room: room}
}

// refusal is a document that gave no text.
type refusal struct {
	file *file
	why  document.Refused
}

// document reads a whole file, to be extracted later.
func (r *reader) document(f *file, format document.Format) error {
	r.text.Reset()
	n, err := r.text.ReadFrom(io.LimitReader(r.in, document.MaxFile+1))
	if err != nil {
		return err
	}
	if n > document.MaxFile {
		r.text.Reset()
		r.batch.refused = append(r.batch.refused, refusal{f, document.TooLarge(format)})
		_, err := io.Copy(io.Discard, r.in)
		return err
	}
	return r.add(f, 0, format, r.text.Bytes())
}

// extract returns b with the text of its documents in their place, cut as texts
// are, and gives back its room.
func (b batch) extract(documents *document.Reader, room *semaphore.Weighted) (batch, error) {
	if b.held == 0 {
		return b, nil
	}
	defer room.Release(b.held)
	data, items := b.data, b.items
	b.data, b.items = nil, nil
	start := 0
	for _, it := range items {
		text := data[start:it.end]
		start = it.end
		if it.format == document.Plain {
			b.append(it, text)
			continue
		}
		text, err := documents.Text(it.format, text)
		var why document.Refused
		if errors.As(err, &why) {
			b.refused = append(b.refused, refusal{it.file, why})
			continue
		}
		if err != nil {
			return b, fmt.Errorf("read %s: %w", it.file.path, err)
		}
		for len(text) > b.limit {
			end := cut(text[:b.limit])
			b.append(it, text[:end])
			text = text[end:]
		}
		b.append(it, text)
	}
	return b, nil
}

func (b *batch) append(it item, data []byte) {
	b.data = append(b.data, data...)
	b.items = append(b.items, item{end: len(b.data), file: it.file, line: it.line})
}

// fewRefusals is how many refused files of a source are named while it is read.
const fewRefusals = 20

// refuse counts a document that gave no text.
func (g *gathering) refuse(r *SourceReport, source int, f refusal) {
	if r.Refused == nil {
		r.Refused = map[string]int64{}
	}
	r.Refused[string(f.why)]++
	var named int64
	for _, n := range r.Refused {
		named += n
	}
	if named <= fewRefusals {
		g.event(samovar.Event{Text: fmt.Sprintf("source %d: passed over %s: %s", source+1, f.file.name, f.why)})
	}
}
