package live

import (
	"samovar/robot/balance"
)

// blend is the time in which one motion passes into another, s.
const blend = 1.0

// mix is a motion that passes from one into another.
type mix struct {
	from, to part
	start    float64        // when it begins to pass, on the controller's clock
	first    balance.Target // room for what from gives
	neutral  []float64
}

// part is a motion and when it began, on the controller's clock.
type part struct {
	motion balance.Motion
	begin  float64
}

// still is where every motion begins.
func still(joints int) *mix {
	return &mix{to: part{balance.Still{}, 0}, start: -blend, first: balance.Target{Joints: make([]float64, joints)}, neutral: make([]float64, joints)}
}

// into returns the motion that passes into another from a time on.
func (m *mix) into(next balance.Motion, at float64) *mix {
	n := still(len(m.neutral))
	n.from, n.to, n.start = part{m, 0}, part{next, at}, at
	if at > m.start+blend {
		n.from = m.to
	}
	return n
}

// Target mixes the targets of both.
func (m *mix) Target(at float64, to *balance.Target) {
	k := smooth((at - m.start) / blend)
	copy(m.neutral, to.Joints)
	if k > 0 {
		m.to.motion.Target(at-m.to.begin, to)
	}
	if k == 1 || m.from.motion == nil {
		return
	}
	m.first = balance.Target{Joints: m.first.Joints}
	copy(m.first.Joints, m.neutral)
	m.from.motion.Target(at-m.from.begin, &m.first)
	for i := range to.Sway {
		to.Sway[i] = between(m.first.Sway[i], to.Sway[i], k)
		to.Pelvis[i] = between(m.first.Pelvis[i], to.Pelvis[i], k)
	}
	for i := range to.Joints {
		to.Joints[i] = between(m.first.Joints[i], to.Joints[i], k)
	}
	for i := range to.Mark {
		to.Mark[i] = between(m.first.Mark[i], to.Mark[i], k)
	}
	to.Heading = between(m.first.Heading, to.Heading, k)
	if k < 0.5 {
		to.March = m.first.March
	}
}

func between(a, b, k float64) float64 { return a + k*(b-a) }

// smooth goes from 0 to 1 between 0 and 1, twice differentiable.
func smooth(t float64) float64 {
	t = min(1, max(0, t))
	return t * t * t * (10 - 15*t + 6*t*t)
}
