package score

import (
	"context"
	"fmt"

	"samovar/robot/dance"
)

// Dance has the robot dance, and says how well it kept the beat.
func (t Trial) Dance(ctx context.Context, d *dance.Dance, lead dance.Lead) (Result, error) {
	var m *dance.Motion
	t.Act = func(r *Rig) (err error) {
		if m, err = dance.New(d, r.Info()); err != nil {
			return err
		}
		m.Lead = lead
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
	s := dance.Judge(r.Speed, rate, danced)
	r.Music, r.Motion, r.JointSpeed, r.Moves = s.Music, s.Motion, s.Speed, d.Different(0, r.Seconds)
	return r, nil
}

// Calibrate measures by how much a body is late.
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
		return dance.Lead{}, fmt.Errorf("calibrate dances of the robot %s: it fell at %.1f s: %s", t.Model, *r.FellAt, r.Why)
	}
	return c.Lead()
}
