// Package dance is the robot's choreographer: of what is heard in a song it composes a
// dance, moves on the beat grid, and plays it on a body with legs, arms and waist as far
// as the body has them. It refuses music without a sure beat, and a dance that asks for
// what it does not know; what is too large or too quick for a body it makes smaller.
// Start with [Compose] for a dance, [New] for its motion, [Read] for its file and
// [ReadCSV] for dances that people danced.
//
// # Files
//
// A dance is a JSON document ([Write]) that can be edited by hand:
//
//	{
//	 "version": 1,
//	 "title": "a title, or nothing",
//	 "seed": 7,
//	 "beats": [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4],
//	 "moves": [
//	  {"name": "nod", "keys": [{"waist_pitch": 0.2, "sway_up": -0.02}, {"waist_pitch": 0}]}
//	 ],
//	 "phrases": [
//	  {"beat": 2, "beats": 4, "cues": [
//	   {"move": "wave", "beat": 0, "beats": 4, "mirror": true, "scale": 0.9},
//	   {"move": "nod", "beat": 0, "beats": 4, "scale": 1}
//	  ]}
//	 ]
//	}
//
// Beats are seconds of the song. A phrase begins at the beat of that index and lasts for
// some; a cue counts from its phrase's first beat. A cue's move is one of [Moves] or of
// the file's own "moves", whose keys name [Channels]. Scale is the size of a move, 1 as
// it is written. Of two cues that lead the same channel the later one does.
package dance

import (
	"fmt"
	"math"
	"slices"
)

// Version of the files.
const Version = 1

// A Dance is what a robot does to a song.
type Dance struct {
	Version int       `json:"version"`
	Title   string    `json:"title"`
	Seed    uint64    `json:"seed"`
	Beats   []float64 `json:"beats"` // s, rising
	Moves   []Move    `json:"moves"` // that the grammar does not have
	Phrases []Phrase  `json:"phrases"`
}

// A Phrase is a few bars of a dance.
type Phrase struct {
	Beat  int   `json:"beat"`  // at which it begins, an index of the dance's beats
	Beats int   `json:"beats"` // for which it lasts
	Cues  []Cue `json:"cues"`
}

// A Cue calls for a move.
type Cue struct {
	Move   string  `json:"move"`
	Beat   int     `json:"beat"`   // from the phrase's first
	Beats  int     `json:"beats"`  // for which it lasts
	Mirror bool    `json:"mirror"` // left and right are changed over
	Scale  float64 `json:"scale"`  // 0 to 1.5
}

// Bounds of a dance: two beats a second for an hour, and a robot's first and last pose.
const (
	mostBeats   = 10000
	mostPhrases = 2000
	mostCues    = 200
	mostMoves   = 500
	longest     = 3600 // s
	earliest    = 1.0  // s: when the first phrase may begin; the robot takes its pose before
)

// Check reports what is wrong with a dance, and where.
func (d *Dance) Check() error {
	switch {
	case d.Version != Version:
		return fmt.Errorf("version: %d; this program reads %d", d.Version, Version)
	case len(d.Title) > 200:
		return fmt.Errorf("title: %d bytes; 200 are possible", len(d.Title))
	case len(d.Beats) < 2 || len(d.Beats) > mostBeats:
		return fmt.Errorf("beats: %d of them; 2 to %d are possible", len(d.Beats), mostBeats)
	case len(d.Moves) > mostMoves:
		return fmt.Errorf("moves: %d of them; %d are possible", len(d.Moves), mostMoves)
	case len(d.Phrases) == 0 || len(d.Phrases) > mostPhrases:
		return fmt.Errorf("phrases: %d of them; 1 to %d are possible", len(d.Phrases), mostPhrases)
	}
	for i, b := range d.Beats {
		if !(b >= 0 && b <= longest) || i > 0 && b-d.Beats[i-1] < 0.1 {
			return fmt.Errorf("beats[%d]: %g s; beats rise by 0.1 s or more and end within the hour", i, b)
		}
	}
	own := map[string]*Move{}
	for i := range d.Moves {
		m := &d.Moves[i]
		if err := m.Check(); err != nil {
			return fmt.Errorf("moves[%d].%w", i, err)
		}
		if grammar[m.Name] != nil || own[m.Name] != nil {
			return fmt.Errorf("moves[%d].name: there is a move %q already", i, m.Name)
		}
		own[m.Name] = m
	}
	return d.checkPhrases(own)
}

func (d *Dance) checkPhrases(own map[string]*Move) error {
	end := 0
	for i := range d.Phrases {
		p := &d.Phrases[i]
		switch {
		case p.Beats < 1 || p.Beats > len(d.Beats):
			return fmt.Errorf("phrases[%d].beats: %d; 1 to %d are possible", i, p.Beats, len(d.Beats))
		case p.Beat < end || p.Beat > len(d.Beats)-p.Beats:
			return fmt.Errorf("phrases[%d].beat: %d; it begins after the phrase before and ends within the %d beats", i, p.Beat, len(d.Beats))
		case i == 0 && d.Beats[p.Beat] < earliest:
			return fmt.Errorf("phrases[0].beat: beat %d is at %.2f s; a dance begins at %g s or later, so that the robot has time to take its pose", p.Beat, d.Beats[p.Beat], earliest)
		case len(p.Cues) > mostCues:
			return fmt.Errorf("phrases[%d].cues: %d of them; %d are possible", i, len(p.Cues), mostCues)
		}
		end = p.Beat + p.Beats
		for k := range p.Cues {
			if err := p.Cues[k].check(p, own); err != nil {
				return fmt.Errorf("phrases[%d].cues[%d].%w", i, k, err)
			}
		}
	}
	return nil
}

func (c *Cue) check(p *Phrase, own map[string]*Move) error {
	switch {
	case grammar[c.Move] == nil && own[c.Move] == nil:
		return fmt.Errorf("move: there is no %q; the file's own or one of %q", short(c.Move), Moves())
	case c.Beats < 1 || c.Beats > p.Beats:
		return fmt.Errorf("beats: %d; 1 to the phrase's %d are possible", c.Beats, p.Beats)
	case c.Beat < 0 || c.Beat > p.Beats-c.Beats:
		return fmt.Errorf("beat: %d; it lies within the phrase's %d beats with the cue's %d", c.Beat, p.Beats, c.Beats)
	case !(c.Scale >= 0 && c.Scale <= 1.5):
		return fmt.Errorf("scale: %g; 0 to 1.5 are possible", c.Scale)
	}
	return nil
}

// move returns the move of a name, which the dance has.
func (d *Dance) move(name string) *Move {
	if m := grammar[name]; m != nil {
		return m
	}
	for i := range d.Moves {
		if d.Moves[i].Name == name {
			return &d.Moves[i]
		}
	}
	return nil
}

// Different is how many different moves a dance has between two moments, s.
func (d *Dance) Different(from, to float64) int {
	seen := map[string]bool{}
	for i := range d.Phrases {
		p := &d.Phrases[i]
		for _, c := range p.Cues {
			if at := d.Beats[p.Beat+c.Beat]; at >= from && at < to {
				seen[c.Move] = true
			}
		}
	}
	return len(seen)
}

// likeness is what two phrases that are alike have in common: moves and when they are
// called for. Size and side make no difference.
func (p *Phrase) likeness() string {
	all := make([]string, len(p.Cues))
	for i, c := range p.Cues {
		all[i] = fmt.Sprintf("%d+%d %s", c.Beat, c.Beats, c.Move)
	}
	slices.Sort(all)
	return fmt.Sprint(p.Beats, all)
}

// Shared is the share of the phrases of the shorter of two dances that the other has
// too, 0 to 1.
func Shared(a, b *Dance) float64 {
	if len(a.Phrases) > len(b.Phrases) {
		a, b = b, a
	}
	has := map[string]bool{}
	for i := range b.Phrases {
		has[b.Phrases[i].likeness()] = true
	}
	common := 0
	for i := range a.Phrases {
		if has[a.Phrases[i].likeness()] {
			common++
		}
	}
	return float64(common) / math.Max(1, float64(len(a.Phrases)))
}
