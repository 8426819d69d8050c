package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"samovar"
)

// brewery is a folder with a recipe, its texts and a store.
type brewery struct {
	recipe, store string
}

const smallRecipe = `
name: tea
corpus:
  - {path: texts, language: en, licence: CC0-1.0, origin: wild thyme}
tokenizer: {vocab: 300}
model: {depth: 1, window: 64, width: 64, heads: 2, kv_heads: 1, head_dim: 32, hidden: 128}
train: {tokens: 30k, batch: 512, numerics: fp32}
quantize: [Q8_0]
`

func newBrewery(t *testing.T, recipe string) *brewery {
	t.Helper()
	dir := t.TempDir()
	b := &brewery{recipe: filepath.Join(dir, "recipe.yaml"), store: filepath.Join(dir, "store")}
	err := errors.Join(writeTexts(filepath.Join(dir, "texts"), 40), writeDialogues(filepath.Join(dir, "dialogues.jsonl"), 40),
		writePreferences(filepath.Join(dir, "preferences.jsonl"), 40),
		os.WriteFile(b.recipe, []byte(recipe), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// elsewhere is the same recipe with a new store.
func (b *brewery) elsewhere(t *testing.T) *brewery {
	return &brewery{b.recipe, filepath.Join(t.TempDir(), "store")}
}

// command is one of the commands of TestMain, with variables of its own.
func (b *brewery) command(program string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, append([]string{"--store", b.store}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// output runs samovar and returns what it prints.
func (b *brewery) output(t *testing.T, args ...string) string {
	t.Helper()
	cmd := b.command("samovar", nil, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("samovar %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// runs are the run records of the ledger.
func (b *brewery) runs(t *testing.T) (all []samovar.Run) {
	t.Helper()
	for line := range strings.Lines(b.output(t, "runs", "list", "--json")) {
		var r samovar.Run
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// model is the digest of the model that the store calls tea.
func (b *brewery) model(t *testing.T) string {
	t.Helper()
	var m struct{ Digest string }
	if err := json.Unmarshal([]byte(b.output(t, "models", "show", "tea", "--json")), &m); err != nil || m.Digest == "" {
		t.Fatalf("the store has no model: %v", err)
	}
	return m.Digest
}

// sound holds the store to be whole, and to be empty but for what has a name
// once it is cleared.
func (b *brewery) sound(t *testing.T) {
	t.Helper()
	b.output(t, "verify")
	b.output(t, "gc")
	b.output(t, "verify")
	for _, folder := range []string{"ingest", "work"} {
		left, err := os.ReadDir(filepath.Join(b.store, folder))
		if err != nil || len(left) > 0 {
			t.Errorf("gc has left %v in %s: %v", left, folder, err)
		}
	}
}

// brewing is a brew in a process of its own.
type brewing struct {
	cmd    *exec.Cmd
	events chan samovar.Event
	ended  chan struct{} // closed with its output
	stderr strings.Builder
}

// start starts a brew that saves its training after every step.
func (b *brewery) start(t *testing.T, env ...string) *brewing {
	t.Helper()
	p := &brewing{
		cmd: b.command("eager", env, "brew", b.recipe, "--json"), ended: make(chan struct{}),
		events: make(chan samovar.Event, 10_000), // far more than a brew has
	}
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		defer close(p.events)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e samovar.Event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				p.events <- e
			}
		}
	}()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// until waits for the first event for which found says so.
func (p *brewing) until(found func(samovar.Event) bool) bool {
	for e := range p.events {
		if found(e) {
			return true
		}
	}
	return false
}

func training(e samovar.Event) bool { return e.Stage == "train" && e.Unit == "steps" }

// wait returns how the process ended.
func (p *brewing) wait() error {
	<-p.ended
	return p.cmd.Wait()
}

// finish waits for a brew that is to succeed.
func (p *brewing) finish(t *testing.T) {
	t.Helper()
	if err := p.wait(); err != nil {
		t.Fatalf("the brew: %v: %s", err, p.stderr.String())
	}
}

// kill ends the process at once and says whether it was still running.
func (p *brewing) kill() bool {
	p.cmd.Process.Kill()
	return p.wait() != nil
}

// TestKill kills brews at random moments and starts them again, with one
// thread and with two in turn: the model is the uninterrupted brew's, and the
// store is whole.
func TestKill(t *testing.T) {
	kills := 5
	if os.Getenv("SAMOVAR_LONG") != "" {
		kills = 20
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("%d kills, seed %d", kills, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	b := newBrewery(t, smallRecipe)
	began := time.Now()
	b.start(t).finish(t)
	long, want := time.Since(began), b.model(t)
	for done := 0; done < kills; {
		b := b.elsewhere(t)
		killed := 0
		for {
			threads := fmt.Sprintf("GOMAXPROCS=%d", 1+killed%2)
			p := b.start(t, threads)
			if done == kills {
				p.finish(t)
				break
			}
			time.Sleep(time.Duration(random.Float64() * float64(long)))
			if !p.kill() {
				break // it had ended
			}
			killed++
			done++
		}
		if got := b.model(t); got != want {
			t.Fatalf("after %d kills the model is %s, not %s", killed, got, want)
		}
		listed := 0
		for _, r := range b.runs(t) {
			for _, a := range r.Attempts {
				if a.Outcome != "finished" {
					listed++
				}
			}
		}
		if listed > killed {
			t.Errorf("%d attempts did not finish of %d kills", listed, killed)
		}
		b.sound(t)
	}
}

// preferRecipe spends most of its time on preferences.
const preferRecipe = `
name: tea
corpus:
  - {path: texts, language: en, licence: CC0-1.0, origin: wild thyme}
  - {path: preferences.jsonl, kind: preference, language: en, licence: CC0-1.0, origin: sage}
tokenizer: {vocab: 300}
model: {depth: 1, window: 128, width: 64, heads: 2, kv_heads: 1, head_dim: 32, hidden: 128}
train: {tokens: 1k, batch: 512, numerics: fp32, checkpoints: {every: 20%}}
prefer: {epochs: 8, batch: 4}
`

// TestKillPrefer kills brews while they tune on preferences: the model is the
// uninterrupted brew's.
func TestKillPrefer(t *testing.T) {
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	b := newBrewery(t, preferRecipe)
	b.start(t).finish(t)
	want := b.model(t)
	b = b.elsewhere(t)
	for i := range 3 {
		p := b.start(t, fmt.Sprintf("GOMAXPROCS=%d", 1+i%2))
		p.until(func(e samovar.Event) bool { return e.Stage == "prefer" })
		time.Sleep(time.Duration(random.Float64() * float64(400*time.Millisecond)))
		t.Logf("killed: %v", p.kill())
	}
	b.start(t).finish(t)
	if got := b.model(t); got != want {
		t.Errorf("the model is %s, not %s", got, want)
	}
	b.sound(t)
}

// TestAttempts kills a brew at a stage that has used energy: the record of the
// run lists the attempt with it.
func TestAttempts(t *testing.T) {
	b := newBrewery(t, smallRecipe)
	for range 5 { // the machine may be so busy that we come too late
		b = b.elsewhere(t)
		p := b.start(t)
		p.until(training)
		for running := true; running && !spent(t, b); {
			select {
			case <-p.ended:
				running = false
			default:
			}
		}
		p.kill()
		b.start(t).finish(t)
		for _, r := range b.runs(t) {
			if len(r.Attempts) > 1 {
				checkAttempts(t, r)
				return
			}
		}
	}
	t.Error("no record lists the attempt that was killed")
}

func checkAttempts(t *testing.T, r samovar.Run) {
	t.Helper()
	if len(r.Attempts) != 2 || r.Attempts[0].Outcome != "killed" || r.Attempts[1].Outcome != "finished" {
		t.Fatalf("the attempts are %+v", r.Attempts)
	}
	var joules float64
	for _, a := range r.Attempts {
		if a.Energy.Joules <= 0 || a.Energy.Method == "" || a.Ended.Before(a.Started) {
			t.Errorf("the attempt %+v has no energy", a)
		}
		joules += a.Energy.Joules
	}
	if r.Energy.Joules != joules || r.Started != r.Attempts[0].Started {
		t.Errorf("the run has %g J since %s, its attempts %g J since %s", r.Energy.Joules, r.Started, joules, r.Attempts[0].Started)
	}
}

// spent says whether a work folder of the store shows that energy was used.
func spent(t *testing.T, b *brewery) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(b.store, "work", "*", "attempts.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		var all []samovar.Attempt
		text, err := os.ReadFile(f)
		if err == nil && json.Unmarshal(text, &all) == nil && all[0].Energy.Joules > 0 {
			return true
		}
	}
	return false
}

// TestInterrupt ends a brew as Ctrl-C does.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted there")
	}
	b := newBrewery(t, smallRecipe)
	b.start(t).finish(t)
	want := b.model(t)
	for range 5 { // the machine may be so busy that we come too late
		b := b.elsewhere(t)
		p := b.start(t)
		p.until(training)
		p.cmd.Process.Signal(os.Interrupt)
		err := p.wait()
		if err == nil {
			continue
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || p.stderr.String() != "samovar: interrupted; the same command goes on after the last stage or checkpoint that is whole\n" {
			t.Fatalf("interrupted: %v: %s", err, p.stderr.String())
		}
		p = b.start(t)
		first := samovar.Event{}
		trains := p.until(func(e samovar.Event) bool { first = e; return training(e) })
		if trains && first.Step < 2 {
			t.Errorf("it went on with step %d", first.Step)
		}
		p.finish(t)
		if got := b.model(t); got != want {
			t.Errorf("the model is %s, not %s", got, want)
		}
		b.sound(t)
		return
	}
	t.Skip("every brew had ended before it was interrupted")
}

// TestTwoBrews runs one recipe in two processes at once: each stage is run by
// one of them, and both end with the model.
func TestTwoBrews(t *testing.T) {
	b := newBrewery(t, smallRecipe)
	first, second := b.start(t), b.start(t)
	second.finish(t)
	first.finish(t)
	runs := b.runs(t)
	keys := map[samovar.Digest]bool{}
	for _, r := range runs {
		keys[r.Key] = true
	}
	if len(keys) != 8 || len(runs) != 8 {
		t.Errorf("%d runs of %d stages, not 8", len(runs), len(keys))
	}
	want := b.model(t)
	b.sound(t)

	// One waits, the other is killed: the one that waits goes on from there.
	b = b.elsewhere(t)
	first = b.start(t)
	first.until(training)
	second = b.start(t)
	waits := second.until(func(e samovar.Event) bool { return strings.Contains(e.Text, "waiting for it") })
	killed := first.kill()
	second.finish(t)
	if got := b.model(t); got != want {
		t.Errorf("the model is %s, not %s", got, want)
	}
	t.Logf("the second waited: %v; the first was killed: %v", waits, killed)
	b.sound(t)
}
