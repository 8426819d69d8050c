package corpus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"samovar"
	"samovar/model/gguf"
	"samovar/tokenizer"
)

// TokenizerFile is the file of a tokenizer.
const TokenizerFile = "tokenizer.json"

// Vocabulary is the stage that makes a tokenizer: learnt from a corpus (input
// "corpus"), or taken from the model that training goes on from (input "model").
type Vocabulary struct {
	Learn tokenizer.Config
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
	}{v.Learn.Vocab, v.Learn.Pre, v.Learn.Special}
}

// Run writes tokenizer.json.
func (v *Vocabulary) Run(ctx context.Context, work samovar.Work) (samovar.Output, error) {
	t, err := v.make(ctx, work)
	if err != nil {
		return samovar.Output{}, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return samovar.Output{}, fmt.Errorf("encode the tokenizer: %w", err)
	}
	path := filepath.Join(work.Dir, TokenizerFile)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return samovar.Output{}, fmt.Errorf("write the tokenizer: %w", err)
	}
	work.Recorder.Metric("vocabulary", float64(t.Size()))
	return samovar.Output{
		Kind:  samovar.KindTokenizer,
		Files: []samovar.OutputFile{{Name: TokenizerFile, Path: path, MediaType: "application/json"}},
		Config: struct {
			Vocabulary int    `json:"vocabulary"`
			Pre        string `json:"pre"`
		}{t.Size(), t.Pre()},
	}, nil
}

func (v *Vocabulary) make(ctx context.Context, work samovar.Work) (*tokenizer.Tokenizer, error) {
	if in, ok := work.Inputs["model"]; ok {
		return tokenizerOf(in)
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
