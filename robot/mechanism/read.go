package mechanism

import (
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
)

// reader makes a model of elements.
type reader struct {
	m          *Model
	degrees    bool
	autolimits bool
	sequence   string // of Euler's angles
	fromGeoms  string // compiler's inertiafromgeom
	groups     [2]float64
	classes    map[string]class
	speeds     *fields // of the joints, in joint order
}

// class has the attributes that elements of a kind inherit.
type class map[string]map[string]string

// Read reads an MJCF file: bodies, joints, geoms, sites, actuators, sensors and
// keys, with defaults and classes. What would move the bodies otherwise than the
// model can say (tendons with stiffness, equality constraints, ball joints,
// buoyancy, frames, plugins) is an error that names the line; what only looks
// different is passed over. Inertia of geoms is computed where a body gives
// none; meshes are not opened, so that a body of meshes needs an inertial.
func Read(r io.Reader) (*Model, error) {
	root, err := parse(r)
	if err != nil {
		return nil, fmt.Errorf("read a model: %w", err)
	}
	in := &reader{
		m:          &Model{Gravity: Vector{0, 0, -9.81}, Timestep: 0.002},
		autolimits: true, degrees: true, sequence: "xyz", fromGeoms: "auto", groups: [2]float64{0, 5},
		classes: map[string]class{"main": {}},
	}
	if err := in.read(root); err != nil {
		return nil, fmt.Errorf("read a model: %w", err)
	}
	if err := in.m.Complete(); err != nil {
		return nil, fmt.Errorf("read a model: %w", err)
	}
	return in.m, nil
}

// section is a child of the root, and what reads it; nil: nothing in it moves a body.
type section struct {
	name string
	read func(*reader, *element) error
}

// sections are in the order in which they are read, whatever the file's.
var sections = []section{
	{"compiler", (*reader).compiler},
	{"option", (*reader).option},
	{"default", (*reader).defaults},
	{"asset", (*reader).asset},
	{"worldbody", func(r *reader, e *element) error { return r.inside(e, 0, "main") }},
	{"contact", (*reader).contact},
	{"tendon", (*reader).tendon},
	{"actuator", (*reader).actuators},
	{"sensor", (*reader).sensors},
	{"keyframe", (*reader).keys},
	{"custom", (*reader).custom},
	{"equality", (*reader).refuse},
	{"extension", (*reader).refuse},
	{"deformable", (*reader).refuse},
	{"size", nil}, {"statistic", nil}, {"visual", nil},
}

func (r *reader) read(root *element) error {
	if root.name != "mujoco" {
		return root.errorf("the root is not <mujoco>: this is no MJCF model")
	}
	if err := root.check(); err != nil {
		return err
	}
	r.m.Name = root.get("model")
	r.m.Bodies = []Body{{Name: "world", Parent: -1, Orientation: Quaternion{1}}}
	for _, e := range root.children {
		if e.name == "include" {
			return e.errorf("files are not included: put the content of %q in its place", short(e.get("file")))
		}
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == e.name }) {
			return e.errorf("not supported in <mujoco>")
		}
	}
	for _, s := range sections {
		for _, e := range root.children {
			if e.name != s.name || s.read == nil {
				continue
			}
			if err := s.read(r, e); err != nil {
				return err
			}
		}
	}
	return r.setSpeeds()
}

// refuse accepts only an empty section.
func (r *reader) refuse(e *element) error {
	if len(e.children) > 0 {
		return e.children[0].errorf("not supported in <%s>", e.name)
	}
	return nil
}

// fields returns the attributes of e over those that the class gives its kind.
// All actuators share one kind, as in MuJoCo.
func (r *reader) fields(e *element, childclass string) (*fields, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	name := e.get("class")
	if name == "" {
		name = childclass
	}
	c, ok := r.classes[name]
	if !ok {
		return nil, e.errorf("no default class %q", short(name))
	}
	f := &fields{element: e, values: map[string]string{}, r: r}
	overlay(f.values, c[kind(e.name)])
	if err := (&element{name: e.name, line: e.line, attributes: list(f.values, grammar[e.name].zero)}).check(); err != nil {
		return nil, err
	}
	overlay(f.values, mapping(e))
	return f, nil
}

func mapping(e *element) map[string]string {
	values := map[string]string{}
	for _, a := range e.attributes {
		values[a.Name] = a.Value
	}
	return values
}

// list returns those of values that names has.
func list(values map[string]string, names string) []Attribute {
	var all []Attribute
	for _, name := range strings.Fields(names) {
		if v, ok := values[name]; ok {
			all = append(all, Attribute{name, v})
		}
	}
	return all
}

// kind is what an element's defaults are kept under.
func kind(name string) string {
	switch name {
	case "motor", "position", "velocity", "general":
		return "actuator"
	case "fixed", "spatial", "tendon":
		return "tendon"
	}
	return name
}

// overlay writes values over inherited ones. Of lists that may be cut short, the
// inherited end remains; one orientation replaces another, whatever its form.
func overlay(inherited, values map[string]string) {
	for _, t := range strings.Fields(turns) {
		if _, ok := values[t]; ok {
			for _, other := range strings.Fields(turns) {
				delete(inherited, other)
			}
		}
	}
	for name, v := range values {
		if has("size friction gear gainprm biasprm", name) {
			old, now := strings.Fields(inherited[name]), strings.Fields(v)
			if len(now) > 0 && len(old) > len(now) {
				v = strings.Join(append(now, old[len(now):]...), " ")
			}
		}
		inherited[name] = v
	}
}

func (r *reader) compiler(e *element) error {
	f, err := r.fields(e, "main")
	if err != nil {
		return err
	}
	r.degrees = f.word("angle", "degree", "degree", "radian") == "degree"
	r.autolimits = f.word("autolimits", "true", "true", "false") == "true"
	r.fromGeoms = f.word("inertiafromgeom", r.fromGeoms, "auto", "true", "false")
	f.word("coordinate", "local", "local")
	f.numbers("inertiagrouprange", r.groups[:], 2)
	if s, ok := f.values["eulerseq"]; ok {
		if len(s) != 3 || strings.Trim(s, "xyzXYZ") != "" {
			return e.errorf("eulerseq=%q is not three of x, y, z", short(s))
		}
		r.sequence = s
	}
	if d, ok := f.values["assetdir"]; ok {
		r.m.MeshDir = d
	}
	if d, ok := f.values["meshdir"]; ok {
		r.m.MeshDir = d
	}
	return f.err
}

func (r *reader) option(e *element) error {
	f, err := r.fields(e, "main")
	if err != nil {
		return err
	}
	r.m.Gravity = f.vector("gravity", r.m.Gravity)
	r.m.Timestep = f.number("timestep", r.m.Timestep)
	if !(r.m.Timestep > 0) {
		f.fail("a timestep of %g s", r.m.Timestep)
	}
	for _, c := range e.children {
		if c.name == "flag" && c.get("gravity") == "disable" {
			r.m.Gravity = Vector{}
		}
	}
	return f.err
}

// defaults reads a class and those within it, which inherit from it.
func (r *reader) defaults(e *element) error { return r.class(e, "main", class{}) }

func (r *reader) class(e *element, name string, above class) error {
	if n := e.get("class"); n != "" {
		name = n
	}
	c := class{}
	for k, v := range above {
		c[k] = maps.Clone(v)
	}
	for k, v := range r.classes[name] { // a second <default> adds to the first
		c[k] = maps.Clone(v)
	}
	for _, child := range e.children {
		k := kind(child.name)
		if _, known := grammar[child.name]; child.name == "default" || !known && k != "tendon" {
			continue
		}
		if err := child.check(); err != nil {
			return err
		}
		if c[k] == nil {
			c[k] = map[string]string{}
		}
		overlay(c[k], mapping(child))
		if k == "actuator" {
			if err := r.normalise(child, c[k]); err != nil {
				return err
			}
		}
	}
	r.classes[name] = c
	if len(r.classes) > most {
		return e.errorf("more than %d classes", most)
	}
	for _, child := range e.children {
		if child.name != "default" {
			continue
		}
		if child.get("class") == "" {
			return child.errorf("a class within another needs a name")
		}
		if err := r.class(child, "", c); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) asset(e *element) error {
	for _, c := range e.children {
		if c.name != "mesh" {
			continue // materials, textures and the like change nothing but looks; a height field's geom is refused
		}
		f, err := r.fields(c, "main")
		if err != nil {
			return err
		}
		mesh := MeshFile{Name: f.values["name"], File: f.values["file"], Scale: f.vector("scale", Vector{1, 1, 1})}
		if mesh.Name == "" {
			mesh.Name = strings.TrimSuffix(path.Base(mesh.File), path.Ext(mesh.File))
		}
		if len(r.m.Meshes) >= most {
			f.fail("more than %d meshes", most)
		}
		if f.err != nil {
			return f.err
		}
		r.m.Meshes = append(r.m.Meshes, mesh)
	}
	return nil
}

// contact reads which bodies do not collide. Pairs that only the simulator
// knows are passed over.
func (r *reader) contact(e *element) error {
	for _, c := range e.children {
		if c.name != "exclude" {
			continue
		}
		if len(r.m.Excludes) >= most {
			return c.errorf("more than %d pairs", most)
		}
		a, err := r.m.Body(c.get("body1"))
		if err != nil {
			return c.errorf("%w", err)
		}
		b, err := r.m.Body(c.get("body2"))
		if err != nil {
			return c.errorf("%w", err)
		}
		r.m.Excludes = append(r.m.Excludes, [2]int{a, b})
	}
	return nil
}

// tendon accepts tendons that pull nothing, as those which only bound a sum of
// angles.
func (r *reader) tendon(e *element) error {
	for _, c := range e.children {
		if c.name != "fixed" && c.name != "spatial" {
			return c.errorf("not supported in <tendon>")
		}
		if _, err := r.fields(c, "main"); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) sensors(e *element) error {
	for _, c := range e.children {
		if c.name == "plugin" {
			return c.errorf("not supported in <sensor>")
		}
		s := Sensor{Type: c.name, Name: c.get("name")}
		for _, a := range c.attributes {
			if a.Name != "name" {
				s.Attributes = append(s.Attributes, a)
			}
		}
		r.m.Sensors = append(r.m.Sensors, s)
	}
	return nil
}

func (r *reader) keys(e *element) error {
	for _, c := range e.children {
		if c.name != "key" {
			return c.errorf("not supported in <keyframe>")
		}
		f, err := r.fields(c, "main")
		if err != nil {
			return err
		}
		n := 0
		for i := range r.m.Joints {
			n++
			if r.m.Joints[i].Kind == Free {
				n += 6
			}
		}
		q := make([]float64, n)
		if f.numbers("qpos", q, n) > 0 {
			r.m.Keys = append(r.m.Keys, Key{f.values["name"], q})
		}
		if f.err != nil {
			return f.err
		}
		if len(r.m.Keys) > most {
			return c.errorf("more than %d keys", most)
		}
	}
	return nil
}

// speedName is the custom numeric that holds Joint.Speed of all joints, for which
// MJCF has no attribute.
const speedName = "joint_speed"

func (r *reader) custom(e *element) error {
	for _, c := range e.children {
		if c.name == "numeric" && c.get("name") == speedName {
			f, err := r.fields(c, "main")
			if err != nil {
				return err
			}
			r.speeds = f
		}
	}
	return nil
}

func (r *reader) setSpeeds() error {
	if r.speeds == nil {
		return nil
	}
	all := make([]float64, len(r.m.Joints))
	r.speeds.numbers("data", all, len(all))
	for i, s := range all {
		r.m.Joints[i].Speed = math.Abs(s)
	}
	return r.speeds.err
}
