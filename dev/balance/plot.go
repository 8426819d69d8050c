package main

import (
	"fmt"
	"math"
	"os"
	"strings"

	"samovar/robot/balance"
	"samovar/robot/mechanism"
	"samovar/robot/score"
)

// plot draws the last seconds of a run: the capture point and the soles from above, and
// how far the torso tilts over time.
type plot struct {
	path   string
	frames []frame
}

// frame is one tick of it.
type frame struct {
	at      float64 // s
	capture mechanism.Vector
	soles   [2][4]mechanism.Vector // corners of the rectangle that is drawn for each
	stands  [2]bool
	tilt    float64 // rad
	push    mechanism.Vector
}

// shown is how much of a run's end is drawn, s.
const shown = 3.0

// see adds a tick.
func (p *plot) see(m *score.Moment) {
	if p.path == "" {
		return
	}
	c, truth := m.Controller, m.Truth
	f := frame{at: truth.Time.Seconds(), capture: c.View.Capture, tilt: truth.Tilt, push: truth.Push}
	e := c.Estimate()
	for i := range e.Robot.Legs {
		l := &e.Robot.Legs[i]
		at, turn := l.Pose(e.Now)
		for k, corner := range [][2]float64{{1, 1}, {-1, 1}, {-1, -1}, {1, -1}} {
			f.soles[i][k] = at.Add(turn.Rotate(mechanism.Vector{corner[0] * l.Half[0], corner[1] * l.Half[1]}))
		}
		f.stands[i] = c.View.Phase != balance.Swinging || c.View.Foot != i
	}
	p.frames = append(p.frames, f)
}

// write draws the file.
func (p *plot) write() error {
	if p.path == "" || len(p.frames) == 0 {
		return nil
	}
	last := p.frames[len(p.frames)-1].at
	frames := p.frames
	for len(frames) > 1 && frames[0].at < last-shown {
		frames = frames[1:]
	}
	var b strings.Builder
	fmt.Fprint(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 520" font-family="sans-serif" font-size="12" fill="none">
<rect width="640" height="520" fill="#fffdf8"/>
`)
	above(&b, frames)
	over(&b, frames)
	b.WriteString("</svg>\n")
	return os.WriteFile(p.path, []byte(b.String()), 0o644)
}

// above draws the floor, as large as it fits: the robot's first heading is to the right.
func above(b *strings.Builder, frames []frame) {
	low, high := frames[0].capture, frames[0].capture
	for _, f := range frames {
		for _, v := range append(append(f.soles[0][:], f.soles[1][:]...), f.capture) {
			for c := range 2 {
				low[c], high[c] = min(low[c], v[c]), max(high[c], v[c])
			}
		}
	}
	size := min(600/(high[0]-low[0]), 300/(high[1]-low[1])) // of 1 m
	x := func(v mechanism.Vector) float64 { return 320 + size*(v[0]-(low[0]+high[0])/2) }
	y := func(v mechanism.Vector) float64 { return 200 - size*(v[1]-(low[1]+high[1])/2) }
	line := func(points []mechanism.Vector, style string) {
		fmt.Fprint(b, `<path d="`)
		for k, v := range points {
			fmt.Fprintf(b, "%c%.1f %.1f", "ML"[min(k, 1)], x(v), y(v))
		}
		fmt.Fprintf(b, "\" %s/>\n", style)
	}
	colour := [2]string{"#2b6cb0", "#2f855a"}
	for i := range frames[0].soles {
		for k, f := range frames {
			begins := k == 0 || f.stands[i] && !frames[k-1].stands[i]
			if begins {
				line(append(f.soles[i][:], f.soles[i][0]), fmt.Sprintf(`stroke="%s" fill="%[1]s" fill-opacity="0.12"`, colour[i]))
			}
		}
	}
	var way []mechanism.Vector
	for k, f := range frames {
		if k%4 == 0 {
			way = append(way, f.capture)
		}
		if pushed := k > 0 && f.push != (mechanism.Vector{}) && frames[k-1].push == (mechanism.Vector{}); pushed {
			line([]mechanism.Vector{f.capture, f.capture.Add(f.push.Scale(0.15 / f.push.Norm()))}, `stroke="#c53030" stroke-width="3"`)
			fmt.Fprintf(b, "<text x=\"%.0f\" y=\"%.0f\" fill=\"#c53030\">pushed at %.2f s</text>\n", x(f.capture)+8, y(f.capture)-10, f.at)
		}
	}
	line(way, `stroke="#8b3fa8" stroke-width="1.5"`)
	fmt.Fprintf(b, `<text x="12" y="20" fill="#333">from above: soles where they stood (left blue, right green), the capture point's way (violet); 0.2 m:</text>
<path d="M12 30h%.0f" stroke="#333"/>
`, 0.2*size)
}

// over draws the tilt over time, with bands while a foot swings.
func over(b *strings.Builder, frames []frame) {
	from, long := frames[0].at, max(0.1, frames[len(frames)-1].at-frames[0].at)
	x := func(at float64) float64 { return 40 + 580*(at-from)/long }
	y := func(tilt float64) float64 { return 500 - 110*tilt/(math.Pi/3) }
	lifted := math.NaN()
	for k, f := range frames {
		swings := k < len(frames)-1 && !(f.stands[0] && f.stands[1])
		if swings && math.IsNaN(lifted) {
			lifted = f.at
		} else if !swings && !math.IsNaN(lifted) {
			fmt.Fprintf(b, "<rect x=\"%.1f\" y=\"390\" width=\"%.1f\" height=\"110\" fill=\"#e8e0d0\"/>\n", x(lifted), x(f.at)-x(lifted))
			lifted = math.NaN()
		}
	}
	fmt.Fprint(b, `<path d="M40 500H620M40 390H620" stroke="#999"/>
<text x="8" y="504" fill="#333">0°</text><text x="8" y="394" fill="#333">60°</text>
<text x="40" y="382" fill="#333">the torso's tilt; a foot swings in the bands</text>
`)
	fmt.Fprintf(b, "<text x=\"40\" y=\"516\" fill=\"#333\">%.1f s</text><text x=\"590\" y=\"516\" fill=\"#333\">%.1f s</text>\n<path d=\"", from, from+long)
	for k := 0; k < len(frames); k += 4 {
		fmt.Fprintf(b, "%c%.1f %.1f", "ML"[min(k, 1)], x(frames[k].at), y(min(frames[k].tilt, math.Pi/3)))
	}
	b.WriteString("\" stroke=\"#c05621\" stroke-width=\"1.5\"/>\n")
}
