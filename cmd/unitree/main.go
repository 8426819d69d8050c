// Command unitree is a bridge between a controller of Samovar and a humanoid of Unitree:
// it is the body's side of our protocol, and the controller's side of Unitree's, which is
// messages rt/lowcmd and rt/lowstate over DDS. It refuses messages with a wrong checksum
// and to run without Cyclone DDS, which only a build with tag cyclone has: `make unitree`.
// With --simulate it is the machine instead, whose part a simulated body plays. Start with
// [bridge].
//
// It has never moved a real machine. What Unitree's interface is was taken from the
// public SDK; nothing here is Unitree's code.
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
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
	"samovar/robot/wire"
)

// options are the flags of this command.
type options struct {
	Control   string   `default:"unix:unitree.sock" help:"Address for the controller: unix:PATH or tcp:127.0.0.1:PORT."`
	Interface string   `default:"lo" help:"The network interface of the machine; lo is this computer, for --simulate."`
	Domain    uint32   `help:"DDS domain; that of Unitree's machines is 0."`
	Model     string   `default:"own" help:"Joints and limits: own, or the machine's MJCF file."`
	Motors    []string `placeholder:"JOINT" help:"Names of joints by number of motor (default: those of a G1)."`
	Rate      int      `default:"500" help:"States a second that the machine sends, Hz."`
	Lockstep  bool     `help:"Machine and controller wait for each other, for tests: a state for each command, and a command for each state."`

	Simulate bool     `help:"Be the machine, whose part a simulated body plays."`
	Body     []string `sep:"none" placeholder:"FLAG" help:"Further flags of the simulated body, such as --noise=1."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "unitree:", err)
		if errors.As(err, new(*kong.ParseError)) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// addresses are the line that is printed when somebody may connect.
type addresses struct {
	Control string `json:"control,omitempty"`
	Referee string `json:"referee,omitempty"` // of the simulated body
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	var o options
	parser, err := kong.New(&o, kong.Name("unitree"), kong.Description("A bridge between a controller and a humanoid of Unitree."))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	m, err := o.machine()
	if err != nil {
		return err
	}
	bus, err := newBus(o.Domain, o.Interface, o.Simulate, o.Lockstep)
	if err != nil {
		return fmt.Errorf("join DDS domain %d on %s: %w", o.Domain, o.Interface, err)
	}
	defer bus.close()
	if o.Simulate {
		return m.simulate(ctx, &o, bus, out, log)
	}
	l, err := wire.Listen(o.Control)
	if err != nil {
		return fmt.Errorf("listen for the controller at %s: %w", o.Control, err)
	}
	if o.Interface != loopback {
		fmt.Fprintln(log, "unitree: this bridge has never moved a real machine: hang it up, keep away, and keep its own stop at hand")
	}
	b := newBridge(m, bus, l, o.Rate, log)
	defer b.controls.Close()
	if err := json.NewEncoder(out).Encode(addresses{Control: wire.Address(l)}); err != nil {
		return err
	}
	return b.run(ctx)
}

// machine is what is known of a machine.
type machine struct {
	info   body.Info
	motors []int // of each joint
}

// machine reads the model.
func (o *options) machine() (*machine, error) {
	switch {
	case o.Rate < body.SlowestRate || o.Rate > body.FastestRate || time.Second%time.Duration(o.Rate) != 0:
		return nil, fmt.Errorf("a rate of %d Hz: choose %d to %d, of whole ns", o.Rate, body.SlowestRate, body.FastestRate)
	case o.Domain > 230: // RTPS 2.2, section 9.6.1.1: ports of the next ones do not exist
		return nil, fmt.Errorf("DDS domain %d: 0 to 230 are possible", o.Domain)
	}
	model := humanoid.Own()
	if o.Model != "own" {
		f, err := os.Open(o.Model)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if model, err = mechanism.Read(f); err != nil {
			return nil, fmt.Errorf("%s: %w", o.Model, err)
		}
	}
	info, err := describe(model)
	if err != nil {
		return nil, fmt.Errorf("the model %s: %w", o.Model, err)
	}
	info.Lockstep = o.Lockstep
	motors := o.Motors
	if motors == nil {
		motors = g1
	}
	all, err := numbers(info.Joints, motors)
	if err != nil {
		return nil, fmt.Errorf("the model %s: %w", o.Model, err)
	}
	return &machine{info, all}, nil
}

// loopback is the interface of this computer alone.
const loopback = "lo"

// bus carries messages: commands to the machine and its states, or the other way round
// where this program is the machine. Methods may be called from any goroutine; a message
// lies in memory of its own, which C is given.
type bus interface {
	// met reports whether somebody reads what is sent, and sends what is read.
	met() bool
	send(message any) error // *lowCommand, *lowState
	// receive waits for the newest message, but not for longer than a tenth of a second.
	receive(message any) (bool, error)
	close()
}

// join waits until the other side is there.
func join(ctx context.Context, b bus) error {
	for !b.met() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
