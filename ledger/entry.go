package ledger

import (
	"encoding/json"
	"fmt"

	"samovar"
)

// The types of Entry.
const (
	TypeRun         = "run"         // a stage has finished
	TypeWithdrawal  = "withdrawal"  // a source may not be learnt from any more
	TypeReadmission = "readmission" // it may again
)

// Entry is what one line of the ledger says. It holds digests and figures,
// never prompts or personal data.
type Entry struct {
	Type     string           `json:"type"`
	Run      samovar.Digest   `json:"run,omitempty"` // blob of the run record, which has everything else
	Stage    string           `json:"stage,omitempty"`
	Key      samovar.Digest   `json:"key,omitempty"` // of the stage that finished
	Outputs  []samovar.Digest `json:"outputs,omitempty"`
	Attempts int              `json:"attempts,omitempty"` // starts of the run, killed ones included
	Energy   samovar.Energy   `json:"energy,omitzero"`    // of all attempts together
	Source   samovar.Digest   `json:"source,omitempty"`   // of a withdrawal or readmission: over the source's files
	Origin   string           `json:"origin,omitempty"`   // whose it is, as it was declared
}

// RunEntry returns the entry for a run whose record is the blob d.
func RunEntry(run samovar.Run, d samovar.Digest) Entry {
	return Entry{
		Type: TypeRun, Run: d, Stage: run.Stage, Key: run.Key, Outputs: run.Outputs,
		Attempts: len(run.Attempts), Energy: run.Energy,
	}
}

// Encode returns the entry as it is appended.
func (e Entry) Encode() ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write a ledger entry for %s: %w", e.Stage, err)
	}
	return b, nil
}

// ParseEntry reads an entry. One of a Type that this program does not know has
// no other field set that it should rely on.
func ParseEntry(b []byte) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(b, &e); err != nil {
		return Entry{}, fmt.Errorf("read a ledger entry: %w", err)
	}
	var digests []samovar.Digest
	switch e.Type {
	case TypeRun:
		digests = append(e.Outputs[:len(e.Outputs):len(e.Outputs)], e.Run, e.Key)
	case TypeWithdrawal, TypeReadmission:
		digests = []samovar.Digest{e.Source}
	}
	for _, d := range digests {
		if _, err := samovar.ParseDigest(string(d)); err != nil {
			return Entry{}, fmt.Errorf("read a ledger entry: %w", err)
		}
	}
	return e, nil
}
