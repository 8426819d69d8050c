package dance

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

// table of a dancer who swings arms and waist to 100 beats a minute, as a CSV file.
func danced(seconds float64) string {
	var b strings.Builder
	for k := range int(seconds * 60) {
		s := math.Sin(math.Pi * 100 / 60 * float64(k) / 60)
		fmt.Fprintf(&b, "0,%.5f,%.5f,0,0,0,1", 0.2*s, 0.76-0.03*s*s)
		for _, name := range humanoid.Joints {
			v := 0.0
			switch c := role(name); {
			case c >= waistYaw:
				v = 0.4 * s
			case c >= 0:
				v = 1.2 * s
			}
			fmt.Fprintf(&b, ",%.5f", v)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestCSV reads a motion, puts its motion beats on those of a song and makes moves of it.
func TestCSV(t *testing.T) {
	c, err := ReadCSV(strings.NewReader(danced(20)), 60)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Beats()); n < 31 || n > 34 {
		t.Errorf("%d motion beats in 20 s at 100 a minute", n)
	}
	i := describe()
	beats := every(0.5, 2, 20)
	track, err := c.Fit(i, beats)
	if err != nil {
		t.Fatal(err)
	}
	feasible(t, track, i, track.Seconds())
	end := track.Seconds() - leaving - 1
	s := Judge(commanded(track, i, end, 100), 100, beats[1:int((end-2)/0.5)])
	if s.Music < 0.9 || s.Motion < 0.9 {
		t.Errorf("on the beats of a song of 120 a minute: %+v", s)
	}
	if track, err = c.Fit(i, nil); err != nil || math.Abs(track.Seconds()-taking-leaving-c.Seconds()) > 0.1 {
		t.Errorf("in its own time: %v", err)
	}
	feasible(t, track, i, track.Seconds())
	m, err := c.Move("clip", 3, 8)
	if err != nil || len(m.Keys) != 8 {
		t.Fatalf("%d keys, %v", len(m.Keys), err)
	}
	d, err := Compose(heard(120, 4, 120, 0, 0.5), 3, m)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Moves) != 1 {
		t.Errorf("in two minutes a move of one's own comes %d times", len(d.Moves))
	}
	if _, err := c.Move("clip", 19, 8); err == nil {
		t.Error("a move beyond the clip's end")
	}
}

// TestBroken names what is wrong with a file.
func TestBroken(t *testing.T) {
	line := strings.SplitAfterN(danced(1), "\n", 2)[0]
	for text, want := range map[string]string{
		"":        "0 frames",
		"1,2,3\n": "line 1: 3 columns",
		line + strings.Replace(line, "0,", "x,", 1):        "line 2, column 1",
		strings.Replace(line, ",0,0,0,1,", ",0,0,0,7,", 1): "columns 4 to 7",
		strings.Replace(line, "0,", "NaN,", 1):             "column 1",
	} {
		if _, err := ReadCSV(strings.NewReader(text), 60); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v instead of %q", err, want)
		}
	}
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"lfs.bvh.gz": {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
		"a.txt":      {"hello", "neither in .bvh nor in .csv"},
		"b.csv.gz":   {"\x1f\x8bno", "read a motion from"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadClip(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v instead of %q", err, c.want)
		}
	}
}

// skeleton with straight arms, in the T pose. Z is ahead, X left, Y up.
const tpose = `HIERARCHY
ROOT Hips
{
	OFFSET 0 0 0
	CHANNELS 6 Xposition Yposition Zposition Yrotation Xrotation Zrotation
	JOINT Spine
	{
		OFFSET 0 20 0
		CHANNELS 3 Yrotation Xrotation Zrotation
		JOINT LeftArm
		{
			OFFSET 15 30 0
			CHANNELS 3 Yrotation Xrotation Zrotation
			JOINT LeftForeArm
			{
				OFFSET 25 0 0
				CHANNELS 3 Yrotation Xrotation Zrotation
				JOINT LeftHand
				{
					OFFSET 22 0 0
					CHANNELS 3 Yrotation Xrotation Zrotation
					End Site
					{
						OFFSET 8 0 0
					}
				}
			}
		}
		JOINT RightArm
		{
			OFFSET -15 30 0
			CHANNELS 3 Yrotation Xrotation Zrotation
			JOINT RightForeArm
			{
				OFFSET -25 0 0
				CHANNELS 3 Yrotation Xrotation Zrotation
				JOINT RightHand
				{
					OFFSET -22 0 0
					CHANNELS 3 Yrotation Xrotation Zrotation
				}
			}
		}
	}
}
MOTION
Frames: %d
Frame Time: 0.0166667
%s`

// pictured is a BVH file of some frames that are alike: turns of spine, left arm, left
// forearm (in degrees, about y, x, z), everything else at rest.
func pictured(spine, leftArm, leftForearm string) string {
	line := "0 95 0 0 0 0 " + spine + " " + leftArm + " " + leftForearm + " 0 0 0" + strings.Repeat(" 0", 9) + "\n"
	return fmt.Sprintf(tpose, 12, strings.Repeat(line, 12))
}

// TestBVH poses a skeleton, and finds upper arm and forearm of our robot in the same
// directions.
func TestBVH(t *testing.T) {
	for name, c := range map[string]struct {
		spine, arm, forearm string
		upper, lower        mechanism.Vector // of the left arm, in the chest's axes
		waist               [3]float64
	}{
		"T pose":           {"0 0 0", "0 0 0", "0 0 0", mechanism.Vector{0, 1, 0}, mechanism.Vector{0, 1, 0}, [3]float64{}},
		"hanging":          {"0 0 0", "0 0 -90", "0 0 0", mechanism.Vector{0, 0, -1}, mechanism.Vector{0, 0, -1}, [3]float64{}},
		"ahead":            {"0 0 0", "-90 0 0", "0 0 0", mechanism.Vector{1, 0, 0}, mechanism.Vector{1, 0, 0}, [3]float64{}},
		"forearm ahead":    {"0 0 0", "0 0 -90", "-90 0 0", mechanism.Vector{0, 0, -1}, mechanism.Vector{1, 0, 0}, [3]float64{}},
		"forearm up":       {"0 0 0", "0 0 0", "0 0 90", mechanism.Vector{0, 1, 0}, mechanism.Vector{0, 0, 1}, [3]float64{}},
		"spine turned":     {"30 0 0", "0 0 -90", "0 0 0", mechanism.Vector{0, 0, -1}, mechanism.Vector{0, 0, -1}, [3]float64{math.Pi / 6}},
		"spine bent ahead": {"0 20 0", "0 0 -90", "0 0 0", mechanism.Vector{0, 0, -1}, mechanism.Vector{0, 0, -1}, [3]float64{0, 0, math.Pi / 9}},
	} {
		clip, err := ReadBVH(strings.NewReader(pictured(c.spine, c.arm, c.forearm)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f := &clip.frames[5]
		for k, want := range c.waist {
			if got := f.joint[waistYaw+channel(k)]; math.Abs(got-want) > 1e-6 {
				t.Errorf("%s: waist %v instead of %v", name, f.joint[waistYaw:], c.waist)
			}
		}
		upper, lower := pointing(t, f)
		if upper.Sub(c.upper).Norm() > 1e-6 || lower.Sub(c.lower).Norm() > 1e-6 {
			t.Errorf("%s: arm %v, forearm %v", name, upper, lower)
		}
		if math.Abs(f.pelvis[2]-tall) > 1e-9 {
			t.Errorf("%s: the pelvis is %g m high", name, f.pelvis[2])
		}
	}
}

// pointing is where upper arm and forearm of our robot point with a frame's joints, in
// the axes of its chest.
func pointing(t *testing.T, f *frame) (upper, lower mechanism.Vector) {
	t.Helper()
	m := humanoid.Own()
	x := mechanism.NewState(m)
	for _, name := range humanoid.Joints {
		if c := role(name); c >= 0 {
			k, err := m.Joint(name)
			if err != nil {
				t.Fatal(err)
			}
			x.Q[m.Joints[k].Q] = f.joint[c]
		}
	}
	x.Update()
	find := func(name string) int {
		k, err := m.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	chest := x.Orientation(find("torso_link")).Conjugate()
	arm, elbow := find("left_shoulder_yaw_link"), find("left_elbow_link")
	return chest.Mul(x.Orientation(arm)).Rotate(mechanism.Vector{0, 0, -1}), chest.Mul(x.Orientation(elbow)).Rotate(mechanism.Vector{1, 0, 0})
}

// FuzzClip reads anything as either format.
func FuzzClip(f *testing.F) {
	f.Add([]byte(pictured("0 0 0", "0 0 0", "0 0 0")), true)
	f.Add([]byte(danced(0.3)), false)
	f.Add([]byte("HIERARCHY\nROOT Hips\n{\nCHANNELS 1 Xposition\n}\nMOTION\nFrames: 99\n"), true)
	i := describe()
	f.Fuzz(func(t *testing.T, text []byte, tree bool) {
		var c *Clip
		var err error
		if tree {
			c, err = ReadBVH(bytes.NewReader(text))
		} else {
			c, err = ReadCSV(bytes.NewReader(text), 60)
		}
		if err != nil || c.Seconds() > 20 {
			return
		}
		track, err := c.Fit(i, nil)
		if err != nil {
			t.Fatal(err)
		}
		feasible(t, track, i, track.Seconds())
	})
}

// TestGzip reads a packed file.
func TestGzip(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, pictured("0 0 0", "0 0 0", "0 0 0"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.bvh.gz")
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadClip(path); err != nil {
		t.Error(err)
	}
}

// TestDances fits real dances to a body, and measures how lively they are.
func TestDances(t *testing.T) {
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("SAMOVAR_DATA names no folder with robot/dances")
	}
	paths, err := filepath.Glob(filepath.Join(data, "robot", "dances", "dance", "*", "retarget", "*.csv"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no dances: %v", err)
	}
	i := describe()
	var speeds []float64
	for _, path := range paths {
		c, err := ReadClip(path)
		if err != nil {
			t.Error(err)
			continue
		}
		speeds = append(speeds, raw(t, path))
		track, err := c.Fit(i, every(0.5, 2, 150))
		if err != nil {
			t.Error(err)
			continue
		}
		feasible(t, track, i, track.Seconds())
		if _, err := c.Move("clip", 2, 8); err != nil {
			t.Error(err)
		}
		end := track.Seconds() - leaving
		t.Logf("%s: %.3f rad/s as danced by a person, %.3f as fitted to 120 beats a minute", filepath.Base(path), speeds[len(speeds)-1], mean(commanded(track, i, end, 100)[200:]))
	}
	if got := mean(speeds); math.Abs(got-Published) > 0.002 {
		t.Errorf("a mean joint speed of %.4f rad/s instead of %g", got, Published)
	}
}

// raw is the mean joint speed of a CSV file, all joints.
func raw(t *testing.T, path string) float64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var before []string
	sum := 0.0
	for k, line := range lines {
		now := strings.Split(line, ",")
		for j := 7; k > 0 && j < columns; j++ {
			var a, b float64
			fmt.Sscan(before[j], &a)
			fmt.Sscan(now[j], &b)
			sum += math.Abs(b-a) * 60
		}
		before = now
	}
	return sum / float64(len(humanoid.Joints)) / float64(len(lines)-1)
}
