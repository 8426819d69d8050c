package main

import (
	"context"
	"errors"
	"fmt"

	"samovar/robot/balance"
	"samovar/robot/safety"
	"samovar/robot/score"
)

// run runs one trial to its end or to a fall.
func run(t trial) (out result) {
	trace, end := newTracer(t.trace), plot{path: t.plot}
	defer trace.close()
	var tale story
	var press *button
	t.Act = func(r *score.Rig) error {
		m, err := t.motionOf(r.Info(), &out)
		if err != nil {
			return err
		}
		if err := r.Perform(motion(m.Target)); err != nil { // without an end of its own
			return err
		}
		press = newButton(&t, r)
		return nil
	}
	t.Watch = func(m *score.Moment) error {
		out.last = m.Truth.Time.Seconds()
		if out.dance != nil {
			out.dance.tick(out.last, m.Sensors, m.Controller.View.Phase == balance.Swinging)
		}
		trace.write(m)
		end.see(m)
		tale.see(m.Controller, m.Truth)
		press.see(m.Truth)
		if r := press.rig.Supervisor.Report(); r.Mode > safety.Running && out.stop == "" {
			out.stop = fmt.Sprintf("%v at %.2f s: %s", r.Mode, out.last, r.Reason)
		}
		return nil
	}
	out.Result, out.err = t.Run(context.Background())
	out.err = errors.Join(out.err, end.write())
	out.story = tale.events
	if press != nil {
		out.stopped = press.stopped
	}
	return out
}
