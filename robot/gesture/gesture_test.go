package gesture

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/speech"
)

// own is our robot as its body says what it is, without a body.
func own(t *testing.T) (*body.Info, []float64) {
	t.Helper()
	m := humanoid.Own()
	key, err := m.Key("stand")
	if err != nil {
		t.Fatal(err)
	}
	info := &body.Info{Model: "samovar"}
	var stance []float64
	for _, j := range m.Joints {
		if strings.HasPrefix(j.Name, "floating") {
			continue
		}
		info.Joints = append(info.Joints, body.Joint{Name: j.Name, Range: j.Range, Speed: j.Speed})
	}
	stance = append(stance, key[7:]...)
	if len(stance) != len(info.Joints) {
		t.Fatalf("%d joints, %d positions", len(info.Joints), len(stance))
	}
	return info, stance
}

// clip is one with stresses at times in s.
func clip(text string, seconds float64, at ...float64) *speech.Clip {
	c := &speech.Clip{Text: text, Rate: 8000, Samples: make([]int16, int(8000*seconds))}
	for i := range c.Samples {
		c.Samples[i] = int16(10000 * math.Sin(float64(i)))
	}
	for _, s := range at {
		c.Lips = append(c.Lips, speech.Viseme{At: time.Duration(s * 1e9), Length: time.Millisecond, Shape: speech.Open, Stress: true})
	}
	return c
}

// trace evaluates a motion like a controller, n ticks of 4 ms, and calls do before each.
func trace(g *Gestures, stance []float64, n int, do func(tick int)) [][]float64 {
	var out [][]float64
	for tick := range n {
		if do != nil {
			do(tick)
		}
		to := balance.Target{Joints: append([]float64(nil), stance...)}
		g.Target(float64(tick)*0.004, &to)
		out = append(out, append(to.Joints, to.Pelvis[:]...))
	}
	return out
}

// A body of any ranges and speeds is never led beyond them, nor jerked, whatever is
// said and whenever it is stopped.
func TestLimits(t *testing.T) {
	info, stance := own(t)
	words := []string{"hello", "I", "you", "goodbye", "bonjour", "word", "привет", "я", "another", "أنا"}
	rapid.Check(t, func(r *rapid.T) {
		info := *info
		info.Joints = append([]body.Joint(nil), info.Joints...)
		stance := append([]float64(nil), stance...)
		for k := range info.Joints {
			j := &info.Joints[k]
			j.Speed = rapid.Float64Range(3, 30).Draw(r, "speed")
			j.Range = [2]float64{stance[k] - rapid.Float64Range(0, 2).Draw(r, "below"), stance[k] + rapid.Float64Range(0, 2).Draw(r, "above")}
		}
		g, err := New(&info, nil)
		if err != nil {
			r.Fatal(err)
		}
		does := map[int]func(){}
		for range rapid.IntRange(1, 12).Draw(r, "events") {
			at := rapid.IntRange(1, 1200).Draw(r, "at")
			switch rapid.IntRange(0, 5).Draw(r, "what") {
			case 0:
				does[at] = g.Stop
			case 1:
				does[at] = func() { g.Wave() }
			case 2:
				does[at] = func() { g.Bow() }
			case 3:
				angle := rapid.Float64Range(-3, 3).Draw(r, "angle")
				does[at] = func() { g.Turn(angle, 1) }
			default:
				text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 8).Draw(r, "text"), " ")
				stresses := rapid.SliceOfN(rapid.Float64Range(0, 3), 0, 9).Draw(r, "stresses")
				late := rapid.Float64Range(-1, 1).Draw(r, "late")
				does[at] = func() { g.Say(clip(text, 3, stresses...), g.Now()+late) }
			}
		}
		path := trace(g, stance, 1600, func(tick int) {
			if do := does[tick]; do != nil {
				do()
			}
		})
		check(r, &info, path)
	})
}

func check(t *rapid.T, info *body.Info, path [][]float64) {
	for i := 2; i < len(path); i++ {
		for k := range info.Joints {
			j := info.Joints[k]
			x := path[i][k]
			v, before := (x-path[i-1][k])/0.004, (path[i-1][k]-path[i-2][k])/0.004
			if x < j.Range[0]-1e-9 || x > j.Range[1]+1e-9 || math.IsNaN(x) {
				t.Fatalf("%s is at %.3f, beyond %v", j.Name, x, j.Range)
			}
			if math.Abs(v) > j.Speed/2 {
				t.Fatalf("%s moves with %.2f rad/s, where %.2f is its greatest", j.Name, v, j.Speed)
			}
			if math.Abs(v-before)/0.004 > 400 {
				t.Fatalf("%s accelerates with %.0f rad/s² at %.3f s", j.Name, (v-before)/0.004, float64(i)*0.004)
			}
		}
	}
}

// Hands come down with the stress.
func TestBeatsEndOnStresses(t *testing.T) {
	info, stance := own(t)
	g, err := New(info, nil)
	if err != nil {
		t.Fatal(err)
	}
	stressed := []float64{1.0, 1.8, 2.6}
	path := trace(g, stance, 1000, func(tick int) {
		if tick == 5 {
			g.Say(clip("these words mean nothing", 3, stressed...), 0.2)
		}
	})
	for n, s := range stressed {
		elbow := g.roles[[]string{"left_elbow", "right_elbow"}[n%2]]
		end, top := int((0.2+s)/0.004), int((0.2+s-stroke)/0.004)
		if lift := stance[elbow] - path[top][elbow]; lift < 0.1 {
			t.Errorf("before stress %d the hand is raised by %.3f rad", n, lift)
		}
		if left := stance[elbow] - path[end+1][elbow]; math.Abs(left) > 0.01 {
			t.Errorf("at stress %d the hand is still %.3f rad up", n, left)
		}
	}
}

// Words choose a gesture; all of it ends, and leaves the joints where they were.
func TestWords(t *testing.T) {
	info, stance := own(t)
	for text, role := range map[string]string{
		"Hello! I am here": "right_shoulder_roll", "Я робот": "right_shoulder_yaw", "Que voulez-vous": "left_wrist_roll", "Goodbye": "waist_pitch",
	} {
		g, err := New(info, nil)
		if err != nil {
			t.Fatal(err)
		}
		path := trace(g, stance, 2000, func(tick int) {
			if tick == 5 {
				g.Say(clip(text, 2), 0.5)
			}
		})
		k, most := g.roles[role], 0.0
		for _, x := range path {
			most = max(most, math.Abs(x[k]-stance[k]))
		}
		if most < 0.15 {
			t.Errorf("%q moves %s by %.3f rad", text, role, most)
		}
		for k, x := range path[len(path)-1][:len(stance)] {
			if x != stance[k] {
				t.Errorf("%q leaves %s at %.4f instead of %.4f", text, info.Joints[k].Name, x, stance[k])
			}
		}
	}
}

// Somebody who interrupts sees the hands go back.
func TestStop(t *testing.T) {
	info, stance := own(t)
	g, err := New(info, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := trace(g, stance, 1000, func(tick int) {
		switch tick {
		case 5:
			g.Wave()
		case 300:
			g.Stop()
		}
	})
	k := g.roles["right_shoulder_roll"]
	if math.Abs(path[300][k]-stance[k]) < 0.3 {
		t.Errorf("the arm is not up before the stop: %.3f", path[300][k])
	}
	after := 300 + int((fade+2*soonest)/0.004)
	for k, x := range path[after][:len(stance)] {
		if x != stance[k] {
			t.Errorf("%s is at %.4f after the stop", info.Joints[k].Name, x)
		}
	}
}

func TestNewRefusesBodiesWithoutArms(t *testing.T) {
	_, err := New(&body.Info{Model: "cart", Joints: []body.Joint{{Name: "wheel"}}}, nil)
	if want := "find the arms of cart: there is no joint left_shoulder_pitch_joint"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, not %q", err, want)
	}
}

// Nothing is allocated in a tick.
func TestTargetDoesNotAllocate(t *testing.T) {
	info, stance := own(t)
	g, err := New(info, nil)
	if err != nil {
		t.Fatal(err)
	}
	to := balance.Target{Joints: append([]float64(nil), stance...)}
	g.Target(0, &to)
	g.Wave()
	if n := testing.AllocsPerRun(10, func() { g.Target(0.5, &to) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func ExampleNew() {
	info := &body.Info{Model: "two arms"}
	for _, side := range []string{"left", "right"} {
		for _, part := range []string{"shoulder_pitch", "elbow"} {
			info.Joints = append(info.Joints, body.Joint{Name: side + "_" + part + "_joint", Range: [2]float64{-2, 2}, Speed: 20})
		}
	}
	g, err := New(info, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(g.Wave()) // before anybody asked for the motion
	g.Target(0, &balance.Target{Joints: make([]float64, len(info.Joints))})
	fmt.Println(g.Wave())
	// Output:
	// false
	// true
}
