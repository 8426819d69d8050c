package main

import (
	"fmt"

	"samovar/compute"
	"samovar/serve"
	"samovar/tokenizer"
)

// drafted is the flag of commands whose model may have a smaller one guess.
type drafted struct {
	Draft string `placeholder:"REF" help:"A smaller model with the same vocabulary that guesses ahead: answers are the same, and come faster where it is much smaller and often right."`
}

// draft brings the model that is to guess for one with that vocabulary into memory.
func (s *store) draft(dev compute.Device, tok *tokenizer.Tokenizer, with serving) (*serve.Loaded, error) {
	f, err := s.openModel(with.draft)
	if err != nil {
		return nil, err
	}
	with.draft = ""
	d, err := s.engine(dev, f, with)
	if err != nil {
		return nil, err
	}
	if err := sameVocabulary(d.Tokenizer, tok); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// sameVocabulary says where a draft's vocabulary is not the model's.
func sameVocabulary(its, model *tokenizer.Tokenizer) error {
	if its.Size() != model.Size() {
		return fmt.Errorf("it has %d tokens and the model %d: a draft needs the model's vocabulary", its.Size(), model.Size())
	}
	for id := range int32(model.Size()) {
		if its.Token(id) != model.Token(id) {
			return fmt.Errorf("token %d is %q, the model's %q: a draft needs the model's vocabulary", id, its.Token(id), model.Token(id))
		}
	}
	return nil
}
