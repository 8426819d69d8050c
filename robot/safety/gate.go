package safety

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"samovar/robot/body"
)

// ErrStopped is within what a controller is told while the supervisor has the
// body.
var ErrStopped = errors.New("the supervisor has stopped the robot")

// patience is how long a body in lockstep waits for its controller before it
// counts as silent: time there is the controller's, but not for ever.
const patience = 5 * time.Second

// gate is the controller's side of a supervisor.
type gate struct {
	info *body.Info

	mu      sync.Mutex
	sensors *body.Sensors
	stale   error
	tick    uint64 // grows with each pass
	given   uint64 // the tick that Receive gave last
	open    bool   // commands are followed
	command *body.Command
	fresh   bool
	present bool // the controller has tried to command since the tick
	gone    error

	ticked    chan struct{} // tick has grown, or the body is gone; holds one
	commanded chan struct{} // the controller is present; holds one
	late      *time.Timer
}

func newGate(i *body.Info) *gate {
	return &gate{
		info: i, sensors: i.NewSensors(), command: i.NewCommand(),
		ticked: make(chan struct{}, 1), commanded: make(chan struct{}, 1), late: time.NewTimer(time.Hour),
	}
}

func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pass shows a tick to the controller, and if it is awaited waits for its command.
// In lockstep a controller that is there goes along with every tick, so that time
// is the same for all, also while it is not listened to.
func (g *gate) pass(s *body.Sensors, stale error, await bool, c *body.Command) (commanded bool) {
	g.mu.Lock()
	s.CopyTo(g.sensors)
	g.stale, g.open = stale, await
	g.tick++
	g.fresh = g.fresh && await
	await = await || g.info.Lockstep && g.present
	g.present = false
	g.mu.Unlock()
	ring(g.ticked)
	if !await {
		return false
	}
	limit := g.info.Period() * 4 / 5 // what is left is for the body
	if g.info.Lockstep {
		limit = patience
	}
	g.late.Reset(limit)
	for waiting := true; waiting; {
		select {
		case <-g.commanded:
			g.mu.Lock()
			waiting = !g.present // a ring may be from before this tick
			g.mu.Unlock()
		case <-g.late.C:
			waiting = false
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	commanded = g.fresh // or one that was too late for the tick before
	if g.fresh = false; commanded {
		copy(c.Joints, g.command.Joints)
	}
	return commanded
}

func (g *gate) end(err error) {
	g.mu.Lock()
	g.gone = err
	g.mu.Unlock()
	ring(g.ticked)
}

// Info says what the body is.
func (g *gate) Info() *body.Info { return g.info }

// Receive waits for the next tick.
func (g *gate) Receive(s *body.Sensors) error {
	for {
		g.mu.Lock()
		fresh, stale, gone := g.tick > g.given, g.stale, g.gone
		if fresh {
			g.given = g.tick
			if stale == nil {
				g.sensors.CopyTo(s)
			}
		}
		g.mu.Unlock()
		switch {
		case fresh:
			return stale
		case gone != nil:
			ring(g.ticked) // for the next call
			return gone
		}
		<-g.ticked
	}
}

// Send hands a command to the supervisor.
func (g *gate) Send(c *body.Command) error {
	if len(c.Joints) != len(g.info.Joints) {
		return fmt.Errorf("send a command: %w", c.Check(len(g.info.Joints)))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone != nil {
		return g.gone
	}
	g.present = true
	ring(g.commanded)
	if !g.open {
		return ErrStopped
	}
	copy(g.command.Joints, c.Joints) // that it is not finite is the supervisor's to count
	g.fresh = true
	return nil
}

// Close leaves the body to the supervisor.
func (g *gate) Close() error { return nil }
