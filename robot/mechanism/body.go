package mechanism

import (
	"math"
	"slices"
)

// inside reads what a body holds, then the bodies within it.
func (r *reader) inside(e *element, body int, childclass string) error {
	first := len(r.m.Geoms)
	inertial, masses := false, []float64(nil)
	for _, c := range e.children {
		var err error
		switch c.name {
		case "body", "light", "camera":
		case "joint", "freejoint":
			err = r.joint(c, body, childclass)
		case "geom":
			var mass float64
			mass, err = r.geom(c, body, childclass)
			masses = append(masses, mass)
		case "site":
			err = r.site(c, body, childclass)
		case "inertial":
			if body == 0 || inertial {
				return c.errorf("a second one, or one of the world")
			}
			inertial = true
			err = r.inertial(c, body)
		default:
			return c.errorf("not supported in <%s>", e.name)
		}
		if err != nil {
			return err
		}
	}
	if body > 0 && (r.fromGeoms == "true" || r.fromGeoms == "auto" && !inertial) {
		if err := r.gather(e, body, r.m.Geoms[first:], masses); err != nil {
			return err
		}
	}
	for _, c := range e.children {
		if c.name != "body" {
			continue
		}
		if err := r.body(c, body, childclass); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) body(e *element, parent int, childclass string) error {
	f, err := r.fields(e, "main")
	if err != nil {
		return err
	}
	if c := f.values["childclass"]; c != "" {
		if r.classes[c] == nil {
			return e.errorf("no default class %q", short(c))
		}
		childclass = c
	}
	b := Body{Name: f.values["name"], Parent: parent, Position: f.vector("pos", Vector{}), Orientation: f.orientation()}
	if f.err != nil {
		return f.err
	}
	if len(r.m.Bodies) >= most {
		return e.errorf("more than %d bodies", most)
	}
	r.m.Bodies = append(r.m.Bodies, b)
	return r.inside(e, len(r.m.Bodies)-1, childclass)
}

func (r *reader) inertial(e *element, body int) error {
	f, err := r.fields(e, "main")
	if err != nil {
		return err
	}
	b := &r.m.Bodies[body]
	b.Mass, b.Centre = f.number("mass", math.NaN()), f.vector("pos", Vector{})
	if math.IsNaN(b.Mass) || f.values["pos"] == "" {
		f.fail("mass and pos are needed")
	}
	turn := f.orientation().Matrix()
	var t [6]float64
	switch {
	case f.numbers("fullinertia", t[:], 6) > 0:
		b.Inertia = Matrix{t[0], t[3], t[4], t[3], t[1], t[5], t[4], t[5], t[2]}
		if turn != (Quaternion{1}).Matrix() {
			f.fail("fullinertia and an orientation together")
		}
	case f.numbers("diaginertia", t[:3], 3) > 0:
		b.Inertia = symmetrised(Matrix{0: t[0], 4: t[1], 8: t[2]}.turned(turn))
	default:
		f.fail("diaginertia or fullinertia is needed")
	}
	return f.err
}

// symmetrised removes what rounding made of a symmetric matrix.
func symmetrised(t Matrix) Matrix {
	t[3], t[6], t[7] = t[1], t[2], t[5]
	return t
}

// gather computes a body's inertia from its geoms.
func (r *reader) gather(e *element, body int, geoms []Geom, masses []float64) error {
	var used []Geom
	var weights []float64
	for i, g := range geoms {
		if masses[i] == 0 || float64(g.Group) < r.groups[0] || float64(g.Group) > r.groups[1] {
			continue
		}
		if g.Shape == Mesh {
			return e.errorf("body %q has a mesh with mass and no inertial: give it an inertial, or the mesh density=\"0\"", r.m.Bodies[body].Name)
		}
		used, weights = append(used, g), append(weights, masses[i])
	}
	r.m.Bodies[body].Gather(used, weights)
	return nil
}

func (r *reader) joint(e *element, body int, childclass string) error {
	if body == 0 {
		return e.errorf("the world has no joints")
	}
	f, err := r.fields(e, childclass)
	if err != nil {
		return err
	}
	j := Joint{Name: f.values["name"], Body: body, Kind: Free, Axis: Vector{0, 0, 1}}
	if e.name == "joint" {
		switch f.word("type", "hinge", "hinge", "slide", "free") {
		case "hinge":
			j.Kind = Hinge
		case "slide":
			j.Kind = Slide
		}
		r.jointNumbers(f, &j)
	}
	if len(r.m.Joints) >= most {
		f.fail("more than %d joints", most)
	}
	r.m.Joints = append(r.m.Joints, j)
	return f.err
}

func (r *reader) jointNumbers(f *fields, j *Joint) {
	j.Armature = f.number("armature", 0)
	j.Damping = f.number("damping", 0)
	j.Friction = f.number("frictionloss", 0)
	j.Stiffness = f.number("stiffness", 0)
	if j.Kind == Free {
		return
	}
	j.Position = f.vector("pos", Vector{})
	var ok bool
	if j.Axis, ok = f.vector("axis", Vector{0, 0, 1}).unit(); !ok {
		f.fail("an axis of length 0")
	}
	j.Ref, j.SpringRef = f.number("ref", 0), f.number("springref", 0)
	j.Limited, j.Range = f.limits("limited", "range")
	j.TorqueLimited, j.Torque = f.limits("actuatorfrclimited", "actuatorfrcrange")
	if j.Kind == Hinge {
		j.Ref, j.SpringRef = r.angle(j.Ref), r.angle(j.SpringRef)
		j.Range = [2]float64{r.angle(j.Range[0]), r.angle(j.Range[1])}
	}
	if !j.Limited {
		j.Range = [2]float64{}
	}
}

func (r *reader) site(e *element, body int, childclass string) error {
	f, err := r.fields(e, childclass)
	if err != nil {
		return err
	}
	if len(r.m.Sites) >= most {
		f.fail("more than %d sites", most)
	}
	r.m.Sites = append(r.m.Sites, Site{f.values["name"], body, f.vector("pos", Vector{}), f.orientation()})
	return f.err
}

// geom reads a shape and returns its mass, NaN for a mesh whose mass is not 0.
func (r *reader) geom(e *element, body int, childclass string) (float64, error) {
	f, err := r.fields(e, childclass)
	if err != nil {
		return 0, err
	}
	g := Geom{
		Name: f.values["name"], Body: body, Mesh: f.values["mesh"], Orientation: f.orientation(), Position: f.vector("pos", Vector{}),
		Type: f.integer("contype", 1), Affinity: f.integer("conaffinity", 1), Group: f.integer("group", 0),
		Friction: Vector{1, 0.005, 0.0001}, Colour: [4]float64{0.5, 0.5, 0.5, 1},
	}
	g.Shape = Shape(max(0, slices.Index(shapes[:], f.word("type", "sphere", shapes[:]...))))
	f.numbers("friction", g.Friction[:], 1)
	f.numbers("rgba", g.Colour[:], 4)
	n := f.numbers("size", g.Size[:], 1)
	if _, ok := f.values["fromto"]; ok {
		n = f.between(&g)
	}
	switch {
	case g.Shape == Plane && body != 0:
		f.fail("a plane that moves is not supported")
	case (g.Shape == Mesh) != (g.Mesh != ""):
		f.fail("a mesh without type=\"mesh\", or the type without a mesh")
	case g.Shape == Mesh && !slices.ContainsFunc(r.m.Meshes, func(m MeshFile) bool { return m.Name == g.Mesh }):
		f.fail("no mesh is called %q", short(g.Mesh))
	case n < sizes[g.Shape]:
		f.fail("size has %d numbers, a %s needs %d", n, g.Shape, sizes[g.Shape])
	}
	for k := sizes[g.Shape]; k < 3; k++ {
		g.Size[k] = 0
	}
	mass, density := f.number("mass", -1), f.number("density", 1000)
	if mass < 0 && f.values["mass"] != "" || density < 0 {
		f.fail("a negative mass or density")
	}
	if len(r.m.Geoms) >= most {
		f.fail("more than %d geoms", most)
	}
	r.m.Geoms = append(r.m.Geoms, g)
	switch {
	case f.err != nil || mass == 0 || mass < 0 && density == 0 || g.Shape == Plane:
		return 0, f.err
	case g.Shape == Mesh:
		return math.NaN(), nil
	case mass < 0:
		mass = density * g.Volume()
	}
	return mass, nil
}

// between places a geom from one point to another, and returns how many sizes it
// has then.
func (f *fields) between(g *Geom) int {
	var x [6]float64
	f.numbers("fromto", x[:], 6)
	from, to := Vector(x[:3]), Vector(x[3:])
	length := to.Sub(from).Norm()
	g.Position = from.Add(to).Scale(0.5)
	var ok bool
	if g.Orientation, ok = upright(from.Sub(to)); !ok {
		f.fail("fromto has no length")
	}
	switch g.Shape {
	case Capsule, Cylinder:
		g.Size[1] = length / 2
		return 2
	case Box, Ellipsoid:
		g.Size[1], g.Size[2] = g.Size[0], length/2
		return 3
	}
	f.fail("a %s has no fromto", g.Shape)
	return 0
}
