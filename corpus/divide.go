package corpus

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"samovar"
	"samovar/corpus/filter"
)

// division is the writing of a corpus: of the lines that were gathered, those
// that repeat no earlier one, for training or held out.
type division struct {
	*gathering
	repeats
	below thresholds
	count [3]struct{ train, validation int64 } // by kind
}

// thresholds holds by kind the first byte of the hash below which a document is
// held out.
type thresholds [3]int

// divide writes the two files of the corpus.
func (g *gathering) divide(ctx context.Context, validation int) (*division, error) {
	d := &division{gathering: g}
	var err error
	if d.repeats, err = g.duplicates.find(ctx); err != nil {
		return d, err
	}
	if err := d.hold(validation); err != nil {
		return d, err
	}
	return d, d.write(ctx)
}

// hold sets the thresholds: where too few documents are there for any to fall
// below validation, the one with the smallest hash is held out.
func (d *division) hold(validation int) error {
	var smallest [3]int
	for k := range d.below {
		d.below[k], smallest[k] = validation, 256
	}
	var n [3]int
	err := d.each(func(i uint64, h head) error {
		if d.kept(i, h) {
			n[h.kind]++
			smallest[h.kind] = min(smallest[h.kind], int(h.first))
		}
		return nil
	})
	for k := range d.below {
		if n[k] > 1 && smallest[k] >= validation {
			d.below[k] = smallest[k] + 1
		}
	}
	d.report.Validation = Split{Text: d.below[isText], Dialogue: d.below[isDialogue]}
	if n[isPreference] > 0 {
		d.report.Validation.Preference = d.below[isPreference]
	}
	return err
}

// kept reports whether document i is in the corpus.
func (r repeats) kept(i uint64, h head) bool { return !r.equal.has(i) && !(h.near && r.near.has(i)) }

// held reports whether a document of the corpus is held out.
func (t thresholds) held(h head) bool { return int(h.first) < t[h.kind] }

// each hands the heads to f, in order.
func (d *division) each(f func(i uint64, h head) error) error {
	file, err := os.Open(d.path(headsFile))
	if err != nil {
		return err
	}
	defer file.Close()
	next := heads(file)
	for i := range d.duplicates.n {
		h, err := next()
		if err == nil {
			err = f(i, h)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// heads returns what reads one head after another.
func heads(file *os.File) func() (head, error) {
	r := bufio.NewReader(file)
	return func() (head, error) {
		var b [headBytes]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return head{}, fmt.Errorf("read %s: %w", file.Name(), err)
		}
		return decodeHead(b[:]), nil
	}
}

// write goes through the gathered lines.
func (d *division) write(ctx context.Context) error {
	file, err := os.Open(d.path(headsFile))
	if err != nil {
		return err
	}
	defer file.Close()
	train, err := newWriter(d.path(TrainFile))
	if err != nil {
		return err
	}
	held, err := newWriter(d.path(ValidationFile))
	if err != nil {
		return first(err, train.Close())
	}
	next := heads(file)
	i := uint64(0)
	err = lines(ctx, d.path(gatheredFile), func(_ int, line []byte) error {
		h, err := next()
		if err != nil {
			return err
		}
		kept := d.take(i, h, line)
		if i++; i%1024 == 0 || i == d.duplicates.n {
			d.event(samovar.Event{Step: int64(i), Of: int64(d.duplicates.n), Unit: "documents"})
		}
		if !kept {
			return nil
		}
		to := train
		if d.below.held(h) {
			to = held
		}
		_, err = to.Write(line)
		_, end := to.Write(newline)
		return first(err, end)
	})
	return first(err, train.Close(), held.Close())
}

var newline = []byte{'\n'}

// take counts document i and reports whether it is kept.
func (d *division) take(i uint64, h head, line []byte) bool {
	r := &d.report.Sources[h.source]
	if !d.kept(i, h) {
		if d.equal.has(i) {
			r.Duplicates++
			r.drop(filter.Duplicate, h.out, line)
		} else {
			r.drop(filter.NearDuplicate, h.out, line)
		}
		return false
	}
	if d.near.has(i) {
		r.tally(filter.NearDuplicate).Counted++
	}
	r.Documents++
	r.BytesOut += int64(h.out)
	if d.below.held(h) {
		d.count[h.kind].validation++
		r.Validation++
	} else {
		d.count[h.kind].train++
	}
	return true
}

// enough says what was passed over, and returns an error if a source has given
// nothing or nothing could be held out.
func (d *division) enough() error {
	for i, r := range d.report.Sources {
		passed := r.passedOver()
		if d.why[i] != "" {
			passed += ": " + d.why[i]
		}
		if r.Documents+r.Duplicates == 0 {
			return fmt.Errorf("source %d (%s): none of its %d files gave a document (%s)", i+1, d.sources[i].Path, r.Files, passed)
		}
		if passed != "" {
			d.event(samovar.Event{Text: fmt.Sprintf("source %d: passed over %s", i+1, passed)})
		}
	}
	for k, name := range []string{Text, Dialogue, Preference} {
		n := d.count[k]
		if n.train+n.validation > 0 && (n.train == 0 || n.validation == 0) {
			return fmt.Errorf("too little %s: %d distinct documents, and at least one to train on and one to hold out are needed: add more",
				name, n.train+n.validation)
		}
	}
	return nil
}

func (d *division) output() (samovar.Output, error) {
	d.report.sum()
	data, err := json.MarshalIndent(d.report, "", "\t")
	if err != nil {
		return samovar.Output{}, err
	}
	path := filepath.Join(d.work.Dir, ReportFile)
	if err := os.WriteFile(path, append(data, '\n'), 0o666); err != nil {
		return samovar.Output{}, err
	}
	if r := d.work.Recorder; r != nil {
		for k, name := range []string{"documents", "dialogues", "preferences"} {
			if n := d.count[k].train + d.count[k].validation; k < 2 || n > 0 {
				r.Metric(name, float64(n))
			}
		}
		for name, n := range d.report.counts() {
			r.Metric(name, n)
		}
	}
	out := samovar.Output{Kind: samovar.KindCorpus, Config: d.report.withoutSamples()}
	for _, f := range []struct{ name, media string }{
		{TrainFile, "application/x-ndjson+zstd"}, {ValidationFile, "application/x-ndjson+zstd"}, {ReportFile, "application/json"},
	} {
		out.Files = append(out.Files, samovar.OutputFile{Name: f.name, Path: filepath.Join(d.work.Dir, f.name), MediaType: f.media})
	}
	return out, nil
}
