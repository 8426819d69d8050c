// Command samovar is the whole chain in one program: it brews models, keeps
// them, shows where they came from and serves them. It only wires: what a
// command does is in the package that the command is about. Start with chain.go
// for brewing and serve.go for serving.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"samovar/compute/kernel"
	"samovar/registry"
)

// globals are the flags of every command and what commands share.
type globals struct {
	StoreDir string `name:"store" placeholder:"DIR" help:"Folder of models and ledger (default $$SAMOVAR_STORE, else samovar in the user's data folder)."`
	JSON     bool   `name:"json" help:"Print one JSON document, or one a line for streams."`

	out io.Writer       `kong:"-"` // results
	err io.Writer       `kong:"-"` // everything else
	ctx context.Context `kong:"-"` // ends on Ctrl-C
}

type commands struct {
	globals

	Up       upCommand       `cmd:"" help:"Start everything on this machine: pages and APIs."`
	Design   designCommand   `cmd:"" help:"Write a recipe for these texts, this machine and so much time or energy."`
	Brew     brewCommand     `cmd:"" help:"Run the chain of a recipe: finished stages are kept, interrupted ones go on."`
	Corpus   corpusCommand   `cmd:"" help:"Collect and filter the texts of a recipe, and report what became of them."`
	Eval     evalCommand     `cmd:"" help:"Measure a model on a task, alone or against another."`
	Models   modelsCommand   `cmd:"" help:"List, show, import, export, tag and remove models."`
	Runs     runsCommand     `cmd:"" help:"List, show and repeat runs of stages."`
	Trace    traceCommand    `cmd:"" help:"Show where a model or an answer came from, back to the corpus."`
	Card     cardCommand     `cmd:"" help:"Print a model's card: what it learnt from, what it cost, how good it is, what it may be used for."`
	Withdraw withdrawCommand `cmd:"" help:"Show every model that learnt from a source, and the recipe without it."`
	Serve    serveCommand    `cmd:"" help:"Serve models' APIs, without other pages than the chat."`
	Chat     chatCommand     `cmd:"" help:"Talk to a model in the terminal; with a prompt, answer and exit."`
	Robot    robotCommand    `cmd:"" help:"A humanoid robot that hears music, dances, greets and answers."`
	Bench    benchCommand    `cmd:"" help:"Measure the machine's ceilings, and the share that a model reaches."`
	Verify   verifyCommand   `cmd:"" help:"Check every byte of the store and the whole ledger."`
	GC       gcCommand       `cmd:"" name:"gc" help:"Free what nothing names."`

	Version kong.VersionFlag `help:"Print the version."`
}

// errUsage marks errors of wrong usage, which exit with 2.
var errUsage = errors.New("wrong usage")

func main() {
	log.SetOutput(io.Discard) // the FLAC library writes there, of each frame, which files it would like to have
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends what does not heed the first
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: 0 done, 1 failed, 2 wrong usage. An error is one line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commands
	exit := -1
	parser, err := kong.New(&c, kong.Name("samovar"), kong.Description("Brew your own AI: from a folder of text to a model you can talk to, on your own machines."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Vars{"version": revision()})
	if err != nil {
		return fail(stderr, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		fail(stderr, fmt.Errorf("%w; see samovar --help", err))
		return 2
	}
	c.out, c.err, c.ctx = stdout, stderr, ctx
	if err := chooseKernel(); err != nil {
		return fail(stderr, err)
	}
	if err := k.Run(&c.globals); err != nil {
		code := fail(stderr, advise(ctx, k.Command(), err))
		if errors.Is(err, errUsage) {
			code = 2
		}
		return code
	}
	return 0
}

// advise adds what to do about errors that any command may meet.
func advise(ctx context.Context, command string, err error) error {
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		if strings.HasPrefix(command, "brew") || strings.HasPrefix(command, "eval") || strings.HasPrefix(command, "design") {
			return errors.New("interrupted; " + goesOn)
		}
		return errors.New("interrupted")
	case errors.Is(err, registry.ErrReadOnly):
		return fmt.Errorf("%w; make its folder writable, or choose another with --store", err)
	case full(err) && !strings.Contains(err.Error(), "free some space"):
		return fmt.Errorf("%w; nothing was lost: free some space, then start it again", err)
	}
	return err
}

// full says whether a disk is full. The ledger's library does not wrap what the
// system said.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), syscall.ENOSPC.Error())
}

// chooseKernel lets a test choose other instructions than the machine's best.
func chooseKernel() error {
	name := os.Getenv("SAMOVAR_KERNEL")
	if name == "" {
		return nil
	}
	_, err := kernel.Use(name)
	return err
}

// fail prints an error as one line.
func fail(w io.Writer, err error) int {
	fmt.Fprintln(w, "samovar: "+oneLine(err))
	return 1
}

// oneLine is an error in one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
