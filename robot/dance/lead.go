package dance

import (
	"errors"
	"math"

	"samovar/robot/balance"
)

// most is the longest delay that is looked for, s.
const most = 0.4

// Calibrating is a dance from which a body's [Lead] is measured: 16 s to beats that are
// no regular ones, so that speeds fit each other in one place alone.
func Calibrating() *Dance {
	d := &Dance{Version: Version, Title: "calibration", Moves: []Move{}}
	at := 2.0
	for k := range 24 {
		d.Beats = append(d.Beats, math.Round(at*1e4)/1e4)
		at += []float64{0.5, 0.65, 0.45, 0.7, 0.55, 0.6, 0.48}[k%7]
	}
	p := Phrase{Beats: len(d.Beats)}
	for k, name := range []string{"pump", "swing", "windmill"} {
		p.Cues = append(p.Cues, Cue{Move: name, Beat: 8 * k, Beats: 8, Scale: 1},
			Cue{Move: []string{"bounce", "dip", "groove"}[k], Beat: 8 * k, Beats: 8, Scale: 1})
	}
	d.Phrases = []Phrase{p}
	return d
}

// A Calibration compares the joint speeds that a motion asks for with those that come
// about. Start with [Motion.Calibrate] and call Add in each tick.
type Calibration struct {
	motion *Motion
	rate   float64
	led    []bool // joints that follow positions
	before [2]balance.Target
	asked  [2][]float64 // speeds: of joints, of the centre of mass and the pelvis
	done   [2][]float64 // of the same joints, of the others
}

// Calibrate returns a calibration of the motion on a body of so many joints, rate ticks
// a second. The motion's Lead must be zero meanwhile.
func (m *Motion) Calibrate(joints int, rate float64) *Calibration {
	c := &Calibration{motion: m, rate: rate, led: make([]bool, joints)}
	for _, b := range m.joints {
		c.led[b.joint] = true
	}
	for k := range c.before {
		c.before[k].Joints = make([]float64, joints)
	}
	return c
}

// Add takes the velocities of all joints in the next tick, at a time of the motion.
func (c *Calibration) Add(at float64, velocity []float64) {
	for k := range c.before {
		c.motion.Target(at+(float64(k)-0.5)/c.rate, &c.before[k])
	}
	a, b := &c.before[0], &c.before[1]
	joints, base, led, others := 0.0, 0.0, 0.0, 0.0
	for i, v := range velocity {
		if c.led[i] {
			joints += math.Abs(b.Joints[i]-a.Joints[i]) * c.rate
			led += math.Abs(v)
		} else {
			others += math.Abs(v)
		}
	}
	// A knee turns by some 1 rad for 0.1 m of height, a hip by 1 rad for one of the pelvis.
	base += b.Sway.Sub(a.Sway).Norm()*10*c.rate + b.Pelvis.Sub(a.Pelvis).Norm()*c.rate
	c.asked[0], c.asked[1] = append(c.asked[0], joints), append(c.asked[1], base)
	c.done[0], c.done[1] = append(c.done[0], led), append(c.done[1], others)
}

// Lead is by how much the body is late.
func (c *Calibration) Lead() (Lead, error) {
	l := Lead{Joints: delay(c.asked[0], c.done[0], c.rate), Base: delay(c.asked[1], c.done[1], c.rate)}
	if math.IsNaN(l.Joints) || math.IsNaN(l.Base) {
		return Lead{}, errors.New("calibrate the phase of a dance: the body does not move as it is asked to, or not for 5 s: dance the whole of the calibrating dance")
	}
	return l, nil
}

// delay is how much later the second of two signals is, s: where their correlation is
// greatest, between −0.1 and 0.4 s. It is NaN where there is none worth speaking of.
func delay(asked, done []float64, rate float64) float64 {
	n, reach, back := len(asked), int(most*rate), int(0.1*rate)
	if float64(n) < 5*rate || len(done) != n {
		return math.NaN()
	}
	a, b := smooth(asked, 0.02*rate), smooth(done, 0.02*rate)
	ma, mb := mean(a), mean(b)
	at := make([]float64, reach+back+1)
	best, sa, sb := 0, 0.0, 0.0
	for i := range a {
		sa, sb = sa+(a[i]-ma)*(a[i]-ma), sb+(b[i]-mb)*(b[i]-mb)
	}
	for k := range at {
		lag := k - back
		for i := max(0, -lag); i < n && i+lag < n; i++ {
			at[k] += (a[i] - ma) * (b[i+lag] - mb)
		}
		if at[k] > at[best] {
			best = k
		}
	}
	if !(at[best] > 0.3*math.Sqrt(sa*sb)) || best == 0 || best == len(at)-1 {
		return math.NaN()
	}
	return (float64(best-back) + vertex(-at[best-1], -at[best], -at[best+1])) / rate
}
