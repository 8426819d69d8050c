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
	"slices"
	"strings"
	"sync"
	"time"

	"samovar"
	"samovar/robot/dance"
	"samovar/robot/music"
	"samovar/robot/score"
)

// trials are the flags of commands that let simulated robots dance.
type trials struct {
	Body      string   `default:"own" help:"The robot: own, or the path of an MJCF file with two legs."`
	Push      *float64 `placeholder:"N·s" help:"Impulse of pushes at the torso, of random direction, in newton-seconds."`
	PushEvery float64  `default:"3" placeholder:"S" help:"Time between pushes, s."`
	Vary      bool     `help:"Vary friction (0.5 to 1.2), mass (± 10 %) and slope (2°), with noisy sensors that are 20 ms late."`
	Seconds   float64  `placeholder:"S" help:"Most that a dance lasts; default: as long as its song."`
}

func (t *trials) Validate() error {
	if push := t.push(); !(push >= 0 && push <= 100 && t.PushEvery >= 0.5 && t.Seconds >= 0) { // nor are they NaN
		return errors.New("--push is between 0 and 100 N·s, --push-every at least 0.5 s, --seconds not negative")
	}
	return nil
}

// push is the impulse, N·s; 0: none.
func (t *trials) push() float64 {
	if t.Push == nil {
		return 0
	}
	return *t.Push
}

// trial is one of them.
func (t *trials) trial(seed uint64) score.Trial {
	return score.Trial{Model: t.Body, Seed: seed, Push: t.push(), Every: t.PushEvery, Vary: t.Vary, Seconds: t.Seconds}
}

type danceCommand struct {
	File   string `arg:"" name:"song" type:"existingfile" help:"A song (WAV, MP3, FLAC or Ogg Vorbis), a dance that was written before (.json), or what somebody danced (.bvh or .csv, also .gz)."`
	Song   string `type:"existingfile" placeholder:"FILE" help:"The song to whose beats a .bvh or .csv file is danced; without it the motion keeps its own time."`
	Seed   uint64 `default:"1" help:"Another number, another dance."`
	Write  string `placeholder:"FILE.json" help:"Write the dance down, to read it, edit it and dance it again."`
	Record string `placeholder:"FILE.mcap" help:"Record all that the robot senses, is told and thinks, for Foxglove and ROS 2."`
	trials `embed:""`
}

// danced is what came of a dance.
type danced struct {
	Song        string  `json:"song"`
	Tempo       float64 `json:"tempo,omitempty"`
	Calibration string  `json:"calibration,omitempty"` // why it failed
	score.Result
}

// act is what a robot is to dance.
type act struct {
	beats   []float64 // s; nil: it has none
	seconds float64
	tempo   float64
	perform func(context.Context, score.Trial, dance.Lead) (score.Result, error)
}

func (c *danceCommand) Run(g *globals) error {
	a, err := c.prepare()
	if err != nil {
		return err
	}
	out := danced{Song: c.File, Tempo: a.tempo}
	if out.Result, out.Calibration, err = c.perform(g, a); err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(out)
	}
	out.print(g.out)
	return nil
}

// prepare makes an act of the file.
func (c *danceCommand) prepare() (*act, error) {
	if isMotion(c.File) {
		return c.imitate()
	}
	if c.Song != "" {
		return nil, fmt.Errorf("--song gives beats to a .bvh or .csv file, and %s has its own", c.File)
	}
	d, a, err := choreograph(c.File, c.Seed)
	if err != nil {
		return nil, err
	}
	if c.Write != "" {
		if err := writeDance(c.Write, d); err != nil {
			return nil, err
		}
	}
	return &act{d.Beats, d.Beats[len(d.Beats)-1], a.Tempo, func(ctx context.Context, t score.Trial, lead dance.Lead) (score.Result, error) {
		return t.Dance(ctx, d, lead)
	}}, nil
}

// isMotion says whether a file's name is that of what somebody danced.
func isMotion(path string) bool {
	name := strings.TrimSuffix(strings.ToLower(path), ".gz")
	return strings.HasSuffix(name, ".bvh") || strings.HasSuffix(name, ".csv")
}

// settling is how long a robot takes its pose before a motion begins, s.
const settling = 2.0

// imitate makes an act of what somebody danced.
func (c *danceCommand) imitate() (*act, error) {
	if c.Write != "" {
		return nil, fmt.Errorf("--write: what is danced of %s is a motion and has no moves to write down", c.File)
	}
	clip, err := dance.ReadClip(c.File)
	if err != nil {
		return nil, err
	}
	a := &act{seconds: settling + clip.Seconds()}
	if c.Song != "" {
		heard, err := hear(c.Song)
		if err != nil {
			return nil, err
		}
		if err := heard.Doubt(); err != nil {
			return nil, fmt.Errorf("dance to %s: %w", c.Song, err)
		}
		a.tempo = heard.Tempo
		a.beats = slices.DeleteFunc(heard.Beats, func(t float64) bool { return t < settling })
	}
	a.perform = func(ctx context.Context, t score.Trial, lead dance.Lead) (score.Result, error) {
		return t.Imitate(ctx, clip, a.beats, lead)
	}
	return a, nil
}

// perform lets the robot dance, and records it.
func (c *danceCommand) perform(g *globals, a *act) (score.Result, string, error) {
	if c.Record == "" {
		return c.rehearsed(g, a, nil)
	}
	about := map[string]string{"song": filepath.Base(c.File), "seed": fmt.Sprint(c.Seed), "body": c.Body, "push": fmt.Sprint(c.push())}
	rec, err := newRecording(c.Record, a.beats, about)
	if err != nil {
		return score.Result{}, "", err
	}
	r, failed, err := c.rehearsed(g, a, rec)
	return r, failed, errors.Join(err, rec.close())
}

// rehearsed lets the robot dance when it is known by how much its body is late, or why that
// cannot be known.
func (c *danceCommand) rehearsed(g *globals, a *act, rec *recording) (_ score.Result, failed string, err error) {
	trial := c.trial(c.Seed)
	lead, failed, err := calibrate(g.ctx, trial)
	if err != nil {
		return score.Result{}, "", err
	}
	last := a.seconds
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
	r, err := a.perform(g.ctx, trial, lead)
	return r, failed, err
}

// calibrate measures by how much a body is late. A robot that falls meanwhile dances
// without a lead, and it is said why.
func calibrate(ctx context.Context, t score.Trial) (lead dance.Lead, failed string, err error) {
	lead, err = t.Calibrate(ctx)
	if fallen := (*score.Fallen)(nil); errors.As(err, &fallen) {
		return dance.Lead{}, fmt.Sprintf("it fell at %.1f s: %s", *fallen.FellAt, fallen.Why), nil
	}
	return lead, "", err
}

// rehearsal shows how far dances are, beside what is printed of them.
type rehearsal struct {
	*progress
	event samovar.Event
	began time.Time
	mu    sync.Mutex
}

func rehearse(g *globals, stage, unit string, of int64) *rehearsal {
	r := &rehearsal{progress: newProgress(g), began: time.Now(), event: samovar.Event{Stage: stage, Unit: unit, Of: of}}
	r.out = nil // the one document is the result
	return r
}

// reach shows that so much is done; more than there is counts as all.
func (r *rehearsal) reach(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n = min(n, r.event.Of); n > r.event.Step {
		r.event.Step = n
		r.event.ETASeconds = time.Since(r.began).Seconds() / float64(n) * float64(r.event.Of-n)
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
	a, err := hear(path)
	if err != nil {
		return nil, a, err
	}
	d, err := danceTo(path, &a, seed)
	return d, a, err
}

// hear reads and analyses a song.
func hear(path string) (music.Analysis, error) {
	samples, err := music.ReadFile(path)
	if err != nil {
		return music.Analysis{}, err
	}
	a, err := music.Analyse(samples, music.Rate)
	if err != nil {
		return a, fmt.Errorf("analyse the song %s: %w", path, err)
	}
	return a, nil
}

// danceTo makes a dance to what was heard of a song.
func danceTo(path string, a *music.Analysis, seed uint64) (*dance.Dance, error) {
	d, err := dance.Compose(a, seed)
	if err != nil {
		return nil, fmt.Errorf("dance to %s: %w", path, err)
	}
	return d, nil
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

func (d *danced) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %.0f s, ", d.Song, d.Seconds)
	if d.Moves > 0 {
		fmt.Fprintf(w, "%d moves, ", d.Moves)
	}
	fmt.Fprintf(w, "%d steps", d.Steps)
	if d.Pushes > 0 {
		fmt.Fprintf(w, ", pushed %d times", d.Pushes)
	}
	fmt.Fprintln(w)
	if d.Calibration != "" {
		fmt.Fprintf(w, "by how much its body is late is not known, because in the calibrating dance %s\n", d.Calibration)
	}
	standing(w, &d.Result)
	if d.Music > 0 {
		fmt.Fprintf(w, "beats danced %.2f, movements on a beat %.2f (of 1; published dances reach 0.24)\n", d.Music, d.Result.Motion)
	}
	fmt.Fprintf(w, "limits passed %d times, %.2f m from its mark at most, tilted by %.2f rad at most, %.1f times real time\n", d.Violations, d.Drift, d.Tilt, d.Realtime)
}

// standing says whether a robot kept its feet.
func standing(w io.Writer, r *score.Result) {
	switch {
	case r.Fell:
		fmt.Fprintf(w, "it fell at %.1f s: %s\n", *r.FellAt, r.Why)
	case r.Stopped != "":
		fmt.Fprintf(w, "the supervisor stopped it: %s\n", r.Stopped)
	default:
		fmt.Fprintln(w, "it kept its feet")
	}
}
