package main

import (
	"samovar/robot/balance"
	"samovar/robot/estimate"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/score"
)

// stopped is what came of pressing the button twice.
type stopped struct {
	touch float64 // m/s, greatest speed of a shank or hand that met the floor, on the way down
	knees int     // that touched in the end
}

// before is how long before the end of a run the button is pressed, s.
const before = 6.0

// button has the robot kneel: it presses a supervisor's button twice, and measures.
type button struct {
	stopped
	trial   *trial
	rig     *score.Rig
	info    *referee.Info
	robot   *estimate.Robot
	x       *mechanism.State         // where it truly is
	at      map[int]mechanism.Vector // where the referee's bodies were that may touch in a kneel
	touched referee.Bodies
	pressed bool
}

// newButton takes a rig that performs.
func newButton(t *trial, r *score.Rig) *button {
	robot := r.Controller.(*balance.Controller).Estimate().Robot
	return &button{trial: t, rig: r, info: r.Referee.Info(), robot: robot, x: mechanism.NewState(robot.Model), at: map[int]mechanism.Vector{}}
}

// see looks at the truth of a tick.
func (b *button) see(truth *referee.Truth) {
	since := truth.Time.Seconds() - (b.trial.Seconds - before)
	if b.trial.stop != "kneel" || since < 0 {
		return
	}
	if !b.pressed {
		b.pressed = true
		b.rig.Supervisor.Stop("the button")
		b.rig.Supervisor.Stop("the button")
	}
	place(b.x, b.robot, truth)
	b.knees = 0
	for _, k := range b.info.Kneel {
		at := b.lowest(b.info.Bodies[k])
		if old, known := b.at[k]; known && truth.Touching.Has(k) && !b.touched.Has(k) {
			b.touched.Add(k)
			b.touch = max(b.touch, at.Sub(old).Norm()*float64(b.rig.Info().Rate))
		}
		b.at[k] = at
		if truth.Touching.Has(k) {
			b.knees++
		}
	}
}

// place puts a mechanism where the robot truly is.
func place(x *mechanism.State, r *estimate.Robot, truth *referee.Truth) {
	copy(x.Q[r.Q:], truth.Position[:])
	copy(x.Q[r.Q+3:], truth.Orientation[:])
	for i, j := range r.Joints {
		x.Q[j.Q] = truth.Positions[i]
	}
	x.Update()
}

// lowest is where a body's frame is, which for shanks and hands is the joint above.
func (b *button) lowest(name string) mechanism.Vector {
	k, err := b.robot.Model.Body(name)
	if err != nil {
		return mechanism.Vector{}
	}
	return b.x.Position(k)
}
