package main

import (
	"fmt"

	"samovar/compute"
	"samovar/infer"
	"samovar/model"
	"samovar/tokenizer"
)

// drafted is the flag of commands whose model may have a smaller one guess.
type drafted struct {
	Draft string `placeholder:"REF" help:"A smaller model with the same vocabulary that guesses ahead: answers are the same, and come faster where it is much smaller and often right."`
}

// draft is a model that guesses, in memory.
type draft struct {
	*infer.Engine
	file    *model.File
	weights map[string]compute.Buffer
}

// Close gives its memory back.
func (d *draft) Close() {
	if d.Engine != nil {
		d.Engine.Close()
	}
	for _, b := range d.weights {
		b.Free()
	}
	d.file.Close()
}

// draft opens the model that is to guess for one with that vocabulary.
func (s *store) draft(dev compute.Device, ref string, tok *tokenizer.Tokenizer, o infer.Options) (_ *draft, err error) {
	f, err := s.openModel(ref)
	if err != nil {
		return nil, fmt.Errorf("load the draft %s: %w", ref, err)
	}
	d := &draft{file: f}
	defer func() {
		if err != nil {
			d.Close()
			err = fmt.Errorf("load the draft %s: %w", ref, err)
		}
	}()
	its, err := tokenizer.FromMetadata(f.Value)
	if err != nil {
		return nil, err
	}
	if its.Size() != tok.Size() {
		return nil, fmt.Errorf("it has %d tokens and the model %d: a draft needs the model's vocabulary", its.Size(), tok.Size())
	}
	for id := range int32(tok.Size()) {
		if its.Token(id) != tok.Token(id) {
			return nil, fmt.Errorf("token %d is %q, the model's %q: a draft needs the model's vocabulary", id, its.Token(id), tok.Token(id))
		}
	}
	if d.weights, err = f.Load(dev); err != nil {
		return nil, err
	}
	d.Engine, err = infer.New(dev, f.Config, d.weights, o)
	return d, err
}
