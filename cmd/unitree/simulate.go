package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"samovar/robot/body"
)

// mode is what the simulated machine says it is, and wants to hear again; that of a real
// one is another number.
const mode = 7

// simulate is the machine: states are what a simulated body senses, and it does what it
// is commanded.
func (m *machine) simulate(ctx context.Context, o *options, b bus, out, log io.Writer) error {
	program, err := body.Find()
	if err != nil {
		return err
	}
	args := append([]string{"--model", o.Model}, o.Body...)
	if o.Lockstep {
		args = append(args, "--lockstep")
	}
	process, err := body.Launch(ctx, program, log, args...)
	if err != nil {
		return err
	}
	defer process.Close()
	if err := json.NewEncoder(out).Encode(addresses{Referee: process.Referee}); err != nil {
		return err
	}
	link, err := body.Dial(process.Control, o.Rate)
	if err != nil {
		return err
	}
	defer link.Close()
	s := &simulated{machine: m, bus: b, link: link, log: log, command: link.Info().NewCommand(), state: new(lowState)}
	if err := join(ctx, b); err != nil {
		return nil
	}
	if o.Lockstep {
		err = s.lockstep(ctx)
	} else {
		err = s.clock(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// simulated is a machine in a simulation.
type simulated struct {
	*machine
	bus     bus
	link    *body.Link
	log     io.Writer
	command *body.Command
	state   *lowState
}

// lockstep sends a state, and waits for the command that answers it.
func (s *simulated) lockstep(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.show(); err != nil {
			return err
		}
		for done := false; !done; {
			var err error
			if done, err = s.obey(); err != nil || ctx.Err() != nil {
				return err
			}
		}
	}
	return nil
}

// clock sends states when they are there, and obeys commands when they come.
func (s *simulated) clock(ctx context.Context) error {
	failed := make(chan error, 2)
	repeat := func(do func() error) {
		for ctx.Err() == nil {
			if err := do(); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}
	go repeat(s.show)
	go repeat(func() error { _, err := s.obey(); return err })
	err := <-failed
	s.link.Close()
	return err
}

// show sends what is sensed. In lockstep a tick whose sensors were lost is answered for
// by those before it.
func (s *simulated) show() error {
	sensors := s.link.Info().NewSensors()
	err := s.link.Receive(sensors)
	switch {
	case errors.Is(err, body.ErrStale) && s.info.Lockstep:
		return s.bus.send(s.state)
	case errors.Is(err, body.ErrStale):
		return nil
	case err != nil:
		return err
	}
	for k, u := range s.link.Info().Units {
		if u.Body == s.info.Units[0].Body {
			sensors.Units[0] = sensors.Units[k]
		}
	}
	s.state.sense(sensors, s.motors, mode)
	return s.bus.send(s.state)
}

// obey waits for a command, but not for longer than a tenth of a second.
func (s *simulated) obey() (bool, error) {
	var c lowCommand
	came, err := s.bus.receive(&c)
	if !came || err != nil {
		return false, err
	}
	err = c.drives(s.command, s.motors)
	if err == nil && c.ModeMachine != mode {
		err = fmt.Errorf("a command for machine %d, this is %d", c.ModeMachine, mode)
	}
	if err != nil {
		fmt.Fprintf(s.log, "unitree: %v: not followed\n", err)
		return false, nil
	}
	return true, s.link.Send(s.command)
}
