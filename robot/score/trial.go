// Package score lets simulated robots act, pushes them and judges them: whether they
// fall, pass a limit, or leave their mark. What a controller knows is what the robot
// senses; what is judged is what a referee sees. A trial is in lockstep with its body, so
// that the same seed has the same result. It refuses robots whose feet it does not find by
// their names. Start with [Trial]; [Rig] is what acts.
package score

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"samovar/robot/balance"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
)

// Trial is one act of one robot.
type Trial struct {
	Program string   // of the simulated body; empty: where body.Find finds it
	Model   string   // own, or the path of an MJCF file
	Start   string   // where joints start; see Config
	Seed    uint64   // of pushes, variations and noise
	Seconds float64  // most that it lasts; 0: as long as its act
	Rate    int      // Hz; 0: Rate
	Push    float64  // impulse of pushes, N·s; 0: none
	Every   float64  // time between them, s; 0: 3
	Vary    bool     // friction 0.5 to 1.2, mass ± 10 %, sensors 20 ms late and noisy, a slope of 2°
	Fault   *Fault   // befalls the body; nil: none
	Stop    float64  // when the button is pressed, s; 0: never
	Extra   []string // further arguments of the body

	// Act has the robot act, from time 0 on: by Rig.Perform, or under a supervisor and a
	// controller of its own by Rig.Supervise.
	Act func(*Rig) error
	// Watch sees every tick; an error ends the trial. What it is given is valid until it
	// returns. May be nil.
	Watch func(*Moment) error
}

// after is how long a trial goes on after its act, s: falls come late.
const after = 1.0

// pushSpread is by how much the moment of a push differs from its turn, s, at most.
const pushSpread = 1.0

// arguments are those of the body.
func (t *Trial) arguments(r *rand.Rand) []string {
	args := []string{"--lockstep", "--seed", fmt.Sprint(t.Seed)}
	if t.Vary {
		args = append(args, "--friction", fmt.Sprint(0.5+0.7*r.Float64()), "--mass", fmt.Sprint(0.9+0.2*r.Float64()),
			"--delay", "20", "--noise", "1", "--slope", "2", "--uphill", fmt.Sprint(360*r.Float64()))
	}
	return append(args, t.Extra...)
}

// Run lets the robot act until it has, or falls, or ctx ends. Where err is nil the
// result counts.
func (t Trial) Run(ctx context.Context) (Result, error) {
	t.Rate, t.Every = cmp.Or(t.Rate, Rate), cmp.Or(t.Every, 3)
	result, err := t.try(ctx)
	switch {
	case err == nil:
		return result, nil
	case ctx.Err() != nil: // bodies end with it, whatever they say of it
		return result, ctx.Err()
	case t.Seed == 0:
		return result, fmt.Errorf("try the robot %s: %w", t.Model, err)
	}
	return result, fmt.Errorf("try the robot %s, seed %d: %w", t.Model, t.Seed, err)
}

func (t *Trial) try(ctx context.Context) (_ Result, err error) {
	random := rand.New(rand.NewPCG(t.Seed, 0x70757368))
	r, err := Launch(ctx, Config{Program: t.Program, Model: t.Model, Start: t.Start, Rate: t.Rate}, t.arguments(random)...)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := t.Act(r); err != nil {
		return Result{}, err
	}
	if c, ok := r.Controller.(*balance.Controller); ok {
		t.limit(c.Motion)
	}
	pushes, err := t.plan(r.Referee, random)
	if err != nil {
		return Result{}, err
	}
	if t.Fault != nil {
		if err := r.Referee.Send(t.Fault.Event); err != nil {
			return Result{}, err
		}
	}
	return t.run(ctx, r, pushes)
}

// limit has the trial end after a motion that does.
func (t *Trial) limit(m balance.Motion) {
	if m, ok := m.(interface{ Seconds() float64 }); ok {
		if last := m.Seconds() + after; t.Seconds == 0 || last < t.Seconds {
			t.Seconds = last
		}
	}
}

// plan sends the pushes, of random direction, about every so often, and returns when they
// are, s.
func (t *Trial) plan(judge *referee.Referee, random *rand.Rand) (pushes []float64, err error) {
	for at := t.Every; t.Push != 0 && at < t.Seconds; at += t.Every {
		a := 2 * math.Pi * random.Float64()
		moment := at + (random.Float64()-0.5)*min(pushSpread, t.Every/3)
		e := referee.NewPush(time.Duration(moment*float64(time.Second)), mechanism.Vector{t.Push * math.Cos(a), t.Push * math.Sin(a)})
		if err := judge.Send(e); err != nil {
			return nil, err
		}
		pushes = append(pushes, moment)
	}
	return pushes, nil
}
