package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"samovar"
	"samovar/compute"
	"samovar/house"
	"samovar/model"
	"samovar/tokenizer/template"
)

// TestSpeaker talks with the shipped model for longer than its window: the system
// prompt and the last turns are remembered, an answer that is refused ends at once.
func TestSpeaker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "house.gguf")
	if err := os.WriteFile(path, house.Model(), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := model.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := compute.CPU{}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	l, err := (&store{}).load(dev, f, serving{sequences: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	k := &talker{command: &chatCommand{MaxTokens: 24}, Loaded: l, said: []template.Message{{Role: "system", Content: "Be brief."}}}
	var s samovar.Speaker = k
	for turn := range 40 {
		pieces := 0
		if err := s.Speak(t.Context(), "Who are you, "+strings.Repeat("please, ", 10)+"who?", func(string) error { pieces++; return nil }); err != nil || pieces < 2 {
			t.Fatalf("turn %d: %d pieces, %v", turn, pieces, err)
		}
	}
	if k.said[0].Role != "system" || len(k.said) < 5 || len(k.said) > 30 || k.said[len(k.said)-1].Role != "assistant" {
		t.Errorf("%d turns are remembered, from %q", len(k.said), k.said[0].Content)
	}
	pieces, enough := 0, errors.New("enough")
	if err := s.Speak(t.Context(), "Hello.", func(string) error { pieces++; return enough }); !errors.Is(err, enough) || pieces != 1 {
		t.Errorf("%v after %d pieces", err, pieces)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Speak(ctx, "Hello.", func(string) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
