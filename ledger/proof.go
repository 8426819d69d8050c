package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Proof shows somebody who knows the ledger's verifier key, and has nothing
// else of it, that an entry is in it.
type Proof struct {
	Index  int64       `json:"index"`
	Entry  []byte      `json:"entry"`
	Hashes []tlog.Hash `json:"hashes"` // RFC 6962 inclusion proof
	Head   []byte      `json:"head"`   // signed tree head
}

// Prove returns the proof that the entry at index i is in the ledger.
func (l *Ledger) Prove(i int64) (Proof, error) {
	h, err := l.Head()
	if err != nil {
		return Proof{}, err
	}
	if i < 0 || i >= h.Size {
		return Proof{}, fmt.Errorf("prove entry %d of ledger %s: it has %d", i, l.dir, h.Size)
	}
	hashes := l.hashes(h)
	all, err := l.bundle(h, i/bundleWidth, hashes)
	if err != nil {
		return Proof{}, err
	}
	proof, err := tlog.ProveRecord(h.Size, i, hashes)
	if err != nil {
		return Proof{}, fmt.Errorf("prove entry %d of ledger %s: %w", i, l.dir, err)
	}
	return Proof{Index: i, Entry: all[i%bundleWidth], Hashes: proof, Head: h.Note}, nil
}

// Check returns nil if the proof holds under the verifier key.
func (p Proof) Check(key string) error {
	h, err := ParseHead(p.Head, key)
	if err != nil {
		return fmt.Errorf("check the proof of entry %d: %w", p.Index, err)
	}
	if p.Index < 0 || p.Index >= h.Size {
		return fmt.Errorf("check the proof of entry %d: the tree has %d", p.Index, h.Size)
	}
	if err := tlog.CheckRecord(p.Hashes, h.Size, h.Hash, p.Index, tlog.RecordHash(p.Entry)); err != nil {
		return fmt.Errorf("check the proof of entry %d: %w", p.Index, err)
	}
	return nil
}
