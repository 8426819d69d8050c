package safety

import (
	"fmt"
	"math"
	"strings"
	"time"

	"samovar/robot/body"
	"samovar/robot/mechanism"
)

// clearance looks for parts of a robot that are about to touch.
type clearance struct {
	state  *mechanism.State
	joints [][2]int // coordinate and velocity of each of the body's joints
	forms  []mechanism.Form
	balls  []mechanism.Vector // where the middles of the forms are
	pairs  []pair
	// Of each joint: its velocity at time, and the acceleration until then, averaged.
	velocity, change []float64
	time             time.Duration
}

// pair are two forms that are watched.
type pair struct {
	a, b int
	gap  float64 // what they must have between them, m
}

const (
	// ahead is how far into the future parts must be clear, s: a stop takes a fast arm
	// some 50 ms.
	ahead = 0.06
	// braking is how long a joint's acceleration is averaged, s.
	braking = 0.015
	// gap is what parts must have between them, m: forms lie within round parts by less.
	gap = 0.003
	// deeper is by how much parts that were too near must have come nearer, or gone away,
	// before they stop the robot again, m.
	deeper = 0.005
	// hanging is how near parts of a robot that stands at ease may be by its build, m: they are
	// not watched, because its own shaking would stop it.
	hanging = 0.015
	// nearby is how many joints there are between parts that the ranges of these joints
	// keep from each other.
	nearby = 2
)

// Clearance says which two parts of a robot are about to touch: those that, if every
// joint goes on as it moves or slows down, are nearer than 3 mm in 60 ms. Parts that move apart may be
// near. Two that have stopped the robot do so again once they have gone away by 5 mm, or
// come nearer by as much, so that a person may resume and lead them away.
//
// It watches what has "left" or "right" in the name of its body, against each other and
// against the rest: all forms of the model, whether they collide or are only seen, except
// of bodies with at most two joints between them, of bodies that the model excludes, and
// those that are within 15 mm in the model's reference. meshes are the corners of meshes, by
// name; one that is not there is not watched.
func Clearance(m *mechanism.Model, i *body.Info, meshes map[string][]mechanism.Vector) (func(*body.Sensors) string, error) {
	c, err := newClearance(m, i, meshes)
	if err != nil {
		return nil, fmt.Errorf("watch parts that may touch: %w", err)
	}
	return c.touching, nil
}

func newClearance(m *mechanism.Model, i *body.Info, meshes map[string][]mechanism.Vector) (*clearance, error) {
	c := &clearance{state: mechanism.NewState(m)}
	for k := range i.Joints {
		j, err := m.Joint(i.Joints[k].Name)
		if err != nil {
			return nil, err
		}
		c.joints = append(c.joints, [2]int{m.Joints[j].Q, m.Joints[j].V})
	}
	seen := map[mechanism.Geom]bool{} // a part is often there twice, to collide and to be seen
	for _, g := range m.Geoms {
		corners := meshes[g.Mesh]
		form := mechanism.Geom{Body: g.Body, Shape: g.Shape, Size: g.Size, Position: g.Position, Orientation: g.Orientation, Mesh: g.Mesh}
		switch {
		case g.Body == 0 || g.Shape == mechanism.Plane || seen[form]:
		case g.Shape != mechanism.Mesh || len(corners) > 0:
			seen[form] = true
			c.forms = append(c.forms, form.Form(corners))
		}
	}
	c.balls = make([]mechanism.Vector, len(c.forms))
	c.velocity, c.change = make([]float64, len(c.joints)), make([]float64, len(c.joints))
	c.pair()
	return c, nil
}

// pair lists what is watched.
func (c *clearance) pair() {
	m := c.state.Model
	excluded := map[[2]int]bool{}
	for _, e := range m.Excludes {
		excluded[e], excluded[[2]int{e[1], e[0]}] = true, true
	}
	c.state.Update()
	for a := range c.forms {
		for b := range a {
			one, other := c.forms[a].Body, c.forms[b].Body
			limb := sided(m.Bodies[one].Name) || sided(m.Bodies[other].Name)
			if limb && between(m, one, other) > nearby && !excluded[[2]int{one, other}] && c.state.Distance(&c.forms[a], &c.forms[b], hanging) >= hanging {
				c.pairs = append(c.pairs, pair{a, b, gap})
			}
		}
	}
}

// sided reports whether a body's name says that it is of a left or a right limb.
func sided(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "left") || strings.Contains(name, "right")
}

// between is how many joints there are between two bodies, 0 if nothing but the world
// holds them together.
func between(m *mechanism.Model, a, b int) (n int) {
	joints := make([]int, len(m.Bodies))
	for i := range m.Joints {
		joints[m.Joints[i].Body]++
	}
	for a != b {
		if a < b {
			a, b = b, a // a parent comes first
		}
		n += joints[a]
		a = m.Bodies[a].Parent
	}
	if a == 0 {
		return 0
	}
	return n
}

// leads is how far a joint moves ahead in time, rad: less if it slows down, but never back.
func leads(velocity, change float64) float64 {
	if velocity*change >= 0 {
		return ahead * velocity
	}
	lasts := min(ahead, -velocity/change)
	return velocity*lasts + change*lasts*lasts/2
}

// touching says which parts have a smaller gap between them than they must, soon.
func (c *clearance) touching(s *body.Sensors) string {
	x := c.state
	dt := (s.Time - c.time).Seconds()
	for k, at := range c.joints {
		j := &s.Joints[k]
		if dt > 0 && dt < braking {
			c.change[k] += dt / braking * ((j.Velocity-c.velocity[k])/dt - c.change[k])
		} else if dt != 0 {
			c.change[k] = 0
		}
		c.velocity[k] = j.Velocity
		x.Q[at[0]] = j.Position + leads(j.Velocity, c.change[k])
	}
	c.time = s.Time
	x.Update()
	for k := range c.forms {
		c.balls[k] = x.Point(c.forms[k].Body, c.forms[k].Centre)
	}
	nearest, least := -1, math.Inf(1)
	for k := range c.pairs {
		p := &c.pairs[k]
		d := c.distance(p)
		switch {
		case d >= gap+deeper:
			p.gap = gap
		case d < p.gap:
			p.gap = d - deeper
			if d < least {
				nearest, least = k, d
			}
		}
	}
	if nearest < 0 {
		return ""
	}
	p, name := c.pairs[nearest], x.Model.Bodies
	return fmt.Sprintf("%s is about to touch %s", name[c.forms[p.a].Body].Name, name[c.forms[p.b].Body].Name)
}

// distance is how far a pair is apart, m, or something beyond what matters.
func (c *clearance) distance(p *pair) float64 {
	a, b := &c.forms[p.a], &c.forms[p.b]
	line, far := c.balls[p.a].Sub(c.balls[p.b]), a.Reach+b.Reach+gap+deeper
	if line.Dot(line) > far*far {
		return math.Inf(1)
	}
	return c.state.Distance(a, b, gap+deeper)
}
