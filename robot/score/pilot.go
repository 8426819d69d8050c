package score

import (
	"context"
	"fmt"
	"strings"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/policy"
	"samovar/robot/referee"
	"samovar/robot/safety"
)

// Pilot is how a learned policy moves a robot.
type Pilot struct {
	// Open gives the policy anew, because a network belongs to one controller.
	Open    func() (*policy.Policy, error)
	Command policy.Velocity
	After   float64 // when the command is given, s
	Lead    float64 // for which balance leads before the policy does, s
	Stance  bool    // the supervisor's stance is one more controller of the policy, and not balance
	// Each may move held joints before every tick, at so many seconds. May be nil.
	Each func(at float64, rig *Rig, c *policy.Controller)
}

// Steer has a policy move the robot, which begins in the policy's default pose, under a
// supervisor that does not kneel. Steps are feet that are set down.
func (t Trial) Steer(ctx context.Context, p Pilot) (Result, error) {
	first, err := p.Open()
	if err != nil {
		return Result{}, err
	}
	t.Start, t.Rate = pose(&first.Manifest), rateFor(t.Rate, first.Manifest.Rate)
	var feet *landings
	t.Act = func(r *Rig) error {
		feet = &landings{info: r.Referee.Info()}
		return p.supervise(r, first)
	}
	watch := t.Watch
	t.Watch = func(m *Moment) error {
		feet.see(m.Truth)
		if watch == nil {
			return nil
		}
		return watch(m)
	}
	r, err := t.Run(ctx)
	if err == nil {
		r.Steps = feet.count
	}
	return r, err
}

// rateFor is the body's rate, Hz: what is asked for, or the least multiple of the network's
// that is no less than Rate.
func rateFor(asked, network int) int {
	if asked > 0 || network < 1 {
		return asked
	}
	return (Rate + network - 1) / network * network
}

// pose is the policy's default stance, as the body is told where to start.
func pose(m *policy.Manifest) string {
	var start []string
	for _, joints := range [][]policy.Joint{m.Joints, m.Held} {
		for _, j := range joints {
			start = append(start, fmt.Sprintf("%s=%g", j.Name, j.Default))
		}
	}
	return strings.Join(start, ",")
}

// landings counts the feet that are set down.
type landings struct {
	info  *referee.Info
	down  referee.Bodies // what touched the floor in the tick before
	begun bool
	count int
}

func (l *landings) see(t *referee.Truth) {
	for _, foot := range l.info.Feet {
		if l.begun && t.Touching.Has(foot) && !l.down.Has(foot) {
			l.count++
		}
	}
	l.begun, l.down = true, t.Touching
}

// pilot is a controller that has balance lead first, then the policy.
type pilot struct {
	Pilot
	rig     *Rig
	policy  *policy.Controller
	balance *balance.Controller
	ticks   int
}

// supervise puts a pilot at a body.
func (p *Pilot) supervise(r *Rig, first *policy.Policy) error {
	c := &pilot{Pilot: *p, rig: r}
	var err error
	if c.policy, err = r.follow(first); err != nil {
		return err
	}
	if c.balance, err = r.Balance(balance.Still{}); err != nil {
		return err
	}
	g, err := r.Guard()
	if err != nil {
		return err
	}
	g.Kneel = nil
	if p.Stance {
		another, err := p.Open()
		if err != nil {
			return err
		}
		if g.Stance, err = r.follow(another); err != nil {
			return err
		}
	}
	return r.Supervise(g, c)
}

// follow makes a controller by a policy.
func (r *Rig) follow(p *policy.Policy) (*policy.Controller, error) {
	robot, err := estimate.NewRobot(r.Model, r.Info(), r.Feet)
	if err != nil {
		return nil, err
	}
	return policy.NewController(p, r.Info(), estimate.New(robot))
}

// Control makes a command of sensors.
func (p *pilot) Control(s *body.Sensors, c *body.Command) error {
	at := float64(p.ticks) / float64(p.rig.Info().Rate)
	p.ticks++
	if at >= p.After {
		p.policy.Command = p.Command
	}
	if p.Each != nil {
		p.Each(at, p.rig, p.policy)
	}
	leads := safety.Controller(p.policy)
	if at < p.Lead {
		leads = p.balance
	}
	return leads.Control(s, c)
}
