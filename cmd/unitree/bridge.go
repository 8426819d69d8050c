package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"samovar/robot/body"
)

// repeat is how often a command is sent while no newer one has come: as often as
// Unitree's own programs do.
const repeat = 2 * time.Millisecond

// bridge passes states of a machine on to whoever controls it, and commands back. While
// commands are missing it has all joints brake.
type bridge struct {
	*machine
	bus      bus
	controls *body.Host
	rate     int // of the machine's states, Hz
	log      io.Writer

	control *body.Session // nil: nobody
	sensors *body.Sensors
	command *body.Command // in force
	out     *lowCommand
	states  uint64    // since the controller has come
	mode    uint8     // of the machine
	moved   bool      // somebody has commanded: from then on the machine is never without a command
	expires time.Time // of the command in force
	refused uint64    // states
}

// newBridge lets controllers connect at l.
func newBridge(m *machine, b bus, l net.Listener, rate int, log io.Writer) *bridge {
	r := &bridge{machine: m, bus: b, rate: rate, log: log, sensors: m.info.NewSensors(), command: m.info.NewCommand(), out: new(lowCommand)}
	r.controls = body.NewHost(l, m.info, time.Second/time.Duration(rate))
	return r
}

// run passes messages until ctx ends; the machine then brakes.
func (b *bridge) run(ctx context.Context) error {
	if err := join(ctx, b.bus); err != nil {
		return nil
	}
	states, failed := b.listen(ctx)
	timer := time.NewTicker(repeat)
	defer timer.Stop()
	for {
		var err error
		select {
		case s := <-b.wanted(states):
			b.sense(s)
		case s := <-b.controls.Sessions():
			b.control, b.states = s, 0
			fmt.Fprintf(b.log, "unitree: a controller is there, at %d Hz\n", s.Info.Rate)
		case <-b.news():
			err = b.obey()
		case <-timer.C:
			err = b.hold()
		case err = <-failed:
		case <-ctx.Done():
			return b.brake()
		}
		if err != nil {
			return err
		}
	}
}

// listen reads states in a goroutine of its own.
func (b *bridge) listen(ctx context.Context) (<-chan *lowState, <-chan error) {
	states, failed := make(chan *lowState), make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			s := new(lowState)
			switch came, err := b.bus.receive(s); {
			case err != nil:
				failed <- fmt.Errorf("receive a state of the machine: %w", err)
				return
			case came:
				select {
				case states <- s:
				case <-ctx.Done():
				}
			}
		}
	}()
	return states, failed
}

// wanted are the states, unless they wait for a controller: in lockstep none may be lost.
func (b *bridge) wanted(states <-chan *lowState) <-chan *lowState {
	if b.info.Lockstep && b.control == nil {
		return nil
	}
	return states
}

// news rings when the controller has said something; without one it never does.
func (b *bridge) news() <-chan struct{} {
	if b.control == nil {
		return nil
	}
	return b.control.News()
}

// sense passes a state on.
func (b *bridge) sense(s *lowState) {
	if err := s.sensors(b.sensors, b.motors); err != nil {
		if b.refused++; b.refused == 1 {
			fmt.Fprintln(b.log, "unitree:", err)
		}
		return
	}
	b.mode = s.ModeMachine
	if b.control == nil {
		return
	}
	every := uint64(b.rate / b.control.Info.Rate)
	if b.states++; b.states%every != 0 {
		return
	}
	b.sensors.Sequence, b.sensors.Time, b.sensors.Status = b.states/every, time.Duration(s.Tick)*time.Millisecond, 0
	switch {
	case !b.moved:
		b.sensors.Status = body.Held
	case time.Now().After(b.expires) && !b.info.Lockstep:
		b.sensors.Status = body.Damping
	}
	b.control.Send(b.sensors)
}

// obey sends what the controller commands.
func (b *bridge) obey() error {
	fresh, lost := b.control.Take(b.command)
	if fresh {
		b.moved, b.expires = true, time.Now().Add(b.control.Info.Stale)
		if err := b.send(); err != nil {
			return err
		}
	}
	if lost != nil {
		fmt.Fprintln(b.log, "unitree: damping:", lost)
		b.control.Close()
		b.control = nil
		return b.brake()
	}
	return nil
}

// hold repeats the command in force, or has the machine brake when it is stale.
func (b *bridge) hold() error {
	switch {
	case !b.moved || b.info.Lockstep:
		return nil
	case time.Now().After(b.expires):
		return b.brake()
	}
	return b.send()
}

// brake has all joints brake, if anybody has ever moved them.
func (b *bridge) brake() error {
	if !b.moved {
		return nil
	}
	b.info.Damp(b.command)
	b.expires = time.Time{}
	return b.send()
}

func (b *bridge) send() error {
	b.out.command(b.command, b.motors, b.mode)
	if err := b.bus.send(b.out); err != nil {
		return fmt.Errorf("command the machine: %w", err)
	}
	return nil
}
