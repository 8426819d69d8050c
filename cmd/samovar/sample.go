package main

import (
	"samovar"
	"samovar/compute"
	"samovar/infer"
	"samovar/model"
	"samovar/tokenizer"
	"samovar/train"
)

// sampleTokens is the length of the texts that are shown while a model trains.
const sampleTokens = 40

// sampler returns a function that lets weights write a little from nothing.
func sampler(dev compute.Device, m model.Config, in samovar.Input) func(map[string]compute.Buffer) (string, error) {
	return func(weights map[string]compute.Buffer) (string, error) {
		t, err := train.ReadTokenizer(in)
		if err != nil {
			return "", err
		}
		e, err := infer.New(dev, m, weights, infer.Options{Window: min(m.Window, 2*sampleTokens), Sequences: 1})
		if err != nil {
			return "", err
		}
		defer e.Close()
		r := infer.Request{
			Prompt: []int32{begin(t)}, MaxTokens: sampleTokens,
			Sampling: infer.Sampling{Temperature: 0.8, TopP: 0.95, Seed: 1},
		}
		text, d := "", t.NewDecoder()
		err = e.Generate(r, func(v infer.Event) bool {
			if v.Token != infer.None {
				text += d.Next(v.Token)
			}
			return true
		})
		return text + d.Flush(), err
	}
}

// begin is the token that opens a text.
func begin(t *tokenizer.Tokenizer) int32 {
	if b := t.BOS(); b != tokenizer.None {
		return b
	}
	return t.EOS()
}
