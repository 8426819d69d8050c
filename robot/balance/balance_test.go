package balance

import (
	"math"
	"testing"

	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

var feet = [2]string{"left_ankle_roll_link", "right_ankle_roll_link"}

// describe is our humanoid as a body describes it.
func describe() *body.Info {
	m := humanoid.Own()
	i := &body.Info{Rate: 250, Units: []body.Unit{{Name: "pelvis", Body: "pelvis", Orientation: mechanism.Quaternion{1}}}}
	for _, name := range humanoid.Joints {
		k, _ := m.Joint(name)
		j := &m.Joints[k]
		i.Joints = append(i.Joints, body.Joint{Name: name, Range: j.Range, Speed: j.Speed, Torque: j.Torque})
	}
	return i
}

// standing is our humanoid in its stance, as it would sense itself.
func standing(i *body.Info) *body.Sensors {
	s := i.NewSensors()
	q := stance()
	for k := range s.Joints {
		s.Joints[k].Position = q[k]
	}
	s.Units[0].Orientation = mechanism.Quaternion{1}
	s.Units[0].Acceleration = mechanism.Vector{0, 0, 9.81}
	return s
}

func stance() []float64 {
	q, err := humanoid.Own().Key("stand")
	if err != nil {
		panic(err) // of a constant
	}
	return q[7:]
}

// TestCommand balances a humanoid that stands: half its weight on each foot, within
// all limits, and without allocating.
func TestCommand(t *testing.T) {
	i := describe()
	c, err := New(humanoid.Own(), i, feet)
	if err != nil {
		t.Fatal(err)
	}
	s, to := standing(i), i.NewCommand()
	tick := func() {
		s.Sequence++
		s.Time += i.Period()
		if err := c.Control(s, to); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		tick()
	}
	weight := humanoid.Own().Mass() * 9.81
	for k, f := range c.View.Forces {
		if math.Abs(f[2]-weight/2) > 0.1*weight {
			t.Errorf("foot %d is to carry %g N of %g", k, f[2], weight)
		}
	}
	for k, d := range to.Joints {
		j := &i.Joints[k]
		if d.Position < j.Range[0] || d.Position > j.Range[1] || math.Abs(d.Velocity) > j.Speed || d.Torque < j.Torque[0] || d.Torque > j.Torque[1] {
			t.Errorf("%s: %+v", j.Name, d)
		}
	}
	if n := testing.AllocsPerRun(20, tick); n > 0 {
		t.Errorf("%g allocations a tick", n)
	}
	if err := c.Control(&body.Sensors{}, to); err == nil {
		t.Error("sensors without joints")
	}
}

// TestForces holds what the feet are to exert within their contacts, whatever is
// wanted, and gives what can be given.
func TestForces(t *testing.T) {
	i := describe()
	r, err := estimate.NewRobot(humanoid.Own(), i, feet)
	if err != nil {
		t.Fatal(err)
	}
	f, err := newForces(r)
	if err != nil {
		t.Fatal(err)
	}
	x := mechanism.NewState(r.Model)
	copy(x.Q[7:], stance())
	x.Update()
	weight := r.Model.Mass() * 9.81
	for name, c := range map[string]struct {
		want   wrench
		most   [2]float64
		given  bool
		carry0 float64 // share of the weight on the left foot
	}{
		"stands":             {wrench{force: mechanism.Vector{0, 0, weight}}, [2]float64{1e3, 1e3}, true, 0.5},
		"leans left":         {wrench{force: mechanism.Vector{0, 0, weight}, moment: mechanism.Vector{0.05 * weight, 0, 0}}, [2]float64{1e3, 1e3}, true, 0.65},
		"slides":             {wrench{force: mechanism.Vector{weight, 0, weight}}, [2]float64{1e3, 1e3}, false, 0.5},
		"tips":               {wrench{force: mechanism.Vector{0, 0, weight}, moment: mechanism.Vector{0, weight, 0}}, [2]float64{1e3, 1e3}, false, 0.5},
		"on the left":        {wrench{force: mechanism.Vector{0, 0, weight}}, [2]float64{1e3, 0}, false, 1},
		"the left is weak":   {wrench{force: mechanism.Vector{0, 0, weight}}, [2]float64{0.2 * weight, 1e3}, false, 0.2},
		"nothing is touched": {wrench{force: mechanism.Vector{0, 0, weight}}, [2]float64{}, false, 0},
	} {
		if err := f.distribute(x, c.want, c.most, 0); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		d := f.sum.sub(c.want)
		if off := d.force.Norm() + d.moment.Norm(); (off < 0.01*weight) != c.given {
			t.Errorf("%s: off by %g N, %g Nm", name, d.force.Norm(), d.moment.Norm())
		}
		if got := f.on[0].force[2] / weight; math.Abs(got-c.carry0) > 0.12 {
			t.Errorf("%s: the left foot carries %g of the weight instead of %g", name, got, c.carry0)
		}
		for k, w := range f.on {
			if tangent := math.Hypot(w.force[0], w.force[1]); tangent > grip*w.force[2]+1e-6 {
				t.Errorf("%s: foot %d slides: %v", name, k, w.force)
			}
			at := mechanism.Vector{-w.moment[1], w.moment[0]}.Scale(1 / max(1, w.force[2]))
			if out := mechanism.Outside(r.Legs[k].Sole, at); out > 1e-6 {
				t.Errorf("%s: foot %d tips: pressure at %v", name, k, at)
			}
		}
	}
}

// TestEase compares derivatives with differences.
func TestEase(t *testing.T) {
	const h = 1e-5
	for _, at := range []float64{0.1, 0.5, 0.8} {
		a, _, _ := ease(at - h)
		b, first, second := ease(at)
		c, _, _ := ease(at + h)
		if math.Abs((c-a)/(2*h)-first) > 1e-6 || math.Abs((c-2*b+a)/(h*h)-second) > 1e-3 {
			t.Errorf("at %g: %g, %g, %g", at, b, first, second)
		}
	}
	for at, want := range map[float64]float64{-1: 0, 0: 0, 0.5: 0.5, 1: 1, 3: 1} {
		if got, first, _ := ease(at); got != want || (at != 0.5 && first != 0) {
			t.Errorf("at %g: %g, %g", at, got, first)
		}
	}
}
