package mechanism

import "math"

// Form is a convex body that moves with one of a model: all that lies within Radius of
// the hull of Points.
type Form struct {
	Body   int
	Points []Vector // in the body's frame
	Radius float64  // m

	Centre Vector  // of a ball around it, in the body's frame
	Reach  float64 // the ball's radius, m
}

// fine is how many directions a curved or a hollow form is sampled in: two that are
// neighbours enclose some 0.16 rad, so that a ball of 0.1 m loses 0.6 mm at most.
const fine = 512

// Form returns that of a geom; corners are those of its mesh, if it is one, of which the
// hull collides, as in MuJoCo. It lies within what is round but no ball or capsule, by up to
// 1 % of the radius. A plane has none.
func (g *Geom) Form(corners []Vector) Form {
	f := Form{Body: g.Body}
	a, b, c := g.Size[0], g.Size[1], g.Size[2]
	switch g.Shape {
	case Sphere:
		f.Points, f.Radius = []Vector{{}}, a
	case Capsule:
		f.Points, f.Radius = []Vector{{0, 0, b}, {0, 0, -b}}, a
	case Cylinder:
		for k := range 2 * 24 {
			sine, cosine := math.Sincos(math.Pi / 12 * float64(k/2))
			f.Points = append(f.Points, Vector{a * cosine, a * sine, b * float64(1-k%2*2)})
		}
	case Box:
		for k := range 8 {
			f.Points = append(f.Points, Vector{a * float64(1-k&1*2), b * float64(1-k>>1&1*2), c * float64(1-k>>2&1*2)})
		}
	case Ellipsoid:
		for k := range fine {
			d := direction(k)
			f.Points = append(f.Points, Vector{a * d[0], b * d[1], c * d[2]})
		}
	case Mesh:
		f.Points = outermost(corners)
	}
	for k, p := range f.Points {
		f.Points[k] = g.Position.Add(g.Orientation.Rotate(p))
		f.Centre = f.Centre.Add(f.Points[k].Scale(1 / float64(len(f.Points))))
	}
	for _, p := range f.Points {
		f.Reach = max(f.Reach, p.Sub(f.Centre).Norm()+f.Radius)
	}
	return f
}

// direction is the k-th of fine directions, spread evenly over a sphere by the golden angle.
func direction(k int) Vector {
	z := 1 - (2*float64(k)+1)/fine
	sine, cosine := math.Sincos(float64(k) * math.Pi * (3 - math.Sqrt(5)))
	r := math.Sqrt(1 - z*z)
	return Vector{r * cosine, r * sine, z}
}

// outermost are the points of which each is the outermost in one of fine directions.
func outermost(points []Vector) []Vector {
	seen := map[Vector]bool{}
	var all []Vector
	for k := range fine {
		if d := direction(k); len(points) > 0 {
			if p := points[farthest(points, d)]; !seen[p] {
				seen[p] = true
				all = append(all, p)
			}
		}
	}
	return all
}

// farthest is the index of the point that lies farthest in a direction.
func farthest(points []Vector, d Vector) int {
	best, most := 0, math.Inf(-1)
	for k := range points {
		if x := points[k].Dot(d); x > most {
			best, most = k, x
		}
	}
	return best
}

// Distance returns how far two forms are apart, m; where they overlap it is negative, down
// to minus the sum of their radii. What is greater than enough is a bound: they are apart by
// as much at least (Gilbert, Johnson and Keerthi, IEEE Journal of Robotics and Automation
// 4(2), 1988).
func (s *State) Distance(a, b *Form, enough float64) float64 {
	p, q := &s.pose[a.Body], &s.pose[b.Body]
	radii := a.Radius + b.Radius
	v := s.Point(a.Body, a.Centre).Sub(s.Point(b.Body, b.Centre))
	if gap := v.Norm() - a.Reach - b.Reach; gap > enough {
		return gap
	}
	back, forth := p.rotation.Transpose(), q.rotation.Transpose()
	var c simplex
	for range 64 { // far fewer are needed: what goes on for ever is rounding
		size := v.Norm()
		if size < 1e-9 {
			return -radii
		}
		w := s.Point(a.Body, a.Points[farthest(a.Points, back.Apply(v.Scale(-1)))]).
			Sub(s.Point(b.Body, b.Points[farthest(b.Points, forth.Apply(v))]))
		gap := v.Dot(w) / size // no point of a − b is nearer
		switch {
		case gap-radii > enough:
			return gap - radii
		case size-gap < 1e-7:
			return size - radii
		}
		v = c.add(w)
	}
	return v.Norm() - radii
}

// simplex are one to four points, of which the nearest to the origin is sought.
type simplex struct {
	at [4]Vector
	n  int
}

// add adds a point to those that the nearest one needs, and returns the new nearest, whose
// points it keeps: four of them hold the origin.
func (c *simplex) add(w Vector) Vector {
	old := c.at
	n := c.n
	best, least := w, w.Norm()
	c.at[0], c.n = w, 1
	keep := func(v Vector, others ...Vector) {
		if size := v.Norm(); size < least {
			best, least = v, size
			c.n = 1 + copy(c.at[1:], others)
		}
	}
	for i := range n {
		a := old[i]
		if edge := a.Sub(w); edge.Dot(edge) > 0 {
			if t := -w.Dot(edge) / edge.Dot(edge); t > 0 && t < 1 {
				keep(w.Add(edge.Scale(t)), a)
			}
		}
		for _, b := range old[i+1 : n] {
			if v, ok := within(w, a, b); ok {
				keep(v, a, b)
			}
		}
	}
	if n == 3 && encloses(w, old[0], old[1], old[2]) {
		c.at, c.n = [4]Vector{w, old[0], old[1], old[2]}, 4
		return Vector{}
	}
	return best
}

// within is the origin's foot on the plane of a triangle, if it lies inside.
func within(a, b, c Vector) (Vector, bool) {
	n := b.Sub(a).Cross(c.Sub(a))
	area := n.Dot(n)
	if area < 1e-24 {
		return Vector{}, false // next to a line: its edges say it all
	}
	inside := n.Dot(b.Cross(c)) > 0 && n.Dot(c.Cross(a)) > 0 && n.Dot(a.Cross(b)) > 0
	return n.Scale(n.Dot(a) / area), inside
}

// encloses reports whether the origin lies within a tetrahedron.
func encloses(a, b, c, d Vector) bool {
	volume := func(a, b, c Vector) float64 { return a.Dot(b.Cross(c)) }
	w, x, y, z := -volume(b, c, d), volume(a, c, d), -volume(a, b, d), volume(a, b, c)
	return w > 0 && x > 0 && y > 0 && z > 0 || w < 0 && x < 0 && y < 0 && z < 0
}
