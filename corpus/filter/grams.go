package filter

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Sequences of this many words that a document has in common with an evaluation
// set are no accident (Brown et al. 2020, appendix C): 13, or a whole example where
// it is shorter, but no fewer than 8. A short text counts as an example if it ends
// as a sentence does: the choices of a test, such as "the Chairman of the Joint
// Chiefs of Staff", occur everywhere.
const (
	longGram  = 13
	shortGram = 8
)

// Grams holds the sequences of words of evaluation sets. It may be read by
// several goroutines.
type Grams struct {
	counts []Set
	of     [longGram + 1]map[uint64]int32 // by length: hash to index of counts
}

// Set is what is known of one evaluation set.
type Set struct {
	Name     string `json:"name"`
	Examples int64  `json:"examples"` // texts of at least 13 words, sentences of at least 8
	Short    int64  `json:"short"`    // texts that are shorter and not looked for
}

// Add reads an evaluation set: JSON or JSON lines (every string in it), CSV (every
// cell), or text (every line). ext is the extension, such as ".jsonl".
func (g *Grams) Add(name, ext string, r io.Reader) error {
	i := len(g.counts) - 1
	if i < 0 || g.counts[i].Name != name {
		g.counts = append(g.counts, Set{Name: name})
		i++
	}
	add := func(text string) { g.add(i, text) }
	switch ext {
	case ".jsonl", ".ndjson", ".json":
		return jsonStrings(r, add)
	case ".csv":
		return csvCells(r, add)
	}
	return textLines(r, add)
}

// Sets returns what was read, in order.
func (g *Grams) Sets() []Set { return g.counts }

func (g *Grams) add(set int, text string) {
	d := scan(text)
	defer d.release()
	n := min(len(d.words), longGram)
	if n < shortGram || n < longGram && !isClosed(strings.TrimSpace(text)) {
		if n > 0 {
			g.counts[set].Short++
		}
		return
	}
	g.counts[set].Examples++
	if g.of[n] == nil {
		g.of[n] = map[uint64]int32{}
	}
	rolling(d.words, n, func(_ int, hash uint64) bool {
		if _, ok := g.of[n][hash]; !ok {
			g.of[n][hash] = int32(set)
		}
		return true
	})
}

// find returns the set of which a document has a sequence of words, and the
// sequence.
func (g *Grams) find(d *document) (set, gram string) {
	for n, of := range g.of {
		if len(of) == 0 {
			continue
		}
		rolling(d.words, n, func(at int, hash uint64) bool {
			i, ok := of[hash]
			if ok {
				set = g.counts[i].Name
				gram = d.text[d.words[at].start:d.words[at+n-1].end]
			}
			return !ok
		})
		if set != "" {
			return set, gram
		}
	}
	return "", ""
}

// maxExample bounds a line of an evaluation set.
const maxExample = 16 << 20

// jsonStrings hands every string value to add.
func jsonStrings(r io.Reader, add func(string)) error {
	d := json.NewDecoder(bufio.NewReaderSize(r, 64<<10))
	var inObject []bool // the open objects and arrays
	key := false        // what comes next is a name
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(inObject) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("this is no JSON: %w", err)
		}
		switch t := t.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				inObject = append(inObject, t == '{')
			} else {
				inObject = inObject[:len(inObject)-1]
			}
			key = len(inObject) > 0 && inObject[len(inObject)-1]
			continue
		case string:
			if !key {
				add(t)
			}
		}
		if len(inObject) > 0 && inObject[len(inObject)-1] {
			key = !key
		}
	}
}

// csvCells hands every cell to add.
func csvCells(r io.Reader, add func(string)) error {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.LazyQuotes, c.ReuseRecord = -1, true, true
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, cell := range cells {
			add(cell)
		}
	}
}

// textLines hands every line to add.
func textLines(r io.Reader, add func(string)) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), maxExample)
	for s.Scan() {
		add(strings.ToValidUTF8(s.Text(), "\uFFFD"))
	}
	return s.Err()
}
