package live

import (
	"fmt"
	"math"
	"time"

	"samovar/robot/balance"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/safety"
	"samovar/robot/score"
)

// State is what is seen of the robot at a moment. Lengths are metres in the world's
// axes, z up.
type State struct {
	Time    float64            `json:"t"`     // s, on the body's clock
	Poses   []float64          `json:"poses"` // of each body: position, orientation (w, x, y, z)
	Centre  mechanism.Vector   `json:"centre"`
	Capture mechanism.Vector   `json:"capture"`
	Support []mechanism.Vector `json:"support"` // polygon of the soles that carry
	Forces  []Force            `json:"forces"`  // that the soles are to exert
	Push    mechanism.Vector   `json:"push"`    // N
	Phase   string             `json:"phase"`
	Act     string             `json:"act"`
	Song    string             `json:"-"`
	At      float64            `json:"-"` // s, since the act began
	Mode    string             `json:"mode"`
	Reason  string             `json:"reason,omitempty"`
	Code    safety.Code        `json:"reason_code,omitempty"`
	Of      string             `json:"reason_of,omitempty"` // joint or unit that the reason is about
	Counts  Counts             `json:"counts"`
	Drift   float64            `json:"drift_m"`
	Tilt    float64            `json:"tilt_rad"`
	Torque  float64            `json:"torque"`  // greatest share of a drive's that was asked for
	Tick    float64            `json:"tick_ms"` // that the controller thinks
	Gone    string             `json:"gone,omitempty"`
	Stopped bool               `json:"-"`
}

// Force is what a sole exerts on the robot, N.
type Force struct {
	At    mechanism.Vector `json:"at"`
	Force mechanism.Vector `json:"force"`
}

// Counts are what has happened: falls since the robot was opened, the rest since it was
// put on its feet.
type Counts struct {
	Falls      int    `json:"falls"`
	Violations uint64 `json:"violations"`
	Clamped    uint64 `json:"clamped"`
}

// grains is how exactly poses are told, a metre: no picture shows less.
const grains = 1e5

// painter makes states.
type painter struct {
	robot   *Robot
	rig     *rig
	display *mechanism.State
	truth   *referee.Truth
	thought time.Duration
	fallen  bool
	last    State
}

func newPainter(r *Robot, g *rig) *painter {
	return &painter{robot: r, rig: g, display: mechanism.NewState(g.Model), truth: g.Referee.Info().NewTruth()}
}

// state is how things are.
func (p *painter) state(act *Act, at float64, report safety.Report) *State {
	known := p.look()
	s := &State{Act: Standing, At: at, Mode: report.Mode.String(), Reason: report.Reason, Code: report.Code, Of: report.Of, Tick: 1000 * p.thought.Seconds()}
	if act != nil {
		s.Act, s.Song = act.Name, act.Song
	}
	if s.Stopped = report.Mode > safety.Running; s.Stopped {
		s.Act = "stopped"
	}
	v, e := &p.rig.controller.View, p.rig.controller.Estimate()
	p.pose(e.Now)
	if known {
		p.judge(s, report)
	}
	s.Centre, s.Capture, s.Phase = p.display.CentreOfMass(), v.Capture, v.Phase.String()
	offset := p.display.Position(e.Robot.Base).Sub(e.Now.Position(e.Robot.Base)) // what the robot does not know
	offset[2] = 0
	s.Capture = s.Capture.Add(offset)
	var points []mechanism.Vector
	for i := range e.Robot.Legs {
		l := &e.Robot.Legs[i]
		middle, turn := l.Pose(p.display)
		s.Forces = append(s.Forces, Force{middle, v.Forces[i]})
		if v.Phase == balance.Swinging && i == v.Foot {
			continue
		}
		for _, q := range l.Sole {
			points = append(points, middle.Add(turn.Rotate(q)))
		}
	}
	s.Support = mechanism.Hull(nil, points)
	s.Counts.Clamped = report.Counts.Clamped
	s.Poses = make([]float64, 0, 7*len(p.rig.Model.Bodies))
	for i := range p.rig.Model.Bodies {
		at, turn := p.display.Position(i), p.display.Orientation(i)
		for _, x := range [7]float64{at[0], at[1], at[2], turn[0], turn[1], turn[2], turn[3]} {
			s.Poses = append(s.Poses, math.Round(x*grains)/grains)
		}
	}
	p.last = *s
	return s
}

// look takes over the last truth.
func (p *painter) look() bool {
	g := p.rig
	g.mu.Lock()
	defer g.mu.Unlock()
	positions := p.truth.Positions
	*p.truth = *g.truth
	p.truth.Positions = append(positions[:0], g.truth.Positions...)
	return g.known
}

// pose has the display show where the robot truly is, or thinks it is.
func (p *painter) pose(estimate *mechanism.State) {
	copy(p.display.Q, estimate.Q)
	if r := p.rig.controller.Estimate().Robot; p.truth.Sequence > 0 {
		copy(p.display.Q[r.Q:], p.truth.Position[:])
		copy(p.display.Q[r.Q+3:], p.truth.Orientation[:])
		for i, q := range p.truth.Positions {
			p.display.Q[r.Joints[i].Q] = q
		}
	}
	p.display.Update()
}

// judge adds what only a referee knows.
func (p *painter) judge(s *State, report safety.Report) {
	t := p.truth
	s.Time, s.Push, s.Drift, s.Tilt, s.Torque = t.Time.Seconds(), t.Push, t.Drift, t.Tilt, t.Worst.Torque
	s.Counts.Violations = score.Violations(&t.Counts)
	why := p.rig.Referee.Info().Fall(t, report.Mode == safety.Kneeling)
	if why != "" && !p.fallen {
		p.fallen = true
		p.robot.mu.Lock()
		p.robot.falls++
		p.robot.mu.Unlock()
	}
	p.robot.mu.Lock()
	s.Counts.Falls = p.robot.falls
	p.robot.mu.Unlock()
}

// gone is the last state of a body that is gone.
func (p *painter) gone(err error) *State {
	s := p.last
	s.Mode, s.Act, s.Stopped = safety.Damping.String(), "stopped", true
	s.Reason, s.Code, s.Of = fmt.Sprintf("the body is gone: %v", err), safety.NoBody, ""
	s.Gone = s.Reason
	return &s
}

// show hands a state to whoever watches.
func (r *Robot) show(s *State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = s
	for c := range r.watchers {
		select {
		case c <- s:
		default:
			select { // the one that waits is older
			case <-c:
			default:
			}
			c <- s
		}
	}
}
