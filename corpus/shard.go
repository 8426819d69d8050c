package corpus

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"samovar"
)

// The parts of a set of shards. A part without a document has no files.
const (
	Train              = "train"
	Validation         = "validation"
	DialogueTrain      = "dialogue-train"
	DialogueValidation = "dialogue-validation"

	// Of preferences; document 2i is a prompt with the answer chosen, 2i+1 the
	// same with the one rejected.
	PreferenceTrain      = "preference-train"
	PreferenceValidation = "preference-validation"
)

// Encoder turns text into token ids. It is called from several goroutines.
type Encoder interface {
	// Encode appends the ids of text, none of them a special one, to dst.
	Encode(dst []int32, text string) []int32
}

// Shard is the stage that turns the documents of a corpus (input "corpus")
// into token ids under a tokenizer (input "tokenizer", which is not read here).
type Shard struct {
	Encoder    Encoder
	Vocabulary int // number of ids

	// Begin opens each text and End closes it. Where they are one id, the one
	// that opens a text is written and closes the text before it as well.
	Begin, End int32

	// Dialogue returns the ids of a dialogue, special ones included, and for
	// each id whether it is learnt: those of the assistant's turns. It is
	// called from several goroutines; nil refuses dialogues. Template names
	// what it does beyond the tokenizer, such as the chat template's text.
	Dialogue func(turns []Turn) (ids []int32, learn []bool, err error)
	Template string

	// Weights of the sources (see the function Weights) are kept with the
	// shards, so that what is trained on them depends on their digest alone;
	// the ids do not depend on them. Nil: all 1.
	Weights []float64
}

// Name returns "shard".
func (*Shard) Name() string { return "shard" }

// Version is raised when the same corpus and tokenizer give other shards.
func (*Shard) Version() int { return 1 }

// Config returns what beside the inputs decides the bytes.
func (s *Shard) Config() any {
	return struct {
		Vocabulary int       `json:"vocabulary"`
		Begin      int32     `json:"begin"`
		End        int32     `json:"end"`
		Template   string    `json:"template,omitempty"`
		Weights    []float64 `json:"weights,omitempty"`
	}{s.Vocabulary, s.Begin, s.End, s.Template, s.Weights}
}

// Shards is the Config of the artifact: the parts that there are, and the
// weights of the sources.
type Shards struct {
	Parts   []Part    `json:"parts"`
	Weights []float64 `json:"weights,omitempty"`
}

// Part counts what one part holds.
type Part struct {
	Name      string `json:"name"`
	Documents int64  `json:"documents"`
	Tokens    int64  `json:"tokens"`
	Bytes     int64  `json:"bytes"` // UTF-8 of the documents' texts
}

// Run writes for each part PART.bin, PART.idx and, of dialogues, PART.mask. It
// starts over when it has been interrupted.
func (s *Shard) Run(ctx context.Context, work samovar.Work) (samovar.Output, error) {
	if s.Encoder == nil || s.Vocabulary <= 0 || !s.has(s.Begin) || !s.has(s.End) {
		return samovar.Output{}, fmt.Errorf("shard: a vocabulary of %d ids with begin %d and end %d cannot encode texts", s.Vocabulary, s.Begin, s.End)
	}
	var of, done int64 // documents
	corpus := work.Inputs["corpus"]
	if r, ok := reportOf(corpus.Config); ok {
		for _, source := range r.Sources {
			of += source.Documents
		}
	}
	out, shards := samovar.Output{Kind: samovar.KindShards}, Shards{Weights: s.Weights}
	for _, split := range []struct{ file, text, dialogue, preference string }{
		{TrainFile, Train, DialogueTrain, PreferenceTrain}, {ValidationFile, Validation, DialogueValidation, PreferenceValidation},
	} {
		path, err := corpus.Path(split.file)
		if err != nil {
			return out, err
		}
		parts := [3]*part{} // by encoded.part
		for i, name := range []string{split.text, split.dialogue, split.preference} {
			parts[i] = newPart(filepath.Join(work.Dir, name), s, i > 0)
		}
		err = s.split(ctx, path, func(b encodedBatch) error {
			for _, d := range b.documents {
				if err := parts[d.part].add(d); err != nil {
					return err
				}
			}
			done += int64(b.lines)
			if work.Recorder != nil {
				work.Recorder.Event(samovar.Event{Step: done, Of: of, Unit: "documents"})
			}
			return nil
		})
		for _, p := range parts {
			if err = first(err, p.close()); err == nil && p.documents > 0 {
				shards.Parts = append(shards.Parts, p.count())
				out.Files = append(out.Files, p.files()...)
				p.record(work.Recorder)
			}
		}
		if err != nil {
			return out, fmt.Errorf("shard %s: %w", split.file, err)
		}
	}
	if len(shards.Parts) == 0 {
		return out, errors.New("shard: the corpus holds no document")
	}
	out.Config = shards
	return out, nil
}

func (s *Shard) has(id int32) bool { return id >= 0 && int(id) < s.Vocabulary }

// encoded is one document as ids.
type encoded struct {
	source int
	part   int // 0: of texts, 1: of dialogues, 2: of preferences
	bytes  int
	ids    []int32
	learn  []bool // nil for a text
}

type encodedBatch struct {
	documents []encoded
	lines     int // of the corpus; a preference's makes two documents
}

// lineBatch is some lines of a corpus' file, which end where ends says.
type lineBatch struct {
	data []byte
	ends []int
}

// split encodes the documents of one file of the corpus, in order.
func (s *Shard) split(ctx context.Context, path string, consume func(encodedBatch) error) error {
	produce := func(emit func(lineBatch) error) error {
		var b lineBatch
		err := lines(ctx, path, func(_ int, line []byte) error {
			b.data = append(b.data, line...)
			b.ends = append(b.ends, len(b.data))
			if len(b.data) < batchBytes && len(b.ends) < batchItems {
				return nil
			}
			full := b
			b = lineBatch{data: make([]byte, 0, batchBytes+batchBytes/4)}
			return emit(full)
		})
		if err != nil || len(b.ends) == 0 {
			return err
		}
		return emit(b)
	}
	return ordered(ctx, runtime.GOMAXPROCS(0), produce, s.encode, consume)
}

func (s *Shard) encode(b lineBatch) (encodedBatch, error) {
	out := encodedBatch{make([]encoded, 0, len(b.ends)), len(b.ends)}
	start := 0
	for _, end := range b.ends {
		doc, err := decode(b.data[start:end])
		if err != nil {
			return out, err
		}
		if doc.Rejected != nil {
			both, err := s.pair(doc)
			if err != nil {
				return out, err
			}
			out.documents = append(out.documents, both[:]...)
		} else {
			e, err := s.document(doc)
			if err != nil {
				return out, err
			}
			out.documents = append(out.documents, e)
		}
		start = end
	}
	return out, nil
}

// pair encodes both answers of a preference. What they begin with alike is not
// learnt: the gradients of its ids would cancel.
func (s *Shard) pair(doc Document) (both [2]encoded, err error) {
	for i, turns := range [][]Turn{doc.Turns, doc.Rejected} {
		if both[i], err = s.document(Document{Source: doc.Source, Turns: turns}); err != nil {
			return both, err
		}
		both[i].part = 2
	}
	for i := 0; i < min(len(both[0].ids), len(both[1].ids)) && both[0].ids[i] == both[1].ids[i]; i++ {
		both[0].learn[i], both[1].learn[i] = false, false
	}
	return both, nil
}

// document encodes one document and checks what the encoder returns.
func (s *Shard) document(doc Document) (encoded, error) {
	e := encoded{source: doc.Source, bytes: doc.size()}
	if doc.Turns == nil {
		e.ids = append(make([]int32, 0, e.bytes/3+2), s.Begin)
		e.ids = s.Encoder.Encode(e.ids, doc.Text)
		if s.Begin != s.End {
			e.ids = append(e.ids, s.End)
		}
	} else {
		if s.Dialogue == nil {
			return e, errors.New("the corpus holds dialogues, and there is no chat template to encode them with")
		}
		var err error
		if e.ids, e.learn, err = s.Dialogue(doc.Turns); err != nil {
			return e, err
		}
		if len(e.ids) == 0 || len(e.learn) != len(e.ids) {
			return e, fmt.Errorf("a dialogue became %d ids and %d marks", len(e.ids), len(e.learn))
		}
		e.part = 1
	}
	for _, id := range e.ids {
		if !s.has(id) {
			return e, fmt.Errorf("the encoder returned id %d, and the vocabulary ends at %d", id, s.Vocabulary)
		}
	}
	return e, nil
}
