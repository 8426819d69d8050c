package runs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"samovar"
)

// State says how a brew stands.
type State string

// The states of a brew.
const (
	Waiting  State = "waiting"  // until another has ended
	Running  State = "running"  // and its journal is being written
	Stopping State = "stopping" // it has been asked to stop
	Stopped  State = "stopped"  // interrupted or killed: it can go on
	Failed   State = "failed"   // with an error
	Refused  State = "refused"  // by a gate: the model has no name
	Finished State = "finished"
)

// Brew is how far a recipe has come.
type Brew struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	State   State           `json:"state"`
	Error   string          `json:"error,omitempty"`
	Recipe  string          `json:"recipe"`          // path
	Order   *Order          `json:"order,omitempty"` // that the recipe is designed for; nil: it was given
	Dropped bool            `json:"dropped"`         // its texts lie beside its journal
	Started time.Time       `json:"started"`
	Updated time.Time       `json:"updated"` // last sign of life
	Stages  []Stage         `json:"stages"`
	Now     *samovar.Event  `json:"now,omitempty"`
	Method  string          `json:"method,omitempty"`                  // of the joules
	Predict float64         `json:"predicted_bits_per_byte,omitempty"` // by the recipe
	Result  json.RawMessage `json:"result,omitempty"`                  // what samovar brew --json ends with
}

// active says whether somebody is at the brew, or is to be.
func (b Brew) active() bool {
	return b.State == Waiting || b.State == Running || b.State == Stopping
}

// Stage is one node of a brew.
type Stage struct {
	Name    string             `json:"name"`            // of the node
	State   State              `json:"state,omitempty"` // empty: not begun
	Doing   json.RawMessage    `json:"doing,omitempty"` // of a design that runs: its step
	Found   bool               `json:"found,omitempty"` // it had been finished before
	Key     samovar.Digest     `json:"key,omitempty"`
	Run     string             `json:"run,omitempty"`
	Output  samovar.Digest     `json:"output,omitempty"`
	Joules  float64            `json:"joules,omitempty"`
	Seconds float64            `json:"seconds,omitempty"` // of all attempts
	Metrics map[string]float64 `json:"metrics,omitempty"`
}

// The files of a brew's folder. Journals are read by the page's server, and a
// brew looks for the wish to stop it once in a beat: so that brews of other
// processes, containers and machines on one store are seen and stopped alike.
const (
	journalFile = "brew.json"
	stopFile    = "stop"
	recipeFile  = "recipe.yaml"
	textsDir    = "texts"

	beat  = time.Second
	stale = 15 * time.Second // without a beat a brew has been killed
)

// Journal writes how far a brew has come to its folder.
type Journal struct {
	dir    string
	cancel func()
	mu     sync.Mutex
	brew   Brew
	parts  map[samovar.Digest]cost // of the design, by key
	end    chan struct{}
	done   sync.WaitGroup
	once   sync.Once
}

// ID returns the id of the brew of a recipe: one that lies in a brew's folder
// has that folder's, any other one that follows from its path.
func ID(dir, recipe string) string {
	if filepath.Base(recipe) == recipeFile && filepath.Dir(filepath.Dir(recipe)) == filepath.Clean(dir) {
		return filepath.Base(filepath.Dir(recipe))
	}
	sum := sha256.Sum256([]byte(recipe))
	return hex.EncodeToString(sum[:8])
}

// Open begins the journal of the recipe of that name and absolute path in the
// folder of brews dir; it is designed for the order o, if there is one. cancel is
// called when somebody wishes the brew to stop.
func Open(dir, name, recipe string, o *Order, cancel func()) (*Journal, error) {
	id := ID(dir, recipe)
	j := &Journal{dir: filepath.Join(dir, id), cancel: cancel, end: make(chan struct{})}
	j.brew = Brew{ID: id, Name: name, State: Running, Recipe: recipe, Order: o, Started: time.Now().UTC(), Stages: []Stage{}}
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return nil, fmt.Errorf("open the journal of the brew: %w", err)
	}
	os.Remove(filepath.Join(j.dir, stopFile)) // meant for an earlier attempt
	if err := j.write(); err != nil {
		return nil, fmt.Errorf("open the journal of the brew: %w", err)
	}
	j.done.Go(j.beat)
	return j, nil
}

// Plan says which nodes the recipe has, by which method energy is read, and how
// many bits per byte were predicted; 0: none were.
func (j *Journal) Plan(nodes []string, method string, predicted float64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.brew.Method, j.brew.Predict = method, predicted
	for _, n := range nodes {
		j.brew.Stages = append(j.brew.Stages, Stage{Name: n})
	}
}

// Begin says that a node is being run or looked up, and under which key.
func (j *Journal) Begin(node string, key samovar.Digest) {
	j.stage(node, func(s *Stage) { s.State, s.Key = Running, key })
}

// Finish says that a node has its output.
func (j *Journal) Finish(node string, run samovar.Run, found bool) {
	j.stage(node, func(s *Stage) {
		c := costOf(run)
		*s = Stage{Name: node, State: Finished, Found: found, Key: run.Key, Run: run.ID, Joules: c.joules, Seconds: c.seconds, Metrics: run.Metrics}
		if len(run.Outputs) > 0 {
			s.Output = run.Outputs[0]
		}
		j.brew.Now = nil
		delete(j.parts, run.Key)
		j.share()
	})
}

func (j *Journal) stage(node string, change func(*Stage)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.brew.Stages {
		if j.brew.Stages[i].Name == node {
			change(&j.brew.Stages[i])
		}
	}
}

// Watch takes an event of the node that is being run.
func (j *Journal) Watch(e samovar.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e.Step == 0 && e.Of == 0 {
		return // a remark
	}
	if e.Loss != e.Loss || math.IsInf(e.Loss, 0) {
		e.Loss = 0
	}
	if n := j.brew.Now; n != nil && n.Stage == e.Stage { // an event says only what is new
		for _, x := range []struct{ to, from *float64 }{
			{&e.Loss, &n.Loss}, {&e.BitsPerByte, &n.BitsPerByte}, {&e.TokensPerSecond, &n.TokensPerSecond},
		} {
			if *x.to == 0 {
				*x.to = *x.from
			}
		}
		if e.Sample == "" {
			e.Sample = n.Sample
		}
	}
	e.Text = ""
	j.brew.Now = &e
	for i := range j.brew.Stages {
		switch s := &j.brew.Stages[i]; {
		case s.State != Running:
		case s.Name == designNode: // e is of one of its runs
			j.share()
			s.Joules += e.Joules
			e.ETASeconds = 0
		default:
			s.Joules = e.Joules
		}
	}
}

// beat writes the journal and looks for the wish to stop.
func (j *Journal) beat() {
	for {
		select {
		case <-j.end:
			return
		case <-time.After(beat):
		}
		j.write() // a full disk shows itself to the stages
		if os.Remove(filepath.Join(j.dir, stopFile)) == nil {
			j.cancel()
		}
	}
}

// Close ends the journal with how the brew ended; result is what it made.
func (j *Journal) Close(state State, message string, result any) {
	j.once.Do(func() {
		close(j.end)
		j.done.Wait()
		j.mu.Lock()
		j.brew.State, j.brew.Error = state, message
		if text, err := encode(result); err == nil && result != nil {
			j.brew.Result = text
		}
		for i := range j.brew.Stages {
			if s := &j.brew.Stages[i]; s.State == Running {
				s.State = state
			}
		}
		j.mu.Unlock()
		j.write()
		os.Remove(filepath.Join(j.dir, stopFile))
	})
}

func (j *Journal) write() error {
	j.mu.Lock()
	j.brew.Updated = time.Now().UTC()
	text, err := encode(j.brew)
	j.mu.Unlock()
	if err != nil {
		return err
	}
	return replace(filepath.Join(j.dir, journalFile), text)
}

// replace writes a file whole or not at all. Two processes may write one at once.
func replace(path string, text []byte) error {
	part := fmt.Sprintf("%s.%d.part", path, os.Getpid())
	if err := os.WriteFile(part, text, 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// maxJournal is far more than a brew of a hundred stages says.
const maxJournal = 4 << 20

// readBrew reads a journal.
func readBrew(dir string) (b Brew, err error) {
	text, err := readLimited(filepath.Join(dir, journalFile), maxJournal)
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("read the journal in %s: %w", dir, err)
	}
	b.ID = filepath.Base(dir)
	return b, nil
}

// readLimited reads a file of at most so many bytes.
func readLimited(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return text, err
}
