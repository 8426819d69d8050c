package eval

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"

	"samovar/eval/task"
)

// Page is the report of an examination as one HTML file: plots as SVG, both
// themes, no script, nothing to fetch.
type Page struct {
	Model, Other string // as they were called
	Examination
	Comparison *Comparison // nil: there is no other
	Run        string      // that made it
}

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Sizes of the plot, in units of the picture, which fills the width of a phone.
// A name stands above its bar.
const (
	plotWidth   = 440
	scoreWidth  = 70
	rowHeight   = 38
	labelHeight = 18
	barHeight   = 14
)

// plot is what the template draws: numbers that are ready to be set.
type plot struct {
	Page
	Title         string
	Digits        int
	Width, Height int
	Right, Bottom int // of the bars
	Ticks         []tick
	Rows          []bar
}

type tick struct {
	X     float64
	Label string
}

// bar is one row: a figure with 95 % of confidence around it, and the other's.
type bar struct {
	Name         string
	Label, Value float64 // where the texts stand
	N            int
	Score, Error string
	Chance       string
	ChanceX      float64
	Top, Bottom  float64 // of the line of chance
	First, Other mark
	Theirs, Diff string // of the other: its score and the difference
	Strong       bool   // of all sets together
}

// mark is a bar and its whisker.
type mark struct {
	Y, Height, Width, Low, High, Middle float64
}

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	d := plot{Page: p, Title: p.Name, Digits: 2, Right: plotWidth, Width: plotWidth + scoreWidth}
	if p.Task == task.BPB {
		d.Digits = 4
	}
	rows := []SetFigure{{"all", p.Figure}}
	if len(p.Sets) > 1 {
		rows = append(rows, p.Sets...)
	}
	top := d.top(rows)
	x := func(v float64) float64 { return plotWidth * math.Max(0, math.Min(v, top)) / top }
	for i := range 5 {
		v := top * float64(i) / 4
		d.Ticks = append(d.Ticks, tick{x(v), fmt.Sprintf("%.3g", v)})
	}
	for i, r := range rows {
		d.Rows = append(d.Rows, d.row(i, r, x))
	}
	d.Bottom = rowHeight * len(rows)
	d.Height = d.Bottom + 22
	return pageTemplate.Execute(w, d)
}

// top is the end of the axis: 100 % or, of bits per byte, what holds all.
func (d plot) top(rows []SetFigure) float64 {
	if d.Task != task.BPB {
		return 100
	}
	top := d.Figure.Chance
	for _, r := range rows {
		top = math.Max(top, r.Score+z95*r.StandardError)
	}
	return math.Ceil(top)
}

func (d plot) row(i int, f SetFigure, x func(float64) float64) bar {
	number := func(v float64) string { return fmt.Sprintf("%.*f", d.Digits, v) }
	top := float64(rowHeight * i)
	y := top + labelHeight
	b := bar{
		Name: f.Set, Label: y - 4, Value: y + barHeight - 2, Top: y - 2, Bottom: y + barHeight + 2, N: f.N, Score: number(f.Score), Error: number(f.StandardError), Chance: fmt.Sprintf("%.3g", f.Chance),
		ChanceX: x(f.Chance), First: whisker(y, barHeight, f.Score, f.StandardError, x), Strong: i == 0,
	}
	c := d.Comparison
	if c == nil {
		return b
	}
	other := SetDifference{"", c.Score, c.ScoreError, c.Difference, c.StandardError}
	if i > 0 {
		other = c.Sets[i-1]
	}
	b.First = whisker(y, barHeight/2, f.Score, f.StandardError, x)
	b.Other = whisker(y+barHeight/2, barHeight/2, other.Score, other.ScoreError, x)
	b.Theirs, b.Diff = number(other.Score), fmt.Sprintf("%+.*f ± %.*f", d.Digits, other.Difference, d.Digits, z95*other.StandardError)
	return b
}

func whisker(y, height, score, err float64, x func(float64) float64) mark {
	return mark{y, height, x(score), x(score - z95*err), x(score + z95*err), y + height/2}
}
