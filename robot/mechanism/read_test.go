package mechanism

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"
)

// around puts elements into a model: one body with a joint, and what follows it.
func around(body, rest string) string {
	return "<mujoco>\n<compiler angle=\"radian\"/>\n" + rest + "<worldbody>\n<body name=\"b\">\n<geom size=\"0.1\"/>\n<joint name=\"j\"/>\n" + body + "</body>\n</worldbody>\n</mujoco>"
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "no element"},
		{"<mujoco>", "unexpected EOF"},
		{"<robot/>", "line 1: robot: the root is not <mujoco>"},
		{"<mujoco/><mujoco/>", "a second root"},
		{"<mujoco><include file=\"a.xml\"/></mujoco>", "put the content of \"a.xml\" in its place"},
		{"<mujoco><worldbdy/></mujoco>", "worldbdy: not supported in <mujoco>"},
		{"<mujoco><worldbody><joint/></worldbody></mujoco>", "the world has no joints"},
		{"<mujoco><compiler coordinate=\"global\"/></mujoco>", "coordinate=\"global\" is not supported"},
		{"<mujoco><compiler balanceinertia=\"true\"/></mujoco>", "it would change the motion"},
		{"<mujoco><compiler eulerseq=\"xyw\"/></mujoco>", "eulerseq"},
		{"<mujoco><option density=\"1.2\"/></mujoco>", "density=\"1.2\" is not supported"},
		{around("", "<equality><weld body1=\"b\"/></equality>"), "line 3: weld: not supported in <equality>"},
		{around("", "<tendon><fixed name=\"x\" stiffness=\"3\"/></tendon>"), "stiffness=\"3\" is not supported"},
		{around("", "<default><tendon stiffness=\"3\"/></default><tendon><fixed name=\"x\"/></tendon>"), "stiffness=\"3\" is not supported"},
		{around("", "<actuator><muscle joint=\"j\"/></actuator>"), "muscle: not supported in <actuator>"},
		{around("", "<actuator><motor joint=\"k\"/></actuator>"), "no joint \"k\" to drive"},
		{around("", "<actuator><motor tendon=\"k\"/></actuator>"), "attribute tendon is not supported"},
		{around("", "<actuator><position joint=\"j\" timeconst=\"0.1\"/></actuator>"), "timeconst"},
		{around("", "<keyframe><key qpos=\"1 2\"/></keyframe>"), "2 numbers instead of 1"},
		{around("", "<contact><exclude body1=\"b\" body2=\"c\"/></contact>"), "no body \"c\""},
		{around("", "<custom><numeric name=\"joint_speed\" data=\"1 2\"/></custom>"), "2 numbers instead of 1"},
		{around("", "<default><default/></default>"), "needs a name"},
		{around("<joint type=\"ball\"/>", ""), "line 7: joint: type=\"ball\" is not supported: one of hinge, slide, free"},
		{around("<joint name=\"j\"/>", ""), "two of kind joint are called \"j\""},
		{around("<freejoint/>", ""), "has a free joint and another"},
		{around("<joint axis=\"0 0 0\"/>", ""), "an axis of length 0"},
		{around("<joint axis=\"0 1\"/>", ""), "2 numbers instead of 3"},
		{around("<joint armature=\"nan\"/>", ""), "is no number"},
		{around("<joint armature=\"1e300\"/>", ""), "is no number up to"},
		{around("<joint armature=\"-1\"/>", ""), "an armature of -1"},
		{around("<joint limited=\"true\"/>", ""), "without a range"},
		{around("<joint springdamper=\"1 1\"/>", ""), "springdamper"},
		{around("<joint rnage=\"0 1\"/>", ""), "attribute rnage is not supported"},
		{around("<joint class=\"x\"/>", ""), "no default class \"x\""},
		{around("<body><freejoint/></body>", ""), "is no child of the world"},
		{around("<body><joint/></body>", ""), "moves no mass"},
		{around("<body gravcomp=\"1\"/>", ""), "gravcomp"},
		{around("<frame/>", ""), "frame: not supported in <body>"},
		{around("<inertial pos=\"0 0 0\" mass=\"1\"/>", ""), "diaginertia or fullinertia is needed"},
		{around("<inertial pos=\"0 0 0\" mass=\"1\" diaginertia=\"1 1 3\"/>", ""), "of no possible body"},
		{around("<inertial pos=\"0 0 0\" mass=\"1\" diaginertia=\"1 -1 1\"/>", ""), "not symmetric and positive"},
		{around("<inertial pos=\"0 0 0\" mass=\"-1\" diaginertia=\"1 1 1\"/>", ""), "a mass of -1 kg"},
		{around("<geom type=\"capsule\" size=\"0.1\"/>", ""), "size has 1 numbers, a capsule needs 2"},
		{around("<geom type=\"sphere\"/>", ""), "size has 0 numbers"},
		{around("<geom type=\"plane\" size=\"1 1 1\"/>", ""), "a plane that moves"},
		{around("<geom type=\"mesh\" mesh=\"m\"/>", ""), "no mesh is called \"m\""},
		{around("<geom type=\"mesh\" mesh=\"m\"/>", "<asset><mesh name=\"m\" file=\"m.stl\"/></asset>"), "has a mesh with mass and no inertial"},
		{around("<geom type=\"hfield\" size=\"1\"/>", ""), "type=\"hfield\" is not supported"},
		{around("<geom size=\"1\" quat=\"0 0 0 0\"/>", ""), "an orientation of length 0"},
		{around("<geom size=\"1\" fromto=\"0 0 0 0 0 1\"/>", ""), "a sphere has no fromto"},
		{around(strings.Repeat("<body>", 200)+strings.Repeat("</body>", 200), ""), "nested deeper"},
		{around(strings.Repeat("<site/>", 1<<16), ""), "more than"},
		{around(strings.Repeat("<site/>", 5000), ""), "more than 4096 sites"},
		{around(strings.Repeat("<body><geom size=\"1\"/><joint/></body>", 600), ""), "601 velocities, at most 512"},
		{"<mujoco>" + strings.Repeat(" ", mostBytes) + "</mujoco>", "larger than"},
	} {
		_, err := Read(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.200s\ngave %v, not %q", c.text, err, c.want)
			continue
		}
		if !strings.HasPrefix(err.Error(), "read a model: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is not one line that says what was done", err)
		}
	}
}

// written returns a model's file.
func written(t testing.TB, m *Model) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestWrite holds a written file to be read as the same model, to the last digit.
func TestWrite(t *testing.T) {
	models(t, func(t *testing.T, m *Model, _ *golden) {
		first := written(t, m)
		again, err := Read(strings.NewReader(first))
		if err != nil {
			t.Fatal(err)
		}
		if second := written(t, again); second != first {
			t.Error("a file that is read and written again has changed")
		}
		if len(again.Sensors) != len(m.Sensors) || len(again.Keys) != len(m.Keys) || len(again.Excludes) != len(m.Excludes) {
			t.Error("sensors, keys or excluded pairs are lost")
		}
	})
}

func TestTorqueRange(t *testing.T) {
	m := open(t, "testdata/forms.xml")
	for name, want := range map[string][2]float64{
		"shoulder_a": {-6, 12},  // control of −2 to 4, gear of 3
		"shoulder_b": {-30, 20}, // a servo's force
		"elbow":      {-12, 14}, // the joint's own
		"rail":       {-60, 40}, // two actuators
		"hook":       {-30, 20},
		"root":       {0, 0}, // nothing drives it
	} {
		j, err := m.Joint(name)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := m.TorqueRange(j); a != want[0] || b != want[1] {
			t.Errorf("%s: %g to %g, not %v", name, a, b, want)
		}
	}
	if _, err := m.Joint(""); err == nil {
		t.Error("a joint without name is found")
	}
}

func TestSoles(t *testing.T) {
	m, err := Read(strings.NewReader(`<mujoco><worldbody><body name="b" pos="0 0 1" euler="180 0 0"><freejoint/>
		<geom type="box" size="0.1 0.2 0.3"/><geom type="sphere" size="0.05" pos="0 0 0.25"/>
		<geom type="capsule" size="0.05 0.1" pos="0 0 0.2505" euler="90 0 0"/><geom size="0.5" contype="0" conaffinity="0"/>
		</body></worldbody></mujoco>`))
	if err != nil {
		t.Fatal(err)
	}
	soles := m.Soles(m.Reference(), 1, 0.001)
	if len(soles) != 4+1+2 {
		t.Fatalf("%d points: %v", len(soles), soles)
	}
	for _, p := range soles {
		if math.Abs(p[2]-0.3) > 0.0011 { // upside down: its top is below
			t.Errorf("a sole at %v", p)
		}
	}
}

// FuzzRead holds whatever is read to be finite, and to survive being written.
func FuzzRead(f *testing.F) {
	text, err := os.ReadFile("testdata/forms.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(around("<joint type=\"slide\" axis=\"1 1 0\"/><site zaxis=\"0 1 1\"/>", "<default><geom mass=\"2\"/><default class=\"c\"><joint armature=\"1\"/></default></default>"))
	f.Add(around("<body><geom type=\"box\" size=\"1 2 3\" euler=\"1 2 3\"/><joint range=\"-1 1\"/></body>", "<option gravity=\"0 0 1\"/>"))
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Read(strings.NewReader(text))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		first := written(t, m)
		again, err := Read(strings.NewReader(first))
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, first)
		}
		if second := written(t, again); second != first {
			t.Errorf("a file that is read and written again has changed:\n%s\n%s", first, second)
		}
		s := NewState(m)
		for i := range s.V {
			s.V[i] = 1
		}
		s.Update()
		tau := make([]float64, m.NV)
		s.Bias(tau)
		for _, x := range tau {
			if math.IsNaN(x) {
				t.Error("forces are not numbers")
			}
		}
	})
}
