package safety

import (
	"fmt"
	"math"
	"time"

	"samovar/robot/body"
	"samovar/robot/mechanism"
)

// judge looks at what a body senses.
type judge struct {
	info   *body.Info
	config *Config
	good   *body.Sensors // the newest measurements that can be believed
	before *body.Sensors // the newest of all
	begun  bool          // the body is not held any more

	faulty uint64
	dark   time.Duration   // without any sensors
	bad    []time.Duration // of each joint, then each unit: for how long it was not to be believed
	same   []int           // of each joint, then each unit: for how many ticks it has not changed at all
}

func newJudge(i *body.Info, c *Config) judge {
	n := len(i.Joints) + len(i.Units)
	return judge{info: i, config: c, good: i.NewSensors(), before: i.NewSensors(), bad: make([]time.Duration, n), same: make([]int, n)}
}

// blind is a tick without sensors.
func (j *judge) blind() (Mode, cause) {
	if j.info.Lockstep {
		j.dark += j.info.Period()
	} else {
		j.dark += j.info.Stale
	}
	if j.begun && j.dark >= j.config.Grace {
		return Kneeling, cause{Blind, "", fmt.Sprintf("no sensors for %v", j.dark)}
	}
	return Running, cause{}
}

// stuckAfter is for how many ticks in a row a sensor may repeat itself to the last
// bit. Noise alone, and a drive's temperature, change it in every one.
const stuckAfter = 5

// see judges a tick's sensors.
func (j *judge) see(s *body.Sensors) (Mode, cause) {
	j.dark = 0
	j.begun = s.Status&body.Held == 0
	worst, why := Running, cause{}
	raise := func(m Mode, reason cause) {
		if m > worst {
			worst, why = m, reason
		}
	}
	for i := range s.Joints {
		m, name := &s.Joints[i], j.info.Joints[i].Name
		bits := *m == j.before.Joints[i]
		if j.believe(i, mechanism.Finite(m.Position, m.Velocity, m.Torque, m.Temperature), bits) {
			j.good.Joints[i] = *m
			raise(j.joint(m, &j.info.Joints[i]))
		} else if j.bad[i] >= j.config.Grace {
			raise(Kneeling, cause{NoSensor, name, fmt.Sprintf("the sensor of %s has failed", name)})
		}
	}
	for i := range s.Units {
		u, k := &s.Units[i], len(s.Joints)+i
		n := 0.0
		for _, x := range u.Orientation {
			n += x * x
		}
		ok := math.Abs(n-1) < 0.1 && mechanism.Finite(u.Angular[:]...) && mechanism.Finite(u.Acceleration[:]...)
		if j.believe(k, ok, *u == j.before.Units[i]) {
			j.good.Units[i] = *u
		} else if name := j.info.Units[i].Name; j.bad[k] >= j.config.Grace {
			raise(Kneeling, cause{NoUnit, name, fmt.Sprintf("inertial unit %s has failed", name)})
		}
	}
	s.CopyTo(j.before)
	j.good.Sequence, j.good.Time, j.good.Status, j.good.Battery = s.Sequence, s.Time, s.Status, s.Battery
	if reason := j.config.Falling(j.good); reason != "" && j.begun {
		raise(Kneeling, cause{Falls, "", reason})
	}
	if !j.begun {
		return Running, cause{}
	}
	if j.config.Touching != nil {
		if reason := j.config.Touching(j.good); reason != "" {
			raise(Standing, cause{Touches, "", reason})
		}
	}
	return worst, why
}

// believe reports whether a measurement is used.
func (j *judge) believe(k int, ok, same bool) bool {
	j.same[k]++
	if !same || !j.begun {
		j.same[k] = 0
	}
	if ok && j.same[k] < stuckAfter {
		j.bad[k] = 0
		return true
	}
	j.faulty++
	j.bad[k] = max(j.bad[k]+j.info.Period(), time.Duration(j.same[k])*j.info.Period())
	return false
}

// joint judges what a drive measures.
func (j *judge) joint(m *body.Measured, d *body.Joint) (Mode, cause) {
	// A simulator's stops give way by 0.02 rad, real ones hardly; speeds are measured
	// with noise.
	const over, fast = 0.1, 1.2
	switch {
	case m.Temperature > j.config.Temperature+10:
		return Kneeling, cause{Hot, d.Name, fmt.Sprintf("the drive of %s has %.0f °C", d.Name, m.Temperature)}
	case m.Temperature > j.config.Temperature:
		return Standing, cause{Hot, d.Name, fmt.Sprintf("the drive of %s has %.0f °C", d.Name, m.Temperature)}
	case m.Position < d.Range[0]-over || m.Position > d.Range[1]+over:
		return Standing, cause{Beyond, d.Name, fmt.Sprintf("%s is at %.2f rad, its range is %.2f to %.2f", d.Name, m.Position, d.Range[0], d.Range[1])}
	case d.Speed > 0 && math.Abs(m.Velocity) > fast*d.Speed:
		return Standing, cause{TooFast, d.Name, fmt.Sprintf("%s turns at %.1f rad/s, its drive at most at %.1f", d.Name, m.Velocity, d.Speed)}
	}
	return Running, cause{}
}
