package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"samovar"
	"samovar/recipe"
	"samovar/runs"
)

// page is what the page Runs is answered from.
type page struct {
	*store
	data []string // folders that recipes from the page may name
}

// open returns the routes of the page. put is told of each model that a brew
// has named.
func (p *page) open(ctx context.Context, log *slog.Logger, put func(shown)) (*runs.Server, error) {
	return runs.New(ctx, runs.Config{
		Dir: p.brews(), Command: p.command, Check: p.check, Suits: suits,
		Taken: func(name string) bool { _, err := p.Resolve(name); return err == nil },
		Ended: func(b runs.Brew) {
			if err := p.named(ctx, b, put); err != nil {
				log.Warn("a new model is not served", "name", b.Name, "error", err)
			}
		},
		Runs: p.list, Run: p.show, Curve: p.curve,
		Live: func(key samovar.Digest) (samovar.Curve, error) {
			return recipe.ReadCurve(p.Scratch(key))
		},
	})
}

// command is this program as it brews a recipe, which it designs first if there
// is an order. It is asked to end as by Ctrl-C.
func (p *page) command(ctx context.Context, recipe string, o *runs.Order) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	args := []string{"brew", "--json", "--store", p.Dir(), recipe}
	if o != nil {
		args = append([]string{"design", "--json", "--store", p.Dir(), "--brew", "--out", recipe}, designFor(*o).args()...)
	}
	c := exec.CommandContext(ctx, self, args...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = time.Minute // a checkpoint is written within
	return c
}

// suits looks at the texts of an order, which the design reads and nothing
// else, and says what is wrong before anything is run.
func suits(ctx context.Context, o runs.Order) error {
	request, err := designFor(o).request(ctx)
	if err != nil {
		return err
	}
	_, err = (&workbench{data: o.Data}).read(request.First())
	return err
}

// check reads a recipe that the page sends. What it names lies in the dropped
// folder, or in a folder that whoever started the server has named: a page is
// no way to the other files of this machine.
func (p *page) check(text []byte, dir string) (string, error) {
	r, err := recipe.Parse(text, dir)
	if err != nil {
		return "", err
	}
	allowed := append([]string{dir}, p.data...)
	for _, name := range []string{"SAMOVAR_DATA", "GOROOT"} {
		if v := os.Getenv(name); v != "" {
			allowed = append(allowed, v)
		}
	}
	if goroot := goRoot(); goroot != "" {
		allowed = append(allowed, goroot)
	}
	for i, path := range r.Reads {
		if !within(path, allowed) {
			return "", fmt.Errorf("path %d of the recipe lies in no folder that this page may read: start samovar up with --data and the folder's name, or drop the folder on the page", i+1)
		}
	}
	return r.Name, nil
}

// goRoot is where the sources of this machine's Go lie; empty if it has none.
var goRoot = sync.OnceValue(func() string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
})

// within reports whether a cleaned path, which may be a pattern, lies in one of
// the folders.
func within(path string, folders []string) bool {
	path = filepath.Clean(path)
	for _, folder := range folders {
		folder, err := filepath.Abs(folder)
		if err != nil {
			continue
		}
		if rel, err := filepath.Rel(folder, path); err == nil && filepath.IsLocal(rel) {
			return true
		}
	}
	return false
}

// named tells of the models that a brew has named.
func (p *page) named(ctx context.Context, b runs.Brew, put func(shown)) error {
	if b.State != runs.Finished {
		return nil
	}
	c, err := p.catalogue(ctx)
	if err != nil {
		return err
	}
	all, err := c.models(false)
	for _, m := range all {
		if m.Name == b.Name || strings.HasPrefix(m.Name, b.Name+"-") {
			put(m)
		}
	}
	return err
}

// finished is what is told of one run.
type finished struct {
	ID       string             `json:"id"`
	Stage    string             `json:"stage"`
	Name     string             `json:"name,omitempty"` // of the model that came of it
	Output   samovar.Digest     `json:"output"`
	Started  time.Time          `json:"started"`
	Finished time.Time          `json:"finished"`
	Seconds  float64            `json:"seconds"` // of all attempts
	Attempts int                `json:"attempts"`
	Energy   samovar.Energy     `json:"energy"`
	Metrics  map[string]float64 `json:"metrics,omitempty"`
	Bits     float64            `json:"bits_per_byte,omitempty"` // of the finished model on held-out text
	Curve    bool               `json:"curve"`
	Machine  samovar.Machine    `json:"machine"`
	Numerics string             `json:"numerics,omitempty"`
	Code     string             `json:"code"`
}

// describeRun is a run for the page, with the name and figures of its model.
func describeRun(r samovar.Run, names map[samovar.Digest]string, bits map[samovar.Digest]float64) finished {
	f := finished{
		ID: r.ID, Stage: r.Stage, Name: names[r.Outputs[0]], Output: r.Outputs[0], Started: r.Started, Finished: r.Finished, Attempts: len(r.Attempts),
		Energy: r.Energy, Metrics: r.Metrics, Bits: bits[r.Outputs[0]], Curve: r.Curve != "", Machine: r.Machine, Numerics: r.Numerics, Code: r.Code,
	}
	f.Machine.Host = "" // nobody's business on a page
	for _, a := range r.Attempts {
		f.Seconds += a.Ended.Sub(a.Started).Seconds()
	}
	return f
}

// names gives each model the shortest of the tags that it or what was made of
// it has: a tuned model's name is that of its training too.
func (c *catalogue) names() (map[samovar.Digest]string, error) {
	tags, err := c.store.Tags()
	if err != nil {
		return nil, err
	}
	names := map[samovar.Digest]string{}
	for _, t := range tags {
		for d := t.Digest; d != ""; {
			if old, ok := names[d]; !ok || len(t.Name) < len(old) {
				names[d] = t.Name
			}
			run, ok := c.makers[d]
			if !ok || run.Stage != "tune" && run.Stage != "prefer" && run.Stage != "quantize" {
				break
			}
			d = run.Inputs["model"]
		}
	}
	return names, nil
}

// list is every run that trained a model, the latest first.
func (p *page) list(ctx context.Context) (any, error) {
	c, err := p.catalogue(ctx)
	if err != nil {
		return nil, err
	}
	names, err := c.names()
	if err != nil {
		return nil, err
	}
	all := []finished{}
	err = p.runs(ctx, func(_ samovar.Digest, r samovar.Run) error {
		if r.Stage == "train" || r.Stage == "tune" || r.Stage == "prefer" {
			all = append(all, describeRun(r, names, c.bits))
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b finished) int { return b.Finished.Compare(a.Finished) })
	return map[string]any{"runs": all}, err
}

// find returns the run of that number, with a catalogue.
func (p *page) find(ctx context.Context, id string) (samovar.Run, *catalogue, error) {
	c, err := p.catalogue(ctx)
	if err != nil {
		return samovar.Run{}, nil, err
	}
	var found *samovar.Run
	err = p.runs(ctx, func(_ samovar.Digest, r samovar.Run) error {
		if r.ID == id {
			found = &r
			return errFound
		}
		return nil
	})
	if found == nil {
		if err == nil {
			err = fmt.Errorf("there is no run %.20q: %w", id, runs.ErrUnknown)
		}
		return samovar.Run{}, nil, err
	}
	return *found, c, nil
}

// show is one run with what decided it: the configuration of each stage that
// it stands on, and its sources.
func (p *page) show(ctx context.Context, id string) (any, error) {
	r, c, err := p.find(ctx, id)
	if err != nil {
		return nil, err
	}
	names, err := c.names()
	if err != nil {
		return nil, err
	}
	settings, sources, err := c.settings(r)
	return map[string]any{"run": describeRun(r, names, c.bits), "settings": settings, "sources": sources}, err
}

// settings walks the lineage of a run and gathers the configuration of each
// stage on the way; that of the plan with its defaults filled in.
func (c *catalogue) settings(r samovar.Run) (map[string]json.RawMessage, []sourceLine, error) {
	settings := map[string]json.RawMessage{}
	sources := []sourceLine{}
	seen := map[string]bool{}
	for queue := []samovar.Run{r}; len(queue) > 0; queue = queue[1:] {
		run := queue[0]
		if seen[run.ID] {
			continue
		}
		seen[run.ID] = true
		switch _, there := settings[run.Stage]; {
		case run.Stage == "collect":
			lines, err := c.store.sources(ancestor{Digest: run.Outputs[0]}, run)
			if err != nil {
				return nil, nil, err
			}
			sources = append(sources, lines...)
		case !there:
			settings[run.Stage] = run.Config
			if a, err := c.store.Get(run.Outputs[0]); err == nil && run.Stage == "plan" {
				settings["plan"] = a.Config
			}
		}
		for _, name := range sorted(run.Inputs) {
			if maker, ok := c.makers[run.Inputs[name]]; ok {
				queue = append(queue, maker)
			}
		}
	}
	return settings, sources, nil
}

// curve is that of a finished run.
func (p *page) curve(ctx context.Context, id string) (samovar.Curve, error) {
	r, _, err := p.find(ctx, id)
	if err != nil {
		return samovar.Curve{}, err
	}
	return p.store.curve(r)
}
