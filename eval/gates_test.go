package eval

import (
	"maps"
	"math"
	"strings"
	"testing"
)

func TestGates(t *testing.T) {
	metrics := Result{Score: Score{BitsPerByte: 1.5, Tokens: 1000}, Sources: []SourceScore{{"go", Score{BitsPerByte: 1.25}}}}.Metrics()
	maps.Copy(metrics, Examination{Figure: Figure{Score: 62.5}, examineConfig: examineConfig{Name: "blimp"}, Sets: []SetFigure{{"npi", Figure{Score: 40}}}}.Metrics())
	for _, x := range []struct {
		gates Gates
		want  string // failures, or part of the error
	}{
		{nil, ""},
		{Gates{"bits_per_byte": "< 1.6", "tokens": ">= 1e3"}, ""},
		{Gates{"bits_per_byte": "<1.5"}, "bits_per_byte is 1.5, and < 1.5 is required"},
		{Gates{"bits_per_byte": "<= 1.5"}, ""},
		{Gates{"bits_per_byte": "> 1.5"}, "bits_per_byte is 1.5, and > 1.5 is required"},
		{Gates{"bits_per_byte": " >= 1.5 "}, ""},
		{Gates{"tokens": "> 2000", "bits_per_byte": "< 1.4"}, "bits_per_byte is 1.5, and < 1.4 is required; tokens is 1000, and > 2000 is required"},
		{Gates{"bits_per_byte/go": "< 1.2"}, "bits_per_byte/go is 1.25, and < 1.2 is required"},
		{Gates{"bits_per_byte/og": "< 1.2"}, "no figure has this name; the nearest is bits_per_byte/go"},
		{Gates{"bitsperbyte": "< 1.2"}, "no figure has this name; the nearest is bits_per_byte"},
		{Gates{"token": "< 1.2"}, "no figure has this name; the nearest is tokens"},
		{Gates{"blimp": "> 62", "blimp/npi": "> 30"}, ""},
		{Gates{"blimp": "> 70"}, "blimp is 62.5, and > 70 is required"},
		{Gates{"blimp/npi": "> 50"}, "blimp/npi is 40, and > 50 is required"},
		{Gates{"blimp/nip": "> 50"}, "no figure has this name; the nearest is blimp/npi"},
		{Gates{"bits_per_byte": "1.2"}, "is not a bound"},
		{Gates{"bits_per_byte": ""}, "is not a bound"},
		{Gates{"bits_per_byte": "<"}, "is not a bound"},
		{Gates{"bits_per_byte": "=< 1.2"}, "is not a bound"},
		{Gates{"bits_per_byte": "< 1.2 < 3"}, "is not a bound"},
		{Gates{"bits_per_byte": "< NaN"}, "is not a bound"},
		{Gates{"bits_per_byte": "== 2"}, "is not a bound"},
	} {
		failures, err := x.gates.Check(metrics)
		var texts []string
		for _, f := range failures {
			texts = append(texts, f.String())
		}
		got := strings.Join(texts, "; ")
		if err != nil && (x.want == "" || !strings.Contains(err.Error(), x.want)) || err == nil && got != x.want {
			t.Errorf("%v: %q, %v", x.gates, got, err)
		}
	}
	failures, err := Gates{"bits_per_byte": "> 0", "tokens": "<= 5"}.Check(Result{Score: Score{BitsPerByte: math.NaN()}}.Metrics())
	if err != nil || len(failures) != 1 || failures[0].Metric != "bits_per_byte" {
		t.Errorf("a figure that is no number gives %v, %v", failures, err)
	}
}

// TestParseGates holds names to those of the tasks before anything is run.
func TestParseGates(t *testing.T) {
	for gate, want := range map[string]string{
		"blimp": "", "blimp_stderr": "", "hellaswag_acc": "", "blimp/any": "", "bits_per_byte/any": "",
		"choice": "the nearest is", "hellaswag_ac": "the nearest is hellaswag_acc", "gsm/any": "the nearest is",
	} {
		_, err := Gates{gate: "> 1"}.Parse("blimp", "hellaswag")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, and %q is expected", gate, err, want)
		}
	}
}

func FuzzGates(f *testing.F) {
	f.Add("bits_per_byte", "< 1.4")
	f.Add("loss", ">=-0")
	f.Fuzz(func(t *testing.T, name, text string) {
		gates, err := Gates{name: text}.Parse()
		if err != nil {
			return
		}
		again, err := Gates{name: gates[0].String()}.Parse()
		if err != nil || again[0] != gates[0] {
			t.Errorf("%q is read as %v and that as %v (%v)", text, gates[0], again, err)
		}
	})
}
