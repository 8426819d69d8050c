package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/house"
	"samovar/infer"
	"samovar/model"
	"samovar/tokenizer"
)

// story is in the manner of those that the shipped model learnt from.
const story = `Once upon a time there was a little fox named Finn. Finn lived in a small house near the forest with his mother and his big brother. Every day he went to the river to play with the ducks. He liked to throw stones into the water and watch the big rings grow.

One morning Finn found a shiny red ball under a tree. He was very happy. He picked it up and ran home to show it to his mother. "Look what I found!" he said. His mother smiled and said, "It is a beautiful ball, Finn. But somebody may have lost it. Can you find out who it belongs to?"

Finn was sad, because he wanted to keep the ball. But he knew that his mother was right. He went back to the tree and looked around. Behind the tree he saw a little rabbit. The rabbit was crying. "Why are you crying?" asked Finn. "I lost my red ball," said the rabbit. "My father gave it to me for my birthday."

Finn gave the ball to the rabbit. The rabbit stopped crying and hugged him. "Thank you!" he said. "Do you want to play with me?" They played together until the sun went down. Finn was happy, because now he had a new friend. And from that day on they met under the tree every morning and played with the red ball.
`

// TestCache bounds what a cache in fewer bits changes of how well the shipped model
// predicts a text. Its weights are Q8_0, so activations are rounded to 8 bits before
// every product, and the smallest change of one may move others to the next code.
func TestCache(t *testing.T) {
	path := filepath.Join(t.TempDir(), "house.gguf")
	if err := os.WriteFile(path, house.Model(), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := model.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tok, err := tokenizer.FromMetadata(f.Value)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := compute.CPU{}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	weights, err := f.Load(dev)
	if err != nil {
		t.Fatal(err)
	}
	ids := tok.Encode(nil, story)
	plain := surprise(t, dev, f.Config, weights, kernel.F32, ids)
	t.Logf("F32 cache: %.5f nats a token, perplexity %.3f", plain, math.Exp(plain))
	for _, cache := range []kernel.Format{kernel.F16, kernel.Q8_0} {
		nats := surprise(t, dev, f.Config, weights, cache, ids)
		t.Logf("%v cache: %+.2g nats a token, perplexity %.3f", cache, nats-plain, math.Exp(nats))
		if !(math.Abs(nats-plain) <= 3e-3) {
			t.Errorf("%v cache: %g nats a token, %g with F32", cache, nats, plain)
		}
	}
}

// surprise is the mean of -log of the probabilities of a text's tokens, a window at a time.
func surprise(t *testing.T, dev compute.Device, c model.Config, weights map[string]compute.Buffer, cache kernel.Format, ids []int32) float64 {
	t.Helper()
	e, err := infer.New(dev, c, weights, infer.Options{Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var sum float64
	n := 0
	for ; len(ids) > 1; ids = ids[min(c.Window, len(ids)):] {
		r := infer.Request{Prompt: ids[:min(c.Window, len(ids))], ScorePrompt: true}
		err := e.Generate(r, func(ev infer.Event) bool {
			for _, s := range ev.Prompt {
				sum, n = sum-s.Log, n+1
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return sum / float64(n)
}
