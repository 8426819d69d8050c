// Command body is a simulated robot in a process of its own: a controller drives
// it over a socket as it would drive a machine, and a referee sees over another
// what is true of it. It refuses to run without MuJoCo, which only a build with tag
// mujoco has: `make robot`. Start with [options], then world.go for what a body
// does in a tick, and sim.c for what MuJoCo does in a step.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"samovar/robot/body"
	"samovar/robot/referee"
	"samovar/robot/wire"
)

// options are the flags of this command.
type options struct {
	Control  string `default:"unix:body.sock" help:"Address for the controller: unix:PATH or tcp:127.0.0.1:PORT."`
	Referee  string `help:"Address for the referee; without one there is none."`
	Lockstep bool   `help:"Wait for the controller's command of each tick, and the referee's word, instead of running by the clock."`
	Once     bool   `help:"End when the controller and the referee have left."`

	Model string    `default:"own" help:"The robot: own, or the path of an MJCF file."`
	Start []string  `placeholder:"NAME=RAD" help:"Where joints whose names contain NAME start, such as knee=0.5."`
	Torso string    `help:"The body that is pushed and whose tilt counts (default: the one that is named torso, else the base)."`
	Feet  []string  `help:"The bodies that may touch the floor (default: those that are named foot or ankle_roll)."`
	Seed  uint64    `help:"Decides noise and lost frames."`
	Step  float64   `default:"2" placeholder:"MS" help:"A step of the physics."`
	Delay []float64 `placeholder:"MS" help:"How late sensors are, and after a comma commands."`
	Noise float64   `help:"Noise of the sensors: 1 is that of common ones, 0 none."`

	Friction float64 `help:"Friction of the floor (default: the model's)."`
	Mass     float64 `default:"1" help:"Factor of all masses."`
	Slope    float64 `placeholder:"DEGREES" help:"How steep the floor rises ahead of the robot."`
	Uphill   float64 `placeholder:"DEGREES" help:"Turns the slope's direction to the robot's left."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "body:", err)
		if errors.As(err, new(*kong.ParseError)) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// addresses are the line that is printed when both sockets listen.
type addresses struct {
	Control string `json:"control"`
	Referee string `json:"referee,omitempty"`
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	var o options
	parser, err := kong.New(&o, kong.Name("body"), kong.Description("A simulated robot, for a controller in another process."))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	w, err := newWorld(&o)
	if err != nil {
		return fmt.Errorf("build the body %s: %w", o.Model, err)
	}
	control, err := wire.Listen(o.Control)
	if err != nil {
		return fmt.Errorf("listen for the controller at %s: %w", o.Control, err)
	}
	r := &runner{world: w, log: log, once: o.Once, controls: body.NewHost(control, w.info, w.step)}
	defer r.controls.Close()
	say := addresses{Control: wire.Address(control)}
	if o.Referee != "" {
		l, err := wire.Listen(o.Referee)
		if err != nil {
			return fmt.Errorf("listen for the referee at %s: %w", o.Referee, err)
		}
		r.referees = referee.NewHost(l, w.rules)
		defer r.referees.Close()
		say.Referee = wire.Address(l)
	}
	if err := json.NewEncoder(out).Encode(say); err != nil {
		return err
	}
	if o.Lockstep {
		return r.lockstep(ctx)
	}
	return r.clock(ctx, time.Now())
}
