package dance

import (
	"math"
	"testing"

	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

// postures are all postures of a left arm in the grammar, with a move that has each.
func postures() map[arm]string {
	all := map[arm]string{}
	for _, list := range [][]entry{armMoves, poses} {
		for _, e := range list {
			for _, k := range e.Keys {
				for _, mirror := range []bool{false, true} {
					p := rest
					p.put(k, mirror, 1)
					all[arm(p[leftArm:rightArm])] = e.Name
				}
			}
		}
	}
	return all
}

// TestClear moves the left arm of our robot from each posture to each other one: hand
// and forearm keep to their side, and away from head, chest and thigh.
func TestClear(t *testing.T) {
	m := humanoid.Own()
	x := mechanism.NewState(m)
	key, err := m.Key("stand")
	if err != nil {
		t.Fatal(err)
	}
	var q [7]int
	for i := range q {
		k, err := m.Joint(table[i].name + "_joint")
		if err != nil {
			t.Fatal(err)
		}
		q[i] = m.Joints[k].Q
	}
	torso, _ := m.Body("torso_link")
	elbow, _ := m.Body("left_elbow_link")
	hand, err := m.Body("left_wrist_yaw_link")
	if err != nil {
		t.Fatal(err)
	}
	all := postures()
	worst := map[string]float64{}
	copy(x.Q, key)
	for a, from := range all {
		for b, to := range all {
			for s := 0.0; s <= 1; s += 0.25 {
				for i := range q {
					x.Q[q[i]] = a[i] + s*(b[i]-a[i])
				}
				x.Update()
				back := x.Orientation(torso).Conjugate()
				start := back.Rotate(x.Position(elbow).Sub(x.Position(torso)))
				end := back.Rotate(x.Point(hand, mechanism.Vector{0.09}).Sub(x.Position(torso)))
				for r := 0.0; r <= 1; r += 0.1 {
					why, by := free(start.Add(end.Sub(start).Scale(r)))
					if what := from + " → " + to + ": " + why; by < worst[what] {
						worst[what] = by
					}
				}
			}
		}
	}
	for what, by := range worst {
		t.Errorf("%s by %.3f m", what, -by)
	}
}

// free is how far a point of a left forearm, in the axes of the torso, is from what is
// nearest, in excess of the robot's radii there and 0.02 m.
func free(p mechanism.Vector) (string, float64) {
	const thick = 0.03 + 0.02
	least, what := math.Inf(1), ""
	for _, c := range []struct {
		what string
		by   float64
	}{
		{"crosses the middle", p[1] - thick},
		{"head", p.Sub(mechanism.Vector{0.01, 0, 0.41}).Norm() - 0.075 - thick},
		{"chest", max(math.Abs(p[0])-0.07, math.Abs(p[1])-0.09, math.Abs(p[2]-0.17)-0.11) - thick},
		{"pelvis", max(math.Abs(p[0])-0.07, math.Abs(p[1])-0.09, math.Abs(p[2]+0.07)-0.05) - thick},
		{"thigh", max(math.Hypot(p[0]-0.03, p[1]-0.1)-0.055-thick, p[2]+0.15)},
	} {
		if c.by < least {
			least, what = c.by, c.what
		}
	}
	return what, least
}
