package main

import (
	"fmt"
	"io"
	"math"
	"slices"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/dance"
	"samovar/robot/music"
	"samovar/robot/music/song"
)

// dancing is a dance of a run.
type dancing struct {
	motion balance.Motion
	beats  []float64 // true ones of the song, from the first pose to the last
	song   string    // what it is
	moves  int       // different ones in the first minute
	bar    float64   // s, on average
	speed  []float64 // mean joint speed of each tick, rad/s
	landed []float64 // when a foot has landed, s
	swings bool
	phase  *dance.Calibration
}

// newDancing makes the dance of a seed: composed by one who knows the true beats of its
// song, or who hears it, or the one that calibrates.
func (t *trial) newDancing(i *body.Info) (*dancing, error) {
	lead := dance.Lead{Joints: t.lead[0], Base: t.lead[1]}
	if t.motion == "calibrate" {
		m, err := dance.New(dance.Calibrating(), i)
		if err != nil {
			return nil, err
		}
		return &dancing{motion: m, beats: m.Beats(), bar: 2, phase: m.Calibrate(len(i.Joints), float64(i.Rate))}, nil
	}
	s := t.pick()
	out := &dancing{song: fmt.Sprintf("%s, %.0f beats a minute, %d a bar", s.Style, s.Tempo, s.Meter), bar: 60 * float64(s.Meter) / s.Tempo}
	a, err := music.Analyse(s.Render(music.Rate), music.Rate)
	if err != nil {
		return nil, err
	}
	if !t.hear {
		a.Beats, a.Downbeats, a.Meter, a.Confidence = s.Beats, s.Downbeats, s.Meter, 1
	}
	d, err := dance.Compose(&a, t.Seed)
	if err != nil {
		return nil, err
	}
	m, err := dance.New(d, i)
	if err != nil {
		return nil, err
	}
	m.Lead = lead
	danced := m.Beats()
	out.motion, out.moves = m, d.Different(0, 60)
	out.beats = within(s.Beats, danced[0]-0.1, danced[len(danced)-1]+0.1)
	return out, nil
}

// within returns the times from one moment to another.
func within(times []float64, from, to float64) []float64 {
	return slices.DeleteFunc(slices.Clone(times), func(t float64) bool { return t < from || t > to })
}

// pick is the song of a seed, the first of its own that is no faster or slower than is
// danced to.
func (t *trial) pick() song.Song {
	for k := uint64(0); ; k++ {
		if s := song.Compose(1000*t.Seed+k, t.Seconds-4); s.Tempo >= t.tempo[0] && s.Tempo <= t.tempo[1] {
			return s
		}
	}
}

// tick takes a tick's sensors, and whether a foot swings.
func (d *dancing) tick(at float64, s *body.Sensors, swings bool) {
	if d.swings && !swings {
		d.landed = append(d.landed, at)
	}
	d.swings = swings
	velocity := make([]float64, len(s.Joints))
	for i := range velocity {
		velocity[i] = s.Joints[i].Velocity
	}
	d.speed = append(d.speed, dance.Speed(velocity))
	if d.phase != nil {
		d.phase.Add(at, velocity)
	}
}

// still is the longest time without a step in a dance, in bars.
func (d *dancing) still() float64 {
	first, last := d.beats[0], d.beats[len(d.beats)-1]
	longest, before := 0.0, first
	for _, at := range append(within(d.landed, first, last), last) {
		longest, before = max(longest, at-before), at
	}
	return longest / d.bar
}

// printDances prints how well the runs kept the beat.
func printDances(w io.Writer, rate int, all []result) {
	var sum, least dance.Score
	least = dance.Score{Music: 1, Motion: 1, Speed: math.Inf(1)}
	n, moves, steps, longest := 0.0, math.MaxInt, 0.0, 0.0
	for k := range all {
		r := &all[k]
		if r.dance == nil || r.Fell || r.err != nil {
			continue
		}
		d := r.dance
		if d.phase != nil {
			lead, err := d.phase.Lead()
			fmt.Fprintf(w, "  calibrated: lead %.3f s of joints, %.3f s of the base %v\n", lead.Joints, lead.Base, errorText(err))
		}
		s := dance.Judge(d.speed, float64(rate), d.beats)
		fmt.Fprintf(w, "  %s: alignment %.2f over music beats, %.2f over motion beats, %.3f rad/s, %d moves, %d steps, %.1f bars without one, drift %.2f m\n", d.song, s.Music, s.Motion, s.Speed, d.moves, r.Steps, d.still(), r.Drift)
		n++
		longest = max(longest, d.still())
		sum = dance.Score{Music: sum.Music + s.Music, Motion: sum.Motion + s.Motion, Speed: sum.Speed + s.Speed}
		least = dance.Score{Music: min(least.Music, s.Music), Motion: min(least.Motion, s.Motion), Speed: min(least.Speed, s.Speed)}
		moves, steps = min(moves, d.moves), steps+float64(r.Steps)
	}
	if n == 0 {
		return
	}
	fmt.Fprintf(w, "  dances: alignment over music beats %.2f (least %.2f), over motion beats %.2f (least %.2f), %.3f rad/s (least %.3f, half of people's %.3f), at least %d moves, %.1f steps each, at most %.1f bars without one\n",
		sum.Music/n, least.Music, sum.Motion/n, least.Motion, sum.Speed/n, least.Speed, dance.Published/2, moves, steps/n, longest)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// motionOf is what a run does.
func (t *trial) motionOf(i *body.Info, out *result) (balance.Motion, error) {
	if t.motion == "dance" || t.motion == "calibrate" {
		var err error
		if out.dance, err = t.newDancing(i); err != nil {
			return nil, err
		}
		return out.dance.motion, nil
	}
	if t.motion == "speak" {
		return newSpeaking(i)
	}
	if m := motions[t.motion]; m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("a motion %q", t.motion)
}
