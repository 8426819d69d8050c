package score

import (
	"context"
	"fmt"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/dance"
)

// timed is a motion that keeps the beats of its music.
type timed interface {
	balance.Motion
	Beats() []float64 // s; that are danced
}

// Dance has the robot dance, and says how well it kept the beat.
func (t Trial) Dance(ctx context.Context, d *dance.Dance, lead dance.Lead) (Result, error) {
	r, err := t.beat(ctx, func(i *body.Info) (timed, error) {
		m, err := dance.New(d, i)
		if err != nil {
			return nil, err
		}
		m.Lead = lead
		return m, nil
	})
	r.Moves = d.Different(0, r.Seconds)
	return r, err
}

// Imitate has the robot dance what somebody danced, to the beats of a song; without them
// the clip keeps its own time.
func (t Trial) Imitate(ctx context.Context, c *dance.Clip, beats []float64, lead dance.Lead) (Result, error) {
	return t.beat(ctx, func(i *body.Info) (timed, error) {
		m, err := c.Fit(i, beats)
		if err != nil {
			return nil, err
		}
		m.Lead = lead
		return m, nil
	})
}

// beat has the robot perform a motion, and says how well it kept the beat.
func (t Trial) beat(ctx context.Context, motion func(*body.Info) (timed, error)) (Result, error) {
	var m timed
	t.Act = func(r *Rig) (err error) {
		if m, err = motion(r.Info()); err != nil {
			return err
		}
		return r.Perform(m)
	}
	r, err := t.Run(ctx)
	if err != nil {
		return r, err
	}
	rate := float64(len(r.Speed)) / r.Seconds
	danced := m.Beats()
	for len(danced) > 0 && danced[len(danced)-1] > r.Seconds {
		danced = danced[:len(danced)-1]
	}
	if len(danced) > 0 {
		s := dance.Judge(r.Speed, rate, danced)
		r.Music, r.Motion, r.JointSpeed = s.Music, s.Motion, s.Speed
	}
	return r, nil
}

// Fallen is the error of a robot that fell where it must not.
type Fallen struct{ Result }

// Error says when and why.
func (f *Fallen) Error() string {
	return fmt.Sprintf("calibrate dances of the robot %s: it fell at %.1f s: %s", f.Model, *f.FellAt, f.Why)
}

// Calibrate measures by how much a body is late. Where the robot falls meanwhile, the error
// is a *Fallen.
func (t Trial) Calibrate(ctx context.Context) (dance.Lead, error) {
	var c *dance.Calibration
	d := dance.Calibrating()
	trial := Trial{Program: t.Program, Model: t.Model, Rate: t.Rate, Extra: t.Extra}
	var velocity []float64
	trial.Act = func(r *Rig) error {
		i := r.Info()
		m, err := dance.New(d, i)
		if err != nil {
			return err
		}
		velocity = make([]float64, len(i.Joints))
		c = m.Calibrate(len(i.Joints), float64(i.Rate))
		return r.Perform(m)
	}
	trial.Watch = func(m *Moment) error {
		for i := range velocity {
			velocity[i] = m.Sensors.Joints[i].Velocity
		}
		c.Add(m.Controller.Clock(), velocity)
		return nil
	}
	r, err := trial.Run(ctx)
	if err != nil {
		return dance.Lead{}, err
	}
	if r.Fell {
		return dance.Lead{}, &Fallen{r}
	}
	return c.Lead()
}
