package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
)

// plan is what physics is built of.
type plan struct {
	path, text  string // of the model, one of them
	info        body.Info
	base, torso string // bodies
	units       []string
	joints      []body.Joint
	start       []float64 // coordinates
	step        time.Duration
	friction    float64 // 0: the model's own
	mass        float64
	slope       mechanism.Quaternion
}

// physics moves a body.
type physics interface {
	// advance runs steps under one command, with a force in N at the torso.
	advance(steps int, drives []body.Drive, push mechanism.Vector) error
	// sense fills in what perfect sensors measure now.
	sense(*body.Sensors)
	// report fills in what is true now, and the greatest since the last call.
	report(*referee.Truth)
	// load fills in the mean squared torque of each joint since the last call.
	load(mean []float64)
	// bodies are the names of the rigid bodies.
	bodies() []string
}

// fastest and slowest step of the physics.
const (
	shortest = 100 * time.Microsecond
	longest  = 4 * time.Millisecond
)

// newPlan reads the model and says what it is to be.
func newPlan(o *options) (*plan, *mechanism.Model, error) {
	p := &plan{step: time.Duration(math.Round(o.Step * float64(time.Millisecond))), friction: o.Friction, mass: o.Mass}
	switch {
	case p.step < shortest || p.step > longest:
		return nil, nil, fmt.Errorf("a step of %v: choose %v to %v", p.step, shortest, longest)
	case !(o.Friction >= 0 && o.Friction <= 10):
		return nil, nil, fmt.Errorf("a friction of %g", o.Friction)
	case !(o.Mass >= 0.1 && o.Mass <= 10):
		return nil, nil, fmt.Errorf("%g times the mass", o.Mass)
	case !(math.Abs(o.Slope) <= 45):
		return nil, nil, fmt.Errorf("a slope of %g°", o.Slope)
	}
	uphill := mechanism.Turn(mechanism.Vector{0, 0, 1}, o.Uphill*math.Pi/180).Rotate(mechanism.Vector{0, -1, 0})
	p.slope = mechanism.Turn(uphill, o.Slope*math.Pi/180)
	m, err := p.read(o.Model)
	if err != nil {
		return nil, nil, err
	}
	if err := p.parts(m); err != nil {
		return nil, nil, err
	}
	if o.Torso != "" {
		p.torso = o.Torso
	}
	if _, err := m.Body(p.torso); err != nil {
		return nil, nil, err
	}
	return p, m, p.place(m, o.Start)
}

// read reads the model: our own, or a file's, whose meshes lie beside it.
func (p *plan) read(name string) (*mechanism.Model, error) {
	if name == "own" {
		m := humanoid.Own()
		var text bytes.Buffer
		err := m.Write(&text)
		p.text = text.String()
		return m, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p.path = name
	return mechanism.Read(f)
}

// parts finds base, torso, inertial units and driven joints.
func (p *plan) parts(m *mechanism.Model) (err error) {
	if p.info, p.base, err = body.Describe(m); err != nil {
		return err
	}
	p.joints = p.info.Joints
	for _, u := range p.info.Units {
		if _, err := m.Site(u.Name); err == nil { // else the unit is the base's
			p.units = append(p.units, u.Name)
		}
	}
	p.torso = p.base
	for i := range m.Bodies {
		if strings.Contains(m.Bodies[i].Name, "torso") {
			p.torso = m.Bodies[i].Name
			break
		}
	}
	return nil
}

// place finds the configuration to start in: key "stand" or "home" or the
// model's reference, with some joints elsewhere.
func (p *plan) place(m *mechanism.Model, joints []string) error {
	p.start = m.Reference()
	for _, name := range []string{"home", "stand"} {
		if q, err := m.Key(name); err == nil {
			p.start = q
		}
	}
	for _, s := range joints {
		name, text, _ := strings.Cut(s, "=")
		x, err := strconv.ParseFloat(text, 64)
		found := false
		for i := range m.Joints {
			if j := &m.Joints[i]; j.Kind != mechanism.Free && name != "" && strings.Contains(j.Name, name) {
				found, p.start[j.Q] = true, x
				if j.Limited && !(j.Range[0] <= x && x <= j.Range[1]) {
					return fmt.Errorf("joint %q cannot start at %g, its range is %v", j.Name, x, j.Range)
				}
			}
		}
		switch {
		case err != nil || !(math.Abs(x) <= 100):
			return fmt.Errorf("start %q: give an angle in radians, such as knee=0.5", s)
		case !found:
			return fmt.Errorf("start %q: no joint of the model has %q in its name", s, name)
		}
	}
	return nil
}

// describe says what a controller is told of the body.
func (p *plan) describe(lockstep bool) (body.Info, error) {
	i := p.info
	i.Lockstep, i.Rate, i.Stale = lockstep, body.SlowestRate, body.StaleAfter(body.SlowestRate)
	return i, i.Check()
}

// rules says what a referee is told.
func (p *plan) rules(m *mechanism.Model, bodies, feet []string, lockstep bool) (referee.Info, error) {
	i := referee.Info{
		Model: m.Name, Bodies: bodies, Units: max(1, len(p.units)), Lockstep: lockstep, Step: p.step.Seconds(),
		Base: slices.Index(bodies, p.base), Torso: slices.Index(bodies, p.torso),
	}
	for _, j := range p.joints {
		i.Joints = append(i.Joints, j.Name)
	}
	for k, name := range bodies {
		n := strings.ToLower(name)
		switch {
		case feet != nil && slices.Contains(feet, name), feet == nil && contains(n, "foot", "ankle_roll"):
			i.Feet = append(i.Feet, k)
		case contains(n, "hand", "wrist", "knee", "shank", "shin"):
			i.Kneel = append(i.Kneel, k)
		}
	}
	if len(i.Feet) == 0 || len(i.Feet) < len(feet) {
		return i, errors.New("the model has no feet of that name: name its bodies that may touch the floor with --feet")
	}
	return i, i.Check()
}

func contains(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}
