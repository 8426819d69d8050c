package eval

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// partFile is where what has been computed lies until the stage is done.
const partFile = "computed.jsonl"

// computed is what came of one text: a choice, a document, a problem.
type computed struct {
	At     int     `json:"at"` // of the texts in their order
	Nats   float64 `json:"nats,omitempty"`
	Tokens int64   `json:"tokens,omitempty"`
	Text   string  `json:"text,omitempty"`
}

// part keeps what an attempt has computed, line by line, for the next one to go
// on from: no text depends on what is computed beside it. A last line that was
// cut off or damaged, and what follows it, is computed again.
type part struct {
	file *os.File
	done map[int]computed
}

func openPart(dir string) (*part, error) {
	path := filepath.Join(dir, partFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("keep what is computed: %w", err)
	}
	p := &part{f, map[int]computed{}}
	var whole int64
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		var c computed
		if err != nil || json.Unmarshal(line, &c) != nil {
			break
		}
		p.done[c.At] = c
		whole += int64(len(line))
	}
	err = f.Truncate(whole)
	if err == nil {
		_, err = f.Seek(whole, 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("keep what is computed: %w", err), f.Close())
	}
	return p, nil
}

// keep adds what has been computed.
func (p *part) keep(all []computed) error {
	w := bufio.NewWriter(p.file)
	lines := json.NewEncoder(w)
	for _, c := range all {
		if err := lines.Encode(c); err != nil {
			return fmt.Errorf("keep what is computed: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("keep what is computed: %w", err)
	}
	return nil
}

// documents is a measure's documents as they are kept. Those before from have
// been; those before to are complete.
func (p *part) documents(m *measure, from, to int) error {
	var all []computed
	for at := from; at < to; at++ {
		if _, ok := p.done[at]; !ok {
			all = append(all, computed{At: at, Nats: m.documents[at].nats, Tokens: m.documents[at].tokens})
		}
	}
	return p.keep(all)
}
