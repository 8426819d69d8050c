package balance

import (
	"math"

	"samovar/robot/mechanism"
)

// Target is what a robot is to look like at a moment. Neutral is all zero, with
// Joints where the robot has them in its stance.
type Target struct {
	// Sway moves the centre of mass from over the middle of the feet and from the
	// height of the stance: ahead, left, up, m.
	Sway mechanism.Vector
	// Pelvis is a rotation vector of the base against upright and the feet's
	// heading, rad. What lies above turns with it.
	Pelvis mechanism.Vector
	// Joints are positions in the order of the body's, rad; those of the legs
	// follow from everything else and are not used.
	Joints []float64
	// Mark is where the middle of the feet shall be, from where it began, m: the robot
	// steps when it is elsewhere. Heading likewise, rad.
	Mark    [2]float64
	Heading float64
	March   bool // step although it is where it shall be
	Stay    bool // do not step, wherever it is, unless it falls
}

// Motion says what a robot is to look like over time.
type Motion interface {
	// Target fills in the target at a time in seconds; to is neutral before. It is
	// twice differentiable in time where the robot is not to jerk.
	Target(at float64, to *Target)
}

// Still is the motion of a robot that stands.
type Still struct{}

// Target leaves the neutral target.
func (Still) Target(float64, *Target) {}

// Rest is the motion of a robot that has been stopped: it stays where it stands.
type Rest struct{}

// Target leaves the neutral target, but does not tidy the feet.
func (Rest) Target(_ float64, to *Target) { to.Stay = true }

// course is a motion with its derivatives, by differences.
type course struct {
	neutral []float64
	at      [3]Target    // before, at and after a moment
	joints  [3][]float64 // position, velocity, acceleration
	sway    [3]mechanism.Vector
	pelvis  [3]mechanism.Vector
}

// span is the time between two moments from which derivatives are taken, s.
const span = 0.01

func newCourse(neutral []float64) *course {
	c := &course{neutral: neutral}
	for k := range c.at {
		c.at[k].Joints = make([]float64, len(neutral))
		c.joints[k] = make([]float64, len(neutral))
	}
	return c
}

// look evaluates a motion at a time.
func (c *course) look(m Motion, at float64) {
	for k := range c.at {
		t := &c.at[k]
		*t = Target{Joints: t.Joints}
		copy(t.Joints, c.neutral)
		m.Target(at+float64(k-1)*span, t)
	}
	for i := range c.neutral {
		c.joints[0][i], c.joints[1][i], c.joints[2][i] = derive(c.at[0].Joints[i], c.at[1].Joints[i], c.at[2].Joints[i])
	}
	for i := range 3 {
		c.sway[0][i], c.sway[1][i], c.sway[2][i] = derive(c.at[0].Sway[i], c.at[1].Sway[i], c.at[2].Sway[i])
		c.pelvis[0][i], c.pelvis[1][i], c.pelvis[2][i] = derive(c.at[0].Pelvis[i], c.at[1].Pelvis[i], c.at[2].Pelvis[i])
	}
}

// derive returns a value and its derivatives of three values, span apart.
func derive(a, b, c float64) (value, first, second float64) {
	return b, (c - a) / (2 * span), (c - 2*b + a) / (span * span)
}

// ease goes from 0 to 1 between times 0 and 1 with the least jerk (Flash and Hogan,
// Journal of Neuroscience 5(7), 1985), and returns its derivatives.
func ease(t float64) (value, first, second float64) {
	t = min(1, max(0, t))
	return t * t * t * (10 - 15*t + 6*t*t), 30 * t * t * (1 - t) * (1 - t), 60 * t * (1 - t) * (1 - 2*t)
}

// heading is the angle of a rotation's x axis seen from above.
func heading(q mechanism.Quaternion) float64 {
	x := q.Rotate(mechanism.Vector{1, 0, 0})
	return math.Atan2(x[1], x[0])
}

// wrap returns an angle in −π to π.
func wrap(a float64) float64 { return math.Remainder(a, 2*math.Pi) }

// level turns a vector about the vertical.
func level(v mechanism.Vector, angle float64) mechanism.Vector {
	s, c := math.Sincos(angle)
	return mechanism.Vector{c*v[0] - s*v[1], s*v[0] + c*v[1], v[2]}
}
