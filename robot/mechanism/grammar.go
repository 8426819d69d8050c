package mechanism

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bounds on a file, before anything is made of it: a model of many robots has a
// few thousand elements in some hundred kilobytes.
const (
	mostBytes    = 8 << 20
	mostElements = 1 << 16
	mostDepth    = 96
	mostFields   = 64 // attributes of an element
)

// element is one of the file's, with the line it begins in.
type element struct {
	name       string
	line       int
	attributes []Attribute
	children   []*element
}

func (e *element) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: %s: %w", e.line, e.name, fmt.Errorf(format, args...))
}

// get returns the value of an attribute, "" if it has none.
func (e *element) get(name string) string {
	for _, a := range e.attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// parse reads the elements of a file.
func parse(r io.Reader) (*element, error) {
	limited := &io.LimitedReader{R: r, N: mostBytes + 1}
	d := xml.NewDecoder(limited)
	var stack []*element
	var root *element
	for count := 0; ; {
		line, _ := d.InputPos()
		token, err := d.Token()
		if limited.N <= 0 {
			return nil, fmt.Errorf("larger than %d bytes", mostBytes)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if count++; count > mostElements || len(stack) >= mostDepth {
				return nil, fmt.Errorf("line %d: more than %d elements, or nested deeper than %d", line, mostElements, mostDepth)
			}
			e := &element{name: t.Name.Local, line: line}
			if len(t.Attr) > mostFields {
				return nil, e.errorf("%d attributes, at most %d", len(t.Attr), mostFields)
			}
			for _, a := range t.Attr {
				if e.get(a.Name.Local) != "" {
					return nil, e.errorf("attribute %s twice", a.Name.Local)
				}
				e.attributes = append(e.attributes, Attribute{a.Name.Local, a.Value})
			}
			if len(stack) > 0 {
				up := stack[len(stack)-1]
				up.children = append(up.children, e)
			} else if root != nil {
				return nil, e.errorf("a second root")
			} else {
				root = e
			}
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		}
	}
	if root == nil {
		return nil, errors.New("no element in it")
	}
	return root, nil
}

// rule says what is done with an element's attributes.
type rule struct {
	read string // understood
	pass string // passed over: looks, numbers of the solver, nothing that moves a body; *: whatever else
	zero string // refused unless absent, 0, -1, false, none or auto, as they would change the motion
}

const (
	turns  = " quat axisangle euler xyaxes zaxis"
	drives = "name class joint gear ctrlrange ctrllimited forcerange forcelimited"
	idle   = "armature damping delay cranklength nsample"
)

// grammar has the elements that are read, of MuJoCo 3. An attribute that no list
// has is refused: it may be one that changes the motion.
var grammar = map[string]rule{
	"mujoco": {read: "model"},
	"compiler": {
		read: "angle autolimits coordinate eulerseq inertiafromgeom inertiagrouprange meshdir assetdir",
		pass: "conflict convexhull discardvisual exactmeshinertia fitaabb fusestatic passthrough savecanonical savecompiled saveinertial strippath texturedir usethread",
		zero: "alignfree balanceinertia boundinertia boundmass settotalmass",
	},
	"option":  {read: "timestep gravity", pass: "*", zero: "density viscosity wind"},
	"flag":    {read: "gravity", pass: "*"},
	"default": {read: "class"},
	"mesh":    {read: "name class file scale", pass: "*"},
	"body": {
		read: "name pos childclass" + turns,
		pass: "fuse simple sleep user",
		zero: "gravcomp mocap",
	},
	"inertial": {read: "pos mass diaginertia fullinertia" + turns},
	"joint": {
		read: "name class type pos axis range limited ref armature damping frictionloss stiffness springref actuatorfrcrange actuatorfrclimited",
		pass: "actuatorgravcomp group margin solimpfriction solimplimit solreffriction solreflimit user",
		zero: "springdamper",
	},
	"freejoint": {read: "name", pass: "group", zero: "align"},
	"geom": {
		read: "name class type size pos fromto mesh mass density contype conaffinity friction group rgba" + turns,
		pass: "adhesion condim fitscale fluidcoef gap margin material priority solimp solmix solref user",
		zero: "fluidshape shellinertia surfacevel",
	},
	"site":     {read: "name class pos" + turns, pass: "group material mesh rgba size type user"},
	"motor":    {read: drives, pass: "group lengthrange user", zero: idle},
	"position": {read: drives + " kp kv inheritrange", pass: "group lengthrange user", zero: idle + " dampratio timeconst"},
	"velocity": {read: drives + " kv", pass: "group lengthrange user", zero: idle},
	"general": {
		read: drives + " gaintype gainprm biastype biasprm dyntype inheritrange",
		pass: "group lengthrange user dynprm actdim actearly actlimited actrange",
		zero: idle,
	},
	"tendon":  {pass: "*", zero: "stiffness damping frictionloss armature"},
	"fixed":   {pass: "*", zero: "stiffness damping frictionloss armature"},
	"spatial": {pass: "*", zero: "stiffness damping frictionloss armature"},
	"exclude": {read: "body1 body2", pass: "name"},
	"key":     {read: "name qpos", pass: "act ctrl mpos mquat qvel time"},
	"numeric": {read: "name data", pass: "size"},
}

// check returns what of an element's attributes is not understood.
func (e *element) check() error {
	r := grammar[e.name]
	for _, a := range e.attributes {
		switch {
		case has(r.read, a.Name):
		case has(r.zero, a.Name):
			if !nothing(a.Value) {
				return e.errorf("%s=%q is not supported: it would change the motion", a.Name, a.Value)
			}
		case !has(r.pass, a.Name) && r.pass != "*":
			return e.errorf("attribute %s is not supported", a.Name)
		}
	}
	return nil
}

func has(list, name string) bool { return slices.Contains(strings.Fields(list), name) }

// nothing reports whether a value is one that MuJoCo takes for "not used".
func nothing(value string) bool {
	for _, w := range strings.Fields(value) {
		switch w {
		case "0", "0.0", "-1", "false", "none", "auto":
		default:
			return false
		}
	}
	return true
}
