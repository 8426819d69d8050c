package stage

import (
	"math"
	"net/http"
	"slices"

	"samovar/robot/mechanism"
	"samovar/robot/speech"
)

// description is what the robot is.
type description struct {
	Body      string   `json:"body"`
	Name      string   `json:"name"`
	Simulated bool     `json:"simulated"`
	Rate      int      `json:"rate"` // Hz
	Mass      float64  `json:"mass_kg"`
	Reach     float64  `json:"reach_m"` // from its mark, which people keep clear
	Bodies    []part   `json:"bodies"`
	Shapes    []shape  `json:"shapes"`
	Joints    []joint  `json:"joints"`
	Feet      []int    `json:"feet"`
	Songs     []*song  `json:"songs"`
	Languages []string `json:"languages"`
	Speaks    bool     `json:"speaks"`
	Answers   bool     `json:"answers"`
	Hears     *hears   `json:"hears"`
}

type part struct {
	Name   string `json:"name"`
	Parent int    `json:"parent"`
}

// shape is a form to draw, with sizes as MuJoCo has them; that of a mesh is how it is
// scaled.
type shape struct {
	Body        int                  `json:"body"`
	Type        string               `json:"type"`
	Size        mechanism.Vector     `json:"size"`
	Position    mechanism.Vector     `json:"position"`
	Orientation mechanism.Quaternion `json:"orientation"`
	Colour      [4]float64           `json:"color"`
	Mesh        *int                 `json:"mesh,omitempty"` // number of its file
}

type joint struct {
	Name   string     `json:"name"`
	Range  [2]float64 `json:"range"`
	Torque float64    `json:"torque"`
}

func (s *Server) describe(http.ResponseWriter, *http.Request) (any, error) {
	m, i := s.config.Robot.Model(), s.config.Robot.Info()
	d := description{
		Body: s.config.Body, Name: m.Name, Simulated: true, Rate: i.Rate, Mass: m.Mass(), Reach: reachOf(m),
		Shapes: shapesOf(m, &s.meshes), Feet: s.config.Robot.Feet(), Songs: s.songs.list(),
		Languages: speech.Languages, Speaks: s.talk != nil, Answers: s.talk != nil && s.config.Speaker != nil, Hears: s.hears(),
	}
	for k := range m.Bodies {
		d.Bodies = append(d.Bodies, part{m.Bodies[k].Name, m.Bodies[k].Parent})
	}
	for k := range i.Joints {
		j := &i.Joints[k]
		d.Joints = append(d.Joints, joint{j.Name, j.Range, max(-j.Torque[0], j.Torque[1])})
	}
	return d, nil
}

// strays is how far from its mark a robot may be while it dances, m.
const strays = 0.3

// reachOf is how far from its mark some part of a robot may get, even if it falls with an arm
// stretched out: what it strays by, the height of its base, and its longest chain of bodies. In
// metres, rounded up to tenths.
func reachOf(m *mechanism.Model) float64 {
	chain, longest, height := make([]float64, len(m.Bodies)), 0.0, 0.0
	for k := 1; k < len(m.Bodies); k++ {
		b := &m.Bodies[k]
		if b.Parent == 0 {
			height = max(height, b.Position[2])
			continue
		}
		chain[k] = chain[b.Parent] + b.Position.Norm()
	}
	for k := range m.Geoms {
		if g := &m.Geoms[k]; g.Body != 0 && g.Shape != mechanism.Mesh {
			longest = max(longest, chain[g.Body]+g.Position.Norm()+slices.Max(g.Size[:]))
		}
	}
	return math.Ceil(10*(strays+height+max(longest, slices.Max(chain)))) / 10
}

// shapesOf are the forms of a model's bodies. One that has meshes for the eye is drawn as
// these and what else does not collide; one that consists of nothing but meshes that
// cannot be shown, as the ellipsoid with its mass and inertia.
func shapesOf(m *mechanism.Model, files *meshes) []shape {
	var all []shape
	fine, drawn := make([]bool, len(m.Bodies)), make([]bool, len(m.Bodies))
	for k := range m.Geoms {
		g := &m.Geoms[k]
		fine[g.Body] = fine[g.Body] || !g.Collides() && files.has(meshOf(m, g))
	}
	for k := range m.Geoms {
		g := &m.Geoms[k]
		mesh := meshOf(m, g)
		s := shape{g.Body, g.Shape.String(), g.Size, g.Position, g.Orientation, g.Colour, nil}
		switch {
		case g.Body == 0 || g.Shape == mechanism.Plane || g.Collides() && fine[g.Body]:
			continue
		case g.Shape == mechanism.Mesh && !files.has(mesh):
			continue
		case g.Shape == mechanism.Mesh:
			s.Size, s.Mesh = m.Meshes[mesh].Scale, &mesh
		}
		drawn[g.Body] = true
		all = append(all, s)
	}
	for k := range m.Bodies {
		b := &m.Bodies[k]
		if !drawn[k] && b.Mass > 0 {
			all = append(all, shape{k, mechanism.Ellipsoid.String(), radii(b), b.Centre, mechanism.Quaternion{1}, [4]float64{0.6, 0.6, 0.65, 1}, nil})
		}
	}
	return all
}

// meshOf is the number of the mesh of a geom, -1: it is none.
func meshOf(m *mechanism.Model, g *mechanism.Geom) int {
	if g.Shape != mechanism.Mesh {
		return -1
	}
	return slices.IndexFunc(m.Meshes, func(f mechanism.MeshFile) bool { return f.Name == g.Mesh })
}

// radii are those of an ellipsoid whose moments of inertia about its axes are a body's
// about its own: I_x = m/5·(b² + c²).
func radii(b *mechanism.Body) (r mechanism.Vector) {
	ix, iy, iz := b.Inertia[0], b.Inertia[4], b.Inertia[8]
	for k, square := range [3]float64{iy + iz - ix, ix + iz - iy, ix + iy - iz} {
		r[k] = math.Sqrt(max(1e-4, 5*square/(2*b.Mass)))
	}
	return r
}
