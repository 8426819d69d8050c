package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/tabwriter"

	"samovar"
	"samovar/energy"
	"samovar/recipe"
)

type runsCommand struct {
	List   runsList   `cmd:"" help:"List the runs in the ledger."`
	Show   runsShow   `cmd:"" help:"Show one run."`
	Curve  runsCurve  `cmd:"" help:"Plot how runs of training went, or write a table of it."`
	Repeat runsRepeat `cmd:"" help:"Run a stage again and compare the digests."`
}

type runsList struct{}

func (*runsList) Run(g *globals) (err error) {
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	if !g.JSON {
		fmt.Fprintln(w, "ID\tSTAGE\tOUTPUT\tFINISHED\tTOOK\tENERGY")
	}
	err = s.runs(g.ctx, func(_ samovar.Digest, r samovar.Run) error {
		if g.JSON {
			return json.NewEncoder(g.out).Encode(r)
		}
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Stage, r.Outputs[0].Short(),
			r.Finished.Local().Format("2006-01-02 15:04:05"), duration(r.Finished.Sub(r.Started).Seconds()), joules(r.Energy.Joules))
		return err
	})
	return errors.Join(err, w.Flush())
}

type runsShow struct {
	ID string `arg:"" help:"The run's number, or a digest that it made."`
}

func (c *runsShow) Run(g *globals) (err error) {
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	r, err := s.run(g, c.ID)
	if err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(r)
	}
	printRun(g, r)
	return nil
}

// errFound ends a walk over the ledger.
var errFound = errors.New("found")

// run finds a run by its number, or by what it made.
func (s *store) run(g *globals, id string) (found samovar.Run, err error) {
	output, _ := s.Resolve(id)
	err = s.runs(g.ctx, func(_ samovar.Digest, r samovar.Run) error {
		if r.ID == id || output != "" && slices.Contains(r.Outputs, output) {
			found = r
			return errFound
		}
		return nil
	})
	switch {
	case errors.Is(err, errFound):
		return found, nil
	case err != nil:
		return found, err
	}
	head, err := s.ledger.Head()
	if err != nil {
		return found, err
	}
	return found, fmt.Errorf("no run is numbered %s or made it; the ledger has runs 0 to %d, see samovar runs list", id, head.Size-1)
}

func printRun(g *globals, r samovar.Run) {
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	line := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	line("run", "%s", r.ID)
	line("stage", "%s, version %d", r.Stage, r.Version)
	for _, name := range sorted(r.Inputs) {
		line("input", "%s %s", name, r.Inputs[name])
	}
	line("output", "%s", r.Outputs[0])
	for _, d := range r.Outputs[1:] {
		line("beside it", "%s", d)
	}
	line("configuration", "%s", r.Config)
	line("code", "%s", r.Code)
	if r.Numerics != "" {
		line("numerics", "%s", r.Numerics)
	}
	line("machine", "%s, %d threads, %s/%s", r.Machine.CPU, r.Machine.Threads, r.Machine.OS, r.Machine.Arch)
	line("energy", "%s, %s", joules(r.Energy.Joules), r.Energy.Method)
	for _, name := range sorted(r.Metrics) {
		line(name, "%s", strconv.FormatFloat(r.Metrics[name], 'g', 6, 64))
	}
	for i, a := range r.Attempts {
		line("attempt", "%d: %s, %s, %s", i+1, a.Outcome, duration(a.Ended.Sub(a.Started).Seconds()), joules(a.Energy.Joules))
	}
	line("finished", "%s", r.Finished.Local().Format("2006-01-02 15:04:05"))
}

func sorted[T any](m map[string]T) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

type runsRepeat struct {
	ID     string `arg:"" help:"The run's number, or a digest that it made."`
	Recipe string `arg:"" help:"The recipe that the run belongs to."`
}

// Run brews the recipe's chain up to the stage of the run, then that stage
// again although it is finished.
func (c *runsRepeat) Run(g *globals) (err error) {
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	before, err := s.run(g, c.ID)
	if err != nil {
		return err
	}
	r, err := recipe.Read(c.Recipe)
	if err != nil {
		return err
	}
	release, err := s.Hold(g.ctx)
	if err != nil {
		return err
	}
	defer release()
	p := newProgress(g)
	again, err := repeat(g, s, r, before, p)
	p.end()
	if err != nil {
		return err
	}
	same := again.Outputs[0] == before.Outputs[0]
	if g.JSON {
		if err := json.NewEncoder(g.out).Encode(map[string]any{"run": before.ID, "again": again.ID, "before": before.Outputs[0], "after": again.Outputs[0], "equal": same}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(g.out, "before  %s  run %s\nafter   %s  run %s\n", before.Outputs[0], before.ID, again.Outputs[0], again.ID)
	}
	if !same {
		return fmt.Errorf("run %s gives another artifact when it is repeated: %s", before.ID, difference(before, again))
	}
	return nil
}

// difference says what differed between two runs of one key.
func difference(a, b samovar.Run) string {
	var all []string
	for _, d := range []struct{ name, a, b string }{{"code", a.Code, b.Code}, {"numerics", a.Numerics, b.Numerics}, {"processor", a.Machine.CPU, b.Machine.CPU}} {
		if d.a != d.b {
			all = append(all, fmt.Sprintf("%s was %s and is %s", d.name, d.a, d.b))
		}
	}
	if all == nil {
		return "code, numerics and processor are the same, so this is a defect of the program"
	}
	return strings.Join(all, ", ")
}

// repeat runs the node whose key is that of the run.
func repeat(g *globals, s *store, r *recipe.Recipe, before samovar.Run, p *progress) (samovar.Run, error) {
	dev, err := device(r.Train.Numerics)
	if err != nil {
		return before, err
	}
	defer dev.Close()
	meter := energy.Open(g.ctx, energy.Config{})
	c, err := newChain(g.ctx, r, s, dev, meter)
	if err != nil {
		return before, err
	}
	k := recipe.Kitchen{Store: s, Meter: meter, Machine: energy.ThisMachine(energy.Config{}), Code: revision(), Recipe: r.Text, Watch: p.watch, Again: &before}
	done, err := recipe.Brew(g.ctx, c.nodes, k)
	if err != nil {
		return before, err
	}
	for _, d := range done {
		if d.Run.Key == before.Key {
			return d.Run, nil
		}
	}
	return before, fmt.Errorf("run %s is no part of this recipe as it stands: it has another run for its stage, %s", before.ID, before.Stage)
}
