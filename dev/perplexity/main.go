// Command perplexity holds how well a model file predicts a text to what llama.cpp says of
// the same file and text:
//
//	go run ./dev/perplexity -rival /opt/llama.cpp/bin/llama-perplexity -text tales.txt house.gguf
//
// Both go by llama-perplexity's rule: windows one after another, of each the second half
// counts. A third figure is that of the same weights in F32, which shows what rounding
// activations changes. Start with measure.
package main

import (
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"samovar/compute"
	"samovar/infer"
	"samovar/model"
	"samovar/tokenizer"
)

func main() {
	log.SetFlags(0)
	rival := flag.String("rival", "", "llama-perplexity")
	text := flag.String("text", "", "file of text")
	window := flag.Int("window", 128, "tokens of a window")
	flag.Parse()
	if *text == "" || flag.NArg() == 0 || *window < 4 {
		log.Fatal("perplexity: -text, a window of 4 tokens or more and GGUF files are expected")
	}
	fmt.Println("file  Samovar  its weights in F32  llama.cpp  Samovar differs by")
	for _, path := range flag.Args() {
		if err := compare(path, *text, *rival, *window); err != nil {
			log.Fatalf("measure %s: %v", path, err)
		}
	}
}

// compare prints the line of a file.
func compare(path, text, rival string, window int) error {
	f, err := model.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	tok, err := tokenizer.FromMetadata(f.Value)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(text)
	if err != nil {
		return err
	}
	var windows [][]int32
	for ids := start(tok, string(data)); len(ids) >= window; ids = ids[window:] {
		if tok.AddBOS() {
			ids[0] = tok.BOS() // each window is a text of its own
		}
		windows = append(windows, ids[:window])
	}
	if len(windows) == 0 {
		return fmt.Errorf("the text has no %d tokens", window)
	}
	dev, err := compute.CPU{}.Open()
	if err != nil {
		return err
	}
	defer dev.Close()
	weights, err := f.Load(dev)
	if err != nil {
		return err
	}
	ours, err := measure(dev, f.Config, weights, windows)
	if err != nil {
		return err
	}
	if weights, err = plain(dev, f); err != nil {
		return err
	}
	exact, err := measure(dev, f.Config, weights, windows)
	if err != nil {
		return err
	}
	fmt.Printf("%s  %.4f  %.4f", filepath.Base(path), ours, exact)
	if rival != "" {
		theirs, err := llama(rival, path, text, window, len(windows))
		if err != nil {
			return err
		}
		fmt.Printf("  %.4f  %+.3f %%", theirs, 100*(ours/theirs-1))
	}
	fmt.Println()
	return nil
}

// start returns a text's tokens, after the one that begins texts if there is one.
func start(tok *tokenizer.Tokenizer, text string) []int32 {
	var ids []int32
	if tok.AddBOS() {
		ids = append(ids, tok.BOS())
	}
	return tok.Encode(ids, text)
}

// plain loads the weights of a file as F32.
func plain(dev compute.Device, f *model.File) (map[string]compute.Buffer, error) {
	all := map[string]compute.Buffer{}
	for _, t := range f.Config.Tensors() {
		w, err := f.Read(t.Name)
		if err != nil {
			return nil, err
		}
		b, err := dev.Alloc(len(w))
		if err == nil {
			err = b.Write(0, w)
		}
		if err != nil {
			return nil, err
		}
		all[t.Name] = b
	}
	return all, nil
}

// measure returns the perplexity of the second halves of windows, and frees the weights.
func measure(dev compute.Device, c model.Config, weights map[string]compute.Buffer, windows [][]int32) (float64, error) {
	defer func() {
		for _, b := range weights {
			b.Free()
		}
	}()
	window := len(windows[0])
	e, err := infer.New(dev, c, weights, infer.Options{Window: window + 1})
	if err != nil {
		return 0, err
	}
	defer e.Close()
	var sum float64
	n := 0
	for _, ids := range windows {
		position := 1 // of the token that a score is of
		err := e.Generate(infer.Request{Prompt: ids, ScorePrompt: true, MaxTokens: -1}, func(ev infer.Event) bool {
			for _, s := range ev.Prompt {
				if position > window/2 {
					sum, n = sum-s.Log, n+1
				}
				position++
			}
			return true
		})
		if err != nil {
			return 0, err
		}
	}
	return math.Exp(sum / float64(n)), nil
}

// llama runs llama-perplexity, which prints the perplexity so far after each window.
func llama(program, path, text string, window, windows int) (float64, error) {
	out, err := exec.Command(program, "-m", path, "-f", text, "-c", strconv.Itoa(window), "-b", strconv.Itoa(window)).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("run %s: %w", program, err)
	}
	m := regexp.MustCompile(fmt.Sprintf(`\[%d\]([0-9.]+)`, windows)).FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("run %s: it says nothing of window %d, the last one", program, windows)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
