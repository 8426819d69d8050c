package eval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/klauspost/compress/zstd"

	"samovar"
	"samovar/compute"
	"samovar/eval/task"
	"samovar/model"
)

// AnswersFile holds a task's answers, one a line.
const AnswersFile = "answers.jsonl.zst"

// Task is what to examine a model in.
type Task struct {
	Kind     task.Kind
	Name     string // of its figures; empty: the kind
	Path     string // of the file or folder
	Limit    int    // most items of each set, drawn by Seed; 0: all
	Seed     uint64
	Shots    int    // Exact: how many solved problems come before each, drawn by Seed
	Examples string // where these are taken from
}

// Examine is the stage that examines a model (input "model") in a task.
type Examine struct {
	Device compute.Device
	task   Task
	data   *task.Data
	solved *task.Data // examples; nil: none
}

// examineConfig is what decides the answers beside the model.
type examineConfig struct {
	Task     task.Kind      `json:"task"`
	Name     string         `json:"name"`
	Data     samovar.Digest `json:"data"`
	Limit    int            `json:"limit,omitempty"`
	Seed     *uint64        `json:"seed,omitempty"` // absent where nothing is drawn
	Shots    int            `json:"shots,omitempty"`
	Examples samovar.Digest `json:"examples,omitempty"`
}

var taskName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// NewExamine reads the data of a task.
func NewExamine(dev compute.Device, t Task) (*Examine, error) {
	if t.Name == "" {
		t.Name = string(t.Kind)
	}
	_, taken := Result{}.Metrics()[t.Name]
	switch {
	case !taskName.MatchString(t.Name):
		return nil, fmt.Errorf("%q cannot be the name of a task: small letters, digits and _ are allowed", t.Name)
	case taken:
		return nil, fmt.Errorf("a task cannot be called %s: the figures of held-out text are", t.Name)
	case t.Limit < 0:
		return nil, fmt.Errorf("a limit of %d items: 1 or more is expected, or 0 for all", t.Limit)
	case t.Shots < 0 || t.Shots > 0 && t.Kind != task.Exact && t.Kind != task.Choice:
		return nil, fmt.Errorf("%d solved problems before each, for %s: 0 or more are expected, and only for exact and choice", t.Shots, t.Kind)
	case (t.Shots > 0) != (t.Examples != ""):
		return nil, errors.New("shots and examples belong together: how many solved problems come before each, and the file that they are taken from")
	}
	s := &Examine{Device: dev, task: t}
	var err error
	if s.data, err = task.Read(t.Kind, t.Path); err != nil {
		return nil, err
	}
	if t.Limit > 0 {
		s.data = s.data.Sample(t.Limit, t.Seed)
	}
	if t.Shots > 0 {
		if s.solved, err = task.Read(t.Kind, t.Examples); err != nil {
			return nil, err
		}
		for _, set := range s.data.Sets {
			solved, own := s.solved.Solved(set.Name)
			if n := len(solved); n < t.Shots || n == t.Shots && !own {
				return nil, fmt.Errorf("%s has %d solved items for %s: more than the %d shots are expected, or as many in a set of their own", t.Examples, n, set.Name, t.Shots)
			}
		}
	}
	return s, nil
}

// Name returns "evaluate".
func (*Examine) Name() string { return "evaluate" }

// Version is raised when the same model and data give other answers or figures.
func (*Examine) Version() int { return 2 }

// Numerics is that of the device.
func (s *Examine) Numerics() string { return s.Device.Numerics() }

// Config holds what is asked: digests, not paths.
func (s *Examine) Config() any {
	c := examineConfig{Task: s.task.Kind, Name: s.task.Name, Data: s.data.Digest, Limit: s.task.Limit, Shots: s.task.Shots}
	if s.task.Limit > 0 || s.task.Shots > 0 {
		c.Seed = &s.task.Seed
	}
	if s.solved != nil {
		c.Examples = s.solved.Digest
	}
	return c
}

// Examination is the content of evaluation.json of a task.
type Examination struct {
	Figure
	Unit  string         `json:"unit"` // of scores: "percent" or "bits per byte"
	Model samovar.Digest `json:"model"`
	examineConfig
	Numerics  string      `json:"numerics"`
	Truncated int         `json:"truncated"` // items whose beginning did not fit into the window
	Sets      []SetFigure `json:"sets"`
}

// Metrics returns the figures by their names: the task's, and "TASK/SET".
func (e Examination) Metrics() map[string]float64 {
	m := map[string]float64{
		e.Name: e.Score, e.Name + "_stderr": e.StandardError, e.Name + "_n": float64(e.N), e.Name + "_chance": e.Chance,
	}
	if e.Raw != nil {
		m[e.Name+"_acc"], m[e.Name+"_acc_norm"] = e.Raw.Score, e.Normalised.Score
	}
	if e.Flexible != nil {
		m[e.Name+"_strict_match"], m[e.Name+"_flexible_extract"] = e.Strict.Score, e.Flexible.Score
	}
	for _, s := range e.Sets {
		m[e.Name+"/"+s.Set] = s.Score
	}
	return m
}

// String is the figure as people read it.
func (e Examination) String() string {
	if e.Task == task.BPB {
		return fmt.Sprintf("%s %s bits per byte (chance %g) on %d texts", e.Name, measured(4, e.Score, e.StandardError, e.N), e.Chance, e.N)
	}
	return fmt.Sprintf("%s %s %% (chance %.3g) on %d items", e.Name, measured(2, e.Score, e.StandardError, e.N), e.Chance, e.N)
}

// measured writes a figure with its standard error, which a single item has none of.
func measured(digits int, value, err float64, n int) string {
	if n < 2 {
		return fmt.Sprintf("%.*f", digits, value)
	}
	return fmt.Sprintf("%.*f ± %.*f", digits, value, digits, err)
}

// Run writes evaluation.json and the answers. Its metrics are those of
// [Examination.Metrics].
func (s *Examine) Run(ctx context.Context, work samovar.Work) (out samovar.Output, err error) {
	path, err := work.Inputs["model"].Path(ModelFile)
	if err != nil {
		return out, err
	}
	f, err := model.Open(path)
	if err != nil {
		return out, err
	}
	defer f.Close()
	part, err := openPart(work.Dir)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, part.file.Close()) }()
	began := time.Now()
	units := map[task.Kind]string{task.Exact: "problems", task.BPB: "bytes"}
	x := &examination{dev: s.Device, file: f, data: s.data, part: part, shots: s.examples, progress: func(done, of int64) {
		e := samovar.Event{Step: done, Of: of, Unit: units[s.task.Kind]}
		if e.Unit == "" {
			e.Unit, e.TokensPerSecond = "tokens", float64(done)/time.Since(began).Seconds()
		}
		work.Recorder.Event(e)
	}}
	answers, err := x.answers(ctx)
	if err != nil {
		return out, fmt.Errorf("evaluate on %s: %w", s.task.Name, err)
	}
	e := Examination{Unit: unit(s.task.Kind), Model: work.Inputs["model"].Digest, examineConfig: s.Config().(examineConfig), Numerics: s.Numerics(), Truncated: x.truncated}
	e.Figure, e.Sets = figures(s.task.Kind, answers)
	for name, value := range e.Metrics() {
		work.Recorder.Metric(name, value)
	}
	work.Recorder.Event(samovar.Event{Text: e.String()})
	if e.Truncated > 0 {
		work.Recorder.Event(samovar.Event{Text: fmt.Sprintf("items that lost their beginning to the model's window of %[2]d tokens: %[1]d", e.Truncated, f.Config.Window)})
	}
	return e.write(work.Dir, answers)
}

// examples returns the solved items that come before one, which is not one of
// them: the first of a set of their own, as lm-evaluation-harness takes those of
// MMLU, or else drawn.
func (s *Examine) examples(set string, it task.Item) (shots []task.Item) {
	if s.solved == nil {
		return nil
	}
	items, own := s.solved.Solved(set)
	if !own {
		items = task.Draw(items, s.task.Shots+1, s.task.Seed, fmt.Sprint(set, "/", it.Index))
	}
	for _, solved := range items {
		if len(shots) < s.task.Shots && solved.Context != it.Context {
			shots = append(shots, solved)
		}
	}
	return shots
}

func (e Examination) write(dir string, answers []Answer) (out samovar.Output, err error) {
	path := filepath.Join(dir, AnswersFile)
	if err := writeAnswers(path, answers); err != nil {
		return out, fmt.Errorf("write the answers: %w", err)
	}
	if out, err = writeEvaluation(dir, e); err != nil {
		return out, err
	}
	out.Files = append(out.Files, samovar.OutputFile{Name: AnswersFile, Path: path, MediaType: "application/x-ndjson+zstd"})
	return out, nil
}

// micro rounds a log-probability to a millionth: what follows is noise.
func micro(v float64) float64 { return math.Round(v*1e6) / 1e6 }

func writeAnswers(path string, answers []Answer) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return errors.Join(err, f.Close())
	}
	lines := json.NewEncoder(z)
	for _, a := range answers {
		logs := make([]float64, len(a.Logs))
		for i, v := range a.Logs {
			logs[i] = micro(v)
		}
		a.Logs = logs
		if err = lines.Encode(a); err != nil {
			break
		}
	}
	return errors.Join(err, z.Close(), f.Close())
}

// ReadAnswers reads the answers of an evaluation.
func ReadAnswers(in samovar.Input) (answers []Answer, err error) {
	path, err := in.Path(AnswersFile)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the answers: %w", err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("read the answers: %w", err)
	}
	defer z.Close()
	for lines := json.NewDecoder(z); ; {
		var a Answer
		if err := lines.Decode(&a); errors.Is(err, io.EOF) {
			return answers, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the answers of %s: %w", in.Digest.Short(), err)
		}
		answers = append(answers, a)
	}
}

// ReadExamination reads the figures of a task.
func ReadExamination(in samovar.Input) (Examination, error) { return readFigures[Examination](in) }

// ReadEvaluation reads the figures of held-out text.
func ReadEvaluation(in samovar.Input) (Evaluation, error) { return readFigures[Evaluation](in) }

func readFigures[T any](in samovar.Input) (figures T, err error) {
	path, err := in.Path(EvaluationFile)
	if err != nil {
		return figures, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return figures, fmt.Errorf("read the evaluation: %w", err)
	}
	if err := json.Unmarshal(text, &figures); err != nil {
		return figures, fmt.Errorf("read the evaluation %s: %w", in.Digest.Short(), err)
	}
	return figures, nil
}
