package mechanism

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Write writes the model as MJCF, in radians, without classes, with the inertia
// of every body. Numbers have all their digits: what Read makes of it is the same
// model. Left out is what a Model does not hold, such as materials.
func (m *Model) Write(w io.Writer) error {
	out := &writer{m: m}
	out.open("mujoco", "model", m.Name)
	out.leaf("compiler", "angle", "radian", "autolimits", "true", "inertiafromgeom", "false", "meshdir", m.MeshDir)
	out.leaf("option", "timestep", number(m.Timestep), "gravity", numbers(m.Gravity[:]))
	if len(m.Meshes) > 0 {
		out.open("asset")
		for _, f := range m.Meshes {
			out.leaf("mesh", "name", f.Name, "file", f.File, "scale", unless(f.Scale[:], 1, 1, 1))
		}
		out.close("asset")
	}
	out.open("worldbody")
	out.parts(0)
	out.children(0)
	out.close("worldbody")
	out.excludes()
	out.actuators()
	out.sensors()
	out.keys()
	out.speeds()
	out.close("mujoco")
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write model %q: %w", m.Name, err)
	}
	return nil
}

// writer writes elements, indented by their depth.
type writer struct {
	bytes.Buffer
	m     *Model
	depth int
}

func (w *writer) begin(name string, pairs []string) {
	fmt.Fprintf(w, "%s<%s", strings.Repeat("  ", w.depth), name)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		fmt.Fprintf(w, " %s=\"", pairs[i])
		xml.EscapeText(w, []byte(pairs[i+1])) // a Buffer refuses no write
		w.WriteByte('"')
	}
}

// open begins an element; pairs are names and values of attributes, of which
// the empty are left out.
func (w *writer) open(name string, pairs ...string) {
	w.begin(name, pairs)
	w.WriteString(">\n")
	w.depth++
}

func (w *writer) close(name string) {
	w.depth--
	fmt.Fprintf(w, "%s</%s>\n", strings.Repeat("  ", w.depth), name)
}

func (w *writer) leaf(name string, pairs ...string) {
	w.begin(name, pairs)
	w.WriteString("/>\n")
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func numbers(all []float64) string {
	words := make([]string, len(all))
	for i, x := range all {
		words[i] = number(x)
	}
	return strings.Join(words, " ")
}

// unless is numbers, or nothing if they are the default.
func unless(all []float64, otherwise ...float64) string {
	for i := range all {
		if all[i] != otherwise[i] {
			return numbers(all)
		}
	}
	return ""
}

// some is number, or nothing for 0.
func some(x float64) string {
	if x == 0 {
		return ""
	}
	return number(x)
}

// bounds is a range, or nothing where there is none: with autolimits, which is on,
// a range alone bounds.
func bounds(limited bool, r [2]float64) string {
	if !limited {
		return ""
	}
	return numbers(r[:])
}

func (w *writer) children(parent int) {
	for i := parent + 1; i < len(w.m.Bodies); i++ {
		if w.m.Bodies[i].Parent == parent {
			w.body(i)
		}
	}
}

func (w *writer) body(i int) {
	b := &w.m.Bodies[i]
	w.open("body", "name", b.Name, "pos", unless(b.Position[:], 0, 0, 0), "quat", unless(b.Orientation[:], 1, 0, 0, 0))
	if t := b.Inertia; b.Mass != 0 || t != (Matrix{}) {
		w.leaf("inertial", "pos", numbers(b.Centre[:]), "mass", number(b.Mass),
			"fullinertia", numbers([]float64{t[0], t[4], t[8], t[1], t[2], t[5]}))
	}
	for k := b.first; k < b.first+b.joints; k++ {
		w.joint(&w.m.Joints[k])
	}
	w.parts(i)
	w.children(i)
	w.close("body")
}

func (w *writer) joint(j *Joint) {
	common := []string{
		"name", j.Name, "type", j.Kind.String(), "armature", some(j.Armature),
		"damping", some(j.Damping), "frictionloss", some(j.Friction), "stiffness", some(j.Stiffness),
	}
	if j.Kind == Free {
		w.leaf("joint", common...)
		return
	}
	w.leaf("joint", append(common, "pos", unless(j.Position[:], 0, 0, 0), "axis", numbers(j.Axis[:]),
		"range", bounds(j.Limited, j.Range), "actuatorfrcrange", bounds(j.TorqueLimited, j.Torque),
		"ref", some(j.Ref), "springref", some(j.SpringRef))...)
}

// parts writes the geoms and sites of a body.
func (w *writer) parts(body int) {
	for i := range w.m.Geoms {
		if g := &w.m.Geoms[i]; g.Body == body {
			size := numbers(g.Size[:sizes[g.Shape]])
			w.leaf("geom", "name", g.Name, "type", g.Shape.String(), "size", size, "mesh", g.Mesh,
				"pos", unless(g.Position[:], 0, 0, 0), "quat", unless(g.Orientation[:], 1, 0, 0, 0),
				"contype", whole(g.Type, 1), "conaffinity", whole(g.Affinity, 1), "group", whole(g.Group, 0),
				"friction", unless(g.Friction[:], 1, 0.005, 0.0001), "rgba", unless(g.Colour[:], 0.5, 0.5, 0.5, 1))
		}
	}
	for i := range w.m.Sites {
		if s := &w.m.Sites[i]; s.Body == body {
			w.leaf("site", "name", s.Name, "pos", unless(s.Position[:], 0, 0, 0), "quat", unless(s.Orientation[:], 1, 0, 0, 0))
		}
	}
}

func whole(x, otherwise int) string {
	if x == otherwise {
		return ""
	}
	return strconv.Itoa(x)
}

func (w *writer) excludes() {
	if len(w.m.Excludes) == 0 {
		return
	}
	w.open("contact")
	for _, e := range w.m.Excludes {
		w.leaf("exclude", "body1", w.m.Bodies[e[0]].Name, "body2", w.m.Bodies[e[1]].Name)
	}
	w.close("contact")
}

func (w *writer) actuators() {
	if len(w.m.Actuators) == 0 {
		return
	}
	w.open("actuator")
	for i := range w.m.Actuators {
		a := &w.m.Actuators[i]
		common := []string{
			"name", a.Name, "joint", w.m.Joints[a.Joint].Name, "gear", unless([]float64{a.Gear}, 1),
			"ctrlrange", bounds(a.CtrlLimited, a.Control), "forcerange", bounds(a.ForceLimited, a.Force),
		}
		if a.Gain == 1 && a.Bias == [3]float64{} {
			w.leaf("motor", common...)
			continue
		}
		w.leaf("general", append(common, "gainprm", number(a.Gain), "biastype", "affine", "biasprm", numbers(a.Bias[:]))...)
	}
	w.close("actuator")
}

func (w *writer) sensors() {
	if len(w.m.Sensors) == 0 {
		return
	}
	w.open("sensor")
	for _, s := range w.m.Sensors {
		pairs := []string{"name", s.Name}
		for _, a := range s.Attributes {
			pairs = append(pairs, a.Name, a.Value)
		}
		w.leaf(s.Type, pairs...)
	}
	w.close("sensor")
}

func (w *writer) keys() {
	if len(w.m.Keys) == 0 {
		return
	}
	w.open("keyframe")
	for _, k := range w.m.Keys {
		w.leaf("key", "name", k.Name, "qpos", numbers(k.Q))
	}
	w.close("keyframe")
}

func (w *writer) speeds() {
	all, any := make([]float64, len(w.m.Joints)), false
	for i := range all {
		all[i] = w.m.Joints[i].Speed
		any = any || all[i] != 0
	}
	if any {
		w.open("custom")
		w.leaf("numeric", "name", speedName, "data", numbers(all))
		w.close("custom")
	}
}
