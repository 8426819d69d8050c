package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"samovar"
)

// pantry is a Store in memory.
type pantry struct {
	dir      string
	finished map[samovar.Digest]Done
	entries  []samovar.Run
	full     error // what Finish says
	blobs    map[samovar.Digest][]byte
}

func newPantry(t *testing.T) *pantry {
	return &pantry{dir: t.TempDir(), finished: map[samovar.Digest]Done{}, blobs: map[samovar.Digest][]byte{}}
}

func (p *pantry) PutBlob(b []byte) (samovar.Digest, error) {
	d := samovar.DigestOf(b)
	p.blobs[d] = b
	return d, nil
}

func (p *pantry) Finished(key samovar.Digest) (samovar.Input, samovar.Run, bool, error) {
	d, ok := p.finished[key]
	return d.Out, d.Run, ok, nil
}

func (p *pantry) WorkDir(_ context.Context, key samovar.Digest, _ func()) (string, func(), error) {
	dir := filepath.Join(p.dir, key.Hex())
	return dir, func() {}, os.MkdirAll(dir, 0o755)
}

func (p *pantry) Finish(_ context.Context, run samovar.Run, out samovar.Output) (samovar.Input, samovar.Run, error) {
	if p.full != nil {
		return samovar.Input{}, run, p.full
	}
	text, err := json.Marshal(out.Config)
	if err != nil {
		return samovar.Input{}, run, err
	}
	in := samovar.Input{Artifact: samovar.Artifact{Digest: samovar.DigestOf(text), Kind: out.Kind}}
	run.Outputs = []samovar.Digest{in.Digest}
	p.finished[run.Key] = Done{Out: in, Run: run}
	p.entries = append(p.entries, run)
	return in, run, os.RemoveAll(filepath.Join(p.dir, run.Key.Hex()))
}

// steam is a meter that shows a joule more with every reading.
type steam struct{ read float64 }

func (s *steam) Read() samovar.Energy {
	s.read++
	return samovar.Energy{Joules: s.read, Method: "estimated (test)"}
}

// pot is a stage of tests. What it makes is its content.
type pot struct {
	name    string
	version int
	content string
	do      func(work samovar.Work) error
	runs    *int
}

func (p pot) Name() string { return p.name }
func (p pot) Version() int { return p.version }
func (p pot) Config() any  { return map[string]string{"content": p.content} }

func (p pot) Run(ctx context.Context, work samovar.Work) (samovar.Output, error) {
	if p.runs != nil {
		*p.runs++
	}
	if p.do != nil {
		if err := p.do(work); err != nil {
			return samovar.Output{}, err
		}
	}
	return samovar.Output{Kind: samovar.KindModel, Config: p.content}, nil
}

// numericPot is a pot whose output depends on rounding.
type numericPot struct {
	pot
	numerics string
}

func (p numericPot) Numerics() string { return p.numerics }

func node(s samovar.Stage, inputs map[string]string) Node {
	return Node{Name: s.Name(), Inputs: inputs, Stage: func(map[string]samovar.Input) (samovar.Stage, error) { return s, nil }}
}

func kitchenOf(p *pantry) Kitchen { return Kitchen{Store: p, Meter: &steam{}, Code: "test"} }

// TestBrew runs two stages, finds them again, and runs anew the one that has
// changed with what follows from it.
func TestBrew(t *testing.T) {
	p := newPantry(t)
	var waters, teas int
	var then []samovar.Digest
	brew := func(water, tea string) map[string]Done {
		t.Helper()
		n := node(pot{name: "tea", version: 1, content: tea, runs: &teas}, map[string]string{"water": "water"})
		n.Then = func(out samovar.Input, run samovar.Run) error {
			then = append(then, run.Outputs[0])
			return nil
		}
		done, err := Brew(t.Context(), []Node{node(pot{name: "water", version: 1, content: water, runs: &waters}, nil), n}, kitchenOf(p))
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	first := brew("cold", "green")
	if first["water"].Found || first["tea"].Found || waters != 1 || teas != 1 {
		t.Errorf("the first time: found %v and %v, run %d and %d times", first["water"].Found, first["tea"].Found, waters, teas)
	}
	r := first["tea"].Run
	if r.Inputs["water"] != first["water"].Out.Digest || r.Code != "test" || len(r.Attempts) != 1 || r.Attempts[0].Outcome != "finished" ||
		r.Energy.Joules <= 0 || r.Energy.Method != "estimated (test)" || r.Finished.Before(r.Started) || r.Started.IsZero() {
		t.Errorf("the record is %+v", r)
	}
	for _, x := range []struct {
		water, tea   string
		waters, teas int // runs in all
	}{{"cold", "green", 1, 1}, {"cold", "black", 1, 2}, {"warm", "black", 2, 3}, {"cold", "green", 2, 3}} {
		brew(x.water, x.tea)
		if waters != x.waters || teas != x.teas {
			t.Errorf("%s water and %s tea: run %d and %d times in all, not %d and %d", x.water, x.tea, waters, teas, x.waters, x.teas)
		}
	}
	if len(then) != 5 || then[4] != then[0] {
		t.Errorf("Then was called with %v", then)
	}
}

// TestKey holds everything that decides an output to be part of the key, and
// nothing else.
func TestKey(t *testing.T) {
	water := samovar.Input{Artifact: samovar.Artifact{Digest: samovar.DigestOf([]byte("water"))}}
	key := func(s samovar.Stage, inputs map[string]samovar.Input) samovar.Digest {
		t.Helper()
		run, err := describe(s, inputs)
		if err != nil {
			t.Fatal(err)
		}
		return run.Key
	}
	base := pot{name: "tea", version: 1, content: "green"}
	want := key(base, map[string]samovar.Input{"water": water})
	elsewhere := water
	elsewhere.Paths = map[string]string{"water": "/elsewhere"}
	if got := key(base, map[string]samovar.Input{"water": elsewhere}); got != want {
		t.Error("where an input lies is part of the key")
	}
	seen := map[samovar.Digest]string{want: "the stage itself"}
	for _, x := range []struct {
		name   string
		stage  samovar.Stage
		inputs map[string]samovar.Input
	}{
		{"the name", pot{name: "coffee", version: 1, content: "green"}, map[string]samovar.Input{"water": water}},
		{"the version", pot{name: "tea", version: 2, content: "green"}, map[string]samovar.Input{"water": water}},
		{"the configuration", pot{name: "tea", version: 1, content: "black"}, map[string]samovar.Input{"water": water}},
		{"the numerics", numericPot{base, "fp32-avx2"}, map[string]samovar.Input{"water": water}},
		{"other numerics", numericPot{base, "fp32-generic"}, map[string]samovar.Input{"water": water}},
		{"no input", base, nil},
		{"the name of an input", base, map[string]samovar.Input{"milk": water}},
		{"another input", base, map[string]samovar.Input{"water": {Artifact: samovar.Artifact{Digest: samovar.DigestOf(nil)}}}},
		{"one input more", base, map[string]samovar.Input{"water": water, "milk": water}},
	} {
		got := key(x.stage, x.inputs)
		if other, ok := seen[got]; ok {
			t.Errorf("%s: the key is that of %s", x.name, other)
		}
		seen[got] = x.name
	}
	if _, err := describe(badConfig{base}, nil); err == nil {
		t.Error("a configuration that cannot be written down is accepted")
	}
}

type badConfig struct{ pot }

func (badConfig) Config() any { return make(chan int) }

// TestInterrupted ends a stage with its context: it is called again with the
// same folder, and the record has both attempts.
func TestInterrupted(t *testing.T) {
	p := newPantry(t)
	ctx, cancel := context.WithCancel(t.Context())
	half := func(w samovar.Work) error {
		cancel()
		return errors.Join(ctx.Err(), os.WriteFile(filepath.Join(w.Dir, "half"), []byte("done"), 0o644))
	}
	tea := pot{name: "tea", version: 1, content: "green", do: half}
	if _, err := Brew(ctx, []Node{node(tea, nil)}, kitchenOf(p)); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "tea: ") {
		t.Fatalf("interrupted: %v", err)
	}
	tea.do = func(w samovar.Work) error { return errors.New("the stove is cold") }
	if _, err := Brew(t.Context(), []Node{node(tea, nil)}, kitchenOf(p)); err == nil || err.Error() != "tea: the stove is cold" {
		t.Fatalf("failed: %v", err)
	}
	tea.do = func(w samovar.Work) error {
		text, err := os.ReadFile(filepath.Join(w.Dir, "half"))
		if string(text) != "done" {
			t.Errorf("what the first attempt left is %q", text)
		}
		return err
	}
	done, err := Brew(t.Context(), []Node{node(tea, nil)}, kitchenOf(p))
	if err != nil {
		t.Fatal(err)
	}
	r := done["tea"].Run
	var outcomes []string
	var joules float64
	for _, a := range r.Attempts {
		outcomes = append(outcomes, a.Outcome)
		joules += a.Energy.Joules
	}
	if want := []string{"interrupted", "failed", "finished"}; !slices.Equal(outcomes, want) || r.Energy.Joules != joules || r.Started != r.Attempts[0].Started {
		t.Errorf("attempts %v, %g J of %g J, since %s", outcomes, r.Energy.Joules, joules, r.Started)
	}
}

// TestKilled reads what a killed attempt has left.
func TestKilled(t *testing.T) {
	tea := pot{name: "tea", version: 1, content: "green"}
	run, err := describe(tea, nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	killed := samovar.Attempt{Started: began, Ended: began.Add(time.Hour), Outcome: "killed", Energy: samovar.Energy{Joules: 1000, Method: "measured (RAPL)"}}
	left, err := json.Marshal([]samovar.Attempt{killed})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name, left string
		attempts   int
	}{{"killed", string(left), 2}, {"damaged", string(left[:20]), 1}, {"empty", "", 1}, {"of another kind", "{}", 1}} {
		t.Run(x.name, func(t *testing.T) {
			p := newPantry(t)
			dir := filepath.Join(p.dir, run.Key.Hex())
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "attempts.json"), []byte(x.left), 0o644); err != nil {
				t.Fatal(err)
			}
			done, err := Brew(t.Context(), []Node{node(tea, nil)}, kitchenOf(p))
			if err != nil {
				t.Fatal(err)
			}
			r := done["tea"].Run
			if len(r.Attempts) != x.attempts {
				t.Fatalf("%d attempts, not %d: %+v", len(r.Attempts), x.attempts, r.Attempts)
			}
			if x.attempts == 2 && (r.Attempts[0] != killed || r.Started != began || r.Energy.Joules <= 1000 || r.Energy.Method != "measured (RAPL) and estimated (test)") {
				t.Errorf("the record is %+v", r)
			}
		})
	}
}

// TestBeat holds an attempt that is killed to leave when it lived and what it
// used.
func TestBeat(t *testing.T) {
	dir := t.TempDir()
	a, err := beginAttempt(dir, &steam{})
	if err != nil {
		t.Fatal(err)
	}
	read := func() (all []samovar.Attempt) {
		text, err := os.ReadFile(filepath.Join(dir, "attempts.json"))
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	first := read()
	for len(first) == 1 && read()[0].Energy.Joules <= first[0].Energy.Joules {
		time.Sleep(firstBeat / 10)
	}
	if got := read(); got[0].Outcome != "killed" || !got[0].Ended.After(first[0].Ended) {
		t.Errorf("a living attempt leaves %+v", got)
	}
	if err := a.end("finished"); err != nil {
		t.Fatal(err)
	}
	if got := read(); got[0].Outcome != "finished" {
		t.Errorf("an ended attempt leaves %+v", got)
	}
}

// TestAgain repeats a run that is finished, and refuses one of another recipe
// before anything is run.
func TestAgain(t *testing.T) {
	p := newPantry(t)
	var waters, teas, cups int
	nodes := func(water string) []Node {
		return []Node{
			node(pot{name: "water", version: 1, content: water, runs: &waters}, nil),
			node(numericPot{pot{name: "tea", version: 1, content: "green", runs: &teas}, "fp32"}, map[string]string{"water": "water"}),
			node(pot{name: "cup", version: 1, content: "full", runs: &cups}, map[string]string{"tea": "tea"}),
		}
	}
	k := kitchenOf(p)
	done, err := Brew(t.Context(), nodes("cold"), k)
	if err != nil {
		t.Fatal(err)
	}
	before := done["tea"].Run
	k.Again = &before
	if done, err = Brew(t.Context(), nodes("cold"), k); err != nil {
		t.Fatal(err)
	}
	if waters != 1 || teas != 2 || cups != 1 || len(done) != 2 || done["tea"].Found || done["tea"].Run.Outputs[0] != before.Outputs[0] {
		t.Errorf("run %d, %d and %d times: %+v", waters, teas, cups, done)
	}
	before.Version = 7
	before.Numerics = "bf16"
	_, err = Brew(t.Context(), nodes("warm"), k)
	if err == nil || teas != 2 {
		t.Fatalf("a run of another recipe: %v; run %d times", err, teas)
	}
	for _, want := range []string{"is no part of this recipe", "its water is another", "its numerics were bf16 and are fp32", "version 7 of its stage is version 1 now"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v; it does not say %s", err, want)
		}
	}
}

// TestEvents holds the recorder to fill in what a stage leaves out.
func TestEvents(t *testing.T) {
	var got []samovar.Event
	k := kitchenOf(newPantry(t))
	k.Watch = func(e samovar.Event) { got = append(got, e) }
	tea := pot{name: "tea", version: 1, content: "green", do: func(w samovar.Work) error {
		w.Recorder.Event(samovar.Event{Step: 1, Of: 4})
		time.Sleep(20 * time.Millisecond) // more than the coarsest clock's tick
		w.Recorder.Event(samovar.Event{Step: 2, Of: 4})
		w.Recorder.Event(samovar.Event{Step: 3, Of: 4, ETASeconds: 9, Joules: 8})
		w.Recorder.Metric("strength", 1)
		w.Recorder.Metric("strength", 2)
		return nil
	}}
	done, err := k.Do(t.Context(), tea, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0].Stage != "tea" || got[0].Joules == 0 || got[0].ETASeconds != 0 || got[1].ETASeconds <= 0 || got[2].ETASeconds != 9 || got[2].Joules != 8 {
		t.Errorf("the events are %+v", got)
	}
	if m := done.Run.Metrics; len(m) != 1 || m["strength"] != 2 {
		t.Errorf("the figures are %v", m)
	}
	if _, err := k.Do(t.Context(), tea, nil); err != nil || len(got) != 4 || !strings.HasPrefix(got[3].Text, "finished before: ") {
		t.Errorf("found again: %+v, %v", got, err)
	}
}

// TestErrors holds every error to name its node.
func TestErrors(t *testing.T) {
	p := newPantry(t)
	bad := errors.New("bad")
	tea := node(pot{name: "tea", version: 1, content: "green"}, nil)
	then, stage := tea, tea
	then.Then = func(samovar.Input, samovar.Run) error { return bad }
	stage.Stage = func(map[string]samovar.Input) (samovar.Stage, error) { return nil, bad }
	for name, n := range map[string]Node{"then": then, "stage": stage} {
		if _, err := Brew(t.Context(), []Node{n}, kitchenOf(p)); !errors.Is(err, bad) || err.Error() != "tea: bad" {
			t.Errorf("%s: %v", name, err)
		}
	}
	p = newPantry(t)
	p.full = bad
	if _, err := Brew(t.Context(), []Node{tea}, kitchenOf(p)); err == nil || err.Error() != "tea: bad" {
		t.Errorf("finish: %v", err)
	}
}
