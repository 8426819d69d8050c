package mechanism

import "math"

// Volume returns that of a shape, m³; of planes and meshes 0.
func (g *Geom) Volume() float64 {
	a, b, c := g.Size[0], g.Size[1], g.Size[2]
	switch g.Shape {
	case Sphere:
		return 4 * math.Pi / 3 * a * a * a
	case Capsule:
		return math.Pi * a * a * (2*b + 4*a/3)
	case Cylinder:
		return math.Pi * a * a * 2 * b
	case Box:
		return 8 * a * b * c
	case Ellipsoid:
		return 4 * math.Pi / 3 * a * b * c
	}
	return 0
}

// moments returns the principal moments of inertia of a shape of 1 kg, about
// its centre, m².
func (g *Geom) moments() Vector {
	a, b, c := g.Size[0], g.Size[1], g.Size[2]
	switch g.Shape {
	case Sphere:
		return Vector{1, 1, 1}.Scale(2 * a * a / 5)
	case Capsule:
		// A cylinder of height h and two half balls whose centres of mass lie 3a/8
		// beyond its ends.
		h := 2 * b
		balls := 4 * a / (4*a + 3*h)
		rod := 1 - balls
		side := rod*(3*a*a+h*h)/12 + balls*(2*a*a/5+h*(3*a+2*h)/8)
		return Vector{side, side, rod*a*a/2 + balls*2*a*a/5}
	case Cylinder:
		side := (3*a*a + 4*b*b) / 12
		return Vector{side, side, a * a / 2}
	case Box:
		return Vector{b*b + c*c, a*a + c*c, a*a + b*b}.Scale(1.0 / 3)
	case Ellipsoid:
		return Vector{b*b + c*c, a*a + c*c, a*a + b*b}.Scale(1.0 / 5)
	}
	return Vector{}
}

// Gather sets mass, centre of mass and inertia of a body to those of shapes with
// the given masses, kg, of even density each.
func (b *Body) Gather(geoms []Geom, masses []float64) {
	b.Mass, b.Centre, b.Inertia = 0, Vector{}, Matrix{}
	for i := range geoms {
		b.Mass += masses[i]
		b.Centre = b.Centre.Add(geoms[i].Position.Scale(masses[i]))
	}
	if b.Mass == 0 {
		return
	}
	b.Centre = b.Centre.Scale(1 / b.Mass)
	for i := range geoms {
		p := geoms[i].moments().Scale(masses[i])
		t := Matrix{0: p[0], 4: p[1], 8: p[2]}.turned(geoms[i].Orientation.Matrix())
		about := newInertia(masses[i], t, geoms[i].Position.Sub(b.Centre)).about
		for k, at := range [6]int{0, 4, 8, 1, 2, 5} {
			b.Inertia[at] += about[k]
		}
	}
	b.Inertia = symmetrised(b.Inertia)
}

// Soles returns the points, in the body's frame, on which a body rests when the
// model stands on a floor in the given configuration: the lowest corners of its
// boxes, the lowest points of its spheres and of the ends of its capsules. What
// lies more than slack metres above the lowest is none of them; neither is what
// does not collide.
func (m *Model) Soles(q []float64, body int, slack float64) []Vector {
	s := NewState(m)
	copy(s.Q, q)
	s.Update()
	down := s.Rotation(body).Transpose().Apply(Vector{0, 0, -1})
	var all []Vector
	for i := range m.Geoms {
		g := &m.Geoms[i]
		if g.Body != body || !g.Collides() {
			continue
		}
		at := func(x, y, z float64) Vector { return g.Position.Add(g.Orientation.Rotate(Vector{x, y, z})) }
		switch g.Shape {
		case Box:
			for c := range 8 {
				sign := func(bit int) float64 { return 1 - 2*float64(c>>bit&1) }
				all = append(all, at(sign(0)*g.Size[0], sign(1)*g.Size[1], sign(2)*g.Size[2]))
			}
		case Sphere:
			all = append(all, g.Position.Add(down.Scale(g.Size[0])))
		case Capsule:
			for _, z := range [2]float64{g.Size[1], -g.Size[1]} {
				all = append(all, at(0, 0, z).Add(down.Scale(g.Size[0])))
			}
		}
	}
	deepest := math.Inf(-1)
	for _, p := range all {
		deepest = max(deepest, p.Dot(down))
	}
	var soles []Vector
	for _, p := range all {
		if p.Dot(down) >= deepest-slack {
			soles = append(soles, p)
		}
	}
	return soles
}
