package eval_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"samovar"
	"samovar/compute"
	"samovar/compute/opaque"
	"samovar/eval"
)

// lines writes a file of JSON lines, or whatever text is.
func lines(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSets holds a folder's figure to the mean of its sets, for BLiMP, and a
// sample to its size and its seed.
func TestSets(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"a", "b", "c"} {
		var b strings.Builder
		for j := range 10 * (i + 1) {
			fmt.Fprintf(&b, `{"sentence_good": "The tea %d.", "sentence_bad": "Tea the %d."}`+"\n", 7*j+i, j)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".jsonl"), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path, dev := tiny(t, false, goldenWindow), openCPU(t, 2)
	e, answers := examine(t, dev, path, eval.Task{Kind: "blimp", Path: dir})
	if e.N != 60 || len(e.Sets) != 3 || len(answers) != 60 || e.Chance != 50 || e.Unit != "percent" || e.Seed != nil {
		t.Fatalf("%+v", e)
	}
	var mean, variance float64
	for i, s := range e.Sets {
		right := 0
		for _, a := range answers {
			if a.Set == s.Set && a.Right {
				right++
			}
		}
		p := float64(right) / float64(s.N)
		near(t, s.Set, s.Score, 100*p)
		near(t, s.Set+"'s error", s.StandardError, 100*math.Sqrt(p*(1-p)/float64(s.N-1)))
		if s.N != 10*(i+1) {
			t.Errorf("%s has %d items", s.Set, s.N)
		}
		mean += s.Score / 3
		variance += s.StandardError * s.StandardError / 9
	}
	near(t, "the score", e.Score, mean)
	near(t, "the error", e.StandardError, math.Sqrt(variance))

	one, first := examine(t, dev, path, eval.Task{Kind: "blimp", Path: dir, Limit: 5, Seed: 1})
	_, again := examine(t, openCPU(t, 1), path, eval.Task{Kind: "blimp", Path: dir, Limit: 5, Seed: 1})
	_, other := examine(t, dev, path, eval.Task{Kind: "blimp", Path: dir, Limit: 5, Seed: 2})
	if one.N != 15 || *one.Seed != 1 || !reflect.DeepEqual(first, again) || reflect.DeepEqual(first, other) {
		t.Errorf("a sample of 5: %+v; again %v; with seed 2 %v", one, again, other)
	}
}

// TestBits holds bpb to the losses of every token, and its error to texts.
func TestBits(t *testing.T) {
	path := tiny(t, false, 16)
	long := strings.Repeat("The samovar stands on the table. ", 6)
	data := lines(t, "texts.jsonl", `{"text": "Tea."}`+"\n"+`{"text": "`+long+`"}`+"\n"+`{"text": "Water — sings"}`)
	var before eval.Examination
	for _, dev := range []compute.Device{openCPU(t, 2), opaque.New(openCPU(t, 1))} {
		e, answers := examine(t, dev, path, eval.Task{Kind: "bpb", Path: data})
		if e.N != 3 || e.Chance != 8 || e.Unit != "bits per byte" || e.StandardError == 0 {
			t.Errorf("%+v", e)
		}
		var nats, bytes float64
		for _, a := range answers {
			nats -= a.Logs[0]
			bytes += float64(a.Bytes)
		}
		if want := nats / math.Ln2 / bytes; bytes != float64(4+len(long)+15) || math.Abs(e.Score-want) > 1e-6 {
			t.Errorf("%g bits a byte on %g bytes, not %g", e.Score, bytes, want)
		}
		if before.N > 0 && before.Score != e.Score {
			t.Errorf("%g on one device, %g on the other", before.Score, e.Score)
		}
		before = e
	}
	_, short := examine(t, openCPU(t, 1), path, eval.Task{Kind: "bpb", Path: lines(t, "tea.txt", "Tea.")})
	_, all := examine(t, openCPU(t, 1), path, eval.Task{Kind: "bpb", Path: data})
	if short[0].Logs[0] != all[0].Logs[0] {
		t.Errorf("a text has %g alone and %g among others", short[0].Logs[0], all[0].Logs[0])
	}
}

// TestExact makes problems of what the model says, whose answers are then right.
func TestExact(t *testing.T) {
	path := tiny(t, true, 256)
	problem := func(question, answer string) string {
		return fmt.Sprintf(`{"question": %q, "answer": %q}`+"\n", question, answer)
	}
	data := lines(t, "problems.jsonl", problem("1 + 1?", "#### 2")+problem("2 + 2?", "It is #### 4")+problem(strings.Repeat("tea and water ", 40), "#### 1"))
	solved := lines(t, "solved.jsonl", problem("3?", "#### 3")+problem("5?", "#### 5")+problem("1 + 1?", "#### 2"))
	for _, task := range []eval.Task{{Kind: "exact", Path: data}, {Kind: "exact", Path: data, Shots: 2, Examples: solved, Seed: 3}} {
		e, first := examine(t, openCPU(t, 2), path, task)
		_, again := examine(t, opaque.New(openCPU(t, 1)), path, task)
		if !reflect.DeepEqual(first, again) {
			t.Errorf("%v on one device, %v on the other", first, again)
		}
		if e.N != 3 || e.Chance != 0 || e.Truncated != 1 {
			t.Errorf("%+v", e)
		}
		for _, a := range first {
			if a.Right || a.Text == "" {
				t.Errorf("random weights give the right answer, or none: %+v", a)
			}
		}
	}
}

// TestRefused holds what cannot be examined to one line that says why.
func TestRefused(t *testing.T) {
	path := tiny(t, false, 8)
	pair := lines(t, "pairs.jsonl", `{"sentence_good": "The samovar stands on the table.", "sentence_bad": "Tea."}`)
	problem := lines(t, "problems.jsonl", `{"question": "1?", "answer": "#### 1"}`)
	for want, task := range map[string]eval.Task{
		"a text that is to be scored has 19 tokens, and the model's window holds 8": {Kind: "blimp", Path: pair},
		"cannot be the name of a task":                                              {Kind: "blimp", Path: pair, Name: "Two Words"},
		"a task cannot be called bits_per_byte":                                     {Kind: "blimp", Path: pair, Name: "bits_per_byte"},
		"a limit of -1 items":                                                       {Kind: "blimp", Path: pair, Limit: -1},
		"2 solved problems before each, for blimp":                                  {Kind: "blimp", Path: pair, Shots: 2, Examples: problem},
		"shots and examples belong together":                                        {Kind: "exact", Path: problem, Shots: 2},
		"has 1 solved items for problems: more than the 1 shots":                    {Kind: "exact", Path: problem, Shots: 1, Examples: problem},
		`task "blip" is not known`:                                                  {Kind: "blip", Path: pair},
	} {
		_, _, err := tryExamine(t, openCPU(t, 1), path, task)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, and %q is expected", task, err, want)
		}
	}
}

// TestExamineInterrupted ends with the context's error.
func TestExamineInterrupted(t *testing.T) {
	path := tiny(t, false, goldenWindow)
	for _, task := range []eval.Task{
		{Kind: "choice", Path: filepath.Join("testdata", "endings.jsonl")}, {Kind: "bpb", Path: lines(t, "a.txt", "Tea.")},
		{Kind: "exact", Path: lines(t, "a.jsonl", `{"question": "1?", "answer": "#### 1"}`)},
	} {
		stage, err := eval.NewExamine(openCPU(t, 1), task)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		in := map[string]samovar.Input{"model": {Paths: map[string]string{eval.ModelFile: path}}}
		_, err = stage.Run(ctx, samovar.Work{Inputs: in, Dir: t.TempDir(), Recorder: &run{metrics: map[string]float64{}}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", task.Kind, err)
		}
	}
}

// stopper ends a stage's context once it has reported something.
type stopper struct {
	run
	stop func()
}

func (s *stopper) Event(e samovar.Event) {
	if e.Step > 0 {
		s.stop()
	}
}

// TestExamineGoesOn interrupts a task again and again, and damages what it has
// kept: the answers are those of a run that was left alone, to the byte.
func TestExamineGoesOn(t *testing.T) {
	path := tiny(t, false, 256)
	var pairs, texts, problems strings.Builder
	for i := range 80 {
		fmt.Fprintf(&pairs, `{"sentence_good": "The tea number %d stands on the table and sings while water is brewed.", "sentence_bad": "Tea."}`+"\n", i)
		fmt.Fprintf(&texts, `{"text": %q}`+"\n", strings.Repeat(fmt.Sprintf("The tea number %d. ", i), 12))
		fmt.Fprintf(&problems, `{"question": "%d?", "answer": "#### %d"}`+"\n", i, i)
	}
	for _, task := range []eval.Task{
		{Kind: "blimp", Path: lines(t, "a.jsonl", pairs.String())}, {Kind: "bpb", Path: lines(t, "a.jsonl", texts.String())},
		{Kind: "exact", Path: lines(t, "a.jsonl", problems.String()), Limit: 36},
	} {
		stage, err := eval.NewExamine(openCPU(t, 2), task)
		if err != nil {
			t.Fatal(err)
		}
		in := map[string]samovar.Input{"model": {Paths: map[string]string{eval.ModelFile: path}}}
		answers := func(out samovar.Output) []byte {
			for _, f := range out.Files {
				if f.Name == eval.AnswersFile {
					text, err := os.ReadFile(f.Path)
					if err != nil {
						t.Fatal(err)
					}
					return text
				}
			}
			t.Fatal("there are no answers")
			return nil
		}
		whole, err := stage.Run(context.Background(), samovar.Work{Inputs: in, Dir: t.TempDir(), Recorder: &run{metrics: map[string]float64{}}})
		if err != nil {
			t.Fatal(err)
		}
		dir, attempts := t.TempDir(), 0
		for {
			ctx, cancel := context.WithCancel(context.Background())
			out, err := stage.Run(ctx, samovar.Work{Inputs: in, Dir: dir, Recorder: &stopper{run: run{metrics: map[string]float64{}}, stop: cancel}})
			cancel()
			if err == nil {
				if !bytes.Equal(answers(out), answers(whole)) {
					t.Errorf("%s: after %d attempts the answers are others", task.Kind, attempts)
				}
				break
			}
			if attempts++; !errors.Is(err, context.Canceled) || attempts > 100 {
				t.Fatalf("%s: attempt %d: %v", task.Kind, attempts, err)
			}
			kept, err := os.OpenFile(filepath.Join(dir, "computed.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = kept.WriteString("{\"at\": 70, \"nats\": 1\x00\x00")
				err = errors.Join(err, kept.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if attempts == 0 {
			t.Errorf("%s was never interrupted", task.Kind)
		}
	}
}

// TestPage holds the report to well-formed plots that hold every set, without
// scripts or anything to fetch.
func TestPage(t *testing.T) {
	path := tiny(t, false, goldenWindow)
	dir := t.TempDir()
	for _, name := range []string{"a<b", "c"} {
		text, err := os.ReadFile(filepath.Join("testdata", "pairs.jsonl"))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".jsonl"), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	e, answers := examine(t, openCPU(t, 1), path, eval.Task{Kind: "blimp", Path: dir})
	against, err := eval.Compare("blimp", answers, answers, "sha256:other")
	if err != nil {
		t.Fatal(err)
	}
	clear := against
	clear.Difference, clear.Interval = 1.5, [2]float64{1, 2}
	for want, p := range map[string]eval.Page{
		"is better cannot be told: the difference": {Examination: e, Comparison: &against},
		"tiny is better on such items.":            {Model: "tiny", Examination: e, Comparison: &clear},
	} {
		var b bytes.Buffer
		p.Figure.N = 100
		if err := p.Write(&b); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("the page does not say %q: %v", want, err)
		}
	}
	for _, p := range []eval.Page{{Model: "tiny", Examination: e}, {Model: "tiny", Other: "<other>", Examination: e, Comparison: &against}} {
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		for _, want := range []string{"a&lt;b", ">c<", "prefers-color-scheme: dark", `class="chance"`, `class="error"`, e.Model.Hex()} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not have %q", want)
			}
		}
		for _, bad := range []string{"<script", "http:", "https:", "url(", "NaN", "Inf", "<other>", "ZgotmplZ"} {
			if strings.Contains(page, bad) {
				t.Errorf("the page has %q", bad)
			}
		}
		from, to := strings.Index(page, "<svg"), strings.Index(page, "</svg>")
		d := xml.NewDecoder(strings.NewReader(page[from : to+len("</svg>")]))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("the plot is not well-formed: %v", err)
			}
		}
	}
}
