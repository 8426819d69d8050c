// Package samovar holds the nouns of the whole system: what an artifact is,
// what a stage does with artifacts, what a run of a stage leaves behind, and
// the narrow interfaces through which packages that may not import each other
// are handed one another. It opens no file and no socket.
//
// Start with [Stage]: everything that Samovar makes is made by one.
package samovar

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Digest names content: "sha256:" and 64 lower-case hexadecimal digits.
type Digest string

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// ParseDigest returns s as a Digest if it is one, letter by letter.
func ParseDigest(s string) (Digest, error) {
	digits, ok := strings.CutPrefix(s, "sha256:")
	if !ok || len(digits) != 64 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is not a digest: sha256: and 64 lower-case hexadecimal digits are expected", s)
	}
	return Digest(s), nil
}

// Hex returns the digits without the name of the algorithm.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), "sha256:") }

// Short returns the first twelve digits, for people.
func (d Digest) Short() string {
	if h := d.Hex(); len(h) > 12 {
		return h[:12]
	}
	return d.Hex()
}

// Kind says what an artifact is.
type Kind string

// The kinds of artifact that the chain makes.
const (
	KindCorpus     Kind = "corpus"     // normalised documents, split into training and validation
	KindTokenizer  Kind = "tokenizer"  // a vocabulary and how text is cut by it
	KindShards     Kind = "shards"     // token ids of a corpus under one tokenizer
	KindPlan       Kind = "plan"       // a budget turned into a number of steps
	KindModel      Kind = "model"      // weights with everything needed to run them
	KindEvaluation Kind = "evaluation" // figures of one model on one set of data
)

// File is one file of an artifact.
type File struct {
	Name      string `json:"name"` // within the artifact, without a path
	MediaType string `json:"media_type"`
	Digest    Digest `json:"digest"`
	Size      int64  `json:"size"` // bytes
}

// Artifact is an immutable set of files named by the digest of its manifest.
// Neither files nor manifest hold a time, host, path or run: equal content has
// equal digests wherever it was made.
type Artifact struct {
	Digest Digest          `json:"digest"`
	Kind   Kind            `json:"kind"`
	Files  []File          `json:"files"`
	Config json.RawMessage `json:"config,omitempty"` // what the content is, as its Kind defines it
}

// File returns the file of that name.
func (a Artifact) File(name string) (File, bool) {
	for _, f := range a.Files {
		if f.Name == name {
			return f, true
		}
	}
	return File{}, false
}

// Stage is a function from artifacts to one artifact (and what it may keep
// beside it on the way, see Output.Beside). The digests of its
// inputs, its Config, the numerics and its Version together are the key under
// which a finished run is found again instead of being repeated.
type Stage interface {
	// Name is one lower-case word, such as "train".
	Name() string
	// Version is raised whenever the same inputs and Config give other bytes.
	Version() int
	// Config is the resolved configuration. Its JSON is part of the key and
	// of the run record; what does not change the output stays out of it.
	Config() any
	// Run makes the output. It may be killed at any moment and called again
	// with the same Work.Dir, from whose files it goes on.
	Run(ctx context.Context, work Work) (Output, error)
}

// Numeric is implemented by a Stage whose output depends on how floating-point
// sums are rounded; Numerics (such as "fp32-avx2") becomes part of its key.
type Numeric interface{ Numerics() string }

// Work is what one run of a stage is given.
type Work struct {
	Inputs   map[string]Input // by the name that the stage knows them by
	Dir      string           // scratch folder, the same for every attempt at one key
	Recorder Recorder
}

// Input is an artifact that is read, with the path of each of its files.
// What lies at these paths must not be written to.
type Input struct {
	Artifact
	Paths map[string]string // File.Name to path
}

// Path returns where the file of that name lies.
func (in Input) Path(name string) (string, error) {
	p, ok := in.Paths[name]
	if !ok {
		return "", fmt.Errorf("the %s %s has no file %q", in.Kind, in.Digest.Short(), name)
	}
	return p, nil
}

// Output is what a stage has made: files in its Work.Dir, to be moved into the
// store, and what they are.
type Output struct {
	Kind   Kind
	Files  []OutputFile
	Config any      // becomes Artifact.Config
	Beside []Output // further artifacts of the run, which may go before it does
}

// OutputFile is a file that becomes part of an artifact. It is moved, not
// copied, unless Keep is set.
type OutputFile struct {
	Name      string // within the artifact
	Path      string // where it lies now
	MediaType string
	Keep      bool // the file at Path belongs to somebody else: copy it
}

// Event is one moment of a run in progress. Zero fields are unknown.
type Event struct {
	Stage           string  `json:"stage"`
	Step            int64   `json:"step"`
	Of              int64   `json:"of,omitempty"`
	Unit            string  `json:"unit,omitempty"`          // what Step counts: "bytes", "steps", "documents"
	Tokens          int64   `json:"tokens,omitempty"`        // learnt from so far
	Loss            float64 `json:"loss,omitempty"`          // nats per token
	BitsPerByte     float64 `json:"bits_per_byte,omitempty"` // on held-out text
	TokensPerSecond float64 `json:"tokens_per_second,omitempty"`
	ETASeconds      float64 `json:"eta_seconds,omitempty"`
	Joules          float64 `json:"joules,omitempty"`
	Sample          string  `json:"sample,omitempty"` // text that the model writes now
	Text            string  `json:"text,omitempty"`   // the same, a warning: for people
}

// Recorder takes down what happens in a run. Its methods do not block for long
// and may be called from several goroutines.
type Recorder interface {
	// Event reports progress. The recorder fills in Stage, ETASeconds and
	// Joules where they are zero.
	Event(Event)
	// Metric keeps a figure with the run record, the last value for each name.
	Metric(name string, value float64)
}

// Run is the record of one finished execution of a stage, stored as a blob to
// which one ledger entry points.
type Run struct {
	ID       string             `json:"id"` // the entry's index in the ledger once appended
	Stage    string             `json:"stage"`
	Version  int                `json:"version"`
	Key      Digest             `json:"key"`
	Inputs   map[string]Digest  `json:"inputs"`
	Outputs  []Digest           `json:"outputs"` // what the stage is for, then what it made beside
	Config   json.RawMessage    `json:"config"`
	Code     string             `json:"code"`             // revision of the program
	Recipe   string             `json:"recipe,omitempty"` // the text that asked for it, as it was then
	Numerics string             `json:"numerics,omitempty"`
	Machine  Machine            `json:"machine"`
	Energy   Energy             `json:"energy"` // of all attempts together
	Metrics  map[string]float64 `json:"metrics,omitempty"`
	Started  time.Time          `json:"started"`
	Finished time.Time          `json:"finished"`
	Attempts []Attempt          `json:"attempts"`
	Curve    Digest             `json:"curve,omitempty"` // blob with the run's [Curve], where it has one
	Entry    *int64             `json:"entry,omitempty"` // index in the ledger; absent inside the blob itself
}

// Curve is how a run went, from its first step to its last.
type Curve struct {
	Points []Point `json:"points"`
}

// Point is one moment of a curve. Zero fields are unknown.
type Point struct {
	Step            int64   `json:"step"`
	Tokens          int64   `json:"tokens,omitempty"`
	Loss            float64 `json:"loss,omitempty"`          // nats per token, the mean since the point before
	BitsPerByte     float64 `json:"bits_per_byte,omitempty"` // on held-out text
	TokensPerSecond float64 `json:"tokens_per_second,omitempty"`
	Joules          float64 `json:"joules,omitempty"` // of the run so far, with earlier attempts
	Sample          string  `json:"sample,omitempty"` // text that the model wrote
}

// Attempt is one start of a run, which ended by finishing, failing or being killed.
type Attempt struct {
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"` // of a killed attempt: its last sign of life
	Outcome string    `json:"outcome"`
	Energy  Energy    `json:"energy"`
}

// Energy is a reading and how it was come by.
type Energy struct {
	Joules float64 `json:"joules"`
	Method string  `json:"method"` // "measured (RAPL)", "estimated (TDP × load)"
}

// Machine is what a run was executed on.
type Machine struct {
	Host    string `json:"host,omitempty"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	CPU     string `json:"cpu"`
	Threads int    `json:"threads"`
	Memory  int64  `json:"memory"` // bytes
}

// Meter reads the energy that this machine has used since some fixed moment.
type Meter interface {
	// Read returns a reading that never falls.
	Read() Energy
}

// Policy decides whether something may be done: permission, not control.
type Policy interface {
	// Allow returns nil, or an error that says which rule forbids it.
	Allow(ctx context.Context, r Request) error
}

// Request is what a Policy is asked about.
type Request struct {
	Principal string            // who; empty for the user of this machine
	Action    string            // such as "chat"
	Resource  string            // such as the model's digest
	Facts     map[string]string // what else a rule may look at
}

// Speaker answers text with text. say is called with each piece as it comes;
// its error ends the answer.
type Speaker interface {
	Speak(ctx context.Context, prompt string, say func(piece string) error) error
}
