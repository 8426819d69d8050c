package dance

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"samovar/robot/mechanism"
)

// Bounds of a BVH file.
const (
	mostBones    = 500
	mostChannels = 6 * mostBones
)

// bone is a joint of a BVH skeleton.
type bone struct {
	name     string
	parent   int // −1: none
	offset   mechanism.Vector
	channels []string
	first    int // of its channels in a frame
}

// ReadBVH reads a motion of a skeleton of any size with hips, a spine and two arms
// (BioVision's format; y is up). Arms are brought to a robot's by the directions of upper
// arm and forearm. Bones are found by their names, as the common programs give them.
func ReadBVH(r io.Reader) (*Clip, error) {
	s := bufio.NewScanner(io.LimitReader(r, clipBytes))
	s.Buffer(make([]byte, 1<<16), 1<<20)
	p := &bvh{Scanner: s}
	if err := p.hierarchy(); err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	k, err := p.skeleton()
	if err != nil {
		return nil, err
	}
	c, err := p.motion(k)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return c, c.check()
}

// bvh reads a file line by line.
type bvh struct {
	*bufio.Scanner
	line     int
	bones    []bone
	channels int
}

// next returns the words of the next line that has any.
func (p *bvh) next() ([]string, error) {
	for p.Scan() {
		p.line++
		if f := strings.Fields(p.Text()); len(f) > 0 {
			return f, nil
		}
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}

// hierarchy reads the skeleton, up to the line MOTION.
func (p *bvh) hierarchy() error {
	f, err := p.next()
	if err != nil {
		return err
	}
	if f[0] != "HIERARCHY" {
		return fmt.Errorf("%q where a BVH file begins with HIERARCHY", short(f[0]))
	}
	var open []int // bones whose braces are open; −1: an end
	current := -1  // the bone whose brace comes next
	for {
		if f, err = p.next(); err != nil {
			return err
		}
		switch f[0] {
		case "ROOT", "JOINT":
			if len(f) < 2 || len(p.bones) == mostBones || f[0] == "ROOT" != (len(p.bones) == 0) || f[0] == "JOINT" && len(open) == 0 {
				return fmt.Errorf("a bone without a name or out of place, or more than %d of them", mostBones)
			}
			parent := -1
			if len(open) > 0 {
				parent = open[len(open)-1]
			}
			current = len(p.bones)
			p.bones = append(p.bones, bone{name: strings.Join(f[1:], " "), parent: parent, first: p.channels})
		case "End":
			current = -1
		case "{":
			open = append(open, current)
		case "}":
			if len(open) == 0 {
				return fmt.Errorf("a brace closes that none opens")
			}
			open = open[:len(open)-1]
		case "OFFSET", "CHANNELS":
			if len(open) == 0 {
				return fmt.Errorf("%s outside a bone", f[0])
			}
			if at := open[len(open)-1]; at >= 0 {
				if err := p.field(&p.bones[at], f); err != nil {
					return err
				}
			}
		case "MOTION":
			if len(open) > 0 || len(p.bones) == 0 {
				return fmt.Errorf("the skeleton is not complete")
			}
			return nil
		default:
			return fmt.Errorf("%q has no place in a skeleton", short(f[0]))
		}
	}
}

// field reads where a bone is, and how it moves.
func (p *bvh) field(b *bone, f []string) error {
	if f[0] == "OFFSET" {
		if len(f) != 4 {
			return fmt.Errorf("an offset of %d numbers", len(f)-1)
		}
		for i := range b.offset {
			v, err := number(f[1+i])
			if err != nil {
				return err
			}
			b.offset[i] = v
		}
		return nil
	}
	if len(f) < 2 || f[1] != strconv.Itoa(len(f)-2) || len(f) > 8 || b.channels != nil {
		return fmt.Errorf("channels that are not as many as they say, or named twice")
	}
	for _, name := range f[2:] {
		if !slices.Contains([]string{"Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation"}, name) {
			return fmt.Errorf("no channel %q", short(name))
		}
	}
	b.channels = f[2:]
	if p.channels += len(b.channels); p.channels > mostChannels {
		return fmt.Errorf("more than %d channels", mostChannels)
	}
	return nil
}

func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(math.Abs(v) < 1e6) {
		return 0, fmt.Errorf("%q is no number of a motion", short(s))
	}
	return v, nil
}

// skeleton is where the bones are that a robot has too.
type skeleton struct {
	hips, chest          int
	shoulder, elbow, end [2]int // of upper arms and forearms: left, right
}

// words by which bones are known, in order of preference, without prefix and case.
var words = map[string][]string{
	"hips":     {"hips", "pelvis", "hip", "root"},
	"chest":    {"chest", "spine3", "spine2", "upperchest", "spine1", "spine"},
	"shoulder": {"arm", "upperarm", "uparm"},
	"elbow":    {"forearm", "lowerarm", "lowarm", "elbow"},
	"hand":     {"hand", "wrist"},
}

// skeleton finds the bones.
func (p *bvh) skeleton() (*skeleton, error) {
	k := &skeleton{}
	find := func(to *int, side, part string) error {
		for _, w := range words[part] {
			for i := range p.bones {
				if plain(p.bones[i].name) == side+w || side != "" && plain(p.bones[i].name) == w+side[:1] {
					*to = i
					return nil
				}
			}
		}
		return fmt.Errorf("the skeleton has no bone %q, nor another name of it that is known", side+words[part][0])
	}
	for _, err := range []error{find(&k.hips, "", "hips"), find(&k.chest, "", "chest")} {
		if err != nil {
			return nil, err
		}
	}
	for i, side := range []string{"left", "right"} {
		for _, err := range []error{find(&k.shoulder[i], side, "shoulder"), find(&k.elbow[i], side, "elbow"), find(&k.end[i], side, "hand")} {
			if err != nil {
				return nil, err
			}
		}
	}
	return k, nil
}

// plain is a bone's name without prefix, case and punctuation.
func plain(name string) string {
	name = strings.ToLower(name[strings.LastIndexByte(name, ':')+1:])
	return strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(name)
}

// motion reads the frames.
func (p *bvh) motion(k *skeleton) (*Clip, error) {
	count, err := p.value("Frames:")
	if err != nil {
		return nil, err
	}
	f, err := p.next()
	if err != nil {
		return nil, err
	}
	if len(f) != 3 || f[0] != "Frame" || f[1] != "Time:" {
		return nil, fmt.Errorf("%q where the time of a frame is said", short(strings.Join(f, " ")))
	}
	span, err := number(f[2])
	if err != nil || !(span >= 1e-3 && span <= 1) {
		return nil, fmt.Errorf("frames of %q s", short(f[2]))
	}
	c := &Clip{Rate: 1 / span}
	poses := make([]placed, len(p.bones))
	values := make([]float64, p.channels)
	for range count {
		if f, err = p.next(); err != nil {
			return nil, err
		}
		if len(f) != p.channels {
			return nil, fmt.Errorf("%d numbers for %d channels", len(f), p.channels)
		}
		for i := range values {
			if values[i], err = number(f[i]); err != nil {
				return nil, err
			}
		}
		p.place(poses, values)
		var last *frame
		if n := len(c.frames); n > 0 {
			last = &c.frames[n-1]
		}
		c.frames = append(c.frames, k.frame(poses, last))
	}
	k.scale(c)
	return c, nil
}

func (p *bvh) value(name string) (int, error) {
	f, err := p.next()
	if err != nil {
		return 0, err
	}
	if len(f) == 2 && f[0] == name {
		if n, err := strconv.Atoi(f[1]); err == nil && n >= 0 && n <= mostFrames {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%q where %s and a number up to %d are expected", short(strings.Join(f, " ")), name, mostFrames)
}

// placed is where a bone is in the world: x ahead, y left, z up.
type placed struct {
	at   mechanism.Vector
	turn mechanism.Quaternion
}

// ours turns BVH's axes (z ahead, x left, y up) to the robot's.
func ours(v mechanism.Vector) mechanism.Vector { return mechanism.Vector{v[2], v[0], v[1]} }

// place computes where all bones are: rotations in the order of the channels.
func (p *bvh) place(to []placed, values []float64) {
	for i := range p.bones {
		b := &p.bones[i]
		at, turn := ours(b.offset), mechanism.Quaternion{1}
		var moved mechanism.Vector
		for k, name := range b.channels {
			v := values[b.first+k]
			axis := int(name[0] - 'X')
			if name[1] == 'p' {
				moved[axis] = v
				continue
			}
			var a mechanism.Vector
			a[axis] = 1
			turn = turn.Mul(mechanism.Turn(ours(a), v*math.Pi/180))
		}
		at = at.Add(ours(moved))
		if b.parent >= 0 {
			up := &to[b.parent]
			at, turn = up.at.Add(up.turn.Rotate(at)), up.turn.Mul(turn)
		}
		to[i] = placed{at, turn}
	}
}

// frame makes the joints of a robot of a skeleton's pose.
func (k *skeleton) frame(p []placed, last *frame) frame {
	f := frame{pelvis: p[k.hips].at, turn: p[k.hips].turn}
	chest := p[k.chest].turn
	waist := p[k.hips].turn.Conjugate().Mul(chest)
	f.joint[waistYaw], f.joint[waistRoll], f.joint[waistPitch] = angles(waist)
	for side, first := range []channel{leftArm, rightArm} {
		shoulder, elbow, hand := p[k.shoulder[side]].at, p[k.elbow[side]].at, p[k.end[side]].at
		upper := chest.Conjugate().Rotate(elbow.Sub(shoulder))
		lower := chest.Conjugate().Rotate(hand.Sub(elbow))
		var before *[joints]float64
		if last != nil {
			before = &last.joint
		}
		reachArm(&f.joint, before, first, upper, lower)
	}
	return f
}

// angles are those of a turn about z, then x, then y, as a waist's joints follow each
// other.
func angles(q mechanism.Quaternion) (yaw, roll, pitch float64) {
	m := q.Matrix()
	roll = math.Asin(min(1, max(-1, m[7])))
	return math.Atan2(-m[1], m[4]), roll, math.Atan2(-m[6], m[8])
}

// reachArm finds the joints of an arm that point upper arm and forearm in directions in
// the chest's axes. The upper arm of a robot points along Ry(p)·Rx(r)·(0, 0, −1), its
// forearm, in the axes of the upper arm, along Rz(y)·Ry(e)·(1, 0, 0).
func reachArm(to, before *[joints]float64, first channel, upper, lower mechanism.Vector) {
	u, l := upper.Norm(), lower.Norm()
	if u < 1e-9 || l < 1e-9 {
		if before != nil {
			copy(to[first:first+7], before[first:first+7])
		}
		return
	}
	upper, lower = upper.Scale(1/u), lower.Scale(1/l)
	roll := math.Asin(min(1, max(-1, upper[1])))
	pitch := math.Atan2(-upper[0], -upper[2])
	turn := mechanism.Turn(mechanism.Vector{0, 1, 0}, pitch).Mul(mechanism.Turn(mechanism.Vector{1, 0, 0}, roll))
	g := turn.Conjugate().Rotate(lower)
	elbow := math.Asin(min(1, max(-1, -g[2])))
	yaw := math.Atan2(g[1], g[0])
	if before != nil {
		if math.Hypot(upper[0], upper[2]) < 0.1 { // it points to the side: its pitch is any
			pitch = before[first]
		}
		if math.Hypot(g[0], g[1]) < 0.15 { // the arm is stretched: its yaw is any
			yaw = before[first+2]
		}
		pitch = before[first] + math.Remainder(pitch-before[first], 2*math.Pi)
		yaw = before[first+2] + math.Remainder(yaw-before[first+2], 2*math.Pi)
	}
	to[first], to[first+1], to[first+2], to[first+3] = pitch, roll, yaw, elbow
}

// tall is how high the pelvis of the robots is, m.
const tall = 0.75

// scale brings lengths to those of the robot, whatever the file's unit.
func (k *skeleton) scale(c *Clip) {
	height := 0.0
	for i := range c.frames {
		height = max(height, math.Abs(c.frames[i].pelvis[2]))
	}
	if height < 1e-6 {
		return
	}
	for i := range c.frames {
		c.frames[i].pelvis = c.frames[i].pelvis.Scale(tall / height)
	}
}
