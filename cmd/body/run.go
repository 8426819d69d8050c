package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"samovar/robot/body"
	"samovar/robot/referee"
)

// runner lets a world live with whoever is connected to it.
type runner struct {
	world    *world
	controls *body.Host
	referees *referee.Host // nil: there are none
	control  *body.Session // nil: nobody
	referee  *referee.Session
	command  *body.Command
	log      io.Writer
	once     bool
	silent   bool // a fault: nothing passes
	refused  uint64
}

// join takes a controller.
func (r *runner) join(s *body.Session) {
	r.control, r.command = s, s.Info.NewCommand()
	r.world.setRate(s.Info.Rate)
	r.world.samples = nil
}

// part is the end of a controller's link: drives brake at once.
func (r *runner) part(err error) {
	fmt.Fprintln(r.log, "body: damping:", err)
	r.refused += r.control.Refused()
	r.control.Close()
	r.control = nil
	r.world.lose()
}

func (r *runner) dismiss(err error) {
	fmt.Fprintln(r.log, "body: the referee's link:", err)
	r.referee.Close()
	r.referee = nil
}

// refereesJoin is nil, and never ready, where there are no referees.
func (r *runner) refereesJoin() <-chan *referee.Session {
	if r.referees == nil {
		return nil
	}
	return r.referees.Sessions()
}

// show sends out a tick: sensors to the controller, truth to the referee.
func (r *runner) show() (missed bool) {
	sensors, silent := r.world.sense()
	r.silent = silent
	if r.control != nil && sensors != nil {
		r.control.Send(sensors)
	}
	if r.referee != nil {
		refused := r.refused
		if r.control != nil {
			refused += r.control.Refused()
		}
		r.referee.Send(r.world.report(refused))
	}
	return sensors == nil
}

// obey hands a command to the drives, unless it does not get through.
func (r *runner) obey() {
	if !r.silent {
		r.world.command(r.command, r.control.Info.Stale)
	}
}

// lockstep waits in each tick for the controller's command and the referee's
// word. It begins when everybody is there and ends when everybody has left.
func (r *runner) lockstep(ctx context.Context) error {
	for r.control == nil || r.referees != nil && r.referee == nil {
		select {
		case s := <-r.controls.Sessions():
			r.join(s)
		case r.referee = <-r.refereesJoin():
		case <-ctx.Done():
			return nil
		}
	}
	control, judge := r.control, r.referee
	defer context.AfterFunc(ctx, func() { hangUp(control, judge) })()
	for r.control != nil || r.referee != nil {
		missed := r.show()
		if err := r.answers(missed); err != nil {
			r.part(err)
		}
		if r.referee != nil {
			err := r.referee.Await(r.world.tick)
			if err == nil {
				var all []referee.Event
				all, err = r.referee.Events()
				r.world.happen(all)
			}
			if err != nil {
				r.dismiss(err)
			}
		}
		if r.control == nil && r.referee == nil {
			return nil
		}
		if err := r.world.leave(); err != nil {
			return err
		}
	}
	return nil
}

// answers waits for the controller's command of this tick.
func (r *runner) answers(missed bool) error {
	if r.control == nil {
		return nil
	}
	tick := r.world.tick
	if missed {
		if err := r.control.Miss(tick, r.world.at(r.world.now)); err != nil {
			return err
		}
	}
	if err := r.control.Await(tick, r.command); err != nil {
		return err
	}
	r.obey()
	return nil
}

// hangUp ends links, so that nothing waits for them.
func hangUp(c *body.Session, r *referee.Session) {
	if c != nil {
		c.Close()
	}
	if r != nil {
		r.Close()
	}
}

// slip is how far the body may lag behind the clock before it gives up catching
// up: time is then lost rather than run faster.
const slip = 100 * time.Millisecond

// clock runs by the clock. A command that arrives within a tick holds for all of
// it, as in lockstep: a tick is computed at its end.
func (r *runner) clock(ctx context.Context, next time.Time) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	lost := time.Duration(0)
	for {
		r.show()
		next = next.Add(r.world.at(r.world.period))
		if late := time.Since(next); late > slip {
			lost += late
			next = next.Add(late)
		}
		timer.Reset(time.Until(next))
		for waiting := true; waiting; {
			select {
			case <-timer.C:
				waiting = false
			case s := <-r.controls.Sessions():
				r.join(s)
			case r.referee = <-r.refereesJoin():
			case <-ctx.Done():
				hangUp(r.control, r.referee)
				if lost > 0 {
					fmt.Fprintf(r.log, "body: this machine was too slow by %v of %v\n", lost.Round(time.Millisecond), r.world.at(r.world.now))
				}
				return nil
			}
		}
		if gone := r.listen(); gone && r.once {
			return nil
		}
		if err := r.world.leave(); err != nil {
			return err
		}
	}
}

// listen takes what has come within a tick, and reports whether the last to
// leave has just left.
func (r *runner) listen() (gone bool) {
	if r.control != nil {
		fresh, err := r.control.Take(r.command)
		if fresh {
			r.obey()
		}
		if err != nil {
			r.part(err)
			gone = r.referee == nil
		}
	}
	if r.referee != nil {
		all, err := r.referee.Events()
		r.world.happen(all)
		if err != nil {
			r.dismiss(err)
			gone = r.control == nil && r.world.released >= 0
		}
	}
	return gone
}
