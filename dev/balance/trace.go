package main

import (
	"encoding/csv"
	"fmt"
	"log"
	"math"
	"os"
	"strings"

	"samovar/robot/balance"
	"samovar/robot/estimate"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/score"
)

// tracer writes the course of a run.
type tracer struct {
	file *os.File
	csv  *csv.Writer
}

func newTracer(path string) *tracer {
	if path == "" {
		return &tracer{}
	}
	f, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	t := &tracer{f, csv.NewWriter(f)}
	t.csv.Write(strings.Split("t,phase,foot,catching,cx,cy,cz,xi_x,xi_y,want_x,want_y,cop_x,cop_y,land_x,land_y,load_l,load_r,felt_l,felt_r,px,py,pz,tpx,tpy,tpz,vx,vy,tvx,tvy,tilt,push_x,push_y,trq,sat,lx,ly,lz,rx,ry,rz,tlx,tly,tlz,tlyaw,tlroll,tlpitch,trx,try,trz,tryaw,trroll,trpitch,knl,knr", ","))
	return t
}

func (t *tracer) write(m *score.Moment) {
	if t.csv == nil {
		return
	}
	v, e, truth := &m.Controller.View, m.Controller.Estimate(), m.Truth
	row := []float64{truth.Time.Seconds(), float64(v.Phase), float64(v.Foot), 0, v.Centre[0], v.Centre[1], v.Centre[2], v.Capture[0], v.Capture[1], v.Wanted[0], v.Wanted[1],
		v.Pressure[0], v.Pressure[1], v.Landing[0], v.Landing[1], v.Forces[0][2], v.Forces[1][2], e.Contacts[0].Load, e.Contacts[1].Load,
		e.Now.Q[0], e.Now.Q[1], e.Now.Q[2], truth.Position[0], truth.Position[1], truth.Position[2], e.Now.V[0], e.Now.V[1], truth.Linear[0], truth.Linear[1],
		truth.Tilt, truth.Push[0], truth.Push[1], truth.Worst.Torque, float64(truth.Counts.Saturated)}
	if v.Catching {
		row[3] = 1
	}
	for i := range e.Robot.Legs {
		p, _ := e.Robot.Legs[i].Pose(e.Now)
		row = append(row, p[:]...)
	}
	st := mechanism.NewState(e.Robot.Model)
	place(st, e.Robot, truth)
	for i := range e.Robot.Legs {
		p, q := e.Robot.Legs[i].Pose(st)
		row = append(row, p[:]...)
		x, up := q.Rotate(mechanism.Vector{1, 0, 0}), q.Rotate(mechanism.Vector{0, 0, 1})
		row = append(row, math.Atan2(x[1], x[0]), up[1], up[0])
	}
	row = append(row, truth.Positions[3], truth.Positions[9])
	var text []string
	for _, x := range row {
		text = append(text, fmt.Sprintf("%.5g", x))
	}
	t.csv.Write(text)
}

func (t *tracer) close() {
	if t.csv != nil {
		t.csv.Flush()
		t.file.Close()
	}
}

// story is what happened last in a run: pushes and what the feet did.
type story struct {
	events   []string
	phase    balance.Phase
	catching bool
	pushed   bool
}

// told is how many events are kept.
const told = 16

// see adds what is new.
func (s *story) see(c *balance.Controller, truth *referee.Truth) {
	v := &c.View
	pushed := truth.Push != mechanism.Vector{}
	if pushed && !s.pushed {
		s.add(c, truth, fmt.Sprintf("pushed towards %.0f°", degrees(math.Atan2(truth.Push[1], truth.Push[0])-facing(c.Estimate()))))
	}
	if v.Phase != s.phase || v.Catching != s.catching {
		what := v.Phase.String()
		if v.Phase != balance.Double {
			what += [2]string{" left", " right"}[v.Foot]
		}
		if v.Catching {
			what += ", catching"
		}
		s.add(c, truth, what)
	}
	s.pushed, s.phase, s.catching = pushed, v.Phase, v.Catching
}

// add adds an event with where the capture point and the right foot are, seen from
// the left foot, m.
func (s *story) add(c *balance.Controller, truth *referee.Truth, what string) {
	e := c.Estimate()
	left, _ := e.Robot.Legs[0].Pose(e.Now)
	right, _ := e.Robot.Legs[1].Pose(e.Now)
	back := mechanism.Turn(mechanism.Vector{0, 0, 1}, -facing(e))
	from := func(p mechanism.Vector) mechanism.Vector { return back.Rotate(p.Sub(left)) }
	capture, foot := from(c.View.Capture), from(right)
	if len(s.events) == told {
		s.events = append(s.events[:0], s.events[1:]...)
	}
	s.events = append(s.events, fmt.Sprintf("%6.2f s %-28s capture (%+.2f, %+.2f) right foot (%+.2f, %+.2f)", truth.Time.Seconds(), what, capture[0], capture[1], foot[0], foot[1]))
}

// facing is the heading of the left sole.
func facing(e *estimate.Estimator) float64 {
	_, turn := e.Robot.Legs[0].Pose(e.Now)
	x := turn.Rotate(mechanism.Vector{1, 0, 0})
	return math.Atan2(x[1], x[0])
}

func degrees(a float64) float64 { return math.Remainder(a, 2*math.Pi) * 180 / math.Pi }
