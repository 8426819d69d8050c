package balance

import (
	"samovar/robot/body"
	"samovar/robot/estimate"
)

// drive is how one joint is commanded.
type drive struct {
	torque float64 // greatest, Nm
	leg    int     // −1: none
	row    int     // in the leg
	gain   float64 // share of its gains, which grow from 0: a drive does not jump
}

// Gains of drives as shares of their greatest torque, Nm/rad and Nm·s/rad: of joints
// that follow a motion, of a leg that swings, of one that stands and is led by
// forces.
var (
	follows = [2]float64{4, 0.08}
	swings  = [2]float64{3, 0.06}
	stands  = [2]float64{0, 0.02}
)

// ramp is how long gains take to grow, s; reserve is the share of a drive's torque
// that is asked for at most, so that noise does not ask for more than there is.
const (
	ramp    = 0.1
	reserve = 0.85
	fence   = 0.12 // rad, before the end of a joint's range, in which it is led away from it
	// foreseen is the share of a swinging leg's feedback that the whole body's task has: all of
	// it would pass through sensors, which are late, and swing; the rest is the drive's own.
	foreseen = 0.3
	ahead    = 0.015 // s, by which the velocity that a standing leg is to have is ahead
)

func newDrives(r *estimate.Robot) []drive {
	all := make([]drive, len(r.Joints))
	for i := range all {
		t := r.Info.Joints[i].Torque
		all[i] = drive{torque: min(-t[0], t[1]), leg: -1}
	}
	for k := range r.Legs {
		for row, i := range r.Legs[k].Joints {
			all[i].leg, all[i].row = k, row
		}
	}
	return all
}

// command makes commands of torques, accelerations and the motion.
func (c *Controller) command(s *body.Sensors, to *body.Command, dt float64) {
	k, k1, _ := ease(c.clock / beginning)
	for i := range to.Joints {
		d, j, t := &c.drives[i], &c.robot.Joints[i], &to.Joints[i]
		now := body.Measured{Position: c.estimate.Now.Q[j.Q], Velocity: c.estimate.Now.V[j.V]}
		d.gain = min(1, d.gain+dt/ramp)
		gains := follows
		switch {
		case d.leg < 0:
			t.Position = c.course.joints[0][i] + c.start[i]*(1-k)
			t.Velocity = c.course.joints[1][i] - c.start[i]*k1/beginning
		case c.gait.phase == Swinging && d.leg == c.gait.foot:
			gains = swings
			t.Position, t.Velocity = c.limb.positions[d.row], c.limb.velocities[d.row]
		default:
			gains = stands
			t.Position, t.Velocity = now.Position, now.Velocity+ahead*c.whole.acc[j.V]
		}
		t.Kp, t.Kd = gains[0]*d.torque*d.gain, gains[1]*d.torque*d.gain
		t.Torque = c.whole.tau[j.V]
		if c.gait.phase == Swinging && d.leg == c.gait.foot { // some of what the law exerts now is in it
			t.Torque -= foreseen * (t.Kp*(t.Position-now.Position) + t.Kd*(t.Velocity-now.Velocity))
		}
		c.limit(i, t, &now)
	}
	for i := range c.View.Forces {
		c.View.Forces[i] = c.whole.forces.on[i].force
	}
}

// limit keeps a command within what the joint and its drive can do.
func (c *Controller) limit(i int, t *body.Drive, now *body.Measured) {
	j, d := &c.robot.Info.Joints[i], &c.drives[i]
	t.Position = min(max(t.Position, j.Range[0]), j.Range[1])
	low, high := j.Range[0]+fence, j.Range[1]-fence
	if now.Position < low || now.Position > high { // it is led away from the end
		k := min(1, max(low-now.Position, now.Position-high)/fence)
		t.Kp, t.Kd = max(t.Kp, 4*k*d.torque), max(t.Kd, 0.06*k*d.torque)
		t.Position += k * (min(max(t.Position, low), high) - t.Position)
		t.Velocity *= 1 - k
		if t.Torque < 0 == (now.Position < low) { // towards the end
			t.Torque *= 1 - k
		}
	}
	if j.Speed > 0 {
		t.Velocity = min(max(t.Velocity, -0.9*j.Speed), 0.9*j.Speed)
	}
	most := reserve * d.torque
	t.Torque = min(max(t.Torque, -most), most)
	law := t.Kp*(t.Position-now.Position) + t.Kd*(t.Velocity-now.Velocity) + t.Torque
	if over := max(law-most, -most-law); over > 0 { // all of it becomes weaker
		share := most / (most + over)
		t.Kp, t.Kd, t.Torque = share*t.Kp, share*t.Kd, share*t.Torque
	}
}
