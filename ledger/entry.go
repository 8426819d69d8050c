package ledger

import (
	"encoding/json"
	"fmt"

	"samovar"
)

// TypeRun is the type of an entry about a finished run of a stage.
const TypeRun = "run"

// Entry is what one line of the ledger says. It holds digests and figures,
// never prompts or personal data.
type Entry struct {
	Type     string           `json:"type"` // TypeRun
	Run      samovar.Digest   `json:"run"`  // blob of the run record, which has everything else
	Stage    string           `json:"stage"`
	Key      samovar.Digest   `json:"key"` // of the stage that finished
	Outputs  []samovar.Digest `json:"outputs"`
	Attempts int              `json:"attempts"` // starts of the run, killed ones included
	Energy   samovar.Energy   `json:"energy"`   // of all attempts together
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
	if e.Type == TypeRun {
		for _, d := range append([]samovar.Digest{e.Run, e.Key}, e.Outputs...) {
			if _, err := samovar.ParseDigest(string(d)); err != nil {
				return Entry{}, fmt.Errorf("read a ledger entry: %w", err)
			}
		}
	}
	return e, nil
}
