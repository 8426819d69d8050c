package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"samovar"
)

type runsCurve struct {
	IDs []string `arg:"" name:"id" help:"Runs of training or tuning: their numbers, or digests that they made."`
	Out string   `required:"" placeholder:"FILE" help:"A plot (.svg) or a table (.csv), which must not exist."`
}

// Run writes how runs of training went, as a plot or a table.
func (c *runsCurve) Run(g *globals) (err error) {
	write, ok := map[string]func(io.Writer, []named) error{".svg": plotCurves, ".csv": tableCurves}[filepath.Ext(c.Out)]
	if !ok {
		return fmt.Errorf("write the curves to %s: .svg or .csv is expected", c.Out)
	}
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	var all []named
	for _, id := range c.IDs {
		r, err := s.run(g, id)
		if err != nil {
			return err
		}
		curve, err := s.curve(r)
		if err == nil && len(curve.Points) == 0 {
			err = fmt.Errorf("run %s, %s, has no curve: those of training and tuning have", r.ID, r.Stage)
		}
		if err != nil {
			return err
		}
		all = append(all, named{fmt.Sprintf("run %s, %s %s", r.ID, r.Stage, r.Outputs[0].Short()), curve})
	}
	var b strings.Builder
	if err := write(&b, all); err != nil {
		return fmt.Errorf("write the curves to %s: %w", c.Out, err)
	}
	return writeNew(c.Out, []byte(b.String()))
}

// named is a curve with what it is of.
type named struct {
	name string
	samovar.Curve
}

// curve reads that of a run; it is empty for runs of other stages, and for those
// that were finished before curves were kept.
func (s *store) curve(r samovar.Run) (c samovar.Curve, err error) {
	if r.Curve == "" {
		return c, nil
	}
	text, err := s.Blob(r.Curve)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		err = fmt.Errorf("read the curve of run %s: %w", r.ID, err)
	}
	return c, err
}

func tableCurves(w io.Writer, all []named) error {
	t := csv.NewWriter(w)
	err := t.Write([]string{"run", "step", "tokens", "loss", "bits_per_byte", "tokens_per_second", "joules"})
	known := func(v float64) string {
		if v == 0 {
			return ""
		}
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	for _, c := range all {
		for _, p := range c.Points {
			err = errors.Join(err, t.Write([]string{c.name, fmt.Sprint(p.Step), fmt.Sprint(p.Tokens),
				known(p.Loss), known(p.BitsPerByte), known(p.TokensPerSecond), known(p.Joules)}))
		}
	}
	t.Flush()
	return errors.Join(err, t.Error())
}

// plot is one of the plots that lie side by side: so wide and high, from left on,
// in pixels.
type plot struct {
	title      string
	left       float64
	of         func(samovar.Point) float64 // 0: not known
	x, low, up float64                     // what the edges stand for: 0 to x tokens, low to up
}

const plotWidth, plotHeight, plotTop, plotBottom = 300.0, 220.0, 30.0, 40.0

// colours of the curves, one after another: those of Okabe and Ito (2008), which
// people who do not see all colours tell apart, and which light and dark pages bear.
var colours = []string{"#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9"}

func plotCurves(w io.Writer, all []named) error {
	plots := []plot{
		{title: "loss, nats per token", left: 50, of: func(p samovar.Point) float64 { return p.Loss }},
		{title: "bits per byte on held-out text", left: 430, of: func(p samovar.Point) float64 { return p.BitsPerByte }},
	}
	height := plotTop + plotHeight + plotBottom + 18*float64(len(all))
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 %g" font-family="system-ui, sans-serif" font-size="12" fill="#808080" stroke-width="1.5">`+"\n", height)
	for _, p := range plots {
		p.fit(all)
		err = errors.Join(err, p.write(w, all))
	}
	for i, c := range all {
		_, e := fmt.Fprintf(w, `<text x="50" y="%g" fill="%s">%s</text>`+"\n", height-18*float64(len(all)-i)+12, colours[i%len(colours)], html.EscapeString(c.name))
		err = errors.Join(err, e)
	}
	_, e := fmt.Fprintln(w, "</svg>")
	return errors.Join(err, e)
}

// fit finds what the edges stand for: from a little below the least to what the
// curve has a twentieth of its way in, for the first steps would leave the rest flat.
func (p *plot) fit(all []named) {
	p.low, p.up = math.Inf(1), math.Inf(-1)
	for _, c := range all {
		end := float64(c.Points[len(c.Points)-1].Tokens)
		p.x = max(p.x, end)
		for _, at := range c.Points {
			v := p.of(at)
			if v == 0 {
				continue
			}
			p.low = min(p.low, v)
			if float64(at.Tokens) >= end/20 {
				p.up = max(p.up, v)
			}
		}
	}
	margin := max((p.up-p.low)/20, 1e-3)
	p.low, p.up = p.low-margin, p.up+margin
}

func (p *plot) write(w io.Writer, all []named) (err error) {
	print := func(format string, args ...any) {
		_, e := fmt.Fprintf(w, format+"\n", args...)
		err = errors.Join(err, e)
	}
	print(`<text x="%g" y="18">%s</text>`, p.left, p.title)
	if math.IsInf(p.low, 0) || math.IsInf(p.up, 0) {
		print(`<text x="%g" y="%g">was not measured</text>`, p.left+90, plotTop+plotHeight/2)
		return err
	}
	y := func(v float64) float64 { return plotTop + plotHeight*(p.up-v)/(p.up-p.low) }
	x := func(v float64) float64 { return p.left + plotWidth*v/p.x }
	for _, v := range ticks(p.low, p.up) {
		print(`<path stroke="#80808040" d="M%g %.1fh%g"/><text x="%g" y="%.1f" text-anchor="end">%.4g</text>`, p.left, y(v), plotWidth, p.left-6, y(v)+4, v)
	}
	for _, v := range ticks(0, p.x/1e6) {
		print(`<text x="%.1f" y="%g" text-anchor="middle">%.4gM</text>`, x(v*1e6), plotTop+plotHeight+16, v)
	}
	print(`<text x="%g" y="%g" text-anchor="middle">tokens</text>`, p.left+plotWidth/2, plotTop+plotHeight+32)
	for i, c := range all {
		var path strings.Builder
		command := "M"
		for _, at := range c.Points {
			if v := p.of(at); v != 0 && v <= p.up {
				fmt.Fprintf(&path, "%s%.1f %.1f", command, x(float64(at.Tokens)), y(v))
				command = "L"
			}
		}
		print(`<path fill="none" stroke="%s" d="%s"/>`, colours[i%len(colours)], path.String())
	}
	return err
}

// ticks returns round numbers from low to up, some four of them.
func ticks(low, up float64) (all []float64) {
	step := math.Pow(10, math.Floor(math.Log10((up-low)/4)))
	for _, times := range []float64{5, 2.5, 2} {
		if (up-low)/(step*times) >= 3 {
			step *= times
			break
		}
	}
	for i := math.Ceil(low / step); i*step <= up; i++ {
		all = append(all, i*step)
	}
	return all
}
