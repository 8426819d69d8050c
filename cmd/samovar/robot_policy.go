package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"samovar/robot/policy"
	"samovar/robot/score"
)

type policyCommand struct {
	Manifest string  `arg:"" type:"existingfile" help:"What the policy's numbers mean (YAML); see docs/policy.md."`
	Networks string  `type:"existingdir" placeholder:"DIR" help:"Folder of the network; default: the manifest's."`
	Seed     uint64  `default:"1" help:"Of pushes, variations and noise."`
	Ahead    float64 `placeholder:"M/S" help:"Speed that is asked for after 2 s."`
	Left     float64 `placeholder:"M/S" help:"Likewise, to the left."`
	Turn     float64 `placeholder:"RAD/S" help:"Likewise, turning to the left."`
	trials   `embed:""`
}

// policySeconds is how long a policy is tried unless it is said otherwise, s.
const policySeconds = 20

func (c *policyCommand) Validate() error {
	if sum := math.Abs(c.Ahead) + math.Abs(c.Left) + math.Abs(c.Turn); !(sum < 100) {
		return errors.New("--ahead, --left and --turn are numbers, and a robot is slower than 100 of them")
	}
	return c.trials.Validate()
}

// steered is what came of a policy.
type steered struct {
	Policy string `json:"policy"`
	score.Result
	Clamped uint64  `json:"clamped"`     // numbers of commands that the supervisor cut to a limit
	Tick    float64 `json:"tick_p99_ms"` // processor time of 99 % of ticks is less
}

func (c *policyCommand) Run(g *globals) error {
	t := c.trial(c.Seed)
	if t.Seconds == 0 {
		t.Seconds = policySeconds
	}
	p := rehearse(g, "policy", "s", int64(t.Seconds))
	t.Watch = func(m *score.Moment) error {
		p.reach(int64(m.Seconds))
		return nil
	}
	r, err := t.Steer(g.ctx, score.Pilot{
		Open:    func() (*policy.Policy, error) { return policy.OpenIn(c.Manifest, c.Networks) },
		Command: policy.Velocity{Ahead: c.Ahead, Left: c.Left, Turn: c.Turn}, After: 2,
	})
	p.end()
	if err != nil {
		return err
	}
	out := steered{c.Manifest, r, r.Report.Counts.Clamped, 1000 * score.Quantile(r.Thought, 0.99)}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(out)
	}
	out.print(g.out)
	return nil
}

func (s *steered) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %.0f s, %d steps, pushed %d times\n", s.Policy, s.Seconds, s.Steps, s.Pushes)
	standing(w, &s.Result)
	fmt.Fprintf(w, "limits passed %d times, commands cut %d times, %.2f m from where it began at most, tilted by %.2f rad at most, %.1f times real time\n", s.Violations, s.Clamped, s.Drift, s.Tilt, s.Realtime)
}
