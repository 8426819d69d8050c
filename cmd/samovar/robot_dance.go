package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"

	"samovar"
	"samovar/robot/dance"
	"samovar/robot/music"
	"samovar/robot/score"
)

// trials are the flags of commands that let simulated robots dance.
type trials struct {
	Body      string  `default:"own" help:"The robot: own, or the path of an MJCF file with two legs."`
	Push      float64 `placeholder:"N·s" help:"Impulse of pushes at the torso, of random direction, in newton-seconds."`
	PushEvery float64 `default:"3" placeholder:"S" help:"Time between pushes, s."`
	Vary      bool    `help:"Vary friction (0.5 to 1.2), mass (± 10 %) and slope (2°), with noisy sensors that are 20 ms late."`
	Seconds   float64 `placeholder:"S" help:"Most that a dance lasts; default: as long as its song."`
}

func (t *trials) Validate() error {
	if !(t.Push >= 0 && t.Push <= 100 && t.PushEvery >= 0.5 && t.Seconds >= 0) { // nor are they NaN
		return errors.New("--push is between 0 and 100 N·s, --push-every at least 0.5 s, --seconds not negative")
	}
	return nil
}

// trial is one of them.
func (t *trials) trial(seed uint64) score.Trial {
	return score.Trial{Model: t.Body, Seed: seed, Push: t.Push, Every: t.PushEvery, Vary: t.Vary, Seconds: t.Seconds}
}

type danceCommand struct {
	Song   string `arg:"" type:"existingfile" help:"A song (WAV, MP3, FLAC or Ogg Vorbis), or a dance that was written before (.json)."`
	Seed   uint64 `default:"1" help:"Another number, another dance."`
	Write  string `placeholder:"FILE.json" help:"Write the dance down, to read it, edit it and dance it again."`
	Record string `placeholder:"FILE.mcap" help:"Record all that the robot senses, is told and thinks, for Foxglove and ROS 2."`
	trials `embed:""`
}

// danced is what came of a dance.
type danced struct {
	Song  string  `json:"song"`
	Tempo float64 `json:"tempo,omitempty"`
	score.Result
}

func (c *danceCommand) Run(g *globals) error {
	d, a, err := choreograph(c.Song, c.Seed)
	if err != nil {
		return err
	}
	if c.Write != "" {
		if err := writeDance(c.Write, d); err != nil {
			return err
		}
	}
	r, err := c.perform(g, d)
	if err != nil {
		return err
	}
	out := danced{c.Song, a.Tempo, r}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(out)
	}
	out.print(g.out)
	return nil
}

// perform lets the robot dance, and records it.
func (c *danceCommand) perform(g *globals, d *dance.Dance) (score.Result, error) {
	if c.Record == "" {
		return c.rehearsed(g, d, nil)
	}
	about := map[string]string{"song": filepath.Base(c.Song), "seed": fmt.Sprint(c.Seed), "body": c.Body, "push": fmt.Sprint(c.Push)}
	rec, err := newRecording(c.Record, d.Beats, about)
	if err != nil {
		return score.Result{}, err
	}
	r, err := c.rehearsed(g, d, rec)
	return r, errors.Join(err, rec.close())
}

// rehearsed lets the robot dance when it is known by how much its body is late.
func (c *danceCommand) rehearsed(g *globals, d *dance.Dance, rec *recording) (score.Result, error) {
	trial := c.trial(c.Seed)
	lead, err := trial.Calibrate(g.ctx)
	if err != nil {
		return score.Result{}, err
	}
	last := d.Beats[len(d.Beats)-1]
	if c.Seconds > 0 {
		last = min(last, c.Seconds)
	}
	p := rehearse(g, "dance", "s", int64(last))
	defer p.end()
	trial.Watch = func(m *score.Moment) error {
		p.reach(int64(m.Seconds))
		if rec == nil {
			return nil
		}
		return rec.see(m)
	}
	return trial.Dance(g.ctx, d, lead)
}

// rehearsal shows how far dances are, beside what is printed of them.
type rehearsal struct {
	*progress
	event samovar.Event
	mu    sync.Mutex
}

func rehearse(g *globals, stage, unit string, of int64) *rehearsal {
	r := &rehearsal{progress: newProgress(g), event: samovar.Event{Stage: stage, Unit: unit, Of: of}}
	r.out = nil // the one document is the result
	return r
}

// reach shows that so much is done; more than there is counts as all.
func (r *rehearsal) reach(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n = min(n, r.event.Of); n > r.event.Step {
		r.event.Step = n
		r.watch(r.event)
	}
}

// choreograph reads a dance, or composes one to a song.
func choreograph(path string, seed uint64) (*dance.Dance, music.Analysis, error) {
	if strings.EqualFold(filepath.Ext(path), ".json") {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, music.Analysis{}, err
		}
		d, err := dance.Read(bytes.NewReader(text))
		if err != nil {
			return nil, music.Analysis{}, fmt.Errorf("read the dance %s: %w", path, err)
		}
		return d, music.Analysis{}, nil
	}
	samples, err := music.ReadFile(path)
	if err != nil {
		return nil, music.Analysis{}, err
	}
	a, err := music.Analyse(samples, music.Rate)
	if err != nil {
		return nil, a, fmt.Errorf("analyse the song %s: %w", path, err)
	}
	d, err := dance.Compose(&a, seed)
	if err != nil {
		return nil, a, fmt.Errorf("dance to %s: %w", path, err)
	}
	return d, a, nil
}

func writeDance(path string, d *dance.Dance) error {
	var text bytes.Buffer
	if err := d.Write(&text); err != nil {
		return fmt.Errorf("write the dance %s: %w", path, err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the dance: %w", err)
	}
	return nil
}

func (d danced) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %.0f s, %d moves, %d steps", d.Song, d.Seconds, d.Moves, d.Steps)
	if d.Pushes > 0 {
		fmt.Fprintf(w, ", pushed %d times", d.Pushes)
	}
	fmt.Fprintln(w)
	switch {
	case d.Fell:
		fmt.Fprintf(w, "it fell at %.1f s: %s\n", *d.FellAt, d.Why)
	case d.Stopped != "":
		fmt.Fprintf(w, "the supervisor stopped it: %s\n", d.Stopped)
	default:
		fmt.Fprintln(w, "it kept its feet")
	}
	fmt.Fprintf(w, "beats danced %.2f, movements on a beat %.2f (of 1; published dances reach 0.24)\n", d.Music, d.Result.Motion)
	fmt.Fprintf(w, "limits passed %d times, %.2f m from its mark at most, tilted by %.2f rad at most, %.1f times real time\n", d.Violations, d.Drift, d.Tilt, d.Realtime)
}

type scoreCommand struct {
	Songs  string `required:"" type:"existingdir" placeholder:"DIR" help:"Folder of songs to dance to."`
	Seeds  int    `default:"1" help:"Dances to each song, each of its own seed."`
	trials `embed:""`
}

// scored is what came of many dances.
type scored struct {
	Body  string   `json:"body"`
	Songs []string `json:"songs"`
	Push  float64  `json:"push_ns"`
	Vary  bool     `json:"vary"`
	Alike float64  `json:"shared_phrases"` // greatest share that dances to two songs have in common
	score.Summary
}

func (c *scoreCommand) Run(g *globals) error {
	if c.Seeds < 1 {
		return errors.New("--seeds is at least 1")
	}
	songs, err := songsIn(c.Songs)
	if err != nil {
		return err
	}
	lead, err := score.Trial{Model: c.Body}.Calibrate(g.ctx)
	if err != nil {
		return err
	}
	var dances []*dance.Dance
	for k := range len(songs) * c.Seeds {
		d, _, err := choreograph(songs[k%len(songs)], uint64(k+1))
		if err != nil {
			return err
		}
		dances = append(dances, d)
	}
	all, err := c.perform(g, dances, lead)
	if len(all) == 0 {
		return err
	}
	out := scored{Body: c.Body, Songs: songs, Push: c.Push, Vary: c.Vary, Summary: score.Summarise(all), Alike: alike(dances, len(songs))}
	if g.JSON {
		return errors.Join(err, json.NewEncoder(g.out).Encode(out))
	}
	return errors.Join(err, out.print(g.out))
}

// songsIn are the songs of a folder, sorted.
func songsIn(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if slices.Contains([]string{".wav", ".mp3", ".flac", ".ogg"}, strings.ToLower(filepath.Ext(e.Name()))) {
			all = append(all, filepath.Join(folder, e.Name()))
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the folder %s has no song: .wav, .mp3, .flac and .ogg are read", folder)
	}
	return all, nil
}

// perform lets robots dance, as many at once as there are processors. With an error it returns
// what came of the dances that ended before it.
func (c *scoreCommand) perform(g *globals, dances []*dance.Dance, lead dance.Lead) ([]score.Result, error) {
	all, errs := make([]score.Result, len(dances)), make([]error, len(dances))
	done := make([]bool, len(dances))
	ctx, cancel := context.WithCancel(g.ctx)
	defer cancel()
	p := rehearse(g, "dances", "dances", int64(len(dances)))
	next := make(chan int)
	var finished atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(dances)) {
		group.Go(func() {
			for k := range next {
				if all[k], errs[k] = c.trial(uint64(k+1)).Dance(ctx, dances[k], lead); errs[k] != nil {
					cancel()
					continue
				}
				done[k] = true
				p.reach(finished.Add(1))
			}
		})
	}
	for k := range dances {
		next <- k
	}
	close(next)
	group.Wait()
	p.end()
	var ended []score.Result
	for k := range all {
		if done[k] {
			ended = append(ended, all[k])
		}
	}
	if err := g.ctx.Err(); err != nil { // bodies end with it, whatever they say of it
		return ended, err
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return ended, err
		}
	}
	return ended, nil
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
	fmt.Fprintf(out, "%s: %d dances to %d songs, %.0f s, %d pushes of %g N·s\n\n", s.Body, s.Dances, len(s.Songs), s.Seconds, s.Pushes, s.Push)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
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
	for i := range s.Results {
		if r := &s.Results[i]; r.Fell {
			fmt.Fprintf(w, "fell\tseed %d\tat %.1f s: %s; %s\n", r.Seed, *r.FellAt, r.Why, r.Stopped)
		}
	}
	return w.Flush()
}
