package dance

import (
	"fmt"
	"math"
	"sort"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/mechanism"
)

// fine is the number of control points of a track a second.
const fine = 50

// gentle is σ of the Gaussian that a clip is smoothed by, s: an arm that swings twice a
// second keeps nine tenths of its way.
const gentle = 0.035

// slow is σ of what is where the dancer stands and not how he sways, s.
const slow = 0.8

// roaming is how far from its mark a clip leads the robot, ahead and to the side, m.
const roaming = 0.1

// A Track is a clip made feasible for a body: cubic B-splines whose control points lie
// within the body's ranges, and are no farther apart than its speeds and accelerations
// allow. A B-spline is nowhere beyond its control points, nor its derivatives beyond
// their differences (de Boor, A Practical Guide to Splines, chapter XI).
type Track struct {
	// Lead may be set before the motion begins.
	Lead Lead

	begin  float64   // s, of the first control point
	beats  []float64 // s, of the music while the clip is danced
	points [channels][]float64
	joints []bound
}

// Fit makes a motion for a body of a clip. It begins at the first of the beats; the
// clip's motion beats come to lie on beats, each as many on from the one before as its
// time is nearest to. Without beats the clip keeps its own time and begins after 2 s.
func (c *Clip) Fit(i *body.Info, beats []float64) (*Track, error) {
	from, to, err := c.stretch(beats)
	if err != nil {
		return nil, fmt.Errorf("fit a motion to beats: %w", err)
	}
	t := &Track{begin: to[0]}
	for _, b := range beats {
		if b >= to[0] && b <= to[len(to)-1] {
			t.beats = append(t.beats, b)
		}
	}
	t.resample(c, from, to)
	var bounds [channels]limits
	t.joints, bounds = bind(i)
	for _, k := range []channel{markAhead, markLeft} {
		bounds[k].low, bounds[k].high = -roaming, roaming
	}
	for k := range t.points {
		if len(t.points[k]) > 0 {
			bounds[k].tame(t.points[k], channel(k) == swayAhead || channel(k) == swayLeft)
		}
	}
	return t, nil
}

// stretch pairs moments of the clip with those of the music.
func (c *Clip) stretch(beats []float64) (from, to []float64, err error) {
	if beats == nil {
		return []float64{0, c.Seconds()}, []float64{taking, taking + c.Seconds()}, nil
	}
	if len(beats) < 2 || beats[0] < earliest {
		return nil, nil, fmt.Errorf("%d beats, of which the first must not be before %g s", len(beats), earliest)
	}
	own, at := c.Beats(), 0
	for i, b := range own {
		if i > 0 {
			if at+1 >= len(beats) {
				break
			}
			on := int(math.Round((b - own[i-1]) / (beats[at+1] - beats[at])))
			if at += max(1, on); at >= len(beats) {
				break
			}
		}
		from, to = append(from, b), append(to, beats[at])
	}
	if len(from) < 2 {
		return nil, nil, fmt.Errorf("the clip has %d motion beats", len(own))
	}
	return from, to, nil
}

// resample fills the control points from the first to the last pair of moments.
func (t *Track) resample(c *Clip, from, to []float64) {
	base := c.base()
	n := int((to[len(to)-1] - to[0]) * fine)
	for k := range n + 1 {
		at := to[0] + float64(k)/fine
		i := min(max(sort.SearchFloat64s(to, at), 1), len(to)-1)
		x := from[i-1] + (from[i]-from[i-1])*min(1, (at-to[i-1])/(to[i]-to[i-1]))
		f := min(max(x*c.Rate, 0), float64(len(c.frames)-1))
		a, s := int(f), f-math.Floor(f)
		b := min(a+1, len(c.frames)-1)
		for ch := range channels {
			if ch == march {
				continue
			}
			v, w := base[a][ch], base[b][ch]
			t.points[ch] = append(t.points[ch], v+(w-v)*s)
		}
	}
}

// base is the clip as poses: its pelvis as sway and turn about where it stands, which
// moves slowly.
func (c *Clip) base() []pose {
	n := len(c.frames)
	out := make([]pose, n)
	var at [3][]float64
	var turn []float64
	for i := range c.frames {
		f := &c.frames[i]
		for k := range at {
			at[k] = append(at[k], f.pelvis[k])
		}
		x := f.turn.Rotate(mechanism.Vector{1, 0, 0})
		a := math.Atan2(x[1], x[0])
		if i > 0 {
			a = turn[i-1] + math.Remainder(a-turn[i-1], 2*math.Pi)
		}
		turn = append(turn, a)
	}
	place := [2][]float64{smooth(at[0], slow*c.Rate), smooth(at[1], slow*c.Rate)}
	facing := smooth(turn, slow*c.Rate)
	high := mean(at[2])
	up := mechanism.Vector{0, 0, 1}
	begun := mechanism.Turn(up, -facing[0])
	for i := range out {
		p := &out[i]
		copy(p[:joints], c.frames[i].joint[:])
		back := mechanism.Turn(up, -facing[i])
		sway := back.Rotate(mechanism.Vector{at[0][i] - place[0][i], at[1][i] - place[1][i]})
		lean := back.Mul(c.frames[i].turn).Vector()
		mark := begun.Rotate(mechanism.Vector{place[0][i] - place[0][0], place[1][i] - place[1][0]})
		p[swayAhead], p[swayLeft], p[swayUp] = sway[0], sway[1], at[2][i]-high-0.02
		p[pelvisRoll], p[pelvisPitch], p[pelvisYaw] = lean[0], lean[1], lean[2]
		p[markAhead], p[markLeft], p[heading] = mark[0], mark[1], facing[i]-facing[0]
	}
	return out
}

// tame brings control points within limits: cut at the ends, slowed where they leap,
// smoothed, more so where they are too quick, and where that is not enough made smaller
// about their mean. The points of a sway keep the centre of pressure within them, too.
func (l *limits) tame(x []float64, sway bool) {
	low, high, middle := l.low, l.high, 0.0
	if sway {
		low, high = 0.7*low, 0.7*high // the rest is for accelerations
	}
	for i := range x {
		x[i] = min(max(x[i], low), high)
		if i > 0 {
			x[i] = x[i-1] + min(max(x[i]-x[i-1], -l.speed/fine), l.speed/fine)
		}
	}
	copy(x, smooth(x, gentle*fine))
	l.calm(x, sway)
	if !sway {
		middle = mean(x)
	}
	fits := 1.0
	for i := range x {
		fits = min(fits, 1/max(l.asks(x, i, sway), 1e-9))
	}
	for i := range x {
		x[i] = middle + fits*(x[i]-middle)
	}
}

// asks is how much of its limits a control point needs, 1: all.
func (l *limits) asks(x []float64, i int, sway bool) float64 {
	before, after := x[max(i-1, 0)], x[min(i+1, len(x)-1)]
	second := math.Abs(after-2*x[i]+before) * fine * fine
	most := max(math.Abs(after-x[i])*fine/l.speed, second/l.acceleration)
	if sway {
		most = max(most, (math.Abs(x[i])+second/omega2)/l.high)
	}
	return most
}

// calm smooths control points again and again where they ask for too much: each time
// they become the mean of what is between them and their neighbours.
func (l *limits) calm(x []float64, sway bool) {
	const (
		times = 400 // σ grows to the root of half of them: 0.3 s
		reach = 3   // points about one that asks for too much
	)
	y := make([]float64, len(x))
	for range times {
		copy(y, x)
		done := true
		for i := range x {
			if l.asks(y, i, sway) <= 1 {
				continue
			}
			done = false
			for k := max(i-reach, 1); k <= min(i+reach, len(x)-2); k++ {
				x[k] = (y[k-1] + 2*y[k] + y[k+1]) / 4
			}
		}
		if done {
			return
		}
	}
}

// value is a channel at a time: before its first and after its last point it stays.
func (t *Track) value(c channel, at float64) float64 {
	x := t.points[c]
	if len(x) == 0 {
		return 0
	}
	f := (at - t.begin) * fine
	f = min(max(f, -2), float64(len(x)+1))
	i, s := int(math.Floor(f)), f-math.Floor(f)
	sum := 0.0
	// The four cubic B-splines that are not 0 there.
	for k, w := range [4]float64{(1 - s) * (1 - s) * (1 - s), 4 - 6*s*s + 3*s*s*s, 1 + 3*s + 3*s*s - 3*s*s*s, s * s * s} {
		sum += w / 6 * x[min(max(i-1+k, 0), len(x)-1)]
	}
	return sum
}

// Target fills in what the robot is to look like at a time of the song, s.
func (t *Track) Target(at float64, to *balance.Target) {
	here := t.presence(at + t.Lead.Joints)
	for _, b := range t.joints {
		to.Joints[b.joint] += here * (t.value(b.channel, at+t.Lead.Joints) - to.Joints[b.joint])
	}
	at += t.Lead.Base
	here = t.presence(at)
	for c := range 3 {
		to.Sway[c] = here * t.value(swayAhead+channel(c), at)
		to.Pelvis[c] = here * t.value(pelvisRoll+channel(c), at)
	}
	to.Mark = [2]float64{here * t.value(markAhead, at), here * t.value(markLeft, at)}
	to.Heading = here * t.value(heading, at)
}

// presence grows from 0 to 1 before the clip begins, and falls after its end.
func (t *Track) presence(at float64) float64 {
	n := 0
	for _, p := range t.points {
		n = max(n, len(p))
	}
	before := min(taking, t.begin)
	after := t.begin + float64(n+2)/fine
	return ease((at-t.begin+before)/before) - ease((at-after)/leaving)
}

// Beats are those of the music, from where the clip begins to where it ends, s; without
// music there are none.
func (t *Track) Beats() []float64 { return t.beats }

// Seconds is when the motion ends, s: the robot is as it stood before.
func (t *Track) Seconds() float64 { return t.begin + float64(len(t.points[0])+2)/fine + leaving }

// Move makes a move of a clip from a time on: its poses at so many of its motion beats,
// which a dance then puts on those of the music. Where the dancer stood is left out.
func (c *Clip) Move(name string, from float64, keys int) (Move, error) {
	m := Move{Name: name}
	base := c.base()
	for _, t := range c.Beats() {
		if t < from || len(m.Keys) == keys {
			continue
		}
		p := &base[min(int(t*c.Rate+0.5), len(base)-1)]
		k := Key{}
		for ch := range markAhead {
			v := p[ch]
			if l := &table[ch].limits; ch >= joints {
				v = min(max(v, l.low), l.high)
			}
			k[table[ch].name] = math.Round(v*1e3) / 1e3
		}
		m.Keys = append(m.Keys, k)
	}
	if len(m.Keys) < keys {
		return m, fmt.Errorf("make a move of a clip: %d motion beats from %g s on, where %d are asked for", len(m.Keys), from, keys)
	}
	if err := m.Check(); err != nil {
		return m, fmt.Errorf("make a move of a clip: %w", err)
	}
	return m, nil
}
