package dance

import (
	"math"

	"samovar/robot/body"
)

// Of a motion with the least jerk from one position to another, the greatest speed and
// acceleration, against way/time and way/time²: 15/8 and 10/√3.
const (
	peakSpeed        = 1.875
	peakAcceleration = 5.7735
)

// omega2 is ω² of a pendulum of 0.62 m, as high as the centre of mass of the robots that
// this is for, 1/s².
const omega2 = 9.81 / 0.62

const (
	// margin is how far from the end of its range a joint stays, rad: the controller
	// leads it away from there.
	margin = 0.15
	// share of a joint's greatest speed that a dance uses: a push needs the rest.
	share = 0.6
	// unknown is the speed of a joint whose greatest is not known, rad/s.
	unknown = 10
)

// of returns the limits of a joint that is a channel.
func (l limits) of(j *body.Joint) limits {
	l.low, l.high = j.Range[0]+margin, j.Range[1]-margin
	if l.low > l.high { // a joint that hardly moves stays in the middle
		l.low = (j.Range[0] + j.Range[1]) / 2
		l.high = l.low
	}
	l.speed = unknown
	if j.Speed > 0 {
		l.speed = min(unknown, share*j.Speed)
	}
	return l
}

// reach returns the position nearest to a wanted one that can be got to in dt seconds
// from another within the limits.
func (l *limits) reach(from, to, dt float64) float64 {
	to = min(max(to, l.low), l.high)
	most := min(l.speed*dt/peakSpeed, l.acceleration*dt*dt/peakAcceleration)
	return from + min(max(to-from, -most), most)
}

// sway is reach for the centre of mass: the centre of pressure, which is x − ẍ/ω² (Kajita
// and others, IROS 2001), stays within the limits as well: at the beginning of the way
// behind the centre of mass, at its end before it.
func (l *limits) sway(from, to, dt float64) float64 {
	to = l.reach(from, to, dt)
	for range 20 {
		beyond := math.Abs(to-from) * peakAcceleration / (dt * dt * omega2)
		if max(math.Abs(from), math.Abs(to))+beyond <= l.high {
			return to
		}
		to = from + 0.8*(to-from)
	}
	return from
}
