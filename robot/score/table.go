package score

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"samovar/robot/dance"
)

// Condition is under what robots dance in some trials of a table.
type Condition struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"-"`       // most that a dance lasts
	Push    float64 `json:"push_ns"` // N·s
	Vary    bool    `json:"vary"`
	Fault   bool    `json:"fault"` // something goes wrong in mid-dance
	Stop    bool    `json:"stop"`  // the button is pressed in mid-dance
}

// Conditions are those of a table, the plain one first.
func Conditions() []Condition {
	return []Condition{
		{Name: "plain", Seconds: 60},
		{Name: "pushes of 5 N·s", Seconds: 30, Push: 5},
		{Name: "pushes of 10 N·s", Seconds: 30, Push: 10},
		{Name: "varied, pushes of 5 N·s", Seconds: 30, Push: 5, Vary: true},
		{Name: "varied, pushes of 10 N·s", Seconds: 30, Push: 10, Vary: true},
		{Name: "faults", Fault: true},
		{Name: "stops", Stop: true},
	}
}

// A dance goes on for some time before something goes wrong in it or the button is pressed,
// s, and is watched for watched after it: less than a kneel is given.
const (
	soonest = 4.0
	latest  = 10.0
	watched = 4.0
)

// Trial is the k-th trial of a condition, of a dance; t says the rest of it.
func (c Condition) Trial(t Trial, k int, d *dance.Dance) Trial {
	most := c.Seconds
	if c.Fault || c.Stop {
		random := rand.New(rand.NewPCG(t.Seed, 0x6661756c74))
		end := max(soonest, min(latest, d.Beats[len(d.Beats)-1]-1))
		at := soonest + (end-soonest)*random.Float64()
		most = at + watched
		if c.Fault {
			t.Fault = Faults[k%len(Faults)].At(at)
		} else {
			t.Stop = at
		}
	}
	if t.Seconds == 0 || most < t.Seconds {
		t.Seconds = most
	}
	t.Push, t.Vary = c.Push, c.Vary
	return t
}

// Tried is what came of the trials of a condition.
type Tried struct {
	Condition
	Results []Result `json:"results"`
}

// Row is a line of the table: what was measured, and whether it is as it must be.
type Row struct {
	Name     string  `json:"row"`
	Unit     string  `json:"unit,omitempty"`
	Trials   int     `json:"trials"`
	Count    *int    `json:"count,omitempty"` // of the trials in which it happened; Measured is then their share
	Measured float64 `json:"measured"`        // mean of the trials
	Low      float64 `json:"low"`             // 95 % interval of it
	High     float64 `json:"high"`
	Worst    float64 `json:"worst"` // of the trials
	Goal     Goal    `json:"goal"`
	Met      bool    `json:"met"`
}

// Goal is what a row must reach.
type Goal struct {
	Bound float64 `json:"bound"`
	Least bool    `json:"at_least"` // it is the least that is good enough, not the most
	Each  bool    `json:"each"`     // every trial must reach it, not their mean
}

// counted is a row of how often something happened, of which there must be no larger share.
func counted(name string, k, n int, most float64) Row {
	s := shareOf(k, n)
	return Row{Name: name, Trials: n, Count: &k, Measured: s.Share, Low: s.Low, High: s.High, Worst: float64(min(1, k)),
		Goal: Goal{Bound: most}, Met: s.Share <= most}
}

// measured is a row of figures, none of which is negative.
func measured(name, unit string, all []float64, g Goal) Row {
	f := FigureOf(all)
	r := Row{Name: name, Unit: unit, Trials: len(all), Measured: f.Mean, Low: max(0, f.Low), High: f.High, Worst: f.Greatest, Goal: g}
	if g.Least {
		r.Worst = f.Least
	}
	decides := r.Measured
	if g.Each {
		decides = r.Worst
	}
	r.Met = decides == g.Bound || decides > g.Bound == g.Least
	return r
}

// part is a row of figures between 0 and 1, whose mean must be large enough.
func part(name string, all []float64, least float64) Row {
	r := measured(name, "", all, Goal{Bound: least, Least: true})
	r.High = min(1, r.High)
	return r
}

// Ears are F-measures of beats of songs whose beats are known.
type Ears struct {
	Offline, Live []float64
}

// Table makes rows of what came of the conditions, each with its goal. What was not tried
// has none.
func Table(all []Tried, ears Ears) (rows []Row) {
	add := func(r Row) {
		if r.Trials > 0 {
			rows = append(rows, r)
		}
	}
	var together []Result
	for _, c := range all {
		add(counted("falls, "+c.Name, count(c.Results, func(r *Result) bool { return r.Fell }), len(c.Results), c.tolerates()))
		together = append(together, c.Results...)
	}
	beyond := count(together, func(r *Result) bool { return r.Violations > 0 })
	add(counted("dances in which a limit is passed", beyond, len(together), 0))
	add(part("F-measure of beats, offline", ears.Offline, 0.9))
	add(part("F-measure of beats, live", ears.Live, 0.8))
	for _, c := range all {
		for _, r := range c.figures() {
			add(r)
		}
	}
	return rows
}

// tolerates is the share of trials that may end in a fall.
func (c *Condition) tolerates() float64 {
	switch {
	case c.Push <= 5:
		return 0
	case c.Vary:
		return 0.1 // a factor of two
	}
	return 0.05
}

// count is how many results are such.
func count(all []Result, such func(*Result) bool) (n int) {
	for i := range all {
		if such(&all[i]) {
			n++
		}
	}
	return n
}

// figures are the other rows of a condition.
func (t *Tried) figures() []Row {
	collect := func(of func(*Result) (float64, bool)) (out []float64) {
		for i := range t.Results {
			if x, ok := of(&t.Results[i]); ok {
				out = append(out, x)
			}
		}
		return out
	}
	least := func(bound float64) Goal { return Goal{Bound: bound, Least: true} }
	switch {
	case t.Fault:
		took := collect(func(r *Result) (float64, bool) { return 1000 * orNever(r.Noticed), r.Noticed != nil || r.Stopped == "" })
		return []Row{measured("until a fault is noticed", "ms", took, Goal{Bound: 20, Each: true})}
	case t.Stop:
		took := collect(func(r *Result) (float64, bool) { return orNever(r.Stable), true })
		return []Row{measured("from the button to a stable stance", "s", took, Goal{Bound: 0.5, Each: true})}
	case t.Push > 0 || t.Vary:
		return nil
	}
	stands := func(of func(*Result) float64) []float64 {
		return collect(func(r *Result) (float64, bool) { return of(r), !r.Fell })
	}
	all := func(of func(*Result) float64) []float64 {
		return collect(func(r *Result) (float64, bool) { return of(r), true })
	}
	return []Row{
		part("alignment over music beats", stands(func(r *Result) float64 { return r.Music }), 0.5),
		part("alignment over motion beats", stands(func(r *Result) float64 { return r.Motion }), 0.5),
		measured("drift from the mark", "m", all(func(r *Result) float64 { return r.Drift }), Goal{Bound: 0.3, Each: true}),
		measured("mean joint speed", "rad/s", stands(func(r *Result) float64 { return r.JointSpeed }), least(dance.Published/2)),
		measured("times real time", "", all(func(r *Result) float64 { return r.Realtime }), least(3)),
		measured("control, 99 % of ticks", "ms", all(func(r *Result) float64 { return 1000 * Quantile(slices.Clone(r.Thought), 0.99) }), Goal{Bound: 1}),
	}
}

// never is what a time counts that did not end while it was watched, s.
const never = watched

func orNever(seconds *float64) float64 {
	if seconds == nil {
		return never
	}
	return *seconds
}

// String is what was measured, in words.
func (r *Row) String() string {
	if r.Count != nil {
		return fmt.Sprintf("%d of %d", *r.Count, r.Trials)
	}
	return number(r.Measured, r.Unit) + ", worst " + number(r.Worst, r.Unit)
}

// Interval is the 95 % interval, in words.
func (r *Row) Interval() string {
	if r.Count != nil {
		return fmt.Sprintf("%.1f to %.1f %%", 100*r.Low, 100*r.High)
	}
	return number(r.Low, "") + " to " + number(r.High, r.Unit)
}

// Aim is the goal, in words.
func (r *Row) Aim() string {
	sign := "≤ "
	if r.Goal.Least {
		sign = "≥ "
	}
	switch {
	case r.Count != nil && r.Goal.Bound == 0:
		return "none"
	case r.Count != nil:
		return fmt.Sprintf("%s%.0f %%", sign, 100*r.Goal.Bound)
	case r.Goal.Each:
		return sign + number(r.Goal.Bound, r.Unit) + " each"
	}
	return sign + number(r.Goal.Bound, r.Unit)
}

// number is a figure with its unit, with two digits after the point where it is small.
func number(x float64, unit string) string {
	digits := 2
	if math.Abs(x) >= 10 {
		digits = 1
	}
	if unit != "" {
		unit = " " + unit
	}
	return fmt.Sprintf("%.*f%s", digits, x, unit)
}
