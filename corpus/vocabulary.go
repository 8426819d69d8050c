package corpus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"samovar"
	"samovar/model/gguf"
	"samovar/tokenizer"
)

// The file of a tokenizer: TokenizerFile of one that was learnt, KeptFile of one
// that was taken from a model, as metadata of GGUF without a tensor. Hugging
// Face's form cannot hold every vocabulary that GGUF can.
const (
	TokenizerFile = "tokenizer.json"
	KeptFile      = "tokenizer.gguf"
)

// Vocabulary is the stage that makes a tokenizer: learnt from a corpus (input
// "corpus"), or taken from the model that training goes on from (input "model").
type Vocabulary struct {
	Learn tokenizer.Config
	Keep  bool // take the model's
}

// Name returns "tokenizer".
func (*Vocabulary) Name() string { return "tokenizer" }

// Version is raised when the same corpus gives another vocabulary.
func (*Vocabulary) Version() int { return 1 }

// Config returns what beside the inputs decides the vocabulary.
func (v *Vocabulary) Config() any {
	return struct {
		Vocab   int      `json:"vocab"`
		Pre     string   `json:"pre,omitempty"`
		Special []string `json:"special,omitempty"`
		Keep    bool     `json:"keep,omitempty"`
	}{v.Learn.Vocab, v.Learn.Pre, v.Learn.Special, v.Keep}
}

// Run writes tokenizer.json or tokenizer.gguf.
func (v *Vocabulary) Run(ctx context.Context, work samovar.Work) (samovar.Output, error) {
	t, err := v.make(ctx, work)
	if err != nil {
		return samovar.Output{}, err
	}
	file := samovar.OutputFile{Name: TokenizerFile, MediaType: "application/json"}
	write := writeJSON
	if v.Keep {
		file = samovar.OutputFile{Name: KeptFile, MediaType: "application/vnd.samovar.tokenizer.gguf"}
		write = writeMetadata
	}
	file.Path = filepath.Join(work.Dir, file.Name)
	if err := write(file.Path, t); err != nil {
		return samovar.Output{}, fmt.Errorf("write the tokenizer: %w", err)
	}
	work.Recorder.Metric("vocabulary", float64(t.Size()))
	return samovar.Output{
		Kind:  samovar.KindTokenizer,
		Files: []samovar.OutputFile{file},
		Config: struct {
			Vocabulary int    `json:"vocabulary"`
			Pre        string `json:"pre"`
		}{t.Size(), t.Pre()},
	}, nil
}

func writeJSON(path string, t *tokenizer.Tokenizer) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func writeMetadata(path string, t *tokenizer.Tokenizer) error {
	var keys []gguf.KV
	all := t.Metadata()
	for _, k := range slices.Sorted(maps.Keys(all)) {
		keys = append(keys, gguf.KV{Key: k, Value: all[k]})
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return first(gguf.Write(f, keys, nil), f.Close())
}

func (v *Vocabulary) make(ctx context.Context, work samovar.Work) (*tokenizer.Tokenizer, error) {
	if v.Keep {
		return tokenizerOf(work.Inputs["model"])
	}
	path, err := work.Inputs["corpus"].Path(TrainFile)
	if err != nil {
		return nil, err
	}
	var failed error
	learn := v.Learn
	learn.Progress = func(done, of int) {
		work.Recorder.Event(samovar.Event{Step: int64(done), Of: int64(of), Unit: "merges"})
	}
	t, err := tokenizer.Train(texts(ctx, path, &failed), learn)
	if err = errors.Join(failed, err); err != nil {
		return nil, fmt.Errorf("learn a vocabulary of %d: %w", learn.Vocab, err)
	}
	return t, nil
}

// texts yields what documents say, turn by turn for dialogues. What ends them
// early is left in failed.
func texts(ctx context.Context, path string, failed *error) iter.Seq[string] {
	stop := errors.New("enough")
	return func(yield func(string) bool) {
		err := Documents(path, func(d Document) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			all := []string{d.Text}
			for _, t := range d.Turns {
				all = append(all, t.Text)
			}
			for _, s := range all {
				if s != "" && !yield(s) {
					return stop
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			*failed = err
		}
	}
}

// tokenizerOf reads the tokenizer of a model's GGUF file.
func tokenizerOf(in samovar.Input) (*tokenizer.Tokenizer, error) {
	path, err := in.Path("model.gguf")
	if err != nil {
		return nil, err
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokenizer of %s: %w", in.Digest.Short(), err)
	}
	defer f.Close()
	t, err := tokenizer.FromMetadata(f.Value)
	if err != nil {
		return nil, fmt.Errorf("read the tokenizer of %s: %w", in.Digest.Short(), err)
	}
	return t, nil
}
