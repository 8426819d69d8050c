package policy

import (
	"math"

	"samovar/robot/body"
	"samovar/robot/mechanism"
)

// sensed is what an observation is made of.
type sensed struct {
	sensors                           *body.Sensors
	linear, angular, gravity, command mechanism.Vector
	action                            []float32
}

// observer makes observations in a manifest's order.
type observer struct {
	manifest *Manifest
	order    []int // the body's joints in the policy's order
	factors  [][]float64
	frames   [][]float32 // the newest are written over the oldest
	newest   int
	filled   bool
	from     []place // where each number of the observation is found
	all      []float32
	phase    float64 // of the gait's clock, in periods
}

// place is a number of the frame that came so many frames before the newest.
type place struct{ age, at int }

func newObserver(m *Manifest, order []int) observer {
	o := observer{manifest: m, order: order}
	n, at := m.History.Frames, 0
	var starts []int
	for i := range m.Observation {
		t := &m.Observation[i]
		o.factors = append(o.factors, m.factors(t))
		starts = append(starts, at)
		at += m.size(t)
	}
	for range n {
		o.frames = append(o.frames, make([]float32, at))
	}
	starts = append(starts, at)
	if m.History.By == "frame" {
		starts = []int{0, at}
	}
	for k := range starts[1:] { // each block, in all frames, the oldest first
		for age := n - 1; age >= 0; age-- {
			for i := starts[k]; i < starts[k+1]; i++ {
				o.from = append(o.from, place{age, i})
			}
		}
	}
	o.all = make([]float32, len(o.from))
	return o
}

// reset forgets what was observed.
func (o *observer) reset() { o.newest, o.filled, o.phase = 0, false, 0 }

// observe returns the observation of a moment, which holds until the next one.
func (o *observer) observe(now *sensed) []float32 {
	o.newest = (o.newest + 1) % len(o.frames)
	frame := o.frames[o.newest]
	at := 0
	for i := range o.manifest.Observation {
		t := &o.manifest.Observation[i]
		for k, factor := range o.factors[i] {
			x := o.number(t, k, now)
			if t.Clip > 0 {
				x = min(max(x, -t.Clip), t.Clip)
			}
			frame[at] = float32(factor * x)
			at++
		}
	}
	if !o.filled { // what was before is taken to be as it is now
		for i := range o.frames {
			copy(o.frames[i], frame)
		}
		o.filled = true
	}
	for i, p := range o.from {
		o.all[i] = o.frames[(o.newest-p.age+len(o.frames))%len(o.frames)][p.at]
	}
	if g := o.manifest.Gait; g != nil {
		_, o.phase = math.Modf(o.phase + 1/(g.Period*float64(o.manifest.Rate)))
	}
	return o.all
}

// number is number k of a term, before it is clipped and scaled.
func (o *observer) number(t *Term, k int, now *sensed) float64 {
	switch t.Name {
	case velocity:
		return now.linear[k]
	case angular:
		return now.angular[k]
	case gravity:
		return now.gravity[k]
	case command:
		return now.command[k]
	case jointPosition:
		return now.sensors.Joints[o.order[k]].Position - o.manifest.Joints[k].Default
	case jointVelocity:
		return now.sensors.Joints[o.order[k]].Velocity
	case lastAction:
		return float64(now.action[k])
	}
	angle := 2 * math.Pi * (o.phase + t.Offsets[k])
	if g := o.manifest.Gait; g.Standing != nil && now.command == (mechanism.Vector{}) {
		angle = 2 * math.Pi * *g.Standing
	}
	if t.Name == sine {
		return math.Sin(angle)
	}
	return math.Cos(angle)
}
