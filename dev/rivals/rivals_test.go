package main

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	turns := ""
	fixed := func(name string, rates ...float64) engine {
		return engine{name, func(context.Context) (float64, error) {
			turns += name
			rate := rates[0]
			rates = rates[1:]
			return rate, nil
		}}
	}
	got, err := compare(t.Context(), []engine{fixed("a", 10, 40, 20), fixed("b", 5, 10, 20)}, 3)
	if err != nil || turns != "ababab" {
		t.Fatalf("turns %s, %v", turns, err)
	}
	if want := (result{"b", 10, 2, 1, 4}); got[1] != want || got[0].rate != 20 || got[0].ratio != 1 {
		t.Errorf("got %+v", got)
	}
	bad := []engine{{"c", func(context.Context) (float64, error) { return math.NaN(), nil }}}
	if _, err := compare(t.Context(), bad, 1); err == nil {
		t.Error("NaN is taken for a rate")
	}
	failed := errors.New("no such file")
	bad[0].measure = func(context.Context) (float64, error) { return 0, failed }
	if _, err := compare(t.Context(), bad, 1); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
}

func TestStepRate(t *testing.T) {
	got, err := stepRate([]byte("step 0: loss 5.3 (took 4000.0 ms) OK\nstep 1: loss 5.2 (took 2000.0 ms)\nstep 2 (took 1000 ms)\n"), 256)
	if err != nil || got != 192 {
		t.Errorf("%v tokens/s, %v", got, err)
	}
	for _, text := range []string{"", "step 0 (took 5 ms)", "took 1.2.3 ms took 4 ms"} {
		if _, err := stepRate([]byte(text), 256); err == nil {
			t.Errorf("%q has steps", text)
		}
	}
}

// TestRates reads what programs print, and what they fail with.
func TestRates(t *testing.T) {
	script := func(text string) string {
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rate, err := llamaRate(t.Context(), script(`echo 'found nothing'; echo '[{"avg_ts": 12.5, "n_gen": 64}]'`))
	if err != nil || rate != 12.5 {
		t.Errorf("%v, %v", rate, err)
	}
	rate, err = samovarRate(t.Context(), "decode_tokens_per_second", script(`echo '{"decode_tokens_per_second": 7}'`))
	if err != nil || rate != 7 {
		t.Errorf("%v, %v", rate, err)
	}
	for text, want := range map[string]string{
		`echo '[]'`:                  "gives 0 figures",
		`echo nothing`:               "read the figures",
		`echo broken >&2; exit 3`:    "exit status 3: broken",
		`echo '[{"avg_ts": 1}, {}]'`: "gives 2 figures",
	} {
		if _, err := llamaRate(t.Context(), script(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %s", text, err, want)
		}
	}
	if _, err := samovarRate(t.Context(), "other", script(`echo '{}'`)); err == nil {
		t.Error("a figure that is not there is taken for 0")
	}
}

func TestOptions(t *testing.T) {
	o := options{models: list{"a/b.gguf"}, rivals: list{"x=/x"}, prompts: "512,8192", tokens: 64, trainers: list{"y=/y"}, shape: "gpt2", rows: 4, window: 64}
	tests, err := o.tests()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, test := range tests {
		names = append(names, test.name)
		if len(test.engines) != 2 || test.engines[0].name != "Samovar" {
			t.Errorf("%s: %d engines", test.name, len(test.engines))
		}
	}
	if got, want := strings.Join(names, "; "), "b.gguf, prompt of 512; b.gguf, prompt of 8192; b.gguf, 64 tokens; training gpt2, 4 rows of 64"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	for _, bad := range []options{{rivals: list{"x"}}, {trainers: list{"=x"}}, {models: list{"m"}, prompts: "many"}} {
		if _, err := bad.tests(); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
