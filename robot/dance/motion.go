package dance

import (
	"fmt"
	"math"
	"sort"

	"samovar/robot/balance"
	"samovar/robot/body"
)

// Times around a dance, s: how long the robot takes its first pose at most, holds the
// last one, and goes back to its stance.
const (
	taking  = 2.0
	holding = 1.5
	leaving = 1.5
)

// slowest is the longest time that the way to a key takes, s. Where beats are farther
// apart, in a pause, the robot waits.
const slowest = 1.2

// Lead is by how much a motion is ahead of the music, s, because a body is late: joints
// that follow positions, and trunk and centre of mass, which forces move. [Calibrate]
// measures it.
type Lead struct {
	Joints float64 `json:"joints"`
	Base   float64 `json:"base"`
}

// A Motion is a dance made for a body: in each channel the way of least jerk from key to
// key, at rest on each beat and twice differentiable, within the body's limits.
type Motion struct {
	// Lead may be set before the motion begins.
	Lead Lead

	times  []float64 // of the keys; the first and the last are the robot's own stance
	keys   []pose
	beats  int // how many of the keys, from the second on, are on beats
	joints []bound
	open   bool // more keys come: it does not go back to its stance
}

// bound is a joint of the body that is a channel.
type bound struct {
	joint   int
	channel channel
}

// New makes a dance's motion for a body. A joint without a role in dances is left alone,
// a role without a joint is left out.
func New(d *Dance, i *body.Info) (*Motion, error) {
	if err := d.Check(); err != nil {
		return nil, fmt.Errorf("make a motion of a dance: %w", err)
	}
	m := &Motion{}
	var all [channels]limits
	m.joints, all = bind(i)
	m.lay(d, &all)
	return m, nil
}

// bind finds the joints of a body that are channels, and the limits of all channels.
func bind(i *body.Info) (joints []bound, all [channels]limits) {
	for c := range table {
		all[c] = table[c].limits
	}
	for k := range i.Joints {
		if c := role(i.Joints[k].Name); c >= 0 {
			joints = append(joints, bound{k, c})
			all[c] = all[c].of(&i.Joints[k])
		}
	}
	return joints, all
}

// lay puts down what the dance asks for at each beat.
func (m *Motion) lay(d *Dance, all *[channels]limits) {
	first, end := d.Phrases[0].Beat, d.Phrases[len(d.Phrases)-1]
	last := end.Beat + end.Beats
	asked := make([]pose, last-first)
	for k := range asked {
		asked[k] = rest
	}
	for i := range d.Phrases {
		p := &d.Phrases[i]
		d.pose(p, asked[p.Beat-first:])
	}
	begin := d.Beats[first]
	m.add(begin-min(taking, begin), asked[0].still(), all)
	for k := range asked {
		m.add(d.Beats[first+k], asked[k], all)
	}
	m.beats = len(asked)
	m.finish(d.Beats[last-1], asked[len(asked)-1], all)
}

// pose puts into poses, one a beat, what a phrase asks for.
func (d *Dance) pose(p *Phrase, poses []pose) {
	for _, c := range p.Cues {
		move := d.move(c.Move)
		for k := range c.Beats {
			poses[c.Beat+k].put(move.Keys[k%len(move.Keys)], c.Mirror, c.Scale)
		}
	}
}

// finish has the robot hold its last pose, which it takes at a time, go to its mark and
// then back to its stance.
func (m *Motion) finish(at float64, final pose, all *[channels]limits) {
	at += holding
	final[march] = 0
	m.add(at, final, all)
	final[markAhead], final[markLeft], final[heading] = 0, 0, 0
	for m.away() { // a dance that was edited or cut off may end elsewhere
		at += slowest
		m.add(at, final, all)
	}
	m.add(at+leaving, final.still(), all)
}

// away reports whether the last key is away from the mark.
func (m *Motion) away() bool {
	p := &m.keys[len(m.keys)-1]
	return p[markAhead] != 0 || p[markLeft] != 0 || p[heading] != 0
}

// stepping is for how long a robot steps with both feet after a change of its mark, s.
const stepping = 3.5

// gently is the share of its accelerations that a part of the body has while the robot
// steps: it stands on one foot, 5 cm wide, for half a second at a time. What the trunk
// does is seen by all of its mass.
var gently = [parts]float64{arms: 0.4, trunk: 0.25, feet: 1}

// steps reports whether the robot steps on the way to the last key.
func (m *Motion) steps() bool {
	n := len(m.keys) - 1
	if m.keys[n][march] > 0.5 || m.keys[max(0, n-1)][march] > 0.5 {
		return true
	}
	for k := n; k > 0 && m.times[n]-m.times[k-1] < stepping; k-- {
		a, b := &m.keys[k-1], &m.keys[k]
		if a[march] != b[march] || a[markAhead] != b[markAhead] || a[markLeft] != b[markLeft] || a[heading] != b[heading] {
			return true
		}
	}
	return false
}

// add adds a key as far as limits let the robot reach it: where it cannot be got to in
// time, the move is smaller.
func (m *Motion) add(at float64, p pose, all *[channels]limits) {
	m.times, m.keys = append(m.times, at), append(m.keys, p)
	n := len(m.keys) - 1
	gentle := m.steps()
	for c := range channels {
		l, x := all[c], &m.keys[n][c]
		if gentle {
			l.acceleration *= gently[table[c].part]
		}
		switch {
		case n == 0:
			*x = min(max(*x, l.low), l.high)
		case c == swayAhead || c == swayLeft:
			*x = l.sway(m.keys[n-1][c], *x, m.way(n-1))
		case c != march:
			*x = l.reach(m.keys[n-1][c], *x, m.way(n-1))
		}
	}
}

// still is a pose with the joints of another: the robot stands on its mark, and its
// joints are about to leave its stance or to go back to it.
func (p pose) still() pose {
	clear(p[joints:])
	return p
}

// way is how long the way from key k to the next takes.
func (m *Motion) way(k int) float64 { return min(slowest, m.times[k+1]-m.times[k]) }

// Target fills in what the robot is to look like at a time of the song, s.
func (m *Motion) Target(at float64, to *balance.Target) {
	k, s := m.find(at + m.Lead.Joints)
	here := m.presence(at + m.Lead.Joints)
	for _, b := range m.joints {
		to.Joints[b.joint] += here * (m.value(b.channel, k, s) - to.Joints[b.joint])
	}
	k, s = m.find(at + m.Lead.Base)
	for c := range 3 {
		to.Sway[c] = m.value(swayAhead+channel(c), k, s)
		to.Pelvis[c] = m.value(pelvisRoll+channel(c), k, s)
	}
	to.Mark = [2]float64{m.value(markAhead, k, s), m.value(markLeft, k, s)}
	to.Heading = m.value(heading, k, s)
	to.March = m.keys[k][march] > 0.5
}

// find returns the key before a time, and how much of the way to the next is done.
func (m *Motion) find(at float64) (key int, done float64) {
	n := len(m.times)
	k := sort.SearchFloat64s(m.times, at) - 1
	k = min(max(k, 0), n-2)
	way := m.way(k)
	return k, ease((at - (m.times[k+1] - way)) / way)
}

// value is a channel between key k and the next.
func (m *Motion) value(c channel, k int, done float64) float64 {
	a, b := m.keys[k][c], m.keys[k+1][c]
	return a + (b-a)*done
}

// presence grows from 0 to 1 as the robot leaves its own stance, and back in the end.
func (m *Motion) presence(at float64) float64 {
	n := len(m.times)
	here := ease((at - m.times[0]) / (m.times[1] - m.times[0]))
	if m.open {
		return here
	}
	return here - ease((at-m.times[n-2])/(m.times[n-1]-m.times[n-2]))
}

// ease goes from 0 to 1 between times 0 and 1 with the least jerk (Flash and Hogan,
// Journal of Neuroscience 5(7), 1985).
func ease(t float64) float64 {
	t = math.Min(1, math.Max(0, t))
	return t * t * t * (10 - 15*t + 6*t*t)
}

// Beats returns the beats that are danced, from the first pose to the last, s.
func (m *Motion) Beats() []float64 { return m.times[1 : 1+m.beats] }

// Seconds is when the motion ends: the robot is as it stood before.
func (m *Motion) Seconds() float64 { return m.times[len(m.times)-1] }
