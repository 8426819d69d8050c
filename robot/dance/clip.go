package dance

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

// A Clip is a dance that somebody danced: joints of arms and waist, and how the pelvis
// moved, frame by frame. What the legs did is not in it: the controller finds it anew.
type Clip struct {
	Rate   float64 // frames a second
	frames []frame
}

// frame is a moment of a clip.
type frame struct {
	joint  [joints]float64
	pelvis mechanism.Vector // where it is, m; z is up
	turn   mechanism.Quaternion
}

// Bounds of clips.
const (
	mostFrames = 60 * 60 * 20
	clipBytes  = 256 << 20 // unpacked
)

// Seconds is how long a clip lasts.
func (c *Clip) Seconds() float64 { return float64(len(c.frames)-1) / c.Rate }

// ReadClip reads a clip from a file: a BVH file, or a CSV file as [ReadCSV] does, of 60
// frames a second; either may be packed by gzip.
func ReadClip(name string) (*Clip, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read a motion: %w", err)
	}
	defer f.Close()
	c, err := readClip(f, name)
	if err != nil {
		return nil, fmt.Errorf("read a motion from %s: %w", name, err)
	}
	return c, nil
}

func readClip(f io.Reader, name string) (*Clip, error) {
	r := bufio.NewReader(f)
	if start, _ := r.Peek(2); bytes.HasPrefix(start, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r, name = bufio.NewReader(z), strings.TrimSuffix(name, ".gz")
	}
	if start, _ := r.Peek(64); bytes.HasPrefix(start, []byte("version https://git-lfs")) {
		return nil, errors.New("this is Git LFS's pointer to the file, not the file: fetch it with git lfs pull")
	}
	switch {
	case strings.HasSuffix(strings.ToLower(name), ".bvh"):
		return ReadBVH(r)
	case strings.HasSuffix(strings.ToLower(name), ".csv"):
		return ReadCSV(r, 60)
	}
	return nil, fmt.Errorf("its name ends neither in .bvh nor in .csv, with or without .gz")
}

// columns of a CSV file: position and quaternion (x, y, z, w) of the pelvis, then the
// joints in the order of [humanoid.Joints].
const columns = 7 + len(humanoid.Joints)

// ReadCSV reads a motion that has been brought to a robot with the joints of ours, in
// the layout of Unitree's and LAFAN1's files: no head line, columns as above, rate frames
// a second.
func ReadCSV(r io.Reader, rate float64) (*Clip, error) {
	c := &Clip{Rate: rate}
	s := bufio.NewScanner(io.LimitReader(r, clipBytes))
	for line := 1; s.Scan(); line++ {
		fields := strings.Split(strings.TrimSpace(s.Text()), ",")
		if len(fields) == 1 && fields[0] == "" {
			continue
		}
		if len(fields) != columns {
			return nil, fmt.Errorf("line %d: %d columns instead of %d", line, len(fields), columns)
		}
		var x [columns]float64
		for i, f := range fields {
			v, err := strconv.ParseFloat(strings.TrimSpace(f), 64)
			if err != nil || !(math.Abs(v) < 1e4) {
				return nil, fmt.Errorf("line %d, column %d: %q is no position", line, i+1, short(f))
			}
			x[i] = v
		}
		f := frame{pelvis: mechanism.Vector(x[:3]), turn: mechanism.Quaternion{x[6], x[3], x[4], x[5]}}
		if n := f.turn[0]*f.turn[0] + f.turn[1]*f.turn[1] + f.turn[2]*f.turn[2] + f.turn[3]*f.turn[3]; math.Abs(n-1) > 0.1 {
			return nil, fmt.Errorf("line %d, columns 4 to 7: a quaternion of length %.2f", line, math.Sqrt(n))
		}
		for i, name := range humanoid.Joints {
			if c := role(name); c >= 0 {
				f.joint[c] = x[7+i]
			}
		}
		if c.frames = append(c.frames, f); len(c.frames) > mostFrames {
			return nil, fmt.Errorf("line %d: more than %d frames", line, mostFrames)
		}
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	return c, c.check()
}

func (c *Clip) check() error {
	if len(c.frames) < 10 {
		return fmt.Errorf("%d frames: at least 10 are a motion", len(c.frames))
	}
	if !(c.Rate >= 1 && c.Rate <= 1000) {
		return fmt.Errorf("%g frames a second", c.Rate)
	}
	return nil
}

// Beats returns the clip's motion beats: when its joints are slowest for a moment, s.
func (c *Clip) Beats() []float64 {
	speed := make([]float64, len(c.frames)-1)
	for i := range speed {
		for k := range c.frames[i].joint {
			speed[i] += math.Abs(c.frames[i+1].joint[k]-c.frames[i].joint[k]) * c.Rate / float64(joints)
		}
	}
	beats := MotionBeats(speed, c.Rate)
	for i := range beats {
		beats[i] += 0.5 / c.Rate // a speed is between two frames
	}
	return beats
}
