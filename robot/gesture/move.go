package gesture

import "math"

// Moves are lists of pulses with times from the start of the move. Signs are those of
// our own robot and Unitree's: a negative pitch of shoulder or elbow raises the arm, a
// positive roll of the left shoulder leads it away from the body, a positive yaw turns
// to the left; the right side mirrors rolls and yaws.

// part is a joint with an amount, rad.
type part struct {
	role   string
	amount float64
}

// side names an arm.
func side(hand int) (name string, mirror float64) {
	if hand == 0 {
		return "left_", 1
	}
	return "right_", -1
}

// pose makes all parts rise together, hold and fall.
func (g *Gestures) pose(begin, rise, hold, fall float64, parts ...part) []pulse {
	var all []pulse
	for _, p := range parts {
		if k, ok := g.roles[p.role]; ok {
			all = append(all, pulse{joint: k, amount: p.amount, begin: begin, rise: rise, hold: hold, fall: fall})
		}
	}
	return all
}

// Of a beat: the hand is raised before the stress, and has come down with it.
const (
	raise  = 0.30 // s
	stroke = 0.22
)

// beat is a stroke of a hand that ends at time 0, of a size from 0 to 1.
func (g *Gestures) beat(hand int, size float64) []pulse {
	name, mirror := side(hand)
	return g.pose(-raise-stroke, raise, 0, stroke,
		part{name + "elbow", -0.45 * size}, part{name + "shoulder_pitch", -0.15 * size},
		part{name + "shoulder_roll", 0.08 * mirror * size}, part{name + "wrist_pitch", -0.25 * size})
}

// nod bows the torso a little, at its lowest at time 0: the robot has no neck.
func (g *Gestures) nod() []pulse {
	return g.pose(-0.25, 0.25, 0, 0.35, part{"waist_pitch", 0.07})
}

// wave raises the right hand and moves it to and fro.
func (g *Gestures) wave() []pulse {
	const rise, swing, times = 0.7, 0.32, 4
	moves := g.pose(0, rise, times*swing, 0.8,
		part{"right_shoulder_pitch", -0.9}, part{"right_shoulder_roll", -0.75}, part{"right_elbow", -1.7}, part{"right_shoulder_yaw", -0.3})
	for k := range times {
		moves = append(moves, g.pose(rise+float64(k)*swing, swing/2, 0, swing/2, part{"right_shoulder_yaw", 0.25 * math.Pow(-1, float64(k))})...)
	}
	return moves
}

// palms opens both arms, palms up.
func (g *Gestures) palms() []pulse {
	var moves []pulse
	for hand := range 2 {
		name, mirror := side(hand)
		moves = append(moves, g.pose(0, 0.45, 0.5, 0.6,
			part{name + "shoulder_roll", 0.2 * mirror}, part{name + "shoulder_yaw", 0.3 * mirror}, part{name + "elbow", -0.7},
			part{name + "wrist_roll", -0.9 * mirror})...)
	}
	return moves
}

// self leads the right hand before the chest.
func (g *Gestures) self() []pulse {
	return g.pose(0, 0.45, 0.5, 0.6,
		part{"right_shoulder_pitch", -0.4}, part{"right_shoulder_roll", -0.15}, part{"right_shoulder_yaw", 1.0}, part{"right_elbow", -1.5}, part{"right_wrist_yaw", 0.4})
}

// bow bends pelvis and torso ahead.
func (g *Gestures) bow() []pulse {
	const rise, hold, fall = 0.9, 0.6, 1.0
	moves := g.pose(0, rise, hold, fall, part{"waist_pitch", 0.3})
	return append(moves, pulse{joint: pelvis, amount: 0.15, rise: rise, hold: hold, fall: fall})
}

// turn turns the torso by an angle for a time.
func (g *Gestures) turn(angle, seconds float64) []pulse {
	return g.pose(0, 0.8, seconds, 0.8, part{"waist_yaw", angle})
}

// start makes a move as soon as it can begin.
func (g *Gestures) start(moves []pulse) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.add(g.now+2*soonest, moves)
}

// Wave waves now. It returns false where there are more gestures than it can make.
func (g *Gestures) Wave() bool { return g.start(g.wave()) }

// Bow bows now, likewise.
func (g *Gestures) Bow() bool { return g.start(g.bow()) }

// Nod nods now, likewise.
func (g *Gestures) Nod() bool {
	moves := g.nod()
	for i := range moves {
		moves[i].begin = 0
	}
	return g.start(moves)
}

// Turn turns the torso now to somebody who is at an angle to the left, rad, for a time
// in seconds; ± 0.6 and 60 at most. Likewise.
func (g *Gestures) Turn(angle, seconds float64) bool {
	if math.IsNaN(angle) || math.IsNaN(seconds) {
		return false
	}
	return g.start(g.turn(min(0.6, max(-0.6, angle)), min(60, max(0, seconds))))
}
