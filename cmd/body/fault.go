package main

import (
	"math"
	"math/rand/v2"
	"time"

	"samovar/robot/body"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
)

// event is a referee's event with what it remembers.
type event struct {
	referee.Event
	from, to int64 // steps
	then     *body.Sensors
}

// happen takes the events that a referee has sent.
func (w *world) happen(all []referee.Event) {
	for _, e := range all {
		from := max(w.now, int64(e.Start/w.step))
		to := int64(math.MaxInt64)
		if e.Duration > 0 {
			to = from + max(1, int64(e.Duration/w.step))
		}
		w.events = append(w.events, &event{Event: e, from: from, to: to})
	}
}

func (e *event) active(step int64) bool { return e.from <= step && step < e.to }

// next is when a push begins or ends, if that is before until.
func (e *event) next(now, until int64) int64 {
	if e.Kind == referee.Push {
		for _, x := range [2]int64{e.from, e.to} {
			if x > now {
				until = min(until, x)
			}
		}
	}
	return until
}

// forget drops events that are over.
func (w *world) forget() {
	kept := w.events[:0]
	for _, e := range w.events {
		if e.to > w.now {
			kept = append(kept, e)
		}
	}
	w.events = kept
}

// befall changes what is sensed, and reports whether it is lost.
func (w *world) befall(e *event) (lost bool) {
	s := w.sensors
	if e.then == nil {
		e.then = w.info.NewSensors()
		s.CopyTo(e.then)
	}
	nan := math.NaN()
	for i := range s.Joints {
		if e.Target != i && e.Target >= 0 {
			continue
		}
		switch e.Kind {
		case referee.Stuck:
			s.Joints[i] = e.then.Joints[i]
		case referee.Broken:
			s.Joints[i] = body.Measured{Position: nan, Velocity: nan, Torque: nan, Temperature: nan}
		case referee.Hot:
			s.Joints[i].Temperature += e.Amount
		}
	}
	for i := range s.Units {
		if e.Target != i && e.Target >= 0 {
			continue
		}
		switch e.Kind {
		case referee.StuckUnit:
			s.Units[i] = e.then.Units[i]
		case referee.BrokenUnit:
			s.Units[i] = body.Inertial{
				Orientation: mechanism.Quaternion{nan, nan, nan, nan}, Angular: mechanism.Vector{nan, nan, nan}, Acceleration: mechanism.Vector{nan, nan, nan},
			}
		}
	}
	return e.Kind == referee.Drop && w.random.Float64() < e.Amount
}

// Noise of sensors at level 1, standard deviations. They are chosen, of the size
// that makers of such sensors publish; none was measured.
const (
	noiseOrientation  = 0.002 // rad, about each axis, of each measurement
	biasOrientation   = 0.005 // rad, about each axis, for as long as the body lives
	noiseAngular      = 0.01  // rad/s
	noiseAcceleration = 0.1   // m/s²
	noisePosition     = 0.0005
	noiseVelocity     = 0.02
	noiseTorque       = 0.01 // share of the greatest
	noiseTemperature  = 0.5  // °C
)

// noise is what sensors add.
type noise struct {
	level float64
	bias  []mechanism.Quaternion // of each inertial unit
}

func newNoise(level float64, units int, r *rand.Rand) noise {
	n := noise{level: level, bias: make([]mechanism.Quaternion, units)}
	for i := range n.bias {
		n.bias[i] = mechanism.Exp(triple(r, level*biasOrientation))
	}
	return n
}

func triple(r *rand.Rand, deviation float64) mechanism.Vector {
	return mechanism.Vector{deviation * r.NormFloat64(), deviation * r.NormFloat64(), deviation * r.NormFloat64()}
}

func (n *noise) add(s *body.Sensors, info *body.Info, r *rand.Rand) {
	if n.level == 0 {
		return
	}
	for i := range s.Units {
		u := &s.Units[i]
		u.Orientation = n.bias[i].Mul(mechanism.Exp(triple(r, n.level*noiseOrientation))).Mul(u.Orientation)
		u.Angular = u.Angular.Add(triple(r, n.level*noiseAngular))
		u.Acceleration = u.Acceleration.Add(triple(r, n.level*noiseAcceleration))
	}
	for i := range s.Joints {
		j := &s.Joints[i]
		j.Position += n.level * noisePosition * r.NormFloat64()
		j.Velocity += n.level * noiseVelocity * r.NormFloat64()
		j.Torque += n.level * noiseTorque * info.Joints[i].Torque[1] * r.NormFloat64()
		j.Temperature += n.level * noiseTemperature * r.NormFloat64()
	}
}

// A drive warms by copper losses, which grow with the square of its torque, and
// cools towards the room. Both constants are chosen: at half its torque a drive
// ends up 60 K above the room, at all of it it passes that after 34 s.
const (
	room    = 25.0              // °C
	heating = 2.0               // K/s at the greatest torque
	cooling = 120 * time.Second // to 1/e
)

// warm computes the drives' temperatures after a tick.
func (w *world) warm() {
	w.load(w.mean)
	dt := w.at(w.period).Seconds()
	for i := range w.heat {
		t := w.info.Joints[i].Torque
		share := w.mean[i] / max(1e-12, math.Pow(max(-t[0], t[1]), 2))
		w.heat[i] += dt * (heating*share - w.heat[i]/cooling.Seconds())
	}
}
