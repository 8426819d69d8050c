package dance

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"samovar/robot/music"
)

const (
	// silent is how long a song plays before the robot dances, s: it finds its stance
	// and takes its first pose.
	silent = 2.0
	// fewest is the least number of beats that are danced to.
	fewest = 16
	// step is how long a robot takes to step to the side with both feet, s: no phrase is
	// shorter where four bars last longer.
	step = 3.2
	// pair is how long two steps on the spot take, s.
	pair = 2.6
	// round is how long a phrase must be for a turn by a quarter, s.
	round = 6.5
	// variety is how far the energy of a move may be from that of the music: σ.
	variety = 0.3
)

// Compose composes a dance to a song. The same song and seed give the same dance; own
// moves, as [Clip.Move] makes them, are used beside those of the grammar.
func Compose(a *music.Analysis, seed uint64, own ...Move) (*Dance, error) {
	if err := a.Doubt(); err != nil {
		return nil, fmt.Errorf("compose a dance: %w", err)
	}
	c := &composer{a: a, d: &Dance{Version: Version, Seed: seed, Moves: []Move{}}, used: map[string]bool{}}
	for _, b := range a.Beats { // what two beats a tenth of a second apart are, one hears once
		b = math.Round(b*1e4) / 1e4
		if n := len(c.d.Beats); n == 0 || b-c.d.Beats[n-1] >= 0.1 {
			c.d.Beats = append(c.d.Beats, b)
		}
	}
	c.Rand = rand.New(rand.NewPCG(seed, fingerprint(c.d.Beats)))
	c.bar()
	if n := len(c.bars); n < 4 || c.bars[n-1]-c.bars[0] < fewest {
		return nil, fmt.Errorf("compose a dance: %d beats: %d and a few bars are needed", len(a.Beats), fewest)
	}
	for i := range own {
		if err := own[i].Check(); err != nil {
			return nil, fmt.Errorf("compose a dance: move %d: %w", i, err)
		}
		if grammar[own[i].Name] != nil {
			return nil, fmt.Errorf("compose a dance: move %d: the grammar has a %q already: name it otherwise", i, own[i].Name)
		}
	}
	c.own = own
	c.compose()
	if err := c.d.Check(); err != nil {
		return nil, fmt.Errorf("compose a dance: %w", err)
	}
	return c.d, nil
}

// fingerprint is a number that two songs hardly have in common.
func fingerprint(beats []float64) uint64 {
	h := fnv.New64a()
	for _, b := range beats {
		h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(b)))
	}
	return h.Sum64()
}

// composer composes one dance.
type composer struct {
	*rand.Rand
	a      *music.Analysis
	d      *Dance
	own    []Move
	bars   []int           // first beats of the bars that are danced; the last beat of all ends the list
	used   map[string]bool // phrases
	recent []string        // moves of the phrase before
	away   bool            // from the mark
}

// bar finds the bars: from downbeat to downbeat, or where none are known by the metre.
func (c *composer) bar() {
	beats := c.d.Beats
	var starts []int
	for _, t := range c.a.Downbeats {
		if i, ok := nearest(beats, t); ok && (len(starts) == 0 || i > starts[len(starts)-1]) {
			starts = append(starts, i)
		}
	}
	if len(starts) < 4 {
		starts = nil
		for i := 0; i < len(beats); i += max(2, c.a.Meter) {
			starts = append(starts, i)
		}
	}
	for _, i := range starts {
		if beats[i] >= silent && i < len(beats)-1 {
			c.bars = append(c.bars, i)
		}
	}
	c.bars = append(c.bars, len(beats)-1)
}

// nearest returns the index of the beat at a time.
func nearest(beats []float64, t float64) (int, bool) {
	i, _ := slices.BinarySearch(beats, t-0.02)
	return i, i < len(beats) && beats[i] < t+0.02
}

func (c *composer) compose() {
	last := len(c.bars) - 1
	c.phrase(0, 1, c.framed)
	for bar := 1; bar < last; {
		n := c.length(bar)
		c.phrase(bar, bar+n, func(p *Phrase) { c.fill(p, bar, bar+n) })
		bar += n
	}
	end := c.bars[last]
	p := Phrase{Beat: end, Beats: 1}
	c.framed(&p)
	c.d.Phrases = append(c.d.Phrases, p)
}

// phrase adds a phrase that is like none before: one that is drawn anew until it differs.
func (c *composer) phrase(from, to int, fill func(*Phrase)) {
	p := Phrase{Beat: c.bars[from], Beats: c.bars[to] - c.bars[from]}
	away := c.away
	for range 100 {
		p.Cues, c.away = nil, away
		fill(&p)
		if !c.used[p.likeness()] {
			break
		}
	}
	c.used[p.likeness()] = true
	c.recent = c.recent[:0]
	for _, cue := range p.Cues {
		c.recent = append(c.recent, cue.Move)
	}
	c.d.Phrases = append(c.d.Phrases, p)
}

// length is how many bars the phrase at a bar has: 2 to 4, long enough for a step, up to
// where a section of the song begins, and so that as many are left.
func (c *composer) length(bar int) int {
	left := len(c.bars) - 1 - bar
	if left <= 3 {
		return left
	}
	n := 2 + min(2, c.IntN(4))
	for k := 2; k <= 4 && bar+k < len(c.bars); k++ {
		at := c.d.Beats[c.bars[bar+k]]
		if slices.ContainsFunc(c.a.Sections, func(s music.Section) bool { return math.Abs(s.Start-at) < 0.1 }) {
			n = k
		}
	}
	for n < 4 && c.lasts(bar, n) < step {
		n++
	}
	if left-n == 1 {
		n--
	}
	return n
}

// lasts is how long n bars from one on last, s.
func (c *composer) lasts(bar, n int) float64 {
	return c.d.Beats[c.bars[bar+n]] - c.d.Beats[c.bars[bar]]
}

// energy is that of the music in bars, 0 to 1.
func (c *composer) energy(from, to int) float64 {
	a, b := c.d.Beats[from], c.d.Beats[to]
	lo := min(len(c.a.Energy), int(a*music.EnergyRate))
	hi := min(len(c.a.Energy), int(b*music.EnergyRate)+1)
	if lo >= hi {
		return 0.5
	}
	return min(1, max(0, mean(c.a.Energy[lo:hi])))
}

// fill writes a phrase from bar to bar.
func (c *composer) fill(p *Phrase, from, to int) {
	e := c.energy(p.Beat, p.Beat+p.Beats)
	n := to - from
	// What is slow may be large, so that it does not look like standing.
	beat := c.lasts(from, n) / float64(p.Beats)
	scale := math.Round(100*(0.8+0.2*e+0.5*min(0.4, max(0, beat-0.55)))) / 100
	forms := map[int][]string{1: {"A"}, 2: {"AB", "Aa"}, 3: {"AaB", "ABA", "ABb"}, 4: {"AaBb", "ABAB", "AABb", "AaBA"}}[n]
	form := forms[c.IntN(len(forms))]
	first := c.pick(c.armMoves(), e)
	second := c.pick(c.armMoves(), e, first)
	side := c.IntN(2) == 1
	c.feet(p, c.lasts(from, n), to == len(c.bars)-1, from)
	under := c.pick(trunkMoves, e)
	other := c.pick(trunkMoves, e, under)
	for k := range n {
		at, beats := c.bars[from+k]-p.Beat, c.bars[from+k+1]-c.bars[from+k]
		letter := form[k]
		name := first
		if letter|0x20 == 'b' {
			name = second
		}
		trunk := under
		if k >= (n+1)/2 {
			trunk = other
		}
		p.Cues = append(p.Cues,
			Cue{Move: trunk, Beat: at, Beats: beats, Mirror: k%2 == 1, Scale: scale},
			Cue{Move: name, Beat: at, Beats: beats, Mirror: side != (letter >= 'a'), Scale: scale})
	}
}

// armMoves are those of the grammar and the dance's own.
func (c *composer) armMoves() []entry {
	all := slices.Clone(armMoves)
	for _, m := range c.own {
		if m.leads(arms) {
			all = append(all, entry{m, 0.5})
		}
	}
	return all
}

// pick draws a move that suits the energy, none of the phrase before and not one that is
// named.
func (c *composer) pick(list []entry, energy float64, but ...string) string {
	weights, sum := make([]float64, len(list)), 0.0
	for i := range list {
		name := list[i].Name
		if slices.Contains(c.recent, name) || slices.Contains(but, name) {
			continue
		}
		d := (list[i].vigour - energy) / variety
		weights[i] = 0.05 + math.Exp(-d*d/2)
		sum += weights[i]
	}
	at := sum * c.Float64()
	for i, w := range weights {
		if at -= w; at < 0 && w > 0 {
			return c.take(&list[i])
		}
	}
	return c.take(&list[len(list)-1])
}

// take returns a move's name, and keeps the move with the dance if it is its own.
func (c *composer) take(e *entry) string {
	if grammar[e.Name] == nil && c.d.move(e.Name) == nil {
		c.d.Moves = append(c.d.Moves, e.Move)
	}
	return e.Name
}

// feet adds where a phrase's feet go: from the mark somewhere, from there back. The last
// phrase ends on the mark.
func (c *composer) feet(p *Phrase, seconds float64, last bool, from int) {
	cue := Cue{Beats: p.Beats, Mirror: c.IntN(2) == 1, Scale: 1}
	list := footMoves
	switch {
	case c.away:
		list = []entry{{home, 0.5}}
	case last || len(c.bars)-1-from <= 4:
		list = []entry{{marching, 0.5}}
	case seconds < round:
		list = slices.DeleteFunc(slices.Clone(list), func(e entry) bool { return e.Name == quarterTurn.Name })
	}
	cue.Move = list[c.IntN(len(list))].Name
	c.away = cue.Move != home.Name && cue.Move != marching.Name
	if cue.Move == marching.Name { // two steps will do
		cue.Beats = min(p.Beats, 1+int(pair*float64(p.Beats)/seconds))
	}
	p.Cues = append(p.Cues, cue)
}

// framed begins or ends a dance: a pose at the phrase's first beat, and after it a calm
// move.
func (c *composer) framed(p *Phrase) {
	e := c.energy(p.Beat, min(p.Beat+p.Beats, len(c.d.Beats)-1))
	p.Cues = append(p.Cues, Cue{Move: c.pick(poses, e), Beats: 1, Mirror: c.IntN(2) == 1, Scale: 1})
	if n := p.Beats - 1; n > 0 {
		p.Cues = append(p.Cues,
			Cue{Move: c.pick(trunkMoves, 0.4), Beat: 1, Beats: n, Scale: 0.8},
			Cue{Move: c.pick(armMoves, 0.3), Beat: 1, Beats: n, Mirror: c.IntN(2) == 1, Scale: 0.8})
	}
}
