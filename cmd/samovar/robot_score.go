package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"

	"samovar/robot/dance"
	"samovar/robot/music"
	"samovar/robot/score"
)

type scoreCommand struct {
	Songs  string `required:"" type:"existingdir" placeholder:"DIR" help:"Folder of songs to dance to, and of folders of them."`
	Seeds  int    `default:"1" help:"Dances to each song, each of its own seed."`
	trials `embed:""`
}

// Help says what is not seen in the flags.
func (c *scoreCommand) Help() string {
	return "Without --push and --vary the whole table is measured: dances without pushes, pushed, varied, with faults and with stops, and how well beats are heard. With --push (0 is none) or --vary it is that condition alone."
}

// scored is what came of many dances; of a table, of those without pushes.
type scored struct {
	Body        string   `json:"body"`
	Songs       []string `json:"songs"`
	Push        float64  `json:"push_ns"`
	Vary        bool     `json:"vary"`
	Alike       float64  `json:"shared_phrases"`        // greatest share that dances to two songs have in common
	Calibration string   `json:"calibration,omitempty"` // why it failed
	score.Summary
	Table  []score.Row   `json:"table,omitempty"`
	Others []score.Tried `json:"others,omitempty"` // dances under the table's other conditions
}

// series are the trials of a call.
type series struct {
	*scoreCommand
	songs  []string
	heard  []music.Analysis // of each song
	dances []*dance.Dance   // the k-th to song k modulo their number, of seed k + 1
	lead   dance.Lead
	ears   score.Ears

	mu   sync.Mutex
	jobs []job
}

// job is a part of a series that is done at once; with an error it counts for nothing.
type job func(context.Context) error

// whole says whether the whole table is asked for.
func (c *scoreCommand) whole() bool { return c.Push == nil && !c.Vary }

func (c *scoreCommand) Run(g *globals) error {
	if c.Seeds < 1 {
		return errors.New("--seeds is at least 1")
	}
	s := &series{scoreCommand: c}
	out := scored{Body: c.Body, Push: c.push(), Vary: c.Vary}
	err := s.prepare(g)
	if err != nil {
		return err
	}
	if s.lead, out.Calibration, err = calibrate(g.ctx, score.Trial{Model: c.Body}); err != nil {
		return err
	}
	tried := s.plan()
	err = s.perform(g)
	for i := range tried { // those that ended
		tried[i].Results = slices.DeleteFunc(tried[i].Results, func(r score.Result) bool { return r.Model == "" })
	}
	if len(tried[0].Results) == 0 {
		return err
	}
	out.Songs, out.Alike, out.Summary = s.songs, alike(s.dances, len(s.songs)), score.Summarise(tried[0].Results)
	if c.whole() {
		out.Table, out.Others = score.Table(tried, s.ears), tried[1:]
	}
	if g.JSON {
		return errors.Join(err, json.NewEncoder(g.out).Encode(out))
	}
	return errors.Join(err, out.print(g.out))
}

// prepare hears the songs, each once, and composes dances to them.
func (s *series) prepare(g *globals) (err error) {
	if s.songs, err = songsIn(s.Songs); err != nil {
		return err
	}
	p := rehearse(g, "listen", "songs", int64(len(s.songs)))
	defer p.end()
	for k, path := range s.songs {
		if err := g.ctx.Err(); err != nil {
			return err
		}
		a, err := hear(path)
		if err != nil {
			return err
		}
		s.heard = append(s.heard, a)
		p.reach(int64(k + 1))
	}
	for k := range len(s.songs) * s.Seeds {
		n := k % len(s.songs)
		d, err := danceTo(s.songs[n], &s.heard[n], uint64(k+1))
		if err != nil {
			return err
		}
		s.dances = append(s.dances, d)
	}
	return nil
}

// plan makes the jobs of a series, and returns where results come to be.
func (s *series) plan() []score.Tried {
	conditions := []score.Condition{{}}
	if s.whole() {
		conditions = score.Conditions()
		s.listen()
	}
	tried := make([]score.Tried, len(conditions))
	for i := range tried {
		tried[i] = score.Tried{Condition: conditions[i], Results: make([]score.Result, len(s.dances))}
		if conditions[i].Fault {
			tried[i].Results = make([]score.Result, max(len(s.dances), len(score.Faults)))
		}
	}
	for k := range max(len(s.dances), len(score.Faults)) {
		for i := range tried {
			if k < len(tried[i].Results) {
				s.jobs = append(s.jobs, s.trial(&tried[i], k))
			}
		}
	}
	return tried
}

// trial is the k-th of a condition.
func (s *series) trial(c *score.Tried, k int) job {
	d := s.dances[k%len(s.dances)]
	t := s.scoreCommand.trial(uint64(k + 1))
	if s.whole() {
		t = c.Trial(t, k, d)
	}
	return func(ctx context.Context) error {
		r, err := t.Dance(ctx, d, s.lead)
		if err == nil {
			c.Results[k] = r
		}
		return err
	}
}

// perform does the jobs, as many at once as there are processors, until one fails.
func (s *series) perform(g *globals) error {
	errs := make([]error, len(s.jobs))
	ctx, cancel := context.WithCancel(g.ctx)
	defer cancel()
	p := rehearse(g, "dances", "trials", int64(len(s.jobs)))
	defer p.end()
	next := make(chan int)
	var finished atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(s.jobs)) {
		group.Go(func() {
			for k := range next {
				if errs[k] = ctx.Err(); errs[k] == nil {
					errs[k] = s.jobs[k](ctx)
				}
				if errs[k] != nil {
					cancel()
					continue
				}
				p.reach(finished.Add(1))
			}
		})
	}
	for k := range s.jobs {
		next <- k
	}
	close(next)
	group.Wait()
	if err := g.ctx.Err(); err != nil { // bodies end with it, whatever they say of it
		return err
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return nil
}

// isSong says whether a file's name is that of a song.
func isSong(path string) bool {
	return slices.Contains([]string{".wav", ".mp3", ".flac", ".ogg"}, strings.ToLower(filepath.Ext(path)))
}

// songsIn are the songs of a folder and of those in it, sorted.
func songsIn(folder string) (all []string, err error) {
	err = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && isSong(path) {
			all = append(all, path)
		}
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("the folder %s has no song: .wav, .mp3, .flac and .ogg are read", folder)
	}
	return all, err
}

// alike is the greatest share of phrases that dances to two songs have in common.
func alike(dances []*dance.Dance, songs int) float64 {
	most := 0.0
	for i := range dances {
		for j := range i {
			if i%songs != j%songs {
				most = max(most, dance.Shared(dances[i], dances[j]))
			}
		}
	}
	return most
}

func (s *scored) print(out io.Writer) error {
	if s.Table != nil {
		fmt.Fprintf(out, "%s, %d songs; without pushes, faults and stops %d dances of %.0f s in all\n", s.Body, len(s.Songs), s.Dances, s.Seconds)
	} else {
		fmt.Fprintf(out, "%s: %d dances to %d songs, %.0f s, %d pushes of %g N·s\n", s.Body, s.Dances, len(s.Songs), s.Seconds, s.Pushes, s.Push)
	}
	if s.Calibration != "" {
		fmt.Fprintf(out, "by how much its body is late is not known, because in the calibrating dance %s\n", s.Calibration)
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if s.Table == nil {
		s.summary(w)
	} else {
		s.table(w)
	}
	s.failures(w, score.Tried{Results: s.Results})
	for _, t := range s.Others {
		s.failures(w, t)
	}
	return w.Flush()
}

// summary are the figures of one condition.
func (s *scored) summary(w io.Writer) {
	share := func(name string, x score.Share) {
		fmt.Fprintf(w, "%s\t%d\t%.1f %% (95 %%: %.1f to %.1f)\n", name, x.Count, 100*x.Share, 100*x.Low, 100*x.High)
	}
	figure := func(name, format string, x score.Figure) {
		fmt.Fprintf(w, "%s\t"+format+"\t(95 %%: "+format+" to "+format+"), from "+format+" to "+format+"\n", name, x.Mean, x.Low, x.High, x.Least, x.Greatest)
	}
	share("falls", s.Fell)
	share("stopped", s.Stopped)
	fmt.Fprintf(w, "limits passed\t%d\t\n", s.Violations)
	figure("alignment over music beats", "%.2f", s.Music)
	figure("alignment over motion beats", "%.2f", s.Motion)
	figure("drift, m", "%.2f", s.Drift)
	figure("tilt, rad", "%.2f", s.Tilt)
	figure("mean joint speed, rad/s", "%.2f", s.JointSpeed)
	figure("different moves", "%.0f", s.Moves)
	figure("steps", "%.0f", s.Steps)
	fmt.Fprintf(w, "phrases shared by two songs\t%.0f %%\tat most\n", 100*s.Alike)
	figure("times real time", "%.1f", s.Realtime)
	fmt.Fprintf(w, "control, 99 %% of ticks\t%.2f ms\t\n", s.Tick)
}

// table are the rows of the table, with their goals.
func (s *scored) table(w io.Writer) {
	fmt.Fprintln(w, "\tmeasured\t95 % interval\tgoal\t")
	for i := range s.Table {
		r, met := &s.Table[i], "met"
		if !r.Met {
			met = "NOT MET"
		}
		fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\n", r.Name, r, r.Interval(), r.Aim(), met)
	}
}

// failures are the dances that ended in a fall, passed a limit, or were stopped though nothing
// went wrong.
func (s *scored) failures(w io.Writer, t score.Tried) {
	for i := range t.Results {
		r := &t.Results[i]
		name := filepath.Base(s.Songs[int(r.Seed-1)%len(s.Songs)])
		about := strings.Trim(t.Name+", "+r.Fault, ", ")
		switch {
		case r.Fell:
			fmt.Fprintf(w, "fell\tseed %d\t%s\t%s\tat %.1f s: %s; %s\n", r.Seed, name, about, *r.FellAt, r.Why, r.Stopped)
		case r.Violations > 0:
			fmt.Fprintf(w, "limits\tseed %d\t%s\t%s\tpassed %d times\n", r.Seed, name, about, r.Violations)
		case r.Stopped != "" && !t.Fault && !t.Stop:
			fmt.Fprintf(w, "stopped\tseed %d\t%s\t%s\t%s\n", r.Seed, name, about, r.Stopped)
		}
	}
}
