package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"samovar"
	"samovar/compute"
	"samovar/model"
)

// Budget says how much may be spent on training: one of its fields.
type Budget struct {
	Tokens int64   `json:"tokens,omitempty"`
	Hours  float64 `json:"hours,omitempty"`
	KWh    float64 `json:"kwh,omitempty"`
}

// Check returns what is wrong with b, or nil.
func (b Budget) Check() error {
	n := 0
	for _, set := range []bool{b.Tokens != 0, b.Hours != 0, b.KWh != 0} {
		if set {
			n++
		}
	}
	if n != 1 || b.Tokens < 0 || !(b.Hours >= 0) || !(b.KWh >= 0) || math.IsInf(b.Hours+b.KWh, 0) {
		return errors.New("train: give the budget as one of tokens, hours or kwh, above 0")
	}
	return nil
}

// PlanFile is the file of a plan.
const PlanFile = "plan.json"

// Decision is a budget turned into steps: the content of plan.json.
type Decision struct {
	Steps  int64  `json:"steps"`
	Tokens int64  `json:"tokens"` // Steps · Config.Batch
	Config Config `json:"config"` // with every default filled in
}

// Plan is the stage that turns a budget into a number of steps (input
// "shards"). Hours and kilowatt-hours are measured out by training for a
// moment; the decision is kept, so that going on and repeating use the same.
type Plan struct {
	Device compute.Device
	Model  model.Config
	Budget Budget
	Train  Config
	Open   Open
	Meter  samovar.Meter
}

// Open opens the training rows of shards: so many tokens a step, in rows of a
// window. close ends it.
type Open func(shards samovar.Input, batch, window int) (data Data, close func() error, err error)

// Name returns "plan".
func (*Plan) Name() string { return "plan" }

// Version is raised when the same budget gives another plan.
func (*Plan) Version() int { return 3 }

// Numerics is that of the device.
func (p *Plan) Numerics() string { return p.Device.Numerics() }

// Config returns what decides the plan.
func (p *Plan) Config() any {
	return struct {
		Model  model.Config `json:"model"`
		Budget Budget       `json:"budget"`
		Train  Config       `json:"train"`
	}{p.Model, p.Budget, p.Train}
}

// Run writes plan.json.
func (p *Plan) Run(ctx context.Context, work samovar.Work) (samovar.Output, error) {
	if err := p.Budget.Check(); err != nil {
		return samovar.Output{}, err
	}
	tokens := p.Budget.Tokens
	if tokens == 0 {
		var err error
		if tokens, err = p.measure(ctx, work); err != nil {
			return samovar.Output{}, fmt.Errorf("measure the speed of training: %w", err)
		}
	}
	c, err := p.Train.Choose(p.Model.Width, p.Model.Window, tokens)
	if err != nil {
		return samovar.Output{}, err
	}
	d := Decision{Steps: max(1, (tokens+int64(c.Batch)-1)/int64(c.Batch)), Config: c}
	d.Tokens = d.Steps * int64(c.Batch)
	work.Recorder.Metric("steps", float64(d.Steps))
	work.Recorder.Metric("tokens", float64(d.Tokens))
	path := filepath.Join(work.Dir, PlanFile)
	if err := replace(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(d) }); err != nil {
		return samovar.Output{}, fmt.Errorf("write the plan: %w", err)
	}
	return samovar.Output{
		Kind:   samovar.KindPlan,
		Files:  []samovar.OutputFile{{Name: PlanFile, Path: path, MediaType: "application/json"}},
		Config: d,
	}, nil
}

const (
	measured = 20 * time.Second // of training, to learn its speed
	reserve  = 0.06             // share of the time that validation and checkpoints take
)

// measure trains for a moment and returns the tokens that the budget buys.
func (p *Plan) measure(ctx context.Context, work samovar.Work) (int64, error) {
	c, err := p.Train.Choose(p.Model.Width, p.Model.Window, 0)
	if err != nil {
		return 0, err
	}
	t, err := NewTrainer(p.Device, p.Model, c)
	if err != nil {
		return 0, err
	}
	defer t.Close()
	windows := c.windows(p.Model.Window)
	start, joules, perStep := time.Now(), p.Meter.Read().Joules, 0.0
	for i, w := range windows {
		until := start.Add(measured * time.Duration(i+1) / time.Duration(len(windows)))
		seconds, err := p.stepTime(ctx, work, t, c.Batch, w, func() bool {
			elapsed := time.Since(start)
			work.Recorder.Event(samovar.Event{Step: int64(elapsed.Seconds()), Of: int64(measured.Seconds()), Unit: "seconds"})
			return time.Now().Before(until)
		})
		if err != nil {
			return 0, err
		}
		perStep += seconds / float64(len(windows))
	}
	rate, watts := float64(c.Batch)/perStep, (p.Meter.Read().Joules-joules)/time.Since(start).Seconds()
	work.Recorder.Metric("tokens_per_second", rate)
	work.Recorder.Metric("watts", watts)
	hours := p.Budget.Hours
	if p.Budget.KWh > 0 {
		if watts <= 0 {
			return 0, errors.New("the meter shows no power: give the budget in tokens or hours")
		}
		hours = p.Budget.KWh * 1000 / watts
	}
	return int64(max(1, hours*3600*rate*(1-reserve))), nil
}

// stepTime trains with rows of a window while more and returns the seconds that
// a step takes.
func (p *Plan) stepTime(ctx context.Context, work samovar.Work, t *Trainer, batch, window int, more func() bool) (seconds float64, err error) {
	data, closeData, err := p.Open(work.Inputs["shards"], batch, window)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeData()) }()
	if _, err := t.Step(data.Batch(0), 1000); err != nil { // the first step fills the caches
		return 0, err
	}
	start, steps := time.Now(), int64(0)
	for steps == 0 || more() {
		steps++
		if _, err := t.Step(data.Batch(steps), 1000); err != nil {
			return 0, err
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds() / float64(steps), nil
}

// ReadPlan reads the decision of a plan.
func ReadPlan(plan samovar.Input) (d Decision, err error) {
	path, err := plan.Path(PlanFile)
	if err != nil {
		return d, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return d, fmt.Errorf("read the plan: %w", err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("read the plan %s: %w", plan.Digest.Short(), err)
	}
	return d, nil
}
