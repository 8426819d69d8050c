package recipe

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"samovar"
)

// Node is one stage in the graph of a brew. Nodes are listed in an order in
// which each comes after its inputs.
type Node struct {
	Name   string            // unique in the graph
	Inputs map[string]string // the stage's name of an input: the node that makes it
	Given  map[string]samovar.Input
	Stage  func(inputs map[string]samovar.Input) (samovar.Stage, error)
	Then   func(out samovar.Input, run samovar.Run) error // once it is there, run or found; nil: nothing
}

// Store is what a brew needs of the store and the ledger.
type Store interface {
	// Finished returns the output and record of the run with that key.
	Finished(key samovar.Digest) (out samovar.Input, run samovar.Run, ok bool, err error)
	// WorkDir returns the key's scratch folder, which nobody else has until
	// release is called; waiting is called when somebody has it now.
	WorkDir(ctx context.Context, key samovar.Digest, waiting func()) (dir string, release func(), err error)
	// Finish keeps output and record and enters them in the ledger.
	Finish(ctx context.Context, run samovar.Run, out samovar.Output) (samovar.Input, samovar.Run, error)
	// PutBlob keeps bytes to which a record points.
	PutBlob(b []byte) (samovar.Digest, error)
}

// Kitchen is what a brew runs with.
type Kitchen struct {
	Store   Store
	Meter   samovar.Meter
	Machine samovar.Machine
	Code    string              // revision of the program
	Recipe  string              // text of the recipe, to keep with each run
	Watch   func(samovar.Event) // told of every event; nil: nobody
	Journal Journal             // told of every node; nil: nobody
	Again   *samovar.Run        // to run although it is finished, to compare; the brew ends with it. nil: none
}

// Journal takes down how far a brew has come.
type Journal interface {
	Begin(node string, key samovar.Digest) // key names the work folder too
	End(node string, d Done)
}

// Done is a node that has its output.
type Done struct {
	Out   samovar.Input
	Run   samovar.Run
	Found bool // it had been finished before
}

// Brew runs the nodes in order and returns what each made.
func Brew(ctx context.Context, nodes []Node, k Kitchen) (map[string]Done, error) {
	done := map[string]Done{}
	for _, n := range nodes {
		inputs := map[string]samovar.Input{}
		for name, from := range n.Inputs {
			inputs[name] = done[from].Out
		}
		for name, in := range n.Given {
			inputs[name] = in
		}
		stage, err := n.Stage(inputs)
		if err != nil {
			return done, fmt.Errorf("%s: %w", n.Name, err)
		}
		d, err := k.do(ctx, n.Name, stage, inputs)
		if err != nil {
			return done, fmt.Errorf("%s: %w", n.Name, err)
		}
		done[n.Name] = d
		if k.Journal != nil {
			k.Journal.End(n.Name, d)
		}
		if n.Then != nil {
			if err := n.Then(d.Out, d.Run); err != nil {
				return done, fmt.Errorf("%s: %w", n.Name, err)
			}
		}
		if k.Again != nil && d.Run.Key == k.Again.Key {
			break
		}
	}
	return done, nil
}

// Do runs one stage, or finds that it has been run.
func (k Kitchen) Do(ctx context.Context, stage samovar.Stage, inputs map[string]samovar.Input) (d Done, err error) {
	return k.do(ctx, "", stage, inputs)
}

// do is Do for the stage of a node.
func (k Kitchen) do(ctx context.Context, node string, stage samovar.Stage, inputs map[string]samovar.Input) (d Done, err error) {
	run, err := describe(stage, inputs)
	if err != nil {
		return d, err
	}
	if k.Journal != nil && node != "" {
		k.Journal.Begin(node, run.Key)
	}
	if d, ok, err := k.find(run); ok || err != nil {
		return d, err
	}
	dir, release, err := k.Store.WorkDir(ctx, run.Key, func() {
		k.tell(samovar.Event{Stage: run.Stage, Text: "another brew is at this stage; waiting for it"})
	})
	if err != nil {
		return d, err
	}
	defer release()
	if d, ok, err := k.find(run); ok || err != nil {
		return d, err
	}
	attempts, err := beginAttempt(dir, k.Meter)
	if err != nil {
		return d, fmt.Errorf("write to the work folder: %w", err)
	}
	r := &recorder{
		kitchen: k, stage: run.Stage, metrics: map[string]float64{}, joules: attempts.joules,
		curve: curve{path: filepath.Join(dir, curveFile)},
	}
	defer r.curve.close()
	out, err := stage.Run(ctx, samovar.Work{Inputs: inputs, Dir: dir, Recorder: r})
	if err != nil {
		outcome := "failed"
		if ctx.Err() != nil {
			outcome = "interrupted"
		}
		attempts.end(outcome) // a disk that is full now is what err is about
		return d, err
	}
	if err := attempts.end("finished"); err != nil {
		return d, fmt.Errorf("write to the work folder: %w", err)
	}
	run.Code, run.Recipe, run.Machine, run.Metrics = k.Code, k.Recipe, k.Machine, r.metrics
	run.Attempts = attempts.list
	run.Started, run.Finished = run.Attempts[0].Started, run.Attempts[len(run.Attempts)-1].Ended
	run.Energy = sum(run.Attempts)
	if run.Curve, err = k.keepCurve(dir); err != nil {
		return d, err
	}
	d.Out, d.Run, err = k.Store.Finish(ctx, run, out)
	return d, err
}

// keepCurve stores the curve of a work folder, where there is one.
func (k Kitchen) keepCurve(dir string) (samovar.Digest, error) {
	c, err := ReadCurve(dir)
	if err != nil || len(c.Points) == 0 {
		return "", err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode the curve: %w", err)
	}
	return k.Store.PutBlob(text)
}

// sum is the energy of all attempts. They may have been made on machines with
// different meters.
func sum(attempts []samovar.Attempt) (e samovar.Energy) {
	var methods []string
	for _, a := range attempts {
		e.Joules += a.Energy.Joules
		if !slices.Contains(methods, a.Energy.Method) {
			methods = append(methods, a.Energy.Method)
		}
	}
	e.Method = strings.Join(methods, " and ")
	return e
}

// find looks the run up unless it is to be run again.
func (k Kitchen) find(run samovar.Run) (d Done, ok bool, err error) {
	if k.Again != nil && k.Again.Key == run.Key {
		return d, false, nil
	}
	d.Out, d.Run, ok, err = k.Store.Finished(run.Key)
	d.Found = ok
	if !ok && err == nil && k.Again != nil && k.Again.Stage == run.Stage {
		return d, false, fmt.Errorf("run %s is no part of this recipe as it stands: %s", k.Again.ID, difference(*k.Again, run))
	}
	if ok {
		k.tell(samovar.Event{Stage: run.Stage, Step: 1, Of: 1, Text: "finished before: " + d.Out.Digest.Short()})
	}
	return d, ok, err
}

// difference says in which parts of its key a run is another now.
func difference(before, now samovar.Run) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(now.Inputs)) {
		if before.Inputs[name] != now.Inputs[name] {
			all = append(all, fmt.Sprintf("its %s is another", name))
		}
	}
	if string(before.Config) != string(now.Config) {
		all = append(all, "its configuration is another")
	}
	if before.Numerics != now.Numerics {
		all = append(all, fmt.Sprintf("its numerics were %s and are %s", before.Numerics, now.Numerics))
	}
	if before.Version != now.Version {
		all = append(all, fmt.Sprintf("version %d of its stage is version %d now", before.Version, now.Version))
	}
	return strings.Join(all, ", ")
}

func (k Kitchen) tell(e samovar.Event) {
	if k.Watch != nil {
		k.Watch(e)
	}
}

// describe returns the record of a run as far as it is known before: the key
// is the digest of stage, version, inputs, configuration and numerics.
func describe(stage samovar.Stage, inputs map[string]samovar.Input) (samovar.Run, error) {
	config, err := json.Marshal(stage.Config())
	if err != nil {
		return samovar.Run{}, fmt.Errorf("encode the configuration: %w", err)
	}
	run := samovar.Run{Stage: stage.Name(), Version: stage.Version(), Inputs: map[string]samovar.Digest{}, Config: config}
	for name, in := range inputs {
		run.Inputs[name] = in.Digest
	}
	if n, ok := stage.(samovar.Numeric); ok {
		run.Numerics = n.Numerics()
	}
	key, err := json.Marshal(struct {
		Stage    string                    `json:"stage"`
		Version  int                       `json:"version"`
		Inputs   map[string]samovar.Digest `json:"inputs"`
		Config   json.RawMessage           `json:"config"`
		Numerics string                    `json:"numerics"`
	}{run.Stage, run.Version, run.Inputs, run.Config, run.Numerics})
	run.Key = samovar.DigestOf(key)
	return run, err
}

// recorder hands a stage's events on and keeps its figures.
type recorder struct {
	kitchen Kitchen
	stage   string
	joules  func() float64 // of the run so far
	mu      sync.Mutex
	curve   curve
	metrics map[string]float64
	began   time.Time
	first   int64
}

func (r *recorder) Event(e samovar.Event) {
	r.mu.Lock()
	if r.began.IsZero() {
		r.began, r.first = time.Now(), e.Step
	}
	if done := e.Step - r.first; e.ETASeconds == 0 && done > 0 && e.Of > 0 {
		e.ETASeconds = time.Since(r.began).Seconds() / float64(done) * float64(e.Of-e.Step)
	}
	e.Stage = r.stage
	if e.Joules == 0 {
		e.Joules = r.joules()
	}
	if e.Tokens > 0 {
		r.curve.add(e)
	}
	r.mu.Unlock()
	r.kitchen.tell(e)
}

func (r *recorder) Metric(name string, value float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.metrics[name] = value
}

// attempts is the file in the work folder that outlives a killed run: the
// starts of it, with the energy of each up to its last sign of life.
type attempts struct {
	path  string
	meter samovar.Meter
	from  samovar.Energy
	spent float64 // joules of the attempts before
	stop  chan struct{}
	done  sync.WaitGroup
	list  []samovar.Attempt
}

// An attempt shows that it lives after firstBeat, and then after twice as long
// as the time before, up to heartbeat: a killed one loses at most so much
// energy from the record, and a short one not all of it.
const (
	firstBeat = 100 * time.Millisecond
	heartbeat = 5 * time.Second
)

func beginAttempt(dir string, meter samovar.Meter) (*attempts, error) {
	a := &attempts{path: filepath.Join(dir, "attempts.json"), meter: meter, from: meter.Read(), stop: make(chan struct{})}
	if text, err := os.ReadFile(a.path); err == nil {
		if err := json.Unmarshal(text, &a.list); err != nil {
			a.list = nil // a damaged list of attempts is no reason to lose the run
		}
	}
	a.spent = sum(a.list).Joules
	now := time.Now().UTC()
	a.list = append(a.list, samovar.Attempt{Started: now, Ended: now, Outcome: "killed", Energy: samovar.Energy{Method: a.from.Method}})
	if err := a.write(); err != nil {
		return nil, err
	}
	a.done.Add(1)
	go a.beat()
	return a, nil
}

// joules is what the run has used so far, all attempts together.
func (a *attempts) joules() float64 { return a.spent + a.meter.Read().Joules - a.from.Joules }

func (a *attempts) beat() {
	defer a.done.Done()
	for wait := firstBeat; ; wait = min(2*wait, heartbeat) {
		select {
		case <-a.stop:
			return
		case <-time.After(wait):
			a.write() // a full disk shows itself to the stage
		}
	}
}

// write brings the last attempt up to date.
func (a *attempts) write() error {
	last := &a.list[len(a.list)-1]
	last.Ended = time.Now().UTC()
	last.Energy.Joules = a.meter.Read().Joules - a.from.Joules
	text, err := json.Marshal(a.list)
	if err != nil {
		return err
	}
	part := a.path + ".part"
	if err := os.WriteFile(part, text, 0o644); err != nil {
		return err
	}
	return os.Rename(part, a.path)
}

func (a *attempts) end(outcome string) error {
	close(a.stop)
	a.done.Wait()
	a.list[len(a.list)-1].Outcome = outcome
	return a.write()
}
