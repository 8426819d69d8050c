package score

import (
	"context"
	"fmt"
	"math"
	"time"

	"samovar/robot/balance"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/safety"
)

// Result is what came of a trial.
type Result struct {
	Model      string   `json:"body"`
	Seed       uint64   `json:"seed"`
	Seconds    float64  `json:"seconds"` // that it lasted
	Fell       bool     `json:"fell"`
	FellAt     *float64 `json:"fell_at"`           // s; nil: it did not
	Why        string   `json:"why,omitempty"`     // it fell
	Stopped    string   `json:"stopped,omitempty"` // when the supervisor first stopped it, and why
	Violations uint64   `json:"violations"`        // of limits: see Violations
	Music      float64  `json:"bas_music"`         // alignment of a dance's beats over music beats; see dance.Score
	Motion     float64  `json:"bas_motion"`        // over motion beats
	JointSpeed float64  `json:"mean_joint_speed"`  // rad/s; of a dance with beats, from the first to the last
	Moves      int      `json:"moves"`             // different ones of a dance
	Drift      float64  `json:"drift_m"`           // greatest from where it began, m
	Tilt       float64  `json:"max_tilt_rad"`      // of the torso against the vertical
	Pushes     int      `json:"pushes"`            // that it got
	Steps      int      `json:"steps"`
	Realtime   float64  `json:"realtime_factor"`     // seconds of the act in a second
	Fault      string   `json:"fault,omitempty"`     // that befell it
	Noticed    *float64 `json:"noticed_s,omitempty"` // from the fault until the supervisor acted; nil: it did not
	Stable     *float64 `json:"stable_s,omitempty"`  // from the button until it stood still for good; nil: it did not

	Counts  referee.Counts `json:"-"`
	Worst   referee.Worst  `json:"-"`
	Report  safety.Report  `json:"-"` // of the last tick
	Error   float64        `json:"-"` // of the estimated velocity, root of the mean square, m/s
	Thought []float64      `json:"-"` // processor time of each tick, s
	Speed   []float64      `json:"-"` // mean of the joints' speeds in each tick, rad/s
}

// Violations are commands beyond a joint's range, speed or torque, and steps in which a
// joint was beyond its range by more than referee.Soft.
func Violations(c *referee.Counts) uint64 { return c.Position + c.Velocity + c.Torque + c.Beyond }

// run runs the trial's ticks.
func (t *Trial) run(ctx context.Context, r *Rig, pushes []float64) (out Result, err error) {
	m := &r.moment
	out = Result{Model: t.Model, Seed: t.Seed}
	watch := alarm{Trial: t, rig: r}
	if t.Fault != nil {
		out.Fault = t.Fault.Name
	}
	began, before, phase, squares := time.Now(), make([]float64, len(m.Truth.Positions)), balance.Double, 0.0
	for range int(t.Seconds * float64(t.Rate)) {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		if _, err := r.Tick(); err != nil {
			return out, err
		}
		out.note(m, before, t.Rate)
		watch.see(m, &out)
		if c := m.Controller; c != nil {
			squares += offset(c, m.Truth)
			if c.View.Phase == balance.Swinging && phase != balance.Swinging {
				out.Steps++
			}
			phase = c.View.Phase
		}
		if t.Watch != nil {
			if err := t.Watch(m); err != nil {
				return out, err
			}
		}
		if out.Why = m.Fall; out.Why != "" {
			at := m.Seconds
			out.Fell, out.FellAt = true, &at
			break
		}
		if err := r.Go(); err != nil {
			return out, err
		}
	}
	out.end(m, squares, time.Since(began))
	watch.end(&out)
	for _, at := range pushes {
		if at < out.Seconds {
			out.Pushes++
		}
	}
	return out, nil
}

// note takes down a tick.
func (r *Result) note(m *Moment, before []float64, rate int) {
	speed := 0.0
	for i, q := range m.Truth.Positions {
		if len(r.Speed) > 0 {
			speed += math.Abs(q-before[i]) * float64(rate) / float64(len(before))
		}
		before[i] = q
	}
	r.Speed = append(r.Speed, speed)
	r.Thought = append(r.Thought, m.Thought)
	r.Tilt, r.Drift = max(r.Tilt, m.Truth.Tilt), max(r.Drift, m.Truth.Drift)
	if m.Report.Mode > safety.Running && r.Stopped == "" {
		r.Stopped = fmt.Sprintf("%v at %.2f s: %s", m.Report.Mode, m.Seconds, m.Report.Reason)
	}
}

// offset is the squared error of the estimated velocity.
func offset(c *balance.Controller, t *referee.Truth) float64 {
	d := mechanism.Vector(c.Estimate().Now.V).Sub(t.Linear)
	return d.Dot(d)
}

func (r *Result) end(m *Moment, squares float64, took time.Duration) {
	r.Seconds = m.Seconds
	r.Counts, r.Worst, r.Report = m.Truth.Counts, m.Truth.Worst, m.Report
	r.Violations = Violations(&r.Counts)
	r.Error = math.Sqrt(squares / float64(max(1, len(r.Thought))))
	r.Realtime = r.Seconds / took.Seconds()
	for _, speed := range r.Speed {
		r.JointSpeed += speed / float64(len(r.Speed))
	}
}
