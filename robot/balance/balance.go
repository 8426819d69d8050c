// Package balance keeps a two-legged robot on its feet while it moves as a Motion
// says: centre of mass, pelvis, arms, steps. It knows only what the robot senses, and
// refuses a robot without two legs of six joints. Start with [Controller]; [Kneel] brings
// the robot to its knees.
package balance

import (
	"fmt"
	"math"

	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/mechanism"
)

// View is what a controller thinks, for whoever looks on.
type View struct {
	Phase    Phase
	Foot     int                 // that swings or will: 0 left, 1 right
	Catching bool                // the step is because the robot would fall
	Centre   mechanism.Vector    // of mass, m
	Capture  mechanism.Vector    // capture point, at the floor's height
	Wanted   mechanism.Vector    // where it is to be
	Pressure mechanism.Vector    // centre of pressure that is asked for
	Forces   [2]mechanism.Vector // that the feet are to exert on the robot, N
	Landing  mechanism.Vector    // where the foot that swings will stand
}

// Controller balances a robot. It belongs to one goroutine; nothing allocates after
// New.
type Controller struct {
	// Motion is what the robot does; it may be replaced between ticks, by one that
	// begins as the other ends.
	Motion Motion
	View   View

	robot    *estimate.Robot
	estimate *estimate.Estimator
	whole    *whole
	gait     *gait
	course   *course
	task     task
	limb     *limb
	drives   []drive

	begun  bool
	clock  float64 // s, since the controller began
	last   uint64  // sequence
	origin place
	low    float64 // by which it is lower, because legs reach far
	length float64 // of a leg between hip and ankle, stretched
	height float64 // of the centre of mass above the soles, m
	// What the robot had when the controller began, and from where it is led to the
	// neutral stance.
	start       []float64
	startHeight float64
	startPelvis mechanism.Vector
	ground      float64 // height of the floor beneath the feet, m
	facing      float64 // heading of the feet, rad
	room        float64 // of the capture point within the soles that stand, m
}

// Gains of the tasks, 1/s and 1/s²: of the capture point, of height, of the base's
// orientation, of a foot that stands without a load.
const (
	captureGain = 8.0
	heightP     = 60.0
	heightD     = 13.0
	turnP       = 40.0
	turnD       = 10.0
	turnMost    = 25.0 // rad/s²
	holdP       = 150.0
	holdD       = 20.0
	swiftest    = 6.0  // m/s², up or down
	loadTime    = 0.1  // s, in which a foot that has landed may carry all
	lowest      = 0.12 // m, by which the robot stoops
	stretch     = 0.97 // of a leg's length that is used
	bent        = 0.93 // likewise of one that carries, before the robot stoops: straight, it has no say in the height
)

// Joints of a leg, from the hip down, between which it is as long as its knee allows: the
// first of the hip may lie beside the others, the ankle's last is as good as its first.
const (
	hip   = 1
	knee  = 3
	ankle = 5
)

// What turns the trunk back pushes the capture point away. So it is turned back as much
// as the capture point has room within the soles, m: not at all with the first, wholly with
// the first and the second; the speed of its turning is damped all the same. On one foot,
// with no room to speak of, it is a share.
const (
	turnRoom  = 0.01
	turnWhole = 0.04
	turnAlone = 0.3
)

// While a leg swings, half of the moment that is asked for is what orientation asks for,
// half what changes the momentum of the whole body, which has this damping, 1/s: what
// the leg gains, the trunk loses, instead of the capture point being pushed.
const (
	swapped   = 0.5
	momentumD = 6.0
)

// slack is the room, m, below which the feet give their reserves, in the course of slackens.
const (
	slack    = 0.03
	slackens = 0.02
)

// foresight is how far ahead, s, the trunk's tilt is looked for.
const foresight = 0.1

// crouch is how much lower than with straight legs the robot stands, as a share of
// their length: knees bent by some 1 rad. What is low tips more slowly for a push, and
// its legs reach farther.
const crouch = 0.105

// beginning is how long the robot takes to its neutral stance, s.
const beginning = 1.5

// New returns a controller of a body with a model of it. feet are the bodies with
// soles, the left one first.
func New(m *mechanism.Model, i *body.Info, feet [2]string) (*Controller, error) {
	r, err := estimate.NewRobot(m, i, feet)
	if err != nil {
		return nil, fmt.Errorf("balance: %w", err)
	}
	c := &Controller{Motion: Still{}, robot: r, estimate: estimate.New(r), gait: newGait(r)}
	if c.whole, err = newWhole(r, c.estimate.Now); err != nil {
		return nil, fmt.Errorf("balance: %w", err)
	}
	c.height, c.length = neutralHeight(r)
	c.course = newCourse(neutralJoints(r))
	c.limb = newLimb(r, stretch*c.length)
	c.task.joints = make([]float64, len(i.Joints))
	c.start = make([]float64, len(i.Joints))
	c.drives = newDrives(r)
	return c, nil
}

// neutralJoints is where joints are in the stance: key "stand" or "home" of the
// model, else its reference.
func neutralJoints(r *estimate.Robot) []float64 {
	q := r.Model.Reference()
	for _, name := range []string{"home", "stand"} {
		if k, err := r.Model.Key(name); err == nil {
			q = k
		}
	}
	all := make([]float64, len(r.Joints))
	for i, j := range r.Joints {
		all[i] = q[j.Q]
	}
	return all
}

// neutralHeight is that of the centre of mass above the soles in the stance, and the
// length of a stretched leg from hip to ankle, m; the model's reference has both legs
// stretched.
func neutralHeight(r *estimate.Robot) (height, length float64) {
	x := mechanism.NewState(r.Model)
	x.Update()
	sole, _ := r.Legs[0].Pose(x)
	part := func(row int) mechanism.Vector {
		return x.Position(r.Model.Joints[r.Joints[r.Legs[0].Joints[row]].Index].Body)
	}
	length = part(hip).Sub(part(ankle)).Norm()
	return x.CentreOfMass()[2] - sole[2] - crouch*length, length
}

// Estimate is what the controller knows of its robot.
func (c *Controller) Estimate() *estimate.Estimator { return c.estimate }

// Clock is the time of the motion that the controller follows, s since it began.
func (c *Controller) Clock() float64 { return c.clock }

// Control makes a command of a tick's sensors.
func (c *Controller) Control(s *body.Sensors, to *body.Command) error {
	if len(s.Joints) != len(c.robot.Joints) || len(to.Joints) != len(s.Joints) {
		return fmt.Errorf("balance a body of %d joints: sensors of %d, a command for %d", len(c.robot.Joints), len(s.Joints), len(to.Joints))
	}
	dt := c.robot.Info.Period().Seconds()
	if s.Status&body.Held != 0 || s.Sequence > c.last+25 || s.Sequence <= c.last {
		c.begun = false // it has been elsewhere
		c.estimate.Reset()
	}
	c.last = s.Sequence
	for i := range c.estimate.Lifted {
		c.estimate.Lifted[i] = c.gait.phase == Swinging && c.gait.foot == i
	}
	c.estimate.Update(s)
	c.gait.see(c.estimate.Now)
	if !c.begun {
		c.begin(s)
	}
	c.clock += dt
	c.course.look(c.Motion, c.clock)
	c.plan(dt)
	if err := c.whole.solve(&c.task); err != nil {
		return fmt.Errorf("balance: %w", err)
	}
	c.command(s, to, dt)
	return nil
}

// begin takes the robot as it is.
func (c *Controller) begin(s *body.Sensors) {
	x, g := c.estimate.Now, c.gait
	weight := c.robot.Model.Mass() * -c.robot.Model.Gravity[2]
	c.begun, c.clock = true, 0
	for i := range s.Joints {
		c.start[i] = s.Joints[i].Position - c.course.neutral[i]
		c.drives[i].gain = 0
	}
	middle := g.middle()
	c.origin, c.facing, c.ground = middle, middle.heading, middle.at[2]
	c.startHeight = x.CentreOfMass()[2] - middle.at[2] - c.height
	*g = gait{robot: g.robot, width: g.width, feet: g.feet, turn: g.turn, floor: mechanism.Vector{0, 0, 1}, sole: g.sole, points: g.points, hull: g.hull}
	capture, _ := c.capture(x)
	g.offset = capture.Sub(middle.at)
	g.offset[2] = 0
	for i, k := range c.estimate.Contacts {
		if c.estimate.Raised(i) || k.Load < 0.05*weight && c.estimate.Contacts[1-i].Load > 0.5*weight {
			g.aloft(i)
		}
	}
	upright := mechanism.Turn(mechanism.Vector{0, 0, 1}, -c.facing).Mul(x.Orientation(c.robot.Base))
	c.startPelvis = upright.Vector()
	c.View.Wanted = capture
}

// capture returns the capture point: where a pendulum with the robot's mass and
// velocity would come to rest upright (Pratt and others, Humanoids 2006, equation 4),
// and ω of that pendulum.
func (c *Controller) capture(x *mechanism.State) (mechanism.Vector, float64) {
	centre := x.CentreOfMass()
	omega := math.Sqrt(-c.robot.Model.Gravity[2] / max(0.2, centre[2]-c.ground))
	p := centre.Add(x.CentreVelocity().Scale(1 / omega))
	p[2] = c.ground
	return p, omega
}

// plan makes the task of this tick.
func (c *Controller) plan(dt float64) {
	x, g, course := c.estimate.Now, c.gait, c.course
	c.follow(dt)
	c.stoop(dt)
	capture, omega := c.capture(x)
	weight := c.robot.Model.Mass() * -c.robot.Model.Gravity[2]
	s := state{dt: dt, capture: capture, wanted: c.View.Wanted, omega: omega, target: &course.at[1], origin: c.origin}
	for i := range s.load {
		s.load[i] = c.estimate.Contacts[i].Load / weight
		s.asked[i] = c.whole.forces.on[i].force[2] / weight
	}
	turn, angular := c.off()
	s.lean = turn.Sub(angular.Scale(foresight)).Norm()
	s.leans = (s.lean - turn.Norm()) / foresight
	g.advance(&s)
	c.room = mechanism.Room(g.support(g.phase == Swinging, 0), capture)
	wanted, rate := c.wanted(&s)
	pressure := capture.Sub(rate.Scale(1 / omega)).Add(capture.Sub(wanted).Scale(captureGain / omega))
	switch {
	case g.phase == Swinging:
		pressure = g.pressure(&s)
	case g.phase == Shifting && g.catching:
		pressure = g.push(pressure)
	}
	// A little beyond the soles is asked for: what they cannot give turns the body.
	inside, outside := mechanism.Nearest(g.support(g.phase == Swinging, 0.005), pressure)
	if outside > 0 {
		pressure = inside.Add(pressure.Sub(inside).Scale(min(1, 0.03/outside)))
	}
	c.task.centre = x.CentreOfMass().Sub(pressure).Scale(omega * omega)
	c.task.centre[2] = c.vertical()
	c.orient(turn, angular)
	copy(c.task.joints, course.joints[2])
	c.feet(dt)
	c.View = View{
		Phase: g.phase, Foot: g.foot, Catching: g.catching, Centre: x.CentreOfMass(), Capture: capture, Wanted: wanted, Pressure: pressure, Landing: g.to.at,
	}
}

// follow lets ground and heading follow the feet.
func (c *Controller) follow(dt float64) {
	g := c.gait
	m := g.middle()
	if g.phase == Swinging {
		stands := g.feet[1-g.foot]
		m = place{stands.at, between(g.to, stands).heading}
	}
	c.ground += (m.at[2] - c.ground) * dt / (dt + 0.1)
	c.facing += wrap(m.heading-c.facing) * dt / (dt + 0.2)
}

// wanted is where the capture point is to be, and how fast it moves.
func (c *Controller) wanted(s *state) (at, rate mechanism.Vector) {
	g := c.gait
	sway := level(c.course.sway[0], c.facing)
	first := level(c.course.sway[1], c.facing)
	second := level(c.course.sway[2], c.facing)
	at = g.middle().at.Add(g.offset).Add(sway).Add(first.Scale(1 / s.omega))
	rate = first.Add(second.Scale(1 / s.omega)).Sub(g.offset.Scale(1 / g.settle))
	if g.phase == Shifting && !g.catching {
		k, k1, _ := ease(g.since / g.shift)
		way := g.aim(s.omega).Sub(g.shifted)
		at, rate = g.shifted.Add(way.Scale(k)), way.Scale(k1/g.shift)
	}
	at[2], rate[2] = c.ground, 0
	return at, rate
}

// vertical is the acceleration of the centre of mass upwards.
func (c *Controller) vertical() float64 {
	x := c.estimate.Now
	k, k1, k2 := ease(c.clock / beginning)
	k1, k2 = k1/beginning, k2/beginning/beginning
	high := c.ground + c.height + c.course.sway[0][2] + c.startHeight*(1-k) - c.low
	up := heightP*(high-x.CentreOfMass()[2]) + heightD*(c.course.sway[1][2]-c.startHeight*k1-x.CentreVelocity()[2]) + c.course.sway[2][2] - c.startHeight*k2
	return min(swiftest, max(-swiftest/2, up)) // downwards less: feet must keep their hold
}

// stoop lowers the robot as far as legs that reach far must not stretch.
func (c *Controller) stoop(dt float64) {
	g, x := c.gait, c.estimate.Now
	low := 0.0
	for i := range g.feet {
		l := &c.robot.Legs[i]
		top, end := jointOf(c.robot, x, l, hip), jointOf(c.robot, x, l, ankle)
		if g.phase == Swinging && i == g.foot {
			end = end.Add(g.to.at.Sub(g.feet[i].at)) // where it will be
		}
		way := end.Sub(top)
		reach := bent * c.length
		highest := end[2] + math.Sqrt(max(0.25*reach*reach, reach*reach-way[0]*way[0]-way[1]*way[1]))
		// As much as the hip would be too high at the height that is asked for.
		low = max(low, top[2]+c.ground+c.height-x.CentreOfMass()[2]-highest)
	}
	c.low += (min(lowest, low) - c.low) * dt / (dt + 0.04)
}

// off is the rotation by which the base is off what it is to be, and its angular velocity.
func (c *Controller) off() (turn, angular mechanism.Vector) {
	x := c.estimate.Now
	k, _, _ := ease(c.clock / beginning)
	lean := c.course.pelvis[0].Add(c.startPelvis.Scale(1 - k))
	want := mechanism.Turn(mechanism.Vector{0, 0, 1}, c.facing).Mul(mechanism.Exp(lean))
	angular, _ = x.Velocity(c.robot.Base, x.Position(c.robot.Base))
	return want.Mul(x.Orientation(c.robot.Base).Conjugate()).Vector(), angular
}

// orient fills how the base, which is off by turn, is to turn.
func (c *Controller) orient(turn, angular mechanism.Vector) {
	share := min(1, max(0, (c.room-turnRoom)/turnWhole))
	c.task.swapped = 0
	if c.gait.phase == Swinging {
		share, c.task.swapped = turnAlone, swapped
	}
	c.task.back = turn.Scale(share * turnP)
	back := c.task.back.Add(level(c.course.pelvis[1], c.facing).Sub(angular).Scale(turnD))
	if n := back.Norm(); n > turnMost {
		back = back.Scale(turnMost / n)
	}
	c.task.turn = back.Add(level(c.course.pelvis[2], c.facing))
	c.task.slack = min(1, max(0, (slack-c.room)/slackens))
}

// feet fills what the legs are to do.
func (c *Controller) feet(dt float64) {
	g := c.gait
	weight := c.robot.Model.Mass() * -c.robot.Model.Gravity[2]
	for i := range g.feet {
		c.task.most[i] = 2.5 * weight
		if g.phase == Double && i == g.foot && g.stepped {
			c.task.most[i] *= min(1, 0.05+g.since/loadTime)
		}
		c.task.feet[i] = c.hold(i)
	}
	if g.phase == Swinging {
		c.task.most[g.foot] = 0
		c.limb.lead(c.estimate.Now, g, dt)
		for row, i := range c.robot.Legs[g.foot].Joints {
			c.task.joints[i] = c.limb.accelerations[row]
		}
	} else {
		c.limb.rests()
	}
}

// hold is how a foot that stands is to accelerate: not at all as long as it is loaded;
// else back to where it was, because the floor does not hold it.
func (c *Controller) hold(foot int) acceleration {
	g, x := c.gait, c.estimate.Now
	angular, linear := x.Velocity(c.robot.Legs[foot].Body, g.feet[foot].at)
	off := g.held[foot].turn.Mul(g.turn[foot].Conjugate()).Vector()
	way := g.held[foot].at.Sub(g.feet[foot].at)
	return acceleration{off.Scale(holdP).Sub(angular.Scale(holdD)), way.Scale(holdP).Sub(linear.Scale(holdD))}
}
