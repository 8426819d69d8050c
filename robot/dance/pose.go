package dance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// channel is one number of a pose. Joints come first, in the order of the table below.
type channel int

// The channels that code names; joints of arms follow each other as in an [arm].
const (
	leftArm  channel = 0
	rightArm channel = 7
	waistYaw channel = 14 + iota - 2
	waistRoll
	waistPitch
	pelvisRoll
	pelvisPitch
	pelvisYaw
	swayAhead
	swayLeft
	swayUp
	markAhead
	markLeft
	heading
	march
	channels

	joints = pelvisRoll // those before are joints of the robot
)

// part is a share of the body that a move leads.
type part int

const (
	arms part = iota
	trunk
	feet
	parts
)

// limits bound a channel. Joints have the ranges and speeds of the body's instead.
type limits struct {
	low, high    float64 // rad or m
	speed        float64 // rad/s or m/s
	acceleration float64 // rad/s² or m/s²
}

// A sole that is 0.19 m long and a stance of 0.2 m leave the centre of pressure some
// 0.06 m to the sides, and 0.04 m ahead and back; see [limits.reach] for what sways take
// of it. Arms are as quick as their drives lift them twice over; the trunk turns as
// gently as friction holds soles that carry half the robot each.
const (
	sideways = 0.06
	ahead    = 0.04
)

// row is what is fixed about a channel.
type row struct {
	name  string
	other channel // of the mirrored robot
	flips bool    // has the other sign there
	part  part
	limits
}

var table = func() (all [channels]row) {
	arm := []row{
		{name: "shoulder_pitch", limits: limits{acceleration: 14}},
		{name: "shoulder_roll", flips: true, limits: limits{acceleration: 13}},
		{name: "shoulder_yaw", flips: true, limits: limits{acceleration: 22}},
		{name: "elbow", limits: limits{acceleration: 24}},
		{name: "wrist_roll", flips: true, limits: limits{acceleration: 45}},
		{name: "wrist_pitch", limits: limits{acceleration: 40}},
		{name: "wrist_yaw", flips: true, limits: limits{acceleration: 40}},
	}
	for i, r := range arm {
		left, right := r, r
		left.name, left.other = "left_"+r.name, rightArm+channel(i)
		right.name, right.other = "right_"+r.name, leftArm+channel(i)
		all[int(leftArm)+i], all[int(rightArm)+i] = left, right
	}
	for c, r := range map[channel]row{
		waistYaw:    {name: "waist_yaw", flips: true, part: trunk, limits: limits{acceleration: 12}},
		waistRoll:   {name: "waist_roll", flips: true, part: trunk, limits: limits{acceleration: 8}},
		waistPitch:  {name: "waist_pitch", part: trunk, limits: limits{acceleration: 8}},
		pelvisRoll:  {name: "pelvis_roll", flips: true, part: trunk, limits: limits{-0.12, 0.12, 1, 4}},
		pelvisPitch: {name: "pelvis_pitch", part: trunk, limits: limits{-0.12, 0.3, 1, 4}},
		pelvisYaw:   {name: "pelvis_yaw", flips: true, part: trunk, limits: limits{-0.2, 0.2, 1, 5}},
		swayAhead:   {name: "sway_ahead", part: trunk, limits: limits{-ahead, ahead, 0.4, 2}},
		swayLeft:    {name: "sway_left", flips: true, part: trunk, limits: limits{-sideways, sideways, 0.4, 2}},
		swayUp:      {name: "sway_up", part: trunk, limits: limits{-0.07, 0.01, 0.5, 2}},
		markAhead:   {name: "mark_ahead", part: feet, limits: limits{-0.15, 0.15, 0.2, 1}},
		markLeft:    {name: "mark_left", flips: true, part: feet, limits: limits{-0.15, 0.15, 0.2, 1}},
		heading:     {name: "heading", flips: true, part: feet, limits: limits{-1.6, 1.6, 0.25, 1}},
		march:       {name: "march", part: feet, limits: limits{0, 1, 1e3, 1e6}},
	} {
		r.other = c
		all[c] = r
	}
	return all
}()

// named is a channel by its name.
var named = func() map[string]channel {
	all := map[string]channel{}
	for c := range table {
		all[table[c].name] = channel(c)
	}
	return all
}()

// Channels returns the names of what a [Key] may say: joints as in "left_elbow" or
// "waist_yaw", rad, with the zero and sign of our humanoid's and Unitree G1's;
// "pelvis_…", rad, and "sway_…", m, as in [samovar/robot/balance.Target]; "mark_ahead",
// "mark_left" (m) and "heading" (rad), where the robot stands, against where it began;
// "march", 1: it steps on the spot.
func Channels() []string {
	return slices.Sorted(maps.Keys(named))
}

// role is the channel of a joint by its name on a body, −1: none.
func role(joint string) channel {
	c, ok := named[strings.TrimSuffix(strings.ToLower(joint), "_joint")]
	if !ok || c >= joints {
		return -1
	}
	return c
}

// A Key is a pose at a beat: positions by the names of [Channels]. What it does not name
// is left to other cues, or at rest.
type Key map[string]float64

// check reports what is wrong with a key.
func (k Key) check() error {
	if len(k) == 0 {
		return fmt.Errorf("a key that says nothing")
	}
	for _, name := range slices.Sorted(maps.Keys(k)) {
		if _, ok := named[name]; !ok {
			return fmt.Errorf("no channel %q; there are %s", short(name), strings.Join(Channels(), ", "))
		}
		if v := k[name]; !(v >= -10 && v <= 10) {
			return fmt.Errorf("%s is %g: rad or m, −10 to 10", name, v)
		}
	}
	return nil
}

// pose is a value of each channel.
type pose [channels]float64

// rest is how arms are where no cue leads them: a little away from the body, forearms
// ahead.
var rest = func() (p pose) {
	p.arm(leftArm, &ready)
	p.arm(rightArm, &ready)
	return p
}()

// arm sets the joints of an arm, whose values are those of a left one.
func (p *pose) arm(side channel, a *arm) {
	for i, v := range a {
		c := side + channel(i)
		if side == rightArm && table[c].flips {
			v = -v
		}
		p[c] = v
	}
}

// put sets what a key says, as large as scale and perhaps mirrored.
func (p *pose) put(k Key, mirror bool, scale float64) {
	for name, v := range k {
		c := named[name]
		if mirror {
			if table[c].flips {
				v = -v
			}
			c = table[c].other
		}
		if c == march || c == heading || c == markAhead || c == markLeft {
			p[c] = v // a step is a step
			continue
		}
		p[c] = rest[c] + scale*(v-rest[c])
	}
}

// short cuts what is quoted in an error.
func short(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
