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

// Heights in the plot, in pixels; widths are percent, so that its letters have
// the size of all others on any screen. A name stands above its bar.
const (
	rowHeight   = 38
	labelHeight = 18
	barHeight   = 14
	axisHeight  = 40
)

// asks says what is asked of a model, for who has not heard of the task.
var asks = map[task.Kind]string{
	task.Blimp:  "Pairs of sentences that differ in one thing, which makes one of them wrong. What counts is how often the model finds the right one likelier.",
	task.Choice: "Questions, or beginnings, with several endings. What counts is how often the model finds the right ending likeliest.",
	task.Exact:  "Problems that have a number for an answer. What counts is how often the model writes the right one.",
	task.BPB:    "Texts that the model is to predict. What counts is how many bits it needs for a byte of them: the fewer, the better.",
}

// plot is what the template draws: numbers that are ready to be set.
type plot struct {
	Page
	Title, Asks    string
	Sign, Axis     string // of the score: " %", "percent right"
	Items          string // what is counted
	Verdict        string // of the comparison
	Digits         int
	Height, Bottom int // of the picture, and of the bars in it
	Ticks          []tick
	Rows           []bar
}

type tick struct {
	X     float64
	Label string
}

// bar is one row: a figure with 95 % of confidence around it, and the other's.
// What lies across is in percent of the width.
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
	d := plot{Page: p, Title: p.Name, Asks: asks[p.Task], Sign: "\u00a0%", Axis: "percent right", Items: p.items(), Digits: 2}
	if p.Task == task.BPB {
		d.Digits, d.Sign, d.Axis = 4, " bits per byte", "bits per byte"
	}
	d.Verdict = p.verdict()
	rows := []SetFigure{{"all together", p.Figure}}
	if len(p.Sets) == 1 {
		rows[0].Set = p.Sets[0].Set
	} else {
		rows = append(rows, p.Sets...)
	}
	top := d.top(rows)
	x := func(v float64) float64 { return 100 * math.Max(0, math.Min(v, top)) / top }
	for i := range 5 {
		v := top * float64(i) / 4
		d.Ticks = append(d.Ticks, tick{x(v), fmt.Sprintf("%.3g", v)})
	}
	for i, r := range rows {
		d.Rows = append(d.Rows, d.row(i, r, x))
	}
	d.Bottom = rowHeight * len(rows)
	d.Height = d.Bottom + axisHeight
	return pageTemplate.Execute(w, d)
}

// few items are too few for the interval of a difference to be right.
const few = 30

// verdict says which of two models is better, if that can be told.
func (p Page) verdict() string {
	c := p.Comparison
	switch {
	case c == nil:
		return ""
	case p.Figure.N < few:
		return fmt.Sprintf("Which of the two is better cannot be told from fewer than %d %s.", few, p.items())
	case c.Interval[0] <= 0 && c.Interval[1] >= 0:
		return "Which of the two is better cannot be told: the difference may be chance."
	case (c.Difference > 0) != (p.Task == task.BPB):
		return p.Model + " is better on such " + p.items() + "."
	}
	return p.Other + " is better on such " + p.items() + "."
}

// items is what is counted.
func (p Page) items() string {
	if p.Task == task.BPB {
		return "texts"
	}
	return "items"
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
