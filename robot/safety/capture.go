package safety

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"samovar/robot/body"
	"samovar/robot/mechanism"
)

// capture predicts falls by where a foot would have to be.
type capture struct {
	state  *mechanism.State
	joints [][2]int // coordinate and velocity of each of the body's joints
	base   [2]int   // likewise of the free joint
	unit   int      // the inertial unit of the base
	mount  mechanism.Quaternion
	feet   []int
	soles  [][]mechanism.Vector // of each foot, in its frame
	margin float64
	least  []mechanism.Vector // the lowest point of each foot
	ground []mechanism.Vector
	hull   []mechanism.Vector
}

// How high above the lowest point of the soles a point still carries, and a foot may
// stand: what is estimated of a tilted robot's feet is off by as much, m.
const (
	thick = 0.02
	near  = 0.04
)

// Capture predicts that a robot falls when its capture point lies farther than
// margin metres outside the polygon of the soles on the ground: the point where a
// pendulum with its mass and velocity would come to rest upright (Pratt and others,
// Humanoids 2006, equation 4). A robot that steps lets it go outside as far as
// it can step; where it falls even so is for margin to say, a step's length. Of soles
// near the ground one stands still, and it is not known which: the one that lets the
// robot fall least. feet are the bodies that have soles.
func Capture(m *mechanism.Model, i *body.Info, feet []string, margin float64) (func(*body.Sensors) string, error) {
	c, err := newCapture(m, i, feet, margin)
	if err != nil {
		return nil, fmt.Errorf("predict falls: %w", err)
	}
	return c.falling, nil
}

func newCapture(m *mechanism.Model, i *body.Info, feet []string, margin float64) (*capture, error) {
	c := &capture{state: mechanism.NewState(m), unit: -1, margin: margin}
	for k := range i.Joints {
		j, err := m.Joint(i.Joints[k].Name)
		if err != nil {
			return nil, err
		}
		c.joints = append(c.joints, [2]int{m.Joints[j].Q, m.Joints[j].V})
	}
	free := slices.IndexFunc(m.Joints, func(j mechanism.Joint) bool { return j.Kind == mechanism.Free })
	if free < 0 {
		return nil, fmt.Errorf("model %q has no free joint", m.Name)
	}
	base := &m.Joints[free]
	c.base = [2]int{base.Q, base.V}
	for k := range i.Units {
		if i.Units[k].Body == m.Bodies[base.Body].Name {
			c.unit, c.mount = k, i.Units[k].Orientation
		}
	}
	if c.unit < 0 {
		return nil, fmt.Errorf("body %q has no inertial unit", m.Bodies[base.Body].Name)
	}
	for _, name := range feet {
		foot, err := m.Body(name)
		if err != nil {
			return nil, err
		}
		soles := m.Soles(m.Reference(), foot, thick)
		if len(soles) == 0 {
			return nil, fmt.Errorf("%q has no sole", name)
		}
		c.feet, c.soles, c.least = append(c.feet, foot), append(c.soles, soles), append(c.least, mechanism.Vector{})
	}
	if len(feet) == 0 {
		return nil, errors.New("no feet")
	}
	return c, nil
}

func (c *capture) falling(s *body.Sensors) string {
	outside := c.outside(s)
	if outside > c.margin || math.IsNaN(outside) {
		return fmt.Sprintf("it falls: the capture point is %.2f m outside its soles", outside)
	}
	return ""
}

// outside is how far the capture point lies outside the soles, m; inside it is 0,
// and NaN where there is no orientation.
func (c *capture) outside(s *body.Sensors) float64 {
	x, u := c.state, &s.Units[c.unit]
	for k, at := range c.joints {
		x.Q[at[0]], x.V[at[1]] = s.Joints[k].Position, s.Joints[k].Velocity
	}
	turn := u.Orientation.Mul(c.mount.Conjugate())
	if !mechanism.Finite(turn[:]...) {
		return math.NaN()
	}
	copy(x.Q[c.base[0]:], []float64{0, 0, 0, turn[0], turn[1], turn[2], turn[3]})
	w := c.mount.Rotate(u.Angular)
	copy(x.V[c.base[1]:], []float64{0, 0, 0, w[0], w[1], w[2]})
	x.Update()
	c.ground = c.ground[:0]
	lowest := math.Inf(1)
	for k, foot := range c.feet {
		c.least[k][2] = math.Inf(1)
		for _, p := range c.soles[k] {
			at := x.Point(foot, p)
			if c.ground = append(c.ground, at); at[2] < c.least[k][2] {
				c.least[k] = at
			}
		}
		lowest = min(lowest, c.least[k][2])
	}
	c.ground = slices.DeleteFunc(c.ground, func(p mechanism.Vector) bool { return p[2] > lowest+thick })
	c.hull = mechanism.Hull(c.hull[:0], c.ground)
	centre := x.CentreOfMass()
	pace := math.Sqrt(max(0.05, centre[2]-lowest) / 9.81)
	outside := math.Inf(1)
	for k, foot := range c.feet {
		if c.least[k][2] > lowest+near {
			continue
		}
		_, drag := x.Velocity(foot, c.least[k])
		point := centre.Add(x.CentreVelocity().Sub(drag).Scale(pace))
		outside = min(outside, mechanism.Outside(c.hull, point))
	}
	return outside
}
